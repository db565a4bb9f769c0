/** Dates and times as they are printed in words, read back: `2026-11-21 07:01:00 UTC+01:00`, stars where a field is open. */

import { ByteWriter } from '../../base/bytes.ts';
import { CLOCK_STATUS, type CosemDate, type CosemDateTime, type CosemTime, writeDate, writeTime } from './datetime.ts';

const DATE = /^(\d{4}|\*{4})-(\d\d|\*\*)-(\d\d|\*\*)$/;
const TIME = /^(\d\d|\*\*):(\d\d|\*\*):(\d\d|\*\*)(?:\.(\d\d))?$/;
const OFFSET = /^UTC([+-])(\d\d):(\d\d)$/;
const OFFSET_MAX_MIN = 720;

const field = (text: string | undefined): number | null =>
  text === undefined || text.startsWith('*') ? null : Number(text);
const within = (value: number | null, minimum: number, maximum: number): boolean =>
  value === null || (value >= minimum && value <= maximum);

/** A date, or null when the text is none. */
export function parseWrittenDate(text: string): CosemDate | null {
  const match = DATE.exec(text);
  if (match === null) return null;
  const [year, month, day] = [field(match[1]), field(match[2]), field(match[3])];
  return within(month, 1, 12) && within(day, 1, 31) ? { year, month, day, weekday: null } : null;
}

/** A time of day, or null when the text is none. Hundredths that are not written are not specified. */
export function parseWrittenTime(text: string): CosemTime | null {
  const match = TIME.exec(text);
  if (match === null) return null;
  const [hour, minute, second] = [field(match[1]), field(match[2]), field(match[3])];
  const isTime = within(hour, 0, 23) && within(minute, 0, 59) && within(second, 0, 59);
  return isTime ? { hour, minute, second, hundredths: field(match[4]) } : null;
}

/**
 * A date and time, or null when the text is none. Without an offset the deviation is not specified; the status never is
 * set: no bit where there is an offset, not specified where there is none.
 */
export function parseWrittenDateTime(text: string): CosemDateTime | null {
  const [dateText = '', timeText = '', offsetText, ...rest] = text.split(' ');
  const date = parseWrittenDate(dateText);
  const time = parseWrittenTime(timeText);
  if (date === null || time === null || rest.length > 0) return null;
  if (offsetText === undefined) return { ...date, ...time, deviation: null, status: CLOCK_STATUS.notSpecified };
  const [, sign, hours, minutes] = OFFSET.exec(offsetText) ?? [];
  const aheadMin = Number(hours) * 60 + Number(minutes);
  if (sign === undefined || aheadMin > OFFSET_MAX_MIN) return null;
  // Deviation counts from local time to UTC; -0 would not be the 0 that is read back.
  const deviation = sign === '-' || aheadMin === 0 ? aheadMin : -aheadMin;
  return { ...date, ...time, deviation, status: 0 };
}

/** The 5 octets of a date. */
export function dateToOctets(date: CosemDate): Uint8Array {
  const writer = new ByteWriter(5, 5);
  writeDate(writer, date);
  return writer.finish();
}

/** The 4 octets of a time. */
export function timeToOctets(time: CosemTime): Uint8Array {
  const writer = new ByteWriter(4, 4);
  writeTime(writer, time);
  return writer.finish();
}
