/** `sim meter`, `read` and `scan` as processes: a newcomer's first three commands against each other. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { parseProfile } from '../../src/profile/schema/parse.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const PROGRAM = [join(ROOT, 'dist', 'bin', 'deltawatt.js')];

function start(...args: string[]): ChildProcess {
  return spawn(process.execPath, [...PROGRAM, ...args], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
}

async function run(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = start(...args);
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

/** What a simulator says of its meter. */
interface Card {
  readonly url: string;
  readonly client: number;
  readonly names: string;
  readonly password: string;
}

async function simulated(...options: string[]): Promise<{ child: ChildProcess; card: Card }> {
  const listen = ['--listen', 'tcp://127.0.0.1:0', '--days', '1'];
  const child = start('sim', 'meter', '--profile', 'generic/idis', ...listen, ...options);
  assert.ok(child.stdout !== null);
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { child, card: JSON.parse(line) as Card };
}

let simulator: ChildProcess;
let url = '';
let folder = '';
let client: string[] = [];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'deltawatt-scan-'));
  const { child, card } = await simulated();
  simulator = child;
  const passwordFile = join(folder, 'password');
  await writeFile(passwordFile, card.password, { mode: 0o600 });
  url = card.url;
  client = ['--client', String(card.client), '--auth', 'lls', '--password-file', passwordFile];
});

after(async () => {
  simulator.kill('SIGTERM');
  await once(simulator, 'close');
  await rm(folder, { recursive: true });
});

test('HE-7 sim, read and scan speak short names with --names short, and say so where the other is spoken', async () => {
  const { child, card } = await simulated('--names', 'short');
  try {
    assert.equal(card.names, 'short');
    const short = await run('read', card.url, ...client, '--names', 'short', '70/0-0:96.3.10');
    assert.equal(short.code, 0, short.stderr);
    assert.match(short.stdout, /control_state {2}connected \(1\)/);
    const logical = await run('read', card.url, ...client, '70/0-0:96.3.10');
    assert.notEqual(logical.code, 0);
    assert.match(logical.stderr, /refused the association/);
    const scanned = await run('scan', card.url, ...client, '--names', 'short', '--yaml');
    assert.match(scanned.stdout, /^referencing: short$/m);
  } finally {
    child.kill('SIGTERM');
    await once(child, 'close');
  }
});

test('read --access asks with ACCESS and shows the same; --gateway wants NET/ADDRESS', async () => {
  const objects = ['1-0:0.0.0*255', '70/0-0:96.3.10/3', '7/1-0:99.1.0*255/3'];
  const [get, access] = await Promise.all([
    run('read', url, ...client, ...objects),
    run('read', url, ...client, '--access', ...objects),
  ]);
  assert.equal(access.code, get.code, access.stderr);
  assert.equal(access.stdout, get.stdout);
  const wrong = await run('read', url, ...client, '--gateway', 'm0001', '1-0:1.8.0*255');
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /--gateway takes NET\/ADDRESS/);
});

test('HE-7 the file of the guide serves objects of any class, and what is wrong with another is said', async () => {
  const guide = await readFile(join(ROOT, 'docs', 'guides', 'serve-any-object.md'), 'utf8');
  const [, yaml = ''] = /```yaml\n([\s\S]*?)```/.exec(guide) ?? [];
  const file = join(folder, 'objects.yaml');
  await writeFile(file, yaml.replace(/^ {3}/gm, ''));
  const { child, card } = await simulated('--objects', file);
  try {
    const scanned = await run('scan', card.url, ...client);
    assert.match(scanned.stdout, /^ *112 +0 +Credit +0-0:19\.10\.0\*255 .*3-5 rw, 7 rw, 8 r, .*$/m);
    const read = await run('read', card.url, ...client, '20/0-0:13.0.0', '3/1-0:99.8.0', '1/0-0:96.1.9');
    assert.equal(read.code, 0, read.stderr);
    for (const words of [
      /calendar_name_active {2}"winter"/,
      /06:00:00.*0-0:10\.0\.100/,
      /value {2}123\.4 Wh/,
      /"desk 7"/,
    ])
      assert.match(read.stdout, words);
  } finally {
    child.kill('SIGTERM');
    await once(child, 'close');
  }
  await writeFile(file, 'objects: [{ class: 101, obis: 0-0:35.1.0 }]');
  const refused = await run('sim', 'meter', '--listen', 'tcp://127.0.0.1:0', '--objects', file);
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr, /objects\[0\]\.class.*--unsure-classes/);
});

