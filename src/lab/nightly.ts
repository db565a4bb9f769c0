/** What runs at night: every proof and every bench, then what is too long for the day. */
import type { BenchEntry } from './benches/bench.ts';
import { BENCHES } from './benches/index.ts';
import { PROOFS } from './proofs/index.ts';

const NIGHT_ONLY: readonly BenchEntry[] = [
  {
    name: 'coverage',
    title: 'lines of the pure rooms that unit, vector and property tests run',
    load: async () => (await import('./coverage.ts')).runCoverage,
  },
  {
    name: 'fuzz',
    title: 'mutated octets into every parser and both session machines, 10^8 times; --count slices of 2,000,000',
    load: async () => (await import('./fuzz/runs.ts')).runFuzz,
  },
  {
    name: 'mutation',
    title: 'small mistakes in the pure rooms, one at a time: what share of them the tests notice; --count mistakes',
    load: async () => (await import('./mutation/run.ts')).runMutation,
  },
];

/** The registry. */
export const NIGHTLY: readonly BenchEntry[] = [...PROOFS, ...BENCHES, ...NIGHT_ONLY].map((entry) =>
  entry.nightlyCount === undefined ? entry : { ...entry, count: entry.nightlyCount },
);

/** Parts of nightly runs, to be named alone: what their processes do, and how a find is run again. */
export const NIGHTLY_PARTS: readonly BenchEntry[] = [
  {
    name: 'fuzz-slice',
    title: 'one slice of the fuzzer, number --count, in this process',
    load: async () => (await import('./fuzz/runs.ts')).runFuzzSlice,
  },
  {
    name: 'herd-part',
    title: 'herd with --count edges, in this process',
    load: async () => (await import('./proofs/herd.ts')).proveHerdPart,
  },
  {
    name: 'swarm-part',
    title: '--count seeds of the swarm from --seed on, in this process',
    load: async () => (await import('./proofs/swarm.ts')).proveSwarmPart,
  },
  {
    name: 'swarm-full-part',
    title: '--count seeds of swarm-full from --seed on, in this process',
    load: async () => (await import('./proofs/swarm.ts')).proveSwarmFullPart,
  },
];
