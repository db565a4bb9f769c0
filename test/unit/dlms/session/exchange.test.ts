import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Data } from '../../../../src/dlms/axdr/data.ts';
import { actionExchange, type Exchange, getExchange, setExchange } from '../../../../src/dlms/session/exchange.ts';
import type { Apdu } from '../../../../src/dlms/xdlms/apdu.ts';
import { attributeOf, SCRIPT, TEXT } from './bench-meter.ts';

const ID = { invokeId: 3, confirmed: true, highPriority: false } as const;
const LIMITS = { pduMaxBytes: 0, blocks: true };
const DATA: Data = { type: 'unsigned', value: 1 };
const text = attributeOf(1, TEXT);
const call = { method: { classId: 9, instanceId: SCRIPT, methodId: 1 }, parameters: DATA };
const of = <Item>(count: number, item: Item): Item[] => Array.from({ length: count }, () => item);

/** Each service: asking for so many, one answer that says yes and one that says no, and what a no means for one item. */
const SERVICES: readonly {
  readonly name: string;
  readonly ask: (count: number) => Exchange<readonly unknown[]>;
  readonly yes: Apdu;
  readonly no: Apdu;
  readonly refused: unknown;
}[] = [
  {
    name: 'get',
    ask: (count) => getExchange(of(count, text), ID),
    yes: { apdu: 'get-response-normal', ...ID, result: { data: DATA } },
    no: { apdu: 'get-response-normal', ...ID, result: { dataAccessResult: 3 } },
    refused: { dataAccessResult: 3 },
  },
  {
    name: 'set',
    ask: (count) => setExchange(of(count, { attribute: text, value: DATA }), ID, LIMITS),
    yes: { apdu: 'set-response-normal', ...ID, result: 0 },
    no: { apdu: 'set-response-normal', ...ID, result: 3 },
    refused: 3,
  },
  {
    name: 'action',
    ask: (count) => actionExchange(of(count, call), ID, LIMITS),
    yes: { apdu: 'action-response-normal', ...ID, actionResult: 0, returnParameters: null },
    no: { apdu: 'action-response-normal', ...ID, actionResult: 3, returnParameters: null },
    refused: { actionResult: 3, returnParameters: null },
  },
];

for (const { name, ask, yes, no, refused } of SERVICES) {
  test(`HE-7 ${name}: a list that is answered by one result is refused as a whole, and never taken as done`, () => {
    assert.equal(ask(1).accept(yes).kind, 'done');
    assert.deepEqual(ask(1).accept(no), { kind: 'done', results: [refused] });
    assert.deepEqual(ask(2).accept(no), { kind: 'done', results: [refused, refused] });
    assert.throws(() => ask(2).accept(yes), /SESSION_ANSWER/);
  });
}

test('HE-7 set: the last block of a list that is answered by one success is of nobody', () => {
  const ask = () => setExchange(of(2, { attribute: text, value: DATA }), ID, LIMITS);
  const last = { apdu: 'set-response-last-datablock', ...ID, blockNumber: 1 } as const;
  assert.throws(() => ask().accept({ ...last, result: 0 }), /SESSION_ANSWER/);
  assert.deepEqual(ask().accept({ ...last, result: 3 }), { kind: 'done', results: [3, 3] });
});
