/** Bounds of the collector as a whole. */

/** Journal blocks of one fold transaction run; more are folded in the next one, so a stop never waits long. */
export const FOLD_BLOCKS_MAX = 2_000;
