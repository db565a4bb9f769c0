/**
 * Which acknowledged blocks may go: whole keyframe groups, oldest first, when they are older than the retention time or the
 * journal takes more than its share of the quota. Ages count only where the time was confirmed. The group that is still being written stays, acknowledged or not.
 */
import type { Lane } from '../../wire/lanes.ts';
import { type HeldBlock, type LaneBook, wasReadBefore } from './lane-book.ts';
import { DELETE_MAX_BLOCKS, RETENTION_MS, RETENTION_QUOTA_SHARE } from './limits.ts';

/** Blocks of one lane that may be deleted: all held ones up to and including `upTo`. */
export interface Deletion {
  readonly lane: Lane;
  readonly upTo: number;
  readonly blocks: readonly HeldBlock[];
}

/** The oldest keyframe group of a lane when all of it is acknowledged and a later group exists. */
function oldestClosedGroup(book: LaneBook, from: number): readonly HeldBlock[] {
  const start = book.held[from];
  if (start === undefined) return [];
  let end = from;
  while (end < book.held.length && book.held[end]?.keyframe === start.keyframe) end++;
  const last = book.held[end - 1];
  const closed = end < book.held.length && last !== undefined && last.sequence <= book.acked;
  return closed ? book.held.slice(from, end) : [];
}

/** What may be deleted now, at most {@link DELETE_MAX_BLOCKS} blocks and whole groups only; `nowMs` null = nobody knows the time. */
export function planDeletion(books: Iterable<LaneBook>, nowMs: number | null, quotaOctets: number): Deletion[] {
  const lanes = [...books].map((book) => ({ book, gone: 0 }));
  let octets = lanes.reduce((sum, { book }) => sum + book.heldOctets, 0);
  let budget = DELETE_MAX_BLOCKS;
  for (;;) {
    let oldest: { entry: (typeof lanes)[number]; group: readonly HeldBlock[]; readAtMs: number } | null = null;
    for (const entry of lanes) {
      const group = oldestClosedGroup(entry.book, entry.gone);
      const readAtMs = group.at(-1)?.readAtMs;
      if (readAtMs !== undefined && (oldest === null || readAtMs < oldest.readAtMs))
        oldest = { entry, group, readAtMs };
    }
    if (oldest === null || oldest.group.length > budget) break;
    const { book, gone } = oldest.entry;
    const isOld = nowMs !== null && wasReadBefore(book.held, gone + oldest.group.length - 1, nowMs - RETENTION_MS);
    const due = isOld || octets > quotaOctets * RETENTION_QUOTA_SHARE;
    if (!due) break;
    oldest.entry.gone += oldest.group.length;
    budget -= oldest.group.length;
    for (const block of oldest.group) octets -= block.octets;
  }
  return lanes.flatMap(({ book, gone }) => {
    const blocks = book.held.slice(0, gone);
    const last = blocks.at(-1);
    return last === undefined ? [] : [{ lane: book.lane, upTo: last.sequence, blocks }];
  });
}
