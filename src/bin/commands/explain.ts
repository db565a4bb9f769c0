/** `deltawatt explain`: octets to a tree. */
import { fromHex } from '../../base/bytes.ts';
import { EXPLAIN_LAYERS, type ExplainLayer, explain } from '../../dlms/explain/explain.ts';
import { explanationJson, explanationText } from '../../dlms/explain/text.ts';
import { defineCommand } from '../command.ts';
import { EXIT, UsageError } from '../errors.ts';

const LAYERS = [...EXPLAIN_LAYERS, 'auto'] as const;

/** Explains octets given as hex, or read from stdin (hex, or raw octets). */
export const explainCommand = defineCommand({
  name: 'explain',
  summary: 'Says what the octets of a frame, a message or a value mean',
  arguments: '[--layer LAYER] [--json] HEX|-',
  details:
    'HEX may hold spaces; - reads stdin. With --json one document: {layer, messages, tree}; for notifications\nmessages[].readings[] holds what the meter said.',
  options: {
    layer: { kind: 'text', value: 'LAYER', what: `${LAYERS.join(', ')}; default auto` },
    json: { kind: 'flag', what: 'one JSON document' },
  },
  run: async (values, words, io) => {
    const [given] = words;
    if (words.length !== 1 || given === undefined)
      throw new UsageError('explain takes one argument: HEX, or - for stdin.');
    const octets = given === '-' ? octetsOfInput(await io.readStdin()) : octetsOfText(given);
    const explanation = explain(octets, { layer: layerOfText(values.layer ?? 'auto') });
    io.print(values.json ? `${JSON.stringify(explanationJson(explanation))}\n` : explanationText(explanation));
    return EXIT.done;
  },
});

function layerOfText(text: string): ExplainLayer | 'auto' {
  const layer = LAYERS.find((each) => each === text);
  if (layer === undefined) throw new UsageError(`--layer takes one of ${LAYERS.join(', ')}, not ${text}.`);
  return layer;
}

function octetsOfText(text: string): Uint8Array {
  try {
    return fromHex(text);
  } catch (error) {
    throw new UsageError(`The octets are not hex: ${error instanceof Error ? error.message : error}.`);
  }
}

/** Hex with white space, or, when anything else is in it, the octets themselves. */
function octetsOfInput(input: Uint8Array): Uint8Array {
  const text = new TextDecoder('latin1').decode(input);
  return /^[0-9a-fA-F\s]*$/.test(text) ? octetsOfText(text) : input;
}
