/**
 * What is due on one line, and in which order: the rules of the scheduler without queue or clock.
 *
 * Every job comes once a period, a little after the interval has ended, spread by a hash of the meter's id so that a
 * thousand edges do not speak at once. Among due jobs the class decides, then the oldest watermark; while a session with
 * a meter is open, its other due jobs go first, because signing on costs more than most jobs. A meter that fails waits
 * 30 s, 2 min, 10 min, then for the next window, after six windows for an hour; all meters that fail may together use a
 * tenth of the line's time. A meter that refused us twice is left alone: meters lock out.
 *
 * Times of day come from the wall clock, waits from the monotonic clock. A wall clock that jumps back does not stop the
 * reading: a due time further away than its period is set anew.
 */

import type { MeterId } from '../../model/ids.ts';
import type { ReadJob } from '../../profile/plan.ts';
import { CATCH_UP_PERIODS, RETRY_LADDER_MS, SIGN_ON_REFUSALS_MAX, SPREAD_MAX_MS } from '../limits.ts';
import { JOB_CLASSES, type JobClass, type JobOutcome, type Neighbours } from '../ports.ts';
import { DeadBudget } from './dead-budget.ts';

/** Both clocks at one moment. */
export interface Now {
  /** UTC ms. */
  readonly wallMs: number;
  readonly monotonicMs: number;
}

/** A job of a meter, picked to be run. */
export interface PickedJob {
  readonly meterId: MeterId;
  readonly job: ReadJob;
}

interface Planned extends PickedJob {
  readonly order: number;
  readonly periodMs: number;
  readonly offsetMs: number;
  dueMs: number;
  /** The last slice left a backlog. */
  more: boolean;
}

interface MeterPlan {
  readonly jobs: Planned[];
  failures: number;
  refusals: number;
  notBeforeMs: number;
  busy: boolean;
}

/** Waits after the ladder: six windows of 15 minutes, then hourly probes. */
const WINDOW_MS = 900_000;
const WINDOWS_BEFORE_PROBES = 6;
const PROBE_MS = 3_600_000;

/** After the end of an interval the meter needs a moment to store the row. */
const SETTLE_MS = 5_000;

const DAY_S = 86_400;

/** The plan of one line. */
export class LinePlan {
  readonly #meters = new Map<MeterId, MeterPlan>();
  readonly #budget = new DeadBudget();
  readonly #watermark: (meterId: MeterId, key: string) => number | null;
  #order = 0;

  constructor(watermark: (meterId: MeterId, key: string) => number | null) {
    this.#watermark = watermark;
  }

