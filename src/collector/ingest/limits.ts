/** Bounds of ingest, each with its reason. */

/** Credit of one edge: ten seconds of the fastest uplinks seen (200 kbit/s), and what one transaction takes easily. */
export const EDGE_CREDIT_OCTETS = 256 * 1024;

/** Credit that is left when memory is short: two blocks, so that every edge still moves. */
export const EDGE_CREDIT_MIN_OCTETS = 8 * 1024;

/** Octets that wait in all queues together before credit shrinks to the minimum: 12,000 edges with a block each are 48 MB. */
export const QUEUED_MAX_OCTETS = 128 * 1024 * 1024;

/** A commit that takes longer than this lessens the credit of all edges: a round trip of a busy disk. */
export const COMMIT_GOAL_MS = 250;

/** Weight of the newest commit: some twenty of them make the measure. */
export const COMMIT_SMOOTHING = 0.1;

/** Batches that are stored at once: connections of the store, less some for readers. */
export const BATCHES_AT_ONCE = 8;

/** Credits that wait for one edge; an honest one stays within one, more is dropped unacknowledged. */
export const EDGE_QUEUED_CREDITS = 2;

/** Messages that wait for one edge: bounds many tiny ones. */
export const EDGE_QUEUED_MAX_MESSAGES = 512;

/** Octets of blocks in one transaction: long enough to spread the cost of a commit, short enough for an alarm behind it. */
export const TRANSACTION_MAX_OCTETS = 256 * 1024;

/** The same while other edges wait for their turn: eight blocks, so that shares are even within seconds, not minutes. */
export const CONTENDED_TRANSACTION_MAX_OCTETS = 32 * 1024;

/** Batches over which acks wait for those of other lanes while more blocks wait. */
export const ACKS_HELD_BATCHES = 2;

/** Lost races against another writer before the batch is given up; the edge sends it again. */
export const APPEND_TRIES = 3;

/** Known dictionaries that are remembered per edge; a change of one is rare. */
export const DICTIONARIES_REMEMBERED = 64;

/** First and longest pause between two tries to reach the broker. */
export const RECONNECT_MIN_MS = 500;
/** See {@link RECONNECT_MIN_MS}. */
export const RECONNECT_MAX_MS = 30_000;

/** How long the answer to "may the database acknowledge?" stands. */
export const SAFETY_CHECK_MS = 60_000;

/** Keep-alive towards the broker, which is near. */
export const KEEP_ALIVE_S = 30;

/** CONNECT to CONNACK. */
export const CONNECT_TIMEOUT_MS = 10_000;

/** An edge is not called for hello again before this: its answer may be on its way. */
export const HELLO_RECALL_MS = 10_000;
/** Edges that are called for hello before the next pause: their hellos come back within seconds. */
export const HELLO_CALLS_AT_ONCE = 20;
/** The pause: a fleet of 5,000 is called within a minute. */
export const HELLO_CALL_PAUSE_MS = 200;
/** Calls that are remembered; who is forgotten may be called again too early. */
export const HELLO_CALLS_REMEMBERED = 16_384;

/** A full inbox is told in health for so long after the last stranger that found no place. */
export const INBOX_FULL_TOLD_MS = 3_600_000;
/** An edge whose epochs alternate is told to people once in this time: two devices throw each other off by the second. */
export const RETURN_TOLD_MS = 3_600_000;
