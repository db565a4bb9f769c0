/** Security setup (class 64) between a client and a server: keys, policy, agreement, pairs and certificates. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { fromHex, toHex } from '../../../../src/base/bytes.ts';
import { hasCode } from '../../../../src/base/errors.ts';
import type { Data } from '../../../../src/dlms/axdr/data.ts';
import {
  type Certificate,
  makeCertificate,
  makeCertificateRequest,
  parseCertificate,
  parseCertificateRequest,
  titleName,
} from '../../../../src/dlms/security/certificate.ts';
import type { CipherKeys } from '../../../../src/dlms/security/ciphering.ts';
import { CounterReceiver, CounterSender } from '../../../../src/dlms/security/counters.ts';
import type { KeyPair } from '../../../../src/dlms/security/elliptic.ts';
import { SecretKey } from '../../../../src/dlms/security/secret-key.ts';
import { PROTECTED, type SecurityPolicy, UNPROTECTED } from '../../../../src/dlms/security/secure-channel.ts';
import { isRaised, numberOfPolicy, policyOfNumber } from '../../../../src/dlms/security/setup-policy.ts';
import {
  agreedKeys,
  certificateIn,
  type GlobalKeyName,
  requestIn,
  SECURITY_SETUP,
  SECURITY_SETUP_CLASS,
  type SetupCall,
  SetupCalls,
  setupAnswer,
} from '../../../../src/dlms/security/setup-requests.ts';
import { CURVES, SUITES, type SuiteId } from '../../../../src/dlms/security/suite.ts';
import type { ClientSecurity } from '../../../../src/dlms/session/client-guard.ts';
import type { ListedObject, ObjectModel, ServerClient } from '../../../../src/dlms/session/object-model.ts';
import { SecuritySetup, type SecuritySetupOptions } from '../../../../src/dlms/session/security-setup.ts';
import type { ActionResult, AttributeDescriptor, MethodDescriptor } from '../../../../src/dlms/xdlms/service.ts';
import { freshPair, randomOctets } from '../../../support/fresh-pair.ts';
import { attributeOf, BenchMeter, register } from './bench-meter.ts';
import { Pair, type PairOptions } from './pair.ts';

const CLIENT = fromHex('4d4d4d0000000001');
const METER = fromHex('4d4d4d0000bc614e');
const SAP = 32;
const NOW_MS = 1_795_600_000_000;
const YEAR_MS = 31_536_000_000;
const ALL: SecurityPolicy = { requests: PROTECTED, responses: PROTECTED };
const NONE: SecurityPolicy = { requests: UNPROTECTED, responses: UNPROTECTED };
const CALLS = new SetupCalls();
const keyOf = (suite: SuiteId, first: number): SecretKey =>
  new SecretKey(Uint8Array.from({ length: SUITES[suite].keyBytes }, (_, at) => (first + at) & 0xff));

/** A bench meter with a Security setup object. */
class SetupMeter extends BenchMeter implements ObjectModel {
  constructor(readonly setup: SecuritySetup) {
    super();
  }

  override objectList(client: number): readonly ListedObject[] {
    const object: ListedObject = {
      classId: SECURITY_SETUP_CLASS,
      version: 1,
      instanceId: SECURITY_SETUP,
      attributes: [2, 3, 4, 5, 6].map((id) => ({ id, access: 1 })),
      methods: this.setup.methods.map((id) => ({ id, access: true })),
    };
    return [...super.objectList(client), object];
  }

  override read(attribute: AttributeDescriptor, ...rest: [never]) {
    if (attribute.classId !== SECURITY_SETUP_CLASS) return super.read(attribute, ...rest);
    const data = this.setup.read(attribute.attributeId);
    return data === null ? { dataAccessResult: 4 } : { data };
  }

  override invoke(method: MethodDescriptor, parameters: Data | null): ActionResult {
    if (method.classId !== SECURITY_SETUP_CLASS) return super.invoke(method, parameters);
    return this.setup.invoke(method.methodId, parameters);
  }
}

