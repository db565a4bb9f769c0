/** `deltawatt nightly`. */
import { NIGHTLY, NIGHTLY_PARTS } from '../../lab/nightly.ts';
import { defineCommand } from '../command.ts';
import { MEASURE_OPTIONS, pickEntries, runEntries } from '../measure.ts';

/** Runs all, or those named, and prints one JSON document a line. */
export const nightlyCommand = defineCommand({
  name: 'nightly',
  summary: 'Runs every proof and every bench, one after the other',
  arguments: '[NAME...] [--seed S] [--count N] [--state FILE]',
  details: 'Each run prints {name, seed, machine, figures, bars} on stdout; exit 1 when a bar does not hold.',
  options: {
    ...MEASURE_OPTIONS,
    count: { kind: 'text', value: 'N', what: 'how many runs of its kind; fuzz: slices of 2,000,000 executions' },
    state: { kind: 'text', value: 'FILE', what: 'fuzz: keep what is done there, and go on from it' },
  },
  run: async (values, words, io) =>
    runEntries(words.length === 0 ? NIGHTLY : pickEntries([...NIGHTLY, ...NIGHTLY_PARTS], words), values, io),
});
