/**
 * Decides what each line does next: urgent work first, then what the plan says.
 *
 * One runner per line with as many slots as the line allows. Urgent work (commands, on-demand reads) waits in a queue of
 * its own, commands ahead, and is taken before any periodic job. A running job whose meter answers is not broken off, its
 * slices are short enough to wait for; one whose meter is silent makes way when the answer can no longer come, and so does
 * urgent work that has not reached its meter: it goes behind the others. Background work (images of firmware) waits in the
 * same queue and is taken only when nothing periodic is due. Work that has not begun when its time is up is taken back and
 * says so.
 */
import type { Env, Timer } from '../../base/env.ts';
import { reasonOf } from '../../base/errors.ts';
import type { MeterId } from '../../model/ids.ts';
import type { ReadJob } from '../../profile/plan.ts';
import type { FirmwareRule } from '../../profile/schema/profile.ts';
import { EDGE_ERRORS, type EdgeErrorCode, edgeError } from '../errors.ts';
import { SCHEDULER_LOOK_MS, URGENT_QUEUE_MAX } from '../limits.ts';
import {
  type Dispatcher,
  type Health,
  JOB_CLASSES,
  type JobClass,
  type JobFailure,
  type JobOutcome,
  type LineReader,
  type MeterAccess,
  type MeterWire,
  type Neighbours,
  type StationsAccess,
  type WorkResult,
} from '../ports.ts';
import { LinePlan, type Now, type PickedJob } from './plan.ts';
import type { Timing } from './timing.ts';

/** What a scheduler is made of. */
export interface SchedulerOptions {
  readonly env: Env;
  readonly health: Health;
  readonly watermark: (meterId: MeterId, key: string) => number | null;
  /** Called when the last thing that ran has ended and nothing else was due. */
  readonly rested?: () => void;
}

const BACKGROUND_RANK = JOB_CLASSES.indexOf('background');

interface Urgent {
  readonly meterId: MeterId;
  rank: number;
  /** Runs it; again when it made way. */
  readonly run: (reader: LineReader) => Promise<'answered' | 'failed' | 'made-way'>;
}

/** Code of work that ended because somebody else waited. */
const MADE_WAY = 'SESSION_MADE_WAY';

interface Line {
  readonly id: string;
  readonly reader: LineReader;
  readonly plan: LinePlan;
  urgent: Urgent[];
  readonly busy: Set<MeterId>;
  /** With whom the line talked last: a session may be open. */
  open: MeterId | null;
  timer: Timer | null;
  /** Monotonic ms of the last look. */
  lookedAtMs: number;
}

