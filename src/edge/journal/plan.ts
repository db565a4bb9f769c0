/**
 * Turns an entry into the writes of one batch and the changes of memory that become true when the batch is on the medium.
 * Nothing here changes the books: a batch that fails leaves no trace.
 */
import { fromHex } from '../../base/bytes.ts';
import type { StoreWrite } from '../../base/env.ts';
import { DeltawattError } from '../../base/errors.ts';
import type { ClockQuality } from '../../wire/block.ts';
import { groupIdentity } from '../../wire/dictionary.ts';
import { emptyLaneState, type LaneState } from '../../wire/lane-state.ts';
import { isSelfContained, LANES, type Lane } from '../../wire/lanes.ts';
import { type PackedBlock, type PackHead, packRecords, packRows } from '../../wire/pack.ts';
import type { JournalRecord } from '../../wire/records.ts';
import type { Row } from '../../wire/rows.ts';
import type { Sha256 } from '../../wire/topics.ts';
import type { Entry, GroupRows, ValueClass } from '../ports.ts';
import { journalError } from './errors.ts';
import { bookWith, type GroupBook } from './group-book.ts';
import {
  blockKey,
  currentKey,
  dictionaryKey,
  KEY,
  keyOf,
  type LaneHead,
  laneKey,
  packHead,
  putSealed,
} from './keys.ts';
import type { HeldBlock, LaneBook } from './lane-book.ts';
import {
  ENTRY_MAX_ROWS,
  FRESH_MAX_PENDING_OCTETS,
  KEPT_KEY_MAX_CHARACTERS,
  KEPT_VALUE_MAX_OCTETS,
  KEYFRAME_MAX_AGE_MS,
  KEYFRAME_MAX_BLOCKS,
} from './limits.ts';
import type { LineChange, WatermarkTable } from './watermarks.ts';

/** What a plan looks at. */
export interface Books {
  readonly epoch: string;
  readonly lanes: ReadonlyMap<Lane, LaneBook>;
  readonly groups: ReadonlyMap<ValueClass, GroupBook>;
  readonly watermarks: WatermarkTable;
}

/** What the surroundings say at the time of an append. */
export interface PlanContext {
  readonly sha256: Sha256;
  readonly clockQuality: ClockQuality;
  /** Monotonic ms. */
  readonly nowMonotonicMs: number;
}

/** How an append changes a lane. */
export interface LaneChange {
  readonly lane: Lane;
  readonly head: LaneHead;
  readonly coder: LaneState | null;
  readonly appended: readonly HeldBlock[];
}

/** All of one append. */
export interface Plan {
  readonly writes: readonly StoreWrite[];
  readonly lanes: readonly LaneChange[];
  readonly groups: ReadonlyMap<ValueClass, GroupBook>;
  readonly watermarks: readonly LineChange[];
}

/** Lane of each kind of record. */
const LANE_OF_RECORD: Readonly<Record<JournalRecord['kind'], Lane>> = {
  event: LANES.alarms,
  attribute: LANES.alarms,
  'meter-state': LANES.alarms,
  gap: LANES.alarms,
  found: LANES.alarms,
  command: LANES.results,
  log: LANES.logs,
};

/** Makes the plan of an entry; throws JOURNAL_ENTRY when it cannot be stored as it is. */
export function planAppend(entry: Entry, books: Books, context: PlanContext): Plan {
  checkEntry(entry);
  const planner = new Planner(entry, books, context);
  try {
    for (const valueClass of ['billing', 'low-value'] as const)
      planner.rows(
        valueClass,
        entry.groups.filter((group) => group.valueClass === valueClass && group.rows.length > 0),
      );
    for (const lane of [LANES.alarms, LANES.results, LANES.logs])
      planner.records(
        lane,
        entry.records.filter((record) => LANE_OF_RECORD[record.kind] === lane),
      );
  } catch (error) {
    // What the formats refuse is the maker's fault, and storing it again would fail again.
    if (error instanceof DeltawattError && /^(WIRE|BLOCK)_/.test(error.code))
      throw journalError('JOURNAL_ENTRY', error.message, error);
    throw error;
  }
  return planner.finish();
}

