import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import type { HttpAnswer } from '../../src/base/env.ts';
import { hasCode } from '../../src/base/errors.ts';
import { HTTP_HEADERS_TIMEOUT_MS } from '../../src/host/limits.ts';
import { HOST_NET } from '../../src/host/net.ts';
import { Heard, netSuite } from './env-net.ts';

const HOST = '127.0.0.1';

netSuite('host', () => ({ server: HOST_NET, client: HOST_NET, host: HOST, drive: (promise) => promise }));

test('host net: a refused connection is TCP_UNREACHABLE', async () => {
  const listener = await HOST_NET.listenTcp(HOST, 0, () => {});
  await listener.close();
  await assert.rejects(HOST_NET.connectTcp(HOST, listener.port, { timeoutMs: 1000 }), (error) =>
    hasCode(error, 'TCP_UNREACHABLE'),
  );
});

test('host net: a connection that takes too long is TCP_TIMEOUT', async () => {
  const listener = await HOST_NET.listenTcp(HOST, 0, () => {});
  const connecting = HOST_NET.connectTcp(HOST, listener.port, { timeoutMs: 1 });
  // Timers that are due run before sockets are looked at, so a busy moment makes the time-out certain.
  const startedMs = performance.now();
  while (performance.now() - startedMs < 20) Math.sqrt(2);
  await assert.rejects(connecting, (error) => hasCode(error, 'TCP_TIMEOUT'));
  await listener.close();
});

test('host net: a port in use is TCP_LISTEN_FAILED', async () => {
  const listener = await HOST_NET.listenTcp(HOST, 0, () => {});
  await assert.rejects(
    HOST_NET.listenTcp(HOST, listener.port, () => {}),
    (error) => hasCode(error, 'TCP_LISTEN_FAILED'),
  );
  await listener.close();
  await listener.close();
});

test('host net: a peer that resets gives a reason', async () => {
  const peers: Heard[] = [];
  const listener = await HOST_NET.listenTcp(HOST, 0, (duplex) => peers.push(new Heard(duplex)));
  const socket = connect(listener.port, HOST);
  await once(socket, 'connect');
  socket.write('x');
  const deadline = Date.now() + 5_000;
  while (peers.length === 0 && Date.now() < deadline) await new Promise((resolve) => setImmediate(resolve));
  await peers[0]?.octets(1);
  socket.resetAndDestroy();
  const reason = await peers[0]?.closed;
  assert.match(String(reason), /ECONNRESET/);
  await listener.close();
});

test('host net: a peer that takes nothing is felt by the writer', async () => {
  const held: ((octets: Uint8Array) => Promise<void>)[] = [];
  const listener = await HOST_NET.listenTcp(HOST, 0, (duplex) => held.push((octets) => duplex.write(octets)));
  const socket = connect(listener.port, HOST);
  socket.pause();
  await once(socket, 'connect');
  const deadline = Date.now() + 5_000;
  while (held.length === 0 && Date.now() < deadline) await new Promise((resolve) => setImmediate(resolve));
  const write = held[0];
  assert.ok(write !== undefined);
  let taken = false;
  const written = write(new Uint8Array(32 << 20)).then(() => {
    taken = true;
  });
  assert.equal(
    await Promise.race([written, new Promise((resolve) => setImmediate(() => resolve('waiting')))]),
    'waiting',
  );
  assert.equal(taken, false);
  socket.resume();
  await written;
  socket.resetAndDestroy();
  await listener.close();
});

interface Reply {
  readonly status: number | undefined;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
}

function ask(port: number, path: string, method = 'GET'): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: HOST, port, path, method }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
    });
    asked.on('error', reject);
    asked.end();
  });
}

async function onHttp(
  answer: (path: string) => Promise<HttpAnswer>,
  body: (port: number) => Promise<void>,
): Promise<void> {
  const listener = await HOST_NET.serveHttp(HOST, 0, answer);
  try {
    await body(listener.port);
  } finally {
    await listener.close();
  }
}

test('host http: a GET is answered with its path, type and length', () =>
  onHttp(
    async (path) => ({ status: 200, contentType: 'application/json', body: JSON.stringify({ path, sign: '±' }) }),
    async (port) => {
      const reply = await ask(port, '/health?long=1');
      assert.equal(reply.status, 200);
      assert.equal(reply.headers['content-type'], 'application/json');
      assert.deepEqual(JSON.parse(reply.body), { path: '/health?long=1', sign: '±' });
      assert.equal(reply.headers['content-length'], String(Buffer.byteLength(reply.body)));
    },
  ));

test('host http: other methods are 405, a failing answer is a 500 without details', () =>
  onHttp(
    () => Promise.reject(new Error('a secret reason')),
    async (port) => {
      assert.equal((await ask(port, '/', 'POST')).status, 405);
      const reply = await ask(port, '/');
      assert.equal(reply.status, 500);
      assert.doesNotMatch(reply.body, /secret/);
    },
  ));

test('host http: headers that do not end are cut after 3 s', () =>
  onHttp(
    async () => ({ status: 200, contentType: 'text/plain', body: '' }),
    async (port) => {
      const socket = connect(port, HOST);
      await once(socket, 'connect');
      const startedMs = performance.now();
      socket.write('GET / HTTP/1.1\r\nHost: here\r\nSlow: ');
      socket.resume();
      await once(socket, 'close');
      const tookMs = performance.now() - startedMs;
      assert.ok(tookMs >= HTTP_HEADERS_TIMEOUT_MS - 100 && tookMs < HTTP_HEADERS_TIMEOUT_MS + 2_000, `${tookMs} ms`);
    },
  ));

test('host http: headers above 8 KiB are refused', () =>
  onHttp(
    async () => ({ status: 200, contentType: 'text/plain', body: '' }),
    async (port) => {
      const reply = await ask(port, `/${'x'.repeat(9_000)}`);
      assert.equal(reply.status, 431);
    },
  ));
