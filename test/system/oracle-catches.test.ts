/**
 * The check is checked: a faulty implementation of a port, here and not in src, must be caught by the oracle as what it is.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KeyValueStore } from '../../src/base/env.ts';
import type { CollectorStore, StoredReading } from '../../src/collector/ports.ts';
import { MemoryStore } from '../../src/lab/memory-store.ts';
import { isClean } from '../../src/lab/oracle.ts';
import { LogRig, QUARTER_MS } from '../support/log-rig.ts';

/** The store with one method replaced. */
function withFault<Name extends keyof CollectorStore>(
  name: Name,
  fault: (original: CollectorStore[Name]) => CollectorStore[Name],
): (store: CollectorStore) => CollectorStore {
  return (store) =>
    new Proxy(store, {
      get: (target, property) => {
        const value: unknown = Reflect.get(target, property, target);
        const bound: unknown = typeof value === 'function' ? value.bind(target) : value;
        return property === name ? fault(bound as CollectorStore[Name]) : bound;
      },
    });
}

async function verdictWith(wrap: (store: CollectorStore) => CollectorStore) {
  const rig = new LogRig(11, 2, wrap);
  await rig.start();
  for (let quarter = 0; quarter < 12; quarter++) {
    rig.round();
    await rig.world.clock.advance(QUARTER_MS);
  }
  const verdict = await rig.verdict();
  await rig.stop();
  return verdict;
}

test('without a fault the same run is clean', async () => {
  assert.equal(isClean(await verdictWith((store) => store)), true);
});

test('an acknowledgement without storing is seen as lost', async () => {
  let appends = 0;
  const forgetful = withFault('append', (append) => async (expected, blocks) => {
    // Moves the cursor as a commit would, and forgets the block of every third one: an ack before the commit, then a crash.
    const last = blocks.at(-1);
    if (last === undefined || expected.lane !== 2 || ++appends % 3 !== 0) return append(expected, blocks);
    return append(expected, [{ ...last, octets: new Uint8Array(last.octets.length) }]);
  });
  const verdict = await verdictWith(forgetful);
  assert.ok(verdict.lost > 0, JSON.stringify(verdict));
  assert.deepEqual([verdict.duplicated, verdict.altered, verdict.invented], [0, 0, 0]);
});

const onReadings = (change: (rows: readonly StoredReading[]) => StoredReading[]) =>
  withFault('readings', (readings) => async (query) => change(await readings(query)));

test('a store that keeps a replay as a second row is seen as duplicated', async () => {
  const verdict = await verdictWith(onReadings((rows) => rows.flatMap((row, at) => (at === 3 ? [row, row] : [row]))));
  assert.equal(verdict.duplicated, 4, 'one in each of two meters by two channels');
  assert.deepEqual([verdict.lost, verdict.altered, verdict.invented], [0, 0, 0]);
});

test('a store that rounds is seen as altered', async () => {
  const verdict = await verdictWith(
    onReadings((rows) => rows.map((row) => ({ ...row, value: Math.floor(Number(row.value) / 100) * 100 }))),
  );
  assert.ok(verdict.altered > 0);
  assert.deepEqual([verdict.lost, verdict.duplicated, verdict.invented], [0, 0, 0]);
});

test('a store that estimates without being asked is seen as invented', async () => {
  const verdict = await verdictWith(
    onReadings((rows) =>
      rows.flatMap((row, at) => (at === 0 ? [{ ...row, atMs: row.atMs - QUARTER_MS }, row] : [row])),
    ),
  );
  assert.equal(verdict.invented, 4);
  assert.deepEqual([verdict.lost, verdict.duplicated, verdict.altered], [0, 0, 0]);
});

test('a fold that forgets a version is seen as lost', async () => {
  let folds = 0;
  const verdict = await verdictWith((store) => {
    const counted = withFault('fold', (fold) => (options) => {
      folds++;
      return fold(options);
    })(store);
    // What was folded is read from day blocks, and one row fell out on the way there.
    return onReadings((rows) => (folds === 0 ? [...rows] : rows.filter((_, at) => at !== 2)))(counted);
  });
  assert.ok(folds > 0);
  assert.equal(verdict.lost, 4, 'one in each of two meters by two channels');
  assert.deepEqual([verdict.duplicated, verdict.altered, verdict.invented], [0, 0, 0]);
});

/** Three hours, then the machine of the edge loses its power after everything was stored, then three hours more. */
async function verdictOfEdge(wrap: (store: KeyValueStore) => KeyValueStore, after = wrap) {
  const rig = new LogRig(12, 2);
  await rig.start();
  const hours = async () => {
    for (let quarter = 0; quarter < 12; quarter++) {
      rig.round();
      await rig.world.clock.advance(QUARTER_MS);
    }
    await rig.stage.flush();
  };
  const restart = async (store: typeof wrap) => {
    rig.edge.kill();
    rig.edge = rig.world.program('edge', rig.edge.disk);
    await rig.startEdge(store);
  };
  await restart(wrap);
  await hours();
  rig.edge.disk.crash();
  await restart(after);
  await hours();
  const verdict = await rig.verdict();
  await rig.stop();
  return verdict;
}

const changed = (store: KeyValueStore, batch: KeyValueStore['batch']): KeyValueStore => ({
  get: (key) => store.get(key),
  scan: (range) => store.scan(range),
  compact: () => store.compact(),
  close: () => store.close(),
  batch,
});

test('an edge whose machine loses its power is clean', async () => {
  assert.equal(isClean(await verdictOfEdge((store) => store)), true);
});

test('an edge that does not sync is seen as lost', async () => {
  const verdict = await verdictOfEdge((store) => changed(store, (writes) => store.batch(writes, { sync: false })));
  assert.ok(verdict.lost > 0, JSON.stringify(verdict));
  assert.deepEqual([verdict.altered, verdict.invented], [0, 0]);
});

test('a batch that a store takes and forgets is seen as lost', async () => {
  let synced = 0;
  const verdict = await verdictOfEdge((store) =>
    changed(store, async (writes, options) => {
      if (options.sync && ++synced === 7) return;
      await store.batch(writes, options);
    }),
  );
  assert.ok(verdict.lost > 0, JSON.stringify(verdict));
  assert.deepEqual([verdict.altered, verdict.invented], [0, 0]);
});

test('a store that goes back, so that sequences come again with other rows, is seen as lost', async () => {
  let [batches, old] = [0, new MemoryStore()];
  const kept = (store: KeyValueStore) =>
    changed(store, async (writes, options) => {
      await store.batch(writes, options);
      if (++batches === 6 && store instanceof MemoryStore) old = store.copy();
    });
  const verdict = await verdictOfEdge(kept, () => old);
  assert.ok(verdict.lost > 0, JSON.stringify(verdict));
  assert.deepEqual([verdict.altered, verdict.invented], [0, 0]);
});
