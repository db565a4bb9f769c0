/** Passwords of broker users: random and long, so one salted SHA-256 keeps them. */
import { concat } from '../../base/bytes.ts';
import type { Env } from '../../base/env.ts';
import type { EdgeId } from '../../model/ids.ts';
import type { BrokerUser } from '../ports.ts';
import { PASSWORD_MAX_BYTES } from './limits.ts';

/** The user for a password. */
export function userOf(
  env: Pick<Env, 'random' | 'crypto'>,
  edgeId: EdgeId,
  password: Uint8Array,
  state: BrokerUser['state'],
): BrokerUser {
  const salt = env.random.bytes(16);
  return { edgeId, salt, hash: env.crypto.sha256(concat([salt, password])), state };
}

/** Whether the password is the user's, in time that does not depend on how wrong it is. */
export function isPassword(env: Pick<Env, 'crypto'>, user: BrokerUser, password: Uint8Array): boolean {
  if (password.length > PASSWORD_MAX_BYTES) return false;
  return env.crypto.sameSecret(env.crypto.sha256(concat([user.salt, password])), user.hash);
}
