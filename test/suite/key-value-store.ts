/** The contract of `KeyValueStore`, for every implementation: `keyValueStoreSuite('LevelDB', openPlace)`. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { concat, fromHex, toHex } from '../../src/base/bytes.ts';
import type { KeyValueStore, StoreRange, StoreWrite } from '../../src/base/env.ts';

/** A fresh, empty place for one store. */
export interface StorePlace {
  /** Opens the store of this place; called again after `close`, what was synced must be there. */
  open(): Promise<KeyValueStore>;
  dispose(): Promise<void>;
}

const SYNC = { sync: true };
const NO_SYNC = { sync: false };

const text = (words: string): Uint8Array => new TextEncoder().encode(words);
const put = (key: Uint8Array, value: Uint8Array): StoreWrite => ({ kind: 'put', key, value });
const remove = (key: Uint8Array): StoreWrite => ({ kind: 'delete', key });

async function keysOf(store: KeyValueStore, range: StoreRange = {}): Promise<string[]> {
  const keys: string[] = [];
  for await (const [key] of store.scan(range)) keys.push(toHex(key));
  return keys;
}

async function entriesOf(store: KeyValueStore, range: StoreRange = {}): Promise<[string, string][]> {
  const entries: [string, string][] = [];
  for await (const [key, value] of store.scan(range)) entries.push([toHex(key), toHex(value)]);
  return entries;
}

