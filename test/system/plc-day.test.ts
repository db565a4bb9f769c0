/** The recorded day of a network over the power line, as in `deltawatt prove plc-day`, with fewer meters. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { plcDayBars, runPlcDay } from '../../src/lab/proofs/plc-day.ts';

const profileText = readFileSync(new URL('../../config/profiles/generic/idis.yaml', import.meta.url), 'utf8');
const METERS = 16;

test(`HE-1 a day of ${METERS} meters that come and go behind a PRIME base node: the bars of the proof hold`, async (context) => {
  const outcome = await runPlcDay({ seed: 2, meters: METERS, profileText });
  context.diagnostic(JSON.stringify(outcome));
  assert.deepEqual(
    plcDayBars(outcome).filter(({ holds }) => !holds),
    [],
  );
  // What the power line can do was done: losses both ways, late and repeated answers, several requests at once.
  for (const name of ['lostRequests', 'lostAnswers', 'answersLate', 'answersTwice', 'unheard'] as const)
    assert.ok(outcome[name] > 0, name);
  assert.ok(outcome.heldMost > 1 && outcome.heldMost <= 5, `${outcome.heldMost} requests in the modem`);
});
