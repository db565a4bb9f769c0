/** The three security suites as one table (Green Book, security suites): lengths, hash, curve. */
import { securityError } from './errors.ts';
import { TITLE_BYTES } from './limits.ts';
import type { SecretKey } from './secret-key.ts';

/** Number of a suite as it stands in bits 0 to 3 of the security control octet. */
export type SuiteId = 0 | 1 | 2;

/** What a suite is made of. */
export interface Suite {
  readonly id: SuiteId;
  /** Octets of encryption, authentication and key encryption keys. */
  readonly keyBytes: 16 | 32;
  readonly gcm: 'aes-128-gcm' | 'aes-256-gcm';
  readonly ctr: 'aes-128-ctr' | 'aes-256-ctr';
  readonly wrap: 'id-aes128-wrap' | 'id-aes256-wrap';
  /** Hash of signatures and key derivation. Suite 0 has none of both; a signature under it is refused. */
  readonly hash: 'sha256' | 'sha384' | null;
  readonly curve: CurveName | null;
}

/** A curve of suite 1 or 2. */
export type CurveName = 'P-256' | 'P-384';

/** What is fixed by a curve. */
export interface Curve {
  readonly name: CurveName;
  /** Name in OpenSSL. */
  readonly openssl: 'prime256v1' | 'secp384r1';
  /** Octets of a coordinate, of a private number, and of half a signature. */
  readonly bytes: 32 | 48;
  readonly hash: 'sha256' | 'sha384';
}

/** The curves by name. */
export const CURVES: Readonly<Record<CurveName, Curve>> = {
  'P-256': { name: 'P-256', openssl: 'prime256v1', bytes: 32, hash: 'sha256' },
  'P-384': { name: 'P-384', openssl: 'secp384r1', bytes: 48, hash: 'sha384' },
};

const AES_128 = { keyBytes: 16, gcm: 'aes-128-gcm', ctr: 'aes-128-ctr', wrap: 'id-aes128-wrap' } as const;
const AES_256 = { keyBytes: 32, gcm: 'aes-256-gcm', ctr: 'aes-256-ctr', wrap: 'id-aes256-wrap' } as const;

/** The suites by number. */
export const SUITES: Readonly<Record<SuiteId, Suite>> = {
  0: { id: 0, ...AES_128, hash: null, curve: null },
  1: { id: 1, ...AES_128, hash: 'sha256', curve: 'P-256' },
  2: { id: 2, ...AES_256, hash: 'sha384', curve: 'P-384' },
};

/** The suite of a security control octet; throws SECURITY_SUITE. */
export function suiteOf(securityControl: number): Suite {
  const id = securityControl & 0x0f;
  if (id === 0 || id === 1 || id === 2) return SUITES[id];
  throw securityError('SECURITY_SUITE', `suite ${id}`);
}

/** The curve of a suite; throws SECURITY_SUITE for suite 0, which has none. */
export function curveOf(suite: SuiteId): Curve {
  const { curve } = SUITES[suite];
  if (curve === null) throw securityError('SECURITY_SUITE', `suite ${suite} has no elliptic curve`);
  return CURVES[curve];
}

/** The key, when it has the suite's length; throws SECURITY_KEY_LENGTH. */
export function fitting(key: SecretKey, suite: Suite, name: string): SecretKey {
  if (key.lengthBytes === suite.keyBytes) return key;
  const lengths = `${key.lengthBytes} octets, suite ${suite.id} wants ${suite.keyBytes}`;
  throw securityError('SECURITY_KEY_LENGTH', `${name}: ${lengths}`);
}

/** The title, when it has eight octets; throws SECURITY_TITLE. */
export function checkedTitle(title: Uint8Array | null, whose: string): Uint8Array {
  if (title !== null && title.length === TITLE_BYTES) return title;
  throw securityError('SECURITY_TITLE', `${whose}: ${title === null ? 'none' : `${title.length} octets`}`);
}
