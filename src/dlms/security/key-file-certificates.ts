/** The certificates in a key file: authorities, revoked numbers, and the certificates that stand in place of the other side's keys. */
import { fromHex } from '../../base/bytes.ts';
import { list, maybe, text } from '../../base/config.ts';
import { pemBlocks } from '../../base/pem.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import { serialText } from './certificate-list.ts';
import {
  type CertificateTrust,
  type IssuerTrust,
  issuersOf,
  type PairUse,
  type PeerCertificate,
} from './certificate-trust.ts';
import { isSecurityError, securityError } from './errors.ts';
import type { CurveName } from './suite.ts';

/** Authorities of a meter: one, and the next one while they change. */
const AUTHORITIES_MAX = 8;
/** Revoked numbers in one key file: those of one meter's life. */
const REVOKED_MAX = 1_000;
/** A certificate of 4,096 octets as PEM. */
const PEM_MAX_CHARACTERS = 6_000;

const pem = (what: string) =>
  text({
    what,
    maxLength: PEM_MAX_CHARACTERS,
    pattern: '^-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\\s]+-----END CERTIFICATE-----\\s*$',
    form: 'one certificate as PEM',
  });

/** Keys of a key file that are about certificates. */
export const CERTIFICATE_KEYS = {
  authorities: list(pem('Certificate of an authority'), {
    what: 'Who may issue the certificates of the other side',
    max: AUTHORITIES_MAX,
  }),
  revoked: list(
    text({ what: 'Serial number', pattern: '^([0-9A-Fa-f]{2})+$', form: 'hexadecimal digits', maxLength: 42 }),
    {
      what: 'Serial numbers of certificates that are not believed any more',
      max: REVOKED_MAX,
    },
  ),
  peerSigningCertificate: maybe(
    pem('In place of peerSigningKey: the certificate that it is in, believed while it is valid'),
  ),
  peerAgreementCertificate: maybe(pem('The same in place of peerAgreementKey')),
};

/** What of a key file is about certificates. */
export interface CertificateValues {
  readonly authorities: readonly string[];
  readonly revoked: readonly string[];
  readonly peerSigningCertificate?: string | undefined;
  readonly peerAgreementCertificate?: string | undefined;
}

const PEER_NAMES: Readonly<Record<PairUse, 'peerSigningCertificate' | 'peerAgreementCertificate'>> = {
  signature: 'peerSigningCertificate',
  agreement: 'peerAgreementCertificate',
};

/**
 * Whom a key file believes, null = it is not about certificates. Throws SECURITY_CERTIFICATE, the key's name in its detail, for
 * what can be told before the day: whose certificates they are and whether they are valid is looked at when they are used.
 */
export function trustOf(values: CertificateValues, curve: CurveName | null): CertificateTrust | null {
  const authorities = values.authorities.map((each, at) => inKey(`authorities[${at}]`, () => authorityIn(each)));
  const revoked = new Set(values.revoked.map((each) => serialText(fromHex(each))));
  const peer: Partial<Record<PairUse, PeerCertificate>> = {};
  for (const use of ['signature', 'agreement'] as const) {
    const given = values[PEER_NAMES[use]];
    if (given === undefined) continue;
    peer[use] = inKey(PEER_NAMES[use], () => peerIn(given, use, curve, { authorities, revoked }));
  }
  const isEmpty = authorities.length === 0 && revoked.size === 0 && Object.keys(peer).length === 0;
  return isEmpty ? null : { authorities, revoked, peer };
}

function peerIn(given: string, use: PairUse, curve: CurveName | null, trust: IssuerTrust): PeerCertificate {
  const certificate = certificateOf(given);
  if (certificate.use !== use)
    throw securityError('SECURITY_CERTIFICATE', `its key usage is ${certificate.use}, not ${use}`);
  if (certificate.curve !== curve)
    throw securityError('SECURITY_CERTIFICATE', `its key is on ${certificate.curve}, not of the suite`);
  return { certificate, issuers: issuersOf(certificate, trust) };
}

function authorityIn(given: string): Certificate {
  const certificate = certificateOf(given);
  if (!certificate.isAuthority) throw securityError('SECURITY_CERTIFICATE', 'it is for no certification authority');
  return certificate;
}

function certificateOf(given: string): Certificate {
  const [octets] = pemBlocks(given, 'CERTIFICATE') ?? [];
  if (octets === undefined) throw securityError('SECURITY_CERTIFICATE', 'it is no PEM');
  return parseCertificate(octets);
}

function inKey<Value>(name: string, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    if (!isSecurityError(error)) throw error;
    throw securityError('SECURITY_CERTIFICATE', `${name}: ${error.detail}`, error);
  }
}