interface Parties {
  readonly setup: SecuritySetup;
  readonly keys: CipherKeys;
  readonly meterKeys: CipherKeys;
  /** A new session with these keys of the client. */
  open(keys?: CipherKeys, more?: Partial<ClientSecurity>, pair?: Partial<PairOptions>): Pair;
}

function parties(suite: SuiteId, more: Partial<SecuritySetupOptions> = {}): Parties {
  const shared: CipherKeys = {
    encryption: keyOf(suite, 0),
    authentication: keyOf(suite, 0xd0),
    broadcast: keyOf(suite, 0x20),
    master: keyOf(suite, 0x60),
  };
  const { curve } = SUITES[suite];
  const [signs, meterSigns] = curve === null ? [] : [freshPair(curve), freshPair(curve)];
  const [agrees, meterAgrees] = curve === null ? [] : [freshPair(curve), freshPair(curve)];
  const with_ = (own?: KeyPair, peer?: KeyPair, ownAgrees?: KeyPair, peerAgrees?: KeyPair): CipherKeys => ({
    ...shared,
    ...(own && peer && { signing: { own, peerPublicKey: peer.publicKey } }),
    ...(ownAgrees &&
      peerAgrees && { agreement: { own: ownAgrees, peerPublicKey: peerAgrees.publicKey, suite2Agreement: true } }),
  });
  const keys = with_(signs, meterSigns, agrees, meterAgrees);
  const meterKeys = with_(meterSigns, signs, meterAgrees, agrees);
  const setup = new SecuritySetup({
    version: 1,
    suite,
    serverTitle: METER,
    clientTitle: CLIENT,
    keys: meterKeys,
    policy: ALL,
    random: randomOctets,
    nowMs: () => NOW_MS,
    ...more,
  });
  const client: ServerClient = {
    sap: SAP,
    authentication: { mechanism: 'hls-gmac' },
    get security() {
      return setup.securityOf(SAP);
    },
  };
  let counter = 1;
  return {
    setup,
    keys,
    meterKeys,
    open(used = keys, moreSecurity = {}, pair = {}) {
      counter += 10_000;
      const security: ClientSecurity = {
        suite,
        clientTitle: CLIENT,
        serverTitle: METER,
        keys: used,
        counter: CounterSender.unreserved(counter),
        serverCounter: new CounterReceiver(),
        policy: more.policy ?? ALL,
        random: randomOctets,
        ...moreSecurity,
      };
      return new Pair({
        framing: 'wrapper',
        sap: SAP,
        systemTitle: METER,
        random: randomOctets,
        clients: [client],
        model: new SetupMeter(setup),
        ...pair,
        client: { authentication: { mechanism: 'hls-gmac', challenge: randomOctets(16) }, security, ...pair.client },
      });
    },
  };
}

/** Invokes a method over the association. */
function call(pair: Pair, { method, parameters }: SetupCall): ActionResult {
  const outcome = pair.ask({ service: 'action', items: [{ method, parameters }] });
  assert.ok(outcome.kind === 'answered' && outcome.answer.service === 'action', JSON.stringify(outcome));
  const [result] = outcome.answer.results;
  assert.ok(result !== undefined);
  return result;
}
const connected = (pair: Pair): Pair => {
  assert.ok(pair.connect(), String(pair.closed?.code));
  return pair;
};
const reads = (pair: Pair): boolean => pair.ask({ service: 'get', items: [register(1)] }).kind === 'answered';

for (const suite of [0, 1, 2] as const) {
  test(`ALA-3 key_transfer, suite ${suite}: each of the four keys holds from the next APDU on, and the old one no longer`, () => {
    for (const name of ['encryption', 'authentication', 'broadcast', 'master'] as const) {
      const { keys, open, setup } = parties(suite);
      const pair = connected(open());
      assert.ok(keys.master !== undefined);
      const key = keyOf(suite, 0x90);
      // The answer comes under the old keys: the client reads it.
      assert.equal(setupAnswer(call(pair, CALLS.transfer({ [name]: key }, keys.master, suite))), null);
      const inUse = name === 'encryption' || name === 'authentication';
      assert.equal(reads(pair), !inUse, name);
      const fresh = { ...keys, [name]: key };
      assert.equal(open(keys).connect(), !inUse, name);
      assert.ok(reads(connected(open(fresh))));
      assert.equal(setup.securityOf(SAP).keys[name], setup.securityOf(SAP).keys[name]);
      // The next transfer goes under the master key in force.
      const next = connected(open(fresh));
      const again = call(next, CALLS.transfer({ encryption: keyOf(suite, 0xa0) }, keys.master, suite));
      assert.equal(again.actionResult, name === 'master' ? 250 : 0);
    }
  });
}

