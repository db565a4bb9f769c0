/** Associations with keys: every mechanism and suite, client against server, and what each side refuses of the other. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fromHex, toHex } from '../../../../src/base/bytes.ts';
import { encodeWrapper } from '../../../../src/dlms/frame/wrapper-frame.ts';
import { CounterReceiver, CounterSender } from '../../../../src/dlms/security/counters.ts';
import type { HlsSecret } from '../../../../src/dlms/security/hls.ts';
import type { MeterSecurity } from '../../../../src/dlms/security/meter-security.ts';
import { SecretKey } from '../../../../src/dlms/security/secret-key.ts';
import { PROTECTED, type SecurityPolicy, UNPROTECTED } from '../../../../src/dlms/security/secure-channel.ts';
import { SUITES, type SuiteId } from '../../../../src/dlms/security/suite.ts';
import type { HlsAuthentication } from '../../../../src/dlms/session/association.ts';
import type { ClientSecurity } from '../../../../src/dlms/session/client-guard.ts';
import type { ServerClient } from '../../../../src/dlms/session/object-model.ts';
import type { MeterRequest, Outcome } from '../../../../src/dlms/session/request.ts';
import { ShortNames } from '../../../../src/dlms/session/short-names.ts';
import { hlsSignOn } from '../../../../src/dlms/session/sign-on.ts';
import type { Apdu } from '../../../../src/dlms/xdlms/apdu.ts';
import { decodeApdu, encodeApdu } from '../../../../src/dlms/xdlms/codec.ts';
import { freshPair } from '../../../support/fresh-pair.ts';
import { attributeOf, PROFILE, register, SCRIPT, TEXT } from './bench-meter.ts';
import { PASSWORD, Pair, type PairOptions } from './pair.ts';

const CLIENT_TITLE = fromHex('4d4d4d0000000001');
const SERVER_TITLE = fromHex('4d4d4d0000bc614e');
const SAP = 32;
const ALL: SecurityPolicy = { requests: PROTECTED, responses: PROTECTED };
const NONE: SecurityPolicy = { requests: UNPROTECTED, responses: UNPROTECTED };
const keyOf = (suite: SuiteId, first: number): SecretKey =>
  new SecretKey(Uint8Array.from({ length: SUITES[suite].keyBytes }, (_, at) => (first + at) & 0xff));
const octetsOf = (count: number, first: number): Uint8Array =>
  Uint8Array.from({ length: count }, (_, at) => (first + 7 * at) & 0xff);

interface Secured {
  readonly suite?: SuiteId;
  readonly policy?: SecurityPolicy;
  readonly serverPolicy?: SecurityPolicy;
  readonly client?: Partial<ClientSecurity>;
  readonly serverSide?: Partial<NonNullable<ServerClient['security']>>;
  /** Both sides' secrets; default GMAC. */
  readonly secrets?: { readonly client: HlsSecret; readonly server: ServerClient['authentication'] };
  readonly challenge?: Uint8Array;
  readonly pair?: Partial<PairOptions>;
}

/** A client and a server that share keys. */
function secured(given: Secured = {}): {
  pair: Pair;
  security: ClientSecurity;
  server: NonNullable<ServerClient['security']>;
} {
  const suite = given.suite ?? 0;
  const policy = given.policy ?? ALL;
  const keys = { encryption: keyOf(suite, 0), authentication: keyOf(suite, 0xd0) };
  const security: ClientSecurity = {
    suite,
    clientTitle: CLIENT_TITLE,
    serverTitle: SERVER_TITLE,
    keys,
    counter: CounterSender.unreserved(1),
    serverCounter: new CounterReceiver(),
    policy,
    ...given.client,
  };
  const server = {
    suite,
    clientTitle: null,
    keys,
    counter: CounterSender.unreserved(1),
    clientCounter: new CounterReceiver(),
    policy: given.serverPolicy ?? policy,
    ...given.serverSide,
  };
  const secrets = given.secrets ?? { client: { mechanism: 'hls-gmac' }, server: { mechanism: 'hls-gmac' } };
  const authentication: HlsAuthentication = { ...secrets.client, challenge: given.challenge ?? octetsOf(16, 1) };
  const { client, ...pair } = given.pair ?? {};
  return {
    security,
    server,
    pair: new Pair({
      framing: 'wrapper',
      sap: SAP,
      systemTitle: SERVER_TITLE,
      random: (count) => octetsOf(count, 99),
      clients: [{ sap: SAP, authentication: secrets.server, security: server }],
      ...pair,
      client: { authentication, security, ...client },
    }),
  };
}

