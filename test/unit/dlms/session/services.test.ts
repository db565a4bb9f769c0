/** Every form of every service inside associations, both roles, and what several requests in flight do to each other. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Data } from '../../../../src/dlms/axdr/data.ts';
import { obisToOctets } from '../../../../src/dlms/cosem/obis.ts';
import { encodeWrapper } from '../../../../src/dlms/frame/wrapper-frame.ts';
import { OUR_CONFORMANCE, SERVER_CONFORMANCE } from '../../../../src/dlms/session/association.ts';
import type { AccessItem, MeterRequest, Outcome } from '../../../../src/dlms/session/request.ts';
import type { Apdu } from '../../../../src/dlms/xdlms/apdu.ts';
import { decodeApdu, encodeApdu } from '../../../../src/dlms/xdlms/codec.ts';
import { CONFORMANCE } from '../../../../src/dlms/xdlms/initiate.ts';
import { attributeOf, PROFILE, PROFILE_ROWS, register, SCRIPT, SECRET, TEXT } from './bench-meter.ts';
import { Pair, type PairOptions } from './pair.ts';

const text = (count: number): Data => ({
  type: 'octet-string',
  value: Uint8Array.from({ length: count }, (_, at) => at & 0xff),
});
const NULL: Data = { type: 'null-data' };
const METHOD = { classId: 9, instanceId: SCRIPT, methodId: 2 };
const WITH_ACCESS = OUR_CONFORMANCE | CONFORMANCE.access;
const ALL_BUT_BLOCKS = SERVER_CONFORMANCE & ~CONFORMANCE['general-block-transfer'];

function resultsOf(outcome: Outcome): readonly unknown[] {
  assert.equal(outcome.kind, 'answered', 'error' in outcome ? outcome.error.message : JSON.stringify(outcome));
  return outcome.kind === 'answered' ? outcome.answer.results : [];
}

function open(options: Partial<PairOptions> = {}): Pair {
  const pair = new Pair({ framing: 'wrapper', ...options });
  assert.ok(pair.connect(), String(pair.closed?.code));
  return pair;
}

const served = (pair: Pair): string[] =>
  pair.served.flatMap((event) => (event.kind === 'served' ? [event.request] : []));

const set = (count: number, times = 1): MeterRequest => ({
  service: 'set',
  items: Array.from({ length: times }, () => ({ attribute: attributeOf(1, TEXT), value: text(count) })),
});
const act = (count: number, times = 1): MeterRequest => ({
  service: 'action',
  items: Array.from({ length: times }, () => ({ method: METHOD, parameters: text(count) })),
});

/** Each form with a request that must take it; small PDUs, no general blocks. */
const FORMS: readonly (readonly [MeterRequest, readonly Apdu['apdu'][]])[] = [
  [{ service: 'get', items: [register(1)] }, ['get-request-normal']],
  [{ service: 'get', items: [register(1), register(2)] }, ['get-request-with-list']],
  [{ service: 'get', items: [attributeOf(7, PROFILE)] }, ['get-request-normal', 'get-request-next']],
  [
    { service: 'get', items: [register(1), attributeOf(7, PROFILE), register(2)] },
    ['get-request-with-list', 'get-request-next'],
  ],
  [set(20), ['set-request-normal']],
  [set(20, 2), ['set-request-with-list']],
  [set(900), ['set-request-with-first-datablock', 'set-request-with-datablock']],
  [set(60, 2), ['set-request-with-list-and-first-datablock', 'set-request-with-datablock']],
  [act(20), ['action-request-normal']],
  [act(10, 2), ['action-request-with-list']],
  [act(900), ['action-request-with-first-pblock', 'action-request-with-pblock', 'action-request-next-pblock']],
  [act(60, 2), ['action-request-with-list-and-first-pblock', 'action-request-with-pblock']],
];

for (const framing of ['wrapper', 'hdlc'] as const) {
  test(`HE-7 GET, SET and ACTION in every form that there is, client and server, over ${framing}`, () => {
    for (const [request, forms] of FORMS) {
      const pair = open({ framing, serverPduMaxBytes: 120, client: { clientPduMaxBytes: 128 } });
      const results = resultsOf(pair.ask(request));
      assert.equal(results.length, request.items.length);
      const told = new Set(served(pair));
      for (const form of forms) assert.ok(told.has(form), `${form}, got ${[...told].join(' ')}`);
      if (request.service === 'set')
        assert.deepEqual(
          pair.meter.written,
          request.items.map(({ value }) => value),
        );
      if (request.service === 'action') {
        assert.deepEqual(
          results,
          request.items.map(({ parameters }) => ({ actionResult: 0, returnParameters: { data: parameters } })),
        );
      }
    }
  });
}

