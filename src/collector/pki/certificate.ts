/**
 * The certificates that a site needs: of its authority, its broker, its devices. `base/x509.ts` writes them; here stands what
 * each kind says of itself.
 *
 * All keys are P-256 and all signatures ECDSA with SHA-256. Key identifiers are the first octets of the SHA-256 of the key.
 */
import { derImplicit } from '../../base/der.ts';
import type { CertificateCrypto, CertificateKey } from '../../base/env.ts';
import { pemOf } from '../../base/pem.ts';
import { KEY_USAGE_BITS, X509_OID, x509Certificate, x509Extensions } from '../../base/x509.ts';
import { pkiError } from './errors.ts';

/** What a certificate is for. */
export type CertificateKind = 'authority' | 'server' | 'client';

/** A certificate that is to be made. */
export interface CertificateRequest {
  readonly kind: CertificateKind;
  readonly commonName: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  /** 16 random octets; the top bit is cleared (4.1.2.2: positive, at most 20). */
  readonly serial: Uint8Array;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Names and addresses of a server. */
  readonly hosts?: readonly string[];
}

/** Who signs: the authority's name and key. */
export interface Issuer {
  readonly commonName: string;
  readonly key: CertificateKey;
}

/** What the encoding needs of cryptography. */
export interface Signer {
  readonly sha256: (octets: Uint8Array) => Uint8Array;
  readonly certificates: Pick<CertificateCrypto, 'sign'>;
}

/** Octets of a key identifier: the first of the hash of the public key. */
const KEY_IDENTIFIER_OCTETS = 20;
/** This authority makes no further ones (RFC 5280, 4.2.1.9). */
const PATH_LENGTH = 0;
const PURPOSES = { server: X509_OID.serverAuth, client: X509_OID.clientAuth } as const;

/** The certificate, PEM. Throws PKI_NAME for a host that is neither a name nor an address. */
export function makeCertificate(request: CertificateRequest, issuer: Issuer, signer: Signer): string {
  const fields = {
    serial: request.serial.map((octet, at) => (at === 0 ? octet & 0x7f : octet)),
    issuerName: issuer.commonName,
    subjectName: request.commonName,
    notBeforeMs: request.notBeforeMs,
    notAfterMs: request.notAfterMs,
    publicKeyInfo: request.publicKey,
    extensions: extensionsOf(request, issuer, signer),
  };
  const sign = (octets: Uint8Array): Uint8Array => signer.certificates.sign(issuer.key.privatePem, octets);
  return pemOf('CERTIFICATE', x509Certificate(fields, { algorithm: X509_OID.ecdsaWithSha256, sign }));
}

function extensionsOf({ kind, publicKey, hosts }: CertificateRequest, issuer: Issuer, { sha256 }: Signer) {
  const isAuthority = kind === 'authority';
  const identifier = (key: Uint8Array): Uint8Array => sha256(key).slice(0, KEY_IDENTIFIER_OCTETS);
  const { keyCertSign, crlSign, digitalSignature } = KEY_USAGE_BITS;
  return [
    x509Extensions.basicConstraints(isAuthority, PATH_LENGTH),
    x509Extensions.keyUsage(isAuthority ? keyCertSign | crlSign : digitalSignature),
    x509Extensions.subjectKeyIdentifier(identifier(publicKey)),
    x509Extensions.authorityKeyIdentifier(identifier(issuer.key.publicKey)),
    ...(isAuthority ? [] : [x509Extensions.extendedKeyUsage(PURPOSES[kind])]),
    ...(hosts === undefined ? [] : [x509Extensions.subjectAltName(hosts.map(generalName))]),
  ];
}

/** dNSName [2] or iPAddress [7] (4.2.1.6). */
function generalName(host: string): Uint8Array {
  const address = addressOctets(host);
  if (address !== null) return derImplicit(7, address);
  if (
    !/^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/.test(host)
  )
    throw pkiError('PKI_NAME', host);
  return derImplicit(2, new TextEncoder().encode(host));
}

/** The 4 or 16 octets of an IP address, or null when the text is none. */
function addressOctets(host: string): Uint8Array | null {
  const parts = host.split('.');
  if (parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255))
    return Uint8Array.from(parts, Number);
  if (!host.includes(':')) return null;
  const halves = host.split('::').map((half) => (half === '' ? [] : half.split(':')));
  const [head = [], tail = []] = halves;
  const isShort = halves.length === 2;
  const count = head.length + tail.length;
  const isAddress =
    [...head, ...tail].every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group)) &&
    (isShort ? count < 8 : count === 8 && halves.length === 1);
  if (!isAddress) throw pkiError('PKI_NAME', host);
  const groups = [...head, ...Array.from({ length: 8 - count }, () => '0'), ...tail];
  return Uint8Array.from(
    groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]),
  );
}
