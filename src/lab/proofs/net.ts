/**
 * The `net` proof: an edge and its broker with a bad network between them (bad-net.ts), on mosquitto in plain MQTT and on
 * the built-in broker behind TLS 1.3 with certificates. Each fault is on for some seconds while weeks of history are on
 * their way; brokers are restarted, and the collector is away while the broker's queue for it fills and is lost. At the end
 * the oracle joins ledger and store.
 *
 * An edge backs off after each lost connection, and only ten good minutes make it forget: it is started anew for each fault,
 * which costs nothing that is on disk. Recovery is the time from the end of a fault to the next acknowledgement.
 */
import { stringify } from 'yaml';
import { SeededRandom } from '../../base/seeded-random.ts';
import { initAuthority, issueEdge } from '../../collector/pki/authority.ts';
import { HOST_CERTIFICATES } from '../../host/certificates.ts';
import { createHostEnv } from '../../host/env.ts';
import { atLeast, type BenchEnv, type BenchResult, type ProgramCommand } from '../benches/bench.ts';
import { isClean } from '../oracle.ts';
import { freePort, type RunningProgram } from '../program.ts';
import { BadNet, type NetCounts, type NetFault } from './bad-net.ts';
import { zeroBars } from './verdict-bars.ts';
import {
  type BrokerKind,
  endYard,
  figuresOf,
  judgeYard,
  makeYard,
  settle,
  startKeyed,
  startMeters,
  startMosquitto,
  startYardCollector,
  startYardEdge,
  useBroker,
  type Yard,
  type YardVerdict,
} from './yard.ts';

/** A 9.6 kbit/s modem. */
const SLOW_OCTETS_PER_S = 1_200;
const LATE_MS = 2_000;
const FAULT_MS = 3_000;
/** How long a fault waits for something to strike. */
const STRIKE_PATIENCE_MS = 10_000;
const METERS = 10;
const DAYS = 30;
/** Pace of the meters: their history lasts as long as the faults do. */
const LINE_BAUD = 57_600;
const STOP_MS = 15_000;
const RECOVERY_PATIENCE_MS = 60_000;
const LOOK_MS = 50;
/** Looks at an open session with nothing to send after which nothing is said to wait: four times the pause between two batches. */
const IDLE_LOOKS = 80;

type Trouble = NetFault | { readonly kind: 'broker-restart' } | { readonly kind: 'collector-away' };

const FAULTS: readonly Trouble[] = [
  { kind: 'down' },
  { kind: 'half-open' },
  { kind: 'slow', octetsPerS: SLOW_OCTETS_PER_S },
  { kind: 'late', delayMs: LATE_MS },
  { kind: 'reset', everyOctets: 6_000 },
  { kind: 'flip', everyOctets: 3_000 },
  { kind: 'twice' },
  { kind: 'broker-restart' },
  { kind: 'collector-away' },
];

/** What a run is given. */
export interface NetRun {
  readonly seed: number;
  /** How often each fault comes on each broker. */
  readonly rounds: number;
  readonly program: ProgramCommand;
  /** Text of `config/profiles/generic/idis.yaml`. */
  readonly profile: string;
  readonly brokers?: readonly BrokerKind[];
}

/** What a run found. */
export interface NetOutcome extends YardVerdict {
  readonly clean: boolean;
  readonly counts: NetCounts;
  /** Times from the end of a fault to the next acknowledgement, ms, by fault; the longest of each. */
  readonly recoveryMs: Readonly<Record<string, number>>;
  /** Faults during which readings were on their way. */
  readonly busyFaults: number;
}

interface Scene {
  readonly yard: Yard;
  readonly net: BadNet;
  readonly random: SeededRandom;
  readonly tell: (line: string) => void;
  readonly programs: Map<string, RunningProgram>;
  readonly recoveryMs: Record<string, number>;
  /** Faults after which an acknowledgement was waited for, because readings were. */
  busyFaults: number;
}

