/**
 * What a P1 telegram says (DSMR 5.0.2 P1, chapter 6; DSMR 2.2 for the gas line): values by OBIS code.
 *
 * Values without a unit are numbers, but for the identifiers and messages of group C = 96 and the version (0.2.8), whose
 * octets are written in hexadecimal. A value behind a time in a bracket of its own was captured then. Lists (power failures,
 * peaks of past months) are kept as one text.
 */
import { fromHex } from '../../base/bytes.ts';
import type { Data } from '../axdr/data.ts';
import { CLOCK_STATUS, dateTimeToOctets } from '../cosem/datetime.ts';
import { isObis, type ObisCode, obisGroups, parseObis } from '../cosem/obis.ts';
import { dlmsError } from '../errors.ts';
import { type DataField, type DataLine, dataLineText, parseDataLines } from './data-lines.ts';
import { scaledValueOf } from './decimal.ts';
import type { Telegram, TelegramValue } from './telegram.ts';

const CLOCK = parseObis('0-0:1.0.0');
const TIME = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)([SW]?)$/;
const CENTURY = 2_000;
/** Group C of identifiers, messages and counters of the meter itself. */
const GENERAL = 96;
/** Hourly values of a sub-meter, with their time in front (DSMR 2.2 and 3). */
const HOURLY = { c: 24, d: 3 };
/** Time, status, interval, count of channels, and for each of them OBIS code and unit. */
const HOURLY_HEAD = 4;

/** Reads a telegram from its `/` to its `!`; throws `DLMS_DATA_LINE` with the offset of the character at which it is none. */
export function parseP1Telegram(octets: Uint8Array): Telegram {
  const text = String.fromCharCode(...octets);
  const end = text.indexOf('!');
  const body = text.indexOf('\r\n');
  if (!text.startsWith('/') || body < 0 || end < body)
    throw dlmsError(
      'DLMS_DATA_LINE',
      'offset 0: a telegram goes from / to !, with an identification in its first line',
    );
  const lines = parseDataLines(text.slice(body, end), body);
  const clock = lines.find(({ address }) => isObis(address) && parseObis(address) === CLOCK);
  return {
    dateTime: timeOf(clock?.fields[0]?.value ?? '') ?? new Uint8Array(0),
    values: lines.flatMap((line) => (line === clock ? [] : valuesOf(line))),
  };
}

function valuesOf(line: DataLine): TelegramValue[] {
  // What has no OBIS code has no register either.
  if (!isObis(line.address)) return [];
  const obis = parseObis(line.address);
  const { c, d } = obisGroups(obis);
  const [first, second] = line.fields;
  if (c === HOURLY.c && d === HOURLY.d && line.fields.length > HOURLY_HEAD) return hourlyValues(line.fields);
  if (first === undefined) return [];
  if (line.fields.length === 1) return [pairOf(obis, first, null)];
  const capturedAt = timeOf(first.value);
  if (second !== undefined && capturedAt !== null && line.fields.length === 2)
    return [pairOf(obis, second, capturedAt)];
  const text = dataLineText({ address: '', fields: line.fields });
  return [{ obis, value: { type: 'visible-string', value: text }, scalerUnit: null, capturedAt: null }];
}

function hourlyValues(fields: readonly DataField[]): TelegramValue[] {
  const capturedAt = timeOf(fields[0]?.value ?? '');
  const channels = (fields.length - HOURLY_HEAD) / 3;
  return Array.from({ length: Math.floor(channels) }, (_, at) => {
    const code = fields[HOURLY_HEAD + 2 * at]?.value ?? '';
    const unit = fields[HOURLY_HEAD + 2 * at + 1]?.value ?? '';
    const value = fields[HOURLY_HEAD + 2 * channels + at]?.value ?? '';
    return isObis(code) ? [pairOf(parseObis(code), { value, unit }, capturedAt)] : [];
  }).flat();
}

function pairOf(obis: ObisCode, { value, unit }: DataField, capturedAt: Uint8Array | null): TelegramValue {
  if (unit === null && isText(obis)) return { obis, value: textData(value), scalerUnit: null, capturedAt };
  const scaled = scaledValueOf(value, unit);
  if (scaled !== null) return { obis, ...scaled, capturedAt };
  const text = unit === null ? value : `${value}*${unit}`;
  return { obis, value: { type: 'visible-string', value: text }, scalerUnit: null, capturedAt };
}

function isText(obis: ObisCode): boolean {
  const { c, d, e } = obisGroups(obis);
  return (c === GENERAL && (d === 1 || d === 13)) || (c === 0 && d === 2 && e === 8);
}

/** Octets written in hexadecimal, as they are; anything else is the text itself. */
function textData(text: string): Data {
  if (text === '') return { type: 'null-data' };
  return /^([0-9A-Fa-f]{2}){2,}$/.test(text)
    ? { type: 'octet-string', value: fromHex(text.toLowerCase()) }
    : { type: 'visible-string', value: text };
}

/** `YYMMDDhhmmss` in local time, S in summer and W in winter; null when it is no such time. */
function timeOf(text: string): Uint8Array | null {
  const match = TIME.exec(text);
  if (match === null) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const season = match[7];
  const { daylightSavingActive, notSpecified } = CLOCK_STATUS;
  const status = season === 'S' ? daylightSavingActive : season === 'W' ? 0 : notSpecified;
  const date = { year: CENTURY + year, month, day, weekday: null };
  return dateTimeToOctets({ ...date, hour, minute, second, hundredths: 0, deviation: null, status });
}
