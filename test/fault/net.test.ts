/** A bad network between an edge and its broker while weeks of readings are on their way: nothing lost, doubled, altered or invented. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createProcessHost } from '../../src/host/process.ts';
import { findMosquitto } from '../../src/lab/proofs/mosquitto.ts';
import { runNet } from '../../src/lab/proofs/net.ts';

const PROGRAM = fileURLToPath(new URL('../../dist/bin/deltawatt.js', import.meta.url));
const PROFILE = readFileSync(new URL('../../config/profiles/generic/idis.yaml', import.meta.url), 'utf8');
const SEED = 1;
const skip = (await findMosquitto(createProcessHost())) === undefined ? 'mosquitto is not installed' : false;

test('nine faults of the network, of brokers and of the collector on mosquitto and on TLS: 0 0 0 0', {
  skip,
}, async (context) => {
  const said: string[] = [];
  const run = { seed: SEED, rounds: 1, program: { file: process.execPath, args: [PROGRAM] }, profile: PROFILE };
  const outcome = await runNet(run, (line) => said.push(line));
  const story = [`deltawatt prove net --seed ${SEED}`, ...said, ...outcome.samples].join('\n');
  const { lost, duplicated, altered, invented, countersTwice, counts } = outcome;
  const found = { lost, duplicated, altered, invented, countersTwice };
  assert.deepEqual(found, { lost: 0, duplicated: 0, altered: 0, invented: 0, countersTwice: 0 }, story);
  assert.ok(outcome.produced > 100_000, `${outcome.produced} values`);
  assert.ok(outcome.busyFaults >= 6, story);
  for (const [name, count] of Object.entries(counts)) assert.ok(count > 0, `${name}: ${story}`);
  context.diagnostic(JSON.stringify({ ...counts, recoveryMs: outcome.recoveryMs }));
});
