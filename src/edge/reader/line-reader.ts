/**
 * The reader of one line: runs the scheduler's jobs over associations with the meters, and knows in words how each meter is.
 *
 * One thing at a time; the scheduler sees to that. Every failure ends here: it becomes an outcome, a state of the meter and
 * a sentence, and the other meters of the line go on.
 */

import type { Env } from '../../base/env.ts';
import { assert, DeltawattError, reasonOf } from '../../base/errors.ts';
import { type Happening, RightOfWay } from '../../dlms/index.ts';
import type { MeterId } from '../../model/ids.ts';
import type { ReadJob } from '../../profile/plan.ts';
import type { BufferRule, ClientUse } from '../../profile/schema/profile.ts';
import { entryWith } from '../entry.ts';
import type {
  Health,
  JobClass,
  JobOutcome,
  Journal,
  LineReader,
  Meter,
  MeterAccess,
  MeterWire,
  ReadingStage,
  RereadSource,
  StationsAccess,
  WorkResult,
} from '../ports.ts';
import { AttributeFilter } from './attribute-filter.ts';
import { begin, type NotBegun } from './begin.ts';
import { ColumnsMemory } from './columns.ts';
import { Identities } from './identity.ts';
import { isStale, runJob } from './jobs.ts';
import { loadScalers } from './known-units.ts';
import { ReaderMeterAccess } from './meter-access.ts';
import { MeterStates, type StateChange } from './meter-states.ts';
import { runReread } from './rereads.ts';
import type { ClockLimits, JobSurroundings, MeterMemory } from './scene.ts';
import { SessionKeeper } from './session-keeper.ts';
import type { OpenAssociation, SessionOpener } from './sessions.ts';
import { type LineCarries, sliceRowsMax } from './slices.ts';
import { SubMeterDoor } from './sub-meter.ts';
import { toldBy } from './told.ts';
import { type Verdict, verdictOf } from './verdict.ts';

/** What a reader is made of. */
export interface LineReaderOptions {
  readonly env: Env;
  readonly line: string;
  /** Name under which it says how it is, where the line has several readers; absent = that of the line. */
  readonly seat?: string;
  readonly meters: readonly Meter[];
  readonly opener: SessionOpener;
  readonly stage: ReadingStage;
  readonly journal: Pick<Journal, 'kept'>;
  readonly rereads: RereadSource;
  readonly health: Health;
  readonly slots: number;
  /** The edge's time, UTC ms, null while its clock is not set. */
  readonly nowMs: () => number | null;
  /** Whether somebody confirmed that time; absent = it is right. */
  readonly isConfirmed?: () => boolean;
  /** How far meters' clocks may be off at this site; absent = as the profiles say. */
  readonly clock?: ClockLimits;
  /** After how much silence a meter is a permanent failure, ms; absent = a day. */
  readonly permanentAfterMs?: number;
  /** What the line bears in one request; absent = as the profiles say. */
  readonly carries?: LineCarries;
  /** How far back a new meter is read, ms; null = as far as its buffer reaches. */
  readonly historyMs: number | null;
}

/** An association that rested no longer than this is good for work that cannot be tried twice. */
const FRESH_ENOUGH_MS = 2_000;
/** Code of a session that ended for somebody else. */
const MADE_WAY = 'SESSION_MADE_WAY';

/** As which client urgent and background work signs on; the rest reads. */
const USE_OF: Partial<Record<JobClass, ClientUse>> = { command: 'control', background: 'firmware' };

interface MeterDesk {
  readonly meter: Meter;
  /** The way to a meter behind another; null = it is asked itself. */
  readonly door: SubMeterDoor | null;
  readonly memory: MeterMemory;
}

/** The actor. */
export class DlmsLineReader implements LineReader {
  readonly slots: number;
  readonly #options: LineReaderOptions;
  readonly #desks: ReadonlyMap<MeterId, MeterDesk>;
  readonly #sessions: SessionKeeper;
  readonly #states: MeterStates;
  readonly #identities: Identities;
  readonly #attributes: AttributeFilter;
  readonly #way = new RightOfWay();
  #urgentWaits = 0;
  /** Urgent work has reached its meter: it makes way for nobody. */
  #holdsLine = false;

