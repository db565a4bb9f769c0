/** Long values of a recorded session: which blocks are joined, to what, and what is said where they cannot be. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Data } from '../../../src/dlms/axdr/data.ts';
import { dataToOctets } from '../../../src/dlms/axdr/decode.ts';
import { parseObis } from '../../../src/dlms/cosem/obis.ts';
import { BlockJoins } from '../../../src/dlms/explain/capture/joins.ts';
import { JOINS_MAX } from '../../../src/dlms/explain/capture/limits.ts';
import type { JsonObject } from '../../../src/dlms/explain/json.ts';
import { actionResultsToOctets, getResultsToOctets, valuesToOctets } from '../../../src/dlms/session/raw-lists.ts';
import type { Apdu } from '../../../src/dlms/xdlms/apdu.ts';

const head = (invokeId: number) => ({ invokeId, confirmed: true, highPriority: false }) as const;
const attribute = { classId: 1, instanceId: parseObis('0-0:96.1.0'), attributeId: 2 };
const TEXT: Data = { type: 'octet-string', value: Uint8Array.of(1, 2, 3, 4, 5, 6) };
const SHOWN = { type: 'octet-string', hex: '010203040506' };
const part = (octets: Uint8Array, blockNumber: number) => ({
  ...{ blockNumber, lastBlock: blockNumber === 2 },
  rawData: blockNumber === 1 ? octets.subarray(0, 3) : octets.subarray(3),
});

const got = (octets: Uint8Array, blockNumber: number, invokeId = 1): Apdu => {
  const { rawData, ...block } = part(octets, blockNumber);
  return { apdu: 'get-response-with-datablock', ...head(invokeId), ...block, block: { rawData } };
};
const acted = (octets: Uint8Array, blockNumber: number, invokeId = 1): Apdu => ({
  ...{ apdu: 'action-response-with-pblock', ...head(invokeId), ...part(octets, blockNumber) },
});
const ask = (list: boolean): Apdu =>
  list
    ? { apdu: 'get-request-with-list', ...head(1), attributes: [] }
    : { apdu: 'get-request-normal', ...head(1), attribute, access: null };

/** What is given for each of the APDUs that come one after the other. */
function given(...apdus: readonly Apdu[]): (JsonObject | null)[] {
  const joins = new BlockJoins();
  return apdus.map((apdu) => joins.take(apdu));
}

const countIn = (joined: JsonObject | null | undefined): number => {
  const results = joined?.['results'];
  return Array.isArray(results) ? results.length : -1;
};

test('HE-7 the last block gives the whole: a value, or results and values where the request was a list', () => {
  const value = dataToOctets(TEXT);
  const results = getResultsToOctets([{ data: TEXT }, { dataAccessResult: 3 }]);
  const values = valuesToOctets([TEXT, TEXT]);
  const one = [{ actionResult: 0, returnParameters: { data: TEXT } }];
  assert.deepEqual(given(ask(false), got(value, 1), got(value, 2)).slice(1), [null, { blocks: 2, value: SHOWN }]);
  assert.deepEqual(given(got(value, 1), got(value, 2))[1]?.['value'], SHOWN, 'a request that is not in the capture');
  const list = given(ask(true), got(results, 1), got(results, 2)).at(-1);
  assert.deepEqual([list?.['blocks'], countIn(list)], [2, 2]);
  const set = (blockNumber: number): Apdu => ({
    apdu: 'set-request-with-datablock',
    ...head(1),
    ...part(value, blockNumber),
  });
  const first: Apdu = {
    ...{ apdu: 'set-request-with-first-datablock', ...head(1), attribute, access: null, ...part(value, 1) },
  };
  assert.deepEqual(given(first, set(2)), [null, { blocks: 2, value: SHOWN }]);
  const firstOfList: Apdu = {
    ...{ apdu: 'set-request-with-list-and-first-datablock', ...head(1), attributes: [], ...part(values, 1) },
  };
  const rest: Apdu = { apdu: 'set-request-with-datablock', ...head(1), ...part(values, 2) };
  assert.deepEqual(given(firstOfList, rest), [null, { blocks: 2, values: [SHOWN, SHOWN] }]);
  const method = { classId: 9, instanceId: parseObis('0-0:10.0.0'), methodId: 1 };
  const call: Apdu = { apdu: 'action-request-normal', ...head(1), method, parameters: null };
  const calls: Apdu = { apdu: 'action-request-with-list', ...head(1), methods: [method], parameters: [] };
  const whole = (of: Apdu, isList: boolean) => {
    const octets = actionResultsToOctets(one, isList);
    return countIn(given(of, acted(octets, 1), acted(octets, 2)).at(-1));
  };
  assert.deepEqual([whole(call, false), whole(calls, true)], [1, 1]);
});

test('HE-7 blocks again, out of order, without a beginning, with nonsense in them', () => {
  const value = dataToOctets(TEXT);
  assert.deepEqual(given(got(value, 1), got(value, 1), got(value, 2)).at(-1)?.['blocks'], 2, 'begun anew');
  const missing = { problem: 'blocks before this one are not in the capture' };
  assert.deepEqual(given(got(value, 2)), [missing]);
  assert.deepEqual(given(got(value, 1), got(value, 2), got(value, 2)).at(-1), missing, 'it is over');
  assert.deepEqual(given(got(value, 1), acted(value, 2)).at(-1), missing, 'each kind by itself');
  assert.deepEqual(given(got(value, 1), got(value, 2, 2)).at(-1), missing, 'each request by itself');
  const [, problem, after] = given(got(value, 1), got(value, 3), got(value, 2));
  assert.match(String(problem?.['problem']), /block 3 after 1/);
  assert.deepEqual(after, missing, 'what was begun is forgotten');
  const nonsense = Uint8Array.of(0xff, 0xff, 0xff, 0xff);
  assert.match(String(given(got(nonsense, 1), got(nonsense, 2)).at(-1)?.['problem']), /\w/);
  const refused: Apdu = {
    ...{
      apdu: 'get-response-with-datablock',
      ...head(1),
      lastBlock: true,
      blockNumber: 1,
      block: { dataAccessResult: 3 },
    },
  };
  assert.deepEqual(given(refused, { apdu: 'rlrq', reason: null, userInformation: null }, ask(false)), [
    null,
    null,
    null,
  ]);
});

test('HE-7 so many values are half joined at once, and those that are go on', () => {
  const value = dataToOctets(TEXT);
  const joins = new BlockJoins();
  for (let invokeId = 0; invokeId < JOINS_MAX; invokeId++) joins.take(got(value, 1, invokeId));
  joins.take(acted(value, 1));
  assert.ok('problem' in (joins.take(acted(value, 2)) ?? {}), 'one too many');
  joins.take(got(value, 1, 3));
  assert.equal(joins.take(got(value, 2, 3))?.['blocks'], 2);
});
