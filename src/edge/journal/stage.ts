/**
 * The stage: collects what readers bring until it is worth a block, so that a round over many meters becomes a few
 * batches instead of one per meter.
 *
 * It flushes when about 3.5 kB are estimated, when the first row has waited `flushAfterMs`, when no reading is under way (a
 * round's last rows need not wait for others; at most once each `flushAfterMs`, so that this wears no flash), at once for
 * urgent records and for the first rows after a start (an edge that is ended again and again gets on all the same), and on
 * demand. While one flush is written, what comes meanwhile goes together with the next. A flush that fails keeps nothing
 * that a meter still holds: the watermarks fall back to the journal's, and those rows are read again. Records and pushed
 * rows are in no meter; they stay and go with the next flush, within bounds.
 */
import type { Clock, Timer, Timers } from '../../base/env.ts';
import type { MeterId } from '../../model/ids.ts';
import { estimateOctets } from '../../wire/pack.ts';
import { recordOctets } from '../../wire/record-body.ts';
import type { JournalRecord } from '../../wire/records.ts';
import type { Entry, GroupRows, Journal, ReadingStage, Staged, Watermark } from '../ports.ts';
import { journalError } from './errors.ts';
import { FLUSH_OCTETS, HELD_MAX_ROWS, STAGE_MAX_RECORDS, STAGE_MAX_ROWS } from './limits.ts';

/** What a stage needs. */
export interface StageOptions {
  readonly journal: Pick<Journal, 'append' | 'watermark'>;
  readonly timers: Timers;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** Longest wait of a row, ms. */
  readonly flushAfterMs: number;
  /** Called when a flush failed; the stage goes on. */
  readonly failed: (error: unknown) => void;
  /** Called when rows are on the medium, with their number. */
  readonly stored?: (rows: number) => void;
  /** Called when pushed rows had to give way, with their number: they are lost. */
  readonly lost?: (rows: number) => void;
}

type Lists<Keys extends keyof Entry> = {
  -readonly [Key in Keys]: Entry[Key] extends readonly (infer Item)[] ? Item[] : never;
};

interface OpenEntry extends Lists<'groups' | 'records' | 'watermarks' | 'keep'> {
  /** Rows that are nowhere else, and what is kept with them. */
  readonly only: Lists<'groups' | 'keep'>;
  readAtMs: number;
}

function nothing(): OpenEntry {
  const only = { groups: [], keep: [] };
  return { groups: [], records: [], watermarks: [], keep: [], only, readAtMs: Number.MIN_SAFE_INTEGER };
}

/** The part of it that no meter holds. */
function homeless({ records, only, readAtMs }: OpenEntry): OpenEntry {
  return { ...nothing(), records, only, readAtMs };
}

function joined(first: OpenEntry, then: OpenEntry): OpenEntry {
  return {
    groups: [...first.groups, ...then.groups],
    records: [...first.records, ...then.records],
    watermarks: [...first.watermarks, ...then.watermarks],
    keep: [...first.keep, ...then.keep],
    only: {
      groups: [...first.only.groups, ...then.only.groups],
      keep: [...first.only.keep, ...then.only.keep],
    },
    readAtMs: Math.max(first.readAtMs, then.readAtMs),
  };
}

function rowsIn(groups: readonly GroupRows[]): number {
  return groups.reduce((sum, { rows }) => sum + rows.length, 0);
}

function octetsIn(groups: readonly GroupRows[]): number {
  return groups.reduce((sum, { group, rows }) => sum + estimateOctets(rows.length, group.columns.length), 0);
}

/** Whether a record must not wait for rows. */
function isUrgent(record: JournalRecord): boolean {
  return record.kind === 'command' || (record.kind === 'event' && record.event.severity === 'alarm');
}

/** A flush that waits for the one before it. */
interface WaitingFlush {
  entry: OpenEntry;
  rows: number;
  readonly generation: number;
  readonly done: Promise<void>;
}

function watermarkName(meterId: MeterId, key: string): string {
  return `${meterId}\0${key}`;
}

