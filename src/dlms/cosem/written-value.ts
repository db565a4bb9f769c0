/**
 * Values as a person writes them in YAML or JSON, made COSEM data: a number, a text, a list, fields by their names. The
 * class table says of which type each becomes, so nobody writes tags:
 *
 * - integers as numbers, those of 64 bits also as texts of digits; enums also by the name of their value; units by symbol;
 * - octet-strings as `0x` and hex digits, as an OBIS code (6 octets), as a moment (12, 5 and 4 octets), else as their text;
 * - structures as a list, or by the names of their fields: those left out get their default;
 * - null for null-data, and `{long-unsigned: 7}` where the table leaves the type open or another one is to be sent.
 */

import { fromHex } from '../../base/bytes.ts';
import { isRecord } from '../../base/record.ts';
import type { Data, DataType, IntegerType } from '../axdr/data.ts';
import { dlmsError } from '../errors.ts';
import { DATA_DEPTH_MAX } from '../limits.ts';
import { dateTimeToOctets } from './datetime.ts';
import { defaultOfType } from './default-value.ts';
import type { ValueNames } from './interface-class.ts';
import { isObis, obisToOctets, parseObis } from './obis.ts';
import type { TypeField, TypeText } from './type-text.ts';
import { unitCode } from './units.ts';
import type { AttributeView } from './words.ts';
import {
  dateToOctets,
  parseWrittenDate,
  parseWrittenDateTime,
  parseWrittenTime,
  timeToOctets,
} from './written-moment.ts';

/** Where a value stands, and what is known of it there. */
interface Place {
  /** `entries[0].index`, for sentences. */
  readonly path: string;
  readonly name: string;
  readonly values: ValueNames;
  readonly view: AttributeView;
}

const INTEGERS: Readonly<Record<IntegerType, readonly [minimum: number, maximum: number]>> = {
  integer: [-0x80, 0x7f],
  long: [-0x80_00, 0x7f_ff],
  'double-long': [-0x80_00_00_00, 0x7f_ff_ff_ff],
  unsigned: [0, 0xff],
  'long-unsigned': [0, 0xff_ff],
  'double-long-unsigned': [0, 0xff_ff_ff_ff],
  bcd: [0, 0xff],
  enum: [0, 0xff],
  'delta-integer': [-0x80, 0x7f],
  'delta-long': [-0x80_00, 0x7f_ff],
  'delta-double-long': [-0x80_00_00_00, 0x7f_ff_ff_ff],
  'delta-unsigned': [0, 0xff],
  'delta-long-unsigned': [0, 0xff_ff],
  'delta-double-long-unsigned': [0, 0xff_ff_ff_ff],
};

/** Types whose name may stand in `{type: value}`. */
const NAMED_TYPES: ReadonlySet<string> = new Set<DataType>([
  ...(Object.keys(INTEGERS) as IntegerType[]),
  'boolean',
  'bit-string',
  'long64',
  'long64-unsigned',
  'float32',
  'float64',
  'octet-string',
  'visible-string',
  'utf8-string',
  'date-time',
  'date',
  'time',
  'array',
  'structure',
]);

/** The value of an attribute. Throws `DLMS_VALUE` with the place and what would be right. */
export function dataOfWritten(written: unknown, view: AttributeView): Data {
  const name = view.name ?? 'value';
  return converted(written, view.type, { path: name, name, values: view.values, view }, 0);
}

function converted(written: unknown, type: TypeText, place: Place, depth: number): Data {
  if (depth > DATA_DEPTH_MAX) throw wrong(place, `at most ${DATA_DEPTH_MAX} levels`);
  if (written === null) return { type: 'null-data' };
  const named = namedType(written, type);
  if (named !== null) return ofNamedType(named.type, named.value, place, depth);
  switch (type.kind) {
    case 'any':
      throw wrong(place, 'its type too, as in {double-long-unsigned: 7}, as its class takes any');
    case 'array':
      return { type: 'array', value: elements(written, () => type.of, place, depth) };
    case 'structure':
      return { type: 'structure', value: fields(written, type.fields, place, depth) };
    case 'plain':
      return plain(written, type.type, type.size, place);
  }
}

/** `{long-unsigned: 7}`, unless the structure that is expected has a field of this name. */
function namedType(written: unknown, type: TypeText): { readonly type: DataType; readonly value: unknown } | null {
  if (!isRecord(written)) return null;
  const [key, ...rest] = Object.keys(written);
  if (key === undefined || rest.length > 0 || !NAMED_TYPES.has(key)) return null;
  if (type.kind === 'structure' && type.fields.some(({ name }) => name === key)) return null;
  return { type: key as DataType, value: written[key] };
}

function ofNamedType(type: DataType, written: unknown, place: Place, depth: number): Data {
  if (type !== 'array' && type !== 'structure') return plain(written, type, null, place);
  return { type, value: elements(written, () => ({ kind: 'any' }), place, depth) };
}

function elements(written: unknown, typeAt: (at: number) => TypeText, place: Place, depth: number): Data[] {
  if (!Array.isArray(written)) throw wrong(place, 'a list');
  return written.map((element: unknown, at) =>
    converted(element, typeAt(at), { ...place, path: `${place.path}[${at}]` }, depth + 1),
  );
}

