/** Rows that should be there and are not, found between the rows that came. Pure. */

import type { MeterId } from '../../model/ids.ts';
import type { BufferRule } from '../../profile/schema/profile.ts';
import type { GapNotice } from '../../wire/records.ts';
import type { GroupRows } from '../ports.ts';

/**
 * Holes between the watermark and the first row and between rows. What lies before the reach of the meter's buffer was
 * overwritten there; anything else the meter never had. Half an interval of tolerance, so that a day of 23 or 25 hours is
 * no hole.
 */
export function gapsOf(
  meterId: MeterId,
  rule: BufferRule,
  groups: readonly GroupRows[],
  range: { readonly watermarkMs: number | null; readonly nowMs: number },
): readonly GapNotice[] {
  const times = [...new Set(groups.flatMap((group) => group.rows.map((row) => row.atMs)))].sort((a, b) => a - b);
  const intervalMs = rule.intervalS * 1000;
  const reachMs = range.nowMs - rule.rows * intervalMs;
  const obis = groups.flatMap((group) => group.group.columns.map((column) => column.obis));
  const gaps: GapNotice[] = [];
  let beforeMs = range.watermarkMs;
  for (const atMs of times) {
    if (beforeMs !== null && atMs - beforeMs > intervalMs * 1.5) {
      const cause = beforeMs + intervalMs < reachMs ? 'overwritten-in-meter' : 'missing-in-meter';
      const fromMs = beforeMs + intervalMs;
      gaps.push({ meterId, obis, intervalS: rule.intervalS, fromMs, toMs: Math.max(fromMs, atMs - intervalMs), cause });
    }
    beforeMs = atMs;
  }
  return gaps;
}
