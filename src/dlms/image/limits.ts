/** Bounds of an image transfer. */

/** Octets of an image: firmware of meters is 100 kB to 1 MB; a concentrator keeps it in memory while it is sent. */
export const IMAGE_MAX_OCTETS = 4_194_304;

/** Blocks of an image: 4 MiB in blocks of 64 octets; the bitmap of them is 8 KiB. */
export const IMAGE_BLOCKS_MAX = 65_536;

/** Between two looks at the status. In use: 10 s. */
export const STATUS_POLL_MS = 10_000;

/** A meter has so long to prepare for an image. In use: 60 s. */
export const INITIATE_MAX_MS = 60_000;

/** A meter has so long to verify an image. In use: 60 s; large images over slow flash take minutes. */
export const VERIFY_MAX_MS = 300_000;

/** A meter has so long to activate an image: it restarts meanwhile and does not answer. */
export const ACTIVATE_MAX_MS = 900_000;

/** A block that a meter cannot take for the moment is sent again after this. */
export const BLOCK_RETRY_MS = 1_000;

/** Times that one block may meet a temporary failure: a flash page takes less than a second. */
export const BLOCK_RETRIES_MAX = 30;

/** Times that a method may be sent again after the meter's state has shown that it was not carried out. */
export const METHOD_ATTEMPTS_MAX = 3;

/** Rounds of repair in a row that may leave as many blocks missing as there were. */
export const REPAIR_ROUNDS_MAX = 3;

/** Share of the blocks that a meter must miss to wait for a broadcast: below it sending them alone costs less than what all wait. */
export const BROADCAST_MISSING_SHARE = 0.25;

/** First wait after a lost answer; it doubles while answers stay away. */
export const LOST_WAIT_MIN_MS = 5_000;

/** Longest of these waits. */
export const LOST_WAIT_MAX_MS = 900_000;
