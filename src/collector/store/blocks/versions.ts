/**
 * Versions of readings inside the store: union by identity, order, and what a reader sees of them.
 *
 * The store keeps every version that came, also those of equal value, so a merge is a plain set union: order of arrival,
 * repetition and replay cannot matter. "Equal value changes nothing" is applied when reading: neighbours of equal value, in
 * the order of versions, count as one, the first of them. (Dropping them on arrival would make the result depend on which
 * of two lanes was folded first.)
 */

import type { EdgeId } from '../../../model/ids.ts';
import type { ExactInteger } from '../../../model/number.ts';
import { sameScaled } from '../../../model/number.ts';
import type { Quality, Source } from '../../../model/reading.ts';

/** The journal block a version came from: shared by all rows of the block. */
export interface Visit {
  readonly edgeId: EdgeId;
  /** 16 hex digits. */
  readonly epoch: string;
  readonly lane: number;
  readonly sequence: number;
  /** When the edge had read the rows, UTC ms. */
  readonly readAtMs: number;
  /** When the collector had committed the block, UTC ms. */
  readonly knownAtMs: number;
}

/** What a channel's integers mean. */
export interface Scale {
  readonly exponent: number;
  readonly unit: string;
}

/** One version of one reading of a channel. */
export interface Version {
  /** Interval end or capture time, UTC ms. */
  readonly atMs: number;
  readonly value: ExactInteger;
  readonly scale: Scale;
  readonly status: Uint8Array;
  readonly quality: Quality;
  readonly deviationMin: number | null;
  readonly source: Source;
  readonly visit: Visit;
  /** Index of the row in the block. */
  readonly index: number;
}

/** What a reader sees of one key: the version that counts, and how many there are. */
export interface Settled {
  readonly version: Version;
  /** Versions of different value, 1 and up. */
  readonly versions: number;
}

/** Order of the versions of one key: (read-at, epoch, lane, sequence, index), never by arrival. */
export function compareVersions(a: Version, b: Version): number {
  return (
    a.visit.readAtMs - b.visit.readAtMs ||
    compareText(a.visit.epoch, b.visit.epoch) ||
    a.visit.lane - b.visit.lane ||
    a.visit.sequence - b.visit.sequence ||
    a.index - b.index ||
    compareText(a.visit.edgeId, b.visit.edgeId)
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareInTime(a: Version, b: Version): number {
  return a.atMs - b.atMs || compareVersions(a, b);
}

/**
 * Union of two lists by identity, in order of time and version. Of two copies of one version the one that was known
 * first stays, so a replay after a restore does not make a reading younger.
 */
export function mergeVersions(a: readonly Version[], b: readonly Version[]): readonly Version[] {
  if (b.length === 0 && isMerged(a)) return a;
  const [first, last] = [b[0], a.at(-1)];
  // The common case: what is new lies behind what is stored.
  const appends = first !== undefined && (last === undefined || compareInTime(last, first) < 0);
  if (appends && isMerged(a) && isMerged(b)) return [...a, ...b];
  const sorted = [...a, ...b].sort((x, y) => compareInTime(x, y) || x.visit.knownAtMs - y.visit.knownAtMs);
  return sorted.filter((version, at) => {
    const before = sorted[at - 1];
    return before === undefined || compareInTime(before, version) !== 0;
  });
}

/** Whether the list is in order, every identity once. */
function isMerged(versions: readonly Version[]): boolean {
  for (let at = 1; at < versions.length; at++) {
    if (compareInTime(versions[at - 1] as Version, versions[at] as Version) >= 0) return false;
  }
  return true;
}

/** Neighbours of equal value count as one: the versions of one key (sorted) as a reader sees them. */
function distinctVersions(ofKey: readonly Version[], asOfMs = Number.POSITIVE_INFINITY): Version[] {
  const distinct: Version[] = [];
  for (const version of ofKey) {
    if (version.visit.knownAtMs > asOfMs) continue;
    const last = distinct.at(-1);
    const same =
      last !== undefined &&
      last.scale.unit === version.scale.unit &&
      sameScaled(last.value, last.scale.exponent, version.value, version.scale.exponent);
    if (!same) distinct.push(version);
  }
  return distinct;
}

/** The reading that counts, for each time of a sorted list; with `all`, each version of it. */
export function settle(versions: readonly Version[], asOfMs?: number, all = false): Settled[] {
  const settled: Settled[] = [];
  for (let from = 0; from < versions.length; ) {
    const version = versions[from] as Version;
    let below = from + 1;
    while (versions[below]?.atMs === version.atMs) below++;
    if (below === from + 1) {
      // Nearly always a time has one version.
      if (asOfMs === undefined || version.visit.knownAtMs <= asOfMs) settled.push({ version, versions: 1 });
    } else {
      const distinct = distinctVersions(versions.slice(from, below), asOfMs);
      const shown = all ? distinct : distinct.slice(-1);
      for (const one of shown) settled.push({ version: one, versions: distinct.length });
    }
    from = below;
  }
  return settled;
}

const DAY_MS = 86_400_000;

/** The day block of an interval end or capture time: floor((ms - 1) / 86,400,000). */
export function dayOf(atMs: number): number {
  return Math.floor((atMs - 1) / DAY_MS);
}
