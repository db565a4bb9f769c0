/**
 * Invocation counters of the meters' keys, reserved in the journal ahead of use: a power cut loses up to a block of numbers
 * and never repeats one. At each start a few blocks are left out, for a flipped bit may take reservations with it.
 *
 * A key whose counter is not in the journal, or is an older one than the last life of the edge began with, begins at its ceiling, a
 * second note in a file of its own (counter-notes.ts). One that has none (a new key, or a new state folder) begins at the seconds since 2020. Known weak point: a state folder that is
 * gone as a whole, and a meter that was asked more than once a second since then; it refuses the old number, says the one it
 * expects, and the counter moves there, never back. A counter that was taken over from a damaged store may be an old one: it
 * begins no lower than a lost one, and the meter is asked as for one.
 */

import { toHex } from '../../base/bytes.ts';
import type { Env } from '../../base/env.ts';
import { assert } from '../../base/errors.ts';
import { COUNTER_BLOCK, CounterReceiver, CounterSender, Dialect } from '../../dlms/index.ts';
import { entryWith } from '../entry.ts';
import { edgeError } from '../errors.ts';
import { keptNumberOctets, keptNumberOf } from '../kept-number.ts';
import { CLOCK_FLOOR_MS, COUNTER_LEAP_BLOCKS, COUNTER_PREFIX } from '../limits.ts';
import type { Journal, Meter, MeterSecurity } from '../ports.ts';
import type { CounterNotes } from './counter-notes.ts';

/** Both counters of a key, and how the meter reads the standard. */
export interface KeyCounters {
  readonly own: CounterSender;
  readonly peers: CounterReceiver;
  readonly dialect: Dialect;
}

/** Whose key it is: a meter's, or that of all stations of a line. */
type Owner = Pick<Meter, 'meterId' | 'line'>;
type KeyTold = Pick<MeterSecurity, 'keyPrint' | 'firstCounter' | 'dialect'>;

interface Held extends KeyCounters {
  /** The first number of this life. */
  readonly from: number;
  /** Whether the meter should be asked for its counter before ours is used. */
  isUnknown: boolean;
}

interface Waiting {
  readonly own: CounterSender;
  readonly from: number;
  readonly line: string;
}

/** 2020-01-01, UTC ms. */
const EPOCH_MS = 1_577_836_800_000;

/** The counters of all meters of this edge. */
export class MeterCounters {
  readonly #held = new Map<string, Held>();
  readonly #journal: Pick<Journal, 'kept' | 'append'>;
  readonly #clock: Env['clock'];
  /** Counters that want a block, and the write that will bring it to all of them. */
  readonly #waiting = new Map<string, Waiting>();
  #next: Promise<void> | null = null;
  /** Writes come one after the other. */
  #tail: Promise<void> = Promise.resolve();

  /** Without `notes` what the journal lost begins like a new key. */
  constructor(
    journal: Pick<Journal, 'kept' | 'append'>,
    clock: Env['clock'],
    private readonly notes: CounterNotes | null = null,
  ) {
    this.#journal = journal;
    this.#clock = clock;
  }

  /** The counters of a meter's key, with numbers reserved. Rejects with JOURNAL_*, and READER_CLOCK_UNSET for a new key. */
  async of(meter: Owner, security: KeyTold): Promise<KeyCounters> {
    const key = keyOf(meter, security);
    const held = this.#held.get(key) ?? (await this.#load(key, security));
    if (held.own.isLow) await this.reserve(meter, security);
    return held;
  }

  /**
   * The counters of one key begin no lower than those of another key of the same meter have come: some meters keep theirs
   * over a change of keys. Rejects as {@link of} does.
   */
  async follow(meter: Meter, security: MeterSecurity, known: MeterSecurity): Promise<void> {
    const { own: older } = await this.of(meter, known);
    const { own } = await this.of(meter, security);
    const floor = older.reservation(0);
    if (own === older || own.next >= floor) return;
    own.raise(floor - 1, floor);
    await this.reserve(meter, security);
  }

