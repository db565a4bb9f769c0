/**
 * Who this database is: a random id, and a counter of restores. Together they are the term of every acknowledgement.
 *
 * A database that was restored from a backup has forgotten acknowledged blocks. The edges must notice, so a restore has to
 * change the term: a dump comes back in a cluster with another system identifier, a point-in-time restore or a failover on
 * another timeline. Only a plain copy of a stopped data folder shows neither: of that the operator has to tell (`--restored`).
 */

import { ByteWriter } from '../../base/bytes.ts';
import type { Random } from '../../base/env.ts';
import type { Log } from '../../base/log.ts';
import type { Database, Sql } from './database.ts';

/** How wide a partition of the day blocks is; set when the database is made. */
export type PartitionWidth = 'day' | 'week' | 'month' | 'year';

/** The identity as kept. */
export interface Identity {
  /** Store id (8 octets) and restore counter (4). */
  readonly term: Uint8Array;
  readonly partitionWidth: PartitionWidth;
}

interface IdentityRow {
  readonly store_id: Uint8Array;
  readonly restore_counter: number;
  readonly system_identifier: string;
  readonly timeline: number;
  readonly partition_width: PartitionWidth;
}

const STORE_ID_OCTETS = 8;

/** Reads the identity, makes it in a new database, and counts a restore that it notices, or that it is told of. */
export async function openIdentity(
  database: Database,
  random: Random,
  partitionWidth: PartitionWidth,
  log: Log,
  isRestored: boolean,
): Promise<Identity> {
  return database.transaction(async (sql) => {
    const place = await placeOf(sql);
    await sql.change(
      `INSERT INTO store_identity (store_id, system_identifier, timeline, partition_width) VALUES ($1, $2, $3, $4)
       ON CONFLICT DO NOTHING`,
      [random.bytes(STORE_ID_OCTETS), place.system, place.timeline, partitionWidth],
    );
    const kept = await readRow(sql);
    const isSamePlace = kept.system_identifier === place.system && kept.timeline === place.timeline;
    if (isSamePlace && !isRestored) return identityOf(kept);
    log.warn('store.restore-noticed', { counter: kept.restore_counter + 1, timeline: place.timeline });
    await sql.change(
      'UPDATE store_identity SET restore_counter = restore_counter + 1, system_identifier = $1, timeline = $2',
      [place.system, place.timeline],
    );
    return identityOf(await readRow(sql));
  });
}

async function placeOf(sql: Sql): Promise<{ readonly system: string; readonly timeline: number }> {
  const rows = await sql.rows<{ system: string; timeline: number }>(
    'SELECT s.system_identifier::text AS system, c.timeline_id AS timeline FROM pg_control_system() s, pg_control_checkpoint() c',
  );
  return rows[0] ?? { system: '', timeline: 0 };
}

async function readRow(sql: Sql): Promise<IdentityRow> {
  const rows = await sql.rows<IdentityRow>('SELECT * FROM store_identity FOR UPDATE');
  const row = rows[0];
  if (row === undefined) throw new Error('store_identity is empty');
  return row;
}

function identityOf(row: IdentityRow): Identity {
  const term = new ByteWriter(12).bytes(row.store_id).u32(row.restore_counter).finish();
  return { term, partitionWidth: row.partition_width };
}
