/**
 * The embedded MQTT 3.1.1 broker, for small sites and the demo.
 *
 * Plan: aedes speaks MQTT; before it stands a gate that counts octets, times and addresses, for aedes has no limit of
 * packet size; after it stands an access list by user name, which must equal the client id. Sessions are always clean: the
 * journal of the edge is the queue, the broker keeps nothing that a restart could lose. A message is acknowledged to its
 * sender when aedes has handed it to the collector's connection, which is not storage and is never taken for it.
 * Unknown edges wait in the inbox: they may connect and publish on their own topics; ingest acknowledges nothing of them.
 * Plain MQTT is for loopback: the collector itself, a desk. From a network an edge comes over TLS 1.3 with a certificate
 * whose common name is its id, and then gives its password as well.
 * Weak point: one process; fleets use a broker of their own with the same access list.
 */
import { Aedes, type AedesOptions, type Client } from 'aedes';
import { toHex } from '../../base/bytes.ts';
import type { ByteDuplex, Env, Listener, Timer } from '../../base/env.ts';
import { reasonOf } from '../../base/errors.ts';
import { DEFAULT_TENANT, type EdgeId, parseEdgeId } from '../../model/ids.ts';
import { INBOX_MAX } from '../limits.ts';
import type { BrokerUsers, JournalStore } from '../ports.ts';
import { COLLECTOR_USER, mayUse } from './access.ts';
import { AddressRate, addressOf } from './address-rate.ts';
import { ByteStream } from './byte-stream.ts';
import { brokerError } from './errors.ts';
import {
  ADDRESS_CONNECTIONS,
  CLIENT_CONCURRENCY,
  CONNECT_TIMEOUT_MS,
  CONNECTIONS,
  PASSWORD_MAX_BYTES,
  QOS2_INFLIGHT,
} from './limits.ts';
import { isPassword, userOf } from './users.ts';

/** What the broker needs. */
export interface BrokerParts {
  readonly env: Pick<Env, 'clock' | 'timers' | 'random' | 'crypto' | 'net' | 'log'>;
  readonly users: BrokerUsers;
  readonly store: Pick<JournalStore, 'edge' | 'saveEdge' | 'noteUnknown'>;
}

/** Settings of the broker. */
export interface BrokerSettings {
  /** Loopback. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** A listener for the network; the plain one stays on loopback. */
  readonly tls?: BrokerTls;
  /** Connections of one address in a minute; a desk that plays a whole fleet raises it. */
  readonly addressConnections?: number;
}

/** The listener for concentrators on a network. PEM texts. */
export interface BrokerTls {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly cert: string;
  readonly key: string;
  /** Who may sign the certificates of concentrators. */
  readonly clientCa: string;
}

/** The running broker. */
export interface Broker {
  /** `mqtt://127.0.0.1:1883`. */
  readonly url: string;
  readonly port: number;
  /** Port of the TLS listener; null without one. */
  readonly tlsPort: number | null;
  /** The collector's own way in; the password is new at each start. */
  readonly collector: { readonly clientId: string; readonly username: string; readonly password: string };
  /** Ends the session of an edge. */
  disconnect(edgeId: EdgeId): void;
  /** Sessions open now. */
  sessions(): number;
  /** Connections cut by the gate since the start, by reason. */
  cuts(): Readonly<Record<string, number>>;
  close(): Promise<void>;
}

const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost']);

/** Starts the broker. Throws BROKER_NEEDS_TLS when it would listen on a network. */
export async function startBroker(parts: BrokerParts, settings: BrokerSettings): Promise<Broker> {
  if (!LOOPBACK.has(settings.host)) throw brokerError('BROKER_NEEDS_TLS', settings.host);
  const broker = new EmbeddedBroker(parts, settings);
  await broker.start();
  return broker;
}

