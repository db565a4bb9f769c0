/** Journals of older versions, as stored in test/vectors. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fromHex } from '../../src/base/bytes.ts';
import { MemoryStore } from '../../src/lab/memory-store.ts';
import type { MeterId } from '../../src/model/ids.ts';
import { entryOf, HandClock, journalOn, logRecord, replay, START_MS } from './journal.ts';

interface Fixture {
  readonly entries: readonly { readonly key: string; readonly value: string }[];
}

function storeOf(name: string): MemoryStore {
  const text = readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), 'utf8');
  const store = new MemoryStore();
  const { entries } = JSON.parse(text) as Fixture;
  void store.batch(
    entries.map(({ key, value }) => ({ kind: 'put', key: fromHex(key), value: fromHex(value) })),
    { sync: true },
  );
  return store;
}

async function check(store: MemoryStore): Promise<void> {
  const journal = await journalOn(store, new HandClock());
  assert.equal(journal.epoch, 'd317a0a77b10c5e1');
  assert.equal(journal.watermark('m1' as MeterId, 'p'), START_MS + 1_800_000);
  assert.equal(journal.lanes()[2]?.ackedUpTo, 1);
  assert.equal((await replay(journal, 2)).rows.length, 2);
  assert.equal(new TextDecoder().decode(await journal.kept('other')), 'kept value');
  await journal.append(entryOf({ records: [logRecord('after')] }));
}

test('J-8 a journal of version 1 is migrated and goes on', async () => {
  const store = storeOf('journal-v1');
  await check(store);
  await check(store.reopen());
});

test('J-8 a migration that failed half way is run again', async () => {
  for (const failure of ['nothing-written', 'all-written'] as const) {
    const store = storeOf('journal-v1');
    store.failNextBatch(failure);
    await assert.rejects(journalOn(store, new HandClock()));
    await check(store.reopen());
  }
});
