/**
 * What every collector store must do, whatever it is made of. `open` gives an empty store; times of readings lie in the
 * days before now, because a database stamps commits with its own clock.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import type { Finding } from '../../src/collector/commissioning-ports.ts';
import { INBOX_MAX } from '../../src/collector/limits.ts';
import type { CollectorStore, StoreChange } from '../../src/collector/ports.ts';
import type { CommandState } from '../../src/model/command.ts';
import type { CommandId, EdgeId, MeterId } from '../../src/model/ids.ts';
import { DEFAULT_TENANT } from '../../src/model/ids.ts';
import { SOURCES } from '../../src/model/reading.ts';
import {
  asAppends,
  crypto,
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
import { rereadSuite } from './collector-store-rereads.ts';

/** A store under test; `reopen` gives a second handle on the same data, where the store is durable. */
export interface StoreUnderTest {
  readonly open: () => Promise<CollectorStore>;
  readonly reopen?: (store: CollectorStore) => Promise<CollectorStore>;
  /** Moves the store's clock on, where it is not the real one. */
  readonly advance?: (byMs: number) => void;
  /** Ends what stands behind the stores. */
  readonly close?: () => Promise<void>;
}

const DAY = 86_400_000;
const TODAY = Math.floor(Date.now() / DAY) * DAY;
/** Midnight UTC two days ago: all of that day is past. */
const BASE = TODAY - 2 * DAY;
const METER = 'm1' as MeterId;
const CHANNEL = { meterId: METER, obis: IMPORT, intervalS: 900 };
const ALL = { fromMs: BASE - 30 * DAY, toMs: BASE + 30 * DAY, limit: 10_000 };

/** An edge with one meter of two channels and `slots` quarter-hours in lane 2, a block each. */
function edgeWith(
  slots: number,
  name = 'e1',
  epoch = '00000000000000e1',
  value = (slot: number) => 1000 + slot,
): JournalEdge {
  const edge = new JournalEdge(name, epoch, [profileGroup(METER)]);
  for (let slot = 1; slot <= slots; slot++) {
    const atMs = BASE + slot * QUARTER_MS;
    edge.rows(2, [row(atMs, [value(slot), 0])], { readAtMs: atMs + 5_000, keyframe: slot % 8 === 1 });
  }
  return edge;
}

async function values(store: CollectorStore, query: Partial<Parameters<CollectorStore['readings']>[0]> = {}) {
  const readings = await store.readings({ channel: CHANNEL, ...ALL, ...query });
  return readings.map((reading) => reading.value);
}

const slots = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => 1000 + from + at);

/** Runs the suite. */
export function collectorStoreSuite(
  name: string,
  make: () => Promise<StoreUnderTest>,
  options: { readonly durable: boolean; readonly skip?: string | false },
): void {
  const { durable, skip = false } = options;
  describe(`collector store: ${name}`, { skip }, () => {
    let under: StoreUnderTest;
    const opened: CollectorStore[] = [];
    const open = async () => {
      const store = await under.open();
      opened.push(store);
      return store;
    };
    before(async () => {
      under = await make();
    });
    afterEach(async () => {
      for (const store of opened.splice(0)) await store.close();
    });
    after(async () => {
      await under.close?.();
    });

    journal(open);
    readings(open, (byMs) => under.advance?.(byMs));
    placements(open);
    findings(open);
    records(open);
    gapsAndMeters(open);
    commandsAndAccess(open);
    rereadSuite(open);
    if (durable) restart(open, () => under.reopen);
  });
}

type Open = () => Promise<CollectorStore>;

