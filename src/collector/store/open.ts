/** The store with its server: finds or supervises PostgreSQL, then opens the database in it. */
import type { Env } from '../../base/env.ts';
import type { ProcessHost } from '../../base/process.ts';
import type { CollectorStore } from '../ports.ts';
import type { BinariesChoice } from './cluster/binaries.ts';
import { type Cluster, openCluster } from './cluster/cluster.ts';
import { probeServer } from './database.ts';
import { dropPostgresStore, openPostgresStore } from './postgres-store.ts';

/** Settings of the database. */
export interface StoreSettings {
  /** A server of the operator's; absent = a private one. */
  readonly url?: string;
  /** Absolute path; a private server keeps its data here. */
  readonly stateFolder: string;
  readonly programs: BinariesChoice;
  /** Begins with an empty store, whatever an earlier run left: for demos. */
  readonly fresh?: boolean;
  /** The data folder is a copy of an older one. */
  readonly isRestored?: boolean;
}

/** An open store and the server behind it. */
export interface OpenStore {
  readonly store: CollectorStore;
  readonly cluster: Cluster;
  /** Closes the store, then stops a private server. */
  close(): Promise<void>;
}

/** Opens both; a failure stops a private server again. Throws STORE_* errors. */
export async function openStore(env: Env, host: ProcessHost, settings: StoreSettings): Promise<OpenStore> {
  const { url, stateFolder, programs } = settings;
  const cluster = await openCluster(
    { stateFolder, binaries: programs, ...(url === undefined ? {} : { url }) },
    { host, timers: env.timers, log: env.log, probe: probeServer },
  );
  try {
    if (settings.fresh === true) await dropPostgresStore({ connection: cluster.connection, log: env.log });
    const store = await openPostgresStore({
      connection: cluster.connection,
      clock: env.clock,
      random: env.random,
      crypto: env.crypto,
      log: env.log,
      files: host.files,
      isRestored: settings.isRestored ?? false,
    });
    return {
      store,
      cluster,
      close: async () => {
        await store.close();
        await cluster.stop();
      },
    };
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}
