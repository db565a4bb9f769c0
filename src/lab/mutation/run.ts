/**
 * The mutation score of the pure rooms: `npm run nightly -- mutation`.
 *
 * Mistakes are drawn from the seed over all sources of the rooms, each is made alone in a copy of the tree, and those unit,
 * property and vector tests that run its line run until one fails: the quickest alone, the others a few to a
 * process, since starting one takes longer than most files. What each file runs is counted once, before. A mistake
 * that no test notices has survived and is named, to be looked at: it is a missing test, or no mistake at all; one in a line
 * that no test runs survives at once. Tests that run too long count as failed.
 */
import { assert } from '../../base/errors.ts';
import type { ProcessHost } from '../../base/process.ts';
import { SeededRandom } from '../../base/seeded-random.ts';
import { createProcessHost } from '../../host/process.ts';
import { atLeast, type BenchEnv, type BenchResult } from '../benches/bench.ts';
import { type Mutant, mutantsOf, withMutant } from './mutants.ts';
import { Reach, type RunCounts, type TestFile } from './reach.ts';

const SCORE_MIN_PERCENT = 85;
const COUNT_DEFAULT = 400;
/** Copies of the tree in which mistakes are made at the same time. */
const DESKS = 2;
/** For a test file while the engine counts... */
const TIMEOUT_MS = 600_000;
/** ...and with a mistake: this beside so many times what it took then. */
const TIMEOUT_BASE_MS = 5_000;
const TIMEOUT_FACTOR = 4;
/** Test files, behind the quickest, that share a process. */
const FILES_TOGETHER = 6;
const FILE_MODE = 0o644;
const FOLDER_MODE = 0o700;
/** What the copy has; the rest is linked. */
const COPIED = ['config', 'docs', 'examples', 'src', 'test', 'tools'];
const LINKED = ['dist', 'node_modules', 'package.json', 'tsconfig.json'];

/** Rooms in which mistakes are made. */
const ROOMS = ['base', 'dlms', 'wire'];
/** Where tests are that run them: much of what a room does is tested beside the room that stands on it. */
const TESTS = [
  ...['test/vectors', 'test/property', 'test/unit/base', 'test/unit/dlms', 'test/unit/wire', 'test/unit/profile'],
  ...['test/unit/mbus', 'test/unit/modbus', 'test/unit/link', 'test/unit/sim', 'test/unit/edge'],
  'test/unit/collector/ingest',
];
/** Generated, or without anything to get wrong. */
const LEFT_OUT = /^src\/wire\/gen\//;

interface Place {
  readonly path: string;
  readonly source: string;
  readonly mutant: Mutant;
}

/** Where the work is done. */
interface Desk {
  readonly host: ProcessHost;
  /** The copy of the tree. */
  readonly folder: string;
  /** The program that runs tests. */
  readonly node: string;
}

/** Draws, makes and counts them. */
export async function runMutation(env: BenchEnv): Promise<BenchResult> {
  assert(env.program !== undefined, 'the program is built');
  const host = createProcessHost();
  const temporary = await host.files.realPath(host.temporaryFolder);
  const base = `${temporary}/deltawatt-mutation-${host.randomHex(6)}`;
  const node = env.program.file;
  const desks = Array.from({ length: DESKS }, (_, at) => ({ host, node, folder: `${base}/${at}` }));
  try {
    for (const desk of desks) await furnish(desk);
    const [first] = desks;
    assert(first !== undefined, 'there is a desk');
    const places = await placesIn(host, first.folder);
    const startMs = env.nowMs();
    const reach = await countReach(env, desks, await testsOf(host, first.folder));
    env.progress(`mutation: what each test file runs was counted in ${Math.round((env.nowMs() - startMs) / 1_000)} s`);
    return await judge(env, desks, drawn(places, env), reach, places.length);
  } finally {
    await host.files.remove(base);
  }
}

async function furnish({ host, folder }: Desk): Promise<void> {
  const root = await host.files.realPath('.');
  assert(root !== undefined, 'the working folder is there');
  await host.files.makeFolder(folder, FOLDER_MODE);
  for (const name of COPIED) await host.files.copyTree(`${root}/${name}`, `${folder}/${name}`, () => true);
  for (const name of LINKED) await host.files.link(`${root}/${name}`, `${folder}/${name}`);
}

/** As many as are wanted, none twice. */
function drawn(places: readonly Place[], env: BenchEnv): readonly Place[] {
  const random = new SeededRandom(`mutation/${env.seed}`);
  const left = [...places];
  const count = Math.min(left.length, env.count ?? COUNT_DEFAULT);
  return Array.from({ length: count }, () => left.splice(random.below(left.length), 1)).flat();
}

/** Gives the items to the desks, one at a time each. */
async function atDesks<Item>(
  desks: readonly Desk[],
  items: readonly Item[],
  work: (desk: Desk, item: Item) => Promise<void>,
): Promise<void> {
  const left = [...items];
  const clerk = async (desk: Desk): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(desk, item);
  };
  await Promise.all(desks.map(clerk));
}

