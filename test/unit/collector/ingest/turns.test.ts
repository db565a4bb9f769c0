import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';
import { CreditRule } from '../../../../src/collector/ingest/credit.ts';
import { COMMIT_GOAL_MS, EDGE_CREDIT_MIN_OCTETS, QUEUED_MAX_OCTETS } from '../../../../src/collector/ingest/limits.ts';
import { type Rank, type Turn, Turns } from '../../../../src/collector/ingest/turns.ts';
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
              const turn = await turns.ask(id(at), 2).turn;
              turn.charge(octets);
              stored[at] = (stored[at] ?? 0) + octets;
              sum += octets;
              // A storing that takes a turn of the loop, whatever its size: fairness must not come from the database.
              await new Promise((resolve) => setImmediate(resolve));
              turn.end();
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

test('SG-EV-2 an alarm goes ahead of fresh readings, these ahead of every backlog that waits; an end called twice frees one place', async () => {
  const turns = new Turns(1);
  const order: string[] = [];
  const first = await turns.ask(id(0), 2).turn;
  first.charge(1);
  const ask = (edge: number, rank: Rank) => {
    const { turn, raise } = turns.ask(id(edge), rank);
    const begun = turn.then((mine) => {
      order.push(`e${edge}`);
      mine.charge(100);
      return mine;
    });
    return { begun, raise };
  };
  const waiting = [ask(1, 2), ask(2, 2), ask(3, 1), ask(4, 0), ask(5, 2)];
  assert.equal(turns.waiting, 5);
  // Something urgent of the fifth came while it waited; what is less urgent lowers nobody.
  waiting[4]?.raise(0);
  waiting[3]?.raise(2);
  assert.equal(turns.waiting, 5);
  first.end();
  first.end();
  for (const at of [3, 4, 2, 0, 1]) (await waiting[at]?.begun)?.end();
  assert.deepEqual(order, ['e4', 'e5', 'e3', 'e1', 'e2']);
  const last = await turns.ask(id(9), 2).turn;
  last.end();
  assert.equal(turns.waiting, 0);
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
  const alone: Turn = await turns.ask(id(1), 2).turn;
  const second = turns.ask(id(2), 2);
  const third = turns.ask(id(3), 2);
  alone.end();
  const contended = await second.turn;
  assert.ok(contended.maxOctets < alone.maxOctets);
  contended.end();
  assert.equal((await third.turn).maxOctets, alone.maxOctets);
});
