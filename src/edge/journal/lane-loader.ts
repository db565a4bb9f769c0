/**
 * Reads the blocks of a lane as they were found at start, and checks that they form the chain of its head.
 *
 * A block that cannot be read, or is missing, becomes a tombstone together with all that depends on it up to the next
 * keyframe. The hash behind it is the one that the next block names; the hash before it is that of the block before. Where
 * even that is gone the tombstone begins one block earlier: a collector compares nothing across what it holds (W-35).
 */
import { sameOctets } from '../../base/bytes.ts';
import { type BlockHeader, blockHash, decodeBlock, decodeHeader, NO_BLOCK_HASH } from '../../wire/block.ts';
import { emptyLaneState, type LaneState } from '../../wire/lane-state.ts';
import { isSelfContained, type Lane } from '../../wire/lanes.ts';
import type { DictionaryGroup } from '../../wire/rows.ts';
import { encodeTombstone, type Tombstone } from '../../wire/tombstone.ts';
import type { Sha256 } from '../../wire/topics.ts';
import { journalError } from './errors.ts';
import type { LaneHead } from './keys.ts';
import { type HeldBlock, heldOf, type LaneBook, recount } from './lane-book.ts';
import { UNREADABLE_MARGIN_MS } from './limits.ts';

/** Groups by the hash of their dictionary; undefined = not there. */
export type DictionaryOf = (hash: string) => readonly DictionaryGroup[] | undefined;

/** A stretch of a lane that was lost. */
export interface LostStretch {
  readonly tombstone: Tombstone;
  readonly octets: Uint8Array;
}

/** What was found of a lane. */
export interface LoadedLane {
  readonly book: LaneBook;
  /** Tombstones that must be stored in the place of their blocks. */
  readonly lost: readonly LostStretch[];
}

interface Found {
  readonly sequence: number;
  /** Null = it cannot be read. */
  readonly header: BlockHeader | null;
  readonly octets: number;
  readonly hash: Uint8Array | null;
}

/** See the head of the file. */
export class LaneLoader {
  readonly #found: Found[] = [];
  /** Octets of the blocks of the last keyframe group. */
  #group: Uint8Array[] = [];

  constructor(
    private readonly lane: Lane,
    private readonly epoch: string,
    private readonly sha256: Sha256,
  ) {}

  /** Takes the next stored block, in order of sequence. */
  add(sequence: number, octets: Uint8Array): void {
    const header = this.#readable(sequence, octets);
    const hash = header === null ? null : blockHash(octets, this.sha256);
    this.#found.push({ sequence, header, octets: octets.length, hash });
    if (header === null || header.keyframe === sequence) this.#group = [];
    if (header !== null && header.tombstone === undefined && !isSelfContained(this.lane)) this.#group.push(octets);
  }

