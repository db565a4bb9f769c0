/** The unit files: understood by systemd without a word, and as closed as the programs allow. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';

const ROOT = join(import.meta.dirname, '..', '..');
/** As they are called when they run: the last one is a template of one port each. */
const UNITS = ['deltawatt-edge.service', 'deltawatt-collector.service', 'deltawatt-rs485@ttyS1.service'];
const EXPOSURE_MAX = 2.2;

const skip =
  spawnSync('systemd-analyze', ['--version']).error === undefined ? false : 'systemd-analyze is not installed';

const textOf = (unit: string): string => readFileSync(join(ROOT, 'systemd', unit.replace('@ttyS1', '@')), 'utf8');

/** A copy whose program exists on this machine: verify looks for it, and Node may lie elsewhere here. */
function inFolder(unit: string, body: (path: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'deltawatt-units-'));
  try {
    const path = join(folder, unit);
    writeFileSync(
      path,
      textOf(unit).replace(/ExecStart=\/usr\/(?:bin\/node|local\/bin\/rs485-mode)/, `ExecStart=${process.execPath}`),
    );
    body(path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('systemd units', { skip }, () => {
  for (const unit of UNITS) {
    test(`${unit}: systemd-analyze verify says nothing`, () => {
      inFolder(unit, (path) => {
        const { status, stdout, stderr } = spawnSync(
          'systemd-analyze',
          ['verify', '--man=no', '--recursive-errors=no', path],
          {
            encoding: 'utf8',
          },
        );
        assert.deepEqual({ status, words: stdout + stderr }, { status: 0, words: '' });
      });
    });

    test(`${unit}: exposure is at most ${EXPOSURE_MAX}`, () => {
      inFolder(unit, (path) => {
        const output = execFileSync('systemd-analyze', ['security', '--offline=true', '--no-pager', path], {
          encoding: 'utf8',
        });
        const exposure = Number(/exposure level for .*: ([\d.]+)/.exec(output)?.[1]);
        assert.ok(
          exposure <= EXPOSURE_MAX,
          `${exposure}\n${output
            .split('\n')
            .filter((line) => line.startsWith('✗'))
            .join('\n')}`,
        );
      });
    });

    test(`${unit}: every key is spelled as systemd spells it`, () => {
      // verify only warns about unknown keys; a planted one shows that the warning would be seen.
      inFolder(unit, (path) => {
        writeFileSync(path, `${readFileSync(path, 'utf8').replace('[Service]', '[Service]\nProtectSystm=strict')}`);
        const { stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', path], { encoding: 'utf8' });
        assert.match(stderr, /Unknown key (name )?'ProtectSystm'/);
      });
    });

    if (unit.includes('@')) continue;
    test(`${unit}: starts a command that exists, with a settings file`, () => {
      const start = /^ExecStart=\/usr\/bin\/node (?:--\S+ )*\/opt\/deltawatt\/(\S+) (\w+) --config (\S+)$/m.exec(
        textOf(unit),
      );
      assert.ok(start !== null);
      assert.equal(start[1], 'dist/bin/deltawatt.js');
      assert.equal(start[3], `/etc/deltawatt/${start[2]}.yaml`);
      assert.equal(unit, `deltawatt-${start[2]}.service`);
    });

    test(`${unit}: is watched, and hears what a child of the program tells`, () => {
      const text = textOf(unit);
      assert.match(text, /^Type=notify$/m);
      assert.match(text, /^NotifyAccess=all$/m);
      assert.ok(Number(/^WatchdogSec=(\d+)s$/m.exec(text)?.[1]) >= 60);
      assert.match(text, /^Restart=always$/m);
    });
  }

  test('the user of the units is the one that sysusers makes', () => {
    const made = /^u (\S+) /m.exec(textOf('deltawatt.sysusers.conf'))?.[1];
    for (const unit of UNITS) assert.equal(/^User=(.*)$/m.exec(textOf(unit))?.[1], made);
    const folder = mkdtempSync(join(tmpdir(), 'deltawatt-sysusers-'));
    try {
      mkdirSync(join(folder, 'etc'), { recursive: true });
      const args = [`--root=${folder}`, '--dry-run', join(ROOT, 'systemd', 'deltawatt.sysusers.conf')];
      const { status, stderr } = spawnSync('systemd-sysusers', args, { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

test('pm2 starts the edge with the options and variables of its unit', () => {
  const { apps } = createRequire(import.meta.url)('../../config/ecosystem.config.cjs') as {
    apps: { name: string; node_args?: string[]; env: Record<string, string> }[];
  };
  const edge = apps.find(({ name }) => name === 'deltawatt-edge');
  const unit = textOf('deltawatt-edge.service');
  const options = /^ExecStart=\S+\/node ((?:--\S+ )+)/m.exec(unit)?.[1]?.trim().split(' ');
  assert.deepEqual(edge?.node_args, options);
  const variables = [...unit.matchAll(/^Environment=(\w+)=(\S+)$/gm)].map(([, name, value]) => [name, value]);
  assert.deepEqual(edge?.env, Object.fromEntries(variables));
});
