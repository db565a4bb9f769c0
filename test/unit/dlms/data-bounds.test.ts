/** How deep and how many: data on the wire at the limits, and compact arrays that do not fit their description. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteWriter, fromHex, toHex } from '../../../src/base/bytes.ts';
import { hasCode } from '../../../src/base/errors.ts';
import type { CompactArrayData, Data, TypeDescription } from '../../../src/dlms/axdr/data.ts';
import { dataFromOctets, dataToOctets } from '../../../src/dlms/axdr/decode.ts';
import { writeLength } from '../../../src/dlms/axdr/length.ts';
import { DATA_DEPTH_MAX, DATA_ELEMENTS_MAX } from '../../../src/dlms/limits.ts';

const is = (code: string) => (error: unknown) => hasCode(error, code);
const u8 = (value: number): Data => ({ type: 'unsigned', value });
const list = (type: 'array' | 'structure', ...value: Data[]): Data => ({ type, value });
const compact = (of: TypeDescription, ...value: Data[]): CompactArrayData => ({ type: 'compact-array', of, value });
const U8 = { type: 'unsigned' } as const;
const NULL = { type: 'null-data' } as const;

/** A list of so many null-data, which take an octet each. */
function nulls(count: number): Uint8Array {
  const writer = new ByteWriter(count + 8).u8(1);
  writeLength(writer, count);
  return writer.bytes(new Uint8Array(count)).finish();
}

test('lists are nested sixteen deep and no deeper', () => {
  const nested = (depth: number) => fromHex(`${'0101'.repeat(depth)}00`);
  assert.equal(toHex(dataToOctets(dataFromOctets(nested(DATA_DEPTH_MAX)))), toHex(nested(DATA_DEPTH_MAX)));
  assert.throws(() => dataFromOctets(nested(DATA_DEPTH_MAX + 1)), is('DLMS_DEPTH'));
  const beside = fromHex(`0102${'0101'.repeat(DATA_DEPTH_MAX - 1)}00${'0101'.repeat(DATA_DEPTH_MAX - 1)}00`);
  assert.ok(dataFromOctets(beside), 'two lists side by side are no deeper than one');
});

test('a value has 65,536 elements and no more', () => {
  const full = dataFromOctets(nulls(DATA_ELEMENTS_MAX));
  assert.equal(full.type === 'array' && full.value.length, DATA_ELEMENTS_MAX);
  assert.throws(() => dataFromOctets(nulls(DATA_ELEMENTS_MAX + 1)), is('DLMS_ELEMENTS'));
});

test('a list may claim as many elements as octets follow, and not one more', () => {
  assert.deepEqual(dataFromOctets(fromHex('01020000')), list('array', NULL, NULL));
  assert.throws(() => dataFromOctets(fromHex('01030000')), is('DLMS_ELEMENTS'));
});

test('octets behind a value are told', () => {
  assert.throws(() => dataFromOctets(fromHex('110100')), is('DLMS_TRAILING'));
});

test('compact arrays of numbers, arrays and structures come back, their counts in the description', () => {
  const pair: TypeDescription = { type: 'structure', of: [U8, { type: 'array', count: 2, of: U8 }] };
  for (const [data, hex] of [
    [compact(U8, u8(1), u8(2)), '1311020102'],
    [compact({ type: 'array', count: 2, of: U8 }, list('array', u8(1), u8(2))), '130100021102' + '0102'],
    [compact(pair, list('structure', u8(1), list('array', u8(2), u8(3)))), '130202110100021103' + '010203'],
    [compact(U8), '131100'],
  ] as const) {
    assert.equal(toHex(dataToOctets(data)), hex);
    assert.deepEqual(dataFromOctets(fromHex(hex)), data);
  }
});

