/** The package as another project gets it: packed, unpacked into an empty folder, the example compiled and run. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { createHostEnv } from '../../src/host/env.ts';
import { Simulator } from '../../src/sim/simulator.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'deltawatt-package-'));
const run = promisify(execFile);
const TSC = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');

after(() => rmSync(folder, { recursive: true, force: true }));

/** Packs and puts the package where npm would; its other dependencies stay away, which the library must bear. */
async function install(): Promise<void> {
  await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: ROOT });
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  assert.ok(tarball !== undefined);
  const home = join(folder, 'node_modules', 'deltawatt');
  mkdirSync(home, { recursive: true });
  await run('tar', ['-xzf', join(folder, tarball), '-C', home, '--strip-components=1']);
  mkdirSync(join(folder, 'node_modules', '@types'));
  symlinkSync(join(ROOT, 'node_modules', '@types', 'node'), join(folder, 'node_modules', '@types', 'node'));
  symlinkSync(join(ROOT, 'node_modules', 'undici-types'), join(folder, 'node_modules', 'undici-types'));
}

test('HE-7 deltawatt/dlms in another project: its types hold, the example of at most 40 lines reads a meter', async () => {
  await install();
  const example = join(folder, 'node_modules', 'deltawatt', 'examples', 'read-meter.ts');
  assert.ok(readFileSync(example, 'utf8').split('\n').length <= 41);
  copyFileSync(example, join(folder, 'read-meter.ts'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module', private: true }));
  const compilerOptions = { target: 'es2022', module: 'nodenext', strict: true, skipLibCheck: false, types: ['node'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['read-meter.ts'] }));
  await run(process.execPath, [TSC, '-p', folder], { cwd: folder }).catch((error: { stdout: string }) => {
    assert.fail(error.stdout);
  });
  const env = createHostEnv({ logLevel: 'silent' });
  const simulator = await Simulator.start(env, {
    configFolder: join(ROOT, 'config'),
    profiles: ['generic/idis'],
    listen: ['tcp://127.0.0.1:0'],
    count: 1,
    seed: '1',
    days: 1,
    timeZone: 'Europe/Berlin',
    ledgerFile: null,
  });
  try {
    const [, port = ''] = /:(\d+)$/.exec(simulator.reached[0]?.url ?? '') ?? [];
    const { stdout } = await run(process.execPath, ['read-meter.js', '127.0.0.1', port], { cwd: folder });
    assert.match(stdout, /^1-0:1\.8\.0\*255 \d+ x 10\^0 Wh\n1-0:32\.7\.0\*255 \d+ x 10\^-1 V\n$/);
  } finally {
    await simulator.stop();
  }
});
