/**
 * Messages between a concentrator and a PRIME base node modem on a serial port (its "PRIME API", USI protocol 30): meters that open and leave
 * their 4-32 connections, APDUs to and from them, and the list of those that are connected.
 *
 * The modem opens no connection by itself: a meter appears by a `join`. After a restart of either side the list is asked for; it comes in
 * parts, the last of which is empty. A meter's address is worth as long as its connection. Known weak point of the form: a confirm names the
 * address and both LSAPs and no request, so that one request at a time may be under way to an address.
 */
import { ByteReader, toHex } from '../../base/bytes.ts';
import { dlmsError } from '../errors.ts';
import { PRIME_SERIAL_MAX_OCTETS } from './limits.ts';
import { type MessageRow, ModemMessages, type OtherMessage } from './modem-message.ts';

/** Who sent a message. */
export type PrimeApiSender = 'host' | 'modem';

/** From the concentrator. LSAPs 0-255, addresses 0-65,535 (0FFF = all meters). */
type PrimeApiRequest =
  | {
      readonly kind: 'data-request';
      /** Of the meter. */
      readonly destinationLsap: number;
      /** Of the client. */
      readonly sourceLsap: number;
      readonly address: number;
      /** APDU; the modem takes 1,021 octets. */
      readonly data: Uint8Array;
      /** 0. */
      readonly linkClass: number;
    }
  /** Ends the connection of a meter. */
  | { readonly kind: 'release-request'; readonly address: number }
  /** Asks for a list, see {@link PRIME_NODE_LIST}. */
  | { readonly kind: 'list-request'; readonly attribute: number };

/** From the modem. */
type PrimeApiIndication =
  /** An APDU of a meter. */
  | {
      readonly kind: 'data';
      /** Of the client. */
      readonly destinationLsap: number;
      /** Of the meter. */
      readonly sourceLsap: number;
      readonly destinationAddress: number;
      readonly sourceAddress: number;
      readonly data: Uint8Array;
      readonly linkClass: number;
    }
  /** What became of a data request: see {@link PRIME_TX_STATUS}. */
  | {
      readonly kind: 'data-confirm';
      readonly destinationLsap: number;
      readonly sourceLsap: number;
      readonly address: number;
      readonly status: number;
    }
  /** A meter has opened its connection. */
  | {
      readonly kind: 'join';
      /** DLMS id of the meter, 1-16 printable ASCII characters. */
      readonly serial: string;
      readonly address: number;
      /** EUI-48 of its modem, 12 upper-case hex digits. */
      readonly eui48: string;
      /** The two octets that modems send behind the EUI-48, whatever they are. */
      readonly filler: number;
      readonly security: number;
    }
  | { readonly kind: 'leave'; readonly address: number }
  /** Part of a list: `records` as the attribute says, {@link primeNodesIn} for that of the nodes; empty = it is complete. */
  | { readonly kind: 'list'; readonly result: number; readonly attribute: number; readonly records: Uint8Array }
  /** Something happened in the network: see {@link PRIME_NETWORK_EVENT}. */
  | {
      readonly kind: 'network-event';
      readonly event: number;
      readonly eui48: string;
      readonly sid: number;
      readonly lnid: number;
      readonly lsid: number;
      readonly aliveReceived: number;
      readonly aliveSent: number;
      readonly aliveTime: number;
      readonly channel: number;
      readonly switchChannel: number;
    };

/** Any message. */
export type PrimeApiMessage = PrimeApiRequest | PrimeApiIndication | OtherMessage;

/** A meter of the list. */
interface PrimeApiNode {
  readonly address: number;
  readonly serial: string;
  readonly eui48: string;
}

/** `status` of a data confirm. */
export const PRIME_TX_STATUS = {
  success: 0x00,
  timeout: 0x02,
  macSending: 0x80,
  macBusy: 0x81,
  noBuffers: 0x82,
  closed: 0x83,
  receiving: 0x84,
  badAddress: 0xc0,
  badHandle: 0xc1,
  busy: 0xc2,
  badDestination: 0xc3,
} as const;

/** `event` of a network event. */
export const PRIME_NETWORK_EVENT = {
  register: 0,
  unregister: 1,
  promote: 2,
  demote: 3,
  alive: 4,
  reboot: 5,
  noKey: 6,
  unknownNode: 7,
} as const;

/** The list of the meters that have a 4-32 connection. */
export const PRIME_NODE_LIST = 0x8250;

type Kind = Exclude<PrimeApiMessage, OtherMessage>['kind'];

