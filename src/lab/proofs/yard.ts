/**
 * The yard of the proofs that end programs: broker, collector with database, edges and meters, each a process of its own
 * of the built program, in one folder. It makes, enrols, starts and at the end judges them; how they die is the proof's affair.
 *
 * Two kinds of meters: the simulator's, which sign on with a password, and on each edge one with keys (keyed-meter.ts),
 * whose file of invocation counters says whether any was used twice.
 */
import { stringify } from 'yaml';
import type { Env } from '../../base/env.ts';
import { assert } from '../../base/errors.ts';
import type { ProcessHost } from '../../base/process.ts';
import { startCollector } from '../../collector/collector.ts';
import { openStore } from '../../collector/store/open.ts';
import { createHostEnv } from '../../host/env.ts';
import { createProcessHost } from '../../host/process.ts';
import { DEFAULT_TENANT, type EdgeId, type MeterId } from '../../model/ids.ts';
import type { ProgramCommand } from '../benches/bench.ts';
import type { Verdict } from '../oracle.ts';
import { freePort, httpAsk, type RunningProgram, startProgram } from '../program.ts';
import { judgeVirtual } from '../virtual-verdict.ts';
import { countersOf, KEYED_PROFILE, keyedProfile, keyFileOf } from './keyed-files.ts';
import { COLLECTOR_CLIENT, findMosquitto, writeMosquitto } from './mosquitto.ts';

/** Which broker stands between edges and collector. */
export type BrokerKind = 'mosquitto' | 'embedded';

/** What a yard is made of. */
export interface YardOptions {
  readonly name: string;
  readonly seed: number;
  readonly program: ProgramCommand;
  readonly edges: number;
  /** Meters of an edge with a password; one with keys comes on top. */
  readonly meters: number;
  /** Days of history that wait in the meters, at most {@link DAYS_MAX}. */
  readonly days: number;
  /** `config/profiles/generic/idis.yaml`. */
  readonly profile: string;
  /** Makes the folders of collector and edges something else than folders, before anything is written to them. */
  readonly ground?: (folder: string) => Promise<void>;
  /** Says whose folder it is. */
  readonly claim?: (env: Env, folder: string) => Promise<void>;
  /** Another edge than that of the program. */
  readonly edgeProgram?: ProgramCommand;
  /** More settings of the edges. */
  readonly edgeSettings?: Readonly<Record<string, unknown>>;
}

/** The buffers hold 40 days: what a run does not read within one must not be overwritten. */
export const DAYS_MAX = 38;

/** One edge with its meters. */
export interface EdgeSite {
  readonly edgeId: EdgeId;
  readonly folder: string;
  readonly healthPort: number;
  readonly meterPort: number;
  readonly keyedPort: number;
  readonly meters: readonly MeterId[];
  readonly keyed: MeterId;
}

/** Where everything of a run is. */
export interface Yard {
  readonly env: Env;
  readonly host: ProcessHost;
  readonly options: YardOptions;
  readonly folder: string;
  readonly sites: readonly EdgeSite[];
  /** Wall clock at the beginning, UTC ms. */
  readonly begunAtMs: number;
  readonly brokerPorts: Readonly<Record<BrokerKind, number>>;
  /** Configured now. */
  broker: BrokerKind;
}

/** How long a program may take to start or stop: a loaded machine, and a database that recovers. */
const START_PATIENCE_MS = 60_000;
const STOP_PATIENCE_MS = 15_000;
/** While anything moves it is waited for, but not beyond this. */
const SETTLE_PATIENCE_MS = 360_000;
/** Nothing moves and yet something is left: longer than an edge waits for a meter, a broker or a collector that was away. */
const STANDSTILL_MS = 90_000;
/** A week of rows from the meter with keys takes ten seconds at its pace, in which no job ends and nothing waits. */
const QUIET_MS = 20_000;
const LOOK_MS = 200;
/** Pace of the meters' lines: history lasts for a proof, and a block a second is on its way. */
const LINE_BAUD = 230_400;
const QUARTER_MS = 900_000;
const DAY_MS = 86_400_000;

/** File of a program of the proofs beside the built command line: `dist/bin/deltawatt.js` -> `dist/lab/proofs/NAME.js`. */
export function ownProgram({ file, args }: ProgramCommand, name: string): ProgramCommand {
  const main = args.at(-1) ?? '';
  return { file, args: [...args.slice(0, -1), main.replace(/bin\/deltawatt\.js$/, `lab/proofs/${name}.js`)] };
}

