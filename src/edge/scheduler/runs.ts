/** The next runs of a site's plan, for people. Pure. */
import { DAY_MS, isoText } from '../../base/time.ts';
import { timeZoneOf } from '../../profile/zone.ts';
import { NEVER_MS, type Timing } from './timing.ts';

/** A job of a meter and when it comes. */
export interface TimedJob {
  readonly meterId: string;
  readonly line: string;
  /** What is read: a word of the plan. */
  readonly what: string;
  /** Names of its sessions; empty = as the profile says. */
  readonly sessions: readonly string[];
  readonly timing: Timing;
  readonly timeZone: string;
}

/** Something that comes at one moment. */
export interface PlannedRun {
  /** UTC ms. */
  readonly atMs: number;
  /** By the wall clock of the site, with its offset. */
  readonly local: string;
  readonly sessions: readonly string[];
  readonly what: readonly string[];
  readonly lines: readonly string[];
  readonly meters: number;
  /** They begin within this time after it, s. */
  readonly spreadS: number;
  /** The window is closed then: it begins when it opens, so much later, s. */
  readonly waitsS: number;
}

interface Gathered {
  readonly timing: Timing;
  readonly timeZone: string;
  readonly sessions: readonly string[];
  readonly what: Set<string>;
  readonly lines: Set<string>;
  readonly meters: Set<string>;
}

/** The next `count` runs after `fromMs`, in order; jobs with the same timing are one run. */
export function nextRuns(jobs: Iterable<TimedJob>, fromMs: number, count: number): readonly PlannedRun[] {
  const byTiming = new Map<Timing, Gathered>();
  for (const { timing, timeZone, sessions, what, line, meterId } of jobs) {
    const known = byTiming.get(timing) ?? newGathered(timing, timeZone, sessions);
    byTiming.set(timing, known);
    known.what.add(what);
    known.lines.add(line);
    known.meters.add(meterId);
  }
  const due = [...byTiming.values()].map((each) => ({ each, atMs: each.timing.nextMs(fromMs) }));
  const runs: PlannedRun[] = [];
  while (runs.length < count) {
    const first = due.reduce<(typeof due)[number] | null>((a, b) => (a === null || b.atMs < a.atMs ? b : a), null);
    if (first === null || first.atMs >= NEVER_MS) return runs;
    runs.push(runOf(first.each, first.atMs));
    first.atMs = first.each.timing.nextMs(first.atMs);
  }
  return runs;
}

/** The run as a line: time, what, where. */
export function runText({ local, sessions, what, lines, meters, spreadS, waitsS }: PlannedRun): string {
  const who = sessions.length === 0 ? 'as the profiles say' : sessions.join(', ');
  const many = `${meters} ${meters === 1 ? 'meter' : 'meters'} on ${lines.join(', ')}`;
  const waits = waitsS === 0 ? '' : `, waits ${waitsS} s for its window`;
  return `${local}  ${who}: ${what.join(', ')} of ${many}, spread over ${spreadS} s${waits}`;
}

function newGathered(timing: Timing, timeZone: string, sessions: readonly string[]): Gathered {
  return { timing, timeZone, sessions, what: new Set(), lines: new Set(), meters: new Set() };
}

function runOf({ timing, timeZone, sessions, what, lines, meters }: Gathered, atMs: number): PlannedRun {
  return {
    atMs,
    local: localText(atMs, timeZone),
    sessions,
    what: [...what],
    lines: [...lines],
    meters: meters.size,
    spreadS: Math.round(timing.spreadMs / 1000),
    waitsS: Math.round(timing.closedMs(atMs) / 1000),
  };
}

/** `2026-10-25T02:10:00+02:00`. */
function localText(atMs: number, timeZone: string): string {
  const ahead = timeZoneOf(timeZone).aheadMin(atMs);
  const sign = ahead < 0 ? '-' : '+';
  const minutes = Math.abs(ahead);
  const offset = `${sign}${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
  return `${isoText(atMs + (ahead * DAY_MS) / 1440).slice(0, 19)}${offset}`;
}
