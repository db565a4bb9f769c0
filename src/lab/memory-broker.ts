/**
 * An MQTT 3.1.1 broker in memory, as brokers really are: PUBACK means that the broker has the message, not that anybody
 * stored it. A client's line may have a pace each way: what is handed in waits, and is lost with the connection. Faults:
 * `restart` drops every connection and every message that was not delivered yet.
 */
import type { MqttConnection, MqttConnector, MqttDelivery, MqttListener, MqttOptions, Timers } from '../base/env.ts';
import { type LineShape, PacedWay } from './paced-way.ts';

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
  /** Deliveries to one client keep their order; one that is to be acknowledged holds up those behind it until it is. */
  tail: Promise<void>;
  /** The client's own line; null = the broker's latency and no pace. */
  readonly line: { readonly up: PacedWay; readonly down: PacedWay } | null;
}

/** A broker that several programs of one virtual world share. */
export class MemoryBroker implements MqttConnector {
  readonly #sessions = new Map<string, Session>();
  /** Who takes what, by filter: filters without wildcards are found by their topic. */
  readonly #exact = new Map<string, Set<Session>>();
  readonly #wild = new Set<Session>();
  #generation = 0;
  #up = true;
  /** One way, ms. */
  latencyMs = 5;
  /** Deliver each message this many times (a duplicated delivery is lawful under QoS 1). */
  copies = 1;
  /** The line of a client that connects, null = {@link latencyMs} and no pace. */
  lineOf: (clientId: string) => LineShape | null = () => null;
  /** Sees every message that reaches the broker, whoever takes it. */
  watch: (clientId: string, topic: string, payload: Uint8Array) => void = () => {};

  constructor(
    private readonly timers: Timers & { readonly nowMs: number },
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
    const shape = this.lineOf(options.clientId);
    await this.timers.sleep((shape?.latencyMs ?? this.latencyMs) * 2);
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
      line: shape === null ? null : { up: new PacedWay(this.timers, shape), down: new PacedWay(this.timers, shape) },
    };
    this.#sessions.set(options.clientId, session);
    return {
      publish: (topic, payload, delivery) => this.#publish(session, topic, payload.slice(), delivery),
      subscribe: async (filters) => {
        await this.timers.sleep((shape?.latencyMs ?? this.latencyMs) * 2);
        if (session.open) this.#take(session, filters);
      },
      bufferedOctets: () => session.line?.up.waitingOctets() ?? 0,
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
    const octets = payload.length + topic.length + PACKET_OVERHEAD_OCTETS;
    session.sent += octets;
    await this.timers.sleep(session.line?.up.take(octets) ?? this.latencyMs);
    if (!session.open || generation !== this.#generation) throw new Error('connection lost before PUBACK');
    this.note(`mqtt ${session.clientId} ${topic} ${payload.length}`);
    this.watch(session.clientId, topic, payload);
    for (let copy = 0; copy < this.copies; copy++) this.#route(topic, payload, delivery, generation);
    if (delivery === 'at-most-once') return;
    await this.timers.sleep(session.line?.down.take(ACK_OCTETS) ?? this.latencyMs);
    if (!session.open) throw new Error('connection lost before PUBACK');
    session.received += ACK_OCTETS;
  }

  #take(session: Session, filters: readonly string[]): void {
    session.filters.push(...filters);
    for (const filter of filters) {
      if (/[+#]/.test(filter)) this.#wild.add(session);
      else this.#exact.set(filter, (this.#exact.get(filter) ?? new Set()).add(session));
    }
  }

  /** Everybody who takes the topic, once. */
  #receivers(topic: string): Set<Session> {
    const receivers = new Set(this.#exact.get(topic));
    for (const session of this.#wild)
      if (session.filters.some((filter) => topicMatches(filter, topic))) receivers.add(session);
    return receivers;
  }

  #route(topic: string, payload: Uint8Array, delivery: MqttDelivery, generation: number): void {
    const octets = payload.length + topic.length + PACKET_OVERHEAD_OCTETS;
    for (const receiver of this.#receivers(topic)) {
      const arrives = this.timers.sleep(receiver.line?.down.take(octets) ?? this.latencyMs);
      receiver.tail = receiver.tail
        .then(() => arrives)
        .then(async () => {
          if (!receiver.open || generation !== this.#generation) return;
          receiver.received += octets;
          const taken = receiver.listener.message(topic, payload);
          if (delivery === 'at-most-once') return;
          await taken;
          receiver.sent += ACK_OCTETS;
        })
        .catch((error: unknown) => this.note(`mqtt ${receiver.clientId} failed: ${String(error)}`));
    }
  }

  #forget(session: Session): void {
    if (!session.open) return;
    session.open = false;
    this.#closedTraffic += session.sent + session.received;
    this.#wild.delete(session);
    for (const filter of session.filters) {
      const takers = this.#exact.get(filter);
      takers?.delete(session);
      if (takers?.size === 0) this.#exact.delete(filter);
    }
    if (this.#sessions.get(session.clientId) === session) this.#sessions.delete(session.clientId);
  }

  #drop(session: Session, reason: string): void {
    this.#forget(session);
    session.listener.closed(reason);
  }
}
