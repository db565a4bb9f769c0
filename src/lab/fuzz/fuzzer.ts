/**
 * The fuzzer: slices of executions from a seed. A slice depends on the seed and its number alone, so any find is replayed by
 * running its slice again, and a long run can be cut into slices for several processes and continued after a stop.
 *
 * Asserted of every execution: nothing but the house's own error comes out, it takes at most 5 ms for each begun kB, and the
 * heap grows by at most 64 times the input + 64 kB. What needs a larger share of its time than any before it, or exceeds the
 * bound of heap, is measured again, several times, and its best run counts: the machine is shared, a collection may fall into
 * any run, and code that runs for the first time is compiled. What was allocated in all stands for the heap, as long as that
 * is within the bound; above it what is left after a collection counts, the result still held, and the garbage may be eight
 * times the bound at most. A collection throws away compiled code as well, so there should be few.
 */
import { toHex } from '../../base/bytes.ts';
import { reasonOf } from '../../base/errors.ts';
import { SeededRandom } from '../../base/seeded-random.ts';
import { Mutator } from './mutator.ts';
import type { FuzzSeed } from './seed.ts';
import { type FuzzTarget, isRefusal } from './target.ts';

/** Executions of a slice: in a new process the first 500,000 take as long as 800,000 later, and collect 325 times. */
export const SLICE_EXECUTIONS = 2_000_000;
/** Heap that an execution may take, octets: this for each octet of the input... */
export const HEAP_PER_OCTET = 64;
/** ...and this. */
export const HEAP_BASE_OCTETS = 65_536;
/** Time for each begun kB. */
export const TIME_PER_KB_MS = 5;
/** Further runs of an input, of which the best counts. */
const AGAIN = 8;
/** Garbage that an execution may make, in bounds of heap. */
const GARBAGE_BOUNDS = 8;
/** How much larger the next one that is weighed must be. */
const WEIGH_STEP = 1.02;
/** Weighings of one input, of which the least counts: what was compiled meanwhile is on the heap too. */
const WEIGHINGS = 3;
/**
 * Further weighings before an input counts as greedy. The engine keeps things of its own of a run (code, most likely): of a
 * parser that keeps nothing one weighing in ten showed more than 70 kB on a busy machine, and one in twenty more than 150 kB,
 * where two collections with no run between them differ by 16 octets. What an input itself keeps it keeps every time.
 */
const WEIGHINGS_OF_A_FIND = 16;
/** Finds after which a slice stops: one cause shows many times. */
const FINDS_MAX = 20;

/** Where time and heap are read. */
export interface FuzzMeters {
  nowMs(): number;
  /** Octets on the heap and in buffers. */
  heapBytes(): number;
  /** Collects all garbage; called rarely. */
  collectGarbage(): void;
}

/** What went wrong with an input. */
export interface Find {
  readonly target: string;
  readonly hex: string;
  readonly reason: string;
}

/** What a slice did. */
export interface SliceResult {
  executions: number;
  /** Inputs that were not refused. */
  taken: number;
  readonly finds: Find[];
  /** Largest share of the time that any execution needed, its best run counted: above 1 is a find. */
  timeShareMax: number;
  /** Largest share of the heap: what was allocated up to the bound, what was kept where that is more. */
  heapShareMax: number;
}

/** Runs inputs and judges what comes of them. */
export class Judge {
  readonly #meters: FuzzMeters;
  /** The largest share of the bound that a target allocated: only a larger one is worth a collection. */
  readonly #weighed = new Map<string, number>();

  constructor(meters: FuzzMeters) {
    this.#meters = meters;
  }

