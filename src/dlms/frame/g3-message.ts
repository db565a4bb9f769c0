/**
 * Messages between a concentrator and a G3-PLC modem that serves as coordinator (serial interface of its adaptation layer, USI protocol 25).
 *
 * A message is `command u8 | fields`, all numbers big-endian. The modem says what comes of a request by a confirm of its own, and by `status`
 * where it has none or refuses; some firmware says `status` 0 beside each. One table holds commands and fields for both ways. Commands that are not in
 * it come out as `other`, since a modem tells of much more than a concentrator needs to know.
 */
import { ByteReader, ByteWriter, fromHex, TruncatedError, toHex } from '../../base/bytes.ts';
import { dlmsError } from '../errors.ts';

/** Who sent a message. */
export type G3Sender = 'host' | 'modem';

/** From the concentrator. `shortAddress` 1-65,533, `eui64` 16 upper-case hex digits, others as their names say. */
export type G3Request =
  /** Makes the modem ready; answered by `status`. */
  | { readonly kind: 'initialize'; readonly band: number; readonly isCoordinator: boolean }
  | { readonly kind: 'network-start'; readonly panId: number }
  | {
      readonly kind: 'data-request';
      /** 0-255: told again in its confirm. */
      readonly handle: number;
      /** Whether a route is looked for when there is none. */
      readonly discoversRoute: boolean;
      /** 0 = normal, 1 = ahead of others. */
      readonly priority: number;
      /** IPv6 packet. */
      readonly packet: Uint8Array;
    }
  | { readonly kind: 'set'; readonly attribute: number; readonly index: number; readonly value: Uint8Array }
  | { readonly kind: 'get'; readonly attribute: number; readonly index: number }
  | { readonly kind: 'bootstrap-set'; readonly attribute: number; readonly index: number; readonly value: Uint8Array }
  | { readonly kind: 'kick'; readonly shortAddress: number; readonly eui64: string }
  /** Lets a meter join that asked for it. */
  | { readonly kind: 'assign'; readonly eui64: string; readonly shortAddress: number };

/** From the modem. */
export type G3Indication =
  /** See {@link G3_STATUS}; `command` is that of the request. */
  | { readonly kind: 'status'; readonly status: number; readonly command: number }
  /** See {@link G3_RESULT}. */
  | { readonly kind: 'data-confirm'; readonly result: number; readonly handle: number }
  | { readonly kind: 'data'; readonly linkQuality: number; readonly packet: Uint8Array }
  | { readonly kind: 'network-started'; readonly result: number }
  | { readonly kind: 'set-confirm'; readonly result: number; readonly attribute: number; readonly index: number }
  | {
      readonly kind: 'get-confirm';
      readonly result: number;
      readonly attribute: number;
      readonly index: number;
      readonly value: Uint8Array;
    }
  /** Buffers for data requests, one bit each; 0 = none is free. */
  | { readonly kind: 'buffers'; readonly free: number }
  | {
      readonly kind: 'bootstrap-set-confirm';
      readonly result: number;
      readonly attribute: number;
      readonly index: number;
    }
  /** A meter wants to join. */
  | { readonly kind: 'join-request'; readonly eui64: string }
  /** It has joined. */
  | { readonly kind: 'joined'; readonly eui64: string; readonly shortAddress: number }
  | { readonly kind: 'left'; readonly shortAddress: number };

/** Of a command that is not known here, or not from this side. */
export interface G3Other {
  readonly kind: 'other';
  /** 0-127. */
  readonly command: number;
  readonly octets: Uint8Array;
}

/** Any message. */
export type G3Message = G3Request | G3Indication | G3Other;

/** `status` of a request that has no confirm, or was refused. */
export const G3_STATUS = { success: 0, notAllowed: 1, unknownCommand: 2, invalidParameter: 3 } as const;

