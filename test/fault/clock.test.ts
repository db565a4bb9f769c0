/** Clocks that are wrong, step or were never set: nothing lost, doubled, altered or invented, and reading goes on. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { clockCaseOf, clockProfiles, LAG_BAR_HOURS, replayOf, runClock } from '../../src/lab/proofs/clock.ts';
import { CLOCK_CASES } from '../../src/lab/proofs/clock-cases.ts';

const profiles = await clockProfiles((path) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8'));
/** Of each kind of case one or two; the proof runs them all. */
const SEEDS = [1, 4, 9, 12, 16, 18];

for (const seed of SEEDS)
  test(`${clockCaseOf(seed).name}: 0 0 0 0`, async () => {
    const outcome = await runClock(seed, profiles);
    const { lost, duplicated, altered, invented, settled, lagHours } = outcome;
    const story = [replayOf(seed), ...outcome.samples].join('\n');
    const found = { lost, duplicated, altered, invented, settled };
    assert.deepEqual(found, { lost: 0, duplicated: 0, altered: 0, invented: 0, settled: true }, story);
    assert.ok(outcome.produced > 1_000, `${outcome.produced} values`);
    assert.ok(lagHours <= LAG_BAR_HOURS, `${lagHours} hours behind; ${story}`);
  });

test('seeds count through the cases and begin again', () => {
  assert.equal(clockCaseOf(1), CLOCK_CASES[0]);
  assert.equal(clockCaseOf(CLOCK_CASES.length + 1), CLOCK_CASES[0]);
  assert.equal(new Set(CLOCK_CASES.map(({ name }) => name)).size, CLOCK_CASES.length);
});
