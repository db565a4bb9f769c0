import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fromHex, toHex } from '../../../src/base/bytes.ts';
import type { Data } from '../../../src/dlms/axdr/data.ts';
import {
  dateTimeOf,
  integerOf,
  integerOfDecimal,
  isBitSet,
  statusOctetsOf,
  textOf,
} from '../../../src/profile/value.ts';

test('integers stay exact at every width', () => {
  const cases: readonly [Data, number | bigint | null][] = [
    [{ type: 'double-long-unsigned', value: 4_294_967_295 }, 4_294_967_295],
    [{ type: 'long64-unsigned', value: 18_446_744_073_709_551_615n }, 18_446_744_073_709_551_615n],
    [{ type: 'long64', value: -5n }, -5],
    [{ type: 'bcd', value: 0x42 }, 42],
    [{ type: 'enum', value: 3 }, 3],
    [{ type: 'octet-string', value: new Uint8Array(4) }, null],
    [{ type: 'boolean', value: true }, null],
    [{ type: 'float32', value: Math.fround(12.3) }, null],
  ];
  for (const [data, wanted] of cases) assert.equal(integerOf(data, 0), wanted, data.type);
});

test('a float becomes an integer only when nothing is rounded', () => {
  assert.equal(integerOf({ type: 'float32', value: Math.fround(12.3) }, -1), 123);
  assert.equal(integerOf({ type: 'float64', value: 0.5 }, 0), null);
  assert.equal(integerOf({ type: 'float64', value: 1e21 }, 0), 10n ** 21n);
  assert.equal(integerOf({ type: 'float64', value: Number.NaN }, 0), null);
  assert.equal(integerOfDecimal('-1.50', -1), -15);
  assert.equal(integerOfDecimal('1e50', 0), null);
  fc.assert(
    fc.property(fc.integer({ min: -1_000_000, max: 1_000_000 }), fc.integer({ min: 0, max: 5 }), (value, places) => {
      assert.equal(integerOfDecimal((value / 10 ** places).toFixed(places), -places), value === 0 ? 0 : value);
    }),
  );
});

test('a status is kept as octets, its bits counted from the last', () => {
  const octets = (data: Data) => {
    const status = statusOctetsOf(data);
    return status === null ? null : toHex(status);
  };
  assert.equal(octets({ type: 'unsigned', value: 0x82 }), '82');
  assert.equal(octets({ type: 'long-unsigned', value: 0x102 }), '0102');
  assert.equal(octets({ type: 'double-long-unsigned', value: 1 }), '00000001');
  assert.equal(octets({ type: 'long64-unsigned', value: 1n }), '0000000000000001');
  assert.equal(octets({ type: 'bit-string', value: '1000000011' }), '80c0');
  assert.equal(octets({ type: 'octet-string', value: new Uint8Array(9) }), null);
  assert.equal(octets({ type: 'null-data' }), null);
  assert.equal(isBitSet(fromHex('0102'), 1), true);
  assert.equal(isBitSet(fromHex('0102'), 8), true);
  assert.equal(isBitSet(fromHex('0102'), 0), false);
  assert.equal(isBitSet(fromHex('02'), 40), false);
});

test('texts are printable characters, other octets are hex', () => {
  assert.equal(textOf({ type: 'octet-string', value: fromHex('4b464d') }), 'KFM');
  assert.equal(textOf({ type: 'octet-string', value: fromHex('4b464d') }, 'hex'), '4b464d');
  assert.equal(textOf({ type: 'octet-string', value: fromHex('00ff') }), '00ff');
  assert.equal(textOf({ type: 'octet-string', value: new Uint8Array(0) }), '');
  assert.equal(textOf({ type: 'visible-string', value: 'x'.repeat(999) })?.length, 256);
  assert.equal(textOf({ type: 'unsigned', value: 7 }), '7');
  assert.equal(textOf({ type: 'array', value: [] }), null);
});

test('a date-time is twelve octets that can be one', () => {
  assert.equal(dateTimeOf({ type: 'octet-string', value: fromHex('07e60111010c2c28ff800000') })?.year, 2022);
  assert.equal(dateTimeOf({ type: 'octet-string', value: fromHex('313131313131313131313131') }), null);
  assert.equal(dateTimeOf({ type: 'octet-string', value: fromHex('07e6') }), null);
});
