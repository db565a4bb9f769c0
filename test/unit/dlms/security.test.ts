/** The security room by itself: keys that cannot be printed, general-ciphering in every form, signatures, counters, errors. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { concat, fromHex, toHex } from '../../../src/base/bytes.ts';
import { DeltawattError, hasCode } from '../../../src/base/errors.ts';
import {
  type CipherKeys,
  type GeneralCipheringOptions,
  openCiphered,
  type SealOptions,
  sealGeneralCiphering,
  sealService,
} from '../../../src/dlms/security/ciphering.ts';
import { CounterReceiver, CounterSender } from '../../../src/dlms/security/counters.ts';
import { keyPairOf, newKeyPair, sharedSecret } from '../../../src/dlms/security/elliptic.ts';
import { SECURITY_ERRORS, type SecurityErrorCode } from '../../../src/dlms/security/errors.ts';
import { protect, unprotect } from '../../../src/dlms/security/gcm.ts';
import { checkedChallenge, checkProof, proofOf } from '../../../src/dlms/security/hls.ts';
import { type AgreementKeys, deriveKey } from '../../../src/dlms/security/key-agreement.ts';
import { parseMeterKeys } from '../../../src/dlms/security/key-file.ts';
import { unwrapKey, wrapKey } from '../../../src/dlms/security/key-wrap.ts';
import { COUNTER_MAX } from '../../../src/dlms/security/limits.ts';
import { formOf, formOverheadBytes, signingOverheadBytes } from '../../../src/dlms/security/message-form.ts';
import { openWith } from '../../../src/dlms/security/opener.ts';
import { octetsOfKey, SecretKey, sameSecret } from '../../../src/dlms/security/secret-key.ts';
import { checkedContent, signApdu } from '../../../src/dlms/security/signing.ts';
import { CURVES, SUITES, type SuiteId } from '../../../src/dlms/security/suite.ts';
import { decodeApdu, encodeApdu } from '../../../src/dlms/xdlms/codec.ts';
import { freshPair } from '../../support/fresh-pair.ts';

const CLIENT = fromHex('4d4d4d0000000001');
const METER = fromHex('4d4d4d0000bc614e');
const GET = fromHex('c001c100080000010000ff0200');
const SUITE_IDS = [0, 1, 2] as const;
const FORMS = [
  { authenticated: true, encrypted: true },
  { authenticated: true, encrypted: false },
  { authenticated: false, encrypted: true },
] as const;
const keyOf = (suite: SuiteId, first: number): SecretKey =>
  new SecretKey(Uint8Array.from({ length: SUITES[suite].keyBytes }, (_, at) => (first + at) & 0xff));
const keysOf = (suite: SuiteId): CipherKeys => ({
  encryption: keyOf(suite, 0),
  authentication: keyOf(suite, 0xd0),
  broadcast: keyOf(suite, 0x20),
  dedicated: keyOf(suite, 0x40),
  master: keyOf(suite, 0x60),
});
const refuses = (run: () => unknown, code: SecurityErrorCode): void =>
  assert.throws(run, (error) => hasCode(error, code) && error instanceof DeltawattError && error.sentence.length > 20);

test('a key cannot be printed, by any of the usual ways', () => {
  const key = SecretKey.fromHex('000102030405060708090a0b0c0d0e0f');
  const shown = [String(key), `${key}`, JSON.stringify({ key }), inspect({ key }), inspect(key, { showHidden: true })];
  for (const text of shown) {
    assert.match(text, /\[key\]/);
    assert.doesNotMatch(text, /0405|0a0b|, 4, 5/);
  }
  assert.deepEqual(Object.values(key), [16]);
  assert.equal(toHex(octetsOfKey(key)), '000102030405060708090a0b0c0d0e0f');
  refuses(() => SecretKey.fromHex('00zz'), 'SECURITY_KEY_LENGTH');
});

test('a secret is copied in, and compared by all its octets', () => {
  const octets = fromHex('0001');
  const key = new SecretKey(octets);
  octets.fill(9);
  assert.equal(toHex(octetsOfKey(key)), '0001');
  assert.ok(sameSecret(fromHex('0001'), fromHex('0001')));
  assert.ok(!sameSecret(fromHex('0001'), fromHex('0002')));
  assert.ok(!sameSecret(fromHex('0001'), fromHex('000100')));
});

test('HE-7 every suite and form opens what it sealed, whatever the octets, and nothing that was changed', () => {
  const octets = fc.uint8Array({ minLength: 1, maxLength: 200 });
  const property = fc.property(
    octets,
    fc.constantFrom(...SUITE_IDS),
    fc.constantFrom(...FORMS),
    fc.nat(),
    (text, suite, form, at) => {
      const { encryption, authentication } = keysOf(suite);
      const parameters = { title: METER, encryptionKey: encryption, authenticationKey: authentication };
      const control = suite | (form.authenticated ? 0x10 : 0) | (form.encrypted ? 0x20 : 0);
      const sealed = protect(text, { ...parameters, securityControl: control, invocationCounter: 7 });
      const opened = unprotect(sealed, parameters);
      assert.equal(toHex(opened.plaintext), toHex(text));
      assert.equal(opened.verified, form.authenticated);
      if (!form.authenticated) return;
      const payload = Uint8Array.from(sealed.payload);
      payload.set([(payload.at(at % payload.length) ?? 0) ^ 1], at % payload.length);
      refuses(() => unprotect({ ...sealed, payload }, parameters), 'SECURITY_TAG');
    },
  );
  fc.assert(property, { numRuns: 200 });
});

const HEADER = {
  transactionId: fromHex('0102030405060708'),
  originatorSystemTitle: CLIENT,
  recipientSystemTitle: METER,
  dateTime: new Uint8Array(0),
  otherInformation: new Uint8Array(0),
};

/** Agreement keys of a client and a meter on the curve of a suite. */
function agreementPair(suite: 1 | 2): { client: AgreementKeys; meter: AgreementKeys } {
  const curve = suite === 1 ? 'P-256' : 'P-384';
  const [client, meter, clientSigns, meterSigns] = [
    freshPair(curve),
    freshPair(curve),
    freshPair(curve),
    freshPair(curve),
  ];
  return {
    client: {
      own: client,
      peerPublicKey: meter.publicKey,
      signing: clientSigns,
      peerSigningKey: meterSigns.publicKey,
      suite2Agreement: true,
    },
    meter: {
      own: meter,
      peerPublicKey: client.publicKey,
      signing: meterSigns,
      peerSigningKey: clientSigns.publicKey,
      suite2Agreement: true,
    },
  };
}

