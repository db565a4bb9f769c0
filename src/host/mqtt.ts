/**
 * The MQTT client; the one file that opens `mqtt`.
 *
 * The library's own queue, store and reconnecting are off: a message is either on this connection or it is the owner's.
 * PUBACK goes back when the listener's promise resolves, in the order in which the messages came [MQTT-4.6.0-2]. The
 * library handles one packet after the other and would wait with all that follows, our own PUBACKs included; so its
 * handler is released at once with {@link HELD}, which makes it send no PUBACK, and we send ours. Messages in hand are
 * bounded: when full, the handler is not released and TCP slows the broker down.
 *
 * A listener may be called for the next message while the one before is still in hand. It must not wait for the PUBACK of
 * something it publishes itself: with all places taken that PUBACK would never be read. A listener that rejects ends the
 * connection: what it could not keep must not be acknowledged, and what follows would be out of order.
 */

import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { IClientOptions, IPublishPacket, MqttClient } from 'mqtt';
// The client alone: the index loads web sockets and proxies with it, which nobody here opens.
import library from 'mqtt/lib/client';
import type { MqttConnection, MqttConnector, MqttDelivery, MqttListener, MqttOptions } from '../base/env.ts';
import { type DeltawattError, reasonOf } from '../base/errors.ts';
import { type HostErrorCode, hostError } from './errors.ts';
import { MQTT_CLOSE_MS, MQTT_IN_HAND_MAX } from './limits.ts';
import { NO_STORE } from './mqtt-no-store.ts';

const PORT = 1883;
const TLS_PORT = 8883;
/** First octet of a PUBACK, and its remaining length [MQTT-3.4.1]. */
const PUBACK = [0x40, 0x02] as const;
/** DISCONNECT [MQTT-3.14.1]. */
const DISCONNECT = [0xe0, 0x00] as const;
/** A grant that is a refusal [MQTT-3.9.3-2]. */
const REFUSED = 0x80;

/** Given to the library instead of "handled": it goes on to the next packet and sends no PUBACK. */
const HELD = new Error('the owner acknowledges later');

type Done = Parameters<MqttClient['handleMessage']>[1];

/** The machine's MQTT client. Errors: MQTT_URL_INVALID, MQTT_UNREACHABLE, MQTT_REFUSED. */
export const HOST_MQTT: MqttConnector = {
  connect: async (options, listener) => {
    const client = new HeldClient(options, listener);
    await client.opened();
    return client;
  },
};

interface InHand {
  readonly messageId: number;
  safe: boolean;
}

/** One connection. Lives from CONNECT to the end of its socket. */
class HeldClient implements MqttConnection {
  readonly #client: MqttClient;
  readonly #socket: Socket;
  readonly #listener: MqttListener;
  readonly #publishing = new Set<(error: Error) => void>();
  readonly #inHand: InHand[] = [];
  readonly #waiting: (() => void)[] = [];
  #reason = 'the broker or the network ended it';
  #state: 'connecting' | 'open' | 'closing' | 'closed' = 'connecting';
  readonly #url: string;

