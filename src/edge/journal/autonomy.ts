/**
 * How long the journal lasts without a collector, from the rate at which it was filled. Pure.
 *
 * The rate is that of the held blocks of the last day before the newest one, by their own read-at: it needs no memory of
 * its own and survives restarts. Blocks whose time was confirmed go before all others: one that was read at 2038 would be the
 * newest for years.
 */
import type { JournalRoom } from '../ports.ts';
import { type HeldBlock, isTrusted, type LaneBook } from './lane-book.ts';
import { RATE_MIN_SPAN_MS, RATE_WINDOW_MS } from './limits.ts';

const HOUR_MS = 3_600_000;

/** The room of a journal of these lanes. */
export function roomOf(books: Iterable<LaneBook>, quotaOctets: number): JournalRoom {
  const lanes = [...books];
  const pendingOctets = pendingOctetsOf(lanes);
  const octetsPerHour = rateOf(lanes, ({ clockQuality }) => isTrusted(clockQuality)) ?? rateOf(lanes, () => true);
  if (octetsPerHour === null) return { quotaOctets, pendingOctets, octetsPerHour, autonomyHours: null };
  const autonomyHours = Math.max(0, quotaOctets - pendingOctets) / octetsPerHour;
  return { quotaOctets, pendingOctets, octetsPerHour, autonomyHours };
}

/** Octets of the blocks that wait for their acknowledgement. */
export function pendingOctetsOf(books: Iterable<LaneBook>): number {
  let octets = 0;
  for (const book of books) octets += book.pendingOctets;
  return octets;
}

/** Octets an hour of the blocks that count, over the last day before the newest one of them; null while that is too short. */
function rateOf(lanes: readonly LaneBook[], counts: (block: HeldBlock) => boolean): number | null {
  const newestMs = Math.max(...lanes.map(({ held }) => held.findLast(counts)?.readAtMs ?? Number.NEGATIVE_INFINITY));
  let octets = 0;
  let oldestMs = newestMs;
  for (const { held } of lanes) {
    for (let at = held.length - 1; at >= 0; at--) {
      const block = held[at];
      if (block === undefined || !counts(block)) continue;
      if (block.readAtMs < newestMs - RATE_WINDOW_MS) break;
      octets += block.octets;
      oldestMs = Math.min(oldestMs, block.readAtMs);
    }
  }
  const spanMs = newestMs - oldestMs;
  return spanMs >= RATE_MIN_SPAN_MS ? (octets / spanMs) * HOUR_MS : null;
}
