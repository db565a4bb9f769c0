/** Bounds of the M-Bus room. */

/** Octets of a long frame: start, length twice, start, 255 of C to data, checksum, stop (EN 13757-2). */
export const FRAME_MAX_OCTETS = 261;

/** Extensions of a DIF, and of a VIF (EN 13757-3). */
export const EXTENSIONS_MAX = 10;

/** Octets of user data in a long frame: 255 less C, A and CI. */
export const USER_DATA_MAX_OCTETS = 252;

/** Telegrams of one read-out: a meter that says "more follows" for ever is cut off here. */
export const TELEGRAMS_MAX = 16;

/** Bit times within which a slave begins to answer, and a fixed part, ms (EN 13757-2). */
export const ANSWER_BITS = 330;
/** ... and that part. */
export const ANSWER_BASE_MS = 50;

/** Beside it for level converters, gateways and slow meters: users of other masters needed 100 to 1,000 ms. */
export const ANSWER_SLACK_MS = 300;

/** A request that is not answered is repeated so often (EN 13757-2: up to three transmissions). */
export const REPEATS_MAX = 2;