/** Runs each test file alone, nothing wrong yet, while the engine counts: all must pass. */
async function countReach(env: BenchEnv, desks: readonly Desk[], files: readonly string[]): Promise<Reach> {
  const reach = new Reach();
  await atDesks(desks, files, async (desk, path) => {
    const { host, folder } = desk;
    const reports = `${folder}/reports`;
    const counting = [
      ...['node_modules/c8/bin/c8.js', '--reporter=json', `--reports-dir=${reports}`, '--clean'],
      ...[`--temp-directory=${reports}/raw`, ...ROOMS.map((room) => `--include=src/${room}/**/*.ts`), desk.node],
    ];
    const startMs = env.nowMs();
    const passed = await passes(desk, [path], TIMEOUT_MS, counting);
    assert(passed, `${path} passes while nothing is wrong`);
    const counts = JSON.parse((await host.files.readText(`${reports}/coverage-final.json`)) ?? '{}') as RunCounts;
    reach.add({ path, tookMs: env.nowMs() - startMs }, counts, folder);
    await host.files.remove(reports);
  });
  return reach;
}

async function judge(
  env: BenchEnv,
  desks: readonly Desk[],
  places: readonly Place[],
  reach: Reach,
  possible: number,
): Promise<BenchResult> {
  let killed = 0;
  let neverRun = 0;
  const startMs = env.nowMs();
  await atDesks(desks, [...places.entries()], async (desk, [at, place]) => {
    const { path, mutant } = place;
    const tests = reach.of(path, mutant.line);
    if (tests.length === 0) neverRun++;
    if (await noticed(desk, place, tests)) killed++;
    else {
      const why = tests.length === 0 ? 'no test runs it' : `${tests.length} test files run it`;
      env.progress(
        `mutation: ${at + 1} of ${places.length} survived (${why}): ${path}:${mutant.line}: ${mutant.words}`,
      );
    }
  });
  const scorePercent = Math.floor((killed / Math.max(1, places.length)) * 1_000) / 10;
  const secondsEach = Math.round((env.nowMs() - startMs) / Math.max(1, places.length)) / 1_000;
  return {
    figures: {
      ...{ possible, made: places.length, killed, survived: places.length - killed },
      ...{ neverRun, scorePercent, secondsEach },
    },
    bars: [atLeast('mistakes in the pure rooms that tests notice, percent', scorePercent, SCORE_MIN_PERCENT)],
  };
}

/** Whether one of the test files fails, or does not end in time, with the mistake made. */
async function noticed(desk: Desk, { path, source, mutant }: Place, tests: readonly TestFile[]): Promise<boolean> {
  const { host, folder } = desk;
  if (tests.length === 0) return false;
  await host.files.writeText(`${folder}/${path}`, withMutant(source, mutant), FILE_MODE);
  try {
    for (const group of groupsOf(tests)) {
      const tookMs = group.reduce((sum, test) => sum + test.tookMs, 0);
      const paths = group.map((test) => test.path);
      if (!(await passes(desk, paths, TIMEOUT_BASE_MS + TIMEOUT_FACTOR * tookMs))) return true;
    }
    return false;
  } finally {
    await host.files.writeText(`${folder}/${path}`, source, FILE_MODE);
  }
}

/** The first by itself, the others in their order. */
function groupsOf(tests: readonly TestFile[]): readonly (readonly TestFile[])[] {
  const groups = [tests.slice(0, 1)];
  for (let at = 1; at < tests.length; at += FILES_TOGETHER) groups.push(tests.slice(at, at + FILES_TOGETHER));
  return groups;
}

/** Runs test files in a process of their own; `through` is a program in between, as arguments. */
async function passes(
  desk: Desk,
  paths: readonly string[],
  timeoutMs: number,
  through: readonly string[] = [],
): Promise<boolean> {
  const { host, folder, node } = desk;
  const files = JSON.stringify(paths);
  const environment = { PATH: host.searchPath.join(':'), TMPDIR: host.temporaryFolder, TEST_GROUP_FILES: files };
  const args = [...through, '--import', 'tsx', 'tools/test-group.ts'];
  const { exitCode } = await host.run(node, args, { folder, environment, timeoutMs });
  return exitCode === 0;
}

async function testsOf(host: ProcessHost, folder: string): Promise<readonly string[]> {
  const files: string[] = [];
  for (const place of TESTS) files.push(...(await filesBelow(host, folder, place, '.test.ts')));
  return files;
}

async function placesIn(host: ProcessHost, folder: string): Promise<Place[]> {
  const places: Place[] = [];
  for (const room of ROOMS) {
    for (const path of await filesBelow(host, folder, `src/${room}`, '.ts')) {
      if (LEFT_OUT.test(path)) continue;
      const source = (await host.files.readText(`${folder}/${path}`)) ?? '';
      for (const mutant of mutantsOf(source)) places.push({ path, source, mutant });
    }
  }
  return places;
}

async function filesBelow(host: ProcessHost, root: string, folder: string, ending: string): Promise<string[]> {
  const files: string[] = [];
  for (const name of (await host.files.list(`${root}/${folder}`)).sort()) {
    const path = `${folder}/${name}`;
    const state = await host.files.state(`${root}/${path}`);
    if (state?.kind === 'folder') files.push(...(await filesBelow(host, root, path, ending)));
    else if (name.endsWith(ending)) files.push(path);
  }
  return files;
}
