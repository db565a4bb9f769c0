/** An urgent order behind a meter that is silent: the line is free as soon as an answer can no longer come, and not before. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bus } from './bus.ts';

const ENERGY = [{ classId: 3, obis: '1-0:1.8.0*255', attribute: 2 }];
/** Longest wait of an order for the line of a silent meter. */
const WAIT_MAX_MS = 5_000;
const TIMEOUT_MS = 15_000;

type Bus = Awaited<ReturnType<typeof bus>>;

/** Gives an order to a meter; `startedAfterMs` and `endedAfterMs` count from the moment at which it was given. */
function order(b: Bus, at: number, jobClass: 'command' | 'on-demand' = 'on-demand') {
  const meterId = b.meters[at]?.meterId;
  assert.ok(meterId !== undefined);
  const givenAtMs = b.world.clock.nowMs;
  const told: { started: number[]; reachedAfterMs: number | null; code: string | null } = {
    started: [],
    reachedAfterMs: null,
    code: null,
  };
  const started = async () => {
    told.started.push(b.world.clock.nowMs - givenAtMs);
  };
  void b.scheduler
    .withMeter(meterId, jobClass, { timeoutMs: TIMEOUT_MS, started }, (meter) => {
      told.reachedAfterMs = b.world.clock.nowMs - givenAtMs;
      return meter.readObjects(ENERGY);
    })
    .then((result) => {
      told.code = result.ok ? 'ok' : result.failure.code;
    });
  return told;
}

test('IT-1 an order behind a silent meter starts within 5 s, whenever it comes', async () => {
  for (const givenMs of [200, 1_300, 2_400, 4_000, 9_000]) {
    const b = await bus({ count: 2, misbehaviours: new Map([[0, 'silent']]) });
    b.scheduler.start();
    await b.world.clock.advance(givenMs);
    const told = order(b, 1);
    await b.world.clock.advance(10_000);
    assert.equal(told.code, 'ok', `given after ${givenMs} ms`);
    assert.equal(told.started.length, 1);
    assert.ok(
      (told.started[0] ?? WAIT_MAX_MS) < WAIT_MAX_MS,
      `given after ${givenMs} ms, started after ${told.started}`,
    );
    assert.ok((told.reachedAfterMs ?? TIMEOUT_MS) < WAIT_MAX_MS + 1_000);
    await b.stop();
  }
});

test('IT-1 over the wrapper, where nothing repeats and a wait lasts 30 s, an order starts within 5 s too', async () => {
  const shape = { octetsPerS: 960, framing: 'wrapper' } as const;
  const b = await bus({ count: 1, misbehaviours: new Map([[0, 'silent']]), shape });
  b.scheduler.start();
  await b.world.clock.advance(12_000);
  const told = order(b, 0);
  await b.world.clock.advance(WAIT_MAX_MS);
  assert.equal(told.started.length, 1);
  assert.equal(b.health.counters.get('reader_made_way'), 1);
  await b.stop();
});

test('IT-1 a meter that was cut short is no failure, and has its full time again behind the order', async () => {
  const b = await bus({ count: 2, misbehaviours: new Map([[0, 'silent']]) });
  b.scheduler.start();
  await b.world.clock.advance(200);
  const told = order(b, 1);
  await b.world.clock.advance(4_000);
  assert.equal(told.code, 'ok');
  assert.equal(b.health.counters.get('reader_made_way'), 1);
  assert.equal(b.health.counters.get('scheduler_jobs_failed') ?? 0, 0);
  const silent = `meter ${b.meters[0]?.meterId}`;
  assert.equal(b.health.states.get(silent), undefined, 'nothing is said of it');
  await b.world.clock.advance(60_000);
  assert.ok((b.health.counters.get('reader_failed_hdlc_no_answer') ?? 0) > 0, 'then it is called in full');
  await b.stop();
});

test('IT-1 two orders: the one for the silent meter lets the other through, started once, and is not reached in 15 s', async () => {
  const b = await bus({ count: 2, days: 0, misbehaviours: new Map([[0, 'silent']]) });
  b.scheduler.start();
  await b.world.clock.advance(120_000);
  const silent = order(b, 0, 'command');
  await b.world.clock.advance(500);
  const good = order(b, 1);
  await b.world.clock.advance(TIMEOUT_MS + 5_000);
  assert.equal(good.code, 'ok');
  assert.ok((good.started[0] ?? Infinity) < WAIT_MAX_MS, `started after ${good.started}`);
  assert.equal(silent.started.length, 1);
  assert.ok(silent.code === 'SCHEDULER_NOT_REACHED' || silent.code === 'HDLC_NO_ANSWER', silent.code ?? 'open');
  await b.stop();
});

test('IT-1 a block transfer that makes progress is not broken off for an order', async () => {
  const b = await bus({ count: 2, days: 14 });
  b.scheduler.start();
  await b.world.clock.advance(5_000);
  const told = order(b, 1);
  await b.world.clock.advance(TIMEOUT_MS);
  assert.equal(told.code, 'ok');
  assert.equal(b.health.counters.get('reader_made_way') ?? 0, 0);
  await b.stop();
});
