/** Bounds of the DLMS/COSEM codec: what a message may cost before it is refused. */

/** Nesting of arrays, structures and compact-array descriptions. The deepest attribute in the class tables has 6 levels. */
export const DATA_DEPTH_MAX = 16;

/** Elements in one value, all levels together: a year of rows at 15 minutes is 35,040; a row counts with its columns. */
export const DATA_ELEMENTS_MAX = 65_536;

/** Octets of a length field after 81..84: four reach 4 GiB, more is an attack or noise. */
export const LENGTH_OCTETS_MAX = 4;

/** Items of a with-list service or an access request: each costs at least one octet; meters accept 10 to 40. */
export const LIST_ITEMS_MAX = 4_096;

/** Octets that an encoder may produce for one APDU: above the 1 MiB that block transfer joins, far below what hurts. */
export const APDU_ENCODED_MAX = 4 * 1024 * 1024;

/** Gateway, transaction and title fields are octet-strings of at most this many octets: one length octet and no more. */
export const SHORT_FIELD_MAX = 255;
