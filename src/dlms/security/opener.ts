/** Opens ciphered APDUs one by one, without an association: for `explain` and for pushes. */
import { hasCode } from '../../base/errors.ts';
import type { CipheredApdu, GeneralSigning } from '../xdlms/ciphered.ts';
import { SECURITY_CONTROL } from '../xdlms/ciphered.ts';
import { type CipherKeys, openCiphered } from './ciphering.ts';
import type { Opened } from './gcm.ts';

/** Keys at hand, as far as they are known. */
export interface OpenerKeys extends CipherKeys {
  /** Title of senders whose messages carry none. */
  readonly title: Uint8Array | null;
}

/**
 * Opens what the keys fit; null when a key or the title is not known. Throws SECURITY_TAG when the tag is wrong. A general-
 * ciphering message is tried with its header authenticated, then without.
 */
export function openWith(apdu: CipheredApdu, keys: OpenerKeys): Opened | null {
  if (apdu.apdu === 'general-signing') return { plaintext: apdu.content, verified: false };
  const forms = apdu.apdu === 'general-ciphering' ? (['header', 'short'] as const) : (['header'] as const);
  const senderTitle = titleIn(apdu) ? null : keys.title;
  let refused: unknown = null;
  for (const generalCipheringAad of forms) {
    try {
      return openCiphered(apdu, known(apdu, keys), { senderTitle, allowUnverified: true, generalCipheringAad });
    } catch (error) {
      if (hasCode(error, 'SECURITY_KEY_MISSING') || hasCode(error, 'SECURITY_TITLE')) return null;
      refused = error;
    }
  }
  throw refused;
}

function titleIn(apdu: Exclude<CipheredApdu, GeneralSigning>): boolean {
  if (apdu.apdu === 'general-ciphering') return true;
  return 'systemTitle' in apdu && apdu.systemTitle.length > 0;
}

/** Someone who explains has one encryption key and no memory: it stands for the broadcast key too. */
function known(apdu: Exclude<CipheredApdu, GeneralSigning>, keys: OpenerKeys): CipherKeys {
  const broadcast = (apdu.securityControl & SECURITY_CONTROL.broadcastKey) !== 0;
  return broadcast && keys.broadcast === undefined ? { ...keys, broadcast: keys.encryption } : keys;
}
