/** Whatever a network does to the publishes of an edge, the readings at the end are the same. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createMemoryCollectorStore, type MemoryCollectorStore } from '../../src/lab/memory-collector-store.ts';
import type { MeterId } from '../../src/model/ids.ts';
import type { Lane } from '../../src/wire/lanes.ts';
import { Desk } from '../support/ingest-desk.ts';
import {
  DAY_MS,
  IMPORT,
  JournalEdge,
  place,
  profileGroup,
  QUARTER_MS,
  register,
  row,
} from '../support/journal-edge.ts';

const METER = 'm1' as MeterId;
const LANES: readonly Lane[] = [2, 3, 4];

/** What can happen on the way. */
type Step =
  | { readonly kind: 'send'; readonly lane: Lane; readonly from: number; readonly count: number }
  | { readonly kind: 'hello' | 'restart' | 'fold' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      lane: fc.constantFrom(...LANES),
      from: fc.nat(11),
      count: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('hello' as const, 'restart' as const, 'fold' as const) }) },
);

/** Three lanes of twelve blocks; lanes 2 and 3 hold different values for some of the same intervals. */
function makeEdge(): JournalEdge {
  const edge = new JournalEdge('e1', undefined, [profileGroup(METER)]);
  for (let slot = 0; slot < 12; slot++) {
    const atMs = DAY_MS + (slot + 1) * QUARTER_MS;
    edge.rows(2, [row(atMs, [100 + slot, slot])], { readAtMs: atMs + 1_000, keyframe: slot % 5 === 0 });
    edge.rows(3, [row(atMs - 6 * QUARTER_MS, [slot < 8 ? 94 + slot : 7, 0])], {
      readAtMs: DAY_MS + slot * 2_000_000,
      keyframe: slot % 4 === 0,
    });
    edge.rows(4, [row(atMs, [null, 1000])], { readAtMs: atMs });
  }
  return edge;
}

async function ready(): Promise<{ desk: Desk<MemoryCollectorStore>; edge: JournalEdge }> {
  const time = { nowMs: DAY_MS };
  const clock = { nowMs: () => time.nowMs, monotonicMs: () => time.nowMs };
  const desk = new Desk(createMemoryCollectorStore({ clock, term: new Uint8Array(12) }), time);
  const edge = makeEdge();
  await register(desk.store, edge);
  await place(desk.store, METER, edge);
  await desk.hello(edge);
  return { desk, edge };
}

/** An honest edge goes on until everything is acknowledged. */
async function finish(desk: Desk<MemoryCollectorStore>, edge: JournalEdge): Promise<void> {
  await desk.hello(edge);
  for (const lane of LANES) {
    const upTo = (await desk.store.cursor(edge.edgeId, edge.epoch, lane))?.upTo ?? 0;
    const left = edge.blocks(lane).slice(upTo);
    if (left.length > 0) await desk.blocks(edge, left);
    assert.equal((await desk.store.cursor(edge.edgeId, edge.epoch, lane))?.upTo, edge.blocks(lane).length);
  }
}

async function everything(desk: Desk<MemoryCollectorStore>): Promise<unknown> {
  const found: unknown[] = [];
  for (const channel of await desk.store.channels(METER)) {
    const query = { channel, fromMs: 0, toMs: 2 * DAY_MS, limit: 10_000, allVersions: true };
    for (const { knownAtMs: _knownAtMs, ...reading } of await desk.store.readings(query)) found.push(reading);
  }
  return found;
}

test('any order, loss, repetition, hello, restart and fold between publishes ends in the same readings', async () => {
  const straight = await ready();
  await finish(straight.desk, straight.edge);
  const expected = await everything(straight.desk);
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { desk, edge } = await ready();
      for (const one of steps) {
        desk.time.nowMs += 1_000;
        if (one.kind === 'send') {
          const blocks = edge.blocks(one.lane).slice(one.from, one.from + one.count);
          if (blocks.length > 0) await desk.blocks(edge, blocks);
        } else if (one.kind === 'hello') await desk.hello(edge);
        else if (one.kind === 'restart') await desk.restart();
        else await desk.store.fold({ maxBlocks: 100 });
      }
      await finish(desk, edge);
      assert.deepEqual(await everything(desk), expected);
      const { items } = await desk.store.events({ fromMs: 0, toMs: 2 * DAY_MS, limit: 10 });
      assert.deepEqual(items, [], 'no alarm without a cause');
    }),
    { numRuns: 60 },
  );
  const seen = await straight.desk.store.readings({
    channel: { meterId: METER, obis: IMPORT, intervalS: 900 },
    fromMs: 0,
    toMs: 2 * DAY_MS,
    limit: 100,
  });
  assert.ok(
    seen.some((reading) => reading.versions > 1),
    'the schedule contains versions',
  );
});
