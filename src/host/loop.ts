/** The event loop itself: for the virtual system, which must let promises settle between two events. */

/** Resolves after every pending microtask has run. */
export function macrotask(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
