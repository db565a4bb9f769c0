/**
 * The collector's time at the edge: what its last answer said plus the monotonic clock.
 *
 * An answer sets it, later messages of the session only move it forward: a message that was held back on the way says a
 * time that has passed, and must not make an expired command look fresh.
 */
import type { Clock } from '../../base/env.ts';
import type { CollectorTime } from '../ports.ts';

/** See the head of the file. */
export class CollectorClock implements CollectorTime {
  /** Collector's UTC ms minus our monotonic ms; null before the first answer. */
  #offsetMs: number | null = null;

  constructor(private readonly clock: Pick<Clock, 'monotonicMs'>) {}

  /** The answer to hello said this time. */
  opened(serverTimeMs: number): void {
    this.#offsetMs = serverTimeMs - this.clock.monotonicMs();
  }

  /** Another message of the session said this time. */
  heard(serverTimeMs: number): void {
    if (this.#offsetMs === null) return;
    this.#offsetMs = Math.max(this.#offsetMs, serverTimeMs - this.clock.monotonicMs());
  }

  nowMs(): number | null {
    // The monotonic clock has fractions; times that travel are whole milliseconds.
    return this.#offsetMs === null ? null : Math.floor(this.#offsetMs + this.clock.monotonicMs());
  }
}
