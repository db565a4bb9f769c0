/**
 * Meters that were taken in by order of the collector: kept in a file of the state folder, and read beside those of the settings.
 *
 * The settings file is a person's and is never written to: what it names itself goes ahead, so that an adopted meter can be
 * moved there. No password and no key is in an order; they lie in files of the meters folder, under the name of the meter.
 */
import type { Env } from '../base/env.ts';
import { reasonOf } from '../base/errors.ts';
import { isRecord } from '../base/record.ts';
import type { AdoptBody } from '../model/command.ts';
import type { MeterId } from '../model/ids.ts';
import { parseMeterId } from '../model/ids.ts';
import type { EdgeConfig, MeterConfig } from './config.ts';
import { edgeError } from './errors.ts';
import { ADOPTED_MAX_OCTETS, METERS_PER_LINE_MAX } from './limits.ts';

/** A meter that was taken in. */
export interface AdoptedMeter extends Omit<AdoptBody, 'kind'> {
  readonly meterId: MeterId;
}

/** What the file holds; `problem` = it is damaged, and none of it counts. */
export interface AdoptedMeters {
  readonly meters: readonly AdoptedMeter[];
  readonly problem: string | null;
}

/** Where the file lies. */
export function adoptedPath(stateFolder: string): string {
  return `${stateFolder}/adopted.json`;
}

/** Reads the file; rejects with errors of the disk. */
export async function readAdopted(disk: Pick<Env['disk'], 'readFile'>, stateFolder: string): Promise<AdoptedMeters> {
  const path = adoptedPath(stateFolder);
  const octets = await disk.readFile(path);
  if (octets === undefined) return { meters: [], problem: null };
  try {
    return { meters: metersIn(octets), problem: null };
  } catch (error) {
    const words = `${path} is damaged (${reasonOf(error)}): meters that were accepted at the collector are not read. Remove it and accept them again.`;
    return { meters: [], problem: words };
  }
}

/** Writes the file; it is on the disk when this resolves. Rejects with errors of the disk. */
export async function writeAdopted(
  disk: Pick<Env['disk'], 'writeFile' | 'makeFolder'>,
  stateFolder: string,
  meters: readonly AdoptedMeter[],
): Promise<void> {
  await disk.makeFolder(stateFolder);
  const text = `${JSON.stringify({ version: 1, meters }, null, 2)}\n`;
  await disk.writeFile(adoptedPath(stateFolder), new TextEncoder().encode(text));
}

function metersIn(octets: Uint8Array): AdoptedMeter[] {
  if (octets.length > ADOPTED_MAX_OCTETS) throw new Error(`${octets.length} octets`);
  const value: unknown = JSON.parse(new TextDecoder().decode(octets));
  if (!isRecord(value) || value['version'] !== 1 || !Array.isArray(value['meters']))
    throw new Error('it is no list of version 1');
  return value['meters'].map(meterIn);
}

function meterIn(value: unknown): AdoptedMeter {
  if (!isRecord(value)) throw new Error('an entry is no meter');
  const { meterId, line, profile, node, timeZone } = value;
  const id = typeof meterId === 'string' ? parseMeterId(meterId) : null;
  if (id === null || typeof line !== 'string' || typeof profile !== 'string' || typeof node !== 'string')
    throw new Error(`the entry of ${String(meterId)} is not whole`);
  return { meterId: id, line, profile, node, ...(typeof timeZone === 'string' ? { timeZone } : {}) };
}

/** Settings with adopted meters among their lines, and what cannot be. */
export interface WithAdopted {
  readonly config: EdgeConfig;
  /** Ids of meters that come from the file. */
  readonly adopted: ReadonlySet<string>;
  readonly problems: readonly MeterProblem[];
}

/** Why a meter is not read. */
export interface MeterProblem {
  readonly meterId: string;
  readonly sentence: string;
}

/** Puts adopted meters on their lines, behind those of the settings, which go ahead where both name one. */
export async function withAdopted(
  config: EdgeConfig,
  meters: readonly AdoptedMeter[],
  disk: Pick<Env['disk'], 'permissions'>,
): Promise<WithAdopted> {
  const own = new Set(config.lines.flatMap((line) => line.meters.map(({ id }) => id)));
  const left = meters.filter(({ meterId }) => !own.has(meterId));
  const lineIds = new Set(config.lines.map(({ id }) => id));
  const problems: MeterProblem[] = left
    .filter(({ line }) => !lineIds.has(line))
    .map(({ meterId, line }) => ({
      meterId,
      sentence: `meter ${meterId} was accepted on line ${line}, which the settings no longer have`,
    }));
  const adopted = new Set<string>();
  const lines: EdgeConfig['lines'][number][] = [];
  for (const line of config.lines) {
    const named = new Set(line.meters.map(({ serial }) => serial));
    const added: MeterConfig[] = [];
    for (const meter of left) {
      if (meter.line !== line.id || named.has(meter.node)) continue;
      if (line.meters.length + added.length >= METERS_PER_LINE_MAX) {
        const sentence = `meter ${meter.meterId} has no place any more: line ${line.id} has ${METERS_PER_LINE_MAX} meters`;
        problems.push({ meterId: meter.meterId, sentence });
        continue;
      }
      added.push(await entryOf(meter, config.metersFolder, disk));
      adopted.add(meter.meterId);
    }
    lines.push({ ...line, meters: [...line.meters, ...added] });
  }
  return { config: { ...config, lines }, adopted, problems };
}

async function entryOf(
  { meterId, profile, node, timeZone }: AdoptedMeter,
  folder: string,
  disk: Pick<Env['disk'], 'permissions'>,
): Promise<MeterConfig> {
  const there = async (path: string) => ((await disk.permissions(path)) === undefined ? null : path);
  const passwordFile = await there(`${folder}/${meterId}.password`);
  const keysFile = await there(`${folder}/${meterId}.keys`);
  return {
    id: meterId,
    profile,
    serial: node,
    ...(timeZone === undefined ? {} : { timeZone }),
    ...(passwordFile === null ? {} : { passwordFile }),
    ...(keysFile === null ? {} : { keysFile }),
  };
}

/** What of the settings an order may ask of; throws COMMAND_ADOPTION. */
export function mustHaveRoom(config: EdgeConfig, { line, node }: Pick<AdoptedMeter, 'line' | 'node'>): void {
  const place = config.lines.find(({ id }) => id === line);
  if (place === undefined) throw edgeError('COMMAND_ADOPTION', `the settings have no line ${line}`);
  const other = place.meters.find(({ serial }) => serial === node);
  if (other !== undefined) throw edgeError('COMMAND_ADOPTION', `${node} is read as ${other.id}`);
}
