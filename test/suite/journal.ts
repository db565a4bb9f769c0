/**
 * Contract of the journal over any key-value store: what is appended is read back in order and exactly, survives reopening,
 * is chained, and is deleted only when it was acknowledged. `openStore` must give the same content each time it is called
 * with the same name after the store was closed.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../../src/base/bytes.ts';
import type { KeyValueStore } from '../../src/base/env.ts';
import { hasCode } from '../../src/base/errors.ts';
import { openJournal } from '../../src/edge/journal/journal.ts';
import { KEY, keyOf } from '../../src/edge/journal/keys.ts';
import type { Entry, GroupRows, Journal, ValueClass } from '../../src/edge/ports.ts';
import type { MeterId } from '../../src/model/ids.ts';
import { blockHash, type ClockQuality, decodeBlock, decodeHeader, NO_BLOCK_HASH } from '../../src/wire/block.ts';
import { decodeDictionary } from '../../src/wire/dictionary.ts';
import { emptyLaneState } from '../../src/wire/lane-state.ts';
import { LANE_ORDER, type Lane } from '../../src/wire/lanes.ts';
import type { JournalRecord } from '../../src/wire/records.ts';
import type { DictionaryGroup, Row } from '../../src/wire/rows.ts';
import { sha256 } from '../support/wire-crypto.ts';

export const START_MS = Date.UTC(2026, 2, 1);
export const HOUR_MS = 3_600_000;

/** A clock that the test moves. */
export class HandClock {
  wallMs = START_MS;

  nowMs(): number {
    return this.wallMs;
  }

  monotonicMs(): number {
    return this.wallMs - START_MS + 1000;
  }
}

const seeded = { bytes: (count: number) => new Uint8Array(count).fill(0xa5), below: () => 0 };

export function journalOn(store: KeyValueStore, clock: HandClock, quotaOctets?: number): Promise<Journal> {
  const quota = quotaOctets === undefined ? {} : { quotaOctets };
  return openJournal({ store, clock, random: seeded, sha256, clockQuality: () => 'ntp', ...quota });
}

/** The group of a meter: three energy columns, or one voltage. */
export function groupOf(meter: number, valueClass: ValueClass = 'billing'): DictionaryGroup {
  const columns = valueClass === 'billing' ? ['1-0:1.8.0*255', '1-0:2.8.0*255', '1-0:3.8.0*255'] : ['1-0:32.7.0*255'];
  return {
    meterId: `m${meter}`,
    intervalS: 900,
    source: 0,
    timeZone: 'Europe/Vienna',
    columns: columns.map((obis) => ({ obis, exponent: 0, unit: 'Wh' })),
  };
}

/** Four rows of each meter from `fromMs` on. */
export function rowsOf(meters: number, fromMs: number, valueClass: ValueClass = 'billing', count = 4): GroupRows[] {
  return Array.from({ length: meters }, (_, meter) => {
    const group = groupOf(meter, valueClass);
    const rows = Array.from({ length: count }, (_, at) => ({
      atMs: fromMs + at * 900_000,
      status: new Uint8Array(0),
      quality: 'good' as const,
      deviationMin: null,
      values: group.columns.map(
        (_, column) => (fromMs / 900_000 + at) * (meter + 1) + ((at * 7919 * (column + meter)) % 300),
      ),
    }));
    return { group, valueClass, rows };
  });
}

export function entryOf(parts: Partial<Entry>): Entry {
  return { line: 'bus1', groups: [], records: [], watermarks: [], keep: [], readAtMs: START_MS, ...parts };
}

export function logRecord(text: string): JournalRecord {
  return { kind: 'log', level: 'info', event: 'a.b', atMs: START_MS, fieldsJson: JSON.stringify({ text }) };
}

