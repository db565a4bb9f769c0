/**
 * The store's housekeeping: folds what has waited long enough, and forgets journal blocks that nobody will need again.
 *
 * A block waits up to eight hours, so a meter's day is written three times; reads do not wait for the fold. An edge with a
 * backlog is folded at once, because many unfolded blocks make reads slow.
 */
import type { Env, Timer } from '../../base/env.ts';
import { reasonOf } from '../../base/errors.ts';
import type { Folder } from '../ports.ts';
import { FOLD_AGE_MS, FOLD_BATCH_BLOCKS, JOURNAL_KEPT_MS, UPKEEP_PERIOD_MS } from './limits.ts';

/** The running housekeeping. */
export interface Upkeep {
  /** Ends after the step under way. */
  stop(): Promise<void>;
}

/** Starts the housekeeping; failures are logged and tried again in the next round. */
export function startUpkeep(
  store: Folder,
  env: Pick<Env, 'clock' | 'timers' | 'log'>,
  options: { readonly foldAgeMs?: number; readonly journalKeptMs?: number } = {},
): Upkeep {
  const { foldAgeMs = FOLD_AGE_MS, journalKeptMs = JOURNAL_KEPT_MS } = options;
  let stopped = false;
  let timer: Timer | undefined;
  let round = Promise.resolve();
  const step = async (): Promise<void> => {
    const nowMs = env.clock.nowMs();
    try {
      const folded = await store.fold({ maxBlocks: FOLD_BATCH_BLOCKS, olderThanMs: nowMs - foldAgeMs });
      if (folded.blocks > 0) env.log.debug('store.folded', { blocks: folded.blocks, rows: folded.rows });
      const pruned = await store.prune(nowMs - journalKeptMs);
      if (pruned > 0) env.log.debug('store.pruned', { blocks: pruned });
    } catch (error) {
      env.log.warn('store.upkeep-failed', { reason: reasonOf(error) });
    }
  };
  const schedule = (): void => {
    if (stopped) return;
    timer = env.timers.after(UPKEEP_PERIOD_MS, () => {
      round = step().then(schedule);
    });
  };
  schedule();
  return {
    stop: async () => {
      stopped = true;
      timer?.cancel();
      await round;
    },
  };
}
