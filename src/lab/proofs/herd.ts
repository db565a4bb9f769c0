/**
 * The `herd` proof: a fleet of edges comes back after 24 hours without a collector, at one moment.
 *
 * Each edge is a real journal and a real uplink; ingest is the real one, over a store whose commits take so long that the
 * database keeps up with half of what the lines bring. Every third edge has a line a hundred times as fast as the others'
 * 20 kbit/s: shares are fair only when ingest makes them so. All edges hold the same 24 hours of 1,000 meters, copied, the
 * collector has none of their dictionaries, and the store counts octets instead of keeping them. At the end the broker is
 * away for an hour: connections must come back spread. All in virtual time.
 */
import { SeededRandom } from '../../base/seeded-random.ts';
import { startIngest } from '../../collector/ingest/ingest.ts';
import { HOST_CRYPTO } from '../../host/crypto.ts';
import { DEFAULT_TENANT, type EdgeId } from '../../model/ids.ts';
import { BacklogEdge, FLUSH_PERIOD_MS, STEP_MS } from '../backfill/backlog-edge.ts';
import { CountingStore } from '../backfill/counting-store.ts';
import { atLeast, atMost, type Bar, type BenchEnv, type BenchResult } from '../benches/bench.ts';
import { runElsewhere } from '../elsewhere.ts';
import { MemoryStore } from '../memory-store.ts';
import { VirtualWorld } from '../virtual-env.ts';

const EDGES = 100;
const METERS = 1_000;
const HOURS = 24;
const HOUR_MS = 3_600_000;
const SLOW = { latencyMs: 150, octetsPerS: 2_500 };
const FAST = { latencyMs: 20, octetsPerS: 250_000 };
const FAST_EVERY = 3;
/** The database takes so many octets a second for each edge: half of a slow line. */
const SHARE_OCTETS_PER_S = 1_250;
/** Commits that ingest has under way at once. */
const COMMITS_AT_ONCE = 8;
const COMMIT_BASE_MS = 5;
/** Edges of which alarms are raised and meters read meanwhile. */
const WATCHED = 20;
const LOOK_MS = 1_000;
const ALARM_AFTER_MS = 5_000;
const ALARM_WITHIN_MS = 30_000;
const READ_AFTER_MS = 10_000;
const DRAIN_MAX_MS = HOUR_MS;
/** A window of the shares ends when the first edge has stored so much of its backlog. */
const SHARES_UNTIL = 0.8;
const ALARM_BAR_MS = 10_000;
const JAIN_BAR = 0.9;
/** Spread of connections: share of the fleet that comes within ten seconds, of five minutes over which backoff spreads. */
const WINDOW_MS = 10_000;
const WINDOW_BAR_PERCENT = 20;
/** The program with garbage not collected yet, and what an edge with its queues may take beside it: its journal, its session, blocks on the way. */
const MEMORY_BASE_OCTETS = 256 * 1024 * 1024;
const MEMORY_PER_EDGE_OCTETS = 512 * 1024;

/** Edges in the heap that the engine takes by itself: the journal of one, open, is 0.9 MB for 1,000 meters. */
const EDGES_HERE_MAX = 1_000;
const HEAP_BASE_MB = 1_024;
const HEAP_PER_EDGE_MB = 2;
/** Longest time for an edge, on a crowded machine. */
const EDGE_MAX_MS = 3_000;

/** Runs `count` edges, default 100; more than one process holds by itself in one with a larger heap. */
export async function proveHerd(env: BenchEnv): Promise<BenchResult> {
  const count = env.count ?? EDGES;
  if (count <= EDGES_HERE_MAX || env.program === undefined) return proveHerdPart(env);
  const heapMb = HEAP_BASE_MB + count * HEAP_PER_EDGE_MB;
  return runElsewhere(env, {
    name: 'herd-part',
    seed: env.seed,
    count,
    timeoutMs: count * EDGE_MAX_MS,
    prefix: 'herd: ',
    heapMb,
  });
}