  constructor(options: LineReaderOptions) {
    this.#options = options;
    this.slots = options.slots;
    this.#desks = new Map(
      options.meters.map((meter) => [
        meter.meterId,
        {
          meter,
          door: doorOf(meter, options),
          memory: {
            scalers: null,
            keptScalers: null,
            empty: new Map(),
            clockIsOff: false,
            troubles: new Map(),
            clockSaysDeviation: null,
            rereadAt: null,
            columns: new ColumnsMemory(),
            compactForms: new Map(),
          },
        },
      ]),
    );
    const counted = (code: string) => options.health.count(`reader_discarded_${code.toLowerCase()}`);
    this.#sessions = new SessionKeeper(
      options.env,
      options.opener,
      counted,
      (meter, happening) => this.#happened(meter, happening),
      this.#way,
    );
    this.#states = new MeterStates(options.journal, options.health, options.permanentAfterMs);
    const { journal, health, stage, line, env } = options;
    this.#identities = new Identities({
      journal,
      health,
      keep: (keep) => stage.add(entryWith(env.clock.nowMs(), { line, keep })),
    });
    this.#attributes = new AttributeFilter(options.journal);
  }

  /** Reads what was known of the meters before the restart. */
  async start(): Promise<void> {
    await this.#states.load([...this.#desks.keys()]);
    await this.#identities.load([...this.#desks.keys()]);
    const { journal, env } = this.#options;
    for (const { meter, memory, door } of this.#desks.values()) {
      memory.keptScalers = await loadScalers(meter, journal, env.log);
      await door?.load();
    }
  }

  /** Says goodbye to the meter, unless a job still holds it (`politely` false), and closes the line. */
  async stop(politely = true): Promise<void> {
    if (politely) await this.#sessions.drop();
    else this.#sessions.abandon();
    this.#options.opener.end();
  }

  restMs(meterId: MeterId): number {
    return this.#options.opener.restMs?.(this.#desk(meterId).meter) ?? 0;
  }

  /** Tells a running job whether somebody waits for the line. */
  urgentWaits(count: number): void {
    this.#urgentWaits = count;
    this.#way.want(count > 0 && !this.#holdsLine);
  }

  /** A meter told something by itself: it is stored as if it had been asked for it. */
  #happened(meter: Meter, happening: Happening | null): void {
    const { health, stage, line, env, nowMs } = this.#options;
    health.count('reader_event_notifications');
    const { scalers: since, keptScalers } = this.#desk(meter.meterId).memory;
    const scalers = since ?? keptScalers;
    const told = happening === null ? null : toldBy(meter, happening, { nowMs: nowMs(), scalers });
    if (told === null) {
      health.count('reader_event_notifications_unknown');
      return;
    }
    // The stage tells its owner when it cannot be stored, and holds it.
    stage.add(entryWith(env.clock.nowMs(), { line, ...told })).catch(() => undefined);
  }

  async run(meterId: MeterId, job: ReadJob): Promise<JobOutcome> {
    const { meter } = this.#desk(meterId);
    this.#sessions.listenAnew();
    try {
      return await this.#runOnce(meterId, job);
    } catch (error) {
      if (madeWay(error)) return await this.#madeWay(error);
      if (!this.#sessions.isReused) return await this.#failed(meter, job, error);
      await this.#sessions.drop();
    }
    this.#sessions.listenAnew();
    try {
      return await this.#runOnce(meterId, job);
    } catch (error) {
      if (madeWay(error)) return await this.#madeWay(error);
      return await this.#failed(meter, job, error);
    }
  }

  /** The meter did not answer and somebody waited: nothing is said of the meter, it has its full time again later. */
  async #madeWay(error: DeltawattError): Promise<JobOutcome & WorkResult<never>> {
    this.#options.health.count('reader_made_way');
    await this.#sessions.drop();
    this.#options.opener.madeWay();
    const failure = { code: error.code, sentence: error.sentence, reached: 'maybe' } as const;
    return { ok: false, failure, scope: 'way' };
  }

  async #runOnce(meterId: MeterId, job: ReadJob): Promise<JobOutcome> {
    const desk = this.#desk(meterId);
    let associated = false;
    const enter = this.#wayTo(desk);
    const associate = () => {
      associated = true;
      return enter('read');
    };
    // From when on rows are its own is known once it was seen behind its host.
    if (desk.door?.sinceMs === null) await associate();
    const notBeforeMs = desk.door?.sinceMs ?? null;
    const scene = { ...desk, around: this.#surroundings(), associate, notBeforeMs };
    let more = await runJob(scene, job);
    if (!more && job.kind === 'buffer') more = await runReread(scene, job, this.#options.rereads);
    this.#sessions.rest();
    desk.memory.troubles.delete(absentObject(job));
    if (associated) await this.#answers(desk);
    return { ok: true, more };
  }

  /** An association with the meter that is meant, and no other. */
  async #associate(meter: Meter, use: ClientUse): Promise<OpenAssociation> {
    return this.#identities.looking(meter, await this.#sessions.use(meter, use));
  }

  async work<Result>(
    meterId: MeterId,
    jobClass: JobClass,
    started: () => Promise<void>,
    work: (meter: MeterAccess) => Promise<Result>,
  ): Promise<WorkResult<Result>> {
    const { meter } = this.#desk(meterId);
    const notBegun = await this.#begin(started);
    if (notBegun !== null) return notBegun;
    try {
      const enter = this.#wayTo(this.#desk(meterId));
      const access = new ReaderMeterAccess(
        meter,
        enter,
        () => this.#sessions.drop(),
        () => this.#urgentWaits > 0,
        this.#options.opener.keys ?? null,
        () => this.#sessions.useOnce((opener) => opener.openWithoutKey?.(meter, this.#way)),
      );
      await this.#sessions.refresh(FRESH_ENOUGH_MS);
      // Signing on comes before the work, so that whoever waits for it to be reached need not wait for its end.
      await enter(USE_OF[jobClass] ?? 'read');
      this.#hold(true);
      const result = await work(access);
      this.#sessions.rest();
      await this.#answers(this.#desk(meterId));
      return { ok: true, result };
    } catch (error) {
      if (madeWay(error)) return await this.#madeWay(error);
      const verdict = verdictOf(error, this.#sessions.noiseOctets);
      await this.#settle(meter, verdict);
      return { ok: false, failure: verdict.failure };
    } finally {
      this.#hold(false);
    }
  }

  async lend<Result>(
    meterId: MeterId,
    client: number,
    started: () => Promise<void>,
    use: (wire: MeterWire) => Promise<Result>,
  ): Promise<WorkResult<Result>> {
    const { meter } = this.#desk(meterId);
    const notBegun = await this.#begin(started);
    if (notBegun !== null) return notBegun;
    try {
      await this.#sessions.drop();
      const wire = await this.#options.opener.lend(meter, client);
      try {
        return { ok: true, result: await use(wire) };
      } finally {
        await wire.close();
      }
    } catch (error) {
      // What went wrong in somebody else's association says nothing of how we are served.
      return { ok: false, failure: verdictOf(error, this.#sessions.noiseOctets).failure };
    }
  }

  stationsOf(meterId: MeterId): Promise<string | null> {
    return this.#options.opener.stationsOf(this.#desk(meterId).meter);
  }

  async lendAll<Result>(
    meterId: MeterId,
    started: () => Promise<void>,
    use: (all: StationsAccess) => Promise<Result>,
  ): Promise<WorkResult<Result>> {
    const { meter } = this.#desk(meterId);
    const notBegun = await this.#begin(started);
    if (notBegun !== null) return notBegun;
    try {
      await this.#sessions.drop();
      const all = await this.#options.opener.speakToAll(meter);
      try {
        const sendBlock: StationsAccess['sendBlock'] = (blocks, number) => all.sendBlock(blocks, number);
        return { ok: true, result: await use({ sendBlock, isWanted: () => this.#urgentWaits > 0 }) };
      } finally {
        all.close();
      }
    } catch (error) {
      // Nobody was asked anything: it says nothing of the meter.
      return { ok: false, failure: verdictOf(error, this.#sessions.noiseOctets).failure };
    }
  }

  /** How one piece of work gets at the association with a meter; who hangs behind a meter is looked at once in an association. */
  #wayTo({ meter, door }: MeterDesk): (use: ClientUse) => Promise<OpenAssociation> {
    const { behind } = meter;
    if (door === null || behind === undefined) return (use) => this.#associate(meter, use);
    let entered: { readonly host: OpenAssociation; readonly through: OpenAssociation } | null = null;
    return async (use) => {
      const host = await this.#associate(behind.host, use);
      if (entered?.host !== host) entered = { host, through: await door.enter(host) };
      return entered.through;
    };
  }

  /** Begins work on a meter, unless whoever wanted it says no: then nothing is said to the meter, and this is the answer. */
  async #begin(started: () => Promise<void>): Promise<NotBegun | null> {
    this.#sessions.listenAnew();
    return await begin(started);
  }

  #hold(holds: boolean): void {
    this.#holdsLine = holds;
    this.#way.want(this.#urgentWaits > 0 && !holds);
  }

  #desk(meterId: MeterId): MeterDesk {
    const desk = this.#desks.get(meterId);
    assert(desk !== undefined, `meter ${meterId} hangs on line ${this.#options.line}`);
    return desk;
  }

  #surroundings(): JobSurroundings {
    const { env, line, stage, health, nowMs, historyMs, carries, clock, isConfirmed = () => true } = this.#options;
    return {
      ...(clock === undefined ? {} : { clock }),
      ...(carries === undefined ? {} : { sliceRowsMax: (rule: BufferRule) => sliceRowsMax(rule, carries) }),
      line,
      stage,
      health,
      nowMs,
      attributes: this.#attributes,
      wallMs: () => env.clock.nowMs(),
      isConfirmed,
      historyMs,
      firmwareChanged: (meter) => this.#options.opener.forget(meter),
      shouldYield: () => this.#urgentWaits > 0,
      problem: (meter, problem) => {
        health.count('reader_problems');
        env.log.warn('reader.problem', { meterId: meter.meterId, index: problem.index, sentence: problem.sentence });
      },
    };
  }

  async #failed(meter: Meter, job: ReadJob, error: unknown): Promise<JobOutcome> {
    if (isStale(error)) return { ok: true, more: true };
    const verdict = verdictOf(error, this.#sessions.noiseOctets);
    const { code, sentence } = verdict.failure;
    this.#options.health.count(`reader_failed_${code.toLowerCase()}`);
    this.#options.env.log.warn('reader.job-failed', { meterId: meter.meterId, job: job.key, code, sentence });
    if (code === 'READER_OBJECT_ABSENT')
      this.#desk(meter.meterId).memory.troubles.set(absentObject(job), { state: 'wrong-profile', sentence });
    await this.#settle(meter, verdict);
    return { ok: false, failure: verdict.failure, scope: verdict.scope };
  }

  /** After a failure: the association is given up unless the meter just refused one thing. */
  async #settle(meter: Meter, verdict: Verdict): Promise<void> {
    if ((verdict.scope === 'job' && verdict.state === 'reachable') || verdict.state === 'reconfigured')
      this.#sessions.rest();
    else await this.#sessions.drop();
    if (verdict.state === 'reachable') await this.#answers(this.#desk(meter.meterId));
    else if (verdict.state !== null) await this.#seen(meter, verdict.state, verdict.failure.sentence);
  }

  /** The meter answers; one with a buffer that is not its profile's is in need of a person all the same. */
  async #answers({ meter, memory }: MeterDesk): Promise<void> {
    const { sentence } = memory.columns;
    const trouble =
      sentence === null ? memory.troubles.values().next().value : ({ state: 'reconfigured', sentence } as const);
    if (trouble === undefined) await this.#seen(meter, 'reachable', 'The meter answers.');
    else await this.#seen(meter, trouble.state, trouble.sentence);
  }

  async #seen(meter: Meter, state: Parameters<MeterStates['seen']>[1], sentence: string): Promise<void> {
    const nowMs = this.#options.env.clock.nowMs();
    const change: StateChange = this.#states.seen(meter.meterId, state, sentence, nowMs);
    this.#lineState();
    if (change.records.length === 0) return;
    const entry = entryWith(nowMs, { line: this.#options.line, ...change });
    await this.#options.stage.add(entry).catch((error: unknown) => {
      this.#options.env.log.warn('reader.state-not-stored', { meterId: meter.meterId, reason: reasonOf(error) });
    });
  }

  #lineState(): void {
    const { health, line, seat = line } = this.#options;
    const troubled = this.#states.troubled();
    const all = this.#desks.size;
    if (troubled === 0) health.state(`line ${seat}`, 'ok', `All meters that were called answer (${all} on the line).`);
    else
      health.state(
        `line ${seat}`,
        troubled === all ? 'failed' : 'degraded',
        `${troubled} of ${all} meters do not answer.`,
      );
  }
}

function doorOf(meter: Meter, { line, journal, stage, env }: LineReaderOptions): SubMeterDoor | null {
  const { behind } = meter;
  const rule = behind?.host.profile.mbus ?? null;
  if (behind === undefined || rule === null) return null;
  return new SubMeterDoor({ meter, behind, line, journal, stage, wallMs: () => env.clock.nowMs() }, rule);
}

/** Cause of the trouble of a job whose object the meter does not have. */
function absentObject({ key }: ReadJob): string {
  return `absent ${key}`;
}

/** Whether the session ended because somebody else waited. */
function madeWay(error: unknown): error is DeltawattError {
  return error instanceof DeltawattError && error.code === MADE_WAY;
}
