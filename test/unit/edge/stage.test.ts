import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Timers } from '../../../src/base/env.ts';
import { hasCode } from '../../../src/base/errors.ts';
import { JOURNAL_ERRORS, journalError } from '../../../src/edge/journal/errors.ts';
import { FLUSH_OCTETS, HELD_MAX_ROWS } from '../../../src/edge/journal/limits.ts';
import { Stage } from '../../../src/edge/journal/stage.ts';
import type { Entry, Staged, Watermark } from '../../../src/edge/ports.ts';
import type { MeterId } from '../../../src/model/ids.ts';
import { entryOf, logRecord, rowsOf, START_MS } from '../../suite/journal.ts';

const m0 = 'm0' as MeterId;
const DAY_MS = 86_400_000;

/** Timers that the test fires. */
class HandTimers implements Timers {
  readonly pending = new Map<() => void, number>();

  after(delayMs: number, run: () => void) {
    this.pending.set(run, delayMs);
    return { cancel: () => this.pending.delete(run) };
  }

  sleep(): Promise<void> {
    return Promise.reject(new Error('a stage does not sleep'));
  }

  fire(): void {
    const due = [...this.pending.keys()];
    this.pending.clear();
    for (const run of due) run();
  }
}

class HandJournal {
  readonly entries: Entry[] = [];
  readonly marks = new Map<string, number>();
  failing = false;
  /** What a write waits for. */
  written: Promise<void> = Promise.resolve();

  async append(entry: Entry): Promise<[]> {
    await this.written;
    if (this.failing) throw journalError('JOURNAL_WRITE');
    this.entries.push(entry);
    for (const { meterId, key, atMs } of entry.watermarks) this.marks.set(`${meterId} ${key}`, atMs);
    return [];
  }

  watermark(meterId: MeterId, key: string): number | null {
    return this.marks.get(`${meterId} ${key}`) ?? null;
  }
}

function setUp() {
  const timers = new HandTimers();
  const clock = { ms: 0, monotonicMs: () => clock.ms };
  const journal = new HandJournal();
  const failures: unknown[] = [];
  const lost: number[] = [];
  const stage = new Stage({
    journal,
    timers,
    clock,
    flushAfterMs: 60_000,
    failed: (error) => failures.push(error),
    lost: (rows) => lost.push(rows),
  });
  return { timers, clock, journal, failures, lost, stage };
}

/** One whose first rows are behind it. */
async function begun() {
  const parts = setUp();
  await parts.stage.add(entryOf({ groups: rowsOf(1, START_MS - DAY_MS) }));
  assert.equal(parts.journal.entries.length, 1, 'the first rows after a start do not wait');
  parts.journal.entries.length = 0;
  return parts;
}

const timesOf = (entry: Entry | undefined) => entry?.groups.flatMap(({ rows }) => rows.map(({ atMs }) => atMs));

function readOf(atMs: number, sinceMs: number | null, line = 'bus1'): Entry {
  const watermark: Watermark = { meterId: m0, key: 'p', atMs, sinceMs };
  return entryOf({ line, groups: rowsOf(1, atMs), watermarks: [watermark], readAtMs: atMs });
}

test('J-30 rows wait for each other, and go together when the first has waited long enough', async () => {
  const { timers, journal, stage } = await begun();
  await stage.add(readOf(START_MS, null));
  await stage.add(
    entryOf({
      line: 'bus2',
      groups: rowsOf(2, START_MS),
      watermarks: [{ meterId: 'm9' as MeterId, key: 'p', atMs: 1 }],
    }),
  );
  assert.equal(journal.entries.length, 0);
  assert.equal(stage.watermark(m0, 'p'), START_MS, 'staged rows are not read twice');
  assert.equal(journal.watermark(m0, 'p'), null);
  assert.deepEqual([...timers.pending.values()], [60_000]);
  timers.fire();
  await stage.flush();
  assert.equal(journal.entries.length, 1);
  assert.equal(journal.entries[0]?.groups.length, 3);
  assert.deepEqual(
    journal.entries[0]?.watermarks.map(({ line }) => line),
    ['bus1', 'bus2'],
  );
  assert.equal(timers.pending.size, 0);
  assert.equal(stage.octets, 0);
});

test('J-31 a stage flushes when a block is full, and at once for a result or an alarm', async () => {
  const { journal, stage } = await begun();
  const each = rowsOf(50, START_MS);
  for (let round = 0; round < 20 && journal.entries.length === 0; round++) await stage.add(entryOf({ groups: each }));
  assert.equal(journal.entries.length, 1);
  assert.ok((journal.entries[0]?.groups.length ?? 0) * 4 * 3 * 0.7 < FLUSH_OCTETS * 1.5);
  await stage.add(entryOf({ records: [logRecord('later')] }));
  assert.equal(journal.entries.length, 1, 'a log line can wait');
  const event = {
    meterId: null,
    log: 'edge',
    code: 1,
    name: 'tamper',
    sentence: 'Cover opened.',
    atMs: START_MS,
    severity: 'alarm' as const,
  };
  await stage.add(entryOf({ records: [{ kind: 'event', event }] }));
  assert.equal(journal.entries.length, 2);
  assert.equal(journal.entries[1]?.records.length, 2);
});

