/**
 * Learns the longest MQTT keep-alive that a path survives: every ping of a quiet edge costs money on a metered link, and
 * a middlebox that forgets the connection costs a sign-on.
 *
 * MQTT fixes the value in CONNECT, so a new one takes a new connection. After three quiet stretches survived, the next
 * value is tried: half as much again, or the middle between the longest good and the shortest bad one. A connection lost
 * after a quiet stretch marks its value as bad; when that value was good before, the path has changed and learning
 * starts again from below. Weak point: a broker that restarts in a quiet minute looks like a middlebox; the next success
 * corrects it.
 */
import { KEEP_ALIVE_MAX_S, KEEP_ALIVE_MIN_S, KEEP_ALIVE_START_S } from '../limits.ts';

const STEP_S = 30;
const STRETCHES_TO_TRUST = 3;

/** What is kept over a restart. */
export interface KeepAliveMemory {
  readonly currentS: number;
  /** Longest that survived, 0 = none yet. */
  readonly goodS: number;
  /** Shortest that did not, null = none yet. */
  readonly badS: number | null;
}

/** The strategy; pure. */
export class KeepAlive {
  #currentS: number;
  #goodS: number;
  #badS: number | null;
  #survived = 0;

  constructor(memory?: KeepAliveMemory) {
    this.#currentS = clamp(memory?.currentS ?? KEEP_ALIVE_START_S);
    this.#goodS = memory?.goodS ?? 0;
    this.#badS = memory?.badS ?? null;
  }

  /** Seconds for the next CONNECT. */
  get currentS(): number {
    return this.#currentS;
  }

  /** What to keep. */
  memory(): KeepAliveMemory {
    return { currentS: this.#currentS, goodS: this.#goodS, badS: this.#badS };
  }

  /** A quiet stretch of at least the current value passed and the connection lives. */
  survived(): void {
    this.#survived++;
    if (this.#survived >= STRETCHES_TO_TRUST) this.#goodS = Math.max(this.#goodS, this.#currentS);
  }

  /** A longer value that is worth a new connection, or null. */
  candidateS(): number | null {
    if (this.#survived < STRETCHES_TO_TRUST) return null;
    const next =
      this.#badS === null
        ? Math.min(KEEP_ALIVE_MAX_S, roundDown(this.#goodS * 1.5))
        : roundDown((this.#goodS + this.#badS) / 2);
    return next >= this.#currentS + STEP_S || (next === KEEP_ALIVE_MAX_S && next > this.#currentS) ? next : null;
  }

  /** Takes the candidate for the next connection. */
  adopt(candidateS: number): void {
    this.#currentS = clamp(candidateS);
    this.#survived = 0;
  }

  /** The connection was lost after `quietMs` without traffic; shorter silences say nothing about the path. */
  lost(quietMs: number): void {
    if (quietMs < this.#currentS * 1000) return;
    if (this.#goodS >= this.#currentS) this.#goodS = 0;
    this.#badS = this.#currentS;
    this.#survived = 0;
    const below = this.#goodS > 0 ? this.#goodS : this.#badS / 2;
    this.#currentS = clamp(roundDown(below));
  }
}

function roundDown(seconds: number): number {
  return Math.floor(seconds / STEP_S) * STEP_S;
}

function clamp(seconds: number): number {
  return Math.min(KEEP_ALIVE_MAX_S, Math.max(KEEP_ALIVE_MIN_S, Math.round(seconds)));
}
