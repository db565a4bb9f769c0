/** Users of the embedded broker in the database, so that one backup holds everything. */
import type { EdgeId } from '../../model/ids.ts';
import type { BrokerUser, BrokerUsers } from '../ports.ts';
import type { StoreContext } from './context.ts';
import type { Sql } from './database.ts';

interface UserRow {
  readonly edge_id: EdgeId;
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
  readonly state: BrokerUser['state'];
}

/** The broker's part of the store. */
export function brokerUserStore(context: StoreContext): BrokerUsers {
  const { database } = context;
  return {
    brokerUser: async (edgeId) => (await readUsers(database, 'WHERE edge_id = $1', [edgeId]))[0],
    brokerUsers: () => readUsers(database, '', []),
    saveBrokerUser: async (user) => {
      await database.change(
        `INSERT INTO broker_users (tenant_id, edge_id, salt, hash, state) VALUES ('default', $1, $2, $3, $4)
         ON CONFLICT (edge_id) DO UPDATE SET salt = excluded.salt, hash = excluded.hash, state = excluded.state`,
        [user.edgeId, user.salt, user.hash, user.state],
      );
    },
  };
}

async function readUsers(sql: Sql, where: string, parameters: readonly unknown[]): Promise<BrokerUser[]> {
  const rows = await sql.rows<UserRow>(`SELECT * FROM broker_users ${where} ORDER BY edge_id`, parameters);
  return rows.map((row) => ({
    edgeId: row.edge_id,
    salt: Uint8Array.from(row.salt),
    hash: Uint8Array.from(row.hash),
    state: row.state,
  }));
}