/** The actor. */
export class Scheduler implements Dispatcher {
  readonly #options: SchedulerOptions;
  readonly #lines = new Map<string, Line>();
  readonly #lineOf = new Map<MeterId, Line>();
  readonly #firmwareOf = new Map<MeterId, FirmwareRule>();
  readonly #running = new Set<Promise<void>>();
  #started = false;
  #stopped = false;
  /** For lines on which nothing is due soon: one for all of them. */
  #round: Timer | null = null;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  /** Adds a line; before {@link start}. */
  addLine(id: string, reader: LineReader): void {
    const plan = new LinePlan(this.#options.watermark, (meterId) => reader.restMs?.(meterId) ?? 0);
    this.#lines.set(id, { id, reader, plan, urgent: [], busy: new Set(), open: null, timer: null, lookedAtMs: 0 });
  }

  /** Adds a meter to a line that was added; without `timingOf` its jobs come once a period. */
  addMeter(
    lineId: string,
    meterId: MeterId,
    jobs: readonly ReadJob[],
    firmware: FirmwareRule | null = null,
    timingOf?: (job: ReadJob) => Timing,
  ): void {
    const line = this.#lines.get(lineId);
    if (line === undefined) throw new Error(`line ${lineId} was not added`);
    line.plan.add(meterId, jobs, timingOf);
    this.#lineOf.set(meterId, line);
    if (firmware !== null) this.#firmwareOf.set(meterId, firmware);
  }

  /** How long the line that was looked at longest ago has not been looked at, ms; 0 without lines, and when stopped. */
  stillMs(): number {
    if (!this.#started || this.#stopped) return 0;
    const nowMs = this.#options.env.clock.monotonicMs();
    return Math.max(0, ...[...this.#lines.values()].map(({ lookedAtMs }) => nowMs - lookedAtMs));
  }

  /** Begins reading. */
  start(): void {
    this.#started = true;
    this.#lookAround();
  }

  /** Begins nothing any more; resolves when what runs has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#round?.cancel();
    for (const line of this.#lines.values()) line.timer?.cancel();
    await Promise.allSettled(this.#running);
  }

  /** The network says that a meter is back: what was held against it is forgotten, what is due of it is due now. */
  returned(meterId: MeterId): void {
    const line = this.#lineOf.get(meterId);
    if (line === undefined) return;
    line.plan.answered(meterId);
    if (hasSlot(line)) this.#look(line);
  }

  has(meterId: MeterId): boolean {
    return this.#lineOf.has(meterId);
  }

  neighbours(meterId: MeterId): Neighbours {
    return this.#lineOf.get(meterId)?.plan.neighbours(meterId) ?? { others: 0, failing: 0 };
  }

  firmwareOf(meterId: MeterId): FirmwareRule | null {
    return this.#firmwareOf.get(meterId) ?? null;
  }

  withMeter<Result>(
    meterId: MeterId,
    jobClass: JobClass,
    options: { readonly timeoutMs: number; readonly started: () => Promise<void> },
    work: (meter: MeterAccess) => Promise<Result>,
  ): Promise<WorkResult<Result>> {
    return this.#ahead(meterId, jobClass, options, (reader, started, reached) =>
      reader.work(meterId, jobClass, started, (meter) => {
        reached();
        return work(meter);
      }),
    );
  }

  withWire<Result>(
    meterId: MeterId,
    client: number,
    options: { readonly timeoutMs: number; readonly started: () => Promise<void> },
    use: (wire: MeterWire) => Promise<Result>,
  ): Promise<WorkResult<Result>> {
    return this.#ahead(meterId, 'on-demand', options, (reader, started, reached) =>
      reader.lend(meterId, client, started, (wire) => {
        reached();
        return use(wire);
      }),
    );
  }

  async stationsOf(meterId: MeterId): Promise<string | null> {
    const line = this.#lineOf.get(meterId);
    const stations = (await line?.reader.stationsOf(meterId)) ?? null;
    return line === undefined || stations === null ? null : `${line.id}/${stations}`;
  }

  withAll<Result>(
    meterId: MeterId,
    options: { readonly timeoutMs: number; readonly started: () => Promise<void> },
    use: (all: StationsAccess) => Promise<Result>,
  ): Promise<WorkResult<Result>> {
    return this.#ahead(meterId, 'background', options, (reader, started, reached) =>
      reader.lendAll(meterId, started, (all) => {
        reached();
        return use(all);
      }),
    );
  }

  /** Puts something ahead of periodic reading; `task` calls `reached` when the meter is reached, which may throw. */
  #ahead<Result>(
    meterId: MeterId,
    jobClass: JobClass,
    options: { readonly timeoutMs: number; readonly started: () => Promise<void> },
    task: (reader: LineReader, started: () => Promise<void>, reached: () => void) => Promise<WorkResult<Result>>,
  ): Promise<WorkResult<Result>> {
    const line = this.#lineOf.get(meterId);
    if (line === undefined || this.#stopped) return Promise.resolve(failed('SCHEDULER_UNKNOWN_METER', 'no'));
    if (line.urgent.length >= URGENT_QUEUE_MAX) return Promise.resolve(failed('SCHEDULER_QUEUE_FULL', 'no'));
    return new Promise((resolve) => {
      let [begun, isStarted, reached, givenUp] = [false, false, false, false];
      // Work that was given up must not be done later: its author was told that it was not.
      const go = () => {
        if (givenUp) throw edgeError('SCHEDULER_NOT_REACHED');
      };
      const started = async () => {
        go();
        if (!isStarted) await options.started();
        isStarted = true;
      };
      const arrived = () => {
        go();
        reached = true;
        timer.cancel();
      };
      const run = async (reader: LineReader) => {
        begun = true;
        const result = await task(reader, started, arrived);
        if (!result.ok && result.failure.code === MADE_WAY && !reached && !givenUp) return 'made-way';
        timer.cancel();
        resolve(result);
        return result.ok || reached ? 'answered' : 'failed';
      };
      const urgent: Urgent = { meterId, rank: JOB_CLASSES.indexOf(jobClass), run };
      const timer = this.#options.env.timers.after(options.timeoutMs, () => {
        line.urgent = line.urgent.filter((each) => each !== urgent);
        givenUp = true;
        resolve(failed('SCHEDULER_NOT_REACHED', begun ? 'maybe' : 'no'));
      });
      line.urgent.push(urgent);
      line.urgent.sort((a, b) => a.rank - b.rank);
      this.#look(line);
    });
  }

  #now(): Now {
    const { clock } = this.#options.env;
    return { wallMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
  }

  /** Looks at every line that has a free slot, now and again: a wall clock that jumped makes things due. */
  #lookAround(): void {
    for (const line of this.#lines.values()) if (hasSlot(line)) this.#look(line);
    this.#round = this.#options.env.timers.after(SCHEDULER_LOOK_MS, () => this.#lookAround());
  }

  /** Fills the free slots of a line, then sets a timer when something is due before the next look at all lines. */
  #look(line: Line): void {
    if (!this.#started || this.#stopped) return;
    line.lookedAtMs = this.#options.env.clock.monotonicMs();
    line.timer?.cancel();
    while (hasSlot(line) && this.#takeNext(line)) {
      // Each turn filled one slot.
    }
    line.reader.urgentWaits(line.urgent.filter(isUrgent).length);
    if (!hasSlot(line)) return;
    const waitMs = line.plan.waitMs(this.#now(), SCHEDULER_LOOK_MS);
    if (waitMs >= SCHEDULER_LOOK_MS) return;
    line.timer = this.#options.env.timers.after(Math.max(1, waitMs), () => this.#look(line));
  }

  #takeNext(line: Line): boolean {
    if (this.#takeQueued(line, isUrgent)) return true;
    const picked = line.plan.pick(this.#now(), line.open);
    if (picked === null) return this.#takeQueued(line, () => true);
    this.#occupy(line, picked.meterId, () => this.#runPeriodic(line, picked));
    return true;
  }

  #takeQueued(line: Line, may: (urgent: Urgent) => boolean): boolean {
    const urgent = line.urgent.find((each) => may(each) && !line.busy.has(each.meterId));
    if (urgent === undefined) return false;
    line.urgent = line.urgent.filter((each) => each !== urgent);
    this.#occupy(line, urgent.meterId, () => this.#runUrgent(line, urgent));
    return true;
  }

  #occupy(line: Line, meterId: MeterId, run: () => Promise<void>): void {
    line.busy.add(meterId);
    line.open = meterId;
    line.plan.begun(meterId);
    const running = run()
      .catch((error: unknown) => {
        this.#crashed(error);
      })
      .finally(() => {
        this.#running.delete(running);
        line.busy.delete(meterId);
        line.plan.released(meterId);
        this.#look(line);
        if (this.#running.size === 0) this.#options.rested?.();
      });
    this.#running.add(running);
  }

  async #runUrgent(line: Line, urgent: Urgent): Promise<void> {
    this.#options.health.count('scheduler_urgent');
    const end = await urgent.run(line.reader);
    if (end === 'answered') line.plan.answered(urgent.meterId);
    if (end !== 'made-way') return;
    // Behind the others of its kind, background work behind none but what came before it.
    urgent.rank = Math.max(urgent.rank, BACKGROUND_RANK - 1);
    line.urgent.push(urgent);
    line.urgent.sort((a, b) => a.rank - b.rank);
  }

  /** Readers never reject: this is a programmer's mistake. It counts as a failure of the meter, and the line goes on. */
  #crashed(error: unknown): JobOutcome {
    this.#options.health.count('scheduler_crashes');
    this.#options.env.log.error('scheduler.job-crashed', { reason: reasonOf(error) });
    const { sentence } = EDGE_ERRORS.SCHEDULER_CRASHED;
    const failure = { code: 'SCHEDULER_CRASHED', sentence, reached: 'maybe' } as const;
    return { ok: false, scope: 'meter', failure };
  }

  async #runPeriodic(line: Line, picked: PickedJob): Promise<void> {
    const startMs = this.#options.env.clock.monotonicMs();
    const outcome = await line.reader.run(picked.meterId, picked.job).catch((error: unknown) => this.#crashed(error));
    const tookMs = this.#options.env.clock.monotonicMs() - startMs;
    this.#options.health.count('scheduler_periodic_ms', Math.round(tookMs));
    const madeWay = !outcome.ok && outcome.scope === 'way';
    if (!madeWay) this.#options.health.count(outcome.ok ? 'scheduler_jobs_done' : 'scheduler_jobs_failed');
    if (!outcome.ok) line.open = null;
    line.plan.ended(picked, outcome, tookMs, this.#now());
  }
}

function hasSlot({ busy, reader }: Line): boolean {
  return busy.size < Math.max(1, reader.slots);
}

/** Whether it goes ahead of periodic jobs. */
function isUrgent({ rank }: Urgent): boolean {
  return rank < BACKGROUND_RANK;
}

function failed(
  code: EdgeErrorCode,
  reached: JobFailure['reached'],
): { readonly ok: false; readonly failure: JobFailure } {
  return { ok: false, failure: { code, sentence: EDGE_ERRORS[code].sentence, reached } };
}
