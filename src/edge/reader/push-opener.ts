/**
 * Ciphered pushes: opened with the keys of the port, and what came out marked by how much it can be trusted.
 *
 * Without the authentication key the content can be read but not proved, so its quality is at best `unverified`. There is
 * no check against replay: a push that is played again carries the same time and value, and the same reading is stored
 * once.
 */
import { isCipheredApdu } from '../../dlms/security/ciphering.ts';
import { type OpenerKeys, openWith } from '../../dlms/security/opener.ts';
import type { Apdu } from '../../dlms/xdlms/apdu.ts';
import { decodeApdu } from '../../dlms/xdlms/codec.ts';
import { QUALITIES, type Quality } from '../../model/reading.ts';
import type { PushReadout } from '../../profile/push.ts';

/** An APDU in the clear. */
export interface OpenedPush {
  readonly apdu: Apdu;
  /** False when it was ciphered and nothing proves who sent it. */
  readonly verified: boolean;
}

/** Opens an APDU; one that is plain, or to which no key fits, comes back as it is. Throws SECURITY_TAG and codec errors. */
export function openPush(octets: Uint8Array, keys: OpenerKeys | null): OpenedPush {
  const apdu = decodeApdu(octets);
  const opened = keys === null || !isCipheredApdu(apdu) ? null : openWith(apdu, keys);
  if (opened === null) return { apdu, verified: true };
  return { apdu: decodeApdu(opened.plaintext), verified: opened.verified };
}

/** The readout with no quality better than `unverified`. */
export function asUnverified(readout: PushReadout): PushReadout {
  return {
    ...readout,
    groups: readout.groups.map((group) => ({
      ...group,
      rows: group.rows.map((row) => ({ ...row, quality: worseOf(row.quality, 'unverified') })),
    })),
  };
}

function worseOf(one: Quality, other: Quality): Quality {
  return QUALITIES.indexOf(one) > QUALITIES.indexOf(other) ? one : other;
}
