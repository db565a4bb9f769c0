import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { hasCode } from '../../src/base/errors.ts';
import { openLevelStore } from '../../src/host/level-store.ts';
import { openLogStore, repairLogStore } from '../../src/host/log-store.ts';
import { openHostStore } from '../../src/host/store.ts';
import { keyValueStoreSuite, type StorePlace } from './key-value-store.ts';

const SYNC = { sync: true };

async function place(): Promise<StorePlace & { readonly folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'deltawatt-store-'));
  return {
    folder,
    open: () => openLevelStore(join(folder, 'store')),
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
}

keyValueStoreSuite('LevelDB', place);
keyValueStoreSuite('append log', async () => {
  const at = await place();
  return { ...at, open: () => openLogStore(join(at.folder, 'store')) };
});

test('append log: a torn end is cut off, a damaged middle is STORE_CORRUPT and repair keeps what stands before it', async () => {
  const at = await place();
  try {
    const folder = join(at.folder, 'store');
    let store = await openLogStore(folder);
    await assert.rejects(openLogStore(folder), (error) => hasCode(error, 'STORE_LOCKED'));
    for (const number of [1, 2, 3])
      await store.batch([{ kind: 'put', key: Uint8Array.of(number), value: Uint8Array.of(number, number) }], SYNC);
    await store.close();
    const file = join(folder, 'log-00000001');
    const whole = await readFile(file);
    await truncate(file, whole.length - 1);
    store = await openLogStore(folder);
    assert.deepEqual(await store.get(Uint8Array.of(2)), Uint8Array.of(2, 2));
    assert.equal(await store.get(Uint8Array.of(3)), undefined);
    await store.batch([{ kind: 'put', key: Uint8Array.of(4), value: Uint8Array.of(4) }], SYNC);
    await store.close();
    const damaged = Buffer.from(whole);
    damaged.writeUInt8(damaged.readUInt8(20) ^ 1, 20);
    await writeFile(file, damaged);
    await assert.rejects(openLogStore(folder), (error) => hasCode(error, 'STORE_CORRUPT'));
    await repairLogStore(folder);
    store = await openLogStore(folder);
    assert.equal(await store.get(Uint8Array.of(2)), undefined);
    await store.close();
  } finally {
    await at.dispose();
  }
});

test('append log: compaction keeps what lives, gives room back, and a scan that began before goes on', async () => {
  const at = await place();
  try {
    const folder = join(at.folder, 'store');
    let store = await openLogStore(folder);
    const value = new Uint8Array(1000).fill(7);
    for (let turn = 0; turn < 20; turn++)
      for (let key = 0; key < 10; key++)
        await store.batch([{ kind: 'put', key: Uint8Array.of(key), value }], { sync: false });
    let seen = 0;
    for await (const [, found] of store.scan({})) {
      if (seen === 0) await store.compact();
      assert.deepEqual(found, value);
      seen++;
    }
    assert.equal(seen, 10);
    assert.deepEqual(readdirSync(folder).sort(), ['LOCK', 'log-00000002']);
    assert.ok((await readFile(join(folder, 'log-00000002'))).length < 11_000);
    await store.close();
    store = await openLogStore(folder);
    assert.deepEqual(await store.get(Uint8Array.of(9)), value);
    await store.close();
  } finally {
    await at.dispose();
  }
});

test('LevelDB: a store that is open is STORE_LOCKED', async () => {
  const at = await place();
  try {
    const store = await at.open();
    await assert.rejects(at.open(), (error) => hasCode(error, 'STORE_LOCKED'));
    await store.close();
  } finally {
    await at.dispose();
  }
});

test('LevelDB: a store without its manifest is STORE_CORRUPT', async () => {
  const at = await place();
  try {
    const store = await at.open();
    await store.batch([{ kind: 'put', key: Uint8Array.of(1), value: Uint8Array.of(2) }], { sync: true });
    await store.close();
    const folder = join(at.folder, 'store');
    const manifest = readdirSync(folder).find((name) => name.startsWith('MANIFEST'));
    assert.ok(manifest !== undefined);
    await truncate(join(folder, manifest), 3);
    await assert.rejects(at.open(), (error) => hasCode(error, 'STORE_CORRUPT'));
  } finally {
    await at.dispose();
  }
});

test('LevelDB: a file where the folder should be is STORE_FAILED', async () => {
  const at = await place();
  try {
    await writeFile(join(at.folder, 'store'), 'in the way');
    await assert.rejects(at.open(), (error) => hasCode(error, 'STORE_FAILED'));
  } finally {
    await at.dispose();
  }
});

test('LevelDB: use after close is STORE_CLOSED', async () => {
  const at = await place();
  try {
    const store = await at.open();
    await store.close();
    await assert.rejects(store.get(Uint8Array.of(1)), (error) => hasCode(error, 'STORE_CLOSED'));
  } finally {
    await at.dispose();
  }
});

test('a folder without LevelDB is opened as an append log where LevelDB does not load, and stays one', async () => {
  const at = await place();
  const fails = () => Promise.reject(new Error('no native build was found'));
  try {
    const folder = join(at.folder, 'store');
    await assert.rejects(openHostStore(folder, 'level', fails), (error) => hasCode(error, 'STORE_FAILED'));
    let store = await openHostStore(folder, 'auto', fails);
    await store.batch([{ kind: 'put', key: Uint8Array.of(1), value: Uint8Array.of(2) }], SYNC);
    await store.close();
    store = await openHostStore(folder);
    assert.deepEqual(await store.get(Uint8Array.of(1)), Uint8Array.of(2));
    await store.close();
    const level = await openHostStore(join(at.folder, 'other'));
    await level.close();
    assert.ok(readdirSync(join(at.folder, 'other')).includes('CURRENT'));
  } finally {
    await at.dispose();
  }
});
