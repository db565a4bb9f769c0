/**
 * The `kill` proof: collector with broker and database, edge, and meters as own processes; at random times one of them is
 * ended with SIGKILL and started again, while weeks of history are on their way. At the end the oracle joins what the
 * meters produced with what the database holds.
 *
 * Recovery is the time from the restart of the victim, start of its process included, to the first acknowledgement of
 * readings that left the edge after it; meters, and cycles in which nothing waited, are not counted. Known weak point: victims die at random times, not at named points.
 */
import { stringify } from 'yaml';
import type { Env } from '../../base/env.ts';
import { assert } from '../../base/errors.ts';
import type { ProcessHost } from '../../base/process.ts';
import { SeededRandom } from '../../base/seeded-random.ts';
import { startCollector } from '../../collector/collector.ts';
import { openStore } from '../../collector/store/open.ts';
import { createHostEnv } from '../../host/env.ts';
import { createProcessHost } from '../../host/process.ts';
import { DEFAULT_TENANT, type EdgeId, type MeterId } from '../../model/ids.ts';
import { atMost, type BenchEnv, type BenchResult, type ProgramCommand } from '../benches/bench.ts';
import { isClean, type Verdict } from '../oracle.ts';
import { freePort, httpAsk, type RunningProgram, startProgram } from '../program.ts';
import { judgeVirtual } from '../virtual-verdict.ts';

const CYCLES_DEFAULT = 20;
const EDGE = 'kill-edge' as EdgeId;
const METERS = 20;
const DAYS = 40;
const START_PATIENCE_MS = 60_000;
const STOP_PATIENCE_MS = 15_000;
const RECOVERY_PATIENCE_MS = 60_000;
const SETTLE_PATIENCE_MS = 300_000;
const LOOK_MS = 50;
/** Between two kills: the system is sometimes still on its feet from the last one, sometimes not. */
const PAUSE_MAX_MS = 2_500;
type Victim = 'edge' | 'collector' | 'sim';
/** Meters die seldom: the edge leaves silent ones alone for a while, and then little is on its way. */
const VICTIMS: readonly Victim[] = ['edge', 'collector', 'edge', 'collector', 'edge', 'collector', 'edge', 'sim'];

/** Where everything of a run is. */
interface Yard {
  readonly env: Env;
  readonly host: ProcessHost;
  readonly program: ProgramCommand;
  readonly folder: string;
  readonly healthPort: number;
  readonly seed: number;
  readonly meterPort: number;
}

/** What a run found. */
export interface KillOutcome extends Verdict {
  readonly clean: boolean;
  /** Ms, of the cycles in which readings waited. */
  readonly recoveriesMs: readonly number[];
  readonly killed: Readonly<Record<Victim, number>>;
}

/** Runs it in a new folder under the machine's temporary one, which is removed at the end. */
export async function runKill(
  run: { readonly cycles: number; readonly seed: number; readonly program: ProgramCommand },
  tell: (line: string) => void,
): Promise<KillOutcome> {
  const env = createHostEnv({ logLevel: 'silent' });
  const host = createProcessHost();
  const folder = `${host.temporaryFolder}/deltawatt-kill-${host.randomHex(6)}`;
  const [healthPort, meterPort, apiPort, brokerPort] = [
    await freePort(env),
    await freePort(env),
    await freePort(env),
    await freePort(env),
  ];
  const yard: Yard = { env, host, program: run.program, folder, healthPort, meterPort, seed: run.seed };
  const programs = new Map<Victim, RunningProgram>();
  try {
    await prepare(yard, apiPort, brokerPort, tell);
    for (const name of ['collector', 'sim', 'edge'] as const) programs.set(name, await startOne(yard, name));
    const done = await cycle(yard, programs, run.cycles, tell);
    tell('no more kills; waiting until everything is stored');
    await settle(yard);
    for (const name of ['edge', 'sim', 'collector'] as const) await programs.get(name)?.stop(STOP_PATIENCE_MS);
    programs.clear();
    const verdict = await judge(yard);
    return { ...verdict, ...done, clean: isClean(verdict) };
  } finally {
    for (const program of programs.values()) await program.stop(STOP_PATIENCE_MS);
    // A killed collector leaves its database server running: opening it once more and closing it ends it.
    const left = await openStore(env, host, { stateFolder: `${folder}/collector`, programs: 'auto' }).catch(() => null);
    await left?.close();
    await host.files.remove(folder);
  }
}

const write = ({ env, folder }: Yard, name: string, text: string) =>
  env.disk.writeFile(`${folder}/${name}`, new TextEncoder().encode(text));

