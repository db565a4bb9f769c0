/**
 * Calls for hello: a collector that was started anew, or was cut off from its broker, knows no session of edges that go on
 * sending, and behind an external broker they would notice by silence only. It says so: to every active edge when its
 * subscription stands, and to one from which blocks come without a session. Weak point: who is not connected to the broker
 * at that moment does not hear it; it says hello by itself when it connects.
 */
import type { Env, MqttConnection } from '../../base/env.ts';
import { reasonOf } from '../../base/errors.ts';
import type { EdgeId } from '../../model/ids.ts';
import { encodeCollectorMessage } from '../../wire/codec.ts';
import { sealEnvelope } from '../../wire/envelope.ts';
import { NO_SESSION } from '../../wire/messages.ts';
import { LEAVES, topicOf } from '../../wire/topics.ts';
import type { EdgeRecord, JournalStore, QueryStore } from '../ports.ts';
import { INGEST_ERRORS } from './errors.ts';
import { HELLO_CALL_PAUSE_MS, HELLO_CALLS_AT_ONCE, HELLO_CALLS_REMEMBERED, HELLO_RECALL_MS } from './limits.ts';

/** What calls need. */
export interface HelloCallParts {
  readonly env: Pick<Env, 'clock' | 'timers' | 'crypto' | 'log'>;
  readonly store: Pick<JournalStore, 'term'> & Pick<QueryStore, 'edges'>;
  /** Publishes to the broker as {@link MqttConnection.publish} does; rejects when there is no connection. */
  readonly publish: MqttConnection['publish'];
}

/** Says to edges that there is no session. */
export class HelloCalls {
  readonly #parts: HelloCallParts;
  /** Monotonic ms of the last call to an edge, oldest first. */
  readonly #called = new Map<EdgeId, number>();

  constructor(parts: HelloCallParts) {
    this.#parts = parts;
  }

  /** Calls every active edge that ever said hello, a few at a time, while `goesOn`. Never rejects. */
  async all(goesOn: (edgeId: EdgeId) => boolean): Promise<void> {
    const { env, store } = this.#parts;
    try {
      let calls = 0;
      for (const edge of await store.edges()) {
        if (edge.state !== 'active' || edge.lastHelloMs === undefined || !goesOn(edge.edgeId)) continue;
        if (++calls % HELLO_CALLS_AT_ONCE === 0) await env.timers.sleep(HELLO_CALL_PAUSE_MS);
        await this.one(edge);
      }
    } catch (error) {
      env.log.warn('ingest.hello-calls-failed', { reason: reasonOf(error) });
    }
  }

  /** Calls one edge, unless it was called just now. Never rejects: a call that is lost is repeated with the next blocks. */
  async one({ edgeId, key }: Pick<EdgeRecord, 'edgeId' | 'key'>): Promise<void> {
    const { env, store, publish } = this.#parts;
    const nowMs = env.clock.monotonicMs();
    if (key === undefined || nowMs - (this.#called.get(edgeId) ?? Number.NEGATIVE_INFINITY) < HELLO_RECALL_MS) return;
    this.#remember(edgeId, nowMs);
    const { sentence } = INGEST_ERRORS.INGEST_NO_SESSION;
    const body = { kind: 'refusal', code: 'INGEST_NO_SESSION', sentence } as const;
    const serverTimeMs = env.clock.nowMs();
    const message = encodeCollectorMessage({ session: NO_SESSION, term: store.term, serverTimeMs, body });
    const envelope = sealEnvelope(message, 'down', { edgeId, key }, env.crypto);
    try {
      await publish(topicOf(edgeId, LEAVES.controlDown, env.crypto.sha256), envelope, 'at-most-once');
    } catch (error) {
      env.log.debug('ingest.not-told', { edgeId, what: 'no session', reason: reasonOf(error) });
    }
  }

  #remember(edgeId: EdgeId, nowMs: number): void {
    this.#called.delete(edgeId);
    this.#called.set(edgeId, nowMs);
    const [oldest] = this.#called.keys();
    if (this.#called.size > HELLO_CALLS_REMEMBERED && oldest !== undefined) this.#called.delete(oldest);
  }
}
