/** Certificates of a simulated meter, ordered, brought, listed and removed as `deltawatt certificates` does it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../../../src/base/bytes.ts';
import { pemBlocks } from '../../../src/base/pem.ts';
import {
  type Certificate,
  type CertificateSubject,
  type CertificateTerms,
  DeltawattError,
  parseCertificateRequest,
  serialText,
} from '../../../src/dlms/index.ts';
import { octetsOfKey } from '../../../src/dlms/security/secret-key.ts';
import { certificatesJson, certificatesText, orderPem } from '../../../src/lab/certificates-text.ts';
import { MeterCertificates, type Whose } from '../../../src/lab/meter-certificates.ts';
import { freshPair } from '../../support/fresh-pair.ts';
import { keyedSite, keyFiles } from '../../support/keyed-site.ts';
import { pemValue, testAuthority } from '../../support/test-authority.ts';
import { testWorld } from '../edge/world.ts';

const NOW_MS = testWorld().program('desk').env.clock.nowMs();
const METER = '4457450000989681';
const CLIENT = '4D4D4D0000000001';
const CA = testAuthority(NOW_MS);
const OTHER = testAuthority(NOW_MS, 'Another authority');

/** A meter of suite 1 that believes the test authority; `task` has its certificates. */
function certified(suite: 0 | 1 | 2 = 1) {
  const files = keyFiles(suite);
  const place = keyedSite({ ...files, meter: `${files.meter}\nauthorities: [${pemValue(CA.certificate)}]` });
  const task = <Result>(work: (meter: MeterCertificates) => Promise<Result>): Promise<Result> =>
    place.ask(async (session) => work(await MeterCertificates.open(session)));
  const bring = ({ octets }: Certificate, whose: Whose = 'meter', trust = BELIEVED, nowMs = NOW_MS) =>
    task((meter) => meter.import({ octets, whose, trust, nowMs }));
  return { ...place, task, bring };
}
const BELIEVED = { authorities: [CA.certificate], revoked: new Set<string>() };

const detail = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    () => assert.fail('it was done'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof DeltawattError, String(error));
  return `${error.code} ${error.detail}`;
};

function forMeter(publicKey: Uint8Array, of: Partial<CertificateSubject> = {}, terms: Partial<CertificateTerms> = {}) {
  return CA.issue({ name: METER, use: 'signature', curve: 'P-256', publicKey, ...of }, terms);
}

test('MDM-20 a pair is made in the meter, its request signed, the certificate brought, listed with its time, and removed', async () => {
  const { task, bring, keys, ask } = certified();
  const order = await task((meter) => meter.request('signature', { isNewPair: true }));
  assert.equal(order.commonName, METER);
  const [octets = new Uint8Array(0)] = pemBlocks(orderPem(order), 'CERTIFICATE REQUEST') ?? [];
  const { publicKey } = parseCertificateRequest(octets);
  const again = await task((meter) => meter.request('signature', { isNewPair: false }));
  assert.deepEqual(parseCertificateRequest(again.octets).publicKey, publicKey, 'the pair that waits is the same');
  const certificate = forMeter(publicKey);
  const held = await bring(certificate);
  assert.deepEqual(
    [held.entity, held.use, serialText(held.serial)],
    ['server', 'signature', serialText(certificate.serial)],
  );
  // The meter signs with the new pair from now on.
  assert.ok(keys.keys.signing !== undefined);
  const signing = { ...keys.keys.signing, peerPublicKey: publicKey };
  const renewed = { ...keys, keys: { ...keys.keys, signing } };
  await task(async (meter) => {
    const listed = await meter.list();
    const text = certificatesText(meter, listed, NOW_MS);
    assert.match(
      text,
      /^Meter 4457450000989681, security suite 1: 1 certificates\nwhose +for +serial +issuer +subject/,
    );
    assert.match(text, /^meter +signature +01[0-9a-f]{14} +Test authority +4457450000989681 +\d{4}-.* valid$/m);
    assert.match(certificatesText(meter, listed, certificate.notAfterMs + 1), / expired$/m);
    assert.match(certificatesText(meter, listed, certificate.notBeforeMs - 1), / not yet valid$/m);
    assert.equal(JSON.parse(JSON.stringify(certificatesJson(meter, listed, NOW_MS))).certificates[0].state, 'valid');
  });
  assert.equal(await ask(async ({ association }) => association.referencing, 'hls-gmac', renewed), 'logical');
  const serial = serialText(certificate.serial);
  const shown = await task((meter) => meter.export('Test authority', serial.toUpperCase()));
  assert.deepEqual(shown.content.octets, certificate.octets);
  await task((meter) => meter.remove(toHex(certificate.issuer), serial));
  assert.deepEqual(await task((meter) => meter.list()), []);
});

