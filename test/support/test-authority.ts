/** An authority for tests: its certificate, and whatever it issues. */
import { pemOf } from '../../src/base/pem.ts';
import {
  type Certificate,
  type CertificateSubject,
  type CertificateTerms,
  makeCertificate,
  parseCertificate,
} from '../../src/dlms/security/certificate.ts';
import type { CurveName } from '../../src/dlms/security/suite.ts';
import { freshPair, randomOctets } from './fresh-pair.ts';

const YEAR_MS = 31_536_000_000;

/** An authority whose certificates are valid from a second before `nowMs` for a year. */
export function testAuthority(nowMs: number, name = 'Test authority', curve: CurveName = 'P-256') {
  const pair = freshPair(curve);
  const issue = (subject: CertificateSubject, terms: Partial<CertificateTerms> = {}): Certificate =>
    parseCertificate(
      makeCertificate(subject, {
        issuerName: name,
        issuer: pair,
        serial: Uint8Array.of(1, ...randomOctets(7)),
        notBeforeMs: nowMs - 1_000,
        notAfterMs: nowMs + YEAR_MS,
        ...terms,
      }),
    );
  const own = (terms: Partial<CertificateTerms> = {}) =>
    issue({ name, use: 'authority', curve, publicKey: pair.publicKey }, terms);
  return { name, pair, issue, own, certificate: own() };
}

/** Certificates as the values of a key in a key file, which is YAML. */
export function pemValue({ octets }: Certificate): string {
  return JSON.stringify(pemOf('CERTIFICATE', octets));
}
