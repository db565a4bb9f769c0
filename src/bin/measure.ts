/** Runs measurements from a registry: the part that `bench`, `prove` and `nightly` share. */
import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { reasonOf } from '../base/errors.ts';
import { closest } from '../base/suggest.ts';
import { interruptible } from '../host/signals.ts';
import type { Bar, BenchEntry, BenchEnv, BenchResult, MemoryUse } from '../lab/benches/bench.ts';
import { type CommandIo, type OptionTable, wholeNumber } from './command.ts';
import { EXIT, UsageError } from './errors.ts';

const SEED = 1;
const SEED_MAX = 2 ** 31 - 1;
const COUNT_MAX = 1_000_000;
const PROGRAM = fileURLToPath(new URL('../../dist/bin/deltawatt.js', import.meta.url));

/** The options of every measuring command. */
export const MEASURE_OPTIONS = {
  seed: { kind: 'text', value: 'S', what: `seed of everything random, default ${SEED}` },
  json: { kind: 'flag', what: 'the list as JSON; results are JSON in any case' },
} as const satisfies OptionTable;

/** Options of a measuring command, parsed. */
export interface MeasureValues {
  readonly seed: string | undefined;
  readonly json: boolean;
  /** How many runs of its kind; only proofs have the choice. */
  readonly seeds?: string | undefined;
  readonly cycles?: string | undefined;
  readonly count?: string | undefined;
  /** File in which a long run keeps what is done. */
  readonly state?: string | undefined;
}

/** What a run prints: one JSON document a line. */
interface Report extends BenchResult {
  readonly name: string;
  readonly seed: number;
  readonly machine: Readonly<Record<string, string | number>>;
}

/** Prints what there is to run. */
export function listEntries(
  kind: string,
  entries: readonly BenchEntry[],
  values: MeasureValues,
  io: CommandIo,
): number {
  if (values.json) {
    io.print(`${JSON.stringify(entries.map(({ name, title }) => ({ name, title })))}\n`);
    return EXIT.done;
  }
  const width = Math.max(0, ...entries.map((entry) => entry.name.length));
  for (const entry of entries) io.print(`${entry.name.padEnd(width)}  ${entry.title}\n`);
  io.tell(`${entries.length} in all; run one with: deltawatt ${kind} NAME`);
  return EXIT.done;
}

/** The entries of these names. Errors: {@link UsageError} for a name that is not there. */
export function pickEntries(entries: readonly BenchEntry[], names: readonly string[]): BenchEntry[] {
  return names.map((name) => {
    const entry = entries.find((one) => one.name === name);
    if (entry !== undefined) return entry;
    const known = entries.map((one) => one.name);
    const meant = closest(name, known);
    throw new UsageError(
      `There is no ${name}; ${meant === undefined ? `there is ${known.join(', ')}` : `did you mean ${meant}?`}`,
    );
  });
}

/** Runs the entries one after the other and prints each report as one line of JSON; 1 when a bar does not hold. */
export async function runEntries(
  entries: readonly BenchEntry[],
  values: MeasureValues,
  io: CommandIo,
): Promise<number> {
  const seed = values.seed === undefined ? SEED : wholeNumber('seed', values.seed, 0, SEED_MAX);
  const wanted = countOf(values);
  let code: number = EXIT.done;
  for (const entry of entries) {
    const startedMs = performance.now();
    io.tell(`${entry.name}: ${entry.title} (seed ${seed})`);
    try {
      const run = await entry.load();
      const count = wanted ?? entry.count;
      const env: BenchEnv = {
        nowMs: () => performance.now(),
        seed,
        ...(count === undefined ? {} : { count }),
        ...(values.state === undefined ? {} : { stateFile: values.state }),
        program: { file: process.execPath, args: [PROGRAM] },
        progress: (line) => io.tell(line),
        memory,
        readText: (path) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8'),
      };
      const result = await interruptible(() => run(env));
      const report: Report = { name: entry.name, seed, machine: machine(), figures: result.figures, bars: result.bars };
      io.print(`${JSON.stringify(report)}\n`);
      for (const bar of result.bars) io.tell(`${entry.name}: ${barLine(bar)}`);
      if (result.bars.some((bar) => !bar.holds)) code = EXIT.failed;
    } catch (error) {
      io.tell(`${entry.name}: failed: ${reasonOf(error)}`);
      code = EXIT.failed;
    }
    io.tell(`${entry.name}: ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
  }
  return code;
}

function countOf({ seeds, cycles, count }: MeasureValues): number | undefined {
  if (count !== undefined) return wholeNumber('count', count, 1, COUNT_MAX);
  if (seeds !== undefined) return wholeNumber('seeds', seeds, 1, COUNT_MAX);
  return cycles === undefined ? undefined : wholeNumber('cycles', cycles, 1, COUNT_MAX);
}

function barLine(bar: Bar): string {
  return `${bar.holds ? 'holds' : 'FALLS SHORT'}: ${bar.name} = ${bar.value} (limit ${bar.limit})`;
}

/** What this process holds. */
function memory(): MemoryUse {
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  return { heapBytes: heapUsed, bufferBytes: arrayBuffers, rssBytes: rss };
}

/** The machine that was measured: figures without it mean nothing. */
function machine(): Record<string, string | number> {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryMb: Math.round(totalmem() / 2 ** 20),
    platform: `${process.platform}-${process.arch}`,
    node: process.versions.node,
  };
}