  #readable(sequence: number, octets: Uint8Array): BlockHeader | null {
    try {
      const header = decodeHeader(octets);
      const ours = header.sequence === sequence && header.lane === this.lane && header.epoch === this.epoch;
      return ours ? header : null;
    } catch {
      return null;
    }
  }

  /** The lane as it was when the program stopped; throws JOURNAL_CORRUPT when no tombstone can heal it. */
  finish(head: LaneHead, acked: number, nowMs: number, dictionary: DictionaryOf): LoadedLane {
    const held: HeldBlock[] = [];
    const lost: LostStretch[] = [];
    let hash: Uint8Array | null = null;
    for (let at = 0; at < this.#found.length; ) {
      const found = this.#found[at];
      const due = (held.at(-1)?.sequence ?? (found?.header?.tombstone?.from ?? found?.sequence ?? 1) - 1) + 1;
      const header = found?.header ?? null;
      if (found !== undefined && header !== null && (header.tombstone?.from ?? header.sequence) === due) {
        if (hash !== null && !sameOctets(header.prevHash, hash)) throw this.#corrupt(header.sequence);
        held.push(heldOf(header, found.octets));
        hash = found.hash;
        at++;
        continue;
      }
      const next = this.#nextStart(at);
      const stretch = this.#lose({ held, due, before: hash, next: this.#found[next]?.header ?? null, head, nowMs });
      this.#replace(held, lost, stretch, dictionary);
      hash = stretch.headHash;
      at = next;
    }
    this.#checkEnd(head, held, lost, hash, acked, nowMs, dictionary);
    const coder = lost.length > 0 ? null : this.#coder(held, dictionary);
    const book: LaneBook = { lane: this.lane, head, coder, acked, held, heldOctets: 0, pendingOctets: 0 };
    recount(book);
    return { book, lost };
  }

  /** Index of the first found block from `at` on at which decoding may start again. */
  #nextStart(at: number): number {
    const next = this.#found.findIndex(
      ({ header }, index) => index >= at && header?.keyframe === header?.sequence && header !== null,
    );
    return next < 0 ? this.#found.length : next;
  }

  #corrupt(sequence: number): Error {
    return journalError('JOURNAL_CORRUPT', `lane ${this.lane}, block ${sequence}`);
  }

  /** The tombstone for everything from `due` to the block before `next`, or to the lane's head. */
  #lose(around: {
    readonly held: readonly HeldBlock[];
    readonly due: number;
    readonly before: Uint8Array | null;
    readonly next: BlockHeader | null;
    readonly head: LaneHead;
    readonly nowMs: number;
  }): Tombstone {
    const { held, due, before, next, head, nowMs } = around;
    const to = next === null ? head.last : (next.tombstone?.from ?? next.sequence) - 1;
    if (to < due) throw this.#corrupt(due);
    const previous = held.at(-1);
    const dropped = this.#found.filter(({ header, sequence }) => header !== null && sequence >= due && sequence <= to);
    const known = [previous, next, ...dropped.map(({ header }) => header)].filter((each) => each != null);
    const fromMs = Math.min(...known.map((each) => each.fromMs), known.length === 0 ? nowMs : Number.POSITIVE_INFINITY);
    const toMs = Math.max(...known.map((each) => Math.max(each.toMs, each.readAtMs)), fromMs);
    const dictionaryHash =
      dropped[0]?.header?.dictionaryHash ?? previous?.dictionaryHash ?? next?.dictionaryHash ?? null;
    return {
      lane: this.lane,
      epoch: this.epoch,
      from: before === null ? Math.max(1, due - 1) : due,
      to,
      prevHash: before ?? NO_BLOCK_HASH,
      headHash: next === null ? head.hash : next.prevHash,
      cause: 'unreadable',
      writtenAtMs: nowMs,
      fromMs: fromMs - UNREADABLE_MARGIN_MS,
      toMs: toMs + UNREADABLE_MARGIN_MS,
      dictionaryHash,
      groups: [],
    };
  }

  #replace(held: HeldBlock[], lost: LostStretch[], stretch: Tombstone, dictionary: DictionaryOf): void {
    const hash = stretch.dictionaryHash;
    const groups = hash === null ? undefined : dictionary(hash);
    if (groups === undefined && !isSelfContained(this.lane)) throw this.#corrupt(stretch.to);
    const tombstone = { ...stretch, groups: (groups ?? []).map((_, number) => number) };
    const octets = encodeTombstone(tombstone);
    lost.push({ tombstone, octets });
    held.push(heldOf(decodeHeader(octets), octets.length));
  }

  /** The end of the lane must be what its head says; what is missing there is lost too. */
  #checkEnd(
    head: LaneHead,
    held: HeldBlock[],
    lost: LostStretch[],
    hash: Uint8Array | null,
    acked: number,
    nowMs: number,
    dictionary: DictionaryOf,
  ): void {
    const last = held.at(-1)?.sequence ?? 0;
    if (last > head.last) throw this.#corrupt(last);
    // All may be acknowledged and deleted; otherwise the open group is held.
    const first = held[0]?.from ?? head.last + 1;
    if (first > acked + 1) throw this.#corrupt(first);
    if (held.length === 0) return;
    if (last < head.last) {
      const stretch = this.#lose({ held, due: last + 1, before: hash, next: null, head, nowMs });
      this.#replace(held, lost, stretch, dictionary);
    } else if (hash === null || !sameOctets(head.hash, hash)) throw this.#corrupt(last);
  }

  /** The encoder's state is what decoding its last keyframe group leaves: nothing of it is stored. */
  #coder(held: readonly HeldBlock[], dictionary: DictionaryOf): LaneState | null {
    const last = held.at(-1);
    const groups = last?.dictionaryHash == null ? undefined : dictionary(last.dictionaryHash);
    const start = held.find((block) => block.sequence === last?.keyframe);
    if (groups === undefined || start === undefined || last?.tombstone !== undefined) return null;
    let state = emptyLaneState();
    try {
      for (const octets of this.#group) state = decodeBlock(octets, state, groups).state;
    } catch (error) {
      throw journalError('JOURNAL_CORRUPT', `last keyframe group of lane ${this.lane}`, error);
    }
    return state;
  }
}
