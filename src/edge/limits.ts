/** Bounds of the edge's actors, each with its reason. The journal has its own file. */
import { BLOCK_MAX_OCTETS } from '../wire/limits.ts';

/** Least that may be outstanding: two largest blocks, so that a slow ack never stops the flow. */
export const OUTSTANDING_MIN_OCTETS = 2 * BLOCK_MAX_OCTETS;

/** Most that may be outstanding on the fastest path: what a restart of the collector makes us send again. */
export const OUTSTANDING_MAX_OCTETS = 2 * 1024 * 1024;

/** Seconds of the measured ack rate that may be outstanding: what has left us no alarm can overtake. */
export const OUTSTANDING_SPAN_S = 3;

/** Octets of one PUBLISH: several small blocks share a header, yet an alarm waits for no more than this. */
export const PUBLISH_MAX_OCTETS = 4 * BLOCK_MAX_OCTETS;

/** Least age of an unacknowledged block before hello is said again. */
export const STUCK_MIN_MS = 30_000;

/** ... or this many measured round trips, on slow paths. */
export const STUCK_ROUND_TRIPS = 4;

/** First wait for an answer to hello; doubles up to the maximum, so a dead collector costs little traffic. */
export const HELLO_RETRY_MIN_MS = 30_000;
/** Longest of these waits. */
export const HELLO_RETRY_MAX_MS = 300_000;

/** A collector without a session of ours that calls for hello gets it, but not sooner after the last one. */
export const HELLO_RECALL_MIN_MS = 5_000;

/** A repeated NEED for one lane is ignored this long: every outstanding block may have triggered one. */
export const NEED_GUARD_MIN_MS = 5_000;

/** Reconnecting waits at least this, with decorrelated jitter. */
export const BACKOFF_BASE_MS = 1_000;
/** Longest wait between two attempts. */
export const BACKOFF_CAP_MS = 300_000;

/** A connection that lasted this long was good: the backoff starts anew. */
export const STABLE_CONNECTION_MS = 600_000;

/** CONNECT to CONNACK, slow radio included. */
export const CONNECT_TIMEOUT_MS = 30_000;

/** Shortest keep-alive that is tried. */
export const KEEP_ALIVE_MIN_S = 60;
/** Longest keep-alive that is tried. */
export const KEEP_ALIVE_MAX_S = 900;
/** Where learning starts. */
export const KEEP_ALIVE_START_S = 240;

/** A backlog is reported at most this often. */
export const STATUS_INTERVAL_MS = 900_000;

/** Facts of health in one status message. */
export const STATUS_FACTS_MAX = 32;

/** A command must be in the meter's hands within this time, or its result says that it was not. */
export const NOT_REACHED_MS = 15_000;

/** Commands that may be open at once: a flood beyond it is refused. */
export const OPEN_COMMANDS_MAX = 256;

/** Octets of an encoded command; a read of a few hundred objects fits. */
export const COMMAND_MAX_OCTETS = 16_384;

/** Objects of one on-demand read: the result is one record of a block of 1 kB. */
export const COMMAND_OBJECTS_MAX = 16;

/** Images of firmware on the disk: the one that is sent and those of a few other models. */
export const IMAGES_KEPT_MAX = 4;

/** A part of an image that does not come is asked for again after this. */
export const IMAGE_ASK_AGAIN_MS = 30_000;

/** Times that an image whose hash is wrong is fetched from its beginning. */
export const IMAGE_DAMAGED_MAX = 3;

/** A slice of background work on a line: a periodic read that comes due waits no longer than this and one exchange. */
export const BACKGROUND_SLICE_MS = 2_000;

/** Background work looks again at a line that was never free for so long. */
export const BACKGROUND_WAIT_MS = 600_000;

/** Longest sleep of background work: its time runs out on the collector's clock. */
export const BACKGROUND_SLEEP_MS = 60_000;

/** Meters that are to get an image together have been told so when no further one came for so long. */
export const ROUND_SETTLE_MS = 60_000;
/** Meters that are ready wait for those that are not yet no longer than this: one may be away for days. */
export const ROUND_GATHER_MAX_MS = 900_000;
/** Turns on a line that may fail in one round; what did not go out each meter gets alone. */
export const ROUND_FAILURES_MAX = 3;
/** Wait after such a turn. */
export const ROUND_RETRY_MS = 10_000;
/** Octets of information in a frame to all stations: what every station takes when nothing was agreed on (HDLC). */
export const BROADCAST_INFORMATION_OCTETS = 128;

/** Ids are kept this long after expiry, so that no late repeat acts again. */
export const COMMAND_KEEP_MS = 30 * 86_400_000;

/** A command may not be valid for longer than this: ids must not pile up for ever. */
export const COMMAND_LIFETIME_MAX_MS = 30 * 86_400_000;

/** Refusals of unverifiable commands that are reported an hour; the rest is only counted. */
export const UNVERIFIED_REPORTS_PER_HOUR = 20;

