import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, sign, verify, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { fromHex, toHex } from '../../../src/base/bytes.ts';
import { derImplicit } from '../../../src/base/der.ts';
import {
  ecdsaSignature,
  ecPublicKeyInfo,
  KEY_USAGE_BITS,
  X509_OID,
  type X509Signer,
  x509Certificate,
  x509Extensions,
  x509Name,
  x509Request,
} from '../../../src/base/x509.ts';

/** A pair, its X | Y, and who signs with it. */
function pairOn(namedCurve: 'P-256' | 'P-384') {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const point = Buffer.concat([Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
  const isSmall = namedCurve === 'P-256';
  const hash = isSmall ? 'sha256' : 'sha384';
  const signer: X509Signer = {
    algorithm: isSmall ? X509_OID.ecdsaWithSha256 : X509_OID.ecdsaWithSha384,
    sign: (octets) => ecdsaSignature(sign(hash, octets, { key: privateKey, dsaEncoding: 'ieee-p1363' })),
  };
  return { publicKey, info: ecPublicKeyInfo(isSmall ? X509_OID.p256 : X509_OID.p384, point), signer, hash };
}

test('ALA-1 X.509: the extensions of the example certificate of RFC 5280 (C.1) come out octet by octet', () => {
  const identifier = fromHex('0868af8533c8394a7af882938e706a4a20842c32');
  const rows = [
    [
      'subjectKeyIdentifier',
      x509Extensions.subjectKeyIdentifier(identifier),
      `301d0603551d0e041604140868af8533c8394a7af882938e706a4a20842c32`,
    ],
    [
      'keyUsage',
      x509Extensions.keyUsage(KEY_USAGE_BITS.keyCertSign | KEY_USAGE_BITS.crlSign),
      '300e0603551d0f0101ff040403020106',
    ],
    ['basicConstraints', x509Extensions.basicConstraints(true), '300f0603551d130101ff040530030101ff'],
    ['no authority', x509Extensions.basicConstraints(false), '300c0603551d130101ff04023000'],
    ['path length 0', x509Extensions.basicConstraints(true, 0), '30120603551d130101ff040830060101ff020100'],
    [
      'bits end with the last one set',
      x509Extensions.keyUsage(KEY_USAGE_BITS.digitalSignature),
      '300e0603551d0f0101ff040403020780',
    ],
  ] as const;
  for (const [name, octets, hex] of rows) assert.equal(toHex(octets), hex, name);
});

test('ALA-1 X.509: a signature loses leading zeros of R and S and keeps them positive', () => {
  assert.equal(toHex(ecdsaSignature(fromHex('0001ff00'))), '3008020101020300ff00');
});

for (const curve of ['P-256', 'P-384'] as const)
  test(`ALA-1 X.509: OpenSSL takes a chain on ${curve} and reads every field back`, () => {
    const [authority, device] = [pairOn(curve), pairOn(curve)];
    const times = { notBeforeMs: Date.UTC(2024, 0, 1), notAfterMs: Date.UTC(2055, 5, 7, 8, 9, 10) };
    const idOf = (info: Uint8Array) => Uint8Array.from(createHash('sha1').update(info).digest());
    const common = { ...times, issuerName: 'Zählerwerk' };
    const ca = new X509Certificate(
      x509Certificate(
        {
          ...common,
          serial: Uint8Array.of(0x80),
          subjectName: 'Zählerwerk',
          publicKeyInfo: authority.info,
          extensions: [
            x509Extensions.basicConstraints(true),
            x509Extensions.keyUsage(KEY_USAGE_BITS.keyCertSign),
            x509Extensions.subjectKeyIdentifier(idOf(authority.info)),
          ],
        },
        authority.signer,
      ),
    );
    const leaf = new X509Certificate(
      x509Certificate(
        {
          ...common,
          serial: fromHex('0102030405060708090a0b0c0d0e0f1011121314'),
          subjectName: 'e17',
          publicKeyInfo: device.info,
          extensions: [
            x509Extensions.basicConstraints(false),
            x509Extensions.authorityKeyIdentifier(idOf(authority.info)),
            x509Extensions.extendedKeyUsage(X509_OID.clientAuth),
            x509Extensions.subjectAltName([derImplicit(2, new TextEncoder().encode('meter.example'))]),
          ],
        },
        authority.signer,
      ),
    );
    assert.ok(ca.ca && ca.verify(ca.publicKey) && ca.checkIssued(ca));
    assert.equal(ca.serialNumber, '80');
    assert.ok(!leaf.ca && leaf.verify(ca.publicKey) && leaf.checkIssued(ca));
    assert.equal(leaf.verify(device.publicKey), false);
    assert.equal(leaf.serialNumber, '0102030405060708090A0B0C0D0E0F1011121314');
    assert.equal(leaf.subject, 'CN=e17');
    assert.equal(leaf.issuer, 'CN=Zählerwerk');
    assert.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.2']);
    assert.equal(leaf.subjectAltName, 'DNS:meter.example');
    assert.equal(leaf.publicKey.equals(device.publicKey), true);
    assert.deepEqual([Date.parse(leaf.validFrom), Date.parse(leaf.validTo)], [times.notBeforeMs, times.notAfterMs]);
  });

test('ALA-1 PKCS #10: a request carries name and key and is signed with that key', () => {
  const { info, signer, publicKey, hash } = pairOn('P-256');
  const request = x509Request('4D4D4D0000BC614E', info, signer);
  const name = x509Name('4D4D4D0000BC614E');
  // SEQUENCE of: SEQUENCE {version 0, name, key, [0] nothing}, algorithm, signature as a bit string.
  const signed = fromHex(`307d020100${toHex(name)}${toHex(info)}a000`);
  assert.equal(toHex(request).indexOf(toHex(signed)), 6);
  const signature = request.subarray(3 + signed.length + 12 + 3);
  assert.ok(verify(hash, signed, publicKey, signature));
});