function checkEntry(entry: Entry): void {
  const rows = entry.groups.reduce((sum, group) => sum + group.rows.length, 0);
  if (rows > ENTRY_MAX_ROWS) throw journalError('JOURNAL_ENTRY', `${rows} rows`);
  for (const { key, value } of entry.keep) {
    if (key.length > KEPT_KEY_MAX_CHARACTERS)
      throw journalError('JOURNAL_ENTRY', `a kept key of ${key.length} characters`);
    if (value !== undefined && value.length > KEPT_VALUE_MAX_OCTETS)
      throw journalError('JOURNAL_ENTRY', `${value.length} octets under ${key}`);
  }
}

class Planner {
  readonly #writes: StoreWrite[] = [];
  readonly #lanes: LaneChange[] = [];
  readonly #groups = new Map<ValueClass, GroupBook>();

  constructor(
    private readonly entry: Entry,
    private readonly books: Books,
    private readonly context: PlanContext,
  ) {}

  finish(): Plan {
    for (const { key, value } of this.entry.keep) {
      const octets = keyOf(KEY.kept, key);
      this.#writes.push(value === undefined ? { kind: 'delete', key: octets } : putSealed(octets, value));
    }
    const watermarks = this.books.watermarks.plan(this.entry.line, this.entry.watermarks);
    for (const { line, names, times } of watermarks) {
      if (names !== null) this.#putSealed(keyOf(KEY.names, line), names);
      this.#putSealed(keyOf(KEY.marks, line), times);
    }
    return { writes: this.#writes, lanes: this.#lanes, groups: this.#groups, watermarks };
  }

  rows(valueClass: ValueClass, groups: readonly GroupRows[]): void {
    if (groups.length === 0) return;
    const known = this.books.groups.get(valueClass) ?? null;
    const book = bookWith(
      known,
      groups.map(({ group }) => group),
      this.context.sha256,
    );
    if (book !== known) {
      this.#groups.set(valueClass, book);
      this.#put(dictionaryKey(book.hash), book.octets);
      this.#putSealed(currentKey(valueClass), fromHex(book.hash));
    }
    const isAgain = ({ isBackfill }: GroupRows) => isBackfill === true;
    const again = groups.filter(isAgain);
    // What a collector could not read it can read from a keyframe on: that of the rows read again, and the next fresh one.
    const restarts = again.length > 0;
    const hasFresh = again.length < groups.length;
    const lane = valueClass === 'low-value' ? LANES.lowValue : hasFresh ? this.#laneForBilling() : LANES.backfill;
    if (lane === LANES.backfill && restarts) this.#pauseFresh();
    const together = lane === LANES.fresh ? groups.filter((each) => !isAgain(each)) : groups;
    this.#appendRows(lane, together, book, restarts);
    if (lane === LANES.fresh && restarts) this.#appendRows(LANES.backfill, again, book, restarts);
  }

  #numbered(groups: readonly GroupRows[], book: GroupBook): Row[] {
    const rows: Row[] = [];
    for (const { group, rows: groupRows } of groups) {
      const number = book.numbers.get(groupIdentity(group));
      if (number === undefined) throw journalError('JOURNAL_ENTRY', `group of meter ${group.meterId}`);
      // Field by field: a spread takes four times as long, and this is done for every row that an edge stores.
      for (const { atMs, status, quality, deviationMin, values } of groupRows)
        rows.push({ group: number, atMs, status, quality, deviationMin, values });
    }
    return rows;
  }

  records(lane: Lane, records: readonly JournalRecord[]): void {
    if (records.length === 0) return;
    const book = this.#book(lane);
    const sequence = book.head.last + 1;
    const { blocks } = packRecords(
      this.#head(book, sequence, sequence),
      records,
      emptyLaneState(),
      this.context.sha256,
    );
    this.#change(book, blocks, null, null);
  }

