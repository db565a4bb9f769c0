/** Bounds of the journal, each with its reason. */

/** Octets that are staged before a flush: with header and watermarks it stays within one block of 4,096. */
export const FLUSH_OCTETS = 3500;
/** Unacknowledged octets of lane 2 above which fresh rows go to lane 3: two flushes of one full block each. */
export const FRESH_MAX_PENDING_OCTETS = 2 * 4096;
/** An entry is no older than this when it is stored, unless the clock was set meanwhile: the longest `flushS`. */
export const STAGED_MAX_MS = 3_600_000;
/** A keyframe group ends after so much time, so that a reader never decodes more than a day to get at one row. */
export const KEYFRAME_MAX_AGE_MS = 86_400_000;
/** A keyframe group ends after so many blocks: bounds what a restart decodes and what one lost block can take along. */
export const KEYFRAME_MAX_BLOCKS = 64;
/** Acknowledged groups are kept this long, so that a collector restored from a backup gets them again. */
export const RETENTION_MS = 14 * 86_400_000;
/** Share of the quota that acknowledged groups may take. */
export const RETENTION_QUOTA_SHARE = 0.5;
/** Quota when none is configured: months of 200 meters. */
export const QUOTA_DEFAULT_OCTETS = 256 * 1024 * 1024;
/** Blocks that one clean-up deletes at most; the rest waits for the next append, so that no append takes long. */
export const DELETE_MAX_BLOCKS = 512;
/** Blocks that one read returns at most, however small they are. */
export const READ_MAX_BLOCKS = 256;
/** Names of watermarks on one line: 1,000 meters with eight jobs each. */
export const WATERMARKS_MAX_PER_LINE = 8192;
/** Characters of a kept key. */
export const KEPT_KEY_MAX_CHARACTERS = 200;
/** Octets of a kept value: a command with its result. */
export const KEPT_VALUE_MAX_OCTETS = 64 * 1024;
/** Rows of one entry: a catch-up hands in slices, not months. */
export const ENTRY_MAX_ROWS = 65_536;
/** Rows that may be staged: a flush starts at once when short rows reach it before they reach the octets. */
export const STAGE_MAX_ROWS = 16_384;
/** Pushed rows that are held while the journal cannot be written: days of a customer port at a row a quarter-hour; the oldest give way. */
export const HELD_MAX_ROWS = 8_192;
/** Records that may be staged; while the journal cannot be written the oldest ones are dropped. */
export const STAGE_MAX_RECORDS = 1024;
/** Eviction goes on until so much of the quota is free, so that it does not come with every append. */
export const EVICT_FREE_SHARE = 0.05;
/** Blocks that one eviction takes from one lane at most: one tombstone, one batch of bounded size. */
export const EVICT_MAX_BLOCKS = 512;
/** Entries of the list of intervals to be read again: 1,000 meters with eight groups each; more are dropped and counted. */
export const REREAD_MAX = 8192;
/** Deleted octets after which the store is told to give its space back. */
export const COMPACT_MIN_OCTETS = 8 * 1024 * 1024;
/** The rate of appending is that of the blocks read in this time before the newest one. */
export const RATE_WINDOW_MS = 86_400_000;
/** A rate measured over less time than this says little: a first flush is no stream. */
export const RATE_MIN_SPAN_MS = 3_600_000;
/** How far beyond its neighbours the rows of an unreadable block may reach: a day, the longest that one group collects. */
export const UNREADABLE_MARGIN_MS = 86_400_000;
/** Damaged stores that are kept for a look: each may be as large as the quota. */
export const SET_ASIDE_MAX = 1;
