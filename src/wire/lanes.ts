/** The lanes of a journal: what travels in each, and in which order of urgency. */
export const LANES = {
  /** Alarms, power events, meter states and attributes. Self-contained blocks of at most 1 kB; exempt from credit. */
  alarms: 0,
  /** Command results. Self-contained blocks of at most 1 kB; exempt from credit. */
  results: 1,
  /** Fresh billing intervals, while the lane is short. */
  fresh: 2,
  /** Billing intervals that piled up. */
  backfill: 3,
  /** Channels of low value: voltage and the like. */
  lowValue: 4,
  /** Logs. Self-contained. */
  logs: 5,
} as const;

/** One of {@link LANES}. */
export type Lane = (typeof LANES)[keyof typeof LANES];

/** All lanes, most urgent first. */
export const LANE_ORDER: readonly Lane[] = [0, 1, 2, 3, 4, 5];

/** Whether a block of the lane needs no other block. */
export function isSelfContained(lane: Lane): boolean {
  return lane === LANES.alarms || lane === LANES.results || lane === LANES.logs;
}
