/**
 * The collector's journal and its cursors.
 *
 * One statement moves the cursor and stores the blocks: it is atomic by itself, and the cursor's compare-and-set is the
 * only deduplication there is. Blocks with records take a transaction around it.
 */
import { concat } from '../../base/bytes.ts';
import type { EdgeId, TenantId } from '../../model/ids.ts';
import { decodeDictionary } from '../../wire/dictionary.ts';
import type { EdgeStatus } from '../../wire/messages.ts';
import { INBOX_MAX } from '../limits.ts';
import type { BlockAppend, EdgeRecord, JournalStore, LaneCursor, Lease, StoreChange } from '../ports.ts';
import { quarantineEvent } from './alarms.ts';
import { type StoreContext, TRANSACTION_MS } from './context.ts';
import type { Sql } from './database.ts';
import { storeEdgeEvent, storeRecords } from './records.ts';
import { placesOfGap } from './reread-places.ts';
import { insertRereads } from './rereads.ts';

interface CursorRow {
  readonly edge_id: EdgeId;
  readonly epoch: string;
  readonly lane: number;
  readonly up_to: number;
  readonly head_hash: Uint8Array;
  readonly keyframe: number;
}

const CURSOR_COLUMNS = 'edge_id, epoch, lane, up_to, head_hash, keyframe';

/**
 * $1 edge, $2 epoch, $3 lane, $4 expected upTo, $5 expected head, $6 new upTo, $7 new head, $8 new keyframe.
 * Gives a row only when the cursor stood where it was expected, the edge is active, and the lease, if one is given, is
 * still the shard's; the lease cannot change hands before the commit.
 */
const moveCursor = (shard: string, token: string) => `
  INSERT INTO lane_cursors AS c (tenant_id, edge_id, epoch, lane, up_to, head_hash, keyframe, moved_at_ms)
  SELECT e.tenant_id, e.edge_id, $2, $3::smallint, $6::bigint, $7::bytea, $8::bigint, ${TRANSACTION_MS} FROM edges e
  WHERE e.edge_id = $1 AND e.state = 'active' AND ($4::bigint = 0
    OR EXISTS (SELECT 1 FROM lane_cursors k WHERE k.edge_id = $1 AND k.epoch = $2 AND k.lane = $3::smallint))
    AND (${token}::bigint IS NULL
      OR EXISTS (SELECT 1 FROM leases l WHERE l.shard = ${shard}::smallint AND l.token = ${token}::bigint FOR SHARE))
  ON CONFLICT (edge_id, epoch, lane) DO UPDATE
  SET up_to = excluded.up_to, head_hash = excluded.head_hash, keyframe = excluded.keyframe, moved_at_ms = excluded.moved_at_ms
  WHERE c.up_to = $4::bigint AND c.head_hash = $5::bytea
  RETURNING c.tenant_id`;

/** Blocks travel as one octet string and their lengths: an array of octet strings would go as text of twice the size. */
const APPEND = `
  WITH moved AS (${moveCursor('$18', '$19')})
  INSERT INTO journal (tenant_id, edge_id, epoch, lane, sequence, keyframe, hash, from_ms, to_ms, known_at_ms, quarantine, octets)
  SELECT moved.tenant_id, $1, $2, $3::smallint, b.sequence, b.keyframe, substring($15::bytea FROM 8 * (b.at::int - 1) + 1 FOR 8), b.from_ms, b.to_ms,
         ${TRANSACTION_MS}, $16::text, substring($14::bytea FROM b.start + 1 FOR b.length)
  FROM moved, unnest($9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::int[], $17::int[])
       WITH ORDINALITY AS b(sequence, keyframe, from_ms, to_ms, start, length, at)`;

/** As {@link APPEND} up to $8, then $9 first missing sequence, $10 cause. */
const DECLARE_GAP = `
  WITH moved AS (${moveCursor('$11', '$12')})
  INSERT INTO lane_gaps (tenant_id, edge_id, epoch, lane, from_sequence, to_sequence, cause, known_at_ms)
  SELECT moved.tenant_id, $1, $2, $3::smallint, $9::bigint, $6::bigint, $10::text, ${TRANSACTION_MS} FROM moved`;

