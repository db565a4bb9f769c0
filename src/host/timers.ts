/** The real clocks and timers. */
import type { Clock, Timer, Timers } from '../base/env.ts';
import { TIMER_STEP_MAX_MS } from './limits.ts';

/** The machine's clocks. */
export const HOST_CLOCK: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

/**
 * Timers of the event loop. Node fires up to a millisecond early by the monotonic clock and not at all beyond 2^31 ms;
 * both are mended here, so that a deadline computed from `monotonicMs` has passed when its timer runs.
 */
export class HostTimers implements Timers {
  /** `report` gets what a timer's callback threw: the loop must go on for the others. */
  constructor(private readonly report: (error: unknown) => void) {}

  after(delayMs: number, run: () => void): Timer {
    const dueMs = performance.now() + Math.max(0, delayMs);
    let handle: NodeJS.Timeout;
    const step = (): void => {
      const leftMs = dueMs - performance.now();
      if (leftMs <= 0) this.#run(run);
      else handle = setTimeout(step, Math.min(Math.ceil(leftMs), TIMER_STEP_MAX_MS));
    };
    handle = setTimeout(step, Math.min(Math.ceil(Math.max(0, delayMs)), TIMER_STEP_MAX_MS));
    return { cancel: () => clearTimeout(handle) };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason);
        return;
      }
      const abort = (): void => {
        timer.cancel();
        reject(signal?.reason);
      };
      const timer = this.after(delayMs, () => {
        signal?.removeEventListener('abort', abort);
        resolve();
      });
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  #run(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.report(error);
    }
  }
}