/** One stage for all lines of an edge. */
export class Stage implements ReadingStage {
  readonly #options: StageOptions;
  #open = nothing();
  /** What flushes that failed left, in their order; it goes before what was staged since. */
  #held = nothing();
  #octets = 0;
  #rows = 0;
  #timer: Timer | null = null;
  /** Rows left the stage since the start. */
  #hasFlushed = false;
  /** Watermarks of rows that are staged or being written. */
  readonly #staged = new Map<string, number>();
  /** Raised by each failure: what was staged before it may no longer be stored. */
  #generation = 0;
  /** The end of the queue of flushes. */
  #tail: Promise<void> = Promise.resolve();
  /** The last flush of the queue, while it has not begun. */
  #waiting: WaitingFlush | null = null;
  /** When rows were last flushed before they were worth a block, monotonic ms. */
  #earlyAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: StageOptions) {
    this.#options = options;
  }

  /** Estimated octets that wait. */
  get octets(): number {
    return this.#octets;
  }

  add(staged: Staged): Promise<void> {
    const gap = staged.watermarks.find((watermark) => this.#leavesHole(watermark));
    if (gap !== undefined) return Promise.reject(journalError('JOURNAL_STALE', `meter ${gap.meterId}, ${gap.key}`));
    const open = this.#open;
    const home = staged.isOnlyCopy === true ? open.only : open;
    home.groups.push(...staged.groups);
    home.keep.push(...staged.keep);
    open.records.push(...staged.records);
    for (const watermark of staged.watermarks) {
      open.watermarks.push({ ...watermark, line: watermark.line ?? staged.line });
      this.#staged.set(watermarkName(watermark.meterId, watermark.key), watermark.atMs);
    }
    open.readAtMs = Math.max(open.readAtMs, staged.readAtMs);
    this.#rows += rowsIn(staged.groups);
    this.#octets += octetsIn(staged.groups);
    for (const record of staged.records) this.#octets += recordOctets(record);
    const records = this.#held.records.length + open.records.length;
    const full = this.#octets >= FLUSH_OCTETS || this.#rows >= STAGE_MAX_ROWS || records >= STAGE_MAX_RECORDS;
    const isFirst = !this.#hasFlushed && this.#rows > 0;
    if (full || isFirst || staged.records.some(isUrgent)) return this.flush();
    this.#startTimer();
    return Promise.resolve();
  }

  /** Rows that were read above a watermark which fell back since: storing them would hide the ones before. */
  #leavesHole({ meterId, key, sinceMs }: Watermark): boolean {
    if (sinceMs === undefined || sinceMs === null) return false;
    return sinceMs > (this.watermark(meterId, key) ?? Number.NEGATIVE_INFINITY);
  }

  #startTimer(): void {
    this.#timer ??= this.#options.timers.after(this.#options.flushAfterMs, () => this.#flushEarly());
  }

  /** No reading is under way: what waits has nothing to wait for. */
  rest(): void {
    const sinceMs = this.#options.clock.monotonicMs() - this.#earlyAtMs;
    if (this.#timer !== null && sinceMs >= this.#options.flushAfterMs) this.#flushEarly();
  }

  #flushEarly(): void {
    this.#earlyAtMs = this.#options.clock.monotonicMs();
    // Nobody waits for it: a failure is reported by `failed`.
    this.flush().catch(() => undefined);
  }

  watermark(meterId: MeterId, key: string): number | null {
    return this.#staged.get(watermarkName(meterId, key)) ?? this.#options.journal.watermark(meterId, key);
  }

  flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    const entry = joined(this.#held, this.#open);
    this.#held = nothing();
    this.#open = nothing();
    const rows = this.#rows;
    this.#hasFlushed ||= rows > 0;
    this.#octets = 0;
    this.#rows = 0;
    return this.#enqueue(entry, rows);
  }

  /** Writes it with the flush that waits, or behind it when that one is of another generation or large enough. */
  #enqueue(entry: OpenEntry, rows: number): Promise<void> {
    const generation = this.#generation;
    const last = this.#waiting;
    if (last?.generation === generation && last.rows + rows <= STAGE_MAX_ROWS) {
      last.entry = joined(last.entry, entry);
      last.rows += rows;
      return last.done;
    }
    const done = this.#tail.then(() => {
      if (this.#waiting === waiting) this.#waiting = null;
      return this.#append(waiting.entry, generation);
    });
    const waiting: WaitingFlush = { entry, rows, generation, done };
    this.#waiting = waiting;
    this.#tail = done.catch(() => undefined);
    return done;
  }

  async #append({ only, ...entry }: OpenEntry, generation: number): Promise<void> {
    const groups = [...entry.groups, ...only.groups];
    const keep = [...entry.keep, ...only.keep];
    if (groups.length + entry.records.length + entry.watermarks.length + keep.length === 0) return;
    if (generation !== this.#generation) {
      this.#hold({ ...entry, only });
      throw journalError('JOURNAL_STALE', 'a flush before this one failed');
    }
    try {
      await this.#options.journal.append({ ...entry, groups, keep, line: '' });
      this.#forget(entry.watermarks);
      this.#options.stored?.(rowsIn(groups));
    } catch (error) {
      this.#fallBack({ ...entry, only });
      this.#options.failed(error);
      throw error;
    }
  }

  /** The journal knows them now; newer ones that were staged meanwhile stay. */
  #forget(watermarks: readonly Watermark[]): void {
    for (const { meterId, key, atMs } of watermarks) {
      const name = watermarkName(meterId, key);
      if (this.#staged.get(name) === atMs) this.#staged.delete(name);
    }
  }

  /**
   * All staged rows that a meter still holds go, also those that came after the failed ones: a later row without the earlier
   * one would move the watermark over a hole. Values kept with them describe those rows and go too.
   */
  #fallBack(failed: OpenEntry): void {
    this.#generation++;
    this.#staged.clear();
    this.#open = homeless(this.#open);
    this.#hold(failed);
  }

  /** Keeps what has no other home of a flush that was not stored, within bounds. */
  #hold(failed: OpenEntry): void {
    const { records, only, readAtMs } = joined(this.#held, homeless(failed));
    const keep = new Map(only.keep.map((each) => [each.key, each]));
    this.#held = {
      ...nothing(),
      records: records.slice(-STAGE_MAX_RECORDS),
      only: { groups: this.#newest(only.groups), keep: [...keep.values()] },
      readAtMs,
    };
    this.#measure();
    if (this.#octets > 0) this.#startTimer();
  }

  /** The newest of them, as many as may be held. */
  #newest(groups: readonly GroupRows[]): GroupRows[] {
    let room = HELD_MAX_ROWS;
    let from = groups.length;
    while (from > 0 && (groups[from - 1]?.rows.length ?? 0) <= room) room -= groups[--from]?.rows.length ?? 0;
    const lost = rowsIn(groups.slice(0, from));
    if (lost > 0) this.#options.lost?.(lost);
    return groups.slice(from);
  }

  #measure(): void {
    const { groups, only, records } = joined(this.#held, this.#open);
    this.#rows = rowsIn(groups) + rowsIn(only.groups);
    this.#octets = octetsIn(groups) + octetsIn(only.groups);
    for (const record of records) this.#octets += recordOctets(record);
  }
}
