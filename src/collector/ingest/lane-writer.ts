/**
 * Takes blocks of one lane of one edge: judges them, stores the acceptable run in one transaction, and says what to tell
 * the edge. Another writer on the same cursor shows as a lost compare-and-set: the cursor is read again.
 */
import { sameOctets } from '../../base/bytes.ts';
import type { Clock, Crypto } from '../../base/env.ts';
import { DeltawattError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { GapCause, MeterEvent } from '../../model/event.ts';
import type { EdgeId, MeterId } from '../../model/ids.ts';
import { type BlockHeader, blockHash, decodeBlock } from '../../wire/block.ts';
import { decodeDictionary } from '../../wire/dictionary.ts';
import { emptyLaneState } from '../../wire/lane-state.ts';
import { isSelfContained, type Lane } from '../../wire/lanes.ts';
import type { CollectorBody } from '../../wire/messages.ts';
import type { GapNotice } from '../../wire/records.ts';
import type { Tombstone } from '../../wire/tombstone.ts';
import type { BlockAppend, JournalStore, LaneCursor, Lease } from '../ports.ts';
import { cursorAfter, judge, newCursor } from './judge.ts';
import { APPEND_TRIES } from './limits.ts';

/** A block as it came, its header read. */
export interface ArrivedBlock {
  readonly header: BlockHeader;
  readonly octets: Uint8Array;
}

/** What to tell the edge of a lane; credit is added by who sends it. */
export type LaneReply =
  | { readonly kind: 'ack'; readonly lane: Lane; readonly upTo: number }
  | Extract<CollectorBody, { readonly kind: 'need-dictionary' | 'need-keyframe' }>
  /** Nothing may be acknowledged: two devices share the identity. */
  | { readonly kind: 'clone'; readonly lane: Lane };

/** What a lane writer needs. */
export interface LaneWriterParts {
  readonly store: JournalStore;
  readonly clock: Clock;
  readonly crypto: Pick<Crypto, 'sha256'>;
  readonly log: Log;
  /** Whether the dictionary of this edge with this hash is stored. */
  readonly knowsDictionary: (hash: string) => Promise<boolean>;
  /** The lease under which this collector stores for the edge; undefined when it is the only collector. */
  readonly lease: () => Lease | undefined;
}

interface Run {
  readonly blocks: readonly ArrivedAppend[];
  readonly after: LaneCursor;
  /** In the order in which they are to be said. */
  readonly replies: readonly LaneReply[];
}

interface ArrivedAppend extends BlockAppend {
  /** Code of the reason why its records cannot be read. */
  readonly poison: string | undefined;
  readonly tombstone: Tombstone | undefined;
}

/** Writes one lane of one epoch. Calls must not overlap. */
export class LaneWriter {
  #cursor: LaneCursor | undefined;

  constructor(
    private readonly edgeId: EdgeId,
    private readonly epoch: string,
    private readonly lane: Lane,
    private readonly parts: LaneWriterParts,
  ) {}

  /** Forgets the remembered cursor, after a failure or a hello. */
  forget(): void {
    this.#cursor = undefined;
  }

  /** Where the lane stands. */
  async cursor(): Promise<LaneCursor> {
    const { edgeId, epoch, lane } = this;
    this.#cursor ??= (await this.parts.store.cursor(edgeId, epoch, lane)) ?? newCursor({ edgeId, epoch, lane });
    return this.#cursor;
  }

  /** Stores what can be stored of these blocks, in order; undefined when another writer kept being faster. */
  async take(blocks: readonly ArrivedBlock[]): Promise<readonly LaneReply[] | undefined> {
    for (let tries = 0; tries < APPEND_TRIES; tries++) {
      const cursor = await this.cursor();
      const run = await this.#judgeAll(cursor, blocks);
      if (await this.#store(cursor, run)) return run.replies;
      this.forget();
    }
    return undefined;
  }

  /** The run of acceptable blocks, up to the first that must stop it. */
  async #judgeAll(before: LaneCursor, blocks: readonly ArrivedBlock[]): Promise<Run> {
    const accepted: ArrivedAppend[] = [];
    let after = before;
    const end = (reply?: LaneReply): Run => {
      const ack = { kind: 'ack', lane: this.lane, upTo: after.upTo } as const;
      // What was taken is said before what is missing: the edge then goes on from there, not from further back.
      const isTold = reply === undefined || (reply.kind !== 'clone' && after.upTo > before.upTo);
      return { blocks: accepted, after, replies: [...(isTold ? [ack] : []), ...(reply === undefined ? [] : [reply])] };
    };
    for (const block of blocks) {
      const { header, octets } = block;
      const hash = blockHash(octets, this.parts.crypto.sha256);
      const { dictionaryHash } = header;
      const known = dictionaryHash === null || (await this.parts.knowsDictionary(dictionaryHash));
      switch (judge(after, header, () => known)) {
        case 'accept':
          accepted.push(this.#appendOf(block, hash));
          after = cursorAfter(after, header, hash);
          break;
        case 'stored':
          if (await this.#isClone(accepted, header, hash)) return end({ kind: 'clone', lane: this.lane });
          break;
        case 'forked':
          await this.#raiseClone(after.upTo, 'another block came before the next one than the one that is stored');
          return end({ kind: 'clone', lane: this.lane });
        case 'ahead':
          return end();
        case 'need-keyframe':
          return end({ kind: 'need-keyframe', lane: this.lane, upTo: after.upTo });
        case 'need-dictionary':
          return end({ kind: 'need-dictionary', lane: this.lane, hash: dictionaryHash ?? '' });
      }
    }
    return end();
  }

  async #isClone(accepted: readonly ArrivedAppend[], header: BlockHeader, hash: Uint8Array): Promise<boolean> {
    const { sequence } = header;
    const stored =
      accepted.find((block) => block.sequence === sequence)?.hash ??
      (await this.parts.store.storedHash(this.edgeId, this.epoch, this.lane, sequence));
    // A block that is not held any more cannot be compared; it was acknowledged once, so it is again.
    if (stored === undefined || sameOctets(stored, hash)) return false;
    await this.#raiseClone(sequence, 'it came with other content than the one that is stored');
    return true;
  }

  /** The block `sequence` of this lane is another one in the edge's journal; `how` says by what that shows. */
  async #raiseClone(sequence: number, how: string): Promise<void> {
    this.parts.log.error('ingest.clone-suspected', { edgeId: this.edgeId, lane: this.lane, sequence });
    await this.parts.store.raise(this.edgeId, cloneEvent(this.lane, sequence, how, this.parts.clock.nowMs()));
  }

  /** Records are decoded here, so that they are stored with their block; rows are decoded by the fold. */
  #appendOf({ header, octets }: ArrivedBlock, hash: Uint8Array): ArrivedAppend {
    const { sequence, keyframe, fromMs, toMs } = header;
    const { tombstone } = header;
    const append = { sequence, keyframe, fromMs, toMs, octets, hash, poison: undefined, tombstone };
    if (!isSelfContained(this.lane) || tombstone !== undefined) return append;
    try {
      return { ...append, records: decodeBlock(octets, emptyLaneState(), []).records };
    } catch (error) {
      if (!(error instanceof DeltawattError)) throw error;
      return { ...append, poison: error.code };
    }
  }

  /** One transaction for each stretch of good blocks, one for each poison block or tombstone between them. */
  async #store(before: LaneCursor, run: Run): Promise<boolean> {
    let expected = before;
    let good: ArrivedAppend[] = [];
    const moved = (last: ArrivedAppend) => {
      const keyframe = last.tombstone === undefined ? last.keyframe : 0;
      expected = { ...expected, upTo: last.sequence, headHash: last.hash, keyframe };
    };
    const flush = async (): Promise<boolean> => {
      const last = good.at(-1);
      if (last === undefined) return true;
      if (!(await this.parts.store.append(expected, good, this.parts.lease()))) return false;
      moved(last);
      good = [];
      return true;
    };
    for (const block of run.blocks) {
      if (block.tombstone !== undefined) {
        if (!(await flush()) || !(await this.#declareLost(expected, block.tombstone))) return false;
        moved(block);
        continue;
      }
      if (block.poison === undefined) {
        good.push(block);
        continue;
      }
      if (!(await flush()) || !(await this.parts.store.quarantine(expected, block, block.poison, this.parts.lease())))
        return false;
      this.parts.log.error('ingest.block-quarantined', {
        edgeId: this.edgeId,
        lane: this.lane,
        sequence: block.sequence,
        code: block.poison,
      });
      moved(block);
    }
    if (!(await flush())) return false;
    this.#cursor = run.after;
    return true;
  }

  /** The lost sequences become a gap of the lane, and the channels concerned learn why their intervals are missing. */
  async #declareLost(expected: LaneCursor, tombstone: Tombstone): Promise<boolean> {
    const { edgeId, epoch, lane } = this;
    const cause = causeOf(tombstone);
    const gap = { edgeId, epoch, lane, from: expected.upTo + 1, to: tombstone.to, cause };
    this.parts.log.warn('ingest.tombstone', { ...gap, reason: tombstone.cause });
    const notices = await this.#noticesOf(tombstone, cause);
    const isUnwanted = tombstone.cause === 'age';
    const lost = { ...gap, notices, isUnwanted };
    return this.parts.store.declareGap(expected, lost, tombstone.headHash, this.parts.lease());
  }

  async #noticesOf({ dictionaryHash, groups, fromMs, toMs }: Tombstone, cause: GapCause): Promise<GapNotice[]> {
    const octets = dictionaryHash === null ? undefined : await this.parts.store.dictionary(this.edgeId, dictionaryHash);
    if (octets === undefined) return [];
    const dictionary = decodeDictionary(octets);
    return groups.flatMap((number) => {
      const group = dictionary[number];
      // Captures at no interval have no slots that could be missing.
      if (group === undefined || group.intervalS === 0) return [];
      const obis = group.columns.map((column) => column.obis);
      return [{ meterId: group.meterId as MeterId, obis, intervalS: group.intervalS, fromMs, toMs, cause }];
    });
  }
}

/** What a tombstone means for a channel. */
function causeOf(tombstone: Tombstone): GapCause {
  return tombstone.cause === 'unreadable' ? 'damaged-at-edge' : 'evicted-at-edge';
}

/** A block under a number that was taken by another one: two devices use one identity, or a journal was copied. */
function cloneEvent(lane: number, sequence: number, how: string, atMs: number): MeterEvent {
  return {
    meterId: null,
    log: 'collector',
    code: sequence,
    name: 'clone-suspected',
    sentence: `Block ${sequence} of lane ${lane} is another one at the edge, for ${how}: two devices may use this identity; nothing more is acknowledged to it.`,
    atMs,
    severity: 'alarm',
  };
}