test('a compact array holds what its description says: another type, count or number of fields is not written', () => {
  const two: TypeDescription = { type: 'array', count: 2, of: U8 };
  const wrong: readonly CompactArrayData[] = [
    compact(U8, { type: 'long', value: 1 }),
    compact(two, list('array', u8(1))),
    compact(two, list('array', u8(1), u8(2), u8(3))),
    compact(two, list('structure', u8(1), u8(2))),
    compact({ type: 'structure', of: [U8, U8] }, list('structure', u8(1))),
    compact({ type: 'structure', of: [U8, U8] }, list('structure', u8(1), u8(2), u8(3))),
    compact({ type: 'structure', of: [U8] }, list('array', u8(1))),
  ];
  for (const data of wrong) assert.throws(() => dataToOctets(data), is('DLMS_VALUE'), JSON.stringify(data));
});

test('elements of no octets are refused where they would repeat for ever, and are fields beside others', () => {
  for (const hex of [
    '13 00 01 00',
    '13 01 0002 00 01 00',
    '13 01 0002 ff 01 00',
    '13 01 0002 01 0000 11 01 00',
    '13 01 0002 02 01 00 01 00',
    '13 02 00 01 00',
    '13 01 0000 11 01 00',
  ])
    assert.throws(() => dataFromOctets(fromHex(hex)), is('DLMS_LENGTH'), hex);
  assert.deepEqual(
    dataFromOctets(fromHex('13 02 02 00 11 01 07')),
    compact({ type: 'structure', of: [NULL, U8] }, list('structure', NULL, u8(7))),
  );
});

test('arrays of elements of no octets are refused by their description alone, whatever follows', () => {
  for (const of of ['00', 'ff', '01 0000 11', '02 02 00 ff', '02 00']) {
    assert.throws(() => dataFromOctets(fromHex(`13 01 ffff ${of} 00`)), is('DLMS_LENGTH'), of);
  }
  for (const of of ['11', '01 0001 11', '02 02 00 11'])
    assert.deepEqual(
      toHex(dataToOctets(dataFromOctets(fromHex(`13 01 ffff ${of} 00`)))),
      toHex(fromHex(`13 01 ffff ${of} 00`)),
    );
});

test('descriptions are as deep as values may be, and what a compact array holds counts as much as tagged elements', () => {
  const described = (levels: number, one: string) => fromHex(`13${one.repeat(levels)}1100`);
  for (const one of ['010001', '0201']) {
    assert.ok(dataFromOctets(described(DATA_DEPTH_MAX - 1, one)), one);
    assert.throws(() => dataFromOctets(described(DATA_DEPTH_MAX, one)), is('DLMS_DEPTH'), one);
  }
  const many = (count: number) => {
    const writer = new ByteWriter(count + 16).bytes(fromHex('1311'));
    writeLength(writer, count);
    return writer.bytes(new Uint8Array(count)).finish();
  };
  assert.ok(dataFromOctets(many(DATA_ELEMENTS_MAX)));
  assert.throws(() => dataFromOctets(many(DATA_ELEMENTS_MAX + 1)), is('DLMS_ELEMENTS'));
  const inner = fromHex('13 01 8000 11 83 010001');
  assert.throws(
    () => dataFromOctets(Uint8Array.of(...inner, ...new Uint8Array(0x1_0001))),
    is('DLMS_ELEMENTS'),
    'elements of inner arrays count',
  );
});

test('compact arrays side by side are as deep as one', () => {
  const one = '13 02 01 01 0001 11 01 07';
  const beside = fromHex(`01 14 ${one.repeat(20)}`);
  assert.equal(toHex(dataToOctets(dataFromOctets(beside))), toHex(beside));
});

test('tags that do not exist are told with their place', () => {
  assert.throws(
    () => dataFromOctets(fromHex('0202110163')),
    (error) => is('DLMS_DATA_TAG')(error) && /offset 4: tag 63 hex/.test((error as Error).message),
  );
});

test('a compact array inside a compact array, or of a type that does not exist, is none', () => {
  for (const hex of ['13 13 11 01 00', '13 63 01 00'])
    assert.throws(() => dataFromOctets(fromHex(hex)), is('DLMS_DATA_TAG'));
  assert.throws(() => dataFromOctets(fromHex('13 02 7f 11')), is('DLMS_ELEMENTS'));
});