/** Results in confirms. */
export const G3_RESULT = {
  success: 0,
  invalidRequest: 0xa1,
  failed: 0xa2,
  invalidIpv6Frame: 0xa3,
  notPermitted: 0xa4,
  routeError: 0xa5,
  timeout: 0xa6,
  busy: 0xb3,
  noBuffers: 0xb4,
} as const;

/** Bands of `initialize`. */
export const G3_BANDS = { 'cenelec-a': 0, 'cenelec-b': 1, fcc: 2, arib: 3, rf: 255 } as const;

/** Attribute of the adaptation layer: the PAN id, 2 octets, FFFF = no network was started. */
export const G3_PAN_ID_ATTRIBUTE = 0x0800_00c3;

type FieldKind = 'u8' | 'u16' | 'u32' | 'flag' | 'eui64' | 'octets8' | 'octets16';
type Fields = readonly (readonly [name: string, kind: FieldKind])[];
type Kind = Exclude<G3Message, G3Other>['kind'];

interface Row {
  readonly command: number;
  readonly sender: G3Sender;
  readonly fields: Fields;
}

const ATTRIBUTE: Fields = [
  ['attribute', 'u32'],
  ['index', 'u16'],
];
const RESULT: Fields = [['result', 'u8']];
const VALUE: Fields = [['value', 'octets8']];
const EUI64: Fields = [['eui64', 'eui64']];
const SHORT: Fields = [['shortAddress', 'u16']];

/** `octets8` and `octets16` are preceded by their length. */
const ROWS: Readonly<Record<Kind, Row>> = {
  initialize: {
    command: 10,
    sender: 'host',
    fields: [
      ['band', 'u8'],
      ['isCoordinator', 'flag'],
    ],
  },
  'data-request': {
    command: 11,
    sender: 'host',
    fields: [
      ['handle', 'u8'],
      ['discoversRoute', 'flag'],
      ['priority', 'u8'],
      ['packet', 'octets16'],
    ],
  },
  'network-start': { command: 13, sender: 'host', fields: [['panId', 'u16']] },
  set: { command: 17, sender: 'host', fields: [...ATTRIBUTE, ...VALUE] },
  get: { command: 18, sender: 'host', fields: ATTRIBUTE },
  'bootstrap-set': { command: 60, sender: 'host', fields: [...ATTRIBUTE, ...VALUE] },
  kick: { command: 62, sender: 'host', fields: [...SHORT, ...EUI64] },
  assign: { command: 66, sender: 'host', fields: [...EUI64, ...SHORT] },
  status: {
    command: 0,
    sender: 'modem',
    fields: [
      ['status', 'u8'],
      ['command', 'u8'],
    ],
  },
  'data-confirm': { command: 30, sender: 'modem', fields: [...RESULT, ['handle', 'u8']] },
  data: {
    command: 31,
    sender: 'modem',
    fields: [
      ['linkQuality', 'u8'],
      ['packet', 'octets16'],
    ],
  },
  'network-started': { command: 34, sender: 'modem', fields: RESULT },
  'set-confirm': { command: 39, sender: 'modem', fields: [...RESULT, ...ATTRIBUTE] },
  'get-confirm': { command: 40, sender: 'modem', fields: [...RESULT, ...ATTRIBUTE, ...VALUE] },
  buffers: { command: 47, sender: 'modem', fields: [['free', 'u8']] },
  'bootstrap-set-confirm': { command: 70, sender: 'modem', fields: [...RESULT, ...ATTRIBUTE] },
  'join-request': { command: 71, sender: 'modem', fields: EUI64 },
  joined: { command: 72, sender: 'modem', fields: [...EUI64, ...SHORT] },
  left: { command: 73, sender: 'modem', fields: SHORT },
};

const BY_COMMAND = new Map(
  Object.entries(ROWS).map(([kind, row]) => [`${row.sender} ${row.command}`, { kind: kind as Kind, ...row }]),
);
const EUI64_OCTETS = 8;
const MOST = { u8: 0xff, u16: 0xffff, u32: 0xffff_ffff } as const;

