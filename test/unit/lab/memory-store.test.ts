import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StoreWrite } from '../../../src/base/env.ts';
import { MemoryStore } from '../../../src/lab/memory-store.ts';

const put = (key: number, value: number): StoreWrite => ({
  kind: 'put',
  key: Uint8Array.of(key),
  value: Uint8Array.of(value),
});

async function content(store: MemoryStore): Promise<string> {
  const found: string[] = [];
  for await (const [[key], [value]] of store.scan({})) found.push(`${key}=${value}`);
  return found.join(' ');
}

test('a scan gives keys in order, within bounds, as they were when it began', async () => {
  const store = new MemoryStore();
  await store.batch([put(200, 1), put(3, 2), put(100, 3)], { sync: true });
  assert.equal(await content(store), '3=2 100=3 200=1');
  const seen: number[] = [];
  for await (const [[key]] of store.scan({ reverse: true })) {
    seen.push(key ?? -1);
    await store.batch([{ kind: 'delete', key: Uint8Array.of(3) }, put(4, 4)], { sync: false });
  }
  assert.deepEqual(seen, [200, 100, 3]);
  const bounded: number[] = [];
  for await (const [[key]] of store.scan({ from: Uint8Array.of(4), below: Uint8Array.of(200), limit: 9 }))
    bounded.push(key ?? -1);
  assert.deepEqual(bounded, [4, 100]);
});

test('a crash takes unsynced batches back, newest first, and a sync saves all before it', async () => {
  const store = new MemoryStore();
  await store.batch([put(1, 1)], { sync: false });
  await store.batch([put(2, 1)], { sync: true });
  await store.batch([put(1, 2), put(3, 1)], { sync: false });
  await store.batch([put(1, 3), { kind: 'delete', key: Uint8Array.of(2) }], { sync: false });
  store.crash(1);
  await assert.rejects(store.get(Uint8Array.of(1)));
  const after = store.reopen();
  assert.equal(await content(after), '1=2 2=1 3=1');
  await after.batch([put(9, 9)], { sync: false });
  after.crash();
  assert.equal(await content(after.reopen()), '1=2 2=1 3=1');
});

test('a batch can be made to fail before or after it took effect', async () => {
  const store = new MemoryStore();
  store.failNextBatch('nothing-written');
  await assert.rejects(store.batch([put(1, 1)], { sync: true }));
  assert.equal(await content(store), '');
  store.failNextBatch('all-written');
  await assert.rejects(store.batch([put(1, 1)], { sync: true }));
  assert.equal(await content(store), '1=1');
});
