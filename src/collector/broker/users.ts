/**
 * Users of the embedded broker in one file of mode 0600, replaced as a whole: the embedded broker refuses a second
 * collector, so there is one writer, and a site with more than a few thousand edges has a broker of its own.
 */

import { concat, fromHex, toHex } from '../../base/bytes.ts';
import type { Env } from '../../base/env.ts';
import { type EdgeId, parseEdgeId } from '../../model/ids.ts';
import type { BrokerUser, BrokerUsers } from '../ports.ts';
import { brokerError } from './errors.ts';
import { PASSWORD_MAX_BYTES } from './limits.ts';

const STATES: readonly BrokerUser['state'][] = ['active', 'pending', 'blocked'];

/** Reads the file, or begins without one. Throws BROKER_USERS_BROKEN. */
export async function openBrokerUsers(env: Pick<Env, 'disk'>, path: string): Promise<BrokerUsers> {
  const octets = await env.disk.readFile(path);
  const users = new Map<EdgeId, BrokerUser>(
    octets === undefined ? [] : parseUsers(octets, path).map((user) => [user.edgeId, user]),
  );
  let writing: Promise<void> = Promise.resolve();
  const write = (): Promise<void> => {
    const text = JSON.stringify(
      [...users.values()].map((user) => ({ ...user, salt: toHex(user.salt), hash: toHex(user.hash) })),
      null,
      1,
    );
    return env.disk.writeFile(path, new TextEncoder().encode(`${text}\n`), 0o600);
  };
  return {
    brokerUser: async (edgeId) => users.get(edgeId),
    brokerUsers: async () => [...users.values()],
    saveBrokerUser(user) {
      users.set(user.edgeId, user);
      // One write after another, each with the newest list; a failed one does not stop the next.
      writing = writing.then(write, write);
      return writing;
    },
  };
}

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

function parseUsers(octets: Uint8Array, path: string): BrokerUser[] {
  try {
    const rows = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(octets)) as Record<string, unknown>[];
    return rows.map((row) => {
      const edgeId = parseEdgeId(String(row['edgeId']));
      const state = STATES.find((known) => known === row['state']);
      if (edgeId === null || state === undefined) throw new RangeError(`a row for '${String(row['edgeId'])}'`);
      return { edgeId, state, salt: fromHex(String(row['salt'])), hash: fromHex(String(row['hash'])) };
    });
  } catch (cause) {
    throw brokerError('BROKER_USERS_BROKEN', path, cause);
  }
}
