/** Settings files of the programs: the examples in config/, and files that are wrong, as a user meets them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const ROOT = join(import.meta.dirname, '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'deltawatt-settings-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function run(...args: string[]) {
  const program = [join(ROOT, 'dist', 'bin', 'deltawatt.js')];
  return spawnSync(process.execPath, [...program, ...args], { cwd: ROOT, encoding: 'utf8' });
}

for (const program of ['edge', 'collector']) {
  test(`config/${program}.example.yaml is what --print-config prints`, () => {
    const { status, stdout, stderr } = run(program, '--print-config');
    assert.deepEqual([status, stderr], [0, '']);
    const path = join('config', `${program}.example.yaml`);
    const way = `write it anew: npx deltawatt ${program} --print-config > ${path}`;
    assert.equal(readFileSync(join(ROOT, path), 'utf8'), stdout, way);
  });
}

interface Wrong {
  readonly program: string;
  readonly what: string;
  readonly file: string;
  /** Each line that must be said: the path and the way out. */
  readonly said: readonly RegExp[];
}

const WRONG: readonly Wrong[] = [
  {
    program: 'edge',
    what: 'unknown keys, wrong types, impossible values and missing keys',
    file: [
      'stateFoldr: /tmp/x',
      'log: loud',
      'uplink: { spreadS: 1.5 }',
      'journal: { quotaMiB: 4, flushS: soon }',
      'health: { port: 70000 }',
      'lines: [{ id: a, url: "tcp://127.0.0.1:4059", meters: [{ id: m1 }] }]',
    ].join('\n'),
    said: [
      /stateFoldr: .*stateFolder/,
      /log: .*error, warn, info/,
      /uplink\.spreadS: .*0 to 3600/,
      /journal\.quotaMiB: .*from 8/,
      /journal\.flushS: .*whole number/,
      /health\.port: .*65535/,
      /lines\[0\]\.meters\[0\]\.profile: /,
    ],
  },
  {
    program: 'edge',
    what: 'keys that contradict each other',
    file: [
      'timeZone: Mars/Olympus',
      'health: { host: 0.0.0.0 }',
      'uplink: { certFile: /a }',
      'lines:',
      '  - { id: a, url: "tpc://127.0.0.1:4059", meters: [{ id: m1, profile: generic/idis, serial: "1" }] }',
      '  - { id: a, url: "tcp://127.0.0.1:4059", meters: [{ id: m1, profile: generic/idis, serial: "1" }] }',
      '  - { id: b, url: "tcp://127.0.0.1:4060", meters: [] }',
    ].join('\n'),
    said: [
      /timeZone: .*Europe\/Berlin/,
      /health\.host: .*loopback/,
      /uplink\.certFile: .*both or none/,
      /lines\[0\]\.url: .*unknown scheme 'tpc'/,
      /lines\[1\]\.id: .*give each its own/,
      /lines\[1\]\.meters\[0\]\.id: .*give each its own/,
      /lines\[2\]\.meters: .*name the meters/,
    ],
  },
  {
    program: 'collector',
    what: 'unknown keys, wrong types and impossible values',
    file: 'api: { port: http, tls: { certFile: /a } }\nfold: { periodS: 0 }\ndatabse: {}\ndatabase: { programs: mysql }',
    said: [
      /api\.port: .*0 to 65535/,
      /api\.tls\.keyFile: /,
      /fold\.periodS: .*1 to 86400/,
      /databse: .*database/,
      /database\.programs: .*auto, system, embedded/,
    ],
  },
  {
    program: 'collector',
    what: 'keys that contradict each other',
    file: 'api: { host: 0.0.0.0 }\nbroker: { host: 10.0.0.1, url: "mqtt://127.0.0.1" }',
    said: [/api\.host: .*api\.tls/, /broker\.host: .*loopback/, /broker\.url: .*embedded to false/],
  },
  { program: 'collector', what: 'what is no YAML', file: 'api: [', said: [/collector\.yaml/] },
];

for (const { program, what, file, said } of WRONG) {
  test(`${program}: ${what}: all told at once, each with its path and the way out, exit 2`, () => {
    const path = join(folder, `${program}.yaml`);
    writeFileSync(path, file);
    const { status, stdout, stderr } = run(program, '--config', path);
    assert.deepEqual([status, stdout], [2, ''], stderr);
    for (const words of said) assert.match(stderr, words);
    const problems = stderr.split('\n').filter((line) => line.startsWith('  '));
    assert.equal(problems.length, said.length, stderr);
  });
}

test('a settings file that is not there, and none at all, are exit 2 with the way out', () => {
  const none = run('edge');
  assert.deepEqual([none.status, none.stdout], [2, '']);
  assert.match(none.stderr, /needs --config FILE; --print-config shows one/);
  const missing = run('collector', '--config', join(folder, 'nowhere.yaml'));
  assert.deepEqual([missing.status, missing.stdout], [2, '']);
  assert.match(missing.stderr, /cannot be read: .*nowhere\.yaml/);
});

test('edge --plan prints the next ten runs by the clock of the site, and reads no meter', () => {
  const [enrolmentFile, passwordFile] = [join(folder, 'enrolment.json'), join(folder, 'password')];
  const key = '11'.repeat(32);
  const identity = { edgeId: 'e1', url: 'mqtt://127.0.0.1', password: 'p' };
  const keys = { key, commandPublicKey: key, limitsPublicKey: key };
  writeFileSync(enrolmentFile, JSON.stringify({ ...identity, ...keys }));
  writeFileSync(passwordFile, 'secret');
  const path = join(folder, 'planned.yaml');
  const meters = ['10000001', '10000002'].map(
    (serial) => `{ id: m${serial}, profile: generic/idis, serial: "${serial}", passwordFile: ${passwordFile} }`,
  );
  const file = [
    `enrolmentFile: ${enrolmentFile}`,
    'timeZone: Asia/Kolkata',
    'plan:',
    '  sessions:',
    '    - { name: often, cron: "0,30 * * * *", jobs: [profile, daily, registers, events, clock, attributes] }',
    `lines: [{ id: bus1, url: "tcp://127.0.0.1:1", meters: [${meters.join(', ')}] }]`,
  ].join('\n');
  writeFileSync(path, file);
  const { status, stdout, stderr } = run('edge', '--config', path, '--plan');
  assert.deepEqual([status, stderr], [0, '']);
  const lines = stdout.trim().split('\n');
  assert.equal(lines.length, 10);
  for (const line of lines)
    assert.match(
      line,
      /^20\d\d-\d\d-\d\dT\d\d:[03]0:00\+05:30 {2}often: (attributes|clock)[a-z, ]* of 2 meters on bus1, spread over 60 s$/,
    );
});
