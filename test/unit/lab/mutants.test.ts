/** Which mistakes the mutation run makes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mutantsOf, withMutant } from '../../../src/lab/mutation/mutants.ts';

const SOURCE = `/** a < b */
import { x } from './x.ts';
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
    '5 without: if (index < 0) return null;',
    '5 < becomes <=',
    '6 && becomes ||',
    '6 % becomes *',
    '6 === becomes !==',
    '8 without: this.note(deep);',
    '9 << becomes >>>',
    '12 true becomes false',
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