const results = (outcome: Outcome): readonly unknown[] => {
  assert.equal(outcome.kind, 'answered', 'error' in outcome ? outcome.error.message : outcome.kind);
  return outcome.kind === 'answered' ? outcome.answer.results : [];
};

/** Reads, lists, blocks, writes and methods; then releases. */
function works(pair: Pair): void {
  assert.ok(pair.connect(), String(pair.closed?.code));
  assert.deepEqual(results(pair.ask({ service: 'get', items: [register(7)] })), [
    { data: { type: 'double-long-unsigned', value: 700 } },
  ]);
  const many = Array.from({ length: 40 }, (_, number) => register(number));
  assert.equal(results(pair.ask({ service: 'get', items: many })).length, 40);
  const [profile] = results(pair.ask({ service: 'get', items: [attributeOf(7, PROFILE)] }));
  assert.ok(typeof profile === 'object' && profile !== null && 'data' in profile);
  const long = { type: 'octet-string', value: octetsOf(900, 3) } as const;
  assert.deepEqual(
    results(pair.ask({ service: 'set', items: [{ attribute: attributeOf(1, TEXT), value: long }] })),
    [0],
  );
  const method = { classId: 9, instanceId: SCRIPT, methodId: 2 };
  const echo = pair.ask({ service: 'action', items: [{ method, parameters: long }] });
  assert.deepEqual(results(echo), [{ actionResult: 0, returnParameters: { data: long } }]);
  pair.release();
  assert.deepEqual(pair.closed, { code: null });
  assert.deepEqual(
    [...pair.events, ...pair.served].filter(({ kind }) => kind === 'discarded'),
    [],
  );
}

const SMALL: Partial<PairOptions> = { serverPduMaxBytes: 200, client: { clientPduMaxBytes: 256 } };
/** HDLC with what holds when nothing is said: fields of 128 octets, window 1. */
const HDLC_128: Partial<PairOptions> = { framing: 'hdlc' };
const TRANSPORTS: readonly (readonly [string, Partial<PairOptions>])[] = [
  ['wrapper', {}],
  ['wrapper, small PDU', SMALL],
  ['HDLC 128', HDLC_128],
  ['HDLC 128, small PDU', { ...HDLC_128, ...SMALL }],
];

const SECRET = new SecretKey(fromHex('47757275783132333435363738393021'));
const PAIRS = { 1: [freshPair('P-256'), freshPair('P-256')], 2: [freshPair('P-384'), freshPair('P-384')] } as const;

function secretsOf(mechanism: HlsSecret['mechanism'], suite: SuiteId): NonNullable<Secured['secrets']> {
  if (mechanism === 'hls-gmac') return { client: { mechanism }, server: { mechanism } };
  if (mechanism === 'hls-ecdsa') {
    const [client, server] = PAIRS[suite === 2 ? 2 : 1];
    return {
      client: { mechanism, own: client, peerPublicKey: server.publicKey },
      server: { mechanism, own: server, peerPublicKey: client.publicKey },
    };
  }
  if (mechanism === 'hls') {
    const prove = ({ received }: { readonly received: Uint8Array }) => Uint8Array.from(received).reverse();
    const vendor: HlsSecret = { mechanism, prove, check: (proof, peers) => toHex(proof) === toHex(prove(peers)) };
    return { client: vendor, server: vendor };
  }
  return { client: { mechanism, secret: SECRET }, server: { mechanism, secret: SECRET } };
}

const MECHANISMS: readonly (readonly [HlsSecret['mechanism'], readonly SuiteId[]])[] = [
  ['hls', [0]],
  ['hls-md5', [0]],
  ['hls-sha1', [0]],
  ['hls-gmac', [0, 1, 2]],
  ['hls-sha256', [0, 1, 2]],
  ['hls-ecdsa', [1, 2]],
];

for (const [mechanism, suites] of MECHANISMS) {
  for (const suite of suites) {
    for (const [name, pair] of TRANSPORTS) {
      test(`HE-7 ${mechanism}, suite ${suite}, everything ciphered, over ${name}, logical and short names`, () => {
        const challenge = octetsOf(mechanism === 'hls-ecdsa' ? 32 : 16, 1);
        const secrets = secretsOf(mechanism, suite);
        works(secured({ suite, secrets, challenge, pair }).pair);
        works(secured({ suite, secrets, challenge, pair: { ...pair, shortNames: new ShortNames() } }).pair);
      });
    }
  }
}

