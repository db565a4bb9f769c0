/** Programs killed at random times while weeks of readings are on their way: nothing lost, doubled, altered or invented. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runKill } from '../../src/lab/proofs/kill.ts';

const PROGRAM = fileURLToPath(new URL('../../dist/bin/deltawatt.js', import.meta.url));
const SEED = 1;

test('ten kills of edge, collector, broker or meters: 0 0 0 0', async () => {
  const said: string[] = [];
  const program = { file: process.execPath, args: [PROGRAM] };
  const outcome = await runKill({ cycles: 10, seed: SEED, program }, (line) => said.push(line));
  const { lost, duplicated, altered, invented, killed } = outcome;
  const story = [`deltawatt prove kill --cycles 10 --seed ${SEED}`, ...said, ...outcome.samples].join('\n');
  assert.deepEqual({ lost, duplicated, altered, invented }, { lost: 0, duplicated: 0, altered: 0, invented: 0 }, story);
  assert.ok(outcome.produced > 100_000, `${outcome.produced} values`);
  assert.equal(killed.edge + killed.collector + killed.sim, 10);
  assert.ok(outcome.recoveriesMs.length > 0, story);
});
