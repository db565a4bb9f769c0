/** `deltawatt demo`: the whole system on a desk, to look at, or once through with a verdict. */
import type { Env } from '../../base/env.ts';
import type { ProcessHost } from '../../base/process.ts';
import { noteLock, takeLock } from '../../host/process-lock.ts';
import { DEFAULT_TENANT } from '../../model/ids.ts';
import type { Misbehaviour } from '../../sim/serve/misbehave.machine.ts';
import { isClean, type Verdict } from '../oracle.ts';
import { judgeVirtual } from '../virtual-verdict.ts';
import { type CapturePort, loadCaptureCases, portsOf } from './capture-cases.ts';
import { type CapturePorts, openCapturePorts } from './capture-ports.ts';
import { type CapturesReport, capturesHold, capturesOnce, capturesText } from './captures-once.ts';
import { waitUntilStored } from './once.ts';
import { type ExtraLine, type Site, type SiteOptions, startSite } from './site.ts';
import { MIXED_STREET, type StreetLine, tcpStreet } from './street.ts';

/** Days of history that the demo's meters hold. */
export const DEMO_DAYS = 14;
/**
 * What a person who looks at the demo should see first: a meter that never answers, and one whose line garbles
 * what it says.
 * By their number from 0; all are electricity meters alone on their line, and a fleet needs more than seven to have them.
 */
const FLEET_MISBEHAVIOURS: ReadonlyMap<number, Misbehaviour> = new Map([
  [6, 'silent'],
  [7, 'garbage'],
]);
const STREET_MISBEHAVIOURS: ReadonlyMap<number, Misbehaviour> = new Map([
  [3, 'silent'],
  [4, 'garbage'],
]);

/** What is asked of the demo. */
export interface DemoOptions extends Pick<SiteOptions, 'folder' | 'configFolder' | 'webFolder' | 'seed'> {
  /** So many meters on TCP; absent = a street with lines of every kind. */
  readonly meters?: number;
  readonly port: number;
  /** The port was asked for by name: another one is no substitute. */
  readonly portIsFixed: boolean;
  readonly tell: (line: string) => void;
  /** The run is judged at its end: every meter behaves. Otherwise two of them show what trouble looks like. */
  readonly once: boolean;
  /** File with captured pushes that are played into customer ports, null = none. */
  readonly capturesFile: string | null;
}

/** A running demo. */
export interface Demo extends Site {
  /** Customer ports for captures, when they were asked for. */
  readonly captures: { readonly ports: readonly CapturePort[]; readonly lines: CapturePorts } | null;
}

/** The outcome of one run through. */
export interface DemoReport extends Omit<Verdict, 'samples'> {
  readonly meters: number;
  /** Values stored: the same as `stored`, the word that wire figures use. */
  readonly values: number;
  /** Octets of blocks that the edge sent. */
  readonly payloadBytes: number;
  /** MQTT octets of the edge, both ways. */
  readonly mqttBytes: number;
  /** From the start of the meters to the last acknowledgement. */
  readonly seconds: number;
  readonly samples: readonly string[];
}

/** The demo cannot start, and what to do about it. */
export class DemoError extends Error {
  override readonly name = 'DemoError';
}

