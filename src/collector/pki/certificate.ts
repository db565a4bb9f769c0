/**
 * X.509 certificates as octets (RFC 5280), for the three kinds that a site needs: its authority, its broker, its devices.
 *
 * All keys are P-256 and all signatures ECDSA with SHA-256. Names have one part, the common name, as UTF8String: issuer and
 * subject are compared octet by octet (7.1), so both are always written here, in this one way.
 */
import { concat } from '../../base/bytes.ts';
import {
  derBitString,
  derBoolean,
  derExplicit,
  derImplicit,
  derInteger,
  derObjectIdentifier,
  derOctetString,
  derSequence,
  derSet,
  derText,
  derTime,
} from '../../base/der.ts';
import type { CertificateCrypto, CertificateKey } from '../../base/env.ts';
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

const OID = {
  commonName: '2.5.4.3',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const;

/** X.509 version 3 (4.1.2.1). */
const VERSION_3 = 2;
/** Octets of a key identifier: the first of the hash of the public key. */
const KEY_IDENTIFIER_OCTETS = 20;
/** KeyUsage (4.2.1.3) as bit string: keyCertSign and cRLSign, or digitalSignature. */
const KEY_USAGE = { authority: [0x06, 1], server: [0x80, 7], client: [0x80, 7] } as const;
const LINE_CHARACTERS = 64;

/** The certificate, PEM. Throws PKI_NAME for a host that is neither a name nor an address. */
export function makeCertificate(request: CertificateRequest, issuer: Issuer, signer: Signer): string {
  const algorithm = derSequence(derObjectIdentifier(OID.ecdsaWithSha256));
  const body = derSequence(
    derExplicit(0, derInteger(VERSION_3)),
    derInteger(request.serial.map((octet, at) => (at === 0 ? octet & 0x7f : octet))),
    algorithm,
    nameOf(issuer.commonName),
    derSequence(derTime(request.notBeforeMs), derTime(request.notAfterMs)),
    nameOf(request.commonName),
    request.publicKey,
    derExplicit(3, derSequence(...extensionsOf(request, issuer, signer))),
  );
  const signature = signer.certificates.sign(issuer.key.privatePem, body);
  return pemOf('CERTIFICATE', derSequence(body, algorithm, derBitString(signature)));
}

function nameOf(commonName: string): Uint8Array {
  return derSequence(derSet(derSequence(derObjectIdentifier(OID.commonName), derText(commonName))));
}

function extensionsOf(request: CertificateRequest, issuer: Issuer, { sha256 }: Signer): Uint8Array[] {
  const isAuthority = request.kind === 'authority';
  const identifier = (key: Uint8Array): Uint8Array => sha256(key).slice(0, KEY_IDENTIFIER_OCTETS);
  const [usage, unusedBits] = KEY_USAGE[request.kind];
  const purpose = request.kind === 'server' ? OID.serverAuth : OID.clientAuth;
  return [
    // pathLenConstraint 0: this authority makes no further ones.
    critical(OID.basicConstraints, isAuthority ? derSequence(derBoolean(true), derInteger(0)) : derSequence()),
    critical(OID.keyUsage, derBitString(Uint8Array.of(usage), unusedBits)),
    extension(OID.subjectKeyIdentifier, derOctetString(identifier(request.publicKey))),
    extension(OID.authorityKeyIdentifier, derSequence(derImplicit(0, identifier(issuer.key.publicKey)))),
    ...(isAuthority ? [] : [extension(OID.extendedKeyUsage, derSequence(derObjectIdentifier(purpose)))]),
    ...(request.hosts === undefined
      ? []
      : [extension(OID.subjectAltName, derSequence(...request.hosts.map(generalName)))]),
  ];
}

function extension(oid: string, value: Uint8Array): Uint8Array {
  return derSequence(derObjectIdentifier(oid), derOctetString(value));
}

function critical(oid: string, value: Uint8Array): Uint8Array {
  return derSequence(derObjectIdentifier(oid), derBoolean(true), derOctetString(value));
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

/** PEM (RFC 7468). */
function pemOf(label: string, octets: Uint8Array): string {
  const text = base64(concat([octets]));
  const lines = text.match(new RegExp(`.{1,${LINE_CHARACTERS}}`, 'g')) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

function base64(octets: Uint8Array): string {
  return btoa(String.fromCharCode(...octets));
}