for (const suite of SUITE_IDS) {
  test(`HE-7 general-ciphering, suite ${suite}: identified, wrapped and agreed keys, in every form and with both switches`, () => {
    const agreement = suite === 0 ? null : agreementPair(suite);
    const with_ = (side: 'client' | 'meter'): CipherKeys => ({
      ...keysOf(suite),
      ...(agreement === null ? {} : { agreement: agreement[side] }),
    });
    const choices: GeneralCipheringOptions['key'][] = [
      { kind: 'identified', keySet: 'unicast' },
      { kind: 'identified', keySet: 'broadcast' },
      { kind: 'wrapped', key: keyOf(suite, 0x77) },
    ];
    if (suite !== 0) {
      choices.push({ kind: 'agreed', ephemeral: null });
      choices.push({ kind: 'agreed', ephemeral: freshPair(suite === 1 ? 'P-256' : 'P-384') });
    }
    for (const key of choices) {
      for (const form of FORMS) {
        for (const generalCipheringAad of ['header', 'short'] as const) {
          const sealed = sealGeneralCiphering(GET, {
            ...form,
            suite,
            header: HEADER,
            keys: with_('client'),
            key,
            invocationCounter: 5,
            generalCipheringAad,
          });
          const apdu = decodeApdu(encodeApdu(sealed));
          assert.ok(apdu.apdu === 'general-ciphering');
          const options = { senderTitle: CLIENT, generalCipheringAad };
          assert.equal(toHex(openCiphered(apdu, with_('meter'), options).plaintext), toHex(GET));
          if (!form.authenticated) continue;
          const other = generalCipheringAad === 'header' ? 'short' : 'header';
          refuses(() => openCiphered(apdu, with_('meter'), { ...options, generalCipheringAad: other }), 'SECURITY_TAG');
          assert.equal(toHex(openWith(apdu, { ...with_('meter'), title: null })?.plaintext ?? GET), toHex(GET));
        }
      }
    }
  });
}

