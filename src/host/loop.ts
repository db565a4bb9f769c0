/**
 * The event loop itself: for the virtual system, which must let promises settle between two events.
 *
 * A turn of the loop asks the kernel for news each time, and a virtual world takes hundreds of thousands of turns. So
 * turns are ordered a batch at a time: Node drains ticks and microtasks between two immediates of one batch as well, and
 * asks the kernel once a batch. Given up: real input and output wait for the rest of a batch.
 */

/** Immediates ordered at once. */
const BATCH = 64;

const waiting: (() => void)[] = [];
let ordered = 0;

/** Resolves after every pending tick and microtask has run. */
export function macrotask(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (ordered > 0) return;
    ordered = BATCH;
    for (let at = 0; at < BATCH; at++) setImmediate(turn);
  });
}

/** Wakes those who waited before it; what they start settles before the next turn. */
function turn(): void {
  ordered--;
  for (const wake of waiting.splice(0)) wake();
}
