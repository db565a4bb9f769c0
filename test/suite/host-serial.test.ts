import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { concat } from '../../src/base/bytes.ts';
import type { SerialSettings } from '../../src/base/env.ts';
import { hasCode } from '../../src/base/errors.ts';
import { type Log, type LogFields, SILENT_LOG } from '../../src/base/log.ts';
import { LOCK_WAIT_MS } from '../../src/host/limits.ts';
import { hostSerial } from '../../src/host/serial.ts';
import { Heard } from './env-net.ts';

const SOCAT = ['/usr/bin/socat', '/usr/local/bin/socat', '/opt/homebrew/bin/socat'].find(existsSync);
const SETTINGS: SerialSettings = { baud: 9600, dataBits: 8, parity: 'none', stopBits: 1 };

interface Line {
  readonly near: string;
  readonly far: string;
  /** Pulls the plug. */
  end(): Promise<void>;
}

/** Two pseudo-terminals joined by socat. */
async function line(): Promise<Line> {
  const folder = await mkdtemp(join(tmpdir(), 'deltawatt-line-'));
  const [near, far] = [join(folder, 'near'), join(folder, 'far')];
  const args = ['-d', '-d', `pty,raw,echo=0,link=${near}`, `pty,raw,echo=0,link=${far}`];
  const child: ChildProcess = spawn(SOCAT ?? '', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(child, 'close');
  await new Promise<void>((resolve, reject) => {
    let words = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      words += chunk.toString();
      if (words.includes('starting data transfer loop')) resolve();
    });
    child.once('close', () => reject(new Error(`socat ended: ${words}`)));
  });
  const end = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  return { near, far, end };
}

describe('host serial: pseudo-terminals', { skip: SOCAT === undefined ? 'socat is not installed' : false }, () => {
  const ports = hostSerial(SILENT_LOG, realpath);

  for (const [baud, dataBits, parity, stopBits] of [
    [2400, 8, 'even', 1],
    [300, 7, 'even', 1],
    [9600, 8, 'none', 1],
    [115_200, 8, 'odd', 2],
  ] as const) {
    test(`${baud} ${dataBits}${parity}${stopBits} carries octets both ways`, async () => {
      const between = await line();
      const near = await ports.open(between.near, { baud, dataBits, parity, stopBits });
      const far = await ports.open(between.far, { baud, dataBits, parity, stopBits });
      const atNear = new Heard(near);
      const atFar = new Heard(far);
      // All that a line may carry, also what a terminal would eat or change.
      const octets = Uint8Array.from({ length: dataBits === 7 ? 128 : 256 }, (_, index) => index);
      await near.write(octets);
      assert.deepEqual(await atFar.octets(octets.length), octets);
      await far.write(concat([octets, octets]));
      assert.equal((await atNear.octets(2 * octets.length)).length, 2 * octets.length);
      near.close();
      far.close();
      await Promise.all([atNear.closed, atFar.closed]);
      await between.end();
    });
  }

  test('a port whose lock somebody holds for a moment longer is opened, one that stays held is not', async () => {
    const between = await line();
    const first = await ports.open(between.near, SETTINGS);
    await assert.rejects(ports.open(between.near, SETTINGS), (error) => hasCode(error, 'SERIAL_OPEN_FAILED'));
    const heard = new Heard(first);
    const second = ports.open(between.near, SETTINGS);
    // Held for so long: an opening that tries once would have failed by then.
    await new Promise((resolve) => setTimeout(resolve, 3 * LOCK_WAIT_MS));
    first.close();
    await heard.closed;
    const again = new Heard(await second);
    (await second).close();
    await again.closed;
    await between.end();
  });

  test('a line that is pulled out is heard once, and writing rejects', async () => {
    const between = await line();
    const near = await ports.open(between.near, SETTINGS);
    const heard = new Heard(near);
    await between.end();
    await heard.closed;
    assert.equal(heard.closedCount, 1);
    await assert.rejects(near.write(Uint8Array.of(1)), (error) => hasCode(error, 'DUPLEX_CLOSED'));
  });

  test('a line that is gone before it is first looked at is heard once too', async () => {
    const between = await line();
    const pulled = hostSerial(SILENT_LOG, async (path) => {
      await between.end();
      return path;
    });
    const heard = new Heard(await pulled.open(between.near, SETTINGS));
    await heard.closed;
    assert.equal(heard.closedCount, 1);
  });

  test('a port that is open already is SERIAL_OPEN_FAILED', async () => {
    const between = await line();
    const near = await ports.open(between.near, SETTINGS);
    const again = ports.open(between.near, SETTINGS);
    await assert.rejects(again, (error) => hasCode(error, 'SERIAL_OPEN_FAILED'));
    near.close();
    await between.end();
  });
});

describe('host serial: warnings', { skip: SOCAT === undefined ? 'socat is not installed' : false }, () => {
  test('a pseudo-terminal is accepted, and the log says what it cannot do', async () => {
    const warnings: string[] = [];
    const log: Log = { ...SILENT_LOG, warn: (event, fields) => warnings.push(`${event} ${fields?.['framing']}`) };
    const between = await line();
    const near = await hostSerial(log, realpath).open(between.near, { ...SETTINGS, parity: 'even' });
    assert.deepEqual(warnings, ['serial.pty-has-no-parity-nor-pace 8E1']);
    near.close();
    await between.end();
  });
});

describe('host serial: what can go wrong', () => {
  test('a path that is not there is SERIAL_OPEN_FAILED with the path', async () => {
    await assert.rejects(hostSerial(SILENT_LOG, realpath).open('/dev/no-such-port', SETTINGS), (error) => {
      assert.ok(hasCode(error, 'SERIAL_OPEN_FAILED'));
      assert.match(String(error), /no-such-port/);
      return true;
    });
  });

  test('a path that is no serial port is SERIAL_OPEN_FAILED and no warning', async () => {
    const warnings: (LogFields | undefined)[] = [];
    const log: Log = { ...SILENT_LOG, warn: (_event, fields) => warnings.push(fields) };
    await assert.rejects(hostSerial(log, realpath).open('/dev/null', SETTINGS), (error) =>
      hasCode(error, 'SERIAL_OPEN_FAILED'),
    );
    assert.deepEqual(warnings, []);
  });
});
