/**
 * Values in words: what a person reads instead of tags and octets. The class table gives the names of fields and of enum
 * values; what it does not know is shown plainly. Nothing here throws: a value that does not fit its table is shown as it is.
 */

import { ByteReader, toHex } from '../../base/bytes.ts';
import type { Data } from '../axdr/data.ts';
import { readVisible } from '../axdr/text.ts';
import { type ClassRules, interfaceClassOf } from './classes/index.ts';
import {
  CLOCK_STATUS,
  type CosemDate,
  type CosemDateTime,
  type CosemTime,
  dateTimeFromOctets,
  isPlausibleDateTime,
  readDate,
  readTime,
} from './datetime.ts';
import type { ValueNames } from './interface-class.ts';
import { obisFromOctets } from './obis.ts';
import { attributeTypeOf, type TypeText } from './type-text.ts';
import { unitSymbol } from './units.ts';

/** What the class table says of an attribute. */
export interface AttributeView {
  /** Null = the table does not know the class or the attribute. */
  readonly name: string | null;
  readonly type: TypeText;
  readonly values: ValueNames;
  readonly fieldValues: Readonly<Record<string, ValueNames>>;
}

/** Rows of an array of structures. */
export interface WordTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Names and type of a value inside an attribute. */
interface Hint {
  readonly name: string;
  readonly type: TypeText;
  readonly values: ValueNames | undefined;
  readonly view: AttributeView;
}

const UNKNOWN: AttributeView = { name: null, type: { kind: 'any' }, values: {}, fieldValues: {} };

/** What is known of an attribute. */
export function attributeViewOf(
  classId: number,
  version: number,
  attributeId: number,
  rules: ClassRules = {},
): AttributeView {
  const table = interfaceClassOf(classId, version, rules)?.table;
  const attribute = table?.attributes.find(({ index }) => index === attributeId);
  if (table === undefined || attribute === undefined) return UNKNOWN;
  return {
    name: attribute.name,
    type: attributeTypeOf(table, attribute),
    values: attribute.values ?? {},
    fieldValues: attribute.fieldValues ?? {},
  };
}

/** A value in one line. */
export function wordsOf(data: Data, view: AttributeView = UNKNOWN): string {
  return words(data, { name: view.name ?? '', type: view.type, values: view.values, view });
}

/** An array of structures as a table, null when the value is none. Columns have the names of the fields, or numbers. */
export function wordTableOf(data: Data, view: AttributeView = UNKNOWN): WordTable | null {
  const elements = data.type === 'array' || data.type === 'compact-array' ? data.value : [];
  const rows = elements.flatMap((element) => (element.type === 'structure' ? [element.value] : []));
  if (rows.length === 0 || rows.length !== elements.length) return null;
  const width = rows.reduce((most, row) => Math.max(most, row.length), 0);
  const type = view.type.kind === 'array' ? view.type.of : view.type;
  const hints = Array.from({ length: width }, (_, at) => hintOfField(type, at, view));
  return {
    columns: hints.map(({ name }) => name),
    rows: rows.map((row) =>
      hints.map((hint, at) => {
        const value = row[at];
        return value === undefined ? '' : words(value, hint);
      }),
    ),
  };
}

function hintOfField(type: TypeText, at: number, view: AttributeView): Hint {
  const field = type.kind === 'structure' ? type.fields[at] : undefined;
  if (field === undefined) return { name: `${at + 1}`, type: UNKNOWN.type, values: undefined, view };
  return { ...field, values: view.fieldValues[field.name], view };
}

function words(data: Data, hint: Hint): string {
  switch (data.type) {
    case 'null-data':
      return 'not set';
    case 'dont-care':
      return 'any';
    case 'boolean':
      return data.value ? 'yes' : 'no';
    case 'structure':
      return structureWords(data.value, hint);
    case 'array':
    case 'compact-array':
      return `[${data.value.map((element) => words(element, elementHint(hint))).join(', ')}]`;
    case 'octet-string':
      return octetWords(data.value, hint);
    case 'bit-string':
      return data.value === '' ? 'no bits' : data.value;
    case 'date-time':
      return dateTimeWords(data.value);
    case 'date':
      return dateWords(data.value);
    case 'time':
      return timeWords(data.value);
    default:
      return numberOrText(data.value, hint);
  }
}

function numberOrText(value: number | bigint | string, hint: Hint): string {
  if (typeof value !== 'number') return typeof value === 'string' ? JSON.stringify(value) : value.toString();
  const name = hint.values?.[value];
  if (name !== undefined) return `${name} (${value})`;
  if (hint.name === 'unit') return `${unitSymbol(value)} (${value})`;
  return IPV4_NAMES.test(hint.name) ? ipv4Words(value) : value.toString();
}

/** Addresses that class 42 holds as numbers. */
const IPV4_NAMES = /^(multicast_|gateway_)?IP_address$|^subnet_mask$|^(primary|secondary)_DNS_address$/;

