/** Intervals that a collector lost, or never got, and that it lets a concentrator read from the meter again. */
import type { MeterId } from './ids.ts';

/** How an order ended: every interval came, some did, the meter has none of them any more, or nobody can ask for them. */
export const REREAD_OUTCOMES = ['done', 'partly', 'gone', 'refused'] as const;

/** One of {@link REREAD_OUTCOMES}. */
export type RereadOutcome = (typeof REREAD_OUTCOMES)[number];

/** An order: these columns of a meter's buffer, from the first interval end to the last, both included. */
export interface RereadOrder {
  /** Another order has another id, also after a collector was restored; 1 to 160 characters. */
  readonly id: string;
  readonly meterId: MeterId;
  /** 1 and up: momentary registers have no past. */
  readonly intervalS: number;
  readonly obis: readonly string[];
  /** UTC ms. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** How a re-reading ended. */
export interface RereadEnd {
  readonly outcome: RereadOutcome;
  /** Intervals that the meter gave. */
  readonly rows: number;
}

/** What an edge says of an order. */
export interface RereadResult extends RereadEnd {
  readonly id: string;
}

/** Where an order stands at the collector: not looked at yet, sent, found to be there without it, or at an end. */
export const REREAD_STATES = ['waiting', 'ordered', 'arrived', ...REREAD_OUTCOMES, 'given-up'] as const;

/** One of {@link REREAD_STATES}. */
export type RereadState = (typeof REREAD_STATES)[number];

/** Why something must be read again: the edge no longer had the blocks, left a tombstone for them, or they cannot be read here. */
export const REREAD_REASONS = ['declared-gap', 'tombstone', 'unreadable-block'] as const;

/** One of {@link REREAD_REASONS}. */
export type RereadReason = (typeof REREAD_REASONS)[number];
