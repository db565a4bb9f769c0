/** The table of what is supported must not say more than is tested, nor another conformance block than the one that is sent. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { CONFORMANCE, type ConformanceName } from '../../../src/dlms/index.ts';
import { OUR_CONFORMANCE, SERVER_CONFORMANCE, SHORT_CONFORMANCE } from '../../../src/dlms/session/association.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const DOCUMENT = readFileSync(join(ROOT, 'docs', 'dlms.md'), 'utf8');

interface Row {
  readonly line: number;
  readonly cells: readonly string[];
}

/** The tables whose last column is headed `test`. */
function testedRows(): Row[] {
  const rows: Row[] = [];
  let tested = false;
  for (const [at, text] of DOCUMENT.split('\n').entries()) {
    if (!text.startsWith('|')) tested = false;
    else if (/^\|[-| ]+\|$/.test(text)) continue;
    else if (/\| test \|$/.test(text)) tested = true;
    else if (tested)
      rows.push({
        line: at + 1,
        cells: text
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      });
  }
  return rows;
}

test('HE-7 docs/dlms.md: every row of what is supported names a test that exists', () => {
  const rows = testedRows();
  assert.ok(rows.length > 50, `${rows.length} rows`);
  for (const { line, cells } of rows) {
    const files = (cells.at(-1) ?? '').match(/`test\/[^`]+`/g) ?? [];
    assert.ok(files.length > 0, `line ${line} names no test: ${cells[0]}`);
    for (const file of files)
      assert.ok(existsSync(join(ROOT, file.slice(1, -1))), `line ${line}: ${file} is not there`);
  }
});

test('HE-7 docs/dlms.md: every conformance bit is listed, and those offered are the ones that are sent', () => {
  const listed = testedRows().flatMap(({ cells: [bit, name, offered] }) =>
    name !== undefined && name in CONFORMANCE ? [{ bit: Number(bit), name: name as ConformanceName, offered }] : [],
  );
  assert.deepEqual(
    listed.map(({ name }) => name),
    Object.keys(CONFORMANCE),
  );
  for (const { bit, name } of listed) assert.equal(CONFORMANCE[name], 0x80_00_00 >>> bit, name);
  for (const { name, offered } of listed) assert.match(offered ?? '', /^(yes|no|on request|short)$/, name);
  const bitsOf = (...words: string[]) =>
    listed.filter((row) => words.includes(row.offered ?? '')).reduce((sum, { name }) => sum | CONFORMANCE[name], 0);
  assert.equal(bitsOf('yes'), OUR_CONFORMANCE);
  assert.equal(bitsOf('yes', 'on request'), SERVER_CONFORMANCE);
  const both = listed
    .filter(({ bit }) => [11, 12, 14, 16].includes(bit))
    .reduce((sum, row) => sum | CONFORMANCE[row.name], 0);
  assert.equal(bitsOf('short') | both, SHORT_CONFORMANCE);
});

/** Numbers of the hazards in the names of a file's tests. */
const hazardsIn = (text: string): number[] =>
  [...text.matchAll(/^ *test\(\s*['"`](?:[A-Z0-9-]+ )*interop (\d+): /gm)].map(([, number]) => Number(number));

test('docs/dlms.md: every hazard of the field is decided by tests that have its number in their names', () => {
  assert.deepEqual(
    hazardsIn("test('HE-7 interop 4: a'\n  test(`interop 20: b`\n// interop 5: c\ntest('interop 6 d'"),
    [4, 20],
  );
  const rows = testedRows().filter(({ line }) => sectionOf(line) === '## Hazards of the field');
  assert.deepEqual(
    rows.map(({ cells: [number] }) => Number(number)),
    Array.from({ length: 20 }, (_, at) => at + 1),
  );
  const named = new Map<number, Set<string>>();
  for (const entry of readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })) {
    if (!entry.endsWith('.test.ts')) continue;
    for (const number of hazardsIn(readFileSync(join(ROOT, 'test', entry), 'utf8')))
      named.set(number, (named.get(number) ?? new Set()).add(`test/${entry}`));
  }
  for (const { line, cells } of rows) {
    const listed = (cells.at(-1) ?? '').match(/test\/[^`]+/g) ?? [];
    const decided = [...(named.get(Number(cells[0])) ?? [])];
    assert.deepEqual(listed.toSorted(), decided.toSorted(), `line ${line}: files with a test of hazard ${cells[0]}`);
  }
});

/** The heading of the section that a line stands in. */
function sectionOf(line: number): string | undefined {
  return DOCUMENT.split('\n')
    .slice(0, line)
    .findLast((text) => text.startsWith('## '));
}
