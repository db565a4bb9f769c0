/**
 * COSEM date and time (Blue Book 4.1.6.1). Every field can be "not specified"; each octet has exactly one meaning here, so
 * the 12 octets can always be made again.
 */

import { ByteReader, ByteWriter } from '../../base/bytes.ts';
import { civilOfDays, daysOfCivil } from '../../base/time.ts';
import { dlmsError } from '../errors.ts';

/** A date of 5 octets. `null` = not specified (FFFF, FF). */
export interface CosemDate {
  readonly year: number | null;
  /** 1 to 12; 254 = daylight saving begins, 253 = ends. */
  readonly month: number | null;
  /** 1 to 31; 254 = last day of the month, 253 = last day but one. */
  readonly day: number | null;
  /** 1 = Monday to 7 = Sunday. */
  readonly weekday: number | null;
}

/** A time of 4 octets. `null` = not specified (FF). */
export interface CosemTime {
  readonly hour: number | null;
  readonly minute: number | null;
  readonly second: number | null;
  readonly hundredths: number | null;
}

/** A date and time of 12 octets. */
export interface CosemDateTime extends CosemDate, CosemTime {
  /** Minutes from local time to UTC: UTC = local + deviation, so UTC+1 is -60. `null` = not specified (8000). */
  readonly deviation: number | null;
  /** Bits of {@link CLOCK_STATUS}; 255 = not specified. */
  readonly status: number;
}

/** Bits of the clock status octet. 255 means that no bit is specified. */
export const CLOCK_STATUS = {
  invalidValue: 0x01,
  doubtfulValue: 0x02,
  differentClockBase: 0x04,
  invalidClockStatus: 0x08,
  daylightSavingActive: 0x80,
  notSpecified: 0xff,
} as const;

const U16_UNSPECIFIED = 0xff_ff;
const U8_UNSPECIFIED = 0xff;
const DEVIATION_UNSPECIFIED = -0x80_00;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

const orNull = (octet: number): number | null => (octet === U8_UNSPECIFIED ? null : octet);

/** Reads the 5 octets of a date. */
export function readDate(reader: ByteReader): CosemDate {
  const year = reader.u16();
  return {
    year: year === U16_UNSPECIFIED ? null : year,
    month: orNull(reader.u8()),
    day: orNull(reader.u8()),
    weekday: orNull(reader.u8()),
  };
}

/** Reads the 4 octets of a time. */
export function readTime(reader: ByteReader): CosemTime {
  return {
    hour: orNull(reader.u8()),
    minute: orNull(reader.u8()),
    second: orNull(reader.u8()),
    hundredths: orNull(reader.u8()),
  };
}

/** Reads the 12 octets of a date and time. */
export function readDateTime(reader: ByteReader): CosemDateTime {
  // One object, made at once: a load profile has thousands of them.
  const year = reader.u16();
  const month = orNull(reader.u8());
  const day = orNull(reader.u8());
  const weekday = orNull(reader.u8());
  const hour = orNull(reader.u8());
  const minute = orNull(reader.u8());
  const second = orNull(reader.u8());
  const hundredths = orNull(reader.u8());
  const deviation = reader.i16();
  return {
    year: year === U16_UNSPECIFIED ? null : year,
    month,
    day,
    weekday,
    hour,
    minute,
    second,
    hundredths,
    deviation: deviation === DEVIATION_UNSPECIFIED ? null : deviation,
    status: reader.u8(),
  };
}

function writeField(writer: ByteWriter, value: number | null, name: string): void {
  const octet = value ?? U8_UNSPECIFIED;
  if (!Number.isInteger(octet) || octet < 0 || octet > 0xff) throw dlmsError('DLMS_VALUE', `${name} ${octet}`);
  writer.u8(octet);
}

/** Writes the 5 octets of a date. */
export function writeDate(writer: ByteWriter, date: CosemDate): void {
  const year = date.year ?? U16_UNSPECIFIED;
  if (!Number.isInteger(year) || year < 0 || year > 0xff_ff) throw dlmsError('DLMS_VALUE', `year ${year}`);
  writer.u16(year);
  writeField(writer, date.month, 'month');
  writeField(writer, date.day, 'day');
  writeField(writer, date.weekday, 'weekday');
}

/** Writes the 4 octets of a time. */
export function writeTime(writer: ByteWriter, time: CosemTime): void {
  writeField(writer, time.hour, 'hour');
  writeField(writer, time.minute, 'minute');
  writeField(writer, time.second, 'second');
  writeField(writer, time.hundredths, 'hundredths');
}

/** Writes the 12 octets of a date and time. */
export function writeDateTime(writer: ByteWriter, value: CosemDateTime): void {
  writeDate(writer, value);
  writeTime(writer, value);
  const deviation = value.deviation ?? DEVIATION_UNSPECIFIED;
  if (!Number.isInteger(deviation) || deviation < -0x80_00 || deviation > 0x7f_ff) {
    throw dlmsError('DLMS_VALUE', `deviation ${deviation}`);
  }
  writer.i16(deviation);
  writeField(writer, value.status, 'status');
}

