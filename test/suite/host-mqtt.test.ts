import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { Aedes } from 'aedes';
import { concat, fromHex, toHex } from '../../src/base/bytes.ts';
import type { MqttConnector, MqttListener } from '../../src/base/env.ts';
import { hasCode } from '../../src/base/errors.ts';
import { MQTT_IN_HAND_MAX } from '../../src/host/limits.ts';
import { HOST_MQTT } from '../../src/host/mqtt.ts';
import { type MqttPlace, mqttSuite } from './env-mqtt.ts';
import { TEST_CERTIFICATE, TEST_KEY } from './tls-pair.ts';

const HOST = '127.0.0.1';
const MOSQUITTO = ['/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto', '/opt/homebrew/sbin/mosquitto'].find(existsSync);
const drive = <T>(promise: Promise<T>): Promise<T> => promise;

async function listen(server: Server): Promise<number> {
  server.listen(0, HOST);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function aedesPlace(secure = false): Promise<MqttPlace> {
  const broker = await Aedes.createBroker();
  const sockets = new Set<Socket>();
  const accept = (socket: Socket): void => {
    sockets.add(socket);
    broker.handle(socket);
  };
  const server = secure ? createTlsServer({ cert: TEST_CERTIFICATE, key: TEST_KEY }, accept) : createServer(accept);
  const port = await listen(server);
  let dead: Promise<void> | undefined;
  const kill = (): Promise<void> => {
    dead ??= new Promise((resolve) => {
      server.close(() => broker.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
    });
    return dead;
  };
  if (!secure) return { connector: HOST_MQTT, url: `mqtt://${HOST}:${port}`, kill, dispose: kill, drive };
  const connector: MqttConnector = {
    connect: (options, listener) => HOST_MQTT.connect({ ...options, tls: { ca: TEST_CERTIFICATE } }, listener),
  };
  return { connector, url: `mqtts://localhost:${port}`, kill, dispose: kill, drive };
}

async function listeningAedes(): Promise<{ broker: Aedes; url: string; close: () => Promise<void> }> {
  const broker = await Aedes.createBroker();
  const server = createServer((socket) => void broker.handle(socket));
  const port = await listen(server);
  const close = (): Promise<void> => new Promise((resolve) => server.close(() => broker.close(() => resolve())));
  return { broker, url: `mqtt://${HOST}:${port}`, close };
}

/** mosquitto takes no port 0, so a free one is found first; another program may take it in between, then the test says so. */
async function mosquittoPlace(): Promise<MqttPlace> {
  const probe = createServer();
  const port = await listen(probe);
  await new Promise((resolve) => probe.close(resolve));
  const folder = await mkdtemp(join(tmpdir(), 'deltawatt-mosquitto-'));
  const config = join(folder, 'mosquitto.conf');
  await writeFile(
    config,
    `listener ${port} ${HOST}\nallow_anonymous true\npersistence false\nlog_dest stderr\nuser root\n`,
  );
  const child: ChildProcess = spawn(MOSQUITTO ?? '', ['-c', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(child, 'close');
  await new Promise<void>((resolve, reject) => {
    let words = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      words += chunk.toString();
      if (words.includes('running')) resolve();
    });
    child.once('close', () => reject(new Error(`mosquitto ended: ${words}`)));
  });
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  const dispose = async (): Promise<void> => {
    await kill();
    await rm(folder, { recursive: true, force: true });
  };
  return { connector: HOST_MQTT, url: `mqtt://${HOST}:${port}`, kill, dispose, drive };
}

mqttSuite('mqtt.js and aedes', () => aedesPlace());
mqttSuite('mqtt.js and aedes over TLS', () => aedesPlace(true));
mqttSuite('mqtt.js and mosquitto', mosquittoPlace, MOSQUITTO === undefined ? 'mosquitto is not installed' : false);

/** A broker that does exactly what the test says, octet by octet. */
class ScriptedBroker {
  readonly #server = createServer();
  #socket: Socket | undefined;
  #octets: Uint8Array = new Uint8Array(0);
  #waiting: (() => void)[] = [];
  port = 0;

  async start(answerConnect: Uint8Array | undefined): Promise<void> {
    this.#server.on('connection', (socket) => {
      this.#socket = socket;
      socket.on('error', () => {});
      socket.on('data', (chunk) => {
        const first = this.#octets.length === 0;
        this.#octets = concat([this.#octets, chunk]);
        if (first && answerConnect !== undefined) socket.write(answerConnect);
        for (const wake of this.#waiting.splice(0)) wake();
      });
    });
    this.port = await listen(this.#server);
  }

  send(octets: Uint8Array): void {
    this.#socket?.write(octets);
  }

  /** Everything received after CONNECT, as soon as it has `count` octets. */
  async received(count: number): Promise<Uint8Array> {
    for (;;) {
      const connectOctets = 2 + (this.#octets.at(1) ?? 0);
      const after = this.#octets.slice(connectOctets);
      if (after.length >= count) return after;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async stop(): Promise<void> {
    this.#socket?.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const ACCEPTED = fromHex('20020000');
const BAD_PASSWORD = fromHex('20020004');

/** A QoS 1 PUBLISH on topic `t`, payload one octet [MQTT-3.3]. */
const publish = (id: number): Uint8Array => Uint8Array.of(0x32, 6, 0, 1, 0x74, id >> 8, id & 0xff, id & 0xff);
const puback = (id: number): string => toHex(Uint8Array.of(0x40, 2, id >> 8, id & 0xff));

async function onScript(
  listener: MqttListener,
  body: (broker: ScriptedBroker, connect: () => ReturnType<typeof HOST_MQTT.connect>) => Promise<void>,
  answer: Uint8Array | undefined = ACCEPTED,
): Promise<void> {
  const broker = new ScriptedBroker();
  await broker.start(answer);
  const options = { url: `mqtt://${HOST}:${broker.port}`, clientId: 'c', keepAliveS: 60, connectTimeoutMs: 500 };
  try {
    await body(broker, () => HOST_MQTT.connect(options, listener));
  } finally {
    await broker.stop();
  }
}

/** A listener whose messages are safe when the test says so. */
function heldListener(): MqttListener & {
  readonly safe: (() => void)[];
  readonly reasons: string[];
  has(count: number): Promise<void>;
} {
  const safe: (() => void)[] = [];
  const reasons: string[] = [];
  let wake = (): void => {};
  return {
    safe,
    reasons,
    message: () =>
      new Promise((resolve) => {
        safe.push(resolve);
        wake();
      }),
    closed: (reason) => reasons.push(reason),
    has: async (count) => {
      while (safe.length < count) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

describe('host mqtt: acknowledgements', () => {
  test('MQTT-4.6.0-2 PUBACK waits until the message is safe, and goes in the order of the messages', async () => {
    const listener = heldListener();
    await onScript(listener, async (broker, connect) => {
      const connection = await connect();
      broker.send(concat([publish(1), publish(2), publish(300)]));
      await listener.has(3);
      listener.safe[2]?.();
      listener.safe[1]?.();
      // What we publish now is sent before any PUBACK: the first message is not safe yet.
      connection.publish('t', Uint8Array.of(9)).catch(() => {});
      const early = await broker.received(8);
      assert.equal(toHex(early.slice(0, 1)), '32');
      listener.safe[0]?.();
      const all = await broker.received(8 + 12);
      assert.equal(toHex(all.slice(8)), puback(1) + puback(2) + puback(300));
      await connection.close();
    });
  });

  test('our own publishes are acknowledged while messages are in hand', async () => {
    const listener = heldListener();
    await onScript(listener, async (broker, connect) => {
      const connection = await connect();
      broker.send(publish(1));
      await listener.has(1);
      const published = connection.publish('t', Uint8Array.of(9));
      const sent = await broker.received(8);
      broker.send(fromHex(`4002${toHex(sent.slice(5, 7))}`));
      await published;
      await connection.close();
    });
  });

  test('messages in hand are bounded, and the rest is read when places are free', async () => {
    const listener = heldListener();
    await onScript(listener, async (broker, connect) => {
      const connection = await connect();
      const ids = Array.from({ length: MQTT_IN_HAND_MAX + 10 }, (_, index) => index + 1);
      broker.send(concat(ids.map(publish)));
      await listener.has(MQTT_IN_HAND_MAX);
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
      assert.equal(listener.safe.length, MQTT_IN_HAND_MAX);
      for (let index = 0; index < ids.length; index++) {
        await listener.has(index + 1);
        listener.safe[index]?.();
      }
      const acknowledged = await broker.received(4 * ids.length);
      assert.equal(toHex(acknowledged), ids.map(puback).join(''));
      await connection.close();
    });
  });

  test('a listener that cannot keep a message ends the connection without PUBACK', async () => {
    let closed: (reason: string) => void = () => {};
    const reason = new Promise<string>((resolve) => {
      closed = resolve;
    });
    const listener: MqttListener = {
      message: () => Promise.reject(new Error('disk full')),
      closed: (words) => closed(words),
    };
    await onScript(listener, async (broker, connect) => {
      await connect();
      broker.send(publish(1));
      assert.match(await reason, /disk full/);
      assert.equal((await broker.received(0)).length, 0);
    });
  });
});

describe('host mqtt: what can go wrong', () => {
  test('a wrong password is MQTT_REFUSED with the reason', () =>
    onScript(
      heldListener(),
      async (_broker, connect) => {
        await assert.rejects(connect(), (error) => {
          assert.ok(hasCode(error, 'MQTT_REFUSED'));
          assert.match(String(error), /password/i);
          return true;
        });
      },
      BAD_PASSWORD,
    ));

  test('a certificate that nobody vouches for is MQTT_UNREACHABLE', async () => {
    const place = await aedesPlace(true);
    const options = { url: place.url, clientId: 'c', keepAliveS: 60, connectTimeoutMs: 2_000 };
    await assert.rejects(HOST_MQTT.connect(options, heldListener()), (error) => {
      assert.ok(hasCode(error, 'MQTT_UNREACHABLE'));
      assert.match(String(error), /self-signed certificate/);
      return true;
    });
    await place.dispose();
  });

  test('a broker that does not answer is MQTT_UNREACHABLE after the time-out', async () => {
    const listener = heldListener();
    const broker = new ScriptedBroker();
    await broker.start(undefined);
    const options = { url: `mqtt://${HOST}:${broker.port}`, clientId: 'c', keepAliveS: 60, connectTimeoutMs: 100 };
    await assert.rejects(HOST_MQTT.connect(options, listener), (error) => hasCode(error, 'MQTT_UNREACHABLE'));
    assert.deepEqual(listener.reasons, []);
    await broker.stop();
  });

  test('a broker that refuses a filter is MQTT_SUBSCRIBE_REFUSED with the filter', () =>
    onScript(heldListener(), async (broker, connect) => {
      const connection = await connect();
      const subscribed = connection.subscribe(['allowed', 'forbidden/#']);
      const packet = await broker.received(4);
      broker.send(concat([fromHex('9004'), packet.slice(2, 4), fromHex('0180')]));
      await assert.rejects(subscribed, (error) => hasCode(error, 'MQTT_SUBSCRIBE_REFUSED'));
      await connection.close();
    }));

  test('a publish under way when the connection dies is MQTT_CLOSED', () =>
    onScript(heldListener(), async (broker, connect) => {
      const connection = await connect();
      const published = connection.publish('t', Uint8Array.of(1));
      await broker.received(8);
      await broker.stop();
      await assert.rejects(published, (error) => hasCode(error, 'MQTT_CLOSED'));
    }));

  test('octets that are not MQTT end the connection', () => {
    const listener = heldListener();
    return onScript(listener, async (broker, connect) => {
      const connection = await connect();
      const published = connection.publish('t', Uint8Array.of(1));
      broker.send(fromHex('ffffffffffffffff'));
      await assert.rejects(published, (error) => hasCode(error, 'MQTT_CLOSED'));
      assert.equal(listener.reasons.length, 1);
    });
  });

  for (const url of ['http://here:1', 'mqtt://', 'somewhere', 'mqtt:///path']) {
    test(`the address ${url} is MQTT_URL_INVALID`, async () => {
      const options = { url, clientId: 'c', keepAliveS: 60, connectTimeoutMs: 100 };
      await assert.rejects(HOST_MQTT.connect(options, heldListener()), (error) => hasCode(error, 'MQTT_URL_INVALID'));
    });
  }
});

test('W-63 W-64 a session is clean, its client id and user name are what was asked for, and nothing is retained', async () => {
  const { broker, url, close } = await listeningAedes();
  const sessions: unknown[] = [];
  broker.preConnect = (_client, { clean, clientId, username, will }, done) => {
    sessions.push({ clean, clientId, username, will });
    done(null, true);
  };
  const retained: unknown[] = [];
  broker.on('publish', ({ topic, retain }, client) => {
    if (client !== null) retained.push({ topic, retain });
  });
  const listener: MqttListener = { message: () => Promise.resolve(), closed: () => undefined };
  const names = { clientId: 'e17', username: 'e17', password: 'p' };
  const connection = await HOST_MQTT.connect({ url, ...names, keepAliveS: 30, connectTimeoutMs: 5_000 }, listener);
  await connection.publish('dw/cb/e17/c', Uint8Array.of(1));
  await connection.close();
  await close();
  assert.deepEqual(sessions, [{ clean: true, clientId: 'e17', username: 'e17', will: undefined }]);
  assert.deepEqual(retained, [{ topic: 'dw/cb/e17/c', retain: false }]);
});