  async #load(key: string, { firstCounter, dialect }: KeyTold): Promise<Held> {
    const stored = await this.#journal.kept(key);
    const kept = stored === undefined ? null : keptNumberOf(stored);
    const afterLoss = (await this.notes?.beginAfterLoss(key, kept?.isSalvaged === false ? kept.value : null)) ?? null;
    // Somebody else may have loaded it meanwhile: there is one counter for a key.
    const other = this.#held.get(key);
    if (other !== undefined) return other;
    const isUnknown = kept === null || kept.isSalvaged || afterLoss !== null;
    const next = Math.max(
      kept === null ? 0 : nextAfter(key, kept.value),
      isUnknown ? this.#beginning(firstCounter, afterLoss) : 0,
    );
    // Noted in the same turn as the look above: two counters of one key would send the same number.
    const counters = { own: new CounterSender(next), peers: new CounterReceiver(), dialect: new Dialect(dialect) };
    const held = { ...counters, from: next, isUnknown };
    this.#held.set(key, held);
    return held;
  }

  #beginning(firstCounter: number, afterLoss: number | null): number {
    if (afterLoss !== null) return Math.max(firstCounter, afterLoss);
    const nowMs = this.#clock.nowMs();
    if (nowMs < CLOCK_FLOOR_MS) throw edgeError('READER_CLOCK_UNSET', 'the first invocation counter of a key');
    return Math.max(firstCounter, Math.floor((nowMs - EPOCH_MS) / 1000));
  }

  /**
   * Stores the next block, then lets it be used. Reservations that come while one is being stored go together into the
   * next batch: a thousand meters that are asked at once cost a few synced writes, not a thousand.
   */
  reserve(meter: Owner, security: KeyTold): Promise<void> {
    const key = keyOf(meter, security);
    const held = this.#held.get(key);
    if (held === undefined || !held.own.isLow) return Promise.resolve();
    this.#waiting.set(key, { own: held.own, from: held.from, line: meter.line });
    if (this.#next !== null) return this.#next;
    const next = this.#tail.then(() => this.#store());
    this.#next = next;
    this.#tail = next.catch(() => undefined);
    return next;
  }

  async #store(): Promise<void> {
    // One that was asked for twice while it was being stored has its block.
    const batch = [...this.#waiting].filter(([, { own }]) => own.isLow);
    this.#waiting.clear();
    this.#next = null;
    const bounds = batch.map(([key, { own, from }]) => ({ key, own, from, bound: own.reservation() }));
    const [first] = batch;
    if (first === undefined) return;
    const keep = bounds.map(({ key, bound }) => ({
      key,
      value: keptNumberOctets({ value: bound, isSalvaged: false }),
    }));
    await this.#journal.append(entryWith(this.#clock.nowMs(), { line: first[1].line, keep }));
    await this.notes?.note(bounds);
    for (const { own, bound } of bounds) own.extend(bound);
  }

  /**
   * The meter refused our number. It moves to the expected one, never back; when none was told, the meter is asked before the
   * next sign-on. Throws SECURITY_COUNTER_JUMP when it is too far.
   */
  refused(meter: Meter, security: MeterSecurity, expected: number | null): void {
    const held = this.#held.get(keyOf(meter, security));
    if (held === undefined) return;
    if (expected === null) held.isUnknown = true;
    else held.own.raise(expected);
  }

  /** Whether the meter should be asked now; told once, so that a meter that does not answer is not asked for ever. */
  takeUnknown(meter: Meter, security: MeterSecurity): boolean {
    const held = this.#held.get(keyOf(meter, security));
    const isUnknown = held?.isUnknown === true;
    if (held !== undefined) held.isUnknown = false;
    return isUnknown;
  }

  /** The meter showed its counter, unauthenticated: ours is raised above it. Rejects with SECURITY_COUNTER_JUMP, JOURNAL_*. */
  async shown(meter: Meter, security: MeterSecurity, counter: number): Promise<void> {
    const held = this.#held.get(keyOf(meter, security));
    if (held === undefined || counter < held.own.next) return;
    held.own.raise(counter);
    await this.reserve(meter, security);
  }
}

/** The first number behind the stored bound. */
function nextAfter(key: string, bound: number): number {
  assert(Number.isSafeInteger(bound), `the stored invocation counter ${key} is a number`);
  // The end of the store's log may have been lost without a trace, and the last reservations with it.
  return bound + COUNTER_LEAP_BLOCKS * COUNTER_BLOCK;
}

/** A new key of the same meter has counters of its own. */
function keyOf({ meterId }: Owner, { keyPrint }: KeyTold): string {
  return `${COUNTER_PREFIX}${meterId}:${toHex(keyPrint)}`;
}
