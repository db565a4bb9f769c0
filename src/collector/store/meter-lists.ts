/** Lists of meters into the registry: looked up and written a batch a statement, inside the one transaction of an import. */

import type { MeterId } from '../../model/ids.ts';
import type { ImportStore, ImportView, ListedMeter, StoreChange } from '../ports.ts';
import type { StoreContext } from './context.ts';
import type { Sql } from './database.ts';
import { lockMeters } from './fold.ts';
import type { MeterRow } from './registry.ts';
import { reroute } from './reroute.ts';

/** One import at a time, whichever collector runs it. The number is ours alone. */
const IMPORT_LOCK = 7_301_947;

/** A batch as rows of a statement: one parameter of JSON, however many rows. */
const LISTED = `jsonb_to_recordset($1::jsonb) AS r("meterId" text, profile text, name text, "timeZone" text, serial text, title text,
  line text, address integer, "edgeId" text, "placedFromMs" bigint)`;

/** Where a meter is placed at the time `$2`. */
const PLACE_NOW = `SELECT q.edge_id FROM placements q WHERE q.meter_id = m.meter_id AND q.from_ms <= $2 AND (q.to_ms IS NULL OR q.to_ms > $2)
  ORDER BY q.from_ms DESC LIMIT 1`;

/** The lists' part of the store. */
export function meterListStore({ database, changed }: StoreContext): ImportStore {
  return {
    async withImport(work) {
      let moved: MeterId[] = [];
      const result = await database.transaction(async (sql) => {
        moved = [];
        await sql.rows('SELECT pg_advisory_xact_lock($1)', [IMPORT_LOCK]);
        return work(viewOf(sql, moved));
      });
      if (moved.length > 0) changed({ kind: 'readings', meterIds: moved } satisfies StoreChange);
      return result;
    },
  };
}

/** `moved` is given the meters whose readings came out of quarantine. */
function viewOf(sql: Sql, moved: MeterId[]): ImportView {
  return {
    async known(meters, atMs) {
      const rows = await sql.rows<KnownRow>(
        `WITH r AS MATERIALIZED (SELECT * FROM ${LISTED}),
           ids AS (SELECT m.meter_id FROM meters m JOIN r ON m.meter_id = r."meterId"
             UNION SELECT m.meter_id FROM meters m JOIN r ON m.serial = r.serial
             UNION SELECT m.meter_id FROM meters m JOIN r ON m.title = r.title
             UNION SELECT m.meter_id FROM meters m JOIN placements p ON p.meter_id = m.meter_id JOIN r ON r."edgeId" = p.edge_id
                   AND r.address = m.address)
         SELECT m.*, (${PLACE_NOW}) AS edge_id FROM meters m JOIN ids ON ids.meter_id = m.meter_id`,
        [JSON.stringify(meters), atMs],
      );
      return rows.map(knownOf);
    },
    async write(meters, { tenantId, atMs }) {
      await sql.change(
        `INSERT INTO meters AS m (tenant_id, meter_id, profile, name, time_zone, serial, title, line, address)
         SELECT $2, "meterId", profile, name, "timeZone", serial, title, line, address FROM ${LISTED}
         ON CONFLICT (meter_id) DO UPDATE SET profile = coalesce(excluded.profile, m.profile), name = coalesce(excluded.name, m.name),
           time_zone = coalesce(excluded.time_zone, m.time_zone), serial = coalesce(excluded.serial, m.serial),
           title = coalesce(excluded.title, m.title), line = coalesce(excluded.line, m.line), address = coalesce(excluded.address, m.address)`,
        [JSON.stringify(meters), tenantId],
      );
      moved.push(...(await place(sql, meters, atMs)));
    },
  };
}

/** Places meters that are placed nowhere at this time; returns those whose readings waited for it. */
async function place(sql: Sql, meters: readonly ListedMeter[], atMs: number): Promise<MeterId[]> {
  const ids = meters.filter(({ edgeId }) => edgeId !== undefined).map(({ meterId }) => meterId);
  if (ids.length === 0) return [];
  await lockMeters(sql, ids);
  const placed = await sql.rows<{ readonly meter_id: MeterId; readonly from_ms: number }>(
    `INSERT INTO placements (tenant_id, meter_id, edge_id, from_ms, to_ms)
     SELECT m.tenant_id, m.meter_id, r."edgeId", f.from_ms,
       (SELECT min(q.from_ms) FROM placements q WHERE q.meter_id = m.meter_id AND q.from_ms > f.from_ms)
     FROM ${LISTED} JOIN meters m ON m.meter_id = r."meterId"
       CROSS JOIN LATERAL (SELECT greatest(coalesce(r."placedFromMs", $2::bigint),
         (SELECT max(q.to_ms) FROM placements q WHERE q.meter_id = m.meter_id AND q.to_ms <= $2)) AS from_ms) f
     WHERE r."edgeId" IS NOT NULL AND (${PLACE_NOW}) IS NULL
     ON CONFLICT DO NOTHING RETURNING meter_id, from_ms`,
    [JSON.stringify(meters), atMs],
  );
  const waiting = await sql.rows<{ readonly meter_id: MeterId }>(
    'SELECT DISTINCT meter_id FROM quarantine_blocks WHERE meter_id = ANY($1)',
    [placed.map(({ meter_id }) => meter_id)],
  );
  const fromMs = new Map(placed.map((row) => [row.meter_id, row.from_ms]));
  const moved: MeterId[] = [];
  for (const { meter_id: meterId } of waiting) {
    if (await reroute(sql, meterId, fromMs.get(meterId) ?? atMs)) moved.push(meterId);
  }
  return moved;
}

type KnownRow = Pick<
  MeterRow,
  'meter_id' | 'profile' | 'name' | 'time_zone' | 'serial' | 'title' | 'line' | 'address' | 'edge_id'
>;

function knownOf(row: KnownRow): ListedMeter {
  const { profile, name, time_zone: timeZone, serial, title, line, address, edge_id: edgeId } = row;
  const facts = Object.entries({ profile, name, timeZone, serial, title, line, address, edgeId });
  return { meterId: row.meter_id, ...Object.fromEntries(facts.filter(([, value]) => value !== null)) };
}
