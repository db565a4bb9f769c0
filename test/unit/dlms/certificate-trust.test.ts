/** Whose certificates a key file believes: issuer, subject, use, curve, time, and numbers that are revoked. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex, toHex } from '../../../src/base/bytes.ts';
import { pemBlocks, pemOf } from '../../../src/base/pem.ts';
import { type Certificate, type CertificateTerms, parseCertificate } from '../../../src/dlms/security/certificate.ts';
import {
  certificateNameText,
  isListed,
  listedCertificates,
  serialText,
} from '../../../src/dlms/security/certificate-list.ts';
import { checkPeer } from '../../../src/dlms/security/certificate-trust.ts';
import { isSecurityError } from '../../../src/dlms/security/errors.ts';
import { parseMeterKeys } from '../../../src/dlms/security/key-file.ts';
import { octetsOfKey } from '../../../src/dlms/security/secret-key.ts';
import { freshPair } from '../../support/fresh-pair.ts';
import { pemValue, testAuthority } from '../../support/test-authority.ts';

const NOW_MS = Date.UTC(2026, 10, 28);
const YEAR_MS = 31_536_000_000;
const TITLE = fromHex('4d4d4d0000bc614e');
const NAME = '4D4D4D0000BC614E';
const CA = testAuthority(NOW_MS);
const OTHER = testAuthority(NOW_MS, 'Another authority');
const [OWN, PEER] = [freshPair('P-256'), freshPair('P-256')];
const SUBJECT = { name: NAME, use: 'signature', curve: 'P-256', publicKey: PEER.publicKey } as const;
const signing = (terms: Partial<CertificateTerms> = {}, name = NAME) => CA.issue({ ...SUBJECT, name }, terms);

const FILE = [
  'suite: 1',
  'clientTitle: "4d4d4d0000000001"',
  'encryptionKey: "000102030405060708090a0b0c0d0e0f"',
  'authenticationKey: "d0d1d2d3d4d5d6d7d8d9dadbdcdddedf"',
  `signingKey: "${toHex(octetsOfKey(OWN.privateKey))}"`,
];

function fileWith(certificate: Certificate, more: readonly string[] = [], authorities = [CA.certificate]) {
  return parseMeterKeys(
    [
      ...FILE,
      `meterTitle: "${toHex(TITLE)}"`,
      `authorities: [${authorities.map(pemValue).join(', ')}]`,
      `peerSigningCertificate: ${pemValue(certificate)}`,
      ...more,
    ].join('\n'),
  );
}

function trusted(...of: Parameters<typeof fileWith>) {
  const read = fileWith(...of);
  assert.ok(read.ok && read.security.trust !== undefined, read.ok ? 'no trust' : read.problem);
  return { ...read.security, trust: read.security.trust };
}

const problemOf = (read: ReturnType<typeof parseMeterKeys>) => (read.ok ? assert.fail('it was taken') : read.problem);

test('MDM-20 the key of a certificate is that of the meter, while the certificate and its authority are valid', () => {
  const certificate = signing();
  const { keys, trust } = trusted(certificate);
  assert.deepEqual(keys.signing?.peerPublicKey, PEER.publicKey);
  for (const atMs of [certificate.notBeforeMs, NOW_MS, certificate.notAfterMs, null]) checkPeer(trust, TITLE, atMs);
  for (const [atMs, words] of [
    [certificate.notBeforeMs - 1, /^the other side's for signature: not valid before 2026-11-27T23:59:59/],
    [certificate.notAfterMs + 1, /^the other side's for signature: expired at 2027-/],
  ] as const)
    assert.throws(
      () => checkPeer(trust, TITLE, atMs),
      (error) => isSecurityError(error) && error.code === 'SECURITY_CERTIFICATE' && words.test(error.detail),
    );
  const long = signing({ notAfterMs: NOW_MS + 5 * YEAR_MS });
  const later = NOW_MS + 2 * YEAR_MS;
  assert.throws(
    () => checkPeer(trusted(long).trust, TITLE, later),
    /expired at/,
    'its authority is not valid any more',
  );
  const renewed = CA.own({ notAfterMs: NOW_MS + 9 * YEAR_MS, serial: Uint8Array.of(9) });
  checkPeer(trusted(long, [], [CA.certificate, renewed]).trust, TITLE, later);
});

test('MDM-20 a certificate of another subject is not believed when it is used, whatever it says otherwise', () => {
  for (const name of ['4D4D4D0000BC614F', '4D4D4D0000000001', 'a meter']) {
    const { trust } = trusted(signing({}, name));
    for (const atMs of [NOW_MS, null])
      assert.throws(() => checkPeer(trust, TITLE, atMs), /it is for ".*", not for 4D4D4D0000BC614E/);
  }
});

test('MDM-20 a key file with a certificate of another issuer, signature, use, curve or authority is refused', () => {
  const certificate = signing();
  const long = freshPair('P-384').publicKey;
  for (const [read, words] of [
    [fileWith(signing({ issuerName: OTHER.name })), /^peerSigningCertificate: its issuer is no authority/],
    [fileWith(certificate, [], []), /^peerSigningCertificate: its issuer is no authority/],
    [fileWith(signing({ issuer: OTHER.pair })), /^peerSigningCertificate: its signature does not fit/],
    [fileWith(CA.issue({ ...SUBJECT, use: 'agreement' })), /its key usage is agreement, not signature/],
    [fileWith(CA.issue({ ...SUBJECT, curve: 'P-384', publicKey: long })), /its key is on P-384/],
    [fileWith(certificate, [], [certificate]), /^authorities\[0\]: it is for no certification authority/],
    [fileWith(certificate, [`peerSigningKey: "${toHex(PEER.publicKey)}"`]), /two ways to say the same/],
    [
      parseMeterKeys(
        [
          ...FILE,
          `authorities: [${pemValue(CA.certificate)}]`,
          `peerSigningCertificate: ${pemValue(certificate)}`,
        ].join('\n'),
      ),
      /need meterTitle/,
    ],
    [parseMeterKeys([...FILE, 'authorities: ["x"]'].join('\n')), /one certificate as PEM/],
  ] as const)
    assert.match(problemOf(read), words);
  const { trust } = trusted(CA.issue({ ...SUBJECT }));
  assert.deepEqual(Object.keys(trust.peer), ['signature']);
});

test('MDM-20 a certificate whose number, or whose authority, is revoked is not believed, with or without a time', () => {
  const certificate = signing();
  const number = serialText(certificate.serial);
  for (const revoked of [number, `00${number.toUpperCase()}`, serialText(CA.certificate.serial)]) {
    const { trust } = trusted(certificate, [`revoked: ["0102", "${revoked}"]`]);
    for (const atMs of [NOW_MS, null])
      assert.throws(() => checkPeer(trust, TITLE, atMs), /the other side's for signature: number [0-9a-f]+ is revoked/);
  }
  checkPeer(trusted(certificate, ['revoked: ["0102", "ff"]']).trust, TITLE, NOW_MS);
});

test('MDM-20 names and numbers of a list are compared as what they mean, and kept as they came', () => {
  const certificate = signing({ serial: Uint8Array.of(0x80, 1) });
  const octets = (value: Uint8Array) => ({ type: 'octet-string', value }) as const;
  const item = (serial: Uint8Array, issuer: Uint8Array, entity = 0) =>
    ({
      type: 'structure',
      value: [
        { type: 'enum', value: entity },
        { type: 'enum', value: 0 },
        octets(serial),
        octets(issuer),
        octets(certificate.subject),
        octets(new Uint8Array(0)),
      ],
    }) as const;
  const text = new TextEncoder().encode(CA.name);
  const listed = listedCertificates({
    type: 'array',
    value: [item(fromHex('008001'), text), item(fromHex('8001'), certificate.issuer), item(fromHex('8002'), text, 9)],
  });
  assert.ok(listed !== null);
  assert.deepEqual(
    listed.map((each) => isListed(each, certificate)),
    [true, true, false],
  );
  assert.deepEqual(
    listed.map(({ entity }) => entity),
    ['server', 'server', null],
  );
  assert.equal(toHex(listed[0]?.serial ?? new Uint8Array(0)), '008001', 'as it came');
  assert.deepEqual([certificate.issuer, text, fromHex('00ff'), new Uint8Array(0)].map(certificateNameText), [
    CA.name,
    CA.name,
    '00ff',
    '',
  ]);
  for (const bad of [
    { type: 'enum', value: 0 },
    { type: 'array', value: [{ type: 'enum', value: 0 }] },
    { type: 'array', value: [{ type: 'structure', value: item(text, text).value.slice(0, 4) }] },
    { type: 'array', value: [{ type: 'structure', value: [octets(text), ...item(text, text).value.slice(1)] }] },
  ] as const)
    assert.equal(listedCertificates(bad), null);
});

test('PEM: octets come back, other blocks and text around are stepped over, and what is cut or no base64 is told', () => {
  const certificate = signing();
  const pem = pemOf('CERTIFICATE', certificate.octets);
  assert.ok(pem.split('\n').every((line) => line.length <= 64));
  const [first, second] =
    pemBlocks(`words\n${pemOf('X', TITLE)}${pem}\r\n${pem.replaceAll('\n', '\r\n')}`, 'CERTIFICATE') ?? [];
  for (const octets of [first, second])
    assert.deepEqual(parseCertificate(octets ?? new Uint8Array(0)).serial, certificate.serial);
  assert.deepEqual(pemBlocks('nothing', 'CERTIFICATE'), []);
  for (let length = 0; length < 6; length++) {
    const octets = TITLE.subarray(0, length);
    assert.deepEqual(pemBlocks(pemOf('X', octets), 'X'), [octets]);
  }
  for (const bad of [
    pem.slice(0, -20),
    pem.replace('M', '*'),
    '-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----',
  ])
    assert.equal(pemBlocks(bad, 'CERTIFICATE'), null);
});