test('ALA-3 a transfer is whole or not at all; wrong shapes, ids and master keys change nothing', () => {
  const { keys, open } = parties(0);
  const pair = connected(open());
  assert.ok(keys.master !== undefined);
  const good = CALLS.transfer({ encryption: keyOf(0, 0x90) }, keys.master, 0);
  const bad = CALLS.transfer({ authentication: keyOf(0, 0x91) }, keyOf(0, 1), 0);
  assert.ok(good.parameters.type === 'array' && bad.parameters.type === 'array');
  const both = {
    ...good,
    parameters: { type: 'array', value: [...good.parameters.value, ...bad.parameters.value] },
  } as const;
  assert.equal(call(pair, both).actionResult, 250);
  assert.equal(call(pair, { ...good, parameters: { type: 'array', value: [] } }).actionResult, 12);
  assert.equal(call(pair, { ...good, parameters: { type: 'enum', value: 0 } }).actionResult, 12);
  const wrongId = {
    type: 'array',
    value: [
      {
        type: 'structure',
        value: [
          { type: 'enum', value: 4 },
          { type: 'octet-string', value: new Uint8Array(24) },
        ],
      },
    ],
  } as const;
  assert.equal(call(pair, { ...good, parameters: wrongId }).actionResult, 12);
  assert.ok(reads(pair));
  assert.throws(
    () => setupAnswer(call(pair, both)),
    (error) => hasCode(error, 'SECURITY_SETUP_REFUSED'),
  );
});

test('ALA-3 version 0 has two methods and no master key in them', () => {
  const { keys, open, setup } = parties(0, { version: 0, policy: ALL });
  const pair = connected(open());
  assert.ok(keys.master !== undefined);
  assert.equal(call(pair, CALLS.transfer({ master: keyOf(0, 0x90) }, keys.master, 0)).actionResult, 12);
  assert.equal(call(pair, CALLS.transfer({ broadcast: keyOf(0, 0x90) }, keys.master, 0)).actionResult, 0);
  assert.deepEqual(setup.methods, [1, 2]);
  assert.equal(setup.read(6), null);
  assert.deepEqual(setup.read(2), { type: 'enum', value: 3 });
  assert.equal(setup.invoke(4, { type: 'enum', value: 0 }).actionResult, 4);
});

test('ALA-3 counters begin anew with a new encryption key only: the same key again, or another one, keeps them', () => {
  const { keys, open, setup } = parties(0);
  assert.ok(keys.master !== undefined);
  const pair = connected(open());
  const before = setup.securityOf(SAP).counter.next;
  call(pair, CALLS.transfer({ encryption: keyOf(0, 0) }, keys.master, 0));
  call(connected(open()), CALLS.transfer({ broadcast: keyOf(0, 0x91) }, keys.master, 0));
  assert.ok(setup.securityOf(SAP).counter.next > before);
  assert.ok(setup.lastCounter(SAP) > 10_000);
  call(connected(open()), CALLS.transfer({ encryption: keyOf(0, 0x90) }, keys.master, 0));
  assert.equal(setup.securityOf(SAP).counter.next, 1);
  assert.equal(setup.securityOf(SAP).clientCounter.last, null);
});

