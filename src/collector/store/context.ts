/** What the parts of the store share. */
import type { Clock } from '../../base/env.ts';
import type { Log } from '../../base/log.ts';
import type { StoreChange } from '../ports.ts';
import type { Database } from './database.ts';
import type { Identity } from './identity.ts';

/** The database and what is around it. */
export interface StoreContext {
  readonly database: Database;
  /** Sessions of their own for appends, so that the oldest open one can be told (`asOf`). */
  readonly appends: Database;
  readonly identity: Identity;
  readonly clock: Clock;
  readonly log: Log;
  /** Tells readers of a committed change. */
  readonly changed: (change: StoreChange) => void;
}

/**
 * The time of a transaction as UTC ms, by the database's clock: its start, the same for all its rows. It is known-at, so
 * `asOf` can be compared with the start of the oldest open transaction, across several collectors.
 */
export const TRANSACTION_MS = 'floor(extract(epoch FROM now()) * 1000)::bigint';
