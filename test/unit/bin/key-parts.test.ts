/** Keys given one by one: what a variable, a file and an argument may hold, and that no error shows a key. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import type { Disk } from '../../../src/base/env.ts';
import { UsageError } from '../../../src/bin/errors.ts';
import { hasKeyParts, type KeyOptionValues, keysOfParts, NO_KEY_PARTS } from '../../../src/bin/key-parts.ts';
import { parseMeterKeys } from '../../../src/dlms/security/key-file.ts';
import { octetsOfKey } from '../../../src/dlms/security/secret-key.ts';
import { testWorld } from '../edge/world.ts';

const GUEK = '3a'.repeat(16);
const GAK = '5c'.repeat(16);
const TITLE = '4d4d4d0000000001';
const VARIABLES: Readonly<Record<string, string>> = {
  EK: ` ${GUEK}\n`,
  AK: GAK,
  EMPTY: ' ',
  SHORT: '3a3a',
  WORD: 'no key',
};
const variable = (name: string) => VARIABLES[name];

async function disk(): Promise<Disk> {
  const { env } = testWorld().program('desk');
  await env.disk.writeFile('ek', new TextEncoder().encode(`${GUEK}\n`), 0o600);
  await env.disk.writeFile('open', new TextEncoder().encode(GUEK), 0o644);
  await env.disk.writeFile('empty', new TextEncoder().encode('\n'), 0o600);
  return env.disk;
}

async function put(values: Partial<KeyOptionValues>, auth?: string) {
  return keysOfParts({ ...NO_KEY_PARTS, ...values }, auth, { disk: await disk(), variable });
}

test('keys from variables and a file are those of a key file, and print as nothing', async () => {
  const given = await put({
    'key-file': ['guek=ek'],
    'key-env': ['authenticationKey=AK'],
    'key-with': [`clientTitle=${TITLE}`, 'firstCounter=77', 'hls6=short', 'suite2Agreement=false'],
  });
  const file = parseMeterKeys(
    `{encryptionKey: "${GUEK}", authenticationKey: "${GAK}", clientTitle: "${TITLE}", firstCounter: 77, hls6: short}`,
  );
  assert.ok(file.ok);
  assert.deepEqual(given, { keys: file.security, counterFile: 'ek.counter' });
  const { authentication } = given.keys.keys;
  assert.ok(authentication !== null);
  assert.deepEqual(
    [octetsOfKey(given.keys.keys.encryption), octetsOfKey(authentication)].map((key) => key[0]),
    [0x3a, 0x5c],
  );
  assert.doesNotMatch(inspect(given, { depth: 9 }) + JSON.stringify(given), /3a3a|5c5c|58, 58|92, 92/);
});

test('a counter has a file of its own where the key has none', async () => {
  const values = { 'key-env': ['guek=EK', 'gak=AK'], 'key-with': [`clientTitle=${TITLE}`] };
  await assert.rejects(put(values), /--counter-file FILE is missing/);
  assert.equal((await put({ ...values, 'counter-file': 'c' })).counterFile, 'c');
});

test('whether keys were given at all', () => {
  assert.equal(hasKeyParts(NO_KEY_PARTS), false);
  assert.equal(hasKeyParts({ ...NO_KEY_PARTS, 'key-env': ['guek=EK'] }), true);
});

const BOTH = ['guek=EK', 'gak=AK'];
const NAMED = [`clientTitle=${TITLE}`];
for (const [values, auth, words] of [
  [
    { 'key-env': ['gak=AK'] },
    undefined,
    /^Missing: encryptionKey \(--key-env encryptionKey=VAR or .*\), clientTitle \(--key-with/,
  ],
  [{ 'key-env': ['guek=EK'], 'key-with': NAMED }, undefined, /^Missing: authenticationKey /],
  [{ 'key-env': BOTH, 'key-with': NAMED }, 'hls', /^Missing: secret /],
  [{ 'key-env': BOTH, 'key-with': NAMED }, 'hls-md5', /^Missing: secret /],
  [{ 'key-env': BOTH, 'key-with': [...NAMED, 'mechanism=hls-sha1'] }, undefined, /^Missing: secret /],
  [{ 'key-env': BOTH, 'key-with': NAMED }, 'hls-sha256', /^Missing: secret /],
  [
    { 'key-env': BOTH, 'key-with': NAMED },
    'hls-ecdsa',
    /^Missing: signingKey \(--key-env .*\), peerSigningKey \(--key-with/,
  ],
  [{ 'key-env': BOTH, 'key-with': [...NAMED, 'form=wrapped-key'] }, undefined, /^Missing: masterKey /],
  [
    { 'key-env': BOTH, 'key-with': [...NAMED, 'form=static-key'] },
    undefined,
    /^Missing: agreementKey .*, peerAgreementKey /,
  ],
  [{ 'key-env': ['guek=EK', 'encryptionKey=EK'] }, undefined, /gives encryptionKey a second time/],
  [{ 'key-with': [`guek=${GUEK}`] }, undefined, /encryptionKey is a secret and no argument/],
  [{ 'key-env': [`guek=${GUEK}`] }, undefined, /takes the name of a variable, not a key/],
  [{ 'key-file': [`guek=${GUEK}`] }, undefined, /takes the name of a file, not a key/],
  [{ 'key-env': [GUEK] }, undefined, /--key-env takes NAME=\.\.\., with a name of a key file: guek, gak/],
  [{ 'key-env': [`${GUEK}=EK`] }, undefined, /--key-env takes NAME=/],
  [{ 'key-env': ['gkek=EK'] }, undefined, /did you mean guek\?/],
  [{ 'key-env': ['guek=NOBODY'] }, undefined, /no encryptionKey in the variable NOBODY/],
  [{ 'key-env': ['guek=EMPTY'] }, undefined, /no encryptionKey in the variable EMPTY/],
  [{ 'key-file': ['guek=nobody'] }, undefined, /--key-file encryptionKey: there is no key file nobody/],
  [{ 'key-file': ['guek=open'] }, undefined, /chmod 600/],
  [{ 'key-file': ['guek=empty'] }, undefined, /the file empty is empty/],
  [{ 'key-file': ['guek=ek'], 'key-env': ['gak=SHORT'], 'key-with': NAMED }, undefined, /authenticationKey .*digits/],
  [{ 'key-file': ['guek=ek'], 'key-env': ['gak=WORD'], 'key-with': NAMED }, undefined, /authenticationKey .*digits/],
  [{ 'key-file': ['guek=ek'], 'key-env': ['gak=AK'], 'key-with': [...NAMED, 'suite=9'] }, undefined, /suite .*0 to 2/],
  [
    { 'key-file': ['guek=ek'], 'key-env': ['gak=AK'], 'key-with': [...NAMED, 'suite=2'] },
    undefined,
    /encryptionKey has 32 digits, suite 2 wants 64/,
  ],
] as const) {
  test(`wrong keys are told by name: ${String(words)}`, async () => {
    await assert.rejects(put(values, auth), (error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, words);
      assert.doesNotMatch(error.message, /3a3a|5c5c|no key$/);
      return true;
    });
  });
}
