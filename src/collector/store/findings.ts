/** What was found on lines, in the database. */
import type { FoundNode } from '../../model/found.ts';
import type { EdgeId } from '../../model/ids.ts';
import type { Finding, FindingStore, ToldMeter } from '../commissioning-ports.ts';
import type { StoreContext } from './context.ts';
import type { Sql } from './database.ts';

interface FindingRow {
  readonly tenant_id: Finding['tenantId'];
  readonly edge_id: Finding['edgeId'];
  readonly finding_id: string;
  readonly line: string;
  readonly found: Finding['found'];
  readonly found_at_ms: number;
  readonly state: Finding['state'];
  readonly meter_id: Finding['meterId'] | null;
  readonly sentence: string;
}

/** The findings' part of the store. */
export function findingStore({ database }: StoreContext): FindingStore {
  return {
    async saveFindings(findings) {
      await database.change(
        `INSERT INTO found_meters (tenant_id, edge_id, finding_id, line, address, found, found_at_ms, state, meter_id, sentence)
         SELECT "tenantId", "edgeId", "findingId", line, (found->>'address')::integer, found, "foundAtMs", state, "meterId", sentence
         FROM jsonb_to_recordset($1::jsonb) AS r("tenantId" text, "edgeId" text, "findingId" text, line text, found jsonb,
           "foundAtMs" bigint, state text, "meterId" text, sentence text)
         ON CONFLICT (edge_id, finding_id) DO UPDATE SET found = excluded.found, found_at_ms = excluded.found_at_ms,
           state = excluded.state, meter_id = excluded.meter_id, sentence = excluded.sentence`,
        [JSON.stringify(findings)],
      );
    },
    async finding(findingId) {
      const [row] = await database.rows<FindingRow>('SELECT * FROM found_meters WHERE finding_id = $1', [findingId]);
      return row === undefined ? undefined : findingOf(row);
    },
    async findings({ edgeId, state, meterId, eui48, limit }) {
      const rows = await database.rows<FindingRow>(
        `SELECT * FROM found_meters WHERE ($1::text IS NULL OR edge_id = $1) AND ($2::text IS NULL OR state = $2)
           AND ($3::text IS NULL OR meter_id = $3) AND ($4::text IS NULL OR found->'node'->>'eui48' = $4)
         ORDER BY edge_id COLLATE "C", line COLLATE "C", address, found->'node'->>'eui48' LIMIT $5`,
        [edgeId, state, meterId, eui48, limit],
      );
      return rows.map(findingOf);
    },
    async toldMeters(limit) {
      return database.rows<{ readonly [Name in keyof ToldMeter]: ToldMeter[Name] }>(
        `SELECT tenant_id AS "tenantId", edge_id AS "edgeId", found FROM told_meters
         ORDER BY (found->>'atMs')::bigint, edge_id, line, eui48 LIMIT $1`,
        [limit],
      );
    },
    async forgetTold(told) {
      if (told.length === 0) return;
      await database.change(
        `DELETE FROM told_meters t USING jsonb_to_recordset($1::jsonb) AS r("edgeId" text, found jsonb)
         WHERE t.edge_id = r."edgeId" AND t.line = r.found->>'line' AND t.eui48 = r.found->'node'->>'eui48'
           AND t.found->>'atMs' = r.found->>'atMs'`,
        [JSON.stringify(told)],
      );
    },
  };
}

/** Keeps what a concentrator told, in the transaction of its block. */
export async function storeTold(sql: Sql, edgeId: EdgeId, found: FoundNode): Promise<void> {
  await sql.change(
    `INSERT INTO told_meters AS t (tenant_id, edge_id, line, eui48, found)
     SELECT tenant_id, edge_id, $2, $3, $4::jsonb FROM edges WHERE edge_id = $1
     ON CONFLICT (edge_id, line, eui48) DO UPDATE SET found = excluded.found
     WHERE (t.found->>'atMs')::bigint <= (excluded.found->>'atMs')::bigint`,
    [edgeId, found.line, found.node.eui48, JSON.stringify(found)],
  );
}

function findingOf(row: FindingRow): Finding {
  return {
    findingId: row.finding_id,
    tenantId: row.tenant_id,
    edgeId: row.edge_id,
    line: row.line,
    found: row.found,
    foundAtMs: row.found_at_ms,
    state: row.state,
    ...(row.meter_id === null ? {} : { meterId: row.meter_id }),
    sentence: row.sentence,
  } as Finding;
}