/** What all held blocks of a lane say, the chain checked on the way. */
export async function replay(
  journal: Journal,
  lane: Lane,
): Promise<{ rows: (Omit<Row, 'group'> & { meterId: string })[]; records: JournalRecord[] }> {
  const span = journal.lanes().find((each) => each.lane === lane);
  assert.ok(span);
  const found: { rows: (Omit<Row, 'group'> & { meterId: string })[]; records: JournalRecord[] } = {
    rows: [],
    records: [],
  };
  let state = emptyLaneState();
  let before: Uint8Array | null = span.first === 1 ? NO_BLOCK_HASH : null;
  let next = span.first;
  while (next <= span.last) {
    const blocks = await journal.read(lane, next, 10_000);
    assert.ok(blocks.length > 0, `lane ${lane} holds block ${next}`);
    for (const { sequence, from, octets } of blocks) {
      const header = decodeHeader(octets);
      assert.equal(from ?? sequence, header.tombstone?.from ?? sequence);
      assert.equal(from ?? sequence, next);
      next = sequence + 1;
      assert.equal(header.epoch, journal.epoch);
      if (before !== null) assert.equal(toHex(header.prevHash), toHex(before), `chain of lane ${lane} at ${sequence}`);
      before = blockHash(octets, sha256);
      const dictionary = header.dictionaryHash === null ? undefined : await journal.dictionary(header.dictionaryHash);
      const groups = dictionary === undefined ? [] : decodeDictionary(dictionary);
      const block = decodeBlock(octets, state, groups);
      assert.equal(block.stateDiffers, false);
      state = block.state;
      found.records.push(...block.records);
      for (const { group, ...row } of block.rows) found.rows.push({ ...row, meterId: groups[group]?.meterId ?? '?' });
    }
  }
  return found;
}

/** Rows of an entry as `replay` gives them. */
export function flat(groups: readonly GroupRows[]): (Omit<Row, 'group'> & { meterId: string })[] {
  return groups.flatMap(({ group, rows }) => rows.map((row) => ({ ...row, meterId: group.meterId })));
}

