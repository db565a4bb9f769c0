/**
 * The swarm: seeds that once failed, then {@link SEEDS} small systems over both cores. Every fault is drawn from its seed; a
 * seed that fails is named with the command that runs it again, and goes to swarm-corpus.json.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proveSwarm, replayOf, runSwarm, type SwarmRun, swarmProfiles } from '../../src/lab/proofs/swarm.ts';
import { proven, readText } from './swarm-proof.ts';

const SEEDS = 200;

const corpus = JSON.parse(await readText('test/fault/swarm-corpus.json')) as (SwarmRun & { readonly found: string })[];

for (const { found, ...run } of corpus) {
  test(`${replayOf(run.seed)}: ${found}`, async () => {
    const profiles = await swarmProfiles(readText);
    const { lost, duplicated, altered, invented, settled, samples } = await runSwarm(run, profiles);
    assert.deepEqual(
      { lost, duplicated, altered, invented, settled },
      { lost: 0, duplicated: 0, altered: 0, invented: 0, settled: true },
      samples.join('\n'),
    );
  });
}

test(`${SEEDS} seeds of three days and ten meters: 0 0 0 0, and everything arrives`, async (context) => {
  context.diagnostic(JSON.stringify(await proven(proveSwarm, SEEDS)));
});
