/** Clocks that are wrong, step or were never set: nothing lost, doubled, altered or invented, and reading goes on. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createProcessHost } from '../../src/host/process.ts';
import { clockCaseOf, clockProfiles, LAG_BAR_HOURS, replayOf, runClock } from '../../src/lab/proofs/clock.ts';
import { CLOCK_CASES } from '../../src/lab/proofs/clock-cases.ts';
import { findFaketime, runFakedClock } from '../../src/lab/proofs/faked-clock.ts';

const PROGRAM = fileURLToPath(new URL('../../dist/bin/deltawatt.js', import.meta.url));
const library = await findFaketime(createProcessHost());
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

test('an edge as a process that lives at 1970, at 2038 and now: 0 0 0 0, no invocation counter twice', {
  skip: library === undefined ? 'libfaketime is not installed' : false,
}, async () => {
  const said: string[] = [];
  const program = { file: process.execPath, args: [PROGRAM] };
  const run = { seed: 1, program, profile: profiles[0]?.text ?? '', library: library ?? '' };
  const outcome = await runFakedClock(run, (line) => said.push(line));
  const { lost, duplicated, altered, invented, countersTwice, clean, lives } = outcome;
  const found = { lost, duplicated, altered, invented, countersTwice, clean, lives };
  const wanted = { lost: 0, duplicated: 0, altered: 0, invented: 0, countersTwice: 0, clean: true, lives: 2 };
  assert.deepEqual(found, wanted, [...said, ...outcome.samples].join('\n'));
  assert.ok(outcome.produced > 1_000 && outcome.countersSeen > 0);
});

test('seeds count through the cases and begin again', () => {
  assert.equal(clockCaseOf(1), CLOCK_CASES[0]);
  assert.equal(clockCaseOf(CLOCK_CASES.length + 1), CLOCK_CASES[0]);
  assert.equal(new Set(CLOCK_CASES.map(({ name }) => name)).size, CLOCK_CASES.length);
});
