/** One private server for the tests of a file; each store gets a schema of its own. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SILENT_LOG } from '../../src/base/log.ts';
import type { CollectorStore } from '../../src/collector/ports.ts';
import type { BinariesChoice } from '../../src/collector/store/cluster/binaries.ts';
import { type Cluster, openCluster } from '../../src/collector/store/cluster/cluster.ts';
import { probeServer } from '../../src/collector/store/database.ts';
import { openPostgresStore, type StoreParts } from '../../src/collector/store/postgres-store.ts';
import { HOST_CRYPTO } from '../../src/host/crypto.ts';
import { createProcessHost } from '../../src/host/process.ts';
import type { StoreUnderTest } from './collector-store.ts';
import { realTimers } from './real-timers.ts';

/** Copied once for all test runs of this machine. */
const PROGRAMS = join(tmpdir(), 'deltawatt-test-programs');

/** A running server and what a store on it needs. */
export interface PostgresUnderTest extends StoreUnderTest {
  readonly cluster: Cluster;
  /** Parts of a store in a new schema. */
  readonly parts: () => StoreParts;
  readonly openWith: (parts: StoreParts) => Promise<CollectorStore>;
  readonly close: () => Promise<void>;
}

/** Starts a server; `close` stops and removes it. */
export async function startPostgres(binaries: BinariesChoice): Promise<PostgresUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'dw-store-'));
  // Not private: the account of the server must be able to enter.
  await chmod(folder, 0o711);
  const host = createProcessHost();
  const cluster = await openCluster(
    { stateFolder: folder, binaries, programsFolder: PROGRAMS },
    { host, timers: realTimers, log: SILENT_LOG, probe: probeServer },
  );
  const close = async () => {
    await cluster.stop();
    await rm(folder, { recursive: true, force: true });
  };
  let schemas = 0;
  const schemaOf = new WeakMap<CollectorStore, string>();
  const random = {
    bytes: (count: number) => HOST_CRYPTO.sha256(Uint8Array.of(schemas)).slice(0, count),
    below: () => 0,
  };
  const clock = { nowMs: () => Date.now(), monotonicMs: () => Date.now() };
  const parts = (schema = `store_${++schemas}`): StoreParts => ({
    connection: cluster.connection,
    clock,
    random,
    crypto: HOST_CRYPTO,
    log: SILENT_LOG,
    files: host.files,
    schema,
  });
  const openWith = async (given: StoreParts) => {
    const store = await openPostgresStore(given);
    schemaOf.set(store, given.schema ?? '');
    return store;
  };
  return {
    cluster,
    parts,
    openWith,
    close,
    open: () => openWith(parts()),
    reopen: (store) => openWith(parts(schemaOf.get(store))),
  };
}
