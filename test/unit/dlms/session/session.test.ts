import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { concat, fromHex, toHex } from '../../../../src/base/bytes.ts';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';
import type { Data } from '../../../../src/dlms/axdr/data.ts';
import { dataToOctets } from '../../../../src/dlms/axdr/decode.ts';
import { obisOf } from '../../../../src/dlms/cosem/obis.ts';
import { encodeHdlcFrame, HDLC_RULE } from '../../../../src/dlms/frame/hdlc-frame.ts';
import { WrapperClient } from '../../../../src/dlms/frame/wrapper.machine.ts';
import { encodeWrapper } from '../../../../src/dlms/frame/wrapper-frame.ts';
import { OUR_CONFORMANCE } from '../../../../src/dlms/session/association.ts';
import { ClientSession, type ClientSessionEvent } from '../../../../src/dlms/session/client.machine.ts';
import type { AttributeValue, MeterRequest, Outcome } from '../../../../src/dlms/session/request.ts';
import { CONFORMANCE } from '../../../../src/dlms/xdlms/initiate.ts';
import { attributeOf, PROFILE, PROFILE_ROWS, register, SCRIPT, SECRET, TEXT } from './bench-meter.ts';
import { PASSWORD, Pair, type PairOptions } from './pair.ts';

const octets = (length: number): Data => ({
  type: 'octet-string',
  value: Uint8Array.from({ length }, (_, at) => at & 0xff),
});
const same = (a: Data, b: Data) => toHex(dataToOctets(a)) === toHex(dataToOctets(b));

function results(outcome: Outcome): readonly unknown[] {
  assert.equal(
    outcome.kind,
    'answered',
    outcome.kind === 'failed' || outcome.kind === 'unknown' ? outcome.error.message : outcome.kind,
  );
  return outcome.kind === 'answered' ? outcome.answer.results : [];
}

const method = (methodId: number) => ({ classId: 9, instanceId: SCRIPT, methodId });

/** Asks for everything once: short, listed, long, refused; both ways. */
function wholeConversation(options: PairOptions): Pair {
  const pair = new Pair(options);
  assert.ok(pair.connect());
  assert.deepEqual(results(pair.ask({ service: 'get', items: [register(7)] })), [
    { data: { type: 'double-long-unsigned', value: 700 } },
  ]);
  const many = Array.from({ length: 40 }, (_, number) => register(number));
  assert.deepEqual(
    results(pair.ask({ service: 'get', items: many })),
    many.map((_, number) => ({ data: { type: 'double-long-unsigned', value: number * 100 } })),
  );
  const [profile] = results(pair.ask({ service: 'get', items: [attributeOf(7, PROFILE)] })) as { data: Data }[];
  assert.ok(profile !== undefined && same(profile.data, PROFILE_ROWS));
  const longList = results(
    pair.ask({ service: 'get', items: [attributeOf(7, PROFILE), register(1), attributeOf(7, PROFILE)] }),
  ) as { data: Data }[];
  assert.ok(longList[2] !== undefined && same(longList[2].data, PROFILE_ROWS));
  const part = attributeOf(7, PROFILE, 2, { selector: 2, parameters: { type: 'null-data' } });
  const [selected] = results(pair.ask({ service: 'get', items: [part] })) as { data: { value: unknown[] } }[];
  assert.equal(selected?.data.value.length, 2);
  const text: AttributeValue = { attribute: attributeOf(1, TEXT), value: octets(20) };
  const longText: AttributeValue = { attribute: attributeOf(1, TEXT), value: octets(5_000) };
  assert.deepEqual(results(pair.ask({ service: 'set', items: [text] })), [0]);
  assert.deepEqual(results(pair.ask({ service: 'set', items: [longText] })), [0]);
  assert.ok(same(pair.meter.text, longText.value));
  assert.deepEqual(
    results(pair.ask({ service: 'set', items: [text, longText, { attribute: register(1), value: octets(1) }] })),
    [0, 0, 3],
  );
  assert.deepEqual(results(pair.ask({ service: 'action', items: [{ method: method(1), parameters: null }] })), [
    { actionResult: 0, returnParameters: null },
  ]);
  const echo = results(pair.ask({ service: 'action', items: [{ method: method(2), parameters: octets(3_000) }] })) as {
    returnParameters: { data: Data };
  }[];
  assert.ok(echo[0] !== undefined && same(echo[0].returnParameters.data, octets(3_000)));
  const echoes = results(
    pair.ask({
      service: 'action',
      items: [
        { method: method(1), parameters: null },
        { method: method(2), parameters: octets(2_000) },
      ],
    }),
  );
  assert.equal(echoes.length, 2);
  return pair;
}

