/** `deltawatt prove`. */
import { PROOFS } from '../../lab/proofs/index.ts';
import { defineCommand } from '../command.ts';
import { listEntries, MEASURE_OPTIONS, pickEntries, runEntries } from '../measure.ts';

/** Without names it lists; with names it runs them and prints one JSON document a line. */
export const proveCommand = defineCommand({
  name: 'prove',
  summary: 'Tries to break a promise of the design, and lists the proofs',
  arguments: '[NAME...] [--seed S] [--seeds N] [--cycles N] [--json]',
  details: 'Each run prints {name, seed, machine, figures, bars} on stdout; exit 1 when a bar does not hold.',
  options: {
    ...MEASURE_OPTIONS,
    seeds: { kind: 'text', value: 'N', what: 'swarm: run N seeds, from --seed on' },
    cycles: {
      kind: 'text',
      value: 'N',
      what: 'kill, powercut, disk: N ends, power cuts, faults of the disk; clock: N cases, from --seed on',
    },
  },
  run: async (values, words, io) =>
    words.length === 0 ? listEntries('prove', PROOFS, values, io) : runEntries(pickEntries(PROOFS, words), values, io),
});
