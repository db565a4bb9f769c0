/** Invocation counters over restarts, also over one that finds an older store than it left. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COUNTER_BLOCK } from '../../../src/dlms/security/limits.ts';
import { COUNTER_LEAP_BLOCKS } from '../../../src/edge/limits.ts';
import { MeterCounters } from '../../../src/edge/reader/counters.ts';
import type { MeterId } from '../../../src/model/ids.ts';
import { FakeJournal } from './fake-journal.ts';

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