/** Makes the folder, the database, the enrolments and the settings. */
export async function makeYard(options: YardOptions, tell: (line: string) => void): Promise<Yard> {
  const env = createHostEnv({ logLevel: 'silent' });
  const host = createProcessHost();
  const folder = `${host.temporaryFolder}/deltawatt-${options.name}-${host.randomHex(6)}`;
  const sites: EdgeSite[] = [];
  for (let edge = 1; edge <= options.edges; edge++) {
    const first = (edge - 1) * options.meters;
    sites.push({
      edgeId: `proof-edge-${edge}` as EdgeId,
      folder: `${folder}/edge-${edge}`,
      healthPort: await freePort(env),
      meterPort: await freePort(env),
      keyedPort: await freePort(env),
      meters: Array.from({ length: options.meters }, (_, at) => meterIdOf(first + at + 1)),
      keyed: `k000${edge}` as MeterId,
    });
  }
  const brokerPorts = { mosquitto: await freePort(env), embedded: await freePort(env) };
  const begunAtMs = env.clock.nowMs();
  const yard: Yard = { env, host, options, folder, sites, begunAtMs, brokerPorts, broker: 'embedded' };
  // The folder of the database belongs to another user, who must be able to enter the way to it.
  await env.disk.makeFolder(folder, 0o755);
  await options.claim?.(env, folder);
  for (const place of ['collector', 'sim', 'broker', ...sites.map(({ edgeId }) => edgeId.replace('proof-', ''))]) {
    await env.disk.makeFolder(`${folder}/${place}`, 0o755);
    await options.ground?.(`${folder}/${place}`);
  }
  tell('making the database');
  await enrol(yard);
  return yard;
}

function meterIdOf(number: number): MeterId {
  return `m${String(number).padStart(4, '0')}` as MeterId;
}

const write = ({ env, folder }: Yard, name: string, text: string) =>
  env.disk.writeFile(`${folder}/${name}`, new TextEncoder().encode(text));

/** Enrols the edges and their meters in a collector inside this process, and writes what does not change later. */
async function enrol(yard: Yard): Promise<void> {
  const { env, folder, sites, options } = yard;
  const opened = await openYardStore(yard, true);
  const passwords = new Map<EdgeId, string>();
  try {
    const collector = await startCollector(env, opened.store, {
      keysFolder: `${folder}/collector/keys`,
      broker: { kind: 'embedded', host: '127.0.0.1', port: yard.brokerPorts.embedded },
      foldPeriodMs: 3_600_000,
    });
    try {
      for (const site of sites) {
        const enrolment = await collector.enroller.adopt(site.edgeId, DEFAULT_TENANT, options.name);
        passwords.set(site.edgeId, enrolment.password);
        await write(yard, `${site.edgeId}.json`, JSON.stringify(enrolment));
        for (const meterId of [...site.meters, site.keyed]) {
          await opened.store.saveMeter({ meterId, tenantId: DEFAULT_TENANT });
          await opened.store.placeMeter(meterId, site.edgeId, 0);
        }
      }
    } finally {
      await collector.stop();
    }
  } finally {
    await opened.close();
  }
  const place = { env, host: yard.host, folder, port: yard.brokerPorts.mosquitto };
  if ((await findMosquitto(yard.host)) !== undefined) await writeMosquitto(place, passwords);
  const profiles = `${folder}/sim/config/profiles`;
  await env.disk.makeFolder(`${profiles}/generic`);
  await env.disk.makeFolder(`${profiles}/proof`);
  await write(yard, 'sim/config/profiles/generic/idis.yaml', options.profile);
  await write(yard, `sim/config/profiles/${KEYED_PROFILE}.yaml`, keyedProfile(options.profile));
}

/** The store of the yard's collector, opened in this process: no collector may run. */
export function openYardStore({ env, host, folder }: Yard, fresh = false) {
  return openStore(env, host, { stateFolder: `${folder}/collector`, programs: 'auto', fresh });
}

/** Writes the settings of collector and edges for a broker; they count from their next start on. */
export async function useBroker(yard: Yard, broker: BrokerKind): Promise<void> {
  yard.broker = broker;
  const { folder, brokerPorts } = yard;
  const url = `mqtt://127.0.0.1:${brokerPorts[broker]}`;
  const settings =
    broker === 'embedded'
      ? { port: brokerPorts.embedded }
      : { embedded: false, url, username: COLLECTOR_CLIENT, passwordFile: `${folder}/broker/collector.password` };
  const collector = {
    stateFolder: `${folder}/collector`,
    api: { port: 0 },
    broker: settings,
    fold: { periodS: 5 },
  };
  await write(yard, 'collector.yaml', stringify(collector));
  for (const site of yard.sites) await writeEdge(yard, site, url);
}

