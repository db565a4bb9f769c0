/**
 * Which certificates are believed: of the right subject, use and curve, issued by an authority of ours, not revoked, within
 * their time. Keys that came out of certificates are good no longer than these, so the time is looked at anew at each sign-on.
 *
 * Not here: revocation lists and OCSP of the authority (a revoked certificate is one whose number stands in `revoked`), chains
 * of more than one authority.
 */
import { sameOctets } from '../../base/bytes.ts';
import { type Certificate, type CertificateUse, checkIssued, checkValidAt, titleName } from './certificate.ts';
import { serialText } from './certificate-list.ts';
import { isSecurityError, securityError } from './errors.ts';
import type { CurveName } from './suite.ts';

/** Which certificate is wanted. */
export interface CertificateWish {
  /** System title of its subject. */
  readonly title: Uint8Array;
  readonly use: PairUse;
  /** Of the security suite. */
  readonly curve: CurveName;
  /** X | Y; absent = any. */
  readonly publicKey?: Uint8Array;
}

/** What a pair of a meter or client can be for. */
export type PairUse = Extract<CertificateUse, 'signature' | 'agreement'>;

/** Whose certificates one side of an association believes. */
export interface IssuerTrust {
  readonly authorities: readonly Certificate[];
  /** Numbers that are not believed any more, whoever issued them, as {@link serialText} writes them. */
  readonly revoked: ReadonlySet<string>;
}

/** A certificate out of which a key of the other side came, and the authorities that issued it, which were checked. */
export interface PeerCertificate {
  readonly certificate: Certificate;
  readonly issuers: readonly Certificate[];
}

/** Whom one side of an association believes. */
export interface CertificateTrust extends IssuerTrust {
  /** Out of which the keys of the other side came, none = they were given as keys. */
  readonly peer: Readonly<Partial<Record<PairUse, PeerCertificate>>>;
}

/** Throws SECURITY_CERTIFICATE with the first thing in which a certificate is not the one that is wanted. Its time is not looked at. */
export function checkFits(certificate: Certificate, { title, use, curve, publicKey }: CertificateWish): void {
  checkTitle(certificate, title);
  if (certificate.isAuthority) throw securityError('SECURITY_CERTIFICATE', 'it is for a certification authority');
  if (certificate.use !== use)
    throw securityError('SECURITY_CERTIFICATE', `its key usage is ${certificate.use}, not ${use}`);
  if (certificate.curve !== curve)
    throw securityError(
      'SECURITY_CERTIFICATE',
      `its key is on ${certificate.curve}, the security suite wants ${curve}`,
    );
  if (publicKey !== undefined && !sameOctets(certificate.publicKey, publicKey))
    throw securityError('SECURITY_CERTIFICATE', 'its key is another one');
}

function checkTitle({ title: given, commonName }: Certificate, title: Uint8Array): void {
  if (given === null || !sameOctets(given, title))
    throw securityError('SECURITY_CERTIFICATE', `it is for "${commonName}", not for ${titleName(title)}`);
}

/**
 * Those of the authorities that issued the certificate, at least one; throws SECURITY_CERTIFICATE when there is none. Neither
 * times nor revoked numbers are looked at.
 */
export function issuersOf(certificate: Certificate, { authorities }: IssuerTrust): Certificate[] {
  const named = authorities.filter(({ subject }) => sameOctets(subject, certificate.issuer));
  if (named.length === 0)
    throw securityError('SECURITY_CERTIFICATE', 'its issuer is no authority that is believed here');
  // An authority that changes its key or its certificate keeps its name for a while.
  return oneAtLeast(named, (authority) => checkIssued(certificate, authority, null));
}

function refuseRevoked({ serial }: Certificate, revoked: ReadonlySet<string>): void {
  const number = serialText(serial);
  if (revoked.has(number)) throw securityError('SECURITY_CERTIFICATE', `number ${number} is revoked`);
}

/** Those that pass the check; throws what the last one was refused for when none does. */
function oneAtLeast(authorities: readonly Certificate[], check: (authority: Certificate) => void): Certificate[] {
  let problem: unknown = null;
  const passed = authorities.filter((authority) => {
    try {
      check(authority);
      return true;
    } catch (error) {
      problem = error;
      return false;
    }
  });
  if (passed.length === 0) throw problem;
  return passed;
}

/** Throws SECURITY_CERTIFICATE unless a certificate and one of its issuers are neither revoked nor, at a moment, out of their time. */
function checkStanding(
  { certificate, issuers }: PeerCertificate,
  revoked: IssuerTrust['revoked'],
  atMs: number | null,
) {
  for (const of of [[certificate], issuers])
    oneAtLeast(of, (each) => {
      refuseRevoked(each, revoked);
      if (atMs !== null) checkValidAt(each, atMs);
    });
}

/** Throws SECURITY_CERTIFICATE unless an authority issued the certificate, nothing is revoked, and both are valid at a moment, UTC ms. */
export function checkBelieved(certificate: Certificate, trust: IssuerTrust, atMs: number): void {
  checkStanding({ certificate, issuers: issuersOf(certificate, trust) }, trust.revoked, atMs);
}

/**
 * Whether the keys of the other side may be used at this moment (UTC ms; null = not known, then times are not looked at); throws
 * SECURITY_CERTIFICATE that names the certificate. Keys that were given as keys always may. Costs no signature.
 */
export function checkPeer({ peer, revoked }: CertificateTrust, title: Uint8Array, atMs: number | null): void {
  for (const use of ['signature', 'agreement'] as const) {
    const given = peer[use];
    if (given === undefined) continue;
    try {
      checkTitle(given.certificate, title);
      checkStanding(given, revoked, atMs);
    } catch (error) {
      if (!isSecurityError(error)) throw error;
      throw securityError('SECURITY_CERTIFICATE', `the other side's for ${use}: ${error.detail}`, error);
    }
  }
}
