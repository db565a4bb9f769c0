/** Associations in general-ciphering and general-signing: every way to tell the key, both roles, and what is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex, toHex } from '../../../../src/base/bytes.ts';
import { encodeWrapper } from '../../../../src/dlms/frame/wrapper-frame.ts';
import { type CipherKeys, sealGeneralCiphering, sealService } from '../../../../src/dlms/security/ciphering.ts';
import { CounterReceiver, CounterSender } from '../../../../src/dlms/security/counters.ts';
import { Dialect } from '../../../../src/dlms/security/dialect.ts';
import type { MessageForm } from '../../../../src/dlms/security/message-form.ts';
import { SecretKey } from '../../../../src/dlms/security/secret-key.ts';
import { PROTECTED, type SecurityPolicy, UNPROTECTED } from '../../../../src/dlms/security/secure-channel.ts';
import { signApdu } from '../../../../src/dlms/security/signing.ts';
import { SUITES, type SuiteId } from '../../../../src/dlms/security/suite.ts';
import type { ClientSecurity } from '../../../../src/dlms/session/client-guard.ts';
import type { ServerSecurity } from '../../../../src/dlms/session/object-model.ts';
import type { Outcome } from '../../../../src/dlms/session/request.ts';
import { decodeApdu, encodeApdu } from '../../../../src/dlms/xdlms/codec.ts';
import { freshPair, randomOctets } from '../../../support/fresh-pair.ts';
import { attributeOf, PROFILE, register, SCRIPT, TEXT } from './bench-meter.ts';
import { Pair, type PairOptions } from './pair.ts';

const CLIENT = fromHex('4d4d4d0000000001');
const METER = fromHex('4d4d4d0000bc614e');
const SAP = 32;
const CIPHERED: SecurityPolicy = { requests: PROTECTED, responses: PROTECTED };
const SIGNED = { ...PROTECTED, signed: true };
const keyOf = (suite: SuiteId, first: number): SecretKey =>
  new SecretKey(Uint8Array.from({ length: SUITES[suite].keyBytes }, (_, at) => (first + at) & 0xff));

/** Keys of both sides of a suite, with pairs for agreement and signing where it has curves. */
function keysOf(suite: SuiteId): { client: CipherKeys; meter: CipherKeys } {
  const shared: CipherKeys = {
    encryption: keyOf(suite, 0),
    authentication: keyOf(suite, 0xd0),
    broadcast: keyOf(suite, 0x20),
    master: keyOf(suite, 0x60),
  };
  const curve = SUITES[suite].curve;
  if (curve === null) return { client: shared, meter: shared };
  const [agrees, meterAgrees, signs, meterSigns] = [
    freshPair(curve),
    freshPair(curve),
    freshPair(curve),
    freshPair(curve),
  ];
  return {
    client: {
      ...shared,
      agreement: { own: agrees, peerPublicKey: meterAgrees.publicKey, suite2Agreement: true },
      signing: { own: signs, peerPublicKey: meterSigns.publicKey },
    },
    meter: {
      ...shared,
      agreement: { own: meterAgrees, peerPublicKey: agrees.publicKey, suite2Agreement: true },
      signing: { own: meterSigns, peerPublicKey: signs.publicKey },
    },
  };
}
const KEYS = { 0: keysOf(0), 1: keysOf(1), 2: keysOf(2) };

interface Given {
  readonly suite?: SuiteId;
  readonly policy?: SecurityPolicy;
  readonly form?: MessageForm;
  readonly client?: Partial<ClientSecurity>;
  readonly meter?: Partial<ServerSecurity>;
  readonly pair?: Partial<PairOptions>;
}

function secured(given: Given = {}): { pair: Pair; security: ClientSecurity; server: ServerSecurity } {
  const suite = given.suite ?? 1;
  const policy = given.policy ?? CIPHERED;
  const security: ClientSecurity = {
    suite,
    clientTitle: CLIENT,
    serverTitle: METER,
    keys: KEYS[suite].client,
    counter: CounterSender.unreserved(1),
    serverCounter: new CounterReceiver(),
    policy,
    form: given.form ?? 'service',
    random: randomOctets,
    ...given.client,
  };
  const server: ServerSecurity = {
    suite,
    clientTitle: null,
    keys: KEYS[suite].meter,
    counter: CounterSender.unreserved(1),
    clientCounter: new CounterReceiver(),
    policy,
    ...given.meter,
  };
  const { client, ...pair } = given.pair ?? {};
  return {
    security,
    server,
    pair: new Pair({
      framing: 'wrapper',
      sap: SAP,
      systemTitle: METER,
      random: randomOctets,
      clients: [{ sap: SAP, authentication: { mechanism: 'hls-gmac' }, security: server }],
      ...pair,
      client: { authentication: { mechanism: 'hls-gmac', challenge: randomOctets(16) }, security, ...client },
    }),
  };
}

