/** `deltawatt demo`. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { reasonOf } from '../../base/errors.ts';
import { createHostEnv } from '../../host/env.ts';
import { createProcessHost } from '../../host/process.ts';
import { onStopSignal } from '../../host/signals.ts';
import {
  type DemoEntry,
  DemoError,
  type DemoOptions,
  demoEntry,
  metersOf,
  runOnce,
  startDemo,
} from '../../lab/demo/demo.ts';
import { defineCommand, wholeNumber } from '../command.ts';
import { CommandError, EXIT, UsageError } from '../errors.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const PORT_DEFAULT = 8080;

/** Meters, concentrator, broker, database and collector on this machine; loopback only. */
export const demoCommand = defineCommand({
  name: 'demo',
  summary: 'Runs the whole system on this machine, with simulated meters',
  arguments: '[--meters N] [--once] [options]',
  details:
    'Each start begins with an empty store and two weeks of history in the meters. Everything listens on loopback.',
  options: {
    meters: {
      kind: 'text',
      value: 'N',
      what: 'so many meters on TCP; default: a street of 78 on buses, TCP, a PRIME base node and a P1 port',
    },
    seed: { kind: 'text', value: 'S', what: 'the same seed plays the same meters, default 1' },
    port: {
      kind: 'text',
      value: 'P',
      what: `port of console and REST, default ${PORT_DEFAULT} or, when taken, a free one`,
    },
    data: { kind: 'text', value: 'DIR', what: 'folder of the demo, default .deltawatt/demo in the clone' },
    captures: {
      kind: 'flag',
      what: 'play pushes of real meters into customer ports; without --meters nothing is simulated beside them',
    },
    once: {
      kind: 'flag',
      what: 'end when all is stored; exit 1 unless nothing is lost, doubled, altered, invented or, of captures, missing',
    },
    json: { kind: 'flag', what: 'one JSON document on stdout' },
  },
  run: async (values, words, io) => {
    if (words.length > 0) throw new UsageError(`demo takes no ${words[0]}.`);
    const startedMs = performance.now();
    const tell = (line: string) => io.tell(`demo: ${((performance.now() - startedMs) / 1000).toFixed(1)} s  ${line}`);
    const meters = values.meters ?? (values.captures ? '0' : undefined);
    const options: DemoOptions = {
      folder: resolve(values.data ?? `${ROOT}.deltawatt/demo`),
      configFolder: `${ROOT}config`,
      webFolder: fileURLToPath(new URL('../../collector/web/static', import.meta.url)),
      ...(meters === undefined ? {} : { meters: wholeNumber('meters', meters, values.captures ? 0 : 1, 250) }),
      seed: values.seed ?? '1',
      port: wholeNumber('port', values.port ?? String(PORT_DEFAULT), 0, 65_535),
      portIsFixed: values.port !== undefined,
      capturesFile: values.captures ? `${ROOT}test/vectors/push-captures.json` : null,
      tell,
      once: values.once,
    };
    // Two meters are meant to fail while somebody looks on: the console says it better than log lines do.
    const env = createHostEnv({ logLevel: values.once && !values.captures ? 'warn' : 'error' });
    const site = await startDemo(env, createProcessHost(), options).catch((error: unknown) => {
      throw error instanceof DemoError ? new CommandError(error.message) : error;
    });
    let stopping: Promise<void> | null = null;
    const forget = onStopSignal(env.log, () => {
      tell('stopping');
      stopping = site.stop().then(() => tell('stopped; nothing of it runs any more'));
      return stopping;
    });
    if (values.once) {
      const { report, text, holds } = await runOnce(env, site, options).finally(() => {
        forget();
        return site.stop();
      });
      io.print(values.json ? `${JSON.stringify(report)}\n` : text);
      return holds ? EXIT.done : EXIT.failed;
    }
    const entry = await demoEntry(site);
    if (values.json) io.print(`${JSON.stringify({ ...entry, folder: options.folder })}\n`);
    tell('ready');
    io.tell(welcome(entry, options));
    const playing = site.captures?.lines.play(options.seed);
    playing?.then(
      () => tell('all captures are played'),
      (error: unknown) => tell(`the captures were not played to their end: ${reasonOf(error)}`),
    );
    const reason = await site.databaseEnded;
    // Ctrl-C ends the database as well: that is no failure, and the signal's handler ends the program.
    if (stopping !== null) {
      await stopping;
      return EXIT.done;
    }
    await site.stop();
    throw new CommandError(`The database server ended: ${reason}.`);
  },
});

function welcome(entry: DemoEntry, options: DemoOptions): string {
  const meters = metersOf(options);
  const where =
    options.meters === undefined ? 'on two RS-485 buses, TCP, a PRIME base node and a P1 port' : 'on loopback';
  return `
  Open this link; it signs you in:

    ${entry.link}

  REST:   curl -H 'authorization: Bearer ${entry.token}' '${entry.url}/api/v1/meters?limit=3'
  Inside: ${meters} meters ${where}${meters > 7 ? ', of which one is silent and one is unreadable: the overview says so in half a minute' : ''}

  Ctrl-C ends the demo.
`;
}
