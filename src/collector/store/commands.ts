/** Commands and their audit trail in the database. */
import {
  COMMAND_STATES,
  type CommandBody,
  type CommandReport,
  type CommandState,
  END_STATES,
  mayFollow,
} from '../../model/command.ts';
import type { CommandId, EdgeId, MeterId, TenantId } from '../../model/ids.ts';
import { isUnfinished, joinReport } from '../../wire/command-parts.ts';
import type { CommandRecord, CommandStore } from '../ports.ts';
import { type ResultJson, resultFromJson, resultToJson } from './command-json.ts';
import { type StoreContext, TRANSACTION_MS } from './context.ts';
import type { Sql } from './database.ts';
import { pageOf, parseCursor } from './pages.ts';

interface CommandRow {
  readonly tenant_id: TenantId;
  readonly edge_id: EdgeId;
  readonly command_id: CommandId;
  readonly epoch: string;
  readonly meter_id: MeterId;
  readonly body: CommandBody;
  readonly author: string;
  readonly created_at_ms: number;
  readonly expires_at_ms: number;
  readonly state: CommandState;
  readonly sentence: string;
  readonly reports: readonly (ReportRow | null)[] | null;
}

interface ReportRow {
  readonly state: CommandState;
  readonly code: string;
  readonly sentence: string;
  readonly at_ms: number;
  readonly result: ResultJson;
}

const STORED_SENTENCE = 'Stored, not yet sent.';

/** The commands' part of the store. */
export function commandStore(context: StoreContext): CommandStore {
  const { database } = context;
  return {
    create: (command, signed, idempotencyKey) => create(context, command, signed, idempotencyKey),
    command: async (id) => (await readCommands(database, 'WHERE c.command_id = $1', [id]))[0],
    commands: async (query) => {
      const [afterMs, afterId] = parseCursor(query.cursor, 2);
      const rows = await readCommands(
        database,
        `WHERE ($1::text IS NULL OR c.meter_id = $1) AND ($2::text IS NULL OR c.state = $2)
           AND ($3::bigint IS NULL OR (c.created_at_ms, c.command_id) < ($3::bigint, $4))
         ORDER BY c.created_at_ms DESC, c.command_id DESC LIMIT $5`,
        [query.meterId, query.state, afterMs, afterId, query.limit + 1],
      );
      return pageOf(rows, query.limit, (record) => [record.createdAtMs, record.id]);
    },
    open: async (edgeId) => {
      const ends = [...END_STATES];
      const records = await readCommands(
        database,
        'WHERE c.edge_id = $1 AND NOT c.state = ANY($2) ORDER BY c.created_at_ms, c.command_id',
        [edgeId, ends],
      );
      const octets = await database.rows<{ command_id: string; command: Uint8Array; signature: Uint8Array }>(
        'SELECT command_id, command, signature FROM commands WHERE edge_id = $1 AND NOT state = ANY($2)',
        [edgeId, ends],
      );
      const byId = new Map(octets.map((row) => [row.command_id, row]));
      return records.flatMap((record) => {
        const row = byId.get(record.id);
        return row === undefined ? [] : [{ record, command: row.command, signature: row.signature }];
      });
    },
    report: async (report) => {
      const record = await database.transaction((sql) => storeReport(sql, report));
      if (record !== undefined) context.changed({ kind: 'command', command: record });
      return record;
    },
    audit: async (line) => {
      await writeAudit(database, line);
    },
  };
}

async function writeAudit(sql: Sql, line: Parameters<CommandStore['audit']>[0], tenantId = 'default'): Promise<void> {
  await sql.change(
    'INSERT INTO audit (tenant_id, at_ms, actor, action, subject, detail) VALUES ($1, $2, $3, $4, $5, $6)',
    [tenantId, line.atMs, line.actor, line.action, line.subject, line.detail],
  );
}

async function create(
  context: StoreContext,
  command: Parameters<CommandStore['create']>[0],
  signed: Parameters<CommandStore['create']>[1],
  idempotencyKey: string | undefined,
): Promise<{ readonly record: CommandRecord; readonly created: boolean }> {
  const result = await context.database.transaction(async (sql) => {
    const added = await sql.change(
      `INSERT INTO commands (tenant_id, edge_id, command_id, epoch, meter_id, body, author, created_at_ms, expires_at_ms, state, sentence,
                             idempotency_key, command, signature)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT DO NOTHING`,
      [
        command.tenantId,
        command.edgeId,
        command.id,
        command.epoch,
        command.meterId,
        JSON.stringify(command.body),
        command.author,
        command.createdAtMs,
        command.expiresAtMs,
        COMMAND_STATES[0],
        STORED_SENTENCE,
        idempotencyKey ?? null,
        signed.command,
        signed.signature,
      ],
    );
    if (added > 0) {
      const detail = JSON.stringify(command.body);
      await writeAudit(
        sql,
        {
          atMs: command.createdAtMs,
          actor: command.author,
          action: `command.${command.body.kind}`,
          subject: command.meterId,
          detail,
        },
        command.tenantId,
      );
    }
    const [record] = await readCommands(
      sql,
      'WHERE c.edge_id = $1 AND (c.command_id = $2 OR (c.tenant_id = $3 AND c.idempotency_key = $4))',
      [command.edgeId, command.id, command.tenantId, idempotencyKey ?? null],
    );
    if (record === undefined) throw new Error(`command ${command.id} was neither added nor found`);
    return { record, created: added > 0 };
  });
  if (result.created) context.changed({ kind: 'command', command: result.record });
  return result;
}