/** All of {@link proveHerd}, in this process. */
export async function proveHerdPart(
  env: Pick<BenchEnv, 'seed' | 'count' | 'progress' | 'memory'>,
): Promise<BenchResult> {
  const herd = await Herd.make(env.seed, env.count ?? EDGES);
  env.progress(`herd: ${herd.edges.length} edges with ${herd.backlogOctets} octets each come back`);
  const used = () => {
    const memory = env.memory?.();
    return memory === undefined ? 0 : memory.heapBytes + memory.bufferBytes;
  };
  const before = used();
  const drain = await herd.drain(used);
  env.progress(`herd: drained in ${Math.round(drain.ms / 1_000)} s; the broker goes away for an hour`);
  const spread = await herd.spread();
  await herd.stop();
  const [alarms, fresh] = [herd.delays('alarm'), herd.delays('rows')];
  const grownOctets = Math.max(0, drain.mostOctets - before);
  return {
    figures: {
      edges: herd.edges.length,
      backlogOctets: herd.backlogOctets * herd.edges.length,
      drainS: Math.round(drain.ms / 1_000),
      sharesWindowS: Math.round(drain.windowMs / 1_000),
      jain: drain.jain,
      commitsAtOnce: herd.store.commitsAtOnce.most,
      alarms: alarms.seen.length,
      freshFlushes: fresh.seen.length,
      grownOctets,
      reconnectS: Math.round(spread.lastMs / 1_000),
      reconnectWindowPercent: spread.windowPercent,
    },
    bars: [
      atLeast("Jain's index of octets stored while all have a backlog", drain.jain, JAIN_BAR),
      ...delayBars('an alarm', alarms, ALARM_BAR_MS),
      ...delayBars('a fresh reading', fresh, 2 * FLUSH_PERIOD_MS),
      atMost('edges whose backlog is not stored whole', herd.incomplete(), 0),
      atMost('octets of memory grown', grownOctets, MEMORY_BASE_OCTETS + MEMORY_PER_EDGE_OCTETS * herd.edges.length),
      atMost('of the fleet back within the same ten seconds, %', spread.windowPercent, WINDOW_BAR_PERCENT),
    ],
  };
}

interface Delays {
  readonly seen: readonly number[];
  readonly missing: number;
}

function delayBars(what: string, { seen, missing }: Delays, limitMs: number): Bar[] {
  return [
    atLeast(`times ${what} came`, seen.length, 1),
    atMost(`ms from ${what} to its commit, worst`, Math.round(Math.max(0, ...seen)), limitMs),
    atMost(`times ${what} did not come`, missing, 0),
  ];
}

/** 1 = all the same, 1/n = one has everything. */
export function jainOf(shares: readonly number[]): number {
  const sum = shares.reduce((all, share) => all + share, 0);
  const squares = shares.reduce((all, share) => all + share * share, 0);
  return squares === 0 ? 0 : (sum * sum) / (shares.length * squares);
}

class Herd {
  readonly #connectedAtMs: number[] = [];

  private constructor(
    readonly world: VirtualWorld,
    readonly store: CountingStore,
    readonly edges: readonly BacklogEdge[],
    /** Of each edge. */
    readonly backlogOctets: number,
    private readonly ingest: ReturnType<typeof startIngest>,
  ) {}

  static async make(seed: number, count: number): Promise<Herd> {
    const world = new VirtualWorld({ seed, crypto: HOST_CRYPTO });
    const centre = world.program('collector').env;
    const octetsPerS = (count * SHARE_OCTETS_PER_S) / COMMITS_AT_ONCE;
    const store = new CountingStore(centre.clock, centre.timers, { baseMs: COMMIT_BASE_MS, octetsPerS });
    const key = new SeededRandom(`key/${seed}`).bytes(32);
    const filled = new MemoryStore();
    const common = { key, meters: METERS, seed: `herd/${seed}` };
    const first = await BacklogEdge.open({
      ...common,
      env: world.program('template').env,
      edgeId: 'template' as EdgeId,
      store: filled,
    });
    for (let hour = 0; hour < HOURS; hour++) {
      await world.clock.advance(HOUR_MS);
      await first.read(world.nowMs, HOUR_MS / STEP_MS);
      await first.flush();
    }
    const lines = new Map<string, typeof SLOW>();
    const edges: BacklogEdge[] = [];
    for (let at = 0; at < count; at++) {
      const edgeId = `edge${at}` as EdgeId;
      lines.set(edgeId, at % FAST_EVERY === 0 ? FAST : SLOW);
      await store.saveEdge({ edgeId, tenantId: DEFAULT_TENANT, state: 'active', key });
      const env = world.program(edgeId).env;
      edges.push(await BacklogEdge.open({ ...common, env, edgeId, store: filled.copy() }));
    }
    world.broker.lineOf = (clientId) => lines.get(clientId) ?? null;
    const ingest = startIngest({ env: centre, store, broker: { url: 'mqtt://memory', clientId: 'collector' } });
    await ready(world, () => ingest.connected());
    return new Herd(world, store, edges, first.pendingOctets, ingest);
  }

