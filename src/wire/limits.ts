/** Bounds of the wire, each with its reason. What exceeds one is refused with a `WIRE_*` or `BLOCK_*` error. */

/** Octets of a block in lanes 2-5: a synced batch stays within two flash pages, a lost PUBLISH costs little air time. */
export const BLOCK_MAX_OCTETS = 4096;
/** Octets of a block in lanes 0 and 1: urgent blocks must overtake, so none may be long. */
export const URGENT_BLOCK_MAX_OCTETS = 1024;
/** Rows of a block: bounds memory when a block of a few octets claims many rows that cost nothing (still columns). */
export const BLOCK_MAX_ROWS = 4096;
/** Values of a block, nulls included: the same reason. */
export const BLOCK_MAX_VALUES = 16_384;
/** Records of a block: the shortest takes four octets, so 4,096 octets cannot hold more. */
export const BLOCK_MAX_RECORDS = 1024;
/** Octets of a row's status: DLMS status words go up to 64 bits. */
export const STATUS_MAX_OCTETS = 8;
/** Groups of a dictionary: 1,000 meters with eight groups each. */
export const DICTIONARY_MAX_GROUPS = 8192;
/** Columns of a group: a load profile has at most a few dozen capture objects. */
export const GROUP_MAX_COLUMNS = 64;
/** Octets of an encoded dictionary: 8,192 groups of 60 octets; larger ones are split over fewer meters by the operator. */
export const DICTIONARY_MAX_OCTETS = 524_288;
/** Octets of the body of an envelope: a dictionary and its frame. */
export const ENVELOPE_BODY_MAX_OCTETS = DICTIONARY_MAX_OCTETS + 64;
/** Octets of the authenticator: 128 bits of HMAC-SHA-256. */
export const AUTHENTICATOR_OCTETS = 16;
/** Octets of one PUBLISH with blocks: what an edge may have outstanding at the very most in one message. */
export const BATCH_MAX_OCTETS = 65_536;
/** Blocks of one PUBLISH: a block has at least 30 octets. */
export const BATCH_MAX_BLOCKS = 2048;
/** Objects of one read command: more do not fit into one result. */
export const COMMAND_MAX_OBJECTS = 64;
/** Octets of an image of firmware: meters take 100 kB to 1 MB; a concentrator holds it in memory while it is sent. */
export const IMAGE_MAX_OCTETS = 4_194_304;
/** Octets of one part of an image: a fifth of a second on a slow mobile link, so that acks are not held up. */
export const IMAGE_PART_MAX_OCTETS = 8_192;
/** Octets of the identifier of an image. */
export const IMAGE_IDENTIFIER_MAX_OCTETS = 64;
/** Orders, or results, of one message about intervals that are read again: some 6 kB, so that acks are not held up. */
export const REREADS_MAX = 32;
/** Characters of the id of such an order: a block's place, a time, a meter and a column. */
export const REREAD_ID_MAX_CHARACTERS = 160;
/** Octets of the EUI-48 of a modem. */
export const EUI48_OCTETS = 6;
/** Characters of what an adoption names: line, model, node and zone. */
export const ADOPTION_TEXT_MAX_CHARACTERS = 64;
/** Octets of SHA-256. */
export const SHA256_OCTETS = 32;
/** Parts of one command report: about 200 kB in blocks of lane 1; a longer answer is told by its length. */
export const COMMAND_PARTS_MAX = 256;
/** Characters of the text of a value in a report that is split: the raw answer has it all. */
export const PART_TEXT_MAX_CHARACTERS = 128;
/** Characters of a sentence or text inside a record or command; longer ones are cut by who writes them. */
export const TEXT_MAX_CHARACTERS = 512;
/** Times are within ±2^51 ms of 1970: beyond that a sum of two of them would no longer be exact. */
export const TIME_MAX_MS = 2 ** 51;
/** Values are within -2^63 .. 2^64 - 1: all integer types of DLMS. */
export const VALUE_MIN = -(2n ** 63n);
/** Upper end, see {@link VALUE_MIN}. */
export const VALUE_MAX = 2n ** 64n - 1n;
