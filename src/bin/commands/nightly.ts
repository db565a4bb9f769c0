/** `deltawatt nightly`. */
import { NIGHTLY } from '../../lab/nightly.ts';
import { defineCommand } from '../command.ts';
import { MEASURE_OPTIONS, pickEntries, runEntries } from '../measure.ts';

/** Runs all, or those named, and prints one JSON document a line. */
export const nightlyCommand = defineCommand({
  name: 'nightly',
  summary: 'Runs every proof and every bench, one after the other',
  arguments: '[NAME...] [--seed S]',
  details: 'Each run prints {name, seed, machine, figures, bars} on stdout; exit 1 when a bar does not hold.',
  options: MEASURE_OPTIONS,
  run: async (values, words, io) => runEntries(words.length === 0 ? NIGHTLY : pickEntries(NIGHTLY, words), values, io),
});