/** Runs it in a new folder under the machine's temporary one, which is removed at the end. */
export async function runNet(run: NetRun, tell: (line: string) => void): Promise<NetOutcome> {
  const env = createHostEnv({ logLevel: 'silent' });
  const [netPort, tlsPort] = [await freePort(env), await freePort(env)];
  const yard = await makeYard({ ...run, name: 'net', edges: 1, meters: METERS, days: DAYS }, tell);
  const random = new SeededRandom(`net/${run.seed}`);
  const net = new BadNet(env, random, () =>
    yard.broker === 'mosquitto'
      ? { port: yard.brokerPorts.mosquitto, isPlain: true }
      : { port: tlsPort, isPlain: false },
  );
  const scene: Scene = { yard, net, random, tell, programs: new Map(), recoveryMs: {}, busyFaults: 0 };
  const { programs } = scene;
  try {
    await net.start(netPort);
    programs.set('sim', await startMeters(yard, LINE_BAUD));
    for (const site of yard.sites) programs.set(site.keyed, await startKeyed(yard, site));
    for (const broker of run.brokers ?? (['mosquitto', 'embedded'] as const)) {
      await useNet(scene, broker, { netPort, tlsPort });
      await startCentre(scene);
      for (let round = 0; round < run.rounds; round++) for (const fault of FAULTS) await suffer(scene, fault);
      await stopPrograms(scene, ['edge', 'collector', 'broker']);
    }
    tell('the network is good again; what is left is read and stored');
    await stopPrograms(scene, ['sim']);
    programs.set('sim', await startMeters(yard, 0));
    await startCentre(scene);
    await startEdge(scene);
    await settle(yard, tell);
    await stopPrograms(scene, ['edge', 'collector', 'broker', 'sim']);
    const verdict = await judgeYard(yard);
    const clean = isClean(verdict) && verdict.countersTwice === 0;
    return { ...verdict, clean, counts: net.counts, recoveryMs: scene.recoveryMs, busyFaults: scene.busyFaults };
  } finally {
    await net.stop();
    await endYard(yard, programs.values());
    await yard.host.files.remove(yard.folder);
  }
}

/** Settings of the yard with the bad network between edge and broker, and TLS where the broker is the built-in one. */
async function useNet(
  { yard, tell }: Scene,
  broker: BrokerKind,
  { netPort, tlsPort }: { readonly netPort: number; readonly tlsPort: number },
): Promise<void> {
  const { env, folder } = yard;
  tell(`${broker} begins`);
  await useBroker(yard, broker);
  const edit = async (name: string, more: (text: string) => string): Promise<void> => {
    const octets = await env.disk.readFile(`${folder}/${name}`);
    await env.disk.writeFile(`${folder}/${name}`, new TextEncoder().encode(more(new TextDecoder().decode(octets))));
  };
  const [site] = yard.sites;
  if (site === undefined) throw new Error('a yard has an edge');
  const edgeFile = `${site.edgeId}.yaml`;
  const uplink = (url: string, tls: object = {}) => stringify({ uplink: { spreadS: 0, url, ...tls } });
  const withUplink = (text: string, section: string) => text.replace(/^uplink:\n(?: {2}.*\n)+/m, section);
  if (broker === 'mosquitto') {
    await edit(edgeFile, (text) => withUplink(text, uplink(`mqtt://127.0.0.1:${netPort}`)));
    return;
  }
  const pki = `${folder}/pki`;
  const authority = { ...env, certificates: HOST_CERTIFICATES };
  await initAuthority(authority, { folder: pki, name: 'net proof', hosts: ['127.0.0.1'] });
  const { certFile, keyFile } = await issueEdge(authority, pki, site.edgeId);
  const url = `mqtts://127.0.0.1:${netPort}`;
  await edit(edgeFile, (text) => withUplink(text, uplink(url, { caFile: `${pki}/ca.pem`, certFile, keyFile })));
  const tls = {
    host: '127.0.0.1',
    port: tlsPort,
    certFile: `${pki}/broker.pem`,
    keyFile: `${pki}/broker.key`,
    clientCaFile: `${pki}/ca.pem`,
  };
  const section = stringify({ broker: { port: yard.brokerPorts.embedded, edgesUrl: url, tls } });
  await edit('collector.yaml', (text) => text.replace(/^broker:\n(?: {2}.*\n)+/m, section));
}

async function startCentre({ yard, programs }: Scene): Promise<void> {
  if (yard.broker === 'mosquitto') programs.set('broker', await startMosquitto(yard));
  programs.set('collector', await startYardCollector(yard));
}

async function startEdge({ yard, programs }: Scene): Promise<void> {
  const [site] = yard.sites;
  if (site !== undefined) programs.set('edge', await startYardEdge(yard, site));
}

