/**
 * An MQTT 3.1.1 broker in memory, as brokers really are: PUBACK means that the broker has the message, not that anybody
 * stored it. Faults: `restart` drops every connection and every message that was not delivered yet.
 */
import type { MqttConnection, MqttConnector, MqttDelivery, MqttListener, MqttOptions, Timers } from '../base/env.ts';

const PACKET_OVERHEAD_OCTETS = 7;
const ACK_OCTETS = 4;

/** Whether a topic matches an MQTT filter with `+` and `#`. */
export function topicMatches(filter: string, topic: string): boolean {
  const wanted = filter.split('/');
  const given = topic.split('/');
  for (let at = 0; at < wanted.length; at++) {
    if (wanted[at] === '#') return true;
    if (at >= given.length || (wanted[at] !== '+' && wanted[at] !== given[at])) return false;
  }
  return wanted.length === given.length;
}

interface Session {
  readonly clientId: string;
  readonly listener: MqttListener;
  filters: string[];
  open: boolean;
  sent: number;
  received: number;
  /** Deliveries to one client keep their order and wait for each other's acknowledgement. */
  tail: Promise<void>;
}

/** A broker that several programs of one virtual world share. */
export class MemoryBroker implements MqttConnector {
  readonly #sessions = new Map<string, Session>();
  #generation = 0;
  #up = true;
  /** One way, ms. */
  latencyMs = 5;
  /** Deliver each message this many times (a duplicated delivery is lawful under QoS 1). */
  copies = 1;
  /** Sees every message that reaches the broker, whoever takes it. */
  watch: (clientId: string, topic: string, payload: Uint8Array) => void = () => {};

  constructor(
    private readonly timers: Timers,
    private readonly note: (line: string) => void,
  ) {}

  /** Sum of MQTT octets that all clients sent and received. */
  trafficOctets(): number {
    let sum = this.#closedTraffic;
    for (const session of this.#sessions.values()) sum += session.sent + session.received;
    return sum;
  }
  #closedTraffic = 0;

  /** Drops all connections and all messages under way, like kill -9 and a restart. */
  restart(): void {
    this.#generation++;
    for (const session of [...this.#sessions.values()]) this.#drop(session, 'broker restarted');
  }

  /** While down, connecting fails and connections are dropped. */
  setUp(up: boolean): void {
    if (!up) this.restart();
    this.#up = up;
  }

  async connect(options: MqttOptions, listener: MqttListener): Promise<MqttConnection> {
    await this.timers.sleep(this.latencyMs * 2);
    if (!this.#up) throw new Error('connection refused by broker: it is down');
    const earlier = this.#sessions.get(options.clientId);
    if (earlier !== undefined) this.#drop(earlier, 'another client took this id');
    const session: Session = {
      clientId: options.clientId,
      listener,
      filters: [],
      open: true,
      sent: 14 + options.clientId.length,
      received: ACK_OCTETS,
      tail: Promise.resolve(),
    };
    this.#sessions.set(options.clientId, session);
    return {
      publish: (topic, payload, delivery) => this.#publish(session, topic, payload.slice(), delivery),
      subscribe: async (filters) => {
        await this.timers.sleep(this.latencyMs * 2);
        session.filters.push(...filters);
      },
      bufferedOctets: () => 0,
      trafficOctets: () => ({ sent: session.sent, received: session.received }),
      close: () => {
        this.#forget(session);
        return Promise.resolve();
      },
    };
  }

  async #publish(
    session: Session,
    topic: string,
    payload: Uint8Array,
    delivery: MqttDelivery = 'at-least-once',
  ): Promise<void> {
    if (!session.open) throw new Error('connection is closed');
    const generation = this.#generation;
    session.sent += payload.length + topic.length + PACKET_OVERHEAD_OCTETS;
    await this.timers.sleep(this.latencyMs);
    if (!session.open || generation !== this.#generation) throw new Error('connection lost before PUBACK');
    this.note(`mqtt ${session.clientId} ${topic} ${payload.length}`);
    this.watch(session.clientId, topic, payload);
    for (let copy = 0; copy < this.copies; copy++) this.#route(topic, payload, delivery, generation);
    if (delivery === 'at-most-once') return;
    await this.timers.sleep(this.latencyMs);
    if (!session.open) throw new Error('connection lost before PUBACK');
    session.received += ACK_OCTETS;
  }

  #route(topic: string, payload: Uint8Array, delivery: MqttDelivery, generation: number): void {
    for (const receiver of this.#sessions.values()) {
      if (!receiver.filters.some((filter) => topicMatches(filter, topic))) continue;
      receiver.tail = receiver.tail
        .then(() => this.timers.sleep(this.latencyMs))
        .then(async () => {
          if (!receiver.open || generation !== this.#generation) return;
          receiver.received += payload.length + topic.length + PACKET_OVERHEAD_OCTETS;
          await receiver.listener.message(topic, payload);
          if (delivery === 'at-least-once') receiver.sent += ACK_OCTETS;
        })
        .catch((error: unknown) => this.note(`mqtt ${receiver.clientId} failed: ${String(error)}`));
    }
  }

  #forget(session: Session): void {
    if (!session.open) return;
    session.open = false;
    this.#closedTraffic += session.sent + session.received;
    if (this.#sessions.get(session.clientId) === session) this.#sessions.delete(session.clientId);
  }

  #drop(session: Session, reason: string): void {
    this.#forget(session);
    session.listener.closed(reason);
  }
}
