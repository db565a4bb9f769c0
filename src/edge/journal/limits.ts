/** Bounds of the journal, each with its reason. */

/** Octets that are staged before a flush: with header and watermarks it stays within one block of 4,096. */
export const FLUSH_OCTETS = 3500;
/** Unacknowledged octets of lane 2 above which fresh rows go to lane 3: two flushes of one full block each. */
export const FRESH_MAX_PENDING_OCTETS = 2 * 4096;
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
/** Records that may be staged; while the journal cannot be written the oldest ones are dropped. */
export const STAGE_MAX_RECORDS = 1024;
