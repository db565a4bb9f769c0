/** Invocation counters over restarts, also over one that finds an older store than it left. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Disk } from '../../../src/base/env.ts';
import { COUNTER_BLOCK } from '../../../src/dlms/security/limits.ts';
import { entryWith } from '../../../src/edge/entry.ts';
import { COUNTER_CEILING_STEP, COUNTER_LEAP_BLOCKS } from '../../../src/edge/limits.ts';
import { CounterNotes } from '../../../src/edge/reader/counter-notes.ts';
import { MeterCounters } from '../../../src/edge/reader/counters.ts';
import type { MeterId } from '../../../src/model/ids.ts';
import { FakeJournal } from './fake-journal.ts';
import { testWorld } from './world.ts';

const NOW_MS = Date.UTC(2026, 2, 1);
const clock = { nowMs: () => NOW_MS, monotonicMs: () => 0 };
const METER = { meterId: 'm1' as MeterId, line: 'bus1' };
const KEY = { keyPrint: Uint8Array.of(1, 2, 3, 4), firstCounter: 10_000 };

/** Takes numbers as a session does: a block is reserved whenever few are left. Returns the last. */
async function use(counters: MeterCounters, count: number): Promise<number> {
  let last = Number.NaN;
  for (let n = 0; n < count; n++) last = (await counters.of(METER, KEY)).own.take();
  return last;
}

async function boundIn(journal: FakeJournal): Promise<readonly [string, Uint8Array]> {
  const [kept] = await journal.keptUnder('counter:');
  assert.ok(kept);
  return kept;
}

test('how a meter reads the standard begins as its key file says, and is kept with its counters', async () => {
  const counters = new MeterCounters(new FakeJournal(), clock);
  const { dialect } = await counters.of(METER, { ...KEY, dialect: { generalCipheringAad: 'short' } });
  assert.deepEqual(dialect.switches, { generalCipheringAad: 'short', signContentLength: false });
  assert.equal((await counters.of(METER, KEY)).dialect, dialect);
});

test('after a restart a key goes on leap blocks behind its stored bound, and each number is used once', async () => {
  const journal = new FakeJournal();
  const last = await use(new MeterCounters(journal, clock), 3);
  const [, bound] = await boundIn(journal);
  const { own } = await new MeterCounters(journal, clock).of(METER, KEY);
  assert.equal(own.next, Number(new TextDecoder().decode(bound)) + COUNTER_LEAP_BLOCKS * COUNTER_BLOCK);
  assert.ok(own.take() > last);
});

test('a store that lost its last reservations without a trace uses no number twice', async () => {
  const journal = new FakeJournal();
  const counters = new MeterCounters(journal, clock);
  await use(counters, 1);
  const [key, value] = await boundIn(journal);
  // As many as the leap covers: whole blocks that were stored, used, and are gone.
  const last = await use(counters, COUNTER_LEAP_BLOCKS * COUNTER_BLOCK);
  assert.notDeepEqual((await boundIn(journal))[1], value);
  const nothing = { line: '', groups: [], records: [], watermarks: [], readAtMs: 0 };
  await journal.append({ ...nothing, keep: [{ key, value }] });
  const { own } = await new MeterCounters(journal, clock).of(METER, KEY);
  assert.ok(own.next > last, `${own.next} after ${last}`);
});

const LOST = () => new FakeJournal();

type Files = Pick<Disk, 'readFile' | 'writeFile'>;

/** The memory disk, with another way to write. */
function writing(disk: Disk, writeFile: Disk['writeFile']): Files {
  return { readFile: (path) => disk.readFile(path), writeFile };
}

function notesOn(disk: Files, counts: string[] = []): CounterNotes {
  const health = { count: (name: string) => void counts.push(name) };
  const env = { ...testWorld().program('edge').env, disk };
  return new CounterNotes({ env, health, path: 'state/counters' });
}

test('HE-7 a store that is gone takes no counter with it: the key goes on above every number that it used', async () => {
  const { disk } = testWorld().program('edge').env;
  let highest = 0;
  // More numbers than seconds went by, as after many starts; each life finds an empty store.
  for (let life = 0; life < 5; life++) {
    const counters = new MeterCounters(LOST(), clock, notesOn(disk));
    const first = (await counters.of(METER, KEY)).own.next;
    assert.ok(first > highest, `life ${life} begins at ${first} after ${highest}`);
    highest = await use(counters, 950);
  }
});

