/**
 * What a broker must do for Deltawatt, whoever made it: every edge on its own topics only, QoS 1 delivered, strangers and
 * babblers cut. Runs against the embedded broker and against mosquitto with the access list of the guide.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { connect as connectTcp } from 'node:net';
import { after, before, test } from 'node:test';
import { connect, type IClientOptions, type MqttClient } from 'mqtt';
import type { EdgeId } from '../../src/model/ids.ts';
import { collectorFilters, LEAVES, SHARD_COUNT, type Sha256, topicOf } from '../../src/wire/topics.ts';

/** A broker under test, with users e1 and e2 (password `secret-e1`, `secret-e2`) and a collector. */
export interface BrokerUnderTest {
  readonly port: number;
  readonly collector: { readonly clientId: string; readonly username: string; readonly password: string };
  /** How this edge, or the collector, connects when not by plain MQTT on `port`. */
  readonly way?: (clientId: string) => IClientOptions;
  /** SUBACK already refuses a foreign filter; others grant it and deliver nothing. */
  readonly refusesAtSubscribe: boolean;
  stop(): Promise<void>;
}

const sha256: Sha256 = (octets) => new Uint8Array(createHash('sha256').update(octets).digest());
const E1 = 'e1' as EdgeId;
const E2 = 'e2' as EdgeId;
const ALL_SHARDS = Array.from({ length: SHARD_COUNT }, (_, shard) => shard);

/** The next event of this name; unlike `once` of node:events, an `error` before it is not the end. */
export function next<Value = unknown>(
  emitter: { once(event: string, listener: (...values: never[]) => void): unknown },
  event: string,
): Promise<Value[]> {
  return new Promise((resolve) =>
    emitter.once(event, ((...values: Value[]) => resolve(values)) as (...values: never[]) => void),
  );
}

