/** `deltawatt explain`: octets to a tree. */
import { fromHex } from '../../base/bytes.ts';
import { EXPLAIN_LAYERS, type ExplainLayer, explain, explanationJson, explanationText } from '../../dlms/index.ts';
import { defineCommand } from '../command.ts';
import { EXIT, UsageError } from '../errors.ts';

const LAYERS = ['auto', ...EXPLAIN_LAYERS] as const;

/** Prints the tree as text or, with `--json`, as one document. Octets that are malformed end with exit 1 and say where. */
export const explainCommand = defineCommand({
  name: 'explain',
  summary: 'Takes the octets of a frame or message apart',
  arguments: '[--layer LAYER] [--json] HEX|-',
  details: `HEX may have spaces, colons and 0x, in one or several words; - reads it, or the bare octets, from stdin.
Layers: ${LAYERS.join(', ')}; auto finds the outermost by what the octets are.`,
  options: {
    layer: { kind: 'text', value: 'LAYER', what: 'the outermost layer, default auto' },
    json: { kind: 'flag', what: 'one JSON document instead of text' },
  },
  run: async (values, words, io) => {
    const layer = layerOf(values.layer ?? 'auto');
    if (words.length === 0) throw new UsageError('Give the octets as HEX, or - to read them from stdin.');
    const octets = words.length === 1 && words[0] === '-' ? fromStdin(await io.readStdin()) : fromText(words.join(''));
    const explanation = explain(octets, { layer });
    io.print(values.json ? `${JSON.stringify(explanationJson(explanation))}\n` : explanationText(explanation));
    return EXIT.done;
  },
});

function layerOf(given: string): ExplainLayer | 'auto' {
  const layer = LAYERS.find((one) => one === given);
  if (layer === undefined) throw new UsageError(`--layer takes one of ${LAYERS.join(', ')}, not ${given}.`);
  return layer;
}

const SEPARATORS = /[\s:,;]|0x/gi;
const HEX = /^([0-9a-f]{2})+$/i;

function fromText(text: string): Uint8Array {
  const digits = text.replace(SEPARATORS, '');
  if (HEX.test(digits)) return fromHex(digits);
  const strange = /[^0-9a-f]/i.exec(digits)?.[0];
  throw new UsageError(
    strange === undefined
      ? `An octet has two hexadecimal digits, so their number is even, not ${digits.length}.`
      : `This is not hexadecimal: ${JSON.stringify(strange)}.`,
  );
}

/** What reads as hex is hex; anything else is the octets themselves. */
function fromStdin(octets: Uint8Array): Uint8Array {
  if (octets.length === 0) throw new UsageError('There was nothing on stdin.');
  const digits = new TextDecoder('latin1').decode(octets).replace(SEPARATORS, '');
  return HEX.test(digits) ? fromHex(digits) : octets;
}