const SMALL: PairOptions = { framing: 'wrapper', client: { clientPduMaxBytes: 256 }, serverPduMaxBytes: 200 };

test('HE-7 a client and a server exchange every service, short, listed and in blocks, over the wrapper and over HDLC', () => {
  for (const options of [
    SMALL,
    { ...SMALL, framing: 'hdlc' },
    { framing: 'wrapper' },
    { framing: 'hdlc' },
  ] as PairOptions[]) {
    const pair = wholeConversation(options);
    pair.release();
    assert.deepEqual(pair.closed, { code: null });
    assert.deepEqual(pair.served.at(options.framing === 'hdlc' ? -2 : -1)?.kind, 'released');
    assert.deepEqual(
      pair.events.filter((event) => event.kind === 'discarded'),
      [],
    );
  }
});

test('HE-7 without multiple-references and block transfer the client asks item by item and says what is too long', () => {
  const conformance =
    OUR_CONFORMANCE & ~CONFORMANCE['multiple-references'] & ~CONFORMANCE['block-transfer-with-set-or-write'];
  const pair = new Pair({ framing: 'wrapper', client: { conformance }, serverPduMaxBytes: 200 });
  assert.ok(pair.connect());
  const before = pair.served.length;
  assert.equal(results(pair.ask({ service: 'get', items: [register(1), register(2), register(3)] })).length, 3);
  assert.equal(pair.served.length - before, 3);
  const outcome = pair.ask({ service: 'set', items: [{ attribute: attributeOf(1, TEXT), value: octets(500) }] });
  assert.ok(outcome.kind === 'failed' && outcome.error.code === 'SESSION_TOO_LONG');
});

test('HE-7 what a meter may refuse is a value: no right, no object, another class, no such method', () => {
  const pair = new Pair({ framing: 'hdlc' });
  assert.ok(pair.connect());
  const items = [
    attributeOf(1, SECRET),
    attributeOf(3, obisOf(9, 9, 9, 9, 9)),
    attributeOf(3, TEXT),
    attributeOf(3, obisOf(1, 0, 1, 8, 0), 9),
  ];
  assert.deepEqual(results(pair.ask({ service: 'get', items })), [
    { dataAccessResult: 3 },
    { dataAccessResult: 4 },
    { dataAccessResult: 9 },
    { dataAccessResult: 4 },
  ]);
  assert.deepEqual(results(pair.ask({ service: 'action', items: [{ method: method(7), parameters: null }] })), [
    { actionResult: 4, returnParameters: null },
  ]);
});

test('HE-7 the association object tells its object list, its parties and its conformance', () => {
  const pair = new Pair({ framing: 'wrapper' });
  assert.ok(pair.connect());
  const own = (attributeId: number) => attributeOf(15, obisOf(0, 0, 40, 0, 0), attributeId);
  const [list, parties, context] = results(pair.ask({ service: 'get', items: [own(2), own(3), own(5)] })) as {
    data: { value: Data[] };
  }[];
  assert.equal(list?.data.value.length, 45);
  assert.deepEqual(parties?.data.value, [
    { type: 'integer', value: 1 },
    { type: 'long-unsigned', value: 1 },
  ]);
  assert.deepEqual(context?.data.value[0], {
    type: 'bit-string',
    value: OUR_CONFORMANCE.toString(2).padStart(24, '0'),
  });
});

