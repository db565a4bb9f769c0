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
import { type Collector, startCollector } from '../../collector/collector.ts';
import { type OpenStore, openStore } from '../../collector/store/open.ts';
import { Concentrator } from '../../edge/concentrator.ts';
import { EDGE_CONFIG } from '../../edge/config.ts';
import { resolveSettings } from '../../edge/settings.ts';
import { DEFAULT_TENANT, type EdgeId, type MeterId } from '../../model/ids.ts';
import { SIM_PASSWORD } from '../../sim/fleet.ts';
import type { Misbehaviour } from '../../sim/serve/misbehave.machine.ts';
import { Simulator } from '../../sim/simulator.ts';

/** Settings of a site. */
export interface SiteOptions {
  /** Absolute folder; made when it is missing. */
  readonly folder: string;
  /** Folder with `profiles/` and `loads/`. */
  readonly configFolder: string;
  readonly webFolder: string;
  /** Port of REST and console, 0 = a free one. */
  readonly port: number;
  readonly meters: number;
  readonly seed: string;
  /** Days of history in the meters. */
  readonly days: number;
  /** Profiles that the meters take in turn. */
  readonly profiles: readonly string[];
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
  readonly sampleS: number;
  readonly meters: readonly {
    readonly id: string;
    readonly profile: string;
    readonly timeZone: string;
    readonly keysFile?: string;
  }[];
}

/** The concentrator of the demo. */
export const DEMO_EDGE = 'demo-edge' as EdgeId;
/** Zone of the site. */
export const DEMO_ZONE = 'Europe/Berlin';

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
  tell(`making ${options.meters} meters with ${options.days} days of history`);
  const ledgerFile = `${folder}/sim/ledger`;
  const simulator = await startMeters(env, options, ledgerFile);
  ends.push(() => simulator.stop());
  const edge = await startEdge(env, options, collector, opened.store, simulator);
  ends.push(() => edge.stop());
  return { collector, store: opened.store, edge, simulator, ledgerFile, databaseEnded: opened.cluster.ended };
}

function startMeters(env: Env, options: SiteOptions, ledgerFile: string): Promise<Simulator> {
  const { configFolder, profiles, meters, seed, days, misbehaviours } = options;
  return Simulator.start(env, {
    configFolder,
    profiles,
    listen: ['tcp://127.0.0.1:0'],
    count: meters,
    seed,
    days,
    timeZone: DEMO_ZONE,
    ledgerFile,
    ...(misbehaviours === undefined ? {} : { misbehaviours }),
  });
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
  const simulated = simulatedLines(simulator, `${folder}/meters.password`, keyFiles);
  const lines = [...simulated, ...(options.extraLines ?? [])];
  const names = houseNames(simulator, options.profiles.length);
  for (const { id, profile, timeZone } of lines.flatMap((line) => line.meters)) {
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

/** A street for the desk: the meters of one turn of the profiles hang in one house. */
function houseNames(simulator: Simulator, perHouse: number): Map<string, string> {
  const flats = new Map<number, number>();
  return new Map(
    simulator.meters.map(({ device }, at) => {
      const house = Math.floor(at / perHouse) + 1;
      if (device.profile.medium !== 'electricity')
        return [device.meterId, `Mill Lane ${house}, ${device.profile.medium}`];
      const flat = (flats.get(house) ?? 0) + 1;
      flats.set(house, flat);
      return [device.meterId, `Mill Lane ${house}, flat ${flat}`];
    }),
  );
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

function simulatedLines(simulator: Simulator, passwordFile: string, keyFiles: ReadonlyMap<string, string>) {
  const lines = new Map<
    string,
    { id: string; profile: string; timeZone: string; serial: string; passwordFile?: string; keysFile?: string }[]
  >();
  for (const { meter, url } of simulator.reached) {
    const { meterId, serial, profile } = meter.device;
    const secret = profile.clients.some((client) => client.security === 'lls') ? { passwordFile } : {};
    const keysFile = keyFiles.get(meterId);
    const keys = keysFile === undefined ? {} : { keysFile };
    const settings = { id: meterId, profile: profile.key, timeZone: DEMO_ZONE, serial, ...secret, ...keys };
    lines.set(url, [...(lines.get(url) ?? []), settings]);
  }
  return [...lines].map(([url, meters], at) => ({ id: `line${at + 1}`, url, meters }));
}