const nameOf = (obis: typeof TEXT): Data => ({ type: 'octet-string', value: obisToOctets(obis) });

test('HE-7 attribute 0 stands for all attributes where it was agreed on, and for none otherwise', () => {
  const all = attributeOf(1, TEXT, 0);
  const pair = open({ client: { conformance: ALL_BUT_BLOCKS } });
  pair.meter.text = text(3);
  assert.deepEqual(resultsOf(pair.ask({ service: 'get', items: [all] })), [
    { data: { type: 'structure', value: [nameOf(TEXT), text(3)] } },
  ]);
  const [hidden] = resultsOf(pair.ask({ service: 'get', items: [attributeOf(1, SECRET, 0)] }));
  assert.deepEqual(
    hidden,
    { data: { type: 'structure', value: [nameOf(SECRET), NULL] } },
    'what may not be read is null',
  );
  const write = (value: Data) => resultsOf(pair.ask({ service: 'set', items: [{ attribute: all, value }] }));
  assert.deepEqual(write({ type: 'structure', value: [NULL, text(5)] }), [0]);
  assert.deepEqual(pair.meter.written, [text(5)]);
  assert.deepEqual(write({ type: 'structure', value: [text(1), text(5)] }), [3], 'attribute 1 may not be written');
  assert.deepEqual(write({ type: 'structure', value: [text(5)] }), [12]);
  assert.deepEqual(write(text(5)), [12]);
  assert.equal(pair.meter.written.length, 1, 'nothing was written of what was refused');
  assert.deepEqual(resultsOf(pair.ask({ service: 'get', items: [attributeOf(8, TEXT, 0)] })), [
    { dataAccessResult: 9 },
  ]);
  const without = open();
  assert.deepEqual(resultsOf(without.ask({ service: 'get', items: [all] })), [{ dataAccessResult: 4 }]);
  assert.deepEqual(
    resultsOf(without.ask({ service: 'set', items: [{ attribute: all, value: { type: 'structure', value: [] } }] })),
    [4],
  );
});

const ITEMS: readonly AccessItem[] = [
  { service: 'get', attribute: register(7) },
  { service: 'get', attribute: attributeOf(1, SECRET) },
  { service: 'set', attribute: attributeOf(1, TEXT), value: text(9) },
  { service: 'action', method: METHOD, parameters: text(4) },
  { service: 'action', method: { ...METHOD, methodId: 9 }, parameters: null },
  { service: 'get', attribute: attributeOf(7, PROFILE, 2, { selector: 1, parameters: NULL }) },
];

for (const framing of ['wrapper', 'hdlc'] as const) {
  test(`HE-7 ACCESS: gets, sets and actions mixed, with selection and refusals, over ${framing}`, () => {
    const pair = open({ framing, client: { conformance: WITH_ACCESS } });
    const results = resultsOf(pair.ask({ service: 'access', items: ITEMS }));
    assert.deepEqual(results.slice(0, 5), [
      { service: 'get', result: 0, data: { type: 'double-long-unsigned', value: 700 } },
      { service: 'get', result: 3, data: NULL },
      { service: 'set', result: 0, data: NULL },
      { service: 'action', result: 0, data: text(4) },
      { service: 'action', result: 4, data: NULL },
    ]);
    const row = PROFILE_ROWS.type === 'array' ? PROFILE_ROWS.value.slice(0, 1) : [];
    assert.deepEqual(results[5], { service: 'get', result: 0, data: { type: 'array', value: row } });
    assert.deepEqual(served(pair), ['access-request']);
  });
}

