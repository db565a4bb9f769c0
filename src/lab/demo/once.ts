/** Waits until everything that the meters held at the start is stored. */
import type { Env } from '../../base/env.ts';
import type { MeterId } from '../../model/ids.ts';
import type { Site } from './site.ts';

/** How often the journal is looked at, ms. */
const LOOK_MS = 100;
/** A machine that is ten times slower than ours still gets there. */
const PATIENCE_MS = 900_000;

/** Resolves when every meter was read up to `untilMs` and nothing waits at the edge; rejects after 15 minutes. */
export async function waitUntilStored(
  env: Env,
  site: Site,
  untilMs: number,
  tell: (line: string) => void,
): Promise<void> {
  const deadlineMs = env.clock.monotonicMs() + PATIENCE_MS;
  let told = '';
  for (;;) {
    const behind = jobsBehind(site, untilMs);
    const waiting = site.edge.journal.lanes().reduce((sum, lane) => sum + lane.pendingBlocks, 0);
    if (behind === 0 && waiting === 0) return;
    const line = `${behind} profiles still to be read, ${waiting} blocks on their way`;
    if (line !== told && behind % 5 === 0) tell(line);
    told = line;
    if (env.clock.monotonicMs() > deadlineMs) throw new Error(`gave up after ${PATIENCE_MS / 1000} s: ${line}`);
    await env.timers.sleep(LOOK_MS);
  }
}

/** Profiles of meters whose newest interval before `untilMs` is not yet in the journal. */
function jobsBehind(site: Site, untilMs: number): number {
  let behind = 0;
  for (const { device } of site.simulator.meters) {
    for (const profile of device.profile.buffers) {
      const stepMs = profile.intervalS * 1000;
      const newestMs = Math.floor(untilMs / stepMs) * stepMs;
      const mark = site.edge.journal.watermark(device.meterId as MeterId, profile.obis);
      // Daily rows end at the site's midnight, which is not a multiple of a day in UTC.
      if (mark === null || mark <= newestMs - stepMs) behind++;
    }
  }
  return behind;
}
