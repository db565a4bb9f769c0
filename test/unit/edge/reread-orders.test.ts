/** Orders of the collector to read again: kept, read once, answered as often as they are said. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SILENT_LOG } from '../../../src/base/log.ts';
import { REREAD_ORDERS_MAX, REREAD_RESULTS_MAX } from '../../../src/edge/limits.ts';
import { servesReread } from '../../../src/edge/reader/rereads.ts';
import { RereadOrders } from '../../../src/edge/rereads/orders.ts';
import type { MeterId } from '../../../src/model/ids.ts';
import type { RereadOrder, RereadResult } from '../../../src/model/reread.ts';
import { bus, profileOf } from './bus.ts';
import { FakeJournal } from './fake-journal.ts';
import { FakeHealth } from './world.ts';

const QUARTER_MS = 900_000;
const HOUR_MS = 4 * QUARTER_MS;
const PROFILE = profileOf('generic/idis');
const [OBIS = ''] = ['1-0:1.8.0*255'];
const METER = 'm0001' as MeterId;

function orderOf(id: string, part: Partial<RereadOrder> = {}): RereadOrder {
  return { id, meterId: METER, intervalS: 900, obis: [OBIS], fromMs: 0, toMs: QUARTER_MS, ...part };
}

/** Orders over a journal, and what they say. */
async function desk(journal = new FakeJournal()) {
  const told: RereadResult[] = [];
  const health = new FakeHealth();
  const orders = new RereadOrders({
    journal,
    health,
    clock: { nowMs: () => 5 },
    log: SILENT_LOG,
    isServed: (order) => order.meterId === METER && PROFILE.buffers.some((rule) => servesReread(rule, order)),
    tell: (results) => told.push(...results),
  });
  await orders.start();
  return { journal, orders, told, health };
}

test('W-96 an order counts once it is stored, is there after a restart, and its id is taken once', async () => {
  const { journal, orders, told } = await desk();
  journal.failure = new Error('no room');
  await assert.rejects(orders.receive([orderOf('a')]), /no room/);
  assert.deepEqual(orders.rereads(), [], 'what is not stored is not there');
  await orders.receive([orderOf('a'), orderOf('b', { fromMs: -QUARTER_MS })]);
  await orders.receive([orderOf('a')]);
  const again = await desk(journal);
  for (const one of [orders, again.orders])
    assert.deepEqual(
      one.rereads().map(({ orderId, fromMs, toMs }) => [orderId, fromMs, toMs]),
      [
        ['b', -QUARTER_MS, QUARTER_MS],
        ['a', 0, QUARTER_MS],
      ],
    );
  assert.deepEqual(told, []);
});

test('W-97 an ended order is answered, and answered again when it is said again, also after a restart', async () => {
  const { journal, orders, told } = await desk();
  await orders.receive([orderOf('a')]);
  const [reread] = orders.rereads();
  assert.ok(reread);
  await orders.rereadDone(reread, { outcome: 'partly', rows: 1 });
  await orders.rereadDone(reread, { outcome: 'gone', rows: 0 });
  assert.deepEqual(told, [{ id: 'a', outcome: 'partly', rows: 1 }]);
  assert.deepEqual(orders.rereads(), []);
  const again = await desk(journal);
  await again.orders.receive([orderOf('a')]);
  assert.deepEqual(again.told, [{ id: 'a', outcome: 'partly', rows: 1 }]);
  assert.deepEqual(again.orders.rereads(), []);
});

test('W-97 what no buffer here holds is refused at once, and refused again', async () => {
  const { orders, told } = await desk();
  const foreign = orderOf('a', { meterId: 'm9999' as MeterId });
  const momentary = orderOf('b', { intervalS: 60 });
  await orders.receive([foreign, momentary]);
  await orders.receive([foreign]);
  assert.deepEqual(
    told.map(({ id, outcome }) => `${id} ${outcome}`),
    ['a refused', 'b refused', 'a refused'],
  );
  assert.deepEqual(orders.rereads(), []);
});

test('W-96 orders and results are bounded: one too many is left for later, the oldest results are forgotten', async () => {
  const { journal, orders, told, health } = await desk();
  const many = Array.from({ length: REREAD_ORDERS_MAX + 1 }, (_, at) => orderOf(`n${at}`));
  await orders.receive(many);
  assert.equal(orders.rereads().length, REREAD_ORDERS_MAX);
  assert.equal(health.counters.get('reread_orders_put_off'), 1);
  assert.deepEqual(told, [], 'no answer: it comes again');
  for (const reread of orders.rereads().slice(0, REREAD_RESULTS_MAX + 3))
    await orders.rereadDone(reread, { outcome: 'done', rows: 2 });
  const kept = await journal.keptUnder('reread/');
  assert.equal(kept.length, REREAD_ORDERS_MAX - 3);
});

test('W-96 while the journal is half full nothing ordered is read, as little as what it lost itself', async () => {
  const { journal, orders } = await desk();
  await orders.receive([orderOf('a')]);
  journal.room = () => ({ quotaOctets: 100, pendingOctets: 51, octetsPerHour: null, autonomyHours: null });
  assert.deepEqual(orders.rereads(), []);
  journal.room = () => ({ quotaOctets: 100, pendingOctets: 50, octetsPerHour: null, autonomyHours: null });
  assert.equal(orders.rereads().length, 1);
});

test('W-98 an order is read over the meter as its profile says, behind fresh rows, and moves no watermark', async () => {
  const { journal, orders, told } = await desk();
  const b = await bus({ count: 1, days: 2, journal, rereads: orders });
  b.scheduler.start();
  await b.world.clock.advance(HOUR_MS);
  const rows = b.rowsOf('m0001', 900).filter(({ values }) => values.length > 1);
  const [first, last] = [rows[20]?.atMs ?? 0, rows[59]?.atMs ?? 0];
  const mark = () => journal.watermark(METER, '1-0:99.1.0*255') ?? 0;
  const before = journal.entries.length;
  const markBefore = mark();
  await orders.receive([
    orderOf('span', { fromMs: first, toMs: last }),
    // Within the one above: both end with one reading.
    orderOf('within', { fromMs: first + QUARTER_MS, toMs: last, obis: ['1-0:2.8.0*255'] }),
    orderOf('long ago', { fromMs: first - 400 * 86_400_000, toMs: first - 390 * 86_400_000 }),
  ]);
  await b.world.clock.advance(HOUR_MS);
  const groups = journal.entries.slice(before).flatMap((entry) => entry.groups.filter(({ isBackfill }) => isBackfill));
  assert.deepEqual(
    groups.flatMap((group) => group.rows.map(({ atMs, values }) => [atMs, values])),
    rows.slice(20, 60).map(({ atMs, values }) => [atMs, values]),
    'each row once, with the value it had',
  );
  assert.ok(mark() >= markBefore);
  const marks = journal.entries.slice(before).flatMap(({ watermarks }) => watermarks.map(({ atMs }) => atMs));
  assert.ok(marks.every((atMs) => atMs >= markBefore));
  assert.deepEqual(told.map(({ id, outcome, rows: count }) => [id, outcome, count]).sort(), [
    ['long ago', 'gone', 0],
    ['span', 'done', 40],
    ['within', 'done', 39],
  ]);
  await b.stop();
});
