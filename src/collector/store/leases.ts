/**
 * Leases of shards: which of several collectors stores for an edge. The token fences: it grows when a shard changes hands,
 * and every append checks the one it was given, so a collector that slept through its lease stores nothing more.
 */
import type { LeaseStore } from '../ports.ts';
import type { StoreContext } from './context.ts';

/** The leases' part of the store. */
export function leaseStore({ database }: StoreContext): LeaseStore {
  return {
    takeLease: async (shard, holder, forMs) => {
      const [row] = await database.rows<{ token: number }>(
        `INSERT INTO leases AS l (tenant_id, shard, holder, token, expires_at)
         VALUES ('default', $1, $2, 1, clock_timestamp() + $3 * interval '1 millisecond')
         ON CONFLICT (shard) DO UPDATE SET
           holder = excluded.holder,
           token = CASE WHEN l.holder = excluded.holder THEN l.token ELSE l.token + 1 END,
           expires_at = excluded.expires_at
         WHERE l.holder = excluded.holder OR l.expires_at <= clock_timestamp()
         RETURNING token`,
        [shard, holder, forMs],
      );
      return row === undefined ? undefined : { shard, token: row.token };
    },
  };
}
