/** `deltawatt acceptance`: whether the meters of a concentrator are there and read. */
import { acceptanceText } from '../../collector/api/acceptance-text.ts';
import type { AcceptanceReport } from '../../collector/commissioning-ports.ts';
import { createHostEnv } from '../../host/env.ts';
import { answered, COLLECTOR_OPTIONS, collectorClient } from '../collector-options.ts';
import { defineCommand } from '../command.ts';
import { EXIT, UsageError } from '../errors.ts';

/** Prints the report; exit 1 while something is left to do. */
export const acceptanceCommand = defineCommand({
  name: 'acceptance',
  summary: 'Says which meters of a concentrator are there and read, and what is left to do',
  arguments: 'EDGE [options]',
  details: 'Exit 1 while a meter is not found or not read, a stranger waits, or an address has trouble.',
  options: {
    ...COLLECTOR_OPTIONS,
    json: { kind: 'flag', what: 'one JSON document' },
  },
  run: async (values, words, io) => {
    const [edgeId, ...rest] = words;
    if (edgeId === undefined || rest.length > 0) throw new UsageError('acceptance takes one EDGE.');
    const client = await collectorClient(values, createHostEnv({ logLevel: 'warn' }));
    const report = await answered<AcceptanceReport>(client.ask(`edges/${encodeURIComponent(edgeId)}/acceptance`));
    io.print(values.json ? `${JSON.stringify(report)}\n` : acceptanceText(report));
    return report.isAccepted ? EXIT.done : EXIT.failed;
  },
});