test('HE-7 what nobody has the title for is not opened, and not refused', () => {
  const sealed = decodeApdu(fromHex('c8 12 30 00000007 0102030405060708090a0b0c0d'));
  assert.ok(sealed.apdu === 'glo-get-request');
  const { encryption, authentication } = keysOf(0);
  const title = METER;
  assert.equal(openWith(sealed, { encryption, authentication, title: null }), null);
  refuses(() => openWith(sealed, { encryption, authentication, title }), 'SECURITY_TAG');
});

test('HE-7 an agreed key depends on the transaction, and an ephemeral key on its signer', () => {
  const { client, meter } = agreementPair(1);
  const options = { authenticated: true, encrypted: true, suite: 1, invocationCounter: 1 } as const;
  const seal = (key: GeneralCipheringOptions['key'], header = HEADER) =>
    sealGeneralCiphering(GET, { ...options, header, keys: { ...keysOf(1), agreement: client }, key });
  const open = (apdu: ReturnType<typeof seal>, keys = meter) =>
    openCiphered(apdu, { ...keysOf(1), agreement: keys }, { senderTitle: CLIENT });
  const fixed = seal({ kind: 'agreed', ephemeral: null });
  refuses(() => open({ ...fixed, transactionId: fromHex('0102030405060709') }), 'SECURITY_TAG');
  refuses(
    () => seal({ kind: 'agreed', ephemeral: null }, { ...HEADER, transactionId: new Uint8Array(0) }),
    'SECURITY_AGREEMENT',
  );
  const onePass = seal({ kind: 'agreed', ephemeral: freshPair('P-256') });
  refuses(() => open(onePass, { ...meter, peerSigningKey: freshPair('P-256').publicKey }), 'SECURITY_SIGNATURE');
  const strange = { kind: 'agreed', keyParameters: Uint8Array.of(9), keyCipheredData: new Uint8Array(0) } as const;
  refuses(() => open({ ...onePass, keyInfo: strange }), 'SECURITY_AGREEMENT');
});

test('HE-7 agreement in suite 2 needs its switch, on both sides', () => {
  const { client, meter } = agreementPair(2);
  const { suite2Agreement, ...off } = client;
  assert.ok(suite2Agreement);
  const options = { authenticated: true, encrypted: true, suite: 2, invocationCounter: 1, header: HEADER } as const;
  const seal = (agreement: AgreementKeys) =>
    sealGeneralCiphering(GET, {
      ...options,
      keys: { ...keysOf(2), agreement },
      key: { kind: 'agreed', ephemeral: null },
    });
  refuses(() => seal(off), 'SECURITY_AGREEMENT');
  const deaf = { ...keysOf(2), agreement: { ...meter, suite2Agreement: false } };
  refuses(() => openCiphered(seal(client), deaf, { senderTitle: CLIENT }), 'SECURITY_AGREEMENT');
});

test('a pair is drawn until its number fits the curve, and a source that is not random is told', () => {
  const draws = [new Uint8Array(32), new Uint8Array(32).fill(0xff), new Uint8Array(32).fill(7)];
  const pair = newKeyPair('P-256', () => draws.shift() ?? new Uint8Array(32));
  assert.equal(toHex(octetsOfKey(pair.privateKey)), '07'.repeat(32));
  refuses(() => newKeyPair('P-256', () => new Uint8Array(32)), 'SECURITY_PUBLIC_KEY');
});

