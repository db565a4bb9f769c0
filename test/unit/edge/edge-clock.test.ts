import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EdgeClock } from '../../../src/edge/edge-clock.ts';
import { FakeHealth } from './world.ts';

const NOW_MS = Date.UTC(2027, 2, 1);
const DAY_MS = 86_400_000;

function clockAt(wallMs: number) {
  const state = { wallMs, collectorMs: null as number | null };
  const clock = new EdgeClock({ nowMs: () => state.wallMs, monotonicMs: () => 5 });
  clock.follow({ nowMs: () => state.collectorMs });
  return { state, clock };
}

test('until the collector is heard the wall clock counts, unless it cannot be right', () => {
  const { state, clock } = clockAt(NOW_MS);
  assert.deepEqual([clock.nowMs(), clock.monotonicMs(), clock.quality()], [NOW_MS, 5, 'rtc']);
  state.wallMs = 60_000;
  assert.equal(clock.quality(), 'unset');
  state.wallMs = NOW_MS - DAY_MS;
  clock.isAfter(null);
  assert.equal(clock.quality(), 'rtc');
  clock.isAfter(NOW_MS);
  assert.equal(clock.quality(), 'unset', 'something was read later, and that time was confirmed');
});

test("the collector's time goes before every wall clock, and not when it was never set itself", () => {
  for (const wallMs of [60_000, NOW_MS, Date.UTC(2038, 0, 19)]) {
    const { state, clock } = clockAt(wallMs);
    state.collectorMs = NOW_MS;
    assert.deepEqual([clock.nowMs(), clock.quality()], [NOW_MS, 'collector']);
    state.collectorMs = 60_000;
    assert.equal(clock.nowMs(), wallMs);
    assert.notEqual(clock.quality(), 'collector');
  }
});

test('a machine whose clock is off is told', () => {
  const health = new FakeHealth();
  const said = () => health.states.get('clock');
  const { state, clock } = clockAt(NOW_MS);
  clock.tell(health);
  assert.equal(said(), undefined, 'nobody knows better');
  state.wallMs = 60_000;
  clock.tell(health);
  assert.match(said() ?? '', /not set/);
  state.collectorMs = NOW_MS;
  state.wallMs = NOW_MS - 120_000;
  clock.tell(health);
  assert.match(said() ?? '', /120 s behind/);
  state.wallMs = NOW_MS + DAY_MS;
  clock.tell(health);
  assert.match(said() ?? '', /86400 s ahead/);
  state.wallMs = NOW_MS + 1_000;
  clock.tell(health);
  assert.match(said() ?? '', /^ok/);
});