/** Disconnections an hour when no signed limits document says otherwise: an installer's day, not a town's blackout. */
export const DISCONNECTS_PER_HOUR_DEFAULT = 6;

/** Most that a limits document may allow. */
export const DISCONNECTS_PER_HOUR_MAX = 10_000;

/** The relay is read back no earlier than this: contacts move and states settle. */
export const RELAY_SETTLE_MIN_MS = 3_000;

/** Between two looks at a relay that has not moved yet. */
export const RELAY_POLL_MS = 3_000;
/** The last look, counted from the order. */
export const RELAY_POLL_MAX_MS = 18_000;

/** Waits after the 1st, 2nd and 3rd failure of a job; then the next window. */
export const RETRY_LADDER_MS: readonly number[] = [30_000, 120_000, 600_000];

/** Silence of a meter after which it is a permanent failure (TimeDisconMeter of concentrators in the field). */
export const PERMANENT_AFTER_MS = 86_400_000;

/** Share of a line's time that meters which do not answer may use. */
export const DEAD_SHARE = 0.1;

/** Time that dead meters may save up: a few attempts in a row, not an hour of them. */
export const DEAD_SAVED_MAX_MS = 60_000;

/** Refused sign-ons in a row after which a meter is left alone: meters lock out. */
export const SIGN_ON_REFUSALS_MAX = 2;

/** Jobs that operators and commands may have waiting on a line. */
export const URGENT_QUEUE_MAX = 64;

/** The scheduler looks at the wall clock at least this often, for all lines at once: it may jump. */
export const SCHEDULER_LOOK_MS = 60_000;

/** Widest spread of a job within its period. */
export const SPREAD_MAX_MS = 60_000;

/** Sessions of a site's plan: a handful of kinds of jobs, times a few groups of meters. */
export const PLAN_SESSIONS_MAX = 64;

/** Calendars of a site's plan. */
export const PLAN_CALENDARS_MAX = 16;

/** Days of a calendar: holidays of several years. */
export const PLAN_DATES_MAX = 400;

/** Runs that are shown of a plan. */
export const PLAN_RUNS_SHOWN = 10;

/** Share of a wait that is added to it at random, so that meters that failed together are not called together. */
export const RETRY_JITTER_SHARE = 0.1;

/** Share of a meter's buffer that may fill unread before somebody is told. */
export const HORIZON_WARN_SHARE = 0.6;

/** How often unread buffers are looked at: the smallest hold ten days. */
export const HORIZON_LOOK_MS = 3_600_000;

/** Share from which on what is in the buffer goes before everything else that is read of the line. */
export const HORIZON_URGENT_SHARE = 0.8;

/** Days of rows of one request: a week of a meter on a wire; links that are shared by a whole district say less. */
export const SLICE_DAYS = 7;

/** Longest time that the rows of one request may hold a slow line: an order waits no longer, and has 15 s in all. */
export const SLICE_LINE_MS = 5_000;

/** Rows of one request at least where a row stands for a day. */
export const SLICE_ROWS_FLOOR = 24;

/** Backlog beyond which a profile counts as catching up. */
export const CATCH_UP_PERIODS = 8;

/** Meters hold an association of which they heard no end for so long (class 23, inactivity_time_out), and some let nobody in. */
export const METER_INACTIVITY_MS = 120_000;

/** An idle session is kept open for the next job at most this long: meters drop silent clients after 120 s. */
export const SESSION_IDLE_MAX_MS = 60_000;

/** Push lists of one port that are told apart; meters have three. */
export const PUSH_LISTS_MAX = 16;
/** Rows of different columns whose last one is remembered for each meter that pushes: two value classes, by list and by sub-meter. */
export const STORED_ROWS_MAX = 64;

/** A line that cannot be opened is tried again after this, then after twice as long each time. */
export const REOPEN_MIN_MS = 1_000;
/** Longest of these waits. */
export const REOPEN_MAX_MS = 60_000;

/** A port that was not heard for this long is silent; the slowest list comes hourly. */
export const PUSH_SILENT_MS = 3 * 3_600_000;

/** Noise octets in a row without one valid frame, after which a line is said to babble. */
export const BABBLE_OCTETS = 4_096;

/** Names of counters and gauges; more are a programmer's mistake (an id in a name). */
export const HEALTH_NAMES_MAX = 512;

/** Subjects with a state: 1,000 meters, lines and actors. */
export const HEALTH_SUBJECTS_MAX = 4_096;

/** How long a graceful stop waits for the jobs that run before their lines are closed; the host allows 10 s in all. */
export const STOP_PATIENCE_MS = 4_000;

/** A wall clock before this moment (2026-01-01) was never set. */
export const CLOCK_FLOOR_MS = 1_767_225_600_000;

/** How far the machine's clock may be from the collector's before somebody should look: an answer may be seconds on its way. */
export const CLOCK_OFF_MS = 60_000;

