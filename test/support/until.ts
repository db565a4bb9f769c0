/** Waiting for something that other processes and real timers bring about. */
import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_MS = 20;

/** Resolves with the first result that is neither undefined nor false; rejects with `what` after `patienceMs`. */
export async function until<Result>(
  what: string,
  look: () => Promise<Result | undefined | false> | Result | undefined | false,
  patienceMs = 30_000,
): Promise<Result> {
  const deadlineMs = performance.now() + patienceMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadlineMs) throw new Error(`still waiting after ${patienceMs / 1000} s: ${what}`);
    await sleep(LOOK_MS);
  }
}
