/** Meters, where they are placed, their events and attributes. */
import type { EventSeverity, MeterAttribute, MeterState } from '../../model/event.ts';
import { SEVERITIES } from '../../model/event.ts';
import type { EdgeId, MeterId, TenantId } from '../../model/ids.ts';
import type { MeterRecord, QueryStore, RegistryStore } from '../ports.ts';
import type { StoreContext } from './context.ts';
import type { Sql } from './database.ts';
import { storeError } from './errors.ts';
import { lockMeters } from './fold.ts';
import { readEdges } from './journal.ts';
import { pageOf, parseCursor } from './pages.ts';
import type { ReadingStore } from './reading-queries.ts';
import { reroute } from './reroute.ts';

/** What is asked about everything but readings. */
export type RegistryQueries = Pick<QueryStore, 'edges' | 'meters' | 'meter' | 'events' | 'attributes'>;

/** The registry's part of the store. */
export function registryStore(context: StoreContext, readings: ReadingStore): RegistryStore & RegistryQueries {
  const { database } = context;
  return {
    saveMeter: async (meter) => {
      await database.change(
        `INSERT INTO meters AS m (tenant_id, meter_id, profile, name, time_zone, serial, title) VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (meter_id) DO UPDATE SET tenant_id = excluded.tenant_id, profile = excluded.profile, name = excluded.name,
           time_zone = excluded.time_zone, serial = coalesce(excluded.serial, m.serial), title = coalesce(excluded.title, m.title)`,
        [meter.tenantId, meter.meterId, meter.profile, meter.name, meter.timeZone, meter.serial, meter.title],
      );
    },
    placeMeter: (meterId, edgeId, fromMs) => placeMeter(context, meterId, edgeId, fromMs),
    endPlacement: (meterId, toMs) => endPlacement(context, meterId, toMs),
    edges: () => readEdges(database, '', []),
    meters: async (query) => {
      const [after] = parseCursor(query.cursor, 1);
      const found = await readMeters(
        readings,
        `WHERE ($1::text IS NULL OR strpos(lower(m.meter_id || ' ' || coalesce(m.name, '')), lower($1)) > 0)
           AND ($2::text IS NULL OR p.edge_id = $2) AND ($3::text IS NULL OR m.meter_id > $3 COLLATE "C")
         ORDER BY m.meter_id COLLATE "C" LIMIT $4`,
        [query.text, query.edgeId, after, query.limit + 1],
      );
      return pageOf(found, query.limit, (meter) => [meter.meterId]);
    },
    meter: async (meterId) => (await readMeters(readings, 'WHERE m.meter_id = $1', [meterId]))[0],
    events: (query) => readEvents(database, query),
    attributes: (meterId) => readAttributes(database, meterId),
  };
}

/** A meter with its place and state. */
export interface MeterRow {
  readonly tenant_id: TenantId;
  readonly meter_id: MeterId;
  readonly profile: string | null;
  readonly name: string | null;
  readonly time_zone: string | null;
  readonly serial: string | null;
  readonly title: string | null;
  readonly line: string | null;
  readonly address: number | null;
  readonly edge_id: EdgeId | null;
  readonly from_ms: number | null;
  readonly to_ms: number | null;
  readonly state: MeterState['state'] | null;
  readonly sentence: string | null;
  readonly since_ms: number | null;
  readonly last_at_ms: number | null;
  readonly last_read_at_ms: number | null;
}

function readMeters(readings: ReadingStore, where: string, parameters: readonly unknown[]): Promise<MeterRecord[]> {
  return readings.viewOfMany(async (sql) => {
    const rows = await sql.rows<MeterRow>(
      `SELECT m.*, p.edge_id, p.from_ms, p.to_ms, s.state, s.sentence, s.since_ms, c.last_at_ms, c.last_read_at_ms FROM meters m
       LEFT JOIN LATERAL (SELECT * FROM placements q WHERE q.meter_id = m.meter_id ORDER BY q.from_ms DESC LIMIT 1) p ON true
       LEFT JOIN meter_states s ON s.meter_id = m.meter_id AND s.edge_id = p.edge_id
       LEFT JOIN LATERAL (SELECT max(h.last_at_ms) AS last_at_ms, max(h.last_read_at_ms) AS last_read_at_ms FROM channels h
                          WHERE h.meter_id = m.meter_id) c ON true
       ${where}`,
      parameters,
    );
    const views = await readings.tails(
      sql,
      rows.map((row) => row.meter_id),
    );
    return rows.map((row) => {
      const tail = views.get(row.meter_id)?.tail.map(({ version }) => version) ?? [];
      const lastAtMs = tail.reduce((most, version) => Math.max(most, version.atMs), row.last_at_ms ?? -Infinity);
      const readAtMs = tail.reduce(
        (most, { visit }) => Math.max(most, visit.readAtMs),
        row.last_read_at_ms ?? -Infinity,
      );
      return meterOf(row, lastAtMs, readAtMs);
    });
  });
}

function meterOf(row: MeterRow, lastReadingAtMs: number, lastHeardAtMs: number): MeterRecord {
  const { meter_id: meterId, state, sentence, since_ms: sinceMs } = row;
  return {
    meterId,
    tenantId: row.tenant_id,
    ...(row.profile === null ? {} : { profile: row.profile }),
    ...(row.name === null ? {} : { name: row.name }),
    ...(row.time_zone === null ? {} : { timeZone: row.time_zone }),
    ...(row.serial === null ? {} : { serial: row.serial }),
    ...(row.title === null ? {} : { title: row.title }),
    ...(row.line === null ? {} : { line: row.line }),
    ...(row.address === null ? {} : { address: row.address }),
    ...(row.edge_id === null || row.from_ms === null ? {} : { edgeId: row.edge_id, placedFromMs: row.from_ms }),
    ...(row.to_ms === null ? {} : { placedToMs: row.to_ms }),
    ...(state === null ? {} : { state: { meterId, state, sentence: sentence ?? '', sinceMs: sinceMs ?? 0 } }),
    ...(Number.isFinite(lastReadingAtMs) ? { lastReadingAtMs, lastHeardAtMs } : {}),
  };
}

