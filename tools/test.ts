/**
 * Runs the tests: every `*.test.ts` under test/. Files that start programs, listen or measure have a process each; the files
 * of a suite that is pure share one (tools/test-group.ts). Processes start in the order of the suites, one for each core; beside
 * them runs one of those that wait more than they compute.
 *
 *   npm test                      everything
 *   npm test -- unit/dlms hdlc    only files whose path contains one of the words
 *
 * With --bundled, as `npm test` has it, processes run bundles (tools/test-bundle.ts) instead of the files themselves.
 *
 * A suite is the first folder under test/. A process that does not end in its suite's time is ended and named. Skipped tests
 * are named too; where CI=true, a skip is a failure, because there everything needed is installed. The last line is always
 * `N passed, N failed`; the exit code is 0 only when nothing failed and something passed.
 */
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { run } from 'node:test';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { bundleTests, type TestBundle } from './test-bundle.ts';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const TEST = join(ROOT, 'test');

interface Suite {
  readonly name: string;
  /** What one process may take: a file, or the whole suite when its files share one. */
  readonly timeoutMs: number;
  /** Its files share a process: they leave nothing behind and measure nothing that a neighbour changes. */
  readonly together?: boolean;
  /** Files that wait more than they compute, by name: one runs beside the others from the start on. */
  readonly waiting?: readonly string[];
  /** Each of its files is a proof: what each took is told, and what all took, beside this budget. */
  readonly budgetMs?: number;
  /** Files that take longest, in the order in which they start; the others follow by name. */
  readonly first?: readonly string[];
}

/** Cheap and telling ones first. */
const SUITES: readonly Suite[] = [
  { name: 'unit', timeoutMs: 600_000, together: true },
  { name: 'vectors', timeoutMs: 120_000, together: true },
  { name: 'property', timeoutMs: 120_000, together: true },
  { name: 'suite', timeoutMs: 180_000 },
  { name: 'fuzz', timeoutMs: 300_000 },
  { name: 'attack', timeoutMs: 180_000 },
  { name: 'compliance', timeoutMs: 180_000 },
  { name: 'system', timeoutMs: 420_000 },
  {
    name: 'fault',
    timeoutMs: 1_500_000,
    budgetMs: 600_000,
    first: ['swarm-full', 'swarm', 'clock'],
    waiting: ['kill', 'net', 'powercut', 'disk'],
  },
];
const GROUP = join(ROOT, 'tools', 'test-group.ts');
const BUNDLED = '--bundled';
const SLOWEST_SHOWN = 8;
const OUTPUT_MAX_CHARS = 8_000;
const IN_CI = process.env['CI'] === 'true';
/** Runs beside other work (tools/check.mjs) set 1. */
const CONCURRENCY = Math.min(2, availableParallelism(), Number(process.env['TEST_CONCURRENCY'] ?? 2));

interface TestEvent {
  readonly name: string;
  readonly nesting: number;
  readonly file?: string;
  readonly skip?: string | boolean;
  readonly todo?: string | boolean;
  readonly details: { readonly duration_ms: number; readonly type?: string; readonly error?: Error };
}

interface Skipped {
  readonly name: string;
  readonly file: string;
  readonly reason: string;
}

interface SuiteResult {
  readonly name: string;
  files: number;
  passed: number;
  failed: number;
  readonly skipped: Skipped[];
  readonly slow: { readonly name: string; readonly durationMs: number }[];
  /** What its processes took, added up. */
  tookMs: number;
  /** When each of its processes ran, on the clock of performance.now(). */
  readonly spans: { readonly name: string; readonly fromMs: number; readonly toMs: number }[];
}

/** What one process runs: a file, or all files of a suite whose files share one. */
interface Item {
  readonly suite: Suite;
  readonly result: SuiteResult;
  readonly files: readonly string[];
}

/** What processes run: the files themselves until they are bundled. */
let bundle: TestBundle = { of: (source) => source, sourceOf: (path) => path, remove: () => {} };

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
const inSeconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
const shortPath = (path: string): string => relative(TEST, path);

function collect(filters: readonly string[]): Map<string, string[]> {
  const found = readdirSync(TEST, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.test.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => filters.length === 0 || filters.some((filter) => path.includes(filter)))
    .sort();
  const suites = new Map<string, string[]>(SUITES.map(({ name }) => [name, []]));
  for (const path of found) {
    const suite = shortPath(path).split('/')[0] ?? '';
    suites.get(suite)?.push(path);
    if (!suites.has(suite)) suites.set(suite, [path]);
  }
  return suites;
}

