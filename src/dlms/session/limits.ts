/** Bounds of sessions, each with its reason. */

/** Requests that may wait in one client session: a register list is one request, so this is many minutes of line time. */
export const REQUEST_QUEUE_MAX = 256;
/** Items in one with-list request; meters' limits differ from 10 to 40, the PDU size usually binds first. */
export const LIST_ITEMS_DEFAULT = 16;
/** Joined octets of one block transfer: a year of quarter-hours with 6 columns is 1.3 MB. */
export const LONG_VALUE_MAX_BYTES = 4_194_304;
/** Long answers that a server keeps for one client whose last block may not have been heard. */
export const ANSWERS_KEPT_MAX = 4;
/** Blocks of one transfer: with blocks of 200 octets it still carries 200 kB, a fortnight of rows over a small PDU. */
export const BLOCKS_MAX = 1_024;
/** One request with all its blocks and repeats is over by then: 188 kB at 1,200 Bd are 26 minutes. */
export const REQUEST_MAX_MS = 3_600_000;
/** Longest APDU a client offers to take; 65,535 would be no limit for a 16-bit wrapper. */
export const CLIENT_PDU_DEFAULT_BYTES = 65_535;
/** Longest APDU a server takes by default: what meters of today offer. */
export const SERVER_PDU_DEFAULT_BYTES = 1_024;
/** A smaller PDU cannot carry a block with useful data; a peer that offers less is refused. */
export const PDU_MIN_BYTES = 64;
/** Octets of a block APDU that are not data: tag, form, invocation, last, number, choice, length of 3 octets and margin. */
export const BLOCK_OVERHEAD_BYTES = 16;
/** Wait for an answer; a data link that repeats frames itself fails earlier and says why. */
export const REQUEST_TIMEOUT_DEFAULT_MS = 30_000;
/** One answer may take this long while octets of it keep coming: 64 KiB at 1,200 Bd are 9 minutes. */
export const ANSWER_MAX_MS = 900_000;
/** Noise during one wait beyond which nothing renews it: more than the longest HDLC frame (2,047 octets) spoilt once. */
export const ANSWER_NOISE_MAX_BYTES = 2_048;
/** Silence after a request over a layer without its own timing, after which a session that should makes way: what HDLC waits. */
export const ANSWER_WINDOW_MS = 2_500;
/** Times a read is asked again over a transport that may lose it. */
export const READ_RETRIES_DEFAULT = 2;
/** Wait for RLRE: meters that never send it must not hold the line. */
export const RELEASE_TIMEOUT_MS = 2_000;
/** Associations that one server keeps at once. */
export const SERVER_ASSOCIATIONS_MAX = 16;
/** Object lists kept: models times firmware versions times clients of one fleet; a list of 300 objects takes about 60 kB. */
export const KNOWN_VIEWS_MAX = 64;
/** Meters whose scalers and columns are kept: what one process reads; a meter takes about 2 kB. */
export const KNOWN_METERS_MAX = 1_024;
/** Joined octets of one general block transfer: the bound that its procedure recommends. */
export const GENERAL_MESSAGE_MAX_BYTES = 1_048_576;
/** Block numbers of general block transfer have 16 bits and are not used twice in one message. */
export const GENERAL_BLOCKS_MAX = 65_535;
/** Octets of a general block that are not data: tag, control, two numbers, length of 3 octets. */
export const GENERAL_BLOCK_HEAD_BYTES = 9;
/** Go-backs, or repetitions, in a row without progress before a general block transfer is given up. */
export const GENERAL_RETRIES = 3;
/** Blocks that this side takes before it answers: enough to hide one round trip, little to send again after a loss. */
export const GENERAL_WINDOW_DEFAULT = 4;
/** A half transfer that has been silent this long makes room for a new one. */
export const GENERAL_IDLE_MS = 60_000;
/** Messages that wait behind a general block transfer: one for each invoke id. */
export const GENERAL_QUEUE_MAX = 16;
