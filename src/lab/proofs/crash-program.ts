/**
 * An edge or a collector that ends itself at a named point: `crash-program '{"program":"edge","point":"after-batch",..}'`.
 * It joins the same rooms as the commands do, over ports of crash-points.ts. The collector has no API here, and folds all
 * the time.
 */
import { fileURLToPath } from 'node:url';
import { parseConfig } from '../../base/config.ts';
import type { Env } from '../../base/env.ts';
import { assert } from '../../base/errors.ts';
import { type BrokerChoice, startCollector } from '../../collector/collector.ts';
import { openStore } from '../../collector/store/open.ts';
import { Concentrator } from '../../edge/concentrator.ts';
import { EDGE_CONFIG } from '../../edge/config.ts';
import { resolveSettings } from '../../edge/settings.ts';
import { createHostEnv } from '../../host/env.ts';
import { createProcessHost } from '../../host/process.ts';
import { type CrashPoint, crashingCollectorStore, crashingEnv, Fuse } from './crash-points.ts';
import { COLLECTOR_CLIENT } from './mosquitto.ts';
import type { BrokerKind } from './yard.ts';

/** What the proof orders. */
export interface CrashOrder {
  readonly program: 'edge' | 'collector';
  readonly point: CrashPoint;
  /** The call of the point in which it dies, from 1. */
  readonly passes: number;
  /** For points inside a call: how long after its begin. */
  readonly lagMs: number;
  /** Settings file of the edge. */
  readonly config?: string;
  readonly collector?: CollectorOrder;
}

/** A collector of a yard. */
export interface CollectorOrder {
  readonly stateFolder: string;
  readonly broker: BrokerKind;
  readonly port: number;
  /** File with the collector's password at mosquitto. */
  readonly passwordFile: string;
}

/** The collector's own timer stays out of it: it would fold only what is hours old. */
const FOLD_PERIOD_MS = 3_600_000;
const FOLD_PAUSE_MS = 250;

async function runEdge(env: Env, file: string): Promise<void> {
  const text = new TextDecoder().decode(await env.disk.readFile(file));
  const parsed = parseConfig(EDGE_CONFIG, text);
  assert(parsed.ok, 'the settings are right');
  const profilesFolder = fileURLToPath(new URL('../../../config/profiles', import.meta.url));
  const around = { env, linkEnv: env, profilesFolder, software: 'deltawatt crash' };
  await Concentrator.start(env, await resolveSettings(parsed.config, around));
}

async function brokerOf(env: Env, { broker, port, passwordFile }: CollectorOrder): Promise<BrokerChoice> {
  if (broker === 'embedded') return { kind: 'embedded', host: '127.0.0.1', port };
  const url = `mqtt://127.0.0.1:${port}`;
  const password = new TextDecoder().decode(await env.disk.readFile(passwordFile)).trim();
  const connection = { url, clientId: COLLECTOR_CLIENT, username: COLLECTOR_CLIENT, password };
  return { kind: 'external', edgesUrl: url, connection };
}

async function runCollector(env: Env, order: CollectorOrder, fuse: Fuse): Promise<void> {
  const { stateFolder } = order;
  const open = await openStore(env, createProcessHost(), { stateFolder, programs: 'auto' });
  const collector = await startCollector(env, crashingCollectorStore(open.store, fuse), {
    keysFolder: `${stateFolder}/keys`,
    broker: await brokerOf(env, order),
    foldPeriodMs: FOLD_PERIOD_MS,
  });
  env.log.info('collector.ready', { broker: collector.brokerUrl });
  for (;;) {
    await env.timers.sleep(FOLD_PAUSE_MS);
    await collector.foldNow();
  }
}

async function main(order: CrashOrder): Promise<void> {
  const fuse = new Fuse(order.point, order.passes, order.lagMs, () => process.kill(process.pid, 'SIGKILL'));
  const env = crashingEnv(createHostEnv(), fuse, order.program === 'edge' ? 'blocks' : 'controlDown');
  env.log.info('crash-program.begins', { point: order.point, passes: order.passes });
  if (order.program === 'edge') return runEdge(env, order.config ?? '');
  assert(order.collector !== undefined, 'a collector has settings');
  return runCollector(env, order.collector, fuse);
}

const [, , text] = process.argv;
assert(text !== undefined, 'the order is given as JSON');
await main(JSON.parse(text) as CrashOrder);
