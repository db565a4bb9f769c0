/** From the settings file to what the concentrator is made of: every file that it names is read, all problems are told. */
import type { Env, MqttOptions, StoreKind } from '../base/env.ts';
import { reasonOf } from '../base/errors.ts';
import type { MeterId } from '../model/ids.ts';
import { type AdoptedMeter, mustHaveRoom, readAdopted, withAdopted, writeAdopted } from './adopted.ts';
import { builtInLimits, type EdgeLimits, readLimits } from './commands/limits-document.ts';
import type { EdgeConfig } from './config.ts';
import { type Enrolment, parseEnrolment } from './enrolment.ts';
import { edgeError } from './errors.ts';
import { EVICTION_ORDER, type EvictionClass } from './eviction-order.ts';
import { type LineSettings, linesOf, type SettingsSurroundings } from './line-settings.ts';
import { fileOf, textOf } from './named-file.ts';
import { SitePlan } from './plan-settings.ts';
import type { AdoptedAs, Adopting, Meter } from './ports.ts';

/** What a concentrator is made of. */
export interface EdgeSettings {
  readonly enrolment: Enrolment;
  readonly software: string;
  readonly broker: Omit<MqttOptions, 'keepAliveS' | 'connectTimeoutMs'>;
  readonly stateFolder: string;
  readonly limits: EdgeLimits;
  /** Why the limits document does not count, or null. */
  readonly limitsProblem: string | null;
  readonly spreadMs: number;
  readonly quotaOctets: number;
  /** What is given up first when the quota is full; absent = as built in. */
  readonly evictionOrder?: readonly EvictionClass[];
  /** Unacknowledged blocks older than this are given up; absent = never. */
  readonly keepMs?: number;
  /** Which store holds the journal; absent = chosen by what loads. */
  readonly storeKind?: StoreKind;
  /** Size of the ballast file; absent = none. */
  readonly ballastOctets?: number;
  readonly flushAfterMs: number;
  /** Null = as far back as buffers reach. */
  readonly historyMs: number | null;
  /** Wait between an order to a relay and the first look at it, ms. */
  readonly relaySettleMs: number;
  /** Longest validity of an order to a relay, ms. */
  readonly orderValidityMs: number;
  /** How far clocks of meters may be off here. */
  readonly clock: { readonly toleranceS?: number; readonly maxStepS?: number };
  /** After how much silence a meter is a permanent failure, ms. */
  readonly permanentAfterMs: number;
  /** Whether a relay may be ordered in clear; absent = allow. */
  readonly plainRelay?: 'allow' | 'refuse';
  /** Null = no HTTP server. */
  readonly health: { readonly host: string; readonly port: number } | null;
  /** Null = no gateway. */
  readonly gateway: GatewaySettings | null;
  readonly lines: readonly LineSettings[];
  readonly plan: SitePlan;
  /** Takes in meters that the collector orders; absent = none are. */
  readonly adopting?: Adopting;
  /** What keeps meters that were taken in from being read, each in a sentence; absent = nothing. */
  readonly adoptedProblems?: readonly string[];
}

/** How tools of the head-end get through to meters. */
export interface GatewaySettings {
  readonly host: string;
  readonly port: number;
  readonly networkId: number;
  readonly meters: readonly MeterId[];
  readonly idleMs: number;
  readonly holdMs: number;
}

const DAY_MS = 86_400_000;
const MIB_OCTETS = 1024 * 1024;

/** Reads everything; throws EDGE_FILE, EDGE_ENROLMENT or EDGE_SETTINGS. */
export async function resolveSettings(config: EdgeConfig, around: SettingsSurroundings): Promise<EdgeSettings> {
  const { env } = around;
  const enrolment = parseEnrolment(await fileOf(env, config.enrolmentFile));
  const { limits, limitsProblem } = await limitsOf(config, enrolment, env);
  const broker = await brokerOf(config, enrolment, env);
  const taken = await linesWithAdopted(config, around);
  return {
    enrolment,
    software: around.software,
    broker,
    stateFolder: config.stateFolder,
    limits,
    limitsProblem,
    spreadMs: config.uplink.spreadS * 1000,
    quotaOctets: config.journal.quotaMiB * MIB_OCTETS,
    storeKind: config.journal.store,
    evictionOrder: [config.journal.evictFirst, ...EVICTION_ORDER.filter((each) => each !== config.journal.evictFirst)],
    ...(config.journal.keepDays === 0 ? {} : { keepMs: config.journal.keepDays * DAY_MS }),
    ...(config.journal.ballastMiB === 0 ? {} : { ballastOctets: config.journal.ballastMiB * MIB_OCTETS }),
    flushAfterMs: config.journal.flushS * 1000,
    historyMs: config.reading.historyDays === 0 ? null : config.reading.historyDays * DAY_MS,
    relaySettleMs: config.order.checkDelayS * 1000,
    orderValidityMs: config.order.validityS * 1000,
    clock: config.clock,
    permanentAfterMs: config.reading.permanentAfterS * 1000,
    plainRelay: config.reading.plainRelay,
    health: config.health,
    gateway: gatewayOf(config),
    lines: taken.lines,
    adoptedProblems: taken.problems,
    adopting: adoptingOf(config, around),
    plan: new SitePlan(config.plan),
  };
}

