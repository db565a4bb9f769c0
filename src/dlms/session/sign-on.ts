/** How the keys of a meter serve a mechanism, for either side: what it proves itself with, and its challenge. */
import { securityError } from '../security/errors.ts';
import type { HlsMechanism, HlsSecret } from '../security/hls.ts';
import { aesCbcSecret } from '../security/hls-vendor.ts';
import { CHALLENGE_DEFAULT_BYTES, CHALLENGE_ECDSA_MIN_BYTES } from '../security/limits.ts';
import type { MeterSecurity } from '../security/meter-security.ts';
import type { HlsAuthentication } from './association.ts';

/** The secret of a mechanism in a key file; throws SECURITY_MECHANISM with what the file lacks. */
export function hlsSecretOf(mechanism: HlsMechanism, security: MeterSecurity): HlsSecret {
  const { secret, keys } = security;
  if (mechanism === 'hls-gmac') return { mechanism };
  if (mechanism === 'hls-ecdsa') {
    if (keys.signing === undefined) throw securityError('SECURITY_MECHANISM', `${mechanism} without signingKey`);
    return { mechanism, ...keys.signing };
  }
  if (secret === null) throw securityError('SECURITY_MECHANISM', `${mechanism} without secret`);
  if (mechanism === 'hls') return aesCbcSecret(secret);
  if (mechanism === 'hls-sha256')
    return security.hls6 === 'short' ? { mechanism, secret, form: 'short' } : { mechanism, secret };
  return { mechanism, secret };
}

/** A client's sign-on with a fresh challenge; throws SECURITY_MECHANISM. */
export function hlsSignOn(
  mechanism: HlsMechanism,
  security: MeterSecurity,
  random: (count: number) => Uint8Array,
): HlsAuthentication {
  const bytes = mechanism === 'hls-ecdsa' ? CHALLENGE_ECDSA_MIN_BYTES : CHALLENGE_DEFAULT_BYTES;
  return { ...hlsSecretOf(mechanism, security), challenge: random(bytes) };
}
