/** `deltawatt bench`. */
import { BENCHES } from '../../lab/benches/index.ts';
import { defineCommand } from '../command.ts';
import { listEntries, MEASURE_OPTIONS, pickEntries, runEntries } from '../measure.ts';

/** Without names it lists; with names it runs them and prints one JSON document a line. */
export const benchCommand = defineCommand({
  name: 'bench',
  summary: 'Measures what the design promises, and lists the benches',
  arguments: '[NAME...] [--seed S] [--json]',
  details: 'Each run prints {name, seed, machine, figures, bars} on stdout; exit 1 when a bar does not hold.',
  options: MEASURE_OPTIONS,
  run: async (values, words, io) =>
    words.length === 0
      ? listEntries('bench', BENCHES, values, io)
      : runEntries(pickEntries(BENCHES, words), values, io),
});
