/**
 * The one file that opens `pg`: a pool whose sessions see our schema first, and transactions that end in every case.
 *
 * 64-bit columns come back as numbers: times, sequences and counts stay far below 2^53. Metered values never pass through
 * here as numbers, they are inside octets.
 */
import pg from 'pg';
import { reasonOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { type ConnectionSettings, isStarting, type Probe } from './cluster/cluster.ts';
import { storeError } from './errors.ts';
import { CONNECT_TIMEOUT_MS, POOL_CONNECTIONS, STATEMENT_TIMEOUT_MS } from './limits.ts';

/** One row: column name -> value. */
export type SqlRow = Readonly<Record<string, unknown>>;

/** Anything that runs statements: the pool, or a transaction. */
export interface Sql {
  /** Rows of one statement. `$1`... are the parameters. */
  rows<Row extends object = SqlRow>(text: string, parameters?: readonly unknown[]): Promise<Row[]>;
  /** Number of rows that a statement changed. */
  change(text: string, parameters?: readonly unknown[]): Promise<number>;
  /** Several statements in one text, without parameters. */
  script(text: string): Promise<void>;
}

/** A database with a schema of ours. */
export interface Database extends Sql {
  readonly schema: string;
  /** Runs `work` in a transaction: commits when it resolves, rolls back when it rejects. Retries deadlocks and lost races. */
  transaction<Result>(work: (sql: Sql) => Promise<Result>): Promise<Result>;
  /** Runs `work` on one unchanging view of the database; it cannot write. */
  snapshot<Result>(work: (sql: Sql) => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
}

const INT8_OID = 20;
const BYTEA_OID = 17;
type Parser = (text: string) => unknown;
const parserOf = pg.types.getTypeParser as (oid: number, format?: string) => Parser;

/** Plain octets: a Buffer looks the same and is not equal to one. */
function octetsOf(text: string): Uint8Array {
  const buffer = parserOf(BYTEA_OID)(text) as Uint8Array;
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

const types = {
  getTypeParser: (oid: number, format?: string): Parser => {
    if (oid === INT8_OID) return Number;
    return oid === BYTEA_OID ? octetsOf : parserOf(oid, format);
  },
};

function configOf(connection: ConnectionSettings): pg.PoolConfig {
  return 'url' in connection ? { connectionString: connection.url } : { ...connection };
}

/** Whether a server answers: for the cluster's start. */
export const probeServer: Probe = async (connection) => {
  const client = new pg.Client({ ...configOf(connection), connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return 'ready';
  } catch (error) {
    return isStarting(error) ? 'not-ready' : 'refused';
  } finally {
    await client.end().catch(() => undefined);
  }
};

/** Errors after which the same transaction can succeed: serialization failure, deadlock. */
const RETRIED_STATES = new Set(['40001', '40P01']);
/** Times that a transaction is tried. */
const TRANSACTION_TRIES = 5;
/** A page or an index is not as it was written (class XX: the checksum of a page, a broken index). */
const DAMAGED = /^XX00[12]$/;
/** Errors of the way to the server, not of the statement. */
const UNREACHABLE = /^(08|53300|57P0|ECONN|ENOENT|EPIPE|ETIMEDOUT)/;

function sqlState(error: unknown): string {
  return String((error as { code?: unknown }).code ?? '');
}

/** Runs a statement; what says that the server is gone becomes STORE_UNREACHABLE, that a page is damaged STORE_DAMAGED. */
async function guarded<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (DAMAGED.test(sqlState(error))) throw storeError('STORE_DAMAGED', reasonOf(error), error);
    const lost = UNREACHABLE.test(sqlState(error)) || /Connection terminated|timeout exceeded/.test(reasonOf(error));
    throw lost ? storeError('STORE_UNREACHABLE', reasonOf(error), error) : error;
  }
}

function sqlOf(client: { query: pg.ClientBase['query'] }): Sql {
  const query = (text: string, parameters?: readonly unknown[]) =>
    guarded(() => client.query(text, parameters === undefined ? undefined : [...parameters]));
  return {
    rows: async <Row extends object>(text: string, parameters?: readonly unknown[]) =>
      (await query(text, parameters)).rows as Row[],
    change: async (text, parameters) => (await query(text, parameters)).rowCount ?? 0,
    script: async (text) => {
      await query(text);
    },
  };
}

/** Opens the pool; nothing is sent before the first statement. `schema` is a plain identifier. */
export function openDatabase(
  connection: ConnectionSettings,
  schema: string,
  log: Log,
  options: { readonly applicationName: string; readonly connections: number } = {
    applicationName: 'deltawatt',
    connections: POOL_CONNECTIONS,
  },
): Database {
  const pool = new pg.Pool({
    ...configOf(connection),
    types,
    max: options.connections,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    // Before the session is handed out, so every statement of ours sees the schema.
    onConnect: async (client) => {
      await client.query(`SET search_path TO "${schema}"`);
    },
    application_name: options.applicationName,
  });
  pool.on('error', (error) => log.warn('store.connection-lost', { reason: reasonOf(error) }));
  const transaction = async <Result>(begin: string, work: (sql: Sql) => Promise<Result>): Promise<Result> => {
    const client = await guarded(() => pool.connect());
    let broken: Error | undefined;
    try {
      await guarded(() => client.query(begin));
      const result = await work(sqlOf(client));
      await guarded(() => client.query('COMMIT'));
      return result;
    } catch (error) {
      await client.query('ROLLBACK').catch((lost: Error) => {
        broken = lost;
      });
      throw error;
    } finally {
      client.release(broken);
    }
  };
  return {
    schema,
    ...sqlOf(pool as unknown as pg.ClientBase),
    async transaction(work) {
      for (let tries = 1; ; tries++) {
        try {
          return await transaction('BEGIN', work);
        } catch (error) {
          if (tries === TRANSACTION_TRIES || !RETRIED_STATES.has(sqlState(error))) throw error;
        }
      }
    },
    snapshot: (work) => transaction('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', work),
    close: () => pool.end(),
  };
}
