/** What the journal holds of one lane, in memory: head, encoder state, and the size and times of each held block. */
import type { BlockHeader, ClockQuality } from '../../wire/block.ts';
import type { LaneState } from '../../wire/lane-state.ts';
import type { Lane } from '../../wire/lanes.ts';
import type { Tombstone } from '../../wire/tombstone.ts';
import type { LaneSpan } from '../ports.ts';
import type { LaneHead } from './keys.ts';

/** A held block without its octets, or a tombstone. */
export interface HeldBlock {
  /** First sequence for which it stands; `sequence` unless it is a tombstone. */
  readonly from: number;
  readonly sequence: number;
  /** First block of its keyframe group; a tombstone is its own. */
  readonly keyframe: number;
  readonly octets: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly readAtMs: number;
  /** What `readAtMs` is worth. */
  readonly clockQuality: ClockQuality;
  /** 16 hex digits; null in self-contained lanes. */
  readonly dictionaryHash: string | null;
  /** Monotonic ms, null when it was found at start. */
  readonly appendedAtMs: number | null;
  readonly tombstone?: Tombstone;
}

/** A held block by its header. */
export function heldOf(header: BlockHeader, octets: number): HeldBlock {
  const { sequence, keyframe, fromMs, toMs, readAtMs, clockQuality, dictionaryHash, tombstone } = header;
  const held = { sequence, keyframe, octets, fromMs, toMs, readAtMs, clockQuality, dictionaryHash, appendedAtMs: null };
  return tombstone === undefined ? { ...held, from: sequence } : { ...held, from: tombstone.from, tombstone };
}

/** Clocks by which ages may be judged: a wrong one would throw everything away. */
const TRUSTED_CLOCKS: readonly ClockQuality[] = ['network', 'ntp', 'collector'];

/** Whether somebody confirmed the time. */
export function isTrusted(quality: ClockQuality): boolean {
  return TRUSTED_CLOCKS.includes(quality);
}

/**
 * Whether the block at this index was certainly read before a moment: by its own time when that was confirmed, else by that of
 * the first block behind it whose time was. A block read at 1970 by an unset clock has no age of its own.
 */
export function wasReadBefore(held: readonly HeldBlock[], at: number, beforeMs: number): boolean {
  for (let behind = at; behind < held.length; behind++) {
    const block = held[behind];
    if (block !== undefined && isTrusted(block.clockQuality)) return block.readAtMs < beforeMs;
  }
  return false;
}

/** Newest confirmed time at which anything held was read, UTC ms; null when there is none. */
export function confirmedAtMs(books: Iterable<LaneBook>): number | null {
  let newestMs: number | null = null;
  for (const { held } of books)
    for (const { clockQuality, readAtMs } of held)
      if (isTrusted(clockQuality) && (newestMs === null || readAtMs > newestMs)) newestMs = readAtMs;
  return newestMs;
}

/** A lane. Fields are replaced by commits of appends, acknowledgements and deletions, never by plans. */
export interface LaneBook {
  readonly lane: Lane;
  head: LaneHead;
  /** What the next block is coded against; null = it must be a keyframe. */
  coder: LaneState | null;
  acked: number;
  /** Oldest first, contiguous up to `head.last`. */
  held: HeldBlock[];
  /** Octets of `held`. */
  heldOctets: number;
  /** Octets of the blocks above `acked`. */
  pendingOctets: number;
}

/** Index of the first held block that stands for anything above this sequence; the number of blocks when none does. */
export function indexAbove(held: readonly HeldBlock[], sequence: number): number {
  let [low, high] = [0, held.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((held[middle]?.sequence ?? 0) <= sequence) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Sums that follow from the rest. */
export function recount(book: LaneBook): void {
  book.heldOctets = 0;
  book.pendingOctets = 0;
  for (const { sequence, octets } of book.held) {
    book.heldOctets += octets;
    if (sequence > book.acked) book.pendingOctets += octets;
  }
}

/** What a lane tells the rest of the edge. */
export function spanOf(book: LaneBook): LaneSpan {
  const first = book.held[0]?.from ?? book.head.last + 1;
  const pendingFrom = indexAbove(book.held, book.acked);
  let oldestPendingMs: number | null = null;
  for (let at = pendingFrom; at < book.held.length; at++) {
    const fromMs = book.held[at]?.fromMs ?? 0;
    if (oldestPendingMs === null || fromMs < oldestPendingMs) oldestPendingMs = fromMs;
  }
  return {
    lane: book.lane,
    first,
    last: book.head.last,
    lastKeyframe: book.head.keyframe,
    ackedUpTo: book.acked,
    pendingOctets: book.pendingOctets,
    pendingBlocks: book.held.length - pendingFrom,
    oldestPendingMs,
  };
}
