/**
 * Messages between a concentrator and a G3-PLC modem that serves as coordinator (serial interface of its adaptation layer, USI protocol 25).
 *
 * A message is `command u8 | fields`, all numbers big-endian. The modem says what comes of a request by a confirm of its own, and by `status`
 * where it has none or refuses; some firmware says `status` 0 beside each. One table holds commands and fields for both ways. Commands that are not in
 * it come out as `other`, since a modem tells of much more than a concentrator needs to know.
 */
import { type Fields, type MessageRow, ModemMessages, type OtherMessage } from './modem-message.ts';

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
export type G3Other = OtherMessage;

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

type Kind = Exclude<G3Message, G3Other>['kind'];

const ATTRIBUTE: Fields = [
  ['attribute', 'u32'],
  ['index', 'u16'],
];
const RESULT: Fields = [['result', 'u8']];
const VALUE: Fields = [['value', 'octets8']];
const EUI64: Fields = [['eui64', 'eui64']];
const SHORT: Fields = [['shortAddress', 'u16']];

const ROWS: Readonly<Record<Kind, MessageRow<G3Sender>>> = {
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

const CODEC = new ModemMessages<G3Sender, Exclude<G3Message, G3Other>>(ROWS);

/** The command of a kind of message. */
export function g3CommandOf(kind: Kind): number {
  return ROWS[kind].command;
}

/** What a payload of USI says when `sender` sent it; errors of {@link ModemMessages.decode}. */
export function decodeG3(payload: Uint8Array, sender: G3Sender): G3Message {
  return CODEC.decode(payload, sender);
}

/** The payload for USI. Throws `DLMS_VALUE` for a value that does not fit its field. */
export function encodeG3(message: G3Message): Uint8Array {
  return CODEC.encode(message);
}