test('read prints a value in words, and as JSON with data, value, unit and words', async () => {
  const text = await run('read', url, ...client, '1-0:1.8.0*255', '70/0-0:96.3.10/3');
  assert.equal(text.code, 0, text.stderr);
  assert.match(text.stdout, /^3\/1-0:1\.8\.0\*255\/2 {2}Register {2}value {2}\d+ Wh\n70\/.* {2}connected \(1\)\n$/);
  const json = await run('read', url, ...client, '--json', '1-0:1.8.0*255');
  const [answer] = JSON.parse(json.stdout) as Record<string, unknown>[];
  const { value, words, data, hex, ...named } = answer ?? {};
  assert.deepEqual(named, {
    classId: 3,
    className: 'Register',
    obis: '1-0:1.8.0*255',
    attribute: 2,
    attributeName: 'value',
    result: 'success',
    unit: 'Wh',
  });
  assert.equal(words, `${String(value)} Wh`);
  assert.deepEqual(data, { type: 'double-long-unsigned', value: Number(value) });
  assert.match(String(hex), /^06[0-9a-f]{8}$/);
});

test('read --csv writes the rows of a load profile, and an object that is not there is exit 1', async () => {
  const csv = await run('read', url, ...client, '--csv', '7/1-0:99.1.0/2');
  assert.equal(csv.code, 0, csv.stderr);
  const lines = csv.stdout.trimEnd().split('\r\n');
  // A day of quarters of an hour; one more may have ended since the simulator was started.
  assert.ok(lines.length === 97 || lines.length === 98, `${lines.length} lines`);
  assert.match(lines[0] ?? '', /^0-0:1\.0\.0\*255 time,.*,1-0:32\.7\.0\*255 V$/);
  assert.ok(lines.every((line) => line.split(',').length === 7));
  const missing = await run('read', url, ...client, '3/1-0:99.99.9/2');
  assert.deepEqual([missing.code, missing.stderr], [1, '']);
  assert.match(missing.stdout, /object-undefined/);
});

test('scan lists what both clients see, and proposes a profile that parses', async () => {
  const table = await run('scan', url, '--client', '16', ...client);
  assert.equal(table.code, 0, table.stderr);
  assert.match(table.stdout, /^Client 16: 6 objects\n[\s\S]*^Client 1: 25 objects\n/m);
  const yaml = await run('scan', url, '--client', '16', ...client, '--yaml', '--name', 'acme/e1');
  assert.equal(yaml.code, 0, yaml.stderr);
  const parsed = parseProfile(yaml.stdout);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  assert.equal(parsed.profile.key, 'acme/e1');
  assert.deepEqual(
    parsed.profile.clients.map(({ address, security, uses }) => [address, security, uses.length]),
    [
      [16, 'none', 1],
      [1, 'lls', 3],
    ],
  );
});

test('scan --yaml as the public client alone has nothing to propose and says what to do', async () => {
  const { code, stdout, stderr } = await run('scan', url, '--yaml');
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(stderr, /scan as a client that may read/);
});

