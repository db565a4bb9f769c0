/** The broker suite on mosquitto, set up as docs/guides/enrol-an-edge.md says. Named and skipped where it is not installed. */
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { COLLECTOR_USER } from '../../src/collector/broker/access.ts';
import type { EdgeId } from '../../src/model/ids.ts';
import { LEAVES, topicOf } from '../../src/wire/topics.ts';
import { type BrokerUnderTest, brokerSuite } from './broker.ts';

const PROGRAM = ['/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto', '/opt/homebrew/sbin/mosquitto'].find((path) =>
  existsSync(path),
);
const sha256 = (octets: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(octets).digest());

/** A port that was free a moment ago: mosquitto does not tell which it took. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function accessList(edges: readonly EdgeId[]): string {
  const lines = edges.flatMap((edgeId) => [
    `user ${edgeId}`,
    `topic write ${topicOf(edgeId, LEAVES.blocks, sha256)}`,
    `topic write ${topicOf(edgeId, LEAVES.controlUp, sha256)}`,
    `topic read ${topicOf(edgeId, LEAVES.controlDown, sha256)}`,
  ]);
  return [
    ...lines,
    `user ${COLLECTOR_USER}`,
    'topic read dw/+/+/b',
    'topic read dw/+/+/c',
    'topic write dw/+/+/d',
    '',
  ].join('\n');
}

async function start(program: string): Promise<BrokerUnderTest> {
  const folder = mkdtempSync(join(tmpdir(), 'deltawatt-mosquitto-'));
  const port = await freePort();
  const path = (name: string): string => join(folder, name);
  writeFileSync(
    path('passwords'),
    ['e1:secret-e1', 'e2:secret-e2', `${COLLECTOR_USER}:collector-secret`, ''].join('\n'),
    { mode: 0o600 },
  );
  execFileSync('mosquitto_passwd', ['-U', path('passwords')]);
  writeFileSync(path('access'), accessList(['e1', 'e2'] as EdgeId[]), { mode: 0o600 });
  const isRoot = process.getuid?.() === 0;
  const config = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous false',
    `password_file ${path('passwords')}`,
    `acl_file ${path('access')}`,
    'use_username_as_clientid true',
    'max_packet_size 525376',
    'persistence false',
    'log_dest stderr',
    'log_type error',
    'log_type notice',
    ...(isRoot ? ['user root'] : []),
    '',
  ];
  writeFileSync(path('config'), config.join('\n'));
  const child = spawn(program, ['-c', path('config')], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  await listening(port, () => {
    if (child.exitCode !== null) throw new Error(`mosquitto ended: ${said}`);
  });
  return {
    port,
    refusesAtSubscribe: false,
    collector: { clientId: COLLECTOR_USER, username: COLLECTOR_USER, password: 'collector-secret' },
    async stop() {
      const gone = once(child, 'exit');
      child.kill();
      await gone;
      rmSync(folder, { recursive: true });
    },
  };
}

/** Waits until something listens. */
async function listening(port: number, check: () => void): Promise<void> {
  for (;;) {
    check();
    const socket = connect(port, '127.0.0.1');
    const isUp = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'close').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (isUp) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

if (PROGRAM === undefined) test('mosquitto', { skip: 'mosquitto is not installed' }, () => {});
else brokerSuite('mosquitto', () => start(PROGRAM));
