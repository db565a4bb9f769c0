/** What the journal holds of one lane, in memory: head, encoder state, and the size and times of each held block. */
import { sameOctets } from '../../base/bytes.ts';
import { blockHash, decodeBlock, decodeHeader } from '../../wire/block.ts';
import { emptyLaneState, type LaneState } from '../../wire/lane-state.ts';
import { isSelfContained, type Lane } from '../../wire/lanes.ts';
import type { DictionaryGroup } from '../../wire/rows.ts';
import type { Sha256 } from '../../wire/topics.ts';
import type { LaneSpan } from '../ports.ts';
import { journalError } from './errors.ts';
import type { LaneHead } from './keys.ts';

/** A held block without its octets. */
export interface HeldBlock {
  readonly sequence: number;
  readonly keyframe: number;
  readonly octets: number;
  readonly fromMs: number;
  readonly readAtMs: number;
  /** 16 hex digits; null in self-contained lanes. */
  readonly dictionaryHash: string | null;
  /** Monotonic ms, null when it was found at start. */
  readonly appendedAtMs: number | null;
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
  const first = book.held[0]?.sequence ?? book.head.last + 1;
  const pendingFrom = Math.max(0, book.acked + 1 - first);
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
    pendingBlocks: Math.max(0, book.held.length - pendingFrom),
    oldestPendingMs,
  };
}

/** Reads the blocks of a lane as they were found at start, in order, and checks that they form the chain of its head. */
export class LaneLoader {
  readonly #held: HeldBlock[] = [];
  #lastHash: Uint8Array | null = null;
  /** Octets of the blocks of the last keyframe group. */
  #group: Uint8Array[] = [];

  constructor(
    private readonly lane: Lane,
    private readonly epoch: string,
    private readonly sha256: Sha256,
  ) {}

  /** Takes the next block; throws JOURNAL_CORRUPT when it does not follow the one before. */
  add(sequence: number, octets: Uint8Array): void {
    const where = `lane ${this.lane}, block ${sequence}`;
    let header: ReturnType<typeof decodeHeader>;
    try {
      header = decodeHeader(octets);
    } catch (error) {
      throw journalError('JOURNAL_CORRUPT', where, error);
    }
    const before = this.#held.at(-1);
    const follows =
      before === undefined || (before.sequence === sequence - 1 && sameHash(header.prevHash, this.#lastHash));
    if (header.sequence !== sequence || header.lane !== this.lane || header.epoch !== this.epoch || !follows)
      throw journalError('JOURNAL_CORRUPT', where);
    const { keyframe, fromMs, readAtMs, dictionaryHash } = header;
    this.#held.push({
      sequence,
      keyframe,
      octets: octets.length,
      fromMs,
      readAtMs,
      dictionaryHash,
      appendedAtMs: null,
    });
    this.#lastHash = blockHash(octets, this.sha256);
    if (keyframe === sequence) this.#group = [];
    if (!isSelfContained(this.lane)) this.#group.push(octets);
  }

  /** The lane as it was when the program stopped. */
  finish(
    head: LaneHead,
    acked: number,
    dictionary: (hash: string) => readonly DictionaryGroup[] | undefined,
  ): LaneBook {
    const last = this.#held.at(-1);
    if (last !== undefined && (last.sequence !== head.last || !sameHash(head.hash, this.#lastHash)))
      throw journalError('JOURNAL_CORRUPT', `lane ${this.lane} ends at ${last.sequence}, its head says ${head.last}`);
    const first = this.#held[0]?.sequence ?? head.last + 1;
    // Acknowledged blocks may be gone, others may not.
    if (first > acked + 1) throw journalError('JOURNAL_CORRUPT', `lane ${this.lane} begins at ${first}`);
    const coder = this.#coder(last, dictionary);
    const book: LaneBook = { lane: this.lane, head, coder, acked, held: this.#held, heldOctets: 0, pendingOctets: 0 };
    recount(book);
    return book;
  }

  /** The encoder's state is what decoding its last keyframe group leaves: nothing of it is stored. */
  #coder(
    last: HeldBlock | undefined,
    dictionary: (hash: string) => readonly DictionaryGroup[] | undefined,
  ): LaneState | null {
    const groups = last?.dictionaryHash == null ? undefined : dictionary(last.dictionaryHash);
    const start = this.#held.find((block) => block.sequence === last?.keyframe);
    if (groups === undefined || start === undefined) return null;
    let state = emptyLaneState();
    try {
      for (const octets of this.#group) state = decodeBlock(octets, state, groups).state;
    } catch (error) {
      throw journalError('JOURNAL_CORRUPT', `last keyframe group of lane ${this.lane}`, error);
    }
    return state;
  }
}

function sameHash(a: Uint8Array, b: Uint8Array | null): boolean {
  return b !== null && sameOctets(a, b);
}