/** What one file has shown so far. Events come file by file, in order, so the next file's first event ends this one. */
class FileReport {
  passed = 0;
  failed = 0;
  skipped = 0;
  durationMs = 0;
  output = '';
  readonly failures: string[] = [];

  constructor(readonly path: string) {}

  keepOutput(text: string): void {
    this.output = (this.output + text).slice(-OUTPUT_MAX_CHARS);
  }

  isEmpty(): boolean {
    return this.passed + this.failed + this.skipped === 0;
  }

  /** Nothing ran in this file: a mistake, or an end before its turn. */
  withoutTests(): this {
    this.failed += 1;
    this.failures.push('    x holds no test, or none of them ran');
    return this;
  }

  print(): void {
    const mark = this.failed > 0 ? 'FAIL' : 'ok  ';
    const skipped = this.skipped > 0 ? `, ${this.skipped} skipped` : '';
    print(`  ${mark} ${shortPath(this.path)}  ${this.passed} passed${skipped}  ${inSeconds(this.durationMs)}`);
    for (const failure of this.failures) print(failure);
    if (this.failed > 0 && this.output.trim() !== '') {
      print(`    --- what ${shortPath(this.path)} wrote ---`);
      print(indent(this.output.trimEnd()));
    }
  }
}

const indent = (text: string): string => text.replace(/^/gm, '    ');

/** The failure's own words: the cause is what the test threw, the wrapper says only that it failed. */
function describe(event: TestEvent): string {
  const error = event.details.error;
  const cause = error?.cause ?? error;
  const stack = cause instanceof Error ? (cause.stack ?? cause.message) : inspect(cause, { depth: 4 });
  const words = stack.replace(/\n\s+at .*node:internal\/.*$/gm, '');
  return `    x ${event.name}\n${indent(indent(words))}`;
}

function record(result: SuiteResult, report: FileReport, event: TestEvent, failed: boolean): void {
  const isFile = event.name === report.path;
  if (event.nesting === 0) report.durationMs += event.details.duration_ms;
  if (event.details.type === 'suite' && !failed) return;
  if (isFile && !failed) {
    report.withoutTests();
    return;
  }
  const skip = event.skip ?? event.todo;
  if (skip !== undefined && skip !== false) {
    report.skipped += 1;
    result.skipped.push({ name: event.name, file: report.path, reason: typeof skip === 'string' ? skip : '' });
    return;
  }
  result.slow.push({ name: `${shortPath(report.path)}: ${event.name}`, durationMs: event.details.duration_ms });
  if (!failed) {
    report.passed += 1;
    return;
  }
  // A parent fails because a child did, and the child has been counted.
  if (event.details.error !== undefined && Reflect.get(event.details.error, 'failureType') === 'subtestsFailed') return;
  report.failed += 1;
  report.failures.push(describe(event));
}

/** Writes how the process of a group ended when that says more than the files do. */
function recordGroup(result: SuiteResult, event: TestEvent, lastStarted: string): void {
  const kind = event.details.error === undefined ? undefined : Reflect.get(event.details.error, 'failureType');
  const explained = result.failed > 0 && kind !== 'testTimeoutFailure';
  if (kind === undefined || kind === 'subtestsFailed' || explained) return;
  result.failed += 1;
  print(describe({ ...event, name: `the process of suite ${result.name}; the last test that began: ${lastStarted}` }));
}

/** Files whose names are listed, in that order, then the others as they were. */
function inOrder(files: readonly string[], first: readonly string[]): string[] {
  const placeOf = (path: string): number => {
    const at = first.indexOf(basename(path, '.test.ts'));
    return at < 0 ? first.length : at;
  };
  return [...files].sort((a, b) => placeOf(a) - placeOf(b));
}

function itemsOf(suite: Suite, files: readonly string[]): Item[] {
  const { name, together = false, first = [] } = suite;
  const result: SuiteResult = {
    name,
    files: files.length,
    passed: 0,
    failed: 0,
    skipped: [],
    slow: [],
    tookMs: 0,
    spans: [],
  };
  if (together) return [{ suite, result, files }];
  return inOrder(files, first).map((file) => ({ suite, result, files: [file] }));
}

