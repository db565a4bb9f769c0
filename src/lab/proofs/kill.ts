/**
 * The `kill` proof: broker, collector with its database, two edges and their meters as own processes that are ended with
 * SIGKILL, at random times or at named points, and started again, while weeks of history are on their way. Half of the
 * cycles run on mosquitto, a process of its own; the other half on the broker inside the collector. At the end the oracle
 * joins what the meters produced with what the database holds, and the meters tell whether an invocation counter came twice.
 *
 * One crew for each edge and one for the centre end and start their programs independently, so that all combinations come
 * up. A life of a program is drawn before it begins: it ends at a named point, or at a random time. Recovery is the time
 * from the SIGKILL, restart included, to the first acknowledgement of readings that left an edge after it: that edge when it
 * died, any edge when the centre did. Cycles in which nothing waited, in which the new life was to end at a named point, or
 * in which another program on the way was down too are not counted. The bars are those of the edge, as the design has them.
 */
import { SeededRandom } from '../../base/seeded-random.ts';
import { atLeast, atMost, type BenchEnv, type BenchResult, type ProgramCommand } from '../benches/bench.ts';
import { isClean } from '../oracle.ts';
import type { RunningProgram } from '../program.ts';
import { CRASH_POINTS, type CrashPoint, pointsOf } from './crash-points.ts';
import type { CollectorOrder, CrashOrder } from './crash-program.ts';
import { zeroBars } from './verdict-bars.ts';
import {
  type BrokerKind,
  DAYS_MAX,
  type EdgeSite,
  endYard,
  type Figures,
  figuresOf,
  judgeYard,
  makeYard,
  ownProgram,
  settle,
  startKeyed,
  startMeters,
  startMosquitto,
  startReady,
  startYardCollector,
  startYardEdge,
  useBroker,
  type Yard,
  type YardVerdict,
} from './yard.ts';

const CYCLES_DEFAULT = 100;
const EDGES = 2;
/** Meters of an edge, and more of them for long runs: what was read once brings nothing new. */
const METERS_MIN = 8;
const CYCLES_PER_METER = 20;
const DAYS_MIN = 4;
const CYCLES_PER_DAY = 3;
const STOP_MS = 15_000;
const RECOVERY_PATIENCE_MS = 60_000;
const LOOK_MS = 40;
/** Looks at an open session with nothing to send after which a cycle is said to have had nothing waiting. */
const IDLE_LOOKS = 75;
/** A cycle that is not measured, or was disturbed, is not waited for longer than this. */
const DISTURBED_PATIENCE_MS = 2_000;
/** A life that does not end at a named point: how long it lasts beyond its recovery. */
const PAUSE_MAX_MS = { edge: 600, centre: 5_000 };
/** How long the centre waits for edges that are being measured. */
const PEACE_MS = 8_000;
/** How long a program may take to come to its named point before it is ended from outside. */
const POINT_PATIENCE_MS = 6_000;
/** Blocks are written again and again; the other calls come seldom enough that the first one is the point. */
const BLOCK_PASSES_MAX = 2;
const LAG_MAX_MS = 4;

type Victim = 'edge' | 'collector' | 'broker' | 'sim';

/** What a run is given. */
export interface KillRun {
  readonly cycles: number;
  readonly seed: number;
  readonly program: ProgramCommand;
  /** Text of `config/profiles/generic/idis.yaml`. */
  readonly profile: string;
  /** No cycle of a half begins after half of this; absent = all are done however long they take. */
  readonly budgetMs?: number;
}

/** What a run found. */
export interface KillOutcome extends YardVerdict {
  readonly clean: boolean;
  /** Ms, of the cycles in which readings waited and nothing else on the way was down. */
  readonly recoveriesMs: Readonly<Record<'edge' | 'centre', readonly number[]>>;
  readonly killed: Readonly<Record<Victim, number>>;
  /** How often a program died at each named point. */
  readonly points: Readonly<Record<CrashPoint, number>>;
}

/** What the crews share. */
interface Shift {
  readonly yard: Yard;
  readonly random: SeededRandom;
  readonly tell: (line: string) => void;
  readonly programs: Map<string, RunningProgram>;
  readonly killed: Record<Victim, number>;
  readonly points: Record<CrashPoint, number>;
  readonly recoveriesMs: Record<'edge' | 'centre', number[]>;
  /** Starts and ends of centre and meters so far; odd-numbered ones are ends, so that a cycle sees whether all stood still. */
  centreChanges: number;
  centreDown: number;
  /** Edges whose recovery is being measured: the centre leaves them in peace every other time. */
  measuring: number;
  cyclesLeft: number;
  /** Monotonic ms after which no cycle begins. */
  endsAtMs: number;
}