/** Enrols the edge and its meters in a collector inside this process, and writes the files of all programs. */
async function prepare(yard: Yard, apiPort: number, brokerPort: number, tell: (line: string) => void): Promise<void> {
  const { env, host, folder } = yard;
  for (const name of ['', '/collector', '/edge', '/sim']) await env.disk.makeFolder(`${folder}${name}`);
  tell('making the database');
  const opened = await openStore(env, host, { stateFolder: `${folder}/collector`, programs: 'auto', fresh: true });
  try {
    const collector = await startCollector(env, opened.store, {
      keysFolder: `${folder}/collector/keys`,
      broker: { kind: 'embedded', host: '127.0.0.1', port: brokerPort },
      foldPeriodMs: 3_600_000,
    });
    try {
      const enrolment = await collector.enroller.adopt(EDGE, DEFAULT_TENANT, 'kill');
      await write(yard, 'edge/enrolment.json', JSON.stringify(enrolment));
      for (const meterId of meterIds()) {
        await opened.store.saveMeter({ meterId, tenantId: DEFAULT_TENANT });
        await opened.store.placeMeter(meterId, EDGE, 0);
      }
    } finally {
      await collector.stop();
    }
  } finally {
    await opened.close();
  }
  const collectorConfig = {
    stateFolder: `${folder}/collector`,
    api: { port: apiPort },
    broker: { port: brokerPort },
    fold: { periodS: 5 },
  };
  await write(yard, 'collector.yaml', stringify(collectorConfig));
}

function meterIds(): MeterId[] {
  return Array.from({ length: METERS }, (_, at) => `m${String(at + 1).padStart(4, '0')}` as MeterId);
}

async function startOne(yard: Yard, name: Victim): Promise<RunningProgram> {
  const { env, host, program, folder } = yard;
  switch (name) {
    case 'collector': {
      const running = await startProgram(
        env,
        host,
        program,
        ['collector', '--config', `${folder}/collector.yaml`],
        folder,
      );
      await running.line('collector.ready', START_PATIENCE_MS);
      return running;
    }
    case 'sim':
      return startMeters(yard);
    case 'edge': {
      const running = await startProgram(env, host, program, ['edge', '--config', `${folder}/edge.yaml`], folder);
      await running.line('concentrator.started', START_PATIENCE_MS);
      return running;
    }
  }
}

/** The meters print where they are; the edge's settings follow from it at their first start. */
async function startMeters(yard: Yard): Promise<RunningProgram> {
  const { env, host, program, folder, meterPort, seed } = yard;
  const listen = ['--listen', `tcp+hdlc://127.0.0.1:${meterPort}`];
  const args = ['sim', 'fleet', ...listen, '--count', String(METERS), '--days', String(DAYS), '--seed', String(seed)];
  const running = await startProgram(env, host, program, [...args, '--ledger', `${folder}/sim/ledger`], folder);
  await running.line('meters answer', START_PATIENCE_MS);
  const meters: object[] = [];
  for (const meterId of meterIds()) {
    const card = JSON.parse(await running.line(`"${meterId}"`, START_PATIENCE_MS)) as Record<string, string>;
    if (meters.length === 0) await write(yard, 'edge/password', card['password'] ?? '');
    const { serial, profile } = card;
    meters.push({ id: meterId, profile, serial, passwordFile: `${folder}/edge/password` });
  }
  const settings = {
    stateFolder: `${folder}/edge/state`,
    enrolmentFile: `${folder}/edge/enrolment.json`,
    timeZone: 'Europe/Berlin',
    uplink: { spreadS: 0 },
    journal: { flushS: 1 },
    health: { port: yard.healthPort },
    lines: [{ id: 'line1', url: `tcp+hdlc://127.0.0.1:${meterPort}`, meters }],
  };
  await write(yard, 'edge.yaml', stringify(settings));
  return running;
}

async function cycle(yard: Yard, programs: Map<Victim, RunningProgram>, cycles: number, tell: (line: string) => void) {
  const random = new SeededRandom(`kill/${yard.seed}`);
  const recoveriesMs: number[] = [];
  const killed = { edge: 0, collector: 0, sim: 0 };
  for (let at = 1; at <= cycles; at++) {
    await yard.env.timers.sleep(random.below(PAUSE_MAX_MS));
    const victim = random.pick(VICTIMS);
    const running = programs.get(victim);
    assert(running !== undefined, `${victim} runs`);
    running.process.signal('SIGKILL');
    await running.process.ended;
    programs.delete(victim);
    killed[victim]++;
    const startedMs = yard.env.clock.monotonicMs();
    const before = victim === 'edge' ? { blocks: 0, acknowledgements: 0 } : await figuresOf(yard);
    programs.set(victim, await startOne(yard, victim));
    const recovered = victim !== 'sim' && (await recovery(yard, before?.blocks ?? 0));
    const tookMs = Math.round(yard.env.clock.monotonicMs() - startedMs);
    if (recovered) recoveriesMs.push(tookMs);
    tell(`cycle ${at}: killed ${victim}, ${recovered ? `forwarding again after ${tookMs} ms` : 'no reading waited'}`);
  }
  return { recoveriesMs, killed };
}

interface Figures {
  readonly blocks: number;
  readonly acknowledgements: number;
  readonly pending: number;
  readonly isOpen: boolean;
  readonly jobsDone: number;
}