/** The journal's part of the store. */
export function journalStore(context: StoreContext): JournalStore {
  const { database } = context;
  return {
    term: context.identity.term,
    edge: (edgeId) => readEdges(database, 'WHERE e.edge_id = $1', [edgeId]).then((edges) => edges[0]),
    saveEdge: async (edge) => {
      await database.change(
        `INSERT INTO edges (tenant_id, edge_id, state, key, epoch, software, last_hello_ms, note)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (edge_id) DO UPDATE SET tenant_id = excluded.tenant_id, state = excluded.state, key = excluded.key, note = excluded.note`,
        [edge.tenantId, edge.edgeId, edge.state, edge.key, edge.epoch, edge.software, edge.lastHelloMs, edge.note],
      );
      context.changed({ kind: 'edge', edgeId: edge.edgeId });
    },
    noteUnknown: (edgeId, atMs) => noteUnknown(context, edgeId, atMs),
    noteHello: (edgeId, hello) => noteHello(context, edgeId, hello),
    noteStatus: (edgeId, status, atMs) => noteStatus(context, edgeId, status, atMs),
    cursor: async (edgeId, epoch, lane) => {
      const rows = await database.rows<CursorRow>(
        `SELECT ${CURSOR_COLUMNS} FROM lane_cursors WHERE edge_id = $1 AND epoch = $2 AND lane = $3`,
        [edgeId, epoch, lane],
      );
      return rows.map(cursorOf)[0];
    },
    cursors: async (edgeId, epoch) => {
      const rows = await database.rows<CursorRow>(
        `SELECT ${CURSOR_COLUMNS} FROM lane_cursors WHERE edge_id = $1 AND epoch = $2 ORDER BY lane`,
        [edgeId, epoch],
      );
      return rows.map(cursorOf);
    },
    append: (expected, blocks, lease) => append(context, expected, blocks, lease),
    declareGap: (expected, gap, headHash, lease) => declareGap(context, expected, gap, headHash, lease),
    storedHash: async (edgeId, epoch, lane, sequence) => {
      const rows = await database.rows<{ hash: Uint8Array }>(
        'SELECT hash FROM journal WHERE edge_id = $1 AND epoch = $2 AND lane = $3 AND sequence = $4',
        [edgeId, epoch, lane, sequence],
      );
      return rows[0]?.hash;
    },
    raise: async (edgeId, event) => {
      if (await storeEdgeEvent(database, edgeId, event)) context.changed({ kind: 'event', edgeId, event });
    },
    dictionary: async (edgeId, hash) => {
      const rows = await database.rows<{ octets: Uint8Array }>(
        'SELECT octets FROM dictionaries WHERE edge_id = $1 AND hash = $2',
        [edgeId, hash],
      );
      return rows[0]?.octets;
    },
    saveDictionary: (edgeId, hash, octets) => saveDictionary(context, edgeId, hash, octets),
    quarantine: (expected, block, code, lease) => quarantine(context, expected, block, code, lease),
  };
}

/** Edges with the time of their last block. */
export async function readEdges(sql: Sql, where: string, parameters: readonly unknown[]): Promise<EdgeRecord[]> {
  const rows = await sql.rows<{
    tenant_id: TenantId;
    edge_id: EdgeId;
    state: EdgeRecord['state'];
    key: Uint8Array | null;
    epoch: string | null;
    software: string | null;
    last_hello_ms: number | null;
    last_block_ms: number | null;
    last_status_ms: number | null;
    status: EdgeStatus | null;
    note: string | null;
  }>(
    `SELECT e.*, (SELECT max(c.moved_at_ms) FROM lane_cursors c WHERE c.edge_id = e.edge_id AND c.up_to > 0) AS last_block_ms
     FROM edges e ${where} ORDER BY e.edge_id`,
    parameters,
  );
  const heardMs = (row: (typeof rows)[number]) =>
    Math.max(row.last_hello_ms ?? 0, row.last_block_ms ?? 0, row.last_status_ms ?? 0);
  return rows.map((row) => ({
    edgeId: row.edge_id,
    tenantId: row.tenant_id,
    state: row.state,
    ...(row.key === null ? {} : { key: row.key }),
    ...(row.epoch === null ? {} : { epoch: row.epoch }),
    ...(row.software === null ? {} : { software: row.software }),
    ...(row.last_hello_ms === null ? {} : { lastHelloMs: row.last_hello_ms }),
    ...(row.last_block_ms === null ? {} : { lastBlockMs: row.last_block_ms }),
    ...(heardMs(row) === 0 ? {} : { lastHeardMs: heardMs(row) }),
    ...(row.status === null ? {} : { status: row.status }),
    ...(row.note === null ? {} : { note: row.note }),
  }));
}