/** Runs it in a new folder under the machine's temporary one, which is removed at the end. */
export async function runKill(run: KillRun, tell: (line: string) => void): Promise<KillOutcome> {
  const meters = METERS_MIN + Math.floor(run.cycles / CYCLES_PER_METER);
  const days = Math.min(DAYS_MAX, DAYS_MIN + Math.floor(run.cycles / CYCLES_PER_DAY));
  const yard = await makeYard({ ...run, name: 'kill', edges: EDGES, meters, days }, tell);
  const shift: Shift = {
    yard,
    random: new SeededRandom(`kill/${run.seed}`),
    tell,
    programs: new Map(),
    killed: { edge: 0, collector: 0, broker: 0, sim: 0 },
    points: Object.fromEntries(Object.keys(CRASH_POINTS).map((name) => [name, 0])) as Record<CrashPoint, number>,
    recoveriesMs: { edge: [], centre: [] },
    centreChanges: 0,
    centreDown: 0,
    measuring: 0,
    cyclesLeft: 0,
    endsAtMs: 0,
  };
  const { programs, killed, points, recoveriesMs } = shift;
  try {
    programs.set('sim', await startMeters(yard));
    for (const site of yard.sites) programs.set(site.keyed, await startKeyed(yard, site));
    const budgetMs = (run.budgetMs ?? Number.POSITIVE_INFINITY) / 2;
    await half(shift, 'mosquitto', Math.ceil(run.cycles / 2), budgetMs);
    await half(shift, 'embedded', Math.floor(run.cycles / 2), budgetMs);
    tell('no more kills; the lines lose their pace, and what is left is read and stored');
    await stopAll(shift, ['sim']);
    programs.set('sim', await startMeters(yard, 0));
    programs.set('collector', await startYardCollector(yard));
    for (const site of yard.sites) programs.set(site.edgeId, await startYardEdge(yard, site));
    if (!(await settle(yard, tell))) tellLastLines(shift);
    await stopAll(shift);
    const verdict = await judgeYard(yard);
    const clean = isClean(verdict) && verdict.countersTwice === 0 && verdict.countersSeen > 0;
    return { ...verdict, recoveriesMs, killed, points, clean };
  } finally {
    await endYard(yard, programs.values());
    await yard.host.files.remove(yard.folder);
  }
}

/** Whether readings are lost by it is for the oracle; where to look is said here. */
function tellLastLines({ programs, tell }: Shift): void {
  for (const [name, program] of programs) tell(`${name} said last: ${program.lastLines().join(' | ')}`);
}

async function stopAll({ programs }: Shift, names: Iterable<string> = [...programs.keys()].reverse()): Promise<void> {
  for (const name of names) {
    await programs.get(name)?.stop(STOP_MS);
    programs.delete(name);
  }
}

/** Some cycles on one broker. Meters live on between the halves; everything else begins anew, edges with an orderly end. */
async function half(shift: Shift, broker: BrokerKind, cycles: number, budgetMs: number): Promise<void> {
  const { yard, programs } = shift;
  await useBroker(yard, broker);
  if (broker === 'mosquitto') programs.set('broker', await startMosquitto(yard));
  programs.set('collector', await startYardCollector(yard));
  for (const site of yard.sites) programs.set(site.edgeId, await startYardEdge(yard, site));
  shift.cyclesLeft = cycles;
  shift.endsAtMs = yard.env.clock.monotonicMs() + budgetMs;
  const crews = [...yard.sites.map((site) => edgeCrew(shift, site)), centreCrew(shift)];
  const done = await Promise.allSettled(crews);
  for (const each of done) if (each.status === 'rejected') throw each.reason;
  // None stays for what follows: the last lives may have been begun to end at a named point.
  await stopAll(shift, [...yard.sites.map(({ edgeId }) => edgeId), 'collector', 'broker']);
}

function anotherCycle(shift: Shift): boolean {
  return shift.cyclesLeft-- > 0 && shift.yard.env.clock.monotonicMs() < shift.endsAtMs;
}

async function edgeCrew(shift: Shift, site: EdgeSite): Promise<void> {
  const { yard, random } = shift;
  let point: CrashPoint | null = null;
  while (anotherCycle(shift)) {
    const nextPoint = random.below(2) === 0 ? random.pick(pointsOf('edge')) : null;
    const order: Partial<CrashOrder> = { config: `${yard.folder}/${site.edgeId}.yaml` };
    point = await cycle(shift, {
      victim: 'edge',
      name: site.edgeId,
      point,
      nextPoint,
      start: () => (nextPoint === null ? startYardEdge(yard, site) : startDoomed(shift, 'edge', nextPoint, order)),
      watched: [site],
    });
  }
}

