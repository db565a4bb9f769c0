/**
 * One flipped bit in each file of a real store, one after the other: the journal opens by itself, delivers no wrong value,
 * and each row that it no longer has is above the watermark, on the list to be read again, or the meters are read anew.
 */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { openJournal } from '../../src/edge/journal/journal.ts';
import { type OpenTrouble, openJournalIn } from '../../src/edge/journal/open.ts';
import type { Journal } from '../../src/edge/ports.ts';
import { HOST_DISK } from '../../src/host/disk.ts';
import { openLevelStore } from '../../src/host/level-store.ts';
import type { MeterId } from '../../src/model/ids.ts';
import { entryOf, flat, HandClock, HOUR_MS, logRecord, replay, rowsOf, START_MS } from '../suite/journal.ts';
import { sha256 } from '../support/wire-crypto.ts';

const root = mkdtempSync(join(tmpdir(), 'deltawatt-damage-'));
after(() => rmSync(root, { recursive: true, force: true }));

const METERS = 20;
const ROUNDS = 60;
const random = new SeededRandom(4);
const common = { clock: new HandClock(), random, sha256, clockQuality: () => 'ntp' as const };
const ledger = new Map<string, string>();
const nameOf = (row: { readonly meterId: string; readonly atMs: number }) => `${row.meterId} ${row.atMs}`;

async function fill(path: string, from: number, rounds: number): Promise<void> {
  const journal = await openJournal({ ...common, store: await openLevelStore(path) });
  for (let round = from; round < from + rounds; round++) {
    const fromMs = START_MS + round * HOUR_MS;
    const groups = rowsOf(METERS, fromMs);
    for (const row of flat(groups)) ledger.set(nameOf(row), row.values.join());
    const watermarks = groups.map(({ group }) => ({
      meterId: group.meterId as MeterId,
      key: 'p',
      atMs: fromMs + 2_700_000,
    }));
    const records = [logRecord(String(round))];
    await journal.append(entryOf({ groups, watermarks, records, readAtMs: fromMs + HOUR_MS }));
  }
  await journal.close();
}

async function open(folder: string, troubles: OpenTrouble['kind'][]): Promise<Journal> {
  return openJournalIn({
    ...common,
    disk: HOST_DISK,
    folder,
    name: 'journal',
    openTrouble: ({ kind }) => troubles.push(kind),
  });
}

async function check(folder: string, what: string): Promise<string> {
  const troubles: OpenTrouble['kind'][] = [];
  const journal = await open(folder, troubles);
  const found = new Set<string>();
  for (const lane of [2, 3, 4] as const)
    for (const row of (await replay(journal, lane)).rows) {
      assert.equal(row.values.join(), ledger.get(nameOf(row)), `${what}: a wrong value of ${nameOf(row)}`);
      found.add(nameOf(row));
    }
  const rereads = journal.rereads();
  for (const name of ledger.keys()) {
    if (found.has(name)) continue;
    const [meterId = '', atMs = ''] = name.split(' ');
    const watermark = journal.watermark(meterId as MeterId, 'p');
    const readAgain =
      watermark === null ||
      watermark < Number(atMs) ||
      rereads.some((each) => each.meterId === meterId && each.fromMs <= Number(atMs) && Number(atMs) <= each.toMs);
    assert.ok(readAgain, `${what}: ${name} is lost and nobody reads it again`);
  }
  await journal.append(entryOf({ groups: rowsOf(1, START_MS - HOUR_MS) }));
  await journal.close();
  const missing = ledger.size - found.size;
  return missing === 0 ? 'nothing lost' : `${missing} rows read again, ${troubles.join(' ') || 'tombstones'}`;
}

test('a flipped bit in each file of the store is detected and delivers no wrong value', async (context) => {
  const good = join(root, 'good');
  await fill(join(good, 'journal'), 0, ROUNDS / 2);
  // Opening again turns the log into a table: there are damaged tables and damaged logs to try.
  await fill(join(good, 'journal'), ROUNDS / 2, ROUNDS / 2);
  const outcomes = new Map<string, number>();
  for (const file of readdirSync(join(good, 'journal')).filter((name) => !/^(LOCK|LOG|LOG\.old)$/.test(name))) {
    const octets = readFileSync(join(good, 'journal', file));
    const places =
      octets.length < 8 ? [0] : [0, octets.length - 2, ...Array.from({ length: 6 }, () => random.below(octets.length))];
    for (const at of places) {
      const folder = join(root, `${file}-${at}`);
      cpSync(good, folder, { recursive: true });
      const damaged = Buffer.from(octets);
      damaged.writeUInt8(damaged.readUInt8(at) ^ (1 << random.below(8)), at);
      writeFileSync(join(folder, 'journal', file), damaged);
      const outcome = `${file.replace(/\d+/, 'n')}: ${(await check(folder, `${file} at ${at}`)).replace(/\d+ rows/, 'rows')}`;
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      rmSync(folder, { recursive: true, force: true });
    }
  }
  for (const [outcome, count] of outcomes) context.diagnostic(`${count} x ${outcome}`);
  assert.ok(outcomes.size > 2);
});
