/** Bounds of the commands room. */

/** After this long without an answer the record says so in words (design 6). */
export const NOT_REACHED_MS = 15_000;
/** How often waiting commands are checked for expiry. */
export const SWEEP_PERIOD_MS = 5_000;
/** How often one looks whether there are any, when the last sweep met none and none was made here since. */
export const SWEEP_IDLE_MS = 60_000;
/** Commands looked at in one page of a sweep. */
export const SWEEP_PAGE = 200;
/** Pages of one sweep: 20,000 waiting commands, a whole head-end's worth; the rest comes in the next sweep. */
export const SWEEP_PAGES = 100;
/** Timers of the 15-second words held at once; beyond, the words still come with the next read of the record. */
export const WATCHED_COMMANDS = 10_000;
/** An edge keeps ids until expiry plus 30 days; what is silent for longer will never be answered (design 6). */
export const ANSWER_HORIZON_MS = 30 * 86_400_000;
/** How often the schedule of key rotation looks at each concentrator: it gets at most 144 orders a day. */
export const ROTATION_LOOK_MS = 600_000;
/** Meters of a concentrator that one look goes through: 1,000 are walked in less than two hours. */
export const ROTATION_PAGE = 100;
/** Newest commands of a meter among which the last rotation of a key is looked for; the key of its moment guards against a second one. */
export const ROTATION_COMMANDS = 50;
/** A scheduled order waits so long for its concentrator. */
export const ROTATION_VALID_MS = 3_600_000;
/** After an order that failed, the next one: a meter that is away comes back, and one that locks out has its peace. */
export const ROTATION_RETRY_MS = 86_400_000;
/** Groups of meters with a schedule. */
export const ROTATION_GROUPS_MAX = 64;
