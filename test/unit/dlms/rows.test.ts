/** Profile rows: the fast path gives what the general decoder gives, and anything unusual still comes out right. */

import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { ByteWriter, concat, fromHex, toHex } from '../../../src/base/bytes.ts';
import { hasCode } from '../../../src/base/errors.ts';
import type { Data } from '../../../src/dlms/axdr/data.ts';
import { dataFromOctets, dataToOctets } from '../../../src/dlms/axdr/decode.ts';
import { readFastRows } from '../../../src/dlms/axdr/fast-rows.ts';
import { encodeProfileRows, type RowSource } from '../../../src/dlms/axdr/row-writer.ts';
import { dateTimeAt, impliedTimes, numberAt, readProfileRows } from '../../../src/dlms/axdr/rows.ts';
import { dateTimeFromOctets, utcMsOf } from '../../../src/dlms/cosem/datetime.ts';
import { dateTimeData, decodeApdu, rawDataOfGetResponse } from '../../../src/dlms/index.ts';
import { vectors } from '../../vectors/vector.ts';

const TYPES = ['double-long', 'double-long-unsigned', 'integer', 'long', 'unsigned', 'long-unsigned', 'enum'] as const;

const integer = (low: number, high: number) => fc.integer({ min: low, max: high });
const RANGES: Readonly<Record<(typeof TYPES)[number], fc.Arbitrary<number>>> = {
  'double-long': integer(-0x80_00_00_00, 0x7f_ff_ff_ff),
  'double-long-unsigned': integer(0, 0xff_ff_ff_ff),
  integer: integer(-0x80, 0x7f),
  long: integer(-0x80_00, 0x7f_ff),
  unsigned: integer(0, 0xff),
  'long-unsigned': integer(0, 0xff_ff),
  enum: integer(0, 0xff),
};

/** A column of values, each sometimes null-data. */
const column = (rows: number): fc.Arbitrary<Data[]> =>
  fc.oneof(
    fc
      .constantFrom(...TYPES)
      .chain((type) =>
        fc.array(orNull(RANGES[type].map((value): Data => ({ type, value }))), { minLength: rows, maxLength: rows }),
      ),
    fc.array(orNull(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map((value): Data => ({ type: 'long64', value }))), {
      minLength: rows,
      maxLength: rows,
    }),
    fc.array(
      orNull(fc.uint8Array({ minLength: 12, maxLength: 12 }).map((value): Data => ({ type: 'octet-string', value }))),
      { minLength: rows, maxLength: rows },
    ),
  );

function orNull(value: fc.Arbitrary<Data>): fc.Arbitrary<Data> {
  return fc.oneof({ weight: 4, arbitrary: value }, { weight: 1, arbitrary: fc.constant<Data>({ type: 'null-data' }) });
}

const table = fc
  .record({ rows: fc.integer({ min: 1, max: 12 }), width: fc.integer({ min: 1, max: 7 }) })
  .chain(({ rows, width }) => fc.array(column(rows), { minLength: width, maxLength: width }));

test('HE-7 any rows of numbers and clocks: columns hold exactly what the general decoder reads', () => {
  fc.assert(
    fc.property(table, (columns) => {
      const rows = columns[0]?.length ?? 0;
      const octets = dataToOctets({
        type: 'array',
        value: Array.from({ length: rows }, (_, row) => ({
          type: 'structure',
          value: columns.map((values) => values[row] ?? { type: 'null-data' }),
        })),
      });
      const read = readProfileRows(octets);
      assert.equal(read.fast, true);
      assert.equal(read.count, rows);
      columns.forEach((values, at) => {
        values.forEach((value, row) => {
          const found = read.columns[at];
          assert.ok(found !== undefined && found.kind !== 'data');
          if (value.type === 'octet-string') {
            assert.ok(found.kind === 'date-time');
            const dateTime = dateTimeFromOctets(value.value);
            assert.deepEqual(dateTimeAt(read, found, row), dateTime);
            assert.deepEqual(found.utcMs[row], utcMsOf(dateTime) ?? Number.NaN);
            assert.equal(found.statuses[row], dateTime.status);
            assert.equal(found.deviations[row], dateTime.deviation ?? -32_768);
          } else if (value.type === 'null-data') {
            assert.equal(found.kind === 'number' ? numberAt(found, row) : dateTimeAt(read, found, row), null);
          } else {
            assert.ok(found.kind === 'number' && 'value' in value);
            assert.equal(BigInt(numberAt(found, row) ?? Number.NaN), BigInt(value.value as number | bigint));
          }
        });
      });
    }),
    { numRuns: 300 },
  );
});

