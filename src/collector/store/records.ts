/**
 * Records of self-contained lanes into their tables, inside the transaction that stores their block. All of it is
 * idempotent: a block that comes again after a restore changes nothing.
 */
import { type MeterAttribute, type MeterEvent, type MeterState, SEVERITIES } from '../../model/event.ts';
import type { EdgeId } from '../../model/ids.ts';
import type { GapNotice, JournalRecord } from '../../wire/records.ts';
import type { StoreChange } from '../ports.ts';
import { storeReport } from './commands.ts';
import { TRANSACTION_MS } from './context.ts';
import type { Sql } from './database.ts';
import { storeTold } from './findings.ts';

/** The block that carried the records. */
export interface RecordOrigin {
  readonly edgeId: EdgeId;
  readonly epoch: string;
  readonly lane: number;
  readonly sequence: number;
}

/** Stores the records in order; returns what readers should hear after the commit. */
export async function storeRecords(
  sql: Sql,
  origin: RecordOrigin,
  records: readonly JournalRecord[],
): Promise<StoreChange[]> {
  const changes: StoreChange[] = [];
  for (const [index, record] of records.entries()) {
    const change = await storeRecord(sql, origin, index, record);
    if (change !== undefined) changes.push(change);
  }
  return changes;
}

async function storeRecord(
  sql: Sql,
  origin: RecordOrigin,
  index: number,
  record: JournalRecord,
): Promise<StoreChange | undefined> {
  const { edgeId } = origin;
  switch (record.kind) {
    case 'event':
      return (await storeEdgeEvent(sql, edgeId, record.event))
        ? { kind: 'event', event: record.event, edgeId }
        : undefined;
    case 'attribute':
      await storeAttribute(sql, edgeId, record.attribute);
      return undefined;
    case 'meter-state':
      return (await storeState(sql, edgeId, record.state)) ? { kind: 'meter-state', state: record.state } : undefined;
    case 'command': {
      const command = await storeReport(sql, record.report, edgeId);
      return command === undefined ? undefined : { kind: 'command', command };
    }
    case 'gap':
      await storeGap(sql, edgeId, record.gap);
      return undefined;
    case 'found':
      await storeTold(sql, edgeId, record.found);
      return { kind: 'found', edgeId };
    case 'log':
      await sql.change(
        `INSERT INTO edge_logs (tenant_id, edge_id, epoch, lane, sequence, index, level, event, at_ms, fields_json)
         SELECT tenant_id, edge_id, $2, $3::smallint, $4::bigint, $5::int, $6, $7, $8::bigint, $9 FROM edges WHERE edge_id = $1 ON CONFLICT DO NOTHING`,
        [
          edgeId,
          origin.epoch,
          origin.lane,
          origin.sequence,
          index,
          record.level,
          record.event,
          record.atMs,
          record.fieldsJson,
        ],
      );
      return undefined;
  }
}

/** The key under which an event is kept: its meter, or the concentrator itself. `@` is in no meter id. */
export function subjectOf(event: MeterEvent, edgeId: EdgeId): string {
  return event.meterId ?? `@${edgeId}`;
}

/** Stores an event; false when it was there. */
export async function storeEdgeEvent(sql: Sql, edgeId: EdgeId, event: MeterEvent): Promise<boolean> {
  const added = await sql.change(
    `INSERT INTO events (tenant_id, subject, edge_id, log, at_ms, code, name, sentence, severity, known_at_ms)
     SELECT tenant_id, $2, edge_id, $3, $4::bigint, $5::int, $6, $7, $8::smallint, ${TRANSACTION_MS} FROM edges WHERE edge_id = $1
     ON CONFLICT DO NOTHING`,
    [
      edgeId,
      subjectOf(event, edgeId),
      event.log,
      event.atMs,
      event.code,
      event.name,
      event.sentence,
      SEVERITIES.indexOf(event.severity),
    ],
  );
  return added > 0;
}

async function storeAttribute(sql: Sql, edgeId: EdgeId, attribute: MeterAttribute): Promise<void> {
  await sql.change(
    `INSERT INTO attributes AS a (tenant_id, meter_id, edge_id, obis, name, text, read_at_ms)
     SELECT tenant_id, $2, edge_id, $3, $4, $5, $6::bigint FROM edges WHERE edge_id = $1
     ON CONFLICT (meter_id, edge_id, obis, name) DO UPDATE SET text = excluded.text, read_at_ms = excluded.read_at_ms
     WHERE a.read_at_ms <= excluded.read_at_ms`,
    [edgeId, attribute.meterId, attribute.obis, attribute.name, attribute.text, attribute.readAtMs],
  );
}

async function storeState(sql: Sql, edgeId: EdgeId, state: MeterState): Promise<boolean> {
  const changed = await sql.change(
    `INSERT INTO meter_states AS s (tenant_id, meter_id, edge_id, state, sentence, since_ms)
     SELECT tenant_id, $2, edge_id, $3, $4, $5::bigint FROM edges WHERE edge_id = $1
     ON CONFLICT (meter_id, edge_id) DO UPDATE SET state = excluded.state, sentence = excluded.sentence, since_ms = excluded.since_ms
     WHERE s.since_ms <= excluded.since_ms`,
    [edgeId, state.meterId, state.state, state.sentence, state.sinceMs],
  );
  return changed > 0;
}

async function storeGap(sql: Sql, edgeId: EdgeId, gap: GapNotice): Promise<void> {
  await sql.change(
    `INSERT INTO meter_gaps (tenant_id, meter_id, edge_id, obis, interval_s, from_ms, to_ms, cause, known_at_ms)
     SELECT e.tenant_id, $2, e.edge_id, o.obis, $4::int, $5::bigint, $6::bigint, $7, ${TRANSACTION_MS}
     FROM edges e, unnest($3::text[]) AS o(obis) WHERE e.edge_id = $1 ON CONFLICT DO NOTHING`,
    [edgeId, gap.meterId, gap.obis, gap.intervalS, gap.fromMs, gap.toMs, gap.cause],
  );
}
