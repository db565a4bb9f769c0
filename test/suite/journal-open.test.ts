/** Opening the journal in a folder that is damaged, newer or full. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KeyValueStore, StoreWrite } from '../../src/base/env.ts';
import { DeltawattError, hasCode } from '../../src/base/errors.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { Ballast } from '../../src/edge/journal/ballast.ts';
import { openJournal } from '../../src/edge/journal/journal.ts';
import { KEY, keyOf } from '../../src/edge/journal/keys.ts';
import { type OpenTrouble, openJournalIn, wantRenewal } from '../../src/edge/journal/open.ts';
import { hostError } from '../../src/host/errors.ts';
import { MemoryDisk } from '../../src/lab/virtual-env.ts';
import type { MeterId } from '../../src/model/ids.ts';
import { sha256 } from '../support/wire-crypto.ts';
import { entryOf, flat, HandClock, HOUR_MS, logRecord, replay, rowsOf, START_MS } from './journal.ts';

const m0 = 'm0' as MeterId;

function around(disk: MemoryDisk, troubles: OpenTrouble[] = []) {
  const common = { clock: new HandClock(), random: new SeededRandom(troubles.length + 1), sha256 };
  const clockQuality = () => 'ntp' as const;
  const openTrouble = (trouble: OpenTrouble) => void troubles.push(trouble);
  return { ...common, clockQuality, disk, folder: 'state', name: 'journal', openTrouble };
}

async function damage(disk: MemoryDisk, letter: string): Promise<void> {
  const store = await disk.openStore('state/journal');
  const from = keyOf(letter);
  for await (const [key, value] of store.scan({ from, limit: 1 }))
    await store.batch([{ kind: 'put', key, value: value.map((octet) => octet ^ 0x55) }], { sync: true });
  await store.close();
}

test('J-14 a damaged journal is set aside, what it holds is taken over under a new epoch, the meters are read anew', async () => {
  const disk = new MemoryDisk();
  let journal = await openJournalIn(around(disk));
  const { epoch } = journal;
  const first = rowsOf(3, START_MS);
  const second = rowsOf(3, START_MS + HOUR_MS);
  await journal.append(entryOf({ groups: first, watermarks: [{ meterId: m0, key: 'p', atMs: START_MS }] }));
  await journal.append(entryOf({ groups: second, records: [logRecord('x')] }));
  await journal.acknowledge(2, 1);
  await journal.close();
  await damage(disk, KEY.head);
  const troubles: OpenTrouble[] = [];
  const random = new SeededRandom(99);
  journal = await openJournalIn({ ...around(disk, troubles), random });
  assert.deepEqual(
    troubles.map(({ kind }) => kind),
    ['set-aside', 'salvaged'],
  );
  assert.notEqual(journal.epoch, epoch);
  assert.equal(journal.watermark(m0, 'p'), null);
  assert.deepEqual((await replay(journal, 2)).rows, flat(second), 'what was acknowledged is not sent again');
  assert.deepEqual((await replay(journal, 5)).records, [logRecord('x')]);
  assert.deepEqual(await disk.list('state'), ['journal', 'journal.set-aside-1']);
  await journal.close();
  troubles.length = 0;
  await (await openJournalIn(around(disk, troubles))).close();
  assert.deepEqual(troubles, []);
});

test('J-14 a medium that fails once while the store opens costs nothing; one that fails again costs the store', async () => {
  const disk = new MemoryDisk();
  const journal = await openJournalIn(around(disk));
  const { epoch } = journal;
  await journal.append(entryOf({ groups: rowsOf(1, START_MS) }));
  await journal.close();
  const openStore = disk.openStore.bind(disk);
  const failing = async (times: number) => {
    let left = times;
    disk.openStore = (...path) => {
      if (left-- > 0) return Promise.reject(hostError('STORE_FAILED', 'Input/output error'));
      return openStore(...path);
    };
    const troubles: OpenTrouble[] = [];
    const opened = await openJournalIn({ ...around(disk, troubles), random: new SeededRandom(times + 7) });
    await opened.close();
    return { isSame: opened.epoch === epoch, kinds: troubles.map(({ kind }) => kind) };
  };
  assert.deepEqual(await failing(1), { isSame: true, kinds: [] });
  assert.deepEqual(await failing(2), { isSame: false, kinds: ['set-aside', 'salvaged'] });
});

test('J-8 a newer journal is not set aside', async () => {
  const disk = new MemoryDisk();
  await (await openJournalIn(around(disk))).close();
  const store = await disk.openStore('state/journal');
  await store.batch([{ kind: 'put', key: keyOf(KEY.meta), value: new Uint8Array(13).fill(99) }], { sync: true });
  await store.close();
  await assert.rejects(openJournalIn(around(disk)), (error) => hasCode(error, 'JOURNAL_NEWER'));
  assert.deepEqual(await disk.list('state'), ['journal']);
});

/** A store on a disk of so many octets; the ballast takes some of them while it is there. */
class SmallDisk implements KeyValueStore {
  #used = 0;
  ballast = 0;
  refused = 0;