test('ALA-6 LLS: the right password opens, a wrong one, none, or an unknown client is refused with its diagnostic', () => {
  const refused = (options: Partial<PairOptions>): string => {
    const pair = new Pair({ framing: 'hdlc', ...options });
    assert.equal(pair.connect(), false);
    assert.deepEqual(pair.closed, { code: 'SESSION_ASSOCIATION_REFUSED' });
    return pair.events
      .flatMap((event) => (event.kind === 'closed' && event.error !== null ? [event.error.detail] : []))
      .join();
  };
  assert.match(
    refused({ client: { authentication: { mechanism: 'lls', password: PASSWORD.subarray(1) } } }),
    /authentication-failure/,
  );
  assert.match(
    refused({ client: { authentication: { mechanism: 'none' } } }),
    /authentication-mechanism-name-required/,
  );
  assert.match(refused({ sap: 16 }), /authentication-mechanism-name-not-recognised/);
  assert.match(refused({ sap: 99 }), /no-reason-given/);
  const open = new Pair({ framing: 'wrapper', sap: 16, client: { authentication: { mechanism: 'none' } } });
  assert.ok(open.connect());
  const outcome = open.ask({ service: 'set', items: [{ attribute: attributeOf(1, TEXT), value: octets(1) }] });
  assert.deepEqual(results(outcome), [3], 'the public client may not write');
});

test('HE-7 a request before the association gets the exception "service not allowed", one that nobody knows "not supported"', () => {
  const ask = (apdu: string): string => {
    const pair = new Pair({ framing: 'wrapper' });
    const octets = fromHex(apdu);
    pair.server.receive(encodeWrapper({ source: 16, destination: 1, apdu: octets }), 0);
    return toHex(concat(pair.server.takeOutput())).slice(16);
  };
  assert.equal(ask('c001c1000301000108 00ff0200'), 'd80101');
  assert.equal(ask('ee0102'), 'd80202');
  assert.equal(ask('c001c1'), 'd80103');
});

/** Everything that the client heard, as text. */
function heard(pair: Pair): string[] {
  return pair.events.map((event) =>
    JSON.stringify(event, (_, value) =>
      value instanceof Uint8Array ? toHex(value) : typeof value === 'bigint' ? String(value) : value,
    ),
  );
}

test('HE-7 any split of the stream gives the same events, over the wrapper and over HDLC', () => {
  const whole = new Map(
    ['hdlc', 'wrapper'].map((framing) => [framing, heard(wholeConversation({ ...SMALL, framing: framing as 'hdlc' }))]),
  );
  fc.assert(
    fc.property(
      fc.constantFrom('hdlc' as const, 'wrapper' as const),
      fc.integer(),
      fc.integer({ min: 1, max: 60 }),
      (framing, seed, pieceBytes) => {
        assert.deepEqual(
          heard(wholeConversation({ ...SMALL, framing, seed, faults: { pieceBytes } })),
          whole.get(framing),
        );
      },
    ),
    { numRuns: 12 },
  );
});

const PLAN: readonly MeterRequest[] = [
  { service: 'get', items: [register(3)] },
  { service: 'get', items: [attributeOf(7, PROFILE)] },
  { service: 'set', items: [{ attribute: attributeOf(1, TEXT), value: octets(900) }] },
  { service: 'action', items: [{ method: method(1), parameters: null }] },
  { service: 'get', items: Array.from({ length: 30 }, (_, number) => register(number)) },
  { service: 'action', items: [{ method: method(2), parameters: octets(600) }] },
];

