/**
 * Messages between a PRIME base node and a concentrator (DLMSoTCP): one TCP connection, all meters of the network in it.
 *
 * Each is a message of the wrapper (IEC 62056-47 clause 4.3) whose ports say what it is. Ports 0000 (base node) and 0001
 * (concentrator) carry control: `type u8 | fields`. Any other pair carries an APDU between a client SAP and a device id,
 * which the base node gives to a meter for as long as the connection and the meter's registration last. All numbers are
 * big-endian. Known weak point of the form: it has no negative answer, so that silence is all a sender hears of a failure.
 */
import { ByteReader, ByteWriter, fromHex, TruncatedError, toHex } from '../../base/bytes.ts';
import { dlmsError } from '../errors.ts';
import { APDU_MAX_BYTES } from './limits.ts';
import { readPrimeId, writePrimeId } from './prime-id.ts';
import { encodeWrapper, type WrapperMessage } from './wrapper-frame.ts';

/** Who sent a message: the same ports mean another thing in the other direction. */
export type PrimeSender = 'base-node' | 'concentrator';

/** A meter has joined; repeated for each one that is connected after `start-reporting`. */
export interface PrimeNewDevice {
  readonly kind: 'new-device';
  /** Name of the meter in this connection, 1-65,535; another meter may get it after this one has left. */
  readonly deviceId: number;
  /** Bits of the 4-32 connection, 0-65,535; bit 0 = ARQ. Kept as received. */
  readonly capabilities: number;
  /** DLMS id of the meter, 1-16 printable ASCII characters (13 in Spain). */
  readonly serial: string;
  /** EUI-48 of its modem, 12 upper-case hex digits. */
  readonly eui48: string;
}

/** Control with a device id: a meter has left, the concentrator lets one go, or says what the end of TCP does to it. */
export interface PrimeDeviceControl {
  readonly kind: 'device-removed' | 'delete-device' | 'enable-auto-close' | 'disable-auto-close';
  /** 1-65,535. */
  readonly deviceId: number;
}

/** From the concentrator: until it is sent the base node forwards nothing, data included. */
export interface PrimeStartReporting {
  readonly kind: 'start-reporting';
}

/** An APDU to or from a meter. */
export interface PrimeData {
  readonly kind: 'data';
  /** 1-65,535; 127 (007F) towards the base node is all meters. */
  readonly deviceId: number;
  /** Client SAP, 0-65,535. */
  readonly client: number;
  /** 1-65,535 octets; the modem takes 1,021. */
  readonly apdu: Uint8Array;
}

/** Any message. */
export type PrimeMessage = PrimeNewDevice | PrimeDeviceControl | PrimeStartReporting | PrimeData;

const BASE_NODE_PORT = 0;
const CONCENTRATOR_PORT = 1;
const EUI48_OCTETS = 6;
/** Octets of the wrapper's header: offsets in errors count from the first of it. */
const HEADER_OCTETS = 8;
const SOURCE_OFFSET = 2;
const DESTINATION_OFFSET = 4;

interface ControlRow {
  readonly type: number;
  readonly sender: PrimeSender;
}

/** Types of control by name, and who may send each. */
const CONTROL: Readonly<Record<Exclude<PrimeMessage['kind'], 'data'>, ControlRow>> = {
  'new-device': { type: 1, sender: 'base-node' },
  'device-removed': { type: 2, sender: 'base-node' },
  'start-reporting': { type: 3, sender: 'concentrator' },
  'delete-device': { type: 4, sender: 'concentrator' },
  'enable-auto-close': { type: 5, sender: 'concentrator' },
  'disable-auto-close': { type: 6, sender: 'concentrator' },
};

type ControlKind = keyof typeof CONTROL;
const KINDS = Object.entries(CONTROL) as readonly (readonly [ControlKind, ControlRow])[];

/**
 * Says what a wrapper message means when `sender` sent it. Throws `DLMS_CHOICE` for a type that this side does not send,
 * `DLMS_TRUNCATED` and `DLMS_TRAILING` for fields that are too short or long, `DLMS_LENGTH` for a DLMS id of 0 or more than
 * 16 characters, `DLMS_SHAPE` for one that is not printable ASCII and for device id 0; the offset counts from the header.
 */
export function decodePrime(message: WrapperMessage, sender: PrimeSender): PrimeMessage {
  const [from, to] = controlPorts(sender);
  if (message.source === from && message.destination === to)
    return offsetInFrame(() => controlOf(message.apdu, sender));
  const { source, destination, apdu } = message;
  const deviceId = sender === 'base-node' ? source : destination;
  const client = sender === 'base-node' ? destination : source;
  return { kind: 'data', deviceId: known(deviceId, deviceOffset(sender)), client, apdu };
}

