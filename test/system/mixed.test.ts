/** Three commodities on three kinds of line in one edge, as in `deltawatt prove mixed`, with fewer meters. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { mixedBars, runMixed } from '../../src/lab/proofs/mixed.ts';

const METERS = 24;

test(`IT-29 a day of ${METERS} meters of three commodities on TCP, RS-485 and PRIME under faults: 0 0 0 0`, async (context) => {
  const readText = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');
  const outcome = await runMixed({ seed: 1, meters: METERS, readText });
  context.diagnostic(JSON.stringify(outcome));
  assert.deepEqual(
    mixedBars(outcome).filter(({ holds }) => !holds),
    [],
  );
  assert.equal(outcome.stored, outcome.produced);
});
