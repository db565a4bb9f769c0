/** Where meters are placed, and what follows for their readings. */
import type { MeterState } from '../../model/event.ts';
import type { EdgeId, MeterId } from '../../model/ids.ts';
import type { Version } from './blocks/versions.ts';
import type { Sql } from './database.ts';
import { inRange } from './reading-pages.ts';

/** A stretch of time on an edge. */
export interface Placement {
  readonly edgeId: EdgeId;
  readonly fromMs: number;
  /** Null = until further notice. */
  readonly toMs: number | null;
}

/** Placements of meters, oldest first. */
export type Placements = ReadonlyMap<MeterId, readonly Placement[]>;

/** Reads the placements of these meters. */
export async function readPlacements(sql: Sql, meterIds: readonly MeterId[]): Promise<Placements> {
  const rows = await sql.rows<{ meter_id: MeterId; edge_id: EdgeId; from_ms: number; to_ms: number | null }>(
    'SELECT meter_id, edge_id, from_ms, to_ms FROM placements WHERE meter_id = ANY($1) ORDER BY meter_id, from_ms',
    [meterIds],
  );
  const placements = new Map<MeterId, Placement[]>();
  for (const { meter_id, edge_id, from_ms, to_ms } of rows) {
    const list = placements.get(meter_id) ?? [];
    list.push({ edgeId: edge_id, fromMs: from_ms, toMs: to_ms });
    placements.set(meter_id, list);
  }
  return placements;
}

/** Whether the meter was placed on the edge that sent the version, at the time of the version. */
export function isPlaced(placements: readonly Placement[] | undefined, intervalS: number, version: Version): boolean {
  for (const { edgeId, fromMs, toMs } of placements ?? []) {
    const range = { fromMs, toMs: toMs ?? Number.POSITIVE_INFINITY };
    if (edgeId === version.visit.edgeId && inRange(intervalS, range, version.atMs)) return true;
  }
  return false;
}

/** A meter's state as one edge sees it. */
export async function readMeterState(sql: Sql, meterId: MeterId, edgeId: EdgeId): Promise<MeterState | undefined> {
  const [row] = await sql.rows<{ state: MeterState['state']; sentence: string; since_ms: number }>(
    'SELECT state, sentence, since_ms FROM meter_states WHERE meter_id = $1 AND edge_id = $2',
    [meterId, edgeId],
  );
  return row === undefined ? undefined : { meterId, state: row.state, sentence: row.sentence, sinceMs: row.since_ms };
}
