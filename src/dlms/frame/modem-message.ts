/**
 * Messages of a host and its modem as one table: `command u8 | fields`, all numbers big-endian.
 *
 * A table holds commands and fields for both ways; the same command may mean another thing in the other direction. A command that is not in it
 * comes out as `other`, since a modem tells of much more than a concentrator needs to know.
 */
import { ByteReader, ByteWriter, fromHex, TruncatedError, toHex } from '../../base/bytes.ts';
import { dlmsError } from '../errors.ts';
import { readPrimeId, writePrimeId } from './prime-id.ts';

/** `octets8`, `octets16` and `prime-id` are preceded by their length; `eui48` and `eui64` are upper-case hex digits. */
type FieldKind = 'u8' | 'u16' | 'u32' | 'flag' | 'eui48' | 'eui64' | 'octets8' | 'octets16' | 'prime-id';

/** Fields in the order in which they are sent. */
export type Fields = readonly (readonly [name: string, kind: FieldKind])[];

/** A kind of message. */
export interface MessageRow<Sender extends string> {
  /** 0-127. */
  readonly command: number;
  readonly sender: Sender;
  readonly fields: Fields;
}

/** Of a command that is not known here, or not from this side. */
export interface OtherMessage {
  readonly kind: 'other';
  /** 0-127. */
  readonly command: number;
  readonly octets: Uint8Array;
}

const EUI_OCTETS = { eui48: 6, eui64: 8 } as const;
const MOST = { u8: 0xff, u16: 0xffff, u32: 0xffff_ffff } as const;

/** See the head of the file. */
export class ModemMessages<Sender extends string, Message extends { readonly kind: string }> {
  readonly #byCommand: ReadonlyMap<string, MessageRow<Sender> & { readonly kind: string }>;

  constructor(private readonly rows: Readonly<Record<Message['kind'], MessageRow<Sender>>>) {
    const entries = Object.entries(rows) as [string, MessageRow<Sender>][];
    this.#byCommand = new Map(entries.map(([kind, row]) => [`${row.sender} ${row.command}`, { kind, ...row }]));
  }

  /**
   * What a payload says when `sender` sent it. Throws `DLMS_TRUNCATED` and `DLMS_TRAILING` for fields that are too short or long, `DLMS_CHOICE` for
   * a flag that is neither 0 nor 1, and those of `readPrimeId`; the offset counts from the command.
   */
  decode(payload: Uint8Array, sender: Sender): Message | OtherMessage {
    const reader = new ByteReader(payload);
    try {
      const command = reader.u8();
      const row = this.#byCommand.get(`${sender} ${command}`);
      if (row === undefined) return { kind: 'other', command, octets: reader.rest().slice() };
      const fields = row.fields.map(([name, kind]) => [name, readField(kind, reader)] as const);
      if (reader.remaining > 0)
        throw dlmsError('DLMS_TRAILING', `offset ${reader.offset}: ${reader.remaining} octets after ${row.kind}`);
      return { kind: row.kind, ...Object.fromEntries(fields) } as unknown as Message;
    } catch (error) {
      if (!(error instanceof TruncatedError)) throw error;
      throw dlmsError('DLMS_TRUNCATED', `offset ${error.offset}: ${error.needed} octets wanted`, error);
    }
  }

  /** The payload of a message. Throws `DLMS_VALUE` for a value that does not fit its field. */
  encode(message: Message | OtherMessage): Uint8Array {
    if (isOther(message)) return new ByteWriter(16).u8(message.command).bytes(message.octets).finish();
    const { command, fields } = this.rows[message.kind as Message['kind']];
    const values = message as unknown as Readonly<Record<string, unknown>>;
    const writer = new ByteWriter(64).u8(command);
    for (const [name, kind] of fields) writeField(name, kind, values[name], writer);
    return writer.finish();
  }
}

function isOther(message: { readonly kind: string }): message is OtherMessage {
  return message.kind === 'other';
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
    case 'eui48':
    case 'eui64':
      return toHex(reader.slice(EUI_OCTETS[kind])).toUpperCase();
    case 'octets8':
      return reader.slice(reader.u8()).slice();
    case 'octets16':
      return reader.slice(reader.u16()).slice();
    case 'prime-id':
      return readPrimeId(reader, 0);
  }
}

function readFlag(reader: ByteReader): boolean {
  const { offset } = reader;
  const octet = reader.u8();
  if (octet > 1) throw dlmsError('DLMS_CHOICE', `offset ${offset}: ${octet} is neither yes nor no`);
  return octet === 1;
}

function writeField(name: string, kind: FieldKind, value: unknown, writer: ByteWriter): void {
  if (kind === 'prime-id') {
    writePrimeId(String(value), writer, 0);
    return;
  }
  if (!fits(kind, value)) throw dlmsError('DLMS_VALUE', `offset ${writer.length}: ${name} does not fit`);
  if (typeof value === 'boolean') writer.u8(value ? 1 : 0);
  else if (typeof value === 'string') writer.bytes(fromHex(value));
  else if (value instanceof Uint8Array) writer[kind === 'octets8' ? 'u8' : 'u16'](value.length).bytes(value);
  else if (typeof value === 'number' && (kind === 'u8' || kind === 'u16' || kind === 'u32')) writer[kind](value);
}

function fits(kind: Exclude<FieldKind, 'prime-id'>, value: unknown): boolean {
  switch (kind) {
    case 'u8':
    case 'u16':
    case 'u32':
      return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MOST[kind];
    case 'flag':
      return typeof value === 'boolean';
    case 'eui48':
    case 'eui64':
      return typeof value === 'string' && value.length === 2 * EUI_OCTETS[kind] && /^[0-9A-F]*$/.test(value);
    case 'octets8':
    case 'octets16':
      return value instanceof Uint8Array && value.length <= (kind === 'octets8' ? MOST.u8 : MOST.u16);
  }
}
