/** Puts rows and records into as few blocks as their lane allows, each chained to the one before. */

import { type BlockContent, type BlockInput, blockHash, blockMaxOctets, encodeBlock } from './block.ts';
import { wireError } from './errors.ts';
import type { LaneState } from './lane-state.ts';
import { recordOctets, shortenRecord, splitRecord } from './record-body.ts';
import { type JournalRecord, recordTimeMs } from './records.ts';
import type { DictionaryGroup, Row } from './rows.ts';
import { fitsOneBlock, inBodyOrder } from './run.ts';
import type { Sha256 } from './topics.ts';

/** What the blocks of one append share: `sequence`, `keyframe` and `prevHash` are those of the first. */
export type PackHead = Omit<BlockInput, 'content'>;

/** A packed block. */
export interface PackedBlock {
  readonly sequence: number;
  readonly keyframe: number;
  readonly octets: Uint8Array;
  /** Its hash in the chain, 8 octets. */
  readonly hash: Uint8Array;
  /** Time of the first row or record, UTC ms. */
  readonly fromMs: number;
  /** Time of the last row or record, UTC ms. */
  readonly toMs: number;
}

/** Blocks of one append, oldest first, and the state that the last one leaves. */
export interface Packed {
  readonly blocks: readonly PackedBlock[];
  readonly state: LaneState;
}

/** Octets that a header and CRC take at most, with sequences up to 2^53. */
const FRAME_MAX_OCTETS = 72;

/** Rough octets of rows once packed, headers left out: for deciding when to flush, not for limits. */
export function estimateOctets(rowCount: number, columnCount: number): number {
  const octetsPerRow = 0.1;
  const octetsPerValue = 0.7;
  return rowCount * (octetsPerRow + octetsPerValue * columnCount);
}

/** The next block behind `packed`. */
function headAfter(head: PackHead, packed: readonly PackedBlock[]): PackHead {
  const last = packed.at(-1);
  if (last === undefined) return head;
  // A keyframe that spans several blocks: the later ones belong to the first one's group.
  return { ...head, sequence: last.sequence + 1, prevHash: last.hash };
}

function packedBlock(head: PackHead, octets: Uint8Array, times: [number, number], sha256: Sha256): PackedBlock {
  const { sequence, keyframe } = head;
  return { sequence, keyframe, octets, hash: blockHash(octets, sha256), fromMs: times[0], toMs: times[1] };
}

function spanOfRows(rows: readonly Row[]): [number, number] {
  return rows.reduce<[number, number]>(
    ([from, to], row) => [Math.min(from, row.atMs), Math.max(to, row.atMs)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
}

/**
 * Packs rows into blocks of at most `maxOctets` (default: what the lane allows). Rows are put in body order first. Throws
 * BLOCK_INPUT when a single row does not fit into a block.
 */
export function packRows(
  head: PackHead,
  dictionary: { readonly hash: string; readonly groups: readonly DictionaryGroup[] },
  rows: readonly Row[],
  state: LaneState,
  sha256: Sha256,
  maxOctets = blockMaxOctets(head.lane),
): Packed {
  const blocks: PackedBlock[] = [];
  let left = inBodyOrder(rows);
  let current = state;
  let likely = likelyRows(left, maxOctets);
  while (left.length > 0) {
    const next = headAfter(head, blocks);
    const made = fullestBlock(next, dictionary, left, current, { likely, maxOctets });
    if (made === null) throw wireError('BLOCK_INPUT', `a row of group ${left[0]?.group} does not fit into a block`);
    blocks.push(packedBlock(next, made.octets, spanOfRows(made.rows), sha256));
    current = made.state;
    likely = made.rows.length;
    left = left.slice(made.rows.length);
  }
  return { blocks, state: current };
}

/** A block filled so far is full enough: trying for more costs more than it saves. */
const FULL_SHARE = 0.8;
/** Of the octets that a first try foresees, so many are aimed at, because the next try is another guess. */
const AIM_SHARE = 0.98;
/** The estimate is one for fleets that compress badly: a first try takes so many times the rows that it foresees. */
const FIRST_TRY = 2;

/** How many of the first rows may fill a block, by the estimate. */
function likelyRows(rows: readonly Row[], maxOctets: number): number {
  let octets = 0;
  const last = rows.findIndex((row) => {
    octets += estimateOctets(1, row.values.length);
    return octets > FIRST_TRY * maxOctets;
  });
  return last < 0 ? rows.length : last + 1;
}

interface FilledBlock {
  readonly rows: readonly Row[];
  readonly octets: Uint8Array;
  readonly state: LaneState;
}

/** A block of the first rows that is as full as a few tries make it; null when not even one row fits. */
function fullestBlock(
  head: PackHead,
  dictionary: { readonly hash: string; readonly groups: readonly DictionaryGroup[] },
  left: readonly Row[],
  state: LaneState,
  { likely, maxOctets }: { readonly likely: number; readonly maxOctets: number },
): FilledBlock | null {
  let best: FilledBlock | null = null;
  let tooMany = left.length + 1;
  let count = Math.min(left.length, likely);
  while (count > (best?.rows.length ?? 0) && count < tooMany) {
    const rows = left.slice(0, count);
    if (!fitsOneBlock(rows)) {
      tooMany = count;
      count = best === null ? Math.floor(count / 2) : 0;
      continue;
    }
    const content: BlockContent = {
      kind: 'rows',
      dictionaryHash: dictionary.hash,
      dictionary: dictionary.groups,
      rows,
    };
    const made = encodeBlock({ ...head, content }, state);
    const aimed = Math.floor((count * maxOctets * AIM_SHARE) / made.octets.length);
    if (made.octets.length > maxOctets) {
      tooMany = count;
      count = Math.min(count - 1, aimed);
    } else {
      best = { rows, ...made };
      if (made.octets.length >= FULL_SHARE * maxOctets) break;
      count = Math.min(left.length, tooMany - 1, Math.max(count + 1, aimed));
    }
  }
  return best;
}

/** Packs records into blocks of at most `maxOctets` (default: what the lane allows); long command reports are split, other over-long records shortened. */
export function packRecords(
  head: PackHead,
  records: readonly JournalRecord[],
  state: LaneState,
  sha256: Sha256,
  maxOctets = blockMaxOctets(head.lane),
): Packed {
  const bodyMaxOctets = maxOctets - FRAME_MAX_OCTETS;
  const parts: JournalRecord[][] = [];
  let filled = bodyMaxOctets;
  for (const record of records.flatMap((each) => splitRecord(each, bodyMaxOctets))) {
    const fitting = shortenRecord(record, bodyMaxOctets);
    const octets = recordOctets(fitting);
    const part = parts.at(-1);
    if (part !== undefined && filled + octets <= bodyMaxOctets) {
      part.push(fitting);
      filled += octets;
    } else {
      parts.push([fitting]);
      filled = octets;
    }
  }
  const blocks: PackedBlock[] = [];
  for (const part of parts) {
    const after = headAfter(head, blocks);
    const next = { ...after, keyframe: after.sequence };
    const { octets } = encodeBlock({ ...next, content: { kind: 'records', records: part } }, state);
    const times = part.map(recordTimeMs);
    blocks.push(packedBlock(next, octets, [Math.min(...times), Math.max(...times)], sha256));
  }
  return { blocks, state };
}