function ipv4Words(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

function structureWords(fields: readonly Data[], hint: Hint): string {
  const parts = fields.map((field, at) => {
    const inner = hintOfField(hint.type, at, hint.view);
    const text = words(field, inner);
    return hint.type.kind === 'structure' ? `${inner.name} ${text}` : text;
  });
  return `{${parts.join(', ')}}`;
}

function elementHint(hint: Hint): Hint {
  return { ...hint, type: hint.type.kind === 'array' ? hint.type.of : UNKNOWN.type };
}

const DATE_TIME_OCTETS = 12;
const DATE_OCTETS = 5;
const TIME_OCTETS = 4;
const OBIS_OCTETS = 6;
/** Six octets that are no logical name: PRIME addresses. */
const MAC_NAMES = /^(did|sna|eui|mac_SNA|mac_address)$/;

function octetWords(octets: Uint8Array, { name, type }: Hint): string {
  const size = type.kind === 'plain' ? type.size : null;
  if (octets.length === 0) return 'empty';
  if (octets.length === DATE_TIME_OCTETS && (size === DATE_TIME_OCTETS || size === null)) {
    const value = dateTimeFromOctets(octets);
    if (size === DATE_TIME_OCTETS || isPlausibleDateTime(value)) return dateTimeWords(value);
  }
  if (octets.length === DATE_OCTETS && size === DATE_OCTETS) return dateWords(readDate(new ByteReader(octets)));
  if (octets.length === TIME_OCTETS && size === TIME_OCTETS) return timeWords(readTime(new ByteReader(octets)));
  if (octets.length === OBIS_OCTETS && size === OBIS_OCTETS && !MAC_NAMES.test(name)) return obisFromOctets(octets);
  return textOfOctets(octets) ?? toHex(octets);
}

/** Printable ASCII as a quoted text, else null. */
function textOfOctets(octets: Uint8Array): string | null {
  if (!octets.every((octet) => octet >= 0x20 && octet < 0x7f)) return null;
  return JSON.stringify(readVisible(octets));
}

/** Months of 253 and 254 begin and end daylight saving; days of 253 and 254 count from the end of the month. */
const MONTH_WORDS: Readonly<Record<number, string>> = { 253: 'DST-end', 254: 'DST-begin' };
const DAY_WORDS: Readonly<Record<number, string>> = { 253: 'last-but-one', 254: 'last' };
const WEEKDAYS = ['', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

function two(field: number | null, special: Readonly<Record<number, string>> = {}): string {
  return field === null ? '**' : (special[field] ?? String(field).padStart(2, '0'));
}

/** A date: `2026-11-21`; fields that are not specified are stars, a weekday is named where the day is open. */
export function dateWords({ year, month, day, weekday }: CosemDate): string {
  const weekdayText = weekday === null || (year !== null && day !== null) ? '' : ` ${WEEKDAYS[weekday] ?? weekday}`;
  const yearText = year === null ? '****' : String(year).padStart(4, '0');
  return `${yearText}-${two(month, MONTH_WORDS)}-${two(day, DAY_WORDS)}${weekdayText}`;
}

/** A time of day: `07:01:00`; hundredths only where there are some. */
export function timeWords({ hour, minute, second, hundredths }: CosemTime): string {
  const fraction = hundredths === null || hundredths === 0 ? '' : `.${two(hundredths)}`;
  return `${two(hour)}:${two(minute)}:${two(second)}${fraction}`;
}

const STATUS_WORDS: readonly (readonly [number, string])[] = [
  [CLOCK_STATUS.invalidValue, 'invalid value'],
  [CLOCK_STATUS.doubtfulValue, 'doubtful value'],
  [CLOCK_STATUS.differentClockBase, 'different clock base'],
  [CLOCK_STATUS.invalidClockStatus, 'invalid clock status'],
  [CLOCK_STATUS.daylightSavingActive, 'daylight saving'],
];

/** A date and time as the meter means it: `2026-11-21 07:01:00 UTC+01:00 (daylight saving)`. */
export function dateTimeWords(value: CosemDateTime): string {
  const { deviation, status } = value;
  const set = status === CLOCK_STATUS.notSpecified ? [] : STATUS_WORDS.filter(([mask]) => (status & mask) !== 0);
  const flags = set.length === 0 ? '' : ` (${set.map(([, text]) => text).join(', ')})`;
  return `${dateWords(value)} ${timeWords(value)}${deviation === null ? '' : ` ${offsetWords(deviation)}`}${flags}`;
}

/** Deviation counts from local time to UTC, so UTC+1 is -60. */
function offsetWords(deviation: number): string {
  const ahead = Math.abs(deviation);
  return `UTC${deviation > 0 ? '-' : '+'}${two(Math.floor(ahead / 60))}:${two(ahead % 60)}`;
}
