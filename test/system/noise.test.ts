/** A bus with a bad line, as in `deltawatt prove noise`, for some hours: what meters hold arrives, and nothing wrong is believed. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { NOISE_CASES, type NoiseCase, type NoiseOutcome, noiseBars, runNoise } from '../../src/lab/proofs/noise.ts';

const PROFILE = readFileSync(new URL('../../config/profiles/generic/idis.yaml', import.meta.url), 'utf8');
// In four hours two meters of the worst line still wait out a quarter of an hour after several noisy sessions.
const HOURS = 6;

test(`SG-MR-5 HE-7 ${HOURS} hours of 32 meters on one bus, with bit errors, a babbling and a dead meter: the bars of the proof hold`, async (context) => {
  const outcomes = new Map<NoiseCase['name'], NoiseOutcome>();
  for (const noiseCase of NOISE_CASES)
    outcomes.set(noiseCase.name, await runNoise(noiseCase, { seed: 2, hours: HOURS }, PROFILE));
  const bars = noiseBars(outcomes);
  for (const [name, outcome] of outcomes) context.diagnostic(`${name}: ${JSON.stringify(outcome)}`);
  assert.deepEqual(
    bars.filter(({ holds }) => !holds),
    [],
  );
  const share = (name: NoiseCase['name']) => outcomes.get(name)?.lineBusyPercent ?? 0;
  // The faults are there: a line with errors carries more, and a meter that talks without being asked is heard.
  assert.ok(share('errors1e3') > share('quiet') * 1.2);
  assert.ok(share('babbler') > share('quiet') * 2);
  assert.ok((outcomes.get('dead')?.produced ?? 0) < (outcomes.get('quiet')?.produced ?? 0));
});
