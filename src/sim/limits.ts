/** Bounds of the simulator. */

/** Households in a file of loads: each costs 280 kB of memory. */
export const HOUSEHOLDS_MAX = 200;

/** Days of one household: three years. */
export const HOUSEHOLD_DAYS_MAX = 1_200;

/** Times that a relay may have been opened: each costs a few operations at every later value. */
export const RELAY_GAPS_MAX = 4_096;

/** Events that a meter adds to its log while it runs; the oldest are forgotten, as in a meter. */
export const LIVE_EVENTS_MAX = 1_024;

/** Rows answered to one read: 40 days of quarter-hours. More is cut off at the newest, as a meter's own buffer would. */
export const BUFFER_ROWS_MAX = 10_000;

/** Octets of the ledger that wait for the disk; a meter answers nothing while more wait. */
export const LEDGER_PENDING_MAX_OCTETS = 64 * 1024 * 1024;

/** Octets of one ledger frame's content: a frame is lost as a whole when power fails inside it. */
export const LEDGER_FRAME_MAX_OCTETS = 4 * 1024 * 1024;

/** Meters on one line: 32 unit loads on RS-485, eight times that with modern transceivers. */
export const METERS_PER_LINE_MAX = 256;

/** Meters in one process: 1,000 need about 60 MB. */
export const FLEET_METERS_MAX = 20_000;

/** Channels of a P1 port: DSMR 5 knows four of M-Bus. */
export const P1_CHANNELS_MAX = 4;

/** Octets that wait on a paced line for their time: more means that the other side reads nothing. */
export const PACED_PENDING_MAX_OCTETS = 1024 * 1024;

/** What meters produced without being read goes into the ledger this often, ms. */
export const RECORD_PERIOD_MS = 10_000;

/** Captures are cut into pieces of 1 to so many octets. */
export const CAPTURE_PIECE_MAX_OCTETS = 40;

/** Noise before a capture has 0 to so many octets. */
export const NOISE_MAX_OCTETS = 24;

/** Characters of a file of objects: 1,024 objects of 1 kB. */
export const OBJECT_FILE_MAX_CHARACTERS = 1024 * 1024;

/** Objects that a file adds to a meter: a large meter has about 1,000 in all. */
export const OBJECTS_MAX = 1_024;

/** A meter that pushes waits so long for its connection, ms. */
export const PUSH_CONNECT_MS = 10_000;

/** A meter whose push is to be confirmed waits so long for that, ms: the receiver has a disk to wait for. */
export const PUSH_CONFIRM_MS = 10_000;

/** Windows of a Push setup that a client may write: a day of each week has several. */
export const PUSH_WINDOWS_MAX = 32;

/** Elements of the object list of a Push setup that a client may write: more than any capture of a real meter has. */
export const PUSH_OBJECTS_MAX = 128;
