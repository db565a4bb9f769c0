/** What runs at night: every proof and every bench, then what is too long for the day. */
import type { BenchEntry } from './benches/bench.ts';
import { BENCHES } from './benches/index.ts';
import { PROOFS } from './proofs/index.ts';

/** The registry. */
export const NIGHTLY: readonly BenchEntry[] = [...PROOFS, ...BENCHES].map((entry) =>
  entry.nightlyCount === undefined ? entry : { ...entry, count: entry.nightlyCount },
);