function gatewayOf({ gateway }: EdgeConfig): GatewaySettings | null {
  if (gateway === undefined) return null;
  const { host, port, networkId, meters, idleS, holdS } = gateway;
  return { host, port, networkId, meters: meters as MeterId[], idleMs: idleS * 1000, holdMs: holdS * 1000 };
}

async function brokerOf(config: EdgeConfig, enrolment: Enrolment, env: Env): Promise<EdgeSettings['broker']> {
  const { url, caFile, certFile, keyFile } = config.uplink;
  const tls = {
    ...(caFile === undefined ? {} : { ca: await textOf(env, caFile) }),
    ...(certFile === undefined ? {} : { cert: await textOf(env, certFile) }),
    ...(keyFile === undefined ? {} : { key: await textOf(env, keyFile) }),
  };
  const { edgeId, password } = enrolment;
  const address = url ?? enrolment.url;
  if (!isPrivate(address)) throw edgeError('EDGE_PLAIN_MQTT', address);
  return {
    url: address,
    clientId: edgeId,
    username: edgeId,
    password,
    ...(Object.keys(tls).length === 0 ? {} : { tls }),
  };
}

/** Whether what is said to this broker stays on this machine or travels in TLS. */
function isPrivate(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === 'mqtts:' || /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}

/** A document that does not verify does not stop the concentrator: the built-in limits are the stricter ones. */
async function limitsOf(config: EdgeConfig, enrolment: Enrolment, env: Env) {
  const limits = builtInLimits(enrolment.edgeId);
  if (config.limitsFile === undefined) return { limits, limitsProblem: null };
  try {
    const octets = await fileOf(env, config.limitsFile);
    return { limits: readLimits(octets, enrolment.edgeId, enrolment.limitsPublicKey, env.crypto), limitsProblem: null };
  } catch (error) {
    return { limits, limitsProblem: reasonOf(error) };
  }
}

/** The lines with the meters that were taken in; one of those that cannot be read keeps nobody else from being read. */
async function linesWithAdopted(own: EdgeConfig, around: SettingsSurroundings) {
  const { meters, problem } = await readAdopted(around.env.disk, own.stateFolder);
  const { config, adopted, problems } = await withAdopted(own, meters, around.env.disk);
  const untaken = [...problems];
  const lines = await linesOf(config, around, { ids: adopted, untaken });
  const sentences = untaken.map(({ sentence }) => sentence);
  return { lines, problems: problem === null ? sentences : [problem, ...sentences] };
}

/** What an order to take a meter in is checked with: the settings as they would be. */
function adoptingOf(own: EdgeConfig, around: SettingsSurroundings): Adopting {
  const { disk } = around.env;
  let last: Promise<unknown> = Promise.resolve();
  const adopt = async (meter: AdoptedMeter): Promise<AdoptedAs> => {
    mustHaveRoom(own, meter);
    const { meters, problem } = await readAdopted(disk, own.stateFolder);
    if (problem !== null) throw edgeError('COMMAND_ADOPTION', problem);
    const isSame = (each: AdoptedMeter) => each.meterId === meter.meterId || each.node === meter.node;
    const after = [...meters.filter((each) => !isSame(each)), meter];
    const { config, adopted, problems } = await withAdopted(own, after, disk);
    const untaken = [...problems];
    const lines = await linesOf(config, around, { ids: adopted, untaken }).catch((error: unknown) => {
      throw edgeError('COMMAND_ADOPTION', reasonOf(error));
    });
    const faults = untaken.filter(({ meterId }) => meterId === meter.meterId);
    if (faults.length > 0) throw edgeError('COMMAND_ADOPTION', faults.map(({ sentence }) => sentence).join('; '));
    await writeAdopted(disk, own.stateFolder, after);
    const made = lines.flatMap((line) => line.meters).find(({ meterId }) => meterId === meter.meterId);
    return { missing: made === undefined ? null : missingOf(made, own.metersFolder) };
  };
  return {
    adopt(meter) {
      const done = last.then(() => adopt(meter));
      last = done.catch(() => undefined);
      return done;
    },
  };
}

/** The file without which the meter will let nobody in; null = all is there. */
function missingOf({ meterId, profile, password, security }: Meter, folder: string): string | null {
  const reading = profile.clients.find(({ uses }) => uses.includes('read'));
  if (reading === undefined || reading.security === 'none') return null;
  if (reading.security === 'lls') return password === null ? `${folder}/${meterId}.password` : null;
  return (security ?? null) === null ? `${folder}/${meterId}.keys` : null;
}