test('HE-7 ACCESS: a long list goes in parts that fit; one that stops at an error goes whole or not at all', () => {
  const many: AccessItem[] = Array.from({ length: 40 }, (_, number) => ({
    service: 'get',
    attribute: register(number),
  }));
  const pair = open({ serverPduMaxBytes: 128, client: { conformance: WITH_ACCESS } });
  assert.equal(resultsOf(pair.ask({ service: 'access', items: many })).length, 40);
  assert.ok(served(pair).length > 3);
  const whole = pair.ask({ service: 'access', items: many, breakOnError: true });
  assert.equal(whole.kind === 'unknown' || whole.kind === 'failed' ? whole.error.code : whole.kind, 'SESSION_TOO_LONG');
  const roomy = open({ client: { conformance: WITH_ACCESS } });
  const stopped = resultsOf(roomy.ask({ service: 'access', items: ITEMS, breakOnError: true }));
  assert.deepEqual(
    stopped.map((result) => (result as { result: number }).result),
    [0, 3, 250, 250, 250, 250],
  );
  assert.equal(roomy.meter.written.length + roomy.meter.invoked.length, 0, 'after the refusal nothing was done');
});

test('HE-7 ACCESS: an answer that does not fit is an exception, a selection needs its conformance bit', () => {
  const tight = open({ client: { conformance: WITH_ACCESS, clientPduMaxBytes: 128 } });
  const outcome = tight.ask({ service: 'access', items: [{ service: 'get', attribute: attributeOf(7, PROFILE) }] });
  assert.deepEqual(outcome, {
    kind: 'refused',
    refusal: { apdu: 'exception-response', stateError: 1, serviceError: 4, invocationCounter: null },
  });
  const plain = open({ client: { conformance: WITH_ACCESS & ~CONFORMANCE['selective-access'] } });
  const [result] = resultsOf(plain.ask({ service: 'access', items: ITEMS.slice(5) }));
  assert.deepEqual(result, { service: 'get', result: 13, data: NULL });
});

test('HE-7 several requests in flight: as many as the wrapper and the settings allow, one over HDLC', () => {
  const time = (framing: 'wrapper' | 'hdlc', maxInFlight: number, conformance = OUR_CONFORMANCE): number => {
    const pair = open({ framing, faults: { latencyMs: 100 }, client: { maxInFlight, conformance } });
    const startMs = pair.line.nowMs;
    const ids = Array.from({ length: 32 }, (_, number) =>
      pair.client.request({ service: 'get', items: [register(number)] }, pair.line.nowMs),
    );
    pair.line.run(() => ids.every((id) => pair.outcomes.has(id)), startMs + 60_000);
    ids.forEach((id, number) => {
      const outcome = pair.outcomes.get(id);
      assert.ok(outcome !== undefined);
      assert.deepEqual(resultsOf(outcome), [{ data: { type: 'double-long-unsigned', value: number * 100 } }]);
    });
    return Math.round((pair.line.nowMs - startMs) / 200);
  };
  assert.equal(time('wrapper', 1), 32);
  assert.equal(time('wrapper', 4), 8);
  assert.equal(time('wrapper', 16), 2);
  assert.equal(time('wrapper', 99), 2);
  assert.equal(time('hdlc', 16), 32);
  assert.equal(time('wrapper', 16, SERVER_CONFORMANCE), 32, 'general blocks do not say whose they are');
});

test('HE-7 long answers and long writes of several requests go through side by side, told apart by invoke id', () => {
  const pair = open({ serverPduMaxBytes: 128, client: { clientPduMaxBytes: 160, maxInFlight: 4 } });
  const asked = [{ service: 'get', items: [attributeOf(7, PROFILE)] }, set(700), act(600), act(500)] as const;
  const ids = asked.map((request) => pair.client.request(request, pair.line.nowMs));
  pair.line.run(() => ids.every((id) => pair.outcomes.has(id)), pair.line.nowMs + 60_000);
  const results = ids.map((id) => resultsOf(pair.outcomes.get(id) as Outcome)[0]);
  assert.deepEqual(results, [
    { data: PROFILE_ROWS },
    0,
    { actionResult: 0, returnParameters: { data: text(600) } },
    { actionResult: 0, returnParameters: { data: text(500) } },
  ]);
});

/** The requests that a client has written to the line, and their priority bits. */
function written(pair: Pair): { apdu: Apdu; highPriority: boolean }[] {
  return pair.client.takeOutput().map((octets) => {
    const apdu = decodeApdu(octets.subarray(8));
    return { apdu, highPriority: 'highPriority' in apdu && apdu.highPriority };
  });
}

