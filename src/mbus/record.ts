/**
 * Data records of the variable data structure (EN 13757-3): DIF and DIFE say how a value is written and which one it is
 * (function, storage, tariff, subunit), VIF and VIFE what it is. Records keep the octets of their value; {@link recordValue}
 * reads them as an exact integer, a moment or a text, {@link recordQuantity} gives quantity, unit and power of ten. Nothing here
 * is a float: a 32-bit real is kept as octets and is no number for a bill.
 */
import { type ByteReader, type ByteWriter, TruncatedError } from '../base/bytes.ts';
import { type ExactInteger, exact } from '../model/number.ts';
import { mbusError } from './errors.ts';
import { EXTENSIONS_MAX } from './limits.ts';
import { type MbusMoment, momentOf } from './moment.ts';
import { correctionOf, type Quantity, quantityOf } from './quantity.ts';

/** Which of several values of one quantity it is. */
export const RECORD_FUNCTIONS = ['instantaneous', 'maximum', 'minimum', 'error'] as const;

/** One data record. */
export interface MbusRecord {
  /** Low four bits of the DIF: how the value is written. */
  readonly coding: number;
  readonly function: (typeof RECORD_FUNCTIONS)[number];
  /** 0 = the present value, others historic ones. */
  readonly storage: number;
  readonly tariff: number;
  readonly subunit: number;
  /** VIF and VIFEs as sent, first octet first. */
  readonly vif: readonly number[];
  /** Unit in words of the meter where the VIF says so, else null. */
  readonly unitText: string | null;
  /** Length octet of a value of variable length, else null. */
  readonly length: number | null;
  /** Octets of the value, least significant first. */
  readonly data: Uint8Array;
}

/** What a record holds. */
export type MbusValue =
  | { readonly kind: 'integer'; readonly value: ExactInteger }
  | { readonly kind: 'moment'; readonly moment: MbusMoment }
  | { readonly kind: 'text'; readonly text: string }
  /** A real number, hexadecimal digits in a number, or nothing that the standard knows: as sent. */
  | { readonly kind: 'octets'; readonly octets: Uint8Array }
  | { readonly kind: 'none' };

const EXTENDED = 0x80;
const LAST_STORAGE_BIT = 0x40;
const TEXT_VIF = 0x7c;
const VARIABLE = 0x0d;
/** Octets of a value by coding: integers 1 to 4, 6 and 7, real 5, BCD 9 to C and E. */
const OCTETS: readonly (number | null)[] = [0, 1, 2, 3, 4, 4, 6, 8, 0, 1, 2, 3, 4, null, 6, null];
const BCD: ReadonlySet<number> = new Set([0x09, 0x0a, 0x0b, 0x0c, 0x0e]);
const REAL = 0x05;
const DATE_VIF = 0x6c;
const DATE_TIME_VIF = 0x6d;

/** Reads a record that begins with `dif`, which was taken already; throws MBUS_DATA. */
export function readRecord(reader: ByteReader, dif: number): MbusRecord {
  const start = reader.offset - 1;
  const coding = dif & 0x0f;
  const extensions = dif & EXTENDED ? readExtensions(reader) : [];
  // Beyond 2^53 nobody counts; ten extensions give 41 bits.
  let storage = dif & LAST_STORAGE_BIT ? 1 : 0;
  let [tariff, subunit] = [0, 0];
  for (const [at, extension] of extensions.entries()) {
    storage += (extension & 0x0f) * 2 ** (1 + 4 * at);
    tariff += ((extension >> 4) & 0x03) * 4 ** at;
    subunit += ((extension >> 6) & 0x01) * 2 ** at;
  }
  const first = reader.u8();
  const unitText = (first & ~EXTENDED) === TEXT_VIF ? readText(reader, reader.u8()) : null;
  const vif = [first, ...(first & EXTENDED ? readExtensions(reader) : [])];
  const length = coding === VARIABLE ? reader.u8() : null;
  const octets = length === null ? OCTETS[coding] : variableOctets(length);
  if (octets === null || octets === undefined)
    throw mbusError('MBUS_DATA', `offset ${start}: DIF ${dif.toString(16)} with no length that is known`);
  const kind = RECORD_FUNCTIONS[(dif >> 4) & 0x03] ?? 'error';
  return {
    coding,
    function: kind,
    storage,
    tariff,
    subunit,
    vif,
    unitText,
    length,
    data: reader.slice(octets).slice(),
  };
}

