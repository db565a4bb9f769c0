import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SILENT_LOG } from '../../../src/base/log.ts';
import { FOLD_AGE_MS, JOURNAL_KEPT_MS, UPKEEP_PERIOD_MS } from '../../../src/collector/store/limits.ts';
import { startUpkeep } from '../../../src/collector/store/upkeep.ts';

test('housekeeping folds what is old enough, prunes, survives a failure and stops', async () => {
  const rounds: (() => void)[] = [];
  const timers = {
    after: (delayMs: number, run: () => void) => {
      assert.equal(delayMs, UPKEEP_PERIOD_MS);
      rounds.push(run);
      return { cancel: () => rounds.splice(0) };
    },
    sleep: async () => undefined,
  };
  const nowMs = 1_000_000_000_000;
  const asked: unknown[] = [];
  let fails = true;
  const store = {
    fold: async (options: { readonly maxBlocks: number; readonly olderThanMs?: number }) => {
      asked.push(options.olderThanMs);
      if (fails) throw new Error('the database is away');
      return { blocks: 1, rows: 1 };
    },
    prune: async (olderThanMs: number) => {
      asked.push(olderThanMs);
      return 0;
    },
  };
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
  const upkeep = startUpkeep(store, { clock, timers, log: SILENT_LOG });
  const turn = async () => {
    rounds.shift()?.();
    for (let waits = 0; waits < 20 && rounds.length === 0; waits++) await Promise.resolve();
  };
  await turn();
  fails = false;
  await turn();
  assert.deepEqual(asked, [nowMs - FOLD_AGE_MS, nowMs - FOLD_AGE_MS, nowMs - JOURNAL_KEPT_MS]);
  await upkeep.stop();
  assert.equal(rounds.length, 0);
});
