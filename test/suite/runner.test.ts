/** tools/test.ts on a tree of tests that pass, fail, hang, skip and crash. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '..', '..');
const HEAD = "import assert from 'node:assert/strict';\nimport { describe, test } from 'node:test';\n";

const BUNDLED = ['--bundled'];

interface Ended {
  readonly code: number | null;
  readonly lines: string[];
  /** What the runner wrote to stderr. */
  readonly errors: string;
  /** What lies in its folder for files of its own when it has ended. */
  readonly left: readonly string[];
}

/** Runs the runner on these files, bundled as `npm test` has it unless `args` are others; `env` is added. */
async function runOn(
  files: Readonly<Record<string, string>>,
  args: readonly string[] = BUNDLED,
  env: NodeJS.ProcessEnv = {},
): Promise<Ended> {
  const folder = mkdtempSync(join(tmpdir(), 'deltawatt-runner-'));
  try {
    mkdirSync(join(folder, 'tools'));
    copyFileSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    const source = readFileSync(join(ROOT, 'tools', 'test.ts'), 'utf8');
    writeFileSync(join(folder, 'tools', 'test.ts'), Object.values(files).includes(HANGS) ? impatient(source) : source);
    for (const name of ['test-bundle.ts', 'test-group.ts'])
      copyFileSync(join(ROOT, 'tools', name), join(folder, 'tools', name));
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, 'test', path)), { recursive: true });
      writeFileSync(join(folder, 'test', path), text === '' ? '' : HEAD + text);
    }
    const { NODE_TEST_CONTEXT: _inner, CI: _ci, ...outer } = process.env;
    const child = spawn(process.execPath, ['--import', 'tsx', join('tools', 'test.ts'), ...args], {
      cwd: folder,
      env: { ...outer, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    const [code] = (await once(child, 'close')) as [number | null];
    const own = join(folder, '.deltawatt');
    const left = existsSync(own) ? readdirSync(own) : [];
    return { code, lines: output.trimEnd().split('\n'), errors, left };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const PASSES = "test('fine', () => {});\n";
const HANGS = "test('waits', () => new Promise(() => { setInterval(() => {}, 1000); }));\n";

/** The runner, ending what hangs after seconds instead of minutes; on a busy machine others may need as long to start. */
function impatient(source: string): string {
  const changed = source
    .replace(/'unit', timeoutMs: [\d_]+/, "'unit', timeoutMs: 8_000")
    .replace(/'suite', timeoutMs: [\d_]+/, "'suite', timeoutMs: 5_000");
  assert.ok(changed.includes("'unit', timeoutMs: 8_000") && changed.includes("'suite', timeoutMs: 5_000"));
  return changed;
}

test('tests of all suites are counted, suites in their order, the verdict on the last line', async () => {
  const { code, lines } = await runOn({
    'system/b.test.ts': "describe('group', () => { test('one', () => {}); test('two', () => {}); });\n",
    'unit/room/a.test.ts': PASSES,
    'other/c.test.ts': PASSES,
  });
  assert.equal(code, 0);
  assert.equal(lines.at(-1), '4 passed, 0 failed');
  const table = lines.slice(lines.findIndex((line) => line.startsWith('suite '))).map((line) => line.split(' ')[0]);
  assert.deepEqual(table.slice(0, 5), ['suite', 'unit', 'system', 'other', 'total']);
});

test('tests of a contract that several files run are counted each time, from sources and from bundles', async () => {
  const files = {
    'suite/contract.ts': `${HEAD}export const contract = (name) => { test(name + ' one', () => {}); test(name + ' two', () => assert.notEqual(name, 'b')); };\n`,
    'suite/a.test.ts': "import { contract } from './contract.ts';\ncontract('a');\n",
    'suite/b.test.ts': "import { contract } from './contract.ts';\ncontract('b');\n",
  };
  for (const args of [[], BUNDLED]) {
    const { code, lines } = await runOn(files, args);
    assert.equal(code, 1);
    assert.equal(lines.at(-1), '3 passed, 1 failed');
    assert.ok(lines.some((line) => line.includes('x b two')));
  }
});

test('a file that is no program fails by itself, the others run', async () => {
  const { code, lines } = await runOn({ 'suite/a.test.ts': 'const = 1;\n', 'suite/b.test.ts': PASSES });
  assert.deepEqual([code, lines.at(-1)], [1, '1 passed, 1 failed']);
  assert.match(lines.join('\n'), /could not be bundled[\s\S]*FAIL suite\/a\.test\.ts/);
});

test('a bundled file knows its own place, a failure names the line of its source, and no bundle is left', async () => {
  const { lines, left } = await runOn({
    'suite/beside.txt': 'what lies beside it',
    'suite/a.test.ts': [
      "import { readFileSync } from 'node:fs';",
      "const beside = readFileSync(new URL('./beside.txt', import.meta.url), 'utf8');",
      "test('reads', () => assert.match(beside, /lies beside it/));",
      "test('fails', () => { throw new Error(import.meta.dirname); });\n",
    ].join('\n'),
  });
  const text = lines.join('\n');
  assert.equal(lines.at(-1), '1 passed, 1 failed');
  assert.match(text, /Error: \S*\/test\/suite\n/);
  assert.match(text, /at .*test\/suite\/a\.test\.ts:6:/);
  assert.deepEqual(left, []);
});

test('a failure is named with its reason and what the file wrote, exit 1', async () => {
  const { code, lines } = await runOn({
    'unit/a.test.ts': `test('good', () => {});\ntest('bad', () => { console.log('a hint'); assert.equal(1, 2); });\n`,
  });
  assert.equal(code, 1);
  assert.equal(lines.at(-1), '1 passed, 1 failed');
  const text = lines.join('\n');
  assert.match(text, /FAIL unit\/a\.test\.ts/);
  assert.match(text, /x bad\n.*1 !== 2/s);
  assert.match(text, /a hint/);
});

test('a failing subtest is one failure, not also its parents', async () => {
  const { lines } = await runOn({
    'unit/a.test.ts': "test('parent', async (t) => { await t.test('child', () => { throw new Error('no'); }); });\n",
  });
  assert.equal(lines.at(-1), '0 passed, 1 failed');
});

test('a file that hangs, one that crashes and one without a test are failures, named', async () => {
  const { code, lines } = await runOn({
    'suite/crash.test.ts': "throw new Error('at load');\n",
    'suite/empty.test.ts': '',
    'suite/hang.test.ts': HANGS,
  });
  assert.equal(code, 1);
  assert.equal(lines.at(-1), '0 passed, 3 failed');
  const text = lines.join('\n');
  assert.match(text, /FAIL suite\/hang\.test\.ts/);
  assert.match(text, /timed out after 5000ms/);
  assert.match(text, /at load/);
  assert.match(text, /FAIL suite\/empty\.test\.ts.*\n.*holds no test/);
});

test('files of one process: one that crashes and one without a test are named, the others run', async () => {
  const { code, lines } = await runOn({
    'unit/a.test.ts': PASSES,
    'unit/b.test.ts': "throw new Error('at load');\n",
    'unit/c.test.ts': '',
    'unit/d.test.ts': PASSES,
  });
  assert.deepEqual([code, lines.at(-1)], [1, '2 passed, 2 failed']);
  const text = lines.join('\n');
  assert.match(text, /FAIL unit\/b\.test\.ts[\s\S]*at load/);
  assert.match(text, /FAIL unit\/c\.test\.ts.*\n.*holds no test/);
});

test('files of one process: a test that hangs or ends the process is named, and what never ran is no success', async () => {
  const hangs = await runOn({
    'unit/a.test.ts': PASSES,
    'unit/b.test.ts': HANGS,
    'unit/c.test.ts': PASSES,
  });
  assert.equal(hangs.code, 1);
  assert.match(hangs.lines.join('\n'), /the last test that began: waits\n.*timed out after 8000ms/);
  assert.match(hangs.lines.join('\n'), /FAIL unit\/c\.test\.ts/);
  const ends = await runOn({ 'unit/a.test.ts': "test('ends', () => { process.exit(0); });\n" });
  assert.deepEqual([ends.code, ends.lines.at(-1)], [1, '0 passed, 1 failed']);
});

test('a skip is named, and a failure where CI=true', async () => {
  const files = { 'unit/a.test.ts': `${PASSES}test('later', { skip: 'no broker' }, () => {});\n` };
  const here = await runOn(files);
  assert.deepEqual([here.code, here.lines.at(-1)], [0, '1 passed, 0 failed']);
  assert.ok(here.lines.some((line) => line.includes('unit/a.test.ts: later (no broker)')));
  const inCi = await runOn(files, BUNDLED, { CI: 'true' });
  assert.deepEqual([inCi.code, inCi.lines.at(-1)], [1, '1 passed, 1 failed']);
});

test('words choose files by their path; none chosen is no success', async () => {
  const files = { 'unit/base/a.test.ts': PASSES, 'unit/edge/b.test.ts': PASSES };
  assert.equal((await runOn(files, ['edge'])).lines.at(-1), '1 passed, 0 failed');
  const none = await runOn(files, ['nowhere']);
  assert.deepEqual([none.code, none.lines.at(-1)], [1, '0 passed, 0 failed']);
});

test('a file that waits more than it computes runs beside the others from the start on; many files, no word on stderr', async () => {
  const shows = "import { existsSync, writeFileSync } from 'node:fs';\n";
  // Each of the two that compute ends only once the other and the waiting one have begun.
  const sees = (own: string, ...others: string[]) =>
    `${shows}test('sees', async () => {
      writeFileSync('${own}', '');
      while (!${JSON.stringify(others)}.every((other) => existsSync(other))) await new Promise((next) => setTimeout(next, 20));
    });\n`;
  const many = Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`suite/m${at}.test.ts`, PASSES]));
  const { code, lines, errors } = await runOn({
    'suite/a.test.ts': sees('a', 'b', 'kill'),
    'suite/b.test.ts': sees('b', 'a', 'kill'),
    ...many,
    'fault/kill.test.ts': sees('kill', 'a', 'b'),
  });
  assert.deepEqual([code, lines.at(-1), errors], [0, '15 passed, 0 failed', '']);
});
