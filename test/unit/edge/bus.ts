/** A line of simulated meters with the edge's reader and scheduler on it, in virtual time. */
import { readFileSync } from 'node:fs';
import type { Env } from '../../../src/base/env.ts';
import type { Entry, Meter, ReadingStage, RereadSource } from '../../../src/edge/ports.ts';
import { DlmsLineReader } from '../../../src/edge/reader/line-reader.ts';
import { LinkSessions } from '../../../src/edge/reader/sessions.ts';
import { Scheduler } from '../../../src/edge/scheduler/scheduler.ts';
import type { WorldOptions } from '../../../src/lab/virtual-env.ts';
import type { LineLink } from '../../../src/link/link.ts';
import { type MemoryLineShape, MemoryLines } from '../../../src/link/memory.ts';
import { linkOf } from '../../../src/link/registry.ts';
import type { MeterId } from '../../../src/model/ids.ts';
import { planJobs } from '../../../src/profile/plan.ts';
import { parseProfileOrThrow } from '../../../src/profile/schema/parse.ts';
import type { Profile } from '../../../src/profile/schema/profile.ts';
import { makeFleet, SIM_PASSWORD, serveLine } from '../../../src/sim/fleet.ts';
import type { Misbehaviour } from '../../../src/sim/serve/misbehave.machine.ts';
import { FakeJournal } from './fake-journal.ts';
import { FakeHealth, testWorld } from './world.ts';

export function profileOf(key: string): Profile {
  return parseProfileOrThrow(
    readFileSync(new URL(`../../../config/profiles/${key}.yaml`, import.meta.url), 'utf8'),
    key,
  );
}

/** A stage without waiting: everything goes to the journal at once. */
export class DirectStage implements ReadingStage {
  constructor(private readonly journal: FakeJournal) {}
  async add(staged: Entry): Promise<void> {
    await this.journal.append(staged);
  }
  watermark(meterId: MeterId, key: string): number | null {
    return this.journal.watermark(meterId, key);
  }
  flush(): Promise<void> {
    return Promise.resolve();
  }
}

export interface BusOptions {
  /** How associations are opened; absent = as on a site. */
  readonly sessions?: (link: LineLink, env: Env) => LinkSessions;
  readonly count: number;
  readonly days?: number;
  readonly misbehaviours?: ReadonlyMap<number, Misbehaviour>;
  readonly shape?: MemoryLineShape;
  readonly journal?: FakeJournal;
  /** What is read again; absent = what the journal lost. */
  readonly rereads?: RereadSource;
  readonly clockSet?: () => boolean;
  /** How far the edge's clock, which nobody confirmed, is from the right time, ms. */
  readonly aheadMs?: () => number;
  readonly historyMs?: number;
  /** How the edge reads them, when not as the shipped profile says. */
  readonly profile?: Profile;
  /** How the meters are set up, when not as the edge's profile says. */
  readonly setUp?: Profile;
  readonly showLog?: WorldOptions['showLog'];
}

export async function bus(options: BusOptions) {
  const world = testWorld(1, options.showLog);
  const { env } = world.program('edge');
  const profile = options.profile ?? profileOf('generic/idis');
  const meterEnv = { timers: env.timers, clock: env.clock, random: env.random };
  const lines = new MemoryLines(meterEnv);
  const line = lines.create('bus1', options.shape ?? { octetsPerS: 960, framing: 'hdlc' });
  const fleet = makeFleet(
    {
      seed: 'bus',
      count: options.count,
      profiles: [options.setUp ?? profile],
      timeZone: 'Europe/Berlin',
      nowMs: () => env.clock.nowMs(),
      days: options.days ?? 1,
      households: [],
      ...(options.misbehaviours === undefined ? {} : { misbehaviours: options.misbehaviours }),
    },
    null,
  );
  serveLine(line.attach(), fleet, options.shape?.framing === 'wrapper' ? 'wrapper' : 'hdlc', env, null);
  const journal = options.journal ?? new FakeJournal();
  const health = new FakeHealth();
  const stage = new DirectStage(journal);
  const meters = fleet.map(
    (meter): Meter => ({
      meterId: meter.device.meterId as MeterId,
      line: 'bus1',
      profile,
      timeZone: 'Europe/Berlin',
      logicalDevice: meter.logicalDevice,
      physicalDevice: meter.hdlcAddress,
      password: new TextEncoder().encode(SIM_PASSWORD),
    }),
  );
  const link = linkOf('memory:bus1', { ...env, lines }) as LineLink;
  const reader = new DlmsLineReader({
    env,
    line: 'bus1',
    meters,
    opener: options.sessions?.(link, env) ?? new LinkSessions(link, env),
    stage,
    journal,
    rereads: options.rereads ?? journal,
    health,
    slots: 1,
    nowMs: () => (options.clockSet?.() === false ? null : env.clock.nowMs() + (options.aheadMs?.() ?? 0)),
    ...(options.aheadMs === undefined ? {} : { isConfirmed: () => false }),
    historyMs: options.historyMs ?? null,
  });
  await reader.start();
  const scheduler = new Scheduler({ env, health, watermark: (meterId, key) => stage.watermark(meterId, key) });
  scheduler.addLine('bus1', reader);
  for (const meter of meters) scheduler.addMeter('bus1', meter.meterId, planJobs(profile));
  return {
    world,
    env,
    line,
    fleet,
    meters,
    journal,
    health,
    reader,
    scheduler,
    /** Rows of a meter's groups with this interval length, `time:first value`. */
    rowsOf: (meterId: string, intervalS: number) =>
      journal.entries
        .flatMap((entry) => entry.groups)
        .filter((group) => group.group.meterId === meterId && group.group.intervalS === intervalS)
        .flatMap((group) => group.rows),
    records: (kind: string) =>
      journal.entries.flatMap((entry) => entry.records).filter((record) => record.kind === kind),
    stop: async () => {
      const stopped = scheduler.stop().then(() => reader.stop());
      await world.clock.advance(60_000);
      await stopped;
    },
  };
}