function journal(open: Open): void {
  test('an append moves the cursor, a repeat of it loses', async () => {
    const store = await open();
    const edge = edgeWith(3);
    await register(store, edge);
    const start = await cursorOf(store, edge, 2);
    assert.equal(await store.append(start, asAppends(edge.blocks(2))), true);
    assert.equal(await store.append(start, asAppends(edge.blocks(2))), false);
    const cursor = await store.cursor(edge.edgeId, edge.epoch, 2);
    assert.deepEqual([cursor?.upTo, cursor?.headHash, cursor?.keyframe], [3, edge.blocks(2)[2]?.hash, 1]);
    assert.deepEqual(await store.storedHash(edge.edgeId, edge.epoch, 2, 2), edge.blocks(2)[1]?.hash);
    assert.equal(await store.storedHash(edge.edgeId, edge.epoch, 2, 9), undefined);
    assert.deepEqual(
      (await store.cursors(edge.edgeId, edge.epoch)).map((one) => one.lane),
      [2],
    );
  });

  test('of two writers on the same cursor exactly one wins, and its blocks are stored once', async () => {
    const store = await open();
    const edge = edgeWith(1);
    await register(store, edge);
    await place(store, METER, edge);
    for (let round = 1; round <= 10; round++) {
      const cursor = await cursorOf(store, edge, 2);
      const blocks = asAppends(edge.blocks(2).slice(-1));
      const won = await Promise.all(Array.from({ length: 4 }, () => store.append(cursor, blocks)));
      assert.equal(won.filter(Boolean).length, 1, `round ${round}`);
      const atMs = BASE + (round + 1) * QUARTER_MS;
      edge.rows(2, [row(atMs, [1001 + round, 0])], { readAtMs: atMs });
    }
    assert.deepEqual(await values(store), slots(1, 10));
  });

  test('a cursor with another head does not move: upTo alone is not enough', async () => {
    const store = await open();
    const edge = edgeWith(2);
    await register(store, edge);
    const start = await cursorOf(store, edge, 2);
    await store.append(start, asAppends(edge.blocks(2).slice(0, 1)));
    const wrong = { ...start, upTo: 1, headHash: new Uint8Array(8).fill(9) };
    assert.equal(await store.append(wrong, asAppends(edge.blocks(2).slice(1))), false);
  });

  test('a lease fences: when the shard has changed hands, the old token stores nothing', async () => {
    const store = await open();
    const edge = edgeWith(3);
    await register(store, edge);
    const old = await store.takeLease(5, 'collector-a', 0);
    assert.deepEqual(await store.takeLease(5, 'collector-a', 0), old, 'a renewal keeps the token');
    const cursor = await cursorOf(store, edge, 2);
    assert.equal(await store.append(cursor, asAppends(edge.blocks(2).slice(0, 1)), old), true);
    const taken = await store.takeLease(5, 'collector-b', 60_000);
    assert.ok(old && taken && taken.token > old.token);
    assert.equal(await store.takeLease(5, 'collector-a', 0), undefined, 'a live lease is not taken away');
    const next = await cursorOf(store, edge, 2);
    assert.equal(await store.append(next, asAppends(edge.blocks(2).slice(1, 2)), old), false);
    const gap = { edgeId: edge.edgeId, epoch: edge.epoch, lane: 2, from: 2, to: 2, cause: 'evicted-at-edge' };
    assert.equal(await store.declareGap(next, gap, new Uint8Array(8), old), false);
    assert.equal(await store.append(next, asAppends(edge.blocks(2).slice(1)), taken), true);
  });

  test('an edge that is unknown or not active stores nothing', async () => {
    const store = await open();
    const edge = edgeWith(1);
    assert.equal(await store.append(await cursorOf(store, edge, 2), asAppends(edge.blocks(2))), false);
    await store.noteUnknown(edge.edgeId, BASE);
    assert.equal((await store.edge(edge.edgeId))?.state, 'inbox');
    assert.equal(await store.append(await cursorOf(store, edge, 2), asAppends(edge.blocks(2))), false);
    await store.saveEdge(edge.record);
    await store.noteUnknown(edge.edgeId, BASE);
    assert.equal(
      (await store.edge(edge.edgeId))?.state,
      'active',
      'a registered edge does not fall back into the inbox',
    );
    assert.equal(await store.append(await cursorOf(store, edge, 2), asAppends(edge.blocks(2))), true);
  });

  test('the inbox takes so many unknown edges and no more; known ones go on', async () => {
    const store = await open();
    for (let at = 0; at < INBOX_MAX; at++) assert.equal(await store.noteUnknown(`stranger${at}` as EdgeId, BASE), true);
    assert.equal(await store.noteUnknown('one-too-many' as EdgeId, BASE), false);
    assert.equal(await store.edge('one-too-many' as EdgeId), undefined);
    assert.equal(await store.noteUnknown('stranger7' as EdgeId, BASE), true, 'it is there');
    await store.saveEdge({ edgeId: 'stranger7' as EdgeId, tenantId: DEFAULT_TENANT, state: 'deactivated' });
    assert.equal(await store.noteUnknown('one-too-many' as EdgeId, BASE), true, 'a place became free');
  });

  test('a declared gap moves the cursor to its end; decoding goes on at the keyframe behind it', async () => {
    const store = await open();
    const edge = edgeWith(20);
    await register(store, edge);
    await place(store, METER, edge);
    const start = await cursorOf(store, edge, 2);
    await store.append(start, asAppends(edge.blocks(2).slice(0, 4)));
    const cursor = await cursorOf(store, edge, 2);
    const notice = {
      meterId: METER,
      obis: [IMPORT],
      intervalS: 900,
      fromMs: BASE + 5 * QUARTER_MS,
      toMs: BASE + 8 * QUARTER_MS,
      cause: 'evicted-at-edge',
    };
    const lost = { edgeId: edge.edgeId, epoch: edge.epoch, lane: 2, from: 5, to: 8, cause: 'evicted-at-edge' };
    const gap = { ...lost, notices: [notice] };
    assert.equal(await store.declareGap(cursor, gap, new Uint8Array(8)), true);
    assert.equal(await store.declareGap(cursor, gap, new Uint8Array(8)), false);
    await upload(store, edge, 2);
    assert.deepEqual(await values(store), [...slots(1, 4), ...slots(9, 20)]);
    await store.fold({ maxBlocks: 1000 });
    assert.deepEqual(await values(store), [...slots(1, 4), ...slots(9, 20)]);
    const toMs = BASE + 20 * QUARTER_MS;
    const gaps = await store.gaps({ meterId: METER, fromMs: BASE, toMs, nowMs: BASE + DAY });
    const imported = gaps.filter(({ obis }) => obis === IMPORT);
    assert.deepEqual(
      imported.map(({ fromMs, count, cause }) => [fromMs, count, cause]),
      [[BASE + 5 * QUARTER_MS, 4, 'evicted-at-edge']],
    );
  });

  test('the term is 12 octets and the store may acknowledge', async () => {
    const store = await open();
    assert.equal(store.term.length, 12);
    assert.deepEqual(await store.notSafe(), []);
  });

  test('hello and status are kept, an operator decision keeps them', async () => {
    const store = await open();
    const edge = edgeWith(1);
    await register(store, edge);
    const changes: StoreChange[] = [];
    store.onChange((change) => changes.push(change));
    await store.noteHello(edge.edgeId, {
      epoch: '00000000000000aa',
      software: 'deltawatt 1',
      lanes: [{ lane: 2, last: 7 }],
      atMs: BASE,
    });
    const status = {
      lanes: [{ lane: 2, octets: 10, blocks: 1, oldestMs: 5 }],
      uptimeS: 9,
      autonomyHours: 40.5,
      facts: [],
    } as const;
    await store.noteStatus(edge.edgeId, status, BASE + 1);
    await store.saveEdge({ ...edge.record, note: 'cellar' });
    const kept = await store.edge(edge.edgeId);
    assert.deepEqual(
      [kept?.epoch, kept?.software, kept?.lastHelloMs, kept?.note],
      ['00000000000000aa', 'deltawatt 1', BASE, 'cellar'],
    );
    assert.deepEqual(kept?.status, status);
    assert.ok((kept?.lastHeardMs ?? 0) >= BASE + 1);
    assert.deepEqual(kept?.key, edge.key);
    assert.deepEqual(
      changes.map((change) => change.kind),
      ['edge', 'edge', 'edge'],
    );
  });

  test('a dictionary is found by its hash, by its edge only', async () => {
    const store = await open();
    const edge = edgeWith(0);
    const other = edgeWith(0, 'e2');
    await register(store, edge);
    await store.saveEdge(other.record);
    assert.deepEqual(await store.dictionary(edge.edgeId, edge.dictionary.hash), edge.dictionary.octets);
    assert.equal(await store.dictionary(other.edgeId, edge.dictionary.hash), undefined);
  });
}

