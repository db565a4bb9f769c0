/** Tokens and one-time set-up codes in the database; only hashes of secrets are kept. */
import type { TenantId } from '../../model/ids.ts';
import type { AuthStore, TokenRecord } from '../ports.ts';
import type { StoreContext } from './context.ts';
import type { Sql } from './database.ts';

interface TokenRow {
  readonly tenant_id: TenantId;
  readonly token_id: string;
  readonly hash: Uint8Array;
  readonly name: string;
  readonly role: TokenRecord['role'];
  readonly created_at_ms: number;
  readonly expires_at_ms: number | null;
  readonly revoked: boolean;
}

/** The access control's part of the store. */
export function accessStore(context: StoreContext): AuthStore {
  const { database } = context;
  return {
    saveSetupCode: async (hash, expiresAtMs) => {
      await database.change(
        `INSERT INTO setup_codes (tenant_id, hash, expires_at_ms) VALUES ('default', $1, $2)
         ON CONFLICT (hash) DO UPDATE SET expires_at_ms = excluded.expires_at_ms`,
        [hash, expiresAtMs],
      );
    },
    useSetupCode: async (hash, nowMs) =>
      (await database.change('DELETE FROM setup_codes WHERE hash = $1 AND expires_at_ms > $2', [hash, nowMs])) > 0,
    hasUsers: async () => (await database.rows('SELECT 1 FROM tokens WHERE NOT revoked LIMIT 1')).length > 0,
    saveToken: async (token) => {
      await database.change(
        `INSERT INTO tokens (tenant_id, token_id, hash, name, role, created_at_ms, expires_at_ms, revoked)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (token_id) DO UPDATE SET name = excluded.name, role = excluded.role, revoked = excluded.revoked,
           expires_at_ms = excluded.expires_at_ms`,
        [
          token.tenantId,
          token.id,
          token.hash,
          token.name,
          token.role,
          token.createdAtMs,
          token.expiresAtMs ?? null,
          token.revoked,
        ],
      );
    },
    token: async (hash) => (await readTokens(database, 'WHERE hash = $1', [hash]))[0],
    revokeToken: async (id) => {
      await database.change('UPDATE tokens SET revoked = true WHERE token_id = $1', [id]);
    },
    tokens: () => readTokens(database, '', []),
  };
}

async function readTokens(sql: Sql, where: string, parameters: readonly unknown[]): Promise<TokenRecord[]> {
  const rows = await sql.rows<TokenRow>(`SELECT * FROM tokens ${where} ORDER BY created_at_ms, token_id`, parameters);
  return rows.map((row) => ({
    id: row.token_id,
    tenantId: row.tenant_id,
    hash: row.hash,
    name: row.name,
    role: row.role,
    createdAtMs: row.created_at_ms,
    ...(row.expires_at_ms === null ? {} : { expiresAtMs: row.expires_at_ms }),
    revoked: row.revoked,
  }));
}
