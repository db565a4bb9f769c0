/** tools/setup.mjs in a folder of its own, with an npm that only notes that it was called. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '..', '..');

/** Notes each call, then waits for the file `go` when `slow` is there; fails when `broken` is there. */
const FAKE_NPM = `
const fs = require('node:fs');
fs.appendFileSync('npm-calls', process.argv.slice(2).join(' ') + '\\n');
if (fs.existsSync('broken')) { console.error('E404 no such package'); process.exit(1); }
fs.mkdirSync('node_modules', { recursive: true });
const wait = () => { if (fs.existsSync('slow') && !fs.existsSync('go')) setTimeout(wait, 20); };
wait();
`;

/** Instead of TypeScript's compiler: copies sources with another ending. */
const FAKE_TSC = `
const fs = require('node:fs');
fs.appendFileSync('tsc-calls', 'x');
for (const file of fs.readdirSync('src', { recursive: true }).filter((name) => name.endsWith('.ts'))) {
  const to = 'dist/' + file.replace(/ts$/, 'js');
  fs.mkdirSync(require('node:path').dirname(to), { recursive: true });
  fs.copyFileSync('src/' + file, to);
}
`;

interface Clone {
  readonly folder: string;
  readonly at: (...parts: string[]) => string;
  start(...args: string[]): Started;
  run(...args: string[]): Promise<Ended>;
}

interface Ended {
  readonly code: number | null;
  readonly words: string;
}

interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when the words have been said. */
  says(words: string): Promise<void>;
}

