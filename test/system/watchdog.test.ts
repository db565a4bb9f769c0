/**
 * The built edge under a service manager that listens as systemd does: a unix datagram socket, here held by socat. It says
 * that it is ready, pings without a broker and without meters, and says that it stops.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';

const PROGRAM = fileURLToPath(new URL('../../dist/bin/deltawatt.js', import.meta.url));
const missing = ['socat', 'systemd-notify'].find((name) => spawnSync(name, ['--version']).error !== undefined);
const folder = mkdtempSync(join(tmpdir(), 'deltawatt-watchdog-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const WATCHDOG_MS = 1_500;
const KEY = '11'.repeat(32);

/** Settings of an edge with a meter that nobody plays and a broker that is not there. */
function writeSettings(): string {
  const path = (name: string) => join(folder, name);
  const keys = { key: KEY, commandPublicKey: KEY, limitsPublicKey: KEY };
  const enrolment = { edgeId: 'watched', url: 'mqtt://127.0.0.1:1', password: 'x', ...keys };
  writeFileSync(path('enrolment.json'), JSON.stringify(enrolment));
  writeFileSync(path('password'), '00000000');
  const meter = { id: 'm1', profile: 'generic/idis', serial: '10000001', passwordFile: path('password') };
  writeFileSync(
    path('edge.yaml'),
    stringify({
      stateFolder: path('state'),
      enrolmentFile: path('enrolment.json'),
      journal: { ballastMiB: 0 },
      health: { port: 0 },
      lines: [{ id: 'line1', url: 'tcp+hdlc://127.0.0.1:1', meters: [meter] }],
    }),
  );
  return path('edge.yaml');
}

/** Collects what comes to a datagram socket; `until` resolves when the text holds something. */
async function listenAt(path: string) {
  const listener = spawn('socat', ['-u', `UNIX-RECV:${path}`, 'STDOUT'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  const looks = new Set<() => void>();
  listener.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    for (const look of looks) look();
  });
  while (!existsSync(path)) await new Promise((resolve) => setImmediate(resolve));
  const until = (holds: (text: string) => boolean) =>
    new Promise<string>((resolve) => {
      const look = () => {
        if (!holds(text)) return;
        looks.delete(look);
        resolve(text);
      };
      looks.add(look);
      look();
    });
  return { until, close: () => listener.kill() };
}

const times = (text: string, word: string): number => text.split(word).length - 1;

test('the edge tells its service manager that it is ready, that it lives, and that it stops', {
  skip: missing === undefined ? false : `${missing} is not installed`,
}, async () => {
  const socket = join(folder, 'notify');
  const manager = await listenAt(socket);
  const edge = spawn(process.execPath, [PROGRAM, 'edge', '--config', writeSettings()], {
    env: { ...process.env, NOTIFY_SOCKET: socket, WATCHDOG_USEC: String(WATCHDOG_MS * 1_000) },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(edge, 'exit');
  try {
    const first = await manager.until((text) => text.includes('READY=1'));
    assert.equal(times(first, 'WATCHDOG=1'), 0, 'ready comes first');
    await manager.until((text) => times(text, 'WATCHDOG=1') >= 3);
    edge.kill('SIGTERM');
    const all = await manager.until((text) => text.includes('STOPPING=1'));
    assert.equal(times(all, 'READY=1'), 1);
    assert.deepEqual(await ended, [0, null]);
  } finally {
    edge.kill('SIGKILL');
    manager.close();
  }
});
