/** Bounds of what is read again. */

/** How often one looks for what is due. */
export const SWEEP_PERIOD_MS = 300_000;
/** Entries that one sweep looks at: each asks for the gaps of a meter. */
export const SWEEP_MAX = 256;
/** A loss is looked at after this, when what came with it has arrived and the edge has said what it still holds. */
export const LOOK_AFTER_MS = 900_000;
/** What an edge lost itself it reads again by itself; a day later it is ordered if it is still missing. */
export const TOMBSTONE_LOOK_AFTER_MS = 86_400_000;
/** An edge with blocks on their way is looked at again after this, ... */
export const LOOK_AGAIN_MS = 900_000;
/** ... and no longer waited for after this. */
export const BACKLOG_PATIENCE_MS = 86_400_000;
/** What was lost longer ago than this is not looked for: meters hold a year at most. */
export const BACK_MAX_MS = 400 * 86_400_000;
/** An order that was not answered for so long never will be. */
export const GIVEN_UP_MS = 30 * 86_400_000;
/** Meters of one page while an entry for all meters is taken apart. */
export const METERS_PAGE = 200;
/** Open entries of one meter that are looked through for one that covers a new one. */
export const OPEN_OF_METER_MAX = 512;
