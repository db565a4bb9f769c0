/** All proofs: runs that try to break a promise of the design. `deltawatt prove` lists them. */
import type { BenchEntry } from '../benches/bench.ts';

/** The registry. */
export const PROOFS: readonly BenchEntry[] = [
  {
    name: 'kill',
    title: 'edge, collector with broker, and meters as own processes, one of them killed at random times',
    load: async () => (await import('./kill.ts')).proveKill,
  },
  {
    name: 'swarm',
    title: 'the whole system in virtual time under faults drawn from seeds: 3 days x 10 meters each',
    load: async () => (await import('./swarm.ts')).proveSwarm,
  },
];
