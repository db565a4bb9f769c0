import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { connect as connectTcp } from 'node:net';
import { test } from 'node:test';
import { connect } from 'mqtt';
import { startBroker } from '../../src/collector/broker/broker.ts';
import { createEnroller } from '../../src/collector/broker/enroller.ts';
import { userOf } from '../../src/collector/broker/users.ts';
import { HOST_NET } from '../../src/host/net.ts';
import { createMemoryCollectorStore } from '../../src/lab/memory-collector-store.ts';
import { DEFAULT_TENANT, type EdgeId } from '../../src/model/ids.ts';
import { LEAVES, topicOf } from '../../src/wire/topics.ts';
import { type FakeTime, fakeEnv } from '../unit/collector/fake-env.ts';
import { brokerSuite, next } from './broker.ts';

const sha256 = (octets: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(octets).digest());

async function embedded(settings: { readonly addressConnections?: number } = {}) {
  const fake = fakeEnv();
  const env = { ...fake.env, net: HOST_NET };
  const store = createMemoryCollectorStore({ clock: env.clock, term: new Uint8Array(12) });
  for (const edgeId of ['e1', 'e2'] as EdgeId[]) {
    await store.saveBrokerUser(userOf(env, edgeId, new TextEncoder().encode(`secret-${edgeId}`), 'active'));
  }
  const broker = await startBroker(
    { env, users: store, store },
    { host: '127.0.0.1', port: 0, addressConnections: 1_000, ...settings },
  );
  const keys = { commandPublicKey: new Uint8Array(32).fill(1), limitsPublicKey: new Uint8Array(32).fill(2) };
  const enroller = createEnroller({
    env,
    store,
    users: store,
    disconnect: (edgeId) => broker.disconnect(edgeId),
    url: broker.url,
    ...keys,
  });
  const dial = (edgeId: string, password: string) => {
    const client = connect(broker.url, {
      clientId: edgeId,
      username: edgeId,
      password,
      protocolVersion: 4,
      reconnectPeriod: 0,
    });
    client.on('error', () => {});
    return client;
  };
  const outcome = async (client: ReturnType<typeof dial>): Promise<'in' | 'out'> =>
    Promise.race([next(client, 'connect').then(() => 'in' as const), next(client, 'close').then(() => 'out' as const)]);
  return { ...fake, env, store, broker, enroller, dial, outcome, time: fake.time as FakeTime };
}

brokerSuite('embedded', async () => {
  const { broker } = await embedded();
  return { port: broker.port, collector: broker.collector, refusesAtSubscribe: true, stop: () => broker.close() };
});

test('a connection that sends no CONNECT is cut after 5 s', async () => {
  const { broker, time } = await embedded();
  const socket = connectTcp(broker.port, '127.0.0.1');
  await next(socket, 'connect');
  socket.write(Uint8Array.of(0x10));
  while (time.waiting === 0) await new Promise((resolve) => setImmediate(resolve));
  await time.advance(4_999);
  assert.deepEqual(broker.cuts(), {});
  const closed = next(socket, 'close');
  await time.advance(1);
  await closed;
  assert.deepEqual(broker.cuts(), { 'no CONNECT in time': 1 });
  await broker.close();
});

test('8 KiB before CONNACK are the bound, also when no packet ends', async () => {
  const { broker } = await embedded();
  const socket = connectTcp(broker.port, '127.0.0.1');
  socket.on('error', () => {});
  // A CONNECT of 8,190 octets that is one octet short, then two more.
  socket.write(Buffer.concat([Buffer.from([0x10, 0xff, 0x3f]), Buffer.alloc(8_191 - 3, 0)]));
  await next(socket, 'connect');
  socket.write(Uint8Array.of(0, 0));
  await next(socket, 'close');
  assert.deepEqual(broker.cuts(), { 'too much before CONNACK': 1 });
  await broker.close();
});

test('a packet above the bound ends the session of whoever announces it', async () => {
  const { broker, dial, outcome } = await embedded();
  const e1 = dial('e1', 'secret-e1');
  assert.equal(await outcome(e1), 'in');
  const closed = next(e1, 'close');
  e1.publish(topicOf('e1' as EdgeId, LEAVES.blocks, sha256), Buffer.alloc(1_000_000), { qos: 1 });
  await closed;
  assert.deepEqual(broker.cuts(), { 'packet too large': 1 });
  e1.end(true);
  await broker.close();
});

