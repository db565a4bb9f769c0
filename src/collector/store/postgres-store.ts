/**
 * The collector's store on PostgreSQL: opens the database, brings the schema to this version, joins the parts.
 *
 * Appends have sessions of their own: they never wait for a connection behind queries, and the oldest open append can be
 * told from everything else, which is what `asOf` needs.
 */
import type { Clock, Crypto, Random } from '../../base/env.ts';
import { reasonOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { FileTree } from '../../base/process.ts';
import type { CollectorStore, StoreChange } from '../ports.ts';
import { accessStore } from './access.ts';
import { brokerUserStore } from './broker-users.ts';
import type { ConnectionSettings } from './cluster/cluster.ts';
import { commandStore } from './commands.ts';
import type { StoreContext } from './context.ts';
import { type Database, openDatabase } from './database.ts';
import { findingStore } from './findings.ts';
import { Fold } from './fold.ts';
import { openIdentity, type PartitionWidth } from './identity.ts';
import { imageStore } from './images.ts';
import { journalStore } from './journal.ts';
import { leaseStore } from './leases.ts';
import { APPEND_CONNECTIONS, POOL_CONNECTIONS } from './limits.ts';
import { meterListStore } from './meter-lists.ts';
import { loadMigrations, migrateForward } from './migrate.ts';
import { APPEND_APPLICATION, ReadingStore } from './reading-queries.ts';
import { registryStore } from './registry.ts';
import { rereadStore } from './rereads.ts';

/** What opening the store needs. */
export interface StoreParts {
  readonly connection: ConnectionSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly crypto: Pick<Crypto, 'sha256'>;
  readonly log: Log;
  /** For the migrations beside the program. */
  readonly files: FileTree;
  /** Schema inside the database; default `deltawatt`. */
  readonly schema?: string;
  /** Width of the partitions of the day blocks in a new database; default a month. */
  readonly partitionWidth?: PartitionWidth;
  /** The data folder is a copy of an older one: what was stored since is asked for again, as after any restore. */
  readonly isRestored?: boolean;
}

const DEFAULT_SCHEMA = 'deltawatt';

/** Forgets everything that a store of this schema holds: for demos and tests. Does nothing when there is none. */
export async function dropPostgresStore(parts: Pick<StoreParts, 'connection' | 'log' | 'schema'>): Promise<void> {
  const schema = parts.schema ?? DEFAULT_SCHEMA;
  const database = openDatabase(parts.connection, schema, parts.log, {
    applicationName: 'deltawatt',
    connections: 1,
  });
  try {
    await database.script(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`);
  } finally {
    await database.close();
  }
}

/** Opens the store and migrates its schema. Throws STORE_* errors. */
export async function openPostgresStore(parts: StoreParts): Promise<CollectorStore> {
  const { connection, clock, log } = parts;
  const schema = parts.schema ?? DEFAULT_SCHEMA;
  const database = openDatabase(connection, schema, log, {
    applicationName: 'deltawatt',
    connections: POOL_CONNECTIONS,
  });
  const appends = openDatabase(connection, schema, log, {
    applicationName: APPEND_APPLICATION,
    connections: APPEND_CONNECTIONS,
  });
  try {
    const applied = await migrateForward(database, await loadMigrations(parts.files, parts.crypto));
    if (applied.length > 0) log.info('store.migrated', { schema, to: applied.at(-1) });
    const { random, partitionWidth = 'month', isRestored = false } = parts;
    const identity = await openIdentity(database, random, partitionWidth, log, isRestored);
    const listeners: ((change: StoreChange) => void)[] = [];
    const context: StoreContext = {
      database,
      appends,
      identity,
      clock,
      log,
      changed: (change) => {
        for (const listener of listeners) listener(change);
      },
    };
    return await join(context, listeners);
  } catch (error) {
    await Promise.all([database.close(), appends.close()]);
    throw error;
  }
}

async function join(context: StoreContext, listeners: ((change: StoreChange) => void)[]): Promise<CollectorStore> {
  const fold = new Fold(context);
  const readings = new ReadingStore(context, fold);
  const retried = await fold.retryQuarantined();
  if (retried > 0) context.log.info('store.quarantine-retried', { blocks: retried });
  return {
    ...journalStore(context),
    ...leaseStore(context),
    ...registryStore(context, readings),
    ...commandStore(context),
    ...imageStore(context),
    ...meterListStore(context),
    ...rereadStore(context),
    ...findingStore(context),
    ...accessStore(context),
    ...brokerUserStore(context),
    fold: (options) => fold.fold(options),
    prune: (olderThanMs) => fold.prune(olderThanMs),
    readings: (query) => readings.readings(query),
    channels: (meterId) => readings.channels(meterId),
    latest: (meterId) => readings.latest(meterId),
    gaps: (query) => readings.gaps(query),
    quarantined: () => readings.quarantined(),
    onChange: (listener) => {
      listeners.push(listener);
    },
    notSafe: () => whyNotSafe(context.appends),
    damage: () => damageOf(context.database),
    close: async () => {
      await Promise.all([context.database.close(), context.appends.close()]);
    },
  };
}

/** Tables are damaged where PostgreSQL counted pages with a wrong checksum; without checksums it would never say so. */
async function damageOf(database: Database): Promise<readonly string[]> {
  const [row] = await database.rows<{ checksums: string; failures: number | null; at: string | null }>(
    `SELECT current_setting('data_checksums') AS checksums, s.checksum_failures AS failures, s.checksum_last_failure::text AS at
     FROM pg_stat_database s WHERE s.datname = current_database()`,
  );
  if (row === undefined) return [];
  if (row.checksums !== 'on')
    return [
      'PostgreSQL runs without data checksums: a bit that flips on its disk would be delivered as a reading. Stop it, run pg_checksums --enable, start it.',
    ];
  const { failures, at } = row;
  if ((failures ?? 0) === 0) return [];
  return [
    `PostgreSQL read ${failures} times a page that is not as it was written, last at ${at}; nothing of it was delivered. Look at its disk, restore a backup, and start the collector once with --restored.`,
  ];
}

/** Values of each setting under which a commit is on the medium, and on the standby when there is one. */
const SAFE_SETTINGS: Readonly<Record<string, readonly string[]>> = {
  fsync: ['on'],
  full_page_writes: ['on'],
  synchronous_commit: ['on', 'remote_apply'],
};

/** Why the database may not acknowledge, in sentences. */
async function whyNotSafe(database: Database): Promise<readonly string[]> {
  try {
    const rows = await database.rows<{ name: string; setting: string }>(
      'SELECT name, setting FROM pg_settings WHERE name = ANY($1)',
      [Object.keys(SAFE_SETTINGS)],
    );
    return rows
      .filter(({ name, setting }) => !SAFE_SETTINGS[name]?.includes(setting))
      .map(
        ({ name, setting }) =>
          `PostgreSQL runs with ${name} = ${setting}: set it to on, or a power cut loses readings that were acknowledged.`,
      );
  } catch (error) {
    return [`The database does not answer: ${reasonOf(error)}`];
  }
}