/** What the edge says of itself, undefined while it does not answer. */
async function figuresOf(yard: Yard): Promise<Figures | undefined> {
  const text = await httpAsk(yard.env, { port: yard.healthPort, path: '/metrics' });
  if (text === undefined) return undefined;
  const values = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [name = '', value] = line.split(' ');
    values.set(name.replace('deltawatt_edge_', ''), Number(value));
  }
  const of = (name: string) => values.get(name) ?? 0;
  const pending = [0, 1, 2, 3, 4, 5].reduce((sum, lane) => sum + of(`lane_${lane}_pending_blocks`), 0);
  return {
    blocks: of('uplink_blocks_total'),
    acknowledgements: of('uplink_acknowledgements_total'),
    pending,
    isOpen: of('uplink_session_open') === 1,
    jobsDone: of('scheduler_jobs_done_total'),
  };
}

/** True when blocks left after the restart and an acknowledgement followed; false when nothing waits and none leave. */
async function recovery(yard: Yard, blocksBefore: number): Promise<boolean> {
  const deadlineMs = yard.env.clock.monotonicMs() + RECOVERY_PATIENCE_MS;
  let acknowledgementsAtSend: number | null = null;
  let idleLooks = 0;
  for (;;) {
    const now = await figuresOf(yard);
    if (now !== undefined && now.blocks > blocksBefore) {
      acknowledgementsAtSend ??= now.acknowledgements;
      if (now.acknowledgements > acknowledgementsAtSend || now.pending === 0) return true;
    }
    idleLooks = now?.isOpen === true && now.pending === 0 ? idleLooks + 1 : 0;
    if (idleLooks * LOOK_MS > 3_000) return false;
    if (yard.env.clock.monotonicMs() > deadlineMs) throw new Error('no reading was forwarded for a minute');
    await yard.env.timers.sleep(LOOK_MS);
  }
}

/** Waits until every row that the meters had is read, stored and acknowledged: long enough nothing new and nothing pending. */
async function settle(yard: Yard): Promise<void> {
  const deadlineMs = yard.env.clock.monotonicMs() + SETTLE_PATIENCE_MS;
  let [quietSinceMs, blocks] = [yard.env.clock.monotonicMs(), -1];
  while (yard.env.clock.monotonicMs() - quietSinceMs < 5_000) {
    if (yard.env.clock.monotonicMs() > deadlineMs) throw new Error('the system does not come to rest');
    const now = await figuresOf(yard);
    if (now === undefined || now.pending > 0 || !now.isOpen || now.blocks !== blocks || now.jobsDone < METERS)
      quietSinceMs = yard.env.clock.monotonicMs();
    blocks = now?.blocks ?? -1;
    await yard.env.timers.sleep(LOOK_MS * 4);
  }
}

/** Rows that end in the last interval may still have been on their way: they are left out. */
async function judge(yard: Yard): Promise<Verdict> {
  const { env, host, folder } = yard;
  const opened = await openStore(env, host, { stateFolder: `${folder}/collector`, programs: 'auto' });
  try {
    const ledger = await env.disk.readFile(`${folder}/sim/ledger`);
    const untilMs = Math.floor(env.clock.nowMs() / 900_000 - 1) * 900_000;
    return await judgeVirtual(ledger ?? new Uint8Array(0), opened.store, untilMs);
  } finally {
    await opened.close();
  }
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** The proof as `deltawatt prove kill` runs it. */
export async function proveKill(env: BenchEnv): Promise<BenchResult> {
  assert(env.program !== undefined, 'the program is built');
  const cycles = env.count ?? CYCLES_DEFAULT;
  const outcome = await runKill({ cycles, seed: env.seed, program: env.program }, (line) =>
    env.progress(`kill: ${line}`),
  );
  for (const sample of outcome.samples) env.progress(`kill: ${sample}`);
  const { produced, stored, lost, duplicated, altered, invented, killed } = outcome;
  const sorted = [...outcome.recoveriesMs].sort((a, b) => a - b);
  const [recoveryMedianMs, recoveryP99Ms] = [quantile(sorted, 0.5), quantile(sorted, 0.99)];
  const victims = { killedEdge: killed.edge, killedCollector: killed.collector, killedSim: killed.sim };
  return {
    figures: {
      cycles,
      ...victims,
      ...{ produced, stored, lost, duplicated, altered, invented },
      recoveriesMeasured: sorted.length,
      recoveryMedianMs,
      recoveryP99Ms,
    },
    bars: [
      atMost('lost', lost, 0),
      atMost('duplicated', duplicated, 0),
      atMost('altered', altered, 0),
      atMost('invented', invented, 0),
      atMost('recovery to the first forwarded reading, median, ms', recoveryMedianMs, 2_000),
      atMost('recovery to the first forwarded reading, p99, ms', recoveryP99Ms, 5_000),
    ],
  };
}
