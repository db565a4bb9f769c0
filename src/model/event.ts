/** Events and attributes: what meters and concentrators say that is not a reading. */
import type { MeterId } from './ids.ts';

/** Something that happened, at a meter or at the concentrator itself. Deduplicated by (meter, log, time, code). */
export interface MeterEvent {
  /** Null for an event of the concentrator. */
  readonly meterId: MeterId | null;
  /** Log it came from: an OBIS for a meter's log, `edge` or `push` otherwise. */
  readonly log: string;
  readonly code: number;
  /** Stable word for programs: `power-down`, `cover-opened`, `meter-unreachable`. */
  readonly name: string;
  /** One sentence for people. */
  readonly sentence: string;
  /** UTC ms as stamped by its origin. */
  readonly atMs: number;
  readonly severity: EventSeverity;
}

/** How much an operator should care. Wire numbers are the index: append only. */
export const SEVERITIES = ['info', 'warning', 'alarm'] as const;

/** One of {@link SEVERITIES}. */
export type EventSeverity = (typeof SEVERITIES)[number];

/** A text or an identifier read from a meter: serial number, firmware, list version. */
export interface MeterAttribute {
  readonly meterId: MeterId;
  readonly obis: string;
  /** The profile's word for it: `serial-number`, `firmware`. */
  readonly name: string;
  readonly text: string;
  readonly readAtMs: number;
}

/** State of a meter as its edge sees it, in words. */
export interface MeterState {
  readonly meterId: MeterId;
  readonly state: MeterStateName;
  readonly sentence: string;
  readonly sinceMs: number;
}

/** Wire numbers are the index: append only. */
export const METER_STATES = [
  'unknown',
  'reachable',
  'silent',
  'garbled',
  'refused',
  'babbling',
  'listening',
  'reconfigured',
  'permanent-failure',
  'other-meter',
  'address-conflict',
  'wrong-profile',
  'no-key',
  'clock-wrong',
  'buffer-cleared',
] as const;

/** One of {@link METER_STATES}. */
export type MeterStateName = (typeof METER_STATES)[number];

/** Whether a meter in this state needs nobody. */
export function isWell(state: MeterStateName): boolean {
  return state === 'unknown' || state === 'reachable' || state === 'listening';
}

/** Why an interval that should be there is not. */
export const GAP_CAUSES = [
  'not-due',
  'buffered-at-edge',
  'missing-in-meter',
  'readable-from-meter',
  'overwritten-in-meter',
  'evicted-at-edge',
  'meter-off',
  'not-installed',
  'read-refused',
  'damaged-at-edge',
] as const;

/** One of {@link GAP_CAUSES}. */
export type GapCause = (typeof GAP_CAUSES)[number];
