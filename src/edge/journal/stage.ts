/**
 * The stage: collects what readers bring until it is worth a block, so that a round over many meters becomes a few
 * batches instead of one per meter.
 *
 * It flushes when about 3.5 kB are estimated, when the first row has waited `flushAfterMs`, at once for urgent records, and
 * on demand. A flush that fails keeps nothing: the watermarks fall back to the journal's and the meters, which still hold
 * the rows, are read again. Records are not in any meter; they stay and go with the next flush.
 */
import type { Timer, Timers } from '../../base/env.ts';
import type { MeterId } from '../../model/ids.ts';
import { estimateOctets } from '../../wire/pack.ts';
import { recordOctets } from '../../wire/record-body.ts';
import type { JournalRecord } from '../../wire/records.ts';
import type { Entry, Journal, ReadingStage, Staged, Watermark } from '../ports.ts';
import { journalError } from './errors.ts';
import { FLUSH_OCTETS, STAGE_MAX_RECORDS, STAGE_MAX_ROWS } from './limits.ts';

/** What a stage needs. */
export interface StageOptions {
  readonly journal: Pick<Journal, 'append' | 'watermark'>;
  readonly timers: Timers;
  /** Longest wait of a row, ms. */
  readonly flushAfterMs: number;
  /** Called when a flush failed; the stage goes on. */
  readonly failed: (error: unknown) => void;
  /** Called when rows are on the medium, with their number. */
  readonly stored?: (rows: number) => void;
}

type OpenEntry = { -readonly [Key in 'groups' | 'records' | 'watermarks' | 'keep']: Entry[Key][number][] } & {
  readAtMs: number;
};

function nothing(): OpenEntry {
  return { groups: [], records: [], watermarks: [], keep: [], readAtMs: Number.MIN_SAFE_INTEGER };
}

/** Whether a record must not wait for rows. */
function isUrgent(record: JournalRecord): boolean {
  return record.kind === 'command' || (record.kind === 'event' && record.event.severity === 'alarm');
}

function watermarkName(meterId: MeterId, key: string): string {
  return `${meterId}\0${key}`;
}

/** One stage for all lines of an edge. */
export class Stage implements ReadingStage {
  readonly #options: StageOptions;
  #open = nothing();
  #octets = 0;
  #rows = 0;
  #timer: Timer | null = null;
  /** Watermarks of rows that are staged or being written. */
  readonly #staged = new Map<string, number>();
  /** Raised by each failure: what was staged before it may no longer be stored. */
  #generation = 0;
  /** The end of the queue of flushes. */
  #tail: Promise<void> = Promise.resolve();

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
    open.groups.push(...staged.groups);
    open.records.push(...staged.records);
    open.keep.push(...staged.keep);
    for (const watermark of staged.watermarks) {
      open.watermarks.push({ ...watermark, line: watermark.line ?? staged.line });
      this.#staged.set(watermarkName(watermark.meterId, watermark.key), watermark.atMs);
    }
    open.readAtMs = Math.max(open.readAtMs, staged.readAtMs);
    for (const { group, rows } of staged.groups) {
      this.#rows += rows.length;
      this.#octets += estimateOctets(rows.length, group.columns.length);
    }
    for (const record of staged.records) this.#octets += recordOctets(record);
    const full =
      this.#octets >= FLUSH_OCTETS || this.#rows >= STAGE_MAX_ROWS || open.records.length >= STAGE_MAX_RECORDS;
    if (full || staged.records.some(isUrgent)) return this.flush();
    this.#startTimer();
    return Promise.resolve();
  }

  /** Rows that were read above a watermark which fell back since: storing them would hide the ones before. */
  #leavesHole({ meterId, key, sinceMs }: Watermark): boolean {
    if (sinceMs === undefined || sinceMs === null) return false;
    return sinceMs > (this.watermark(meterId, key) ?? Number.NEGATIVE_INFINITY);
  }

  #startTimer(): void {
    this.#timer ??= this.#options.timers.after(this.#options.flushAfterMs, () => {
      // Whoever set the timer does not wait: a failure is reported by `failed`.
      this.flush().catch(() => undefined);
    });
  }

  watermark(meterId: MeterId, key: string): number | null {
    return this.#staged.get(watermarkName(meterId, key)) ?? this.#options.journal.watermark(meterId, key);
  }

  flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    const entry = this.#open;
    this.#open = nothing();
    this.#octets = 0;
    this.#rows = 0;
    const generation = this.#generation;
    const flushed = this.#tail.then(() => this.#append(entry, generation));
    this.#tail = flushed.catch(() => undefined);
    return flushed;
  }

  async #append(entry: OpenEntry, generation: number): Promise<void> {
    const size = entry.groups.length + entry.records.length + entry.watermarks.length + entry.keep.length;
    if (size === 0) return;
    if (generation !== this.#generation) {
      this.#keepRecords(entry);
      throw journalError('JOURNAL_STALE', 'a flush before this one failed');
    }
    try {
      await this.#options.journal.append({ ...entry, line: '' });
      this.#forget(entry.watermarks);
      this.#options.stored?.(entry.groups.reduce((sum, each) => sum + each.rows.length, 0));
    } catch (error) {
      this.#fallBack(entry);
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
   * All staged rows go, also those that came after the failed ones: a later row without the earlier one would move the
   * watermark over a hole. Kept values describe rows and go too; records have no other home and stay.
   */
  #fallBack(failed: OpenEntry): void {
    this.#generation++;
    this.#staged.clear();
    const { records, readAtMs } = this.#open;
    this.#open = { ...nothing(), records, readAtMs };
    this.#rows = 0;
    this.#keepRecords(failed);
  }

  /** Puts records of a flush that was not stored before those that wait. */
  #keepRecords({ records, readAtMs }: OpenEntry): void {
    const kept = [...records, ...this.#open.records].slice(-STAGE_MAX_RECORDS);
    this.#open = { ...this.#open, records: kept, readAtMs: Math.max(readAtMs, this.#open.readAtMs) };
    this.#octets = this.#estimate();
    if (kept.length > 0) this.#startTimer();
  }

  #estimate(): number {
    const { groups, records } = this.#open;
    const rows = groups.reduce((sum, each) => sum + estimateOctets(each.rows.length, each.group.columns.length), 0);
    return records.reduce((sum, record) => sum + recordOctets(record), rows);
  }
}
