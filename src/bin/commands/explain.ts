/** `deltawatt explain`: octets to a tree. */
import { concat, fromHex } from '../../base/bytes.ts';
import { DeltawattError, reasonOf } from '../../base/errors.ts';
import {
  type CapturedPacket,
  type CaptureEvent,
  CaptureReader,
  captureEventJson,
  captureEventText,
  EXPLAIN_LAYERS,
  type ExplainLayer,
  explain,
  explanationJson,
  explanationText,
  type FollowKeys,
  isCaptureFile,
  type Opener,
  openWith,
  packetsOf,
  readHexDump,
  SecretKey,
} from '../../dlms/index.ts';
import { createHostEnv } from '../../host/env.ts';
import { explainMbus, mbusText } from '../../mbus/explain.ts';
import { type CommandIo, defineCommand, wholeNumber } from '../command.ts';
import { EXIT, UsageError } from '../errors.ts';
import { givenFile } from '../given-file.ts';

const LAYERS = ['auto', ...EXPLAIN_LAYERS] as const;

/** Prints the tree as text or, with `--json`, as one document. Octets that are malformed end with exit 1 and say where. */
export const explainCommand = defineCommand({
  name: 'explain',
  summary: 'Takes the octets of a frame or message apart',
  arguments: '[--layer LAYER] [--json] HEX|-|--file FILE',
  details: `HEX may have spaces, colons and 0x, in one or several words; - reads it, or the bare octets, from stdin.
FILE: pcap, pcapng, or a hex dump as xxd, hexdump -C, tcpdump -x or a terminal print it. A capture is followed session
by session: a line for each message, with --tree its fields, with --json one document a line.
Layers: ${LAYERS.join(', ')}; auto finds the outermost by what the octets are.
With --ek ciphered messages are opened; with --ak their tags are checked. Other users of this machine can see arguments.`,
  options: {
    layer: { kind: 'text', value: 'LAYER', what: 'the outermost layer, default auto' },
    ek: { kind: 'text', value: 'HEX', what: 'encryption key, 16 octets (32 in suite 2)' },
    ak: { kind: 'text', value: 'HEX', what: 'authentication key; without it tags are not checked' },
    dk: { kind: 'text', value: 'HEX', what: 'dedicated key of the association' },
    title: { kind: 'text', value: 'HEX', what: 'system title of the sender, 8 octets, where the message has none' },
    file: { kind: 'text', value: 'FILE', what: 'a capture or a hex dump' },
    port: { kind: 'texts', value: 'N', what: 'port of the meters in a capture, default 4059' },
    tree: { kind: 'flag', what: 'the fields of every message of a capture' },
    json: { kind: 'flag', what: 'one JSON document instead of text; of a capture one a message' },
  },
  run: async (values, words, io) => {
    if (values.file !== undefined) {
      if (words.length > 0) throw new UsageError('Give HEX or --file, not both.');
      return await explainFile(values, io);
    }
    const layer = layerOf(values.layer ?? 'auto');
    if (words.length === 0) throw new UsageError('Give the octets as HEX, or - to read them from stdin.');
    const isStdin = words.length === 1 && words[0] === '-';
    const given = isStdin ? await io.readStdin() : null;
    if (given !== null && isCaptureFile(given)) return await explainCapture(packetsOf(given), values, io);
    const octets = given === null ? fromText(words.join('')) : fromStdin(given);
    explainOctets(octets, layer, values, io);
    return EXIT.done;
  },
});

interface CaptureValues extends GivenKeys {
  readonly file: string | undefined;
  readonly port: readonly string[];
  readonly tree: boolean;
  readonly json: boolean;
}

const PORT_MAX = 65_535;
/** Link type of packets that begin with their IP header. */
const RAW_IP = 101;
/** Text is handed on in pieces of about so many characters. */
const PRINT_CHARACTERS = 65_536;

