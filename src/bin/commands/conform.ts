/** `deltawatt conform`: plays the collector before a concentrator of any maker. */

import { createHostEnv } from '../../host/env.ts';
import { ConformError, conformDevice } from '../../lab/conform/conform.ts';
import { conformText } from '../../lab/conform/verdicts.ts';
import { defineCommand, wholeNumber } from '../command.ts';
import { CommandError, EXIT, UsageError } from '../errors.ts';

const LISTEN_DEFAULT = '127.0.0.1:1883';
const EDGE_DEFAULT = 'dut-1';
const WAIT_DEFAULT_S = '900';
const WAIT_MAX_S = 86_400;

/** Examines one device and says what it keeps of docs/formats/wire.md. */
export const conformCommand = defineCommand({
  name: 'conform',
  summary: 'Plays the collector before a concentrator of any maker, and says which rules of the wire it keeps',
  arguments: 'FOLDER [options]',
  details:
    'For a device on a bench: what it holds for its collector is read and acknowledged. FOLDER keeps its enrolment; the\n' +
    'first run writes FOLDER/enrolment.json, which the device needs. Each rule is passed, failed or not-seen, with a\n' +
    'sentence; exit 1 when one failed or none was seen. It takes about nine minutes, with --quick four.\n' +
    'docs/guides/conform.md tells each step.',
  options: {
    listen: { kind: 'text', value: 'HOST:PORT', what: `where the device finds the broker; default ${LISTEN_DEFAULT}` },
    url: {
      kind: 'text',
      value: 'URL',
      what: 'address for the enrolment, where it is not --listen',
    },
    edge: { kind: 'text', value: 'ID', what: `edge id of the device, for a new enrolment; default ${EDGE_DEFAULT}` },
    'tls-cert': {
      kind: 'text',
      value: 'FILE',
      what: 'certificate of the broker, PEM',
    },
    'tls-key': { kind: 'text', value: 'FILE', what: 'its key, PEM' },
    'tls-client-ca': { kind: 'text', value: 'FILE', what: 'who may sign the certificate of the device, PEM' },
    wait: {
      kind: 'text',
      value: 'S',
      what: `seconds to wait for the device and for its blocks; default ${WAIT_DEFAULT_S}`,
    },
    quick: { kind: 'flag', what: 'leaves out what takes minutes' },
    json: { kind: 'flag', what: 'one JSON document: a list of rules with verdict and sentence' },
  },
  run: async (values, words, io) => {
    const [folder, ...rest] = words;
    if (folder === undefined || rest.length > 0) throw new UsageError('conform takes one FOLDER.');
    const { host, port } = addressOf(values.listen ?? LISTEN_DEFAULT);
    const tlsFiles = [values['tls-cert'], values['tls-key'], values['tls-client-ca']];
    const given = tlsFiles.filter((file) => file !== undefined);
    if (given.length > 0 && given.length < tlsFiles.length)
      throw new UsageError('--tls-cert, --tls-key and --tls-client-ca belong together: give all or none.');
    const [certFile, keyFile, clientCaFile] = given;
    const examined = conformDevice(createHostEnv({ logLevel: 'silent' }), {
      folder,
      edgeId: values.edge ?? EDGE_DEFAULT,
      host,
      port,
      url: values.url,
      tls: certFile && keyFile && clientCaFile ? { certFile, keyFile, clientCaFile } : undefined,
      patienceMs: 1_000 * wholeNumber('wait', values.wait ?? WAIT_DEFAULT_S, 1, WAIT_MAX_S),
      quick: values.quick,
      tell: (line) => io.tell(line),
    });
    const reports = await examined.catch((error: unknown) => {
      throw error instanceof ConformError ? new CommandError(error.message) : error;
    });
    io.print(values.json ? `${JSON.stringify(reports)}\n` : conformText(reports));
    return reports.some(({ verdict }) => verdict === 'failed') || !reports.some(({ verdict }) => verdict === 'passed')
      ? EXIT.failed
      : EXIT.done;
  },
});

function addressOf(text: string): { host: string; port: number } {
  const [, host, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text)?.filter((part) => part !== undefined) ?? [];
  if (host === undefined || port === undefined) throw new UsageError(`--listen takes HOST:PORT, not ${text}.`);
  return { host, port: wholeNumber('listen', port, 0, 65_535) };
}
