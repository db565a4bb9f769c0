/** When what was lost is ordered from the meters, and when not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SILENT_LOG } from '../../../../src/base/log.ts';
import { REREAD_REPEAT_MS } from '../../../../src/collector/limits.ts';
import type { LaneGap, RereadRecord } from '../../../../src/collector/ports.ts';
import { createRereadDesk } from '../../../../src/collector/rereads/desk.ts';
import {
  BACKLOG_PATIENCE_MS,
  GIVEN_UP_MS,
  LOOK_AFTER_MS,
  LOOK_AGAIN_MS,
  TOMBSTONE_LOOK_AFTER_MS,
} from '../../../../src/collector/rereads/limits.ts';
import { createMemoryCollectorStore } from '../../../../src/lab/memory-collector-store.ts';
import type { EdgeId, MeterId } from '../../../../src/model/ids.ts';
import type { RereadOrder } from '../../../../src/model/reread.ts';
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
} from '../../../support/journal-edge.ts';
import { FakeTime, START_MS } from '../fake-env.ts';

const METER = 'm1' as MeterId;
const NO_HASH = new Uint8Array(8);
const DAY_MS = 86_400_000;
/** The quarter-hours of the meter end now. */
const BASE_MS = START_MS - 20 * QUARTER_MS;

/** A store with twenty quarter-hours of a meter less the lost blocks, and a desk that says what it orders. */
async function rig(part: Partial<LaneGap> | null = {}) {
  const time = new FakeTime();
  const { clock, timers } = time;
  const store = createMemoryCollectorStore({ clock, term: new Uint8Array(12).fill(7) });
  const baseMs = BASE_MS;
  const edge = new JournalEdge('e1', undefined, [profileGroup(METER)]);
  for (let slot = 1; slot <= 20; slot++)
    edge.rows(2, [row(baseMs + slot * QUARTER_MS, [slot, 0])], { readAtMs: baseMs, keyframe: slot % 8 === 1 });
  await register(store, edge);
  await place(store, METER, edge, baseMs);
  await store.append(await cursorOf(store, edge, 2), asAppends(edge.blocks(2).slice(0, 4)));
  if (part !== null) {
    const { edgeId, epoch } = edge;
    const gap = { edgeId, epoch, lane: 2, from: 5, to: 8, cause: 'evicted-at-edge', ...part };
    assert.ok(await store.declareGap(await cursorOf(store, edge, 2), gap, NO_HASH));
  }
  await upload(store, edge, 2);
  const said: RereadOrder[][] = [];
  const line = { isUp: true };
  const publisher = {
    sendRereads: async (_edgeId: EdgeId, orders: readonly RereadOrder[]) => {
      if (line.isUp) said.push([...orders]);
      return line.isUp;
    },
  };
  const desk = createRereadDesk({ env: { clock, timers, log: SILENT_LOG }, store, publisher });
  /** Sends the lost blocks after all, as another epoch would. */
  const bringBack = async () => {
    const other = new JournalEdge('e1', '00000000000000e2', edge.groups);
    for (let slot = 5; slot <= 8; slot++)
      other.rows(2, [row(baseMs + slot * QUARTER_MS, [slot, 0])], { readAtMs: baseMs });
    await upload(store, other, 2);
  };
  const states = async () => (await store.rereads({ limit: 100 })).items.map(({ state }) => state);
  const slots = ({ fromMs, toMs }: { readonly fromMs: number; readonly toMs: number }) => [
    (fromMs - baseMs) / QUARTER_MS,
    (toMs - baseMs) / QUARTER_MS,
  ];
  return { time, store, edge, desk, said, line, baseMs, bringBack, states, slots };
}

const notice = () => ({
  meterId: METER,
  obis: [IMPORT, EXPORT],
  intervalS: 900,
  fromMs: BASE_MS - QUARTER_MS,
  toMs: BASE_MS + 12 * QUARTER_MS,
  cause: 'evicted-at-edge',
});

test('W-99 a gap without a tombstone is taken apart by what is really missing, and ordered channel by channel', async () => {
  const r = await rig();
  await r.desk.sweep();
  await r.time.advance(LOOK_AFTER_MS - 1);
  assert.equal(r.said.length, 0, 'what comes with it may still arrive');
  await r.time.advance(400_000);
  const orders = r.said.flat();
  assert.deepEqual(orders.map((order) => [order.meterId, order.intervalS, order.obis, r.slots(order)]).sort(), [
    [METER, 900, [IMPORT], [5, 8]],
    [METER, 900, [EXPORT], [5, 8]],
  ]);
  assert.deepEqual((await r.states()).sort(), ['done', 'ordered', 'ordered']);
  await r.desk.close();
});

