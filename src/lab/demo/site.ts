/**
 * The whole system on one desk: simulated meters, one concentrator, the broker, PostgreSQL and the collector, in one
 * process beside the database server. Every part is the real one; only the meters are played.
 *
 * Plan: what the collector keeps between runs is its database server (making one takes seconds); its contents, the edge's
 * journal and the ledger begin anew, since the meters' history ends at the moment of the start.
 */

import { stringify } from 'yaml';
import { parseConfig } from '../../base/config.ts';
import type { Env } from '../../base/env.ts';
import type { ProcessHost } from '../../base/process.ts';
import { isoText } from '../../base/time.ts';
import { type Collector, startCollector } from '../../collector/collector.ts';
import { type OpenStore, openStore } from '../../collector/store/open.ts';
import { Concentrator } from '../../edge/concentrator.ts';
import { EDGE_CONFIG } from '../../edge/config.ts';
import { resolveSettings } from '../../edge/settings.ts';
import { openPseudoTerminal } from '../../host/pseudo-terminal.ts';
import { octetMsOf } from '../../link/serial.ts';
import { DEFAULT_TENANT, type EdgeId, type MeterId } from '../../model/ids.ts';
import { SIM_PASSWORD } from '../../sim/fleet.ts';
import type { GivenLine } from '../../sim/serve/listen.ts';
import type { Misbehaviour } from '../../sim/serve/misbehave.machine.ts';
import { Simulator } from '../../sim/simulator.ts';
import { entriesBehind, entryOf, type MeterEntry, type MeterFiles } from '../meter-settings.ts';
import { BUS_BAUD, namesOn, P1_BAUD, type StreetLine } from './street.ts';

/** Settings of a site. */
export interface SiteOptions {
  /** Absolute folder; made when it is missing. */
  readonly folder: string;
  /** Folder with `profiles/` and `loads/`. */
  readonly configFolder: string;
  readonly webFolder: string;
  /** Port of REST and console, 0 = a free one. */
  readonly port: number;
  readonly seed: string;
  /** Days of history in the meters. */
  readonly days: number;
  /** Lines with simulated meters. */
  readonly street: readonly StreetLine[];
  /** Lines of the edge beside the simulated meters'. */
  readonly extraLines?: readonly ExtraLine[];
  /** Meters that misbehave, by their number from 0; none in a run that is judged. */
  readonly misbehaviours?: ReadonlyMap<number, Misbehaviour>;
  /** Says what is being done, for people. */
  readonly tell: (line: string) => void;
}

/** A line that is not served by the simulator. */
export interface ExtraLine {
  readonly id: string;
  readonly url: string;
  readonly sampleS?: number;
  readonly meters: readonly MeterEntry[];
}

/** The concentrator of the demo. */
export const DEMO_EDGE = 'demo-edge' as EdgeId;
/** Zone of the site. */
export const DEMO_ZONE = 'Europe/Berlin';

const DAY_MS = 86_400_000;
/** Meters and edge share a process here: while it computes, a line pauses in the middle of a frame. */
const GAP_MS = 2_000;
const FOLD_PERIOD_MS = 10_000;
/** Connections of one address in a minute: everything on a desk comes from one. */
const BROKER_CONNECTIONS = 1_000;

/** A running site. */
export interface Site {
  readonly collector: Collector;
  readonly store: OpenStore['store'];
  readonly edge: Concentrator;
  readonly simulator: Simulator;
  /** File of the ledger. */
  readonly ledgerFile: string;
  /** Resolves with a reason when the database server ended by itself. */
  readonly databaseEnded: Promise<string>;
  /** Ends everything, last started first. */
  stop(): Promise<void>;
}

