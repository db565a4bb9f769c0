/**
 * What one edge may have under way, restated in each ack: less while the database is slow, least while memory is short.
 *
 * The rule is proportional: a commit that takes twice {@link COMMIT_GOAL_MS} halves what edges may send ahead. Since every
 * edge always keeps two blocks, nobody stands still, and what waits in queues is bounded by edges times credit.
 */
import { COMMIT_GOAL_MS, COMMIT_SMOOTHING, EDGE_CREDIT_MIN_OCTETS, QUEUED_MAX_OCTETS } from './limits.ts';

/** Measures commits and says credits. */
export class CreditRule {
  #commitMs = 0;

  /** `creditOctets`: of one edge while the database is quick. */
  constructor(private readonly creditOctets: number) {}

  /** Smoothed time from the turn of a batch to its commit, ms; 0 while nothing was stored. */
  get commitMs(): number {
    return this.#commitMs;
  }

  /** A batch was stored in this time. */
  stored(tookMs: number): void {
    this.#commitMs = this.#commitMs === 0 ? tookMs : this.#commitMs + (tookMs - this.#commitMs) * COMMIT_SMOOTHING;
  }

  /** Octets for an edge, given what waits for it and what waits in all. */
  credit(queuedOctets: number, queuedInAllOctets: number): number {
    if (queuedInAllOctets > QUEUED_MAX_OCTETS) return EDGE_CREDIT_MIN_OCTETS;
    const share = Math.min(1, COMMIT_GOAL_MS / Math.max(1, this.#commitMs));
    return Math.max(EDGE_CREDIT_MIN_OCTETS, Math.floor(this.creditOctets * share) - queuedOctets);
  }
}
