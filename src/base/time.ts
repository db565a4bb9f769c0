/**
 * The calendar without the machine's clock or zone: UTC milliseconds to ISO 8601 text and back (proleptic Gregorian, no
 * leap seconds). The conversion of days is Howard Hinnant's `civil_from_days`, with years that begin in March.
 */

/** One day. */
export const DAY_MS = 86_400_000;

/** A date of the calendar, month 1-12, day 1-31. */
export interface CivilDate {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

/** Days since 1970-01-01 of a date; plain numbers, since rows of profiles come through here by the million. */
export function daysOfCivil(year: number, month: number, day: number): number {
  const marchYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(marchYear / 400);
  const yearOfEra = marchYear - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** The date of a number of days since 1970-01-01. */
export function civilOfDays(days: number): CivilDate {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthOfMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = monthOfMarch < 10 ? monthOfMarch + 3 : monthOfMarch - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * monthOfMarch + 2) / 5) + 1,
  };
}

/** `2026-11-21T09:56:27.000Z`, the form of ECMA-262 for years 0-9999. */
export function isoText(atMs: number): string {
  const days = Math.floor(atMs / DAY_MS);
  const date = civilOfDays(days);
  const ofDayMs = Math.floor(atMs - days * DAY_MS);
  const time = [3_600_000, 60_000, 1_000].map((unitMs, at) =>
    pad(Math.floor(ofDayMs / unitMs) % (at === 0 ? 24 : 60), 2),
  );
  return `${pad(date.year, 4)}-${pad(date.month, 2)}-${pad(date.day, 2)}T${time.join(':')}.${pad(ofDayMs % 1_000, 3)}Z`;
}

const ISO = /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3})\d*)?)?(Z|[+-]\d{2}:?\d{2}))?$/;

/**
 * UTC milliseconds of a date (midnight UTC) or of a date with time and zone (`Z` or an offset), or null when the text is
 * neither: a time without a zone is no instant. Digits beyond the millisecond are cut.
 */
export function parseIso(text: string): number | null {
  const parts = ISO.exec(text);
  if (parts === null) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts
    .slice(1, 7)
    .map((part) => Number(part ?? 0));
  const days = daysOfCivil(year, month, day);
  const back = civilOfDays(days);
  if (back.year !== year || back.month !== month || back.day !== day) return null;
  if (hour > 23 || minute > 59 || second > 59) return null;
  const zone = parts[8] ?? 'Z';
  const offsetMin =
    zone === 'Z' ? 0 : (zone.startsWith('-') ? -1 : 1) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2)));
  const milliseconds = Number((parts[7] ?? '0').padEnd(3, '0'));
  return days * DAY_MS + (hour * 60 + minute - offsetMin) * 60_000 + second * 1_000 + milliseconds;
}

function pad(value: number, digits: number): string {
  return String(value).padStart(digits, '0');
}
