import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { hasCode } from '../../src/base/errors.ts';
import { openLevelStore } from '../../src/host/level-store.ts';
import { keyValueStoreSuite, type StorePlace } from './key-value-store.ts';

async function place(): Promise<StorePlace & { readonly folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'deltawatt-store-'));
  return {
    folder,
    open: () => openLevelStore(join(folder, 'store')),
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
}

keyValueStoreSuite('LevelDB', place);

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