  /** Adds a meter with its jobs; all are due at once. */
  add(meterId: MeterId, jobs: readonly ReadJob[]): void {
    const planned = jobs.map((job): Planned => {
      const periodMs = job.periodS * 1000;
      const spreadMs = Math.min(SPREAD_MAX_MS, periodMs / 4);
      const offsetMs = SETTLE_MS + (hashOf(meterId) % Math.max(1, Math.floor(spreadMs)));
      return { meterId, job, order: this.#order++, periodMs, offsetMs, dueMs: 0, more: false };
    });
    this.#meters.set(meterId, { jobs: planned, failures: 0, refusals: 0, notBeforeMs: 0, busy: false });
  }

  /** Whether the meter hangs on this line. */
  has(meterId: MeterId): boolean {
    return this.#meters.has(meterId);
  }

  /** How the other meters of this line are. */
  neighbours(meterId: MeterId): Neighbours {
    const others = [...this.#meters].filter(([each]) => each !== meterId);
    return { others: others.length, failing: others.filter(([, { failures }]) => failures > 0).length };
  }

  /** The next job to run now, or null. `open` names the meter with which a session is open. */
  pick(now: Now, open: MeterId | null): PickedJob | null {
    let best: Planned | null = null;
    let bestRank: readonly number[] = [];
    for (const [meterId, meter] of this.#meters) {
      if (!this.#mayRun(meter, now)) continue;
      for (const planned of meter.jobs) {
        if (!isDue(planned, now.wallMs)) continue;
        const rank = this.#rankOf(planned, now.wallMs, meterId === open);
        if (best === null || isBefore(rank, bestRank)) [best, bestRank] = [planned, rank];
      }
    }
    return best;
  }

  /** The meter is being talked to; nothing else of it is picked meanwhile. */
  begun(meterId: MeterId): void {
    const meter = this.#meters.get(meterId);
    if (meter !== undefined) meter.busy = true;
  }

  /** The meter may be talked to again. */
  released(meterId: MeterId): void {
    const meter = this.#meters.get(meterId);
    if (meter !== undefined) meter.busy = false;
  }

  /** A picked job ended after it had taken the line for `tookMs`. */
  ended(picked: PickedJob, outcome: JobOutcome, tookMs: number, now: Now): void {
    const meter = this.#meters.get(picked.meterId);
    const planned = meter?.jobs.find((each) => each.job === picked.job);
    if (meter === undefined || planned === undefined) return;
    if (outcome.ok) {
      this.#succeeded(meter);
      planned.more = outcome.more;
      planned.dueMs = outcome.more ? now.wallMs : nextSlotMs(planned, now.wallMs);
      return;
    }
    if (outcome.scope === 'way') {
      // It stays due. Silence that was cut short is no failure, but its time counts where failures came before.
      if (meter.failures > 0) this.#budget.spend(tookMs, now.monotonicMs);
      return;
    }
    planned.more = false;
    if (outcome.scope === 'job') {
      this.#succeeded(meter);
      planned.dueMs = nextSlotMs(planned, now.wallMs);
      return;
    }
    this.#budget.spend(tookMs, now.monotonicMs);
    meter.failures++;
    meter.refusals = outcome.scope === 'sign-on' ? meter.refusals + 1 : 0;
    meter.notBeforeMs = now.monotonicMs + waitMs(meter.failures);
  }

  /** The meter answered somebody else: what was held against it is forgotten. */
  answered(meterId: MeterId): void {
    const meter = this.#meters.get(meterId);
    if (meter !== undefined) this.#succeeded(meter);
  }

  /** Ms until something may be due, at most `limitMs`. */
  waitMs(now: Now, limitMs: number): number {
    let waitMs = limitMs;
    for (const meter of this.#meters.values()) {
      if (meter.busy || meter.refusals >= SIGN_ON_REFUSALS_MAX) continue;
      const blockedMs = Math.max(0, meter.notBeforeMs - now.monotonicMs);
      const budgetMs = meter.failures > 0 ? this.#budget.waitMs(now.monotonicMs) : 0;
      for (const planned of meter.jobs) {
        const dueMs = isDue(planned, now.wallMs) ? 0 : planned.dueMs - now.wallMs;
        waitMs = Math.min(waitMs, Math.max(dueMs, blockedMs, budgetMs));
      }
    }
    return waitMs;
  }

  #mayRun(meter: MeterPlan, now: Now): boolean {
    if (meter.busy || meter.refusals >= SIGN_ON_REFUSALS_MAX || now.monotonicMs < meter.notBeforeMs) return false;
    return meter.failures === 0 || this.#budget.waitMs(now.monotonicMs) === 0;
  }

  #succeeded(meter: MeterPlan): void {
    meter.failures = 0;
    meter.refusals = 0;
    meter.notBeforeMs = 0;
  }

  /** Smaller is more urgent: session open, class, watermark, order of configuration. */
  #rankOf(planned: Planned, wallMs: number, isOpen: boolean): readonly number[] {
    const watermarkMs = this.#watermark(planned.meterId, planned.job.key);
    const jobClass = classOf(planned.job, watermarkMs, wallMs);
    const stays = isOpen && !planned.more && jobClass !== 'catch-up';
    return [stays ? 0 : 1, JOB_CLASSES.indexOf(jobClass), watermarkMs ?? 0, planned.order];
  }
}

/** The class of a periodic job; a profile with a long backlog catches up behind the others. */
export function classOf(job: ReadJob, watermarkMs: number | null, wallMs: number): JobClass {
  switch (job.kind) {
    case 'clock':
      return 'clock';
    case 'events':
      return 'events';
    case 'registers':
    case 'compact':
    case 'attributes':
      return 'daily';
    case 'buffer': {
      if (job.rule.intervalS >= DAY_S) return 'daily';
      const lagMs = watermarkMs === null ? Number.POSITIVE_INFINITY : wallMs - watermarkMs;
      return lagMs > CATCH_UP_PERIODS * job.rule.intervalS * 1000 ? 'catch-up' : 'profile';
    }
  }
}

function isDue(planned: Planned, wallMs: number): boolean {
  return planned.dueMs <= wallMs || planned.dueMs - wallMs > planned.periodMs + planned.offsetMs;
}

function nextSlotMs(planned: Planned, wallMs: number): number {
  const slot = Math.floor((wallMs - planned.offsetMs) / planned.periodMs) + 1;
  return slot * planned.periodMs + planned.offsetMs;
}

function waitMs(failures: number): number {
  const rung = RETRY_LADDER_MS[failures - 1];
  if (rung !== undefined) return rung;
  return failures - RETRY_LADDER_MS.length <= WINDOWS_BEFORE_PROBES ? WINDOW_MS : PROBE_MS;
}

function isBefore(a: readonly number[], b: readonly number[]): boolean {
  for (const [at, value] of a.entries()) {
    const other = b[at] ?? 0;
    if (value !== other) return value < other;
  }
  return false;
}

/** FNV-1a of the text, 32 bits. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const letter of text) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return hash;
}
