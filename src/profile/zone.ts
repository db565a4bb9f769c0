/**
 * Time zones: from UTC to a site's wall clock and back, with the hour that comes twice and the hour that never comes.
 *
 * The offsets come from the IANA data inside the JavaScript engine (`Intl`); no clock is read. Offsets are remembered by
 * UTC day, because asking `Intl` costs microseconds and a buffer has thousands of rows.
 */
import { daysOfCivil } from '../base/time.ts';
import { profileError } from './errors.ts';
import { ZONE_DAYS_MAX, ZONES_MAX } from './limits.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** A time zone. All times are ms; `local` times are the wall clock read as if it were UTC. */
export interface TimeZone {
  readonly name: string;
  /** Minutes by which the wall clock is ahead of UTC at that moment: 60 in Berlin in winter. */
  aheadMin(utcMs: number): number;
  /** The wall clock at that moment. */
  localMs(utcMs: number): number;
  /**
   * The moments at which the wall clock shows `localMs`, earliest first: one as a rule, two in the hour that is repeated in
   * autumn, none in the hour that is left out in spring.
   */
  momentsOf(localMs: number): readonly number[];
  /** The start of the local day in which the moment lies, UTC ms. */
  dayStartMs(utcMs: number): number;
}

const zones = new Map<string, TimeZone>();

/** The zone of this IANA name; throws `PROFILE_TIME_ZONE`. */
export function timeZoneOf(name: string): TimeZone {
  const known = zones.get(name);
  if (known !== undefined) return known;
  const zone = name === 'UTC' ? UTC : new IanaZone(name);
  if (zones.size >= ZONES_MAX) zones.clear();
  zones.set(name, zone);
  return zone;
}

/** Whether the engine knows the zone. */
export function isTimeZone(name: string): boolean {
  try {
    timeZoneOf(name);
    return true;
  } catch {
    return false;
  }
}

const UTC: TimeZone = {
  name: 'UTC',
  aheadMin: () => 0,
  localMs: (utcMs) => utcMs,
  momentsOf: (localMs) => [localMs],
  dayStartMs: (utcMs) => Math.floor(utcMs / DAY_MS) * DAY_MS,
};

class IanaZone implements TimeZone {
  readonly #format: Intl.DateTimeFormat;
  /** Offset by UTC day; null = it changes within that day. */
  readonly #days = new Map<number, number | null>();

  constructor(readonly name: string) {
    try {
      this.#format = new Intl.DateTimeFormat('en-US', {
        timeZone: name,
        hourCycle: 'h23',
        year: 'numeric',
        month: 'numeric',
        day: 'numeric',
        hour: 'numeric',
        minute: 'numeric',
        second: 'numeric',
      });
    } catch (error) {
      throw profileError('PROFILE_TIME_ZONE', name, error);
    }
  }

  aheadMin(utcMs: number): number {
    const day = Math.floor(utcMs / DAY_MS);
    let ahead = this.#days.get(day);
    if (ahead === undefined) {
      const start = this.#ask(day * DAY_MS);
      ahead = start === this.#ask((day + 1) * DAY_MS) ? start : null;
      if (this.#days.size >= ZONE_DAYS_MAX) this.#days.clear();
      this.#days.set(day, ahead);
    }
    return ahead ?? this.#ask(utcMs);
  }

  localMs(utcMs: number): number {
    return utcMs + this.aheadMin(utcMs) * MINUTE_MS;
  }

  momentsOf(localMs: number): readonly number[] {
    const offsets = new Set([this.aheadMin(localMs - DAY_MS), this.aheadMin(localMs + DAY_MS)]);
    const moments: number[] = [];
    for (const ahead of offsets) {
      const utcMs = localMs - ahead * MINUTE_MS;
      if (this.localMs(utcMs) === localMs) moments.push(utcMs);
    }
    return moments.sort((a, b) => a - b);
  }

  dayStartMs(utcMs: number): number {
    const midnight = Math.floor(this.localMs(utcMs) / DAY_MS) * DAY_MS;
    const moment = this.momentsOf(midnight)[0];
    // Where clocks jump at midnight the day begins after the gap: the offset of the day before leads there.
    return moment ?? midnight - this.aheadMin(midnight - DAY_MS) * MINUTE_MS;
  }

  #ask(utcMs: number): number {
    const fields: Record<string, number> = {};
    for (const part of this.#format.formatToParts(utcMs)) fields[part.type] = Number(part.value);
    const { year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = fields;
    const days = daysOfCivil(year, month, day);
    const localMs = days * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000;
    return Math.round((localMs - Math.floor(utcMs / 1000) * 1000) / MINUTE_MS);
  }
}
