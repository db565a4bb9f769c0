/** Bounds of the DLMS/COSEM codec: what a message may cost before it is refused. */

/** Nesting of arrays, structures and compact-array descriptions. The deepest attribute in the class tables has 6 levels. */
export const DATA_DEPTH_MAX = 16;

/**
 * Elements in one APDU, all levels together: three months of rows of 6 columns at 15 minutes. Longer buffers are read by
 * the row reader, which makes no objects.
 */
export const DATA_ELEMENTS_MAX = 65_536;

/** Octets of a length field after 81..84: four reach 4 GiB, more is an attack or noise. */
export const LENGTH_OCTETS_MAX = 4;

/** Items of a with-list service or an access request: each costs at least one octet; meters accept 10 to 40. */
export const LIST_ITEMS_MAX = 4_096;

/** Octets that an encoder may produce for one APDU: above the 1 MiB that block transfer joins, far below what hurts. */
export const APDU_ENCODED_MAX = 4_194_304;

/** APDUs inside APDUs (gateway, signed, ciphered, user information) that `explain` opens: real ones need three. */
export const APDU_NESTING_MAX = 4;

/** Nesting of lists in SML: the times inside the values of a list are the seventh. */
export const SML_DEPTH_MAX = 10;

/** Elements of one file of SML: 40 values with times have 500. */
export const SML_ELEMENTS_MAX = 4_096;