for (const curve of ['P-256', 'P-384'] as const) {
  test(`HE-7 general-signing on ${curve}: plain R and S, both extents of the switch, changed content refused`, () => {
    const signer = freshPair(curve);
    for (const signContentLength of [false, true]) {
      const signed = signApdu(GET, HEADER, signer, { signContentLength });
      assert.equal(signed.signature.length, CURVES[curve].bytes * 2);
      const apdu = decodeApdu(encodeApdu(signed));
      assert.ok(apdu.apdu === 'general-signing');
      assert.equal(toHex(checkedContent(apdu, curve, signer.publicKey)), toHex(GET));
      const wrongExtent = () =>
        checkedContent(apdu, curve, signer.publicKey, { signContentLength: !signContentLength });
      refuses(wrongExtent, 'SECURITY_SIGNATURE');
      const changed = { ...apdu, content: concat([GET, Uint8Array.of(0)]) };
      refuses(() => checkedContent(changed, curve, signer.publicKey), 'SECURITY_SIGNATURE');
      refuses(
        () => checkedContent({ ...apdu, signature: apdu.signature.subarray(1) }, curve, signer.publicKey),
        'SECURITY_SIGNATURE',
      );
    }
  });

  test(`HE-7 both sides of an agreement on ${curve} derive the same key, another one for another use`, () => {
    const [a, b] = [freshPair(curve), freshPair(curve)];
    const suite = curve === 'P-256' ? 1 : 2;
    const parties = { partyU: CLIENT, partyV: METER };
    const one = octetsOfKey(deriveKey(sharedSecret(a, b.publicKey), suite, 'ciphering', parties));
    assert.equal(toHex(one), toHex(octetsOfKey(deriveKey(sharedSecret(b, a.publicKey), suite, 'ciphering', parties))));
    assert.equal(one.length, SUITES[suite].keyBytes);
    assert.notEqual(
      toHex(one),
      toHex(octetsOfKey(deriveKey(sharedSecret(a, b.publicKey), suite, 'wrapping', parties))),
    );
  });
}

test('HE-7 keys of both lengths are wrapped and unwrapped; a changed one is refused', () => {
  for (const suite of SUITE_IDS) {
    const wrapped = wrapKey(keyOf(suite, 1), keyOf(suite, 0x80), suite);
    assert.equal(wrapped.length, SUITES[suite].keyBytes + 8);
    assert.equal(
      toHex(octetsOfKey(unwrapKey(wrapped, keyOf(suite, 0x80), suite))),
      toHex(octetsOfKey(keyOf(suite, 1))),
    );
    refuses(() => unwrapKey(wrapped, keyOf(suite, 0x81), suite), 'SECURITY_UNWRAP');
  }
});

test('HE-7 a counter is never given twice, whatever is reserved, raised and restored', () => {
  const step = fc.oneof(
    fc.constant({ kind: 'take' } as const),
    fc.constant({ kind: 'reserve' } as const),
    fc.constant({ kind: 'crash' } as const),
    fc.record({ kind: fc.constant('raise' as const), to: fc.nat(10_000) }),
  );
  const property = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    let stored = 1;
    let counter = new CounterSender(stored);
    let last = 0;
    for (const each of steps) {
      if (each.kind === 'reserve') {
        stored = counter.reservation();
        counter.extend(stored);
      } else if (each.kind === 'crash') counter = new CounterSender(stored);
      else if (each.kind === 'raise') counter.raise(each.to);
      else if (counter.left === 0) refuses(() => counter.take(), 'SECURITY_COUNTER_RESERVED');
      else {
        const taken = counter.take();
        assert.ok(taken > last && taken < stored, `${taken} after ${last}, stored ${stored}`);
        last = taken;
      }
    }
  });
  fc.assert(property, { numRuns: 300 });
});

test('HE-7 the last counter is never used, a far jump is refused, and extending backwards changes nothing', () => {
  const counter = CounterSender.unreserved(COUNTER_MAX - 1);
  assert.equal(counter.take(), COUNTER_MAX - 1);
  refuses(() => counter.take(), 'SECURITY_COUNTER_SPENT');
  const far = new CounterSender(5, 10);
  refuses(() => far.raise(5 + 0x10_00_01), 'SECURITY_COUNTER_JUMP');
  far.extend(3);
  assert.equal(far.left, 5);
});

test('HE-7 a counter is low when less than half a block is left, and what has no ciphered form is not sealed', () => {
  assert.deepEqual(
    [50, 49].map((left) => new CounterSender(1, 1 + left).isLow),
    [false, true],
  );
  assert.equal(new CounterSender(COUNTER_MAX - 1, COUNTER_MAX).isLow, false, 'there are no more');
  refuses(() => sealService(Uint8Array.of(0x61), SERVICE), 'SECURITY_SERVICE');
});

