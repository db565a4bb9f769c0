/** What only a real database can show: migrations, identity, partitions, ingest on it, two collectors at once. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { SILENT_LOG } from '../../src/base/log.ts';
import type { CollectorStore } from '../../src/collector/ports.ts';
import { openDatabase } from '../../src/collector/store/database.ts';
import { loadMigrations, migrateBack, migrateForward } from '../../src/collector/store/migrate.ts';
import type { StoreParts } from '../../src/collector/store/postgres-store.ts';
import { HOST_CRYPTO } from '../../src/host/crypto.ts';
import { createProcessHost } from '../../src/host/process.ts';
import type { MeterId } from '../../src/model/ids.ts';
import { Desk } from '../support/ingest-desk.ts';
import {
  asAppends,
  cursorOf,
  DAY_MS,
  JournalEdge,
  place,
  profileGroup,
  QUARTER_MS,
  register,
  row,
  upload,
} from '../support/journal-edge.ts';
import { type PostgresUnderTest, startPostgres } from './postgres-under-test.ts';

const METER = 'm1' as MeterId;
const CHANNEL = { meterId: METER, obis: '1-0:1.8.0*255', intervalS: 900 };

describe('PostgreSQL store', () => {
  let postgres: PostgresUnderTest;
  before(async () => {
    postgres = await startPostgres('embedded');
  });
  after(() => postgres.close());

  /** Runs `work` with a store and plain SQL on its schema. */
  async function withStore(
    work: (store: CollectorStore, sql: ReturnType<typeof openDatabase>, parts: StoreParts) => Promise<void>,
  ): Promise<void> {
    const parts = postgres.parts();
    const store = await postgres.openWith(parts);
    const sql = openDatabase(parts.connection, parts.schema ?? '', SILENT_LOG);
    try {
      await work(store, sql, parts);
    } finally {
      await store.close();
      await sql.close();
    }
  }

  test('migrations go forward, back to nothing, and forward again', async () => {
    const migrations = await loadMigrations(createProcessHost().files, HOST_CRYPTO);
    assert.deepEqual(
      migrations.map((migration) => migration.version),
      migrations.map((_, at) => at + 1),
    );
    const database = openDatabase(postgres.cluster.connection, 'both_ways', SILENT_LOG);
    const tables = async () =>
      (
        await database.rows<{ name: string }>(
          "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'both_ways'",
        )
      )
        .map((one) => one.name)
        .sort();
    const all = migrations.map((migration) => migration.version);
    assert.deepEqual(await migrateForward(database, migrations), all);
    const made = await tables();
    assert.deepEqual(await migrateForward(database, migrations), []);
    for (const version of [...all].reverse()) {
      await migrateBack(database, migrations, version - 1);
      const left = await database.rows('SELECT 1 FROM schema_migrations');
      assert.equal(left.length, version - 1);
    }
    assert.deepEqual(await tables(), ['schema_migrations']);
    await migrateForward(database, migrations);
    assert.deepEqual(await tables(), made);
    await database.close();
  });

  test('every table of data carries a tenant, and every unique key of the hot ones begins with edge or meter', async () => {
    await withStore(async (_store, sql, parts) => {
      const without = await sql.rows<{ name: string }>(
        `SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = $1 AND c.relkind IN ('r', 'p')
           AND NOT EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id') ORDER BY 1`,
        [parts.schema],
      );
      assert.deepEqual(
        without.map((one) => one.name),
        ['schema_migrations', 'store_identity'],
      );
      const keys = await sql.rows<{ name: string; first: string }>(
        `SELECT c.relname AS name, a.attname AS first FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
         JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
         WHERE n.nspname = $1 AND i.indisunique`,
        [parts.schema],
      );
      const desk = [
        'audit',
        'images',
        'setup_codes',
        'tokens',
        'tenants',
        'leases',
        'schema_migrations',
        'store_identity',
      ];
      const hot = keys.filter((key) => !desk.includes(key.name));
      assert.ok(hot.length > 10);
      for (const { name, first } of hot) assert.match(first, /^(edge_id|meter_id|subject)$/, name);
    });
  });

  test('a newer schema, a changed migration and foreign tables are refused', async () => {
    await withStore(async (_store, sql, parts) => {
      await sql.change("UPDATE schema_migrations SET checksum = 'other' WHERE version = 2");
      await assert.rejects(postgres.openWith(parts), { code: 'STORE_SCHEMA_CHANGED' });
      await sql.change("INSERT INTO schema_migrations (version, name, checksum) VALUES (99, 'future', 'x')");
      await sql.change("UPDATE schema_migrations SET checksum = 'other' WHERE version = 1");
      await sql.change('DELETE FROM schema_migrations WHERE version < 99');
      await assert.rejects(postgres.openWith(parts), { code: 'STORE_SCHEMA_NEWER' });
    });
    const foreign = openDatabase(postgres.cluster.connection, 'foreign_tables', SILENT_LOG);
    await foreign.script('CREATE SCHEMA foreign_tables; CREATE TABLE foreign_tables.theirs (a int)');
    await assert.rejects(postgres.openWith({ ...postgres.parts(), schema: 'foreign_tables' }), {
      code: 'STORE_SCHEMA_FOREIGN',
    });
    await foreign.close();
  });

  test('the term stays over restarts and changes with a restore', async () => {
    await withStore(async (store, sql, parts) => {
      const again = await postgres.openWith(parts);
      assert.deepEqual(again.term, store.term);
      await again.close();
      await sql.change("UPDATE store_identity SET system_identifier = 'the cluster that the dump came from'");
      const restored = await postgres.openWith(parts);
      assert.deepEqual([...restored.term.subarray(0, 8)], [...store.term.subarray(0, 8)]);
      assert.equal(restored.term[11], 1);
      await restored.close();
      const copied = await postgres.openWith({ ...parts, isRestored: true });
      assert.equal(copied.term[11], 2, 'a copied data folder shows nothing: the operator tells');
      await copied.close();
      const later = await postgres.openWith(parts);
      assert.equal(later.term[11], 2);
      await later.close();
    });
  });

  test('a database whose settings can lose data may not acknowledge', async () => {
    await withStore(async (store, sql, parts) => {
      assert.deepEqual(await store.notSafe(), []);
      await sql.script('ALTER ROLE deltawatt SET synchronous_commit = off');
      const other = await postgres.openWith(parts);
      const [reason] = await other.notSafe();
      assert.match(reason ?? '', /synchronous_commit = off/);
      await other.close();
      await sql.script('ALTER ROLE deltawatt RESET synchronous_commit');
    });
  });

  test('days get a partition of their month; those of doubtful clocks wait in the default one and move when it is time', async () => {
    const parts = postgres.parts();
    let nowMs = DAY_MS;
    const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
    const store = await postgres.openWith({ ...parts, clock });
    const sql = openDatabase(parts.connection, parts.schema ?? '', SILENT_LOG);
    const edge = new JournalEdge('e1', undefined, [profileGroup(METER)]);
    await register(store, edge);
    await place(store, METER, edge);
    const future = DAY_MS + 60 * 86_400_000;
    edge.rows(2, [row(DAY_MS + QUARTER_MS, [1, 0]), row(future, [2, 0])], { readAtMs: DAY_MS });
    await upload(store, edge, 2);
    await store.fold({ maxBlocks: 10 });
    const places = async () =>
      (
        await sql.rows<{ place: string }>(
          "SELECT replace(tableoid::regclass::text, $1 || '.', '') AS place FROM day_blocks ORDER BY day",
          [parts.schema],
        )
      ).map((one) => one.place);
    assert.deepEqual(await places(), ['day_blocks_20260301', 'day_blocks_other']);
    nowMs = future;
    edge.rows(2, [row(future + QUARTER_MS, [3, 0])], { readAtMs: future });
    await upload(store, edge, 2);
    await store.fold({ maxBlocks: 10 });
    assert.deepEqual(await places(), ['day_blocks_20260301', 'day_blocks_20260401', 'day_blocks_20260401']);
    const found = await store.readings({ channel: CHANNEL, fromMs: 0, toMs: future * 2, limit: 10 });
    assert.deepEqual(
      found.map((reading) => reading.value),
      [1, 2, 3],
    );
    await store.close();
    await sql.close();
  });

  test('ingest on PostgreSQL: an ack comes after the commit, and what was acknowledged is there for another process', async () => {
    await withStore(async (store, _sql, parts) => {
      const desk = new Desk(store);
      const edge = new JournalEdge('e1', undefined, [profileGroup(METER)]);
      for (let slot = 1; slot <= 30; slot++) {
        const atMs = DAY_MS + slot * QUARTER_MS;
        edge.rows(2, [row(atMs, [slot, 0])], { readAtMs: atMs, keyframe: slot % 8 === 1 });
      }
      await register(store, edge);
      await place(store, METER, edge);
      await desk.hello(edge);
      await Promise.all([0, 10, 20].map((from) => desk.blocks(edge, edge.blocks(2).slice(from, from + 10))));
      const acks = desk.told(edge).flatMap((body) => (body.kind === 'ack' ? body.lanes.map(({ upTo }) => upTo) : []));
      assert.equal(acks.at(-1), 30);
      const other = await postgres.openWith(parts);
      const found = await other.readings({ channel: CHANNEL, fromMs: 0, toMs: DAY_MS * 2, limit: 100 });
      assert.deepEqual(
        found.map((reading) => reading.value),
        Array.from({ length: 30 }, (_, at) => at + 1),
      );
      await other.close();
    });
  });

  test('two collectors that take the same edge and fold at the same time store each block once', async () => {
    await withStore(async (store, sql, parts) => {
      const other = await postgres.openWith(parts);
      const edge = new JournalEdge('e1', undefined, [profileGroup(METER)]);
      for (let slot = 1; slot <= 40; slot++) {
        const atMs = DAY_MS + slot * QUARTER_MS;
        edge.rows(2, [row(atMs, [slot, 0])], { readAtMs: atMs, keyframe: slot % 8 === 1 });
        edge.rows(3, [row(atMs, [slot, 1])], { readAtMs: atMs, keyframe: slot % 8 === 1 });
      }
      await register(store, edge);
      await place(store, METER, edge);
      const desks = [new Desk(store), new Desk(other)];
      for (const desk of desks) await desk.hello(edge);
      await Promise.all(
        desks.flatMap((desk) => [
          desk.blocks(edge, edge.blocks(2)),
          desk.blocks(edge, edge.blocks(3)),
          desk.store.fold({ maxBlocks: 100 }),
        ]),
      );
      for (const desk of desks) await desk.blocks(edge, edge.blocks(2));
      await Promise.all(desks.map((desk) => desk.store.fold({ maxBlocks: 1000 })));
      const [count] = await sql.rows<{ blocks: number }>('SELECT count(*) AS blocks FROM journal');
      assert.equal(count?.blocks, 80);
      const found = await other.readings({ channel: CHANNEL, fromMs: 0, toMs: DAY_MS * 2, limit: 100 });
      assert.deepEqual(
        found.map((reading) => [reading.value, reading.versions]),
        Array.from({ length: 40 }, (_, at) => [at + 1, 1]),
      );
      await other.close();
    });
  });

  test('an open append holds asOf back', async () => {
    await withStore(async (store, _sql, parts) => {
      const edge = new JournalEdge('e1', undefined, [profileGroup(METER)]);
      edge.rows(2, [row(DAY_MS + QUARTER_MS, [1, 0])], { readAtMs: DAY_MS });
      await register(store, edge);
      await place(store, METER, edge);
      const appends = openDatabase(parts.connection, parts.schema ?? '', SILENT_LOG, {
        applicationName: 'deltawatt-append',
        connections: 1,
      });
      const [opened] = await Promise.all([
        appends.transaction(async (open) => {
          const [row] = await open.rows<{ ms: number }>('SELECT floor(extract(epoch FROM now()) * 1000)::bigint AS ms');
          const startMs = row?.ms ?? 0;
          const query = { channel: CHANNEL, fromMs: 0, toMs: 1, limit: 1 };
          await assert.rejects(store.readings({ ...query, asOfMs: startMs }), { code: 'STORE_AS_OF_TOO_LATE' });
          await store.readings({ ...query, asOfMs: startMs - 1 });
          return startMs;
        }),
      ]);
      await store.append(await cursorOf(store, edge, 2), asAppends(edge.blocks(2)));
      await store.readings({ channel: CHANNEL, fromMs: 0, toMs: 1, limit: 1, asOfMs: opened });
      await appends.close();
    });
  });

  test('a quarantined block is decoded after a fix, at the next start', async () => {
    await withStore(async (store, sql, parts) => {
      const edge = new JournalEdge('e1', undefined, [profileGroup(METER)]);
      for (let slot = 1; slot <= 3; slot++)
        edge.rows(2, [row(DAY_MS + slot * QUARTER_MS, [slot, 0])], { readAtMs: DAY_MS });
      await store.saveEdge(edge.record);
      await place(store, METER, edge);
      await upload(store, edge, 2);
      await store.fold({ maxBlocks: 10 });
      assert.deepEqual(await store.latest(METER), [], 'without its dictionary no block can be decoded');
      assert.equal((await sql.rows('SELECT 1 FROM journal WHERE quarantine IS NOT NULL')).length, 3);
      await register(store, edge);
      const fixed = await postgres.openWith(parts);
      assert.equal((await fixed.latest(METER))[0]?.value, 3);
      await fixed.fold({ maxBlocks: 10 });
      assert.equal((await fixed.latest(METER))[0]?.value, 3);
      assert.equal((await sql.rows('SELECT 1 FROM journal WHERE quarantine IS NOT NULL')).length, 0);
      await fixed.close();
    });
  });

  test('the views for SQL users have their documented columns and hold no secret', async () => {
    await withStore(async (_store, sql, parts) => {
      const rows = await sql.rows<{ name: string; columns: string }>(
        `SELECT table_name AS name, string_agg(column_name, ' ' ORDER BY ordinal_position) AS columns
         FROM information_schema.columns WHERE table_schema = $1 AND table_name LIKE 'dw\\_%' GROUP BY 1 ORDER BY 1`,
        [parts.schema],
      );
      assert.deepEqual(Object.fromEntries(rows.map((one) => [one.name, one.columns])), {
        dw_channels: 'tenant_id meter_id obis interval_s unit exponent first_at last_at',
        dw_commands: 'tenant_id command_id edge_id meter_id body author created_at expires_at state sentence',
        dw_edges: 'tenant_id edge_id state epoch software last_hello last_block note',
        dw_events: 'tenant_id meter_id edge_id log at code name sentence severity known_at',
        dw_meters:
          'tenant_id meter_id profile name time_zone edge_id placed_from placed_to state state_sentence state_since last_reading',
      });
    });
  });
});
