/** Lengths and bounds of DLMS/COSEM security, each with its reason. */

/** Octets of an authentication tag: 96 bits in every suite (Green Book, security suites). */
export const TAG_BYTES = 12;
/** Octets of a system title: three letters of the manufacturer and five of its own. */
export const TITLE_BYTES = 8;
/** The counter is a field of 32 bits; its last value is never used, so that "the next one" always exists. */
export const COUNTER_MAX = 0xff_ff_ff_ff;
/** Counters that one durable write reserves: an hour of small jobs, and a loss nobody notices in 2^32. */
export const COUNTER_BLOCK = 100;
/** An unauthenticated answer may move our counter this far: a year of exchanges every 30 s. More needs a person. */
export const COUNTER_JUMP_MAX = 0x10_00_00;
/** Shortest and longest challenge of HLS (Green Book: 8 to 64 octets). */
export const CHALLENGE_MIN_BYTES = 8;
/** See {@link CHALLENGE_MIN_BYTES}. */
export const CHALLENGE_MAX_BYTES = 64;
/** Shortest challenge of mechanism 7 (ECDSA). */
export const CHALLENGE_ECDSA_MIN_BYTES = 32;
/** What we send: a longer one makes the AARQ exceed an HDLC field of 128 octets. */
export const CHALLENGE_DEFAULT_BYTES = 16;
/** Octets that service ciphering adds at most: tag, length of 4, security control, counter, authentication tag. */
export const SERVICE_OVERHEAD_BYTES = 1 + 4 + 1 + 4 + TAG_BYTES;
/** The same for general-glo and general-ded, which also carry the system title. */
export const GENERAL_OVERHEAD_BYTES = SERVICE_OVERHEAD_BYTES + 1 + TITLE_BYTES;
/** Our transaction ids: a counter that never repeats under a key, and as many random octets against a change of keys. */
export const TRANSACTION_ID_BYTES = 8;
/** A certificate on P-384 with long names takes about 1 kB; a meter has no use for a longer one. */
export const CERTIFICATE_MAX_BYTES = 4096;
/** Certificates that a meter keeps: its own three, those of a few clients, their authorities. */
export const CERTIFICATES_MAX = 16;
