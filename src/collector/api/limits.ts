/** Bounds of the API. */

/** Largest request body: the longest honest one, a command of 16 objects, is under 2 kB. */
export const BODY_MAX_BYTES = 1_048_576;
/** Longest list of meters: 50,000 rows with three wrapped keys each take about 20 MB. */
export const IMPORT_BODY_MAX_BYTES = 32 * 1_048_576;
/** Addresses of one report of a scan: four full lines; a longer range is reported in parts. */
export const FINDINGS_MAX = 1_000;
/** Longest query or path value; an ISO time has 24 characters, a cursor under 200. */
export const TEXT_MAX_CHARS = 256;
/** Time for the header lines of a request; slower ones are attacks or dead lines (design 8). */
export const HEADERS_TIMEOUT_MS = 3_000;
/** Time for a whole request, body included. */
export const REQUEST_TIMEOUT_MS = 15_000;
/** How often Node looks for requests that are over their time; the default of 30 s would make 3 s a lie. */
export const TIMEOUT_CHECK_MS = 500;
/** An idle connection is closed after this long. */
export const KEEP_ALIVE_MS = 65_000;
/** Items of a page when the caller says nothing. */
export const PAGE_DEFAULT = 100;
/** Largest page of lists. */
export const PAGE_MAX = 1_000;
/** Rows of a page of readings when the caller says nothing: ten days of quarter hours. */
export const READINGS_DEFAULT = 1_000;
/** Largest page of readings: a year of hours, about 200 kB of columns. */
export const READINGS_MAX = 10_000;
/** Rows asked of the store at once while a CSV or NDJSON answer is streamed. */
export const STREAM_ROWS = 2_000;
/** A chunk of a streamed answer: below it the cost of a chunk is above that of its rows. */
export const STREAM_CHUNK_CHARS = 65_536;
/** Without `from`, a range begins this long before `to`. */
export const RANGE_DEFAULT_MS = 86_400_000;
/** Longest range of a query that looks for what is missing: every expected interval in it is looked at. */
export const GAP_RANGE_MAX_MS = 400 * 86_400_000;
/** Changes kept for clients that come back to `/api/v1/stream`; a busy site makes a few a second. */
export const STREAM_RING = 1_000;
/** Open event streams; each holds a socket. */
export const STREAM_CLIENTS = 100;
/** A client of the stream that is this far behind is cut; it comes back with Last-Event-ID. */
export const STREAM_BACKLOG_CHARS = 262_144;
/** Comment lines keep proxies from closing a quiet stream. */
export const HEARTBEAT_MS = 15_000;
/** Objects of one read command: they share one session with the meter. */
export const COMMAND_OBJECTS = 16;
/** Images of firmware that are kept: some for each model of meter; together at most 256 MiB. */
export const IMAGES_MAX = 64;
/** How long a new firmware may be under way when the caller says nothing: on a slow line it takes hours, below all reading. */
export const FIRMWARE_VALID_MS = 7 * 86_400_000;
/** Meters of one order of firmware: a line has no more, and a concentrator takes no more commands at once. */
export const ORDER_METERS_MAX = 250;
/** How long a command may wait when the caller says nothing. */
export const COMMAND_VALID_MS = 5 * 60_000;
/** Shortest and longest wait that a caller may ask for. */
export const COMMAND_VALID_MIN_MS = 10_000;
/** See {@link COMMAND_VALID_MIN_MS}. */
export const COMMAND_VALID_MAX_MS = 7 * 86_400_000;
/** Meters whose gaps the exceptions page looks at; beyond, it says how many it looked at. */
export const EXCEPTION_METERS = 200;
/** Gap queries of the exceptions page under way at once. */
export const EXCEPTION_PARALLEL = 4;
/** Meters scanned for the counts by state. */
export const EXCEPTION_SCAN = 20_000;
/** Items listed for each kind of exception; the number counts them all. */
export const EXCEPTION_ITEMS = 100;
/** The exceptions page is computed at most this often. */
export const EXCEPTION_CACHE_MS = 3_000;
/** An edge that was silent for this long is an exception; blocks of 15-minute data come at least hourly. */
export const EDGE_UNHEARD_MS = 3_600_000;
/** Files of the console kept in memory. */
export const STATIC_FILES = 200;
/** All files of the console together. */
export const STATIC_MAX_BYTES = 16 * 1_048_576;
