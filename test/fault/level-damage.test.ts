/**
 * A flipped bit in a table of LevelDB: the native code ends the process over it, at each start. The store is found damaged
 * before LevelDB sees it, and repaired so far that its compaction lives.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { KeyValueStore } from '../../src/base/env.ts';
import { hasCode } from '../../src/base/errors.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { openLevelStore, repairLevelStore } from '../../src/host/level-store.ts';
import { maskedCrc } from '../../src/host/level-table.ts';

const root = mkdtempSync(join(tmpdir(), 'deltawatt-level-'));
after(() => rmSync(root, { recursive: true, force: true }));

const KEYS = 200;
const VALUE_OCTETS = 100;
const GENERATIONS = 3;
/** Where the first key of a table begins: behind what it shares, its length, and that of its value. */
const FIRST_KEY_AT = 3;
/** Entries in a row whose keys lean on the first one of them. */
const SHARING = 16;
const good = join(root, 'good');
const keyOf = (number: number) => Uint8Array.of(0x42, 0, number >> 8, number & 0xff);

/** Each opening makes a table of the log, with the same keys as those before: a compaction has to merge them. */
const tables = (async () => {
  for (let generation = 1; generation <= GENERATIONS; generation++) {
    const store = await openLevelStore(good);
    const value = new Uint8Array(VALUE_OCTETS).fill(generation);
    for (let number = 0; number < KEYS; number++)
      await store.batch([{ kind: 'put', key: keyOf(number), value }], { sync: false });
    await store.close();
  }
  await (await openLevelStore(good)).close();
  return readdirSync(good).filter((name) => name.endsWith('.ldb'));
})();

async function newestTable(): Promise<string> {
  const newest = (await tables).at(-1);
  assert.ok(newest !== undefined && (await tables).length > 1, 'there is something to merge');
  return newest;
}

let copies = 0;
function damagedCopy(table: string, damage: (octets: Buffer) => void): string {
  const folder = join(root, `copy-${++copies}`);
  cpSync(good, folder, { recursive: true });
  const octets = readFileSync(join(folder, table));
  damage(octets);
  writeFileSync(join(folder, table), octets);
  return folder;
}

function flip(octets: Buffer, at: number, bit: number): void {
  octets.writeUInt8(octets.readUInt8(at) ^ (1 << bit), at);
}

/** The newest value of a key is 3; an older one shows where the newest entry is gone. */
async function readAll(store: KeyValueStore): Promise<{ readonly newest: number; readonly found: number }> {
  let [newest, found] = [0, 0];
  for await (const [, value] of store.scan({})) {
    found++;
    if (value.every((octet) => octet === GENERATIONS)) newest++;
  }
  return { newest, found };
}

test('LevelDB itself ends the process over a flipped bit in a key when it merges the table', async () => {
  const folder = damagedCopy(await newestTable(), (octets) => flip(octets, FIRST_KEY_AT, 7));
  const program = `
    const { ClassicLevel } = require('classic-level');
    const level = new ClassicLevel(process.argv[1]);
    level.open().then(() => level.compactRange('\\u0001', '\\uffff')).then(() => level.close());`;
  const { signal, stderr } = spawnSync(process.execPath, ['-e', program, folder], { encoding: 'utf8' });
  // Should this fail after an upgrade of classic-level, the check before opening may no longer be needed.
  assert.equal(signal, 'SIGABRT', stderr);
});

test('a table with a flipped bit in a key is STORE_CORRUPT, and repaired it lives through a compaction', async () => {
  const folder = damagedCopy(await newestTable(), (octets) => flip(octets, FIRST_KEY_AT, 7));
  await assert.rejects(openLevelStore(folder), (error) => hasCode(error, 'STORE_CORRUPT'));
  await repairLevelStore(folder);
  const store = await openLevelStore(folder);
  await store.compact();
  assert.deepEqual(await readAll(store), { newest: KEYS - SHARING, found: KEYS });
  await store.close();
});

test('keys that do not ascend are found under a checksum that is right', async () => {
  const folder = damagedCopy(await newestTable(), (octets) => {
    const end = Array.from({ length: octets.length - 5 }, (_, at) => at + 1).find(
      (at) => maskedCrc(octets.subarray(0, at)) === octets.readUInt32LE(at),
    );
    assert.ok(end !== undefined, 'the end of the first block');
    flip(octets, FIRST_KEY_AT, 7);
    octets.writeUInt32LE(maskedCrc(octets.subarray(0, end)), end);
  });
  await assert.rejects(openLevelStore(folder), /STORE_CORRUPT.*keys do not ascend/);
});

test('a flipped bit anywhere in a table is found, and what is repaired opens, is merged and read to its end', async (context) => {
  const random = new SeededRandom(11);
  const table = await newestTable();
  let [lost, unreadable] = [0, 0];
  for (let turn = 0; turn < 40; turn++) {
    let at = 0;
    const folder = damagedCopy(table, (octets) => {
      // The index and the footer are a small part of the table and the worst to lose.
      at = random.below(turn % 2 === 0 ? octets.length : 250);
      if (turn % 2 === 1) at = octets.length - 1 - at;
      flip(octets, at, random.below(8));
    });
    const opened = await openLevelStore(folder).catch((error: unknown) => {
      assert.ok(hasCode(error, 'STORE_CORRUPT'), String(error));
      return null;
    });
    // Only the unused octets of the footer belong to nothing.
    if (opened !== null) assert.deepEqual(await readAll(opened), { newest: KEYS, found: KEYS }, `octet ${at}`);
    await opened?.close();
    await repairLevelStore(folder);
    const store = await openLevelStore(folder);
    await store.compact();
    const { newest } = await readAll(store);
    if (readdirSync(folder).some((name) => name.endsWith('.unreadable'))) unreadable++;
    else lost = Math.max(lost, KEYS - newest);
    await store.close();
    rmSync(folder, { recursive: true });
  }
  context.diagnostic(`${unreadable} of 40 tables unreadable; in the others at most ${lost} entries gone`);
  assert.ok(unreadable > 0 && unreadable < 40);
  assert.ok(lost >= 1 && lost <= 40, 'not more than a block');
});

test('what a power cut left half written is no damage: no manifest names it', async () => {
  const folder = damagedCopy(await newestTable(), () => undefined);
  writeFileSync(join(folder, '000999.ldb'), 'half a table');
  const store = await openLevelStore(folder);
  assert.deepEqual(await readAll(store), { newest: KEYS, found: KEYS });
  await store.close();
});
