import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hasCode } from '../../src/base/errors.ts';
import type { Entry, GroupRows, Journal, Watermark } from '../../src/edge/ports.ts';
import { MemoryStore } from '../../src/lab/memory-store.ts';
import type { MeterId } from '../../src/model/ids.ts';
import type { Lane } from '../../src/wire/lanes.ts';
import type { JournalRecord } from '../../src/wire/records.ts';
import { entryOf, flat, HandClock, HOUR_MS, journalOn, logRecord, replay, rowsOf, START_MS } from '../suite/journal.ts';

/** What may happen to a journal. */
type Step =
  | {
      readonly kind: 'append';
      readonly meters: number;
      readonly rows: number;
      readonly low: boolean;
      readonly log: boolean;
    }
  | { readonly kind: 'fail'; readonly how: 'nothing-written' | 'all-written' }
  | { readonly kind: 'acknowledge'; readonly lane: Lane; readonly part: number }
  | { readonly kind: 'rewind'; readonly lane: Lane; readonly part: number }
  | { readonly kind: 'crash'; readonly kept: number }
  | { readonly kind: 'reopen' }
  | { readonly kind: 'later'; readonly hours: number };

const lane = fc.constantFrom<Lane>(2, 3, 4, 5);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      meters: fc.constantFrom(1, 3, 60),
      rows: fc.integer({ min: 1, max: 40 }),
      low: fc.boolean(),
      log: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('fail' as const),
      how: fc.constantFrom('nothing-written' as const, 'all-written' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('acknowledge' as const),
      lane,
      part: fc.double({ min: 0, max: 1.2, noNaN: true }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('rewind' as const),
      lane,
      part: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('crash' as const), kept: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'reopen' }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('later' as const), hours: fc.constantFrom(1, 30, 400) }) },
);

/** The same thing as a few lists: all that was ever stored, in order, by lane. */
class Model {
  readonly rows = new Map<Lane, ReturnType<typeof flat>>([
    [2, []],
    [3, []],
    [4, []],
  ]);
  readonly logs: JournalRecord[] = [];
  readonly watermarks = new Map<string, number>();
  kept: string | undefined;

  store(appended: readonly { readonly lane: Lane }[], entry: Entry): void {
    const billing = entry.groups.filter((group) => group.valueClass === 'billing');
    const low = entry.groups.filter((group) => group.valueClass === 'low-value');
    const used = appended.find((each) => each.lane === 2 || each.lane === 3)?.lane;
    if (used !== undefined) this.rows.get(used)?.push(...flat(billing));
    this.rows.get(4)?.push(...flat(low));
    this.logs.push(...entry.records);
    for (const { meterId, key, atMs } of entry.watermarks) this.watermarks.set(`${meterId} ${key}`, atMs);
    const [kept] = entry.keep;
    if (kept?.value !== undefined) this.kept = new TextDecoder().decode(kept.value);
  }
}

class Run {
  readonly #clock = new HandClock();
  readonly #model = new Model();
  #store = new MemoryStore();
  #journal: Journal | null = null;
  #appends = 0;

  constructor(private readonly quotaOctets: number) {}

  async #open(): Promise<Journal> {
    this.#journal ??= await journalOn(this.#store, this.#clock, this.quotaOctets);
    return this.#journal;
  }

  #entry(part: Step & { kind: 'append' }): Entry {
    this.#appends++;
    const fromMs = START_MS + this.#appends * 10 * HOUR_MS;
    const groups: GroupRows[] = rowsOf(part.meters, fromMs, part.low ? 'low-value' : 'billing', part.rows);
    const watermarks: Watermark[] = groups.map(({ group }) => ({
      meterId: group.meterId as MeterId,
      key: 'p',
      atMs: fromMs,
    }));
    const keep = [{ key: 'n', value: new TextEncoder().encode(String(this.#appends)) }];
    const records = part.log ? [logRecord(String(this.#appends))] : [];
    return entryOf({ groups, watermarks, keep, records, readAtMs: this.#clock.wallMs });
  }

  async step(step: Step): Promise<void> {
    const journal = await this.#open();
    const span = (wanted: Lane) => journal.lanes().find((each) => each.lane === wanted);
    switch (step.kind) {
      case 'append': {
        const entry = this.#entry(step);
        this.#model.store(await journal.append(entry), entry);
        return;
      }
      case 'fail': {
        const entry = this.#entry({ kind: 'append', meters: 2, rows: 2, low: false, log: true });
        const lastFresh = span(2)?.last ?? 0;
        const lastLog = span(5)?.last ?? 0;
        this.#store.failNextBatch(step.how);
        await assert.rejects(journal.append(entry), (error) => hasCode(error, 'JOURNAL_WRITE'));
        // In a full journal the batch that failed may have been one that made room.
        if (step.how === 'all-written' && (span(5)?.last ?? 0) > lastLog) {
          const used: Lane = (span(2)?.last ?? 0) > lastFresh ? 2 : 3;
          this.#model.store([{ lane: used }], entry);
        }
        return;
      }
      case 'acknowledge':
        return journal.acknowledge(step.lane, Math.floor((span(step.lane)?.last ?? 0) * step.part));
      case 'rewind':
        return journal.rewind(step.lane, Math.floor((span(step.lane)?.last ?? 0) * step.part));
      case 'crash':
        this.#store.crash(step.kept);
        this.#store = this.#store.reopen();
        this.#journal = null;
        return;
      case 'reopen':
        await journal.close();
        this.#store = this.#store.reopen();
        this.#journal = null;
        return;
      case 'later':
        this.#clock.wallMs += step.hours * HOUR_MS;
        return;
    }
  }

  /** All that is held decodes to the end of what was appended; nothing unacknowledged is missing. */
  async check(): Promise<void> {
    const journal = await this.#open();
    for (const [wanted, rows] of this.#model.rows) {
      const held = (await replay(journal, wanted)).rows;
      assert.deepEqual(held, rows.slice(rows.length - held.length), `lane ${wanted}`);
      const span = journal.lanes().find((each) => each.lane === wanted);
      assert.ok(span && span.first <= span.ackedUpTo + 1);
      const roomy = this.quotaOctets === ROOMY_OCTETS;
      if (roomy && span.first === 1) assert.equal(held.length, rows.length, `all rows of lane ${wanted}`);
    }
    const logs = (await replay(journal, 5)).records;
    assert.deepEqual(logs, this.#model.logs.slice(this.#model.logs.length - logs.length));
    for (const [name, atMs] of this.#model.watermarks) {
      const [meterId, key] = name.split(' ');
      assert.equal(journal.watermark(meterId as MeterId, key ?? ''), atMs, name);
    }
    const kept = await journal.kept('n');
    assert.equal(kept === undefined ? undefined : new TextDecoder().decode(kept), this.#model.kept);
  }
}

/** A quota that no run fills. */
const ROOMY_OCTETS = 200_000;

test('J-20 the journal equals a model after any sequence of appends, failures, acknowledgements, crashes and restarts', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), async (steps) => {
      const run = new Run(ROOMY_OCTETS);
      for (const each of steps) await run.step(each);
      await run.check();
    }),
    { numRuns: 60 },
  );
});

test('J-10 the same in a journal that is full: what it holds is a tail without holes behind tombstones', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 30 }), async (steps) => {
      const run = new Run(6_000);
      for (const each of steps) await run.step(each);
      await run.check();
    }),
    { numRuns: 60 },
  );
});