function readings(open: Open, advance: (byMs: number) => void): void {
  test('a reading is visible at its commit, the same before, between and after folds', async () => {
    const store = await open();
    const edge = edgeWith(20);
    await register(store, edge);
    await place(store, METER, edge);
    await upload(store, edge, 2);
    assert.deepEqual(await values(store), slots(1, 20));
    const before = await store.readings({ channel: CHANNEL, ...ALL });
    const some = await store.fold({ maxBlocks: 7 });
    assert.deepEqual(await store.readings({ channel: CHANNEL, ...ALL }), before);
    const rest = await store.fold({ maxBlocks: 1000 });
    assert.deepEqual([some.blocks + rest.blocks, some.rows + rest.rows], [20, 20]);
    assert.deepEqual(await store.fold({ maxBlocks: 1000 }), { blocks: 0, rows: 0 });
    assert.deepEqual(await store.readings({ channel: CHANNEL, ...ALL }), before);
    const [first] = before;
    assert.deepEqual(first?.origin, { edgeId: edge.edgeId, epoch: edge.epoch, lane: 2, sequence: 1, index: 0 });
    assert.deepEqual(
      [first?.unit, first?.exponent, first?.quality, first?.source, first?.versions],
      ['Wh', 0, 'good', 'profile', 1],
    );
    assert.equal(first?.readAtMs, BASE + QUARTER_MS + 5_000);
  });

  test('intervals are asked by from < end <= to, registers by from <= at < to', async () => {
    const store = await open();
    const edge = new JournalEdge('e1', undefined, [
      profileGroup(METER),
      { ...profileGroup(METER), intervalS: 0, source: SOURCES.indexOf('register') },
    ]);
    const times = [1, 2, 3].map((slot) => BASE + slot * QUARTER_MS);
    edge.rows(
      2,
      times.flatMap((atMs, at) => [row(atMs, [at, 0]), row(atMs, [10 + at, 0], 1)]),
      { readAtMs: BASE + DAY },
    );
    await register(store, edge);
    await place(store, METER, edge);
    await upload(store, edge, 2);
    const range = { fromMs: BASE + QUARTER_MS, toMs: BASE + 3 * QUARTER_MS };
    for (const step of ['unfolded', 'folded']) {
      assert.deepEqual(await values(store, range), [1, 2], step);
      assert.deepEqual(await values(store, { ...range, channel: { ...CHANNEL, intervalS: 0 } }), [10, 11], step);
      await store.fold({ maxBlocks: 10 });
    }
  });

  test('a day belongs to the interval that ends it: midnight is the last of the day before', async () => {
    const store = await open();
    const edge = new JournalEdge('e1', undefined, [profileGroup(METER)]);
    edge.rows(2, [row(BASE + DAY, [1, 0]), row(BASE + DAY + 1, [2, 0])], { readAtMs: BASE + DAY });
    await register(store, edge);
    await place(store, METER, edge);
    await upload(store, edge, 2);
    await store.fold({ maxBlocks: 10 });
    assert.deepEqual(await values(store, { fromMs: BASE, toMs: BASE + DAY }), [1]);
    assert.deepEqual(await values(store, { fromMs: BASE + DAY, toMs: BASE + 2 * DAY }), [2]);
  });

  test('pages continue after a time and never part the versions of one key', async () => {
    const store = await open();
    const edge = edgeWith(10);
    const other = edgeWith(10, 'e1', '00000000000000e2', (slot) => 2000 + slot);
    await register(store, edge);
    await place(store, METER, edge);
    await upload(store, edge, 2);
    await upload(store, other, 2);
    await store.fold({ maxBlocks: 10 });
    const page = await store.readings({ channel: CHANNEL, ...ALL, limit: 3, allVersions: true });
    assert.deepEqual(
      page.map((reading) => reading.value),
      [1001, 2001, 1002, 2002],
    );
    const next = await values(store, { limit: 2, afterMs: page.at(-1)?.atMs ?? 0 });
    assert.deepEqual(next, [2003, 2004]);
  });

  test('an equal value changes nothing, also at another scale; another value is a new version', async () => {
    const store = await open();
    const edge = new JournalEdge('e1', undefined, [profileGroup(METER, 2), profileGroup(METER, 0)]);
    const atMs = BASE + QUARTER_MS;
    await register(store, edge);
    await place(store, METER, edge);
    edge.rows(2, [row(atMs, [5, 0])], { readAtMs: BASE + 1 });
    edge.rows(2, [row(atMs, [500, 0], 1)], { readAtMs: BASE + 2 });
    edge.rows(2, [row(atMs, [501, 0], 1)], { readAtMs: BASE + 3 });
    edge.rows(2, [row(atMs, [5, 0])], { readAtMs: BASE + 4 });
    await upload(store, edge, 2);
    for (const step of ['unfolded', 'folded']) {
      const all = await store.readings({ channel: CHANNEL, ...ALL, allVersions: true });
      assert.deepEqual(
        all.map((one) => [one.value, one.exponent, one.readAtMs - BASE]),
        [
          [5, 2, 1],
          [501, 0, 3],
          [5, 2, 4],
        ],
        step,
      );
      const [counts] = await store.readings({ channel: CHANNEL, ...ALL });
      assert.deepEqual([counts?.value, counts?.versions], [5, 3], step);
      await store.fold({ maxBlocks: 10 });
    }
  });

  test('versions are ordered by read-at, epoch, lane and sequence, never by arrival', async () => {
    const store = await open();
    const atMs = BASE + QUARTER_MS;
    const late = new JournalEdge('e1', '00000000000000e1', [profileGroup(METER)]);
    late.rows(2, [row(atMs, [2, 0])], { readAtMs: BASE + 2_000_000 });
    late.rows(3, [row(atMs, [1, 0])], { readAtMs: BASE + 1_000_000 });
    await register(store, late);
    await place(store, METER, late);
    await upload(store, late, 2);
    await store.fold({ maxBlocks: 10 });
    await upload(store, late, 3);
    assert.deepEqual(await values(store, { allVersions: true }), [1, 2]);
    await store.fold({ maxBlocks: 10 });
    assert.deepEqual(await values(store, { allVersions: true }), [1, 2]);
    assert.deepEqual(await values(store), [2]);
  });

  test('asOf shows what was known then, and is refused while it is not settled', async () => {
    const store = await open();
    const first = edgeWith(2);
    await register(store, first);
    await place(store, METER, first);
    await upload(store, first, 2);
    const known = (await store.readings({ channel: CHANNEL, ...ALL })).map((reading) => reading.knownAtMs);
    const asOfMs = Math.max(...known);
    await later(store, asOfMs, advance);
    const second = edgeWith(2, 'e1', '00000000000000e2', (slot) => 3000 + slot);
    await upload(store, second, 2);
    for (const step of ['unfolded', 'folded']) {
      assert.deepEqual(await values(store, { asOfMs }), [1001, 1002], step);
      assert.deepEqual(await values(store), [3001, 3002], step);
      assert.deepEqual(await values(store, { asOfMs: asOfMs - 1_000_000 }), [], step);
      await store.fold({ maxBlocks: 100 });
    }
    await assert.rejects(values(store, { asOfMs: Date.now() + DAY }), { code: 'STORE_AS_OF_TOO_LATE' });
  });

  test('latest is latest by measured time, not by arrival', async () => {
    const store = await open();
    const edge = new JournalEdge('e1', undefined, [profileGroup(METER)]);
    await register(store, edge);
    await place(store, METER, edge);
    edge.rows(2, [row(BASE + 3 * QUARTER_MS, [3, 30])], { readAtMs: BASE + DAY });
    edge.rows(3, [row(BASE + 2 * QUARTER_MS, [2, 20])], { readAtMs: BASE + 2 * DAY });
    await upload(store, edge, 2);
    await upload(store, edge, 3);
    for (const step of ['unfolded', 'folded']) {
      const latest = await store.latest(METER);
      assert.deepEqual(
        latest.map((one) => [one.obis, one.value]),
        [
          [IMPORT, 3],
          [EXPORT, 30],
        ],
        step,
      );
      const meter = await store.meter(METER);
      assert.deepEqual([meter?.lastReadingAtMs, meter?.lastHeardAtMs], [BASE + 3 * QUARTER_MS, BASE + 2 * DAY], step);
      const channels = await store.channels(METER);
      assert.deepEqual(
        channels.map((one) => [one.obis, one.unit, one.firstAtMs - BASE, one.lastAtMs - BASE]),
        [
          [IMPORT, 'Wh', 2 * QUARTER_MS, 3 * QUARTER_MS],
          [EXPORT, 'Wh', 2 * QUARTER_MS, 3 * QUARTER_MS],
        ],
        step,
      );
      await store.fold({ maxBlocks: 10 });
    }
  });

  test('numbers beyond 2^53, marks, nulls and odd times come back as they were', async () => {
    const store = await open();
    const edge = new JournalEdge('e1', undefined, [profileGroup(METER)]);
    await register(store, edge);
    await place(store, METER, edge);
    const big = 2n ** 63n + 1n;
    const status = Uint8Array.of(0x80, 0, 0xff);
    const odd = { ...row(BASE + 1, [big, null]), status, quality: 'power-down', deviationMin: -120 } as const;
    edge.rows(4, [odd, row(BASE + 2, [-5, 6])], { readAtMs: BASE });
    await upload(store, edge, 4);
    for (const step of ['unfolded', 'folded']) {
      const [first, second] = await store.readings({ channel: CHANNEL, ...ALL });
      assert.deepEqual(
        [first?.value, first?.status, first?.quality, first?.deviationMin],
        [big, status, 'power-down', -120],
        step,
      );
      assert.deepEqual(
        [second?.value, second?.status, second?.quality, second?.deviationMin],
        [-5, new Uint8Array(0), 'good', null],
        step,
      );
      assert.deepEqual(await values(store, { channel: { ...CHANNEL, obis: EXPORT } }), [6], step);
      await store.fold({ maxBlocks: 10 });
    }
  });

  test('a block that cannot be decoded is reported, what depends on it waits, the next keyframe goes on', async () => {
    const store = await open();
    const edge = edgeWith(20);
    await register(store, edge);
    await place(store, METER, edge);
    const start = await cursorOf(store, edge, 2);
    await store.append(start, asAppends(edge.blocks(2).slice(0, 3)));
    const poison = edge.blocks(2)[3];
    assert.ok(poison);
    assert.equal(await store.quarantine(await cursorOf(store, edge, 2), poison, 'BLOCK_MALFORMED'), true);
    await upload(store, edge, 2);
    assert.deepEqual(await values(store), [...slots(1, 3), ...slots(9, 20)]);
    await store.fold({ maxBlocks: 1000 });
    assert.deepEqual(await values(store), [...slots(1, 3), ...slots(9, 20)]);
    const { items } = await store.events({ fromMs: BASE, toMs: BASE + DAY, limit: 100 });
    assert.deepEqual(
      items.map((event) => [event.name, event.code]),
      [8, 7, 6, 5, 4].map((sequence) => ['block-quarantined', sequence]),
    );
  });

  test('a keyframe that does not continue its chain raises an alarm', async () => {
    const store = await open();
    const edge = edgeWith(8);
    const twin = edgeWith(8, 'e1', '00000000000000e1', (slot) => 5000 + 3 * slot);
    twin.rows(2, [row(BASE + 9 * QUARTER_MS, [9000, 0])], { readAtMs: BASE + DAY, keyframe: true });
    await register(store, edge);
    await place(store, METER, edge);
    await upload(store, edge, 2);
    const cursor = await cursorOf(store, edge, 2);
    // The chain of hashes is ingest's to check; here the keyframe's own sum must tell.
    assert.equal(await store.append(cursor, asAppends(twin.blocks(2).slice(8))), true);
    await store.fold({ maxBlocks: 100 });
    const { items } = await store.events({ fromMs: BASE, toMs: BASE + DAY, limit: 100 });
    assert.deepEqual(
      items.map((event) => [event.name, event.severity]),
      [['chain-astray', 'alarm']],
    );
  });

  test('pruning forgets folded blocks below the last keyframe and no reading', async () => {
    const store = await open();
    const edge = edgeWith(20);
    await register(store, edge);
    await place(store, METER, edge);
    await upload(store, edge, 2);
    await store.fold({ maxBlocks: 1000 });
    await store.prune(Date.now() + DAY);
    assert.deepEqual(
      await store.storedHash(edge.edgeId, edge.epoch, 2, 17),
      edge.blocks(2)[16]?.hash,
      'the last group stays',
    );
    for (let slot = 21; slot <= 30; slot++) {
      const atMs = BASE + slot * QUARTER_MS;
      edge.rows(2, [row(atMs, [1000 + slot, 0])], { readAtMs: atMs });
    }
    await upload(store, edge, 2);
    assert.deepEqual(await values(store), slots(1, 30));
  });

  test('a replay into a store that has lost its cursor changes no reading', async () => {
    const store = await open();
    const edge = edgeWith(10);
    await register(store, edge);
    await place(store, METER, edge);
    await upload(store, edge, 2);
    await store.fold({ maxBlocks: 1000 });
    const before = await store.readings({ channel: CHANNEL, ...ALL, allVersions: true });
    const again = edgeWith(10, 'e1', '00000000000000e9');
    await upload(store, again, 2);
    await store.fold({ maxBlocks: 1000 });
    const after = await store.readings({ channel: CHANNEL, ...ALL, allVersions: true });
    assert.deepEqual(
      after.map((one) => [one.value, one.versions]),
      before.map((one) => [one.value, one.versions]),
    );
  });
}