test('MDM-20 a certificate that does not fit the meter, its pair, its suite or the day is refused before the meter is asked', async () => {
  const { task, bring, meter } = certified();
  const { publicKey } = parseCertificateRequest(
    (await task((each) => each.request('signature', { isNewPair: true }))).octets,
  );
  const stranger = freshPair('P-256').publicKey;
  const long = freshPair('P-384').publicKey;
  const late = { notBeforeMs: NOW_MS + 60_000 };
  const good = forMeter(publicKey);
  const before = JSON.stringify(meter.security?.setup.read(6));
  for (const [certificate, words, whose = 'meter', trust = BELIEVED] of [
    [forMeter(publicKey, { name: '4457450000989682' }), /it is for "4457450000989682", not for 4457450000989681/],
    [forMeter(publicKey, { name: 'a meter' }), /it is for "a meter"/],
    [forMeter(stranger), /its key is another one/],
    [forMeter(publicKey, { use: 'agreement' }), /no pair for agreement waits in the meter; request makes one/],
    [forMeter(publicKey, { use: 'authority' }), /certification authority|neither signature nor agreement/],
    [forMeter(long, { curve: 'P-384' }), /its key is on P-384, the security suite wants P-256/],
    [forMeter(publicKey, {}, late), /not valid before/],
    [forMeter(publicKey, {}, { notAfterMs: NOW_MS - 1 }), /expired at/],
    [forMeter(publicKey, {}, { issuer: OTHER.pair }), /its signature does not fit its issuer/],
    [forMeter(publicKey, {}, { issuerName: OTHER.name }), /its issuer is no authority that is believed here/],
    [good, /number .* is revoked/, 'meter', { ...BELIEVED, revoked: new Set([serialText(good.serial)]) }],
    [good, /expired at/, 'meter', { ...BELIEVED, authorities: [CA.own({ notAfterMs: NOW_MS - 1 })] }],
    [good, /not for 4D4D4D0000000001/, 'client'],
    [good, /for no certification authority/, 'authority'],
  ] as readonly (readonly [Certificate, RegExp, Whose?, typeof BELIEVED?])[]) {
    const words_ = await detail(bring(certificate, whose, trust));
    assert.match(words_, words);
    assert.match(words_, /^SECURITY_CERTIFICATE /);
  }
  assert.equal(JSON.stringify(meter.security?.setup.read(6)), before, 'the meter heard of none of them');
  await bring(good);
});

test('MDM-20 the client and its authority are brought to the meter too, each only as what it is', async () => {
  const { bring, task, meter, keys } = certified();
  const own = freshPair('P-256');
  const certificate = CA.issue({ name: CLIENT, use: 'signature', curve: 'P-256', publicKey: own.publicKey });
  assert.match(await detail(bring(certificate)), /not for 4457450000989681/);
  await bring(certificate, 'client');
  assert.deepEqual(meter.security?.setup.securityOf(1).keys.signing?.peerPublicKey, own.publicKey);
  await bring(CA.certificate, 'authority');
  assert.deepEqual(
    (await task((each) => each.list())).map(({ entity }) => entity),
    ['client', 'authority'],
  );
  // What the meter itself refuses is told in its words: it does not believe this authority.
  const foreign = OTHER.issue({ name: CLIENT, use: 'signature', curve: 'P-256', publicKey: own.publicKey });
  assert.equal(
    await detail(task((each) => each.import({ octets: foreign.octets, whose: 'client', trust: null, nowMs: NOW_MS }))),
    'SECURITY_SETUP_REFUSED read-write-denied',
  );
  assert.ok(keys.keys.signing !== undefined);
});

