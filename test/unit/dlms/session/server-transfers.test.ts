/** Long answers and long requests of a server: which block is given, which ends a transfer, what makes room. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex, toHex } from '../../../../src/base/bytes.ts';
import { ANSWERS_KEPT_MAX, LONG_VALUE_MAX_BYTES } from '../../../../src/dlms/session/limits.ts';
import { RESULT } from '../../../../src/dlms/session/object-model.ts';
import { ServerTransfers, valuesOf } from '../../../../src/dlms/session/server-transfers.ts';
import type { DataBlock } from '../../../../src/dlms/xdlms/service.ts';

const ANSWER = fromHex('0102030405');
const shown = (given: ReturnType<ServerTransfers['resume']>) =>
  given.kind === 'block' ? `${given.block.blockNumber} ${toHex(given.block.rawData)}` : given.kind;
const block = (blockNumber: number, octets: Uint8Array, lastBlock = false): DataBlock => {
  return { blockNumber, rawData: octets, lastBlock };
};
const WRITE = { attributes: null, methods: null, list: false } as const;

test('the next block follows the one that was heard, the same comes again when it was not, any other number ends it', () => {
  const transfers = new ServerTransfers();
  assert.equal(transfers.isAnswering, false);
  assert.equal(toHex(transfers.begin('get', 3, ANSWER, 2).rawData), '0102');
  assert.equal(transfers.isAnswering, true);
  assert.equal(shown(transfers.resume('get', 3, 1, 2)), '2 0304');
  assert.equal(shown(transfers.resume('get', 3, 1, 2)), '2 0304');
  assert.equal(shown(transfers.resume('get', 3, 2, 2)), '3 05');
  assert.equal(transfers.isAnswering, false);
  assert.equal(shown(transfers.resume('get', 3, 2, 2)), '3 05', 'the last one, too');
  assert.equal(shown(transfers.resume('get', 3, 3, 2)), 'bad-number', 'nothing follows the last');
  assert.equal(shown(transfers.resume('get', 3, 2, 2)), 'no-transfer');
  transfers.begin('get', 3, ANSWER, 2);
  assert.equal(shown(transfers.resume('get', 3, 2, 2)), 'bad-number');
});

test('a client with one answer under way asks on under any invoke id, with two only under their own, by one service', () => {
  const transfers = new ServerTransfers();
  transfers.begin('get', 1, ANSWER, 2);
  assert.equal(shown(transfers.resume('action', 1, 1, 2)), 'no-transfer');
  assert.equal(shown(transfers.resume('get', 9, 1, 2)), '2 0304');
  transfers.begin('action', 2, ANSWER, 1);
  assert.equal(shown(transfers.resume('get', 9, 2, 2)), 'no-transfer');
  assert.equal(shown(transfers.resume('action', 2, 1, 1)), '2 02');
  assert.equal(shown(transfers.resume('get', 1, 2, 2)), '3 05');
});

test('answers that are out make room for new ones, oldest first, those under way stay', () => {
  const transfers = new ServerTransfers();
  transfers.begin('get', 0, ANSWER, 2);
  for (let id = 1; id < ANSWERS_KEPT_MAX; id++) transfers.begin('get', id, ANSWER, 5);
  transfers.begin('get', 10, ANSWER, 2);
  assert.equal(shown(transfers.resume('get', 1, 0, 5)), 'no-transfer');
  assert.equal(shown(transfers.resume('get', 2, 0, 5)), '1 0102030405');
  assert.equal(shown(transfers.resume('get', 0, 1, 2)), '2 0304');
  assert.equal(shown(transfers.resume('get', 10, 1, 2)), '2 0304');
});

test('a long request: its blocks once each, in their order, under its own id', () => {
  const transfers = new ServerTransfers();
  assert.equal(transfers.take(1, block(1, ANSWER)), RESULT.noLongTransfer);
  transfers.expect(1, WRITE);
  assert.equal(transfers.take(1, block(1, fromHex('0601'))), RESULT.success);
  assert.equal(transfers.take(1, block(1, fromHex('0601'))), RESULT.success);
  assert.equal(transfers.take(1, block(3, ANSWER)), RESULT.blockNumberInvalid);
  assert.equal(transfers.take(2, block(2, ANSWER)), RESULT.noLongTransfer);
  assert.equal(transfers.take(1, block(2, fromHex('020304'), true)), RESULT.success);
  const arrived = transfers.arriving(1) ?? assert.fail('it arrives');
  assert.deepEqual(valuesOf(arrived), [{ type: 'double-long-unsigned', value: 0x01020304 }]);
  transfers.forget(1);
  assert.equal(transfers.arriving(1), undefined);
});

test('a finished request that holds no value says so', () => {
  const transfers = new ServerTransfers();
  transfers.expect(1, WRITE);
  transfers.take(1, block(1, fromHex('0601'), true));
  assert.equal(valuesOf(transfers.arriving(1) ?? assert.fail('it arrives')), null);
});

test('requests that arrive together take 4 MiB: beyond that the oldest other one goes', () => {
  const transfers = new ServerTransfers();
  for (const id of [1, 2]) transfers.expect(id, WRITE);
  const half = new Uint8Array(LONG_VALUE_MAX_BYTES / 2);
  for (const id of [1, 2]) assert.equal(transfers.take(id, block(1, half)), RESULT.success);
  assert.ok(transfers.arriving(1), 'exactly as much as may be');
  assert.equal(transfers.take(2, block(2, Uint8Array.of(0))), RESULT.success);
  assert.equal(transfers.arriving(1), undefined);
  assert.equal(transfers.arriving(2)?.joiner.bytes, LONG_VALUE_MAX_BYTES / 2 + 1);
});
