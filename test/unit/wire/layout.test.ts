/**
 * The layout of a block, bit by bit: each expectation is written down by the words of docs/formats/block.md with the small
 * writer below, not by the code under test.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteReader, ByteWriter, fromHex, toHex } from '../../../src/base/bytes.ts';
import { crc32C } from '../../../src/base/crc.ts';
import { hasCode } from '../../../src/base/errors.ts';
import { QUALITIES } from '../../../src/model/reading.ts';
import { decodeBlock, encodeBlock, NO_BLOCK_HASH } from '../../../src/wire/block.ts';
import { emptyLaneState, type LaneState, serializeLaneState } from '../../../src/wire/lane-state.ts';
import type { DictionaryGroup, Row } from '../../../src/wire/rows.ts';

const EPOCH = '00112233445566ff';
const HASH = '8899aabbccddeeff';
const BASE_MS = 1_577_836_800_000;
const START_MS = Date.UTC(2026, 2, 1);
const STEP_MS = 900_000;

/** One column every quarter of an hour, a group without interval length, and one with two columns. */
const DICTIONARY: DictionaryGroup[] = [
  [1, 900],
  [1, 0],
  [2, 900],
].map(([columns = 1, intervalS = 0], group) => ({
  meterId: `m${group}`,
  intervalS,
  source: 0,
  timeZone: 'UTC',
  columns: Array.from({ length: columns }, (_, at) => ({ obis: `1-0:${at + 1}.8.0*255`, exponent: 0, unit: 'Wh' })),
}));

function row(group: number, atMs: number, ...values: (number | null)[]): Row {
  return { group, atMs, status: new Uint8Array(0), quality: 'good', deviationMin: null, values };
}

/** Rows of group 0 in step, from {@link START_MS} on. */
const steady = (...values: number[]) => values.map((value, at) => row(0, START_MS + at * STEP_MS, value));

/** Block `sequence` behind `state`; a keyframe without one. */
function block(rows: readonly Row[], state?: LaneState, readAtMs = START_MS) {
  const before = state ?? emptyLaneState();
  const sequence = state === undefined ? 1 : state.sequence + 1;
  return encodeBlock(
    {
      lane: 2,
      epoch: EPOCH,
      sequence,
      keyframe: state === undefined ? 1 : state.keyframe,
      prevHash: NO_BLOCK_HASH,
      readAtMs,
      clockQuality: 'ntp',
      content: { kind: 'rows', dictionaryHash: HASH, dictionary: DICTIONARY, rows },
    },
    before,
  );
}

const zigzag = (value: number) => (value >= 0 ? 2 * value : -2 * value - 1);
const count = (value: number) => {
  const digits = (value + 1).toString(2);
  return '0'.repeat(digits.length - 1) + digits;
};
const wide = (value: number) => {
  const digits = value === 0 ? '' : value.toString(2);
  return digits.length.toString(2).padStart(7, '0') + digits.slice(1);
};
/** The varints and bits of a body: runs, common, then bits filled up with zeros. */
function body(runs: number, common: number, ...bits: string[]): string {
  const all = bits.join('');
  const filled = all.padEnd(Math.ceil(all.length / 8) * 8, '0');
  const octets = filled.match(/.{8}/g)?.map((octet) => Number.parseInt(octet, 2)) ?? [];
  return toHex(new ByteWriter(16).varint(runs).varint(common).bytes(Uint8Array.from(octets)).finish());
}

/** Takes the header of a block in lane 2 apart by W-12; what is left is the body. */
function taken(octets: Uint8Array) {
  assert.equal(new ByteReader(octets.subarray(-4)).u32(), crc32C(octets.subarray(0, -4)), 'CRC');
  const reader = new ByteReader(octets.subarray(0, -4));
  const head = { format: reader.u8(), lane: reader.u8(), clockQuality: reader.u8(), epoch: toHex(reader.slice(8)) };
  const chain = { sequence: reader.varint(), prevHash: toHex(reader.slice(8)) };
  const dictionary = { hash: toHex(reader.slice(8)), distance: reader.varint() };
  const times = { readAt: reader.varint(), from: reader.varint(), span: reader.varint() };
  return { ...head, ...chain, ...dictionary, ...times, body: toHex(reader.slice(reader.remaining)) };
}
const bodyOf = (rows: readonly Row[], state?: LaneState) => taken(block(rows, state).octets).body;

