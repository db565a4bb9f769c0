/**
 * Mechanism 2, the manufacturer's own: what one implementation does, as a plug-in that a profile asks for. The challenge,
 * padded with zeros to whole blocks, is encrypted with AES-128 in CBC mode under the padded password and a zero vector.
 * Known weak point: one witness only, and nothing of the titles is in it.
 */
import { createCipheriv } from 'node:crypto';
import { concat } from '../../base/bytes.ts';
import { securityError } from './errors.ts';
import type { HlsExchange, HlsSecret } from './hls.ts';
import { octetsOfKey, type SecretKey, sameSecret } from './secret-key.ts';

const BLOCK_BYTES = 16;

/** The secret of mechanism 2 by AES-128-CBC; throws SECURITY_KEY_LENGTH for a password of more than 16 octets. */
export function aesCbcSecret(password: SecretKey): HlsSecret {
  if (password.lengthBytes > BLOCK_BYTES)
    throw securityError('SECURITY_KEY_LENGTH', `secret of ${password.lengthBytes} octets, hls takes ${BLOCK_BYTES}`);
  const prove = ({ received }: HlsExchange): Uint8Array => {
    const cipher = createCipheriv('aes-128-cbc', padded(octetsOfKey(password)), new Uint8Array(BLOCK_BYTES));
    cipher.setAutoPadding(false);
    return concat([cipher.update(padded(received)), cipher.final()]);
  };
  return { mechanism: 'hls', prove, check: (proof, peers) => sameSecret(proof, prove(peers)) };
}

function padded(octets: Uint8Array): Uint8Array {
  const missing = (BLOCK_BYTES - (octets.length % BLOCK_BYTES)) % BLOCK_BYTES;
  return concat([octets, new Uint8Array(missing)]);
}
