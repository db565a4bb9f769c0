/** All proofs: runs that try to break a promise of the design. `deltawatt prove` lists them. */
import type { BenchEntry } from '../benches/bench.ts';

/** The registry. */
export const PROOFS: readonly BenchEntry[] = [
  {
    name: 'clock',
    title:
      'clocks that are wrong: boot at 1970 and 2038, steps, daylight saving in three zones, leap day, no clock for 7 days offline',
    nightlyCount: 54,
    load: async () => (await import('./clock.ts')).proveClock,
  },
  {
    name: 'disk',
    title:
      'the disk under an edge is full, reports errors, turns read-only, or has one bit flipped in a file of the store',
    nightlyCount: 240,
    load: async () => (await import('./disk.ts')).proveDisk,
  },
  {
    name: 'herd',
    title:
      'a fleet that was away comes back at one moment, in virtual time: fair shares, alarms, fresh readings, memory',
    nightlyCount: 5_000,
    load: async () => (await import('./herd.ts')).proveHerd,
  },
  {
    name: 'kill',
    title: 'edges, collector, broker and meters as own processes, killed at random times and at named points',
    nightlyCount: 1_000,
    load: async () => (await import('./kill.ts')).proveKill,
  },
  {
    name: 'mixed',
    title:
      'a day of electricity, gas and water (--count meters) on TCP, RS-485 and PRIME in one edge, under faults, in virtual time',
    load: async () => (await import('./mixed.ts')).proveMixed,
  },
  {
    name: 'net',
    title:
      'a bad network between an edge and its broker: down, half-open, slow, late, cut, flipped bits, messages twice',
    nightlyCount: 20,
    load: async () => (await import('./net.ts')).proveNet,
  },
  {
    name: 'noise',
    title:
      'a day of 32 meters on a bus of 9,600 Bd: bit errors, a meter that babbles, one that is dead, in virtual time',
    load: async () => (await import('./noise.ts')).proveNoise,
  },
  {
    name: 'plc-day',
    title:
      'the day of a PLC network of 117 meters (--count) that come and go, behind a PRIME base node, in virtual time',
    load: async () => (await import('./plc-day.ts')).provePlcDay,
  },
  {
    name: 'powercut',
    title: 'the power of an edge or of the database goes, and its disk forgets what was not synced',
    nightlyCount: 500,
    load: async () => (await import('./powercut.ts')).provePowercut,
  },
  {
    name: 'swarm',
    title: 'the whole system in virtual time under faults drawn from seeds: 3 days x 10 meters each',
    nightlyCount: 1_000,
    load: async () => (await import('./swarm.ts')).proveSwarm,
  },
  {
    name: 'swarm-full',
    title: 'the same over 30 days x 100 meters each, with a week without a broker',
    nightlyCount: 50,
    load: async () => (await import('./swarm.ts')).proveSwarmFull,
  },
];