/** Starts the site under the folder's lock; the lock goes with the site. Throws {@link DemoError}. */
export async function startDemo(env: Env, host: ProcessHost, options: DemoOptions): Promise<Demo> {
  const lockPath = `${options.folder}/demo.lock`;
  const lock = takeLock(lockPath, 'starting');
  if (lock.kind === 'held') {
    throw new DemoError(
      `A demo of this folder runs already (process ${lock.pid}, ${lock.note}). Stop it with Ctrl-C where it runs, or give this one another folder with --data DIR.`,
    );
  }
  let captures: Demo['captures'] = null;
  const end = async (): Promise<void> => {
    await captures?.lines.close();
    lock.release();
  };
  try {
    captures = options.capturesFile === null ? null : await openCaptures(env, options, options.capturesFile);
    const site = await startOnSomePort(env, host, options, captures?.lines.lines ?? []);
    noteLock(lockPath, site.collector.url ?? '');
    return {
      ...site,
      captures,
      stop: async () => {
        await site.stop();
        await end();
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Ports for all captures of a file, with their keys in the demo's folder. */
async function openCaptures(env: Env, options: DemoOptions, file: string): Promise<NonNullable<Demo['captures']>> {
  const { folder, configFolder, tell } = options;
  const files = { captures: file, profilesFolder: `${configFolder}/profiles` };
  const ports = portsOf(await loadCaptureCases(env.disk, files));
  tell(`opening ${ports.length} customer ports`);
  await env.disk.makeFolder(folder);
  return { ports, lines: await openCapturePorts(env, ports, `${folder}/keys`) };
}

/** The lines of simulated meters. */
function streetOf({ meters }: Pick<DemoOptions, 'meters'>): readonly StreetLine[] {
  return meters === undefined ? MIXED_STREET : tcpStreet(meters);
}

/** Meters that are simulated. */
export function metersOf(options: Pick<DemoOptions, 'meters'>): number {
  return streetOf(options).reduce((sum, { profiles }) => sum + profiles.length, 0);
}

/** A port that is taken is replaced by a free one, unless it was asked for. */
async function startOnSomePort(
  env: Env,
  host: ProcessHost,
  options: DemoOptions,
  extraLines: readonly ExtraLine[],
): Promise<Site> {
  const start = (port: number) =>
    startSite(env, host, {
      ...options,
      port,
      days: DEMO_DAYS,
      street: streetOf(options),
      extraLines,
      ...(options.once
        ? {}
        : { misbehaviours: options.meters === undefined ? STREET_MISBEHAVIOURS : FLEET_MISBEHAVIOURS }),
    });
  const taken = await isTaken(env, options.port);
  if (!taken) return start(options.port);
  if (options.portIsFixed) {
    throw new DemoError(
      `Port ${options.port} is taken by another program. Give another one with --port, or 0 for any.`,
    );
  }
  options.tell(`port ${options.port} is taken by another program; taking a free one instead`);
  return start(0);
}

async function isTaken(env: Env, port: number): Promise<boolean> {
  if (port === 0) return false;
  try {
    const listener = await env.net.listenTcp('127.0.0.1', port, (duplex) => duplex.close());
    await listener.close();
    return false;
  } catch {
    return true;
  }
}

/** A way in without typing. The token is random, dies with the demo's store, and is told to nobody but its starter. */
export interface DemoEntry {
  readonly url: string;
  readonly token: string;
  /** The console, signed in; the token stands behind `#`, which browsers keep to themselves. */
  readonly link: string;
}

/** Makes an administrator's token for the person at this desk. */
export async function demoEntry(site: Site): Promise<DemoEntry> {
  const url = site.collector.url ?? '';
  const request = { name: 'demo', role: 'admin', tenantId: DEFAULT_TENANT } as const;
  const { text } = await site.collector.auth.issue(request, 'demo');
  return { url, token: text, link: `${url}/#/enter?token=${text}` };
}

/** A verdict, for programs and for people. */
export interface OnceResult {
  readonly report: Partial<DemoReport> & Partial<CapturesReport>;
  readonly text: string;
  readonly holds: boolean;
}

/** Once through: captures when there are ports for them, then all that the meters held. */
export async function runOnce(env: Env, demo: Demo, options: DemoOptions): Promise<OnceResult> {
  const { captures } = demo;
  const played = captures === null ? null : await capturesOnce(env, demo, captures.ports, captures.lines, options);
  const read = metersOf(options) === 0 ? null : await demoOnce(env, demo, options);
  return {
    report: { ...read, ...played },
    text: `${played === null ? '' : capturesText(played)}${read === null ? '' : demoText(read)}`,
    holds: (played === null || capturesHold(played)) && (read === null || isClean(read)),
  };
}

/** Lets the site store all that its meters held, and compares. */
async function demoOnce(env: Env, site: Site, options: DemoOptions): Promise<DemoReport> {
  const startedMs = env.clock.monotonicMs();
  const untilMs = env.clock.nowMs();
  await waitUntilStored(env, site, untilMs, options.tell);
  const seconds = Math.round((env.clock.monotonicMs() - startedMs) / 100) / 10;
  options.tell('everything is stored; comparing what the meters produced with what the collector holds');
  const { payloadOctets, mqttOctets } = site.edge.uplinkState();
  await site.simulator.record();
  const ledger = (await env.disk.readFile(site.ledgerFile)) ?? new Uint8Array(0);
  const verdict = await judgeVirtual(ledger, site.store, { untilMs, toldToo: false });
  return {
    meters: metersOf(options),
    ...verdict,
    values: verdict.stored,
    payloadBytes: payloadOctets,
    mqttBytes: mqttOctets,
    seconds,
  };
}

/** The report for people. */
function demoText(report: DemoReport): string {
  const { meters, produced, stored, lost, duplicated, altered, invented } = report;
  const perValue = (report.payloadBytes / Math.max(1, report.values)).toFixed(2);
  const lines = [
    `${meters} meters, ${DEMO_DAYS} days: ${produced} values produced, ${stored} stored in ${report.seconds} s`,
    `lost ${lost}, duplicated ${duplicated}, altered ${altered}, invented ${invented}`,
    `${report.payloadBytes} octets of blocks (${perValue} a value), ${report.mqttBytes} octets of MQTT`,
    ...report.samples.map((sample) => `  ${sample}`),
  ];
  return `${lines.join('\n')}\n`;
}