/** Waits until the store's clock has passed `atMs`: known-at counts whole milliseconds. */
async function later(store: CollectorStore, atMs: number, advance: (byMs: number) => void): Promise<void> {
  for (;;) {
    advance(5);
    try {
      await store.readings({ channel: CHANNEL, ...ALL, asOfMs: atMs + 1 });
      return;
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'STORE_AS_OF_TOO_LATE');
    }
  }
}

function placements(open: Open): void {
  test('readings of a meter that is not placed there are named, and appear when it is placed', async () => {
    const store = await open();
    const edge = edgeWith(8);
    await register(store, edge);
    await upload(store, edge, 2);
    const [strange] = await store.quarantined();
    assert.deepEqual([strange?.edgeId, strange?.meterId, strange?.rows], [edge.edgeId, METER, 16]);
    assert.deepEqual(await values(store), []);
    await place(store, METER, edge, BASE + 4 * QUARTER_MS);
    assert.deepEqual(await values(store), slots(5, 8));
    assert.deepEqual(
      (await store.quarantined()).map((one) => one.rows),
      [8],
    );
    await store.placeMeter(METER, edge.edgeId, BASE);
    assert.deepEqual(await values(store), slots(1, 8));
    assert.deepEqual(await store.quarantined(), []);
  });

  test('a meter that moves to another edge has the readings of each edge for its time', async () => {
    const store = await open();
    const one = edgeWith(8);
    const two = edgeWith(8, 'e2', '00000000000000e2', (slot) => 2000 + slot);
    await register(store, one);
    await register(store, two);
    await place(store, METER, one, BASE);
    await upload(store, one, 2);
    await upload(store, two, 2);
    await store.fold({ maxBlocks: 100 });
    assert.deepEqual(await values(store), slots(1, 8));
    await store.placeMeter(METER, two.edgeId, BASE + 3 * QUARTER_MS);
    assert.deepEqual(await values(store), [1001, 1002, 1003, 2004, 2005, 2006, 2007, 2008]);
    await store.endPlacement(METER, BASE + 6 * QUARTER_MS);
    assert.deepEqual(await values(store), [1001, 1002, 1003, 2004, 2005, 2006]);
    assert.equal((await store.channels(METER))[0]?.lastAtMs, BASE + 6 * QUARTER_MS);
    assert.equal((await store.latest(METER))[0]?.value, 2006);
    const meter = await store.meter(METER);
    assert.deepEqual(
      [meter?.edgeId, meter?.placedFromMs, meter?.placedToMs],
      ['e2', BASE + 3 * QUARTER_MS, BASE + 6 * QUARTER_MS],
    );
  });

  test('a placement needs a registered meter and a registered edge', async () => {
    const store = await open();
    const edge = edgeWith(0);
    await register(store, edge);
    await assert.rejects(store.placeMeter(METER, edge.edgeId, 0), { code: 'STORE_UNKNOWN_METER' });
    await store.saveMeter({ meterId: METER, tenantId: DEFAULT_TENANT });
    await assert.rejects(store.placeMeter(METER, 'nowhere' as EdgeId, 0), { code: 'STORE_UNKNOWN_EDGE' });
  });
}

