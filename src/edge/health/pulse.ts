/**
 * Whether the concentrator moves: its store takes appends, and its scheduler looks at every line. The uplink has no say: a
 * site without a network reads on, and no new start brings the network back.
 *
 * An append is tried only when none came for a quarter of an hour, so that the test costs flash next to nothing: readings
 * come that often by themselves. An append that is refused moved, too: a full disk is told in health, not cured by a start.
 */

import type { Clock } from '../../base/env.ts';
import { entryWith } from '../entry.ts';
import { PULSE_APPEND_MAX_MS, PULSE_APPEND_PERIOD_MS, PULSE_LINE_MAX_MS } from '../limits.ts';
import type { Journal } from '../ports.ts';

/** Kept value that the test writes. */
const KEY = 'pulse';

/** What it looks at. */
export interface PulseParts {
  readonly clock: Clock;
  readonly journal: Pick<Journal, 'append' | 'onAppend'>;
  /** How long the line that stood still longest has stood still, ms. */
  readonly lineStillMs: () => number;
}

/** The pulse of one concentrator. */
export class Pulse {
  #movedAtMs: number;
  /** When the append that is under way began. */
  #testedAtMs: number | null = null;

  constructor(private readonly parts: PulseParts) {
    this.#movedAtMs = parts.clock.monotonicMs();
    parts.journal.onAppend(() => {
      this.#movedAtMs = parts.clock.monotonicMs();
    });
  }

  /** What does not move, in words, or null. Starts a test of the store when one is due. */
  stuck(): string | null {
    const nowMs = this.parts.clock.monotonicMs();
    if (this.#testedAtMs === null && nowMs - this.#movedAtMs >= PULSE_APPEND_PERIOD_MS) this.#test(nowMs);
    if (this.#testedAtMs !== null && nowMs - this.#testedAtMs > PULSE_APPEND_MAX_MS)
      return `an append to the journal has not ended for ${Math.round((nowMs - this.#testedAtMs) / 1000)} s`;
    const stillMs = this.parts.lineStillMs();
    return stillMs > PULSE_LINE_MAX_MS ? `a line has stood still for ${Math.round(stillMs / 1000)} s` : null;
  }

  #test(nowMs: number): void {
    this.#testedAtMs = nowMs;
    const value = new TextEncoder().encode(String(Math.round(nowMs)));
    const moved = () => {
      this.#testedAtMs = null;
      this.#movedAtMs = this.parts.clock.monotonicMs();
    };
    this.parts.journal.append(entryWith(this.parts.clock.nowMs(), { keep: [{ key: KEY, value }] })).then(moved, moved);
  }
}
