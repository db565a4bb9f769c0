import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';
import { CreditRule } from '../../../../src/collector/ingest/credit.ts';
import { COMMIT_GOAL_MS, EDGE_CREDIT_MIN_OCTETS, QUEUED_MAX_OCTETS } from '../../../../src/collector/ingest/limits.ts';
import { type Rank, Turns } from '../../../../src/collector/ingest/turns.ts';
import type { EdgeId } from '../../../../src/model/ids.ts';

const BATCH_OCTETS = 16_384;
const id = (at: number): EdgeId => `e${at}` as EdgeId;
/** Jain's index: 1 = all the same, 1/n = one has everything. */
const jain = (shares: readonly number[]): number =>
  shares.reduce((sum, share) => sum + share, 0) ** 2 /
  (shares.length * shares.reduce((sum, share) => sum + share ** 2, 0));

test('edges with backlogs in batches of 1 to 33 kB get the same octets: Jain index 0.9 or better', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 3, max: 10 }),
      fc.integer({ min: 1, max: 4 }),
      fc.nat(),
      async (perPlace, atOnce, seed) => {
        // An edge stores one batch at a time: with a place for each there is nothing to share.
        const edges = perPlace * atOnce;
        const random = new SeededRandom(seed);
        const turns = new Turns(atOnce);
        const stored = new Array<number>(edges).fill(0);
        const sizes = stored.map(() => 1_000 + random.below(2 * BATCH_OCTETS));
        const goal = 40 * edges * BATCH_OCTETS;
        let sum = 0;
        await Promise.all(
          stored.map(async (_, at) => {
            while (sum < goal) {
              const octets = sizes[at] ?? 0;
              const end = await turns.ask(id(at), octets, 1).turn;
              stored[at] = (stored[at] ?? 0) + octets;
              sum += octets;
              // A storing that takes a turn of the loop, whatever its size: fairness must not come from the database.
              await new Promise((resolve) => setImmediate(resolve));
              end();
            }
          }),
        );
        assert.ok(jain(stored) >= 0.9, `${jain(stored)} for ${stored}`);
        assert.equal(turns.waiting, 0);
      },
    ),
    { numRuns: 20 },
  );
});

test('SG-EV-2 an alarm goes ahead of every backlog that waits, and takes what its edge waits with along; an end called twice frees one place', async () => {
  const turns = new Turns(1);
  const order: string[] = [];
  const end = await turns.ask(id(0), 1, 1).turn;
  const ask = (edge: number, rank: Rank) => {
    const { turn, raise } = turns.ask(id(edge), 100, rank);
    const begun = turn.then((over) => {
      order.push(`e${edge}`);
      return over;
    });
    return { begun, raise };
  };
  const waiting = [ask(1, 1), ask(2, 1), ask(3, 0), ask(4, 1)];
  assert.equal(turns.waiting, 4);
  // Something urgent of the fourth came while it waited; what is not lowers nobody.
  waiting[3]?.raise(0);
  waiting[2]?.raise(1);
  assert.equal(turns.waiting, 4);
  end();
  end();
  for (const at of [2, 3, 0, 1]) (await waiting[at]?.begun)?.();
  assert.deepEqual(order, ['e3', 'e4', 'e1', 'e2']);
  (await turns.ask(id(9), 1, 1).turn)();
});

test('credit halves when commits take twice the goal, shrinks to two blocks while memory is short, and comes back', () => {
  const rule = new CreditRule(100_000);
  assert.equal(rule.credit(0, 0), 100_000);
  for (let count = 0; count < 200; count++) rule.stored(2 * COMMIT_GOAL_MS);
  assert.equal(rule.credit(10_000, 10_000), 40_000);
  assert.equal(rule.credit(49_000, 49_000), EDGE_CREDIT_MIN_OCTETS);
  for (let count = 0; count < 200; count++) rule.stored(1);
  assert.equal(rule.credit(0, 0), 100_000);
  assert.equal(rule.credit(0, QUEUED_MAX_OCTETS + 1), EDGE_CREDIT_MIN_OCTETS);
});

test('a batch is short while others wait for their turn', async () => {
  const turns = new Turns(1);
  const alone = turns.batchMaxOctets;
  const end = await turns.ask(id(1), 1, 1).turn;
  const second = turns.ask(id(2), 1, 1);
  assert.ok(turns.batchMaxOctets < alone);
  end();
  (await second.turn)();
  assert.equal(turns.batchMaxOctets, alone);
});
