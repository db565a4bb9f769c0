/**
 * When a job comes due: once a period of the profile, or in the sessions of the site's plan.
 *
 * A session has a cron expression and may have a window, outside of which nothing of it begins: what is due or was missed then
 * waits until it opens. Calendars take days away or leave only theirs. All of it goes by the wall clock of the site.
 */
import { civilOfDays, DAY_MS } from '../../base/time.ts';
import { type TimeZone, timeZoneOf } from '../../profile/zone.ts';
import { SPREAD_MAX_MS } from '../limits.ts';
import { type Cron, nextOfCron } from './cron.ts';

/** When something comes due. Moments are UTC ms; a meter's own spread comes on top. */
export interface Timing {
  /** The first moment after `afterMs`. */
  nextMs(afterMs: number): number;
  /** How long from `wallMs` on nothing may begin, ms; 0 = it may now. */
  closedMs(wallMs: number): number;
  /** Widest spread over meters, ms. */
  readonly spreadMs: number;
}

/** A window of the day in minutes of the wall clock; one that ends before it begins goes over midnight. */
export interface DayWindow {
  readonly fromMin: number;
  readonly toMin: number;
}

/** Days by name: once (`2026-12-24`) or every year (`12-25`). */
export interface Calendar {
  readonly name: string;
  readonly dates: ReadonlySet<string>;
}

/** A session of the plan. */
export interface SessionRule {
  readonly name: string;
  readonly cron: Cron;
  /** The only days on which it comes; null = all. */
  readonly only: Calendar | null;
  /** Days on which it does not come. */
  readonly except: Calendar | null;
  readonly window: DayWindow | null;
  readonly spreadMs: number;
}

const MINUTE_MS = 60_000;
/** A time that never comes: sessions whose calendar has run out. */
export const NEVER_MS = Number.MAX_SAFE_INTEGER;

/** Once a period, counted from 1970 in UTC. */
export class PeriodTiming implements Timing {
  constructor(
    private readonly periodMs: number,
    readonly spreadMs: number,
  ) {}

  nextMs(afterMs: number): number {
    return (Math.floor(afterMs / this.periodMs) + 1) * this.periodMs;
  }

  closedMs(): number {
    return 0;
  }
}

/** A job as its profile has it, with the usual spread. */
export function periodTiming(periodS: number): PeriodTiming {
  return new PeriodTiming(periodS * 1000, Math.min(SPREAD_MAX_MS, (periodS * 1000) / 4));
}

/** In sessions, whichever comes first; it may begin while the window of any of them is open. */
export class SessionTiming implements Timing {
  readonly spreadMs: number;
  readonly #zone: TimeZone;
  /** The answer of last time holds from `fromMs` until `nextMs`. */
  #next = { fromMs: 0, nextMs: 0 };
  /** Open or not, from `fromMs` until `toMs`. */
  #state = { fromMs: 0, toMs: 0, isOpen: true };

  constructor(
    readonly sessions: readonly SessionRule[],
    timeZone: string,
  ) {
    this.#zone = timeZoneOf(timeZone);
    this.spreadMs = Math.max(0, ...sessions.map(({ spreadMs }) => spreadMs));
  }

  nextMs(afterMs: number): number {
    if (afterMs < this.#next.fromMs || afterMs >= this.#next.nextMs)
      this.#next = { fromMs: afterMs, nextMs: Math.min(...this.sessions.map((rule) => this.nextOf(rule, afterMs))) };
    return this.#next.nextMs;
  }

  /** The first moment of one session after `afterMs`; `Number.MAX_SAFE_INTEGER` = none. */
  nextOf({ cron, only, except }: SessionRule, afterMs: number): number {
    const isDay = (day: number) => (only === null || has(only, day)) && (except === null || !has(except, day));
    return nextOfCron(cron, this.#zone, afterMs, isDay) ?? NEVER_MS;
  }

  closedMs(wallMs: number): number {
    if (this.sessions.some(({ window }) => window === null)) return 0;
    if (wallMs < this.#state.fromMs || wallMs >= this.#state.toMs) this.#state = this.#stateAt(wallMs);
    return this.#state.isOpen ? 0 : this.#state.toMs - wallMs;
  }

  #stateAt(wallMs: number) {
    const windows = this.sessions.flatMap(({ window }) => window ?? []);
    const isOpen = windows.some((window) => isWithin(window, this.#zone.localMs(wallMs)));
    const edges = windows.flatMap(({ fromMin, toMin }) => (isOpen ? [toMin] : [fromMin]));
    const toMs = Math.min(...edges.map((minute) => nextOfCron(dailyAt(minute), this.#zone, wallMs, () => true) ?? 0));
    return { fromMs: wallMs, toMs, isOpen };
  }
}

function isWithin({ fromMin, toMin }: DayWindow, localMs: number): boolean {
  const minute = Math.floor((((localMs % DAY_MS) + DAY_MS) % DAY_MS) / MINUTE_MS);
  return fromMin < toMin ? minute >= fromMin && minute < toMin : minute >= fromMin || minute < toMin;
}

function dailyAt(minute: number): Cron {
  const always = { days: new Set(ALL_DAYS), months: new Set(ALL_MONTHS), weekdays: new Set(ALL_WEEKDAYS) };
  return { minutes: [minute % 60], hours: [Math.floor(minute / 60)], ...always, eitherDay: false };
}

const ALL_DAYS = Array.from({ length: 31 }, (_, at) => at + 1);
const ALL_MONTHS = Array.from({ length: 12 }, (_, at) => at + 1);
const ALL_WEEKDAYS = Array.from({ length: 7 }, (_, at) => at);

function has({ dates }: Calendar, day: number): boolean {
  const { year, month, day: ofMonth } = civilOfDays(day);
  const yearly = `${two(month)}-${two(ofMonth)}`;
  return dates.has(yearly) || dates.has(`${String(year).padStart(4, '0')}-${yearly}`);
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
