/**
 * The reading: the contract on which billing stands.
 *
 * An interval reading is keyed by (meter, channel, interval end, interval length), a register reading by (meter, OBIS,
 * capture time); both are written here with one shape, a register being a channel of interval length 0. The value is an
 * integer, a power of ten and a unit, never a float. Same key and equal value: nothing happens. Same key and another
 * value: a new version. Versions are ordered by (readAt, epoch, lane, sequence), never by arrival.
 */
import type { EdgeId, MeterId } from './ids.ts';
import type { ExactInteger } from './number.ts';

/** What a reader may rely on, best first; the worst applicable one is kept. Wire numbers are the index: append only. */
export const QUALITIES = [
  /** Measured and stamped by the meter, nothing to remark. */
  'good',
  /** The meter marks the interval as recovered after a loss. */
  'recovered',
  /** The interval contains a power failure. */
  'power-down',
  /** The meter's clock was adjusted inside the interval. */
  'clock-adjusted',
  /** The meter says that its clock is invalid or doubtful. */
  'clock-invalid',
  /** The meter gave no usable time: the edge's receive time stands in. */
  'no-meter-time',
  /** Deciphered but not authenticated (the tag was absent or could not be checked). */
  'unverified',
  /** The meter marks the value as not valid. */
  'invalid',
  /** Estimated by the collector. */
  'estimated',
  /** Entered by a person. */
  'manual',
] as const;

/** One of {@link QUALITIES}. */
export type Quality = (typeof QUALITIES)[number];

/** How the value came. Wire numbers are the index: append only. */
export const SOURCES = ['profile', 'push', 'on-demand', 'manual', 'estimated', 'register'] as const;

/** One of {@link SOURCES}; `register` is a scheduled read of a register outside a profile. */
export type Source = (typeof SOURCES)[number];

/** A series of values of one meter. */
export interface Channel {
  readonly meterId: MeterId;
  /** `A-B:C.D.E*F`. */
  readonly obis: string;
  /** Interval length in seconds; 0 = register readings at capture times. */
  readonly intervalS: number;
}

/** The place in a journal from which a version came: its identity, so a replay changes nothing. */
export interface Origin {
  readonly edgeId: EdgeId;
  /** 16 hex digits. */
  readonly epoch: string;
  readonly lane: number;
  readonly sequence: number;
  /** Index of the row in the block, from 0. */
  readonly index: number;
}

/** One version of one reading. */
export interface Reading extends Channel {
  /** Interval end or capture time, UTC ms. */
  readonly atMs: number;
  readonly value: ExactInteger;
  /** The value is `value` x 10^exponent. */
  readonly exponent: number;
  /** Symbol of the COSEM unit table: `Wh`, `var h` is written `varh`, `V`, `m3`; empty for no unit. */
  readonly unit: string;
  /** Status as read, 0-8 octets. */
  readonly status: Uint8Array;
  readonly quality: Quality;
  /** COSEM deviation in minutes (UTC minus local) as the meter gave it, null when it gave none. */
  readonly deviationMin: number | null;
  readonly source: Source;
  readonly origin: Origin;
  /** When the edge had read it, UTC ms of the edge's clock. */
  readonly readAtMs: number;
}
