/**
 * The reader of a wired M-Bus line: asks each meter for its telegrams and makes readings of them. One read-out at a time; it is
 * short, so whoever waits goes next. Every failure ends here, as a state of the meter and a sentence.
 *
 * A meter is selected by its identity, or asked at its primary address; what answers must have the identity of the settings,
 * else it is another meter: that is an event, and nothing of it is stored. Given up: orders to meters and reads on demand.
 */

import type { Env } from '../../base/env.ts';
import { assert, reasonOf } from '../../base/errors.ts';
import { LineDriver } from '../../link/drive.ts';
import type { LineLink } from '../../link/link.ts';
import { identityText, isIdentity } from '../../mbus/identity.ts';
import { MbusMaster } from '../../mbus/master.machine.ts';
import type { MbusTelegram } from '../../mbus/telegram.ts';
import type { MeterEvent } from '../../model/event.ts';
import type { MeterId } from '../../model/ids.ts';
import { readTelegrams } from '../../profile/mbus-readout.ts';
import type { ReadJob } from '../../profile/plan.ts';
import { entryWith } from '../entry.ts';
import { edgeError } from '../errors.ts';
import type { Entry, Health, JobOutcome, Journal, LineReader, Meter, ReadingStage, WorkResult } from '../ports.ts';
import { MeterStates } from './meter-states.ts';
import { type Verdict, verdictOf } from './verdict.ts';

/** What a reader is made of. */
export interface MbusLineReaderOptions {
  readonly env: Env;
  readonly line: string;
  readonly meters: readonly Meter[];
  readonly link: LineLink;
  readonly stage: ReadingStage;
  readonly journal: Pick<Journal, 'kept'>;
  readonly health: Health;
  /** The edge's time, UTC ms, null while its clock is not set. */
  readonly nowMs: () => number | null;
}

const EXCHANGED = { code: 7, name: 'sub-meter-exchanged' } as const;

/** The actor. */
export class MbusLineReader implements LineReader {
  readonly slots = 1;
  readonly #options: MbusLineReaderOptions;
  readonly #meters: ReadonlyMap<MeterId, Meter>;
  readonly #states: MeterStates;
  /** Meters of which it was told that another one answers. */
  readonly #exchanged = new Set<MeterId>();
  #driver: LineDriver | null = null;

  constructor(options: MbusLineReaderOptions) {
    this.#options = options;
    this.#meters = new Map(options.meters.map((meter) => [meter.meterId, meter]));
    this.#states = new MeterStates(options.journal, options.health);
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
    const meter = this.#meters.get(meterId);
    assert(meter !== undefined, `meter ${meterId} hangs on line ${this.#options.line}`);
    try {
      if (job.kind === 'registers') await this.#readOut(meter, job);
      return { ok: true, more: false };
    } catch (error) {
      const verdict = verdictOf(error, 0);
      const { code, sentence } = verdict.failure;
      this.#options.health.count(`reader_failed_${code.toLowerCase()}`);
      this.#options.env.log.warn('reader.job-failed', { meterId, job: job.key, code, sentence });
      if (verdict.state !== null) await this.#seen(meter, verdict.state, sentence);
      return { ok: false, failure: verdict.failure, scope: verdict.scope };
    }
  }

  work(): Promise<WorkResult<never>> {
    return this.#refused();
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

  async #readOut(meter: Meter, job: ReadJob & { readonly kind: 'registers' }): Promise<void> {
    const { meterId, timeZone, profile } = meter;
    const telegrams = await this.#telegramsOf(meter);
    await this.#mustBe(meter, telegrams);
    const nowMs = this.#options.nowMs();
    if (nowMs === null) throw edgeError('READER_CLOCK_UNSET', meterId);
    const readout = readTelegrams(profile, job.registers, telegrams, { meterId, timeZone, nowMs });
    for (const problem of readout.problems) {
      this.#options.health.count('reader_problems');
      this.#options.env.log.warn('reader.problem', { meterId, index: problem.index, sentence: problem.sentence });
    }
    await this.#put({ groups: readout.groups, watermarks: [{ meterId, key: job.key, atMs: nowMs }] });
    await this.#seen(meter, 'reachable', 'The meter answers.');
  }

  async #telegramsOf({ mbus, meterId }: Meter): Promise<readonly MbusTelegram[]> {
    assert(mbus !== undefined, `${meterId} is a meter on an M-Bus`);
    const { link } = this.#options;
    const driver = await this.#line();
    return await new Promise((resolve, reject) => {
      const master = new MbusMaster({ octetMs: link.octetMs, gapMs: link.gapMs });
      const running = driver.run(
        master,
        ([event]) => {
          running.stop();
          if (event?.kind === 'read') resolve(event.telegrams);
          else if (event !== undefined) reject(event.error);
        },
        (reason) => {
          this.#closeLine();
          reject(reason ?? new Error('the line ended'));
        },
      );
      master.read(mbus.target, running.nowMs());
      running.kick();
    });
  }

  /** Whoever answered must be the meter of the settings; throws READER_SUB_METER_GONE. */
  async #mustBe(meter: Meter, telegrams: readonly MbusTelegram[]): Promise<void> {
    const { meterId, mbus } = meter;
    const wanted = mbus?.identity ?? '';
    const others = telegrams.flatMap(({ identity }) =>
      identity === null || isIdentity(identity, wanted) ? [] : [identityText(identity)],
    );
    const [other] = others;
    if (other === undefined) {
      this.#exchanged.delete(meterId);
      return;
    }
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

  async #line(): Promise<LineDriver> {
    if (this.#driver?.isOpen === true) return this.#driver;
    this.#closeLine();
    this.#driver = new LineDriver(await this.#options.link.open(), this.#options.env);
    return this.#driver;
  }

  #closeLine(): void {
    this.#driver?.close();
    this.#driver = null;
  }
}
