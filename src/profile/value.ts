/** COSEM values as exact integers, texts, times and status octets; null where a value is of another kind. */
import { toHex } from '../base/bytes.ts';
import type { Data } from '../dlms/axdr/data.ts';
import { type CosemDateTime, dateTimeFromOctets, isPlausibleDateTime } from '../dlms/cosem/datetime.ts';
import { type ExactInteger, exact } from '../model/number.ts';
import { ATTRIBUTE_CHARACTERS_MAX, STATUS_MAX_OCTETS } from './limits.ts';

const DATE_TIME_OCTETS = 12;

/** The integer such that `data` = integer x 10^exponent; null when it is no number, or is none without rounding. */
export function integerOf(data: Data, exponent: number): ExactInteger | null {
  switch (data.type) {
    case 'integer':
    case 'long':
    case 'double-long':
    case 'unsigned':
    case 'long-unsigned':
    case 'double-long-unsigned':
    case 'enum':
    case 'delta-integer':
    case 'delta-long':
    case 'delta-double-long':
    case 'delta-unsigned':
    case 'delta-long-unsigned':
    case 'delta-double-long-unsigned':
      return data.value;
    case 'long64':
    case 'long64-unsigned':
      return exact(data.value);
    case 'bcd':
      return (data.value >> 4) * 10 + (data.value & 15);
    case 'float32':
    case 'float64':
      return integerOfDecimal(data.type === 'float32' ? shortestFloat32(data.value) : String(data.value), exponent);
    default:
      return null;
  }
}

/** `text` / 10^exponent as an integer, without rounding; null when digits would be lost. */
export function integerOfDecimal(text: string, exponent: number): ExactInteger | null {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(text);
  if (match === null) return null;
  const [, sign = '', whole = '', fraction = '', power = '0'] = match;
  const places = Number(power) - fraction.length - exponent;
  if (Math.abs(places) > DECIMAL_PLACES_MAX) return null;
  const digits = BigInt(whole + fraction);
  let value = digits;
  if (places >= 0) value = digits * 10n ** BigInt(places);
  else {
    const divisor = 10n ** BigInt(-places);
    if (digits % divisor !== 0n) return null;
    value = digits / divisor;
  }
  return exact(sign === '-' ? -value : value);
}

/** A float64 has 17 significant digits at most; beyond 40 places a value is noise. */
const DECIMAL_PLACES_MAX = 40;

/** The shortest decimal that is this float32: 12.3, not 12.300000190734863. */
function shortestFloat32(value: number): string {
  for (let digits = 1; digits <= 9; digits++) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === value) return text;
  }
  return String(value);
}

/** The date and time, from its own tag or from an octet-string of 12; null for anything else. */
export function dateTimeOf(data: Data): CosemDateTime | null {
  if (data.type === 'date-time') return data.value;
  if (data.type !== 'octet-string' || data.value.length !== DATE_TIME_OCTETS) return null;
  const time = dateTimeFromOctets(data.value);
  return isPlausibleDateTime(time) ? time : null;
}

/** The octets of a status as read, most significant first; null when the value is no status. */
export function statusOctetsOf(data: Data): Uint8Array | null {
  switch (data.type) {
    case 'unsigned':
    case 'enum':
      return octetsOf(BigInt(data.value), 1);
    case 'long-unsigned':
      return octetsOf(BigInt(data.value), 2);
    case 'double-long-unsigned':
      return octetsOf(BigInt(data.value), 4);
    case 'long64-unsigned':
      return octetsOf(data.value, 8);
    case 'octet-string':
      return data.value.length <= STATUS_MAX_OCTETS ? data.value.slice() : null;
    case 'bit-string':
      return bitOctets(data.value);
    default:
      return null;
  }
}

function octetsOf(value: bigint, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, at) => Number((value >> BigInt(8 * (count - 1 - at))) & 0xffn));
}

function bitOctets(bits: string): Uint8Array | null {
  const count = Math.ceil(bits.length / 8);
  if (count > STATUS_MAX_OCTETS) return null;
  const padded = bits.padEnd(count * 8, '0');
  return Uint8Array.from({ length: count }, (_, at) => Number.parseInt(padded.slice(at * 8, at * 8 + 8), 2));
}

/** The bits that are set in a status, 0 = least significant of the last octet. */
export function isBitSet(status: Uint8Array, bit: number): boolean {
  const octet = status.at(-1 - (bit >> 3)) ?? 0;
  return (octet & (1 << (bit & 7))) !== 0;
}

/** The text of a value: characters when it has only printable ones, otherwise hex octets; null when it has no octets. */
export function textOf(data: Data, form: 'text' | 'hex' | 'number' = 'text'): string | null {
  switch (data.type) {
    case 'visible-string':
    case 'utf8-string':
      return data.value.slice(0, ATTRIBUTE_CHARACTERS_MAX);
    case 'octet-string':
      return octetText(data.value, form).slice(0, ATTRIBUTE_CHARACTERS_MAX);
    case 'boolean':
      return String(data.value);
    default: {
      const value = integerOf(data, 0);
      return value === null ? null : String(value);
    }
  }
}

function octetText(octets: Uint8Array, form: 'text' | 'hex' | 'number'): string {
  const printable = octets.length > 0 && octets.every((octet) => octet >= 0x20 && octet < 0x7f);
  if (form !== 'hex' && printable) return String.fromCharCode(...octets);
  return toHex(octets);
}
