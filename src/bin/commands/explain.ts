/** `deltawatt explain`: octets to a tree. */
import { fromHex } from '../../base/bytes.ts';
import {
  EXPLAIN_LAYERS,
  type ExplainLayer,
  explain,
  explanationJson,
  explanationText,
  type Opener,
  openWith,
  SecretKey,
} from '../../dlms/index.ts';
import { defineCommand } from '../command.ts';
import { EXIT, UsageError } from '../errors.ts';

const LAYERS = ['auto', ...EXPLAIN_LAYERS] as const;

/** Prints the tree as text or, with `--json`, as one document. Octets that are malformed end with exit 1 and say where. */
export const explainCommand = defineCommand({
  name: 'explain',
  summary: 'Takes the octets of a frame or message apart',
  arguments: '[--layer LAYER] [--json] HEX|-',
  details: `HEX may have spaces, colons and 0x, in one or several words; - reads it, or the bare octets, from stdin.
Layers: ${LAYERS.join(', ')}; auto finds the outermost by what the octets are.
With --ek ciphered messages are opened; with --ak their tags are checked. Other users of this machine can see arguments.`,
  options: {
    layer: { kind: 'text', value: 'LAYER', what: 'the outermost layer, default auto' },
    ek: { kind: 'text', value: 'HEX', what: 'encryption key, 16 octets (32 in suite 2)' },
    ak: { kind: 'text', value: 'HEX', what: 'authentication key; without it tags are not checked' },
    dk: { kind: 'text', value: 'HEX', what: 'dedicated key of the association' },
    title: { kind: 'text', value: 'HEX', what: 'system title of the sender, 8 octets, where the message has none' },
    json: { kind: 'flag', what: 'one JSON document instead of text' },
  },
  run: async (values, words, io) => {
    const layer = layerOf(values.layer ?? 'auto');
    if (words.length === 0) throw new UsageError('Give the octets as HEX, or - to read them from stdin.');
    const octets = words.length === 1 && words[0] === '-' ? fromStdin(await io.readStdin()) : fromText(words.join(''));
    const explanation = explain(octets, { layer, open: openerOf(values) });
    io.print(values.json ? `${JSON.stringify(explanationJson(explanation))}\n` : explanationText(explanation));
    return EXIT.done;
  },
});

interface GivenKeys {
  readonly ek: string | undefined;
  readonly ak: string | undefined;
  readonly dk: string | undefined;
  readonly title: string | undefined;
}

/** Opens with the keys given; without an encryption or dedicated key nothing is opened. */
function openerOf({ ek, ak, dk, title }: GivenKeys): Opener {
  const encryption = keyOf(ek, '--ek') ?? keyOf(dk, '--dk');
  const dedicated = keyOf(dk, '--dk');
  const authentication = keyOf(ak, '--ak');
  const titleOctets = title === undefined ? null : fromText(title);
  if (titleOctets !== null && titleOctets.length !== TITLE_OCTETS)
    throw new UsageError(`--title takes ${TITLE_OCTETS} octets, not ${titleOctets.length}.`);
  if (encryption === null) {
    if (authentication !== null) throw new UsageError('--ak needs --ek too.');
    return () => null;
  }
  const keys = { encryption, authentication, title: titleOctets, ...(dedicated === null ? {} : { dedicated }) };
  return (apdu) => openWith(apdu, keys);
}

const TITLE_OCTETS = 8;

/** A key of 16 or 32 octets; what was given is not repeated in the error. */
function keyOf(given: string | undefined, option: string): SecretKey | null {
  if (given === undefined) return null;
  const digits = given.replace(SEPARATORS, '');
  if (!HEX.test(digits) || (digits.length !== 32 && digits.length !== 64))
    throw new UsageError(`${option} takes a key of 32 or 64 hexadecimal digits.`);
  return SecretKey.fromHex(digits);
}

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