test('J-32 a failed flush keeps no row, lets the watermark fall back and keeps the records', async () => {
  const { journal, stage, failures, timers } = await begun();
  await stage.add(readOf(START_MS, null));
  await stage.flush();
  journal.failing = true;
  await stage.add(readOf(START_MS + 1000, START_MS));
  await stage.add(entryOf({ records: [logRecord('stays')] }));
  const first = stage.flush();
  // Staged while the flush before it is on its way, and flushed behind it: must not be stored over the hole.
  await stage.add(readOf(START_MS + 2000, START_MS + 1000));
  const second = stage.flush();
  await assert.rejects(first, (error) => hasCode(error, 'JOURNAL_WRITE'));
  await assert.rejects(second, (error) => hasCode(error, 'JOURNAL_STALE'));
  assert.equal(failures.length, 1);
  assert.equal(stage.watermark(m0, 'p'), START_MS);
  journal.failing = false;
  await assert.rejects(stage.add(readOf(START_MS + 3000, START_MS + 2000)), (error) => hasCode(error, 'JOURNAL_STALE'));
  assert.equal(timers.pending.size, 1, 'the records do not wait for rows');
  await stage.add(readOf(START_MS + 1500, START_MS));
  await stage.flush();
  const last = journal.entries.at(-1);
  assert.deepEqual(last?.records, [logRecord('stays')]);
  assert.equal(journal.watermark(m0, 'p'), START_MS + 1500);
});

test('J-34 the last rows of a round do not wait for others when nothing is being read, at most once in the longest wait', async () => {
  const { clock, journal, stage, timers } = await begun();
  stage.rest();
  assert.equal(journal.entries.length, 0, 'nothing is staged');
  await stage.add(readOf(START_MS, null));
  stage.rest();
  await stage.flush();
  assert.equal(journal.entries.length, 1);
  assert.equal(timers.pending.size, 0);
  clock.ms += 59_999;
  await stage.add(readOf(START_MS + 1_000, START_MS));
  stage.rest();
  assert.equal(timers.pending.size, 1, 'a pause between two meters wears no flash');
  clock.ms += 1;
  stage.rest();
  await stage.flush();
  assert.equal(journal.entries.length, 2);
});

test('J-35 what is flushed while another flush is written goes together with the next, in order', async () => {
  const { journal, stage } = await begun();
  let written = () => {};
  journal.written = new Promise((resolve) => {
    written = resolve;
  });
  await stage.add(readOf(START_MS, null));
  const first = stage.flush();
  const later: Promise<void>[] = [];
  for (let row = 1; row <= 3; row++) {
    await stage.add(readOf(START_MS + row * 1_000, START_MS + (row - 1) * 1_000));
    later.push(stage.flush());
  }
  written();
  await Promise.all([first, ...later]);
  const firstTimes = journal.entries.map(({ groups }) => groups.map(({ rows }) => rows[0]?.atMs));
  assert.deepEqual(firstTimes, [[START_MS], [START_MS + 1_000, START_MS + 2_000, START_MS + 3_000]]);
  assert.equal(journal.watermark(m0, 'p'), START_MS + 3_000);
});

function pushOf(count: number, atMs: number, counter: number): Staged {
  const value = new TextEncoder().encode(String(counter));
  return {
    ...entryOf({ groups: rowsOf(1, atMs, 'billing', count), keep: [{ key: 'counter', value }] }),
    isOnlyCopy: true,
  };
}

test('IT-15 pushed rows outlast failed flushes, in order, with the last of what is kept with them; rows of meters go', async () => {
  const { journal, stage, timers } = await begun();
  journal.failing = true;
  await stage.add(pushOf(1, START_MS, 1));
  await stage.add(readOf(START_MS + 5_000, null));
  const first = stage.flush();
  await stage.add(pushOf(1, START_MS + 1_000, 2));
  const second = stage.flush();
  await assert.rejects(first, (error) => hasCode(error, 'JOURNAL_WRITE'));
  await assert.rejects(second, (error) => hasCode(error, 'JOURNAL_STALE'));
  assert.equal(timers.pending.size, 1, 'tried again without another push');
  await assert.rejects(stage.flush(), (error) => hasCode(error, 'JOURNAL_WRITE'));
  journal.failing = false;
  await stage.add(pushOf(1, START_MS + 2_000, 3));
  timers.fire();
  await stage.flush();
  assert.equal(journal.entries.length, 1);
  const [stored] = journal.entries;
  assert.deepEqual(timesOf(stored), [START_MS, START_MS + 1_000, START_MS + 2_000]);
  assert.equal(new TextDecoder().decode(stored?.keep.at(-1)?.value), '3');
  assert.equal(stage.octets, 0);
  await stage.flush();
  assert.equal(journal.entries.length, 1, 'once');
});

test('IT-15 pushed rows are held within a bound: the oldest give way, and their number is told', async () => {
  const { journal, lost, stage } = await begun();
  journal.failing = true;
  const each = HELD_MAX_ROWS / 4;
  for (let push = 0; push < 6; push++) {
    await stage.add(pushOf(each, START_MS + push, push)).catch(() => undefined);
    await assert.rejects(stage.flush());
  }
  assert.equal(
    lost.reduce((sum, rows) => sum + rows, 0),
    2 * each,
  );
  journal.failing = false;
  await stage.flush();
  const groups = journal.entries[0]?.groups ?? [];
  assert.equal(
    groups.reduce((sum, { rows }) => sum + rows.length, 0),
    HELD_MAX_ROWS,
  );
  assert.equal(journal.entries[0]?.keep.length, 1);
});

test('J-33 every error of the journal has a sentence that says what to do', () => {
  for (const [code, row] of Object.entries(JOURNAL_ERRORS)) {
    assert.match(code, /^JOURNAL_[A-Z]+$/);
    assert.match(row.sentence, /^[A-Z].{30,}\.$/);
  }
});
