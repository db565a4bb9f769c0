/**
 * Certificates of meters, clients and their authority: X.509 version 3 with keys on P-256 and P-384 (RFC 5280, RFC 5480),
 * and requests for them (PKCS #10, RFC 2986). The common name of a subject is its system title in hexadecimal digits, as
 * public implementations have it; a subject whose name is another is a certification authority or unknown here.
 *
 * Not here: revocation lists, chains of more than one authority, names in other than UTF-8 or printable strings.
 */
import { createHash, verify, X509Certificate } from 'node:crypto';
import { fromHex, sameOctets } from '../../base/bytes.ts';
import { derSequence } from '../../base/der.ts';
import { isoText, parseIso } from '../../base/time.ts';
import {
  ecdsaSignature,
  ecPublicKeyInfo,
  KEY_USAGE_BITS,
  X509_OID as OID,
  uncompressedPoint,
  type X509Signer,
  x509Certificate,
  x509Extensions,
  x509Request,
} from '../../base/x509.ts';
import { DER_TAG, type DerElement, derAt, derElements, derInside } from './der-reader.ts';
import { type KeyPair, signOctets } from './elliptic.ts';
import { securityError } from './errors.ts';
import { CERTIFICATE_MAX_BYTES } from './limits.ts';
import { CURVES, type CurveName } from './suite.ts';

/** What the key of a certificate is for, by the numbers of Security setup. */
export const CERTIFICATE_USES = { signature: 0, agreement: 1, tls: 2, other: 3 } as const;

/** Name of a use. */
export type CertificateUse = keyof typeof CERTIFICATE_USES;

const CURVE_OID: Readonly<Record<CurveName, Uint8Array>> = { 'P-256': OID.p256, 'P-384': OID.p384 };
const SIGNATURE_OID: Readonly<Record<CurveName, Uint8Array>> = {
  'P-256': OID.ecdsaWithSha256,
  'P-384': OID.ecdsaWithSha384,
};
const NOTHING: Uint8Array = new Uint8Array(0);
/** First octet of a point that is written whole. */
const UNCOMPRESSED = 0x04;
const USAGE = {
  signature: KEY_USAGE_BITS.digitalSignature,
  agreement: KEY_USAGE_BITS.keyAgreement,
  authority: KEY_USAGE_BITS.keyCertSign,
} as const;

/** Who or what a certificate is for. */
export interface CertificateSubject {
  /** Common name; a system title goes through {@link titleName}. */
  readonly name: string;
  readonly use: Exclude<CertificateUse, 'tls' | 'other'> | 'authority';
  readonly curve: CurveName;
  /** X | Y. */
  readonly publicKey: Uint8Array;
}

