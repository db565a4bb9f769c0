/**
 * Which blocks that nobody acknowledged go when the journal is full: whole keyframe groups, one kind of data after the
 * other, oldest first. Alarms and command results go only when nothing else is left; the group that is being written stays.
 */
import { LANES, type Lane } from '../../wire/lanes.ts';
import type { TombstoneCause } from '../../wire/tombstone.ts';
import { EVICTION_ORDER, type EvictionClass } from '../eviction-order.ts';
import { type HeldBlock, type LaneBook, wasReadBefore } from './lane-book.ts';
import { EVICT_FREE_SHARE, EVICT_MAX_BLOCKS } from './limits.ts';

const LANES_OF: Readonly<Record<EvictionClass, readonly Lane[]>> = {
  logs: [LANES.logs],
  'low-value': [LANES.lowValue],
  oldest: [LANES.fresh, LANES.backfill, LANES.lowValue, LANES.logs],
};

/** Blocks of one lane that become one tombstone: consecutive entries of `held` from index `at` on. */
export interface Eviction {
  readonly lane: Lane;
  readonly at: number;
  readonly blocks: readonly HeldBlock[];
  readonly cause: TombstoneCause;
}

/** The rules that a journal was given. */
export interface EvictionRules {
  readonly quotaOctets: number;
  readonly order: readonly EvictionClass[];
  /** Unacknowledged groups certainly read before this are given up, UTC ms; null = age does not count. */
  readonly keepFromMs: number | null;
}

/**
 * The first stretch of a lane that may go: whole groups of one dictionary behind the tombstones at its start, up to
 * `octets`, and the tombstone right before them, so that tombstones do not pile up.
 */
function oldestStretch(book: LaneBook, octets: number, isDue: (at: number) => boolean): Omit<Eviction, 'cause'> | null {
  const { held, lane } = book;
  const start = held.findIndex((block) => block.tombstone === undefined);
  const first = held[start];
  if (first === undefined) return null;
  let end = start;
  let taken = 0;
  while (taken < octets && end - start < EVICT_MAX_BLOCKS) {
    const keyframe = held[end]?.keyframe;
    let after = end;
    while (after < held.length && held[after]?.keyframe === keyframe) after++;
    const group = held.slice(end, after);
    const last = group.at(-1);
    // Of the open group the next block may still be part.
    if (last === undefined || after >= held.length || last.tombstone !== undefined) break;
    if (last.dictionaryHash !== first.dictionaryHash || !isDue(after - 1)) break;
    for (const block of group) taken += block.octets;
    end = after;
  }
  if (end === start) return null;
  const before = held[start - 1];
  const joins = before !== undefined && before.dictionaryHash === first.dictionaryHash && before.sequence > book.acked;
  const at = joins ? start - 1 : start;
  return { lane, at, blocks: held.slice(at, end) };
}

/** What must go so that `wantedOctets` more fit, as one step; null when nothing must or can. Ask again after it was done. */
export function planEviction(
  books: ReadonlyMap<Lane, LaneBook>,
  rules: EvictionRules,
  wantedOctets: number,
): Eviction | null {
  const { keepFromMs, quotaOctets } = rules;
  if (keepFromMs !== null) {
    for (const book of books.values()) {
      const stretch = oldestStretch(book, Number.POSITIVE_INFINITY, (at) => wasReadBefore(book.held, at, keepFromMs));
      if (stretch !== null) return { ...stretch, cause: 'age' };
    }
  }
  let octets = wantedOctets;
  for (const book of books.values()) octets += book.heldOctets;
  if (octets <= quotaOctets) return null;
  const excess = octets - quotaOctets * (1 - EVICT_FREE_SHARE);
  const orders = [...rules.order, ...EVICTION_ORDER.filter((each) => !rules.order.includes(each))];
  for (const lanes of [...orders.map((each) => LANES_OF[each]), [LANES.alarms, LANES.results]]) {
    const stretches = lanes.flatMap((lane) => {
      const book = books.get(lane);
      const stretch = book === undefined ? null : oldestStretch(book, excess, () => true);
      return stretch === null ? [] : [stretch];
    });
    const readAtMs = (stretch: Omit<Eviction, 'cause'>) => stretch.blocks.at(-1)?.readAtMs ?? 0;
    const oldest = stretches.sort((a, b) => readAtMs(a) - readAtMs(b))[0];
    if (oldest !== undefined) return { ...oldest, cause: 'quota' };
  }
  return null;
}
