/** What the nightly run makes of the summary of a coverage. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coverageResult, hasCode } from '../../../src/lab/coverage.ts';

const lines = (total: number, covered: number) => ({ lines: { total, covered } });

test('coverage counts the pure rooms alone, names files with holes, and its bar can fail', () => {
  const told: string[] = [];
  const summary = {
    total: lines(9_999, 1),
    '/r/src/base/a.ts': lines(100, 100),
    '/r/src/dlms/b.ts': lines(800, 784),
    '/r/src/wire/c.ts': lines(100, 100),
    '/r/src/edge/d.ts': lines(500, 0),
  };
  const { figures, bars } = coverageResult(summary, '/r', (text) => told.push(text));
  assert.deepEqual(figures, {
    baseLinesPercent: 100,
    dlmsLinesPercent: 98,
    wireLinesPercent: 100,
    linesPercent: 98.4,
    lines: 1_000,
    linesNeverRun: 16,
  });
  assert.deepEqual(told, ['src/dlms/b.ts: 16 of 800 lines never run']);
  assert.deepEqual(
    bars.map(({ holds }) => holds),
    [true],
  );
  const low = coverageResult({ ...summary, '/r/src/dlms/b.ts': lines(800, 779) }, '/r', () => {});
  assert.deepEqual(
    low.bars.map(({ value, limit, holds }) => [value, limit, holds]),
    [[97.9, 98, false]],
  );
  assert.equal(coverageResult({}, '/r', () => {}).bars[0]?.holds, false, 'nothing measured is no success');
});

test('a file of types only has no line that could run', () => {
  assert.equal(
    hasCode("/** A const in words. */\nimport type { A } from './a.ts';\nexport interface B {\n  readonly c: A;\n}\n"),
    false,
  );
  for (const code of [
    'export const A = 1;',
    'async function b() {}',
    'export class C {}',
    'export abstract class D {}',
  ])
    assert.equal(hasCode(`export type A = 1;\n${code}\n`), true, code);
});
