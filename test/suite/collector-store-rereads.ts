/** What every collector store must do with losses: list them with the transaction that learns of them, and keep how they end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { REREADS_OPEN_MAX } from '../../src/collector/limits.ts';
import type { CollectorStore, LaneGap, RereadPlace, RereadRecord } from '../../src/collector/ports.ts';
import type { MeterId } from '../../src/model/ids.ts';
import {
  asAppends,
  cursorOf,
  EXPORT,
  IMPORT,
  JournalEdge,
  place,
  profileGroup,
  QUARTER_MS,
  register,
  row,
  upload,
} from '../support/journal-edge.ts';

const DAY_MS = 86_400_000;
/** Midnight UTC two days ago: all of that day is past. */
const BASE = Math.floor(Date.now() / DAY_MS) * DAY_MS - 2 * DAY_MS;
const METER = 'm1' as MeterId;
const NO_HASH = new Uint8Array(8);

/** An edge with one meter and twenty quarter-hours in lane 2, a block each, the fourth and twelfth of which begin groups. */
async function edgeIn(store: CollectorStore): Promise<JournalEdge> {
  const edge = new JournalEdge('e1', '00000000000000e1', [profileGroup(METER)]);
  for (let slot = 1; slot <= 20; slot++) {
    const atMs = BASE + slot * QUARTER_MS;
    edge.rows(2, [row(atMs, [1000 + slot, 0])], { readAtMs: atMs + 5_000, keyframe: slot % 8 === 1 });
  }
  await register(store, edge);
  await place(store, METER, edge, BASE);
  return edge;
}

function gapOf(edge: JournalEdge, part: Partial<LaneGap> = {}): LaneGap {
  return { edgeId: edge.edgeId, epoch: edge.epoch, lane: 2, from: 5, to: 8, cause: 'evicted-at-edge', ...part };
}

const notice = {
  meterId: METER,
  obis: [IMPORT, EXPORT],
  intervalS: 900,
  fromMs: BASE + 5 * QUARTER_MS,
  toMs: BASE + 8 * QUARTER_MS,
  cause: 'evicted-at-edge',
};

/** Lists the loss of blocks 5 to 8, stores the rest, and gives the entry. */
async function withLoss(store: CollectorStore, part: Partial<LaneGap> = {}) {
  const edge = await edgeIn(store);
  await store.append(await cursorOf(store, edge, 2), asAppends(edge.blocks(2).slice(0, 4)));
  assert.ok(await store.declareGap(await cursorOf(store, edge, 2), gapOf(edge, part), NO_HASH));
  await upload(store, edge, 2);
  const { items } = await store.rereads({ limit: 10 });
  return { edge, items, record: items[0] };
}

const placeOf = ({ meterId, intervalS, obis, fromMs, toMs, reason, state, lane, sequence }: RereadRecord) => ({
  place: [lane, sequence],
  meterId,
  intervalS,
  obis: [...obis],
  slots: [(fromMs - BASE) / QUARTER_MS, (toMs - BASE) / QUARTER_MS],
  reason,
  state,
});

async function causes(store: CollectorStore): Promise<string[]> {
  const range = { fromMs: BASE, toMs: BASE + 20 * QUARTER_MS, nowMs: BASE + DAY_MS };
  const gaps = await store.gaps({ meterId: METER, ...range });
  return gaps.filter(({ obis }) => obis === IMPORT).map(({ cause, count }) => `${cause} ${count}`);
}

