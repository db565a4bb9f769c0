/**
 * The bench that a device under test connects to: an MQTT broker for one device, which tells everything that the device
 * does and lets nothing else in.
 *
 * Given up: the limits of the collector's own broker (rates, inbox); what is judged here is what the device says, and a
 * broker that corrects it (by clearing a retain flag, say) would hide it.
 */
import { Aedes, type Client } from 'aedes';
import type { ByteDuplex, Env, Listener, MqttDelivery } from '../../base/env.ts';
import { ByteStream } from '../../collector/broker/byte-stream.ts';
import type { EdgeId } from '../../model/ids.ts';

/** What a device does at the broker. */
export type DeviceEvent =
  | {
      readonly kind: 'connected';
      readonly clientId: string;
      readonly username: string;
      readonly clean: boolean;
      readonly hasWill: boolean;
    }
  | { readonly kind: 'subscribed'; readonly filter: string }
  | {
      readonly kind: 'message';
      readonly topic: string;
      readonly payload: Uint8Array;
      readonly qos: number;
      readonly retain: boolean;
    }
  | { readonly kind: 'closed' };

/** What the exam needs of a broker. */
export interface Stand {
  /** Who hears what the device does; one listener. */
  listen(hear: (event: DeviceEvent) => void): void;
  /** Publishes to the device. */
  say(topic: string, payload: Uint8Array, delivery: MqttDelivery): void;
  /** Cuts the device's connection. */
  cut(): void;
}

/** A stand that listens on an address. */
export interface OpenStand extends Stand {
  /** Where it listens; a free port when 0 was asked for. */
  readonly port: number;
  close(): Promise<void>;
}

/** Where the stand listens, and whom it lets in. */
export interface StandOptions {
  readonly host: string;
  readonly port: number;
  readonly edgeId: EdgeId;
  readonly password: string;
  /** PEM texts; without them plain MQTT. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly clientCa: string };
}

/** Opens the stand. Rejects when the address cannot be listened on. */
export async function openStand(env: Pick<Env, 'net'>, options: StandOptions): Promise<OpenStand> {
  const { host, port, tls, password } = options;
  const aedes = await Aedes.createBroker({ maxTopicLevels: 8 });
  const streams = new Set<ByteStream>();
  let tell: (event: DeviceEvent) => void = () => undefined;
  let said: Promise<void> = Promise.resolve();
  const names = new Map<Client, string>();
  aedes.preConnect = (client, packet, done) => {
    const { clientId, clean = true, will, username } = packet;
    const event = { clientId, username: username ?? '', clean, hasWill: will !== undefined } as const;
    client.once('connected', () => tell({ kind: 'connected', ...event }));
    packet.clean = true;
    done(null, true);
  };
  aedes.authenticate = (client, username, given, done) => {
    names.set(client, username ?? '');
    done(null, new TextDecoder().decode(given ?? new Uint8Array()) === password);
  };
  aedes.authorizePublish = (_client, packet, done) => {
    const { topic, payload, qos, retain } = packet;
    tell({ kind: 'message', topic, payload: new Uint8Array(Buffer.from(payload)), qos, retain });
    packet.retain = false;
    done(null);
  };
  aedes.authorizeSubscribe = (_client, subscription, done) => {
    tell({ kind: 'subscribed', filter: subscription.topic });
    done(null, subscription);
  };
  aedes.on('clientDisconnect', (client) => {
    if (names.delete(client)) tell({ kind: 'closed' });
  });
  const accept = (duplex: ByteDuplex, commonName: string | null): void => {
    const stream = new ByteStream(duplex, commonName, () => undefined);
    streams.add(stream);
    stream.once('close', () => streams.delete(stream));
    stream.on('error', () => undefined);
    aedes.handle(stream).once('connected', () => stream.gate.open());
  };
  const listener: Listener =
    tls === undefined
      ? await env.net.listenTcp(host, port, (duplex) => accept(duplex, null))
      : await env.net.listenTls(host, port, { ...tls, refused: () => undefined }, accept);
  return {
    port: listener.port,
    listen: (hear) => {
      tell = hear;
    },
    say: (topic, payload, delivery) => {
      const qos = delivery === 'at-most-once' ? 0 : 1;
      const packet = { cmd: 'publish', topic, payload: Buffer.from(payload), qos, retain: false, dup: false } as const;
      // One after the other: aedes takes a message that is overtaken, as QoS 1 is by QoS 0, for a repetition and drops it.
      said = said.then(() => new Promise((done) => aedes.publish(packet, () => done())));
    },
    cut: () => {
      for (const stream of streams) stream.destroy();
    },
    close: async () => {
      await new Promise<void>((done) => aedes.close(() => done()));
      for (const stream of streams) stream.destroy();
      await listener.close();
    },
  };
}