/** The date and time of 12 octets; throws `DLMS_DATE_TIME` for any other length. */
export function dateTimeFromOctets(octets: Uint8Array): CosemDateTime {
  if (octets.length !== 12) throw dlmsError('DLMS_DATE_TIME', `${octets.length} octets, 12 wanted`);
  return readDateTime(new ByteReader(octets));
}

/** The 12 octets of a date and time. */
export function dateTimeToOctets(value: CosemDateTime): Uint8Array {
  const writer = new ByteWriter(12);
  writeDateTime(writer, value);
  return writer.finish();
}

/** Whether each field is in its range or a wildcard: tells a date and time from 12 other octets. */
export function isPlausibleDateTime(value: CosemDateTime): boolean {
  return (
    within(value.year, 1970, 2199) &&
    (within(value.month, 1, 12) || value.month === 253 || value.month === 254) &&
    (within(value.day, 1, 31) || value.day === 253 || value.day === 254) &&
    within(value.weekday, 1, 7) &&
    within(value.hour, 0, 23) &&
    within(value.minute, 0, 59) &&
    within(value.second, 0, 59) &&
    within(value.hundredths, 0, 99) &&
    within(value.deviation, -840, 840)
  );
}

function within(field: number | null, low: number, high: number): boolean {
  return field === null || (field >= low && field <= high);
}

/** How a meter fills the deviation field. */
export interface DeviationRule {
  /** Minutes to use when the field is not specified; null (the default) then gives no UTC time. */
  readonly defaultDeviation?: number | null;
  /** Some meters send the deviation with the opposite sign: UTC = local - deviation. */
  readonly oppositeSign?: boolean;
}

/**
 * UTC in ms since 1970, or null when the date is not one certain moment (wildcards, no deviation, impossible fields).
 * Seconds and hundredths that are not specified count as 0.
 */
export function utcMsOf(value: CosemDateTime, rule: DeviationRule = {}): number | null {
  const localMs = localMsOf(value);
  if (localMs === null) return null;
  if (value.deviation !== null) {
    return localMs + (rule.oppositeSign === true ? -value.deviation : value.deviation) * MINUTE_MS;
  }
  const fallback = rule.defaultDeviation ?? null;
  return fallback === null ? null : localMs + fallback * MINUTE_MS;
}

/** The local wall clock as if it were UTC, in ms since 1970; null when it is not one certain moment. */
export function localMsOf(value: CosemDateTime): number | null {
  const { year, month, day, hour, minute } = value;
  if (year === null || month === null || day === null || hour === null || minute === null) return null;
  const second = value.second ?? 0;
  const hundredths = value.hundredths ?? 0;
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return null;
  if (hour > 23 || minute > 59 || second > 59 || hundredths > 99) return null;
  return (
    daysOfCivil(year, month, day) * DAY_MS + hour * 3_600_000 + minute * MINUTE_MS + second * 1_000 + hundredths * 10
  );
}

/** How {@link dateTimeOfUtcMs} fills the fields that UTC does not say. */
export interface LocalClock {
  /** Minutes from local time to UTC: UTC+1 is -60. */
  readonly deviation: number;
  /** False leaves the deviation field "not specified" (the local time is the same): some meters want it so. */
  readonly sendDeviation?: boolean;
  /** Clock status octet, default 0. */
  readonly status?: number;
}

/** The date and time of a moment, all fields filled; hundredths are cut to whole ones. */
export function dateTimeOfUtcMs(utcMs: number, clock: LocalClock): CosemDateTime {
  const localMs = utcMs - clock.deviation * MINUTE_MS;
  const days = Math.floor(localMs / DAY_MS);
  const rest = localMs - days * DAY_MS;
  const { year, month, day } = civilOfDays(days);
  return {
    year,
    month,
    day,
    // 1970-01-01 was a Thursday.
    weekday: ((((days + 3) % 7) + 7) % 7) + 1,
    hour: Math.floor(rest / 3_600_000),
    minute: Math.floor(rest / MINUTE_MS) % 60,
    second: Math.floor(rest / 1_000) % 60,
    hundredths: Math.floor(rest / 10) % 100,
    deviation: clock.sendDeviation === false ? null : clock.deviation,
    status: clock.status ?? 0,
  };
}

/** Days of a month, 1 to 12, in the Gregorian calendar. */
export function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** A date and time in one line: `2026-11-21 07:01:00.00 deviation -60 status 80`; what is not specified is shown as dashes. */
export function dateTimeText(value: CosemDateTime): string {
  const two = (field: number | null): string => (field === null ? '--' : String(field).padStart(2, '0'));
  const year = value.year === null ? '----' : String(value.year).padStart(4, '0');
  const time = `${two(value.hour)}:${two(value.minute)}:${two(value.second)}.${two(value.hundredths)}`;
  const status = value.status.toString(16).padStart(2, '0');
  return `${year}-${two(value.month)}-${two(value.day)} ${time} deviation ${value.deviation ?? '--'} status ${status}`;
}
