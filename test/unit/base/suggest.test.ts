import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closest } from '../../../src/base/suggest.ts';

const COMMANDS = ['bench', 'collector', 'demo', 'edge', 'explain', 'sim'];

for (const [word, meant] of [
  ['colector', 'collector'],
  ['colelctor', 'collector'],
  ['dmeo', 'demo'],
  ['DEMO', 'demo'],
  ['explian', 'explain'],
  ['egde', 'edge'],
  ['benchs', 'bench'],
  ['sum', 'sim'],
] as const) {
  test(`${word} means ${meant}`, () => assert.equal(closest(word, COMMANDS), meant));
}

for (const word of ['', 'x', 'journal', 'x'.repeat(1000)]) {
  test(`"${word.slice(0, 10)}" means nothing known`, () => assert.equal(closest(word, COMMANDS), undefined));
}