test('HE-7 a counter is raised by the distance to what the meter expects, up to the bound and not beyond, and waits for its block', () => {
  const jump = 0x10_00_00;
  const next = 10_000_000;
  const near = new CounterSender(next, next + 10);
  near.raise(next + jump);
  assert.equal(near.next, next + jump + 1);
  assert.equal(near.left, 0, 'nothing is reserved there yet');
  refuses(() => near.take(), 'SECURITY_COUNTER_RESERVED');
  near.raise(next);
  assert.equal(near.next, next + jump + 1, 'never back');
  refuses(() => new CounterSender(next).raise(next + jump + 1), 'SECURITY_COUNTER_JUMP');
});

test('HE-7 interop 2: nothing seen yet is a state of its own: a peer may begin at 0, but not say 0 twice', () => {
  const counter = new CounterReceiver();
  assert.deepEqual([counter.last, counter.expected], [null, 0]);
  counter.accept(0);
  refuses(() => counter.check(0), 'SECURITY_REPLAY');
  assert.equal(counter.expected, 1);
  counter.accept(5);
  counter.acceptInside(4);
  refuses(() => counter.acceptInside(5), 'SECURITY_REPLAY');
  refuses(() => new CounterReceiver(9).acceptInside(9), 'SECURITY_REPLAY');
  counter.acceptInside(6);
  assert.equal(counter.last, 6);
});

const SERVICE: SealOptions = {
  authenticated: true,
  encrypted: true,
  suite: 0,
  title: METER,
  keys: keysOf(0),
  invocationCounter: 1,
  keySet: 'unicast',
};
const sealedGet = () => sealService(GET, SERVICE);
const open = (apdu: ReturnType<typeof sealedGet>, keys = keysOf(0)) => openCiphered(apdu, keys, { senderTitle: METER });

/** One real way to each code that no test above takes; SECURITY_POLICY needs an association: session/secure.test.ts. */
const REACHED: Partial<Record<SecurityErrorCode, () => unknown>> = {
  SECURITY_KEY_LENGTH: () => open(sealedGet(), { ...keysOf(0), encryption: keyOf(2, 0) }),
  SECURITY_KEY_MISSING: () => open(sealedGet(), { ...keysOf(0), authentication: null }),
  SECURITY_SUITE: () => open({ ...sealedGet(), securityControl: 0x33 }),
  SECURITY_COMPRESSED: () => open({ ...sealedGet(), securityControl: 0xb0 }),
  SECURITY_TITLE: () => openCiphered(sealedGet(), keysOf(0), { senderTitle: null }),
  SECURITY_TAG_LENGTH: () => open({ ...sealedGet(), authenticationTag: new Uint8Array(11) }),
  SECURITY_SERVICE: () => open({ ...sealedGet(), apdu: 'glo-set-request' }),
  SECURITY_CHALLENGE: () => checkedChallenge(GET, GET, 'hls-gmac'),
  SECURITY_PROOF: () => {
    const secret = { mechanism: 'hls-sha1', secret: keyOf(0, 1) } as const;
    const exchange = { ownTitle: null, peerTitle: null, received: GET, sent: METER };
    return checkProof(proofOf(secret, exchange, null), secret, exchange, null);
  },
  SECURITY_PUBLIC_KEY: () => keyPairOf('P-256', keyOf(0, 0)),
  SECURITY_MECHANISM: () =>
    proofOf({ mechanism: 'hls-gmac' }, { ownTitle: CLIENT, peerTitle: METER, received: GET, sent: METER }, null),
};

for (const [code, run] of Object.entries(REACHED)) {
  test(`${code} is reached and has a sentence`, () => refuses(run, code as SecurityErrorCode));
}

test('a public key that is no point of the curve is refused before anything is derived', () => {
  refuses(() => sharedSecret(freshPair('P-256'), new Uint8Array(64)), 'SECURITY_PUBLIC_KEY');
  refuses(() => sharedSecret(freshPair('P-256'), freshPair('P-384').publicKey), 'SECURITY_PUBLIC_KEY');
  assert.equal(Object.keys(SECURITY_ERRORS).length, 22);
});

test('HE-7 a truncated tag on the wire is refused, down to none', () => {
  const whole = encodeApdu(sealedGet());
  for (let cut = 1; cut < whole.length - 8; cut++) {
    const octets = whole.slice(0, whole.length - cut);
    octets.set([octets.length - 2], 1);
    assert.throws(() => open(decodeApdu(octets) as ReturnType<typeof sealedGet>), DeltawattError, `${cut} octets cut`);
  }
});

