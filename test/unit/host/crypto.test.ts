import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex, toHex } from '../../../src/base/bytes.ts';
import { HOST_CRYPTO, HOST_RANDOM } from '../../../src/host/crypto.ts';

const text = (words: string): Uint8Array => new TextEncoder().encode(words);

test('FIPS 180-4 SHA-256 of "abc"', () => {
  assert.equal(
    toHex(HOST_CRYPTO.sha256(text('abc'))),
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  );
});

test('RFC 4231 test case 2 HMAC-SHA-256', () => {
  assert.equal(
    toHex(HOST_CRYPTO.hmacSha256(text('Jefe'), text('what do ya want for nothing?'))),
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  );
});

/** RFC 8032, 7.1. */
const ED25519 = [
  {
    seed: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    publicKey: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    message: '',
    signature:
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  },
  {
    seed: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    publicKey: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    message: '72',
    signature:
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  },
] as const;

for (const row of ED25519) {
  test(`RFC 8032 Ed25519, message "${row.message}"`, () => {
    const pair = HOST_CRYPTO.signingKeyFrom(fromHex(row.seed));
    assert.equal(toHex(pair.publicKey), row.publicKey);
    assert.equal(toHex(pair.privateKey), row.seed);
    const signature = HOST_CRYPTO.sign(pair.privateKey, fromHex(row.message));
    assert.equal(toHex(signature), row.signature);
    assert.equal(HOST_CRYPTO.verify(pair.publicKey, fromHex(row.message), signature), true);
  });
}

test('a signature fails for another message, key or octet, and for wrong lengths', () => {
  const pair = HOST_CRYPTO.newSigningKey();
  const other = HOST_CRYPTO.newSigningKey();
  const message = text('disconnect');
  const signature = HOST_CRYPTO.sign(pair.privateKey, message);
  const bent = signature.map((octet, index) => (index === 5 ? octet ^ 1 : octet));
  assert.equal(HOST_CRYPTO.verify(pair.publicKey, message, signature), true);
  assert.equal(HOST_CRYPTO.verify(pair.publicKey, text('reconnect'), signature), false);
  assert.equal(HOST_CRYPTO.verify(other.publicKey, message, signature), false);
  assert.equal(HOST_CRYPTO.verify(pair.publicKey, message, bent), false);
  assert.equal(HOST_CRYPTO.verify(pair.publicKey, message, signature.slice(0, 63)), false);
  assert.equal(HOST_CRYPTO.verify(pair.publicKey.slice(0, 31), message, signature), false);
  assert.throws(() => HOST_CRYPTO.sign(pair.privateKey.slice(0, 31), message));
});

test('secrets are compared with their lengths', () => {
  assert.equal(HOST_CRYPTO.sameSecret(text('same'), text('same')), true);
  assert.equal(HOST_CRYPTO.sameSecret(text('same'), text('sane')), false);
  assert.equal(HOST_CRYPTO.sameSecret(text('same'), text('same but longer')), false);
});

test('random numbers stay below their bound and reach each value', () => {
  const seen = new Set(Array.from({ length: 500 }, () => HOST_RANDOM.below(4)));
  assert.deepEqual([...seen].sort(), [0, 1, 2, 3]);
  assert.ok(HOST_RANDOM.below(2 ** 32) < 2 ** 32);
  assert.equal(HOST_RANDOM.below(1), 0);
  for (const bad of [0, -1, 1.5, 2 ** 32 + 1]) assert.throws(() => HOST_RANDOM.below(bad));
  assert.equal(HOST_RANDOM.bytes(16).length, 16);
  assert.notDeepEqual(HOST_RANDOM.bytes(16), HOST_RANDOM.bytes(16));
});