async function stopPrograms({ programs }: Scene, names: readonly string[]): Promise<void> {
  for (const name of names) {
    await programs.get(name)?.stop(STOP_MS);
    programs.delete(name);
  }
}

/** A fresh edge, a good network until it forwards, the fault for a while, and the way back. */
async function suffer(scene: Scene, fault: Trouble): Promise<void> {
  const { yard, net, tell, programs, recoveryMs } = scene;
  const { clock, timers } = yard.env;
  net.become({ kind: 'none' });
  await startEdge(scene);
  await acknowledged(scene);
  if (fault.kind === 'broker-restart') {
    // The built-in broker lives in the collector.
    await stopPrograms(scene, ['collector', 'broker']);
    await startCentre(scene);
  } else if (fault.kind === 'collector-away') {
    await stopPrograms(scene, ['collector']);
    await timers.sleep(FAULT_MS);
    programs.set('collector', await startYardCollector(yard));
  } else {
    const before = net.struck;
    net.become(fault);
    await timers.sleep(FAULT_MS + (fault.kind === 'late' ? 2 * LATE_MS : 0));
    // A fault that met nothing would prove nothing.
    for (let waitedMs = 0; net.struck === before && waitedMs < STRIKE_PATIENCE_MS; waitedMs += LOOK_MS)
      await timers.sleep(LOOK_MS);
    net.become({ kind: 'none' });
  }
  const endedMs = clock.monotonicMs();
  if (await acknowledged(scene)) {
    const tookMs = Math.round(clock.monotonicMs() - endedMs);
    scene.busyFaults += 1;
    recoveryMs[fault.kind] = Math.max(recoveryMs[fault.kind] ?? 0, tookMs);
    tell(`${yard.broker}: ${fault.kind}, ${tookMs} ms to the next acknowledgement`);
  } else tell(`${yard.broker}: ${fault.kind}, nothing was waiting`);
  await stopPrograms(scene, ['edge']);
}

/** True when an acknowledgement came from now on; false for an edge with an open session that has nothing to send. */
async function acknowledged({ yard }: Scene): Promise<boolean> {
  const { clock, timers } = yard.env;
  const [site] = yard.sites;
  if (site === undefined) return false;
  const byMs = clock.monotonicMs() + RECOVERY_PATIENCE_MS;
  const before = (await figuresOf(yard, site))?.acknowledgements ?? 0;
  let idleLooks = 0;
  while (clock.monotonicMs() < byMs) {
    const now = await figuresOf(yard, site);
    if (now !== undefined && now.acknowledgements > before) return true;
    idleLooks = now?.isOpen === true && now.pending === 0 ? idleLooks + 1 : 0;
    if (idleLooks > IDLE_LOOKS) return false;
    await timers.sleep(LOOK_MS);
  }
  throw new Error(`no acknowledgement within ${RECOVERY_PATIENCE_MS} ms`);
}

/** The proof as `deltawatt prove net` runs it; `--cycles` is how often each fault comes. */
export async function proveNet(env: BenchEnv): Promise<BenchResult> {
  if (env.program === undefined) throw new Error('the program is not built');
  const rounds = env.count ?? 1;
  const profile = await env.readText('config/profiles/generic/idis.yaml');
  const run = { seed: env.seed, rounds, program: env.program, profile };
  const outcome = await runNet(run, (line) => env.progress(`net: ${line}`));
  for (const sample of outcome.samples) env.progress(`net: ${sample}`);
  const { produced, stored, lost, duplicated, altered, invented, counts } = outcome;
  const recoveries = Object.entries(outcome.recoveryMs).map(([kind, ms]) => [`${kind} recoveryMs`, ms]);
  return {
    figures: {
      rounds,
      ...counts,
      busyFaults: outcome.busyFaults,
      ...{ produced, stored, lost, duplicated, altered, invented },
      ...Object.fromEntries(recoveries),
    },
    bars: [
      ...zeroBars(outcome),
      atLeast('faults with readings on their way', outcome.busyFaults, FAULTS.length * rounds),
      atLeast('connections refused or cut', counts.refused + counts.cut, 1),
      atLeast('octets dropped', counts.droppedOctets, 1),
      atLeast('octets delayed', counts.delayedOctets, 1),
      atLeast('bits flipped', counts.flippedBits, 1),
      atLeast('messages delivered twice', counts.doubled, 1),
    ],
  };
}
