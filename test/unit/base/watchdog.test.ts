/** The watchdog pings while everything moves, and falls silent when something does not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ServiceManager, Watchdog } from '../../../src/base/watchdog.ts';
import { testWorld } from '../edge/world.ts';

function rig(watchdogMs: number | null) {
  const world = testWorld();
  const said: string[] = [];
  const left: string[] = [];
  const service: ServiceManager = { watchdogMs, tell: (what) => said.push(what) };
  const state = { stuck: null as string | null };
  const { timers } = world.program('edge').env;
  const watchdog = new Watchdog(
    service,
    timers,
    () => state.stuck,
    (reason) => left.push(reason),
  );
  return { world, said, left, state, watchdog };
}

test('ready once, then three pings in the time, stopping at the end', async () => {
  const { world, said, watchdog } = rig(90_000);
  watchdog.start();
  await world.clock.advance(90_000);
  watchdog.stop();
  await world.clock.advance(300_000);
  assert.deepEqual(said, ['ready', 'alive', 'alive', 'alive', 'stopping']);
});

test('silence while something is stuck, and pings again when it moves', async () => {
  const { world, said, left, state, watchdog } = rig(90_000);
  watchdog.start();
  state.stuck = 'the journal hangs';
  await world.clock.advance(90_000);
  assert.deepEqual([said, left.length], [['ready'], 3]);
  state.stuck = null;
  await world.clock.advance(30_000);
  assert.deepEqual(said, ['ready', 'alive']);
});

test('a manager that does not watch hears no pings', async () => {
  const { world, said, watchdog } = rig(null);
  watchdog.start();
  await world.clock.advance(900_000);
  assert.deepEqual(said, ['ready']);
});
