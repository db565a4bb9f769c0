/** How long one answer is waited for: a silence, renewed by octets that are coming, within a bound. */
import { ANSWER_MAX_MS } from './limits.ts';

/** The wait for one answer. */
export class Patience {
  readonly #timeoutMs: number;
  #byMs: number | null = null;
  #askedAtMs = 0;
  #heard = false;

  /** `timeoutMs` is the silence that is borne. */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** When the wait is over, ms; null = nothing is waited for. */
  get byMs(): number | null {
    return this.#byMs;
  }

  /** Since when nothing at all has come of the answer, ms; null when something has, or nothing is waited for. */
  get silentSinceMs(): number | null {
    return this.#byMs === null || this.#heard ? null : this.#askedAtMs;
  }

  /** Something was asked; `timeoutMs` when it deserves another patience than usual. */
  begin(nowMs: number, timeoutMs = this.#timeoutMs): void {
    this.#askedAtMs = nowMs;
    this.#heard = false;
    this.#byMs = nowMs + timeoutMs;
  }

  /** The answer is there, or not wanted any more. */
  end(): void {
    this.#byMs = null;
  }

  /** Octets of an answer came: a long one on a slow line is no silence. */
  renew(nowMs: number): void {
    if (this.#byMs === null) return;
    this.#heard = true;
    this.#byMs = Math.max(this.#byMs, Math.min(nowMs + this.#timeoutMs, this.#askedAtMs + ANSWER_MAX_MS));
  }

  /** A part of the answer is there and taken: the rest is a wait of its own. */
  progress(nowMs: number): void {
    if (this.#byMs !== null) this.begin(nowMs);
  }

  /** Whether it has been silent for too long. */
  isOver(nowMs: number): boolean {
    return this.#byMs !== null && nowMs >= this.#byMs;
  }
}
