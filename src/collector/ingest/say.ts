/** Says something to an edge: encoded, sealed with its key, and published on its own topic. */
import type { Clock, Crypto, MqttConnection, MqttDelivery } from '../../base/env.ts';
import { reasonOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { EdgeId } from '../../model/ids.ts';
import { encodeCollectorMessage } from '../../wire/codec.ts';
import { sealEnvelope } from '../../wire/envelope.ts';
import type { CollectorBody } from '../../wire/messages.ts';
import { LEAVES, topicOf } from '../../wire/topics.ts';
import type { JournalStore } from '../ports.ts';

/** What it takes to speak. */
export interface SayParts {
  readonly store: Pick<JournalStore, 'term'>;
  readonly clock: Clock;
  readonly crypto: Crypto;
  readonly log: Log;
  /** Publishes to the broker as {@link MqttConnection.publish} does; rejects when there is no connection. */
  readonly publish: MqttConnection['publish'];
}

/** Who is spoken to. */
export interface Addressee {
  readonly edgeId: EdgeId;
  /** Of the authenticators, 32 octets. */
  readonly key: Uint8Array;
  /** Session in which it counts, 16 octets. */
  readonly session: Uint8Array;
}

/** False when nobody can hear it. A lost message is repeated by what the edge does next. */
export async function say(
  { store, clock, crypto, log, publish }: SayParts,
  { edgeId, key, session }: Addressee,
  body: CollectorBody,
  delivery: MqttDelivery,
): Promise<boolean> {
  const message = encodeCollectorMessage({ session, term: store.term, serverTimeMs: clock.nowMs(), body });
  const envelope = sealEnvelope(message, 'down', { edgeId, key }, crypto);
  try {
    await publish(topicOf(edgeId, LEAVES.controlDown, crypto.sha256), envelope, delivery);
    return true;
  } catch (error) {
    log.debug('ingest.not-told', { edgeId, what: body.kind, reason: reasonOf(error) });
    return false;
  }
}
