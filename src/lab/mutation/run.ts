/**
 * The mutation score of the pure rooms: `npm run nightly -- mutation`.
 *
 * Mistakes are drawn from the seed over all sources of the rooms, each is made alone in a copy of the tree, and the tests of
 * its room run until one fails. A mistake that no test notices has survived and is named, to be looked at: it is a missing
 * test, or no mistake at all. Tests that run too long count as failed.
 */
import { assert } from '../../base/errors.ts';
import type { ProcessHost } from '../../base/process.ts';
import { SeededRandom } from '../../base/seeded-random.ts';
import { createProcessHost } from '../../host/process.ts';
import { atLeast, type BenchEnv, type BenchResult } from '../benches/bench.ts';
import { type Mutant, mutantsOf, withMutant } from './mutants.ts';

const SCORE_MIN_PERCENT = 85;
const COUNT_DEFAULT = 400;
const TIMEOUT_MS = 120_000;
const FILE_MODE = 0o644;
const FOLDER_MODE = 0o700;
/** What the copy has; the rest is linked. */
const COPIED = ['config', 'docs', 'examples', 'src', 'test', 'tools'];
const LINKED = ['dist', 'node_modules', 'package.json', 'tsconfig.json'];

/** Rooms and the folders or files of their tests. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  base: ['test/unit/base'],
  dlms: ['test/unit/dlms', 'test/vectors', 'test/property/dlms.test.ts', 'test/property/short-names.test.ts'],
  wire: ['test/unit/wire', 'test/property/day-block.test.ts', 'test/property/journal.test.ts'],
};
/** Generated, or without anything to get wrong. */
const LEFT_OUT = /^src\/wire\/gen\//;

interface Place {
  readonly room: string;
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
  const root = await host.files.realPath('.');
  assert(root !== undefined, 'the working folder is there');
  const folder = `${host.temporaryFolder}/deltawatt-mutation-${host.randomHex(6)}`;
  const desk: Desk = { host, folder, node: env.program.file };
  await host.files.makeFolder(folder, FOLDER_MODE);
  try {
    for (const name of COPIED) await host.files.copyTree(`${root}/${name}`, `${folder}/${name}`, () => true);
    for (const name of LINKED) await host.files.link(`${root}/${name}`, `${folder}/${name}`);
    const places = await placesIn(host, folder);
    const tests = await testsOf(host, folder);
    for (const [room, files] of Object.entries(tests)) {
      const sound = await noticed(desk, files);
      assert(!sound, `the tests of ${room} pass while nothing is wrong`);
    }
    return await judge(env, desk, drawn(places, env), tests, places.length);
  } finally {
    await host.files.remove(folder);
  }
}

/** As many as are wanted, none twice. */
function drawn(places: readonly Place[], env: BenchEnv): readonly Place[] {
  const random = new SeededRandom(`mutation/${env.seed}`);
  const left = [...places];
  const count = Math.min(left.length, env.count ?? COUNT_DEFAULT);
  return Array.from({ length: count }, () => left.splice(random.below(left.length), 1)).flat();
}

async function judge(
  env: BenchEnv,
  desk: Desk,
  places: readonly Place[],
  tests: Readonly<Record<string, readonly string[]>>,
  possible: number,
): Promise<BenchResult> {
  const { host, folder } = desk;
  let killed = 0;
  for (const [at, { room, path, source, mutant }] of places.entries()) {
    await host.files.writeText(`${folder}/${path}`, withMutant(source, mutant), FILE_MODE);
    const isKilled = await noticed(desk, tests[room] ?? []);
    await host.files.writeText(`${folder}/${path}`, source, FILE_MODE);
    if (isKilled) killed++;
    else env.progress(`mutation: ${at + 1} of ${places.length} survived: ${path}:${mutant.line}: ${mutant.words}`);
  }
  const scorePercent = Math.floor((killed / Math.max(1, places.length)) * 1_000) / 10;
  return {
    figures: { possible, made: places.length, killed, survived: places.length - killed, scorePercent },
    bars: [atLeast('mistakes in the pure rooms that tests notice, percent', scorePercent, SCORE_MIN_PERCENT)],
  };
}

/** Whether one of the tests fails. */
async function noticed({ host, folder, node }: Desk, files: readonly string[]): Promise<boolean> {
  const environment = { PATH: host.searchPath.join(':'), TMPDIR: host.temporaryFolder };
  const args = ['--import', 'tsx', '--test', ...files];
  const { exitCode } = await host.run(node, args, { folder, environment, timeoutMs: TIMEOUT_MS });
  return exitCode !== 0;
}

async function testsOf(host: ProcessHost, folder: string): Promise<Record<string, readonly string[]>> {
  const tests: Record<string, readonly string[]> = {};
  for (const [room, places] of Object.entries(ROOMS)) {
    const files: string[] = [];
    for (const place of places)
      files.push(...(place.endsWith('.ts') ? [place] : await filesBelow(host, folder, place, '.test.ts')));
    tests[room] = files;
  }
  return tests;
}

async function placesIn(host: ProcessHost, folder: string): Promise<Place[]> {
  const places: Place[] = [];
  for (const room of Object.keys(ROOMS)) {
    for (const path of await filesBelow(host, folder, `src/${room}`, '.ts')) {
      if (LEFT_OUT.test(path)) continue;
      const source = (await host.files.readText(`${folder}/${path}`)) ?? '';
      for (const mutant of mutantsOf(source)) places.push({ room, path, source, mutant });
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
