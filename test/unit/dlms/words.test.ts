import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex } from '../../../src/base/bytes.ts';
import type { Data } from '../../../src/dlms/axdr/data.ts';
import { INTERFACE_CLASSES } from '../../../src/dlms/cosem/classes/index.ts';
import { dateTimeFromOctets } from '../../../src/dlms/cosem/datetime.ts';
import { objectListOf } from '../../../src/dlms/cosem/object-list.ts';
import { fitsType } from '../../../src/dlms/cosem/type-fit.ts';
import { attributeTypeOf, type TypeText } from '../../../src/dlms/cosem/type-text.ts';
import { attributeViewOf, wordsOf, wordTableOf } from '../../../src/dlms/cosem/words.ts';

const u8 = (value: number): Data => ({ type: 'unsigned', value });
const u16 = (value: number): Data => ({ type: 'long-unsigned', value });
const en = (value: number): Data => ({ type: 'enum', value });
const os = (hex: string): Data => ({ type: 'octet-string', value: fromHex(hex) });
const st = (...value: Data[]): Data => ({ type: 'structure', value });
const ar = (...value: Data[]) => ({ type: 'array', value }) as const satisfies Data;

function fieldNames(type: TypeText): string[] {
  if (type.kind === 'array') return fieldNames(type.of);
  if (type.kind !== 'structure') return [];
  return type.fields.flatMap((field) => [field.name, ...fieldNames(field.type)]);
}

test('HE-7 every structure of every class table is read into named fields', () => {
  let structures = 0;
  for (const table of INTERFACE_CLASSES) {
    for (const attribute of table.attributes) {
      const names = fieldNames(attributeTypeOf(table, attribute));
      for (const name of names) assert.match(name, /^\w+$/, `class ${table.id} ${attribute.name}`);
      if (attribute.detail?.includes('{')) assert.ok(names.length > 0, `class ${table.id} ${attribute.name}`);
      if (names.length > 0) structures++;
    }
  }
  assert.equal(structures, 166);
});

test('HE-7 what the notation refers to is followed: other versions, other attributes, shared structures', () => {
  assert.deepEqual(fieldNames(attributeViewOf(15, 3, 2).type).slice(0, 4), ['class', 'version', 'ln', 'access_rights']);
  assert.deepEqual(fieldNames(attributeViewOf(20, 0, 7).type), ['name', 'start', 'week_name']);
  assert.equal(fieldNames(attributeViewOf(20, 0, 8).type)[7], 'sunday');
  assert.equal(fieldNames(attributeViewOf(30, 0, 4).type)[0], 'protection_type');
  assert.deepEqual(attributeViewOf(153, 0, 2).type.kind, 'structure');
  assert.equal(fieldNames(attributeViewOf(45, 0, 4).type).length, 12);
});

for (const [what, classId, attributeId, data, expected] of [
  ['an enum', 70, 3, en(2), 'ready for reconnection (2)'],
  ['an enum without a name', 70, 3, en(9), '9'],
  ['a speed', 23, 2, en(5), '9600 bit/s (5)'],
  ['a clock in summer', 8, 2, os('07ea0715020a0000ff8000ff'), '2026-07-21 10:00:00'],
  ['a clock with deviation', 8, 2, os('07ea0715020a000000ff8880'), '2026-07-21 10:00:00 UTC+02:00 (daylight saving)'],
  ['begin of daylight saving', 8, 5, os('fffffefe0702000000ffc400'), '****-DST-begin-last Sunday 02:00:00 UTC+01:00'],
  ['a date-time by tag where octets are usual', 47, 8, os('07ea0715020a000000ff8800'), '2026-07-21 10:00:00 UTC+02:00'],
  ['scaler and unit', 3, 3, st({ type: 'integer', value: -1 }, en(30)), '{scaler -1, unit Wh (30)}'],
  ['a logical name', 15, 9, os('00002b0000ff'), '0-0:43.0.0*255'],
  ['an IPv4 address', 42, 3, { type: 'double-long-unsigned', value: 0xc0_a8_01_02 }, '192.168.1.2'],
  ['a text in octets', 1, 2, os('4457453031'), '"DWE01"'],
  ['octets', 1, 2, os('00ff10'), '00ff10'],
  [
    'enums in a structure',
    40,
    3,
    st(en(0), os('3a3a'), en(1)),
    '{transport TCP (0), destination "::", message XML (1)}',
  ],
  ['an unset structure', 40, 3, { type: 'null-data' }, 'not set'],
  ['64 bits', 1, 2, { type: 'long64-unsigned', value: 2n ** 64n - 1n }, '18446744073709551615'],
  [
    'times and dates of a schedule',
    22,
    4,
    ar(st(os('0c1e0000'), os('07ea0b1cff'))),
    '[{time 12:30:00, date 2026-11-28}]',
  ],
  ['PRIME addresses', 83, 5, os('001122334455'), '001122334455'],
] as const satisfies readonly (readonly [string, number, number, Data, string])[]) {
  test(`HE-7 in words: ${what}`, () => {
    assert.equal(wordsOf(data, attributeViewOf(classId, 255, attributeId)), expected);
  });
}