test('HE-7 the second note of the counters is written once for many reservations', async () => {
  const { disk } = testWorld().program('edge').env;
  let written = 0;
  const counting = writing(disk, (...args) => {
    written++;
    return disk.writeFile(...args);
  });
  const counters = new MeterCounters(new FakeJournal(), clock, notesOn(counting));
  await use(counters, 2_000);
  assert.equal(written, 1);
});

test('HE-7 a second note that was damaged, or cannot be written, is counted, and reading goes on', async () => {
  const { disk } = testWorld().program('edge').env;
  await use(new MeterCounters(LOST(), clock, notesOn(disk)), 1);
  const octets = await disk.readFile('state/counters');
  assert.ok(octets !== undefined);
  for (let at = 0; at < octets.length; at++) {
    const flipped = Uint8Array.from(octets, (octet, place) => (place === at ? octet ^ 1 : octet));
    await disk.writeFile('state/counters', flipped);
    const counts: string[] = [];
    const notes = notesOn(disk, counts);
    const { own } = await new MeterCounters(LOST(), clock, notes).of(METER, KEY);
    assert.deepEqual([counts[0], own.left > 0], ['counter_notes_damaged', true], `octet ${at}`);
  }
  const counts: string[] = [];
  const full = writing(disk, () => Promise.reject(new Error('no room')));
  const counters = new MeterCounters(LOST(), clock, notesOn(full, counts));
  assert.ok((await use(counters, 300)) > 0);
  assert.ok(counts.includes('counter_notes_not_written'));
});

test('HE-7 a store that looks sound and lost all reservations of the last life lets no number come again', async () => {
  const { disk } = testWorld().program('edge').env;
  const journal = new FakeJournal();
  await use(new MeterCounters(journal, clock, notesOn(disk)), 3);
  const [key, value] = await boundIn(journal);
  let highest = await use(new MeterCounters(journal, clock, notesOn(disk)), 7);
  for (let life = 0; life < 3; life++) {
    // As it was before that life: its log is gone, and nothing says so.
    await journal.append(entryWith(0, { keep: [{ key, value }] }));
    const counters = new MeterCounters(journal, clock, notesOn(disk));
    const { own } = await counters.of(METER, KEY);
    assert.ok(own.next > highest, `life ${life} begins at ${own.next} after ${highest}`);
    highest = await use(counters, 70);
  }
});

test('HE-7 a restart on a sound store leaps a few blocks, not to the ceiling', async () => {
  const { disk } = testWorld().program('edge').env;
  const journal = new FakeJournal();
  for (let life = 0; life < 3; life++) {
    const before = await use(new MeterCounters(journal, clock, notesOn(disk)), 3);
    const { own } = await new MeterCounters(journal, clock, notesOn(disk)).of(METER, KEY);
    assert.ok(own.next - before < (COUNTER_LEAP_BLOCKS + 2) * COUNTER_BLOCK, `${own.next} after ${before}`);
  }
});

test('HE-7 of each meter the newest keys have a second note', async () => {
  const { disk } = testWorld().program('edge').env;
  const notes = notesOn(disk);
  for (let print = 0; print < 9; print++)
    await notes.note([{ key: `counter:m1:0${print}`, from: 0, bound: 100 + print }]);
  await notes.note([{ key: 'counter:m2:00', from: 5, bound: 7 }]);
  const after = notesOn(disk);
  const noted = await Promise.all(
    Array.from({ length: 9 }, (_, print) => after.beginAfterLoss(`counter:m1:0${print}`, null)),
  );
  assert.deepEqual(
    noted.map((below) => below !== null),
    [false, false, false, false, false, true, true, true, true],
  );
  assert.equal(await after.beginAfterLoss('counter:m2:00', 4), 7 + COUNTER_CEILING_STEP);
  assert.equal(await after.beginAfterLoss('counter:m2:00', 5), null);
});
