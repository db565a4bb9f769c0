/** The pulse: an append that hangs and a line at which nobody looks are told; refusals and a missing uplink are not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pulse } from '../../../src/edge/health/pulse.ts';
import { PULSE_APPEND_MAX_MS, PULSE_APPEND_PERIOD_MS, PULSE_LINE_MAX_MS } from '../../../src/edge/limits.ts';
import type { Journal } from '../../../src/edge/ports.ts';

function rig(append: () => Promise<readonly []>) {
  const state = { nowMs: 1_000, stillMs: 0, appends: 0 };
  let appended: () => void = () => undefined;
  const journal: Pick<Journal, 'append' | 'onAppend'> = {
    append: () => {
      state.appends++;
      return append();
    },
    onAppend: (listener) => {
      appended = () => listener([2]);
    },
  };
  const clock = { nowMs: () => state.nowMs, monotonicMs: () => state.nowMs };
  return { state, pulse: new Pulse({ clock, journal, lineStillMs: () => state.stillMs }), appended: () => appended() };
}

test('an append is tried only when none came for a quarter of an hour', async () => {
  const { state, pulse, appended } = rig(() => Promise.resolve([]));
  state.nowMs += PULSE_APPEND_PERIOD_MS - 1;
  assert.equal(pulse.stuck(), null);
  appended();
  state.nowMs += PULSE_APPEND_PERIOD_MS - 1;
  assert.equal(pulse.stuck(), null);
  assert.equal(state.appends, 0);
  state.nowMs += 1;
  assert.equal(pulse.stuck(), null);
  assert.equal(state.appends, 1);
  await Promise.resolve();
  state.nowMs += PULSE_APPEND_MAX_MS + 1;
  assert.equal(pulse.stuck(), null);
  assert.equal(state.appends, 1);
});

test('an append that does not end is told, once it has taken too long, and tried no second time', () => {
  const { state, pulse } = rig(() => new Promise(() => undefined));
  state.nowMs += PULSE_APPEND_PERIOD_MS;
  assert.equal(pulse.stuck(), null);
  state.nowMs += PULSE_APPEND_MAX_MS + 1;
  assert.match(pulse.stuck() ?? '', /journal/);
  assert.equal(state.appends, 1);
});

test('an append that is refused moves: a full disk is no reason to start again', async () => {
  const { state, pulse } = rig(() => Promise.reject(new Error('the disk is full')));
  state.nowMs += PULSE_APPEND_PERIOD_MS;
  assert.equal(pulse.stuck(), null);
  await new Promise((resolve) => setImmediate(resolve));
  state.nowMs += PULSE_APPEND_MAX_MS + 1;
  assert.equal(pulse.stuck(), null);
});

test('a line at which the scheduler does not look is told', () => {
  const { state, pulse } = rig(() => Promise.resolve([]));
  state.stillMs = PULSE_LINE_MAX_MS;
  assert.equal(pulse.stuck(), null);
  state.stillMs++;
  assert.match(pulse.stuck() ?? '', /line/);
});