test('W-12 W-13 fields stand in their order; times are in seconds when all of them are', () => {
  const readAtMs = START_MS + 960_250;
  const seconds = taken(block(steady(7, 7), undefined, readAtMs).octets);
  assert.deepEqual(
    { ...seconds, body: '' },
    {
      format: 1,
      lane: 0x12,
      clockQuality: 4,
      epoch: EPOCH,
      sequence: 1,
      prevHash: '0000000000000000',
      hash: HASH,
      distance: 0,
      readAt: zigzag(readAtMs - BASE_MS),
      from: zigzag(960),
      span: 900,
      body: '',
    },
  );
  const odd = taken(block([row(0, START_MS + 1, 7)], undefined, readAtMs).octets);
  assert.deepEqual([odd.lane, odd.from, odd.span], [0x02, zigzag(960_249), 0]);
});

test('W-13 a reader compares from and to with the rows', () => {
  const { octets } = block(steady(7, 7), undefined, START_MS);
  const body = octets.slice(0, -4);
  const at = body.length - fromHex(bodyOf(steady(7, 7))).length - 2;
  assert.equal(toHex(body.subarray(at, at + 2)), '8407', 'span 900 s');
  body[at] = 0x85;
  const wrong = new ByteWriter(64).bytes(body).u32(crc32C(body)).finish();
  assert.throws(
    () => decodeBlock(wrong, emptyLaneState(), DICTIONARY),
    (error) => hasCode(error, 'BLOCK_MALFORMED'),
  );
});

test('W-14 a kind of record that nobody knows makes the block undecodable, not empty', () => {
  const head = {
    lane: 0,
    epoch: EPOCH,
    sequence: 1,
    keyframe: 1,
    prevHash: NO_BLOCK_HASH,
    readAtMs: START_MS,
  } as const;
  const event = {
    meterId: null,
    log: 'l',
    code: 1,
    name: 'n',
    sentence: 's',
    atMs: START_MS,
    severity: 'info',
  } as const;
  const good = encodeBlock(
    { ...head, clockQuality: 'ntp', content: { kind: 'records', records: [{ kind: 'event', event }] } },
    emptyLaneState(),
  ).octets;
  assert.equal(decodeBlock(good, emptyLaneState(), []).records.length, 1);
  const text = toHex(good.subarray(0, -4));
  // The event (field 1 of a record) becomes field 15.
  const changed = fromHex(text.replace(/0a(..)0a(..)(?=12016c)/, '0a$17a$2'));
  assert.notEqual(toHex(changed), text);
  const unknown = new ByteWriter(64).bytes(changed).u32(crc32C(changed)).finish();
  assert.throws(
    () => decodeBlock(unknown, emptyLaneState(), []),
    (error) => hasCode(error, 'BLOCK_MALFORMED'),
  );
});

test('W-15 W-16 W-17 W-20 W-24 a keyframe of one plain run: counts, common rows, and the first value in full', () => {
  assert.deepEqual([0, 1, 2, 3].map(count), ['1', '010', '011', '00100']);
  assert.equal(bodyOf(steady(29_388_488)), body(1, 1, count(1), wide(zigzag(29_388_488))));
  assert.equal(bodyOf(steady(0)), body(1, 1, count(1), wide(0)));
  assert.equal(bodyOf(steady(-3)), body(1, 1, count(1), wide(zigzag(-3))));
});

test('W-18 W-19 W-21 runs stand by group, in time order; another run has a head, in its order', () => {
  // Group 2 comes next to nothing: group 0 and 1 are left out, its first time is from, one row is common.
  const rows = [row(2, START_MS, 5, 6)];
  const head = [count(0), count(2), count(0), '0', '1', '1', '1'];
  assert.equal(bodyOf(rows), body(1, 1, ...head, wide(10), wide(12)));
  // Behind it: a first time that is late by 60 s and a second that is early by 1 s, against the step of the group.
  const { state } = block(steady(5));
  const late = START_MS + STEP_MS + 60_000;
  const times = ['1', wide(zigzag(60)), '0', '1', wide(zigzag(-1))];
  const body2 = bodyOf([row(0, late + STEP_MS - 1_000, 5), row(0, late, 5)], state);
  const k5 = '0'.repeat(6);
  // The first miss has k = 5 (d unknown); then d = 0, m1 = m2 = 0, one value is left: k = 0.
  assert.equal(body2, body(1, 2, count(0), count(0), count(1), ...times, '1', '1', k5, '0'));
});

test('W-19 a group without interval length expects the distance of its last two rows', () => {
  const first = block([row(1, START_MS, 5)]);
  const second = block([row(1, START_MS + 7_000, 5)], first.state);
  const third = bodyOf([row(1, START_MS + 14_000, 5)], second.state);
  // In step: only the group is not the next one. One value alone has no bit for standing still.
  assert.equal(third, body(1, 1, count(0), count(1), count(0), '0', '1', '1', '1', '0'));
});

