/** Bounds of the store, each with its reason. */

/** Oldest PostgreSQL that is taken: everything used here exists since 13, and 13 left support in 2025. */
export const POSTGRES_MAJOR_MIN = 13;

/** A fresh cluster is made within this time even on a slow SD card; measured 2 s on a desk. */
export const INITDB_TIMEOUT_MS = 120_000;

/** Asking a binary for its version; a binary that cannot even do this is not used. */
export const VERSION_TIMEOUT_MS = 10_000;

/** Start including crash recovery of at most `max_wal_size` (1 GB) on a slow disk. */
export const START_TIMEOUT_MS = 180_000;

/** Between two tries to connect to a starting server. */
export const START_POLL_MS = 50;

/** Smart stop waits for other clients (an operator's psql) this long, then they are disconnected. */
export const STOP_SMART_MS = 2_000;

/** Fast stop rolls back and writes a checkpoint; beyond this the server is stopped at once and recovers at its next start. */
export const STOP_FAST_MS = 20_000;

/** Immediate stop; beyond this the process is killed, which is as safe and as slow to recover. */
export const STOP_IMMEDIATE_MS = 5_000;

/** Words of the server that are kept for an error message. */
export const SERVER_LINES_KEPT = 20;

/** Path of a Unix socket, `sun_path` is 108 octets; PostgreSQL adds `/.s.PGSQL.5432`. */
export const SOCKET_FOLDER_MAX_CHARACTERS = 90;

/** Connections of one collector: ingest, fold and queries side by side, and far from the server's 100. */
export const POOL_CONNECTIONS = 12;

/** Connections for appends: commits of several edges side by side share one flush of the log. */
export const APPEND_CONNECTIONS = 8;

/** A statement that runs longer is stuck: the transaction is given up and tried again. */
export const STATEMENT_TIMEOUT_MS = 60_000;

/** Waiting for a connection of the pool or of the network. */
export const CONNECT_TIMEOUT_MS = 10_000;

/** Versions of one channel in one day block: a value a second (86,400), each read ten times. A higher count is a broken block. */
export const DAY_VERSIONS_MAX = 1_000_000;

/** Expected intervals that one gap query looks at per channel: a year of quarter-hours and a spare; older ones are left out. */
export const GAP_INTERVALS_MAX = 40_000;

/** Unfolded blocks of a lane that a read decodes; beyond this the edge is folded first. At most 4 kB each. */
export const TAIL_MAX_BLOCKS = 64;

/** Blocks of one fold transaction: about a day of 200 meters, some 50,000 values in memory. */
export const FOLD_MAX_BLOCKS = 64;

/** Lanes whose tails are remembered: an edge has three, and a console looks at few hundred edges at a time. */
export const TAIL_MAX_LANES = 1024;

/** Days read at a time when a range is long and the page short. */
export const QUERY_CHUNK_DAYS = 62;

/** First day with a partition of its own (2000-01-01) and how far into the future: clocks are wrong by more than that. */
export const PARTITION_FIRST_DAY = 10_957;
/** See {@link PARTITION_FIRST_DAY}. */
export const PARTITION_AHEAD_DAYS = 7;
