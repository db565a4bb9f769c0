/**
 * Scalers and units as a meter told them, over restarts of the edge.
 *
 * What was told before a restart is never what rows are scaled by: the first list of each start asks it again, beside the
 * values, where it costs octets and no round trip. What is kept serves three things: a meter that was changed while the edge
 * was down is noticed and told (another transformer ratio, another meter in its place); a register whose scaler the meter
 * refuses for once keeps the one that it told; and what a meter tells by itself before the first list has its unit.
 *
 * One kept value a meter, with version and checksum; a damaged one counts as none and is written anew.
 */

import type { Env } from '../../base/env.ts';
import type { GetDataResult } from '../../dlms/xdlms/service.ts';
import type { MeterEvent } from '../../model/event.ts';
import { type ReadRequest, scalerRequests } from '../../profile/plan.ts';
import type { Scaler } from '../../profile/readout.ts';
import { entryWith } from '../entry.ts';
import { recordIn, recordOctets } from '../kept-record.ts';
import { KNOWN_UNITS_MAX_OCTETS } from '../limits.ts';
import type { Health, Journal, Meter, ReadingStage } from '../ports.ts';
import { scalerFrom } from './object-values.ts';

/** Scalers by OBIS. */
export type Scalers = ReadonlyMap<string, Scaler>;

const PREFIX = 'units/';
const VERSION = 1;
/** Code and name of the event that tells of other units in the edge's own log. */
const CHANGED = { code: 5, name: 'units-changed' } as const;

/** What learning needs of a job. */
export interface UnitsScene {
  readonly meter: Pick<Meter, 'meterId' | 'profile'>;
  readonly memory: { scalers: Scalers | null; keptScalers: Scalers | null };
  readonly around: {
    readonly line: string;
    readonly stage: Pick<ReadingStage, 'add'>;
    readonly health: Pick<Health, 'count'>;
    readonly wallMs: () => number;
  };
}

/** The scalers that go with the next list: none once the meter told them since the start, or its last firmware. */
export function unknownScalers({ meter, memory }: Pick<UnitsScene, 'meter' | 'memory'>): readonly ReadRequest[] {
  return memory.scalers === null ? scalerRequests(meter.profile) : [];
}

/** The meter told them, or refused some. Rejects with JOURNAL_* when what changed cannot be stored. */
export async function learnScalers(
  scene: UnitsScene,
  requests: readonly ReadRequest[],
  results: readonly (GetDataResult | undefined)[],
): Promise<void> {
  if (requests.length === 0) return;
  const { memory, meter, around } = scene;
  const before = memory.keptScalers;
  const scalers = new Map<string, Scaler>();
  const others: string[] = [];
  for (const [at, { obis }] of requests.entries()) {
    const known = before?.get(obis);
    const scaler = scalerFrom(results[at]) ?? known;
    if (scaler === undefined) continue;
    scalers.set(obis, scaler);
    if (known !== undefined && !isSame(known, scaler)) others.push(`${obis} ${words(scaler)}, before ${words(known)}`);
  }
  memory.scalers = scalers;
  if (before !== null && others.length === 0 && before.size === scalers.size) return;
  const value = unitsOctets(meter.profile.key, scalers);
  const atMs = around.wallMs();
  if (others.length > 0) around.health.count('reader_units_changed');
  const sentence = `The meter tells other units than before: ${others.join('; ')}.`;
  const event: MeterEvent = { meterId: meter.meterId, log: 'edge', ...CHANGED, sentence, atMs, severity: 'warning' };
  const records = others.length > 0 ? [{ kind: 'event', event } as const] : [];
  const keep = value === null ? [] : [{ key: PREFIX + meter.meterId, value }];
  await around.stage.add(entryWith(atMs, { line: around.line, records, keep }));
  memory.keptScalers = scalers;
}

/** What was told before the restart, null = nothing, or nothing that can be used. */
export async function loadScalers(
  { meterId, profile }: Pick<Meter, 'meterId' | 'profile'>,
  journal: Pick<Journal, 'kept'>,
  log: Env['log'],
): Promise<Scalers | null> {
  const octets = await journal.kept(PREFIX + meterId);
  if (octets === undefined) return null;
  const scalers = unitsIn(octets, profile.key);
  if (scalers === null) log.warn('reader.units-unusable', { meterId, octets: octets.length });
  return scalers;
}

/** The record: see kept-record.ts; JSON `[profile, [[obis, exponent, unit], ...]]`. Null when it is too long. */
export function unitsOctets(profile: string, scalers: Scalers): Uint8Array | null {
  const rows = [...scalers].map(([obis, { exponent, unit }]) => [obis, exponent, unit]);
  return recordOctets(VERSION, [profile, rows], KNOWN_UNITS_MAX_OCTETS);
}

/** The way back; null for another version, damage, or another profile. */
export function unitsIn(octets: Uint8Array, profile: string): Scalers | null {
  const value = recordIn(octets, VERSION, KNOWN_UNITS_MAX_OCTETS);
  if (value === undefined) return null;
  const [of, rows] = value as [string, [string, number, string][]];
  if (of !== profile) return null;
  return new Map(rows.map(([obis, exponent, unit]) => [obis, { exponent, unit }]));
}

function isSame(a: Scaler, b: Scaler): boolean {
  return a.exponent === b.exponent && a.unit === b.unit;
}

function words({ exponent, unit }: Scaler): string {
  return `10^${exponent} ${unit}`.trimEnd();
}