/** Who signs it, when it is valid, and its number. */
export interface CertificateTerms {
  readonly issuerName: string;
  readonly issuer: KeyPair;
  /** 1 to 20 octets, never the same for one issuer (RFC 5280, 4.1.2.2). */
  readonly serial: Uint8Array;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** The common name of a system title. */
export function titleName(title: Uint8Array): string {
  return Array.from(title, (octet) => octet.toString(16).padStart(2, '0').toUpperCase()).join('');
}

/** A certificate in DER. Issuer and subject are the same for one that an authority makes for itself. */
export function makeCertificate(subject: CertificateSubject, terms: CertificateTerms): Uint8Array {
  const { issuer, issuerName, serial, notBeforeMs, notAfterMs } = terms;
  const publicKeyInfo = ecPublicKeyInfo(CURVE_OID[subject.curve], subject.publicKey);
  const extensions = extensionsOf(subject, issuer);
  const fields = { serial, issuerName, subjectName: subject.name, notBeforeMs, notAfterMs, publicKeyInfo, extensions };
  return x509Certificate(fields, signerOf(issuer));
}

function extensionsOf({ use, publicKey }: CertificateSubject, issuer: KeyPair): Uint8Array[] {
  return [
    x509Extensions.authorityKeyIdentifier(keyIdOf(issuer.publicKey)),
    x509Extensions.subjectKeyIdentifier(keyIdOf(publicKey)),
    x509Extensions.keyUsage(USAGE[use]),
    ...(use === 'authority' ? [x509Extensions.basicConstraints(true)] : []),
  ];
}

/** Method 1 of RFC 5280, 4.2.1.2. */
function keyIdOf(publicKey: Uint8Array): Uint8Array {
  return Uint8Array.from(createHash('sha1').update(uncompressedPoint(publicKey)).digest());
}

function signerOf(pair: KeyPair): X509Signer {
  return {
    algorithm: SIGNATURE_OID[pair.curve],
    sign: (octets) => ecdsaSignature(signOctets(octets, pair)),
  };
}

/** When a certificate is valid: from its first to its last moment, UTC ms. */
export type Validity = Pick<Certificate, 'notBeforeMs' | 'notAfterMs'>;

/** What is used of a certificate. */
export interface Certificate {
  /** The whole, in DER. */
  readonly octets: Uint8Array;
  /** As the number stands in the certificate, without a leading zero octet. */
  readonly serial: Uint8Array;
  /** Names in DER. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly commonName: string;
  /** The common name as a system title; null when it is none. */
  readonly title: Uint8Array | null;
  readonly use: CertificateUse;
  readonly isAuthority: boolean;
  readonly curve: CurveName;
  /** X | Y. */
  readonly publicKey: Uint8Array;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** Reads a certificate. Throws SECURITY_CERTIFICATE. Its signature is checked by {@link checkIssued}. */
export function parseCertificate(octets: Uint8Array): Certificate {
  const parsed = parsedBy(octets);
  const [signed] = derInside(octets, DER_TAG.sequence);
  const fields = derElements(signed?.content ?? NOTHING);
  const at = fields.at(0)?.tag === DER_TAG.context0 ? 1 : 0;
  const { curve, publicKey } = publicKeyIn(derAt(fields, at + 5, DER_TAG.sequence).whole);
  const commonName = commonNameIn(derAt(fields, at + 4, DER_TAG.sequence));
  const [notBefore, notAfter] = derElements(derAt(fields, at + 3, DER_TAG.sequence).content);
  const extensions = extensionsIn(fields.find(({ tag }) => tag === DER_TAG.context3));
  return {
    octets: Uint8Array.from(octets),
    serial: unsignedIn(derAt(fields, at, DER_TAG.integer)),
    issuer: Uint8Array.from(derAt(fields, at + 2, DER_TAG.sequence).whole),
    subject: Uint8Array.from(derAt(fields, at + 4, DER_TAG.sequence).whole),
    commonName,
    title: /^[0-9A-Fa-f]{16}$/.test(commonName) ? fromHex(commonName) : null,
    use: useIn(extensions),
    isAuthority: parsed.ca,
    curve,
    publicKey,
    notBeforeMs: timeIn(notBefore),
    notAfterMs: timeIn(notAfter),
  };
}

/** Node's own parser judges first: whatever it takes for a certificate is one. */
function parsedBy(octets: Uint8Array): X509Certificate {
  if (octets.length > CERTIFICATE_MAX_BYTES) throw securityError('SECURITY_CERTIFICATE', `${octets.length} octets`);
  try {
    return new X509Certificate(octets);
  } catch (error) {
    throw securityError('SECURITY_CERTIFICATE', 'not an X.509 certificate', error);
  }
}

/** Two digits of a year are of 1950 to 2049 (RFC 5280, 4.1.2.5.1). */
function timeIn(element: DerElement | undefined): number {
  const digits = new TextDecoder().decode(element?.content);
  const long = element?.tag === DER_TAG.utcTime ? `${digits < '50' ? '20' : '19'}${digits}` : digits;
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(long);
  const [year, month, day, hour, minute, second] = parts?.slice(1) ?? [];
  const atMs = parts === null ? null : parseIso(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (atMs === null) throw securityError('SECURITY_CERTIFICATE', 'its times cannot be read');
  return atMs;
}

function unsignedIn({ content }: DerElement): Uint8Array {
  return Uint8Array.from(content.length > 1 && content.at(0) === 0 ? content.subarray(1) : content);
}

function publicKeyIn(octets: Uint8Array): { curve: CurveName; publicKey: Uint8Array } {
  const [algorithm, bits] = derInside(octets, DER_TAG.sequence);
  const [kind, curveId] = derElements(algorithm?.content ?? NOTHING);
  const curve = (['P-256', 'P-384'] as const).find((name) => same(curveId, CURVE_OID[name]));
  const point = bitsOf(bits).subarray(1);
  if (
    bitsOf(bits).at(0) !== UNCOMPRESSED ||
    !same(kind, OID.ecPublicKey) ||
    curve === undefined ||
    point.length !== CURVES[curve].bytes * 2
  )
    throw securityError('SECURITY_CERTIFICATE', 'its key is not on P-256 or P-384');
  return { curve, publicKey: Uint8Array.from(point) };
}

/** The octets of a bit string of whole octets; none for anything else. */
function bitsOf(element: DerElement | undefined): Uint8Array {
  const whole = element?.tag === DER_TAG.bitString && element.content.at(0) === 0;
  return whole ? element.content.subarray(1) : NOTHING;
}

function same(element: DerElement | undefined, wanted: Uint8Array): boolean {
  return element !== undefined && sameOctets(element.whole, wanted);
}

/** The common name in a name in DER, '' when it has none; throws SECURITY_CERTIFICATE for anything but one name. */
export function commonNameOf(name: Uint8Array): string {
  return commonNameIn(derAt(derElements(name), 0, DER_TAG.sequence));
}

function commonNameIn(name: DerElement): string {
  for (const set of derElements(name.content)) {
    const [pair] = derElements(set.content);
    const [oid, value] = derElements(pair?.content ?? NOTHING);
    if (same(oid, OID.commonName)) return new TextDecoder().decode(value?.content);
  }
  return '';
}

interface Extension {
  readonly oid: DerElement;
  readonly value: Uint8Array;
}

function extensionsIn(field: DerElement | undefined): Extension[] {
  if (field === undefined) return [];
  return derInside(field.content, DER_TAG.sequence).map((extension) => {
    const parts = derElements(extension.content);
    return { oid: derAt(parts, 0, DER_TAG.objectId), value: derAt(parts, -1, DER_TAG.octetString).content };
  });
}

function useIn(extensions: readonly Extension[]): CertificateUse {
  const usage = extensions.find(({ oid }) => same(oid, OID.keyUsage));
  if (extensions.some(({ oid }) => same(oid, OID.extendedKeyUsage))) return 'tls';
  if (usage === undefined) return 'other';
  const [bits] = derElements(usage.value);
  const first = bits?.content.at(1) ?? 0;
  if ((first & USAGE.agreement) !== 0) return 'agreement';
  return (first & USAGE.signature) !== 0 ? 'signature' : 'other';
}

/**
 * Whether `certificate` was issued by `authority` and is valid at a moment (null = its time is not looked at); throws
 * SECURITY_CERTIFICATE with what is wrong.
 */
export function checkIssued(certificate: Certificate, authority: Certificate, atMs: number | null): void {
  if (!authority.isAuthority) throw securityError('SECURITY_CERTIFICATE', 'its issuer is no certification authority');
  if (!sameOctets(certificate.issuer, authority.subject))
    throw securityError('SECURITY_CERTIFICATE', 'its issuer is another one');
  if (atMs !== null) checkValidAt(certificate, atMs);
  if (!parsedBy(certificate.octets).verify(parsedBy(authority.octets).publicKey))
    throw securityError('SECURITY_CERTIFICATE', 'its signature does not fit its issuer');
}

/** Whether a certificate is valid at a moment, its first and last ones included; throws SECURITY_CERTIFICATE with its time. */
export function checkValidAt({ notBeforeMs, notAfterMs }: Validity, atMs: number): void {
  if (atMs < notBeforeMs) throw securityError('SECURITY_CERTIFICATE', `not valid before ${isoText(notBeforeMs)}`);
  if (atMs > notAfterMs) throw securityError('SECURITY_CERTIFICATE', `expired at ${isoText(notAfterMs)}`);
}

/** A request for a certificate, in DER: the name and the key of the pair, signed by the pair (PKCS #10). */
export function makeCertificateRequest(name: string, pair: KeyPair): Uint8Array {
  return x509Request(name, ecPublicKeyInfo(CURVE_OID[pair.curve], pair.publicKey), signerOf(pair));
}

/** Who asks, and for which key; throws SECURITY_CERTIFICATE when the asker has not the private number of the key. */
export function parseCertificateRequest(octets: Uint8Array): {
  readonly commonName: string;
  readonly curve: CurveName;
  readonly publicKey: Uint8Array;
} {
  if (octets.length > CERTIFICATE_MAX_BYTES) throw securityError('SECURITY_CERTIFICATE', `${octets.length} octets`);
  const [info, algorithm, bits] = derInside(octets, DER_TAG.sequence);
  const fields = derElements(info?.content ?? NOTHING);
  const key = derAt(fields, 2, DER_TAG.sequence).whole;
  const { curve, publicKey } = publicKeyIn(key);
  const signature = same(algorithm, derSequence(SIGNATURE_OID[curve])) ? bitsOf(bits) : NOTHING;
  const publicKeyObject = { key: Buffer.from(key), format: 'der', type: 'spki' } as const;
  let fits = false;
  try {
    fits = verify(CURVES[curve].hash, info?.whole ?? NOTHING, publicKeyObject, signature);
  } catch (error) {
    throw securityError('SECURITY_CERTIFICATE', 'the key of the request is none', error);
  }
  if (!fits) throw securityError('SECURITY_CERTIFICATE', 'the request is not signed by its own key');
  return { commonName: commonNameIn(derAt(fields, 1, DER_TAG.sequence)), curve, publicKey };
}