const waits = ({ suite, files }: Item): boolean =>
  suite.waiting?.some((name) => files[0]?.endsWith(`/${name}.test.ts`)) === true;

/** Runs every item; the files of a group are told to its process by the environment, so one group runs at a time. */
async function runAll(items: readonly Item[]): Promise<void> {
  const computing = items.filter((item) => !waits(item));
  const waiting = items.filter(waits);
  const running = new Set<Promise<void>>();
  let busy = 0;
  let groups = 0;
  const start = (item: Item): void => {
    const counts = waits(item) ? 0 : 1;
    const group = item.suite.together === true ? 1 : 0;
    busy += counts;
    groups += group;
    const done = runItem(item).finally(() => {
      busy -= counts;
      groups -= group;
      running.delete(done);
    });
    running.add(done);
  };
  const next = (): Item | undefined => {
    if (running.size > CONCURRENCY) return undefined;
    const at = busy < CONCURRENCY ? computing.findIndex(({ suite }) => groups === 0 || suite.together !== true) : -1;
    return at >= 0 ? computing.splice(at, 1)[0] : waiting.shift();
  };
  for (;;) {
    for (let item = next(); item !== undefined; item = next()) start(item);
    if (running.size === 0) return;
    await Promise.race(running);
  }
}

async function runItem({ suite, result, files }: Item): Promise<void> {
  const { name, timeoutMs, together = false } = suite;
  const startedMs = performance.now();
  const reports = new Map(files.map((path) => [path, new FileReport(path)]));
  let current: FileReport | undefined;
  const close = (report: FileReport | undefined): void => {
    if (report === undefined) return;
    report.print();
    result.passed += report.passed;
    result.failed += report.failed;
  };
  /** A contract that several files run has its tests in a file of its own. */
  const shared = (file = 'of no file'): FileReport => (current?.path === file ? current : new FileReport(file));
  let lastStarted = 'none';
  let groupEnd: TestEvent | undefined;
  /** An event under the names of the sources; a process is named by the path that it was given, or that path from the root. */
  const ofSources = (event: TestEvent): TestEvent => {
    const path = bundle.sourceOf(join(ROOT, relative(ROOT, event.name)));
    const name = reports.has(path) || path === GROUP ? path : event.name;
    return event.file === undefined ? { ...event, name } : { ...event, name, file: bundle.sourceOf(event.file) };
  };
  const take = (told: TestEvent, failed: boolean): void => {
    const event = ofSources(told);
    if (together && event.name === GROUP) {
      groupEnd = event;
      return;
    }
    if (event.file === GROUP && !reports.has(event.name)) return;
    const report = reports.get(event.name) ?? reports.get(event.file ?? '') ?? shared(event.file);
    if (report !== current) close(current);
    current = report;
    record(result, report, event, failed);
  };
  if (together) process.env['TEST_GROUP_FILES'] = JSON.stringify(files.map((file) => bundle.of(file)));
  const entries = (together ? [GROUP] : files).map((file) => bundle.of(file));
  const stream = run({ files: entries, concurrency: 1, timeout: timeoutMs });
  stream.on('test:pass', (event) => take(event as TestEvent, false));
  stream.on('test:fail', (event) => take(event as TestEvent, true));
  stream.on('test:dequeue', (event: { name: string }) => {
    lastStarted = event.name;
  });
  let groupOutput = '';
  for (const channel of ['test:stdout', 'test:stderr'] as const) {
    stream.on(channel, (event: { file: string; message: string }) => {
      if (together) groupOutput = (groupOutput + event.message).slice(-OUTPUT_MAX_CHARS);
      else reports.get(bundle.sourceOf(event.file))?.keepOutput(event.message);
    });
  }
  stream.resume();
  await new Promise<void>((resolve, reject) => stream.once('end', resolve).once('error', reject));
  close(current);
  if (together) {
    delete process.env['TEST_GROUP_FILES'];
    for (const report of reports.values()) if (report.isEmpty()) close(report.withoutTests());
    if (groupEnd !== undefined) recordGroup(result, groupEnd, lastStarted);
    if (result.failed > 0 && groupOutput.trim() !== '') {
      print(`    --- what the files of ${name} wrote ---\n${indent(groupOutput.trimEnd())}`);
    }
  }
  const endedMs = performance.now();
  result.tookMs += endedMs - startedMs;
  result.spans.push({ name: basename(files[0] ?? name, '.test.ts'), fromMs: startedMs, toMs: endedMs });
}