class EmbeddedBroker implements Broker {
  readonly collector: Broker['collector'];
  url = '';
  port = 0;
  tlsPort: number | null = null;
  readonly #parts: BrokerParts;
  readonly #settings: BrokerSettings;
  readonly #rate: AddressRate;
  readonly #streams = new Set<ByteStream>();
  readonly #cuts: Record<string, number> = {};
  #aedes: Aedes | null = null;
  readonly #listeners: Listener[] = [];

  constructor(parts: BrokerParts, settings: BrokerSettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#rate = new AddressRate(settings.addressConnections ?? ADDRESS_CONNECTIONS);
    const password = toHex(parts.env.random.bytes(32));
    this.collector = { clientId: COLLECTOR_USER, username: COLLECTOR_USER, password };
  }

  async start(): Promise<void> {
    const { env } = this.#parts;
    const aedes = await Aedes.createBroker(this.#options());
    this.#aedes = aedes;
    aedes.on('clientError', (client, error) => this.#note(client, error));
    aedes.on('connectionError', (client, error) => this.#note(client, error));
    const { host, port, tls } = this.#settings;
    const listener = await env.net.listenTcp(host, port, (duplex) => this.#accept(duplex, null));
    this.#listeners.push(listener);
    this.port = listener.port;
    this.url = `mqtt://${host.includes(':') ? `[${host}]` : host}:${listener.port}`;
    env.log.info('broker.listening', { url: this.url });
    if (tls !== undefined) await this.#listenTls(tls);
  }

  async #listenTls(tls: BrokerTls): Promise<void> {
    const { env } = this.#parts;
    const { host, port, cert, key, clientCa } = tls;
    const refused = (peer: string, reason: string): void => this.#cut(peer, 'TLS handshake', reason);
    const options = { cert, key, clientCa, refused };
    const listener = await env.net.listenTls(host, port, options, (duplex, name) => this.#accept(duplex, name));
    this.#listeners.push(listener);
    this.tlsPort = listener.port;
    env.log.info('broker.listening', { host, port: listener.port, tls: true });
  }

  disconnect(edgeId: EdgeId): void {
    for (const stream of this.#streams) if (stream.user === edgeId) stream.destroy();
  }

  sessions(): number {
    return this.#aedes?.connectedClients ?? 0;
  }

  cuts(): Readonly<Record<string, number>> {
    return { ...this.#cuts };
  }

  async close(): Promise<void> {
    const aedes = this.#aedes;
    if (aedes !== null) await new Promise<void>((done) => aedes.close(() => done()));
    for (const stream of this.#streams) stream.destroy();
    for (const listener of this.#listeners) await listener.close();
  }

  #cut(peer: string, reason: string, detail = ''): void {
    this.#cuts[reason] = (this.#cuts[reason] ?? 0) + 1;
    this.#parts.env.log.warn('broker.connection-cut', { peer, reason, ...(detail === '' ? {} : { detail }) });
  }

  /** A connection; `commonName` is that of its certificate, null on the plain listener. */
  #accept(duplex: ByteDuplex, commonName: string | null): void {
    const { env } = this.#parts;
    const cut = (reason: string): void => this.#cut(duplex.peer, reason);
    const refusal = this.#refusal(duplex);
    if (refusal !== null) {
      cut(refusal);
      duplex.close();
      return;
    }
    const stream = new ByteStream(duplex, commonName, cut);
    this.#streams.add(stream);
    const timer: Timer = env.timers.after(CONNECT_TIMEOUT_MS, () => {
      cut('no CONNECT in time');
      stream.destroy();
    });
    const client = this.#aedes?.handle(stream);
    client?.once('connected', () => {
      timer.cancel();
      stream.gate.open();
    });
    stream.once('close', () => {
      timer.cancel();
      this.#streams.delete(stream);
    });
    // aedes hears it too; without a listener of ours, a second error of the stream would end the process.
    stream.on('error', () => {});
  }

  #refusal(duplex: ByteDuplex): string | null {
    if (this.#streams.size >= CONNECTIONS) return 'too many connections';
    const isWithin = this.#rate.take(addressOf(duplex.peer), this.#parts.env.clock.monotonicMs());
    return isWithin ? null : 'address connects too often';
  }

  #options(): AedesOptions {
    const { env } = this.#parts;
    return {
      concurrency: CLIENT_CONCURRENCY,
      maxInflightInbound: QOS2_INFLIGHT,
      connectTimeout: CONNECT_TIMEOUT_MS * 2,
      maxTopicLevels: 8,
      preConnect: (_client, packet, done) => {
        packet.clean = true;
        done(packet.will === undefined ? null : new Error('wills are not taken'), packet.will === undefined);
      },
      authenticate: (client, username, password, done) => {
        this.#admit(client, username ?? '', password ?? new Uint8Array()).then(
          (admitted) => {
            if (admitted && username !== undefined && client.conn instanceof ByteStream) client.conn.user = username;
            done(null, admitted);
          },
          (error: unknown) => {
            env.log.error('broker.authentication-failed', { user: username, reason: reasonOf(error) });
            done(Object.assign(new Error('users cannot be read'), { returnCode: 3 }), false);
          },
        );
      },
      authorizePublish: (client, packet, done) => {
        packet.retain = false;
        done(this.#may(client, 'publish', packet.topic) ? null : new Error(`may not publish on ${packet.topic}`));
      },
      authorizeSubscribe: (client, subscription, done) => {
        done(null, this.#may(client, 'subscribe', subscription.topic) ? subscription : null);
      },
    };
  }

  #may(client: Client | null, action: 'publish' | 'subscribe', topic: string): boolean {
    const user = client?.conn instanceof ByteStream ? client.conn.user : null;
    return user !== null && mayUse(user, action, topic, this.#parts.env.crypto.sha256);
  }

  /** Whether this user comes in; an unknown edge comes into the inbox while it has room. */
  async #admit(client: Client, username: string, password: Uint8Array): Promise<boolean> {
    const { env, users } = this.#parts;
    // Another client id would let one edge end the session of another.
    if (client.id !== username || password.length === 0 || password.length > PASSWORD_MAX_BYTES) return false;
    if (client.conn instanceof ByteStream && !client.conn.mayBe(username)) {
      this.#cut(client.conn.peer, 'certificate of another', username);
      return false;
    }
    if (username === COLLECTOR_USER) {
      return env.crypto.sameSecret(
        env.crypto.sha256(password),
        env.crypto.sha256(new TextEncoder().encode(this.collector.password)),
      );
    }
    const edgeId = parseEdgeId(username);
    if (edgeId === null) return false;
    const user = await users.brokerUser(edgeId);
    if (user !== undefined) return user.state !== 'blocked' && isPassword(env, user, password);
    return this.#receive(client, edgeId, password);
  }

  /** Writes an unknown edge into the inbox. */
  async #receive(client: Client, edgeId: EdgeId, password: Uint8Array): Promise<boolean> {
    const { env, users, store } = this.#parts;
    const waiting = (await users.brokerUsers()).filter((user) => user.state === 'pending');
    if (waiting.length >= INBOX_MAX || (await store.edge(edgeId)) !== undefined) return false;
    await users.saveBrokerUser(userOf(env, edgeId, password, 'pending'));
    const peer = client.conn instanceof ByteStream ? addressOf(client.conn.peer) : 'an unknown address';
    await store.noteUnknown(edgeId, env.clock.nowMs());
    await store.saveEdge({ edgeId, tenantId: DEFAULT_TENANT, state: 'inbox', note: `First called from ${peer}.` });
    env.log.info('broker.edge-in-inbox', { edgeId, peer });
    return true;
  }

  #note(client: Client, error: Error): void {
    this.#parts.env.log.debug('broker.client-error', { clientId: client?.id ?? null, reason: error.message });
  }
}
