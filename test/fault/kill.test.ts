/** Programs killed at random times and at named points while weeks of readings are on their way: nothing lost, doubled, altered or invented. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runKill } from '../../src/lab/proofs/kill.ts';

const PROGRAM = fileURLToPath(new URL('../../dist/bin/deltawatt.js', import.meta.url));
const PROFILE = readFileSync(new URL('../../config/profiles/generic/idis.yaml', import.meta.url), 'utf8');
const SEED = 1;
const CYCLES = 100;
/** A machine that has other things to do gets fewer cycles, not a red test: what is proven holds at any number. */
const BUDGET_MS = 180_000;
const CYCLES_LEAST = 12;

test(`up to ${CYCLES} kills of edges, collector, broker or meters: 0 0 0 0, and no invocation counter twice`, async (context) => {
  const said: string[] = [];
  const program = { file: process.execPath, args: [PROGRAM] };
  const run = { cycles: CYCLES, seed: SEED, program, profile: PROFILE, budgetMs: BUDGET_MS };
  const outcome = await runKill(run, (line) => said.push(line));
  const { lost, duplicated, altered, invented, killed, points, countersTwice, countersSeen } = outcome;
  const story = [`deltawatt prove kill --cycles ${CYCLES} --seed ${SEED}`, ...said, ...outcome.samples].join('\n');
  const found = { lost, duplicated, altered, invented, countersTwice };
  assert.deepEqual(found, { lost: 0, duplicated: 0, altered: 0, invented: 0, countersTwice: 0 }, story);
  assert.ok(outcome.produced > 100_000, `${outcome.produced} values`);
  assert.ok(countersSeen > 0);
  const kills = Object.values(killed).reduce((sum, count) => sum + count, 0);
  assert.ok(kills >= CYCLES_LEAST, `${kills} kills`);
  const reached = Object.values(points).filter((count) => count > 0).length;
  const { edge, centre } = outcome.recoveriesMs;
  // Times are the affair of `prove kill` on a quiet machine; here other tests run beside it.
  context.diagnostic(`${kills} kills: ${JSON.stringify(killed)}, ${reached} kinds of named points`);
  context.diagnostic(`recoveries, ms: of edges ${edge.join(' ')}; of the centre ${centre.join(' ')}`);
});
