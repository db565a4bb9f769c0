/** Opens what a customer port sends: a push is believed with a known title and a valid tag, as far as its keys go. */
import {
  type Apdu,
  CounterReceiver,
  decodeApdu,
  isCipheredApdu,
  openCiphered,
  securityError,
} from '../../dlms/index.ts';
import { QUALITIES } from '../../model/reading.ts';
import type { PushReadout } from '../../profile/push.ts';
import type { MeterSecurity } from '../ports.ts';

/** A push in clear, and how far it may be believed. */
export interface OpenedPush {
  readonly apdu: Apdu;
  /** False when it was ciphered and its tag could not be checked, or had none. */
  readonly verified: boolean;
}

/**
 * One port's key. Without keys plain messages pass and ciphered ones stay closed. With an authentication key only messages
 * with a valid tag pass; without one their readings are marked `unverified`. An old counter is refused; the memory of it
 * lasts as long as the program.
 */
export class PushCipher {
  readonly #security: MeterSecurity | null;
  readonly #counter = new CounterReceiver();

  constructor(security: MeterSecurity | null) {
    this.#security = security;
  }

  /** Throws SECURITY_* and DLMS_* when the message may not be believed. */
  open(octets: Uint8Array): OpenedPush {
    const outer = decodeApdu(octets);
    const security = this.#security;
    if (security === null) return { apdu: outer, verified: true };
    if (!isCipheredApdu(outer) || outer.apdu === 'general-signing')
      throw securityError('SECURITY_POLICY', `${outer.apdu} from a port with a key`);
    const { authentication } = security.keys;
    this.#counter.check(outer.invocationCounter);
    const options = { senderTitle: security.meterTitle, allowUnverified: authentication === null };
    const { plaintext, verified } = openCiphered(outer, security.keys, options);
    if (authentication !== null && !verified) throw securityError('SECURITY_POLICY', 'a push without tag');
    // A wrong key gives nonsense: only what can be read moves the counter.
    const apdu = decodeApdu(plaintext);
    this.#counter.accept(outer.invocationCounter);
    return { apdu, verified };
  }
}

/** The readings of a push that was not authenticated: no better than `unverified`. */
export function unverified(readout: PushReadout): PushReadout {
  const least = QUALITIES.indexOf('unverified');
  const groups = readout.groups.map((group) => ({
    ...group,
    rows: group.rows.map((row) => ({
      ...row,
      quality: QUALITIES[Math.max(least, QUALITIES.indexOf(row.quality))] ?? 'unverified',
    })),
  }));
  return { ...readout, groups };
}