test('an address that connects too often is turned away for the rest of the minute', async () => {
  const { broker, time } = await embedded({ addressConnections: 3 });
  const knock = async () => {
    const socket = connectTcp(broker.port, '127.0.0.1');
    socket.on('error', () => {});
    await next(socket, 'connect');
    return socket;
  };
  const guests = [await knock(), await knock(), await knock()];
  const fourth = await knock();
  fourth.resume();
  await next(fourth, 'close');
  assert.deepEqual(broker.cuts(), { 'address connects too often': 1 });
  for (const guest of guests) guest.destroy();
  await time.advance(60_000);
  const later = await knock();
  assert.equal(broker.cuts()['address connects too often'], 1);
  later.destroy();
  await broker.close();
});

test('PROV-4 an unknown edge waits in the inbox, and comes in with its enrolment only after adoption', async () => {
  const { broker, store, enroller, dial, outcome } = await embedded();
  const stranger = dial('e77', 'its-own');
  assert.equal(await outcome(stranger), 'in');
  assert.deepEqual(
    [(await store.edge('e77' as EdgeId))?.state, (await store.edge('e77' as EdgeId))?.key],
    ['inbox', undefined],
  );
  assert.match((await store.edge('e77' as EdgeId))?.note ?? '', /^First called from .*127\.0\.0\.1\.$/);
  assert.equal((await store.brokerUser('e77' as EdgeId))?.state, 'pending');
  assert.equal(await outcome(dial('e77', 'another')), 'out', 'the id belongs to who called first');
  const closed = next(stranger, 'close');
  const enrolment = await enroller.adopt('e77' as EdgeId, DEFAULT_TENANT, 'ada');
  await closed;
  assert.match(enrolment.password, /^[A-Za-z0-9_-]{32}$/);
  assert.match(enrolment.key, /^[0-9a-f]{64}$/);
  assert.deepEqual([enrolment.url, enrolment.commandPublicKey], [broker.url, '01'.repeat(32)]);
  const edge = await store.edge('e77' as EdgeId);
  assert.deepEqual(
    [edge?.state, Buffer.from(edge?.key ?? []).toString('hex'), edge?.note],
    ['active', enrolment.key, undefined],
  );
  assert.equal(await outcome(dial('e77', 'its-own')), 'out', 'the password of the first call is forgotten');
  const adopted = dial('e77', enrolment.password);
  assert.equal(await outcome(adopted), 'in');
  await assert.rejects(enroller.adopt('e77' as EdgeId, DEFAULT_TENANT, 'ada'), { code: 'EDGE_ACTIVE' });
  const cut = next(adopted, 'close');
  assert.equal(await enroller.deactivate('e77' as EdgeId, 'ada'), true);
  await cut;
  assert.equal(await outcome(dial('e77', enrolment.password)), 'out');
  assert.deepEqual(
    [(await store.edge('e77' as EdgeId))?.state, (await store.edge('e77' as EdgeId))?.key],
    ['deactivated', undefined],
  );
  assert.equal(await enroller.deactivate('nobody' as EdgeId, 'ada'), false);
  assert.deepEqual(
    store.auditLines.map((line) => line.action),
    ['edge.adopt', 'edge.deactivate'],
  );
  await broker.close();
});

test('a user is kept as a salted hash', async () => {
  const { broker, env } = await embedded();
  const [one, two] = [1, 2].map(() => userOf(env, 'e1' as EdgeId, new TextEncoder().encode('same'), 'active'));
  assert.notDeepEqual(one?.hash, two?.hash, 'the same password twice does not show');
  assert.doesNotMatch(JSON.stringify(one), /same/);
  await broker.close();
});

test('the embedded broker does not listen on a network', async () => {
  const { env, store, broker } = await embedded();
  await assert.rejects(startBroker({ env, users: store, store }, { host: '0.0.0.0', port: 0 }), {
    code: 'BROKER_NEEDS_TLS',
  });
  await broker.close();
});
