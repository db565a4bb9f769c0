/**
 * Meter time to UTC and back, by the clock rules of a profile.
 *
 * A time with a usable deviation needs no zone. A local time without one is placed by the zone of the meter's clock; in the
 * doubled hour of autumn the daylight bit decides when it can be believed, otherwise the order of rows does: a time that
 * would lie before the row above it belongs to the second pass.
 */
import { CLOCK_STATUS, type CosemDateTime, dateTimeOfUtcMs, localMsOf, utcMsOf } from '../dlms/cosem/datetime.ts';
import type { ClockRule } from './schema/profile.ts';
import { timeZoneOf } from './zone.ts';

/** A meter's time as UTC. */
export interface PlacedTime {
  readonly atMs: number;
  /** As the meter gave it, null when it gave none. */
  readonly deviationMin: number | null;
  /** The clock status says invalid or doubtful. */
  readonly doubtful: boolean;
  /** The clock status says that this time is not valid at all. */
  readonly invalid: boolean;
}

/** What helps to place a time. */
export interface PlaceHints {
  /** IANA zone of the site. */
  readonly siteZone: string;
  /** Time of the row before, UTC ms, or null. */
  readonly previousAtMs: number | null;
  /** A daylight bit seen outside the time itself (profile status), or null. */
  readonly daylight: boolean | null;
}

/** UTC of a meter's time; null when it is not one certain moment. */
export function placeTime(time: CosemDateTime, clock: ClockRule, hints: PlaceHints): PlacedTime | null {
  const atMs = momentOf(time, clock, hints);
  if (atMs === null) return null;
  const status = time.status === CLOCK_STATUS.notSpecified ? 0 : time.status;
  const invalid = (status & CLOCK_STATUS.invalidValue) !== 0;
  return {
    atMs,
    deviationMin: time.deviation,
    invalid,
    doubtful: invalid || (status & (CLOCK_STATUS.doubtfulValue | CLOCK_STATUS.invalidClockStatus)) !== 0,
  };
}

function momentOf(time: CosemDateTime, clock: ClockRule, hints: PlaceHints): number | null {
  if (time.deviation !== null && clock.deviation !== 'ignore') {
    return utcMsOf(time, { oppositeSign: clock.deviation === 'local-minus-utc' });
  }
  const localMs = localMsOf(time);
  if (localMs === null) return null;
  const zone = timeZoneOf(zoneNameOf(clock, hints.siteZone));
  const [first, second] = zone.momentsOf(localMs);
  // A wall time that never was: the clock was not moved yet, so the offset from before the jump holds.
  if (first === undefined) return localMs - zone.aheadMin(localMs - 86_400_000) * 60_000;
  if (second === undefined) return first;
  return isSecondPass(time, clock, hints, first) ? second : first;
}

function isSecondPass(time: CosemDateTime, clock: ClockRule, hints: PlaceHints, first: number): boolean {
  const specified = time.status !== CLOCK_STATUS.notSpecified;
  const bit = specified && (time.status & CLOCK_STATUS.daylightSavingActive) !== 0;
  if (bit || hints.daylight === true) return false;
  if (hints.daylight === false) return true;
  if (hints.previousAtMs !== null) return first <= hints.previousAtMs;
  return specified && clock.daylightBit;
}

/** The zone that the meter's clock follows. */
export function zoneNameOf(clock: ClockRule, siteZone: string): string {
  return clock.timeZone === 'site' ? siteZone : clock.timeZone;
}

/** The end of a range: as the meter would write it, with or without its deviation when `isSaid` is not null. */
export function rangeTimeOf(utcMs: number, clock: ClockRule, siteZone: string, isSaid: boolean | null): CosemDateTime {
  if (isSaid === true && clock.deviation === 'ignore')
    return meterTimeOf(utcMs, { ...clock, deviation: 'utc-minus-local' }, siteZone);
  const time = meterTimeOf(utcMs, clock, siteZone);
  return isSaid === false ? { ...time, deviation: null } : time;
}

/** How the meter would write this moment: for clock sets and the simulator. */
export function meterTimeOf(utcMs: number, clock: ClockRule, siteZone: string): CosemDateTime {
  const zone = timeZoneOf(zoneNameOf(clock, siteZone));
  const ahead = zone.aheadMin(utcMs);
  const winter = Math.min(ahead, ...SEASONS_MS.map((seasonMs) => zone.aheadMin(utcMs + seasonMs)));
  const status = ahead > winter ? CLOCK_STATUS.daylightSavingActive : 0;
  const time = dateTimeOfUtcMs(utcMs, { deviation: -ahead, status });
  if (clock.deviation === 'ignore') return { ...time, deviation: null };
  return clock.deviation === 'local-minus-utc' ? { ...time, deviation: ahead } : time;
}

const DAY_MS = 86_400_000;
/** Some winter day is among these, on days of the change too: half a year from late October it is summer both ways. */
const SEASONS_MS = [-183, -91, 91, 183].map((days) => days * DAY_MS);