test('sim meter --security, read and scan --security: GMAC and ciphering with one key file on both sides', async () => {
  const keyFile = join(folder, 'meter.keys');
  const keys = ['suite: 0', 'clientTitle: "4d4d4d0000000001"', `encryptionKey: "${'3a'.repeat(16)}"`];
  await writeFile(keyFile, [...keys, `authenticationKey: "${'5c'.repeat(16)}"`].join('\n'), { mode: 0o600 });
  const secured = start('sim', 'meter', '--security', keyFile, '--listen', 'tcp://127.0.0.1:0', '--days', '1');
  try {
    assert.ok(secured.stdout !== null);
    const [line] = (await once(createInterface(secured.stdout), 'line')) as [string];
    const card = JSON.parse(line) as { url: string; password: string | null; systemTitle: string };
    assert.deepEqual([card.password, card.systemTitle.length], [null, 16]);
    const as = ['--client', '1', '--security', keyFile];
    const read = await run('read', card.url, ...as, '1-0:1.8.0*255', '64/0-0:43.0.0/3');
    assert.equal(read.code, 0, read.stderr);
    assert.match(read.stdout, /Wh\n64\/.*AES-GCM-128/);
    const table = await run('scan', card.url, '--client', '16', ...as);
    assert.match(table.stdout, /^Client 1: 27 objects/m);
    const plain = await run('read', card.url, '--client', '1', '1-0:1.8.0*255');
    assert.equal(plain.code, 1);
    const partFile = join(folder, 'guek');
    await writeFile(partFile, '3a'.repeat(16), { mode: 0o600 });
    process.env['DELTAWATT_TEST_GAK'] = '5c'.repeat(16);
    const parts = ['--key-file', `guek=${partFile}`, '--key-env', 'gak=DELTAWATT_TEST_GAK'];
    const named = [...parts, '--key-with', 'clientTitle=4d4d4d0000000001', '--counter-file', `${keyFile}.counter`];
    const inParts = await run('read', card.url, '--client', '1', ...named, '1-0:1.8.0*255');
    assert.equal(inParts.code, 0, inParts.stderr);
    assert.match(inParts.stdout, /Wh/);
    const both = await run('scan', card.url, '--client', '16', '--client', '1', ...named);
    assert.match(both.stdout, /^Client 16: [\s\S]*^Client 1: 27 objects/m);
    assert.doesNotMatch(read.stdout + table.stdout + plain.stderr, /3a3a3a|5c5c5c/);
  } finally {
    Reflect.deleteProperty(process.env, 'DELTAWATT_TEST_GAK');
    secured.kill('SIGTERM');
    await once(secured, 'close');
  }
});

test('HE-7 sim --misbehave plays meters that attack their reader: read says by name what is wrong, and believes nothing', async () => {
  const keyFile = join(folder, 'hostile.keys');
  const keys = ['suite: 0', 'clientTitle: "4d4d4d0000000002"', `encryptionKey: "${'1a'.repeat(16)}"`];
  await writeFile(keyFile, [...keys, `authenticationKey: "${'2b'.repeat(16)}"`].join('\n'), { mode: 0o600 });
  const keyed = ['--client', '1', '--security', keyFile];
  for (const [how, as, words] of [
    ['plain-answer', keyed, /SECURITY_POLICY/],
    ['truncated-tag', keyed, /SECURITY_TAG|DLMS_TRUNCATED/],
    ['blocks-reordered', client, /SESSION_BLOCKS/],
    ['bomb-depth', client, /DLMS_DEPTH/],
  ] as const) {
    const secured = as === keyed ? ['--security', keyFile] : [];
    const { child, card } = await simulated('--misbehave', `1=${how}`, ...secured);
    try {
      const { code, stdout, stderr } = await run('read', card.url, ...as, '--json', '1-0:1.8.0*255');
      assert.equal(code, 1, how);
      assert.match(stderr, words, how);
      assert.doesNotMatch(stdout, /"value"/, how);
    } finally {
      child.kill('SIGTERM');
      await once(child, 'close');
    }
  }
});

for (const [args, words] of [
  [['scan'], /scan takes one LINK/],
  [['scan', 'tcp://127.0.0.1:1', '--yaml', '--json'], /not both/],
  [['scan', 'tcp://127.0.0.1:1', '--name', 'Acme'], /--name takes vendor\/model/],
  [['scan', 'tcp://127.0.0.1:1', '--client', 'x'], /--client takes a whole number/],
  [['read', 'tcp://127.0.0.1:1', '--csv', '--json', '1-0:1.8.0'], /not both/],
  [['read', 'tcp://127.0.0.1:1', 'nonsense'], /is no OBJECT/],
  [['read', 'tcp://127.0.0.1:1', '--security', '/nowhere', '1-0:1.8.0'], /there is no key file/],
  [['read', 'tcp://127.0.0.1:1', '--key-env', 'guek=NOBODY', '1-0:1.8.0'], /no encryptionKey in the variable NOBODY/],
  [['scan', 'tcp://127.0.0.1:1', '--client', '1', '--key-with', 'suite=1'], /Missing: encryptionKey .*, clientTitle /],
  [['scan', 'tcp://127.0.0.1:1', '--client', '1', '--counter-file', 'x'], /--counter-file belongs to keys/],
  [['read', 'tcp://127.0.0.1:1', '--security', 'x', '--key-env', 'guek=X', '1-0:1.8.0'], /not both/],
  [['sim', 'fleet', '--security', 'x', '--listen', 'tcp://127.0.0.1:0'], /belongs to sim meter/],
] as const) {
  test(`${args.join(' ')} is wrong usage`, async () => {
    const { code, stdout, stderr } = await run(...args);
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, words);
  });
}
