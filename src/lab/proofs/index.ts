/** All proofs: runs that try to break a promise of the design. `deltawatt prove` lists them. */
import type { BenchEntry } from '../benches/bench.ts';

/** The registry. */
export const PROOFS: readonly BenchEntry[] = [];