function findings(open: Open): void {
  test('PROV-4 findings are kept by address, the newest in the place of the one before, and listed by line', async () => {
    const store = await open();
    const finding = (findingId: string, edgeId: string, address: number): Finding => ({
      findingId,
      tenantId: DEFAULT_TENANT,
      edgeId: edgeId as EdgeId,
      line: 'bus1',
      found: { address, state: 'found', serial: `${address}`, sentence: 'Answers.' },
      foundAtMs: BASE,
      state: 'waiting',
      sentence: 'No list names it.',
    });
    const [one, two, three] = [finding('0a', 'e1', 200), finding('0b', 'e1', 17), finding('0c', 'e2', 17)];
    await store.saveFindings([one, two, three]);
    const decided: Finding = { ...one, state: 'commissioned', meterId: METER, foundAtMs: BASE + 1 };
    await store.saveFindings([decided]);
    assert.deepEqual(await store.finding('0a'), decided);
    assert.equal(await store.finding('0d'), undefined);
    assert.deepEqual(await store.findings({ limit: 10 }), [two, decided, three]);
    assert.deepEqual(await store.findings({ state: 'waiting', limit: 1 }), [two]);
    assert.deepEqual(await store.findings({ edgeId: 'e2' as EdgeId, limit: 10 }), [three]);
    const node = { name: 'ZIV1', eui48: '020000000001' };
    const { address: _address, ...answer } = one.found;
    const joined: Finding = { ...one, findingId: '0e', meterId: METER, found: { ...answer, node } };
    await store.saveFindings([joined]);
    assert.deepEqual(await store.findings({ eui48: node.eui48, limit: 10 }), [joined]);
    assert.deepEqual(await store.findings({ meterId: METER, limit: 10 }), [decided, joined]);
  });

  test('PROV-4 a meter that a concentrator told of comes with its block, and stays until it was decided about', async () => {
    const store = await open();
    const edge = edgeWith(0);
    await register(store, edge);
    const tell = async (...told: ReturnType<typeof found>[]) => {
      const list = told.map((each) => ({ kind: 'found', found: each }) as const);
      edge.records(0, list);
      await upload(store, edge, 0, list);
    };
    const found = (eui48: string, atMs: number) => ({
      line: 'plc1',
      node: { name: `n${eui48.slice(-1)}`, eui48 },
      state: 'found' as const,
      serial: '4711',
      sentence: 'Answers: 4711.',
      atMs,
    });
    const [a, b, later] = [
      found('0A0000000001', BASE),
      found('0A0000000002', BASE + 1),
      found('0A0000000001', BASE + 2),
    ];
    const told = (each: typeof a) => ({ tenantId: DEFAULT_TENANT, edgeId: edge.edgeId, found: each });
    await tell(a, b);
    assert.deepEqual(await store.toldMeters(10), [told(a), told(b)]);
    assert.deepEqual(await store.toldMeters(1), [told(a)]);
    await tell(later);
    await store.forgetTold([told(a), told(b)]);
    assert.deepEqual(await store.toldMeters(10), [told(later)], 'what was told since then waits');
  });
}