/** Adds the tests of what is read again. */
export function rereadSuite(open: () => Promise<CollectorStore>): void {
  test('a tombstone lists what it names, once; what was given up for its age and records are not wanted', async () => {
    const store = await open();
    const { items } = await withLoss(store, { notices: [notice] });
    assert.deepEqual(items.map(placeOf), [
      {
        place: [2, 5],
        meterId: METER,
        intervalS: 900,
        obis: [IMPORT, EXPORT],
        slots: [5, 8],
        reason: 'tombstone',
        state: 'waiting',
      },
    ]);
    const aged = await open();
    assert.deepEqual((await withLoss(aged, { notices: [notice], isUnwanted: true })).items, []);
    const edge = await edgeIn(await open());
    const logs = await open();
    await register(logs, edge);
    await logs.declareGap(await cursorOf(logs, edge, 5), gapOf(edge, { lane: 5, from: 1 }), NO_HASH);
    assert.deepEqual((await logs.rereads({ limit: 10 })).items, []);
  });

  test('a gap that names nothing lists all meters since the last block, or since ever', async () => {
    const store = await open();
    const { record, items } = await withLoss(store);
    assert.equal(items.length, 1);
    assert.deepEqual([record?.meterId, record?.obis, record?.fromMs], [null, [], BASE + 4 * QUARTER_MS]);
    assert.ok((record?.toMs ?? 0) > BASE + DAY_MS);
    const empty = await open();
    const edge = await edgeIn(empty);
    await empty.declareGap(await cursorOf(empty, edge, 2), gapOf(edge, { from: 1 }), NO_HASH);
    assert.equal((await empty.rereads({ limit: 10 })).items[0]?.fromMs, 0);
  });

  test('blocks that cannot be decoded list the groups of their dictionary, their dependants with them, once', async () => {
    const store = await open();
    const edge = await edgeIn(store);
    await store.append(await cursorOf(store, edge, 2), asAppends(edge.blocks(2).slice(0, 3)));
    const poison = edge.blocks(2)[3];
    assert.ok(poison);
    await store.quarantine(await cursorOf(store, edge, 2), poison, 'BLOCK_MALFORMED');
    await upload(store, edge, 2);
    await store.fold({ maxBlocks: 1000 });
    await store.fold({ maxBlocks: 1000 });
    const { items } = await store.rereads({ limit: 10 });
    assert.deepEqual(items.map(placeOf), [
      {
        place: [2, 4],
        meterId: METER,
        intervalS: 900,
        obis: [IMPORT, EXPORT],
        slots: [4, 8],
        reason: 'unreadable-block',
        state: 'waiting',
      },
    ]);
    assert.deepEqual(await causes(store), ['readable-from-meter 5']);
  });

  test('an entry moves from the state it is in, is due until its end, and its end is the cause of what is missing', async () => {
    const store = await open();
    const { record } = await withLoss(store, { notices: [notice] });
    assert.ok(record);
    const { createdAtMs } = record;
    assert.deepEqual(await causes(store), ['evicted-at-edge 4'], 'the tombstone says why');
    assert.deepEqual(await store.dueRereads(createdAtMs - 1, 10), []);
    assert.deepEqual(await store.dueRereads(createdAtMs, 10), [record]);
    assert.deepEqual(await store.orderedRereads(record.edgeId, 10), []);
    const span = { fromMs: notice.fromMs + QUARTER_MS, toMs: notice.toMs };
    const order = { state: 'ordered', atMs: 10, dueAtMs: createdAtMs + 50, span } as const;
    assert.equal(await store.changeReread(record, order), true);
    assert.equal(await store.changeReread(record, order), false, 'it is not waiting any more');
    const ordered = { ...record, ...span, state: 'ordered', orderedAtMs: 10 } as const;
    assert.deepEqual(await store.orderedRereads(record.edgeId, 10), [ordered]);
    assert.deepEqual(await store.dueRereads(createdAtMs + 49, 10), []);
    assert.deepEqual(await store.dueRereads(createdAtMs + 50, 10), [ordered]);
    assert.deepEqual(await causes(store), ['evicted-at-edge 1', 'readable-from-meter 3']);
    await store.changeReread(ordered, { state: 'ordered', atMs: 20, dueAtMs: createdAtMs + 99 });
    assert.deepEqual((await store.orderedRereads(record.edgeId, 10))[0]?.orderedAtMs, 10, 'first ordered then');
    const end = { state: 'gone', atMs: 30, dueAtMs: null, rows: 0 } as const;
    assert.equal(await store.changeReread({ ...ordered, id: 'another' }, end), false);
    assert.equal(await store.changeReread(ordered, end), true);
    assert.deepEqual(await store.dueRereads(createdAtMs + DAY_MS, 10), []);
    assert.deepEqual((await store.rereads({ limit: 10 })).items, [{ ...ordered, state: 'gone', endedAtMs: 30 }]);
    assert.deepEqual(await causes(store), ['evicted-at-edge 1', 'overwritten-in-meter 3']);
  });

  test('entries are listed by edge, meter and state, in pages; places are taken once and within bounds', async () => {
    const store = await open();
    const edge = await edgeIn(store);
    const { edgeId, epoch } = edge;
    const placeAt = (at: number): RereadPlace => ({
      ...{ edgeId, epoch, lane: 3, sequence: 1, meterId: `m${at % 7}` as MeterId, intervalS: 900 + at },
      ...{ obis: [IMPORT], fromMs: BASE, toMs: BASE + at, reason: 'declared-gap' },
    });
    const places = Array.from({ length: 21 }, (_, at) => placeAt(at));
    await store.listRereads(places, { state: 'ordered', atMs: 7 });
    await store.listRereads(places, { state: 'waiting', atMs: 8 });
    const found: RereadRecord[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.rereads({ limit: 4, ...(cursor === undefined ? {} : { cursor }) });
      found.push(...page.items);
      cursor = page.cursor;
    } while (cursor !== undefined);
    assert.equal(new Set(found.map(({ id }) => id)).size, places.length);
    assert.ok(found.every(({ state, orderedAtMs }) => state === 'ordered' && orderedAtMs !== undefined));
    assert.equal((await store.rereads({ meterId: METER, limit: 100 })).items.length, 3);
    assert.equal((await store.rereads({ edgeId, state: 'waiting', limit: 100 })).items.length, 0);
    assert.deepEqual(
      (await store.dueRereads(7, 100)).map(({ toMs }) => toMs - BASE).sort((a, b) => a - b),
      places.map((_, at) => at),
    );
    const room = REREADS_OPEN_MAX - places.length;
    const many = Array.from({ length: room + 1 }, (_, at) => ({ ...placeAt(0), sequence: at + 2 }));
    await store.listRereads(many, { state: 'waiting', atMs: 9 });
    assert.equal((await store.dueRereads(9, 2 * REREADS_OPEN_MAX)).length, REREADS_OPEN_MAX);
  });
}
