/** What a bench, a proof or a nightly run is: a named measurement with bars that hold or not. */

/** A program file and the arguments before those of the command: `node dist/bin/deltawatt.js`. */
export interface ProgramCommand {
  readonly file: string;
  readonly args: readonly string[];
  /** Variables beside the path and the folder for temporary files. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Memory of a process at a moment. */
export interface MemoryUse {
  /** Octets of JavaScript objects, those that wait for the collector included. */
  readonly heapBytes: number;
  /** Octets behind array buffers. */
  readonly bufferBytes: number;
  /** Octets of the process in memory. */
  readonly rssBytes: number;
}

/** What a run is given. */
export interface BenchEnv {
  /** Milliseconds of a clock with a fine step. */
  nowMs(): number;
  /** Same seed, same input. */
  readonly seed: number;
  /** How many runs of its kind, where that is a choice; absent = as the entry has it. */
  readonly count?: number;
  /** File in which a long run keeps what is done, to go on from it; absent = nowhere. */
  readonly stateFile?: string;
  /** A line for people, on stderr. */
  progress(text: string): void;
  /** How to start this program in a process of its own; absent where it is not built. */
  readonly program?: ProgramCommand;
  /** What this process holds now; absent where nobody can tell. */
  memory?(): MemoryUse;
  /** A text file, its path relative to the repository. */
  readText(path: string): Promise<string>;
}

/** What a bench needs that reads no file. */
export type BenchBasics = Omit<BenchEnv, 'readText'>;

/** One promise with its measure. */
export interface Bar {
  readonly name: string;
  readonly value: number;
  readonly limit: number;
  readonly holds: boolean;
}

/** What a run answers. */
export interface BenchResult {
  /** Everything measured, units last in the names. */
  readonly figures: Readonly<Record<string, number>>;
  readonly bars: readonly Bar[];
}

/** A run in a registry. `load` imports it only when it is wanted. */
export interface BenchEntry {
  readonly name: string;
  /** What it measures, in one line. */
  readonly title: string;
  /** How many runs of its kind when nobody says; absent = as the run itself has it. */
  readonly count?: number;
  /** The same for the night, where there is time. */
  readonly nightlyCount?: number;
  load(): Promise<(env: BenchEnv) => Promise<BenchResult>>;
}

/** A bar that holds when `value` is at most `limit`. */
export function atMost(name: string, value: number, limit: number): Bar {
  return { name, value, limit, holds: value <= limit };
}

/** A bar that holds when `value` is at least `limit`. */
export function atLeast(name: string, value: number, limit: number): Bar {
  return { name, value, limit, holds: value >= limit };
}
