/** `deltawatt import`: a list of meters to a collector. */
import type { ImportReport } from '../../collector/ports.ts';
import { createHostEnv } from '../../host/env.ts';
import { importText } from '../../lab/import-text.ts';
import { answered, COLLECTOR_OPTIONS, collectorClient } from '../collector-options.ts';
import { defineCommand } from '../command.ts';
import { CommandError, EXIT, UsageError } from '../errors.ts';

/** Sends the file and prints what became of it. */
export const importCommand = defineCommand({
  name: 'import',
  summary: 'Brings a list of meters to a collector, or says what is wrong with it',
  arguments: 'FILE [options]',
  details:
    'FILE is CSV whose first line names the columns (docs/guides/import-meters.md); - is stdin. The same list again changes\n' +
    'nothing. One fault stops all lines unless --valid-only; exit 1 when a line has one.',
  options: {
    ...COLLECTOR_OPTIONS,
    'dry-run': { kind: 'flag', what: 'checks all lines and changes nothing' },
    'valid-only': { kind: 'flag', what: 'takes the lines that are good and names the others' },
    json: { kind: 'flag', what: 'one JSON document: figures and faults' },
  },
  run: async (values, words, io) => {
    const [file, ...rest] = words;
    if (file === undefined || rest.length > 0) throw new UsageError('import takes one FILE.');
    const env = createHostEnv({ logLevel: 'warn' });
    const octets = file === '-' ? await io.readStdin() : await env.disk.readFile(file);
    if (octets === undefined) throw new CommandError(`There is no file ${file}.`);
    const client = await collectorClient(values, env);
    const query = new URLSearchParams({
      dryRun: values['dry-run'] ? 'yes' : 'no',
      take: values['valid-only'] ? 'valid' : 'all',
    });
    const report = await answered<ImportReport>(client.postOctets(`meters/import?${query}`, octets, 'text/csv'));
    io.print(values.json ? `${JSON.stringify(report)}\n` : importText(file, report));
    return report.faultsTotal > 0 ? EXIT.failed : EXIT.done;
  },
});
