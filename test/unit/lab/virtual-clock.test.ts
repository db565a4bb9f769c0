import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '../../../src/lab/virtual-clock.ts';

test('timers fire in order of time, then of age, and promises settle in between', async () => {
  const clock = new VirtualClock();
  const seen: string[] = [];
  clock.after(20, () => seen.push(`b@${clock.nowMs}`));
  clock.after(10, () => {
    seen.push(`a@${clock.nowMs}`);
    void Promise.resolve()
      .then(() => clock.sleep(5))
      .then(() => seen.push(`chained@${clock.nowMs}`));
  });
  clock.after(20, () => seen.push(`c@${clock.nowMs}`));
  await clock.advance(30);
  assert.deepEqual(seen, ['a@10', 'chained@15', 'b@20', 'c@20']);
  assert.equal(clock.nowMs, 30);
  assert.equal(clock.pending, 0);
});

test('a cancelled timer does not fire, an aborted sleep rejects with the reason of the signal', async () => {
  const clock = new VirtualClock();
  const seen: string[] = [];
  clock.after(1, () => seen.push('cancelled')).cancel();
  const aborter = new AbortController();
  const sleep = clock.sleep(100, aborter.signal).catch((error: unknown) => seen.push(String(error)));
  clock.after(2, () => aborter.abort(new Error('enough')));
  await clock.advance(5);
  await sleep;
  assert.deepEqual(seen, ['Error: enough']);
});

test('a cancelled timer is no event: time does not stop at it, and nobody counts it', async () => {
  const clock = new VirtualClock();
  for (let atMs = 1; atMs <= 100; atMs++) clock.after(atMs, () => assert.fail('it was cancelled')).cancel();
  clock.after(200, () => undefined);
  let turns = 0;
  const done = await clock.runWhile(() => turns++ < 1, 1_000);
  assert.deepEqual([done, clock.nowMs, clock.pending], [true, 200, 0]);
});

test('promises and ticks of a thousand events settle before the next event', async () => {
  const clock = new VirtualClock();
  const seen: string[] = [];
  for (let at = 0; at < 1_000; at++)
    clock.after(at, () => {
      seen.push(`event ${at}`);
      process.nextTick(() => void Promise.resolve().then(() => Promise.resolve().then(() => seen.push(`after ${at}`))));
    });
  await clock.advance(1_000);
  const wanted = Array.from({ length: 1_000 }, (_, at) => [`event ${at}`, `after ${at}`]).flat();
  assert.deepEqual(seen, wanted);
});

test('an error in a timer ends the run and is not swallowed', async () => {
  const clock = new VirtualClock();
  clock.after(1, () => {
    throw new Error('planted');
  });
  await assert.rejects(clock.advance(5), /planted/);
});

test('a thousand timers of random times come out sorted', async () => {
  const clock = new VirtualClock();
  const seen: number[] = [];
  for (let at = 0; at < 1000; at++) clock.after((at * 7919) % 1009, () => seen.push(clock.nowMs));
  await clock.advance(2000);
  assert.equal(seen.length, 1000);
  assert.deepEqual(
    seen,
    [...seen].sort((a, b) => a - b),
  );
});
