/**
 * Times as ASCII meters write them: `YYMMDD`, `hhmm` and `hhmmss`, together or apart, with or without points between, and with
 * or without a season in front (0 = standard time, 1 = summer time, 2 = UTC). Two digits of a year are 2000 to 2099.
 */
import { CLOCK_STATUS, type CosemDateTime, isPlausibleDateTime } from '../cosem/datetime.ts';

const CENTURY = 2_000;
const SEPARATORS = /[-.:,/ ]/g;
const STATUS_OF_SEASON: Readonly<Record<string, number>> = {
  0: 0,
  1: CLOCK_STATUS.daylightSavingActive,
  2: 0,
};

/** A time of 10 digits, 12 with seconds, one more with a season; null when it is none. */
export function asciiMoment(text: string): CosemDateTime | null {
  const match = /^([012]?)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?$/.exec(text.replace(SEPARATORS, ''));
  if (match === null) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(2)
    .map((part) => Number(part ?? 0));
  const season = match[1] ?? '';
  const time: CosemDateTime = {
    year: CENTURY + year,
    month,
    day,
    weekday: null,
    hour,
    minute,
    second,
    hundredths: 0,
    deviation: season === '2' ? 0 : null,
    status: STATUS_OF_SEASON[season] ?? CLOCK_STATUS.notSpecified,
  };
  return isPlausibleDateTime(time) && day <= daysOf(year, month) ? time : null;
}

/** A date (6 digits) and a time of day (4 or 6) from two lines, each with or without a season; null when they are none. */
export function asciiClock(date: string, time: string): CosemDateTime | null {
  const [, dateSeason = '', day = ''] = /^([012]?)(\d{6})$/.exec(date.replace(SEPARATORS, '')) ?? [];
  const [, season = dateSeason, clock = ''] = /^([012]?)(\d{4}|\d{6})$/.exec(time.replace(SEPARATORS, '')) ?? [];
  return asciiMoment(`${season === '' ? dateSeason : season}${day}${clock}`);
}

/** Digits in which a meter takes a time: 10, or 12 with seconds; 11 and 13 have a season in front. */
export const ASCII_TIME_DIGITS = [10, 11, 12, 13] as const;

/** One of {@link ASCII_TIME_DIGITS}. */
export type AsciiTimeDigits = (typeof ASCII_TIME_DIGITS)[number];

/** A moment as a meter takes it. */
export function asciiMomentText(time: CosemDateTime, digits: AsciiTimeDigits): string {
  const two = (value: number | null) => String((value ?? 0) % 100).padStart(2, '0');
  const isSummer =
    ((time.status ?? 0) & CLOCK_STATUS.daylightSavingActive) !== 0 && time.status !== CLOCK_STATUS.notSpecified;
  const season = digits % 2 === 0 ? '' : isSummer ? '1' : '0';
  const text = [time.year, time.month, time.day, time.hour, time.minute].map(two).join('');
  return `${season}${text}${digits >= 12 ? two(time.second) : ''}`;
}

/** Days of a month of 2000 + `year`. */
function daysOf(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}