test('HE-7 authentication only, encryption only, one way only, and proof without any ciphering', () => {
  const tag = { authenticated: true, encrypted: false };
  const cipher = { authenticated: false, encrypted: true };
  for (const policy of [
    { requests: tag, responses: tag },
    { requests: cipher, responses: cipher },
    { requests: PROTECTED, responses: tag },
    NONE,
  ])
    works(secured({ policy }).pair);
});

test('HE-7 a dedicated key, general ciphering, and both together', () => {
  for (const suite of [0, 1, 2] as const) {
    const dedicatedKey = keyOf(suite, 0x55);
    works(secured({ suite, client: { dedicatedKey } }).pair);
    works(secured({ suite, client: { form: 'general' }, pair: SMALL }).pair);
    works(secured({ suite, client: { form: 'general', dedicatedKey }, pair: HDLC_128 }).pair);
    const short = () => ({ ...SMALL, shortNames: new ShortNames() });
    works(secured({ suite, client: { dedicatedKey }, pair: short() }).pair);
    works(secured({ suite, client: { form: 'general', dedicatedKey }, pair: short() }).pair);
  }
});

test('HE-7 low-level security and none inside a ciphered context', () => {
  for (const authentication of [{ mechanism: 'lls', password: PASSWORD } as const, { mechanism: 'none' } as const]) {
    const { pair, security, server } = secured();
    assert.ok(pair);
    works(
      new Pair({
        framing: 'wrapper',
        sap: SAP,
        systemTitle: SERVER_TITLE,
        clients: [{ sap: SAP, authentication, security: server }],
        client: { authentication, security },
      }),
    );
  }
});

test('HE-7 the short form of mechanism 6 is a switch of both sides', () => {
  const short: HlsSecret = { mechanism: 'hls-sha256', secret: SECRET, form: 'short' };
  const long: HlsSecret = { mechanism: 'hls-sha256', secret: SECRET };
  works(secured({ secrets: { client: short, server: short } }).pair);
  const { pair } = secured({ secrets: { client: short, server: long } });
  assert.ok(!pair.connect());
  assert.equal(pair.closed?.code, 'SECURITY_PROOF');
});

test('HE-7 a meter whose title is not known yet is believed by its tags, and its title is learned', () => {
  works(secured({ client: { serverTitle: null } }).pair);
});

/** What the client says when the association is refused. */
const closedWith = (given: Secured): string | null | undefined => {
  const { pair } = secured(given);
  assert.ok(!pair.connect());
  return pair.closed?.code;
};

test('HE-7 a wrong secret, key or title is refused, by either side', () => {
  const wrong: HlsSecret = { mechanism: 'hls-md5', secret: keyOf(0, 9) };
  const right: HlsSecret = { mechanism: 'hls-md5', secret: SECRET };
  assert.equal(closedWith({ secrets: { client: wrong, server: right } }), 'SECURITY_PROOF');
  assert.equal(
    closedWith({ client: { keys: { encryption: keyOf(0, 1), authentication: keyOf(0, 0xd0) } } }),
    'SESSION_ASSOCIATION_REFUSED',
  );
  assert.equal(closedWith({ client: { serverTitle: fromHex('4d4d4d0000bc614f') } }), 'SECURITY_TITLE');
  assert.equal(closedWith({ serverSide: { clientTitle: fromHex('4d4d4d00000000ff') } }), 'SESSION_ASSOCIATION_REFUSED');
  assert.equal(closedWith({ client: { clientTitle: SERVER_TITLE, serverTitle: null } }), 'SESSION_ASSOCIATION_REFUSED');
});

test('HE-7 a server that cannot prove itself gets nothing: its own wrong secret, told to a client that has the right one', () => {
  const { client, server } = secretsOf('hls-ecdsa', 1);
  assert.ok(server.mechanism === 'hls-ecdsa');
  const impostor = { ...server, own: freshPair('P-256') };
  const challenge = octetsOf(32, 1);
  assert.equal(closedWith({ suite: 1, secrets: { client, server: impostor }, challenge }), 'SECURITY_PROOF');
});

