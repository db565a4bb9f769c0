import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { STOP_ECHO_MS } from '../../../src/host/limits.ts';

const SOURCE = join(import.meta.dirname, '..', '..', '..', 'src');

interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<unknown[]>;
  readonly output: () => string;
}

/** A program that waits, and stops as `stop` says. */
function program(stop: string): Promise<Started> {
  return started(`
    const { onStopSignal } = await import(${JSON.stringify(join(SOURCE, 'host', 'signals.ts'))});
    const { SILENT_LOG } = await import(${JSON.stringify(join(SOURCE, 'base', 'log.ts'))});
    setInterval(() => {}, 1000);
    onStopSignal(SILENT_LOG, ${stop});
    console.log('ready');`);
}

/** A program, once it has said that it is ready. */
async function started(script: string): Promise<Started> {
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  const ended = once(child, 'close');
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes('ready')) resolve();
    });
  });
  return { child, ended, output: () => output };
}

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  test(`${signal} stops the program in order, exit 0`, async () => {
    const { child, ended, output } = await program(`async () => { console.log('stopped'); }`);
    child.kill(signal);
    assert.deepEqual(await ended, [0, null]);
    assert.match(output(), /stopped/);
  });
}

test('a stop that fails is exit 1', async () => {
  const { child, ended } = await program(`async () => { throw new Error('no'); }`);
  child.kill('SIGTERM');
  assert.deepEqual(await ended, [1, null]);
});

test('a second signal ends a stop that hangs, exit 130', async () => {
  const { child, ended, output } = await program(
    `() => { setTimeout(() => console.log('hanging'), ${STOP_ECHO_MS + 50}); return new Promise(() => {}); }`,
  );
  child.kill('SIGINT');
  while (!output().includes('hanging')) await once(child.stdout ?? child, 'data');
  child.kill('SIGINT');
  assert.deepEqual(await ended, [130, null]);
});

test('the echo of a signal, as npm sends it, does not cut the stop short', async () => {
  const { child, ended, output } = await program(
    `() => { console.log('stopping'); return new Promise((done) => setTimeout(done, 100)); }`,
  );
  child.kill('SIGINT');
  while (!output().includes('stopping')) await once(child.stdout ?? child, 'data');
  child.kill('SIGINT');
  assert.deepEqual(await ended, [0, null]);
});

test('work that spawned programs ends them at a signal and clears up behind itself, exit 130', async () => {
  const script = `
    const { interruptible } = await import(${JSON.stringify(join(SOURCE, 'host', 'signals.ts'))});
    const { createProcessHost } = await import(${JSON.stringify(join(SOURCE, 'host', 'process.ts'))});
    const host = createProcessHost();
    const endless = () => host.spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { folder: '/', environment: {}, line: () => {} });
    await interruptible(async () => {
      const child = await endless();
      console.log('ready ' + child.pid);
      console.log(await child.ended);
      await endless().catch((error) => console.log(error.message));
      console.log('cleared up');
    });`;
  const { child, ended, output } = await started(script);
  const pid = Number(/ready (\d+)/.exec(output())?.[1]);
  child.kill('SIGINT');
  assert.deepEqual(await ended, [130, null]);
  assert.match(output(), /signal SIGKILL\n.*is not started: this program ends\ncleared up\n/);
  assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
});

test('work that spawned nothing ends at once at a signal, exit 130', async () => {
  const { child, ended } = await started(`
    const { interruptible } = await import(${JSON.stringify(join(SOURCE, 'host', 'signals.ts'))});
    setInterval(() => {}, 1000);
    const working = interruptible(() => new Promise(() => {}));
    console.log('ready');
    await working;`);
  child.kill('SIGTERM');
  assert.deepEqual(await ended, [130, null]);
});