const results = (outcome: Outcome): readonly unknown[] => {
  assert.ok(outcome.kind === 'answered', 'error' in outcome ? outcome.error.message : outcome.kind);
  return outcome.answer.results;
};

/** Reads, blocks, writes and methods; then releases, with nothing discarded. */
function works(pair: Pair): void {
  assert.ok(pair.connect(), String(pair.closed?.code));
  const seven = { data: { type: 'double-long-unsigned', value: 700 } };
  assert.deepEqual(results(pair.ask({ service: 'get', items: [register(7)] })), [seven]);
  const [profile] = results(pair.ask({ service: 'get', items: [attributeOf(7, PROFILE)] }));
  assert.ok(typeof profile === 'object' && profile !== null && 'data' in profile);
  const long = { type: 'octet-string', value: randomOctets(900) } as const;
  const set = pair.ask({ service: 'set', items: [{ attribute: attributeOf(1, TEXT), value: long }] });
  assert.deepEqual(results(set), [0]);
  const method = { classId: 9, instanceId: SCRIPT, methodId: 2 };
  const echo = pair.ask({ service: 'action', items: [{ method, parameters: long }] });
  assert.deepEqual(results(echo), [{ actionResult: 0, returnParameters: { data: long } }]);
  pair.release();
  assert.deepEqual(pair.closed, { code: null });
  const discarded = [...pair.events, ...pair.served].filter(({ kind }) => kind === 'discarded');
  assert.deepEqual(discarded, []);
}

const FORMS: Readonly<Record<SuiteId, readonly MessageForm[]>> = {
  0: ['identified-key', 'wrapped-key'],
  1: ['identified-key', 'wrapped-key', 'one-pass-key', 'static-key'],
  2: ['identified-key', 'wrapped-key', 'one-pass-key', 'static-key'],
};
/** PDUs so small that answers must go in blocks with the room that each form takes. */
const SMALL: Partial<PairOptions> = { serverPduMaxBytes: 600, client: { clientPduMaxBytes: 600 } };

for (const form of ['wrapped-key', 'one-pass-key', 'static-key'] as const)
  test(`HE-7 an association by ${form}, initiate and proofs too, works for a client that has not the encryption key`, () => {
    const { own, peerPublicKey } = KEYS[1].client.signing ?? assert.fail();
    const meterSigns = KEYS[1].meter.signing ?? assert.fail();
    const open = (initiateForm: MessageForm) =>
      secured({
        form,
        client: { keys: { ...KEYS[1].client, encryption: keyOf(1, 0x99) }, initiateForm },
        pair: {
          clients: [
            {
              sap: SAP,
              authentication: { mechanism: 'hls-ecdsa', own: meterSigns.own, peerPublicKey: meterSigns.peerPublicKey },
              security: {
                suite: 1,
                clientTitle: null,
                keys: KEYS[1].meter,
                counter: CounterSender.unreserved(1),
                clientCounter: new CounterReceiver(),
                policy: CIPHERED,
              },
            },
          ],
          client: {
            authentication: { mechanism: 'hls-ecdsa', challenge: randomOctets(32), own, peerPublicKey },
          },
        },
      }).pair;
    works(open(form));
    assert.equal(open('service').connect(), false, 'the key is another one');
  });

for (const suite of [0, 1, 2] as const) {
  for (const form of FORMS[suite]) {
    test(`HE-7 general-ciphering, suite ${suite}, ${form}, in an association, over the wrapper and HDLC 128`, () => {
      works(secured({ suite, form }).pair);
      works(secured({ suite, form, pair: { framing: 'hdlc', ...SMALL } }).pair);
    });
    if (suite === 0) continue;
    test(`HE-7 general-signing around ${form}, suite ${suite}, demanded both ways`, () => {
      const policy = { requests: SIGNED, responses: SIGNED };
      works(secured({ suite, form, policy }).pair);
      if (form === 'one-pass-key') works(secured({ suite, form, policy, pair: { framing: 'hdlc', ...SMALL } }).pair);
    });
  }
}

test('HE-7 signatures alone, around glo-services, and in one direction', () => {
  const only = { ...UNPROTECTED, signed: true };
  works(secured({ policy: { requests: only, responses: only } }).pair);
  works(secured({ suite: 2, policy: { requests: SIGNED, responses: PROTECTED } }).pair);
  works(secured({ policy: { requests: PROTECTED, responses: SIGNED }, form: 'general' }).pair);
});

