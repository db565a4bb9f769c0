/** Which intervals are to be read again when blocks are missing or cannot be decoded. Pure: what both stores share. */
import type { EdgeId, MeterId } from '../../model/ids.ts';
import { decodeHeader } from '../../wire/block.ts';
import { isSelfContained, type Lane } from '../../wire/lanes.ts';
import type { DictionaryGroup } from '../../wire/rows.ts';
import type { LaneGap, RereadPlace, RereadRecord } from '../ports.ts';
import type { JournalBlock } from './lane-decoder.ts';

/** The lane of one edge and epoch. */
interface LaneOf {
  readonly edgeId: EdgeId;
  readonly epoch: string;
  readonly lane: number;
}

/** The places of a gap: those that its tombstone names, or everything since `sinceMs` when nobody knows what was lost. */
export function placesOfGap(gap: LaneGap, sinceMs: number, nowMs: number): RereadPlace[] {
  const { edgeId, epoch, lane, from: sequence, notices, isUnwanted = false } = gap;
  if (isUnwanted || isSelfContained(lane as Lane)) return [];
  const at = { edgeId, epoch, lane, sequence };
  if (notices === undefined) {
    const span = { fromMs: Math.min(sinceMs, nowMs), toMs: nowMs };
    return [{ ...at, meterId: null, intervalS: 0, obis: [], ...span, reason: 'declared-gap' }];
  }
  return notices
    .filter(({ intervalS, obis }) => intervalS > 0 && obis.length > 0)
    .map(({ meterId, intervalS, obis, fromMs, toMs }) => {
      return { ...at, meterId, intervalS, obis, fromMs, toMs, reason: 'tombstone' };
    });
}

/** The places of blocks that cannot be decoded, by the dictionaries that their headers name. */
export function placesOfUnreadable(
  { edgeId, epoch, lane }: LaneOf,
  blocks: readonly JournalBlock[],
  unreadable: readonly { readonly sequence: number }[],
  groupsOf: (hash: string) => readonly DictionaryGroup[],
): RereadPlace[] {
  const lost = new Set(unreadable.map(({ sequence }) => sequence));
  const runs = new Map<string, { sequence: number; fromMs: number; toMs: number }>();
  for (const { sequence, octets } of blocks) {
    if (!lost.has(sequence)) continue;
    const { dictionaryHash, fromMs, toMs } = decodeHeader(octets);
    if (dictionaryHash === null) continue;
    const run = runs.get(dictionaryHash) ?? { sequence, fromMs, toMs };
    runs.set(dictionaryHash, {
      sequence: run.sequence,
      fromMs: Math.min(run.fromMs, fromMs),
      toMs: Math.max(run.toMs, toMs),
    });
  }
  return [...runs].flatMap(([hash, run]) =>
    groupsOf(hash)
      .filter(({ intervalS }) => intervalS > 0)
      .map(({ meterId, intervalS, columns }): RereadPlace => {
        const obis = columns.map((column) => column.obis);
        const of = { edgeId, epoch, lane, meterId: meterId as MeterId, intervalS, obis };
        return { ...of, ...run, reason: 'unreadable-block' };
      }),
  );
}

/** What the concentrator is told: the place, and when it was listed, so that a restored store gives none of them twice. */
export function rereadIdOf(
  { lane, sequence, meterId, intervalS, obis }: RereadPlace,
  createdAtMs: number,
): RereadRecord['id'] {
  return [lane, sequence, createdAtMs, meterId ?? '', intervalS, obis[0] ?? ''].join('/');
}
