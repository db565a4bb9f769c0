/**
 * Reads again what was lost: intervals of blocks that the journal gave up or could not read any more, and those that the
 * collector ordered.
 *
 * It comes after a buffer's normal work, a request a turn, so that others get the line between. The watermark stays where
 * it is: these rows lie below it. An entry leaves its list only when its rows are stored, or when no buffer of the meter
 * holds such rows (momentary registers have no past). Entries of one buffer that lie within the one that is read end with
 * it, so that nothing is asked for twice. Rows that come twice change nothing at the collector.
 */
import type { RereadEnd } from '../../model/reread.ts';
import { bufferRequests, type ReadJob } from '../../profile/plan.ts';
import { readBuffer } from '../../profile/readout.ts';
import type { BufferRule } from '../../profile/schema/profile.ts';
import type { GroupRows, Reread, RereadSource } from '../ports.ts';
import { askRows } from './columns.ts';
import { type JobScene, put, tell, timedContext, withScalers } from './scene.ts';

const NOBODY_CAN: RereadEnd = { outcome: 'refused', rows: 0 };

/** One request for the oldest entry that this buffer serves; true when there is more to ask. */
export async function runReread(
  scene: JobScene,
  job: ReadJob & { readonly kind: 'buffer' },
  source: RereadSource,
): Promise<boolean> {
  const { meter, memory, around } = scene;
  const own = source.rereads().filter((entry) => entry.meterId === meter.meterId);
  for (const entry of own) {
    if (meter.profile.buffers.some((rule) => servesReread(rule, entry))) continue;
    around.health.count('reader_rereads_without_buffer');
    await source.rereadDone(entry, NOBODY_CAN);
  }
  const wanted = own.filter((entry) => servesReread(job.rule, entry));
  const [entry] = wanted;
  if (entry === undefined) return false;
  const together = wanted.filter(({ fromMs, toMs }) => entry.fromMs <= fromMs && toMs <= entry.toMs);
  // Above the watermark the normal work reads; below it nobody else does.
  const toMs = Math.min(entry.toMs, around.stage.watermark(meter.meterId, job.key) ?? entry.toMs);
  const range = {
    watermarkMs: null,
    backToMs: entry.fromMs,
    nowMs: toMs,
    timeZone: meter.timeZone,
    clockSaysDeviation: memory.clockSaysDeviation,
    sliceRowsMax: around.sliceRowsMax?.(job.rule) ?? job.rule.sliceRows,
  };
  const requests = toMs < entry.fromMs ? [] : bufferRequests(meter.profile, job.rule, range);
  const obis = [...new Set(together.flatMap((each) => each.obis))].sort();
  // What comes to the list meanwhile with other columns needs the slices that were read before it, too.
  const name = `${job.key} ${entry.fromMs} ${entry.toMs} ${obis.join()}`;
  const { request: at, atMs: seenMs } = memory.rereadAt?.name === name ? memory.rereadAt : { request: 0, atMs: [] };
  const request = requests[at];
  let atMs = seenMs;
  if (request !== undefined) {
    const ctx = await timedContext(scene);
    const rows = await askRows(scene, job.rule, request);
    const readout = readBuffer(
      meter.profile,
      job.rule,
      rows,
      withScalers(scene, ctx),
      scene.notBeforeMs,
      request.asked,
    );
    tell(scene, readout.problems);
    const groups = readout.groups.flatMap((group) => lostRows(group, { ...entry, obis }, toMs));
    if (groups.length > 0) {
      await put(scene, { groups });
      // Only what is on the medium may be forgotten.
      await around.stage.flush();
    }
    atMs = [...new Set([...seenMs, ...groups.flatMap((group) => group.rows.map((row) => row.atMs))])];
    memory.rereadAt = { name, request: at + 1, atMs };
  }
  if (at + 1 < requests.length) return true;
  memory.rereadAt = null;
  around.health.count('reader_rereads');
  for (const each of together) await source.rereadDone(each, endOf(each, toMs, atMs));
  return wanted.length > together.length;
}

/** Whether a buffer holds such rows. */
export function servesReread(rule: BufferRule, { intervalS, obis }: Pick<Reread, 'intervalS' | 'obis'>): boolean {
  const held = rule.columns.flatMap((column) => (column.kind === 'register' ? [column.register.storedAs] : []));
  return rule.intervalS === intervalS && obis.some((each) => held.includes(each));
}

function lostRows(group: GroupRows, { obis, fromMs }: Reread, toMs: number): GroupRows[] {
  if (!group.group.columns.some((column) => obis.includes(column.obis))) return [];
  const rows = group.rows.filter((row) => row.atMs >= fromMs && row.atMs <= toMs);
  return rows.length === 0 ? [] : [{ ...group, rows, isBackfill: true }];
}

/** How the re-reading of an entry ended, by the interval ends that came. What lies above the watermark is still to come. */
function endOf({ fromMs, toMs, intervalS }: Reread, readToMs: number, atMs: readonly number[]): RereadEnd {
  const lastMs = Math.min(toMs, readToMs);
  const rows = atMs.filter((each) => fromMs <= each && each <= lastMs).length;
  const expected = lastMs < fromMs ? 0 : Math.floor((lastMs - fromMs) / (intervalS * 1000)) + 1;
  if (rows >= expected) return { outcome: 'done', rows };
  return { outcome: rows === 0 ? 'gone' : 'partly', rows };
}
