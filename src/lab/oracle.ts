/**
 * The oracle: a full outer join of what the meters produced (ledger) and what the collector holds (store).
 *
 * It knows neither edge nor wire: it compares keys (meter, OBIS, interval length, time) and values after scaling, and
 * reports four numbers that must be 0 0 0 0, with the first few keys behind each so that a person can look.
 */
import { type ExactInteger, sameScaled } from '../model/number.ts';

/** A value with its key, from either side. */
export interface OracleEntry {
  readonly meterId: string;
  /** `A-B:C.D.E*F`. */
  readonly obis: string;
  readonly intervalS: number;
  /** Interval end or capture time, UTC ms. */
  readonly atMs: number;
  readonly value: ExactInteger;
  readonly exponent: number;
  readonly unit: string;
}

/** The four numbers, with what they were counted from. */
export interface Verdict {
  /** Values in the ledger. */
  readonly produced: number;
  /** Distinct keys in the store. */
  readonly stored: number;
  /** In the ledger, not in the store. */
  readonly lost: number;
  /** Stored more than once under one key. */
  readonly duplicated: number;
  /** Stored with another value or unit. */
  readonly altered: number;
  /** In the store, not in the ledger. */
  readonly invented: number;
  /** The first few offending keys, in words. */
  readonly samples: readonly string[];
}

const SAMPLES_MAX = 20;

/** Adds up channel by channel, so that memory holds one channel at a time. */
export class Oracle {
  #produced = 0;
  #stored = 0;
  #lost = 0;
  #duplicated = 0;
  #altered = 0;
  #invented = 0;
  readonly #samples: string[] = [];

  /** Joins one channel: all entries of both sides must have the same meter, OBIS and interval length. */
  join(ledger: Iterable<OracleEntry>, store: Iterable<OracleEntry>): void {
    const wanted = new Map<number, OracleEntry>();
    for (const entry of ledger) {
      const earlier = wanted.get(entry.atMs);
      if (earlier !== undefined && !sameScaled(earlier.value, earlier.exponent, entry.value, entry.exponent)) {
        throw new Error(`ledger contradicts itself at ${keyOf(entry)}: the simulator is broken`);
      }
      wanted.set(entry.atMs, entry);
    }
    this.#produced += wanted.size;
    const seen = new Set<number>();
    for (const entry of store) this.#meet(entry, wanted.get(entry.atMs), seen);
    this.#stored += seen.size;
    for (const entry of wanted.values()) {
      if (seen.has(entry.atMs)) continue;
      this.#lost++;
      this.#sample('lost', entry);
    }
  }

  #meet(entry: OracleEntry, wanted: OracleEntry | undefined, seen: Set<number>): void {
    if (seen.has(entry.atMs)) {
      this.#duplicated++;
      this.#sample('duplicated', entry);
      return;
    }
    seen.add(entry.atMs);
    if (wanted === undefined) {
      this.#invented++;
      this.#sample('invented', entry);
    } else if (entry.unit !== wanted.unit || !sameScaled(entry.value, entry.exponent, wanted.value, wanted.exponent)) {
      this.#altered++;
      this.#sample(`altered (ledger ${wanted.value}e${wanted.exponent} ${wanted.unit})`, entry);
    }
  }

  #sample(what: string, entry: OracleEntry): void {
    if (this.#samples.length < SAMPLES_MAX) this.#samples.push(`${what}: ${keyOf(entry)}`);
  }

  /** What was found so far. */
  verdict(): Verdict {
    return {
      produced: this.#produced,
      stored: this.#stored,
      lost: this.#lost,
      duplicated: this.#duplicated,
      altered: this.#altered,
      invented: this.#invented,
      samples: [...this.#samples],
    };
  }
}

/** Groups entries by channel: meter, OBIS and interval length. */
export function byChannel<Entry extends Pick<OracleEntry, 'meterId' | 'obis' | 'intervalS'>>(
  entries: Iterable<Entry>,
): Map<string, Entry[]> {
  const channels = new Map<string, Entry[]>();
  for (const entry of entries) {
    const key = `${entry.meterId} ${entry.obis} ${entry.intervalS}`;
    const channel = channels.get(key);
    if (channel === undefined) channels.set(key, [entry]);
    else channel.push(entry);
  }
  return channels;
}

/** Joins everything at once: for small runs. */
export function judge(ledger: Iterable<OracleEntry>, store: Iterable<OracleEntry>): Verdict {
  const produced = byChannel(ledger);
  const stored = byChannel(store);
  const oracle = new Oracle();
  for (const key of new Set([...produced.keys(), ...stored.keys()])) {
    oracle.join(produced.get(key) ?? [], stored.get(key) ?? []);
  }
  return oracle.verdict();
}

/** Whether the run is clean: something was produced and the four are zero. */
export function isClean(verdict: Verdict): boolean {
  return (
    verdict.produced > 0 &&
    verdict.lost === 0 &&
    verdict.duplicated === 0 &&
    verdict.altered === 0 &&
    verdict.invented === 0
  );
}

function keyOf(entry: OracleEntry): string {
  const time = new Date(entry.atMs).toISOString();
  return `${entry.meterId} ${entry.obis} ${entry.intervalS} s ${time} = ${entry.value}e${entry.exponent} ${entry.unit}`;
}
