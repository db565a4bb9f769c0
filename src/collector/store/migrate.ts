/**
 * Brings the schema to this program's version, or back: numbered SQL files, each forward file with a `.down.sql` beside it.
 *
 * What was applied is kept with its checksum. A database that is newer than the program, or whose history differs, is
 * refused with a sentence: guessing would cost readings.
 */

import { toHex } from '../../base/bytes.ts';
import type { Crypto } from '../../base/env.ts';
import type { FileTree } from '../../base/process.ts';
import type { Database, Sql } from './database.ts';
import { storeError } from './errors.ts';

/** One step of the schema. */
export interface Migration {
  /** From 1, without holes. */
  readonly version: number;
  readonly name: string;
  readonly forward: string;
  readonly back: string;
  /** SHA-256 of `forward`, hex. */
  readonly checksum: string;
}

const FILE = /^(\d{4})-([a-z0-9-]+)\.sql$/;
/** Two collectors that start at once: one migrates, the other waits. The number is ours alone. */
const MIGRATION_LOCK = 7_301_946;

/** Reads the numbered files beside this module. */
export async function loadMigrations(files: FileTree, crypto: Pick<Crypto, 'sha256'>): Promise<readonly Migration[]> {
  const folder = decodeURIComponent(new URL('./migrations/', import.meta.url).pathname);
  const migrations: Migration[] = [];
  for (const file of (await files.list(folder)).sort()) {
    const match = FILE.exec(file);
    if (match === null) continue;
    const forward = (await files.readText(folder + file)) ?? '';
    const back = (await files.readText(folder + file.replace(/\.sql$/, '.down.sql'))) ?? '';
    const checksum = toHex(crypto.sha256(new TextEncoder().encode(forward)));
    migrations.push({ version: Number(match[1]), name: match[2] ?? '', forward, back, checksum });
  }
  return migrations;
}

interface Applied {
  readonly version: number;
  readonly checksum: string;
}

/** Applies what is missing, each step in its own transaction. Returns the versions applied. Throws STORE_SCHEMA_*. */
export async function migrateForward(database: Database, migrations: readonly Migration[]): Promise<readonly number[]> {
  await createHistory(database);
  const done: number[] = [];
  for (const migration of migrations) {
    await database.transaction(async (sql) => {
      const applied = await history(sql, migrations);
      if (applied.length >= migration.version) return;
      await sql.script(migration.forward);
      await sql.change('INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)', [
        migration.version,
        migration.name,
        migration.checksum,
      ]);
      done.push(migration.version);
    });
  }
  return done;
}

/** Takes steps back until `version` is the newest; 0 leaves an empty schema. */
export async function migrateBack(
  database: Database,
  migrations: readonly Migration[],
  version: number,
): Promise<void> {
  for (const migration of [...migrations].reverse()) {
    if (migration.version <= version) return;
    await database.transaction(async (sql) => {
      const applied = await history(sql, migrations);
      if (applied.length < migration.version) return;
      await sql.script(migration.back);
      await sql.change('DELETE FROM schema_migrations WHERE version = $1', [migration.version]);
    });
  }
}

async function createHistory(database: Database): Promise<void> {
  await database.transaction(async (sql) => {
    await sql.rows('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    await sql.script(`CREATE SCHEMA IF NOT EXISTS "${database.schema}"`);
    const tables = await sql.rows<{ tablename: string }>('SELECT tablename FROM pg_tables WHERE schemaname = $1', [
      database.schema,
    ]);
    if (tables.some((table) => table.tablename === 'schema_migrations')) return;
    if (tables.length > 0)
      throw storeError('STORE_SCHEMA_FOREIGN', `schema ${database.schema} has ${tables.length} tables`);
    await sql.script(`CREATE TABLE schema_migrations (
      version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`);
  });
}

/** What was applied, under the lock, compared with what this program knows. */
async function history(sql: Sql, migrations: readonly Migration[]): Promise<readonly Applied[]> {
  await sql.rows('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
  const applied = await sql.rows<Applied>('SELECT version, checksum FROM schema_migrations ORDER BY version');
  for (const row of applied) {
    const known = migrations.find((migration) => migration.version === row.version);
    if (known === undefined)
      throw storeError('STORE_SCHEMA_NEWER', `database at version ${row.version}, program at ${migrations.length}`);
    if (known.checksum !== row.checksum) throw storeError('STORE_SCHEMA_CHANGED', `version ${row.version}`);
  }
  return applied;
}