function records(open: Open): void {
  const event = (code: number, atMs: number, meterId: MeterId | null = METER) =>
    ({
      meterId,
      log: '0-0:99.98.0*255',
      code,
      name: `code-${code}`,
      sentence: 'Something.',
      atMs,
      severity: 'warning',
    }) as const;

  test('events are stored once, listed newest first, by meter and in pages', async () => {
    const store = await open();
    const edge = edgeWith(0);
    await register(store, edge);
    await place(store, METER, edge);
    const changes: StoreChange[] = [];
    store.onChange((change) => changes.push(change));
    const all = [1, 2, 3, 4, 5].map((code) => ({ kind: 'event', event: event(code, BASE + code) }) as const);
    const mine = { kind: 'event', event: event(9, BASE + 9, null) } as const;
    edge.records(0, [...all, mine]);
    await upload(store, edge, 0, [...all, mine, all[0] ?? mine]);
    assert.equal(changes.filter((change) => change.kind === 'event').length, 6);
    const range = { fromMs: BASE, toMs: BASE + 10 };
    const everything = await store.events({ ...range, limit: 10 });
    assert.deepEqual(
      everything.items.map((one) => one.code),
      [9, 5, 4, 3, 2, 1],
    );
    const first = await store.events({ ...range, meterId: METER, limit: 2 });
    assert.deepEqual(
      first.items.map((one) => one.code),
      [5, 4],
    );
    const second = await store.events({
      ...range,
      meterId: METER,
      limit: 3,
      ...(first.cursor === undefined ? {} : { cursor: first.cursor }),
    });
    assert.deepEqual(
      second.items.map((one) => one.code),
      [3, 2, 1],
    );
    assert.equal(second.cursor, undefined);
    await assert.rejects(store.events({ ...range, limit: 2, cursor: 'zz' }), { code: 'STORE_CURSOR' });
  });

  test('an edge cannot speak for a meter that is not its own', async () => {
    const store = await open();
    const owner = edgeWith(0);
    const other = edgeWith(0, 'e2');
    await register(store, owner);
    await register(store, other);
    await place(store, METER, owner);
    const attribute = { meterId: METER, obis: '0-0:96.1.0*255', name: 'serial-number', text: 'false', readAtMs: BASE };
    const state = { meterId: METER, state: 'silent', sentence: 'Says nothing.', sinceMs: BASE } as const;
    const lies = [
      { kind: 'event', event: event(1, BASE) },
      { kind: 'attribute', attribute },
      { kind: 'meter-state', state },
    ] as const;
    other.records(0, lies);
    await upload(store, other, 0, lies);
    assert.deepEqual((await store.events({ fromMs: 0, toMs: BASE + DAY, limit: 10 })).items, []);
    assert.deepEqual(await store.attributes(METER), []);
    assert.equal((await store.meter(METER))?.state, undefined);
  });

  test('attributes and meter states keep the newest, whatever comes later', async () => {
    const store = await open();
    const edge = edgeWith(0);
    await register(store, edge);
    await place(store, METER, edge);
    const attribute = (text: string, readAtMs: number) =>
      ({
        kind: 'attribute',
        attribute: { meterId: METER, obis: '0-0:96.1.0*255', name: 'serial-number', text, readAtMs },
      }) as const;
    const state = (sentence: string, sinceMs: number) =>
      ({ kind: 'meter-state', state: { meterId: METER, state: 'reachable', sentence, sinceMs } }) as const;
    const list = [
      attribute('new', BASE + 2),
      attribute('old', BASE + 1),
      state('now', BASE + 2),
      state('then', BASE + 1),
    ];
    edge.records(0, list);
    await upload(store, edge, 0, list);
    assert.deepEqual(
      (await store.attributes(METER)).map((one) => one.text),
      ['new'],
    );
    assert.equal((await store.meter(METER))?.state?.sentence, 'now');
  });
}

