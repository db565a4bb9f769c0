/**
 * The `uplink-drain` bench: an edge that was away for a month comes back on a line of 20 kbit/s.
 *
 * Real stage, journal, packer, uplink and ingest, the broker and both stores in memory, everything in virtual time: what
 * is measured are the rules, so a slow machine gives the same figures. 1,000 meters, one register every quarter of an hour.
 * While the backlog drains, meters are read on and alarms are raised. The line takes what TCP offers to MQTT: PUBLISH
 * packets count with their heads, both directions have the same pace, and the way takes 150 ms each way, as over a
 * mobile network. TLS and TCP/IP come on top; bench `way` counts them on a real link.
 */
import { SeededRandom } from '../../base/seeded-random.ts';
import { startIngest } from '../../collector/ingest/ingest.ts';
import { HOST_CRYPTO } from '../../host/crypto.ts';
import { DEFAULT_TENANT, type EdgeId } from '../../model/ids.ts';
import { BacklogEdge, FLUSH_PERIOD_MS, STEP_MS } from '../backfill/backlog-edge.ts';
import { CountingStore } from '../backfill/counting-store.ts';
import { MemoryStore } from '../memory-store.ts';
import { VirtualWorld } from '../virtual-env.ts';
import { atLeast, atMost, type Bar, type BenchEnv, type BenchResult } from './bench.ts';

const METERS = 1_000;
const DAYS = 30;
const DAY_MS = 86_400_000;
const ROWS_A_DAY = (METERS * DAY_MS) / STEP_MS;
/** Rows are handed in by the hour while nobody is there to take them. */
const INTERVALS_OFFLINE = 4;
/** 20 kbit/s. */
export const LINE_OCTETS_PER_S = 2_500;
const LINE_LATENCY_MS = 150;
/** A database that is quick. */
const COMMIT = { baseMs: 20, octetsPerS: 20_000_000 };
const ALARM_EVERY_MS = 97_000;
/** Alarms may be so late while the line is full of backlog. */
export const ALARM_BAR_MS = 10_000;
const BUSY_BAR_PERCENT = 95;
/** The line comes back so long before the meters are read again. */
const BACK_BEFORE_READ_MS = 120_000;
/** A line that stands would make the bench endless. */
const PATIENCE_FACTOR = 4;

/** Drains `count` days, default 30. */
export async function benchUplinkDrain(bench: Pick<BenchEnv, 'seed' | 'count' | 'progress'>): Promise<BenchResult> {
  const days = bench.count ?? DAYS;
  const world = new VirtualWorld({ seed: bench.seed, crypto: HOST_CRYPTO });
  const centre = world.program('collector').env;
  const store = new CountingStore(centre.clock, centre.timers, COMMIT);
  const { env } = world.program('edge');
  const edgeId = 'edge1' as EdgeId;
  const key = new SeededRandom(`key/${bench.seed}`).bytes(32);
  await store.saveEdge({ edgeId, tenantId: DEFAULT_TENANT, state: 'active', key });
  world.broker.lineOf = (clientId) =>
    clientId === edgeId ? { latencyMs: LINE_LATENCY_MS, octetsPerS: LINE_OCTETS_PER_S } : null;
  const seed = `drain/${bench.seed}`;
  const edge = await BacklogEdge.open({ env, edgeId, key, store: new MemoryStore(), meters: METERS, seed });
  await fill(world, edge, days, bench.progress);
  await world.clock.advance(STEP_MS - BACK_BEFORE_READ_MS);
  const backlogOctets = edge.pendingOctets;
  const ingest = startIngest({ env: centre, store, broker: { url: 'mqtt://memory', clientId: 'collector' } });
  const drain = await drainOf(world, edge, store, backlogOctets);
  await stopAll(world, async () => {
    await edge.stop();
    await ingest.stop();
  });
  const rows = ROWS_A_DAY * days;
  return {
    figures: {
      days,
      meters: METERS,
      backlogRows: rows,
      backlogOctets,
      octetsPerRow: Math.round((backlogOctets / rows) * 1000) / 1000,
      drainS: Math.round(drain.ms / 1000),
      storedOctets: drain.storedOctets,
      octetsBeyondBlocks: drain.octetsBeyondBlocks,
      alarms: drain.alarms.length,
      freshFlushes: drain.fresh.length,
      alarmMedianMs: Math.round(medianOf(drain.alarms)),
      freshMedianMs: Math.round(medianOf(drain.fresh)),
      linePercent: drain.percent,
    },
    bars: barsOf(drain),
  };
}

