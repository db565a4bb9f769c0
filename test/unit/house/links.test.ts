/** What the documents say is there: links, headings, files, scripts, decision records. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const SKIPPED = new Set(['node_modules', 'dist', 'coverage', 'reports']);

/** Folders and files of the repository, without what is made or installed. */
function documents(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return SKIPPED.has(entry.name) || entry.name.startsWith('.') ? [] : documents(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

const DOCUMENTS = documents(ROOT).map((path) => ({
  path,
  name: relative(ROOT, path),
  text: readFileSync(path, 'utf8'),
}));

/** The anchor that a heading gets where Markdown is shown. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/ /g, '-');

function anchors(path: string): string[] {
  return [...readFileSync(path, 'utf8').matchAll(/^#{1,6} +(.+)$/gm)].map((match) => anchorOf((match[1] ?? '').trim()));
}

/** What a link leads to and is not there; null when all is well. Addresses of other hosts are not asked. */
function broken(from: string, target: string): string | null {
  if (/^(https?|mailto):/.test(target)) return null;
  const [file = '', anchor] = target.split('#');
  const path = file === '' ? from : join(dirname(from), file);
  if (!existsSync(path)) return `there is no ${target}`;
  if (anchor === undefined || !path.endsWith('.md')) return null;
  return anchors(path).includes(anchor) ? null : `${file} has no heading #${anchor}`;
}

/** Every hit of `pattern` in every document that `judge` finds fault with. */
function faults(pattern: RegExp, judge: (hit: string, path: string) => string | null): string[] {
  return DOCUMENTS.flatMap(({ path, name, text }) =>
    [...text.matchAll(pattern)].flatMap((match) => {
      const fault = judge(match[1] ?? '', path);
      return fault === null ? [] : [`${name}: ${fault}`];
    }),
  );
}

test('every link leads somewhere', () => {
  assert.ok(DOCUMENTS.length > 10);
  assert.deepEqual(
    faults(/\]\(([^)\s]+)\)/g, (target, path) => broken(path, target)),
    [],
  );
});

test('every file of ours that a document names is there', () => {
  const named = /`((?:src|test|tools|docs|config|systemd|\.ci)\/[\w./-]*)`/g;
  assert.deepEqual(
    faults(named, (path) => (existsSync(join(ROOT, path)) ? null : `there is no ${path}`)),
    [],
  );
});

test('every npm script that a document names is there', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object };
  assert.deepEqual(
    faults(/\bnpm run ([a-z][a-z-]*)/g, (script) => (script in scripts ? null : `there is no script ${script}`)),
    [],
  );
});

test('decision records have numbers of their own and a line in the index', () => {
  const folder = join(ROOT, 'docs', 'adr');
  const records = readdirSync(folder).filter((name) => name !== 'README.md');
  const numbers = records.map((name) => name.slice(0, 4));
  assert.deepEqual(
    numbers.filter((number, at) => numbers.indexOf(number) !== at),
    [],
    'given twice',
  );
  const index = readFileSync(join(folder, 'README.md'), 'utf8');
  for (const name of records) {
    const title = /^# (\d{4}) (.+)$/m.exec(readFileSync(join(folder, name), 'utf8'));
    assert.equal(title?.[1], name.slice(0, 4), name);
    assert.ok(index.includes(`| [${title?.[1]}](${name}) | ${title?.[2]} |`), `${name} has no line in the index`);
  }
});
