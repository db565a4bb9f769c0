/** How much of what a meter's buffer holds is unread: beyond all of it, rows are lost. Pure. */
import type { ReadJob } from '../profile/plan.ts';

/**
 * The share of the buffer that was filled since the newest row that is held, 0 = all is read, 1 = it is full of unread rows;
 * null when the job reads no buffer or nothing of it was ever read.
 */
export function horizonShare(job: ReadJob, watermarkMs: number | null, nowMs: number): number | null {
  if (job.kind !== 'buffer' || watermarkMs === null) return null;
  return Math.max(0, nowMs - watermarkMs) / (job.rule.rows * job.rule.intervalS * 1000);
}