  /** All connect in the same moment; looks once a second until everything is stored. */
  async drain(used: () => number) {
    const { clock } = this.world;
    const fromMs = clock.nowMs;
    const deadlineMs = fromMs + DRAIN_MAX_MS;
    let [mostOctets, begin, end] = [0, null as readonly number[] | null, null as readonly number[] | null];
    let [beginMs, endMs] = [0, 0];
    for (const edge of this.edges) await edge.connect();
    this.#disturb();
    while (this.edges.some((edge) => edge.pendingOctets > 0) && clock.nowMs < deadlineMs) {
      await clock.advance(LOOK_MS);
      mostOctets = Math.max(mostOctets, used());
      const stored = this.#stored();
      if (begin === null && stored.every((octets) => octets > 0)) [begin, beginMs] = [stored, clock.nowMs];
      if (end === null && stored.some((octets) => octets >= SHARES_UNTIL * this.backlogOctets))
        [end, endMs] = [stored, clock.nowMs];
    }
    const shares = (end ?? []).map((octets, at) => octets - (begin?.[at] ?? 0));
    const isWindow = begin !== null && endMs > beginMs;
    const jain = isWindow ? Math.round(jainOf(shares) * 1_000) / 1_000 : 0;
    return { ms: clock.nowMs - fromMs, windowMs: endMs - beginMs, jain, mostOctets };
  }

  /** The broker is away for an hour, then there: how many come back together. */
  async spread(): Promise<{ readonly lastMs: number; readonly windowPercent: number }> {
    const { clock, broker } = this.world;
    broker.setUp(false);
    await clock.advance(HOUR_MS);
    const seen = new Set<string>();
    const fromMs = clock.nowMs;
    broker.watch = (clientId) => {
      if (clientId === 'collector' || seen.has(clientId)) return;
      seen.add(clientId);
      this.#connectedAtMs.push(clock.nowMs - fromMs);
    };
    broker.setUp(true);
    await clock.runWhile(() => seen.size < this.edges.length, HOUR_MS);
    const times = this.#connectedAtMs;
    const most = Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + WINDOW_MS).length));
    const windowPercent = seen.size < this.edges.length ? 100 : Math.round((most / times.length) * 1_000) / 10;
    return { lastMs: Math.max(0, ...times), windowPercent };
  }

  delays(kind: 'rows' | 'alarm'): Delays {
    const all = this.edges.flatMap((edge) => edge.appended.filter((one) => one.kind === kind));
    const delays = all.map((one) => this.store.delayMs(one));
    const seen = delays.filter((delay) => delay !== null);
    return { seen, missing: delays.length - seen.length };
  }

  incomplete(): number {
    return this.edges.filter(
      (edge) => edge.failure !== null || (this.store.storedOctets.get(edge.edgeId) ?? 0) < this.backlogOctets,
    ).length;
  }

  async stop(): Promise<void> {
    await ready(this.world, async () => {
      for (const edge of this.edges) await edge.stop();
      await this.ingest.stop();
    });
  }

  /** Alarms and fresh readings while the backlog waits, at edges of both kinds. */
  #disturb(): void {
    const { clock } = this.world;
    const random = this.world.random.fork('disturb');
    for (const edge of this.edges.slice(0, WATCHED)) {
      clock.after(ALARM_AFTER_MS + random.below(ALARM_WITHIN_MS), () => void edge.raiseAlarm());
      clock.after(READ_AFTER_MS, () => void edge.read(this.world.startMs + (HOURS * HOUR_MS + STEP_MS)));
    }
  }

  #stored(): readonly number[] {
    return this.edges.map((edge) => this.store.storedOctets.get(edge.edgeId) ?? 0);
  }
}

/** Programs start and stop in virtual time: somebody must let it pass. */
async function ready(world: VirtualWorld, work: () => Promise<void>): Promise<void> {
  let isOver = false;
  const done = work().then(() => {
    isOver = true;
  });
  await world.clock.runWhile(() => !isOver, HOUR_MS);
  await done;
}
