/**
 * Line coverage of the pure rooms by the unit, vector and property tests: `npm run nightly -- coverage`.
 *
 * The tests run as always, in a process of their own with the time limits of each suite, while the engine counts; c8 maps what
 * it counted to the sources. Files that no test loads count as lines that nobody ran, unless they hold types only: those have
 * no line that could run.
 */
import { assert } from '../base/errors.ts';
import { createHostEnv } from '../host/env.ts';
import { createProcessHost } from '../host/process.ts';
import { atLeast, type BenchEnv, type BenchResult } from './benches/bench.ts';
import { startProgram } from './program.ts';

/** The rooms that are measured, and the share of their lines that must have run, percent. */
const ROOMS = ['base', 'dlms', 'wire'] as const;
const LINES_MIN_PERCENT = 98;
const SUITES = ['/test/unit/', '/test/vectors/', '/test/property/'];
/** What the tests print last when none failed. */
const ALL_PASSED = /^\d+ passed, 0 failed$/;
const STOP_TIMEOUT_MS = 10_000;

/** Lines of a file, or of all: how many there are, and how many ran. */
interface Lines {
  readonly total: number;
  readonly covered: number;
}

/** c8's summary by path of a file, `total` among them. */
export type CoverageSummary = Readonly<Record<string, { readonly lines: Lines }>>;

/** Runs the tests and counts. */
export async function runCoverage(env: BenchEnv): Promise<BenchResult> {
  const host = createProcessHost();
  const folder = `${host.temporaryFolder}/deltawatt-coverage-${host.randomHex(6)}`;
  const root = await host.files.realPath('.');
  assert(root !== undefined, 'the working folder is there');
  const args = [
    ...['--all', '--reporter=json-summary', `--reports-dir=${folder}`, `--temp-directory=${folder}/raw`],
    ...ROOMS.map((room) => `--include=src/${room}/**/*.ts`),
    '--exclude=src/wire/gen/**',
    ...['node', '--import', 'tsx', 'tools/test.ts', ...SUITES],
  ];
  const program = { file: `${root}/node_modules/.bin/c8`, args: [] };
  let last = '';
  const running = await startProgram(createHostEnv({ logLevel: 'silent' }), host, program, args, root, (line) => {
    if (/ passed, /.test(line)) last = line;
    if (/^ *(FAIL|x) /.test(line)) env.progress(line);
  });
  try {
    await running.process.ended;
    assert(ALL_PASSED.test(last), `every test passes: ${last}`);
    const summary = JSON.parse((await host.files.readText(`${folder}/coverage-summary.json`)) ?? '{}');
    const measured: Record<string, CoverageSummary[string]> = {};
    for (const [path, file] of Object.entries(summary as CoverageSummary)) {
      const neverRun = file.lines.covered === 0 && path !== 'total';
      if (!neverRun || hasCode((await host.files.readText(path)) ?? '')) measured[path] = file;
    }
    return coverageResult(measured, root, env.progress);
  } finally {
    await running.stop(STOP_TIMEOUT_MS);
    await host.files.remove(folder);
  }
}

/** Whether a source has anything that runs: a declaration at its left edge that is no type. */
export function hasCode(source: string): boolean {
  return /^(export )?(async |abstract )?(const|let|function|class) /m.test(source);
}

/** The figures of a summary, and what is not covered told by file. */
export function coverageResult(summary: CoverageSummary, root: string, progress: (text: string) => void): BenchResult {
  const figures: Record<string, number> = {};
  const all = { total: 0, covered: 0 };
  for (const room of ROOMS) {
    const files = Object.entries(summary).filter(([path]) => path.startsWith(`${root}/src/${room}/`));
    const sum = { total: 0, covered: 0 };
    for (const [path, { lines }] of files) {
      sum.total += lines.total;
      sum.covered += lines.covered;
      const missing = lines.total - lines.covered;
      if (missing > 0) progress(`${path.slice(root.length + 1)}: ${missing} of ${lines.total} lines never run`);
    }
    all.total += sum.total;
    all.covered += sum.covered;
    figures[`${room}LinesPercent`] = percentOf(sum);
  }
  const linesPercent = percentOf(all);
  return {
    figures: { ...figures, linesPercent, lines: all.total, linesNeverRun: all.total - all.covered },
    bars: [atLeast('lines of the pure rooms that tests run, percent', linesPercent, LINES_MIN_PERCENT)],
  };
}

/** Of nothing, nothing is covered: a summary without files is no success. */
function percentOf({ total, covered }: Lines): number {
  return total === 0 ? 0 : Math.floor((covered / total) * 10_000) / 100;
}