interface Drain {
  readonly ms: number;
  readonly storedOctets: number;
  /** Octets of PUBLISH payloads beyond the blocks that were stored: heads of batches, and blocks that went twice. */
  readonly octetsBeyondBlocks: number;
  /** Block octets that were stored, of what the line could have carried, percent. */
  readonly percent: number;
  /** Ms from raising to commit. */
  readonly alarms: readonly number[];
  readonly fresh: readonly number[];
  readonly missing: number;
}

async function fill(world: VirtualWorld, edge: BacklogEdge, days: number, progress: (text: string) => void) {
  const step = INTERVALS_OFFLINE * STEP_MS;
  for (let at = 1; at <= (days * DAY_MS) / step; at++) {
    await world.clock.advance(step);
    await edge.read(world.nowMs, INTERVALS_OFFLINE);
    await edge.flush();
    if ((at * step) % (10 * DAY_MS) === 0) progress(`uplink-drain: ${(at * step) / DAY_MS} days are in the journal`);
  }
}

/** Connects, reads on, raises alarms, until the backlog is stored. */
async function drainOf(world: VirtualWorld, edge: BacklogEdge, store: CountingStore, backlogOctets: number) {
  const { clock } = world;
  const random = world.random.fork('alarms');
  await edge.connect();
  const stored = () => store.storedOctets.get(edge.edgeId) ?? 0;
  await clock.runWhile(() => stored() === 0, DAY_MS);
  const [fromMs, storedBefore] = [clock.nowMs, stored()];
  let isOver = false;
  const every = (periodMs: () => number, act: () => Promise<void>) => {
    const again = () =>
      clock.after(periodMs(), () => {
        if (isOver) return;
        void act().then(again);
      });
    again();
  };
  every(
    () => random.below(2 * ALARM_EVERY_MS),
    () => edge.raiseAlarm(),
  );
  every(
    () => STEP_MS - ((world.nowMs - world.startMs) % STEP_MS),
    () => edge.read(world.nowMs),
  );
  const limitMs = (PATIENCE_FACTOR * backlogOctets * 1000) / LINE_OCTETS_PER_S;
  const isDrained = await clock.runWhile(() => edge.failure === null && stored() < backlogOctets, limitMs);
  if (!isDrained || edge.failure !== null) throw new Error(`the backlog did not drain: ${String(edge.failure)}`);
  const ms = clock.nowMs - fromMs;
  const storedOctets = stored() - storedBefore;
  isOver = true;
  await clock.advance(2 * FLUSH_PERIOD_MS);
  const delays = (kind: 'rows' | 'alarm') =>
    edge.appended.filter((one) => one.kind === kind).map((one) => store.delayMs(one));
  const [alarms, fresh] = [delays('alarm'), delays('rows')];
  return {
    ms,
    storedOctets,
    octetsBeyondBlocks: Math.max(0, edge.sentOctets - stored() - edge.pendingOctets),
    percent: Math.round((storedOctets / ((ms * LINE_OCTETS_PER_S) / 1000)) * 10_000) / 100,
    alarms: alarms.filter((delay) => delay !== null),
    fresh: fresh.filter((delay) => delay !== null),
    missing: [...alarms, ...fresh].filter((delay) => delay === null).length,
  };
}

function barsOf(drain: Drain): Bar[] {
  return [
    atLeast('block octets stored, of what 20 kbit/s carry, %', drain.percent, BUSY_BAR_PERCENT),
    atLeast('alarms raised meanwhile', drain.alarms.length, 1),
    atMost('ms from an alarm to its commit, worst', Math.round(Math.max(0, ...drain.alarms)), ALARM_BAR_MS),
    atLeast('flushes of fresh readings meanwhile', drain.fresh.length, 1),
    atMost(
      'ms from a fresh reading to its commit, worst',
      Math.round(Math.max(0, ...drain.fresh)),
      2 * FLUSH_PERIOD_MS,
    ),
    atMost('alarms and flushes that never came', drain.missing, 0),
  ];
}

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** Programs stop in virtual time: somebody must let it pass. */
async function stopAll(world: VirtualWorld, stop: () => Promise<void>): Promise<void> {
  let isOver = false;
  void stop().then(() => {
    isOver = true;
  });
  await world.clock.runWhile(() => !isOver, DAY_MS);
}
