/** Intervals that are to be read again, in the database. */
import type { EdgeId, MeterId } from '../../model/ids.ts';
import type { RereadReason, RereadState } from '../../model/reread.ts';
import { REREADS_OPEN_MAX } from '../limits.ts';
import type { RereadPlace, RereadRecord, RereadStore } from '../ports.ts';
import { type StoreContext, TRANSACTION_MS } from './context.ts';
import type { Sql } from './database.ts';
import { pageOf, parseCursor } from './pages.ts';
import { rereadIdOf } from './reread-places.ts';

interface RereadRow {
  readonly edge_id: EdgeId;
  readonly epoch: string;
  readonly lane: number;
  readonly sequence: number;
  readonly meter_id: MeterId | '';
  readonly interval_s: number;
  readonly reread_id: string;
  readonly obis: readonly string[];
  readonly from_ms: number;
  readonly to_ms: number;
  readonly reason: RereadReason;
  readonly state: RereadState;
  readonly rows: number;
  readonly created_at_ms: number;
  readonly ordered_at_ms: number | null;
  readonly ended_at_ms: number | null;
}

/** The store's part for what is read again. */
export function rereadStore({ database }: StoreContext): RereadStore {
  return {
    listRereads: (places, { state, atMs }) => database.transaction((sql) => insertRereads(sql, places, state, atMs)),
    dueRereads: (nowMs, limit) =>
      readRereads(database, 'WHERE due_at_ms <= $1 ORDER BY due_at_ms, edge_id, reread_id LIMIT $2', [nowMs, limit]),
    orderedRereads: (edgeId, limit) =>
      readRereads(database, "WHERE edge_id = $1 AND state = 'ordered' ORDER BY created_at_ms, reread_id LIMIT $2", [
        edgeId,
        limit,
      ]),
    changeReread: async ({ edgeId, id, state: before }, { state, atMs, dueAtMs, rows, span }) => {
      const changed = await database.change(
        `UPDATE rereads SET state = $4, due_at_ms = $5, rows = coalesce($6, rows), from_ms = coalesce($7, from_ms),
           to_ms = coalesce($8, to_ms),
           ordered_at_ms = CASE WHEN $4 = 'ordered' THEN coalesce(ordered_at_ms, $9) ELSE ordered_at_ms END,
           ended_at_ms = CASE WHEN $5::bigint IS NULL THEN $9 ELSE ended_at_ms END
         WHERE edge_id = $1 AND reread_id = $2 AND state = $3`,
        [edgeId, id, before, state, dueAtMs, rows, span?.fromMs, span?.toMs, atMs],
      );
      return changed > 0;
    },
    rereads: async ({ edgeId, meterId, state, limit, cursor }) => {
      const [beforeMs, beforeId] = parseCursor(cursor, 2);
      const records = await readRereads(
        database,
        `WHERE ($1::text IS NULL OR edge_id = $1) AND ($2::text IS NULL OR meter_id = $2) AND ($3::text IS NULL OR state = $3)
           AND ($4::bigint IS NULL OR (created_at_ms, reread_id) < ($4::bigint, $5))
         ORDER BY created_at_ms DESC, reread_id DESC LIMIT $6`,
        [edgeId, meterId, state, beforeMs, beforeId, limit + 1],
      );
      return pageOf(records, limit, ({ createdAtMs, id }) => [createdAtMs, id]);
    },
  };
}

/** Lists places inside a transaction, as many as one edge may have waiting; `dueAtMs` null = now. */
export async function insertRereads(
  sql: Sql,
  places: readonly RereadPlace[],
  state: RereadState = 'waiting',
  dueAtMs: number | null = null,
): Promise<void> {
  const [first] = places;
  if (first === undefined) return;
  const [now] = await sql.rows<{ now_ms: number; open: number }>(
    `SELECT ${TRANSACTION_MS} AS now_ms,
       (SELECT count(*) FROM rereads WHERE edge_id = $1 AND due_at_ms IS NOT NULL) AS open`,
    [first.edgeId],
  );
  const { now_ms: nowMs = 0, open = 0 } = now ?? {};
  for (const place of places.slice(0, Math.max(0, REREADS_OPEN_MAX - open))) {
    await sql.change(
      `INSERT INTO rereads (tenant_id, edge_id, epoch, lane, sequence, meter_id, interval_s, column_obis, reread_id, obis, from_ms, to_ms,
                            reason, state, created_at_ms, due_at_ms, ordered_at_ms)
       SELECT tenant_id, edge_id, $2, $3::smallint, $4::bigint, $5, $6::int, $7, $8, $9::text[], $10::bigint, $11::bigint, $12, $13,
              $14::bigint, $15::bigint, CASE WHEN $13 = 'ordered' THEN $14::bigint END
       FROM edges WHERE edge_id = $1 ON CONFLICT DO NOTHING`,
      [
        place.edgeId,
        place.epoch,
        place.lane,
        place.sequence,
        place.meterId ?? '',
        place.intervalS,
        place.obis[0] ?? '',
        rereadIdOf(place, nowMs),
        place.obis,
        place.fromMs,
        place.toMs,
        place.reason,
        state,
        nowMs,
        dueAtMs ?? nowMs,
      ],
    );
  }
}

/** Entries; `where` may carry ORDER BY and LIMIT. */
export async function readRereads(sql: Sql, where: string, parameters: readonly unknown[]): Promise<RereadRecord[]> {
  const rows = await sql.rows<RereadRow>(`SELECT * FROM rereads ${where}`, parameters);
  return rows.map((row) => ({
    id: row.reread_id,
    edgeId: row.edge_id,
    epoch: row.epoch,
    lane: row.lane,
    sequence: row.sequence,
    meterId: row.meter_id === '' ? null : row.meter_id,
    intervalS: row.interval_s,
    obis: row.obis,
    fromMs: row.from_ms,
    toMs: row.to_ms,
    reason: row.reason,
    state: row.state,
    rows: row.rows,
    createdAtMs: row.created_at_ms,
    ...(row.ordered_at_ms === null ? {} : { orderedAtMs: row.ordered_at_ms }),
    ...(row.ended_at_ms === null ? {} : { endedAtMs: row.ended_at_ms }),
  }));
}
