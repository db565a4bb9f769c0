/** Steps from older versions of the journal to the next. */
import type { KeyValueStore, StoreWrite } from '../../base/env.ts';
import { KEY, keyAfter, keyOf, packMeta, putSealed, unpackMeta } from './keys.ts';

/** Letters of the values that version 2 seals. */
const SEALED = [KEY.head, KEY.acked, KEY.current, KEY.names, KEY.marks, KEY.kept];

/**
 * Version 1 had no checksum behind small values. All of them get one in one synced batch together with the new version;
 * blocks and dictionaries stay as they are.
 */
export async function migrateFrom1(store: KeyValueStore): Promise<void> {
  const { epoch } = unpackMeta((await store.get(keyOf(KEY.meta))) ?? new Uint8Array(0));
  const writes: StoreWrite[] = [];
  for (const letter of SEALED) {
    const from = keyOf(letter);
    for await (const [key, value] of store.scan({ from, below: keyAfter(from) })) writes.push(putSealed(key, value));
  }
  writes.push(putSealed(keyOf(KEY.meta), packMeta(epoch)));
  await store.batch(writes, { sync: true });
}