/** An answer to a GET, in the wrapper. */
function answerTo(apdu: Apdu): Uint8Array {
  assert.equal(apdu.apdu, 'get-request-normal');
  const { invokeId, confirmed, highPriority } = apdu as Extract<Apdu, { apdu: 'get-request-normal' }>;
  const result = { data: { type: 'unsigned', value: invokeId } } as const;
  const answer = encodeApdu({ apdu: 'get-response-normal', invokeId, confirmed, highPriority, result });
  return encodeWrapper({ source: 1, destination: 1, apdu: answer });
}

test('HE-7 urgent requests go first and carry the priority bit; answers may come in any order', () => {
  const pair = open({ client: { maxInFlight: 2 } });
  const get = (number: number, highPriority: boolean): number =>
    pair.client.request({ service: 'get', items: [register(number)], highPriority }, 0);
  const ids = [get(1, false), get(2, false), get(3, false), get(4, true), get(5, true)];
  const first = written(pair);
  assert.deepEqual(
    first.map(({ highPriority }) => highPriority),
    [false, false],
  );
  const [one, two] = first;
  assert.ok(one !== undefined && two !== undefined);
  const done = pair.client.receive(answerTo(two.apdu), 1).flatMap((event) => (event.kind === 'done' ? [event.id] : []));
  assert.deepEqual(done, [ids[1]]);
  const next = written(pair);
  assert.deepEqual(
    next.map(({ highPriority }) => highPriority),
    [true],
    'those that are urgent overtake those that are not',
  );
  const late = pair.client.receive(answerTo(one.apdu), 2).flatMap((event) => (event.kind === 'done' ? [event.id] : []));
  assert.deepEqual(late, [ids[0]]);
  const again = pair.client.receive(answerTo(one.apdu), 3);
  assert.deepEqual(
    again.map((event) => event.kind === 'discarded' && event.code),
    ['SESSION_STALE'],
  );
});

test('HE-7 a refusal without an invoke id ends every request in flight: reads fail by name, writes are unknown', () => {
  const pair = open({ client: { maxInFlight: 3 } });
  const ids = [
    pair.client.request({ service: 'get', items: [register(1)] }, 0),
    pair.client.request(set(3), 0),
    pair.client.request({ service: 'get', items: [register(2)] }, 0),
  ];
  assert.equal(written(pair).length, 3);
  const apdu = encodeApdu({ apdu: 'exception-response', stateError: 1, serviceError: 1, invocationCounter: null });
  const events = pair.client.receive(encodeWrapper({ source: 1, destination: 1, apdu }), 1);
  const ended = events.flatMap((event) =>
    event.kind === 'done' && 'error' in event.outcome ? [[event.id, event.outcome.kind, event.outcome.error.code]] : [],
  );
  assert.deepEqual(ended, [
    [ids[0], 'failed', 'SESSION_REFUSED'],
    [ids[1], 'unknown', 'SESSION_UNKNOWN_OUTCOME'],
    [ids[2], 'failed', 'SESSION_REFUSED'],
  ]);
});

test('HE-7 several requests in flight over a link that loses: each ends once, by answer or by name', () => {
  fc.assert(
    fc.property(fc.integer(), fc.double({ min: 0, max: 0.15, noNaN: true }), (seed, lose) => {
      const client = { maxInFlight: 5, requestTimeoutMs: 300, clientPduMaxBytes: 256, conformance: WITH_ACCESS };
      const pair = new Pair({ framing: 'wrapper', seed, faults: { lose }, client });
      if (!pair.connect()) return;
      const requests: MeterRequest[] = [
        { service: 'get', items: [attributeOf(7, PROFILE)] },
        { service: 'access', items: ITEMS.slice(0, 2) },
        set(40),
        act(40),
        { service: 'get', items: Array.from({ length: 20 }, (_, number) => register(number)) },
        { service: 'get', items: [register(3)] },
      ];
      const ids = requests.map((request) => pair.client.request(request, pair.line.nowMs));
      pair.line.run(() => ids.every((id) => pair.outcomes.has(id)), pair.line.nowMs + 600_000);
      ids.forEach((id, at) => {
        const outcome = pair.outcomes.get(id);
        assert.ok(outcome !== undefined, `request ${at} never ended`);
        if (outcome.kind !== 'answered' && outcome.kind !== 'refused') assert.match(outcome.error.code, /^SESSION_/);
      });
      const done = pair.events.filter((event) => event.kind === 'done');
      assert.equal(done.length, ids.length, 'each ends once');
      assert.ok(pair.meter.written.length <= 1 && pair.meter.invoked.length <= 1);
    }),
    { numRuns: 80 },
  );
});
