/** Who was in a network, hour by hour, and what of it goes up. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EdgeHealth } from '../../../src/edge/health/health.ts';
import { answerHealth } from '../../../src/edge/health/http.ts';
import { NetworkBook } from '../../../src/edge/networks/network-book.ts';
import { VirtualClock } from '../../../src/lab/virtual-clock.ts';
import type { MeterEvent } from '../../../src/model/event.ts';
import type { MeterId } from '../../../src/model/ids.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** 2026-01-01 10:00 UTC. */
const TEN = Date.UTC(2026, 0, 1, 10);

function bookOf(options: { readonly tellsEach?: boolean } = {}) {
  const timers = new VirtualClock();
  const state = { aheadMs: TEN };
  const clock = { nowMs: () => timers.nowMs + state.aheadMs, monotonicMs: () => timers.nowMs };
  const told: MeterEvent[] = [];
  const book = new NetworkBook({
    env: { timers, clock },
    line: 'plc1',
    meters: ['1', '2', '3', '4'].map((name) => ({ meterId: `m${name}` as MeterId, name })),
    tellsEach: options.tellsEach ?? false,
    told: (event) => told.push(event),
  });
  const node = (kind: 'joined' | 'left' | 'late', name: string) =>
    book.changed({ kind, name, eui: `0200000000${name}` });
  return { timers, state, told, book, node };
}

test('HE-1 presence is counted for each meter and for all, joins and leaves beside it', async () => {
  const b = bookOf();
  for (const name of ['1', '2', '3']) b.node('joined', name);
  await b.timers.advance(15 * MINUTE_MS);
  b.node('left', '2');
  await b.timers.advance(15 * MINUTE_MS);
  b.node('joined', '2');
  b.node('late', '3');
  b.node('joined', 'of nobody');
  const [now] = b.book.hours();
  assert.deepEqual(now, {
    fromMs: TEN,
    therePercent: 62.5,
    joins: 4,
    leaves: 1,
    lost: 0,
    meters: [
      { meterId: 'm1', therePercent: 100, joins: 1 },
      { meterId: 'm2', therePercent: 50, joins: 2 },
      { meterId: 'm3', therePercent: 100, joins: 1 },
      { meterId: 'm4', therePercent: 0, joins: 0 },
    ],
  });
  assert.deepEqual(b.book.presence, { there: 3, all: 4 });
});

test('HE-1 what happened in an hour goes up once when it is over; a quiet hour in which all are there says nothing', async () => {
  const b = bookOf();
  for (const name of ['1', '2', '3', '4']) b.node('joined', name);
  await b.timers.advance(30 * MINUTE_MS);
  b.node('left', '4');
  await b.timers.advance(HOUR_MS);
  assert.deepEqual(
    b.told.map(({ atMs, ...event }) => ({ ...event, atMs: atMs - TEN })),
    [
      {
        meterId: null,
        log: 'network plc1',
        code: 1,
        name: 'network-hour',
        severity: 'info',
        atMs: HOUR_MS,
        sentence:
          'In the hour from 2026-01-01T10:00:00.000Z the 4 meters of line plc1 were in their network for 87.5 % of the time: 4 joins, 1 leaves, 0 lost connections. Least: m4 50 %.',
      },
    ],
  );
  b.node('joined', '4');
  await b.timers.advance(3 * HOUR_MS);
  assert.equal(b.told.length, 2, 'the hour in which it came back; the two after it are quiet');
  assert.equal(b.book.hours().length, 5);
});

test('HE-1 the end of the connection takes everybody away, and is counted', async () => {
  const b = bookOf();
  for (const name of ['1', '2', '3', '4']) b.node('joined', name);
  await b.timers.advance(30 * MINUTE_MS);
  b.book.changed({ kind: 'lost' });
  b.book.changed({ kind: 'connected' });
  await b.timers.advance(20 * MINUTE_MS);
  const [now] = b.book.hours();
  assert.deepEqual([now?.therePercent, now?.lost, b.book.presence.there], [60, 1, 0]);
});

test('HE-1 where each change is wanted it goes up, sixty an hour at most', async () => {
  const b = bookOf({ tellsEach: true });
  for (let round = 0; round < 40; round++) {
    b.node('joined', '1');
    b.node('left', '1');
  }
  assert.equal(b.told.length, 60);
  assert.deepEqual(
    b.told.slice(0, 2).map(({ meterId, name }) => `${meterId} ${name}`),
    ['m1 network-joined', 'm1 network-left'],
  );
  await b.timers.advance(HOUR_MS);
  b.node('joined', '1');
  assert.deepEqual(
    b.told.slice(60).map(({ name }) => name),
    ['network-hour', 'network-joined'],
  );
});

test('a clock that jumps begins its hour anew, and a day is kept', async () => {
  const b = bookOf();
  b.node('joined', '1');
  await b.timers.advance(30 * MINUTE_MS);
  for (const byMs of [-5 * HOUR_MS, 50 * HOUR_MS]) {
    b.state.aheadMs += byMs;
    const [now] = b.book.hours().slice(-1);
    assert.deepEqual([now?.therePercent, now?.joins], [0, 0]);
  }
  await b.timers.advance(40 * HOUR_MS);
  assert.equal(b.book.hours().length, 25);
  b.book.stop();
});

test('HE-1 /networks shows each network with its hours, and the meters that were away', async () => {
  const b = bookOf();
  for (const name of ['1', '2', '3']) b.node('joined', name);
  await b.timers.advance(HOUR_MS + 6 * MINUTE_MS);
  const facts = { edgeId: 'e1', software: 'test', uptimeS: 1 };
  const { status, body } = answerHealth('/networks', new EdgeHealth(() => TEN), facts, [b.book]);
  assert.equal(status, 200);
  const { networks } = JSON.parse(String(body)) as {
    networks: { line: string; there: number; all: number; hours: unknown[] }[];
  };
  const [plc] = networks;
  assert.deepEqual([networks.length, plc?.line, plc?.there, plc?.all], [1, 'plc1', 3, 4]);
  assert.deepEqual(plc?.hours.at(-1), {
    from: '2026-01-01T11:00:00.000Z',
    therePercent: 75,
    joins: 0,
    leaves: 0,
    lost: 0,
    meters: [{ meterId: 'm4', therePercent: 0, joins: 0 }],
  });
});