/** Commands with their reports, oldest report first. `where` may carry ORDER BY and LIMIT; the table is `c`. */
export async function readCommands(sql: Sql, where: string, parameters: readonly unknown[]): Promise<CommandRecord[]> {
  const rows = await sql.rows<CommandRow>(
    `SELECT c.tenant_id, c.edge_id, c.command_id, c.epoch, c.meter_id, c.body, c.author, c.created_at_ms, c.expires_at_ms, c.state, c.sentence,
            (SELECT json_agg(r ORDER BY r.at_ms, r.known_at_ms) FROM command_reports r
             WHERE r.edge_id = c.edge_id AND r.command_id = c.command_id) AS reports
     FROM commands c ${where}`,
    parameters,
  );
  return rows.map(commandOf);
}

function commandOf(row: CommandRow): CommandRecord {
  const reports = (row.reports ?? []).flatMap((report): CommandReport[] => {
    if (report === null) return [];
    const { state, code, sentence, at_ms: atMs, result } = report;
    return [{ id: row.command_id, meterId: row.meter_id, state, code, sentence, atMs, ...resultFromJson(result) }];
  });
  return {
    tenantId: row.tenant_id,
    id: row.command_id,
    edgeId: row.edge_id,
    epoch: row.epoch,
    meterId: row.meter_id,
    body: row.body,
    author: row.author,
    createdAtMs: row.created_at_ms,
    expiresAtMs: row.expires_at_ms,
    state: row.state,
    sentence: row.sentence,
    reports: reports.sort(
      (a, b) => a.atMs - b.atMs || COMMAND_STATES.indexOf(a.state) - COMMAND_STATES.indexOf(b.state),
    ),
  };
}

/**
 * Stores a report and moves its command forward; undefined when there is no such command, or, with `edgeId`, when it was
 * not given to that edge.
 */
export async function storeReport(
  sql: Sql,
  report: CommandReport,
  edgeId?: EdgeId,
): Promise<CommandRecord | undefined> {
  const [row] = await sql.rows<{ edge_id: EdgeId; state: CommandState }>(
    'SELECT edge_id, state FROM commands WHERE command_id = $1 AND ($2::text IS NULL OR edge_id = $2) FOR UPDATE',
    [report.id, edgeId ?? null],
  );
  if (row === undefined) return undefined;
  const kept = joinReport(await partsSoFar(sql, row.edge_id, report), report);
  if (kept !== null) await saveReport(sql, row.edge_id, kept);
  if (isUnfinished(report)) return undefined;
  if (mayFollow(row.state, report.state)) {
    await sql.change('UPDATE commands SET state = $3, sentence = $4 WHERE edge_id = $1 AND command_id = $2', [
      row.edge_id,
      report.id,
      report.state,
      kept?.sentence ?? report.sentence,
    ]);
  }
  return (await readCommands(sql, 'WHERE c.command_id = $1', [report.id]))[0];
}

/** What is kept of the same state of the command. */
async function partsSoFar(sql: Sql, edgeId: EdgeId, report: CommandReport): Promise<CommandReport | undefined> {
  const [row] = await sql.rows<{ result: ResultJson }>(
    'SELECT result FROM command_reports WHERE edge_id = $1 AND command_id = $2 AND state = $3',
    [edgeId, report.id, report.state],
  );
  if (row === undefined) return undefined;
  const { part: _part, ...whole } = report;
  return { ...whole, ...resultFromJson(row.result) };
}

/** Writes a report, over the parts of it that came before. */
async function saveReport(sql: Sql, edgeId: EdgeId, report: CommandReport): Promise<void> {
  await sql.change(
    `INSERT INTO command_reports (tenant_id, edge_id, command_id, state, code, sentence, at_ms, known_at_ms, result)
     SELECT tenant_id, edge_id, command_id, $3, $4, $5, $6::bigint, ${TRANSACTION_MS}, $7::jsonb FROM commands
     WHERE edge_id = $1 AND command_id = $2
     ON CONFLICT (edge_id, command_id, state) DO UPDATE SET code = excluded.code, sentence = excluded.sentence,
       at_ms = excluded.at_ms, known_at_ms = excluded.known_at_ms, result = excluded.result`,
    [edgeId, report.id, report.state, report.code, report.sentence, report.atMs, JSON.stringify(resultToJson(report))],
  );
}
