/** Long values cut into blocks and joined again, and the wait for an answer, each at its bounds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../../../../src/base/bytes.ts';
import { hasCode } from '../../../../src/base/errors.ts';
import { BlockCutter, BlockJoiner, blockDataBytes } from '../../../../src/dlms/session/blocks.ts';
import { ANSWER_MAX_MS, BLOCKS_MAX, LONG_VALUE_MAX_BYTES } from '../../../../src/dlms/session/limits.ts';
import { Patience } from '../../../../src/dlms/session/patience.ts';
import type { DataBlock } from '../../../../src/dlms/xdlms/service.ts';

const OCTETS = Uint8Array.from({ length: 10 }, (_, at) => at);
const isBroken = (error: unknown) => hasCode(error, 'SESSION_BLOCKS');
const block = (blockNumber: number, rawData: Uint8Array, lastBlock = false): DataBlock => {
  return { blockNumber, rawData, lastBlock };
};

test('data of a block: what the PDU leaves behind its overhead and head, of a small PDU as of 64, of none as of 65,535', () => {
  assert.equal(blockDataBytes(500), 484);
  assert.equal(blockDataBytes(500, 9), 475);
  assert.equal(blockDataBytes(10), 48);
  assert.equal(blockDataBytes(64), 48);
  assert.equal(blockDataBytes(0), 0xffff - 16);
  assert.equal(blockDataBytes(1_000_000), 0xffff - 16);
  assert.equal(blockDataBytes(64, 100), 1);
});

test('a value is cut into blocks from 1 on, the last one marked, also when it ends with a whole block', () => {
  for (const [size, sizes] of [
    [4, [4, 4, 2]],
    [5, [5, 5]],
    [10, [10]],
  ] as const) {
    const cutter = new BlockCutter(OCTETS);
    assert.equal(cutter.current, null);
    const blocks = sizes.map(() => cutter.next(size));
    assert.deepEqual(
      blocks.map((each) => [each.blockNumber, each.rawData.length, each.lastBlock]),
      sizes.map((bytes, at) => [at + 1, bytes, at === sizes.length - 1]),
    );
    assert.equal(cutter.current, blocks.at(-1));
    assert.equal(blocks.map((each) => toHex(each.rawData)).join(''), toHex(OCTETS));
  }
});

test('blocks are joined in their order; the last one again is known, any other number breaks it', () => {
  const joiner = new BlockJoiner();
  assert.throws(() => joiner.accept(block(0, OCTETS)), isBroken);
  assert.throws(() => joiner.accept(block(2, OCTETS)), isBroken);
  assert.equal(joiner.accept(block(1, OCTETS)), true);
  assert.equal(joiner.accept(block(1, OCTETS)), false);
  assert.deepEqual([joiner.number, joiner.bytes], [1, 10]);
  assert.throws(() => joiner.accept(block(3, OCTETS)), isBroken);
  assert.equal(joiner.accept(block(2, new Uint8Array(), true)), true);
  assert.equal(toHex(joiner.joined()), toHex(OCTETS));
});

test('a block with nothing in it is one only at the end', () => {
  assert.throws(() => new BlockJoiner().accept(block(1, new Uint8Array())), isBroken);
  assert.equal(new BlockJoiner().accept(block(1, new Uint8Array(), true)), true);
});

test('a value has at most 1,024 blocks and 4 MiB', () => {
  const many = new BlockJoiner();
  for (let number = 1; number <= BLOCKS_MAX; number++) many.accept(block(number, Uint8Array.of(1)));
  assert.throws(() => many.accept(block(BLOCKS_MAX + 1, Uint8Array.of(1))), isBroken);
  const long = new BlockJoiner();
  assert.equal(long.accept(block(1, new Uint8Array(LONG_VALUE_MAX_BYTES))), true);
  assert.throws(() => long.accept(block(2, Uint8Array.of(1))), isBroken);
});

test('an answer is waited for as long as the silence lasts; octets renew it, nothing does once it is there', () => {
  const patience = new Patience(1_000);
  assert.deepEqual([patience.byMs, patience.silentSinceMs, patience.isOver(1e9)], [null, null, false]);
  patience.renew(5);
  patience.progress(5);
  assert.equal(patience.byMs, null, 'nothing was asked');
  patience.begin(100);
  assert.deepEqual([patience.byMs, patience.silentSinceMs], [1_100, 100]);
  assert.deepEqual([patience.isOver(1_099), patience.isOver(1_100)], [false, true]);
  patience.renew(600);
  assert.deepEqual([patience.byMs, patience.silentSinceMs], [1_600, null]);
  patience.progress(700);
  assert.deepEqual([patience.byMs, patience.silentSinceMs], [1_700, 700]);
  patience.end();
  assert.deepEqual([patience.byMs, patience.silentSinceMs, patience.isOver(1e9)], [null, null, false]);
});

test('octets that never end are borne for a quarter of an hour, and a patience of its own is not shortened by them', () => {
  const patience = new Patience(1_000);
  patience.begin(0);
  patience.renew(ANSWER_MAX_MS - 500);
  assert.equal(patience.byMs, ANSWER_MAX_MS);
  patience.begin(0, 5_000);
  patience.renew(100);
  assert.equal(patience.byMs, 5_000);
});