test('HE-7 over a lossy line a session converges or ends by name, and no method or write is done twice', () => {
  let answered = 0;
  let asked = 0;
  fc.assert(
    fc.property(
      fc.constantFrom('hdlc' as const, 'wrapper' as const),
      fc.integer(),
      fc.double({ min: 0, max: 0.12, noNaN: true }),
      (framing, seed, lose) => {
        const faults = framing === 'hdlc' ? { lose, flip: lose } : { lose };
        const hdlc = { responseTimeoutMs: 100, retries: 6 };
        const pair = new Pair({
          ...SMALL,
          framing,
          seed,
          faults,
          hdlc,
          client: { clientPduMaxBytes: 256, requestTimeoutMs: framing === 'hdlc' ? 10_000 : 300 },
        });
        if (!pair.connect()) {
          assert.match(String(pair.closed?.code), /^(HDLC|SESSION)_/);
          return;
        }
        for (const request of PLAN) {
          const outcome = pair.ask(request);
          asked++;
          if (outcome.kind === 'answered') answered++;
          else if (outcome.kind === 'refused') assert.equal(outcome.refusal.apdu, 'exception-response');
          else
            assert.match(
              outcome.error.code,
              request.service === 'get'
                ? /^(SESSION_TIMEOUT|SESSION_BLOCKS|SESSION_CLOSED|HDLC_\w+)$/
                : /^(SESSION_UNKNOWN_OUTCOME|SESSION_CLOSED|HDLC_\w+)$/,
            );
          if (outcome.kind === 'unknown') assert.notEqual(request.service, 'get');
        }
        assert.ok(pair.meter.invoked.length <= 2 && pair.meter.written.length <= 1, 'nothing is done twice');
      },
    ),
    { numRuns: 80 },
  );
  assert.ok(answered > asked * 0.8, `${answered} of ${asked} answered`);
});

test('IT-14 the answer to a method is lost: unknown outcome, not repeated; the next read still works', () => {
  const pair = new Pair({ framing: 'wrapper', client: { requestTimeoutMs: 200 } });
  assert.ok(pair.connect());
  const id = pair.client.request(
    { service: 'action', items: [{ method: method(1), parameters: null }] },
    pair.line.nowMs,
  );
  for (const sent of pair.client.takeOutput()) pair.server.receive(sent, pair.line.nowMs);
  pair.server.takeOutput();
  pair.line.run(() => pair.outcomes.has(id), 10_000);
  const outcome = pair.outcomes.get(id);
  assert.ok(outcome?.kind === 'unknown' && outcome.error.code === 'SESSION_UNKNOWN_OUTCOME');
  assert.equal(pair.meter.invoked.length, 1);
  assert.equal(results(pair.ask({ service: 'get', items: [register(1)] })).length, 1);
});

test('SG-MR-5 noise does not renew the wait for an answer: a line that babbles ends it in time, over the wrapper', () => {
  const client = new ClientSession(new WrapperClient({ client: 16, server: 1 }), { requestTimeoutMs: 5_000 });
  client.connect(0);
  const random = new SeededRandom(3);
  let closed: ClientSessionEvent | undefined;
  let nowMs = 0;
  for (; nowMs < 60_000 && closed === undefined; nowMs += 100) {
    const events = [...client.tick(nowMs), ...client.receive(random.bytes(48), nowMs)];
    closed = events.find((event) => event.kind === 'closed');
  }
  assert.ok(closed?.kind === 'closed' && closed.error?.code === 'SESSION_TIMEOUT', JSON.stringify(closed));
  assert.ok(nowMs <= 11_000, `${nowMs} ms`);
});

test('HE-7 requests queue, run one at a time in order, and can be called off', () => {
  const pair = new Pair({ framing: 'hdlc' });
  assert.ok(pair.connect());
  const ids = [1, 2, 3].map((number) =>
    pair.client.request({ service: 'get', items: [register(number)] }, pair.line.nowMs),
  );
  pair.client.cancel(ids[1] ?? 0, pair.line.nowMs);
  pair.line.run(() => ids.every((id) => pair.outcomes.has(id)), 60_000);
  assert.deepEqual(
    ids.map((id) => pair.outcomes.get(id)?.kind),
    ['answered', 'failed', 'answered'],
  );
  pair.release();
  const late = pair.ask({ service: 'get', items: [register(1)] });
  assert.ok(late.kind === 'failed' && late.error.code === 'SESSION_CLOSED');
});