/** What each proof of a suite with a budget took, the longest first, and all of them from the first start to the last end. */
function printProofs({ name, spans }: SuiteResult): void {
  const budgetMs = SUITES.find((suite) => suite.name === name)?.budgetMs;
  if (budgetMs === undefined || spans.length === 0) return;
  print('\nproofs:');
  for (const { name: proof, fromMs, toMs } of [...spans].sort((a, b) => b.toMs - b.fromMs - (a.toMs - a.fromMs)))
    print(`  ${inSeconds(toMs - fromMs).padStart(8)}  ${proof}`);
  const wallMs = Math.max(...spans.map(({ toMs }) => toMs)) - Math.min(...spans.map(({ fromMs }) => fromMs));
  const verdict = wallMs <= budgetMs ? 'within' : 'above';
  print(
    `  ${inSeconds(wallMs).padStart(8)}  all, beside the other suites; ${verdict} the budget of ${inSeconds(budgetMs)}`,
  );
}

function summarize(results: readonly SuiteResult[], wallMs: number): number {
  const skipped = results.flatMap((result) => result.skipped);
  const passed = results.reduce((sum, result) => sum + result.passed, 0);
  let failed = results.reduce((sum, result) => sum + result.failed, 0);
  print('');
  print('suite         files  passed  failed  skipped     time');
  for (const result of results) {
    const cells = [result.files, result.passed, result.failed, result.skipped.length];
    print(
      `${result.name.padEnd(12)} ${cells.map((cell) => String(cell).padStart(6)).join('  ')}   ${inSeconds(result.tookMs).padStart(8)}`,
    );
  }
  print(`${'total'.padEnd(44)} ${inSeconds(wallMs).padStart(8)}  (a suite's time is that of its processes, added up)`);
  for (const result of results) printProofs(result);
  const slowest = results.flatMap((result) => result.slow).sort((a, b) => b.durationMs - a.durationMs);
  print('\nslowest tests:');
  for (const test of slowest.slice(0, SLOWEST_SHOWN))
    print(`  ${inSeconds(test.durationMs).padStart(8)}  ${test.name}`);
  if (skipped.length > 0) {
    print(`\nskipped${IN_CI ? ' (a failure here, because CI=true)' : ''}:`);
    for (const skip of skipped)
      print(`  ${shortPath(skip.file)}: ${skip.name}${skip.reason === '' ? '' : ` (${skip.reason})`}`);
    if (IN_CI) failed += skipped.length;
  }
  print('');
  print(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

/** Suites that share a process are a set of their own, so that all of each lies together. */
async function bundleAll(items: readonly Item[]): Promise<void> {
  const filesOf = (together: boolean) =>
    items.filter(({ suite }) => (suite.together === true) === together).flatMap(({ files }) => files);
  const sets = [[GROUP, ...filesOf(true)], filesOf(false)].filter((set) => set.length > 0);
  const startedMs = performance.now();
  try {
    bundle = await bundleTests(ROOT, sets);
  } catch (error) {
    // Each file says by itself what is wrong with it.
    print(`tests run from their sources, slower, because they could not be bundled: ${String(error)}`);
    return;
  }
  print(`tests bundled in ${inSeconds(performance.now() - startedMs)}`);
  // Processes of tests inherit these: no compiler, and stack traces that name sources.
  process.execArgv = ['--enable-source-maps'];
}

async function main(): Promise<number> {
  const words = process.argv.slice(2);
  const filters = words.filter((word) => word !== BUNDLED);
  if (!existsSync(TEST)) {
    print('0 passed, 0 failed');
    return 1;
  }
  const startedMs = performance.now();
  const items = [...collect(filters)].flatMap(([name, files]) =>
    files.length === 0
      ? []
      : itemsOf(SUITES.find((known) => known.name === name) ?? { name, timeoutMs: 120_000 }, files),
  );
  if (words.includes(BUNDLED)) await bundleAll(items);
  try {
    await runAll(items);
  } finally {
    bundle.remove();
  }
  if (items.length === 0) print(`no test file matches ${filters.join(' ')}`);
  return summarize([...new Set(items.map(({ result }) => result))], performance.now() - startedMs);
}

process.exitCode = await main();
