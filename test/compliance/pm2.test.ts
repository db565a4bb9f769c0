/**
 * config/ecosystem.config.cjs under pm2 itself. pm2 is no dependency, so the test installs it into .deltawatt/cache, and is
 * skipped by name where that is not possible.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';

const ROOT = join(import.meta.dirname, '..', '..');
const PM2 = 'pm2@6.0.14';
const CACHE = join(ROOT, '.deltawatt', 'cache', PM2);
const RUNTIME = join(CACHE, 'node_modules', 'pm2', 'bin', 'pm2-runtime');
const INSTALL_MAX_MS = 120_000;

/** Why pm2 is not there; undefined when it is. */
function install(): string | undefined {
  if (existsSync(RUNTIME)) return undefined;
  mkdirSync(CACHE, { recursive: true });
  writeFileSync(join(CACHE, 'package.json'), '{"private":true}\n');
  const options = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = spawnSync('npm', ['install', ...options, PM2], { cwd: CACHE, encoding: 'utf8', timeout: INSTALL_MAX_MS });
  if (npm.status === 0 && existsSync(RUNTIME)) return undefined;
  return `npm could not install ${PM2}: ${npm.error?.message ?? npm.stderr.trim().split('\n').at(0) ?? ''}`;
}

/** pm2 in the foreground with a home of its own, its words, and its end. */
class Runtime {
  output = '';
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  #wake = (): void => {};

  constructor(folder: string, ...args: string[]) {
    this.child = spawn(process.execPath, [RUNTIME, 'start', join(ROOT, 'config', 'ecosystem.config.cjs'), ...args], {
      cwd: folder,
      env: {
        ...process.env,
        PM2_HOME: join(folder, 'pm2'),
        DELTAWATT_CONFIG: folder,
        PM2_DISABLE_VERSION_CHECK: 'true',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk.toString();
        this.#wake();
      });
    }
    this.ended = new Promise((resolve) => {
      this.child.once('close', (code) => {
        resolve(code);
        this.#wake();
      });
    });
  }

  /** Resolves when pm2 or a program said it; throws with all that was said when pm2 ends before. */
  async said(words: RegExp): Promise<void> {
    let ended = false;
    void this.ended.then(() => {
      ended = true;
    });
    while (!words.test(this.output)) {
      assert.ok(!ended, `pm2 ended without ${words}:\n${this.output}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

const missing = install();

describe('the programs under pm2', { skip: missing ?? false }, () => {
  let folder = '';
  let runtime: Runtime | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'deltawatt-pm2-'));
  });
  afterEach(async () => {
    runtime?.child.kill('SIGTERM');
    await runtime?.ended;
    rmSync(folder, { recursive: true, force: true });
  });

  test('the edge starts, is restarted after a kill, and stops in order', { timeout: 60_000 }, async () => {
    const keys = Object.fromEntries(
      ['key', 'commandPublicKey', 'limitsPublicKey'].map((name) => [name, '5a'.repeat(32)]),
    );
    const enrolment = { edgeId: 'edge-1', url: 'mqtt://127.0.0.1:1', password: 'x', ...keys };
    writeFileSync(join(folder, 'enrolment.json'), JSON.stringify(enrolment), { mode: 0o600 });
    writeFileSync(
      join(folder, 'edge.yaml'),
      `stateFolder: ${folder}/state\nenrolmentFile: ${folder}/enrolment.json\nhealth:\n  port: 0\n`,
    );
    runtime = new Runtime(folder, '--only', 'deltawatt-edge');
    await runtime.said(/concentrator\.started/);
    process.kill(Number(readFileSync(join(folder, 'pm2', 'pids', 'deltawatt-edge-0.pid'), 'utf8')), 'SIGKILL');
    await runtime.said(/concentrator\.started[\s\S]*concentrator\.started/);
    runtime.child.kill('SIGTERM');
    await runtime.ended;
    assert.match(runtime.output, /\[deltawatt-edge:0\] exited with code \[0\] via signal \[SIGINT\]/);
    const logs = join(folder, 'pm2', 'logs');
    const written = readdirSync(logs).map((name) => readFileSync(join(logs, name), 'utf8'));
    assert.match(written.join(''), /program\.stopping[\s\S]*concentrator\.stopped/);
  });

  test('settings that are not right stop both programs for a person, with the reasons', {
    timeout: 60_000,
  }, async () => {
    writeFileSync(join(folder, 'edge.yaml'), 'stateFoldr: /tmp\njournal:\n  flushS: 0\n');
    writeFileSync(join(folder, 'collector.yaml'), 'api:\n  port: http\n');
    runtime = new Runtime(folder);
    await runtime.ended;
    for (const words of [/stateFoldr: /, /journal\.flushS: /, /api\.port: /]) assert.match(runtime.output, words);
    for (const name of ['deltawatt-edge', 'deltawatt-collector']) {
      const ends: readonly string[] | null = runtime.output.match(
        new RegExp(`\\[${name}:\\d\\] exited with code \\[2\\]`, 'g'),
      );
      assert.equal(ends?.length, 1, runtime.output);
    }
  });
});