test('W-21 W-22 W-23 marks and missing values, row by row', () => {
  const { state } = block([row(2, START_MS, 5, 6)]);
  const at = (step: number) => START_MS + step * STEP_MS;
  const marked: Row = {
    ...row(2, at(2), null, 6),
    status: Uint8Array.of(0x80),
    quality: 'power-down',
    deviationMin: -60,
  };
  const marks = ['0', '1', '0', '0001', '10000000', count(QUALITIES.indexOf('power-down')), '1', wide(zigzag(-60))];
  const missing = ['0', '0', '1', '0', '1'];
  const k5 = '0'.repeat(6);
  const head = [count(0), count(2), count(1), '0', '1', ...marks, ...missing];
  assert.equal(bodyOf([row(2, at(1), 5, 6), marked], state), body(1, 2, ...head, k5, k5, '0'));
});

test('W-25 W-26 W-27 W-28 a value is predicted, its miss coded with the k that the column learnt', () => {
  // d unknown: k = 5, prediction v. 71: u = 142, q = 4, w = 78 of seven digits, e = 0.
  const miss71 = `11110${(78).toString(2).slice(1)}`;
  const first = block(steady(1000));
  const next = (value: number, at = 1) => [row(0, START_MS + at * STEP_MS, value)];
  assert.equal(bodyOf(next(1071), first.state), body(1, 1, count(1), miss71));
  const second = block(next(1071), first.state);
  // m1 = m2 = 16 x 142: order 1 (not m2 < m1), k least with 2^(k+1) x 16 >= 2272: 7. u = zigzag(70) = 140: q = 1, low 12.
  assert.equal(bodyOf(next(1141, 2), second.state), body(1, 1, count(1), '10', '0001100'));
  const third = block(next(1141, 2), second.state);
  // m1 = 2264 and m2 = 1708: order 2, k = 6; u = zigzag(1214 - 1211) = 6.
  assert.equal(bodyOf(next(1214, 3), third.state), body(1, 1, count(1), '0', '000110'));
  // Far away: e >= 10 takes the escape, fourteen ones and the whole miss.
  const far = 1_071 + 2 ** 40;
  assert.equal(bodyOf(next(far, 2), second.state), body(1, 1, count(1), '1'.repeat(14), wide(zigzag(far - 1_071))));
});

test('W-29 a column that stands still takes one bit a run', () => {
  const first = block(steady(8, 8));
  const rows = [2, 3, 4].map((at) => row(0, START_MS + at * STEP_MS, 8));
  assert.equal(bodyOf(rows, first.state), body(1, 3, count(1), '1'));
  const moved = [...rows.slice(0, 2), row(0, START_MS + 4 * STEP_MS, 9)];
  // `0`, then two misses of 0 with k = 0, then u = 2: `110`.
  assert.equal(bodyOf(moved, first.state), body(1, 3, count(1), '0', '0', '0', '110'));
});

test('W-30 W-31 the state has one form, and the next keyframe carries its CRC', () => {
  const { state } = block(steady(5, 7));
  const group = new ByteWriter(64)
    .varint(0)
    .varint(zigzag(START_MS + STEP_MS))
    .varint(zigzag(STEP_MS));
  group.u8(0).u8(0).u8(0).u16(0).u8(1);
  // One column: value 7, difference 2, m1 = m2 = 16 x zigzag(2).
  group.u8(2).varint(zigzag(7)).varint(zigzag(2)).varint(64).varint(64);
  const octets = new ByteWriter(64).u8(1).varint(1).varint(1).varint(1).bytes(group.finish()).finish();
  assert.equal(toHex(serializeLaneState(state)), toHex(octets));
  const content = { kind: 'rows', dictionaryHash: HASH, dictionary: DICTIONARY, rows: steady(5) } as const;
  const head = { lane: 2, epoch: EPOCH, prevHash: NO_BLOCK_HASH, readAtMs: START_MS, clockQuality: 'ntp' } as const;
  const next = encodeBlock({ ...head, sequence: 2, keyframe: 2, content }, state).octets;
  const decoded = decodeBlock(next, state, DICTIONARY);
  assert.deepEqual([decoded.header.stateCheck, decoded.stateDiffers], [crc32C(octets), false]);
  const other = block(steady(5, 8)).state;
  const astray = decodeBlock(next, other, DICTIONARY);
  assert.equal(astray.stateDiffers, true);
  assert.equal(astray.rows[0]?.values[0], 5, 'the rows of this block are right');
});