function cursorOf(row: CursorRow): LaneCursor {
  return {
    edgeId: row.edge_id,
    epoch: row.epoch,
    lane: row.lane,
    upTo: row.up_to,
    headHash: row.head_hash,
    keyframe: row.keyframe,
  };
}

async function noteUnknown(context: StoreContext, edgeId: EdgeId, atMs: number): Promise<boolean> {
  const added = await context.database.change(
    `INSERT INTO edges (tenant_id, edge_id, state, last_hello_ms)
     SELECT 'default', $1, 'inbox', $2::bigint WHERE (SELECT count(*) FROM edges WHERE state = 'inbox') < $3
     ON CONFLICT DO NOTHING`,
    [edgeId, atMs, INBOX_MAX],
  );
  if (added > 0) context.changed({ kind: 'edge', edgeId });
  return added > 0 || (await readEdges(context.database, 'WHERE e.edge_id = $1', [edgeId])).length > 0;
}

async function noteHello(
  context: StoreContext,
  edgeId: EdgeId,
  hello: Parameters<JournalStore['noteHello']>[1],
): Promise<void> {
  await context.database.transaction(async (sql) => {
    await sql.change('UPDATE edges SET epoch = $2, software = $3, last_hello_ms = $4 WHERE edge_id = $1', [
      edgeId,
      hello.epoch,
      hello.software,
      hello.atMs,
    ]);
    await sql.change(
      `INSERT INTO lane_cursors (tenant_id, edge_id, epoch, lane, up_to, head_hash, keyframe, moved_at_ms, reported_last, reported_at_ms)
       SELECT e.tenant_id, e.edge_id, $2, r.lane, 0, decode('0000000000000000', 'hex'), 0, 0, r.last, $5::bigint
       FROM edges e, unnest($3::smallint[], $4::bigint[]) AS r(lane, last) WHERE e.edge_id = $1
       ON CONFLICT (edge_id, epoch, lane) DO UPDATE
       SET reported_last = excluded.reported_last, reported_at_ms = excluded.reported_at_ms`,
      [edgeId, hello.epoch, hello.lanes.map((lane) => lane.lane), hello.lanes.map((lane) => lane.last), hello.atMs],
    );
  });
  context.changed({ kind: 'edge', edgeId });
}

async function noteStatus(context: StoreContext, edgeId: EdgeId, status: EdgeStatus, atMs: number): Promise<void> {
  await context.database.transaction(async (sql) => {
    await sql.change('UPDATE edges SET status = $2, last_status_ms = $3 WHERE edge_id = $1', [
      edgeId,
      JSON.stringify(status),
      atMs,
    ]);
    await sql.change(
      `UPDATE lane_cursors c SET reported_last = c.up_to + r.blocks, reported_at_ms = $4
       FROM edges e, unnest($2::smallint[], $3::bigint[]) AS r(lane, blocks)
       WHERE e.edge_id = $1 AND c.edge_id = $1 AND c.epoch = e.epoch AND c.lane = r.lane`,
      [edgeId, status.lanes.map((lane) => lane.lane), status.lanes.map((lane) => lane.blocks), atMs],
    );
  });
  context.changed({ kind: 'edge', edgeId });
}

async function saveDictionary(context: StoreContext, edgeId: EdgeId, hash: string, octets: Uint8Array): Promise<void> {
  const meterIds = new Set(decodeDictionary(octets).map((group) => group.meterId));
  await context.database.transaction(async (sql) => {
    const added = await sql.change(
      `INSERT INTO dictionaries (tenant_id, edge_id, hash, octets)
       SELECT tenant_id, edge_id, $2, $3::bytea FROM edges WHERE edge_id = $1 ON CONFLICT DO NOTHING`,
      [edgeId, hash, octets],
    );
    if (added === 0) return;
    await sql.change(
      `INSERT INTO dictionary_meters (tenant_id, edge_id, meter_id)
       SELECT e.tenant_id, e.edge_id, m.meter_id FROM edges e, unnest($2::text[]) AS m(meter_id) WHERE e.edge_id = $1
       ON CONFLICT DO NOTHING`,
      [edgeId, [...meterIds]],
    );
  });
}