function gapsAndMeters(open: Open): void {
  const gapsOf = async (store: CollectorStore, toMs: number, nowMs: number) => {
    const gaps = await store.gaps({ meterId: METER, fromMs: BASE, toMs, nowMs });
    return gaps
      .filter((gap) => gap.obis === IMPORT)
      .map((gap) => [gap.cause, (gap.fromMs - BASE) / QUARTER_MS, (gap.toMs - BASE) / QUARTER_MS, gap.count]);
  };

  test('a missing interval has a cause: gone in the meter, said or inferred', async () => {
    const store = await open();
    const edge = new JournalEdge('e1', undefined, [profileGroup(METER)]);
    await register(store, edge);
    await place(store, METER, edge, BASE);
    for (const slot of [1, 2, 5, 9]) {
      const atMs = BASE + slot * QUARTER_MS;
      edge.rows(2, [row(atMs, [slot, 0])], { readAtMs: atMs });
    }
    const gap = {
      meterId: METER,
      obis: [IMPORT],
      intervalS: 900,
      fromMs: BASE + 3 * QUARTER_MS,
      toMs: BASE + 3 * QUARTER_MS,
      cause: 'overwritten-in-meter',
    };
    edge.records(0, [{ kind: 'gap', gap }]);
    await upload(store, edge, 2);
    await upload(store, edge, 0, [{ kind: 'gap', gap }]);
    for (const step of ['unfolded', 'folded']) {
      assert.deepEqual(
        await gapsOf(store, BASE + 9 * QUARTER_MS, Date.now()),
        [
          ['overwritten-in-meter', 3, 3, 1],
          ['missing-in-meter', 4, 4, 1],
          ['missing-in-meter', 6, 8, 3],
        ],
        step,
      );
      await store.fold({ maxBlocks: 100 });
    }
  });

  test('a missing interval has a cause: not due yet, or buffered at an edge that is away', async () => {
    const store = await open();
    const edge = edgeWith(4);
    await register(store, edge);
    await place(store, METER, edge, BASE);
    await upload(store, edge, 2);
    assert.deepEqual(await gapsOf(store, BASE + DAY, BASE + 6 * QUARTER_MS), [['not-due', 5, 6, 2]]);
    const [due] = await store.gaps({ meterId: METER, fromMs: BASE, toMs: BASE + DAY, nowMs: BASE + 5 * QUARTER_MS });
    assert.equal(due?.etaMs, BASE + 5 * QUARTER_MS + 4_500_000);
    // Ten days from now, and nothing was heard of the edge since today.
    const future = TODAY + 10 * DAY;
    const gaps = await store.gaps({
      meterId: METER,
      fromMs: future - QUARTER_MS * 8,
      toMs: future - QUARTER_MS * 6,
      nowMs: future,
    });
    assert.deepEqual(
      gaps.filter((gap) => gap.obis === IMPORT).map((gap) => [gap.cause, gap.count]),
      [['buffered-at-edge', 2]],
    );
  });

  test('what the edge says that it still holds is buffered there; without it the meter was not read', async () => {
    const store = await open();
    const edge = edgeWith(4);
    await register(store, edge);
    await place(store, METER, edge, BASE);
    await upload(store, edge, 2);
    const hello = { epoch: edge.epoch, software: '', lanes: [{ lane: 3, last: 5 }], atMs: BASE + DAY };
    await store.noteHello(edge.edgeId, hello);
    assert.deepEqual(await gapsOf(store, BASE + 6 * QUARTER_MS, Date.now()), [['buffered-at-edge', 5, 6, 2]]);
    await store.noteHello(edge.edgeId, { ...hello, lanes: [{ lane: 3, last: 0 }] });
    assert.deepEqual(await gapsOf(store, BASE + 6 * QUARTER_MS, Date.now()), [['readable-from-meter', 5, 6, 2]]);
  });

  test('meters are listed by id in pages, found by text and by edge', async () => {
    const store = await open();
    const edge = edgeWith(0);
    await register(store, edge);
    for (const id of ['b2', 'a1', 'c3'])
      await store.saveMeter({ meterId: id as MeterId, tenantId: DEFAULT_TENANT, name: `House ${id}` });
    await store.placeMeter('c3' as MeterId, edge.edgeId, BASE);
    const first = await store.meters({ limit: 2 });
    assert.deepEqual(
      first.items.map((meter) => meter.meterId),
      ['a1', 'b2'],
    );
    const second = await store.meters({ limit: 2, ...(first.cursor === undefined ? {} : { cursor: first.cursor }) });
    assert.deepEqual(
      second.items.map((meter) => [meter.meterId, meter.edgeId, meter.name]),
      [['c3', edge.edgeId, 'House c3']],
    );
    assert.deepEqual(
      (await store.meters({ text: 'house B', limit: 5 })).items.map((meter) => meter.meterId),
      ['b2'],
    );
    assert.deepEqual(
      (await store.meters({ edgeId: edge.edgeId, limit: 5 })).items.map((meter) => meter.meterId),
      ['c3'],
    );
  });
}