/** Registers the suite's tests. */
export function brokerSuite(name: string, start: () => Promise<BrokerUnderTest>): void {
  let broker: BrokerUnderTest;
  const open = new Set<MqttClient>();
  before(async () => {
    broker = await start();
  });
  after(async () => {
    for (const client of open) client.end(true);
    await broker.stop();
  });

  /** A client that neither retries nor queues. */
  const dial = (options: IClientOptions): MqttClient => {
    const client = connect({
      host: '127.0.0.1',
      port: broker.port,
      protocol: 'mqtt',
      protocolVersion: 4,
      reconnectPeriod: 0,
      connectTimeout: 5_000,
      clean: true,
      ...options,
      ...broker.way?.(options.clientId ?? ''),
    });
    client.on('error', () => {});
    open.add(client);
    return client;
  };
  const edge = (edgeId: EdgeId, password = `secret-${edgeId}`, options: IClientOptions = {}): MqttClient =>
    dial({ clientId: edgeId, username: edgeId, password, ...options });
  const connected = async (client: MqttClient): Promise<MqttClient> => {
    await next(client, 'connect');
    return client;
  };
  /** Sessions that count what they hear. */
  const collector = async () => {
    const client = await connected(dial({ ...broker.collector }));
    const heard: { topic: string; text: string }[] = [];
    client.on('message', (topic, payload) => heard.push({ topic, text: payload.toString() }));
    await client.subscribeAsync(collectorFilters(ALL_SHARDS), { qos: 1 });
    return { client, heard };
  };
  /** Publishes a mark and waits for it: whatever was sent before on this way has been delivered or dropped by then. */
  const flushed = async (from: MqttClient, edgeId: EdgeId, heard: { text: string }[], mark: string): Promise<void> => {
    await from.publishAsync(topicOf(edgeId, LEAVES.blocks, sha256), mark, { qos: 1 });
    while (!heard.some((message) => message.text === mark)) await new Promise((resolve) => setImmediate(resolve));
  };
  const raw = async (octets: Uint8Array): Promise<{ cut: boolean; text: Buffer; tookMs: number }> => {
    const beganMs = performance.now();
    const socket = connectTcp(broker.port, '127.0.0.1');
    const parts: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => parts.push(chunk));
    socket.on('error', () => {});
    socket.write(octets);
    await next(socket, 'close');
    return { cut: true, text: Buffer.concat(parts), tookMs: performance.now() - beganMs };
  };

  test(`${name}: an edge publishes on its own topics, and the collector hears it once (QoS 1)`, async () => {
    const { client, heard } = await collector();
    const e1 = await connected(edge(E1));
    await e1.publishAsync(topicOf(E1, LEAVES.controlUp, sha256), 'hello', { qos: 1 });
    await flushed(e1, E1, heard, 'blocks-1');
    assert.deepEqual(heard, [
      { topic: topicOf(E1, LEAVES.controlUp, sha256), text: 'hello' },
      { topic: topicOf(E1, LEAVES.blocks, sha256), text: 'blocks-1' },
    ]);
    await e1.endAsync();
    await client.endAsync();
  });

  test(`${name}: the collector reaches one edge, and no other edge hears it`, async () => {
    const { client } = await collector();
    const e1 = await connected(edge(E1));
    const e2 = await connected(edge(E2));
    for (const [edgeClient, edgeId] of [
      [e1, E1],
      [e2, E2],
    ] as const) {
      await edgeClient.subscribeAsync(topicOf(edgeId, LEAVES.controlDown, sha256), { qos: 1 });
    }
    const wrong: string[] = [];
    e2.on('message', (topic) => wrong.push(topic));
    const right = next(e1, 'message');
    await client.publishAsync(topicOf(E1, LEAVES.controlDown, sha256), 'for e1', { qos: 1 });
    const [topic, payload] = (await right) as unknown as [string, Buffer];
    assert.deepEqual([topic, payload.toString(), wrong], [topicOf(E1, LEAVES.controlDown, sha256), 'for e1', []]);
    await Promise.all([e1.endAsync(), e2.endAsync(), client.endAsync()]);
  });

  test(`${name}: a message with QoS 1 is not lost when one with QoS 0 comes right behind it`, async () => {
    const { client } = await collector();
    const e1 = await connected(edge(E1));
    const down = topicOf(E1, LEAVES.controlDown, sha256);
    await e1.subscribeAsync(down, { qos: 1 });
    const heard: string[] = [];
    const all = new Promise<void>((resolve) => {
      e1.on('message', (_topic, payload) => {
        heard.push(payload.toString());
        if (heard.length === 40) resolve();
      });
    });
    for (let at = 0; at < 20; at++) {
      client.publish(down, `answer ${at}`, { qos: 1 });
      client.publish(down, `ack ${at}`, { qos: 0 });
    }
    await all;
    assert.equal(new Set(heard).size, 40);
    await Promise.all([e1.endAsync(), client.endAsync()]);
  });

  test(`${name}: what an edge publishes on foreign topics reaches nobody`, async () => {
    const { client, heard } = await collector();
    const e1 = await connected(edge(E1));
    await e1.subscribeAsync(topicOf(E1, LEAVES.controlDown, sha256), { qos: 1 });
    const down: string[] = [];
    e1.on('message', (topic) => down.push(topic));
    const foreign = [
      topicOf(E1, LEAVES.blocks, sha256),
      topicOf(E1, LEAVES.controlUp, sha256),
      topicOf(E1, LEAVES.controlDown, sha256),
    ];
    for (const topic of [...foreign, `dw/00/${E1}/b`, `dw/00/${E2}/b`, '$SYS/broker/clients/connected', 'anything']) {
      const e2 = await connected(edge(E2));
      // A broker may answer with PUBACK and drop it, or end the session.
      await Promise.race([e2.publishAsync(topic, `forged ${topic}`, { qos: 1 }), next(e2, 'close')]).catch(() => {});
      e2.end(true);
    }
    await flushed(e1, E1, heard, 'mark-foreign');
    assert.deepEqual(
      heard.map((message) => message.text),
      ['mark-foreign'],
    );
    assert.deepEqual(down, []);
    await Promise.all([e1.endAsync(), client.endAsync()]);
  });

  test(`${name}: an edge subscribes its own control topic and nothing else`, async () => {
    const own = topicOf(E1, LEAVES.controlDown, sha256);
    const foreign = [
      '#',
      '+/+/+/+',
      'dw/#',
      'dw/+/+/d',
      topicOf(E2, LEAVES.controlDown, sha256),
      topicOf(E1, LEAVES.blocks, sha256),
      `$share/x/${own}`,
      '$SYS/#',
    ];
    for (const filter of foreign) {
      const e1 = await connected(edge(E1));
      const heard: string[] = [];
      e1.on('message', (topic) => heard.push(topic));
      const granted = await e1.subscribeAsync(filter, { qos: 1 }).then(
        (grants) => grants.some((grant) => grant.qos < 128),
        () => false,
      );
      const { client } = await collector();
      const e2 = await connected(edge(E2));
      await client.publishAsync(topicOf(E2, LEAVES.controlDown, sha256), 'secret', { qos: 1 });
      await e2.publishAsync(topicOf(E2, LEAVES.blocks, sha256), 'secret', { qos: 1 });
      if (broker.refusesAtSubscribe) assert.equal(granted, false, `${filter} was granted`);
      await e1.subscribeAsync(own, { qos: 1 });
      const mark = next(e1, 'message');
      await client.publishAsync(own, 'mark', { qos: 1 });
      await mark;
      assert.deepEqual(heard, [own], filter);
      await Promise.all([client.endAsync(), e2.endAsync()]);
      e1.end(true);
    }
    const e1 = await connected(edge(E1));
    const grants = await e1.subscribeAsync(own, { qos: 1 });
    assert.deepEqual(
      grants.map((grant) => grant.qos),
      [1],
    );
    await e1.endAsync();
  });

  test(`W-63 ${name}: a wrong password, none, an empty name and a foreign client id do not come in or do no harm`, async () => {
    const refused = async (client: MqttClient): Promise<boolean> => {
      const outcome = await Promise.race([
        next(client, 'connect').then(() => 'in'),
        next(client, 'close').then(() => 'out'),
      ]);
      client.end(true);
      return outcome === 'out';
    };
    assert.ok(await refused(edge(E1, 'wrong')));
    assert.ok(await refused(dial({ clientId: E1, username: E1 })));
    assert.ok(await refused(dial({ clientId: 'x', username: '', password: 'y' })));
    assert.ok(await refused(dial({ clientId: 'x' })));
    const e1 = await connected(edge(E1));
    let isCut = false;
    e1.on('close', () => {
      isCut = true;
    });
    const thief = edge(E2, 'secret-e2', { clientId: E1 });
    await Promise.race([next(thief, 'connect'), next(thief, 'close')]);
    thief.end(true);
    await e1.publishAsync(topicOf(E1, LEAVES.controlUp, sha256), 'still here', { qos: 1 });
    assert.equal(isCut, false, 'an edge ended the session of another');
    await e1.endAsync();
  });

  test(`${name}: of two sessions with one id the newer stays`, async () => {
    const older = await connected(edge(E1));
    const closed = next(older, 'close');
    const newer = await connected(edge(E1));
    await closed;
    await newer.publishAsync(topicOf(E1, LEAVES.controlUp, sha256), 'newer', { qos: 1 });
    assert.equal(newer.connected, true);
    await newer.endAsync();
  });

  test(`${name}: an oversized CONNECT is cut before it is gathered`, { timeout: 20_000 }, async () => {
    // CONNECT that announces 200,000 octets and sends them.
    const answer = await raw(Buffer.concat([Buffer.from([0x10, 0xc0, 0x9a, 0x0c]), Buffer.alloc(200_000, 0x41)]));
    assert.equal(answer.text.length, 0);
    assert.ok(answer.tookMs < 5_000, `${answer.tookMs} ms`);
  });

  test(`${name}: what is not MQTT is cut, and the others go on`, { timeout: 20_000 }, async () => {
    const e1 = await connected(edge(E1));
    for (const octets of ['GET / HTTP/1.1\r\nhost: x\r\n\r\n', '\x10\xff\xff\xff\xff\x01', '\x30\x05\x00\x01a12']) {
      assert.equal((await raw(Buffer.from(octets, 'latin1'))).text.length, 0, octets);
    }
    await e1.publishAsync(topicOf(E1, LEAVES.controlUp, sha256), 'still here', { qos: 1 });
    await e1.endAsync();
  });

  test(`W-63 ${name}: a session does not outlive its connection`, async () => {
    const first = await connected(edge(E1, 'secret-e1', { clean: false }));
    await first.subscribeAsync(topicOf(E1, LEAVES.controlDown, sha256), { qos: 1 });
    await first.endAsync();
    const { client } = await collector();
    await client.publishAsync(topicOf(E1, LEAVES.controlDown, sha256), 'nobody is here', { qos: 1 });
    const second = edge(E1, 'secret-e1', { clean: true });
    const heard: string[] = [];
    second.on('message', (_topic, payload) => heard.push(payload.toString()));
    await connected(second);
    await second.subscribeAsync(topicOf(E1, LEAVES.controlDown, sha256), { qos: 1 });
    const got = next(second, 'message');
    await client.publishAsync(topicOf(E1, LEAVES.controlDown, sha256), 'now', { qos: 1 });
    await got;
    assert.deepEqual(heard, ['now']);
    await Promise.all([second.endAsync(), client.endAsync()]);
  });
}