test('ALA-3 the policy is raised, never lowered, in both versions; signatures only where there are pairs', () => {
  const { open, setup } = parties(0, { version: 0, policy: NONE });
  const pair = connected(open(undefined, { policy: NONE }));
  assert.equal(call(pair, CALLS.activate(1)).actionResult, 0);
  const refused = open(undefined, { policy: NONE });
  assert.ok(!refused.connect());
  const authenticated = { authenticated: true, encrypted: false };
  const raised = connected(open(undefined, { policy: { requests: authenticated, responses: authenticated } }));
  assert.equal(call(raised, CALLS.activate(2)).actionResult, 3);
  assert.equal(call(raised, CALLS.activate(4)).actionResult, 12);
  assert.equal(call(raised, CALLS.activate(3)).actionResult, 0);
  assert.deepEqual(setup.read(2), { type: 'enum', value: 3 });
  const plain = parties(0, { policy: ALL });
  const current = numberOfPolicy(ALL, 1);
  assert.equal(call(connected(plain.open()), CALLS.activate(current | 0x10)).actionResult, 3);
  const { open: openSigned } = parties(1);
  assert.equal(call(connected(openSigned()), CALLS.activate(current | 0x90)).actionResult, 0);
  const signed = { ...PROTECTED, signed: true };
  assert.ok(reads(connected(openSigned(undefined, { policy: { requests: signed, responses: signed } }))));
  assert.ok(!openSigned().connect(), 'without a signature nothing is said any more');
});

test('ALA-3 policies to numbers and back', () => {
  for (const version of [0, 1] as const)
    for (let number = 0; number < 256; number++) {
      const policy = policyOfNumber(number, version);
      if (policy !== null) assert.equal(numberOfPolicy(policy, version), number);
    }
  assert.equal(policyOfNumber(4, 0), null);
  assert.equal(policyOfNumber(1, 1), null);
  assert.ok(isRaised(1, 3) && isRaised(3, 3) && !isRaised(2, 1));
});

for (const suite of [1, 2] as const) {
  test(`ALA-3 key_agreement, suite ${suite}: both sides derive the same keys, over blocks too`, () => {
    const { keys, open } = parties(suite);
    const curve = CURVES[suite === 1 ? 'P-256' : 'P-384'].name;
    assert.ok(keys.signing !== undefined);
    const ephemeral: Record<GlobalKeyName, KeyPair> = {
      encryption: freshPair(curve),
      authentication: freshPair(curve),
      broadcast: freshPair(curve),
      master: freshPair(curve),
    };
    const small = { serverPduMaxBytes: 300, client: { clientPduMaxBytes: 300 } };
    const pair = connected(open(undefined, {}, small));
    const answer = setupAnswer(call(pair, CALLS.agreement(ephemeral, keys.signing.own)));
    const sides = { suite, clientTitle: CLIENT, serverTitle: METER, peerSigningKey: keys.signing.peerPublicKey };
    const agreed = agreedKeys(ephemeral, answer, { ...sides, suite2Agreement: true });
    assert.ok(!reads(pair), 'the old keys are refused');
    const fresh = { ...keys, ...agreed };
    const next = connected(open(fresh));
    assert.ok(reads(next));
    // The master key is the same on both sides, too: it unwraps what the client wraps under it.
    assert.ok(fresh.master !== undefined);
    assert.equal(call(next, CALLS.transfer({ encryption: keyOf(suite, 7) }, fresh.master, suite)).actionResult, 0);
    if (suite === 2)
      assert.throws(
        () => agreedKeys(ephemeral, answer, sides),
        (e) => hasCode(e, 'SECURITY_AGREEMENT'),
      );
    const forged = { ...sides, peerSigningKey: freshPair(curve).publicKey, suite2Agreement: true };
    assert.throws(
      () => agreedKeys(ephemeral, answer, forged),
      (error) => hasCode(error, 'SECURITY_SIGNATURE'),
    );
    const { encryption } = ephemeral;
    assert.throws(
      () => agreedKeys({ encryption }, answer, { ...sides, suite2Agreement: true }),
      (error) => hasCode(error, 'SECURITY_AGREEMENT'),
    );
  });
}

test('ALA-3 an agreement that is not signed by the client, or under suite 0, is refused', () => {
  const { keys, open } = parties(1);
  const pair = connected(open());
  const encryption = freshPair('P-256');
  assert.equal(call(pair, CALLS.agreement({ encryption }, freshPair('P-256'))).actionResult, 250);
  assert.ok(reads(pair) && keys.signing !== undefined);
  assert.equal(call(connected(parties(0).open()), CALLS.agreement({ encryption }, encryption)).actionResult, 3);
});