test('HE-7 integers beyond 2^53 are exact in both directions', () => {
  const big = new Map([
    [0, 2n ** 64n - 1n],
    [2, 2n ** 53n],
  ]);
  const source: RowSource = { kind: 'number', type: 'long64-unsigned', values: [Number.NaN, 7, Number.NaN], big };
  const octets = encodeProfileRows([source], 3);
  assert.equal(toHex(octets), '0103020115ffffffffffffffff02011500000000000000070201150020000000000000');
  const [column] = readProfileRows(octets).columns;
  assert.ok(column?.kind === 'number');
  assert.deepEqual(
    [0, 1, 2].map((row) => numberAt(column, row)),
    [2n ** 64n - 1n, 7, 2n ** 53n],
  );
});

test('HE-7 written rows are the rows that are read, day after day, over a change of deviation', () => {
  const utcMs = Float64Array.from({ length: 300 }, (_, row) => Date.UTC(2026, 9, 24, 18) + row * 900_000);
  const changeMs = Date.UTC(2026, 9, 25, 1);
  const clock = (atMs: number) => (atMs < changeMs ? { deviation: -120, status: 0x80 } : { deviation: -60 });
  const values = Int32Array.from(utcMs, (_, row) => row * row - 40_000);
  const octets = encodeProfileRows(
    [
      { kind: 'date-time', utcMs, clock },
      { kind: 'number', type: 'double-long', values },
    ],
    300,
  );
  const read = readProfileRows(octets);
  const [times, numbers] = read.columns;
  assert.ok(read.fast && times?.kind === 'date-time' && numbers?.kind === 'number');
  assert.deepEqual(times.utcMs, utcMs);
  assert.deepEqual(numbers.values, Float64Array.from(values));
  assert.deepEqual(
    dataFromOctets(octets),
    dataFromOctets(
      dataToOctets({
        type: 'array',
        value: Array.from(utcMs, (_, row) => {
          const dateTime = dateTimeAt(read, times, row);
          assert.ok(dateTime);
          return {
            type: 'structure',
            value: [dateTimeData(dateTime), { type: 'double-long', value: values[row] ?? 0 }],
          };
        }),
      }),
    ),
  );
  assert.equal(dateTimeAt(read, times, 27)?.hour, 2, 'the hour that comes twice');
  assert.equal(dateTimeAt(read, times, 31)?.hour, 2);
});

test('HE-7 interop 7: null-data clocks of a real meter count on by the capture period', () => {
  const [vector] = vectors('profiles').filter((row) => row.id === 'u9n-data-test-parse-buffer');
  assert.ok(vector);
  const [times, status, first] = readProfileRows(fromHex(vector.hex)).columns;
  assert.ok(times?.kind === 'date-time' && status?.kind === 'number' && first?.kind === 'number');
  const startMs = Date.parse('2019-12-31T23:00:00+01:00');
  assert.deepEqual(
    [...impliedTimes(times, 3_600_000)],
    [0, 1, 2, 3].map((hour) => startMs + hour * 3_600_000),
  );
  assert.deepEqual([...first.values], [1517, 1517, 1517, 1517]);
});

test('HE-7 surprises go to the general decoder: other types stay whole, other shapes are named', () => {
  const bits = readProfileRows(fromHex('0102' + '02020408aa0600000001' + '02020408550600000002'));
  assert.equal(bits.fast, false);
  const [flags, numbers] = bits.columns;
  assert.ok(flags?.kind === 'data' && numbers?.kind === 'number');
  assert.deepEqual(flags.values, [
    { type: 'bit-string', value: '10101010' },
    { type: 'bit-string', value: '01010101' },
  ]);
  assert.deepEqual([...numbers.values], [1, 2]);
  assert.throws(
    () => readProfileRows(fromHex('0102' + '02011101' + '020211011102')),
    (error) => hasCode(error, 'DLMS_SHAPE'),
  );
  assert.throws(
    () => readProfileRows(fromHex('0600000001')),
    (error) => hasCode(error, 'DLMS_SHAPE'),
  );
  assert.throws(
    () => readProfileRows(fromHex('0101020111')),
    (error) => hasCode(error, 'DLMS_TRUNCATED'),
  );
  assert.throws(
    () => readProfileRows(fromHex('010102011101ff')),
    (error) => hasCode(error, 'DLMS_TRAILING'),
  );
  assert.equal(readFastRows(fromHex('01847fffffff020111')), null, 'a count that the octets cannot hold');
  assert.deepEqual(readProfileRows(fromHex('0100')), { count: 0, columns: [], octets: fromHex('0100'), fast: true });
});

