/**
 * The reader of a line on which meters are asked without associations: a wired M-Bus, or meters that speak ASCII. What is
 * said on the line is the business of a way (`plain-way.ts`); this is what all have in common. One job at a time; each is short, so
 * whoever waits goes next. Every failure ends here, as a state of the meter and a sentence. A command reads what a read-out has;
 * orders to such a meter are refused.
 */
import type { ByteDuplex, Env } from '../../base/env.ts';
import { assert, reasonOf } from '../../base/errors.ts';
import { LineDriver } from '../../link/drive.ts';
import type { LineLink } from '../../link/link.ts';
import type { MeterEvent } from '../../model/event.ts';
import type { MeterId } from '../../model/ids.ts';
import type { ReadJob } from '../../profile/plan.ts';
import { entryWith } from '../entry.ts';
import { edgeError } from '../errors.ts';
import type {
  Entry,
  Health,
  JobClass,
  JobOutcome,
  Journal,
  LineReader,
  Meter,
  MeterAccess,
  ReadingStage,
  WorkResult,
} from '../ports.ts';
import { begin } from './begin.ts';
import { MeterStates } from './meter-states.ts';
import { PlainAccess } from './plain-access.ts';
import type { PlainDesk, PlainWay } from './plain-way.ts';
import { type Verdict, verdictOf } from './verdict.ts';

/** What a reader is made of. */
export interface PlainLineReaderOptions {
  readonly env: Env;
  readonly line: string;
  readonly meters: readonly Meter[];
  readonly link: LineLink;
  readonly way: PlainWay;
  readonly stage: ReadingStage;
  readonly journal: Pick<Journal, 'kept'>;
  readonly health: Health;
  /** After how much silence a meter is a permanent failure, ms; absent = a day. */
  readonly permanentAfterMs?: number;
  /** The edge's time, UTC ms, null while its clock is not set. */
  readonly nowMs: () => number | null;
}

const EXCHANGED = { code: 7, name: 'sub-meter-exchanged' } as const;

/** The actor. */
export class PlainLineReader implements LineReader {
  readonly slots = 1;
  readonly #options: PlainLineReaderOptions;
  readonly #meters: ReadonlyMap<MeterId, Meter>;
  readonly #states: MeterStates;
  /** Meters of which it was told that another one answers. */
  readonly #exchanged = new Set<MeterId>();
  readonly #desk: PlainDesk;
  #driver: LineDriver | null = null;

  constructor(options: PlainLineReaderOptions) {
    this.#options = options;
    this.#meters = new Map(options.meters.map((meter) => [meter.meterId, meter]));
    this.#states = new MeterStates(options.journal, options.health, options.permanentAfterMs);
    this.#desk = this.#makeDesk();
  }

  /** Reads what was known of the meters before the restart. */
  async start(): Promise<void> {
    await this.#states.load([...this.#meters.keys()]);
  }

  /** Closes the line. */
  stop(): Promise<void> {
    this.#closeLine();
    this.#options.link.close?.();
    return Promise.resolve();
  }

  urgentWaits(): void {
    // A read-out is over before anybody would notice.
  }

  async run(meterId: MeterId, job: ReadJob): Promise<JobOutcome> {
    const meter = this.#meter(meterId);
    try {
      const more = await this.#options.way.run(meter, job, this.#desk);
      await this.#seen(meter, 'reachable', 'The meter answers.');
      return { ok: true, more };
    } catch (error) {
      const verdict = verdictOf(error, 0);
      const { code, sentence } = verdict.failure;
      this.#options.health.count(`reader_failed_${code.toLowerCase()}`);
      this.#options.env.log.warn('reader.job-failed', { meterId, job: job.key, code, sentence });
      if (verdict.state !== null) await this.#seen(meter, verdict.state, sentence);
      return { ok: false, failure: verdict.failure, scope: verdict.scope };
    }
  }

