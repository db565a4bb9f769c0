/**
 * The `powercut` proof: the stores of edges and of PostgreSQL lie on disks that forget what was not synced. Again and again
 * the power of one machine goes, in the middle of whatever it does: its disk loses all unsynced sectors, a random part of
 * them, or tears writes between sectors; all its programs end with it. Then the file system is checked and mounted as at a
 * start of the machine, the programs start, and the store must open by itself. Most cuts come in the place of a sync, when
 * there is something to forget.
 *
 * At the end the oracle joins what the meters produced with what the database holds, and the meters tell whether an
 * invocation counter came twice. Meters and broker keep their power: their promises are not ours.
 */
import { SeededRandom } from '../../base/seeded-random.ts';
import { createHostEnv } from '../../host/env.ts';
import { createProcessHost } from '../../host/process.ts';
import { atLeast, atMost, type BenchEnv, type BenchResult, type ProgramCommand } from '../benches/bench.ts';
import { isClean } from '../oracle.ts';
import type { RunningProgram } from '../program.ts';
import {
  BlockDisk,
  type CutKind,
  claimFolder,
  compileForgetful,
  disksMissing,
  endAllIn,
  sweepDisks,
} from './block-disks.ts';
import { zeroBars } from './verdict-bars.ts';
import {
  DAYS_MAX,
  type EdgeSite,
  endYard,
  judgeYard,
  makeYard,
  settle,
  startKeyed,
  startMeters,
  startYardCollector,
  startYardEdge,
  useBroker,
  type Yard,
  type YardVerdict,
} from './yard.ts';

const CUTS_DEFAULT = 25;
const EDGES = 2;
const METERS_MIN = 4;
const CUTS_PER_METER = 12;
const DAYS_MIN = 6;
const KINDS: readonly CutKind[] = ['drop', 'part', 'torn'];
/** Between two cuts: sometimes in the middle of a start, sometimes in full work. */
const PAUSE_MAX_MS = 2_500;
const STOP_MS = 15_000;
/** Room for PostgreSQL with its log, and for an edge's journal. */
const DATABASE_DISK_MIB = 384;
const EDGE_DISK_MIB = 48;

/** What a run is given. */
export interface PowercutRun {
  readonly cuts: number;
  readonly seed: number;
  readonly program: ProgramCommand;
  readonly profile: string;
  /** Text of `tools/fault/forgetful-disk.c`. */
  readonly forgetful: string;
  /** Another edge than the program's: checks of the check. */
  readonly edgeProgram?: ProgramCommand;
  /** Whose power goes; both without it. */
  readonly victims?: readonly ('edge' | 'collector')[];
  readonly settlePatienceMs?: number;
}

/** What it found. */
export interface PowercutOutcome extends YardVerdict {
  readonly clean: boolean;
  readonly cutsOf: Readonly<Record<'edge' | 'collector', number>>;
  readonly cutsBy: Readonly<Record<CutKind, number>>;
  /** Sectors that were unsynced at the cuts. */
  readonly sectorsUnsynced: number;
  /** Stores that were too damaged to go on with. */
  readonly storesSetAside: number;
  /** Whether everything was stored and acknowledged in the end. */
  readonly cameToRest: boolean;
}

/** Why the proof cannot run here, or null. */
export function powercutMissing(): Promise<string | null> {
  return disksMissing(createProcessHost(), true);
}

/** Runs it; mounts, loop devices and files are taken down in any case. */
export async function runPowercut(run: PowercutRun, tell: (line: string) => void): Promise<PowercutOutcome> {
  const [env, host] = [createHostEnv({ logLevel: 'silent' }), createProcessHost()];
  await sweepDisks(host);
  const tools = { env, host, forgetful: await compileForgetful(env, host, run.forgetful) };
  const disks = new Map<string, BlockDisk>();
  const meters = METERS_MIN + Math.floor(run.cuts / CUTS_PER_METER);
  const ground = async (folder: string) => {
    if (/\/(sim|broker)$/.test(folder)) return;
    const mib = folder.endsWith('/collector') ? DATABASE_DISK_MIB : EDGE_DISK_MIB;
    disks.set(folder, await BlockDisk.make(tools, folder, mib));
  };
  const { seed, program, profile, edgeProgram } = run;
  const days = Math.min(DAYS_MAX, DAYS_MIN + run.cuts);
  const edge = edgeProgram === undefined ? {} : { edgeProgram };
  const options = { name: 'powercut', seed, program, profile, edges: EDGES, meters, days, ...edge };
  const programs = new Map<string, RunningProgram>();
  let yard: Yard | null = null;
  try {
    yard = await makeYard({ ...options, ground, claim: claimFolder }, tell);
    return await cutAgainAndAgain(run, yard, disks, programs, tell);
  } finally {
    if (yard !== null) await endYard(yard, programs.values());
    for (const disk of disks.values()) await disk.close();
    if (yard !== null) await host.files.remove(yard.folder);
  }
}