test('HE-7 short and reflected challenges are refused on both sides', () => {
  assert.equal(closedWith({ challenge: octetsOf(7, 1) }), 'SECURITY_CHALLENGE');
  assert.equal(closedWith({ challenge: octetsOf(65, 1) }), 'SECURITY_CHALLENGE');
  assert.equal(closedWith({ pair: { random: () => octetsOf(7, 1) } }), 'SECURITY_CHALLENGE');
  // Mechanisms 3 and 4 have no titles in them: our own challenge sent back would let the meter prove itself with our words.
  const { client, server } = secretsOf('hls-md5', 0);
  const mirror = { random: () => octetsOf(16, 1) };
  assert.equal(closedWith({ secrets: { client, server }, pair: mirror }), 'SESSION_ASSOCIATION_REFUSED');
});

test('HE-7 a server that has no random octets takes nobody who must be challenged', () => {
  assert.equal(closedWith({ pair: { random: null } }), 'SESSION_ASSOCIATION_REFUSED');
});

test('HE-7 downgrades: another mechanism, a plain context, a plain initiate are refused', () => {
  const lls: NonNullable<Secured['secrets']>['server'] = { mechanism: 'lls', password: PASSWORD };
  assert.equal(
    closedWith({ secrets: { client: { mechanism: 'hls-gmac' }, server: lls } }),
    'SESSION_ASSOCIATION_REFUSED',
  );
  assert.equal(closedWith({ serverPolicy: NONE }), 'SESSION_ASSOCIATION_REFUSED');
  assert.equal(closedWith({ policy: NONE, serverPolicy: ALL }), 'SESSION_ASSOCIATION_REFUSED');
  const tagOnly = { requests: PROTECTED, responses: { authenticated: true, encrypted: false } };
  assert.equal(closedWith({ serverPolicy: tagOnly }), 'SECURITY_POLICY');
  assert.equal(closedWith({ serverPolicy: { ...ALL, responses: UNPROTECTED } }), 'SECURITY_POLICY');
});

test('HE-7 counters: an old one is refused with the expected one, which raises ours, and never lowers it', () => {
  const clientCounter = new CounterReceiver(500);
  const { pair, security } = secured({ serverSide: { clientCounter } });
  assert.ok(!pair.connect());
  assert.equal(pair.closed?.code, 'SESSION_COUNTER');
  const refused = pair.events.find(({ kind }) => kind === 'counter-refused');
  assert.deepEqual(refused, { kind: 'counter-refused', expected: 501 });
  security.counter.raise(501);
  assert.equal(security.counter.next, 502);
  security.counter.raise(3);
  assert.equal(security.counter.next, 502);
  works(secured({ client: { counter: security.counter }, serverSide: { clientCounter } }).pair);
});

test('HE-7 an answer with an old counter is refused', () => {
  assert.equal(closedWith({ client: { serverCounter: new CounterReceiver(1_000) } }), 'SECURITY_REPLAY');
});

test('HE-7 without a reserved counter nothing is sent; a low block is told in time, and extending it goes on', () => {
  const none = secured({ client: { counter: new CounterSender(10) } });
  assert.ok(!none.pair.connect());
  assert.equal(none.pair.closed?.code, 'SECURITY_COUNTER_RESERVED');
  const counter = new CounterSender(10, 15);
  const { pair } = secured({ client: { counter } });
  assert.ok(pair.connect());
  const low = pair.events.find((event) => event.kind === 'counter-low');
  assert.ok(low?.kind === 'counter-low' && low.reservation === 115);
  const ask = () => pair.ask({ service: 'get', items: [register(1)] });
  while (counter.left > 0) assert.equal(results(ask()).length, 1);
  const stopped = ask();
  assert.ok(stopped.kind === 'failed' && stopped.error.code === 'SECURITY_COUNTER_RESERVED');
  counter.extend(low.reservation);
  assert.equal(results(ask()).length, 1);
  assert.equal(pair.events.filter(({ kind }) => kind === 'counter-low').length > 0, true);
});

test('HE-7 a server without counters left answers with an exception, and does not fall', () => {
  const { pair } = secured({ serverSide: { counter: new CounterSender(1, 5) } });
  assert.ok(pair.connect());
  results(pair.ask({ service: 'get', items: [register(1)] }));
  assert.equal(pair.ask({ service: 'get', items: [register(1)] }).kind, 'refused');
  assert.ok(pair.served.some((event) => event.kind === 'discarded' && event.code === 'SECURITY_COUNTER_RESERVED'));
});

