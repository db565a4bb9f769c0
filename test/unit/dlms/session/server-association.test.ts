/** The server's half of transfers when the client does not behave: repeats, gaps, wrong numbers, services not agreed on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Data } from '../../../../src/dlms/axdr/data.ts';
import { dataToOctets } from '../../../../src/dlms/axdr/decode.ts';
import { obisOf } from '../../../../src/dlms/cosem/obis.ts';
import { OUR_CONFORMANCE } from '../../../../src/dlms/session/association.ts';
import { ServerAssociation } from '../../../../src/dlms/session/server-association.ts';
import { ASSOCIATION_TABLE, nextState } from '../../../../src/dlms/session/state.ts';
import type { Apdu } from '../../../../src/dlms/xdlms/apdu.ts';
import { encodeApdu } from '../../../../src/dlms/xdlms/codec.ts';
import { CONFORMANCE } from '../../../../src/dlms/xdlms/initiate.ts';
import { attributeOf, BenchMeter, PROFILE, register, SCRIPT, TEXT } from './bench-meter.ts';

const ID = { invokeId: 3, confirmed: true, highPriority: false } as const;
const METHOD = { classId: 9, instanceId: SCRIPT, methodId: 2 };

function serving(conformance = OUR_CONFORMANCE, clientPduMaxBytes = 100) {
  const meter = new BenchMeter();
  const facts = {
    client: 1,
    server: 1,
    conformance,
    serverPduMaxBytes: 200,
    clientPduMaxBytes,
    mechanism: 0,
    context: 1,
    answerMaxBytes: () => clientPduMaxBytes,
  };
  return { meter, association: new ServerAssociation(meter, facts) };
}

const text = attributeOf(1, TEXT);
const value = dataToOctets({ type: 'octet-string', value: Uint8Array.from({ length: 50 }, (_, at) => at) });
const block = (blockNumber: number, lastBlock: boolean, from = 0, to = value.length) => ({
  ...ID,
  blockNumber,
  lastBlock,
  rawData: value.subarray(from, to),
});
const firstSet = (lastBlock = false): Apdu => ({
  apdu: 'set-request-with-first-datablock',
  attribute: text,
  access: null,
  ...block(1, lastBlock, 0, 20),
});
const moreSet = (number: number, lastBlock: boolean, from: number, to: number): Apdu => ({
  apdu: 'set-request-with-datablock',
  ...block(number, lastBlock, from, to),
});
const resultOf = (answer: Apdu | null) => (answer !== null && 'result' in answer ? answer.result : answer?.apdu);

test('HE-7 a block that was not heard is given again, a wrong number ends the transfer', () => {
  const { association } = serving();
  const first = association.serve({
    apdu: 'get-request-normal',
    ...ID,
    attribute: attributeOf(7, PROFILE),
    access: null,
  });
  assert.ok(first?.apdu === 'get-response-with-datablock' && first.blockNumber === 1);
  const next = (blockNumber: number) => association.serve({ apdu: 'get-request-next', ...ID, blockNumber });
  const second = next(1);
  assert.ok(second?.apdu === 'get-response-with-datablock' && second.blockNumber === 2);
  assert.deepEqual(next(1), second, 'asked again, given again');
  assert.deepEqual(next(7), {
    apdu: 'get-response-with-datablock',
    ...ID,
    lastBlock: true,
    blockNumber: 7,
    block: { dataAccessResult: 19 },
  });
  assert.deepEqual(next(2), {
    apdu: 'get-response-with-datablock',
    ...ID,
    lastBlock: true,
    blockNumber: 2,
    block: { dataAccessResult: 16 },
  });
});

test('HE-7 a long write takes repeated blocks once, refuses gaps and blocks out of the blue', () => {
  const { meter, association } = serving();
  assert.equal(association.serve(firstSet())?.apdu, 'set-response-datablock');
  assert.equal(association.serve(moreSet(2, false, 20, 40))?.apdu, 'set-response-datablock');
  assert.equal(association.serve(moreSet(2, false, 20, 40))?.apdu, 'set-response-datablock', 'the same block again');
  assert.equal(resultOf(association.serve(moreSet(3, true, 40, 52))), 0);
  assert.equal(meter.written.length, 1);
  assert.equal(resultOf(association.serve(moreSet(4, true, 0, 1))), 16, 'no transfer is open');
  association.serve(firstSet());
  assert.equal(resultOf(association.serve(moreSet(4, true, 20, 52))), 19, 'a gap');
  assert.equal(resultOf(association.serve(firstSet(true))), 12, 'half a value is no value');
  association.serve(firstSet());
  assert.equal(
    resultOf(association.serve({ ...moreSet(2, true, 20, 52), invokeId: 9 } as Apdu)),
    16,
    'another invocation',
  );
  assert.equal(meter.written.length, 1);
});

test('HE-7 long parameters and long answers of methods: repeats, gaps, aborts', () => {
  const { meter, association } = serving();
  const first = (): Apdu => ({ apdu: 'action-request-with-first-pblock', method: METHOD, ...block(1, false, 0, 20) });
  const more = (number: number, from: number): Apdu => ({
    apdu: 'action-request-with-pblock',
    ...block(number, true, from),
  });
  assert.deepEqual(association.serve(first()), { apdu: 'action-response-next-pblock', ...ID, blockNumber: 1 });
  assert.equal(association.serve(more(2, 20))?.apdu, 'action-response-normal');
  assert.equal(meter.invoked.length, 1);
  const failed = (answer: Apdu | null) =>
    answer?.apdu === 'action-response-normal' ? answer.actionResult : answer?.apdu;
  assert.equal(failed(association.serve(more(2, 20))), 16);
  association.serve(first());
  assert.equal(failed(association.serve(more(5, 20))), 19);
  association.serve(firstSet());
  assert.equal(failed(association.serve(more(2, 20))), 16, 'a block of parameters behind a block of a value');
  association.serve(first());
  assert.equal(resultOf(association.serve(moreSet(2, true, 20, 52))), 16, 'and the other way round');
  assert.deepEqual([meter.written.length, meter.invoked.length], [0, 1]);
  association.serve(first());
  assert.equal(failed(association.serve(more(2, 30))), 12, 'octets are missing in the middle');
  const long: Data = { type: 'octet-string', value: new Uint8Array(300) };
  const answer = association.serve({ apdu: 'action-request-normal', ...ID, method: METHOD, parameters: long });
  assert.ok(answer?.apdu === 'action-response-with-pblock');
  const next = (blockNumber: number) => association.serve({ apdu: 'action-request-next-pblock', ...ID, blockNumber });
  const second = next(1);
  assert.deepEqual(next(1), second);
  assert.equal(failed(next(9)), 15);
  assert.equal(failed(next(1)), 15, 'aborted is aborted');
});

test('HE-7 a service that was not agreed on is not served, and what does not fit is refused without blocks', () => {
  const exception = { apdu: 'exception-response', stateError: 1, serviceError: 2, invocationCounter: null };
  const { association } = serving(CONFORMANCE['general-protection']);
  const requests: Apdu[] = [
    { apdu: 'get-request-normal', ...ID, attribute: text, access: null },
    { apdu: 'get-request-with-list', ...ID, attributes: [text] },
    { apdu: 'set-request-normal', ...ID, attribute: text, access: null, value: { type: 'null-data' } },
    { apdu: 'set-request-with-list', ...ID, attributes: [text], values: [{ type: 'null-data' }] },
    firstSet(),
    { apdu: 'action-request-normal', ...ID, method: METHOD, parameters: null },
    { apdu: 'action-request-with-list', ...ID, methods: [METHOD], parameters: [{ type: 'null-data' }] },
    { apdu: 'action-request-with-first-pblock', method: METHOD, ...block(1, false) },
    { apdu: 'get-response-normal', ...ID, result: { dataAccessResult: 0 } },
  ];
  for (const request of requests) assert.deepEqual(association.serve(request), exception, request.apdu);
  const noBlocks = serving(CONFORMANCE.get | CONFORMANCE.action).association;
  assert.deepEqual(
    noBlocks.serve({ apdu: 'get-request-normal', ...ID, attribute: attributeOf(7, PROFILE), access: null }),
    { apdu: 'get-response-normal', ...ID, result: { dataAccessResult: 250 } },
  );
  const answerTo = (request: Apdu, answerMaxBytes: number) =>
    serving(CONFORMANCE.get, answerMaxBytes).association.serve(request);
  const asked: Apdu = { apdu: 'get-request-normal', ...ID, attribute: register(7), access: null };
  const answer = answerTo(asked, 100);
  assert.ok(answer?.apdu === 'get-response-normal' && 'data' in answer.result);
  const octets = encodeApdu(answer).length;
  assert.deepEqual(answerTo(asked, octets), answer, 'what just fits is given');
  assert.deepEqual(answerTo(asked, octets - 1), { ...answer, result: { dataAccessResult: 250 } });
  const long: Data = { type: 'octet-string', value: new Uint8Array(300) };
  assert.deepEqual(noBlocks.serve({ apdu: 'action-request-normal', ...ID, method: METHOD, parameters: long }), {
    apdu: 'action-response-normal',
    ...ID,
    actionResult: 250,
    returnParameters: null,
  });
});

test('HE-7 an unconfirmed request is done and not answered; a list with a value too few says so', () => {
  const { meter, association } = serving();
  assert.equal(
    association.serve({
      apdu: 'set-request-normal',
      ...ID,
      confirmed: false,
      attribute: text,
      access: null,
      value: { type: 'octet-string', value: new Uint8Array(1) },
    }),
    null,
  );
  assert.equal(meter.written.length, 1);
  const answer = association.serve({
    apdu: 'set-request-with-list',
    ...ID,
    attributes: [text, text],
    values: [{ type: 'octet-string', value: new Uint8Array(1) }],
  });
  assert.ok(answer?.apdu === 'set-response-with-list');
  assert.deepEqual(answer.results, [0, 12]);
});

test('HE-7 the association object tells its name, context, mechanism and status, and no secret', () => {
  const { association } = serving(OUR_CONFORMANCE, 0);
  const own = (attributeId: number) =>
    association.serve({
      apdu: 'get-request-normal',
      ...ID,
      attribute: { classId: 15, instanceId: obisOf(0, 0, 40, 0, 0), attributeId },
      access: null,
    });
  const data = (attributeId: number) => {
    const answer = own(attributeId);
    assert.ok(answer?.apdu === 'get-response-normal');
    return 'data' in answer.result ? answer.result.data : answer.result.dataAccessResult;
  };
  assert.deepEqual(data(1), { type: 'octet-string', value: Uint8Array.of(0, 0, 40, 0, 0, 255) });
  assert.deepEqual(data(4), { type: 'octet-string', value: Uint8Array.of(0x60, 0x85, 0x74, 5, 8, 1, 1) });
  assert.deepEqual(data(6), { type: 'octet-string', value: Uint8Array.of(0x60, 0x85, 0x74, 5, 8, 2, 0) });
  assert.deepEqual(data(8), { type: 'enum', value: 2 });
  assert.equal(data(7), 4);
  assert.equal(data(2) !== 0 && typeof data(2) === 'object', true);
  assert.deepEqual(
    association.serve({ apdu: 'get-request-normal', ...ID, attribute: register(2), access: null })?.apdu,
    'get-response-normal',
  );
});

test('the association table: every state can be left by the end of the link, services only inside', () => {
  for (const state of Object.keys(ASSOCIATION_TABLE) as (keyof typeof ASSOCIATION_TABLE)[]) {
    assert.equal(nextState(state, 'link-down'), 'closed');
    assert.equal(nextState(state, 'service'), ['associated', 'releasing'].includes(state) ? state : null);
  }
  const walk = (['link-up', 'request', 'challenge', 'proof', 'service', 'release', 'released'] as const).reduce<string>(
    (state, event) => nextState(state as 'closed', event) ?? 'nowhere',
    'closed',
  );
  assert.equal(walk, 'linked');
});
