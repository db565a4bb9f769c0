/** Keys of a meter that came out of certificates: believed while these are valid, at sign-ons and pushes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex } from '../../../src/base/bytes.ts';
import { isSecurityError } from '../../../src/dlms/security/errors.ts';
import type { Meter } from '../../../src/edge/ports.ts';
import { MeterCounters } from '../../../src/edge/reader/counters.ts';
import { checkPeerNow } from '../../../src/edge/reader/peer-check.ts';
import { PushedMeter } from '../../../src/edge/reader/pushed-meter.ts';
import { DEAF, LinkSessions } from '../../../src/edge/reader/sessions.ts';
import type { LineLink } from '../../../src/link/link.ts';
import { linkOf } from '../../../src/link/registry.ts';
import type { MeterId } from '../../../src/model/ids.ts';
import { keyedSite, keyFiles, parsed } from '../../support/keyed-site.ts';
import { pemValue, testAuthority } from '../../support/test-authority.ts';
import { profileOf } from './bus.ts';
import { FakeJournal } from './fake-journal.ts';
import { FakeHealth, testWorld } from './world.ts';

const METER = '4457450000989681';
const NOW_MS = testWorld().program('desk').env.clock.nowMs();
const CA = testAuthority(NOW_MS);

/** Both key files, the client's with a certificate in place of the meter's signing key. */
function certifiedFiles(name = METER, more: readonly string[] = [], notAfterMs = NOW_MS + 86_400_000) {
  const files = keyFiles(1, ['mechanism: hls-ecdsa', 'sign: both']);
  const [, key = ''] = /^peerSigningKey: "(.*)"$/m.exec(files.client) ?? [];
  const subject = { name, use: 'signature', curve: 'P-256', publicKey: fromHex(key) } as const;
  const certificate = CA.issue(subject, { notAfterMs, serial: Uint8Array.of(1, 2) });
  const client = files.client.replace(/^peerSigningKey: .*$/m, `peerSigningCertificate: ${pemValue(certificate)}`);
  const lines = [`meterTitle: "${METER}"`, `authorities: [${pemValue(CA.certificate)}]`, ...more];
  return { ...files, client: [client, ...lines].join('\n') };
}

const REFUSED = [
  ['expired', certifiedFiles(METER, [], NOW_MS - 1), /expired at/],
  ['of another subject', certifiedFiles('4457450000989682'), /it is for "4457450000989682", not for 4457450000989681/],
  ['revoked', certifiedFiles(METER, ['revoked: ["0102"]']), /number 0102 is revoked/],
] as const;

const METER_OF_EDGE: Meter = {
  meterId: 'm1' as MeterId,
  line: 'bus1',
  profile: profileOf('generic/idis'),
  timeZone: 'Europe/Berlin',
  logicalDevice: 1,
  physicalDevice: null,
  password: null,
  security: null,
};

const is = (words: RegExp) => (error: unknown) =>
  isSecurityError(error) && error.code === 'SECURITY_CERTIFICATE' && words.test(error.detail);

test('MDM-20 HLS 7 and signatures with a meter whose certificate is valid', async () => {
  assert.match(await keyedSite(certifiedFiles()).read('hls-ecdsa'), /V$/);
});

for (const [what, files, words] of REFUSED) {
  test(`MDM-20 a certificate that is ${what} is not believed: read says nothing to the meter`, async () => {
    const place = keyedSite(files);
    await assert.rejects(place.read('hls-ecdsa'), is(words));
    assert.equal(place.meter.security?.setup.lastCounter(1), 0);
  });

  test(`MDM-20 a certificate that is ${what} is not believed: the edge signs on to no such meter`, async () => {
    const { env } = keyedSite(files);
    const meter = { ...METER_OF_EDGE, security: parsed(files.client) };
    const counters = new MeterCounters(new FakeJournal(), env.clock);
    const sessions = new LinkSessions(linkOf('memory:bus1', env) as LineLink, env, counters);
    const client = { name: 'reading', address: 1, security: 'hls-ecdsa', uses: ['read'] } as const;
    await assert.rejects(sessions.open(meter, client, DEAF), is(words));
  });

  test(`MDM-20 a certificate that is ${what} is not believed: no push is opened`, () => {
    const { env } = testWorld().program('edge');
    const journal = new FakeJournal();
    const meter = { ...METER_OF_EDGE, security: parsed(files.client) };
    const counters = new MeterCounters(journal, env.clock);
    const beside = { env, line: 'bus1', journal, health: new FakeHealth(), counters, sampleMs: 0 };
    const port = new PushedMeter({ ...beside, meter, stage: { append: () => assert.fail('it was stored') } as never });
    const push = { apdu: 'general-signing' } as unknown as Parameters<PushedMeter['hear']>[0];
    assert.deepEqual(
      port.hear(push, () => assert.fail('it was answered')),
      {
        kind: 'discarded',
        code: 'SECURITY_CERTIFICATE',
      },
    );
  });
}

test('MDM-20 a clock that knows no time judges no time, and still whose a certificate is and whether it is revoked', () => {
  const clock = { nowMs: () => 0, monotonicMs: () => 0, quality: () => 'unset' as const };
  const [[, expired], [, other, foreign], [, gone, revoked]] = REFUSED;
  checkPeerNow(parsed(expired.client), { clock });
  assert.throws(() => checkPeerNow(parsed(other.client), { clock }), is(foreign));
  assert.throws(() => checkPeerNow(parsed(gone.client), { clock }), is(revoked));
  assert.throws(
    () => checkPeerNow(parsed(certifiedFiles().client), { clock: { ...clock, quality: () => 'rtc' as const } }),
    is(/not valid before/),
  );
});
