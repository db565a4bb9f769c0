/** Bounds of the profile room. */

/** Octets of a profile file: the longest so far has 10 kB; more is not a profile. */
export const PROFILE_FILE_MAX_OCTETS = 256 * 1024;

/** Characters of an address formula. */
export const FORMULA_CHARACTERS_MAX = 80;

/** Channels of an M-Bus client: DSMR and IDIS meters have four, others more. */
export const MBUS_CHANNELS_MAX = 16;

/** Days asked for in one request unless profile or line say less. */
export const SLICE_DAYS_DEFAULT = 7;

/** Rows asked for in one request all the same where days are long: a day of quarter-hours. */
export const SLICE_ROWS_MIN = 96;

/** A row may lie this far after the edge's clock before it is refused: clocks drift, and a row ends when it is captured. */
export const FUTURE_ROW_MAX_MS = 3_600_000;

/** Octets of a status that travel with a reading. */
export const STATUS_MAX_OCTETS = 8;

/** Characters kept of an attribute's text: the longest identifier in the class tables has 128. */
export const ATTRIBUTE_CHARACTERS_MAX = 256;

/** Time zones remembered with their offsets: a site has one, a simulated country a few. */
export const ZONES_MAX = 64;

/** Days of offsets remembered per zone: a year of buffers and a margin. */
export const ZONE_DAYS_MAX = 512;

/** Events younger than this are left for the next read: a meter's log has a resolution of one second. */
export const EVENT_SETTLE_MS = 2_000;
/** What a clock is moved by twice a year, and so what a local time without deviation may be wrong by. */
export const DAYLIGHT_SHIFT_MS = 3_600_000;