/** Lines of one edge: meters with an IP connection have one each, and one process reads 1,000 meters. */
export const LINES_MAX = 1_024;

/** Head-end tools that may be connected to the gateway at once. */
export const GATEWAY_CONNECTIONS_MAX = 16;
/** APDUs that wait while the line to the meter is not free yet: who talks on without an answer is refused. */
export const GATEWAY_WAITING_MAX = 4;
/** A meter must be reached for a caller of the gateway within this time, or he is told that it was not. */
export const GATEWAY_REACH_MS = 15_000;

/** Meters behind one gateway: all that one edge reads. */
export const GATEWAY_METERS_MAX = 1_000;

/** Meters of one line. */
export const METERS_PER_LINE_MAX = 1_000;

/** Octets of blocks that are gathered to leave together: a TLS record. */
export const GATHERED_MAX_OCTETS = 16_384;

/** Dictionaries remembered as sent; when there are more, one may be sent again, which costs octets and changes nothing. */
export const TOLD_DICTIONARIES_MAX = 1_024;

/** Fewer hours of autonomy than this are told as a trouble: a weekend without a collector. */
export const AUTONOMY_LOW_HOURS = 72;

/** Without an append for this long the watchdog tries one: rounds come every quarter of an hour, so it seldom does. */
export const PULSE_APPEND_PERIOD_MS = 900_000;

/** An append that takes longer hangs: the slowest flash cards need seconds when they tidy up. */
export const PULSE_APPEND_MAX_MS = 60_000;

/** A line at which the scheduler has not looked for so long hangs: the slowest slice, a slow radio's, takes minutes. */
export const PULSE_LINE_MAX_MS = 1_800_000;
/** Units of a meter as they are kept: some hundred registers; what is longer is asked anew at each start. */
export const KNOWN_UNITS_MAX_OCTETS = 16_384;

/** What is known of the way to a meter: some 1,400 objects with their short names; a longer list is read anew at each start. */
export const KNOWN_WAYS_MAX_OCTETS = 32_768;

/** Keys of kept invocation counters begin with it. */
export const COUNTER_PREFIX = 'counter:';
/** Blocks of invocation counters that are left out at a start: reservations that a damaged log may have lost. */
export const COUNTER_LEAP_BLOCKS = 4;
/** How far above a reservation the second note of a counter lies: weeks of reading, and 32,768 lost stores before a key is used up. */
export const COUNTER_CEILING_STEP = 0x02_00_00;
/** Keys of a meter whose counters have such a note: those in use, and those that a change may go back to. */
export const COUNTER_KEYS_KEPT = 4;

/** Intervals are read again only while what waits takes less than this share of the quota: they would be evicted again. */
export const REREAD_QUOTA_SHARE = 0.5;

/** Orders to read again that wait: 1,000 meters with four groups. One beyond is left to the collector, which says it again. */
export const REREAD_ORDERS_MAX = 4096;

/** Ended orders whose result is kept, because the collector may not have heard it; the oldest give way. */
export const REREAD_RESULTS_MAX = 1024;

/** Hours of a network that are kept in memory to be shown: a day. */
export const NETWORK_HOURS_KEPT = 24;
/** Comings and goings of a network that go up one by one in an hour; the rest stands in the summary of the hour. */
export const NETWORK_EVENTS_PER_HOUR = 60;
/** What a link keeps: 4,096 short addresses of 24 octets in JSON, and room. */
export const LINK_MEMORY_MAX_OCTETS = 131_072;
/** Meters that the summary of an hour names: an event is one record of a block of 1 kB. */
export const NETWORK_NAMED_MAX = 8;

/** Meters of one network that nobody named and that are remembered as told: neighbours' meters come with every noise. */
export const FOUND_KEPT_MAX = 1_000;
/** Octets that are kept of one such meter: its names, and a sentence. */
export const FOUND_KEPT_MAX_OCTETS = 2_048;
/** A meter that nobody named is told again after so long, without being asked: an order for it may have been lost. */
export const FOUND_TELL_AGAIN_MS = 86_400_000;
/** Waits before a meter that could not be asked who it is is asked again: then it is told as it is. */
export const FOUND_RETRIES_MS: readonly number[] = [60_000, 600_000, 3_600_000];
/** Least rest between two meters that are asked who they are; as long as asking took where that is longer. */
export const FOUND_REST_MIN_MS = 5_000;
/** How often a lost network is looked for where nobody reads, and how soon after it was lost. */
export const NETWORK_ATTEND_MS = 60_000;
/** How often it is looked whether a meter is due to be told again. */
export const FOUND_LOOK_MS = 3_600_000;
/** Wait after a meter was taken in for others that follow, before the concentrator starts anew with them. */
export const ADOPTION_SETTLE_MS = 30_000;
/** Octets of the file of meters that were taken in: 1,000 a line. */
export const ADOPTED_MAX_OCTETS = 1_048_576;