/** Ends collector, broker and meters; the meters seldom, for an edge leaves silent ones alone for a while. */
async function centreCrew(shift: Shift): Promise<void> {
  const { yard, random } = shift;
  const victims: readonly Victim[] = yard.broker === 'mosquitto' ? ['collector', 'broker', 'collector'] : ['collector'];
  let point: CrashPoint | null = null;
  while (anotherCycle(shift)) {
    const victim = point !== null ? 'collector' : random.below(12) === 0 ? 'sim' : random.pick(victims);
    const nextPoint = victim === 'collector' && random.below(2) === 0 ? random.pick(pointsOf('collector')) : null;
    const start = () => {
      if (victim === 'sim') return startMeters(yard);
      if (victim === 'broker') return startMosquitto(yard);
      if (nextPoint === null) return startYardCollector(yard);
      return startDoomed(shift, 'collector', nextPoint, { collector: collectorOrder(yard) });
    };
    point = await cycle(shift, { victim, name: victim, point, nextPoint, start, watched: yard.sites });
  }
}

function collectorOrder({ folder, broker, brokerPorts }: Yard): CollectorOrder {
  const passwordFile = `${folder}/broker/collector.password`;
  return { stateFolder: `${folder}/collector`, broker, port: brokerPorts[broker], passwordFile };
}

function startDoomed(
  { yard, random }: Shift,
  program: 'edge' | 'collector',
  point: CrashPoint,
  order: Partial<CrashOrder>,
): Promise<RunningProgram> {
  const passes = CRASH_POINTS[point].call === 'block' ? 1 + random.below(BLOCK_PASSES_MAX) : 1;
  const full = { program, point, passes, lagMs: random.below(LAG_MAX_MS), ...order };
  const command = ownProgram(yard.options.program, 'crash-program');
  return startReady(yard, command, [JSON.stringify(full)], 'crash-program.begins');
}

interface Cycle {
  readonly victim: Victim;
  readonly name: string;
  /** Where the life that ends now was to end, null = anywhere. */
  readonly point: CrashPoint | null;
  readonly nextPoint: CrashPoint | null;
  readonly start: () => Promise<RunningProgram>;
  /** Edges of which one must forward again. */
  readonly watched: readonly EdgeSite[];
}

/** One life ends, the next one begins; returns where that one will end. */
async function cycle(shift: Shift, { victim, name, point, nextPoint, start, watched }: Cycle) {
  const { yard, random, programs, tell, killed, points, recoveriesMs } = shift;
  const { clock, timers } = yard.env;
  const running = programs.get(name);
  if (running === undefined) throw new Error(`${name} does not run`);
  const side = victim === 'edge' ? 'edge' : 'centre';
  if (point === null) await timers.sleep(random.below(PAUSE_MAX_MS[side]));
  const peaceUntilMs = clock.monotonicMs() + (side === 'centre' && random.below(2) === 0 ? PEACE_MS : 0);
  while (shift.measuring > 0 && clock.monotonicMs() < peaceUntilMs) await timers.sleep(LOOK_MS);
  const atPoint = await endsItself(shift, running, point === null ? 0 : POINT_PATIENCE_MS);
  if (atPoint && point === null) throw new Error(`${name} ended by itself: ${await running.process.ended}`);
  const wantsPeace = side === 'edge' && nextPoint === null;
  if (wantsPeace) shift.measuring++;
  const endedMs = clock.monotonicMs();
  running.process.signal('SIGKILL');
  await running.process.ended;
  programs.delete(name);
  killed[victim]++;
  if (atPoint && point !== null) points[point]++;
  if (side === 'centre') shift.centreDown++;
  const isAlone = shift.centreDown === (side === 'centre' ? 1 : 0);
  const changes = side === 'centre' ? ++shift.centreChanges : shift.centreChanges;
  const isUndisturbed = () => isAlone && shift.centreChanges === changes;
  const before = side === 'edge' ? new Map() : await figuresOfAll(yard, watched);
  programs.set(name, await start());
  if (side === 'centre') shift.centreDown--;
  const isMeasured = () => nextPoint === null && victim !== 'sim' && isUndisturbed();
  const recovered = await recovery(yard, watched, before, isMeasured);
  if (wantsPeace) shift.measuring--;
  const tookMs = Math.round(clock.monotonicMs() - endedMs);
  const counts = recovered && isMeasured();
  if (counts) recoveriesMs[side].push(tookMs);
  const where = point === null ? 'at random' : atPoint ? `at ${point}` : `before ${point}`;
  tell(`${name} killed ${where}${counts ? `, forwarding again after ${tookMs} ms` : ''}; ${shift.cyclesLeft} to go`);
  return nextPoint;
}

