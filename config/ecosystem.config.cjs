/**
 * The programs under pm2, where systemd is not available: `pm2 start config/ecosystem.config.cjs --only deltawatt-edge`.
 *
 * Settings are looked for in /etc/deltawatt, or in the folder that DELTAWATT_CONFIG names. systemd is the first choice:
 * the units in systemd/ also confine the programs, which pm2 cannot. pm2 itself is no dependency of this package (it is
 * AGPL-3.0 and takes 60 MB): install it yourself, then read its own guide about a start at boot (`pm2 startup`, `pm2 save`).
 */
const { join } = require('node:path');

const SETTINGS = process.env.DELTAWATT_CONFIG ?? '/etc/deltawatt';
const PACKAGE = join(__dirname, '..');

/** What both programs share; the differences say why. */
const program = (name) => ({
  name: `deltawatt-${name}`,
  script: join(PACKAGE, 'dist', 'bin', 'deltawatt.js'),
  args: ['--config', join(SETTINGS, `${name}.yaml`)],
  interpreter: process.execPath,
  cwd: PACKAGE,
  exec_mode: 'fork',
  instances: 1,
  // Both log JSON lines with a time to stderr; pm2 keeps them as they are.
  merge_logs: true,
  // Never give up: pauses grow from 2 s to 15 s.
  autorestart: true,
  max_restarts: Number.MAX_SAFE_INTEGER,
  exp_backoff_restart_delay: 2_000,
  // Settings that are not right do not get better: wait for a person.
  stop_exit_codes: [2],
  // A program stops in order within 10 s; only it gets the signal, for it stops its database after its last commit.
  kill_timeout: 15_000,
  treekill: false,
});

const edge = program('edge');
const collector = program('collector');

module.exports = {
  apps: [
    {
      ...edge,
      args: ['edge', ...edge.args],
      // Options and variables of systemd/deltawatt-edge.service, which says why; a test keeps both equal.
      node_args: [
        '--max-semi-space-size=1',
        '--max-old-space-size=96',
        '--optimize-for-size',
        '--initial-old-space-size=8',
        '--heap-growing-percent=10',
        '--single-threaded-gc',
        '--no-opt',
      ],
      env: { NODE_ENV: 'production', UV_THREADPOOL_SIZE: '32', MALLOC_ARENA_MAX: '1' },
      max_memory_restart: '256M',
    },
    { ...collector, args: ['collector', ...collector.args], env: { NODE_ENV: 'production' } },
  ],
};