/** Declares the contract's tests under `name`. */
export function keyValueStoreSuite(name: string, openPlace: () => Promise<StorePlace>): void {
  /** Runs `body` on a fresh store and cleans up whatever happens. */
  async function onStore(body: (store: KeyValueStore, place: StorePlace) => Promise<void>): Promise<void> {
    const place = await openPlace();
    try {
      const store = await place.open();
      await body(store, place);
      await store.close();
    } finally {
      await place.dispose();
    }
  }

  describe(`key-value store: ${name}`, () => {
    test('a key that was never put is undefined', () =>
      onStore(async (store) => {
        assert.equal(await store.get(text('nothing')), undefined);
        assert.deepEqual(await keysOf(store), []);
      }));

    test('a batch puts and deletes, and the later write of a key wins', () =>
      onStore(async (store) => {
        await store.batch([put(text('a'), text('1')), put(text('b'), text('2'))], SYNC);
        await store.batch([remove(text('a')), put(text('b'), text('3')), put(text('b'), text('4'))], NO_SYNC);
        await store.batch([put(text('c'), text('5')), remove(text('c'))], NO_SYNC);
        assert.equal(await store.get(text('a')), undefined);
        assert.deepEqual(await store.get(text('b')), text('4'));
        assert.equal(await store.get(text('c')), undefined);
      }));

    test('deleting what is not there and an empty batch do nothing', () =>
      onStore(async (store) => {
        await store.batch([remove(text('ghost'))], SYNC);
        await store.batch([], SYNC);
        assert.deepEqual(await keysOf(store), []);
      }));

    test('values of no octets and of a megabyte come back whole', () =>
      onStore(async (store) => {
        const large = new Uint8Array(1 << 20).map((_, index) => index % 251);
        await store.batch([put(text('empty'), new Uint8Array(0)), put(text('large'), large)], SYNC);
        assert.deepEqual(await store.get(text('empty')), new Uint8Array(0));
        assert.deepEqual(await store.get(text('large')), large);
      }));

    test('values are plain octet arrays', () =>
      onStore(async (store) => {
        await store.batch([put(text('k'), text('v'))], SYNC);
        assert.equal(Object.getPrototypeOf(await store.get(text('k'))), Uint8Array.prototype);
        for await (const [key, value] of store.scan({})) {
          assert.equal(Object.getPrototypeOf(key), Uint8Array.prototype);
          assert.equal(Object.getPrototypeOf(value), Uint8Array.prototype);
        }
      }));

    test('the caller may use its buffers again after the batch', () =>
      onStore(async (store) => {
        const key = text('key');
        const value = text('value');
        await store.batch([put(key, value)], SYNC);
        key.fill(0);
        value.fill(0);
        assert.deepEqual(await store.get(text('key')), text('value'));
      }));

    test('what a get returned is the caller’s: changing it changes nothing', () =>
      onStore(async (store) => {
        await store.batch([put(text('k'), text('v'))], SYNC);
        (await store.get(text('k')))?.fill(0);
        assert.deepEqual(await store.get(text('k')), text('v'));
      }));

    test('keys are ordered octet by octet, a prefix before what it begins', () =>
      onStore(async (store) => {
        const keys = ['00', '0000', '0001', '01', '7f', '80', 'ff', 'ff00', 'ffff'];
        const shuffled = ['ff', '0001', '80', '00', 'ffff', '01', '7f', '0000', 'ff00'];
        await store.batch(
          shuffled.map((hex) => put(fromHex(hex), text(hex))),
          SYNC,
        );
        assert.deepEqual(await keysOf(store), keys);
        assert.deepEqual(await keysOf(store, { reverse: true }), [...keys].reverse());
      }));

    test('a scan holds from (inclusive), below (exclusive), limit and direction', () =>
      onStore(async (store) => {
        const keys = ['10', '20', '30', '40', '50'];
        await store.batch(
          keys.map((hex) => put(fromHex(hex), fromHex(hex))),
          SYNC,
        );
        assert.deepEqual(await keysOf(store, { from: fromHex('20'), below: fromHex('40') }), ['20', '30']);
        assert.deepEqual(await keysOf(store, { from: fromHex('21') }), ['30', '40', '50']);
        assert.deepEqual(await keysOf(store, { below: fromHex('20') }), ['10']);
        assert.deepEqual(await keysOf(store, { limit: 2 }), ['10', '20']);
        assert.deepEqual(await keysOf(store, { limit: 2, reverse: true }), ['50', '40']);
        assert.deepEqual(await keysOf(store, { from: fromHex('20'), below: fromHex('50'), reverse: true, limit: 1 }), [
          '40',
        ]);
        assert.deepEqual(await keysOf(store, { from: fromHex('60') }), []);
        assert.deepEqual(await keysOf(store, { limit: 0 }), []);
      }));

    test('a scan sees the store as it was when it began', () =>
      onStore(async (store) => {
        await store.batch([put(fromHex('01'), text('old')), put(fromHex('02'), text('old'))], SYNC);
        const seen: string[] = [];
        for await (const [key, value] of store.scan({})) {
          if (seen.length === 0) {
            await store.batch(
              [remove(fromHex('02')), put(fromHex('03'), text('new')), put(fromHex('01'), text('new'))],
              SYNC,
            );
          }
          seen.push(`${toHex(key)} ${new TextDecoder().decode(value)}`);
        }
        assert.deepEqual(seen, ['01 old', '02 old']);
        assert.deepEqual(await keysOf(store), ['01', '03']);
      }));

    test('a scan may be left early, and the store closed after it', () =>
      onStore(async (store) => {
        await store.batch([put(fromHex('01'), text('a')), put(fromHex('02'), text('b'))], SYNC);
        for await (const [key] of store.scan({})) {
          assert.equal(toHex(key), '01');
          break;
        }
      }));

    test('what was synced is there after closing and opening again', () =>
      onStore(async (store, place) => {
        await store.batch([put(text('k'), text('v')), put(text('gone'), text('x'))], SYNC);
        await store.batch([remove(text('gone'))], SYNC);
        await store.close();
        const again = await place.open();
        assert.deepEqual(await entriesOf(again), [[toHex(text('k')), toHex(text('v'))]]);
        await again.close();
      }));

    test('compacting changes no entry', () =>
      onStore(async (store) => {
        const writes = Array.from({ length: 200 }, (_, index) =>
          put(concat([text('k'), Uint8Array.of(index)]), text('v')),
        );
        await store.batch(writes, SYNC);
        await store.batch(
          writes.slice(0, 150).map((write) => remove(write.key)),
          SYNC,
        );
        const before = await entriesOf(store);
        await store.compact();
        assert.deepEqual(await entriesOf(store), before);
        assert.equal(before.length, 50);
      }));

    test('after close every use rejects', () =>
      onStore(async (store) => {
        await store.close();
        await assert.rejects(store.get(text('k')));
        await assert.rejects(store.batch([put(text('k'), text('v'))], SYNC));
        await assert.rejects(keysOf(store));
      }));

    test('batches that are under way at once all hold', () =>
      onStore(async (store) => {
        const keys = Array.from({ length: 50 }, (_, index) => Uint8Array.of(index));
        await Promise.all(keys.map((key) => store.batch([put(key, key)], SYNC)));
        assert.equal((await keysOf(store)).length, 50);
      }));

    test('any sequence of batches equals a sorted map', async () => {
      const key = fc.uint8Array({ minLength: 1, maxLength: 3 }).map((octets) => octets.map((octet) => octet % 4));
      const write = fc.oneof(
        fc.record({ kind: fc.constant('put' as const), key, value: fc.uint8Array({ maxLength: 4 }) }),
        fc.record({ kind: fc.constant('delete' as const), key }),
      );
      const range = fc.record(
        { from: key, below: key, reverse: fc.boolean(), limit: fc.integer({ min: 0, max: 5 }) },
        { requiredKeys: [] },
      );
      const property = fc.asyncProperty(
        fc.array(fc.array(write, { maxLength: 6 }), { maxLength: 6 }),
        range,
        async (batches, bounds) => {
          await onStore(async (store) => {
            const model = new Map<string, string>();
            for (const writes of batches) {
              await store.batch(writes, NO_SYNC);
              for (const one of writes) {
                if (one.kind === 'put') model.set(toHex(one.key), toHex(one.value));
                else model.delete(toHex(one.key));
              }
            }
            assert.deepEqual(await entriesOf(store, bounds), expected(model, bounds));
          });
        },
      );
      await fc.assert(property, { numRuns: 25 });
    });
  });
}

/** Hex of equal case orders as octets do, so the model needs no comparison of its own. */
function expected(model: ReadonlyMap<string, string>, range: StoreRange): [string, string][] {
  const sorted = [...model].sort(([a], [b]) => (a < b ? -1 : 1));
  const from = range.from === undefined ? '' : toHex(range.from);
  const below = range.below === undefined ? undefined : toHex(range.below);
  const inside = sorted.filter(([key]) => key >= from && (below === undefined || key < below));
  if (range.reverse === true) inside.reverse();
  return inside.slice(0, range.limit ?? inside.length);
}
