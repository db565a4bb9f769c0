/**
 * Elliptic curves of suites 1 and 2: signatures as plain R | S, public keys as plain X | Y, shared secrets as the
 * x coordinate, all padded on the left to the curve's length (Green Book, ECDSA and ECDH).
 */
import { createECDH, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { ByteReader, ByteWriter, concat } from '../../base/bytes.ts';
import { securityError } from './errors.ts';
import { octetsOfKey, SecretKey } from './secret-key.ts';
import { CURVES, type Curve, type CurveName } from './suite.ts';

/** First octet of an uncompressed point, which DLMS leaves out. */
const UNCOMPRESSED = 0x04;
const PLAIN_SIGNATURE = 'ieee-p1363';

/** A private number and its public point. */
export interface KeyPair {
  readonly curve: CurveName;
  readonly privateKey: SecretKey;
  /** X | Y, 64 or 96 octets. */
  readonly publicKey: Uint8Array;
}

/** The pair of a private number (32 or 48 octets); throws SECURITY_PUBLIC_KEY. */
export function keyPairOf(curve: CurveName, privateKey: SecretKey): KeyPair {
  const row = CURVES[curve];
  if (privateKey.lengthBytes !== row.bytes)
    throw securityError('SECURITY_PUBLIC_KEY', `private number of ${privateKey.lengthBytes} octets on ${curve}`);
  const ecdh = createECDH(row.openssl);
  try {
    ecdh.setPrivateKey(octetsOfKey(privateKey));
  } catch (error) {
    throw securityError('SECURITY_PUBLIC_KEY', `no private number of ${curve}`, error);
  }
  return { curve, privateKey, publicKey: Uint8Array.from(ecdh.getPublicKey()).subarray(1) };
}

/** Draws of a private number before the source of randomness is called broken: one fails in fewer than 1 of 2^31. */
const DRAWS_MAX = 8;

/**
 * A new pair from fresh random octets: numbers are drawn until one is a private number of the curve (FIPS 186-4, B.4.2).
 * Throws SECURITY_PUBLIC_KEY when the octets are not random.
 */
export function newKeyPair(curve: CurveName, random: (count: number) => Uint8Array): KeyPair {
  for (let draw = 1; ; draw++) {
    try {
      return keyPairOf(curve, new SecretKey(random(CURVES[curve].bytes)));
    } catch (error) {
      if (draw >= DRAWS_MAX) throw error;
    }
  }
}

/** Keys as OpenSSL holds them: making one costs more than a signature with it. */
const privateKeys = new WeakMap<KeyPair, KeyObject>();

/** Signs octets: R | S, 64 or 96 octets. */
export function signOctets(octets: Uint8Array, pair: KeyPair): Uint8Array {
  const key = privateKeys.get(pair) ?? privateKeyOf(pair);
  privateKeys.set(pair, key);
  return Uint8Array.from(sign(CURVES[pair.curve].hash, octets, { key, dsaEncoding: PLAIN_SIGNATURE }));
}

function privateKeyOf({ curve, privateKey, publicKey }: KeyPair): KeyObject {
  const jwk = { ...jwkOf(CURVES[curve], publicKey), d: base64Url(octetsOfKey(privateKey)) };
  return createPrivateKey({ key: jwk, format: 'jwk' });
}

/** Whether R | S is the signature of the octets; throws SECURITY_PUBLIC_KEY when the key is no point of the curve. */
export function isSignature(
  signature: Uint8Array,
  octets: Uint8Array,
  curve: CurveName,
  publicKey: Uint8Array,
): boolean {
  const row = CURVES[curve];
  const key = publicKeyOf(row, publicKey);
  if (signature.length !== row.bytes * 2) return false;
  return verify(row.hash, octets, { key, dsaEncoding: PLAIN_SIGNATURE }, signature);
}

/** The shared secret Z of a pair and a peer's point; throws SECURITY_PUBLIC_KEY when that is none. */
export function sharedSecret({ curve, privateKey }: KeyPair, peerPublicKey: Uint8Array): SecretKey {
  const row = CURVES[curve];
  const ecdh = createECDH(row.openssl);
  ecdh.setPrivateKey(octetsOfKey(privateKey));
  try {
    return new SecretKey(ecdh.computeSecret(concat([Uint8Array.of(UNCOMPRESSED), peerPublicKey])));
  } catch (error) {
    throw securityError('SECURITY_PUBLIC_KEY', `no point of ${curve}`, error);
  }
}

function publicKeyOf(curve: Curve, publicKey: Uint8Array): KeyObject {
  try {
    return createPublicKey({ key: jwkOf(curve, publicKey), format: 'jwk' });
  } catch (error) {
    throw securityError('SECURITY_PUBLIC_KEY', `no point of ${curve.name}`, error);
  }
}

function jwkOf(curve: Curve, publicKey: Uint8Array): { kty: 'EC'; crv: CurveName; x: string; y: string } {
  if (publicKey.length !== curve.bytes * 2)
    throw securityError('SECURITY_PUBLIC_KEY', `${publicKey.length} octets, ${curve.name} wants ${curve.bytes * 2}`);
  const reader = new ByteReader(publicKey);
  const x = base64Url(reader.slice(curve.bytes));
  return { kty: 'EC', crv: curve.name, x, y: base64Url(reader.rest()) };
}

function base64Url(octets: Uint8Array): string {
  return Buffer.from(new ByteWriter(octets.length).bytes(octets).finish()).toString('base64url');
}
