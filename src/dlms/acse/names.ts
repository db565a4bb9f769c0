/** Object identifiers and result names of association control. */

import { ByteReader } from '../../base/bytes.ts';

/** Application contexts, 2.16.756.5.8.1.n. */
export const APPLICATION_CONTEXTS: Readonly<Record<number, string>> = {
  1: 'LN',
  2: 'SN',
  3: 'LN-ciphered',
  4: 'SN-ciphered',
};

/** Authentication mechanisms, 2.16.756.5.8.2.n. */
export const MECHANISMS: Readonly<Record<number, string>> = {
  0: 'none',
  1: 'LLS',
  2: 'HLS',
  3: 'HLS-MD5',
  4: 'HLS-SHA1',
  5: 'HLS-GMAC',
  6: 'HLS-SHA256',
  7: 'HLS-ECDSA',
};

/** Results of an AARE. */
export const ASSOCIATION_RESULTS: Readonly<Record<number, string>> = {
  0: 'accepted',
  1: 'rejected-permanent',
  2: 'rejected-transient',
};

/** Diagnostics of the service user. */
export const USER_DIAGNOSTICS: Readonly<Record<number, string>> = {
  0: 'null',
  1: 'no-reason-given',
  2: 'application-context-name-not-supported',
  3: 'calling-AP-title-not-recognized',
  4: 'calling-AP-invocation-identifier-not-recognized',
  5: 'calling-AE-qualifier-not-recognized',
  6: 'calling-AE-invocation-identifier-not-recognized',
  7: 'called-AP-title-not-recognized',
  8: 'called-AP-invocation-identifier-not-recognized',
  9: 'called-AE-qualifier-not-recognized',
  10: 'called-AE-invocation-identifier-not-recognized',
  11: 'authentication-mechanism-name-not-recognised',
  12: 'authentication-mechanism-name-required',
  13: 'authentication-failure',
  14: 'authentication-required',
};

/** Diagnostics of the service provider. */
export const PROVIDER_DIAGNOSTICS: Readonly<Record<number, string>> = {
  0: 'null',
  1: 'no-reason-given',
  2: 'no-common-acse-version',
};

/** Reasons of RLRQ and RLRE; 1 means urgent in a request and not finished in a response. */
export const RELEASE_REASONS: Readonly<Record<number, string>> = {
  0: 'normal',
  1: 'urgent-or-not-finished',
  30: 'user-defined',
};

/** Third last arc of the identifiers under 2.16.756.5.8: 1 contexts, 2 mechanisms. */
export type DlmsArc = 1 | 2;

const ARCS = [0x60, 0x85, 0x74, 0x05, 0x08];

/** The last arc of 2.16.756.5.8.`arc`.n, 0-127, or null for any other object identifier. */
export function arcOf(oid: Uint8Array, arc: DlmsArc): number | null {
  if (oid.length !== 7) return null;
  const reader = new ByteReader(oid);
  const known = [...ARCS, arc].every((octet) => reader.u8() === octet);
  const last = reader.u8();
  // From 80 on the octet says that the arc goes on.
  return known && last <= 0x7f ? last : null;
}

/** The content octets of 2.16.756.5.8.`arc`.`n`. */
export function oidOf(arc: DlmsArc, n: number): Uint8Array {
  return Uint8Array.from([...ARCS, arc, n]);
}
