/** The machine's timers for tests on real servers, where no virtual clock can help. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Timers } from '../../src/base/env.ts';

export const realTimers: Timers = {
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
  sleep: (delayMs, signal) => sleep(delayMs, undefined, signal === undefined ? {} : { signal }),
};
