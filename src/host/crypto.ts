/** Randomness and primitives of cryptography, from the operating system and OpenSSL. */
import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  randomBytes,
  randomInt,
  sign,
  timingSafeEqual,
  verify,
} from 'node:crypto';
import { concat, fromHex } from '../base/bytes.ts';
import type { Crypto, Random, SigningKey } from '../base/env.ts';
import { assert } from '../base/errors.ts';

/** Octets of an Ed25519 seed, and of a public key (RFC 8032, 5.1.5). */
const KEY_OCTETS = 32;
/** Octets of an Ed25519 signature. */
const SIGNATURE_OCTETS = 64;
/** DER before a raw private key: PrivateKeyInfo with id-Ed25519 (RFC 8410, 7). */
const PKCS8_PREFIX = fromHex('302e020100300506032b657004220420');
/** DER before a raw public key: SubjectPublicKeyInfo with id-Ed25519 (RFC 8410, 4). */
const SPKI_PREFIX = fromHex('302a300506032b6570032100');

/** The operating system's generator. */
export const HOST_RANDOM: Random = {
  bytes: (count) => plain(randomBytes(count)),
  below: (below) => {
    assert(Number.isInteger(below) && below > 0 && below <= 2 ** 32, `a range of 1 to 2^32, not ${below}`);
    return randomInt(below);
  },
};

/** OpenSSL's primitives. `signingKeyFrom` makes the Ed25519 pair of a seed: the virtual system draws its own seeds. */
export const HOST_CRYPTO: Crypto & { signingKeyFrom(seed: Uint8Array): SigningKey } = {
  sha256: (octets) => plain(createHash('sha256').update(octets).digest()),
  hmacSha256: (key, octets) => plain(createHmac('sha256', key).update(octets).digest()),
  sameSecret: (a, b) => a.length === b.length && timingSafeEqual(a, b),
  newSigningKey: () => signingKeyFrom(plain(randomBytes(KEY_OCTETS))),
  signingKeyFrom,
  sign: (privateKey, octets) => plain(sign(null, octets, privateKeyOf(privateKey))),
  verify: (publicKey, octets, signature) => {
    if (publicKey.length !== KEY_OCTETS || signature.length !== SIGNATURE_OCTETS) return false;
    const key = Buffer.from(concat([SPKI_PREFIX, publicKey]));
    return verify(null, octets, createPublicKey({ key, format: 'der', type: 'spki' }), signature);
  },
};

function privateKeyOf(seed: Uint8Array): KeyObject {
  assert(seed.length === KEY_OCTETS, `an Ed25519 seed has 32 octets, not ${seed.length}`);
  const key = Buffer.from(concat([PKCS8_PREFIX, seed]));
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
}

function signingKeyFrom(seed: Uint8Array): SigningKey {
  const spki = createPublicKey(privateKeyOf(seed)).export({ format: 'der', type: 'spki' });
  return { publicKey: plain(spki).slice(SPKI_PREFIX.length), privateKey: seed.slice() };
}

/** A Buffer as what it is underneath, so that nobody comes to rely on more. */
function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}