async function cutAgainAndAgain(
  run: PowercutRun,
  yard: Yard,
  disks: ReadonlyMap<string, BlockDisk>,
  programs: Map<string, RunningProgram>,
  tell: (line: string) => void,
): Promise<PowercutOutcome> {
  const random = new SeededRandom(`powercut/${run.seed}`);
  const cutsOf = { edge: 0, collector: 0 };
  const cutsBy = { drop: 0, part: 0, torn: 0 };
  let sectorsUnsynced = 0;
  await useBroker(yard, 'embedded');
  programs.set('sim', await startMeters(yard));
  for (const site of yard.sites) programs.set(site.keyed, await startKeyed(yard, site));
  programs.set('collector', await startYardCollector(yard));
  for (const site of yard.sites) programs.set(site.edgeId, await startYardEdge(yard, site));
  for (let at = 1; at <= run.cuts; at++) {
    await yard.env.timers.sleep(random.below(PAUSE_MAX_MS));
    const victim = random.pick<'edge' | 'collector'>(run.victims ?? ['edge', 'collector']);
    const site = random.pick(yard.sites);
    const kind = random.pick(KINDS);
    const folder = victim === 'edge' ? site.folder : `${yard.folder}/collector`;
    const disk = disks.get(folder);
    if (disk === undefined) throw new Error(`${folder} is no disk`);
    const sectors = await disk.cut(kind, random.below(2 ** 31), random.below(3) > 0);
    await endMachine(yard, victim, site, programs);
    await disk.powerOn();
    const [name, running] = await startMachine(yard, victim, site);
    programs.set(name, running);
    cutsOf[victim]++;
    cutsBy[kind]++;
    sectorsUnsynced += sectors;
    tell(`cut ${at}: ${name}, ${kind}, ${sectors} sectors unsynced`);
  }
  tell('the power stays; the lines lose their pace, and what is left is read and stored');
  await programs.get('sim')?.stop(STOP_MS);
  programs.set('sim', await startMeters(yard, 0));
  const cameToRest = await settle(yard, tell, run.settlePatienceMs);
  for (const name of [...programs.keys()].reverse()) await programs.get(name)?.stop(STOP_MS);
  programs.clear();
  const verdict = await judgeYard(yard);
  const storesSetAside = await setAside(yard);
  const clean = isClean(verdict) && cameToRest && verdict.countersTwice === 0 && storesSetAside === 0;
  return { ...verdict, clean, cutsOf, cutsBy, sectorsUnsynced, storesSetAside, cameToRest };
}

/** Everything of a machine ends at once; its database too. */
async function endMachine(
  yard: Yard,
  victim: 'edge' | 'collector',
  site: EdgeSite,
  programs: Map<string, RunningProgram>,
): Promise<void> {
  const name = victim === 'edge' ? site.edgeId : 'collector';
  const running = programs.get(name);
  running?.process.signal('SIGKILL');
  await running?.process.ended;
  programs.delete(name);
  if (victim === 'collector') await endAllIn(yard, `${yard.folder}/collector`);
}

async function startMachine(
  yard: Yard,
  victim: 'edge' | 'collector',
  site: EdgeSite,
): Promise<readonly [name: string, running: RunningProgram]> {
  if (victim === 'edge') return [site.edgeId, await startYardEdge(yard, site)];
  return ['collector', await startYardCollector(yard)];
}

/** Journals that were renamed because they could not be gone on with. */
async function setAside({ env, sites }: Yard): Promise<number> {
  let found = 0;
  for (const { folder } of sites)
    found += (await env.disk.list(`${folder}/state`)).filter((name) => /\.(damaged|set-aside)-/.test(name)).length;
  return found;
}

/** The proof as `deltawatt prove powercut` runs it. */
export async function provePowercut(env: BenchEnv): Promise<BenchResult> {
  if (env.program === undefined) throw new Error('the program is not built');
  const missing = await powercutMissing();
  if (missing !== null) throw new Error(missing);
  const cuts = env.count ?? CUTS_DEFAULT;
  const profile = await env.readText('config/profiles/generic/idis.yaml');
  const forgetful = await env.readText('tools/fault/forgetful-disk.c');
  const run = { cuts, seed: env.seed, program: env.program, profile, forgetful };
  const outcome = await runPowercut(run, (line) => env.progress(`powercut: ${line}`));
  for (const sample of outcome.samples) env.progress(`powercut: ${sample}`);
  const { produced, stored, lost, duplicated, altered, invented, cutsOf, cutsBy } = outcome;
  return {
    figures: {
      cuts,
      cutsUnderEdge: cutsOf.edge,
      cutsUnderDatabase: cutsOf.collector,
      cutsDropped: cutsBy.drop,
      cutsPart: cutsBy.part,
      cutsTorn: cutsBy.torn,
      sectorsUnsynced: outcome.sectorsUnsynced,
      ...{ produced, stored, lost, duplicated, altered, invented },
      countersSeen: outcome.countersSeen,
      countersTwice: outcome.countersTwice,
    },
    bars: [
      ...zeroBars(outcome),
      atMost('stores that did not open by themselves', outcome.storesSetAside, 0),
      atLeast('everything stored and acknowledged in the end', outcome.cameToRest ? 1 : 0, 1),
      atLeast('sectors that were unsynced at the cuts', outcome.sectorsUnsynced, 1),
    ],
  };
}
