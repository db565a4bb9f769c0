/** When a certificate holds and from whom, the years that two digits mean, and the draws of a private number. */
import assert from 'node:assert/strict';
import { createDecipheriv } from 'node:crypto';
import { test } from 'node:test';
import { fromHex, toHex } from '../../../src/base/bytes.ts';
import { hasCode } from '../../../src/base/errors.ts';
import {
  type Certificate,
  type CertificateTerms,
  checkIssued,
  makeCertificate,
  parseCertificate,
  titleName,
} from '../../../src/dlms/security/certificate.ts';
import { derInside } from '../../../src/dlms/security/der-reader.ts';
import { newKeyPair } from '../../../src/dlms/security/elliptic.ts';
import { aesCbcSecret } from '../../../src/dlms/security/hls-vendor.ts';
import { SecretKey } from '../../../src/dlms/security/secret-key.ts';
import { freshPair } from '../../support/fresh-pair.ts';

const FROM_MS = Date.UTC(2026, 0, 1);
const TO_MS = Date.UTC(2046, 0, 1);
const CA = freshPair('P-256');
const METER = freshPair('P-256');
const TITLE = fromHex('4d4d4d0000bc614e');
const TERMS: CertificateTerms = {
  issuerName: 'CA',
  issuer: CA,
  serial: Uint8Array.of(1),
  notBeforeMs: FROM_MS,
  notAfterMs: TO_MS,
};
const isRefused = (error: unknown) => hasCode(error, 'SECURITY_CERTIFICATE');

function issued(terms: Partial<CertificateTerms> = {}, name = titleName(TITLE)): Certificate {
  const subject = { name, use: 'signature', curve: 'P-256', publicKey: METER.publicKey } as const;
  return parseCertificate(makeCertificate(subject, { ...TERMS, ...terms }));
}

function authority(name = 'CA', pair = CA): Certificate {
  const subject = { name, use: 'authority', curve: 'P-256', publicKey: pair.publicKey } as const;
  return parseCertificate(makeCertificate(subject, { ...TERMS, issuerName: name, issuer: pair }));
}

test('a certificate holds from its first moment to its last, and not a millisecond longer', () => {
  const certificate = issued();
  for (const atMs of [FROM_MS, TO_MS]) checkIssued(certificate, authority(), atMs);
  for (const atMs of [FROM_MS - 1, TO_MS + 1])
    assert.throws(() => checkIssued(certificate, authority(), atMs), isRefused);
});

test('a certificate is of the authority whose name and key it carries, and of no meter', () => {
  const certificate = issued();
  assert.throws(() => checkIssued(certificate, authority('Another'), FROM_MS), isRefused);
  assert.throws(() => checkIssued(certificate, authority('CA', freshPair('P-256')), FROM_MS), isRefused);
  const self = issued({ issuer: METER, issuerName: titleName(TITLE) });
  assert.throws(() => checkIssued(self, self, FROM_MS), isRefused, 'no authority');
  assert.ok(authority().isAuthority && !certificate.isAuthority);
});

test('of several elements, none, or another one than is wanted nothing is taken', () => {
  assert.equal(derInside(fromHex('3003020105'), 0x30).length, 1);
  for (const hex of ['', '3003020105 3000', '3103020105'])
    assert.throws(() => derInside(fromHex(hex), 0x30), isRefused);
});

test('years of two digits are of 1950 to 2049, later ones have four', () => {
  for (const [notBeforeMs, notAfterMs] of [
    [Date.UTC(1950, 0, 1), Date.UTC(1999, 11, 31, 23, 59, 59)],
    [Date.UTC(2000, 0, 1), Date.UTC(2049, 11, 31, 23, 59, 59)],
    [Date.UTC(2049, 11, 31), Date.UTC(2050, 0, 1)],
  ] as const) {
    const read = issued({ notBeforeMs, notAfterMs });
    assert.deepEqual([read.notBeforeMs, read.notAfterMs], [notBeforeMs, notAfterMs]);
  }
});

test('a common name is a system title when it is sixteen hex digits and nothing else', () => {
  assert.equal(toHex(issued().title ?? new Uint8Array()), toHex(TITLE));
  for (const name of ['4D4D4D0000BC614', '4D4D4D0000BC614E0', '4D4D4D0000BC614G']) {
    const read = issued({}, name);
    assert.deepEqual([read.commonName, read.title], [name, null]);
  }
});

test('a serial number has no zero octet in front, and keeps one that is all of it', () => {
  for (const hex of ['80', '7f01', '00']) assert.equal(toHex(issued({ serial: fromHex(hex) }).serial), hex);
});

test('a private number is drawn eight times and no more', () => {
  const source = (badDraws: number) => {
    let draws = 0;
    const random = (count: number) => new Uint8Array(count).fill(++draws > badDraws ? 7 : 0);
    return { random, draws: () => draws };
  };
  const late = source(7);
  assert.equal(newKeyPair('P-256', late.random).publicKey.length, 64);
  assert.equal(late.draws(), 8);
  const broken = source(8);
  assert.throws(
    () => newKeyPair('P-256', broken.random),
    (error) => hasCode(error, 'SECURITY_PUBLIC_KEY'),
  );
  assert.equal(broken.draws(), 8);
});

test('the maker’s mechanism 2: whole blocks of the challenge under the password, both filled up with zeros', () => {
  const password = new TextEncoder().encode('12345678');
  const secret = aesCbcSecret(new SecretKey(password));
  assert.ok(secret.mechanism === 'hls');
  const peers = (received: Uint8Array) => ({ ownTitle: null, peerTitle: null, received, sent: new Uint8Array(8) });
  for (const [bytes, blocks] of [
    [8, 1],
    [16, 1],
    [17, 2],
    [32, 2],
  ] as const) {
    const challenge = Uint8Array.from({ length: bytes }, (_, at) => at + 1);
    const proof = secret.prove(peers(challenge));
    assert.equal(proof.length, blocks * 16);
    const decipher = createDecipheriv(
      'aes-128-cbc',
      new Uint8Array([...password, ...new Uint8Array(8)]),
      new Uint8Array(16),
    );
    decipher.setAutoPadding(false);
    const plain = Uint8Array.from([...decipher.update(proof), ...decipher.final()]);
    assert.equal(toHex(plain), toHex(challenge).padEnd(blocks * 32, '0'));
    assert.ok(secret.check(proof, peers(challenge)));
    assert.ok(!secret.check(proof, peers(challenge.map((octet) => octet ^ 1))));
  }
  assert.ok(aesCbcSecret(new SecretKey(new Uint8Array(16))));
  assert.throws(
    () => aesCbcSecret(new SecretKey(new Uint8Array(17))),
    (error) => hasCode(error, 'SECURITY_KEY_LENGTH'),
  );
});
