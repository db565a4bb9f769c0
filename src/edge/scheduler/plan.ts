/**
 * What is due on one line, and in which order: the rules of the scheduler without queue or clock.
 *
 * Every job comes once a period or in the sessions of the site's plan (timing.ts), a little after the interval has ended,
 * spread by a hash of the meter's id so that a thousand edges do not speak at once. Among due jobs the class decides, then the
 * oldest watermark; while a session with a meter is open, its other due jobs go first, because signing on costs more than most
 * jobs. A meter that fails waits 30 s, 2 min, 10 min, then for the next window, after six windows for an hour, each with up to
 * a tenth more; all meters that fail may together use a tenth of the line's time. A meter that refused us twice is left alone:
 * meters lock out.
 *
 * What a meter is about to overwrite goes before everything periodic, and waits for no window of the plan.
 *
 * Times of day come from the wall clock, waits from the monotonic clock. A wall clock that jumps back does not stop the
 * reading: a due time further away than its period is set anew.
 */

import type { MeterId } from '../../model/ids.ts';
import type { ReadJob } from '../../profile/plan.ts';
import { horizonShare } from '../horizon.ts';
import {
  CATCH_UP_PERIODS,
  HORIZON_URGENT_SHARE,
  RETRY_JITTER_SHARE,
  RETRY_LADDER_MS,
  SIGN_ON_REFUSALS_MAX,
} from '../limits.ts';
import { JOB_CLASSES, type JobClass, type JobOutcome, type Neighbours } from '../ports.ts';
import { DeadBudget } from './dead-budget.ts';
import { periodTiming, type Timing } from './timing.ts';

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
  readonly timing: Timing;
  readonly offsetMs: number;
  dueMs: number;
  /** From one time that it comes to the next, ms; 0 = it did not come yet. */
  roundMs: number;
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

  /** `restMs` = for how long a meter is better left in peace; absent = it may be called at any time. */
  constructor(
    watermark: (meterId: MeterId, key: string) => number | null,
    private readonly restMs: (meterId: MeterId) => number = () => 0,
  ) {
    this.#watermark = watermark;
  }

  /** Adds a meter with its jobs; all are due at once, in their windows. */
  add(
    meterId: MeterId,
    jobs: readonly ReadJob[],
    timingOf: (job: ReadJob) => Timing = ({ periodS }) => periodTiming(periodS),
  ): void {
    const planned = jobs.map((job): Planned => {
      const timing = timingOf(job);
      const offsetMs = SETTLE_MS + (hashOf(meterId) % Math.max(1, Math.floor(timing.spreadMs)));
      return { meterId, job, order: this.#order++, timing, offsetMs, dueMs: 0, roundMs: 0, more: false };
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
      if (!this.#mayRun(meterId, meter, now)) continue;
      for (const planned of meter.jobs) {
        if (!isDue(planned, now.wallMs) || this.#closedMs(planned, now.wallMs) > 0) continue;
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
      if (outcome.more) planned.dueMs = now.wallMs;
      else setNextDue(planned, now.wallMs);
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
      setNextDue(planned, now.wallMs);
      return;
    }
    this.#budget.spend(tookMs, now.monotonicMs);
    meter.failures++;
    meter.refusals = outcome.scope === 'sign-on' ? meter.refusals + 1 : 0;
    meter.notBeforeMs = now.monotonicMs + waitMs(picked.meterId, meter.failures);
  }

  /** The meter answered somebody else: what was held against it is forgotten. */
  answered(meterId: MeterId): void {
    const meter = this.#meters.get(meterId);
    if (meter !== undefined) this.#succeeded(meter);
  }

  /** Ms until something may be due, at most `limitMs`. */
  waitMs(now: Now, limitMs: number): number {
    let waitMs = limitMs;
    for (const [meterId, meter] of this.#meters) {
      if (meter.busy || meter.refusals >= SIGN_ON_REFUSALS_MAX) continue;
      const blockedMs = Math.max(0, meter.notBeforeMs - now.monotonicMs, this.restMs(meterId));
      const budgetMs = meter.failures > 0 ? this.#budget.waitMs(now.monotonicMs) : 0;
      for (const planned of meter.jobs) {
        const dueMs = isDue(planned, now.wallMs) ? this.#closedMs(planned, now.wallMs) : planned.dueMs - now.wallMs;
        waitMs = Math.min(waitMs, Math.max(dueMs, blockedMs, budgetMs));
      }
    }
    return waitMs;
  }

  #mayRun(meterId: MeterId, meter: MeterPlan, now: Now): boolean {
    if (meter.busy || meter.refusals >= SIGN_ON_REFUSALS_MAX || now.monotonicMs < meter.notBeforeMs) return false;
    if (this.restMs(meterId) > 0) return false;
    return meter.failures === 0 || this.#budget.waitMs(now.monotonicMs) === 0;
  }

  #succeeded(meter: MeterPlan): void {
    meter.failures = 0;
    meter.refusals = 0;
    meter.notBeforeMs = 0;
  }

  /** Ms until the window of the plan opens; what is about to be overwritten waits for none. */
  #closedMs({ timing, meterId, job }: Planned, wallMs: number): number {
    const closedMs = timing.closedMs(wallMs);
    return closedMs === 0 || isOverflowing(job, this.#watermark(meterId, job.key), wallMs) ? 0 : closedMs;
  }

  /** Smaller is more urgent: session open, class, watermark, order of configuration. */
  #rankOf(planned: Planned, wallMs: number, isOpen: boolean): readonly number[] {
    const watermarkMs = this.#watermark(planned.meterId, planned.job.key);
    const isLate = isOverflowing(planned.job, watermarkMs, wallMs);
    const jobClass = classOf(planned.job, watermarkMs, wallMs, planned.roundMs);
    const stays = !isLate && isOpen && !planned.more && jobClass !== 'catch-up';
    return [stays ? 0 : 1, isLate ? 0 : JOB_CLASSES.indexOf(jobClass), watermarkMs ?? 0, planned.order];
  }
}

/** Whether rows of its buffer are about to be overwritten. */
function isOverflowing(job: ReadJob, watermarkMs: number | null, wallMs: number): boolean {
  return (horizonShare(job, watermarkMs, wallMs) ?? 0) > HORIZON_URGENT_SHARE;
}

/** The class of a periodic job; a profile with a backlog of more than two rounds catches up behind the others. */
export function classOf(job: ReadJob, watermarkMs: number | null, wallMs: number, roundMs = 0): JobClass {
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
      return lagMs > Math.max(CATCH_UP_PERIODS * job.rule.intervalS * 1000, 2 * roundMs) ? 'catch-up' : 'profile';
    }
  }
}

/** A due time beyond the next one is left from a wall clock that was ahead. */
function isDue({ dueMs, timing, offsetMs }: Planned, wallMs: number): boolean {
  return dueMs <= wallMs || dueMs > timing.nextMs(wallMs - offsetMs) + offsetMs;
}

function setNextDue(planned: Planned, wallMs: number): void {
  const { timing, offsetMs } = planned;
  const nextMs = timing.nextMs(wallMs - offsetMs);
  planned.dueMs = nextMs + offsetMs;
  planned.roundMs = timing.nextMs(nextMs) - nextMs;
}

/** Spread by meter and failure, so that it is the same in every run of a test. */
function waitMs(meterId: MeterId, failures: number): number {
  const rung = RETRY_LADDER_MS[failures - 1];
  const isWindow = failures - RETRY_LADDER_MS.length <= WINDOWS_BEFORE_PROBES;
  const ms = rung ?? (isWindow ? WINDOW_MS : PROBE_MS);
  return ms + (hashOf(`${meterId} ${failures}`) % Math.floor(ms * RETRY_JITTER_SHARE));
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