test('HE-7 no answer is longer than the client takes, whatever its protection adds', () => {
  const policy = { requests: SIGNED, responses: SIGNED };
  const { pair } = secured({ suite: 2, form: 'one-pass-key', policy, pair: SMALL });
  assert.ok(pair.connect());
  let longest = 0;
  const id = pair.client.request({ service: 'get', items: [attributeOf(7, PROFILE)] }, pair.line.nowMs);
  for (let round = 0; round < 100 && !pair.outcomes.has(id); round++) {
    for (const asked of pair.client.takeOutput()) pair.server.receive(asked, pair.line.nowMs);
    for (const answer of pair.server.takeOutput()) {
      longest = Math.max(longest, answer.length - 8);
      for (const event of pair.client.receive(answer, pair.line.nowMs))
        if (event.kind === 'done') pair.outcomes.set(event.id, event.outcome);
    }
  }
  assert.equal(pair.outcomes.get(id)?.kind, 'answered');
  assert.ok(longest > 500 && longest <= 600, `${longest} octets`);
});

test('HE-7 an answer carries the transaction of its request, and requests never the same', () => {
  const { pair } = secured({ form: 'static-key' });
  assert.ok(pair.connect());
  const seen: string[] = [];
  for (const number of [1, 2, 3]) {
    pair.client.request({ service: 'get', items: [register(number)] }, pair.line.nowMs);
    const [asked] = pair.client.takeOutput();
    assert.ok(asked !== undefined);
    pair.server.receive(asked, pair.line.nowMs);
    const [answer] = pair.server.takeOutput();
    assert.ok(answer !== undefined);
    const [request, response] = [decodeApdu(asked.subarray(8)), decodeApdu(answer.subarray(8))];
    assert.ok(request.apdu === 'general-ciphering' && response.apdu === 'general-ciphering');
    assert.equal(toHex(response.transactionId), toHex(request.transactionId));
    seen.push(toHex(request.transactionId));
    pair.client.receive(answer, pair.line.nowMs);
  }
  assert.equal(new Set(seen).size, 3);
});

test('HE-7 the other reading of the standard is tried once, remembered for the next session, and told', () => {
  const dialect = new Dialect();
  const other = { generalCipheringAad: 'short', signContentLength: true } as const;
  // Requests without a tag teach the meter nothing: it stays with its reading.
  const policy = { requests: { authenticated: false, encrypted: true }, responses: SIGNED };
  const given = { form: 'wrapped-key', policy, client: { dialect }, meter: { dialect: new Dialect(other) } } as const;
  const { pair } = secured(given);
  assert.ok(pair.connect());
  assert.equal(results(pair.ask({ service: 'get', items: [register(1)] })).length, 1);
  const learned = pair.events.flatMap((event) => (event.kind === 'dialect' ? [event.learned] : []));
  assert.deepEqual(dialect.switches, other);
  assert.deepEqual(learned.toSorted(), ['generalCipheringAad', 'signContentLength']);
  const next = secured(given).pair;
  works(next);
  assert.ok(next.events.every(({ kind }) => kind !== 'dialect'));
});

/** The server hears octets as if they came over the line; what it did. */
function heard(pair: Pair, apdu: Uint8Array): { codes: string[]; answer: string | null } {
  const events = pair.server.receive(encodeWrapper({ source: SAP, destination: 1, apdu }), pair.line.nowMs);
  const [answer] = pair.server.takeOutput();
  return {
    codes: events.flatMap((event) => (event.kind === 'discarded' ? [event.code] : [])),
    answer: answer === undefined ? null : toHex(answer.subarray(8)),
  };
}
const DECIPHERING_ERROR = 'd80105';
const GET = encodeApdu({
  apdu: 'get-request-normal',
  invokeId: 3,
  confirmed: true,
  highPriority: true,
  attribute: register(7),
  access: null,
});
const HEADER = {
  transactionId: fromHex('0102030405060708'),
  originatorSystemTitle: CLIENT,
  recipientSystemTitle: METER,
  dateTime: new Uint8Array(0),
  otherInformation: new Uint8Array(0),
};

