/**
 * Tokens and the first administrator.
 *
 * Plan: a fresh collector prints a one-time set-up code; whoever types it within the hour gets the first administrator's
 * token. There are no passwords and no defaults. Tokens and codes are random and long, so SHA-256 without salt keeps
 * them: the database holds nothing that opens a door. Given up: log-in by name and password (an identity provider does
 * that better). Weak point: a bearer token is as good as its holder's computer; tokens can expire and be revoked.
 */

import { toHex } from '../../base/bytes.ts';
import type { Env } from '../../base/env.ts';
import { DEFAULT_TENANT } from '../../model/ids.ts';
import type { Authenticator, AuthStore, CommandStore, IssuedToken, Principal, TokenRecord } from '../ports.ts';
import { authError } from './errors.ts';
import {
  SETUP_ATTEMPTS,
  SETUP_CODE_LETTERS,
  SETUP_CODE_LIFE_MS,
  SETUP_WINDOW_MS,
  TOKEN_BYTES,
  TOKEN_MAX_CHARS,
} from './limits.ts';

/** What auth needs from outside. */
export interface AuthParts {
  readonly env: Pick<Env, 'clock' | 'random' | 'crypto' | 'log'>;
  readonly store: AuthStore & Pick<CommandStore, 'audit'>;
}

/** The authenticator with its start. */
export interface Auth extends Authenticator {
  /** On a collector without users: a new one-time code, to be printed for the person who started it. */
  newSetupCode(): Promise<{ readonly code: string; readonly expiresAtMs: number } | null>;
}

/** Letters of set-up codes: no I, L, O, U, so that nobody reads one for another (Crockford's base 32). */
const CODE_ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const TOKEN_PREFIX = 'dw_';

/** Tokens and set-up over a store. */
export function createAuth(parts: AuthParts): Auth {
  const { env, store } = parts;
  const hashOf = (text: string): Uint8Array => env.crypto.sha256(new TextEncoder().encode(text));
  const wrongCodesAtMs: number[] = [];

  async function issue(request: Parameters<Authenticator['issue']>[0], actor: string): Promise<IssuedToken> {
    const text = TOKEN_PREFIX + Buffer.from(env.random.bytes(TOKEN_BYTES)).toString('base64url');
    const atMs = env.clock.nowMs();
    const record: TokenRecord = {
      id: toHex(env.random.bytes(8)),
      tenantId: request.tenantId,
      hash: hashOf(text),
      name: request.name,
      role: request.role,
      createdAtMs: atMs,
      ...(request.expiresAtMs === undefined ? {} : { expiresAtMs: request.expiresAtMs }),
      revoked: false,
    };
    await store.saveToken(record);
    await store.audit({
      atMs,
      actor,
      action: 'token.issue',
      subject: record.id,
      detail: `${record.role} ${record.name}`,
    });
    return { text, record };
  }

  function refuseGuessing(): void {
    const oldestMs = env.clock.monotonicMs() - SETUP_WINDOW_MS;
    while ((wrongCodesAtMs[0] ?? Number.POSITIVE_INFINITY) < oldestMs) wrongCodesAtMs.shift();
    if (wrongCodesAtMs.length >= SETUP_ATTEMPTS) throw authError('TOO_MANY_ATTEMPTS');
  }

  return {
    issue,
    tokens: () => store.tokens(),
    setupOpen: async () => !(await store.hasUsers()),

    async newSetupCode() {
      if (await store.hasUsers()) return null;
      const letters = Array.from({ length: SETUP_CODE_LETTERS }, () => CODE_ALPHABET.charAt(env.random.below(32)));
      const code = letters.join('').replace(/(.{5})(?!$)/g, '$1-');
      const expiresAtMs = env.clock.nowMs() + SETUP_CODE_LIFE_MS;
      await store.saveSetupCode(hashOf(plainCode(code)), expiresAtMs);
      return { code, expiresAtMs };
    },

    async setUp(code, name) {
      refuseGuessing();
      if (await store.hasUsers()) throw authError('SETUP_CLOSED');
      if (!(await store.useSetupCode(hashOf(plainCode(code)), env.clock.nowMs()))) {
        wrongCodesAtMs.push(env.clock.monotonicMs());
        env.log.warn('auth.setup-code-refused');
        throw authError('SETUP_CODE_WRONG');
      }
      return issue({ name, role: 'admin', tenantId: DEFAULT_TENANT }, 'set-up code');
    },

    async authenticate(token): Promise<Principal | null> {
      if (!token.startsWith(TOKEN_PREFIX) || token.length > TOKEN_MAX_CHARS) return null;
      const record = await store.token(hashOf(token));
      if (record === undefined || record.revoked) return null;
      if (record.expiresAtMs !== undefined && record.expiresAtMs <= env.clock.nowMs()) return null;
      return { tokenId: record.id, tenantId: record.tenantId, name: record.name, role: record.role };
    },

    async revoke(id, actor) {
      const known = (await store.tokens()).some((token) => token.id === id);
      if (!known) return false;
      await store.revokeToken(id);
      await store.audit({ atMs: env.clock.nowMs(), actor, action: 'token.revoke', subject: id, detail: '' });
      return true;
    },
  };
}

/** The code as hashed: people type small letters, leave hyphens out and mistake O for 0 and I or L for 1. */
function plainCode(code: string): string {
  return code.toUpperCase().replace(/[\s-]/g, '').replace(/O/g, '0').replace(/[IL]/g, '1');
}