async function placeMeter(context: StoreContext, meterId: MeterId, edgeId: EdgeId, fromMs: number): Promise<void> {
  const moved = await context.database.transaction(async (sql) => {
    await lockMeters(sql, [meterId]);
    const meters = await sql.rows('SELECT 1 FROM meters WHERE meter_id = $1', [meterId]);
    if (meters.length === 0) throw storeError('STORE_UNKNOWN_METER', meterId);
    const edges = await sql.rows('SELECT 1 FROM edges WHERE edge_id = $1', [edgeId]);
    if (edges.length === 0) throw storeError('STORE_UNKNOWN_EDGE', edgeId);
    await sql.change(
      `UPDATE placements SET to_ms = $2 WHERE meter_id = $1 AND from_ms < $2 AND (to_ms IS NULL OR to_ms > $2)`,
      [meterId, fromMs],
    );
    await sql.change(
      `INSERT INTO placements (tenant_id, meter_id, edge_id, from_ms, to_ms)
       SELECT m.tenant_id, m.meter_id, $2, $3::bigint, (SELECT min(q.from_ms) FROM placements q WHERE q.meter_id = $1 AND q.from_ms > $3::bigint)
       FROM meters m WHERE m.meter_id = $1
       ON CONFLICT (meter_id, from_ms) DO UPDATE SET edge_id = excluded.edge_id, to_ms = excluded.to_ms`,
      [meterId, edgeId, fromMs],
    );
    return reroute(sql, meterId, fromMs);
  });
  if (moved) context.changed({ kind: 'readings', meterIds: [meterId] });
}

async function endPlacement(context: StoreContext, meterId: MeterId, toMs: number): Promise<void> {
  const moved = await context.database.transaction(async (sql) => {
    await lockMeters(sql, [meterId]);
    await sql.change(
      'UPDATE placements SET to_ms = $2 WHERE meter_id = $1 AND from_ms < $2 AND (to_ms IS NULL OR to_ms > $2)',
      [meterId, toMs],
    );
    return reroute(sql, meterId, toMs);
  });
  if (moved) context.changed({ kind: 'readings', meterIds: [meterId] });
}

interface EventRow {
  readonly subject: string;
  readonly edge_id: EdgeId;
  readonly log: string;
  readonly at_ms: number;
  readonly code: number;
  readonly name: string;
  readonly sentence: string;
  readonly severity: number;
  readonly known_at_ms: number;
}

async function readEvents(sql: Sql, query: Parameters<QueryStore['events']>[0]) {
  const [atMs, subject, log, code] = parseCursor(query.cursor, 4);
  // DISTINCT ON: two edges may have read the same entry of a meter's log.
  const rows = await sql.rows<EventRow>(
    `SELECT DISTINCT ON (e.at_ms, e.subject COLLATE "C", e.log COLLATE "C", e.code) e.* FROM events e
     WHERE e.at_ms >= $1 AND e.at_ms < $2 AND ($3::text IS NULL OR e.subject = $3)
       AND (e.subject LIKE '@%' OR EXISTS (SELECT 1 FROM placements p WHERE p.meter_id = e.subject AND p.edge_id = e.edge_id))
       AND ($4::bigint IS NULL OR (e.at_ms, e.subject COLLATE "C", e.log COLLATE "C", e.code) < ($4::bigint, $5::text, $6::text, $7::int))
     ORDER BY e.at_ms DESC, e.subject COLLATE "C" DESC, e.log COLLATE "C" DESC, e.code DESC, e.known_at_ms LIMIT $8`,
    [query.fromMs, query.toMs, query.meterId, atMs, subject, log, code, query.limit + 1],
  );
  const events = rows.map((row) => ({
    meterId: row.subject.startsWith('@') ? null : (row.subject as MeterId),
    edgeId: row.edge_id,
    log: row.log,
    atMs: row.at_ms,
    code: row.code,
    name: row.name,
    sentence: row.sentence,
    severity: SEVERITIES[row.severity] ?? ('info' satisfies EventSeverity),
    knownAtMs: row.known_at_ms,
  }));
  return pageOf(events, query.limit, (event) => [
    event.atMs,
    event.meterId ?? `@${event.edgeId}`,
    event.log,
    event.code,
  ]);
}

async function readAttributes(sql: Sql, meterId: MeterId): Promise<MeterAttribute[]> {
  const rows = await sql.rows<{ obis: string; name: string; text: string; read_at_ms: number }>(
    `SELECT DISTINCT ON (a.obis COLLATE "C", a.name COLLATE "C") a.obis, a.name, a.text, a.read_at_ms FROM attributes a
     WHERE a.meter_id = $1 AND EXISTS (SELECT 1 FROM placements p WHERE p.meter_id = a.meter_id AND p.edge_id = a.edge_id)
     ORDER BY a.obis COLLATE "C", a.name COLLATE "C", a.read_at_ms DESC`,
    [meterId],
  );
  return rows.map((row) => ({ meterId, obis: row.obis, name: row.name, text: row.text, readAtMs: row.read_at_ms }));
}