  /** Lane 2 only while it is short; whoever leaves it marks it, so that its next block is a keyframe. */
  #laneForBilling(): Lane {
    if (this.#book(LANES.fresh).pendingOctets < FRESH_MAX_PENDING_OCTETS) return LANES.fresh;
    this.#pauseFresh();
    return LANES.backfill;
  }

  #pauseFresh(): void {
    const fresh = this.#book(LANES.fresh);
    const isPaused = fresh.head.paused || this.#lanes.some(({ lane }) => lane === LANES.fresh);
    if (isPaused || fresh.head.last === 0) return;
    const head = { ...fresh.head, paused: true };
    this.#lanes.push({ lane: LANES.fresh, head, coder: fresh.coder, appended: [] });
    this.#putSealed(laneKey(KEY.head, LANES.fresh), packHead(head));
  }

  #appendRows(lane: Lane, rowsOf: readonly GroupRows[], groups: GroupBook, restarts: boolean): void {
    const book = this.#book(lane);
    const sequence = book.head.last + 1;
    const keyframe = restarts || this.#needsKeyframe(book, groups.hash) ? sequence : book.head.keyframe;
    const head = this.#head(book, sequence, keyframe);
    const state = book.coder ?? emptyLaneState();
    const packed = packRows(head, groups, this.#numbered(rowsOf, groups), state, this.context.sha256);
    this.#change(book, packed.blocks, packed.state, groups.hash);
  }

  #needsKeyframe(book: LaneBook, dictionaryHash: string): boolean {
    const { head, coder, held } = book;
    const start = held.findLast((block) => block.sequence === head.keyframe);
    if (coder === null || head.paused || start === undefined || start.dictionaryHash !== dictionaryHash) return true;
    const ageMs = Math.abs(this.entry.readAtMs - start.readAtMs);
    return ageMs >= KEYFRAME_MAX_AGE_MS || head.last + 1 - head.keyframe >= KEYFRAME_MAX_BLOCKS;
  }

  #book(lane: Lane): LaneBook {
    const book = this.books.lanes.get(lane);
    if (book === undefined) throw journalError('JOURNAL_ENTRY', `lane ${lane}`);
    return book;
  }

  #head({ lane, head }: LaneBook, sequence: number, keyframe: number): PackHead {
    const { clockQuality } = this.context;
    return {
      lane,
      epoch: this.books.epoch,
      sequence,
      keyframe,
      prevHash: head.hash,
      readAtMs: this.entry.readAtMs,
      clockQuality,
    };
  }

  #change(
    book: LaneBook,
    blocks: readonly PackedBlock[],
    coder: LaneState | null,
    dictionaryHash: string | null,
  ): void {
    const { lane } = book;
    const last = blocks.at(-1);
    if (last === undefined) return;
    const appended = blocks.map(({ sequence, keyframe, octets, fromMs, toMs }): HeldBlock => {
      this.#put(blockKey(lane, sequence), octets);
      const { readAtMs } = this.entry;
      const appendedAtMs = this.context.nowMonotonicMs;
      const { clockQuality } = this.context;
      const times = { fromMs, toMs, readAtMs, clockQuality, appendedAtMs };
      return { from: sequence, sequence, keyframe, octets: octets.length, ...times, dictionaryHash };
    });
    const keyframe = isSelfContained(lane) ? last.sequence : last.keyframe;
    const head: LaneHead = { last: last.sequence, hash: last.hash, keyframe, paused: false };
    this.#putSealed(laneKey(KEY.head, lane), packHead(head));
    this.#lanes.push({ lane, head, coder, appended });
  }

  #putSealed(key: Uint8Array, value: Uint8Array): void {
    this.#writes.push(putSealed(key, value));
  }

  #put(key: Uint8Array, value: Uint8Array): void {
    this.#writes.push({ kind: 'put', key, value });
  }
}
