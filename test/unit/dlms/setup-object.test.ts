/** The Security setup object by itself, method by method, and what a client makes of its answers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex } from '../../../src/base/bytes.ts';
import { DeltawattError, hasCode } from '../../../src/base/errors.ts';
import type { Data } from '../../../src/dlms/axdr/data.ts';
import {
  type CertificateSubject,
  type CertificateTerms,
  makeCertificate,
  parseCertificate,
  parseCertificateRequest,
  titleName,
} from '../../../src/dlms/security/certificate.ts';
import type { CipherKeys } from '../../../src/dlms/security/ciphering.ts';
import type { KeyPair } from '../../../src/dlms/security/elliptic.ts';
import { signedEphemeralKey } from '../../../src/dlms/security/key-agreement.ts';
import { CERTIFICATE_MAX_BYTES, CERTIFICATES_MAX } from '../../../src/dlms/security/limits.ts';
import { SecretKey } from '../../../src/dlms/security/secret-key.ts';
import { PROTECTED } from '../../../src/dlms/security/secure-channel.ts';
import {
  agreedKeys,
  type CertificateChoice,
  certificateIn,
  choiceIn,
  keyItems,
  requestIn,
  SetupCalls,
  setupAnswer,
} from '../../../src/dlms/security/setup-requests.ts';
import { SecuritySetup, type SecuritySetupOptions } from '../../../src/dlms/session/security-setup.ts';
import { freshPair, randomOctets } from '../../support/fresh-pair.ts';

const CLIENT = fromHex('4d4d4d0000000001');
const METER = fromHex('4d4d4d0000bc614e');
const SAP = 32;
const NOW_MS = 1_795_600_000_000;
const CALLS = new SetupCalls();
const is = (code: string) => (error: unknown) => hasCode(error, code);
const keyOf = (first: number) => new SecretKey(new Uint8Array(16).fill(first));
const MASTER = keyOf(9);
const [CA, OWN, PEER] = [freshPair('P-256'), freshPair('P-256'), freshPair('P-256')] as [KeyPair, KeyPair, KeyPair];
const SIGNING = { signing: { own: OWN, peerPublicKey: PEER.publicKey } };

const octets = (value: Uint8Array = new Uint8Array(4)): Data => ({ type: 'octet-string', value });
const enumOf = (value: number): Data => ({ type: 'enum', value });
const structure = (...value: Data[]): Data => ({ type: 'structure', value });
const array = (...value: Data[]): Data => ({ type: 'array', value });

type SomeKeys = { readonly [Name in keyof CipherKeys]?: CipherKeys[Name] | undefined };

function setupOf(more: Partial<Omit<SecuritySetupOptions, 'keys'>> & { readonly keys?: SomeKeys } = {}): SecuritySetup {
  const keys = { encryption: keyOf(1), authentication: keyOf(2), broadcast: keyOf(3), master: MASTER, ...more.keys };
  return new SecuritySetup({
    ...{ version: 1, suite: 1, serverTitle: METER, clientTitle: CLIENT, random: randomOctets, nowMs: () => NOW_MS },
    ...{ policy: { requests: PROTECTED, responses: PROTECTED } },
    ...more,
    keys: keys as CipherKeys,
  });
}

let serials = 0;
function issued(subject: Partial<CertificateSubject>, terms: Partial<CertificateTerms> = {}): Uint8Array {
  const serial = Uint8Array.of(1, Math.floor(serials / 256), serials++ % 256);
  return makeCertificate(
    { name: titleName(CLIENT), use: 'signature', curve: 'P-256', publicKey: PEER.publicKey, ...subject },
    { issuerName: 'CA', issuer: CA, serial, notBeforeMs: NOW_MS - 1, notAfterMs: NOW_MS + 1, ...terms },
  );
}
const AUTHORITIES = [issued({ name: 'CA', use: 'authority', publicKey: CA.publicKey })];
const doing = (setup: SecuritySetup, { method, parameters }: ReturnType<SetupCalls['activate']>) =>
  setup.invoke(method.methodId, parameters).actionResult;

test('ALA-3 each method takes its own parameters and no others, and wants what it works with', () => {
  const setup = setupOf({ keys: SIGNING });
  const noMaster = setupOf({ keys: { master: undefined } });
  const transfer = CALLS.transfer({ encryption: keyOf(7) }, MASTER, 1).parameters;
  const agreement = CALLS.agreement({ encryption: freshPair('P-256') }, PEER).parameters;
  for (const [name, on, methodId, parameters, result] of [
    ['no method 0', setup, 0, null, 4],
    ['no method 9', setup, 9, null, 4],
    ['a policy is an enum', setup, 1, octets(), 12],
    ['a policy without parameters', setup, 1, null, 12],
    ['no keys', setup, 2, array(), 12],
    ['keys that are no list', setup, 2, structure(), 12],
    ['a transfer without a master key', noMaster, 2, transfer, 3],
    ['a transfer', setup, 2, transfer, 0],
    ['no half keys', setup, 3, array(), 12],
    ['half keys that are no list', setup, 3, null, 12],
    ['an agreement without pairs that sign', setupOf(), 3, agreement, 3],
    ['an agreement with any client', setupOf({ keys: SIGNING, clientTitle: null }), 3, agreement, 3],
    ['an agreement', setupOf({ keys: SIGNING }), 3, agreement, 0],
    ['a pair for nothing that is known', setup, 4, enumOf(7), 12],
    ['a pair for TLS', setup, 4, enumOf(2), 12],
    ['a pair by a text', setup, 4, octets(), 12],
    ['a pair under suite 0', setupOf({ suite: 0 }), 4, enumOf(0), 3],
    ['a request for TLS', setup, 5, enumOf(2), 12],
    ['a request before its pair', setup, 5, enumOf(1), 11],
    ['a pair', setup, 4, enumOf(1), 0],
    ['a request', setup, 5, enumOf(1), 0],
    ['a request for another use', setup, 5, enumOf(0), 11],
    ['a certificate that is a number', setup, 6, enumOf(0), 12],
    ['a certificate that is none', setup, 6, octets(), 250],
    ['a certificate where nobody is trusted', setup, 6, octets(issued({})), 3],
    ['a choice that is none', setup, 7, octets(), 12],
    ['a choice of what is not there', setup, 8, CALLS.removeCertificate(byTitle(CLIENT)).parameters, 11],
  ] as const)
    assert.equal(on.invoke(methodId, parameters).actionResult, result, name);
});

function byTitle(title: Uint8Array, more: Partial<CertificateChoice & { by: 'entity' }> = {}): CertificateChoice {
  return { by: 'entity', entity: 'client', use: 'signature', title, ...more };
}

test('ALA-3 what holds towards a client is one object until something changes, and each client has its own counters', () => {
  const setup = setupOf({ keys: SIGNING, authorities: AUTHORITIES, broadcast: true });
  const first = setup.securityOf(SAP);
  assert.equal(setup.securityOf(SAP), first);
  assert.notEqual(setup.securityOf(1).clientCounter, first.clientCounter);
  assert.equal(setup.lastCounter(77), 0, 'a client that was never heard');
  assert.equal(setupOf().securityOf(SAP).broadcastCounter, undefined);
  const changes = [
    () => doing(setup, CALLS.activate(0xfc)),
    () => doing(setup, CALLS.transfer({ authentication: keyOf(7) }, MASTER, 1)),
    () => doing(setup, CALLS.importCertificate(issued({}))),
  ];
  for (const change of changes) {
    const before = setup.securityOf(SAP);
    assert.equal(change(), 0);
    const after = setup.securityOf(SAP);
    assert.notEqual(after, before);
    for (const kept of ['counter', 'clientCounter', 'broadcastCounter', 'dialect'] as const)
      assert.equal(after[kept], before[kept], kept);
  }
});

test('ALA-3 new keys begin new counters: the encryption key those of both sides, the broadcast key its own', () => {
  for (const [name, key, counts] of [
    ['encryption', keyOf(7), [false, false, true]],
    ['encryption', keyOf(1), [true, true, true]],
    ['broadcast', keyOf(7), [true, true, false]],
    ['broadcast', keyOf(3), [true, true, true]],
    ['authentication', keyOf(7), [true, true, true]],
    ['master', keyOf(7), [true, true, true]],
  ] as const) {
    const setup = setupOf({ broadcast: true });
    const before = setup.securityOf(SAP);
    assert.equal(doing(setup, CALLS.transfer({ [name]: key }, MASTER, 1)), 0);
    const after = setup.securityOf(SAP);
    assert.deepEqual(
      [
        after.counter === before.counter,
        after.clientCounter === before.clientCounter,
        after.broadcastCounter === before.broadcastCounter,
      ],
      counts,
      name,
    );
  }
  const without = setupOf({ broadcast: true, keys: { broadcast: undefined } });
  const { broadcastCounter } = without.securityOf(SAP);
  doing(without, CALLS.transfer({ authentication: keyOf(7) }, MASTER, 1));
  assert.equal(without.securityOf(SAP).broadcastCounter, broadcastCounter);
  doing(without, CALLS.transfer({ broadcast: keyOf(7) }, MASTER, 1));
  assert.notEqual(without.securityOf(SAP).broadcastCounter, broadcastCounter);
});

test('MDM-20 whose a certificate is, and which one a choice means', () => {
  const setup = setupOf({ keys: SIGNING, authorities: AUTHORITIES });
  const other = fromHex('4d4d4d0000000002');
  const put = (subject: Partial<CertificateSubject>) => {
    const certificate = parseCertificate(issued(subject));
    assert.equal(doing(setup, CALLS.importCertificate(certificate.octets)), 0, certificate.commonName);
    return certificate;
  };
  const signs = put({});
  const agrees = put({ use: 'agreement' });
  put({ name: titleName(other) });
  put({ name: 'a name' });
  put({ name: 'CA', use: 'authority', publicKey: CA.publicKey });
  const listed = setup.read(6);
  assert.ok(listed?.type === 'array');
  assert.deepEqual(
    listed.value.map((each) =>
      each.type === 'structure' ? each.value.slice(0, 2).map((part) => 'value' in part && part.value) : [],
    ),
    [
      [1, 0],
      [1, 1],
      [3, 0],
      [3, 0],
      [2, 3],
    ],
  );
  const chosen = (choice: CertificateChoice) => {
    const { actionResult, returnParameters } = setup.invoke(7, CALLS.exportCertificate(choice).parameters);
    return actionResult === 0 ? certificateIn(setupAnswer({ actionResult, returnParameters })).octets : actionResult;
  };
  assert.deepEqual(chosen(byTitle(CLIENT)), signs.octets);
  assert.deepEqual(chosen(byTitle(CLIENT, { use: 'agreement' })), agrees.octets);
  for (const nobody of [
    byTitle(METER),
    byTitle(CLIENT, { use: 'other' }),
    byTitle(CLIENT, { entity: 'other' }),
    byTitle(other),
    { by: 'serial', serial: signs.serial, issuer: signs.subject },
    { by: 'serial', serial: Uint8Array.of(99), issuer: signs.issuer },
  ] as const)
    assert.equal(chosen(nobody), 11, JSON.stringify(nobody));
  assert.deepEqual(chosen({ by: 'serial', serial: agrees.serial, issuer: agrees.issuer }), agrees.octets);
  assert.equal(doing(setup, CALLS.removeCertificate(byTitle(CLIENT))), 0);
  assert.deepEqual(chosen(byTitle(CLIENT, { use: 'agreement' })), agrees.octets, 'the others stay');
  const anyClient = setupOf({ authorities: AUTHORITIES, clientTitle: null });
  doing(anyClient, CALLS.importCertificate(issued({ name: titleName(other) })));
  assert.equal(doing(anyClient, CALLS.exportCertificate(byTitle(other))), 0, 'whoever has the keys is the client');
});

test('MDM-20 a certificate takes the place of the one for its subject and use; there is room for so many', () => {
  const setup = setupOf({ keys: SIGNING, authorities: AUTHORITIES });
  const put = (name: string) => doing(setup, CALLS.importCertificate(issued({ name })));
  const count = () => {
    const listed = setup.read(6);
    return listed?.type === 'array' ? listed.value.length : -1;
  };
  for (let at = 0; at < CERTIFICATES_MAX; at++) assert.equal(put(`name ${at}`), 0);
  assert.equal(put('one more'), 2);
  assert.deepEqual([put('name 3'), count()], [0, CERTIFICATES_MAX]);
  assert.equal(doing(setup, CALLS.importCertificate(issued({ name: 'name 3', use: 'agreement' }))), 2, 'another use');
});

test('MDM-20 a certificate of the meter is for the pair that waits, and for that once', () => {
  const setup = setupOf({ keys: SIGNING, authorities: AUTHORITIES });
  assert.equal(doing(setup, CALLS.generateKeyPair('signature')), 0);
  const { publicKey } = requestIn(setupAnswer(setup.invoke(5, enumOf(0))));
  const mine = (use: 'signature' | 'agreement', key = publicKey) =>
    doing(setup, CALLS.importCertificate(issued({ name: titleName(METER), use, publicKey: key })));
  assert.equal(mine('agreement'), 3, 'no such pair waits');
  assert.equal(mine('signature', PEER.publicKey), 3, 'another key');
  assert.equal(setup.securityOf(SAP).keys.signing?.own.publicKey, OWN.publicKey);
  assert.equal(mine('signature'), 0);
  assert.deepEqual(setup.securityOf(SAP).keys.signing?.own.publicKey, publicKey);
  assert.equal(mine('signature'), 3, 'none waits any more');
});

test('ALA-3 data of another shape are neither keys nor a choice', () => {
  const item = structure(enumOf(1), octets());
  assert.deepEqual(keyItems(array(item)), [{ keyId: 1, keyData: new Uint8Array(4) }]);
  for (const bad of [
    null,
    structure(item),
    array(item, octets()),
    array(structure(octets(), octets())),
    array(structure(enumOf(1), enumOf(1))),
    array(structure(enumOf(1))),
  ])
    assert.equal(keyItems(bad), null, JSON.stringify(bad));
  const entity = structure(enumOf(1), enumOf(0), octets(CLIENT));
  assert.deepEqual(choiceIn(structure(enumOf(0), entity)), byTitle(CLIENT));
  const serial = structure(octets(Uint8Array.of(1)), octets(Uint8Array.of(2)));
  assert.deepEqual(choiceIn(structure(enumOf(1), serial)), {
    ...{ by: 'serial', serial: Uint8Array.of(1), issuer: Uint8Array.of(2) },
  });
  for (const bad of [
    null,
    enumOf(0),
    structure(enumOf(0)),
    structure(octets(), entity),
    structure(enumOf(0), octets()),
    structure(enumOf(2), entity),
    structure(enumOf(0), structure(enumOf(9), enumOf(0), octets())),
    structure(enumOf(0), structure(octets(), enumOf(0), octets())),
    structure(enumOf(0), structure(enumOf(1), enumOf(9), octets())),
    structure(enumOf(0), structure(enumOf(1), octets(), octets())),
    structure(enumOf(0), structure(enumOf(1), enumOf(0), enumOf(0))),
    structure(enumOf(1), structure(enumOf(0), octets())),
    structure(enumOf(1), structure(octets(), enumOf(0))),
    structure(enumOf(1), structure(octets())),
  ])
    assert.equal(choiceIn(bad), null, JSON.stringify(bad));
});

test('ALA-3 answers of a meter: what it refused, what it gave, and what is not what was asked for', () => {
  assert.equal(setupAnswer({ actionResult: 0, returnParameters: null }), null);
  assert.deepEqual(setupAnswer({ actionResult: 0, returnParameters: { data: enumOf(1) } }), enumOf(1));
  for (const refused of [
    { actionResult: 3, returnParameters: null },
    { actionResult: 3, returnParameters: { data: enumOf(1) } },
    { actionResult: 0, returnParameters: { dataAccessResult: 3 } },
  ])
    assert.throws(() => setupAnswer(refused), is('SECURITY_SETUP_REFUSED'));
  for (const read of [certificateIn, requestIn])
    for (const none of [null, enumOf(1)])
      assert.match(
        detailOf(() => read(none)),
        /^the meter gave no/,
      );
});

test('ALA-3 an agreement: a key for each that was asked, in its order, signed by the meter, and not our own again', () => {
  const ephemeral = { encryption: freshPair('P-256'), authentication: freshPair('P-256') };
  const theirs = freshPair('P-256');
  const sides = { suite: 1, clientTitle: CLIENT, serverTitle: METER, peerSigningKey: OWN.publicKey } as const;
  const offer = (keyId: number, publicKey = theirs.publicKey) =>
    structure(enumOf(keyId), octets(signedEphemeralKey(keyId, publicKey, OWN)));
  const agreed = agreedKeys(ephemeral, array(offer(0), offer(2)), sides);
  assert.deepEqual(Object.keys(agreed), ['encryption', 'authentication']);
  for (const answer of [
    null,
    array(),
    array(offer(0)),
    array(offer(0), offer(2), offer(1)),
    array(offer(2), offer(0)),
    array(offer(0), offer(1)),
    array(offer(0), offer(2, ephemeral.authentication.publicKey)),
  ])
    assert.throws(() => agreedKeys(ephemeral, answer, sides), is('SECURITY_AGREEMENT'), JSON.stringify(answer));
});

test('MDM-20 neither a certificate nor a request is looked into beyond 4,096 octets', () => {
  for (const parse of [parseCertificate, parseCertificateRequest]) {
    assert.equal(
      detailOf(() => parse(new Uint8Array(CERTIFICATE_MAX_BYTES + 1))),
      '4097 octets',
    );
    assert.notEqual(
      detailOf(() => parse(new Uint8Array(CERTIFICATE_MAX_BYTES))),
      '4096 octets',
    );
  }
});

function detailOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof DeltawattError && error.code === 'SECURITY_CERTIFICATE', String(error));
    return error.detail;
  }
  return assert.fail('nothing was thrown');
}
