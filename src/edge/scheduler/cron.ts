/**
 * Cron expressions of five fields (minute, hour, day of month, month, day of week) and when they come, by the wall clock of a
 * site. Pure.
 *
 * A day counts when its month fits and, as in crontab(5), either of both day fields where both are restricted. Where clocks
 * change: an expression with an hour comes once a day, in the hour that comes twice the first time, in the hour that is left
 * out when that hour would have been over; one that comes every hour follows the hours as they pass, 23 or 25 of them.
 */
import { civilOfDays, DAY_MS } from '../../base/time.ts';
import type { TimeZone } from '../../profile/zone.ts';

/** A parsed expression. */
export interface Cron {
  /** 0 to 59, ascending. */
  readonly minutes: readonly number[];
  /** 0 to 23, ascending. */
  readonly hours: readonly number[];
  /** 1 to 31. */
  readonly days: ReadonlySet<number>;
  /** 1 to 12. */
  readonly months: ReadonlySet<number>;
  /** 0 = Sunday to 6. */
  readonly weekdays: ReadonlySet<number>;
  /** Both day fields are restricted: either is enough. */
  readonly eitherDay: boolean;
}

/** An expression, or what is wrong with it: which field, and what stands there. */
export type ParsedCron = { readonly ok: true; readonly cron: Cron } | { readonly ok: false; readonly sentence: string };

interface Field {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly words?: readonly string[];
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const FIELDS: readonly Field[] = [
  { name: 'minute', from: 0, to: 59 },
  { name: 'hour', from: 0, to: 23 },
  { name: 'day of month', from: 1, to: 31 },
  { name: 'month', from: 1, to: 12, words: ['', ...MONTHS] },
  { name: 'day of week', from: 0, to: 7, words: WEEKDAYS },
];

const MINUTE_MS = 60_000;
const MINUTES_PER_DAY = 1_440;
const HOURS_PER_DAY = 24;
/** 29 February on a given weekday comes once in 28 years, 40 across a century that has no leap day. */
const SEARCH_DAYS_MAX = 40 * 366;

/** Parses an expression such as `5 0 * * mon-fri`. */
export function parseCron(text: string): ParsedCron {
  const parts = text.trim().toLowerCase().split(/\s+/);
  if (parts.length !== FIELDS.length)
    return { ok: false, sentence: `has ${parts.length} fields: write five, minute hour day month weekday` };
  const sets: number[][] = [];
  for (const [at, field] of FIELDS.entries()) {
    const values = valuesOf(parts[at] ?? '', field);
    if (values === null) return { ok: false, sentence: wrongField(at, field, parts[at] ?? '') };
    sets.push(values);
  }
  const [minutes = [], hours = [], days = [], months = [], weekdays = []] = sets;
  const eitherDay = !isStar(parts[2]) && !isStar(parts[4]);
  const week = new Set(weekdays.map((day) => day % 7));
  const cron = { minutes, hours, days: new Set(days), months: new Set(months), weekdays: week, eitherDay };
  const comes = nextDay(cron, 0, () => true) !== null;
  return comes ? { ok: true, cron } : { ok: false, sentence: 'never comes: no month has such a day' };
}

/** The first moment after `afterMs` at which it comes on a day that `isDay` takes, UTC ms; null = within 40 years on none. */
export function nextOfCron(
  cron: Cron,
  zone: TimeZone,
  afterMs: number,
  isDay: (day: number) => boolean,
): number | null {
  let day: number | null = Math.floor(zone.localMs(afterMs) / DAY_MS);
  for (;;) {
    day = nextDay(cron, day, isDay);
    if (day === null) return null;
    const next = firstAfter(momentsOfDay(cron, zone, day), afterMs);
    if (next !== null) return next;
    day++;
  }
}

function isStar(part: string | undefined): boolean {
  return part === undefined || part.startsWith('*');
}

function wrongField(at: number, { name, from, to }: Field, part: string): string {
  return `field ${at + 1} (${name}): ${part} is none of *, ${from} to ${to}, ranges a-b, steps */n, and lists of these`;
}

/** The numbers of a field, ascending, or null. */
function valuesOf(part: string, field: Field): number[] | null {
  const values = new Set<number>();
  for (const item of part.split(',')) {
    const [range = '', step = '1', ...rest] = item.split('/');
    const span = spanOf(range, field, item.includes('/'));
    if (span === null || rest.length > 0 || !/^[1-9]\d{0,2}$/.test(step)) return null;
    for (let value = span.from; value <= span.to; value += Number(step)) values.add(value);
  }
  return [...values].sort((a, b) => a - b);
}

function spanOf(range: string, field: Field, hasStep: boolean): { readonly from: number; readonly to: number } | null {
  if (range === '*') return { from: field.from, to: field.to === 7 ? 6 : field.to };
  const [first = '', last, ...rest] = range.split('-');
  const from = numberOf(first, field);
  const to = last === undefined ? (hasStep ? field.to : from) : numberOf(last, field);
  return from === null || to === null || to < from || rest.length > 0 ? null : { from, to };
}

function numberOf(text: string, { from, to, words = [] }: Field): number | null {
  const value = /^\d{1,2}$/.test(text) ? Number(text) : text === '' ? -1 : words.indexOf(text);
  return value >= from && value <= to ? value : null;
}

/** The first day from `day` on, as days since 1970-01-01 of the site's calendar, or null. */
function nextDay(cron: Cron, day: number, isDay: (day: number) => boolean): number | null {
  for (let at = day; at < day + SEARCH_DAYS_MAX; at++) if (fits(cron, at) && isDay(at)) return at;
  return null;
}

function fits({ days, months, weekdays, eitherDay }: Cron, at: number): boolean {
  const { month, day } = civilOfDays(at);
  if (!months.has(month)) return false;
  // 1970-01-01 was a Thursday.
  const ofWeek = weekdays.has((((at + 4) % 7) + 7) % 7);
  return eitherDay ? ofWeek || days.has(day) : ofWeek && days.has(day);
}

/** All moments of a local day, in any order. */
function momentsOfDay({ minutes, hours }: Cron, zone: TimeZone, day: number): number[] {
  const midnightMs = day * DAY_MS;
  const everyHour = hours.length === HOURS_PER_DAY;
  const before = zone.aheadMin(midnightMs - DAY_MS);
  // The offsets two days around are the same: nothing changes on this one.
  const isPlain = before === zone.aheadMin(midnightMs + 2 * DAY_MS);
  return hours.flatMap((hour) =>
    minutes.flatMap((minute) => {
      const localMs = midnightMs + (hour * 60 + minute) * MINUTE_MS;
      if (isPlain) return [localMs - before * MINUTE_MS];
      const moments = zone.momentsOf(localMs);
      if (everyHour) return moments;
      return [moments[0] ?? gapEndMs(zone, localMs)];
    }),
  );
}

/** When the hour that is left out is over: the moment from which on the wall clock shows more than `localMs`. */
function gapEndMs(zone: TimeZone, localMs: number): number {
  const ahead = zone.aheadMin(localMs - DAY_MS);
  let atMs = localMs - ahead * MINUTE_MS;
  // The change lies at this moment or shortly before it.
  for (let guard = 0; guard < MINUTES_PER_DAY && zone.aheadMin(atMs - MINUTE_MS) !== ahead; guard++) atMs -= MINUTE_MS;
  return atMs;
}

function firstAfter(moments: readonly number[], afterMs: number): number | null {
  let first: number | null = null;
  for (const moment of moments) if (moment > afterMs && (first === null || moment < first)) first = moment;
  return first;
}
