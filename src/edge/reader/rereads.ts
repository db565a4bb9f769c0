/**
 * Reads again what the journal lost: intervals of blocks that were given up or could not be read any more.
 *
 * It comes after a buffer's normal work, a request a turn, so that others get the line between. The watermark stays where
 * it is: these rows lie below it. An entry leaves the journal's list only when its rows are stored, or when no buffer of
 * the meter holds such rows (momentary registers have no past). Rows that come twice change nothing at the collector.
 */
import { bufferRequests, type ReadJob } from '../../profile/plan.ts';
import { readBuffer } from '../../profile/readout.ts';
import type { BufferRule } from '../../profile/schema/profile.ts';
import type { GroupRows, Journal, Reread } from '../ports.ts';
import { askRows } from './columns.ts';
import { type JobScene, put, tell, timedContext, withScalers } from './scene.ts';

/** The journal's list, as the reader uses it. */
export type RereadSource = Pick<Journal, 'rereads' | 'rereadDone'>;

/** One request for the oldest entry that this buffer serves; true when there is more to ask. */
export async function runReread(
  scene: JobScene,
  job: ReadJob & { readonly kind: 'buffer' },
  source: RereadSource,
): Promise<boolean> {
  const { meter, memory, around } = scene;
  const own = source.rereads().filter((entry) => entry.meterId === meter.meterId);
  for (const entry of own) {
    if (meter.profile.buffers.some((rule) => serves(rule, entry))) continue;
    around.health.count('reader_rereads_without_buffer');
    await source.rereadDone(entry);
  }
  const wanted = own.filter((entry) => serves(job.rule, entry));
  const [entry] = wanted;
  if (entry === undefined) return false;
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
  const name = `${job.key} ${entry.obis[0]} ${entry.fromMs} ${entry.toMs}`;
  const at = memory.rereadAt?.name === name ? memory.rereadAt.request : 0;
  const request = requests[at];
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
    const groups = readout.groups.flatMap((group) => lostRows(group, entry, toMs));
    if (groups.length > 0) {
      await put(scene, { groups });
      // Only what is on the medium may be forgotten.
      await around.stage.flush();
    }
    memory.rereadAt = { name, request: at + 1 };
  }
  if (at + 1 < requests.length) return true;
  memory.rereadAt = null;
  around.health.count('reader_rereads');
  await source.rereadDone(entry);
  return wanted.length > 1;
}

function serves(rule: BufferRule, { intervalS, obis }: Reread): boolean {
  const held = rule.columns.flatMap((column) => (column.kind === 'register' ? [column.register.storedAs] : []));
  return rule.intervalS === intervalS && obis.some((each) => held.includes(each));
}

function lostRows(group: GroupRows, { obis, fromMs }: Reread, toMs: number): GroupRows[] {
  if (!group.group.columns.some((column) => obis.includes(column.obis))) return [];
  const rows = group.rows.filter((row) => row.atMs >= fromMs && row.atMs <= toMs);
  return rows.length === 0 ? [] : [{ ...group, rows }];
}