/**
 * Octets of a message with its wrapper header; `sender` places the ports of data. Throws `DLMS_VALUE` for what
 * {@link decodePrime} would not give back: a control message of the other side, an id that does not fit its field.
 */
export function encodePrime(message: PrimeMessage, sender: PrimeSender): Uint8Array {
  const [source, destination] = portsOf(message, sender);
  const apdu = message.kind === 'data' ? message.apdu : controlOctets(message, sender);
  if (apdu.length === 0 || apdu.length > APDU_MAX_BYTES)
    throw dlmsError('DLMS_VALUE', `offset ${HEADER_OCTETS}: an APDU of ${apdu.length} octets`);
  return encodeWrapper({ source, destination, apdu });
}

function controlPorts(sender: PrimeSender): readonly [source: number, destination: number] {
  return sender === 'base-node' ? [BASE_NODE_PORT, CONCENTRATOR_PORT] : [CONCENTRATOR_PORT, BASE_NODE_PORT];
}

function deviceOffset(sender: PrimeSender): number {
  return sender === 'base-node' ? SOURCE_OFFSET : DESTINATION_OFFSET;
}

/** Port 0 is the base node itself. */
function known(deviceId: number, offset: number): number {
  if (deviceId === BASE_NODE_PORT) throw dlmsError('DLMS_SHAPE', `offset ${offset}: device id 0 is no meter`);
  return deviceId;
}

/** The reader counts from the payload, errors of this file from the header. */
function offsetInFrame<Value>(run: () => Value): Value {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof TruncatedError)) throw error;
    const { offset, needed, left } = error;
    throw dlmsError('DLMS_TRUNCATED', `offset ${HEADER_OCTETS + offset}: ${needed} octets wanted, ${left} left`, error);
  }
}

function controlOf(octets: Uint8Array, sender: PrimeSender): PrimeMessage {
  const reader = new ByteReader(octets);
  const at = (): string => `offset ${HEADER_OCTETS + reader.offset}`;
  const where = at();
  const type = reader.u8();
  const row = KINDS.find(([, { type: own }]) => own === type);
  if (row === undefined || row[1].sender !== sender)
    throw dlmsError('DLMS_CHOICE', `${where}: a ${sender} sends no control message of type ${type}`);
  const message = fieldsOf(row[0], reader);
  if (reader.remaining > 0) throw dlmsError('DLMS_TRAILING', `${at()}: ${reader.remaining} octets after ${row[0]}`);
  return message;
}

function fieldsOf(kind: ControlKind, reader: ByteReader): PrimeMessage {
  if (kind === 'start-reporting') return { kind };
  const deviceId = known(reader.u16(), HEADER_OCTETS + 1);
  if (kind !== 'new-device') return { kind, deviceId };
  const capabilities = reader.u16();
  const serial = readPrimeId(reader, HEADER_OCTETS);
  return { kind, deviceId, capabilities, serial, eui48: toHex(reader.slice(EUI48_OCTETS)).toUpperCase() };
}

function portsOf(message: PrimeMessage, sender: PrimeSender): readonly [source: number, destination: number] {
  if (message.kind !== 'data') return controlPorts(sender);
  const offset = deviceOffset(sender);
  const deviceId = fits(message.deviceId, 1, offset);
  const client = fits(message.client, 0, SOURCE_OFFSET + DESTINATION_OFFSET - offset);
  return sender === 'base-node' ? [deviceId, client] : [client, deviceId];
}

function fits(value: number, least: number, offset: number): number {
  if (Number.isInteger(value) && value >= least && value <= 0xffff) return value;
  throw dlmsError('DLMS_VALUE', `offset ${offset}: ${value} is not ${least} to 65,535`);
}

function controlOctets(message: Exclude<PrimeMessage, PrimeData>, sender: PrimeSender): Uint8Array {
  const row = CONTROL[message.kind];
  if (row.sender !== sender)
    throw dlmsError('DLMS_VALUE', `offset ${HEADER_OCTETS}: a ${sender} sends no ${message.kind}`);
  const writer = new ByteWriter(32).u8(row.type);
  if (message.kind === 'start-reporting') return writer.finish();
  writer.u16(fits(message.deviceId, 1, HEADER_OCTETS + 1));
  return message.kind === 'new-device' ? newDeviceFields(message, writer) : writer.finish();
}

function newDeviceFields({ capabilities, serial, eui48 }: PrimeNewDevice, writer: ByteWriter): Uint8Array {
  writer.u16(fits(capabilities, 0, HEADER_OCTETS + writer.length));
  writePrimeId(serial, writer, HEADER_OCTETS);
  if (!/^[0-9A-F]{12}$/.test(eui48))
    throw dlmsError('DLMS_VALUE', `offset ${HEADER_OCTETS + writer.length}: '${eui48}' is no EUI-48 of 12 hex digits`);
  return writer.bytes(fromHex(eui48)).finish();
}
