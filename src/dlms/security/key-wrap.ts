/** AES key wrap (RFC 3394) under a key encryption key: 16 octets become 24, 32 become 40. */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { concat, fromHex } from '../../base/bytes.ts';
import { securityError } from './errors.ts';
import { octetsOfKey, SecretKey } from './secret-key.ts';
import { fitting, SUITES, type Suite, type SuiteId } from './suite.ts';

/** Initial value of RFC 3394, 2.2.3.1. */
const INITIAL_VALUE = fromHex('a6a6a6a6a6a6a6a6');
const WRAPPED_MORE_BYTES = 8;

/** Wraps a key of the suite for its way to the meter; throws SECURITY_KEY_LENGTH. */
export function wrapKey(key: SecretKey, keyEncryptionKey: SecretKey, suite: SuiteId): Uint8Array {
  const row: Suite = SUITES[suite];
  const kek = octetsOfKey(fitting(keyEncryptionKey, row, 'key encryption key'));
  const cipher = createCipheriv(row.wrap, kek, INITIAL_VALUE);
  return concat([cipher.update(octetsOfKey(fitting(key, row, 'key to wrap'))), cipher.final()]);
}

/** Unwraps a key of the suite; throws SECURITY_UNWRAP when its integrity check fails or the length is another. */
export function unwrapKey(wrapped: Uint8Array, keyEncryptionKey: SecretKey, suite: SuiteId): SecretKey {
  const row: Suite = SUITES[suite];
  if (wrapped.length !== row.keyBytes + WRAPPED_MORE_BYTES)
    throw securityError('SECURITY_UNWRAP', `${wrapped.length} octets`);
  const kek = octetsOfKey(fitting(keyEncryptionKey, row, 'key encryption key'));
  const decipher = createDecipheriv(row.wrap, kek, INITIAL_VALUE);
  try {
    return new SecretKey(concat([decipher.update(wrapped), decipher.final()]));
  } catch (error) {
    throw securityError('SECURITY_UNWRAP', 'integrity check', error);
  }
}