test('HE-7 a key file says for each direction what must be protected and signed, each word by itself', () => {
  const policyOf = (...lines: string[]) => {
    const read = parseMeterKeys([`encryptionKey: "${'3a'.repeat(16)}"`, ...lines].join('\n'));
    assert.ok(read.ok, read.ok ? '' : read.problem);
    return read.security.policy;
  };
  for (const [word, authenticated, encrypted] of [
    ['both', true, true],
    ['authenticated', true, false],
    ['encrypted', false, true],
    ['none', false, false],
  ] as const) {
    const { requests, responses } = policyOf(`protect: ${word}`);
    const expected = { authenticated, encrypted, signed: false };
    assert.deepEqual([requests, responses], [expected, expected], word);
  }
  const pair = [
    'suite: 1',
    `signingKey: "${'11'.repeat(32)}"`,
    `peerSigningKey: "${toHex(freshPair('P-256').publicKey)}"`,
  ];
  for (const [word, requests, responses] of [
    ['both', true, true],
    ['requests', true, false],
    ['responses', false, true],
    ['none', false, false],
  ] as const) {
    const policy = policyOf(...(word === 'none' ? [] : pair), `sign: ${word}`);
    assert.deepEqual([policy.requests.signed, policy.responses.signed], [requests, responses], word);
  }
});

test('what each form of a message adds, in octets, by suite', () => {
  for (const [form, suite, octets] of [
    ['service', 0, 22],
    ['general', 0, 31],
    ['identified-key', 0, 54],
    ['wrapped-key', 0, 79],
    ['wrapped-key', 2, 95],
    ['static-key', 1, 56],
    ['one-pass-key', 1, 185],
    ['one-pass-key', 2, 249],
  ] as const)
    assert.equal(formOverheadBytes(form, suite), octets, `${form}, suite ${suite}`);
  assert.deepEqual([signingOverheadBytes(1), signingOverheadBytes(2)], [99, 131]);
});

test('an answer goes in the form in which the question came', () => {
  const transactionId = Uint8Array.of(9);
  const general = (keyInfo: unknown) => {
    const heard = { apdu: 'general-ciphering', transactionId, keyInfo } as Parameters<typeof formOf>[0];
    return formOf(heard).form;
  };
  assert.equal(general(null), 'identified-key');
  assert.equal(general({ kind: 'identified' }), 'identified-key');
  assert.equal(general({ kind: 'wrapped' }), 'wrapped-key');
  assert.equal(general({ kind: 'agreed', keyParameters: Uint8Array.of(1) }), 'one-pass-key');
  assert.equal(general({ kind: 'agreed', keyParameters: Uint8Array.of(2) }), 'static-key');
  const named = (apdu: string) => formOf({ apdu } as Parameters<typeof formOf>[0]);
  for (const [apdu, dedicated, form] of [
    ['glo-get-request', false, 'service'],
    ['ded-get-request', true, 'service'],
    ['general-glo-ciphering', false, 'general'],
    ['general-ded-ciphering', true, 'general'],
  ] as const)
    assert.deepEqual(named(apdu), { dedicated, form, transactionId: null }, apdu);
});

test('a GMAC proof under another security control than that of the suite is refused, though its tag is right', () => {
  // Suites 0 and 1 have the same cipher and keys of the same length: only the control octet tells them apart.
  const meterSees = { ownTitle: METER, peerTitle: CLIENT, received: GET, sent: METER };
  const clientSees = { ownTitle: CLIENT, peerTitle: METER, received: METER, sent: GET };
  const secret = { mechanism: 'hls-gmac' } as const;
  const contextOf = (suite: SuiteId) => ({
    suite,
    keys: keysOf(0),
    counter: CounterSender.unreserved(1),
    peerCounter: new CounterReceiver(),
  });
  for (const suite of [0, 1] as const) {
    const proof = proofOf(secret, clientSees, contextOf(suite));
    checkProof(proof, secret, meterSees, contextOf(suite));
    refuses(() => checkProof(proof, secret, meterSees, contextOf(suite === 0 ? 1 : 0)), 'SECURITY_PROOF');
    refuses(() => checkProof(proof.slice(0, -1), secret, meterSees, contextOf(suite)), 'SECURITY_PROOF');
  }
});
