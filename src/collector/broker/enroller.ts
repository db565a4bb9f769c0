/**
 * Taking edges in: a new password for the broker and a new key for the authenticators, told once. Whatever an edge of the
 * inbox called itself with is forgotten: who adopts `e17` gives its file to the right box by hand.
 */

import { toHex } from '../../base/bytes.ts';
import type { Env } from '../../base/env.ts';
import type { BrokerUsers, CommandStore, EdgeRecord, Enroller, Enrolment, JournalStore } from '../ports.ts';
import { brokerError } from './errors.ts';
import { PASSWORD_BYTES } from './limits.ts';
import { userOf } from './users.ts';

/** What enrolment needs. */
export interface EnrollerParts {
  readonly env: Pick<Env, 'clock' | 'random' | 'crypto' | 'log'>;
  readonly store: Pick<JournalStore, 'edge' | 'saveEdge'> & Pick<CommandStore, 'audit'>;
  readonly users: BrokerUsers;
  /** Ends the sessions of an edge. */
  readonly disconnect: (edgeId: EdgeRecord['edgeId']) => void;
  /** Address of the broker as edges see it. */
  readonly url: string;
  readonly commandPublicKey: Uint8Array;
  readonly limitsPublicKey: Uint8Array;
}

/** The enroller of a broker. */
export function createEnroller(parts: EnrollerParts): Enroller {
  const { env, store, users } = parts;
  return {
    async adopt(edgeId, tenantId, actor): Promise<Enrolment> {
      const known = await store.edge(edgeId);
      if (known?.state === 'active') throw brokerError('EDGE_ACTIVE', edgeId);
      const password = Buffer.from(env.random.bytes(PASSWORD_BYTES)).toString('base64url');
      const key = env.random.bytes(32);
      const { note: _note, ...rest } = known ?? { edgeId };
      await users.saveBrokerUser(userOf(env, edgeId, new TextEncoder().encode(password), 'active'));
      await store.saveEdge({ ...rest, edgeId, tenantId, state: 'active', key });
      await store.audit({
        atMs: env.clock.nowMs(),
        actor,
        action: 'edge.adopt',
        subject: edgeId,
        detail: known?.state ?? 'new',
      });
      parts.disconnect(edgeId);
      env.log.info('broker.edge-adopted', { edgeId, actor });
      return {
        edgeId,
        url: parts.url,
        password,
        key: toHex(key),
        commandPublicKey: toHex(parts.commandPublicKey),
        limitsPublicKey: toHex(parts.limitsPublicKey),
      };
    },

    async deactivate(edgeId, actor) {
      const known = await store.edge(edgeId);
      const user = await users.brokerUser(edgeId);
      if (known === undefined && user === undefined) return false;
      if (user !== undefined) await users.saveBrokerUser({ ...user, state: 'blocked' });
      if (known !== undefined) {
        const { key: _key, ...rest } = known;
        await store.saveEdge({ ...rest, state: 'deactivated' });
      }
      await store.audit({ atMs: env.clock.nowMs(), actor, action: 'edge.deactivate', subject: edgeId, detail: '' });
      parts.disconnect(edgeId);
      env.log.info('broker.edge-deactivated', { edgeId, actor });
      return true;
    },
  };
}