  constructor(
    private readonly below: KeyValueStore,
    private readonly octets: number,
  ) {}

  async batch(writes: readonly StoreWrite[], options: { readonly sync: boolean }): Promise<void> {
    let more = 0;
    for (const write of writes) {
      more -= (await this.below.get(write.key))?.length ?? 0;
      if (write.kind === 'put') more += write.value.length;
    }
    if (this.#used + more + this.ballast > this.octets) {
      this.refused++;
      throw hostError('DISK_FULL', 'small disk');
    }
    this.#used += more;
    await this.below.batch(writes, options);
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.below.get(key);
  }

  scan(range: Parameters<KeyValueStore['scan']>[0]) {
    return this.below.scan(range);
  }

  compact(): Promise<void> {
    return this.below.compact();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

test('J-15 a full disk costs the ballast and the oldest rows, never the journal; with room the ballast is back', async () => {
  const disk = new MemoryDisk();
  const store = new SmallDisk(await disk.openStore('state/journal'), 30_000);
  const ballastOctets = 8_000;
  const file = new Ballast({ disk, random: new SeededRandom(1), path: 'state/ballast', octets: ballastOctets });
  const ballast = {
    restore: async () => {
      store.ballast = ballastOctets;
      return file.restore();
    },
    release: async () => {
      store.ballast = 0;
      return file.release();
    },
  };
  await ballast.restore();
  const causes: string[] = [];
  const clock = new HandClock();
  const journal = await openJournal({
    ...around(disk),
    clock,
    store,
    ballast,
    reopen: () => Promise.resolve(store),
    trouble: (trouble) => causes.push(trouble.kind === 'lost-blocks' ? `lost: ${trouble.cause}` : trouble.kind),
  });
  let failed = 0;
  for (let day = 0; day < 60; day++) {
    clock.wallMs = START_MS + day * 24 * HOUR_MS;
    await journal
      .append(entryOf({ groups: rowsOf(20, clock.wallMs), readAtMs: clock.wallMs }))
      .catch((error: unknown) => {
        assert.ok(error instanceof DeltawattError && error.code === 'JOURNAL_WRITE');
        failed++;
      });
  }
  assert.equal(failed, store.refused);
  assert.ok(failed >= 1 && failed <= 3, `${failed} appends failed`);
  assert.ok(causes.includes('lost: disk-full') && causes.filter((cause) => cause === 'disk-full').length === failed);
  assert.ok(causes.filter((cause) => cause === 'lost: quota').length === 0, String(causes));
  assert.equal(await disk.readFile('state/ballast'), undefined);
  for (const lane of [2, 3] as const) await replay(journal, lane);
  for (const { lane, last } of journal.lanes()) await journal.acknowledge(lane, last);
  assert.equal((await disk.readFile('state/ballast'))?.length, ballastOctets);
  await journal.close();
});

test('J-14 a medium on which no fresh store can be made either keeps the old one in its place', async () => {
  const disk = new MemoryDisk();
  const journal = await openJournalIn(around(disk));
  const { epoch } = journal;
  await journal.append(entryOf({ groups: rowsOf(1, START_MS) }));
  await journal.close();
  const openStore = disk.openStore.bind(disk);
  disk.openStore = () => Promise.reject(hostError('STORE_FAILED', 'Input/output error'));
  await assert.rejects(openJournalIn(around(disk)), (error) => hasCode(error, 'STORE_FAILED'));
  assert.deepEqual(await disk.list('state'), ['journal']);
  disk.openStore = openStore;
  const again = await openJournalIn(around(disk));
  assert.equal(again.epoch, epoch);
  await again.close();
});

test('J-14 a journal whose format and epoch are gone is damaged, not of another kind', async () => {
  const disk = new MemoryDisk();
  const journal = await openJournalIn(around(disk));
  await journal.append(entryOf({ groups: rowsOf(1, START_MS) }));
  await journal.close();
  const store = await disk.openStore('state/journal');
  await store.batch([{ kind: 'delete', key: keyOf(KEY.meta) }], { sync: true });
  await store.close();
  const troubles: OpenTrouble[] = [];
  const opened = await openJournalIn({ ...around(disk, troubles), random: new SeededRandom(7) });
  assert.deepEqual(
    troubles.map(({ kind }) => kind),
    ['set-aside', 'salvaged'],
  );
  assert.deepEqual((await replay(opened, 2)).rows, flat(rowsOf(1, START_MS)));
  await opened.close();
});

test('J-14 a journal that was renounced is set aside once, and its rows go on under a new epoch', async () => {
  const disk = new MemoryDisk();
  const journal = await openJournalIn(around(disk));
  await journal.append(entryOf({ groups: rowsOf(1, START_MS) }));
  await journal.close();
  await wantRenewal(around(disk));
  const troubles: OpenTrouble[] = [];
  const fresh = await openJournalIn({ ...around(disk, troubles), random: new SeededRandom(7) });
  assert.notEqual(fresh.epoch, journal.epoch);
  assert.deepEqual((await replay(fresh, 2)).rows, flat(rowsOf(1, START_MS)));
  await fresh.close();
  const again = await openJournalIn(around(disk, troubles));
  assert.equal(again.epoch, fresh.epoch);
  assert.deepEqual(
    troubles.map(({ kind }) => kind),
    ['renewed', 'salvaged'],
  );
  await again.close();
});

test('J-15 a store that is another one when it is opened again is not written to', async () => {
  const disk = new MemoryDisk();
  const store = await disk.openStore('state/journal');
  await (
    await openJournal({ ...around(disk), random: new SeededRandom(7), store: await disk.openStore('state/other') })
  ).close();
  let fails = true;
  const batch = store.batch.bind(store);
  const journal = await openJournal({
    ...around(disk),
    store,
    reopen: () => disk.openStore('state/other'),
  });
  store.batch = (...words) => (fails ? Promise.reject(hostError('STORE_FAILED', 'EIO')) : batch(...words));
  await assert.rejects(journal.append(entryOf({ groups: rowsOf(1, START_MS) })), (error) =>
    hasCode(error, 'JOURNAL_WRITE'),
  );
  fails = false;
  await assert.rejects(journal.append(entryOf({ groups: rowsOf(1, START_MS) })), (error) =>
    hasCode(error, 'JOURNAL_CORRUPT'),
  );
  await journal.close();
});

test('J-14 a store that is found damaged when it is opened again ends as a journal that wants to be renewed', async () => {
  const disk = new MemoryDisk();
  const store = await disk.openStore('state/journal');
  const reopen = () => Promise.reject(hostError('STORE_CORRUPT', 'a table'));
  const journal = await openJournal({ ...around(disk), store, reopen });
  store.batch = () => Promise.reject(hostError('STORE_FAILED', 'EIO'));
  const append = () => journal.append(entryOf({ groups: rowsOf(1, START_MS) }));
  await assert.rejects(append(), (error) => hasCode(error, 'JOURNAL_WRITE'));
  await assert.rejects(append(), (error) => hasCode(error, 'JOURNAL_CORRUPT'));
  await journal.close();
});
