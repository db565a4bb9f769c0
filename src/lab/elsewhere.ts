/** A part of a nightly run in a process of its own: where one core, or the heap of one process, is not enough. */
import { assert } from '../base/errors.ts';
import { createHostEnv } from '../host/env.ts';
import { createProcessHost } from '../host/process.ts';
import type { BenchEnv, BenchResult } from './benches/bench.ts';
import { startProgram } from './program.ts';

const STOP_TIMEOUT_MS = 5_000;

/** Which part, and how. */
export interface Part {
  /** Its name among those of `nightly`. */
  readonly name: string;
  readonly seed: number;
  readonly count: number;
  /** Longest time that it may take, ms. */
  readonly timeoutMs: number;
  /** What its lines for people begin with; the others are left out. */
  readonly prefix: string;
  /** Heap of its process, MB; absent = what the engine takes by itself. */
  readonly heapMb?: number;
  /** Half of the space of what is young, MB: where much is made and dropped, collections get rare. */
  readonly youngMb?: number;
}

/** What follows the name of the program: a part is run again alone with it. */
export function argumentsOf({ name, seed, count }: Part): string[] {
  return ['nightly', name, '--seed', `${seed}`, '--count', `${count}`];
}

/** Runs a part; resolves to what it measured, rejects when it ended without a result. */
export async function runElsewhere(
  { program, progress }: Pick<BenchEnv, 'program' | 'progress'>,
  part: Part,
): Promise<BenchResult> {
  const { name, timeoutMs, prefix } = part;
  assert(program !== undefined, 'the program is built');
  const host = createProcessHost();
  const running = await startProgram(
    createHostEnv({ logLevel: 'silent' }),
    host,
    { ...program, environment: { ...program.environment, ...heapOf(part) } },
    argumentsOf(part),
    host.temporaryFolder,
    (line) => {
      if (line.startsWith(prefix)) progress(line);
    },
  );
  try {
    return JSON.parse(await running.line(`"${name}"`, timeoutMs)) as BenchResult;
  } finally {
    await running.stop(STOP_TIMEOUT_MS);
  }
}

function heapOf({ heapMb, youngMb }: Part): Record<string, string> {
  const options = [
    ...(heapMb === undefined ? [] : [`--max-old-space-size=${heapMb}`]),
    ...(youngMb === undefined ? [] : [`--max-semi-space-size=${youngMb}`]),
  ];
  return options.length === 0 ? {} : { NODE_OPTIONS: options.join(' ') };
}
