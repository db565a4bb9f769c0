import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TIMER_STEP_MAX_MS } from '../../../src/host/limits.ts';
import { HOST_CLOCK, HostTimers } from '../../../src/host/timers.ts';

const timers = new HostTimers((error) => {
  throw error;
});

test('the wall clock is UTC in milliseconds, the monotonic one never goes back', () => {
  assert.ok(Math.abs(HOST_CLOCK.nowMs() - Date.now()) < 50);
  let last = HOST_CLOCK.monotonicMs();
  for (let turn = 0; turn < 1_000; turn++) {
    const now = HOST_CLOCK.monotonicMs();
    assert.ok(now >= last);
    last = now;
  }
});

test('a timer never fires before its time by the monotonic clock', async () => {
  for (const delayMs of [0, 0.4, 1, 1.5, 3, 7.9, 12]) {
    const startedMs = HOST_CLOCK.monotonicMs();
    await timers.sleep(delayMs);
    const tookMs = HOST_CLOCK.monotonicMs() - startedMs;
    assert.ok(tookMs >= delayMs, `${delayMs} ms took ${tookMs} ms`);
  }
});

test('a cancelled timer does not fire, also when cancelled twice', async () => {
  let fired = false;
  const timer = timers.after(1, () => {
    fired = true;
  });
  timer.cancel();
  timer.cancel();
  await timers.sleep(5);
  assert.equal(fired, false);
});

test('a delay that Node cannot hold does not fire at once', async () => {
  let fired = false;
  const timer = timers.after(TIMER_STEP_MAX_MS + 10_000, () => {
    fired = true;
  });
  await timers.sleep(5);
  timer.cancel();
  assert.equal(fired, false);
});

test('an aborted sleep rejects with the reason, before and during', async () => {
  const reason = new Error('stopping');
  await assert.rejects(timers.sleep(10_000, AbortSignal.abort(reason)), reason);
  const controller = new AbortController();
  const slept = timers.sleep(10_000, controller.signal);
  controller.abort(reason);
  await assert.rejects(slept, reason);
});

test('what a callback throws is reported, and other timers go on', async () => {
  const reported: unknown[] = [];
  const careful = new HostTimers((error) => reported.push(error));
  careful.after(0, () => {
    throw new Error('mine');
  });
  await careful.sleep(3);
  assert.deepEqual(reported.map(String), ['Error: mine']);
});
