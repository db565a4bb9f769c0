/** `deltawatt edge`. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseConfig, printExample } from '../../base/config.ts';
import { Concentrator } from '../../edge/concentrator.ts';
import { EDGE_CONFIG, edgeContradictions } from '../../edge/config.ts';
import { runText } from '../../edge/scheduler/runs.ts';
import { resolveSettings } from '../../edge/settings.ts';
import { runsOf } from '../../edge/site-runs.ts';
import { createHostEnv } from '../../host/env.ts';
import { hostServiceManager } from '../../host/service.ts';
import { onStopSignal } from '../../host/signals.ts';
import { problemsOfLink } from '../../link/registry.ts';
import { defineCommand } from '../command.ts';
import { readConfigFile } from '../config-file.ts';
import { EXIT, UsageError } from '../errors.ts';

const PROFILES_FOLDER = fileURLToPath(new URL('../../../config/profiles', import.meta.url));
/** A journal is begun anew at most once in this time. */
const RENEWAL_MIN_MS = 3_600_000;
const PACKAGE_FILE = new URL('../../../package.json', import.meta.url);

/** Runs a concentrator until it is stopped. */
export const edgeCommand = defineCommand({
  name: 'edge',
  summary: 'Runs a concentrator: reads its meters and sends what it read to the collector',
  arguments: '--config FILE [--plan] | --print-config',
  details: 'Health and metrics are at http://127.0.0.1:9464/health and /metrics unless the settings say otherwise.',
  options: {
    config: { kind: 'text', value: 'FILE', what: 'settings, YAML' },
    plan: { kind: 'flag', what: 'print the next ten runs of the plan and end; reads no meter' },
    'print-config': { kind: 'flag', what: 'print a commented example of the settings and end' },
  },
  run: async (values, words, io) => {
    if (words.length > 0) throw new UsageError(`edge takes no ${words[0]}.`);
    if (values['print-config']) {
      io.print(printExample(EDGE_CONFIG, 'deltawatt edge'));
      return EXIT.done;
    }
    if (values.config === undefined) throw new UsageError('edge needs --config FILE; --print-config shows one.');
    const parsing = createHostEnv({ logLevel: 'silent' });
    const problemsOf = (url: string) => problemsOfLink(url, parsing);
    const config = await readConfigFile(values.config, (text) =>
      parseConfig(EDGE_CONFIG, text, (parsed) => edgeContradictions(parsed, problemsOf)),
    );
    const env = createHostEnv({ logLevel: config.log });
    const around = { env, linkEnv: env, profilesFolder: PROFILES_FOLDER, software: softwareName() };
    if (values.plan) {
      const runs = runsOf(await resolveSettings(config, around), env.clock.nowMs());
      io.print(
        runs.length === 0
          ? 'Nothing is planned: no line has meters that are asked.\n'
          : runs.map((run) => `${runText(run)}\n`).join(''),
      );
      return EXIT.done;
    }
    const start = async () =>
      Concentrator.start(env, await resolveSettings(config, around), hostServiceManager(env.log));
    let started = start();
    // Heard from the first moment: whoever is told to stop while it starts, starts and stops in order.
    return new Promise<number>((resolve, reject) => {
      const watch = async (): Promise<void> => {
        for (let lastAtMs = Number.NEGATIVE_INFINITY; ; ) {
          const running = await started;
          const isDiverged = await Promise.race([
            running.diverged.then(() => true),
            running.reconfigured.then(() => false),
          ]);
          if (!isDiverged) {
            started = running.stop().then(start);
            continue;
          }
          // Whoever diverges again so soon has a twin, which no fresh journal cures.
          if (env.clock.monotonicMs() - lastAtMs < RENEWAL_MIN_MS) return;
          lastAtMs = env.clock.monotonicMs();
          started = running.renounce().then(start);
        }
      };
      watch().catch(reject);
      onStopSignal(env.log, async () => {
        await (await started).stop();
        resolve(EXIT.done);
      });
    });
  },
});

function softwareName(): string {
  const { version } = JSON.parse(readFileSync(PACKAGE_FILE, 'utf8')) as { version: string };
  return `deltawatt ${version}`;
}
