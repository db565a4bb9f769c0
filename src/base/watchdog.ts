/**
 * The watchdog's side of a program: tells its service manager that it is ready, and while everything that must move moves,
 * that it lives. When it falls silent the manager ends and starts it again.
 *
 * A tick comes from a timer, so a blocked event loop says nothing by itself. What else must move is asked at each tick; an
 * answer that fails counts as movement, because only what hangs is cured by a new start.
 */
import type { Timer, Timers } from './env.ts';

/** Who started the program and watches it. */
export interface ServiceManager {
  /** Silence after which it acts, ms; null = it does not watch. */
  readonly watchdogMs: number | null;
  /** Tells it something, without waiting: `ready` once, then `alive` and, at the end, `stopping`. */
  tell(what: 'ready' | 'alive' | 'stopping'): void;
}

/** Pings in the time of one: a late timer or a lost message is no reason to die. */
const PINGS_IN_TIME = 3;

/** Pings a service manager. */
export class Watchdog {
  #timer: Timer | null = null;

  /** `stuck` says what does not move, null = all does; `told` hears it each time that a ping is left out. */
  constructor(
    private readonly service: ServiceManager,
    private readonly timers: Timers,
    private readonly stuck: () => string | null,
    private readonly told: (reason: string) => void,
  ) {}

  /** The program is ready; from now on it is watched. */
  start(): void {
    this.service.tell('ready');
    this.#wait();
  }

  #wait(): void {
    const { watchdogMs } = this.service;
    if (watchdogMs === null) return;
    this.#timer = this.timers.after(watchdogMs / PINGS_IN_TIME, () => {
      const reason = this.stuck();
      if (reason === null) this.service.tell('alive');
      else this.told(reason);
      this.#wait();
    });
  }

  /** The program ends in order; its manager gives it the time that its unit says. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.service.tell('stopping');
  }
}
