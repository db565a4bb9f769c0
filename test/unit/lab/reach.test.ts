/** Which test files a mistake is shown to. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Reach } from '../../../src/lab/mutation/reach.ts';

const counts = (path: string, lines: Readonly<Record<number, number>>) => ({
  [path]: {
    statementMap: Object.fromEntries(Object.keys(lines).map((line) => [line, { start: { line: Number(line) } }])),
    s: Object.fromEntries(Object.entries(lines)),
  },
});

test('a line is shown to the test files that run it, the quickest first, and to no other', () => {
  const slow = { path: 'test/slow.test.ts', tookMs: 900 };
  const quick = { path: 'test/quick.test.ts', tookMs: 100 };
  const reach = new Reach();
  reach.add(slow, counts('/r/src/base/a.ts', { 1: 1, 2: 7, 3: 0 }), '/r');
  reach.add(quick, counts('/r/src/base/a.ts', { 1: 2, 2: 0, 3: 0 }), '/r');
  assert.deepEqual(reach.of('src/base/a.ts', 1), [quick, slow]);
  assert.deepEqual(reach.of('src/base/a.ts', 2), [slow]);
  assert.deepEqual(reach.of('src/base/a.ts', 3), []);
  assert.deepEqual(reach.of('src/base/b.ts', 1), []);
});

test('sources outside of the tree that is measured are not counted', () => {
  const reach = new Reach();
  reach.add({ path: 'test/a.test.ts', tookMs: 1 }, counts('/other/src/base/a.ts', { 1: 1 }), '/r');
  assert.deepEqual(reach.of('src/base/a.ts', 1), []);
});
