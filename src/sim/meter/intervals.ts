/** Interval ends of a buffer: counted from local midnight, so that days of 23 and 25 hours come out right. */
import { timeZoneOf } from '../../profile/zone.ts';

const HOUR_MS = 3_600_000;

/** The interval ends after `afterMs` up to and including `untilMs`, oldest first. */
export function* intervalEnds(
  intervalS: number,
  timeZone: string,
  afterMs: number,
  untilMs: number,
): Generator<number> {
  const zone = timeZoneOf(timeZone);
  const stepMs = intervalS * 1000;
  let dayMs = zone.dayStartMs(afterMs);
  while (dayMs <= untilMs) {
    // 26 hours after midnight it is the next day, whatever the clocks do.
    const nextDayMs = zone.dayStartMs(dayMs + 26 * HOUR_MS);
    let endMs = dayMs + Math.max(1, Math.floor((afterMs - dayMs) / stepMs)) * stepMs;
    for (; endMs < nextDayMs; endMs += stepMs) {
      if (endMs > afterMs && endMs <= untilMs) yield endMs;
    }
    if (nextDayMs > afterMs && nextDayMs <= untilMs) yield nextDayMs;
    dayMs = nextDayMs;
  }
}

/** The newest interval end at or before a moment. */
export function lastIntervalEnd(intervalS: number, timeZone: string, utcMs: number): number {
  const dayMs = timeZoneOf(timeZone).dayStartMs(utcMs);
  const stepMs = intervalS * 1000;
  return dayMs + Math.floor((utcMs - dayMs) / stepMs) * stepMs;
}