test('MDM-20 one certificate is removed by its issuer and number, never by guess', async () => {
  const { task, bring, meter } = certified();
  const own = freshPair('P-256').publicKey;
  const [signs, agrees] = (['signature', 'agreement'] as const).map((use, at) =>
    CA.issue({ name: CLIENT, use, curve: 'P-256', publicKey: own }, { serial: Uint8Array.of(0x80, at) }),
  );
  assert.ok(signs !== undefined && agrees !== undefined);
  await bring(signs, 'client');
  await bring(agrees, 'client');
  for (const [issuer, serial] of [
    ['Test authority', '8002'],
    ['Another authority', '8001'],
    ['', '8001'],
  ] as const)
    assert.match(
      await detail(task((each) => each.remove(issuer, serial))),
      /^SECURITY_CERTIFICATE the meter lists none/,
    );
  assert.equal((await task((each) => each.list())).length, 2);
  // A number may come with the zero octet that a DER integer has.
  await task((each) => each.remove('Test authority', '008001'));
  assert.deepEqual(
    (await task((each) => each.list())).map(({ serial }) => toHex(serial)),
    ['8000'],
  );
  // A client whose certificate is gone is not believed by it any more.
  assert.deepEqual(meter.security?.setup.securityOf(1).keys.signing?.peerPublicKey, own);
  await task((each) => each.remove('Test authority', '8000'));
  assert.equal(meter.security?.setup.securityOf(1).keys.signing, undefined);
});

test('MDM-20 a meter of suite 0 has no pairs, and one that does not show its certificates says so', async () => {
  const { task, ask } = certified(0);
  assert.match(await detail(task((each) => each.request('signature', { isNewPair: true }))), /suite 0/);
  assert.deepEqual(await task((each) => each.list()), []);
  const hidden = ask(async (session) => {
    const get: typeof session.get = async (items) => items.map(() => ({ dataAccessResult: 4 }));
    return MeterCertificates.open({ ...session, get, action: (items) => session.action(items) });
  });
  assert.match(await detail(hidden), /attribute 3 of 0-0:43\.0\.0\*255: object-undefined; sign on as a client/);
});

test('MDM-20 an answer that is not what was done is not believed: another request, another certificate, an unchanged list', async () => {
  const { ask, bring } = certified();
  const other = freshPair('P-256');
  const certificate = CA.issue({ name: CLIENT, use: 'signature', curve: 'P-256', publicKey: other.publicKey });
  await bring(certificate, 'client');
  const answering = (data: Uint8Array | null) =>
    ask(async (session) => {
      const open = await MeterCertificates.open({
        get: (items) => session.get(items),
        action: async () => [
          { actionResult: 0, returnParameters: data === null ? null : { data: { type: 'octet-string', value: data } } },
        ],
      });
      const serial = serialText(certificate.serial);
      return await Promise.all([
        detail(open.request('signature', { isNewPair: false })),
        detail(open.export('Test authority', serial)),
        detail(open.remove('Test authority', serial)),
        open.list(),
      ]);
    });
  const [request, exported, removed, list] = await answering(forMeter(other.publicKey).octets);
  assert.match(request, /SECURITY_CERTIFICATE/);
  assert.match(exported, /the meter gave another one/);
  assert.match(removed, /still lists it/);
  assert.deepEqual(
    list.map(({ content }) => content),
    [{ problem: 'the meter gave another one' }],
  );
  const [nothing] = await answering(null);
  assert.match(nothing, /the meter gave no request/);
});

test('MDM-20 nothing that is shown of certificates carries a private number', async () => {
  const { task, keys, bring } = certified();
  const { publicKey } = parseCertificateRequest(
    (await task((each) => each.request('signature', { isNewPair: true }))).octets,
  );
  await bring(forMeter(publicKey));
  const shown = await task(async (each) => {
    const held = await each.list();
    return `${certificatesText(each, held, NOW_MS)}${JSON.stringify(certificatesJson(each, held, NOW_MS))}`;
  });
  for (const pair of [keys.keys.signing, keys.keys.agreement]) {
    assert.ok(pair !== undefined);
    assert.ok(!shown.includes(toHex(octetsOfKey(pair.own.privateKey))));
  }
});