test('HE-7 nothing but pass 3 is served before the client has proved itself', () => {
  const { pair } = secured({ policy: NONE });
  pair.client.connect(0);
  pair.client.tick(0);
  const [aarq] = pair.client.takeOutput();
  assert.ok(aarq !== undefined);
  pair.server.receive(aarq, 0);
  const [aare] = pair.server.takeOutput();
  assert.ok(aare !== undefined && decodeApdu(aare.subarray(8)).apdu === 'aare');
  const get = fromHex('000100200001000dc001c100080000010000ff0200');
  pair.server.receive(get, 0);
  const [answer] = pair.server.takeOutput();
  assert.ok(answer !== undefined);
  assert.equal(toHex(answer.subarray(8)), 'd80101');
});

const NOTICE = {
  apdu: 'data-notification',
  longInvokeId: 5,
  selfDescriptive: false,
  breakOnError: false,
  confirmed: false,
  highPriority: false,
  dateTime: new Uint8Array(0),
  taggedDateTime: false,
  body: { type: 'unsigned', value: 7 },
} as const;

/** Octets to the client of a pair, as if they came over the line. */
const tell = (pair: Pair, apdu: Uint8Array): void => {
  const events = pair.client.receive(encodeWrapper({ source: 1, destination: SAP, apdu }), pair.line.nowMs);
  pair.events.push(...events);
};

test('HE-7 a push of a meter with keys goes as general-glo and is opened; a plain one is not believed', () => {
  const { pair } = secured();
  assert.ok(pair.connect());
  pair.server.push(NOTICE, { client: SAP, server: 1 }, pair.line.nowMs);
  const [pushed] = pair.server.takeOutput();
  assert.ok(pushed !== undefined);
  const outer = decodeApdu(pushed.subarray(8));
  assert.equal(outer.apdu, 'general-glo-ciphering');
  tell(pair, pushed.subarray(8));
  assert.ok(
    pair.events.some(
      (event) => event.kind === 'notification' && toHex(encodeApdu(event.apdu)) === toHex(encodeApdu(NOTICE)),
    ),
  );
  tell(pair, pushed.subarray(8));
  tell(pair, encodeApdu(NOTICE));
  const codes = pair.events.flatMap((event) => (event.kind === 'discarded' ? [event.code] : []));
  assert.deepEqual(codes, ['SECURITY_REPLAY', 'SECURITY_POLICY']);
});

/** The client asks, and somebody on the line answers before the meter does. */
function intruded(answer: Apdu, request: MeterRequest): { pair: Pair; outcome: Outcome | undefined } {
  const { pair } = secured();
  assert.ok(pair.connect());
  const id = pair.client.request(request, pair.line.nowMs);
  pair.client.takeOutput();
  tell(pair, encodeApdu(answer));
  const done = pair.events.find((event) => event.kind === 'done' && event.id === id);
  return { pair, outcome: done?.kind === 'done' ? done.outcome : undefined };
}

const READ: MeterRequest = { service: 'get', items: [register(1)] };
const SWITCH: MeterRequest = {
  service: 'action',
  items: [{ method: { classId: 9, instanceId: SCRIPT, methodId: 1 }, parameters: null }],
};

test('HE-7 a plain answer under a ciphering policy is refused, and a plain refusal does not make a method undone', () => {
  const invocation = { invokeId: 2, confirmed: true, highPriority: true };
  const data = { type: 'unsigned', value: 1 } as const;
  const { outcome } = intruded({ apdu: 'get-response-normal', ...invocation, result: { data } }, READ);
  assert.ok(outcome?.kind === 'failed' && outcome.error.code === 'SECURITY_POLICY');
  const exception = { apdu: 'exception-response', stateError: 1, serviceError: 1, invocationCounter: null } as const;
  assert.equal(intruded(exception, READ).outcome?.kind, 'refused');
  assert.equal(intruded(exception, SWITCH).outcome?.kind, 'unknown');
});

test('HE-7 exception 6 to a request tells the expected counter; a read fails, a method is unknown', () => {
  const exception = { apdu: 'exception-response', stateError: 1, serviceError: 6, invocationCounter: 900 } as const;
  const read = intruded(exception, READ);
  assert.ok(read.outcome?.kind === 'failed' && read.outcome.error.code === 'SESSION_COUNTER');
  assert.ok(read.pair.events.some((event) => event.kind === 'counter-refused' && event.expected === 900));
  assert.equal(intruded(exception, SWITCH).outcome?.kind, 'unknown');
});

