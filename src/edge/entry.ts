/** Entries of the journal that say little: most of them keep a value or tell an event, and nothing else. */
import type { Entry } from './ports.ts';

/** An entry read at `readAtMs`, UTC ms, with these parts and nothing else; without a line it belongs to the edge as a whole. */
export function entryWith(readAtMs: number, part: Partial<Entry>): Entry {
  return { line: '', groups: [], records: [], watermarks: [], keep: [], readAtMs, ...part };
}
