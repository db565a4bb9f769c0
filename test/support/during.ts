/** How far time goes on at once. */
const STEP_MS = 100;

/** Lets virtual time go on until something is settled, and gives what came of it. */
export async function during<Value>(
  clock: { advance(ms: number): Promise<unknown> },
  work: Promise<Value>,
): Promise<Value> {
  let settled = false;
  const done = work.finally(() => {
    settled = true;
  });
  done.catch(() => undefined);
  while (!settled) await clock.advance(STEP_MS);
  return done;
}
