import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { toHex } from '../../../src/base/bytes.ts';
import { dataToOctets } from '../../../src/dlms/axdr/decode.ts';
import { parseTypeText } from '../../../src/dlms/cosem/type-text.ts';
import { type AttributeView, attributeViewOf, dateTimeWords } from '../../../src/dlms/cosem/words.ts';
import { parseWrittenDate, parseWrittenDateTime, parseWrittenTime } from '../../../src/dlms/cosem/written-moment.ts';
import { dataOfWritten } from '../../../src/dlms/cosem/written-value.ts';

const typed = (type: string): AttributeView => ({ name: 'it', type: parseTypeText(type), values: {}, fieldValues: {} });
const hexOf = (written: unknown, view: AttributeView) => toHex(dataToOctets(dataOfWritten(written, view)));

for (const [type, written, hex] of [
  ['u8', 200, '11c8'],
  ['i16', -2, '10fffe'],
  ['u64', '18446744073709551615', '15ffffffffffffffff'],
  ['i64', -1, '14ffffffffffffffff'],
  ['bo', true, '0301'],
  ['bs', '101', '0403a0'],
  ['bs8', '10100000', '0408a0'],
  ['os', 'AB', '09024142'],
  ['os', '0x0A0b', '09020a0b'],
  ['os6', '1-0:1.8.0', '09060100010800ff'],
  ['os6', '0x010203040506', '0906010203040506'],
  ['os12', '2026-03-15 10:07:30 UTC+01:00', '090c07ea030fff0a071effffc400'],
  ['os12', '****-12-** 10:00:**', '090cffff0cffff0a00ffff8000ff'],
  ['os5', '2026-12-24', '090507ea0c18ff'],
  ['os4', '22:00:00.50', '090416000032'],
  ['dt', '2026-03-15 10:07:30 UTC-03:30', '1907ea030fff0a071eff00d200'],
  ['vs', 'AB', '0a024142'],
  ['utf8', 'ä', '0c02c3a4'],
  ['ar u8', [1, 2], '010211011102'],
  ['{a u8, b u16}', [1, 2], '02021101120002'],
  ['{a u8, b u16}', { b: 2 }, '02021100120002'],
  ['{time os4, date os5}', { date: '2026-12-24' }, '02020904ffffffff090507ea0c18ff'],
  ['ch', { float32: 1.5 }, '173fc00000'],
  ['ch', { structure: [{ unsigned: 1 }, { array: [] }] }, '020211010100'],
  ['u8', { 'double-long-unsigned': 1 }, '0600000001'],
  ['u8', null, '00'],
] as const) {
  test(`${JSON.stringify(written)} as ${type} is ${hex}`, () => {
    assert.equal(hexOf(written, typed(type)), hex);
  });
}

for (const [type, written, sentence] of [
  ['u8', 256, /it: write a whole number from 0 to 255/],
  ['u8', '1', /whole number/],
  ['u8', 1.5, /whole number/],
  ['en', 'mode', /its values have no names/],
  ['u64', '-1', /64 bits/],
  ['u64', 2 ** 60, /in quotes/],
  ['bo', 1, /true or false/],
  ['bs', 5, /digits 0 and 1/],
  ['bs8', '1', /8 digits/],
  ['os', 5, /a text/],
  ['os', '0xabc', /pairs of hex digits/],
  ['os6', 'abc', /an OBIS code such as .*, or 0x and 12 hex digits/],
  ['os12', 'soon', /a moment such as/],
  ['os8', 'abc', /write 0x and 16 hex digits/],
  ['dt', '2026-13-01 00:00:00', /a moment such as/],
  ['dt', '2026-12-01 00:00:00 UTC+13:00', /a moment such as/],
  ['ar u8', 5, /a list/],
  ['ar u8', [1, 999], /it\[1\]: write a whole number/],
  ['{a u8, b u16}', [1], /2 elements \(a, b\)/],
  ['{a u8, b u16}', 5, /the fields a, b/],
  ['{a u8, b u16}', { c: 1, d: 2 }, /a, b, not c/],
  ['{a u8, b st{c u8}}', { b: { c: -1 } }, /write a whole number/],
  ['ch', 5, /its type too/],
  ['ch', { float64: 'x' }, /a number/],
  ['ch', { date: 'x' }, /a date/],
  ['ch', { time: 'x' }, /a time/],
] as const) {
  test(`${JSON.stringify(written)} as ${type} is refused`, () => {
    assert.throws(() => dataOfWritten(written, typed(type)), sentence);
  });
}

test('lists in lists end at the depth of data on the wire', () => {
  const nested = (levels: number): unknown => (levels === 0 ? null : { array: [nested(levels - 1)] });
  assert.ok(dataOfWritten(nested(16), typed('ch')));
  assert.throws(() => dataOfWritten(nested(17), typed('ch')), /at most 16 levels/);
});

test('an enum is written by the name of its value, a unit by its symbol', () => {
  assert.equal(hexOf('connected', attributeViewOf(70, 0, 3)), '1601');
  assert.equal(hexOf({ scaler: -3, unit: 'Wh' }, attributeViewOf(3, 0, 3)), '02020ffd161e');
  assert.throws(() => dataOfWritten('open', attributeViewOf(70, 0, 3)), /one of: .*connected/);
});

test('what is printed of a moment is read back', () => {
  const open = (minimum: number, maximum: number) => fc.option(fc.integer({ min: minimum, max: maximum }));
  const moment = fc.record({
    year: open(0, 9999),
    month: open(1, 12),
    day: open(1, 31),
    weekday: fc.constant(null),
    hour: open(0, 23),
    minute: open(0, 59),
    second: open(0, 59),
    hundredths: open(1, 99),
    deviation: open(-720, 720),
  });
  fc.assert(
    fc.property(moment, (fields) => {
      const value = { ...fields, status: fields.deviation === null ? 255 : 0 };
      const text = dateTimeWords(value);
      assert.deepEqual(parseWrittenDateTime(text), value, text);
      const [date = '', time = ''] = text.split(' ');
      assert.deepEqual({ ...value, ...parseWrittenDate(date), ...parseWrittenTime(time) }, value);
    }),
  );
});
