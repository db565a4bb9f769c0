/** Keys and signatures of certificates, by OpenSSL. The encoding of a certificate is the collector's (`collector/pki`). */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  X509Certificate,
} from 'node:crypto';
import type { CertificateCrypto, CertificateKey } from '../base/env.ts';

/** P-256 by OpenSSL's name. */
const CURVE = 'prime256v1';

/** The machine's {@link CertificateCrypto}. */
export const HOST_CERTIFICATES: CertificateCrypto = {
  newKey: () => pairOf(generateKeyPairSync('ec', { namedCurve: CURVE }).privateKey),
  keyOf: (privatePem) => {
    const key = readOrNull(() => createPrivateKey(privatePem));
    return key?.asymmetricKeyDetails?.namedCurve === CURVE ? pairOf(key) : null;
  },
  sign: (privatePem, octets) => plain(sign('sha256', octets, { key: privatePem, dsaEncoding: 'der' })),
  facts: (pem) => {
    const certificate = readOrNull(() => new X509Certificate(pem));
    if (certificate === null) return null;
    return {
      commonName: /^CN=(.*)$/m.exec(certificate.subject)?.[1] ?? '',
      serial: certificate.serialNumber,
      notAfterMs: Date.parse(certificate.validTo),
      publicKey: plain(certificate.publicKey.export({ format: 'der', type: 'spki' })),
    };
  },
};

function pairOf(privateKey: KeyObject): CertificateKey {
  return {
    privatePem: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    publicKey: plain(createPublicKey(privateKey).export({ format: 'der', type: 'spki' })),
  };
}

/** What was read, or null when OpenSSL cannot read it. */
function readOrNull<Result>(read: () => Result): Result | null {
  try {
    return read();
  } catch {
    return null;
  }
}

/** A Buffer as what it is underneath. */
function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}
