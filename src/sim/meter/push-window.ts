/**
 * Communication windows (class 40 attribute 4): from one moment to another, each with fields that may be open, so that a
 * window comes again every hour, day, week, month or year. Pure; a moment is local time, ms as if it were UTC.
 *
 * A window is open when its start came last and its end did not come since; an end in the same moment closes it. Open seconds
 * and minutes stand for 0, an open hour for every hour. Months and days that are daylight-saving rules (253, 254) are the last
 * day and the last but one of a month; as months they never come.
 */
import { civilOfDays, daysOfCivil } from '../../base/time.ts';
import type { CosemDateTime } from '../../dlms/cosem/datetime.ts';

/** One window. */
export interface PushWindow {
  readonly start: CosemDateTime;
  readonly end: CosemDateTime;
}

const SECOND_MS = 1000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** The 29th of February comes once in up to eight years. */
const LOOK_DAYS = 8 * 366;
const LAST_DAY = 254;
const LAST_DAY_BUT_ONE = 253;
/** 1970-01-01 was a Thursday; Monday is 1. */
const EPOCH_WEEKDAY = 4;

const DAILY = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/;

/** A window of every day, written `HH:MM-HH:MM`; it may go over midnight. Null when it is not written so. */
export function dailyWindow(text: string): PushWindow | null {
  const [from, to] = [DAILY.exec(text)?.slice(1, 3), DAILY.exec(text)?.slice(3, 5)];
  return from === undefined || to === undefined ? null : { start: dailyAt(from), end: dailyAt(to) };
}

function dailyAt([hour, minute]: readonly string[]): CosemDateTime {
  const date = { year: null, month: null, day: null, weekday: null };
  return {
    ...date,
    hour: Number(hour),
    minute: Number(minute),
    second: 0,
    hundredths: 0,
    deviation: null,
    status: 0xff,
  };
}

/** A date and time as ms of local time; null when a field of the date is open. */
export function localMsOf({ year, month, day, hour, minute, second }: CosemDateTime): number | null {
  if (year === null || month === null || day === null) return null;
  const seconds = (hour ?? 0) * 3600 + (minute ?? 0) * 60 + (second ?? 0);
  return daysOfCivil(year, month, day) * DAY_MS + seconds * SECOND_MS;
}

/** How long until a push may go out, ms: 0 = now, also without any window; null = no window opens any more. */
export function waitForWindowMs(windows: readonly PushWindow[], localMs: number): number | null {
  if (windows.length === 0 || windows.some((window) => isOpen(window, localMs))) return 0;
  const starts = windows.flatMap(({ start }) => nextAt(start, localMs) ?? []);
  return starts.length === 0 ? null : Math.min(...starts) - localMs;
}

function isOpen({ start, end }: PushWindow, localMs: number): boolean {
  const startedMs = lastAt(start, localMs);
  const endedMs = lastAt(end, localMs);
  return startedMs !== null && (endedMs === null || endedMs < startedMs);
}

/** When a moment came last, up to and with `localMs`; null = never. */
function lastAt(moment: CosemDateTime, localMs: number): number | null {
  const only = onlyAt(moment);
  if (only !== null) return only <= localMs ? only : null;
  const today = Math.floor(localMs / DAY_MS);
  for (let day = today; day > today - LOOK_DAYS; day--) {
    if (!isOn(moment, day)) continue;
    const ofDayMs = latestIn(moment, day === today ? localMs - day * DAY_MS : DAY_MS - 1);
    if (ofDayMs !== null) return day * DAY_MS + ofDayMs;
  }
  return null;
}

/** When a moment comes next, after `localMs`; null = never. */
function nextAt(moment: CosemDateTime, localMs: number): number | null {
  const only = onlyAt(moment);
  if (only !== null) return only > localMs ? only : null;
  const today = Math.floor(localMs / DAY_MS);
  for (let day = today; day < today + LOOK_DAYS; day++) {
    if (!isOn(moment, day)) continue;
    const ofDayMs = earliestIn(moment, day === today ? localMs - day * DAY_MS : -1);
    if (ofDayMs !== null) return day * DAY_MS + ofDayMs;
  }
  return null;
}

/** The one time at which a moment with nothing open comes. */
function onlyAt(moment: CosemDateTime): number | null {
  return moment.hour === null || (moment.day ?? 0) >= LAST_DAY_BUT_ONE ? null : localMsOf(moment);
}

function isOn({ year, month, day, weekday }: CosemDateTime, days: number): boolean {
  const date = civilOfDays(days);
  if ((year ?? date.year) !== date.year || (month ?? date.month) !== date.month) return false;
  if (weekday !== null && weekday !== ((((days + EPOCH_WEEKDAY - 1) % 7) + 7) % 7) + 1) return false;
  if (day === LAST_DAY || day === LAST_DAY_BUT_ONE) return civilOfDays(days + (day === LAST_DAY ? 1 : 2)).day === 1;
  return (day ?? date.day) === date.day;
}

function inHourMs({ minute, second }: CosemDateTime): number {
  return ((minute ?? 0) * 60 + (second ?? 0)) * SECOND_MS;
}

function latestIn(moment: CosemDateTime, untilMs: number): number | null {
  const inHour = inHourMs(moment);
  const hour = moment.hour ?? Math.floor((untilMs - inHour) / HOUR_MS);
  const ofDayMs = hour * HOUR_MS + inHour;
  return ofDayMs >= 0 && ofDayMs <= untilMs ? ofDayMs : null;
}

function earliestIn(moment: CosemDateTime, afterMs: number): number | null {
  const inHour = inHourMs(moment);
  const hour = moment.hour ?? Math.max(0, Math.floor((afterMs - inHour) / HOUR_MS) + 1);
  const ofDayMs = hour * HOUR_MS + inHour;
  return ofDayMs > afterMs && ofDayMs < DAY_MS ? ofDayMs : null;
}
