/** All subcommands. To add one, write its file in `commands/` and a line here. */
import type { Command } from './command.ts';

/** A subcommand that is imported when it is asked for. */
export interface CommandEntry {
  readonly name: string;
  /** The same line as in the command's own file; a test compares them. */
  readonly summary: string;
  load(): Promise<Command>;
}

/** The registry, in the order of the help. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'demo',
    summary: 'Runs the whole system on this machine, with simulated meters',
    load: async () => (await import('./commands/demo.ts')).demoCommand,
  },
  {
    name: 'collector',
    summary: 'Receives, stores and shows readings, and sends commands to concentrators',
    load: async () => (await import('./commands/collector.ts')).collectorCommand,
  },
  {
    name: 'edge',
    summary: 'Runs a concentrator: reads its meters and sends what it read to the collector',
    load: async () => (await import('./commands/edge.ts')).edgeCommand,
  },
  {
    name: 'sim',
    summary: 'Plays one meter or a fleet of them, for edges and clients to read',
    load: async () => (await import('./commands/sim.ts')).simCommand,
  },
  {
    name: 'explain',
    summary: 'Takes the octets of a frame or message apart',
    load: async () => (await import('./commands/explain.ts')).explainCommand,
  },
  {
    name: 'read',
    summary: 'Reads objects of one meter, once',
    load: async () => (await import('./commands/read.ts')).readCommand,
  },
  {
    name: 'scan',
    summary: 'Finds the meters of a bus, lists what one meter has, or proposes a profile for it',
    load: async () => (await import('./commands/scan.ts')).scanCommand,
  },
  {
    name: 'certificates',
    summary: 'Lists the certificates of one meter, asks for new ones, brings and removes them',
    load: async () => (await import('./commands/certificates.ts')).certificatesCommand,
  },
  {
    name: 'import',
    summary: 'Brings a list of meters to a collector, or says what is wrong with it',
    load: async () => (await import('./commands/import.ts')).importCommand,
  },
  {
    name: 'acceptance',
    summary: 'Says which meters of a concentrator are there and read, and what is left to do',
    load: async () => (await import('./commands/acceptance.ts')).acceptanceCommand,
  },
  {
    name: 'pki',
    summary: 'Makes a private certificate authority for a trial, and certificates of concentrators',
    load: async () => (await import('./commands/pki.ts')).pkiCommand,
  },
  {
    name: 'conform',
    summary: 'Plays the collector before a concentrator of any maker, and says which rules of the wire it keeps',
    load: async () => (await import('./commands/conform.ts')).conformCommand,
  },
  {
    name: 'attack',
    summary: 'Attacks one meter in the ways that DLMS meters are attacked, and says what held',
    load: async () => (await import('./commands/attack.ts')).attackCommand,
  },
  {
    name: 'bench',
    summary: 'Measures what the design promises, and lists the benches',
    load: async () => (await import('./commands/bench.ts')).benchCommand,
  },
  {
    name: 'prove',
    summary: 'Tries to break a promise of the design, and lists the proofs',
    load: async () => (await import('./commands/prove.ts')).proveCommand,
  },
  {
    name: 'nightly',
    summary: 'Runs every proof and every bench, one after the other',
    load: async () => (await import('./commands/nightly.ts')).nightlyCommand,
  },
];