/** Runs the contract. `name` says which store it is. */
export function journalSuite(name: string, openStore: (storeName: string) => Promise<KeyValueStore>): void {
  const m0 = 'm0' as MeterId;

  test(`J-1 ${name}: what is appended is read back, also after reopening`, async () => {
    const clock = new HandClock();
    let journal = await journalOn(await openStore('j1'), clock);
    const { epoch } = journal;
    assert.match(epoch, /^[0-9a-f]{16}$/);
    const groups = [...rowsOf(3, START_MS), ...rowsOf(3, START_MS, 'low-value')];
    const heard: Lane[][] = [];
    journal.onAppend((lanes) => heard.push([...lanes]));
    const appended = await journal.append(
      entryOf({
        groups,
        records: [logRecord('x')],
        watermarks: [{ meterId: m0, key: 'p', atMs: START_MS + 2_700_000 }],
      }),
    );
    assert.deepEqual(appended, [
      { lane: 2, sequence: 1 },
      { lane: 4, sequence: 1 },
      { lane: 5, sequence: 1 },
    ]);
    assert.deepEqual(heard, [[2, 4, 5]]);
    for (let turn = 0; turn < 2; turn++) {
      assert.equal(journal.epoch, epoch);
      assert.deepEqual((await replay(journal, 2)).rows, flat(rowsOf(3, START_MS)));
      assert.deepEqual((await replay(journal, 4)).rows, flat(rowsOf(3, START_MS, 'low-value')));
      assert.deepEqual((await replay(journal, 5)).records, [logRecord('x')]);
      assert.equal(journal.watermark(m0, 'p'), START_MS + 2_700_000);
      assert.equal(journal.watermark(m0, 'q'), null);
      const fresh = journal.lanes().find(({ lane }) => lane === 2);
      assert.deepEqual(
        { ...fresh, pendingOctets: 0 },
        {
          lane: 2,
          first: 1,
          last: 1,
          lastKeyframe: 1,
          ackedUpTo: 0,
          pendingOctets: 0,
          pendingBlocks: 1,
          oldestPendingMs: START_MS,
        },
      );
      await journal.close();
      if (turn === 0) journal = await journalOn(await openStore('j1'), clock);
    }
    await assert.rejects(journal.append(entryOf({ records: [logRecord('y')] })), (error) =>
      hasCode(error, 'JOURNAL_CLOSED'),
    );
    await assert.rejects(journal.kept('x'), (error) => hasCode(error, 'JOURNAL_CLOSED'));
  });

  test(`J-2 ${name}: the chain of states goes on over a restart`, async () => {
    const clock = new HandClock();
    const all: GroupRows[] = [];
    for (let hour = 0; hour < 5; hour++) {
      const journal = await journalOn(await openStore('j2'), clock);
      const groups = rowsOf(4, START_MS + hour * HOUR_MS);
      all.push(...groups);
      await journal.append(entryOf({ groups, readAtMs: START_MS + hour * HOUR_MS }));
      const span = journal.lanes().find(({ lane }) => lane === 2);
      assert.equal(span?.lastKeyframe, 1, 'no new keyframe was needed');
      assert.deepEqual((await replay(journal, 2)).rows, flat(all));
      await journal.close();
    }
  });

  test(`J-3 ${name}: a new keyframe comes after a day, after 64 blocks and with a new dictionary`, async () => {
    const clock = new HandClock();
    const journal = await journalOn(await openStore('j3'), clock);
    const keyframes: number[] = [];
    const append = async (meters: number, readAtMs: number) => {
      const [{ sequence } = { sequence: 0 }] = await journal.append(
        entryOf({ groups: rowsOf(meters, readAtMs, 'low-value', 1), readAtMs }),
      );
      const span = journal.lanes().find(({ lane }) => lane === 4);
      if (span?.lastKeyframe === sequence) keyframes.push(sequence);
    };
    for (let block = 0; block < 70; block++) await append(1, START_MS + block * 900_000);
    await append(2, START_MS + 70 * 900_000);
    await append(1, START_MS + 71 * 900_000);
    await append(2, START_MS + 70 * 900_000 + 24 * HOUR_MS);
    assert.deepEqual(keyframes, [1, 65, 71, 73]);
    await replay(journal, 4);
    await journal.close();
  });

  test(`J-4 ${name}: fresh rows go to lane 3 while lane 2 is long, and lane 2 resumes with a keyframe`, async () => {
    const clock = new HandClock();
    let journal = await journalOn(await openStore('j4'), clock);
    const lanes: number[] = [];
    const append = async (hour: number) => {
      const appended = await journal.append(
        entryOf({ groups: rowsOf(200, START_MS + hour * HOUR_MS), readAtMs: START_MS + hour * HOUR_MS }),
      );
      lanes.push(appended[0]?.lane ?? -1);
      return appended;
    };
    for (let hour = 0; hour < 6; hour++) await append(hour);
    const pausedAt = lanes.indexOf(3);
    assert.ok(pausedAt > 0 && lanes.slice(pausedAt).every((lane) => lane === 3), String(lanes));
    await journal.close();
    journal = await journalOn(await openStore('j4'), clock);
    const fresh = journal.lanes().find(({ lane }) => lane === 2);
    await journal.acknowledge(2, fresh?.last ?? 0);
    const [resumed] = await append(6);
    assert.equal(resumed?.lane, 2);
    assert.equal(journal.lanes().find(({ lane }) => lane === 2)?.lastKeyframe, resumed?.sequence);
    await replay(journal, 2);
    await replay(journal, 3);
    await journal.close();
  });

  test(`J-4 W-98 ${name}: what is read again goes to lane 3 as a group of its own, and the next fresh block begins one`, async () => {
    const journal = await journalOn(await openStore('j4-again'), new HandClock());
    const at = (hour: number) => START_MS + hour * HOUR_MS;
    const again = rowsOf(2, at(-9)).map((group) => ({ ...group, isBackfill: true }));
    const spanOf = (lane: Lane) => journal.lanes().find((each) => each.lane === lane);
    const append = async (hour: number, groups: readonly GroupRows[]) =>
      (await journal.append(entryOf({ groups, readAtMs: at(hour) }))).map(({ lane }) => lane).sort();
    assert.deepEqual(await append(0, rowsOf(2, at(0))), [2]);
    assert.deepEqual(await append(1, rowsOf(2, at(1))), [2]);
    assert.equal(spanOf(2)?.lastKeyframe, 1);
    assert.deepEqual(await append(2, again), [3], 'lane 2 is short');
    assert.deepEqual(await append(2, rowsOf(2, at(2))), [2]);
    assert.equal(spanOf(2)?.lastKeyframe, 3, 'whoever could not read its group can from here on');
    assert.deepEqual(await append(3, [...rowsOf(2, at(3)), ...again]), [2, 3]);
    assert.deepEqual([spanOf(2)?.lastKeyframe, spanOf(3)?.lastKeyframe, spanOf(3)?.last], [4, 2, 2]);
    assert.deepEqual(await append(4, rowsOf(2, at(4))), [2]);
    assert.equal(spanOf(2)?.lastKeyframe, 4, 'once');
    const low = rowsOf(2, at(5), 'low-value');
    await append(5, low);
    await append(
      6,
      rowsOf(2, at(6), 'low-value').map((group) => ({ ...group, isBackfill: true })),
    );
    assert.deepEqual([spanOf(4)?.last, spanOf(4)?.lastKeyframe], [2, 2]);
    for (const lane of [2, 3, 4] as const) assert.ok((await replay(journal, lane)).rows.length > 0);
    await journal.close();
  });

  test(`J-5 ${name}: an acknowledgement permits deletion, later and group by group; a rewind gives what is held`, async () => {
    const clock = new HandClock();
    let journal = await journalOn(await openStore('j5'), clock);
    for (let day = 0; day < 20; day++) {
      for (let part = 0; part < 2; part++) {
        const atMs = START_MS + day * 24 * HOUR_MS + part * 12 * HOUR_MS;
        clock.wallMs = atMs;
        await journal.append(entryOf({ groups: rowsOf(2, atMs), records: [logRecord(`day ${day}`)], readAtMs: atMs }));
      }
      if (day === 10) await journal.acknowledge(2, 5);
    }
    const span = (lane: Lane) => journal.lanes().find((each) => each.lane === lane);
    assert.equal(span(2)?.first, 5, 'two days of what was acknowledged are old');
    await journal.acknowledge(2, 99);
    assert.equal(span(2)?.ackedUpTo, 5, 'an acknowledgement of what never was is ignored');
    await journal.acknowledge(2, 38);
    assert.equal(span(2)?.first, 11, 'days 0-4 are older than 14 days');
    assert.equal(span(5)?.first, 1, 'not acknowledged, not deleted');
    assert.equal(span(2)?.pendingBlocks, 2);
    await journal.close();
    journal = await journalOn(await openStore('j5'), clock);
    assert.equal(span(2)?.ackedUpTo, 38);
    assert.equal((await replay(journal, 2)).rows.length, 30 * 8);
    journal.rewind(2, 20);
    assert.equal(span(2)?.ackedUpTo, 20);
    assert.equal(span(2)?.pendingBlocks, 20);
    journal.rewind(2, 3);
    assert.equal(span(2)?.ackedUpTo, 10, 'what is gone cannot be sent');
    await journal.close();
  });

  test(`J-6 ${name}: acknowledged groups give way to half the quota, with their dictionaries; the last one stays`, async () => {
    const clock = new HandClock();
    const store = await openStore('j6');
    const journal = await journalOn(store, clock, 6000);
    const oldHashes: string[] = [];
    for (let meters = 1; meters <= 12; meters++) {
      await journal.append(
        entryOf({ groups: rowsOf(meters * 4, START_MS + meters * HOUR_MS), readAtMs: START_MS + meters * HOUR_MS }),
      );
      const [block] = await journal.read(2, meters, 1);
      oldHashes.push(decodeHeader(block?.octets ?? new Uint8Array(0)).dictionaryHash ?? '');
    }
    await journal.acknowledge(2, 12);
    const span = journal.lanes().find(({ lane }) => lane === 2);
    assert.ok(span && span.first > 1 && span.first <= 12, `first ${span?.first}`);
    assert.equal(await journal.dictionary(oldHashes[0] ?? ''), undefined, 'its blocks are gone');
    assert.ok(await journal.dictionary(oldHashes.at(-1) ?? ''));
    await replay(journal, 2);
    await journal.close();
  });

  test(`J-7 ${name}: kept values and watermarks change with the blocks`, async () => {
    const clock = new HandClock();
    let journal = await journalOn(await openStore('j7'), clock);
    const value = (text: string) => new TextEncoder().encode(text);
    await journal.append(
      entryOf({
        keep: [
          { key: 'command/b', value: value('2') },
          { key: 'command/a', value: value('1') },
          { key: 'other', value: value('3') },
        ],
        watermarks: [
          { meterId: m0, key: 'p', atMs: START_MS },
          { meterId: 'm1' as MeterId, key: 'p', atMs: START_MS + 1, line: 'bus2' },
        ],
      }),
    );
    await journal.append(
      entryOf({
        line: 'bus2',
        keep: [{ key: 'other', value: undefined }],
        watermarks: [{ meterId: m0, key: 'p', atMs: START_MS - 5 }],
      }),
    );
    for (let turn = 0; turn < 2; turn++) {
      const under = await journal.keptUnder('command/');
      assert.deepEqual(
        under.map(([key, octets]) => [key, new TextDecoder().decode(octets)]),
        [
          ['command/a', '1'],
          ['command/b', '2'],
        ],
      );
      assert.equal(await journal.kept('other'), undefined);
      assert.equal(
        journal.watermark(m0, 'p'),
        START_MS - 5,
        'a watermark may be set back, and may move to another line',
      );
      assert.equal(journal.watermark('m1' as MeterId, 'p'), START_MS + 1);
      await journal.close();
      if (turn === 0) journal = await journalOn(await openStore('j7'), clock);
    }
  });

  test(`J-8 ${name}: other stores, newer journals and damaged ones are refused with a sentence`, async () => {
    const clock = new HandClock();
    const foreign = await openStore('j8-foreign');
    await foreign.batch([{ kind: 'put', key: Uint8Array.of(1), value: Uint8Array.of(1) }], { sync: true });
    await assert.rejects(journalOn(foreign, clock), (error) => hasCode(error, 'JOURNAL_FOREIGN'));
    const newer = await openStore('j8-newer');
    await newer.batch([{ kind: 'put', key: keyOf(KEY.meta), value: Uint8Array.of(99, 0, 0, 0, 0, 0, 0, 0, 0) }], {
      sync: true,
    });
    await assert.rejects(journalOn(newer, clock), (error) => hasCode(error, 'JOURNAL_NEWER'));
    await foreign.close();
    await newer.close();
    const journal = await journalOn(await openStore('j8-damaged'), clock);
    await journal.append(entryOf({ groups: rowsOf(2, START_MS), keep: [{ key: 'k', value: Uint8Array.of(1) }] }));
    await journal.close();
    const damages: (readonly [letter: string, rest: Uint8Array | string])[] = [
      [KEY.head, Uint8Array.of(2)],
      [KEY.current, Uint8Array.of(0)],
      [KEY.kept, 'k'],
    ];
    for (const [letter, rest] of damages) {
      const damaged = await openStore('j8-damaged');
      const key = keyOf(letter, rest);
      const good = await damaged.get(key);
      assert.ok(good);
      await damaged.batch([{ kind: 'put', key, value: good.map((octet, at) => (at === 0 ? octet ^ 4 : octet)) }], {
        sync: true,
      });
      await assert.rejects(journalOn(damaged, clock), (error) => hasCode(error, 'JOURNAL_CORRUPT'), letter);
      await damaged.batch([{ kind: 'put', key, value: good }], { sync: true });
      await damaged.close();
    }
  });

  test(`J-9 ${name}: an entry that cannot be stored is refused whole`, async () => {
    const journal = await journalOn(await openStore('j9'), new HandClock());
    const [group] = rowsOf(1, START_MS);
    assert.ok(group);
    const wrong = { ...group, rows: group.rows.map((row) => ({ ...row, values: [1] })) };
    const bad = [
      entryOf({ groups: [wrong], records: [logRecord('x')] }),
      entryOf({ keep: [{ key: 'k'.repeat(500), value: undefined }] }),
      entryOf({ keep: [{ key: 'k', value: new Uint8Array(70_000) }] }),
    ];
    for (const entry of bad) await assert.rejects(journal.append(entry), (error) => hasCode(error, 'JOURNAL_ENTRY'));
    for (const lane of LANE_ORDER) assert.equal(journal.lanes()[lane]?.last, 0);
    assert.deepEqual(await journal.append(entryOf({})), []);
    await journal.close();
  });

  test(`J-10 W-36 ${name}: unacknowledged groups give way to the quota; the tombstones hold the chain and are read again`, async () => {
    const clock = new HandClock();
    let journal = await journalOn(await openStore('j10'), clock, 12_000);
    for (let day = 0; day < 20; day++) {
      clock.wallMs = START_MS + day * 24 * HOUR_MS;
      const groups = [...rowsOf(20, clock.wallMs), ...rowsOf(20, clock.wallMs, 'low-value')];
      await journal.append(entryOf({ groups, records: [logRecord(`day ${day}`)], readAtMs: clock.wallMs }));
    }
    const span = (lane: Lane) => journal.lanes().find((each) => each.lane === lane);
    const held = () => journal.lanes().reduce((sum, { pendingOctets }) => sum + pendingOctets, 0);
    assert.ok(held() <= 12_000, `${held()} octets`);
    assert.deepEqual(journal.rereads(), [], 'not while it is full');
    for (let turn = 0; turn < 2; turn++) {
      for (const lane of [2, 3, 4, 5] as const) {
        assert.equal(span(lane)?.first ?? 1, 1, 'a tombstone stands at the start');
        const found = await replay(journal, lane);
        const all = lane === 5 ? found.records.length : found.rows.length;
        assert.ok(lane === 2 || all > 0, `lane ${lane} has kept its newest`);
      }
      assert.ok((await replay(journal, 5)).records.length < 20, 'logs go first');
      await journal.close();
      if (turn === 0) journal = await journalOn(await openStore('j10'), clock, 12_000);
    }
    journal = await journalOn(await openStore('j10'), clock, 12_000);
    for (const { lane, last } of journal.lanes()) await journal.acknowledge(lane, last);
    const rereads = journal.rereads();
    assert.ok(rereads.length >= 20);
    assert.equal(rereads[0]?.fromMs, START_MS);
    for (const reread of rereads) await journal.rereadDone(reread);
    assert.deepEqual(journal.rereads(), []);
    await journal.close();
    journal = await journalOn(await openStore('j10'), clock, 12_000);
    assert.deepEqual(journal.rereads(), []);
    await journal.close();
  });

  test(`J-10 ${name}: what nobody acknowledged is given up for its age only while the clock can be trusted`, async () => {
    const clock = new HandClock();
    let quality: ClockQuality = 'ntp';
    const journal = await openJournal({
      store: await openStore('j10-age'),
      clock,
      random: seeded,
      sha256,
      clockQuality: () => quality,
      keepMs: 2 * 24 * HOUR_MS,
    });
    const oldestOf = async () => (await replay(journal, 2)).rows[0]?.atMs;
    for (let day = 0; day < 3; day++) {
      clock.wallMs = START_MS + day * 24 * HOUR_MS;
      await journal.append(entryOf({ groups: rowsOf(1, clock.wallMs), readAtMs: clock.wallMs }));
    }
    clock.wallMs = START_MS + 4 * 24 * HOUR_MS;
    for (const untrusted of ['unset', 'rtc'] as const) {
      quality = untrusted;
      await journal.append(entryOf({ records: [logRecord(untrusted)], readAtMs: clock.wallMs }));
      assert.equal(await oldestOf(), START_MS, `nothing goes by a clock that is ${untrusted}`);
    }
    quality = 'ntp';
    await journal.append(entryOf({ records: [logRecord('ntp')], readAtMs: clock.wallMs }));
    assert.equal(await oldestOf(), START_MS + 2 * 24 * HOUR_MS);
    assert.deepEqual(journal.rereads(), [], 'nobody asked for it again');
    await journal.close();
  });

  test(`J-10 ${name}: what was read by a clock that nobody confirmed has the age of what was read after it`, async () => {
    const clock = new HandClock();
    let quality: ClockQuality = 'unset';
    const DAY_MS = 24 * HOUR_MS;
    const journal = await openJournal({
      store: await openStore('j10-unset'),
      clock,
      random: seeded,
      sha256,
      clockQuality: () => quality,
      keepMs: 2 * DAY_MS,
    });
    const append = (atMs: number, readAtMs = clock.wallMs) =>
      journal.append(entryOf({ groups: rowsOf(1, atMs), readAtMs }));
    const firstHeld = () => journal.lanes().find((each) => each.lane === 2)?.first;
    const oldestOf = async () => (await replay(journal, 2)).rows[0]?.atMs;
    for (let day = 0; day < 3; day++) {
      clock.wallMs = day * DAY_MS + 60_000;
      await append(START_MS + day * DAY_MS);
    }
    // What was staged before the clock was set says 1970 too, whatever the clock is worth now.
    clock.wallMs = START_MS + 3 * DAY_MS;
    quality = 'collector';
    await append(START_MS + 3 * DAY_MS, 3 * DAY_MS);
    await append(START_MS + 3 * DAY_MS + HOUR_MS);
    assert.equal(await oldestOf(), START_MS, 'a block of 1970 is not 56 years old');
    assert.equal(journal.confirmedAtMs(), clock.wallMs);
    await journal.acknowledge(2, 2);
    assert.equal(firstHeld(), 1, 'and not older than 14 days');
    for (const day of [4, 5, 6]) {
      clock.wallMs = START_MS + day * DAY_MS;
      await append(clock.wallMs);
    }
    assert.equal(await oldestOf(), START_MS + 4 * DAY_MS, 'older than what is too old by a confirmed clock');
    clock.wallMs = START_MS + 12 * 365 * DAY_MS;
    quality = 'rtc';
    await journal.acknowledge(2, 7);
    await append(START_MS + 6 * DAY_MS + HOUR_MS);
    assert.equal(await oldestOf(), START_MS + 4 * DAY_MS, 'nothing goes by a clock that ran ahead');
    await journal.close();
  });

  test(`J-11 ${name}: an unreadable block takes its dependants along and becomes a tombstone; the rest is delivered`, async () => {
    const clock = new HandClock();
    const append = async (journal: Journal, hour: number) =>
      journal.append(entryOf({ groups: rowsOf(2, START_MS + hour * HOUR_MS), readAtMs: START_MS + hour * HOUR_MS }));
    for (const [store, victim, keyframes] of [
      ['j11-middle', 2, [1, 4]],
      ['j11-first', 1, [1, 4]],
      ['j11-last', 6, [1, 4]],
    ] as const) {
      let journal = await journalOn(await openStore(store), clock);
      for (let hour = 0; hour < 6; hour++) await append(journal, hour < keyframes[1] - 1 ? hour : hour + 24);
      await journal.close();
      const damaged = await openStore(store);
      const key = keyOf(KEY.block, Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, victim));
      const octets = await damaged.get(key);
      assert.ok(octets);
      await damaged.batch([{ kind: 'put', key, value: octets.fill(0, 30, 40) }], { sync: true });
      await damaged.close();
      journal = await journalOn(await openStore(store), clock);
      const lost = victim === 6 ? [6] : victim === 2 ? [2, 3] : [1, 2, 3];
      const kept = [1, 2, 3, 4, 5, 6].filter((sequence) => !lost.includes(sequence));
      const { rows } = await replay(journal, 2);
      const expected = kept.flatMap((sequence) => {
        const hour = sequence < 4 ? sequence - 1 : sequence + 23;
        return flat(rowsOf(2, START_MS + hour * HOUR_MS));
      });
      assert.deepEqual(rows, expected, store);
      const rereads = journal.rereads();
      assert.equal(rereads.length, 2);
      const first = START_MS + ((lost[0] ?? 1) < 4 ? (lost[0] ?? 1) - 1 : 29) * HOUR_MS;
      assert.ok((rereads[0]?.fromMs ?? 0) <= first && (rereads[0]?.toMs ?? 0) >= first + 3 * 900_000);
      const [next] = await append(journal, 40);
      assert.equal(next?.sequence, 7);
      assert.equal(journal.lanes()[2]?.lastKeyframe, 7, 'nothing is coded against what was healed');
      await replay(journal, 2);
      await journal.close();
    }
  });

  test(`J-12 ${name}: damaged watermarks are forgotten, so that the meters are read again`, async () => {
    const clock = new HandClock();
    const journal = await journalOn(await openStore('j12'), clock);
    await journal.append(entryOf({ watermarks: [{ meterId: m0, key: 'p', atMs: START_MS }] }));
    await journal.append(
      entryOf({ line: 'bus2', watermarks: [{ meterId: 'm1' as MeterId, key: 'p', atMs: START_MS }] }),
    );
    await journal.close();
    const damaged = await openStore('j12');
    const key = keyOf(KEY.marks, 'bus1');
    const value = await damaged.get(key);
    assert.ok(value);
    await damaged.batch([{ kind: 'put', key, value: value.map((octet, at) => (at === 5 ? octet ^ 1 : octet)) }], {
      sync: true,
    });
    await damaged.close();
    const again = await journalOn(await openStore('j12'), clock);
    assert.equal(again.watermark(m0, 'p'), null);
    assert.equal(again.watermark('m1' as MeterId, 'p'), START_MS);
    await again.close();
  });

  test(`J-13 ${name}: the room that is left is told in hours, from the rate of the last day`, async () => {
    const clock = new HandClock();
    const journal = await journalOn(await openStore('j13'), clock, 100_000);
    assert.equal(journal.room().autonomyHours, null);
    for (let hour = 0; hour < 12; hour++) {
      clock.wallMs = START_MS + hour * HOUR_MS;
      await journal.append(entryOf({ groups: rowsOf(5, clock.wallMs), readAtMs: clock.wallMs }));
    }
    const { octetsPerHour, autonomyHours, pendingOctets } = journal.room();
    assert.ok(octetsPerHour !== null && Math.abs(octetsPerHour - pendingOctets / 11) < 1);
    assert.ok(autonomyHours !== null && Math.abs(autonomyHours - (100_000 - pendingOctets) / octetsPerHour) < 1e-6);
    await journal.close();
  });

  test(`J-13 ${name}: a block that was read at 2038 by a wrong clock does not end the rate`, async () => {
    const clock = new HandClock();
    let quality: ClockQuality = 'rtc';
    const common = { clock, random: seeded, sha256, clockQuality: () => quality };
    const journal = await openJournal({ store: await openStore('j13-ahead'), ...common });
    clock.wallMs = Date.UTC(2038, 0, 19);
    await journal.append(entryOf({ records: [logRecord('ahead')], readAtMs: clock.wallMs }));
    quality = 'collector';
    for (let hour = 0; hour < 12; hour++) {
      clock.wallMs = START_MS + hour * HOUR_MS;
      await journal.append(entryOf({ groups: rowsOf(5, clock.wallMs), readAtMs: clock.wallMs }));
    }
    assert.ok((journal.room().octetsPerHour ?? 0) > 0);
    await journal.close();
  });
}
