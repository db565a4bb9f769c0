/**
 * X.509 certificates (RFC 5280) and requests for them (PKCS #10, RFC 2986) as octets: the one writer for both who sign, the
 * collector's authority (TLS of broker and concentrators) and the suites 1 and 2 of DLMS.
 *
 * What differs between them comes in as an argument: the extensions, the algorithm, the signature. Names have one part, the
 * common name, as UTF8String: issuer and subject are compared octet by octet (7.1), so both are always written in this one
 * way. Reading is the platform's (`host/certificates`) or `dlms/security`'s.
 */
import { concat } from './bytes.ts';
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
} from './der.ts';

/** Object identifiers of certificates, each as the DER element that stands in them. */
export const X509_OID = {
  commonName: derObjectIdentifier('2.5.4.3'),
  subjectKeyIdentifier: derObjectIdentifier('2.5.29.14'),
  keyUsage: derObjectIdentifier('2.5.29.15'),
  subjectAltName: derObjectIdentifier('2.5.29.17'),
  basicConstraints: derObjectIdentifier('2.5.29.19'),
  authorityKeyIdentifier: derObjectIdentifier('2.5.29.35'),
  extendedKeyUsage: derObjectIdentifier('2.5.29.37'),
  serverAuth: derObjectIdentifier('1.3.6.1.5.5.7.3.1'),
  clientAuth: derObjectIdentifier('1.3.6.1.5.5.7.3.2'),
  ecPublicKey: derObjectIdentifier('1.2.840.10045.2.1'),
  p256: derObjectIdentifier('1.2.840.10045.3.1.7'),
  p384: derObjectIdentifier('1.3.132.0.34'),
  ecdsaWithSha256: derObjectIdentifier('1.2.840.10045.4.3.2'),
  ecdsaWithSha384: derObjectIdentifier('1.2.840.10045.4.3.3'),
} as const;

/** Bits of KeyUsage (4.2.1.3) as they stand in its first octet. */
export const KEY_USAGE_BITS = { digitalSignature: 0x80, keyAgreement: 0x08, keyCertSign: 0x04, crlSign: 0x02 } as const;

/** X.509 version 3 (4.1.2.1) and PKCS #10 version 1 count from 0. */
const VERSION_3 = 2;
const REQUEST_VERSION_1 = 0;
/** First octet of a point that is written whole (SEC 1, 2.3.3). */
const UNCOMPRESSED = 0x04;
const NOTHING: Uint8Array = new Uint8Array(0);

/** How the octets of a certificate or request are signed. */
export interface X509Signer {
  /** OID of the algorithm, DER: ecdsaWithSha256 or ecdsaWithSha384 of {@link X509_OID}. */
  readonly algorithm: Uint8Array;
  /** The signature as certificates carry it: SEQUENCE of R and S (RFC 3279, 2.2.3). */
  sign(octets: Uint8Array): Uint8Array;
}

/** A certificate that is to be made. */
export interface X509Fields {
  /** 1 to 20 octets, most significant first, never the same for one issuer (4.1.2.2). */
  readonly serial: Uint8Array;
  readonly issuerName: string;
  readonly subjectName: string;
  /** UTC ms, whole seconds count. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKeyInfo: Uint8Array;
  /** As {@link x509Extensions} makes them, in the order in which they stand. */
  readonly extensions: readonly Uint8Array[];
}

/** The certificate, DER (4.1). */
export function x509Certificate(fields: X509Fields, signer: X509Signer): Uint8Array {
  const algorithm = derSequence(signer.algorithm);
  const signed = derSequence(
    derExplicit(0, derInteger(VERSION_3)),
    derInteger(fields.serial),
    algorithm,
    x509Name(fields.issuerName),
    derSequence(derTime(fields.notBeforeMs), derTime(fields.notAfterMs)),
    x509Name(fields.subjectName),
    fields.publicKeyInfo,
    derExplicit(3, derSequence(...fields.extensions)),
  );
  return derSequence(signed, algorithm, derBitString(signer.sign(signed)));
}

/** A request for a certificate, DER (RFC 2986, 4): name and key, signed with that key, without attributes. */
export function x509Request(name: string, publicKeyInfo: Uint8Array, signer: X509Signer): Uint8Array {
  const info = derSequence(derInteger(REQUEST_VERSION_1), x509Name(name), publicKeyInfo, derExplicit(0, NOTHING));
  return derSequence(info, derSequence(signer.algorithm), derBitString(signer.sign(info)));
}

/** The extensions that are used here (4.2.1), each as DER. */
export const x509Extensions = {
  /** Whether the subject signs certificates itself; `pathLength` further authorities may stand below it, null = any number. */
  basicConstraints(isAuthority: boolean, pathLength: number | null = null): Uint8Array {
    const length = pathLength === null ? NOTHING : derInteger(pathLength);
    return extension(
      X509_OID.basicConstraints,
      true,
      isAuthority ? derSequence(derBoolean(true), length) : derSequence(),
    );
  },
  /** What the key may do: an or of {@link KEY_USAGE_BITS}, not 0. */
  keyUsage(bits: number): Uint8Array {
    // A named bit list ends with its last bit that is set (X.690, 11.2.2).
    const unusedBits = Math.log2(bits & -bits);
    return extension(X509_OID.keyUsage, true, derBitString(Uint8Array.of(bits), unusedBits));
  },
  subjectKeyIdentifier(identifier: Uint8Array): Uint8Array {
    return extension(X509_OID.subjectKeyIdentifier, false, derOctetString(identifier));
  },
  authorityKeyIdentifier(identifier: Uint8Array): Uint8Array {
    return extension(X509_OID.authorityKeyIdentifier, false, derSequence(derImplicit(0, identifier)));
  },
  /** One purpose, as OID in DER. */
  extendedKeyUsage(purpose: Uint8Array): Uint8Array {
    return extension(X509_OID.extendedKeyUsage, false, derSequence(purpose));
  },
  /** GeneralNames, each in DER (4.2.1.6). */
  subjectAltName(names: readonly Uint8Array[]): Uint8Array {
    return extension(X509_OID.subjectAltName, false, derSequence(...names));
  },
} as const;

/** DEFAULT FALSE is left out (X.690, 11.5). */
function extension(oid: Uint8Array, isCritical: boolean, value: Uint8Array): Uint8Array {
  return derSequence(oid, isCritical ? derBoolean(true) : NOTHING, derOctetString(value));
}

/** A name of one part, the common name, DER. */
export function x509Name(commonName: string): Uint8Array {
  return derSequence(derSet(derSequence(X509_OID.commonName, derText(commonName))));
}

/** SubjectPublicKeyInfo of a point X | Y on a curve given as OID in DER (RFC 5480, 2). */
export function ecPublicKeyInfo(curve: Uint8Array, publicKey: Uint8Array): Uint8Array {
  return derSequence(derSequence(X509_OID.ecPublicKey, curve), derBitString(uncompressedPoint(publicKey)));
}

/** 04 | X | Y. */
export function uncompressedPoint(publicKey: Uint8Array): Uint8Array {
  return concat([Uint8Array.of(UNCOMPRESSED), publicKey]);
}

/** SEQUENCE of R and S of a plain signature R | S, two halves of one length (RFC 3279, 2.2.3). */
export function ecdsaSignature(plain: Uint8Array): Uint8Array {
  const half = plain.length / 2;
  return derSequence(derInteger(plain.subarray(0, half)), derInteger(plain.subarray(half)));
}
