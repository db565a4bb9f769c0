/**
 * Calls for hello: a collector that was started anew, or was cut off from its broker, knows no session of edges that go on
 * sending, and behind an external broker they would notice by silence only. It says so: to every active edge when its
 * subscription stands, and to one from which blocks come without a session. Weak point: who is not connected to the broker
 * at that moment does not hear it; it says hello by itself when it connects.
 */
import type { Timers } from '../../base/env.ts';
import { reasonOf } from '../../base/errors.ts';
import type { EdgeId } from '../../model/ids.ts';
import { NO_SESSION } from '../../wire/messages.ts';
import type { EdgeRecord, JournalStore, QueryStore } from '../ports.ts';
import { INGEST_ERRORS } from './errors.ts';
import { HELLO_CALL_PAUSE_MS, HELLO_CALLS_AT_ONCE, HELLO_CALLS_REMEMBERED, HELLO_RECALL_MS } from './limits.ts';
import { type SayParts, say } from './say.ts';

/** What calls need. */
export interface HelloCallParts extends SayParts {
  readonly store: Pick<JournalStore, 'term'> & Pick<QueryStore, 'edges'>;
  readonly timers: Timers;
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
    const { timers, log, store } = this.#parts;
    try {
      let calls = 0;
      for (const edge of await store.edges()) {
        if (edge.state !== 'active' || edge.lastHelloMs === undefined || !goesOn(edge.edgeId)) continue;
        if (++calls % HELLO_CALLS_AT_ONCE === 0) await timers.sleep(HELLO_CALL_PAUSE_MS);
        await this.one(edge);
      }
    } catch (error) {
      log.warn('ingest.hello-calls-failed', { reason: reasonOf(error) });
    }
  }

  /** Calls one edge, unless it was called just now. Never rejects: a call that is lost is repeated with the next blocks. */
  async one({ edgeId, key }: Pick<EdgeRecord, 'edgeId' | 'key'>): Promise<void> {
    const nowMs = this.#parts.clock.monotonicMs();
    if (key === undefined || nowMs - (this.#called.get(edgeId) ?? Number.NEGATIVE_INFINITY) < HELLO_RECALL_MS) return;
    this.#remember(edgeId, nowMs);
    const { sentence } = INGEST_ERRORS.INGEST_NO_SESSION;
    const body = { kind: 'refusal', code: 'INGEST_NO_SESSION', sentence } as const;
    await say(this.#parts, { edgeId, key, session: NO_SESSION }, body, 'at-most-once');
  }

  #remember(edgeId: EdgeId, nowMs: number): void {
    this.#called.delete(edgeId);
    this.#called.set(edgeId, nowMs);
    const [oldest] = this.#called.keys();
    if (this.#called.size > HELLO_CALLS_REMEMBERED && oldest !== undefined) this.#called.delete(oldest);
  }
}