async function explainFile(
  values: CaptureValues & { readonly layer: string | undefined },
  io: CommandIo,
): Promise<number> {
  const path = values.file ?? '';
  const octets = await givenFile(createHostEnv({ logLevel: 'silent' }).disk, path);
  if (isCaptureFile(octets)) return await explainCapture(packetsOf(octets), values, io);
  const dump = readHexDump(new TextDecoder('latin1').decode(octets));
  if (dump?.kind === 'packets') return await explainCapture(rawPackets(dump.parts), values, io);
  const bare = dump === null ? octets : concat(dump.parts);
  explainOctets(bare, layerOf(values.layer ?? 'auto'), values, io);
  return EXIT.done;
}

/** Frames of a wired M-Bus with a meter's own data are known from those that carry DLMS by their CI. */
function explainOctets(
  octets: Uint8Array,
  layer: ExplainLayer | 'auto',
  values: GivenKeys & { readonly json: boolean },
  io: CommandIo,
): void {
  const frames = layer === 'auto' || layer === 'mbus' ? explainMbus(octets) : null;
  if (frames !== null) {
    io.print(values.json ? `${JSON.stringify({ layer: 'mbus', tree: frames })}\n` : mbusText(frames));
    return;
  }
  const explanation = explain(octets, { layer, open: openerOf(values) });
  io.print(values.json ? `${JSON.stringify(explanationJson(explanation))}\n` : explanationText(explanation));
}

function rawPackets(parts: readonly Uint8Array[]): CapturedPacket[] {
  return parts.map((octets, at) => ({ offset: at, atMs: null, linkType: RAW_IP, octets }));
}

/** A line or a document for each message; 1 when there was none, or when the file ends in the middle. */
async function explainCapture(
  packets: Iterable<CapturedPacket>,
  values: CaptureValues,
  io: CommandIo,
): Promise<number> {
  const ports = values.port.map((port) => wholeNumber('port', port, 1, PORT_MAX));
  const reader = new CaptureReader({ keys: keysOf(values), ...(ports.length === 0 ? {} : { ports }) });
  let waiting = '';
  const show = async (events: readonly CaptureEvent[]) => {
    for (const event of events)
      waiting += values.json ? `${JSON.stringify(captureEventJson(event))}\n` : captureEventText(event, values.tree);
    if (waiting.length < PRINT_CHARACTERS) return;
    io.print(waiting);
    waiting = '';
    await io.printed?.();
  };
  let damage: string | null = null;
  try {
    for (const packet of packets) await show(reader.take(packet));
  } catch (error) {
    if (!(error instanceof DeltawattError)) throw error;
    damage = reasonOf(error);
  }
  await show(reader.finish());
  io.print(waiting);
  const { packets: count, connections, apdus, skipped, otherPorts } = reader.summary;
  io.tell(`${apdus} messages in ${connections} connections; ${count} packets, ${skipped} of them no TCP or UDP.`);
  if (apdus === 0 && otherPorts.size > 0)
    io.tell(`Nothing on the port of the meters; there are packets to ${[...otherPorts].join(', ')}: try --port.`);
  if (damage !== null) io.tell(damage);
  return damage === null && apdus > 0 ? EXIT.done : EXIT.failed;
}

interface GivenKeys {
  readonly ek: string | undefined;
  readonly ak: string | undefined;
  readonly dk: string | undefined;
  readonly title: string | undefined;
}

/** Opens with the keys given; without an encryption or dedicated key nothing is opened. */
function openerOf(given: GivenKeys): Opener {
  const keys = keysOf(given);
  return keys === null ? () => null : (apdu) => openWith(apdu, keys);
}

function keysOf({ ek, ak, dk, title }: GivenKeys): FollowKeys {
  const encryption = keyOf(ek, '--ek') ?? keyOf(dk, '--dk');
  const dedicated = keyOf(dk, '--dk');
  const authentication = keyOf(ak, '--ak');
  const titleOctets = title === undefined ? null : fromText(title);
  if (titleOctets !== null && titleOctets.length !== TITLE_OCTETS)
    throw new UsageError(`--title takes ${TITLE_OCTETS} octets, not ${titleOctets.length}.`);
  if (encryption === null) {
    if (authentication !== null) throw new UsageError('--ak needs --ek too.');
    return null;
  }
  return { encryption, authentication, title: titleOctets, ...(dedicated === null ? {} : { dedicated }) };
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
