/**
 * The `disk` proof: the medium under an edge fails while weeks of history are on their way. It is full and gets room again;
 * a sync reports an error of the medium (EIO, by strace); its file system turns read-only; one bit of a file of the store is
 * flipped while the edge is stopped. Each time the edge has to poll on, to be one and the same process as long as nobody
 * ends it, to start at the first attempt, and to forward readings again once the medium is sound.
 *
 * At the end the oracle joins what the meters produced with what the database holds: what was damaged may be read again
 * from the meters, but no value may be lost, doubled, altered or invented. Kinds and places are drawn from the seed; what a
 * store consists of when its turn comes depends on the machine.
 */
import { SeededRandom } from '../../base/seeded-random.ts';
import { createHostEnv } from '../../host/env.ts';
import { createProcessHost } from '../../host/process.ts';
import { atLeast, atMost, type BenchEnv, type BenchResult, type ProgramCommand } from '../benches/bench.ts';
import { isClean } from '../oracle.ts';
import type { RunningProgram } from '../program.ts';
import { BlockDisk, claimFolder, disksMissing, sweepDisks } from './block-disks.ts';
import { flipABit, type StoreFile } from './flip.ts';
import { zeroBars } from './verdict-bars.ts';
import {
  DAYS_MAX,
  type EdgeSite,
  endYard,
  type Figures,
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

const FAULTS_DEFAULT = 24;
const METERS = 6;
const DAYS_MIN = 10;
const STRACE = '/usr/bin/strace';
/** The smallest disk on which ext4 has a journal of its own, and room for the edge's store. */
const EDGE_DISK_MIB = 24;
const STOP_MS = 15_000;
const LOOK_MS = 50;
/** A line may be in the middle of a long answer, and an edge leaves a silent one alone for a while. */
const POLL_PATIENCE_MS = 20_000;
const FORWARD_PATIENCE_MS = 40_000;
/** A fault has been met when a write failed. */
const MEET_PATIENCE_MS = 15_000;
const START_TRIES = 5;
/** The first ones come while the edge starts, the last ones a few seconds later. */
const SYNCS = { from: 2, count: 12 };

/** How a medium fails. */
export type DiskFault = 'full' | 'eio' | 'read-only' | 'flip';

/** What a run is given. */
export interface DiskRun {
  readonly faults: number;
  readonly seed: number;
  readonly program: ProgramCommand;
  readonly profile: string;
}

/** What it found. */
export interface DiskOutcome extends YardVerdict {
  readonly clean: boolean;
  /** Faults that were met: a write failed, or a bit was flipped. */
  readonly met: Readonly<Record<DiskFault, number>>;
  /** Syncs that failed. */
  readonly syncsFailed: number;
  readonly flipped: Readonly<Record<StoreFile, number>>;
  /** What the edge did about flipped bits. */
  readonly setAside: number;
  readonly blocksLost: number;
  readonly renewed: number;
  /** Starts that failed, and processes that ended by themselves. */
  readonly restarts: number;
  /** Faults during which no meter was polled any more, with their names. */
  readonly stoppedPolling: readonly string[];
  /** Faults after which nothing was forwarded in time. */
  readonly stoppedForwarding: readonly string[];
  readonly cameToRest: boolean;
}

interface Round {
  readonly yard: Yard;
  readonly site: EdgeSite;
  readonly disk: BlockDisk;
  readonly random: SeededRandom;
  readonly programs: Map<string, RunningProgram>;
  readonly tell: (line: string) => void;
  readonly found: {
    readonly met: Record<DiskFault, number>;
    readonly flipped: Record<StoreFile, number>;
    syncsFailed: number;
    setAside: number;
    blocksLost: number;
    renewed: number;
    restarts: number;
    readonly stoppedPolling: string[];
    readonly stoppedForwarding: string[];
  };
}

/** Why the proof cannot run here, or null. */
export async function diskMissing(): Promise<string | null> {
  const host = createProcessHost();
  const missing = await disksMissing(host, false);
  if (missing !== null) return missing;
  return (await host.files.realPath(STRACE)) === undefined ? `needs ${STRACE} (tools/setup-test-services)` : null;
}

/** Runs it; mounts, loop devices and files are taken down in any case. */
export async function runDisk(run: DiskRun, tell: (line: string) => void): Promise<DiskOutcome> {
  const [env, host] = [createHostEnv({ logLevel: 'silent' }), createProcessHost()];
  await sweepDisks(host);
  const disks: BlockDisk[] = [];
  const ground = async (folder: string) => {
    if (/\/edge-\d+$/.test(folder))
      disks.push(await BlockDisk.make({ env, host, forgetful: null }, folder, EDGE_DISK_MIB));
  };
  const { seed, program, profile } = run;
  const days = Math.min(DAYS_MAX, DAYS_MIN + run.faults);
  const options = { name: 'disk', seed, program, profile, edges: 1, meters: METERS, days, ground, claim: claimFolder };
  const programs = new Map<string, RunningProgram>();
  let yard: Yard | null = null;
  try {
    yard = await makeYard(options, tell);
    const [site, disk] = [yard.sites[0], disks[0]];
    if (site === undefined || disk === undefined) throw new Error('the yard has no edge');
    const random = new SeededRandom(`disk/${seed}`);
    return await failAgainAndAgain({ yard, site, disk, random, programs, tell, found: nothingFound() }, run.faults);
  } finally {
    if (yard !== null) await endYard(yard, programs.values());
    for (const disk of disks) await disk.close();
    if (yard !== null) await host.files.remove(yard.folder);
  }
}

function nothingFound(): Round['found'] {
  return {
    met: { full: 0, eio: 0, 'read-only': 0, flip: 0 },
    flipped: { CURRENT: 0, MANIFEST: 0, log: 0, table: 0, diary: 0 },
    ...{ syncsFailed: 0, setAside: 0, blocksLost: 0, renewed: 0, restarts: 0 },
    ...{ stoppedPolling: [], stoppedForwarding: [] },
  };
}

const CASES: Readonly<Record<DiskFault, (round: Round, name: string) => Promise<void>>> = {
  full: fullCase,
  eio: eioCase,
  'read-only': readOnlyCase,
  flip: flipCase,
};
/** Half of the faults are flipped bits: there are many files. */
const ORDER: readonly DiskFault[] = ['flip', 'full', 'flip', 'eio', 'flip', 'read-only'];

async function failAgainAndAgain(round: Round, faults: number): Promise<DiskOutcome> {
  const { yard, site, programs, tell, found } = round;
  await useBroker(yard, 'embedded');
  programs.set('sim', await startMeters(yard));
  programs.set(site.keyed, await startKeyed(yard, site));
  programs.set('collector', await startYardCollector(yard));
  await startEdge(round);
  await forwarding(round, 'the beginning');
  for (let at = 1; at <= faults; at++) {
    const fault = ORDER[(at - 1) % ORDER.length] ?? 'flip';
    await CASES[fault](round, `fault ${at}, ${fault}`);
  }
  tell('the medium stays sound; the lines lose their pace, and what is left is read and stored');
  await programs.get('sim')?.stop(STOP_MS);
  programs.set('sim', await startMeters(yard, 0));
  // An edge leaves a line alone for a while that was away; one that starts asks at once, and rest means that all is read.
  await endEdge(round, false);
  await startEdge(round);
  const cameToRest = await settle(yard, tell);
  if (!cameToRest) for (const [name, program] of programs) tell(`${name}: ${program.lastLines().join(' | ')}`);
  await endEdge(round, false);
  for (const name of [...programs.keys()].reverse()) await programs.get(name)?.stop(STOP_MS);
  programs.clear();
  const verdict = await judgeYard(yard);
  const steady = found.restarts + found.stoppedPolling.length + found.stoppedForwarding.length === 0;
  const clean = isClean(verdict) && verdict.countersTwice === 0 && cameToRest && steady;
  return { ...verdict, ...found, clean, cameToRest };
}

/** As a service manager starts it: again and again; each start that fails counts. */
async function startEdge(round: Round, start = () => startYardEdge(round.yard, round.site)): Promise<void> {
  const { programs, site, found, tell } = round;
  for (let tries = 1; ; tries++) {
    try {
      programs.set(site.edgeId, await start());
      return;
    } catch (error) {
      found.restarts++;
      tell(`a start failed: ${error instanceof Error ? error.message : String(error)}`);
      if (tries === START_TRIES) throw error;
    }
  }
}

/** Ends it as a crash does, or in order. */
async function endEdge(round: Round, isKilled: boolean): Promise<void> {
  const { yard, programs, site, found, tell } = round;
  const running = programs.get(site.edgeId);
  if (running === undefined) return;
  await noteHealed(round);
  programs.delete(site.edgeId);
  // A process that is gone already has its end at hand, before the answer that it no longer gives.
  const early = await Promise.race([running.process.ended, yard.env.timers.sleep(0).then(() => null)]);
  if (early !== null) {
    found.restarts++;
    tell(`the edge ended by itself: ${early}: ${running.lastLines().join(' | ')}`);
  }
  if (isKilled) running.process.signal('SIGKILL');
  else await running.stop(STOP_MS);
  await running.process.ended;
}

/** Adds what this life of the edge did about damage. */
async function noteHealed({ yard, site, found, tell }: Round): Promise<void> {
  const figures = await figuresOf(yard, site);
  const of = (what: string) => figures?.of(`journal_${what}_total`) ?? 0;
  const [setAside, lost, renewed] = [of('set_aside'), of('lost_blocks'), of('renewed')];
  found.setAside += setAside;
  found.blocksLost += lost;
  found.renewed += renewed;
  if (setAside + lost + renewed > 0)
    tell(`healed: ${setAside} stores set aside, ${lost} stretches lost, ${renewed} journals renewed`);
}

/** Waits until the figures say so; false when the patience is over. */
async function waitFor(
  { yard, site }: Round,
  patienceMs: number,
  holds: (figures: Figures) => boolean,
): Promise<boolean> {
  const endMs = yard.env.clock.monotonicMs() + patienceMs;
  while (yard.env.clock.monotonicMs() < endMs) {
    const figures = await figuresOf(yard, site);
    if (figures !== undefined && holds(figures)) return true;
    await yard.env.timers.sleep(LOOK_MS);
  }
  return false;
}

const jobsOf = (figures: Figures | undefined): number =>
  figures === undefined ? 0 : figures.jobsDone + figures.of('scheduler_jobs_failed_total');

/** Meters are still asked. */
async function polling(round: Round, name: string): Promise<void> {
  const before = jobsOf(await figuresOf(round.yard, round.site));
  if (await waitFor(round, POLL_PATIENCE_MS, (figures) => jobsOf(figures) > before)) return;
  round.found.stoppedPolling.push(name);
  round.tell(`${name}: no meter is polled any more: ${round.programs.get(round.site.edgeId)?.lastLines().join(' | ')}`);
}

/** Readings leave and are acknowledged, or there are none that wait. */
async function forwarding(round: Round, name: string): Promise<void> {
  const first = await figuresOf(round.yard, round.site);
  const before = first?.acknowledgements ?? 0;
  const goesOn = (now: Figures) =>
    now.isOpen && now.jobsDone > 0 && (now.acknowledgements > before || (now.pending === 0 && now.blocks > 0));
  if (await waitFor(round, FORWARD_PATIENCE_MS, goesOn)) return;
  round.found.stoppedForwarding.push(name);
  round.tell(`${name}: nothing is forwarded: ${round.programs.get(round.site.edgeId)?.lastLines().join(' | ')}`);
}

/** Waits for a write to fail. */
async function meet(round: Round, before: Figures | undefined): Promise<boolean> {
  const failures = (figures: Figures | undefined) => figures?.of('journal_failures_total') ?? 0;
  return waitFor(round, MEET_PATIENCE_MS, (figures) => failures(figures) > failures(before));
}

async function fullCase(round: Round, name: string): Promise<void> {
  const { yard, site, disk, found, tell } = round;
  const before = await figuresOf(yard, site);
  await disk.fill(true);
  const isMet = await waitFor(
    round,
    MEET_PATIENCE_MS,
    (figures) => figures.of('journal_disk_full_total') > (before?.of('journal_disk_full_total') ?? 0),
  );
  // The ballast made room: that is taken too, so that nothing at all can be written.
  await disk.fill(true);
  await polling(round, name);
  await disk.fill(false);
  await forwarding(round, name);
  if (isMet) found.met.full++;
  tell(`${name}: ${isMet ? 'met' : 'not met'}`);
}

async function eioCase(round: Round, name: string): Promise<void> {
  const { yard, site, random, found, tell } = round;
  const count = SYNCS.from + random.below(SYNCS.count);
  const notes = `${yard.folder}/${site.edgeId}.strace`;
  const inject = `inject=fsync,fdatasync:error=EIO:when=${count}`;
  const strace = ['-D', '-f', '-qq', '-o', notes, '-e', 'trace=fsync,fdatasync', '-e', inject];
  const { file, args } = yard.options.program;
  // strace counts the calls of each thread: with one of them the N-th sync is the N-th, and there is one.
  const environment = { UV_THREADPOOL_SIZE: '1' };
  const program = { file: STRACE, args: [...strace, file, ...args], environment };
  await endEdge(round, false);
  await startEdge(round, () =>
    startReady(yard, program, ['edge', '--config', `${yard.folder}/${site.edgeId}.yaml`], 'concentrator.started'),
  );
  const isMet = await meet(round, undefined);
  await polling(round, name);
  await forwarding(round, name);
  const lines = ((await yard.host.files.readText(notes)) ?? '').split('\n');
  const failed = lines.filter((line) => line.includes('INJECTED')).length;
  await endEdge(round, true);
  await startEdge(round);
  await forwarding(round, name);
  found.syncsFailed += failed;
  if (failed > 0) found.met.eio++;
  tell(`${name}: sync ${count}, ${failed} failed, ${isMet ? 'a batch with it' : 'no batch with it'}`);
}

async function readOnlyCase(round: Round, name: string): Promise<void> {
  const { yard, site, disk, found, tell } = round;
  const before = await figuresOf(yard, site);
  await disk.turnReadOnly();
  const isMet = await meet(round, before);
  await polling(round, name);
  await endEdge(round, true);
  await disk.turnWritable();
  await startEdge(round);
  await forwarding(round, name);
  if (isMet) found.met['read-only']++;
  tell(`${name}: ${isMet ? 'met' : 'not met'}`);
}

async function flipCase(round: Round, name: string): Promise<void> {
  const { yard, site, random, found, tell } = round;
  // A kill leaves the newest records in the log.
  await endEdge(round, random.below(3) > 0);
  const flip = await flipABit(yard, `${site.folder}/state/journal`, random, found.flipped);
  found.flipped[flip.kind]++;
  await startEdge(round);
  await polling(round, name);
  await forwarding(round, name);
  found.met.flip++;
  tell(`${name}: ${flip.words}`);
}

/** The proof as `deltawatt prove disk` runs it. */
export async function proveDisk(env: BenchEnv): Promise<BenchResult> {
  if (env.program === undefined) throw new Error('the program is not built');
  const missing = await diskMissing();
  if (missing !== null) throw new Error(missing);
  const faults = env.count ?? FAULTS_DEFAULT;
  const profile = await env.readText('config/profiles/generic/idis.yaml');
  const run = { faults, seed: env.seed, program: env.program, profile };
  const outcome = await runDisk(run, (line) => env.progress(`disk: ${line}`));
  for (const sample of outcome.samples) env.progress(`disk: ${sample}`);
  const { produced, stored, lost, duplicated, altered, invented, met, flipped } = outcome;
  return {
    figures: {
      faults,
      metFull: met.full,
      metEio: met.eio,
      metReadOnly: met['read-only'],
      metFlip: met.flip,
      syncsFailed: outcome.syncsFailed,
      ...Object.fromEntries(Object.entries(flipped).map(([kind, count]) => [`flipped ${kind}`, count])),
      storesSetAside: outcome.setAside,
      stretchesLostAndReadAgain: outcome.blocksLost,
      journalsRenewed: outcome.renewed,
      ...{ produced, stored, lost, duplicated, altered, invented },
      countersSeen: outcome.countersSeen,
      countersTwice: outcome.countersTwice,
    },
    bars: [
      ...zeroBars(outcome),
      atMost('starts that failed, and edges that ended by themselves', outcome.restarts, 0),
      atMost('faults during which polling stopped', outcome.stoppedPolling.length, 0),
      atMost('faults after which nothing was forwarded', outcome.stoppedForwarding.length, 0),
      atLeast('everything stored and acknowledged in the end', outcome.cameToRest ? 1 : 0, 1),
      atLeast('faults that were met', met.full + met.eio + met['read-only'] + met.flip, Math.ceil(faults / 2)),
    ],
  };
}