  constructor(options: MqttOptions, listener: MqttListener) {
    this.#url = options.url;
    this.#listener = listener;
    const socket = openSocket(options);
    this.#socket = socket;
    this.#client = new HandedClient(
      () => socket,
      clientOptions(options),
      (packet, done) => this.#take(packet, done),
    );
    this.#client.on('error', (error) => {
      this.#reason = reasonOf(error);
      // The library reports octets that are no MQTT and stays connected; nothing that follows could be trusted.
      this.#socket.destroy();
    });
  }

  /** Resolves after CONNACK. */
  opened(): Promise<void> {
    return new Promise((resolve, reject) => {
      let failure: DeltawattError<HostErrorCode> | undefined;
      this.#client.once('error', (error) => {
        // Only a CONNACK gives a number: its return code.
        const code = typeof Reflect.get(error, 'code') === 'number' ? 'MQTT_REFUSED' : 'MQTT_UNREACHABLE';
        failure = hostError(code, `${this.#url}: ${reasonOf(error)}`, error);
      });
      this.#client.once('connect', () => {
        this.#state = 'open';
        resolve();
      });
      this.#client.once('close', () => {
        if (this.#state === 'connecting')
          reject(failure ?? hostError('MQTT_UNREACHABLE', `${this.#url}: ${this.#reason}`));
        this.#end();
      });
      this.#client.connect();
    });
  }

  publish(topic: string, payload: Uint8Array, delivery: MqttDelivery = 'at-least-once'): Promise<void> {
    if (this.#state !== 'open') return Promise.reject(this.#closedError());
    return new Promise((resolve, reject) => {
      this.#publishing.add(reject);
      const octets = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
      this.#client.publish(topic, octets, { qos: delivery === 'at-least-once' ? 1 : 0 }, (error) => {
        this.#publishing.delete(reject);
        if (error === undefined || error === null) resolve();
        else reject(this.#closedError(error));
      });
    });
  }

  subscribe(filters: readonly string[]): Promise<void> {
    if (this.#state !== 'open') return Promise.reject(this.#closedError());
    return new Promise((resolve, reject) => {
      this.#publishing.add(reject);
      this.#client.subscribe([...filters], { qos: 1 }, (error, granted) => {
        this.#publishing.delete(reject);
        const refused = (granted ?? []).filter((grant) => grant.qos === REFUSED).map((grant) => grant.topic);
        if (refused.length > 0) reject(hostError('MQTT_SUBSCRIBE_REFUSED', refused.join(', ')));
        else if (error === null || error === undefined) resolve();
        else
          reject(
            this.#state === 'open'
              ? hostError('MQTT_SUBSCRIBE_REFUSED', reasonOf(error), error)
              : this.#closedError(error),
          );
      });
    });
  }

  bufferedOctets(): number {
    return this.#socket.writableLength;
  }

  trafficOctets(): { readonly sent: number; readonly received: number } {
    return { sent: this.#socket.bytesWritten ?? 0, received: this.#socket.bytesRead };
  }

  close(): Promise<void> {
    if (this.#state === 'closed') return Promise.resolve();
    this.#state = 'closing';
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#socket.destroy(), MQTT_CLOSE_MS);
      this.#socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      this.#failAll();
      // The library's orderly end waits for publishes under way; ours says goodbye and leaves them to the owner.
      this.#socket.write(Uint8Array.of(...DISCONNECT));
      this.#socket.end(() => this.#client.end(true));
    });
  }

  /** A PUBLISH from the broker. */
  #take(packet: IPublishPacket, done: Done): void {
    const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload;
    const octets = new Uint8Array(payload.buffer, payload.byteOffset, payload.length);
    const entry: InHand = { messageId: packet.messageId ?? 0, safe: false };
    this.#inHand.push(entry);
    this.#listener.message(packet.topic, octets).then(
      () => {
        entry.safe = true;
        this.#acknowledge();
      },
      (error: unknown) => {
        this.#reason = `a message on ${packet.topic} could not be kept: ${reasonOf(error)}`;
        this.#socket.destroy();
      },
    );
    const release = (): void => done(HELD);
    if (this.#inHand.length < MQTT_IN_HAND_MAX) release();
    else this.#waiting.push(release);
  }

  /** Sends PUBACKs in the order of the messages, as far as all before are safe too. */
  #acknowledge(): void {
    for (let first = this.#inHand[0]; first?.safe === true; first = this.#inHand[0]) {
      this.#inHand.shift();
      if (first.messageId > 0 && this.#state === 'open') {
        this.#socket.write(Uint8Array.of(...PUBACK, first.messageId >> 8, first.messageId & 0xff));
      }
    }
    while (this.#waiting.length > 0 && this.#inHand.length < MQTT_IN_HAND_MAX) this.#waiting.shift()?.();
  }

  #end(): void {
    const before = this.#state;
    this.#state = 'closed';
    this.#failAll();
    if (before === 'open') this.#listener.closed(this.#reason);
  }

  #failAll(): void {
    for (const reject of this.#publishing) reject(this.#closedError());
    this.#publishing.clear();
  }

  #closedError(cause?: unknown): Error {
    return hostError('MQTT_CLOSED', `${this.#url}: ${this.#reason}`, cause);
  }
}

/** The library's client, which asks us what to do with each PUBLISH. */
class HandedClient extends library.default {
  readonly #take: (packet: IPublishPacket, done: Done) => void;

  constructor(stream: () => Socket, options: IClientOptions, take: (packet: IPublishPacket, done: Done) => void) {
    super(stream, options);
    this.#take = take;
  }

  override handleMessage(packet: IPublishPacket, done: Done): void {
    this.#take(packet, done);
  }
}

function openSocket(options: MqttOptions): Socket {
  const url = URL.canParse(options.url) ? new URL(options.url) : undefined;
  const secure = url?.protocol === 'mqtts:';
  if (url === undefined || url.hostname === '' || !(secure || url.protocol === 'mqtt:')) {
    throw hostError('MQTT_URL_INVALID', options.url);
  }
  // Brackets of an IPv6 address belong to the URL only.
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = url.port === '' ? (secure ? TLS_PORT : PORT) : Number(url.port);
  const socket = secure
    ? connectTls({ host, port, minVersion: 'TLSv1.3', ...serverName(host), ...options.tls })
    : connectTcp({ host, port });
  socket.setNoDelay(true);
  return socket;
}

/** An address is no name to indicate (RFC 6066, 3). */
function serverName(host: string): { servername?: string } {
  return isIP(host) === 0 ? { servername: host } : {};
}

function clientOptions(options: MqttOptions): IClientOptions {
  return {
    protocolId: 'MQTT',
    protocolVersion: 4,
    clientId: options.clientId,
    ...(options.username === undefined ? {} : { username: options.username }),
    ...(options.password === undefined ? {} : { password: options.password }),
    keepalive: options.keepAliveS,
    connectTimeout: options.connectTimeoutMs,
    clean: true,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    manualConnect: true,
    // Else it keeps a buffer for each of the 65,536 packet ids: 7 MB.
    writeCache: false,
    incomingStore: NO_STORE,
    outgoingStore: NO_STORE,
  };
}