test('W-99 what the edge lost itself is left to it for a day, and only what is still missing then is ordered', async () => {
  const r = await rig({ notices: [notice()] });
  await r.time.advance(TOMBSTONE_LOOK_AFTER_MS - 1);
  assert.equal(r.said.length, 0);
  await r.time.advance(400_000);
  assert.deepEqual(
    r.said.flat().map((order) => [order.obis, r.slots(order)]),
    [
      [
        [IMPORT, EXPORT],
        [5, 8],
      ],
    ],
  );
  const healed = await rig({ notices: [notice()] });
  await healed.bringBack();
  await healed.time.advance(TOMBSTONE_LOOK_AFTER_MS + 400_000);
  assert.deepEqual([healed.said, await healed.states()], [[], ['arrived']]);
  for (const { desk } of [r, healed]) await desk.close();
});

test('W-99 an order is said again until it is answered, or nothing is missing any more, or a month is over', async () => {
  const r = await rig({ notices: [notice()] });
  await r.time.advance(TOMBSTONE_LOOK_AFTER_MS + 400_000);
  assert.equal(r.said.length, 1);
  r.line.isUp = false;
  await r.time.advance(REREAD_REPEAT_MS + LOOK_AGAIN_MS);
  r.line.isUp = true;
  await r.time.advance(LOOK_AGAIN_MS + 400_000);
  assert.equal(r.said.length, 2);
  assert.deepEqual(r.said[1], r.said[0], 'the same order');
  await r.bringBack();
  await r.time.advance(REREAD_REPEAT_MS + 400_000);
  assert.deepEqual([r.said.length, await r.states()], [2, ['arrived']]);
  const silent = await rig({ notices: [notice()] });
  await silent.time.advance(GIVEN_UP_MS + REREAD_REPEAT_MS + 400_000);
  assert.deepEqual(await silent.states(), ['given-up']);
  const said = silent.said.length;
  await silent.time.advance(2 * DAY_MS);
  assert.equal(silent.said.length, said);
  for (const { desk } of [r, silent]) await desk.close();
});

test('W-99 an edge with blocks on their way is waited for, but not without end', async () => {
  const r = await rig();
  const { edgeId } = r.edge;
  const status = { uptimeS: 1, autonomyHours: 1, facts: [] };
  const behind = { ...status, lanes: [{ lane: 3, octets: 1, blocks: 1, oldestMs: 0 }] } as const;
  await r.store.noteHello(edgeId, { epoch: r.edge.epoch, software: '', lanes: [], atMs: r.time.clock.nowMs() });
  await r.store.noteStatus(edgeId, behind, r.time.clock.nowMs());
  await r.time.advance(LOOK_AFTER_MS + BACKLOG_PATIENCE_MS - 600_000);
  assert.deepEqual([r.said, await r.states()], [[], ['waiting']]);
  await r.time.advance(LOOK_AGAIN_MS + 600_000);
  assert.ok(r.said.length > 0);
  await r.desk.close();
});

test('a channel of which nothing is stored is ordered whole; one that is covered already is not ordered twice', async () => {
  const r = await rig(null);
  const { edgeId, epoch } = r.edge;
  const at = { edgeId, epoch, sequence: 1, fromMs: r.baseMs, toMs: r.baseMs + QUARTER_MS } as const;
  const unknown = {
    ...at,
    lane: 2,
    meterId: 'm9' as MeterId,
    intervalS: 900,
    obis: [IMPORT],
    reason: 'unreadable-block',
  } as const;
  await r.store.listRereads([unknown], { state: 'waiting', atMs: 0 });
  await r.time.advance(LOOK_AFTER_MS + 400_000);
  assert.deepEqual(
    r.said.flat().map(({ meterId, fromMs, toMs }) => [meterId, fromMs, toMs]),
    [['m9', unknown.fromMs, unknown.toMs]],
  );
  const gap = { edgeId, epoch, from: 21, to: 30, cause: 'evicted-at-edge' };
  const twice = await rig();
  assert.ok(
    await twice.store.declareGap(await cursorOf(twice.store, twice.edge, 3), { ...gap, lane: 3, from: 1 }, NO_HASH),
  );
  await twice.time.advance(LOOK_AFTER_MS + 900_000);
  const children = (await twice.store.rereads({ limit: 100 })).items.filter(({ meterId }) => meterId !== null);
  assert.deepEqual(children.map((record: RereadRecord) => [record.lane, record.obis, twice.slots(record)]).sort(), [
    [2, [IMPORT], [5, 8]],
    [2, [EXPORT], [5, 8]],
  ]);
  for (const { desk } of [r, twice]) await desk.close();
});
