/**
 * `npm run check`: everything that can be said about the sources without starting the system.
 *
 * Types, format and lint, import rules, unused code, documentation, the wire contract and the unit tests, two at a time.
 * Each task's words are kept and shown only when it fails. The same command runs before each commit and in CI, where the unit
 * tests are left to the `npm test` that follows.
 */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const MODULES = join(ROOT, 'node_modules');
const PARALLEL = 2;
const OUTPUT_MAX_CHARS = 40_000;

const bin = (name) => join(MODULES, '.bin', name);
const hasFile = (folder, end) =>
  existsSync(join(ROOT, folder)) &&
  readdirSync(join(ROOT, folder), { recursive: true }).some((name) => name.endsWith(end));

/** Longest first, so that the short ones fill the gaps. */
const TASKS = [
  {
    name: 'unit tests',
    command: [process.execPath, '--import', 'tsx', 'tools/test.ts', '/test/unit/'],
    // In CI `npm test` follows and runs them.
    when: () => process.env['CI'] !== 'true' && hasFile('test/unit', '.test.ts'),
  },
  { name: 'types', command: [bin('tsc'), '-p', 'tsconfig.json'] },
  {
    name: 'types of the console',
    command: [bin('tsc'), '-p', 'src/collector/web/app'],
    when: () => existsSync(join(ROOT, 'src/collector/web/app/tsconfig.json')),
  },
  { name: 'documentation', command: [bin('typedoc'), '--emit', 'none'] },
  { name: 'import rules', command: [bin('depcruise'), '--config', '.dependency-cruiser.cjs', 'src'] },
  {
    name: 'unused code',
    command: [bin('knip'), '--no-progress'],
    // Before the programs join their rooms, everything is unused.
    when: () =>
      ['src/edge/concentrator.ts', 'src/collector/collector.ts'].every((file) => existsSync(join(ROOT, file))),
  },
  { name: 'format and lint', command: [bin('biome'), 'check', '--max-diagnostics=50', '.'] },
  { name: 'wire contract', command: [bin('buf'), 'lint'], when: () => hasFile('src/wire', '.proto') },
];

/** Runs one task; resolves to whether it passed. */
function run(task) {
  const startedMs = Date.now();
  const [command, ...args] = task.command;
  return new Promise((resolve) => {
    let output = '';
    const child = spawn(command, args, {
      cwd: ROOT,
      env: { ...process.env, TEST_CONCURRENCY: '1', NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const keep = (chunk) => {
      output = (output + chunk).slice(-OUTPUT_MAX_CHARS);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', (error) => keep(error.message));
    child.once('close', (code) => {
      const passed = code === 0;
      const time = `${((Date.now() - startedMs) / 1000).toFixed(1)} s`;
      console.log(`${passed ? 'ok  ' : 'FAIL'} ${task.name.padEnd(22)} ${time.padStart(7)}`);
      if (!passed) console.log(`\n${output.trim()}\n`);
      resolve(passed);
    });
  });
}

const startedMs = Date.now();
const waiting = TASKS.filter((task) => task.when?.() ?? true);
const failed = [];
async function worker() {
  for (let task = waiting.shift(); task !== undefined; task = waiting.shift()) {
    if (!(await run(task))) failed.push(task.name);
  }
}
await Promise.all(Array.from({ length: PARALLEL }, worker));
const time = ((Date.now() - startedMs) / 1000).toFixed(1);
console.log(failed.length === 0 ? `check: clean in ${time} s` : `check: ${failed.join(', ')} failed (${time} s)`);
process.exitCode = failed.length === 0 ? 0 : 1;