/** The command of a kind of message. */
export function g3CommandOf(kind: Kind): number {
  return ROWS[kind].command;
}

/**
 * What a payload of USI says when `sender` sent it. Throws `DLMS_TRUNCATED` and `DLMS_TRAILING` for fields that are too short or long, and
 * `DLMS_CHOICE` for a flag that is neither 0 nor 1; the offset counts from the command.
 */
export function decodeG3(payload: Uint8Array, sender: G3Sender): G3Message {
  const reader = new ByteReader(payload);
  try {
    const command = reader.u8();
    const row = BY_COMMAND.get(`${sender} ${command}`);
    if (row === undefined) return { kind: 'other', command, octets: reader.rest().slice() };
    const fields = row.fields.map(([name, kind]) => [name, readField(kind, reader)] as const);
    if (reader.remaining > 0)
      throw dlmsError('DLMS_TRAILING', `offset ${reader.offset}: ${reader.remaining} octets after ${row.kind}`);
    return { kind: row.kind, ...Object.fromEntries(fields) } as G3Message;
  } catch (error) {
    if (!(error instanceof TruncatedError)) throw error;
    throw dlmsError('DLMS_TRUNCATED', `offset ${error.offset}: ${error.needed} octets wanted`, error);
  }
}

/** The payload for USI. Throws `DLMS_VALUE` for a value that does not fit its field. */
export function encodeG3(message: G3Message): Uint8Array {
  if (message.kind === 'other') return new ByteWriter(16).u8(message.command).bytes(message.octets).finish();
  const { command, fields } = ROWS[message.kind];
  const values = message as unknown as Readonly<Record<string, unknown>>;
  const writer = new ByteWriter(64).u8(command);
  for (const [name, kind] of fields) writeField(name, kind, values[name], writer);
  return writer.finish();
}

function readField(kind: FieldKind, reader: ByteReader): unknown {
  switch (kind) {
    case 'u8':
      return reader.u8();
    case 'u16':
      return reader.u16();
    case 'u32':
      return reader.u32();
    case 'flag':
      return readFlag(reader);
    case 'eui64':
      return toHex(reader.slice(EUI64_OCTETS)).toUpperCase();
    case 'octets8':
      return reader.slice(reader.u8()).slice();
    case 'octets16':
      return reader.slice(reader.u16()).slice();
  }
}

function readFlag(reader: ByteReader): boolean {
  const { offset } = reader;
  const octet = reader.u8();
  if (octet > 1) throw dlmsError('DLMS_CHOICE', `offset ${offset}: ${octet} is neither yes nor no`);
  return octet === 1;
}

function writeField(name: string, kind: FieldKind, value: unknown, writer: ByteWriter): void {
  if (!fits(kind, value)) throw dlmsError('DLMS_VALUE', `offset ${writer.length}: ${name} does not fit`);
  if (typeof value === 'boolean') writer.u8(value ? 1 : 0);
  else if (typeof value === 'string') writer.bytes(fromHex(value));
  else if (value instanceof Uint8Array) writer[kind === 'octets8' ? 'u8' : 'u16'](value.length).bytes(value);
  else if (typeof value === 'number' && (kind === 'u8' || kind === 'u16' || kind === 'u32')) writer[kind](value);
}

function fits(kind: FieldKind, value: unknown): boolean {
  switch (kind) {
    case 'u8':
    case 'u16':
    case 'u32':
      return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MOST[kind];
    case 'flag':
      return typeof value === 'boolean';
    case 'eui64':
      return typeof value === 'string' && /^[0-9A-F]{16}$/.test(value);
    case 'octets8':
    case 'octets16':
      return value instanceof Uint8Array && value.length <= (kind === 'octets8' ? MOST.u8 : MOST.u16);
  }
}