const CA = { name: 'Test authority', pair: freshPair('P-256') };
const issue = (
  of: { commonName: string; publicKey: Uint8Array; curve?: KeyPair['curve'] },
  use: 'signature' | 'agreement' | 'authority',
  terms: Partial<Parameters<typeof makeCertificate>[1]> = {},
): Uint8Array =>
  makeCertificate(
    { name: of.commonName, use, curve: of.curve ?? 'P-256', publicKey: of.publicKey },
    {
      issuerName: CA.name,
      issuer: CA.pair,
      serial: randomOctets(8),
      notBeforeMs: NOW_MS - 1_000,
      notAfterMs: NOW_MS + 20 * YEAR_MS,
      ...terms,
    },
  );
const CA_CERTIFICATE = issue({ commonName: CA.name, publicKey: CA.pair.publicKey }, 'authority');

test('MDM-20 certificates: a pair made in the meter, its request, the certificate imported, listed, exported and removed', () => {
  const { keys, open, setup } = parties(1, { authorities: [CA_CERTIFICATE] });
  const pair = connected(open());
  assert.equal(call(pair, CALLS.generateCertificateRequest('signature')).actionResult, 11);
  assert.equal(call(pair, CALLS.generateKeyPair('signature')).actionResult, 0);
  const request = requestIn(setupAnswer(call(pair, CALLS.generateCertificateRequest('signature'))));
  assert.equal(request.commonName, titleName(METER));
  const certificate = parseCertificate(issue(request, 'signature'));
  assert.equal(call(pair, CALLS.importCertificate(certificate.octets)).actionResult, 0);
  // The meter signs with the new pair from now on.
  assert.ok(keys.signing !== undefined);
  const signing = { own: keys.signing.own, peerPublicKey: certificate.publicKey };
  const signed = { ...PROTECTED, signed: true };
  const policy = { requests: PROTECTED, responses: signed };
  assert.equal(call(pair, CALLS.activate(numberOfPolicy(policy, 1))).actionResult, 0);
  const next = connected(open({ ...keys, signing }, { policy }));
  assert.ok(reads(next));
  const list = setup.read(6);
  assert.ok(list?.type === 'array' && list.value.length === 1);
  const byEntity = { by: 'entity', entity: 'server', use: 'signature', title: METER } as const;
  const bySerial = { by: 'serial', serial: certificate.serial, issuer: certificate.issuer } as const;
  for (const choice of [byEntity, bySerial]) {
    const exported: Certificate = certificateIn(setupAnswer(call(next, CALLS.exportCertificate(choice))));
    assert.equal(toHex(exported.octets), toHex(certificate.octets));
  }
  assert.equal(call(next, CALLS.exportCertificate({ ...byEntity, use: 'tls' })).actionResult, 11);
  assert.equal(call(next, CALLS.removeCertificate(bySerial)).actionResult, 0);
  assert.equal(call(next, CALLS.removeCertificate(bySerial)).actionResult, 11);
  const old = open(keys, { policy });
  assert.ok(!old.connect());
  assert.equal(old.closed?.code, 'SECURITY_SIGNATURE', 'the old signing key of the meter is not believed');
});

