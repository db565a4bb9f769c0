/**
 * The disk under an edge is full, reports an error, turns read-only, or has a bit flipped in each kind of file of the store:
 * nothing lost, doubled, altered or invented, meters are polled all the time, every start succeeds. Skipped where disks or
 * strace are missing.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { diskMissing, runDisk } from '../../src/lab/proofs/disk.ts';

const textOf = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const main = fileURLToPath(new URL('../../dist/bin/deltawatt.js', import.meta.url));
const FAULTS = 6;
const missing = await diskMissing();

test(`${FAULTS} faults of the disk: 0 0 0 0, polling goes on, no restart but those of the test`, {
  skip: missing ?? false,
}, async (context) => {
  const said: string[] = [];
  const run = {
    faults: FAULTS,
    seed: 1,
    program: { file: process.execPath, args: [main] },
    profile: textOf('config/profiles/generic/idis.yaml'),
  };
  const outcome = await runDisk(run, (line) => said.push(line));
  const story = [`deltawatt prove disk --cycles ${FAULTS} --seed 1`, ...said, ...outcome.samples].join('\n');
  const { lost, duplicated, altered, invented, countersTwice, restarts, cameToRest } = outcome;
  const { stoppedPolling, stoppedForwarding } = outcome;
  assert.deepEqual(
    { lost, duplicated, altered, invented, countersTwice, restarts, stoppedPolling, stoppedForwarding, cameToRest },
    {
      ...{ lost: 0, duplicated: 0, altered: 0, invented: 0, countersTwice: 0, restarts: 0 },
      ...{ stoppedPolling: [], stoppedForwarding: [], cameToRest: true },
    },
    story,
  );
  assert.ok(outcome.clean && outcome.produced > 10_000, story);
  for (const [fault, count] of Object.entries(outcome.met)) assert.ok(count > 0, `${fault} was met\n${story}`);
  context.diagnostic(`${JSON.stringify(outcome.met)} ${JSON.stringify(outcome.flipped)}`);
});