function fields(written: unknown, known: readonly TypeField[], place: Place, depth: number): Data[] {
  const names = known.map(({ name }) => name).join(', ');
  const placeOf = ({ name }: TypeField): Place => ({
    path: `${place.path}.${name}`,
    name,
    values: place.view.fieldValues[name] ?? {},
    view: place.view,
  });
  if (Array.isArray(written)) {
    if (written.length !== known.length) throw wrong(place, `${known.length} elements (${names})`);
    return known.map((field, at) => converted(written[at], field.type, placeOf(field), depth + 1));
  }
  if (!isRecord(written)) throw wrong(place, `the fields ${names}`);
  const strange = Object.keys(written).find((key) => !known.some(({ name }) => name === key));
  if (strange !== undefined) throw wrong(place, `${names}, not ${strange}`);
  return known.map((field) =>
    field.name in written
      ? converted(written[field.name], field.type, placeOf(field), depth + 1)
      : defaultOfType(field.type, placeOf(field).values, place.view.fieldValues),
  );
}

function plain(written: unknown, type: DataType, size: number | null, place: Place): Data {
  switch (type) {
    case 'boolean':
      if (typeof written === 'boolean') return { type, value: written };
      throw wrong(place, 'true or false');
    case 'bit-string':
      return { type, value: bitsOf(written, size, place) };
    case 'octet-string':
      return { type, value: octetsOf(written, size, place) };
    case 'visible-string':
    case 'utf8-string':
      return { type, value: textOf(written, place) };
    case 'long64':
    case 'long64-unsigned':
      return { type, value: longOf(written, type, place) };
    case 'float32':
    case 'float64':
      if (typeof written === 'number') return { type, value: written };
      throw wrong(place, 'a number');
    case 'date-time':
    case 'date':
    case 'time':
      return momentOf(written, type, place);
    case 'null-data':
    case 'dont-care':
    case 'array':
    case 'structure':
    case 'compact-array':
      throw wrong(place, 'null');
    default:
      return { type, value: integerOf(written, type, place) };
  }
}

function integerOf(written: unknown, type: IntegerType, place: Place): number {
  const [minimum, maximum] = INTEGERS[type];
  const value = typeof written === 'string' && type === 'enum' ? enumOf(written, place) : written;
  if (typeof value === 'number' && Number.isInteger(value) && value >= minimum && value <= maximum) return value;
  throw wrong(place, `a whole number from ${minimum} to ${maximum}`);
}

function enumOf(written: string, place: Place): number {
  const unit = place.name === 'unit' ? unitCode(written) : undefined;
  const found = Object.entries(place.values).find(([, name]) => name === written)?.[0];
  if (unit !== undefined || found !== undefined) return unit ?? Number(found);
  const names = Object.values(place.values).join(', ');
  throw wrong(place, names === '' ? 'a number, its values have no names' : `a number or one of: ${names}`);
}

function longOf(written: unknown, type: 'long64' | 'long64-unsigned', place: Place): bigint {
  const isWhole = typeof written === 'string' ? /^-?\d{1,20}$/.test(written) : Number.isSafeInteger(written);
  if (isWhole && (typeof written === 'string' || typeof written === 'number')) {
    const value = BigInt(written);
    const fits = type === 'long64' ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value);
    if (fits === value) return value;
  }
  throw wrong(place, 'a whole number of 64 bits, above 2^53 in quotes');
}

function bitsOf(written: unknown, size: number | null, place: Place): string {
  const isBits = typeof written === 'string' && /^[01]*$/.test(written);
  if (isBits && (size === null || written.length === size)) return written;
  throw wrong(place, `${size ?? 'any number of'} digits 0 and 1 in quotes`);
}

function textOf(written: unknown, place: Place): string {
  if (typeof written === 'string') return written;
  throw wrong(place, 'a text');
}

const MOMENTS: Readonly<Record<number, (text: string) => Uint8Array | null>> = {
  12: (text) => given(parseWrittenDateTime(text), dateTimeToOctets),
  6: (text) => (isObis(text) ? obisToOctets(parseObis(text)) : null),
  5: (text) => given(parseWrittenDate(text), dateToOctets),
  4: (text) => given(parseWrittenTime(text), timeToOctets),
};

const FORMS: Readonly<Record<number, string>> = {
  12: 'a moment such as 2026-11-21 07:01:00 UTC+01:00',
  6: 'an OBIS code such as 1-0:1.8.0*255',
  5: 'a date such as 2026-11-21',
  4: 'a time such as 07:01:00',
};

function octetsOf(written: unknown, size: number | null, place: Place): Uint8Array {
  const text = textOf(written, place);
  const special = size === null ? null : (MOMENTS[size]?.(text) ?? null);
  const octets = special ?? hexOrText(text, place);
  if (size === null || octets.length === size) return octets;
  throw wrong(place, `${FORMS[size] === undefined ? '' : `${FORMS[size]}, or `}0x and ${size * 2} hex digits`);
}

function hexOrText(text: string, place: Place): Uint8Array {
  if (!text.startsWith('0x')) return new TextEncoder().encode(text);
  const digits = text.slice(2);
  if (!/^([0-9a-fA-F]{2})*$/.test(digits)) throw wrong(place, '0x and pairs of hex digits');
  return fromHex(digits);
}

function momentOf(written: unknown, type: 'date-time' | 'date' | 'time', place: Place): Data {
  const text = textOf(written, place);
  if (type === 'date-time') return { type, value: parseWrittenDateTime(text) ?? refuse(place, FORMS[12]) };
  if (type === 'date') return { type, value: parseWrittenDate(text) ?? refuse(place, FORMS[5]) };
  return { type, value: parseWrittenTime(text) ?? refuse(place, FORMS[4]) };
}

function refuse(place: Place, form = 'a moment'): never {
  throw wrong(place, form);
}

function given<Value, Result>(value: Value | null, then: (value: Value) => Result): Result | null {
  return value === null ? null : then(value);
}

function wrong({ path }: Place, right: string): Error {
  return dlmsError('DLMS_VALUE', `${path}: write ${right}`);
}
