/**
 * After a placement changed: readings of the meter go where they belong now, out of quarantine or into it. What is visible
 * is thus always what journal and placements say together, whenever either came.
 */
import type { EdgeId, MeterId } from '../../model/ids.ts';
import { dayOf } from './blocks/versions.ts';
import type { Sql } from './database.ts';
import {
  groupByDay,
  type MeterDay,
  mergeDay,
  meterDayOf,
  noteChannels,
  writeDays,
  writeQuarantine,
} from './day-rows.ts';
import type { ChannelVersion } from './lane-decoder.ts';
import { isPlaced, readPlacements } from './placements.ts';

/** Sorts the meter's stored readings from `fromMs` on again; true when some moved. The meter's row must be locked. */
export async function reroute(sql: Sql, meterId: MeterId, fromMs: number): Promise<boolean> {
  const firstDay = dayOf(fromMs);
  const placed = await sql.rows<{ day: number; body: Uint8Array }>(
    'SELECT day, body FROM day_blocks WHERE meter_id = $1 AND day >= $2',
    [meterId, firstDay],
  );
  const strange = await sql.rows<{ day: number; body: Uint8Array }>(
    'SELECT day, body FROM quarantine_blocks WHERE meter_id = $1 AND day >= $2 FOR UPDATE',
    [meterId, firstDay],
  );
  const placements = (await readPlacements(sql, [meterId])).get(meterId);
  const belongs = ({ intervalS, version }: ChannelVersion) => isPlaced(placements, intervalS, version);
  const stored = placed.flatMap((row) => versionsOf(meterDayOf(meterId, row.day, row.body)));
  const waiting = strange.flatMap((row) => versionsOf(meterDayOf(meterId, row.day, row.body)));
  if (stored.every(belongs) && !waiting.some(belongs)) return false;
  const all = [...stored, ...waiting];
  await sql.change('DELETE FROM day_blocks WHERE meter_id = $1 AND day >= $2', [meterId, firstDay]);
  await sql.change('DELETE FROM quarantine_blocks WHERE meter_id = $1 AND day >= $2', [meterId, firstDay]);
  await writeDays(sql, sorted(all.filter(belongs)));
  for (const edgeId of new Set(all.map(({ version }) => version.visit.edgeId))) {
    const ofEdge = all.filter((version) => version.version.visit.edgeId === edgeId && !belongs(version));
    await putBack(sql, edgeId, sorted(ofEdge));
  }
  await refreshChannels(sql, meterId);
  return true;
}

async function putBack(sql: Sql, edgeId: EdgeId, days: readonly MeterDay[]): Promise<void> {
  if (days.length > 0) await writeQuarantine(sql, edgeId, days);
}

function versionsOf(day: MeterDay): ChannelVersion[] {
  return [...day.channels.values()].flatMap(({ obis, intervalS, versions }) =>
    versions.map((version) => ({ meterId: day.meterId, obis, intervalS, version })),
  );
}

function sorted(versions: readonly ChannelVersion[]): MeterDay[] {
  return groupByDay(versions).map((day) => mergeDay(undefined, day));
}

/** First and last times can shrink when readings leave: they are taken from all that is left. */
async function refreshChannels(sql: Sql, meterId: MeterId): Promise<void> {
  await sql.change('DELETE FROM channels WHERE meter_id = $1', [meterId]);
  const rows = await sql.rows<{ day: number; body: Uint8Array }>(
    'SELECT day, body FROM day_blocks WHERE meter_id = $1',
    [meterId],
  );
  const days = rows.map((row) => meterDayOf(meterId, row.day, row.body));
  if (days.length > 0) await noteChannels(sql, days);
}