/** Starts everything; a failure ends again what had started. */
export async function startSite(env: Env, host: ProcessHost, options: SiteOptions): Promise<Site> {
  const ends: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const end of ends.splice(0).reverse()) await end();
  };
  try {
    return { ...(await startParts(env, host, options, ends)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startParts(
  env: Env,
  host: ProcessHost,
  options: SiteOptions,
  ends: (() => Promise<void>)[],
): Promise<Omit<Site, 'stop'>> {
  const { folder, tell } = options;
  await env.disk.makeFolder(folder);
  for (const name of ['edge', 'sim']) {
    await env.disk.remove(`${folder}/${name}`);
    await env.disk.makeFolder(`${folder}/${name}`);
  }
  tell('starting PostgreSQL');
  const opened = await openStore(env, host, { stateFolder: `${folder}/collector`, programs: 'auto', fresh: true });
  ends.push(() => opened.close());
  tell(`PostgreSQL ${opened.cluster.version ?? ''} (${opened.cluster.origin}) is up; starting the collector`);
  const collector = await startCollector(env, opened.store, {
    keysFolder: `${folder}/collector/keys`,
    broker: { kind: 'embedded', host: '127.0.0.1', port: 0, addressConnections: BROKER_CONNECTIONS },
    foldPeriodMs: FOLD_PERIOD_MS,
    api: { host: '127.0.0.1', port: options.port, webFolder: options.webFolder },
  });
  ends.push(() => collector.stop());
  const ledgerFile = `${folder}/sim/ledger`;
  const simulator = await startMeters(env, options, ledgerFile, ends);
  const edge = await startEdge(env, options, collector, opened.store, simulator);
  ends.push(() => edge.stop());
  return { collector, store: opened.store, edge, simulator, ledgerFile, databaseEnded: opened.cluster.ended };
}

async function startMeters(
  env: Env,
  options: SiteOptions,
  ledgerFile: string,
  ends: (() => Promise<void>)[],
): Promise<Simulator> {
  const { configFolder, street, seed, days, misbehaviours, tell } = options;
  const counts = street.map(({ profiles }) => profiles.length);
  const count = counts.reduce((sum, each) => sum + each, 0);
  tell(`making ${count} meters with ${days} days of history`);
  const listen: (string | GivenLine)[] = [];
  for (const line of street) listen.push(await placeOf(line, ends));
  const simulator = await Simulator.start(env, {
    configFolder,
    profiles: street.flatMap(({ profiles }) => profiles),
    listen,
    count,
    counts,
    seed,
    days,
    timeZone: DEMO_ZONE,
    ledgerFile,
    ...(misbehaviours === undefined ? {} : { misbehaviours }),
  });
  ends.push(() => simulator.stop());
  return simulator;
}

/** Where the meters of a line are; the pseudo-terminals of buses and ports go with the site. */
async function placeOf({ kind }: StreetLine, ends: (() => Promise<void>)[]): Promise<string | GivenLine> {
  if (kind === 'tcp' || kind === 'prime-tcp') return `${kind}://127.0.0.1:0`;
  const terminal = await openPseudoTerminal();
  ends.push(() => terminal.close());
  const { path, master } = terminal;
  const [baud, url] =
    kind === 'p1'
      ? [P1_BAUD, `push+serial://${path}?baud=${P1_BAUD}&framing=p1&gap=${GAP_MS}`]
      : [BUS_BAUD, `serial://${path}?baud=${BUS_BAUD}&gap=${GAP_MS}`];
  return { url, duplex: master, octetMs: octetMsOf({ baud, parity: 'none', dataBits: 8, stopBits: 1 }) };
}

/** Enrols the concentrator as an operator would, writes its files, and starts it from them. */
async function startEdge(
  env: Env,
  options: SiteOptions,
  collector: Collector,
  store: OpenStore['store'],
  simulator: Simulator,
): Promise<Concentrator> {
  const folder = `${options.folder}/edge`;
  const write = (name: string, text: string) => env.disk.writeFile(`${folder}/${name}`, new TextEncoder().encode(text));
  const enrolment = await collector.enroller.adopt(DEMO_EDGE, DEFAULT_TENANT, 'demo');
  await write('enrolment.json', `${JSON.stringify(enrolment, null, 2)}\n`);
  await write('meters.password', SIM_PASSWORD);
  const keyFiles = await writeKeyFiles(env, simulator, folder);
  const installedAt = isoText(env.clock.nowMs() - options.days * DAY_MS);
  const files = { passwordFile: `${folder}/meters.password`, keysFile: (id: string) => keyFiles.get(id), installedAt };
  const lines = [...simulatedLines(simulator, options.street, files), ...(options.extraLines ?? [])];
  const names = streetNames(simulator, options.street);
  for (const { id, profile, timeZone = DEMO_ZONE } of lines.flatMap((line) => line.meters)) {
    const meterId = id as MeterId;
    const name = names.get(id);
    await store.saveMeter({
      meterId,
      tenantId: DEFAULT_TENANT,
      profile,
      timeZone,
      ...(name === undefined ? {} : { name }),
    });
    await store.placeMeter(meterId, DEMO_EDGE, 0);
  }
  const text = stringify({
    stateFolder: `${folder}/state`,
    enrolmentFile: `${folder}/enrolment.json`,
    profilesFolder: `${options.configFolder}/profiles`,
    timeZone: DEMO_ZONE,
    uplink: { spreadS: 0 },
    journal: { flushS: 2 },
    health: { port: 0 },
    lines,
  });
  await write('edge.yaml', text);
  const parsed = parseConfig(EDGE_CONFIG, text);
  if (!parsed.ok) throw new Error(parsed.problems.map(({ path, sentence }) => `${path}: ${sentence}`).join('; '));
  const around = { env, linkEnv: env, profilesFolder: `${options.configFolder}/profiles`, software: 'deltawatt demo' };
  return Concentrator.start(env, await resolveSettings(parsed.config, around));
}

/** What the console calls the meters, by id. */
function streetNames(simulator: Simulator, street: readonly StreetLine[]): Map<string, string> {
  const names = new Map<string, string>();
  let from = 0;
  for (const line of street) {
    const own = simulator.meters.slice(from, from + line.profiles.length);
    from += own.length;
    const named = namesOn(
      line,
      own.map(({ device }) => device.profile.medium),
    );
    for (const [at, { device }] of own.entries()) names.set(device.meterId, named[at] ?? '');
  }
  return names;
}

/** A key file for each meter that signs on with keys, by meter. */
async function writeKeyFiles(env: Env, simulator: Simulator, folder: string): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (const { meter, url, framing, address } of simulator.reached) {
    const { meterId, keys } = meter.cardAt(url, framing, address);
    if (keys === undefined) continue;
    const path = `${folder}/${meterId}.keys`;
    await env.disk.writeFile(path, new TextEncoder().encode(stringify(keys)));
    files.set(meterId, path);
  }
  return files;
}

/** A line of the settings for each address; the meters behind a base node have one address in common. */
function simulatedLines(simulator: Simulator, street: readonly StreetLine[], files: MeterFiles): readonly ExtraLine[] {
  const lineOf = new Map<string, StreetLine>();
  let from = 0;
  for (const line of street) {
    for (const { device } of simulator.meters.slice(from, from + line.profiles.length))
      lineOf.set(device.meterId, line);
    from += line.profiles.length;
  }
  const lines = new Map<string, { readonly id: string; readonly kind: string; readonly meters: MeterEntry[] }>();
  for (const { meter, url } of simulator.reached) {
    // Those behind another one stand behind it.
    if (meter.host !== null) continue;
    const { id = 'line', kind = 'tcp' } = lineOf.get(meter.device.meterId) ?? {};
    const address = kind === 'prime-tcp' ? url.slice(0, url.lastIndexOf('/')) : url;
    const alike = [...lines.values()].filter((other) => other.id.split('-')[0] === id).length;
    const line = lines.get(address) ?? { id: alike === 0 ? id : `${id}-${alike + 1}`, kind, meters: [] };
    line.meters.push(entryOf(meter, files), ...entriesBehind(meter, files));
    lines.set(address, line);
  }
  // Every telegram is stored: what a port told is all there is to compare.
  return [...lines].map(([url, { id, kind, meters }]) => ({
    id,
    url,
    meters,
    ...(kind === 'p1' ? { sampleS: 0 } : {}),
  }));
}