test('MDM-20 a meter imports no certificate of another issuer, time, key or place, and takes the client by its own', () => {
  const { keys, open, setup } = parties(1, { authorities: [CA_CERTIFICATE] });
  const pair = connected(open());
  const put = (octets: Uint8Array): number => call(pair, CALLS.importCertificate(octets)).actionResult;
  const fresh = freshPair('P-256');
  const client = { commonName: titleName(CLIENT), publicKey: fresh.publicKey };
  const stranger = freshPair('P-256');
  assert.equal(put(issue(client, 'signature', { issuer: stranger })), 250);
  assert.equal(put(issue(client, 'signature', { issuerName: 'Somebody else' })), 3);
  assert.equal(put(issue(client, 'signature', { notBeforeMs: NOW_MS + 1_000 })), 250);
  assert.equal(put(issue(client, 'signature', { notAfterMs: NOW_MS - 500 })), 250);
  assert.equal(put(Uint8Array.of(0x30, 0x82, 0xff, 0xff)), 250);
  const mine = { commonName: titleName(METER), publicKey: fresh.publicKey };
  assert.equal(put(issue(mine, 'signature')), 3, 'not the pair that it made');
  const long = freshPair('P-384');
  assert.equal(put(issue({ ...client, publicKey: long.publicKey, curve: 'P-384' }, 'signature')), 12);
  assert.deepEqual(setup.read(6), { type: 'array', value: [] });
  assert.equal(put(issue(client, 'signature')), 0);
  assert.ok(keys.signing !== undefined);
  const signing = { ...keys.signing, own: fresh };
  assert.equal(
    call(pair, CALLS.activate(numberOfPolicy({ ...ALL, requests: { ...PROTECTED, signed: true } }, 1))).actionResult,
    0,
  );
  const policy = { requests: { ...PROTECTED, signed: true }, responses: PROTECTED };
  assert.ok(reads(connected(open({ ...keys, signing }, { policy }))));
  assert.ok(!open(keys, { policy }).connect(), 'the old signing key of the client is not believed');
});

for (const curve of ['P-256', 'P-384'] as const) {
  test(`MDM-20 a certificate on ${curve} is one for others too, and its fields come back`, () => {
    const pair = freshPair(curve);
    const authority = freshPair(curve);
    const terms = {
      issuerName: 'CA',
      issuer: authority,
      serial: Uint8Array.of(0x80, 1),
      notBeforeMs: 0,
      notAfterMs: 4_102_444_800_000,
    };
    for (const use of ['signature', 'agreement'] as const) {
      const octets = makeCertificate({ name: titleName(METER), use, curve, publicKey: pair.publicKey }, terms);
      const other = new X509Certificate(octets);
      assert.equal(other.subject, 'CN=4D4D4D0000BC614E');
      assert.equal(other.issuer, 'CN=CA');
      assert.equal(other.serialNumber, '8001');
      assert.equal(other.publicKey.asymmetricKeyDetails?.namedCurve, CURVES[curve].openssl);
      const read = parseCertificate(octets);
      assert.deepEqual(
        [toHex(read.serial), read.use, read.curve, read.isAuthority, toHex(read.title ?? new Uint8Array(0))],
        ['8001', use, curve, false, toHex(METER)],
      );
      assert.equal(toHex(read.publicKey), toHex(pair.publicKey));
      assert.deepEqual([read.notBeforeMs, read.notAfterMs], [0, 4_102_444_800_000]);
      for (let at = 0; at < octets.length; at += 7)
        assert.throws(
          () => parseCertificate(octets.subarray(0, at)),
          (error) => hasCode(error, 'SECURITY_CERTIFICATE'),
        );
    }
    const request = makeCertificateRequest(titleName(METER), pair);
    assert.equal(toHex(parseCertificateRequest(request).publicKey), toHex(pair.publicKey));
    for (let at = 0; at < request.length; at++) {
      const changed = request.slice();
      changed.set([(changed.at(at) ?? 0) ^ 0x41], at);
      assert.throws(
        () => parseCertificateRequest(changed),
        (error) => hasCode(error, 'SECURITY_CERTIFICATE'),
        `at ${at}`,
      );
    }
  });
}

test('the attributes of the object are what its class says', () => {
  const { open } = parties(1);
  const pair = connected(open());
  const items = [2, 3, 4, 5, 6].map((id) => attributeOf(SECURITY_SETUP_CLASS, SECURITY_SETUP, id));
  const outcome = pair.ask({ service: 'get', items });
  assert.ok(outcome.kind === 'answered');
  assert.deepEqual(outcome.answer.results, [
    { data: { type: 'enum', value: 0x6c } },
    { data: { type: 'enum', value: 1 } },
    { data: { type: 'octet-string', value: CLIENT } },
    { data: { type: 'octet-string', value: METER } },
    { data: { type: 'array', value: [] } },
  ]);
});