test('HE-7 on a line that loses messages a read is asked again under a new counter', () => {
  let repeated = 0;
  for (let seed = 1; seed <= 12; seed++) {
    const { pair, security } = secured({ pair: { faults: { lose: 0.15 }, seed } });
    if (!pair.connect()) continue;
    const before = security.counter.next;
    const outcome = pair.ask({ service: 'get', items: [register(3)] });
    if (outcome.kind === 'answered') {
      assert.deepEqual(outcome.answer.results, [{ data: { type: 'double-long-unsigned', value: 300 } }]);
      if (security.counter.next - before > 1) repeated++;
    } else assert.ok(outcome.kind === 'failed', outcome.kind);
  }
  assert.ok(repeated > 0);
});

test('HE-7 changed ciphered messages never get through, and neither side falls', () => {
  const property = fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), fc.boolean(), (at, flip, cut) => {
    const { pair } = secured();
    assert.ok(pair.connect());
    pair.client.request({ service: 'get', items: [register(1)] }, pair.line.nowMs);
    const [request] = pair.client.takeOutput();
    assert.ok(request !== undefined);
    const asked = mutated(request.subarray(8), at, flip, cut);
    const served = pair.server.receive(encodeWrapper({ source: SAP, destination: 1, apdu: asked }), pair.line.nowMs);
    assert.ok(served.every(({ kind }) => kind !== 'served'));
    pair.server.takeOutput();
    pair.server.receive(request, pair.line.nowMs);
    const [answer] = pair.server.takeOutput();
    assert.ok(answer !== undefined);
    tell(pair, mutated(answer.subarray(8), at, flip, cut));
    assert.ok(pair.events.every((event) => event.kind !== 'done' || event.outcome.kind === 'failed'));
  });
  fc.assert(property, { numRuns: 150 });
});

/** One octet changed, or the end cut off; a wrapper carries one octet at least. */
function mutated(octets: Uint8Array, at: number, flip: number, cut: boolean): Uint8Array {
  const place = at % octets.length;
  if (cut) return octets.slice(0, Math.max(1, place));
  const changed = octets.slice();
  changed.set([(changed.at(place) ?? 0) ^ flip], place);
  return changed;
}

/** A message of the wrapper whose APDU is an RLRE with a length so much too short. */
const shortRlre = (octets: Uint8Array, missing: number): Uint8Array => {
  const [tag, length] = octets.subarray(8);
  if (tag !== 0x63 || length === undefined) return octets;
  return octets.with(9, length - missing);
};

test('interop 1: an RLRE whose lengths are too short ends a finished session at once and is told by name', () => {
  for (const [missing, code, given] of [
    [2, 'DLMS_TRUNCATED', { policy: NONE }],
    [4, 'DLMS_LENGTH', {}],
  ] as const) {
    const { pair } = secured({ ...given, pair: { says: (octets) => shortRlre(octets, missing) } });
    assert.ok(pair.connect());
    assert.deepEqual(results(pair.ask({ service: 'get', items: [register(7)] })).length, 1);
    const askedAtMs = pair.line.nowMs;
    pair.release();
    assert.deepEqual(pair.closed, { code: null });
    assert.ok(pair.line.nowMs - askedAtMs < 10, 'without waiting for a better answer');
    const codes = pair.events.flatMap((event) => (event.kind === 'discarded' ? [event.code] : []));
    assert.deepEqual(codes, [code]);
  }
});

test('interop 2: a meter whose counter starts at 0 is read; ours start at 1', () => {
  const { pair } = secured({ serverSide: { counter: CounterSender.unreserved(0) } });
  works(pair);
  const ours = secured();
  assert.ok(ours.pair.connect());
  const first = ours.security.serverCounter.last;
  assert.ok(first !== null && first >= 1, 'no client that holds "nothing seen" for 0 calls it a replay');
});

test('interop 3: challenges of 8 to 64 octets, an AARQ longer than a field of 128 goes in segments, both ways', () => {
  for (const count of [8, 16, 64]) {
    for (const [, transport] of TRANSPORTS)
      works(
        secured({
          challenge: octetsOf(count, 1),
          pair: { ...transport, random: (wanted) => octetsOf(Math.max(wanted, count), 99) },
        }).pair,
      );
  }
  const { suite, keys } = secured().security;
  const none = { hlsSecret: null, hls6: 'titles', signingKey: null, peerSigningKey: null } as const;
  const wanted: number[] = [];
  hlsSignOn('hls-gmac', { ...secured().security, ...none, suite, keys } as unknown as MeterSecurity, (count) => {
    wanted.push(count);
    return octetsOf(count, 1);
  });
  assert.deepEqual(wanted, [16], 'what we send when nobody says otherwise');
});
