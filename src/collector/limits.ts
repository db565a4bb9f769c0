/** Bounds of the collector as a whole. */

/** Journal blocks of one fold transaction run; more are folded in the next one, so a stop never waits long. */
export const FOLD_BLOCKS_MAX = 2_000;

/** A block waits this long for its fold, so a meter's day is written three times; reads do not wait for it. */
export const FOLD_AGE_MS = 8 * 3_600_000;

/** Folded journal blocks are kept as evidence and to tell clones: as long as concentrators keep theirs. */
export const JOURNAL_KEPT_MS = 14 * 86_400_000;

/** Unknown concentrators that may wait in the inbox: each holds a row, and a person looks at them. */
export const INBOX_MAX = 1_000;

/** Entries of one concentrator that may be waiting to be read again: 1,000 meters with four groups; more is left out, as a gap. */
export const REREADS_OPEN_MAX = 4096;

/** An order to read again that was not answered is said again after this; it is also said after each hello. */
export const REREAD_REPEAT_MS = 6 * 3_600_000;
