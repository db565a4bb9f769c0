/** Bounds of commissioning. */

/** Findings of one concentrator that a report looks at: 32 lines of 250 meters, and the addresses around them. */
export const REPORT_FINDINGS_MAX = 10_000;
/** Meters of one concentrator; a page of the registry. */
export const REPORT_PAGE = 1_000;
/** Meters of the inbox that are held against the registry after a list; more wait until they are told again. */
export const LOOK_AGAIN_MAX = 10_000;
/** How long an order to read a meter waits for its concentrator. */
export const ADOPT_VALID_MS = 7 * 86_400_000;
/** Meters that concentrators told of and that are decided about in one go. */
export const TOLD_PAGE = 100;
/** How often it is looked for meters that were told and not decided about, beside when they come: another collector may have died with them. */
export const TOLD_LOOK_MS = 600_000;
/** Other places at which a modem was found that are looked at: it is heard by a few networks at most. */
export const OTHER_PLACES_MAX = 16;
