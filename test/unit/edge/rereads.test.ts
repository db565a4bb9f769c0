import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Reread } from '../../../src/edge/ports.ts';
import type { MeterId } from '../../../src/model/ids.ts';
import { bus } from './bus.ts';

const HOUR_MS = 3_600_000;
const OBIS = ['1-0:1.8.0*255', '1-0:2.8.0*255', '1-0:3.8.0*255', '1-0:4.8.0*255'];

/** A bus that has read two days of its one meter. */
async function readBus() {
  const b = await bus({ count: 1, days: 2 });
  b.scheduler.start();
  await b.world.clock.advance(HOUR_MS);
  const rows = () => b.rowsOf('m0001', 900).filter((row) => row.values.length === OBIS.length);
  return { ...b, rows };
}

function lostOf(part: Partial<Reread>): Reread {
  return { meterId: 'm0001' as MeterId, intervalS: 900, obis: OBIS, fromMs: 0, toMs: 0, ...part };
}

test('rows that the journal lost are read again, each with the value it had, and the watermark stays', async () => {
  const b = await readBus();
  const before = b.rows();
  const lost = before.slice(20, 60);
  const [fromMs, toMs] = [lost[0]?.atMs ?? 0, lost.at(-1)?.atMs ?? 0];
  b.journal.lost = [lostOf({ fromMs, toMs })];
  await b.world.clock.advance(HOUR_MS);
  const late = b.rows().slice(before.length);
  const again = late.filter((row) => row.atMs <= toMs);
  assert.deepEqual(
    again.map((row) => [row.atMs, row.values]),
    lost.map((row) => [row.atMs, row.values]),
  );
  assert.equal(late.length - again.length, 4, 'the new quarter-hours came besides');
  assert.deepEqual(b.journal.lost, []);
  const entries = b.journal.entries.filter((entry) =>
    entry.groups.some((group) => again.some((row) => group.rows.includes(row))),
  );
  assert.deepEqual(
    entries.flatMap((entry) => entry.watermarks),
    [],
  );
  assert.equal(
    b.journal.watermark('m0001' as MeterId, '1-0:99.1.0*255'),
    b
      .rows()
      .map((row) => row.atMs)
      .sort()
      .at(-1),
  );
  await b.stop();
});

test('an entry that no buffer of the meter serves is let go, one of another meter is left alone', async () => {
  const b = await readBus();
  const other = lostOf({ meterId: 'm9999' as MeterId, toMs: 1 });
  b.journal.lost = [lostOf({ intervalS: 0, obis: ['1-0:1.7.0*255'] }), other];
  const count = b.rows().length;
  await b.world.clock.advance(HOUR_MS);
  assert.deepEqual(b.journal.lost, [other]);
  assert.equal(b.rows().length, count + 4);
  await b.stop();
});

test('what could not be stored stays on the list and is read again', async () => {
  const b = await readBus();
  const lost = b.rows().slice(0, 4);
  const entry = lostOf({ fromMs: lost[0]?.atMs ?? 0, toMs: lost.at(-1)?.atMs ?? 0 });
  b.journal.lost = [entry];
  const append = b.journal.append.bind(b.journal);
  let refused = 0;
  b.journal.append = (each) => {
    if (refused > 0 || each.watermarks.length > 0 || each.groups.length === 0) return append(each);
    refused++;
    return Promise.reject(new Error('no room'));
  };
  const before = b.rows().length;
  await b.world.clock.advance(2 * HOUR_MS);
  assert.equal(refused, 1);
  assert.deepEqual(b.journal.lost, []);
  const again = b
    .rows()
    .slice(before)
    .filter((row) => row.atMs <= entry.toMs);
  assert.deepEqual(
    again.map((row) => row.atMs),
    lost.map((row) => row.atMs),
  );
  await b.stop();
});
