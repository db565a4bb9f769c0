/** Bounds of the auth room. */

/** Random octets in a token: 256 bits cannot be guessed, so a plain SHA-256 is a safe way to keep them. */
export const TOKEN_BYTES = 32;
/** Random octets of a set-up code: 100 bits as 20 letters that a person can type. */
export const SETUP_CODE_LETTERS = 20;
/** A set-up code is for the person who starts the collector, not for whoever finds its log next week. */
export const SETUP_CODE_LIFE_MS = 3_600_000;
/** Wrong set-up codes accepted in {@link SETUP_WINDOW_MS}. */
export const SETUP_ATTEMPTS = 10;
/** Window of {@link SETUP_ATTEMPTS}. */
export const SETUP_WINDOW_MS = 60_000;
/** Longest bearer token that is hashed at all, in characters. */
export const TOKEN_MAX_CHARS = 128;
