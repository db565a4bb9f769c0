/** One-shot clients and simulated meters with key files: every suite, mechanism and form, and the counter on the disk. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { hasCode } from '../../../src/base/errors.ts';
import { keysOfParts } from '../../../src/bin/key-parts.ts';
import type { HlsMechanism } from '../../../src/dlms/index.ts';
import { parseMeterKeys } from '../../../src/dlms/security/key-file.ts';
import { CURVES, SUITES, type SuiteId } from '../../../src/dlms/security/suite.ts';
import { FileCounter } from '../../../src/lab/file-counter.ts';
import { keyedSite, keyFiles, parsed } from '../../support/keyed-site.ts';

const NEVER = /[0-9a-f]{32}/;

const CASES: readonly (readonly [SuiteId, HlsMechanism, readonly string[]])[] = [
  [0, 'hls', ['mechanism: hls', 'secret: "3132333435363738"']],
  [0, 'hls-md5', ['mechanism: hls-md5', 'secret: "3132333435363738"']],
  [0, 'hls-sha1', ['mechanism: hls-sha1', 'secret: "3132333435363738"', 'protect: authenticated']],
  [0, 'hls-sha256', ['mechanism: hls-sha256', 'secret: "3132333435363738"', 'hls6: short']],
  [0, 'hls-gmac', ['form: wrapped-key']],
  [1, 'hls-gmac', ['form: general', 'sign: both']],
  [1, 'hls-ecdsa', ['mechanism: hls-ecdsa', 'form: static-key', 'sign: both']],
  [2, 'hls-ecdsa', ['mechanism: hls-ecdsa', 'form: one-pass-key', 'suite2Agreement: true']],
  [2, 'hls-gmac', ['form: identified-key', 'protect: encrypted']],
];
for (const [suite, mechanism, more] of CASES) {
  test(`read and sim, suite ${suite}, ${mechanism}: ${more.join(', ')}`, async () => {
    const { read } = keyedSite(keyFiles(suite, more));
    assert.match(await read(mechanism), /^2\d\d\.\d V$/);
  });
  test(`read with keys one by one, suite ${suite}, ${mechanism}: ${more.join(', ')}`, async () => {
    const files = keyFiles(suite, more);
    const { read, env } = keyedSite(files);
    const parts = files.client.split('\n').map((each) => each.replaceAll('"', '').split(': '));
    const secrets = new Map<string, string>();
    const [named, inVariables]: [string[], string[]] = [[], []];
    for (const [name = '', value = ''] of parts)
      if (/^(secret|(encryption|authentication|master|signing|agreement)Key)$/.test(name)) {
        secrets.set(`V_${name}`, value);
        inVariables.push(`${name}=V_${name}`);
      } else named.push(`${name}=${value}`);
    const values = { 'key-env': inVariables, 'key-file': [], 'key-with': named, 'counter-file': 'counter' };
    const { keys } = await keysOfParts(values, mechanism, { disk: env.disk, variable: (name) => secrets.get(name) });
    assert.match(await read(mechanism, keys), /^2\d\d\.\d V$/);
  });
}

test('a one-shot client never sends a counter twice: the block is on the disk before, and goes on after it', async () => {
  const { read, env, meter } = keyedSite(keyFiles(0));
  const bound = async () => Number(new TextDecoder().decode(await env.disk.readFile('m1.keys.counter')));
  await read('hls-gmac');
  const [first, seen] = [await bound(), meter.security?.setup.lastCounter(1) ?? 0];
  assert.ok(seen > 0 && first > seen, `${first} reserved, ${seen} seen`);
  await read('hls-gmac');
  assert.ok((meter.security?.setup.lastCounter(1) ?? 0) >= first);
  await env.disk.writeFile('m1.keys.counter', new TextEncoder().encode('x'));
  await assert.rejects(read('hls-gmac'), /holds no invocation counter/);
});

test('a meter that is ahead is asked by the public client once; ours is raised within the limit, else a person is asked', async () => {
  const { read, env, keys } = keyedSite(keyFiles(0));
  await read('hls-gmac');
  const used = await FileCounter.open('m1.keys.counter', keys, env);
  const write = (counter: number) => env.disk.writeFile('m1.keys.counter', new TextEncoder().encode(String(counter)));
  await write(used.sender.next - 1_000);
  assert.match(await read('hls-gmac'), /V$/);
  await write(7);
  await assert.rejects(read('hls-gmac'), (error) => hasCode(error, 'SECURITY_COUNTER_JUMP'));
});

test('a wrong key says so, and nothing that is thrown or shown carries a key', async () => {
  const files = keyFiles(1, ['sign: both']);
  const { read, keys } = keyedSite(files);
  const wrong = parsed(
    files.client.replace(/encryptionKey: "(..)/, (text) => `${text.slice(0, -2)}${text.endsWith('00') ? '11' : '00'}`),
  );
  await assert.rejects(read('hls-gmac', wrong), (error: Error) => !NEVER.test(inspect(error, { depth: 9 })));
  for (const shown of [inspect(keys, { depth: 9 }), JSON.stringify(keys), String(keys.keys.encryption)]) {
    for (const line of files.client.split('\n')) {
      const secret = /^(?:encryption|authentication|master|signing|agreement)Key: "([0-9a-f]+)"/.exec(line)?.[1];
      if (secret !== undefined) assert.ok(!shown.includes(secret.slice(0, 12)), line.slice(0, 12));
    }
  }
});

for (const [lines, words] of [
  [['sign: both'], /sign needs signingKey/],
  [['suite: 1', `signingKey: "${'11'.repeat(32)}"`], /come together/],
  [[`signingKey: "${'11'.repeat(32)}"`, `peerSigningKey: "${'22'.repeat(64)}"`], /belong to suites 1 and 2/],
  [['suite: 1', `signingKey: "${'00'.repeat(32)}"`, `peerSigningKey: "${'22'.repeat(64)}"`], /no private number/],
  [['suite: 1', `signingKey: "${'11'.repeat(48)}"`, `peerSigningKey: "${'22'.repeat(64)}"`], /64 and|64 digits/],
  [['mechanism: lls'], /mechanism/],
] as const) {
  test(`a key file is refused with ${words}`, () => {
    const read = parseMeterKeys([`encryptionKey: "${'00'.repeat(16)}"`, ...lines].join('\n'));
    assert.ok(!read.ok);
    assert.match(read.problem, words);
    assert.doesNotMatch(read.problem, /1111|2222/);
  });
}

test('a signature without a tag is refused in a key file: it has no counter', () => {
  const { curve } = SUITES[1];
  assert.ok(curve !== null && CURVES[curve].bytes === 32);
  const files = keyFiles(1, ['sign: both', 'protect: encrypted']);
  const read = parseMeterKeys(files.client);
  assert.ok(!read.ok && /sign needs protect/.test(read.problem));
});
