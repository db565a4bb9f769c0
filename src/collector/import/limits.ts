/** Bounds of an import, each with its reason. */

/** Meters of one list: two and a half times a large site (G-1); about 30 MB while it is checked. */
export const IMPORT_ROWS_MAX = 50_000;
/** Octets of one list: 50,000 rows with three wrapped keys each take about 20 MB. */
export const IMPORT_MAX_OCTETS = 32 * 1_048_576;
/** Meters that are looked up and written at once: one statement each. */
export const IMPORT_BATCH_ROWS = 1_000;
/** Faults that are listed; all are counted. Who has a thousand mends the program that wrote the list. */
export const IMPORT_FAULTS_MAX = 1_000;
/** Characters of a cell that a fault repeats. */
export const IMPORT_SHOWN_CHARS = 40;