  async work<Result>(
    meterId: MeterId,
    _jobClass: JobClass,
    started: () => Promise<void>,
    work: (meter: MeterAccess) => Promise<Result>,
  ): Promise<WorkResult<Result>> {
    const meter = this.#meter(meterId);
    const notBegun = await begin(started);
    if (notBegun !== null) return notBegun;
    const access = new PlainAccess(meter, this.#options.way, this.#desk);
    try {
      const result = await work(access);
      if (access.hasAnswered) await this.#seen(meter, 'reachable', 'The meter answers.');
      return { ok: true, result };
    } catch (error) {
      const { state, failure } = verdictOf(error, 0);
      if (state !== null) await this.#seen(meter, state, failure.sentence);
      return { ok: false, failure };
    }
  }

  #meter(meterId: MeterId): Meter {
    const meter = this.#meters.get(meterId);
    assert(meter !== undefined, `meter ${meterId} hangs on line ${this.#options.line}`);
    return meter;
  }

  lend(): Promise<WorkResult<never>> {
    return this.#refused();
  }

  stationsOf(): Promise<null> {
    return Promise.resolve(null);
  }

  lendAll(): Promise<WorkResult<never>> {
    return this.#refused();
  }

  #refused(): Promise<WorkResult<never>> {
    const { code, sentence } = edgeError('READER_NO_ORDERS', this.#options.line);
    return Promise.resolve({ ok: false, failure: { code, sentence, reached: 'no' } });
  }

  #makeDesk(): PlainDesk {
    const { link, stage, env, health } = this.#options;
    return {
      link,
      line: (open) => this.#line(open),
      closeLine: () => this.#closeLine(),
      context: ({ meterId, timeZone }) => {
        const nowMs = this.#options.nowMs();
        if (nowMs === null) throw edgeError('READER_CLOCK_UNSET', meterId);
        return { meterId, timeZone, nowMs };
      },
      put: (part) => this.#put(part),
      watermark: (meterId, key) => stage.watermark(meterId, key),
      tell: ({ meterId }, problems) => {
        for (const { index, sentence } of problems) {
          health.count('reader_problems');
          env.log.warn('reader.problem', { meterId, index, sentence });
        }
      },
      exchanged: (meter, wanted, other) => this.#exchange(meter, wanted, other),
      isThere: ({ meterId }) => {
        this.#exchanged.delete(meterId);
      },
    };
  }

  async #exchange({ meterId }: Meter, wanted: string, other: string): Promise<never> {
    if (!this.#exchanged.has(meterId)) {
      const sentence = `${other} answers where ${wanted} is entered. Nothing of it is stored for this meter.`;
      const atMs = this.#options.env.clock.nowMs();
      const event: MeterEvent = { meterId, log: 'edge', ...EXCHANGED, sentence, atMs, severity: 'alarm' };
      await this.#put({ records: [{ kind: 'event', event }] });
      this.#exchanged.add(meterId);
    }
    throw edgeError('READER_SUB_METER_GONE', `${wanted} is entered, ${other} answers`);
  }

  async #seen(meter: Meter, state: NonNullable<Verdict['state']>, sentence: string): Promise<void> {
    const change = this.#states.seen(meter.meterId, state, sentence, this.#options.env.clock.nowMs());
    const { health, line } = this.#options;
    const troubled = this.#states.troubled();
    const words =
      troubled === 0
        ? 'All meters that were called answer.'
        : `${troubled} of ${this.#meters.size} meters do not answer.`;
    health.state(`line ${line}`, troubled === 0 ? 'ok' : troubled === this.#meters.size ? 'failed' : 'degraded', words);
    if (change.records.length === 0) return;
    await this.#put(change).catch((error: unknown) => {
      this.#options.env.log.warn('reader.state-not-stored', { meterId: meter.meterId, reason: reasonOf(error) });
    });
  }

  async #put(part: Partial<Entry>): Promise<void> {
    const { line, stage, env } = this.#options;
    await stage.add(entryWith(env.clock.nowMs(), { line, ...part }));
  }

  async #line(open: () => Promise<ByteDuplex>): Promise<LineDriver> {
    if (this.#driver?.isOpen === true) return this.#driver;
    this.#closeLine();
    this.#driver = new LineDriver(await open(), this.#options.env);
    return this.#driver;
  }

  #closeLine(): void {
    this.#driver?.close();
    this.#driver = null;
  }
}