test('HE-7 notifications come as events, in the association and without one', () => {
  const pair = new Pair({ framing: 'hdlc' });
  assert.ok(pair.connect());
  const body = octets(10);
  const push = {
    apdu: 'data-notification',
    longInvokeId: 1,
    selfDescriptive: false,
    breakOnError: false,
    confirmed: false,
    highPriority: false,
    dateTime: new Uint8Array(0),
    taggedDateTime: false,
    body,
  } as const;
  pair.server.push(push, { client: 1, server: 1 }, pair.line.nowMs);
  pair.line.run(() => pair.events.some((event) => event.kind === 'notification'), 1_000);
  const [event] = pair.events.filter((each) => each.kind === 'notification');
  assert.ok(event?.kind === 'notification' && event.apdu.apdu === 'data-notification' && same(event.apdu.body, body));
});

test('HE-7 thousands of exchanges a second in memory', () => {
  const pair = new Pair({ framing: 'wrapper' });
  assert.ok(pair.connect());
  // Time of this process's core: what neighbours take does not count.
  const before = process.cpuUsage();
  for (let round = 0; round < 2_000; round++) pair.ask({ service: 'get', items: [register(round % 40)] });
  const spent = process.cpuUsage(before);
  const perSecond = 2_000_000_000 / (spent.user + spent.system);
  assert.ok(perSecond > 1_000, `${Math.round(perSecond)} exchanges a second`);
});

test('HE-7 after an orderly end a request is refused by name, and a second release does nothing', () => {
  for (const framing of ['hdlc', 'wrapper'] as const) {
    const pair = new Pair({ framing });
    assert.ok(pair.connect());
    pair.release();
    assert.deepEqual(pair.closed, { code: null }, 'no error for an end that was asked for');
    const late = pair.ask({ service: 'get', items: [register(1)] });
    assert.ok(late.kind === 'failed' && late.error.code === 'SESSION_CLOSED');
    pair.client.release(pair.line.nowMs);
    assert.deepEqual(pair.client.takeOutput(), []);
  }
});

test('interop 10: however a session fails, the meter hears its end', () => {
  const wrong = { mechanism: 'lls', password: Uint8Array.of(1) } as const;
  for (const [what, client, serverSays] of [
    ['refused', { authentication: wrong }, (octets: Uint8Array) => octets],
    ['nonsense for an AARE', {}, (octets: Uint8Array) => frameWith(octets, 0x61, (apdu) => apdu.fill(0xff, 2))],
  ] as const) {
    const pair = new Pair({ framing: 'hdlc', client, says: serverSays });
    assert.equal(pair.connect(), false, what);
    assert.notEqual(pair.closed?.code, null, what);
    pair.line.run(() => false, pair.line.nowMs + 10);
    assert.equal(pair.served.at(-1)?.kind, 'link-down', what);
    assert.ok(pair.line.nowMs < 60_000, `${what}: not by the inactivity time of the meter`);
  }
});

/** An I frame whose APDU begins with the tag, changed; others as they are. */
function frameWith(octets: Uint8Array, tag: number, change: (apdu: Uint8Array) => Uint8Array): Uint8Array {
  const verdict = HDLC_RULE.examine(octets);
  if (verdict.kind !== 'accept' || verdict.frame.information[3] !== tag) return octets;
  const information = verdict.frame.information.slice();
  change(information.subarray(3));
  return encodeHdlcFrame({ ...verdict.frame, information });
}

test('methods without parameters are called without, alone and in a list, which can only say null-data', () => {
  const method = { classId: 9, instanceId: SCRIPT, methodId: 1 };
  const item = { method, parameters: null };
  for (const items of [[item], [item, item]]) {
    const pair = new Pair({ framing: 'wrapper' });
    assert.ok(pair.connect());
    assert.equal(pair.ask({ service: 'action', items }).kind, 'answered');
    assert.deepEqual(
      pair.meter.invoked,
      items.map(() => null),
    );
  }
});