const ADDRESS = ['address', 'u16'] as const;
const LSAPS = [
  ['destinationLsap', 'u8'],
  ['sourceLsap', 'u8'],
] as const;
const DATA = [
  ['data', 'octets16'],
  ['linkClass', 'u8'],
] as const;
const EUI48 = ['eui48', 'eui48'] as const;
const ATTRIBUTE = ['attribute', 'u16'] as const;

const ROWS: Readonly<Record<Kind, MessageRow<PrimeApiSender>>> = {
  'list-request': { command: 0x2f, sender: 'host', fields: [ATTRIBUTE] },
  'release-request': { command: 0x35, sender: 'host', fields: [ADDRESS] },
  'data-request': { command: 0x37, sender: 'host', fields: [...LSAPS, ADDRESS, ...DATA] },
  list: { command: 0x30, sender: 'modem', fields: [['result', 'u8'], ATTRIBUTE, ['records', 'octets16']] },
  data: {
    command: 0x38,
    sender: 'modem',
    fields: [...LSAPS, ['destinationAddress', 'u16'], ['sourceAddress', 'u16'], ...DATA],
  },
  'data-confirm': { command: 0x39, sender: 'modem', fields: [...LSAPS, ADDRESS, ['status', 'u8']] },
  join: {
    command: 0x3a,
    sender: 'modem',
    fields: [['serial', 'prime-id'], ADDRESS, EUI48, ['filler', 'u16'], ['security', 'u8']],
  },
  leave: { command: 0x3b, sender: 'modem', fields: [ADDRESS] },
  'network-event': {
    command: 0x4f,
    sender: 'modem',
    fields: [
      ['event', 'u8'],
      EUI48,
      ['sid', 'u8'],
      ['lnid', 'u16'],
      ['lsid', 'u8'],
      ['aliveReceived', 'u8'],
      ['aliveSent', 'u8'],
      ['aliveTime', 'u8'],
      ['channel', 'u16'],
      ['switchChannel', 'u16'],
    ],
  },
};

const CODEC = new ModemMessages<PrimeApiSender, Exclude<PrimeApiMessage, OtherMessage>>(ROWS);
/** Address u16, DLMS id in 16 octets, its length u8, EUI-48. */
const NODE_OCTETS = 25;
const EUI48_OCTETS = 6;
/** From here on addresses are those of all meters, or of none. */
const NODE_ADDRESS_END = 0x0ffe;

/** What a payload of USI says when `sender` sent it; errors of {@link ModemMessages.decode}. */
export function decodePrimeApi(payload: Uint8Array, sender: PrimeApiSender): PrimeApiMessage {
  return CODEC.decode(payload, sender);
}

/** The payload for USI. Throws `DLMS_VALUE` for a value that does not fit its field. */
export function encodePrimeApi(message: PrimeApiMessage): Uint8Array {
  return CODEC.encode(message);
}

/**
 * Meters in a part of {@link PRIME_NODE_LIST}; the connection for all meters is left out. Throws `DLMS_LENGTH` for octets that are no whole
 * records or a DLMS id of 0 or more than 16 characters, `DLMS_SHAPE` for one that is not printable ASCII; the offset counts from the records.
 */
export function primeNodesIn(records: Uint8Array): PrimeApiNode[] {
  if (records.length % NODE_OCTETS !== 0)
    throw dlmsError('DLMS_LENGTH', `offset 0: ${records.length} octets are no records of ${NODE_OCTETS}`);
  const reader = new ByteReader(records);
  const nodes: PrimeApiNode[] = [];
  while (reader.remaining > 0) {
    const record = new ByteReader(reader.slice(NODE_OCTETS));
    const address = record.u16();
    if (address < NODE_ADDRESS_END) nodes.push(nodeOf(address, record, reader.offset - NODE_OCTETS));
  }
  return nodes;
}

function nodeOf(address: number, record: ByteReader, base: number): PrimeApiNode {
  const at = base + record.offset;
  const field = record.slice(PRIME_SERIAL_MAX_OCTETS);
  const length = record.u8();
  if (length === 0 || length > PRIME_SERIAL_MAX_OCTETS)
    throw dlmsError('DLMS_LENGTH', `offset ${at + PRIME_SERIAL_MAX_OCTETS}: a DLMS id of ${length} octets`);
  const serial = String.fromCharCode(...field.subarray(0, length));
  if (!/^[\x21-\x7e]+$/.test(serial)) throw dlmsError('DLMS_SHAPE', `offset ${at}: the DLMS id is not printable ASCII`);
  return { address, serial, eui48: toHex(record.slice(EUI48_OCTETS)).toUpperCase() };
}
