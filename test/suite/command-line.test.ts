/** The command as a process: what goes to stdout, what to stderr, and the exit code. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '..', '..');
const PROGRAM = [join(ROOT, 'dist', 'bin', 'deltawatt.js')];

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(...args: string[]): Promise<Ended> {
  const child = spawn(process.execPath, [...PROGRAM, ...args], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

test('a command is a file and its parts: it opens no module of a room but three that are shared, no package but native ones', () => {
  const folder = join(ROOT, 'dist', 'bin', 'commands');
  const files = readdirSync(folder).filter((name) => name.endsWith('.js'));
  const opens = /(?:^|;)import(?:[^;"'`()]*from)?\s*"([^"]+)"|\bimport\("([^"]+)"\)/gm;
  const named = files.flatMap((name) =>
    [...readFileSync(join(folder, name), 'utf8').matchAll(opens)].map(([, early, late]) => early ?? late ?? ''),
  );
  const others = named.filter((path) => !isBuiltin(path) && !/^\.\/(edge|part)\./.test(path));
  const shared = ['../../base/errors.js', '../../bin/command.js', '../../bin/errors.js'];
  assert.deepEqual([...new Set(others)].sort(), [...shared, 'classic-level', 'serialport']);
  assert.match(readFileSync(join(folder, 'LICENSES.txt'), 'utf8'), /^== fastify [\d.]+: MIT$/m);
});

test('--version prints the version of the package', async () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  assert.deepEqual(await run('--version'), { code: 0, stdout: `${version}\n`, stderr: '' });
});

test('--help lists the commands on stdout', async () => {
  const { code, stdout, stderr } = await run('--help');
  assert.equal(code, 0);
  assert.equal(stderr, '');
  assert.match(stdout, /^ {2}bench +Measures/m);
});

test('nothing at all is wrong usage: the list goes to stderr', async () => {
  const { code, stdout, stderr } = await run();
  assert.equal(code, 2);
  assert.equal(stdout, '');
  assert.match(stderr, /bench/);
});

test('an unknown command is exit 2 with the one that was probably meant', async () => {
  const { code, stdout, stderr } = await run('bnech');
  assert.equal(code, 2);
  assert.equal(stdout, '');
  assert.match(stderr, /There is no command bnech; did you mean bench\?/);
});

test('a command has its own help, and an unknown option of it is exit 2', async () => {
  const help = await run('bench', '--help');
  assert.equal(help.code, 0);
  assert.match(help.stdout, /--seed S/);
  const wrong = await run('bench', '--sede', '1');
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /did you mean --seed\?/);
});

for (const args of [
  ['read', 'tcp://127.0.0.1:99999', '8/0.0.1.0.0.255/2'],
  ['read', 'tcp://', '8/0.0.1.0.0.255/2'],
  ['scan', 'carrier-pigeon://x'],
  ['attack', 'carrier-pigeon://x'],
  ['sim', 'meter', '--profile', 'generic/idis', '--listen', 'tcp://127.0.0.1:99999'],
]) {
  test(`an address that cannot be one is exit 2 and named: ${args.join(' ')}`, async () => {
    const { code, stdout, stderr } = await run(...args);
    assert.equal(code, 2);
    assert.equal(stdout, '');
    assert.match(stderr, /(tcp:\/\/|carrier-pigeon:\/\/)/);
    assert.doesNotMatch(stderr, /at .*\.ts:/);
  });
}

test('bench lists the benches, as JSON when asked for', async () => {
  const { code, stdout } = await run('bench', '--json');
  assert.equal(code, 0);
  const names = (JSON.parse(stdout) as { name: string }[]).map((entry) => entry.name);
  assert.ok(names.includes('api'));
});

test('a reader that closes stdout early is no failure', async () => {
  const child = spawn('sh', ['-c', `"${process.execPath}" ${PROGRAM.join(' ')} --help | true; echo done`], {
    cwd: ROOT,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  await once(child, 'close');
  assert.equal(output, 'done\n');
});

test('explain takes a frame apart, as text and as one JSON document', async () => {
  // u9n-test-find-4-byte-address of test/vectors/hdlc.json.
  const hex = '7ea023030002002373c0488180140502008006020080070400000001080400000001ce6a7e';
  const text = await run('explain', hex);
  assert.equal(text.code, 0, text.stderr);
  assert.match(text.stdout, /UA/);
  const json = await run('explain', '--json', '--layer', 'hdlc', ...(hex.match(/../g) ?? []));
  assert.equal(json.code, 0, json.stderr);
  const document = JSON.parse(json.stdout);
  assert.equal(document.layer, 'hdlc');
  assert.ok(document.tree.length > 0);
});

for (const [args, words] of [
  [['explain'], /Give the octets/],
  [['explain', '7ea'], /number is even, not 3/],
  [['explain', 'zz'], /not hexadecimal: "z"/],
  [['explain', '--layer', 'tcp', '00'], /--layer takes one of/],
] as const) {
  test(`${args.join(' ')} is wrong usage`, async () => {
    const { code, stdout, stderr } = await run(...args);
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, words);
  });
}

test('a malformed APDU is exit 1 with its code, not a stack', async () => {
  const { code, stdout, stderr } = await run('explain', '--layer', 'apdu', 'c401');
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(stderr, /^deltawatt: [A-Z_]+: /);
});

test('UD-37 conform writes an enrolment, waits for the device, and ends with exit 1 when none came', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'deltawatt-conform-'));
  const ended = await run('conform', folder, '--edge', 'e9', '--listen', '127.0.0.1:0', '--wait', '1', '--json');
  assert.equal(ended.code, 1, ended.stderr);
  const reports = JSON.parse(ended.stdout) as { id: string; verdict: string }[];
  assert.deepEqual([...new Set(reports.map(({ verdict }) => verdict))], ['not-seen']);
  const enrolment = JSON.parse(readFileSync(join(folder, 'enrolment.json'), 'utf8')) as Record<string, string>;
  assert.equal(enrolment['edgeId'], 'e9');
  assert.match(enrolment['url'] ?? '', /^mqtt:\/\/127\.0\.0\.1:\d+$/);
  assert.match(ended.stderr, /waiting for the device to connect/);
  const again = await run('conform', folder, '--listen', '127.0.0.1:0', '--wait', '1');
  assert.equal(again.code, 1, again.stderr);
  assert.equal(
    JSON.parse(readFileSync(join(folder, 'enrolment.json'), 'utf8')).key,
    enrolment['key'],
    'it keeps its keys',
  );
  await rm(folder, { recursive: true });
});

test('conform: a listen address without a port, half of a TLS listener and a broken enrolment are said in words', async () => {
  assert.match((await run('conform', '/nowhere', '--listen', 'here')).stderr, /--listen takes HOST:PORT/);
  assert.match((await run('conform', '/nowhere', '--tls-cert', 'x')).stderr, /belong together/);
  const folder = await mkdtemp(join(tmpdir(), 'deltawatt-conform-'));
  await writeFile(join(folder, 'enrolment.json'), '{}');
  const broken = await run('conform', folder, '--listen', '127.0.0.1:0');
  assert.deepEqual([broken.code, broken.stdout], [1, '']);
  assert.match(broken.stderr, /is no enrolment: remove it/);
  await rm(folder, { recursive: true });
});
