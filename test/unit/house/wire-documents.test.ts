/** The wire is a contract with strangers: each sentence that binds them has one number, and each number a test. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CONFORM_RULES } from '../../../src/lab/conform/verdicts.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const PAGES = ['wire', 'block'].map((name) => readFileSync(join(ROOT, 'docs', 'formats', `${name}.md`), 'utf8'));
/** Sections that explain and bind nobody. */
const EXPLAINING = new Set(['Example', 'Known downsides']);

/** `**W-17**` at the beginning of a paragraph or of a list item. */
const definitions = (page: string): string[] =>
  [...page.matchAll(/^(?:\* )?\*\*(W-\d+)\*\*/gm)].map(([, id]) => id ?? '');

/** Numbers in the titles of a file's tests; templates of suites count as titles. */
const numbersIn = (source: string): string[] =>
  [...source.matchAll(/^ *test\(\s*(['"`])(.*?)\1,/gm)].flatMap(([, , title]) => title?.match(/\bW-\d+\b/g) ?? []);

function testedNumbers(): Map<string, string> {
  const numbers = new Map<string, string>();
  for (const entry of readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })) {
    if (!entry.endsWith('.ts')) continue;
    for (const id of numbersIn(readFileSync(join(ROOT, 'test', entry), 'utf8'))) numbers.set(id, `test/${entry}`);
  }
  return numbers;
}

/** Paragraphs and list items of the sections that bind, without tables, fences and headings. */
function bindingParagraphs(page: string): string[] {
  const sections = page.replace(/```[\s\S]*?```/g, '').split(/^## /m);
  return sections
    .filter((section) => !EXPLAINING.has(section.split('\n')[0] ?? ''))
    .flatMap((section) => section.split(/\n\n|\n(?=\* )/))
    .map((paragraph) => paragraph.trim());
}

test('titles are read as they are written, a suite of several places and a title on its own line too', () => {
  const suite = '  test(`J-1 W-3 $'.concat('{name}: b`, async () => {\n');
  const source = `test('W-1 W-20 a', () => {\n${suite}// test('W-4 c', \ntest(\n  'W-5 d',\n`;
  assert.deepEqual(numbersIn(source), ['W-1', 'W-20', 'W-3', 'W-5']);
});

test('docs/formats: every number of the wire is given once', () => {
  const given = PAGES.flatMap(definitions);
  assert.ok(given.length > 80, `${given.length} numbers`);
  assert.deepEqual(
    given.filter((id, at) => given.indexOf(id) !== at),
    [],
  );
});

test('docs/formats: every number of the wire has a test that names it, and no test names one that is gone', () => {
  const given = new Set(PAGES.flatMap(definitions));
  const tested = testedNumbers();
  assert.deepEqual(
    [...given].filter((id) => !tested.has(id)),
    [],
    'without a test',
  );
  assert.deepEqual(
    [...tested].filter(([id]) => !given.has(id)),
    [],
    'named by a test and not given',
  );
});

test('docs/formats: what binds stands behind a number', () => {
  const binding = /\b(must|must not|may not|never|only|refuses|is dropped|is ignored)\b/;
  const loose = PAGES.flatMap(bindingParagraphs).filter(
    (paragraph) => binding.test(paragraph) && !/^(?:\* )?\*\*W-\d+\*\*/.test(paragraph) && !paragraph.startsWith('|'),
  );
  assert.deepEqual(loose, []);
});

test('UD-37 what the conformance exam judges is a number of the wire, and stands in the table of its guide', () => {
  const given = new Set(PAGES.flatMap(definitions));
  const guide = readFileSync(join(ROOT, 'docs', 'guides', 'conform.md'), 'utf8');
  const played = guide.slice(guide.indexOf('## What is played'), guide.indexOf('## What is not judged'));
  const ranges = [...played.matchAll(/W-(\d+) to W-(\d+)/g)].flatMap(([, from, to]) =>
    Array.from({ length: Number(to) - Number(from) + 1 }, (_, at) => `W-${Number(from) + at}`),
  );
  const listed = new Set([...(played.match(/W-\d+/g) ?? []), ...ranges]);
  assert.deepEqual([...listed].toSorted(), Object.keys(CONFORM_RULES).toSorted());
  for (const id of listed) assert.ok(given.has(id), `${id} is not in docs/formats`);
});