/** Writes a record. */
export function writeRecord(writer: ByteWriter, record: MbusRecord): void {
  const extensions: number[] = [];
  let [storage, tariff, subunit] = [Math.floor(record.storage / 2), record.tariff, record.subunit];
  while (storage > 0 || tariff > 0 || subunit > 0) {
    extensions.push((storage % 16) | ((tariff % 4) << 4) | ((subunit % 2) << 6));
    [storage, tariff, subunit] = [Math.floor(storage / 16), Math.floor(tariff / 4), Math.floor(subunit / 2)];
  }
  const dif = record.coding | (RECORD_FUNCTIONS.indexOf(record.function) << 4);
  const chain = [dif | (record.storage % 2 === 1 ? LAST_STORAGE_BIT : 0), ...extensions];
  for (const [at, octet] of chain.entries()) writer.u8(octet | (at < chain.length - 1 ? EXTENDED : 0));
  const [first = 0, ...rest] = record.vif;
  writer.u8(first);
  if (record.unitText !== null) {
    const text = Uint8Array.from([...record.unitText].reverse(), (letter) => letter.charCodeAt(0));
    writer.u8(text.length).bytes(text);
  }
  for (const octet of rest) writer.u8(octet);
  if (record.length !== null) writer.u8(record.length);
  writer.bytes(record.data);
}

/** What the record holds. */
export function recordValue(record: MbusRecord): MbusValue {
  const { coding, data, length, vif } = record;
  if (data.length === 0) return { kind: 'none' };
  const [code = 0] = vif;
  if ((code & ~EXTENDED) === DATE_VIF || (code & ~EXTENDED) === DATE_TIME_VIF) {
    const moment = coding === REAL ? null : momentOf(data);
    return moment === null ? { kind: 'octets', octets: data } : { kind: 'moment', moment };
  }
  if (BCD.has(coding)) return decimal(data, false);
  if (length === null) return coding === REAL ? { kind: 'octets', octets: data } : integer(data);
  if (length < 0xc0) return { kind: 'text', text: String.fromCharCode(...[...data].reverse()) };
  if (length < 0xe0) return decimal(data, length >= 0xd0);
  return data.length <= 8 ? integer(data) : { kind: 'octets', octets: data };
}

/** Quantity, unit and power of ten, corrections counted in; what a VIFE says beside a correction is in `modifiers`. */
export function recordQuantity({ vif, unitText }: MbusRecord): Quantity & { readonly modifiers: readonly number[] } {
  const [first = 0, second, ...rest] = vif;
  const code = first & ~EXTENDED;
  if (unitText !== null) return { name: 'in-words', unit: unitText, exponent: 0, modifiers: vif.slice(1).map(bare) };
  const table = first === 0xfb ? 'FB' : first === 0xfd ? 'FD' : 'primary';
  const isSecond = table !== 'primary' && second !== undefined;
  const quantity = isSecond ? quantityOf(table, bare(second)) : quantityOf('primary', code);
  const others = (isSecond ? rest : vif.slice(1)).map(bare);
  const corrections = others.map(correctionOf);
  const exponent = corrections.reduce<number>((sum, correction) => sum + (correction ?? 0), quantity.exponent);
  return { ...quantity, exponent, modifiers: others.filter((_, at) => corrections[at] === null) };
}

function readExtensions(reader: ByteReader): number[] {
  const extensions: number[] = [];
  for (;;) {
    if (extensions.length === EXTENSIONS_MAX)
      throw mbusError('MBUS_DATA', `offset ${reader.offset}: more than ${EXTENSIONS_MAX} extensions`);
    const octet = reader.u8();
    extensions.push(octet);
    if ((octet & EXTENDED) === 0) return extensions;
  }
}

function readText(reader: ByteReader, length: number): string {
  return String.fromCharCode(...[...reader.slice(length)].reverse());
}

/** Octets of a value of variable length by its length octet; null = reserved. */
function variableOctets(length: number): number | null {
  if (length < 0xc0) return length;
  if (length <= 0xc9) return length - 0xc0;
  if (length >= 0xd0 && length <= 0xd9) return length - 0xd0;
  return length >= 0xe0 && length <= 0xef ? length - 0xe0 : null;
}

/** Two's complement, least octet first. */
function integer(data: Uint8Array): MbusValue {
  let value = 0n;
  for (const octet of [...data].reverse()) value = (value << 8n) | BigInt(octet);
  return { kind: 'integer', value: exact(BigInt.asIntN(data.length * 8, value)) };
}

/** Packed digits, least octet first; F in the first place is a minus, any other letter no number. */
function decimal(data: Uint8Array, isNegative: boolean): MbusValue {
  const digits = [...data].reverse().flatMap((octet) => [octet >> 4, octet & 0x0f]);
  const minus = digits[0] === 0x0f;
  if (minus) digits[0] = 0;
  if (digits.some((digit) => digit > 9)) return { kind: 'octets', octets: data };
  const value = BigInt(digits.join(''));
  return { kind: 'integer', value: exact(minus || isNegative ? -value : value) };
}

function bare(octet: number): number {
  return octet & ~EXTENDED;
}

/** Runs a reader of this room and lets only MBUS_DATA out of it where octets end too early. */
export function guardedRecords<Value>(read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof TruncatedError)) throw error;
    throw mbusError('MBUS_DATA', `offset ${error.offset}: ${error.needed} octets wanted, ${error.left} left`, error);
  }
}