test('HE-7 an array of structures is a table with the names of its fields', () => {
  const view = attributeViewOf(9, 0, 2);
  const action = st(en(2), u16(70), os('0000600300ff'.replace('0300', '030a')), { type: 'integer', value: 1 }, u8(0));
  assert.deepEqual(wordTableOf(ar(st(u16(1), ar(action))), view), {
    columns: ['script_id', 'actions'],
    rows: [['1', '[{service execute method (2), class 70, ln 0-0:96.3.10*255, index 1, parameter 0}]']],
  });
  assert.equal(wordTableOf(ar(u8(1)), view), null);
});

test('HE-7 an object list says what may be read, also where modes are bit sets', () => {
  const listOf = (version: number, mode: number) =>
    ar(
      st(
        u16(15),
        u8(version),
        os('0000280000ff'),
        st(
          ar(st({ type: 'integer', value: 2 }, en(mode), ar({ type: 'integer', value: 1 }))),
          ar(st({ type: 'integer', value: 1 }, version === 0 ? { type: 'boolean', value: true } : en(1))),
        ),
      ),
    );
  const right = (version: number, mode: number) => objectListOf(listOf(version, mode))[0]?.attributes[0];
  assert.deepEqual(right(1, 4), { id: 2, canRead: true, canWrite: false, selectors: [1] });
  assert.deepEqual(right(3, 4), { id: 2, canRead: false, canWrite: false, selectors: [1] });
  assert.deepEqual(right(3, 7), { id: 2, canRead: true, canWrite: true, selectors: [1] });
  // Only the current association says which version the list has: one of another client may be newer.
  const both = ar(...listOf(3, 4).value, ...listOf(1, 4).value);
  assert.equal(objectListOf(both)[0]?.attributes[0]?.canRead, false, 'the first of two is taken');
  const other = os('0000280001ff');
  const elsewhere = ar(
    ...listOf(1, 4).value,
    ...listOf(3, 4).value.map((object) =>
      object.type === 'structure' ? st(...object.value.map((field, at) => (at === 2 ? other : field))) : object,
    ),
  );
  assert.equal(objectListOf(elsewhere)[0]?.attributes[0]?.canRead, true, 'another association decides nothing');
  assert.deepEqual(objectListOf(listOf(0, 1))[0]?.methods, [{ id: 1, canInvoke: true }]);
  assert.throws(() => objectListOf(u8(1)), /DLMS_SHAPE/);
  assert.throws(() => objectListOf(ar(u8(1))), /DLMS_SHAPE/);
});

for (const [what, classId, attributeId, data, fits] of [
  ['a wider integer', 8, 3, { type: 'double-long', value: -60 }, true],
  ['a narrower integer', 7, 4, u16(900), true],
  ['an integer of the other sign', 8, 3, u16(60), false],
  [
    'a date-time by tag',
    8,
    2,
    { type: 'date-time', value: dateTimeFromOctets(fromHex('07ea0715020a000000ff8800')) },
    true,
  ],
  ['octets where the tag is usual', 47, 8, os('07ea0715020a000000ff8800'), true],
  [
    'a date-time where a logical name is',
    15,
    9,
    { type: 'date-time', value: dateTimeFromOctets(fromHex('07ea0715020a000000ff8800')) },
    false,
  ],
  ['an unset structure', 40, 3, { type: 'null-data' }, true],
  ['bits for an enum', 64, 2, { type: 'bit-string', value: '01' }, true],
  ['a boolean for a structure', 3, 3, { type: 'boolean', value: true }, false],
  ['a field more than the table has', 3, 3, st({ type: 'integer', value: 0 }, en(30), u8(1)), true],
  ['a field of another type', 3, 3, st({ type: 'boolean', value: true }, en(30)), false],
  ['three fields of a capture object', 7, 3, ar(st(u16(3), os('0100010800ff'), { type: 'integer', value: 2 })), true],
] as const satisfies readonly (readonly [string, number, number, Data, boolean])[]) {
  test(`HE-7 types are taken with tolerance: ${what} ${fits ? 'fits' : 'does not'}`, () => {
    assert.equal(fitsType(data, attributeViewOf(classId, 255, attributeId).type), fits);
  });
}
