/** Bounds of commissioning. */

/** Findings of one concentrator that a report looks at: 32 lines of 250 meters, and the addresses around them. */
export const REPORT_FINDINGS_MAX = 10_000;
/** Meters of one concentrator; a page of the registry. */
export const REPORT_PAGE = 1_000;