function commandsAndAccess(open: Open): void {
  const id = (number: number) => `00000000-0000-4000-8000-00000000000${number}` as CommandId;
  const command = (number: number) => ({
    id: id(number),
    tenantId: DEFAULT_TENANT,
    edgeId: 'e1' as EdgeId,
    epoch: '00000000000000e1',
    meterId: METER,
    body: { kind: 'relay', action: 'disconnect' } as const,
    author: 'ann',
    createdAtMs: BASE + number,
    expiresAtMs: BASE + DAY,
  });
  const signed = { command: Uint8Array.of(1, 2, 3), signature: new Uint8Array(64).fill(4) };
  const report = (number: number, state: CommandState, atMs: number) =>
    ({ id: id(number), meterId: METER, state, code: '', sentence: `It is ${state}.`, atMs, values: [] }) as const;

  test('a command is stored once per id and per idempotency key', async () => {
    const store = await open();
    const first = await store.create(command(1), signed, 'key');
    assert.deepEqual([first.created, first.record.state], [true, 'stored']);
    assert.deepEqual(await store.create(command(2), signed, 'key'), { record: first.record, created: false });
    assert.equal((await store.create(command(3), signed, undefined)).created, true);
    assert.equal((await store.create(command(3), signed, undefined)).created, false);
    assert.deepEqual(
      (await store.open('e1' as EdgeId)).map((one) => [one.record.id, one.command, one.signature]),
      [
        [id(1), signed.command, signed.signature],
        [id(3), signed.command, signed.signature],
      ],
    );
    assert.deepEqual(
      (await store.commands({ limit: 10 })).items.map((one) => one.id),
      [id(3), id(1)],
    );
    const page = await store.commands({ meterId: METER, limit: 1 });
    assert.deepEqual(
      (await store.commands({ limit: 1, ...(page.cursor === undefined ? {} : { cursor: page.cursor }) })).items.map(
        (one) => one.id,
      ),
      [id(1)],
    );
    assert.deepEqual((await store.commands({ state: 'done', limit: 10 })).items, []);
  });

  test('PROV-2 an image is kept once, and cut only for an edge with an open command for it', async () => {
    const store = await open();
    const octets = Uint8Array.from({ length: 1_000 }, (_, at) => at & 0xff);
    const image = {
      tenantId: DEFAULT_TENANT,
      sha256: 'ab'.repeat(32),
      sizeOctets: octets.length,
      name: 'meter 2.0',
      identifier: '465732',
      uploadedBy: 'ann',
      uploadedAtMs: BASE,
    };
    assert.equal(await store.saveImage(image, octets), true);
    assert.equal(await store.saveImage({ ...image, name: 'other' }, octets), false);
    assert.deepEqual(await store.image(image.sha256), image);
    assert.deepEqual(await store.images(), [image]);
    const part = async (edge: string, offset: number) => {
      const found = await store.imagePart(edge as EdgeId, image.sha256, offset, 400);
      return found === undefined ? undefined : Uint8Array.from(found);
    };
    assert.equal(await part('e1', 0), undefined, 'no command wants it');
    const { sha256, sizeOctets, identifier } = image;
    const body = { kind: 'firmware', sha256, sizeOctets, identifier, activateAtMs: null } as const;
    await store.create({ ...command(1), body }, signed, undefined);
    assert.deepEqual((await store.command(id(1)))?.body, body);
    assert.deepEqual(await part('e1', 0), octets.slice(0, 400));
    assert.deepEqual(await part('e1', 800), octets.slice(800));
    assert.deepEqual(await part('e1', 1_000), new Uint8Array(0));
    assert.equal(await part('e2', 0), undefined, 'another edge');
    await store.report(report(1, 'done', BASE + 5));
    assert.equal(await part('e1', 0), undefined, 'its command is over');
    assert.equal(await store.removeImage(image.sha256), true);
    assert.equal(await store.removeImage(image.sha256), false);
    assert.equal(await store.image(image.sha256), undefined);
  });

  test('a command moves forward only, and an end is an end', async () => {
    const store = await open();
    await store.create(command(1), signed, undefined);
    await store.report(report(1, 'started', BASE + 2));
    await store.report(report(1, 'accepted', BASE + 1));
    assert.equal((await store.command(id(1)))?.state, 'started');
    const raw = Uint8Array.of(0x11, 0);
    const value = { classId: 3, obis: IMPORT, attribute: 2, result: 0, value: 2n ** 60n, exponent: 0, unit: 'Wh', raw };
    const relay = { outputOn: false, controlState: 2 };
    await store.report({ ...report(1, 'done', BASE + 3), values: [value], relay });
    await store.report(report(1, 'failed', BASE + 4));
    const record = await store.command(id(1));
    assert.deepEqual([record?.state, record?.sentence], ['done', 'It is done.']);
    assert.deepEqual(
      record?.reports.map((one) => one.state),
      ['accepted', 'started', 'done', 'failed'],
    );
    assert.deepEqual([record?.reports[2]?.values, record?.reports[2]?.relay], [[value], relay]);
    assert.deepEqual(await store.open('e1' as EdgeId), []);
    assert.equal(await store.report(report(9, 'done', BASE)), undefined);
  });

  test('what an edge reports after all counts more than the uncertainty that its silence left', async () => {
    const store = await open();
    await store.create(command(1), signed, undefined);
    await store.report(report(1, 'uncertain', BASE + 1));
    await store.report(report(1, 'started', BASE + 2));
    assert.equal((await store.command(id(1)))?.state, 'uncertain');
    await store.report(report(1, 'done', BASE + 3));
    await store.report(report(1, 'uncertain', BASE + 4));
    assert.equal((await store.command(id(1)))?.state, 'done');
  });

  test('a result counts only from the edge that was asked', async () => {
    const store = await open();
    const edge = edgeWith(0);
    const other = edgeWith(0, 'e2');
    await register(store, edge);
    await register(store, other);
    await store.create(command(1), signed, undefined);
    const done = [{ kind: 'command', report: report(1, 'done', BASE) }] as const;
    other.records(1, done);
    await upload(store, other, 1, done);
    assert.equal((await store.command(id(1)))?.state, 'stored');
    edge.records(1, done);
    const changes: StoreChange[] = [];
    store.onChange((change) => changes.push(change));
    await upload(store, edge, 1, done);
    assert.equal((await store.command(id(1)))?.state, 'done');
    assert.deepEqual(
      changes.map((change) => change.kind),
      ['blocks', 'command'],
    );
  });

  test('a set-up code works once and in time; tokens are found by hash and revoked', async () => {
    const store = await open();
    const hash = crypto.sha256(Uint8Array.of(1));
    await store.saveSetupCode(hash, BASE);
    assert.equal(await store.useSetupCode(hash, BASE), false);
    assert.equal(await store.useSetupCode(hash, BASE - 1), true);
    assert.equal(await store.useSetupCode(hash, BASE - 1), false);
    assert.equal(await store.hasUsers(), false);
    const token = {
      id: 't1',
      tenantId: DEFAULT_TENANT,
      hash,
      name: 'desk',
      role: 'operator',
      createdAtMs: BASE,
      revoked: false,
    } as const;
    await store.saveToken(token);
    assert.deepEqual(await store.token(hash), token);
    assert.equal(await store.hasUsers(), true);
    await store.revokeToken('t1');
    assert.equal((await store.token(hash))?.revoked, true);
    assert.deepEqual(
      (await store.tokens()).map((one) => one.id),
      ['t1'],
    );
    await store.audit({ atMs: BASE, actor: 'ann', action: 'token.revoke', subject: 't1', detail: '' });
  });
}

function restart(open: Open, reopen: () => StoreUnderTest['reopen']): void {
  test('what was committed is there after a restart, folded or not', async () => {
    const again = reopen();
    assert.ok(again);
    const first = await open();
    const edge = edgeWith(20);
    await register(first, edge);
    await place(first, METER, edge);
    await first.append(await cursorOf(first, edge, 2), asAppends(edge.blocks(2).slice(0, 9)));
    await first.fold({ maxBlocks: 5 });
    await first.append(await cursorOf(first, edge, 2), asAppends(edge.blocks(2).slice(9, 15)));
    const second = await again(first);
    try {
      assert.deepEqual(second.term, first.term);
      assert.deepEqual(await values(second), slots(1, 15));
      await second.fold({ maxBlocks: 1000 });
      assert.deepEqual(await values(second), slots(1, 15));
      assert.deepEqual(await values(first), slots(1, 15), 'the handle whose tail is older sees the same');
    } finally {
      await second.close();
    }
  });
}
