/** A simulated fleet and an edge that reads it, as processes of the built program: what the benches of fleets share. */
import { stringify } from 'yaml';
import type { Env } from '../../base/env.ts';
import { assert } from '../../base/errors.ts';
import type { ChildProcess, ProcessHost } from '../../base/process.ts';
import type { MeterCard } from '../../sim/fleet.ts';
import { httpAsk } from '../program.ts';
import type { ProgramCommand } from './bench.ts';

/** What the simulator prints of a meter. */
export type FleetCard = MeterCard;

/** What to simulate. */
export interface FleetWish {
  readonly count: number;
  readonly seed: number;
  /** Absent = generic/idis. */
  readonly profile?: string;
  /** Places that share the meters. */
  readonly listen: readonly string[];
}

/** A fleet that answers. */
export interface RunningFleet {
  readonly process: ChildProcess;
  readonly cards: readonly FleetCard[];
}

/** Starts a fleet with a day of history and the profiles of `folder`/config. */
export async function startFleet(
  host: ProcessHost,
  { file, args }: ProgramCommand,
  folder: string,
  { count, seed, listen, profile = 'generic/idis' }: FleetWish,
): Promise<RunningFleet> {
  const cards: FleetCard[] = [];
  const places = listen.flatMap((url) => ['--listen', url]);
  const what = ['sim', 'fleet', '--count', String(count), '--days', '1', '--seed', String(seed), '--profile', profile];
  let ready: () => void = () => undefined;
  const told = new Promise<void>((resolve) => {
    ready = resolve;
  });
  const process = await host.spawn(file, [...args, ...what, ...places, '--config', `${folder}/config`], {
    folder,
    environment: { PATH: host.searchPath.join(':'), TMPDIR: host.temporaryFolder },
    line: (text) => {
      if (!text.includes('"meterId"')) return;
      cards.push(JSON.parse(text) as FleetCard);
      if (cards.length === count) ready();
    },
  });
  await Promise.race([told, process.ended]);
  assert(cards.length === count, 'the fleet answers');
  return { process, cards };
}

/** Writes enrolment and settings of an edge in `folder`; nobody listens at its broker's port. */
export async function writeSettings(env: Env, folder: string, more: Readonly<Record<string, unknown>>): Promise<void> {
  const key = '11'.repeat(32);
  const keys = { key, commandPublicKey: key, limitsPublicKey: key };
  const enrolment = { edgeId: 'bench', url: 'mqtt://127.0.0.1:1', password: 'x', ...keys };
  await writeText(env, `${folder}/enrolment.json`, JSON.stringify(enrolment));
  const settings = {
    stateFolder: `${folder}/state`,
    enrolmentFile: `${folder}/enrolment.json`,
    profilesFolder: `${folder}/config/profiles`,
    timeZone: 'Europe/Berlin',
    health: { port: 0 },
    ...more,
  };
  await writeText(env, `${folder}/edge.yaml`, stringify(settings));
}

/** A counter of a running edge; 0 while it has not counted. */
export async function metric(env: Env, port: number, name: string): Promise<number> {
  const text = (await httpAsk(env, { port, path: '/metrics' })) ?? '';
  return Number(new RegExp(`^deltawatt_edge_${name}_total (\\d+)`, 'm').exec(text)?.[1] ?? 0);
}

/** Milliseconds of a core that a process has used, all its threads together. */
export async function cpuMs(host: ProcessHost, pid: number): Promise<number> {
  const text = (await host.files.readText(`/proc/${pid}/stat`)) ?? '';
  // utime and stime, the 12th and 13th field behind the name, in ticks of 10 ms.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * 10;
}

/** A text file. */
export function writeText(env: Env, path: string, text: string): Promise<void> {
  return env.disk.writeFile(path, new TextEncoder().encode(text));
}