function appendParameters(
  expected: LaneCursor,
  blocks: readonly BlockAppend[],
  quarantineCode: string | null,
  lease: Lease | undefined,
): unknown[] {
  const last = blocks.at(-1);
  const starts: number[] = [];
  let start = 0;
  for (const block of blocks) {
    starts.push(start);
    start += block.octets.length;
  }
  return [
    expected.edgeId,
    expected.epoch,
    expected.lane,
    expected.upTo,
    expected.headHash,
    last?.sequence,
    last?.hash,
    last?.keyframe,
    blocks.map((block) => block.sequence),
    blocks.map((block) => block.keyframe),
    blocks.map((block) => block.fromMs),
    blocks.map((block) => block.toMs),
    starts,
    concat(blocks.map((block) => block.octets)),
    concat(blocks.map((block) => block.hash)),
    quarantineCode,
    blocks.map((block) => block.octets.length),
    lease?.shard,
    lease?.token,
  ];
}

async function append(
  context: StoreContext,
  expected: LaneCursor,
  blocks: readonly BlockAppend[],
  lease: Lease | undefined,
): Promise<boolean> {
  const last = blocks.at(-1);
  if (last === undefined) return true;
  const parameters = appendParameters(expected, blocks, null, lease);
  const changes: StoreChange[] = [
    { kind: 'blocks', edgeId: expected.edgeId, lane: expected.lane, upTo: last.sequence },
  ];
  const withRecords = blocks.filter((block) => block.records !== undefined && block.records.length > 0);
  if (withRecords.length === 0) {
    if ((await context.appends.change(APPEND, parameters)) === 0) return false;
  } else {
    const stored = await context.appends.transaction(async (sql) => {
      if ((await sql.change(APPEND, parameters)) === 0) return undefined;
      const made: StoreChange[] = [];
      for (const block of withRecords) {
        made.push(...(await storeRecords(sql, { ...expected, sequence: block.sequence }, block.records ?? [])));
      }
      return made;
    });
    if (stored === undefined) return false;
    changes.push(...stored);
  }
  for (const change of changes) context.changed(change);
  return true;
}

async function declareGap(
  context: StoreContext,
  expected: LaneCursor,
  gap: Parameters<JournalStore['declareGap']>[1],
  headHash: Uint8Array,
  lease: Lease | undefined,
): Promise<boolean> {
  const parameters = [
    expected.edgeId,
    expected.epoch,
    expected.lane,
    expected.upTo,
    expected.headHash,
    gap.to,
    headHash,
    // No keyframe is held after a gap: the next block must be one.
    0,
    gap.from,
    gap.cause,
    lease?.shard,
    lease?.token,
  ];
  const records = (gap.notices ?? []).map((notice) => ({ kind: 'gap', gap: notice }) as const);
  const moved = await context.appends.transaction(async (sql) => {
    if ((await sql.change(DECLARE_GAP, parameters)) === 0) return false;
    await storeRecords(sql, { ...expected, sequence: gap.to }, records);
    const [last] = await sql.rows<{ now_ms: number; since_ms: number | null }>(
      `SELECT ${TRANSACTION_MS} AS now_ms, (SELECT max(to_ms) FROM journal
         WHERE edge_id = $1 AND epoch = $2 AND lane = $3 AND sequence = $4) AS since_ms`,
      [expected.edgeId, expected.epoch, expected.lane, expected.upTo],
    );
    await insertRereads(sql, placesOfGap(gap, last?.since_ms ?? 0, last?.now_ms ?? 0));
    return true;
  });
  if (moved) context.changed({ kind: 'blocks', edgeId: gap.edgeId, lane: gap.lane, upTo: gap.to });
  return moved;
}

async function quarantine(
  context: StoreContext,
  expected: LaneCursor,
  block: BlockAppend,
  code: string,
  lease: Lease | undefined,
): Promise<boolean> {
  const { edgeId, lane } = expected;
  const event = quarantineEvent(lane, block.sequence, code, block.toMs);
  const stored = await context.appends.transaction(async (sql) => {
    if ((await sql.change(APPEND, appendParameters(expected, [block], code, lease))) === 0) return false;
    await storeEdgeEvent(sql, edgeId, event);
    return true;
  });
  if (!stored) return false;
  context.changed({ kind: 'blocks', edgeId, lane, upTo: block.sequence });
  context.changed({ kind: 'event', edgeId, event });
  return true;
}