  /** Runs one input through one target, in a fresh state: null when all holds, otherwise what does not. */
  judge(target: FuzzTarget, octets: Uint8Array, into?: SliceResult): string | null {
    const run = execute(target, octets, this.#meters);
    if (run.fault !== null) return run.fault;
    if (into !== undefined && run.taken) into.taken++;
    const timeLimitMs = TIME_PER_KB_MS * Math.max(1, Math.ceil(octets.length / 1_024));
    const heapLimit = HEAP_PER_OCTET * octets.length + (target.heapBaseBytes ?? HEAP_BASE_OCTETS);
    let { tookMs, heapBytes } = run;
    const enoughMs = timeLimitMs * Math.min(1, into?.timeShareMax ?? 1);
    for (let again = 0; again < AGAIN && (tookMs > enoughMs || heapBytes > heapLimit); again++) {
      const next = execute(target, octets, this.#meters);
      tookMs = Math.min(tookMs, next.tookMs);
      heapBytes = Math.min(heapBytes, next.heapBytes);
    }
    if (heapBytes > heapLimit && heapBytes <= GARBAGE_BOUNDS * heapLimit)
      heapBytes = this.#weigh(target, octets, heapBytes / heapLimit, heapLimit);
    if (into !== undefined) {
      into.timeShareMax = Math.max(into.timeShareMax, tookMs / timeLimitMs);
      into.heapShareMax = Math.max(into.heapShareMax, heapBytes / heapLimit);
    }
    if (tookMs > timeLimitMs) return `takes ${tookMs.toFixed(1)} ms, ${timeLimitMs} ms are allowed`;
    return heapBytes > heapLimit ? `takes ${heapBytes} octets of heap, ${heapLimit} are allowed` : null;
  }

  /** What an execution keeps, weighed when it allocated more than any before it did; 0 for the others. */
  #weigh(target: FuzzTarget, octets: Uint8Array, share: number, limit: number): number {
    const weighed = this.#weighed.get(target.name) ?? 0;
    if (share <= WEIGH_STEP * weighed) return 0;
    this.#weighed.set(target.name, share);
    let least = Number.POSITIVE_INFINITY;
    for (let at = 0; at < WEIGHINGS || (at < WEIGHINGS + WEIGHINGS_OF_A_FIND && least > limit); at++)
      least = Math.min(least, keptBytes(target, octets, this.#meters));
    return least;
  }
}

interface Execution {
  readonly fault: string | null;
  readonly taken: boolean;
  readonly tookMs: number;
  readonly heapBytes: number;
}

function execute(target: FuzzTarget, octets: Uint8Array, meters: FuzzMeters): Execution {
  const feed = target.open();
  let check: (() => void) | null = null;
  let fault: string | null = null;
  const heapBefore = meters.heapBytes();
  const startMs = meters.nowMs();
  try {
    check = feed(octets);
  } catch (error) {
    if (!isRefusal(error)) fault = wordsOf(error);
    else check = REFUSED;
  }
  const tookMs = meters.nowMs() - startMs;
  // A collection in between makes it less; then the input is not known to be greedy.
  const heapBytes = meters.heapBytes() - heapBefore;
  if (fault === null && check !== null) fault = faultOf(check);
  return { fault, taken: check !== REFUSED, tookMs, heapBytes };
}

/** What is left of an execution after a collection, its result held; at least 0. */
function keptBytes(target: FuzzTarget, octets: Uint8Array, meters: FuzzMeters): number {
  const feed = target.open();
  meters.collectGarbage();
  const before = meters.heapBytes();
  let result: (() => void) | null = null;
  try {
    result = feed(octets);
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
  meters.collectGarbage();
  const kept = Math.max(0, meters.heapBytes() - before);
  result?.();
  return kept;
}

const REFUSED = (): void => {};

function faultOf(check: () => void): string | null {
  try {
    check();
    return null;
  } catch (error) {
    return isRefusal(error) ? `what was taken is refused again: ${wordsOf(error)}` : wordsOf(error);
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${reasonOf(error)}` : String(error);
}

/** Runs slices. */
export class Fuzzer {
  readonly #mutator: Mutator;
  readonly #judge: Judge;
  readonly #wheel: readonly FuzzTarget[];

  constructor(targets: readonly FuzzTarget[], seeds: readonly FuzzSeed[], meters: FuzzMeters) {
    this.#mutator = new Mutator(seeds);
    this.#judge = new Judge(meters);
    this.#wheel = targets.flatMap((target) => Array.from({ length: target.weight }, () => target));
  }

  /** Slice `slice` of `seed`. `enough` is asked now and then, and ends it early. */
  slice(seed: number, slice: number, executions = SLICE_EXECUTIONS, enough: () => boolean = () => false): SliceResult {
    const random = new SeededRandom(`fuzz/${seed}/${slice}`);
    const result: SliceResult = { executions: 0, taken: 0, finds: [], timeShareMax: 0, heapShareMax: 0 };
    // Refusals are thrown by the hundred thousand, and nobody reads where they were made.
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    try {
      while (result.executions < executions && result.finds.length < FINDS_MAX) {
        if (result.executions % 1_024 === 0 && enough()) break;
        const target = random.pick(this.#wheel);
        const octets = this.#mutator.mutant(random, target.kinds);
        result.executions++;
        const reason = this.#judge.judge(target, octets, result);
        if (reason !== null) result.finds.push({ target: target.name, hex: toHex(octets), reason });
      }
    } finally {
      Error.stackTraceLimit = limit;
    }
    return result;
  }
}