async function inClone(body: (clone: Clone) => Promise<void>): Promise<void> {
  // A folder of mode 700, as under somebody's home.
  const folder = mkdtempSync(join(tmpdir(), 'deltawatt-setup-'));
  chmodSync(folder, 0o700);
  const at = (...parts: string[]): string => join(folder, ...parts);
  mkdirSync(at('tools'));
  mkdirSync(at('src', 'bin'), { recursive: true });
  mkdirSync(at('src', 'store'));
  copyFileSync(join(ROOT, 'tools', 'setup.mjs'), at('tools', 'setup.mjs'));
  writeFileSync(at('package.json'), JSON.stringify({ type: 'module', engines: { node: '>=20.19' } }));
  writeFileSync(at('package-lock.json'), JSON.stringify({ packages: { '': {}, 'node_modules/a': {} } }));
  writeFileSync(at('src', 'bin', 'deltawatt.ts'), '#!/usr/bin/env node\nconsole.log("program");\n');
  writeFileSync(at('src', 'store', 'one.sql'), 'select 1;\n');
  // The clone is of type module; the fakes are not.
  mkdirSync(at('fake'));
  writeFileSync(at('fake', 'package.json'), '{"type":"commonjs"}');
  writeFileSync(at('fake', 'npm.js'), FAKE_NPM);
  const start = (...args: string[]): Started => {
    const child = spawn(process.execPath, [at('tools', 'setup.mjs'), ...args], {
      cwd: folder,
      env: { ...process.env, npm_execpath: at('fake', 'npm.js') },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let words = '';
    let wake = (): void => {};
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        words += chunk.toString();
        wake();
      });
    }
    const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, words }));
    const says = async (wanted: string): Promise<void> => {
      while (!words.includes(wanted)) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    };
    return { child, ended, says };
  };
  try {
    await body({ folder, at, start, run: (...args) => start(...args).ended });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function installCompiler(at: (...parts: string[]) => string): void {
  mkdirSync(at('node_modules', 'typescript', 'bin'), { recursive: true });
  writeFileSync(at('node_modules', 'typescript', 'package.json'), '{"type":"commonjs"}');
  writeFileSync(at('node_modules', 'typescript', 'bin', 'tsc'), FAKE_TSC);
}

const callsOf = (clone: Clone, file: string): string =>
  existsSync(clone.at(file)) ? readFileSync(clone.at(file), 'utf8') : '';

test('an empty clone is installed by lockfile without install scripts, the second run is silent', () =>
  inClone(async (clone) => {
    const first = await clone.run();
    assert.equal(first.code, 0, first.words);
    assert.match(first.words, /installing 1 packages by lockfile/);
    assert.match(callsOf(clone, 'npm-calls'), /^ci --ignore-scripts --no-audit --no-fund /);
    assert.deepEqual(await clone.run(), { code: 0, words: '' });
    assert.equal(callsOf(clone, 'npm-calls').trim().split('\n').length, 1);
  }));

test('a changed lockfile is installed again', () =>
  inClone(async (clone) => {
    await clone.run();
    writeFileSync(clone.at('package-lock.json'), JSON.stringify({ packages: { '': {}, a: {}, b: {} } }));
    assert.match((await clone.run()).words, /installing 2 packages/);
  }));

test('a failing install is told with its own words, exit 1, and tried again the next time', () =>
  inClone(async (clone) => {
    writeFileSync(clone.at('broken'), '');
    const first = await clone.run();
    assert.equal(first.code, 1);
    assert.match(first.words, /E404 no such package/);
    assert.match(first.words, /installing failed \(exit 1\)/);
    rmSync(clone.at('broken'));
    assert.equal((await clone.run()).code, 0);
  }));

test('two at once: one installs, the other waits and finds it done', () =>
  inClone(async (clone) => {
    writeFileSync(clone.at('slow'), '');
    const first = clone.start();
    await first.says('installing');
    const second = clone.start();
    await second.says('waiting for another set-up');
    writeFileSync(clone.at('go'), '');
    assert.equal((await first.ended).code, 0);
    const waited = await second.ended;
    assert.equal(waited.code, 0, waited.words);
    assert.equal(callsOf(clone, 'npm-calls').trim().split('\n').length, 1);
  }));

test('the lock of a process that is gone is removed', () =>
  inClone(async (clone) => {
    const gone = spawn(process.execPath, ['-e', '']);
    await once(gone, 'close');
    mkdirSync(clone.at('.deltawatt'));
    symlinkSync(`${gone.pid} 1`, clone.at('.deltawatt', 'setup.lock'));
    const ended = await clone.run();
    assert.equal(ended.code, 0, ended.words);
    assert.match(ended.words, /removing the lock of process \d+, which is gone/);
    assert.equal(existsSync(clone.at('.deltawatt', 'setup.lock')), false);
  }));

test('the lock of an id that another process has by now is removed', { skip: process.platform !== 'linux' }, () =>
  inClone(async (clone) => {
    mkdirSync(clone.at('.deltawatt'));
    symlinkSync(`${process.pid} 1`, clone.at('.deltawatt', 'setup.lock'));
    const ended = await clone.run();
    assert.equal(ended.code, 0, ended.words);
    assert.match(ended.words, /which is gone/);
  }),
);

test('a set-up that is interrupted leaves no lock', () =>
  inClone(async (clone) => {
    writeFileSync(clone.at('slow'), '');
    const first = clone.start();
    await first.says('installing');
    first.child.kill('SIGINT');
    assert.equal((await first.ended).code, 130);
    writeFileSync(clone.at('go'), '');
    assert.equal((await clone.run()).code, 0);
  }));

test('an old Node is told in one sentence', () =>
  inClone(async (clone) => {
    writeFileSync(clone.at('package.json'), JSON.stringify({ type: 'module', engines: { node: '>=99.1' } }));
    const ended = await clone.run();
    assert.equal(ended.code, 1);
    assert.match(ended.words, /^set-up: Node [\d.]+ is too old: Deltawatt needs Node 99\.1 or later\. .*\n$/);
  }));

test('an unknown option is refused', () =>
  inClone(async (clone) => {
    const ended = await clone.run('--bild');
    assert.equal(ended.code, 1);
    assert.match(ended.words, /unknown option --bild/);
  }));

test('a build is made once, again when a source changed, and outputs without a source go', () =>
  inClone(async (clone) => {
    await clone.run();
    installCompiler(clone.at);
    writeFileSync(clone.at('src', 'old.ts'), '1;\n');
    const first = await clone.run('--build');
    assert.equal(first.code, 0, first.words);
    assert.ok(existsSync(clone.at('dist', 'old.js')));
    assert.equal(readFileSync(clone.at('dist', 'store', 'one.sql'), 'utf8'), 'select 1;\n');
    assert.equal(readlinkSync(clone.at('node_modules', '.bin', 'deltawatt')), '../../dist/bin/deltawatt.js');
    assert.deepEqual(await clone.run('--build'), { code: 0, words: '' });
    rmSync(clone.at('src', 'old.ts'));
    assert.match((await clone.run('--build')).words, /built in/);
    assert.equal(existsSync(clone.at('dist', 'old.js')), false);
    assert.equal(callsOf(clone, 'tsc-calls'), 'xx');
  }));

test('modules that are linked from another clone are left alone', () =>
  inClone(async (clone) => {
    mkdirSync(clone.at('elsewhere'));
    symlinkSync(clone.at('elsewhere'), clone.at('node_modules'));
    assert.deepEqual(await clone.run(), { code: 0, words: '' });
    assert.equal(callsOf(clone, 'npm-calls'), '');
  }));