async function writeEdge(yard: Yard, site: EdgeSite, url: string): Promise<void> {
  const { folder, options } = yard;
  const first = yard.sites.indexOf(site) * options.meters;
  await write(yard, 'meter.password', '00000000');
  await write(yard, 'meter.keys', keyFileOf());
  const meters = site.meters.map((id, at) => ({
    id,
    profile: 'generic/idis',
    serial: String(10_000_001 + first + at),
    passwordFile: `${folder}/meter.password`,
  }));
  const keyed = { id: site.keyed, profile: KEYED_PROFILE, serial: '10000001', keysFile: `${folder}/meter.keys` };
  const settings = {
    stateFolder: `${site.folder}/state`,
    enrolmentFile: `${folder}/${site.edgeId}.json`,
    profilesFolder: `${folder}/sim/config/profiles`,
    timeZone: 'Europe/Berlin',
    uplink: { spreadS: 0, url },
    journal: { flushS: 1, ballastMiB: 4 },
    health: { port: site.healthPort },
    lines: [
      { id: 'bus', url: `tcp+hdlc://127.0.0.1:${site.meterPort}`, meters },
      { id: 'keyed', url: `tcp+hdlc://127.0.0.1:${site.keyedPort}`, meters: [keyed] },
    ],
    ...options.edgeSettings,
  };
  await write(yard, `${site.edgeId}.yaml`, stringify(settings));
}

/** Starts a program and waits for the line that says that it is ready. */
export async function startReady(
  { env, host, folder }: Yard,
  command: ProgramCommand,
  args: readonly string[],
  ready: string,
): Promise<RunningProgram> {
  const running = await startProgram(env, host, command, args, folder);
  try {
    await running.line(ready, START_PATIENCE_MS);
    return running;
  } catch (error) {
    // Nobody else knows of it yet.
    await running.stop(STOP_PATIENCE_MS);
    throw error;
  }
}

/** Starts the collector of `deltawatt collector`. */
export function startYardCollector(yard: Yard): Promise<RunningProgram> {
  const { options, folder } = yard;
  return startReady(yard, options.program, ['collector', '--config', `${folder}/collector.yaml`], 'collector.ready');
}

/** Starts the edge of `deltawatt edge`. */
export function startYardEdge(yard: Yard, { edgeId }: EdgeSite): Promise<RunningProgram> {
  const { options, folder } = yard;
  const program = options.edgeProgram ?? options.program;
  return startReady(yard, program, ['edge', '--config', `${folder}/${edgeId}.yaml`], 'concentrator.started');
}

/** Starts mosquitto, which must be installed. */
export async function startMosquitto(yard: Yard): Promise<RunningProgram> {
  const program = await findMosquitto(yard.host);
  assert(program !== undefined, 'mosquitto is installed (tools/setup-test-services)');
  return startReady(yard, program, ['-c', `${yard.folder}/broker/mosquitto.conf`], 'running');
}

/** Starts the simulator with all meters that have a password, on lines of a pace; 0 = as fast as it goes. */
export async function startMeters(yard: Yard, baud = LINE_BAUD): Promise<RunningProgram> {
  const { folder, options, sites } = yard;
  const listen = sites.flatMap(({ meterPort }) => ['--listen', `tcp+hdlc://127.0.0.1:${meterPort}?baud=${baud}`]);
  const count = String(options.meters * options.edges);
  const args = ['sim', 'fleet', ...listen, '--count', count, '--days', String(options.days)];
  const ledger = ['--seed', String(options.seed), '--ledger', `${folder}/sim/ledger`];
  return startReady(yard, options.program, [...args, ...ledger], 'meters answer');
}

/** Starts the meter with keys of a site. */
export function startKeyed(yard: Yard, site: EdgeSite): Promise<RunningProgram> {
  const { folder, options } = yard;
  const order = {
    configFolder: `${folder}/sim/config`,
    port: site.keyedPort,
    meterId: site.keyed,
    days: options.days,
    ledger: `${folder}/sim/${site.keyed}.ledger`,
    counters: `${folder}/sim/${site.keyed}.counters`,
  };
  return startReady(yard, ownProgram(options.program, 'keyed-meter'), [JSON.stringify(order)], 'answers');
}

/** What an edge says of itself. */
export interface Figures {
  readonly blocks: number;
  readonly acknowledgements: number;
  readonly pending: number;
  readonly isOpen: boolean;
  readonly jobsDone: number;
  /** Every counter and gauge, without its prefix. */
  of(name: string): number;
}

