/** Bounds of everything that waits or grows in the host room. */

/** Longest delay of one Node timer, 2^31 - 1 ms; longer ones are chained. */
export const TIMER_STEP_MAX_MS = 2_147_483_647;

/** Octets that may wait for one append file; beyond, appends are refused: the disk does not keep up. */
export const APPEND_PENDING_MAX_OCTETS = 64 * 1024 * 1024;

/** Memory of LevelDB's read cache. The journal reads forward, so a small one serves. */
export const STORE_CACHE_OCTETS = 2 * 1024 * 1024;

/** Size of LevelDB's log before it becomes a table: one day of a concentrator with 200 meters, and 1 MB of memory twice. */
export const STORE_WRITE_BUFFER_OCTETS = 1024 * 1024;

/** Files that LevelDB keeps open: 64 tables of 2 MB are a journal of 128 MB; a concentrator has few descriptors. */
export const STORE_OPEN_FILES_MAX = 64;

/** How long a closed socket may take to send what was written before it is destroyed. */
export const LINGER_MS = 2_000;

/** When TCP starts to ask whether a silent peer is still there. */
export const TCP_KEEP_ALIVE_MS = 60_000;

/** Request line and headers of the small HTTP server; scrapers send under 1 kB. */
export const HTTP_HEADER_MAX_OCTETS = 8 * 1024;

/** Time for the headers of a request: whoever needs longer holds a place that others need. */
export const HTTP_HEADERS_TIMEOUT_MS = 3_000;

/** How often Node looks for requests that took too long. */
export const HTTP_CHECK_INTERVAL_MS = 500;

/** Time for a whole request; bodies are not read. */
export const HTTP_REQUEST_TIMEOUT_MS = 5_000;

/** Connections of the small HTTP server: a scraper, a person, a health check, and room. */
export const HTTP_CONNECTIONS_MAX = 32;

/**
 * Messages of one MQTT connection that are with the listener, not yet safe. When full, nothing more is read from the
 * socket and TCP slows the broker down. Enough for a group commit of many small blocks.
 */
export const MQTT_IN_HAND_MAX = 64;

/** How long an orderly MQTT end may take before the socket is destroyed. */
export const MQTT_CLOSE_MS = 1_000;

/** How long a program may take to stop after the first signal before it is ended. */
export const STOP_GRACE_MS = 10_000;

/** Dead octets of the append log beside which the live ones do not matter: below it, rewriting costs more than it frees. */
export const LOG_STORE_DEAD_MIN_OCTETS = 4 * 1024 * 1024;

/** Octets of one frame of the append log: a batch of the journal stays far below; more is a damaged length. */
export const LOG_STORE_FRAME_MAX_OCTETS = 64 * 1024 * 1024;
/** A signal this soon after the first is its echo, passed on by a launcher; no person presses Ctrl-C twice so fast. */
export const STOP_ECHO_MS = 500;

/** TCP connection to end of the TLS handshake: a slow modem takes two or three seconds. */
export const TLS_HANDSHAKE_MS = 15_000;

/** How often an open serial line is looked at for having been pulled out: until then its reads spin. */
export const HANG_UP_LOOK_MS = 250;
/** A serial port that somebody holds is tried so often... */
export const LOCK_TRIES = 10;
/** ...with so long in between. */
export const LOCK_WAIT_MS = 30;

/** How often larger than the damaged table a mended one may be: its keys share nothing, so long keys with short values grow most. */
export const LEVEL_TABLE_GROWTH_MAX = 8;
