/**
 * An edge with one faulty port, for the checks of the checks: `faulty-edge FAULT edge --config FILE`.
 * It stands here and not in src/: the program itself has no such branch.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseConfig } from '../../src/base/config.ts';
import type { Env, KeyValueStore } from '../../src/base/env.ts';
import { Concentrator } from '../../src/edge/concentrator.ts';
import { EDGE_CONFIG } from '../../src/edge/config.ts';
import { resolveSettings } from '../../src/edge/settings.ts';
import { createHostEnv } from '../../src/host/env.ts';

/** What a store does wrong. */
const FAULTS: Readonly<Record<string, (store: KeyValueStore) => Partial<KeyValueStore>>> = {
  /** Says that a batch is on the medium when it is in a buffer. */
  'no-sync': (store) => ({ batch: (writes) => store.batch(writes, { sync: false }) }),
};

const [, , fault = '', , , file = ''] = process.argv;
const change = FAULTS[fault];
if (change === undefined) throw new Error(`no fault ${fault}`);
const host = createHostEnv();
const env: Env = {
  ...host,
  disk: {
    ...host.disk,
    openStore: async (path, kind) => {
      const store = await host.disk.openStore(path, kind);
      const whole: KeyValueStore = {
        get: (key) => store.get(key),
        batch: (writes, options) => store.batch(writes, options),
        scan: (range) => store.scan(range),
        compact: () => store.compact(),
        close: () => store.close(),
      };
      return { ...whole, ...change(store) };
    },
  },
};
const parsed = parseConfig(EDGE_CONFIG, readFileSync(file, 'utf8'));
if (!parsed.ok) throw new Error('the settings are wrong');
const profilesFolder = fileURLToPath(new URL('../../config/profiles', import.meta.url));
await Concentrator.start(
  env,
  await resolveSettings(parsed.config, { env, linkEnv: env, profilesFolder, software: `deltawatt ${fault}` }),
);
