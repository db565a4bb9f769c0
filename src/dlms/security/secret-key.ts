/**
 * Key material that cannot be printed: text, JSON and inspection of a key all give `[key]`, so that no log, error or dump
 * carries one by accident. Only this folder takes the octets out.
 */
import { timingSafeEqual } from 'node:crypto';
import { fromHex } from '../../base/bytes.ts';
import { securityError } from './errors.ts';

const SHOWN = '[key]';
const revealed = new WeakMap<SecretKey, Uint8Array>();

/** A symmetric key, a password or secret, or a private number of an elliptic curve. */
export class SecretKey {
  /** Octets of the key. */
  readonly lengthBytes: number;

  /** Copies the octets. */
  constructor(octets: Uint8Array) {
    this.lengthBytes = octets.length;
    revealed.set(this, Uint8Array.from(octets));
  }

  /** A key written in hex; throws SECURITY_KEY_LENGTH without repeating what was written. */
  static fromHex(text: string): SecretKey {
    try {
      return new SecretKey(fromHex(text));
    } catch {
      throw securityError('SECURITY_KEY_LENGTH', 'a key is written as an even number of hex digits');
    }
  }

  /** `[key]`. */
  toString(): string {
    return SHOWN;
  }

  /** `[key]`. */
  toJSON(): string {
    return SHOWN;
  }

  /** `[key]`, for `util.inspect` and console output. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return SHOWN;
  }
}

/** The octets of a key, for the primitives of this folder and for a dedicated key inside an initiate-request. */
export function octetsOfKey(key: SecretKey): Uint8Array {
  const octets = revealed.get(key);
  if (octets === undefined) throw securityError('SECURITY_KEY_MISSING', 'not a key made by SecretKey');
  return octets;
}

/** Whether two secrets are the same, in a time that depends on their lengths only. */
export function sameSecret(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
