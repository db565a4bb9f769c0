/**
 * The part of the `clock` proof with real programs: an edge under libfaketime, whose whole process lives at 1970, then at 2038,
 * then now. The other programs have the right time. Each life begins without a collector, so that nobody tells the time, reads,
 * then forwards, and ends with SIGKILL.
 */
import type { ProcessHost } from '../../base/process.ts';
import { planJobs } from '../../profile/plan.ts';
import { parseProfileOrThrow } from '../../profile/schema/parse.ts';
import type { ProgramCommand } from '../benches/bench.ts';
import { isClean } from '../oracle.ts';
import { httpAsk, type RunningProgram } from '../program.ts';
import {
  endYard,
  figuresOf,
  judgeYard,
  makeYard,
  settle,
  startKeyed,
  startMeters,
  startReady,
  startYardCollector,
  startYardEdge,
  useBroker,
  type Yard,
  type YardVerdict,
} from './yard.ts';

const METERS = 2;
const DAYS = 3;
/** One with the meters that have a password, one with the meter that has keys. */
const LINES = 2;
const DAY_S = 86_400;
const LOOK_MS = 200;
const PATIENCE_MS = 60_000;
const STOP_MS = 15_000;
/** A pace at which history lasts for both lives. */
const LINE_BAUD = 19_200;
const BORN: readonly string[] = ['@1970-01-01 00:01:00', '@2038-01-19 03:13:00'];
const LIBRARIES = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib/faketime/libfaketime.so.1',
];

/** File of libfaketime, or undefined where it is not installed. */
export async function findFaketime({ files }: Pick<ProcessHost, 'files'>): Promise<string | undefined> {
  for (const file of LIBRARIES) {
    const found = await files.realPath(file);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What a run is given. */
export interface FakedClockRun {
  readonly seed: number;
  readonly program: ProgramCommand;
  /** Text of `config/profiles/generic/idis.yaml`. */
  readonly profile: string;
  /** File of libfaketime. */
  readonly library: string;
}

/** What a run found. */
export interface FakedClockOutcome extends YardVerdict {
  readonly clean: boolean;
  /** Lives under a wrong clock in which blocks were stored before anybody told the time, and forwarded after it. */
  readonly lives: number;
}

/** Runs it in a new folder under the machine's temporary one, which is removed at the end. */
export async function runFakedClock(run: FakedClockRun, tell: (line: string) => void): Promise<FakedClockOutcome> {
  const yard = await makeYard({ ...run, name: 'clock', edges: 1, meters: METERS, days: DAYS }, tell);
  const programs = new Map<string, RunningProgram>();
  let lives = 0;
  try {
    await useBroker(yard, 'embedded');
    programs.set('sim', await startMeters(yard, LINE_BAUD));
    for (const site of yard.sites) programs.set(site.keyed, await startKeyed(yard, site));
    for (const bornAt of BORN) {
      tell(`the edge lives from ${bornAt} on`);
      const aheadS = await live(yard, programs, fakedBy(run, bornAt));
      if (Math.abs(aheadS) > DAY_S) lives++;
    }
    tell('the edge has the right time');
    // As fast as they go: a slice on a slow line would look like rest.
    await programs.get('sim')?.stop(STOP_MS);
    programs.set('sim', await startMeters(yard, 0));
    for (const site of yard.sites) programs.set('edge', await startYardEdge(yard, site));
    programs.set('collector', await startYardCollector(yard));
    await until(yard, 'every meter answers', () => allAnswer(yard));
    const cameToRest = await settle(yard, tell);
    for (const name of ['edge', 'collector', 'sim']) await programs.get(name)?.stop(STOP_MS);
    const verdict = await judgeYard(yard);
    return { ...verdict, clean: cameToRest && isClean(verdict) && verdict.countersTwice === 0, lives };
  } finally {
    await endYard(yard, programs.values());
    await yard.host.files.remove(yard.folder);
  }
}

function fakedBy({ program, library }: FakedClockRun, bornAt: string): ProgramCommand {
  const faked = { LD_PRELOAD: library, FAKETIME: bornAt, FAKETIME_DONT_FAKE_MONOTONIC: '1', TZ: 'UTC' };
  return { ...program, environment: { ...program.environment, ...faked } };
}

/** Reads without a collector until blocks wait, forwards until one is acknowledged, and is killed. Resolves with how far its clock was ahead, s. */
async function live(yard: Yard, programs: Map<string, RunningProgram>, program: ProgramCommand): Promise<number> {
  const [site] = yard.sites;
  if (site === undefined) throw new Error('a yard has an edge');
  const args = ['edge', '--config', `${yard.folder}/${site.edgeId}.yaml`];
  const edge = await startReady(yard, program, args, 'concentrator.started');
  programs.set('edge', edge);
  const before = (await figuresOf(yard, site))?.pending ?? 0;
  await until(yard, 'blocks wait', async () => ((await figuresOf(yard, site))?.pending ?? 0) > before);
  const collector = await startYardCollector(yard);
  programs.set('collector', collector);
  await until(yard, 'an acknowledgement', async () => ((await figuresOf(yard, site))?.acknowledgements ?? 0) > 0);
  const aheadS = (await figuresOf(yard, site))?.of('clock_ahead_seconds') ?? 0;
  edge.process.signal('SIGKILL');
  await edge.process.ended;
  await collector.stop(STOP_MS);
  return aheadS;
}

/** Both lines are well and as many jobs are done as there are at a start: a meter that is tried again later is not at rest. */
async function allAnswer(yard: Yard): Promise<boolean> {
  const { env, sites, options } = yard;
  const jobs = planJobs(parseProfileOrThrow(options.profile, 'generic/idis')).length;
  for (const site of sites) {
    const health = await httpAsk(env, { port: site.healthPort, path: '/health' });
    const wellLines = health?.match(/"name": "line [a-z]+",\s+"state": "ok"/g)?.length ?? 0;
    if (wellLines < LINES) return false;
    const figures = await figuresOf(yard, site);
    if (figures === undefined || figures.jobsDone < jobs * (options.meters + 1)) return false;
  }
  return true;
}

async function until({ env }: Yard, what: string, holds: () => Promise<boolean>): Promise<void> {
  const byMs = env.clock.monotonicMs() + PATIENCE_MS;
  while (!(await holds())) {
    if (env.clock.monotonicMs() > byMs) throw new Error(`${what}: not within ${PATIENCE_MS} ms`);
    await env.timers.sleep(LOOK_MS);
  }
}
