/** How a program is asked to stop. */
import { reasonOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { STOP_ECHO_MS, STOP_GRACE_MS } from './limits.ts';
import { endSpawned } from './process.ts';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
/** What a shell reports for a program that a second Ctrl-C ended. */
const EXIT_INTERRUPTED = 130;

/**
 * Calls `stop` at the first SIGTERM, SIGINT or SIGHUP. A second signal ends the process at once, unless it comes so soon after the
 * first that it is the same Ctrl-C: npm passes on what the terminal has sent to everybody already. Returns a function
 * that takes the handlers away again.
 */
function onFirstSignal(stop: (signal: NodeJS.Signals) => void): () => void {
  let stoppingSinceMs: number | null = null;
  const handle = (signal: NodeJS.Signals): void => {
    if (stoppingSinceMs !== null) {
      if (performance.now() - stoppingSinceMs < STOP_ECHO_MS) return;
      process.exit(EXIT_INTERRUPTED);
    }
    stoppingSinceMs = performance.now();
    stop(signal);
  };
  for (const signal of SIGNALS) process.on(signal, handle);
  return () => {
    for (const signal of SIGNALS) process.off(signal, handle);
  };
}

/**
 * Runs `stop` at the first SIGTERM, SIGINT or SIGHUP and ends the process with 0 when it resolves, 1 when it rejects or
 * takes longer than 10 s. A second signal ends it at once. Returns a function that takes the handlers away again.
 */
export function onStopSignal(log: Log, stop: () => Promise<void>): () => void {
  return onFirstSignal((signal) => {
    log.info('program.stopping', { signal });
    setTimeout(() => {
      log.error('program.stop-too-slow', { afterMs: STOP_GRACE_MS });
      process.exit(1);
    }, STOP_GRACE_MS).unref();
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error('program.stop-failed', { reason: reasonOf(error) });
        process.exit(1);
      },
    );
  });
}

/**
 * Does work that spawns programs, such as a proof. At the first signal those are ended and no more are spawned, so that the
 * work fails and clears up behind itself; then the process ends with 130: after 10 s at the latest, and at once when
 * nothing was spawned or a second signal comes.
 */
export async function interruptible<Result>(work: () => Promise<Result>): Promise<Result> {
  let isInterrupted = false;
  const done = onFirstSignal(() => {
    isInterrupted = true;
    if (endSpawned() === 0) process.exit(EXIT_INTERRUPTED);
    setTimeout(() => process.exit(EXIT_INTERRUPTED), STOP_GRACE_MS).unref();
  });
  try {
    return await work();
  } finally {
    done();
    if (isInterrupted) process.exit(EXIT_INTERRUPTED);
  }
}
