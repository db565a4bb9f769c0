/**
 * The time of the edge: the collector's as soon as an answer told it, before that the wall clock of the machine as far as it can
 * be believed.
 *
 * A machine without a clock of its own starts at 1970, at the day on which its system was built, or at whatever a drained
 * battery left. The collector's answers are authenticated, and the monotonic clock carries its time on while it is away, so it goes
 * before any wall clock; until it was heard, a wall clock counts only from {@link CLOCK_FLOOR_MS} on, and not before what the
 * journal holds under a confirmed time. Known weak point: a clock that is ahead cannot be told from a right one until then.
 */
import type { Clock } from '../base/env.ts';
import type { ClockQuality } from '../wire/block.ts';
import { CLOCK_FLOOR_MS, CLOCK_OFF_MS } from './limits.ts';
import type { CollectorTime, Health } from './ports.ts';

/** See the head of the file. */
export class EdgeClock implements Clock {
  readonly #wall: Clock;
  #collector: CollectorTime | null = null;
  #notBeforeMs = CLOCK_FLOOR_MS;

  constructor(wall: Clock) {
    this.#wall = wall;
  }

  /** From now on this time counts, once it is known. */
  follow(collector: CollectorTime): void {
    this.#collector = collector;
  }

  /** The journal holds something read at this confirmed time: it is later now. Null says nothing. */
  isAfter(confirmedAtMs: number | null): void {
    if (confirmedAtMs !== null) this.#notBeforeMs = Math.max(this.#notBeforeMs, confirmedAtMs);
  }

  nowMs(): number {
    return this.#confirmedMs() ?? this.#wall.nowMs();
  }

  monotonicMs(): number {
    return this.#wall.monotonicMs();
  }

  /** What {@link nowMs} is worth. */
  quality(): ClockQuality {
    if (this.#confirmedMs() !== null) return 'collector';
    return this.#wall.nowMs() < this.#notBeforeMs ? 'unset' : 'rtc';
  }

  /** Says when the wall clock of the machine is off. */
  tell(health: Health): void {
    const confirmedMs = this.#confirmedMs();
    if (confirmedMs === null) {
      if (this.quality() === 'rtc') return;
      health.state('clock', 'degraded', 'The clock of this machine is not set; meters are read by their own clocks.');
      return;
    }
    const aheadS = Math.round((this.#wall.nowMs() - confirmedMs) / 1000);
    health.gauge('clock_ahead_seconds', aheadS);
    if (Math.abs(aheadS) * 1000 <= CLOCK_OFF_MS) {
      health.state('clock', 'ok', "The clock of this machine agrees with the collector's.");
      return;
    }
    const direction = aheadS > 0 ? 'ahead of' : 'behind';
    const sentence = `The clock of this machine is ${Math.abs(aheadS)} s ${direction} the collector's, whose time is used. Look at its time service.`;
    health.state('clock', 'degraded', sentence);
  }

  /** A collector whose own clock was never set confirms nothing. */
  #confirmedMs(): number | null {
    const nowMs = this.#collector?.nowMs() ?? null;
    return nowMs === null || nowMs < CLOCK_FLOOR_MS ? null : nowMs;
  }
}
