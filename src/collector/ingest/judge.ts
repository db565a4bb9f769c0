/**
 * The acceptance rules of a block, as one pure function (design, section 4): the cursor of its lane and its header go in, a
 * verdict comes out. Nothing here reads or writes anything.
 */
import { sameOctets } from '../../base/bytes.ts';
import type { BlockHeader } from '../../wire/block.ts';
import type { LaneCursor } from '../ports.ts';

/** What becomes of a block. */
export type Verdict =
  /** It is the next one and continues the chain. */
  | 'accept'
  /** It is stored already, perhaps: the stored hash decides between a repeat and a clone. */
  | 'stored'
  /** Blocks before it are missing: dropped, the edge is told upTo. */
  | 'ahead'
  /** It begins a keyframe group behind another block than the one that is stored: no other keyframe could mend that. */
  | 'forked'
  /** The chain does not continue, or the start of its keyframe group is not held. */
  | 'need-keyframe'
  /** It names a dictionary that is not known. */
  | 'need-dictionary';

/** A cursor whose head is not known, after a declared gap: any predecessor is believed, and a keyframe must follow. */
export const UNKNOWN_HEAD: Uint8Array = new Uint8Array(8);

/** Judges a block whose CRC was right, of the cursor's epoch and lane. */
export function judge(cursor: LaneCursor, header: BlockHeader, knowsDictionary: (hash: string) => boolean): Verdict {
  if (header.sequence <= cursor.upTo) return 'stored';
  const first = header.tombstone?.from ?? header.sequence;
  if (first > cursor.upTo + 1) return 'ahead';
  const afterGap = cursor.upTo > 0 && sameOctets(cursor.headHash, UNKNOWN_HEAD);
  // A tombstone may stand for blocks that arrived before they were lost: what it names before them is not our head.
  const overlaps = first <= cursor.upTo;
  const startsGroup = header.keyframe === header.sequence;
  if (!afterGap && !overlaps && !sameOctets(header.prevHash, cursor.headHash)) {
    const isFork = startsGroup && header.tombstone === undefined && cursor.upTo > 0;
    return isFork ? 'forked' : 'need-keyframe';
  }
  if (!startsGroup && (cursor.keyframe === 0 || header.keyframe !== cursor.keyframe)) return 'need-keyframe';
  if (header.dictionaryHash !== null && !knowsDictionary(header.dictionaryHash)) return 'need-dictionary';
  return 'accept';
}

/** The cursor after an accepted block; behind a tombstone a keyframe must follow. */
export function cursorAfter(cursor: LaneCursor, header: BlockHeader, hash: Uint8Array): LaneCursor {
  const keyframe = header.tombstone === undefined ? header.keyframe : 0;
  return { ...cursor, upTo: header.sequence, headHash: hash, keyframe };
}

/** The cursor of a lane of which nothing is stored. */
export function newCursor(cursor: Pick<LaneCursor, 'edgeId' | 'epoch' | 'lane'>): LaneCursor {
  return {
    edgeId: cursor.edgeId,
    epoch: cursor.epoch,
    lane: cursor.lane,
    upTo: 0,
    headHash: UNKNOWN_HEAD,
    keyframe: 0,
  };
}
