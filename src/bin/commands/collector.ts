/** `deltawatt collector`. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseConfig, printExample } from '../../base/config.ts';
import type { Env } from '../../base/env.ts';
import { Watchdog } from '../../base/watchdog.ts';
import type { BrokerTls } from '../../collector/broker/broker.ts';
import { type Collector, type CollectorSettings, startCollector } from '../../collector/collector.ts';
import { COLLECTOR_CONFIG, type CollectorConfig, collectorContradictions } from '../../collector/config.ts';
import { rotationGroups } from '../../collector/rotation-settings.ts';
import { openStore } from '../../collector/store/open.ts';
import { createHostEnv } from '../../host/env.ts';
import { createProcessHost } from '../../host/process.ts';
import { takeLock } from '../../host/process-lock.ts';
import { hostServiceManager } from '../../host/service.ts';
import { onStopSignal } from '../../host/signals.ts';
import { defineCommand } from '../command.ts';
import { readConfigFile } from '../config-file.ts';
import { CommandError, EXIT, UsageError } from '../errors.ts';

/** Runs the collector until it is asked to stop. */
export const collectorCommand = defineCommand({
  name: 'collector',
  summary: 'Receives, stores and shows readings, and sends commands to concentrators',
  arguments: '--config FILE | --print-config',
  details: 'On its first start it prints a one-time code with which the console makes the first administrator.',
  options: {
    config: { kind: 'text', value: 'FILE', what: 'settings, YAML' },
    restored: {
      kind: 'flag',
      what: 'once, after the data folder was copied back: concentrators send again what it lacks',
    },
    'print-config': { kind: 'flag', what: 'prints a commented example of all settings, and ends' },
  },
  run: async (values, words, io) => {
    if (words.length > 0) throw new UsageError(`collector takes no ${words[0]}.`);
    if (values['print-config']) {
      io.print(printExample(COLLECTOR_CONFIG, 'deltawatt collector'));
      return EXIT.done;
    }
    if (values.config === undefined) throw new UsageError('collector needs --config FILE; --print-config shows one.');
    const file = values.config;
    const config = await readConfigFile(file, (text) => parseConfig(COLLECTOR_CONFIG, text, collectorContradictions));
    const env = createHostEnv({ logLevel: config.log });
    const starting = startAll(env, config, values.restored);
    const service = hostServiceManager(env.log);
    // What hangs here is the event loop; a database that does not answer is told in health and cured by no new start of ours.
    const watchdog =
      service === null
        ? null
        : new Watchdog(
            service,
            env.timers,
            () => null,
            () => undefined,
          );
    // Heard from the first moment: whoever is told to stop while it starts, starts and stops in order.
    onStopSignal(env.log, async () => {
      const { stop } = await starting;
      watchdog?.stop();
      await stop();
    });
    const running = await starting;
    watchdog?.start();
    const { url, setup, brokerUrl } = running.collector;
    env.log.info('collector.ready', { url: url ?? '', broker: brokerUrl });
    if (setup !== null)
      io.tell(`First start: open ${url} and enter the set-up code ${setup.code} (valid for an hour).`);
    const reason = await running.ended;
    await running.stop();
    throw new CommandError(`The database server ended: ${reason}. Look at the log, then start the collector again.`);
  },
});

interface RunningAll {
  readonly collector: Collector;
  /** Resolves when the private database server ended by itself. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

async function startAll(env: Env, config: CollectorConfig, isRestored: boolean): Promise<RunningAll> {
  const stateFolder = resolve(config.stateFolder);
  const lock = takeLock(`${stateFolder}/collector.lock`, 'deltawatt collector');
  if (lock.kind === 'held') {
    throw new CommandError(
      `A collector with the state folder ${stateFolder} runs already (process ${lock.pid}). Stop it, or give this one a stateFolder of its own.`,
    );
  }
  const read = async (path: string): Promise<string> => {
    const octets = await env.disk.readFile(path);
    if (octets === undefined) throw new CommandError(`There is no file ${path}, which the settings name.`);
    return new TextDecoder().decode(octets).trim();
  };
  const { urlFile, programs } = config.database;
  const open = await openStore(env, createProcessHost(), {
    stateFolder,
    programs,
    isRestored,
    ...(urlFile === undefined ? {} : { url: await read(urlFile) }),
  });
  try {
    const collector = await startCollector(env, open.store, await settingsOf(config, stateFolder, read));
    return {
      collector,
      ended: open.cluster.ended,
      stop: async () => {
        await collector.stop();
        await open.close();
        lock.release();
      },
    };
  } catch (error) {
    await open.close();
    lock.release();
    throw error;
  }
}

async function settingsOf(
  config: CollectorConfig,
  stateFolder: string,
  read: (path: string) => Promise<string>,
): Promise<CollectorSettings> {
  const { api, broker, fold, ingest, keyRotation } = config;
  return {
    keysFolder: `${stateFolder}/keys`,
    broker:
      broker.embedded || broker.url === undefined
        ? {
            kind: 'embedded',
            host: broker.host,
            port: broker.port,
            ...(broker.edgesUrl === undefined ? {} : { edgesUrl: broker.edgesUrl }),
            ...(broker.tls === undefined ? {} : { tls: await brokerTls(broker.tls, read) }),
          }
        : {
            kind: 'external',
            edgesUrl: broker.edgesUrl ?? broker.url,
            connection: {
              url: broker.url,
              clientId: broker.username ?? 'deltawatt.collector',
              ...(broker.username === undefined ? {} : { username: broker.username }),
              ...(broker.passwordFile === undefined ? {} : { password: await read(broker.passwordFile) }),
            },
          },
    foldPeriodMs: fold.periodS * 1_000,
    rotationGroups: rotationGroups(keyRotation),
    creditOctets: ingest.creditOctets,
    api: {
      host: api.host,
      port: api.port,
      webFolder: fileURLToPath(new URL('../../collector/web/static', import.meta.url)),
      ...(api.tls === undefined
        ? {}
        : { tls: { cert: await read(api.tls.certFile), key: await read(api.tls.keyFile) } }),
    },
  };
}

async function brokerTls(
  tls: NonNullable<CollectorConfig['broker']['tls']>,
  read: (path: string) => Promise<string>,
): Promise<BrokerTls> {
  const { host, port, certFile, keyFile, clientCaFile } = tls;
  return { host, port, cert: await read(certFile), key: await read(keyFile), clientCa: await read(clientCaFile) };
}
