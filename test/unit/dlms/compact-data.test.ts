import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fromHex, toHex } from '../../../src/base/bytes.ts';
import { DeltawattError } from '../../../src/base/errors.ts';
import type { Data } from '../../../src/dlms/axdr/data.ts';
import { compactDataOf, compactRowsOf } from '../../../src/dlms/cosem/compact-data.ts';

const u8 = (value: number): Data => ({ type: 'unsigned', value });
const u32 = (value: number): Data => ({ type: 'double-long-unsigned', value });
const none: Data = { type: 'null-data' };

// Worked out by hand from the tags of the Blue Book: a structure of unsigned, null-data, double-long-unsigned and octet-string.
const TEMPLATE = '020411000609';
const BUFFER = '07' + '00000102' + '02abcd' + '08' + '00000103' + '00';

test('rows of values without tags come out by their template, a null-data field takes no octets', () => {
  const rows = compactRowsOf({ template: fromHex(TEMPLATE), buffer: fromHex(BUFFER) });
  assert.deepEqual(rows, [
    [u8(7), none, u32(258), { type: 'octet-string', value: fromHex('abcd') }],
    [u8(8), none, u32(259), { type: 'octet-string', value: new Uint8Array(0) }],
  ]);
  const made = compactDataOf(rows);
  assert.deepEqual([toHex(made.template), toHex(made.buffer)], [TEMPLATE, BUFFER]);
  assert.deepEqual(compactRowsOf({ template: fromHex(TEMPLATE), buffer: new Uint8Array(0) }), []);
});

test('an array has its count in the template', () => {
  const made = compactDataOf([[{ type: 'array', value: [u8(1), u8(2), u8(3)] }]]);
  assert.deepEqual([toHex(made.template), toHex(made.buffer)], ['020101000311', '010203']);
});

for (const [name, template, buffer, code] of [
  ['no structure', '11', '01', 'DLMS_SHAPE'],
  ['a buffer that is too short', TEMPLATE, BUFFER.slice(0, -4), 'DLMS_TRUNCATED'],
  ['a template that is too short', '0204', BUFFER, null],
  ['a template with something behind it', `${TEMPLATE}11`, BUFFER, null],
  ['a template whose last octet could be the length', '02011106', '0102030405', 'DLMS_SHAPE'],
  ['rows without octets', '020100', '00', 'DLMS_LENGTH'],
  ['an array of many', '020101ffff0100ff11', '00', null],
] as const) {
  test(`refused: ${name}`, () => {
    assert.throws(
      () => compactRowsOf({ template: fromHex(template), buffer: fromHex(buffer) }),
      (error) => error instanceof DeltawattError && (code === null || error.code === code),
    );
  });
}

test('rows that differ, have no octets or are not there cannot be written', () => {
  assert.throws(() => compactDataOf([]), /DLMS_VALUE/);
  assert.throws(() => compactDataOf([[none]]), /DLMS_VALUE/);
  assert.throws(() => compactDataOf([[u8(1)], [u32(1)]]), /DLMS_VALUE/);
  assert.throws(() => compactDataOf([[u8(1)], [u8(1), u8(2)]]), /DLMS_VALUE/);
});

test('what is written is read back; any octets give rows or an error of ours', () => {
  const cell = fc.constantFrom<readonly ((value: number) => Data)[]>(
    [u8],
    [u32],
    [(value) => ({ type: 'octet-string', value: new Uint8Array(value % 5).fill(value) })],
    [(value) => ({ type: 'long64', value: BigInt(-value) })],
    [() => none],
    [(value) => ({ type: 'array', value: [u32(value), u32(value + 1)] })],
    [(value) => ({ type: 'structure', value: [u8(value), none] })],
  );
  const rows = fc
    .tuple(fc.array(cell, { maxLength: 6 }), fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 1, maxLength: 5 }))
    .map(([cells, values]) => values.map((value) => [u8(1), ...cells.flat().map((make) => make(value))]));
  fc.assert(fc.property(rows, (given) => assert.deepEqual(compactRowsOf(compactDataOf(given)), given)));
  const octets = fc.uint8Array({ maxLength: 24 });
  fc.assert(
    fc.property(octets, octets, (template, buffer) => {
      try {
        compactRowsOf({ template, buffer });
      } catch (error) {
        assert.ok(error instanceof DeltawattError, String(error));
      }
    }),
  );
});