test('HE-7 values that do not fit their type are refused by name', () => {
  for (const value of [-1, 256, 1.5, Number.POSITIVE_INFINITY]) {
    assert.throws(
      () => encodeProfileRows([{ kind: 'number', type: 'unsigned', values: [value] }], 1),
      (error) => hasCode(error, 'DLMS_VALUE'),
      String(value),
    );
  }
});

test('HE-7 the rows inside a GET-response are found without decoding it', () => {
  const rows = encodeProfileRows([{ kind: 'number', type: 'unsigned', values: [5] }], 1);
  const response = concat([fromHex('c401c100'), rows]);
  assert.deepEqual(rawDataOfGetResponse(response), rows);
  assert.equal(decodeApdu(response).apdu, 'get-response-normal');
  assert.equal(rawDataOfGetResponse(fromHex('c401c10103')), null, 'a refusal');
  assert.equal(rawDataOfGetResponse(new ByteWriter().u16(0xc4_02).finish()), null, 'a block');
});

test('HE-7 one strange column does not spoil the others: clocks and exact integers beside it', () => {
  const clock = { type: 'octet-string', value: fromHex('07e30c1f0217000000ffc400') } as const;
  const flags: Data = { type: 'bit-string', value: '0110' };
  const row = (time: Data, value: Data): Data => ({ type: 'structure', value: [time, flags, value] });
  const octets = dataToOctets({
    type: 'array',
    value: [
      row(clock, { type: 'long64-unsigned', value: 2n ** 60n + 1n }),
      row({ type: 'null-data' }, { type: 'long64-unsigned', value: 5n }),
      row({ type: 'null-data' }, { type: 'null-data' }),
    ],
  });
  const rows = readProfileRows(octets);
  assert.equal(rows.fast, false);
  const [times, bits, numbers] = rows.columns;
  assert.ok(times?.kind === 'date-time' && bits?.kind === 'data' && numbers?.kind === 'number');
  assert.deepEqual(
    [0, 1, 2].map((at) => numberAt(numbers, at)),
    [2n ** 60n + 1n, 5, null],
  );
  assert.deepEqual(dateTimeAt(rows, times, 0), dateTimeFromOctets(clock.value));
  assert.equal(dateTimeAt(rows, times, 1), null);
  assert.deepEqual([...times.deviations], [-60, -32_768, -32_768]);
  assert.deepEqual(
    [...impliedTimes(times, 900_000)],
    [0, 1, 2].map((at) => (times.utcMs[0] ?? 0) + at * 900_000),
  );
  assert.deepEqual([...impliedTimes(times, 0)].slice(1), [Number.NaN, Number.NaN]);
});

test('HE-7 rows of floats, and rows in a compact-array', () => {
  const [halves] = readProfileRows(fromHex('0102' + '0201173f000000' + '0201183ff8000000000000')).columns;
  assert.ok(halves?.kind === 'number');
  assert.deepEqual([...halves.values], [0.5, 1.5]);
  const compact = readProfileRows(fromHex('13020206110a000000010a000000020b'));
  assert.deepEqual(
    compact.columns.map((column) => (column.kind === 'number' ? [...column.values] : null)),
    [
      [1, 2],
      [10, 11],
    ],
  );
});

test('HE-7 a column of many days and a moment outside the calendar', () => {
  const time = (utcMs: number): RowSource => ({
    kind: 'date-time',
    utcMs: [utcMs],
    clock: { deviation: 0, sendDeviation: false },
  });
  assert.equal(toHex(encodeProfileRows([time(0)], 1)), '01010201090c07b2010104000000008000' + '00');
  assert.equal(toHex(encodeProfileRows([time(Number.NaN)], 1)), '0101020100');
  assert.throws(
    () => encodeProfileRows([time(9e15)], 1),
    (error) => hasCode(error, 'DLMS_VALUE'),
  );
  assert.throws(
    () =>
      encodeProfileRows(
        Array.from({ length: 128 }, () => time(0)),
        1,
      ),
    (error) => hasCode(error, 'DLMS_VALUE'),
  );
  const unfit: RowSource = { kind: 'number', type: 'long64', values: [Number.NaN], big: new Map([[0, 2n ** 64n]]) };
  assert.throws(
    () => encodeProfileRows([unfit], 1),
    (error) => hasCode(error, 'DLMS_VALUE'),
  );
});
