/** Which mistakes the mutation run makes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mutantsOf, withMutant } from '../../../src/lab/mutation/mutants.ts';

const SOURCE = `/** a < b */
import { x } from './x.ts';
import * as y from './y.ts';
export * as z from './z.ts';
export function at<T>(list: readonly T[], index: number): T | null {
  // index > 0 && index < 1
  if (index < 0) return null;
  const isOdd = /a < b/.test('c > d') && index % 2 === 1;
  const deep = \`a + \${index} b\`;
  this.note(deep);
  return isOdd ? null : (list[index << 1] ?? null);
}
export function yes(): boolean {
  return true;
}
`;

test('mistakes are made in code alone: operators, verdicts, guards, calls', () => {
  const told = mutantsOf(SOURCE).map(({ line, words }) => `${line} ${words}`);
  assert.deepEqual(told, [
    '7 without: if (index < 0) return null;',
    '7 < becomes <=',
    '8 && becomes ||',
    '8 % becomes *',
    '8 === becomes !==',
    '10 without: this.note(deep);',
    '11 << becomes >>>',
    '14 true becomes false',
  ]);
});

test('one mistake changes one place', () => {
  for (const mutant of mutantsOf(SOURCE)) {
    const changed = withMutant(SOURCE, mutant);
    assert.notEqual(changed, SOURCE);
    const differing = changed.split('\n').filter((line, at) => line !== SOURCE.split('\n')[at]);
    assert.equal(differing.length, 1, mutant.words);
  }
  assert.deepEqual(mutantsOf('export interface A {\n  readonly b: Map<string, C>;\n}\n'), []);
});
