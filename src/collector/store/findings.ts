/** What was found on lines, in the database. */
import type { Finding, FindingStore } from '../commissioning-ports.ts';
import type { StoreContext } from './context.ts';

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
    async findings({ edgeId, state, limit }) {
      const rows = await database.rows<FindingRow>(
        `SELECT * FROM found_meters WHERE ($1::text IS NULL OR edge_id = $1) AND ($2::text IS NULL OR state = $2)
         ORDER BY edge_id COLLATE "C", line COLLATE "C", address LIMIT $3`,
        [edgeId, state, limit],
      );
      return rows.map(findingOf);
    },
  };
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
