/**
 * How long the journal lasts without a collector, from the rate at which it was filled. Pure.
 *
 * The rate is that of the held blocks of the last day before the newest one, by their own read-at: it needs no memory of
 * its own and survives restarts.
 */
import type { JournalRoom } from '../ports.ts';
import type { LaneBook } from './lane-book.ts';
import { RATE_MIN_SPAN_MS, RATE_WINDOW_MS } from './limits.ts';

const HOUR_MS = 3_600_000;

/** The room of a journal of these lanes. */
export function roomOf(books: Iterable<LaneBook>, quotaOctets: number): JournalRoom {
  const lanes = [...books];
  const pendingOctets = lanes.reduce((sum, book) => sum + book.pendingOctets, 0);
  const newestMs = Math.max(...lanes.map((book) => book.held.at(-1)?.readAtMs ?? Number.NEGATIVE_INFINITY));
  let octets = 0;
  let oldestMs = newestMs;
  for (const { held } of lanes) {
    for (let at = held.length - 1; at >= 0; at--) {
      const block = held[at];
      if (block === undefined || block.readAtMs < newestMs - RATE_WINDOW_MS) break;
      octets += block.octets;
      oldestMs = Math.min(oldestMs, block.readAtMs);
    }
  }
  const spanMs = newestMs - oldestMs;
  if (!(spanMs >= RATE_MIN_SPAN_MS)) return { quotaOctets, pendingOctets, octetsPerHour: null, autonomyHours: null };
  const octetsPerHour = (octets / spanMs) * HOUR_MS;
  return {
    quotaOctets,
    pendingOctets,
    octetsPerHour,
    autonomyHours: Math.max(0, quotaOctets - pendingOctets) / octetsPerHour,
  };
}