/** Whether the program ends within the time, without being told. */
async function endsItself({ yard }: Shift, { process }: RunningProgram, patienceMs: number): Promise<boolean> {
  const waiting = new AbortController();
  const late = yard.env.timers.sleep(patienceMs, waiting.signal).then(
    () => false,
    () => false,
  );
  const ended = await Promise.race([process.ended.then(() => true), late]);
  waiting.abort();
  return ended;
}

async function figuresOfAll(yard: Yard, sites: readonly EdgeSite[]): Promise<Map<EdgeSite, Figures>> {
  const found = new Map<EdgeSite, Figures>();
  for (const site of sites) {
    const figures = await figuresOf(yard, site);
    if (figures !== undefined) found.set(site, figures);
  }
  return found;
}

/** True when an edge sent blocks and an acknowledgement followed; false when sessions are open and nothing waits. */
async function recovery(
  yard: Yard,
  sites: readonly EdgeSite[],
  before: ReadonlyMap<EdgeSite, Figures>,
  isMeasured: () => boolean,
): Promise<boolean> {
  const { clock, timers } = yard.env;
  const begunMs = clock.monotonicMs();
  for (let idleLooks = 0; idleLooks < IDLE_LOOKS; ) {
    const all = await Promise.all(sites.map(async (site) => ({ site, now: await figuresOf(yard, site) })));
    for (const { site, now } of all) {
      const earlier = before.get(site);
      // An edge that was started again meanwhile counts from nothing.
      const from = earlier === undefined || (now?.blocks ?? 0) < earlier.blocks ? 0 : earlier.acknowledgements;
      if (now !== undefined && now.blocks > 0 && now.acknowledgements > from) return true;
    }
    idleLooks = all.every(({ now }) => now?.isOpen === true && now.pending === 0) ? idleLooks + 1 : 0;
    const tookMs = clock.monotonicMs() - begunMs;
    if (tookMs > DISTURBED_PATIENCE_MS && !isMeasured()) return false;
    // Said by the figures, not by an end: whether anything is lost is for the oracle.
    if (tookMs > RECOVERY_PATIENCE_MS) return false;
    await timers.sleep(LOOK_MS);
  }
  return false;
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function timesOf(list: readonly number[]) {
  const sorted = [...list].sort((a, b) => a - b);
  return { count: sorted.length, medianMs: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99) };
}

/** The proof as `deltawatt prove kill` runs it. */
export async function proveKill(env: BenchEnv): Promise<BenchResult> {
  if (env.program === undefined) throw new Error('the program is not built');
  const cycles = env.count ?? CYCLES_DEFAULT;
  const profile = await env.readText('config/profiles/generic/idis.yaml');
  const run = { cycles, seed: env.seed, program: env.program, profile };
  const outcome = await runKill(run, (line) => env.progress(`kill: ${line}`));
  for (const sample of outcome.samples) env.progress(`kill: ${sample}`);
  const { produced, stored, lost, duplicated, altered, invented, killed, points } = outcome;
  const edge = timesOf(outcome.recoveriesMs.edge);
  const centre = timesOf(outcome.recoveriesMs.centre);
  const atPoints = Object.values(points).reduce((sum, count) => sum + count, 0);
  return {
    figures: {
      cycles,
      killedEdge: killed.edge,
      killedCollector: killed.collector,
      killedBroker: killed.broker,
      killedSim: killed.sim,
      killedAtPoints: atPoints,
      ...Object.fromEntries(Object.entries(points).map(([name, count]) => [`point ${name}`, count])),
      ...{ produced, stored, lost, duplicated, altered, invented },
      countersSeen: outcome.countersSeen,
      countersTwice: outcome.countersTwice,
      edgeRecoveries: edge.count,
      edgeRecoveryMedianMs: edge.medianMs,
      edgeRecoveryP99Ms: edge.p99Ms,
      centreRecoveries: centre.count,
      centreRecoveryMedianMs: centre.medianMs,
      centreRecoveryMaxMs: centre.p99Ms,
    },
    bars: [
      ...zeroBars(outcome),
      atMost('recovery of an edge to its first forwarded reading, median, ms', edge.medianMs, 2_000),
      atMost('recovery of an edge to its first forwarded reading, p99, ms', edge.p99Ms, 5_000),
      atLeast('recoveries of an edge that were measured', edge.count, 1),
    ],
  };
}
