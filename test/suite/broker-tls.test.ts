/** The embedded broker behind TLS with certificates on both sides: the whole contract, and who does not get in. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { startBroker } from '../../src/collector/broker/broker.ts';
import { userOf } from '../../src/collector/broker/users.ts';
import { type AuthorityEnv, initAuthority, issueEdge } from '../../src/collector/pki/authority.ts';
import { HOST_CERTIFICATES } from '../../src/host/certificates.ts';
import { createHostEnv } from '../../src/host/env.ts';
import { createMemoryCollectorStore } from '../../src/lab/memory-collector-store.ts';
import type { EdgeId } from '../../src/model/ids.ts';
import { brokerSuite, next } from './broker.ts';

const hostEnv = createHostEnv({ logLevel: 'error' });
const authorityEnv: AuthorityEnv = { ...hostEnv, certificates: HOST_CERTIFICATES };

/** An authority with a broker's certificate and those of e1 and e2. */
async function authority() {
  const folder = await mkdtemp(join(tmpdir(), 'deltawatt-pki-'));
  await initAuthority(authorityEnv, { folder, name: 'Test authority', hosts: ['localhost', '127.0.0.1', '::1'] });
  for (const edgeId of ['e1', 'e2']) await issueEdge(authorityEnv, folder, edgeId);
  const read = (name: string) => readFile(join(folder, name), 'utf8');
  const pair = async (name: string) => ({ cert: await read(`${name}.pem`), key: await read(`${name}.key`) });
  const [ca, server, e1, e2] = [
    await read('ca.pem'),
    await pair('broker'),
    await pair('edges/e1'),
    await pair('edges/e2'),
  ];
  return { folder, ca, server, e1, e2, remove: () => rm(folder, { recursive: true }) };
}

async function secured(pki: Awaited<ReturnType<typeof authority>>) {
  const store = createMemoryCollectorStore({ clock: hostEnv.clock, term: new Uint8Array(12) });
  for (const edgeId of ['e1', 'e2'] as EdgeId[]) {
    await store.saveBrokerUser(userOf(hostEnv, edgeId, new TextEncoder().encode(`secret-${edgeId}`), 'active'));
  }
  const tls = { host: '127.0.0.1', port: 0, ...pki.server, clientCa: pki.ca };
  const settings = { host: '127.0.0.1', port: 0, addressConnections: 1_000, tls };
  return startBroker({ env: hostEnv, users: store, store }, settings);
}

brokerSuite('embedded, mTLS', async () => {
  const pki = await authority();
  const broker = await secured(pki);
  return {
    port: broker.port,
    collector: broker.collector,
    refusesAtSubscribe: true,
    way: (clientId) => {
      if (clientId === broker.collector.clientId) return {};
      const { cert, key } = clientId === 'e2' ? pki.e2 : pki.e1;
      return { protocol: 'mqtts', port: broker.tlsPort ?? 0, ca: pki.ca, cert, key };
    },
    stop: async () => {
      await broker.close();
      await pki.remove();
    },
  };
});

describe('ALA-6 mTLS at the embedded broker', () => {
  let pki: Awaited<ReturnType<typeof authority>>;
  let stranger: Awaited<ReturnType<typeof authority>>;
  let broker: Awaited<ReturnType<typeof secured>>;
  before(async () => {
    [pki, stranger] = [await authority(), await authority()];
    broker = await secured(pki);
  });
  after(async () => {
    await broker.close();
    await pki.remove();
    await stranger.remove();
  });

  /** Resolves when the broker has ended this connection. */
  const ended = async (options: ConnectionOptions): Promise<void> => {
    const socket = connectTls({ host: '127.0.0.1', port: broker.tlsPort ?? 0, ...options });
    socket.on('error', () => {});
    socket.resume();
    await next(socket, 'close');
  };
  const connecting = (certificate: 'e1' | 'e2', user: string) =>
    hostEnv.mqtt.connect(
      {
        url: `mqtts://127.0.0.1:${broker.tlsPort}`,
        clientId: user,
        username: user,
        password: `secret-${user}`,
        keepAliveS: 60,
        connectTimeoutMs: 5_000,
        tls: { ca: pki.ca, ...pki[certificate] },
      },
      { message: async () => {}, closed: () => {} },
    );

  test('a concentrator with its own certificate and password comes in, by our client', async () => {
    const connection = await connecting('e1', 'e1');
    await connection.close();
  });

  test('no certificate, one of another authority, and TLS 1.2 end in the handshake', async () => {
    const attempts = [
      { ca: pki.ca },
      { ca: pki.ca, ...stranger.e1 },
      { ca: pki.ca, ...pki.e1, maxVersion: 'TLSv1.2' },
    ] as const;
    for (const [at, attempt] of attempts.entries()) {
      await ended(attempt);
      assert.equal(broker.cuts()['TLS handshake'], at + 1, JSON.stringify(Object.keys(attempt)));
    }
    assert.equal(broker.sessions(), 0);
  });

  test('the certificate of one concentrator does not let another in, whatever its password', async () => {
    await assert.rejects(connecting('e1', 'e2'), { code: 'MQTT_REFUSED' });
    assert.equal(broker.cuts()['certificate of another'], 1);
  });

  test('a concentrator does not talk to a broker of another authority', async () => {
    await assert.rejects(
      hostEnv.mqtt.connect(
        {
          url: `mqtts://127.0.0.1:${broker.tlsPort}`,
          clientId: 'e1',
          username: 'e1',
          password: 'secret-e1',
          keepAliveS: 60,
          connectTimeoutMs: 5_000,
          tls: { ca: stranger.ca, ...pki.e1 },
        },
        { message: async () => {}, closed: () => {} },
      ),
      { code: 'MQTT_UNREACHABLE' },
    );
  });
});
