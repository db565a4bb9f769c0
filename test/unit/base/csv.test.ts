import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CSV_CELLS_MAX, CSV_RECORD_MAX_CHARS, CsvReader, type CsvRecord } from '../../../src/base/csv.ts';

const octetsOf = (text: string): Uint8Array => new TextEncoder().encode(text);

function read(text: string | Uint8Array, sizes: readonly number[] = []): CsvRecord[] {
  const reader = new CsvReader();
  const octets = typeof text === 'string' ? octetsOf(text) : text;
  const records: CsvRecord[] = [];
  let at = 0;
  for (const size of sizes) {
    records.push(...reader.feed(octets.subarray(at, at + size)));
    at += size;
  }
  records.push(...reader.feed(octets.subarray(at)), ...reader.end());
  return records;
}

const cellsOf = (text: string) => read(text).map(({ cells }) => cells);

test('records of RFC 4180: quotes, separators and line ends inside them, lines as an editor counts them', () => {
  assert.deepEqual(read('a,b\r\n"x ""y""","1\n2"\r\n\r\n3,\r\n'), [
    { line: 1, cells: ['a', 'b'] },
    { line: 2, cells: ['x "y"', '1\n2'] },
    { line: 5, cells: ['3', ''] },
  ]);
});

test('what spreadsheets write: byte order mark, semicolons, tabs, no line end at the end', () => {
  assert.deepEqual(cellsOf('\ufeffa;b\n1,5;2'), [
    ['a', 'b'],
    ['1,5', '2'],
  ]);
  assert.deepEqual(cellsOf('a\tb\n"x\ty"\tz\n'), [
    ['a', 'b'],
    ['x\ty', 'z'],
  ]);
  assert.deepEqual(cellsOf('a'), [['a']]);
  assert.deepEqual(cellsOf(''), []);
  assert.deepEqual(cellsOf('a\n""\n'), [['a'], ['']]);
});

for (const [text, words] of [
  ['a,b\n1,"2\n3,4\n', /line 2: a cell that begins with a quote has no closing quote/],
  ['a,b\n1,2"3\n', /line 2: a quote inside a cell/],
  ['a,b\n1,"2"3\n', /line 2: text follows a closing quote/],
  [`a\n"${'x'.repeat(CSV_RECORD_MAX_CHARS)}`, /line 2: a record of more than 16384 characters/],
  ['x'.repeat(CSV_RECORD_MAX_CHARS + 1), /line 1: a record of more than/],
  [`a\n${','.repeat(CSV_CELLS_MAX + 1)}\n`, /line 2: more than 256 cells/],
] as const) {
  test(`refused: ${words.source}`, () => assert.throws(() => read(text), words));
}

test('octets that are not UTF-8 are refused with the line', () => {
  const latin = Uint8Array.of(0x61, 0x0a, 0x62, 0x0a, 0xfc, 0x0a);
  assert.throws(() => read(latin), /CSV_MALFORMED.*not UTF-8/);
});

test('any split of the stream gives the same records', () => {
  const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r\n', 'ä', '🔌', ' '), maxLength: 6 });
  const table = fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(table, fc.array(fc.nat({ max: 5 }), { maxLength: 60 }), (rows, sizes) => {
      const quoted = [['h', 'h'], ...rows].map((row) => row.map((text) => `"${text.replaceAll('"', '""')}"`).join(','));
      const whole = read(`${quoted.join('\n')}\n`);
      assert.deepEqual(
        whole.slice(1).map(({ cells }) => cells),
        rows,
      );
      assert.deepEqual(read(`${quoted.join('\n')}\n`, sizes), whole);
    }),
  );
});