/** Asks an edge; undefined while it does not answer. */
export async function figuresOf({ env }: Yard, site: EdgeSite): Promise<Figures | undefined> {
  const text = await httpAsk(env, { port: site.healthPort, path: '/metrics' });
  if (text === undefined) return undefined;
  const values = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [name = '', value] = line.split(' ');
    values.set(name.replace('deltawatt_edge_', ''), Number(value));
  }
  const of = (name: string) => values.get(name) ?? 0;
  return {
    blocks: of('uplink_blocks_total'),
    acknowledgements: of('uplink_acknowledgements_total'),
    pending: [0, 1, 2, 3, 4, 5].reduce((sum, lane) => sum + of(`lane_${lane}_pending_blocks`), 0),
    isOpen: of('uplink_session_open') === 1,
    jobsDone: of('scheduler_jobs_done_total'),
    of,
  };
}

/**
 * Waits until every row that the meters had is read, stored and acknowledged: long enough nothing new and nothing pending.
 * False, and told how far each edge came, when it stands still before, or when the patience is over.
 */
export async function settle(
  yard: Yard,
  tell: (line: string) => void,
  patienceMs = SETTLE_PATIENCE_MS,
): Promise<boolean> {
  const { env, sites } = yard;
  const begunMs = env.clock.monotonicMs();
  let [movedAtMs, before] = [begunMs, ''];
  for (;;) {
    const all = await Promise.all(sites.map((site) => figuresOf(yard, site)));
    const nowMs = env.clock.monotonicMs();
    const now = all.map((each, at) => progressOf(sites[at]?.edgeId, each)).join('; ');
    if (now !== before) movedAtMs = nowMs;
    before = now;
    const stillMs = nowMs - movedAtMs;
    if (stillMs >= QUIET_MS && all.every((each) => isAtRest(yard, each))) return true;
    if (stillMs > STANDSTILL_MS || nowMs - begunMs > patienceMs) {
      tell(`the system does not come to rest; nothing has moved for ${Math.round(stillMs / 1000)} s: ${now}`);
      return false;
    }
    await env.timers.sleep(LOOK_MS);
  }
}

function isAtRest({ options }: Yard, figures: Figures | undefined): boolean {
  return figures?.isOpen === true && figures.pending === 0 && figures.jobsDone > options.meters;
}

function progressOf(edgeId: EdgeId | undefined, figures: Figures | undefined): string {
  if (figures === undefined) return `${edgeId} does not answer`;
  const { blocks, acknowledgements, pending, isOpen, jobsDone } = figures;
  const session = isOpen ? 'in session' : 'without session';
  return `${edgeId} ${session}, ${jobsDone} jobs, ${blocks} blocks, ${acknowledgements} acks, ${pending} pending`;
}

/** What a run found. */
export interface YardVerdict extends Verdict {
  readonly countersSeen: number;
  /** Invocation counters that a meter saw more than once. */
  readonly countersTwice: number;
}

/**
 * Joins ledgers and store. Rows of the first day of history may have left the buffers of a meter that was started again, and
 * those of the last interval may still have been on their way: both are left out.
 */
export async function judgeYard(yard: Yard): Promise<YardVerdict> {
  const { env, folder, sites, options, begunAtMs } = yard;
  const opened = await openYardStore(yard);
  try {
    const names = ['ledger', ...sites.map(({ keyed }) => `${keyed}.ledger`)];
    const parts = await Promise.all(names.map((name) => env.disk.readFile(`${folder}/sim/${name}`)));
    const ledger = Buffer.concat(parts.map((part) => part ?? new Uint8Array(0)));
    const fromMs = begunAtMs - (options.days - 1) * DAY_MS;
    const untilMs = Math.floor(env.clock.nowMs() / QUARTER_MS - 1) * QUARTER_MS;
    const verdict = await judgeVirtual(ledger, opened.store, { untilMs, fromMs });
    return {
      ...verdict,
      ...(await countersOf(
        env,
        sites.map(({ keyed }) => `${folder}/sim/${keyed}.counters`),
      )),
    };
  } finally {
    await opened.close();
  }
}

/** Ends what still runs. A killed collector leaves its database server running: opening it once more and closing it ends it. */
export async function endYard(yard: Yard, programs: Iterable<RunningProgram>): Promise<void> {
  for (const program of programs) await program.stop(STOP_PATIENCE_MS);
  const left = await openYardStore(yard).catch(() => null);
  await left?.close();
}
