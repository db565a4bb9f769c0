/** A month of a hundred meters under faults, a week of it without a broker, one seed on each core. */
import { test } from 'node:test';
import { proveSwarmFull } from '../../src/lab/proofs/swarm.ts';
import { proven } from './swarm-proof.ts';

const SEEDS = 2;

test(`${SEEDS} seeds of a month and a hundred meters, a week of it without a broker`, async (context) => {
  context.diagnostic(JSON.stringify(await proven(proveSwarmFull, SEEDS)));
});
