/**
 * Power cuts under the stores of edges and of PostgreSQL: nothing lost, doubled, altered or invented, and no invocation
 * counter twice. Then the check is checked: an edge that does not sync is caught. Skipped where disks cannot be made.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { powercutMissing, runPowercut } from '../../src/lab/proofs/powercut.ts';
import { bundledProgram } from '../support/bundled-program.ts';

const textOf = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const pathOf = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const COMMON = {
  seed: 1,
  program: { file: process.execPath, args: [pathOf('../../dist/bin/deltawatt.js')] },
  profile: textOf('config/profiles/generic/idis.yaml'),
  forgetful: textOf('tools/fault/forgetful-disk.c'),
};
const CUTS = 25;
const missing = await powercutMissing();
const skip = missing ?? false;

test(`${CUTS} power cuts: 0 0 0 0, every store opens by itself, no invocation counter twice`, {
  skip,
}, async (context) => {
  const said: string[] = [];
  const outcome = await runPowercut({ ...COMMON, cuts: CUTS }, (line) => said.push(line));
  const story = [`deltawatt prove powercut --cycles ${CUTS} --seed 1`, ...said, ...outcome.samples].join('\n');
  const { lost, duplicated, altered, invented, countersTwice, storesSetAside, cameToRest } = outcome;
  assert.deepEqual(
    { lost, duplicated, altered, invented, countersTwice, storesSetAside, cameToRest },
    { lost: 0, duplicated: 0, altered: 0, invented: 0, countersTwice: 0, storesSetAside: 0, cameToRest: true },
    story,
  );
  assert.ok(outcome.produced > 10_000 && outcome.countersSeen > 0);
  assert.ok(outcome.sectorsUnsynced > 0, 'some cuts had something to forget');
  context.diagnostic(`${JSON.stringify(outcome.cutsOf)} ${JSON.stringify(outcome.cutsBy)}`);
});

test('an edge whose store does not sync is caught', { skip }, async (context) => {
  const faulty = await bundledProgram(pathOf('faulty-edge.ts'));
  context.after(faulty.remove);
  const edgeProgram = { file: process.execPath, args: [faulty.file, 'no-sync'] };
  const said: string[] = [];
  const run = { ...COMMON, cuts: 4, edgeProgram, victims: ['edge'] as const, settlePatienceMs: 15_000 };
  const outcome = await runPowercut(run, (line) => said.push(line));
  assert.equal(outcome.clean, false, said.join('\n'));
  assert.ok(outcome.countersTwice > 0 || outcome.lost > 0 || !outcome.cameToRest);
});