test('HE-7 where signatures are demanded, no, a foreign, a changed or a second signature is refused', () => {
  const policy = { requests: SIGNED, responses: SIGNED };
  const { pair, security } = secured({ policy });
  assert.ok(pair.connect());
  const { client } = KEYS[1];
  assert.ok(client.signing !== undefined);
  const own = client.signing.own;
  const seal = (invocationCounter: number) =>
    encodeApdu(
      sealService(GET, { ...PROTECTED, suite: 1, title: CLIENT, keys: client, invocationCounter, keySet: 'unicast' }),
    );
  const from = security.counter.next;
  const refused = { codes: ['SECURITY_POLICY'], answer: DECIPHERING_ERROR };
  assert.deepEqual(heard(pair, seal(from + 1)), refused);
  assert.deepEqual(heard(pair, encodeApdu(signApdu(GET, HEADER, own))), refused);
  const twice = encodeApdu(signApdu(encodeApdu(signApdu(seal(from + 2), HEADER, own)), HEADER, own));
  assert.deepEqual(heard(pair, twice), refused);
  const foreign = { codes: ['SECURITY_SIGNATURE'], answer: DECIPHERING_ERROR };
  assert.deepEqual(heard(pair, encodeApdu(signApdu(seal(from + 3), HEADER, freshPair('P-256')))), foreign);
  const signed = signApdu(seal(from + 4), HEADER, own);
  assert.deepEqual(heard(pair, encodeApdu({ ...signed, otherInformation: Uint8Array.of(1) })), foreign);
  const elsewhere = { ...HEADER, recipientSystemTitle: fromHex('4d4d4d00000000ff') };
  const mine = { codes: ['SECURITY_TITLE'], answer: DECIPHERING_ERROR };
  assert.deepEqual(heard(pair, encodeApdu(signApdu(seal(from + 5), elsewhere, own))), mine);
  assert.deepEqual(heard(pair, encodeApdu(signApdu(seal(from + 6), HEADER, own))).codes, []);
});

test('HE-7 a message under a key of its own is good once, in this association and in the next', () => {
  const clientCounter = new CounterReceiver();
  const { client } = KEYS[1];
  const replayed = encodeApdu(
    sealGeneralCiphering(GET, {
      ...PROTECTED,
      suite: 1,
      header: HEADER,
      keys: client,
      key: { kind: 'wrapped', key: keyOf(1, 0x99) },
      invocationCounter: 1_000,
    }),
  );
  const first = secured({ meter: { clientCounter } });
  assert.ok(first.pair.connect());
  assert.deepEqual(heard(first.pair, replayed).codes, []);
  assert.deepEqual(heard(first.pair, replayed).codes, ['SECURITY_REPLAY']);
  const second = secured({ meter: { clientCounter }, client: { counter: CounterSender.unreserved(1_001) } });
  assert.ok(second.pair.connect());
  assert.deepEqual(heard(second.pair, replayed).codes, ['SECURITY_REPLAY']);
});

test('HE-7 the broadcast key: refused for all but unconfirmed blocks of an image, taken once for those, and only where it is let in', () => {
  const { client } = KEYS[1];
  const action = (confirmed: boolean, method = { classId: 18, instanceId: SCRIPT, methodId: 2 }) =>
    encodeApdu({
      apdu: 'action-request-normal',
      invokeId: 3,
      confirmed,
      highPriority: false,
      method,
      parameters: null,
    });
  const common = { ...PROTECTED, suite: 1, keys: client } as const;
  const service = (plain: Uint8Array, invocationCounter: number) =>
    encodeApdu(sealService(plain, { ...common, title: CLIENT, invocationCounter, keySet: 'broadcast' }));
  const identified = (plain: Uint8Array, invocationCounter: number) => {
    const key = { kind: 'identified', keySet: 'broadcast' } as const;
    return encodeApdu(sealGeneralCiphering(plain, { ...common, header: HEADER, key, invocationCounter }));
  };
  const closed = secured().pair;
  assert.ok(closed.connect());
  for (const seal of [service, identified])
    assert.deepEqual(heard(closed, seal(action(false), 5)).codes, ['SECURITY_POLICY']);
  const { pair } = secured({ meter: { broadcastCounter: new CounterReceiver() } });
  assert.ok(pair.connect());
  assert.deepEqual(heard(pair, service(action(true), 5)), { codes: ['SECURITY_POLICY'], answer: DECIPHERING_ERROR });
  assert.deepEqual(heard(pair, service(GET, 6)).codes, ['SECURITY_POLICY']);
  const script = { classId: 9, instanceId: SCRIPT, methodId: 1 };
  for (const [at, method] of [script, { ...script, classId: 18, methodId: 4 }].entries())
    assert.deepEqual(heard(pair, service(action(false, method), 61 + at)).codes, ['SECURITY_POLICY']);
  assert.equal(pair.meter.invoked.length, 0);
  assert.deepEqual(heard(pair, service(action(false), 70)), { codes: [], answer: null });
  assert.deepEqual(heard(pair, identified(action(false), 80)), { codes: [], answer: null });
  assert.deepEqual(heard(pair, identified(action(false), 80)).codes, ['SECURITY_REPLAY']);
  // Its counter is one of its own: the association goes on under the unicast key.
  assert.equal(results(pair.ask({ service: 'get', items: [register(1)] })).length, 1);
});
