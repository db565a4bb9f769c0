/**
 * How fast the collector acknowledges, and so how much may be on its way: three seconds' worth, never less than two
 * blocks. More would sit in sockets and brokers, where no alarm can overtake it.
 *
 * The rate is octets acknowledged per busy millisecond (something was outstanding), over a window that forgets by halves;
 * idle time does not count, or a quiet hour would look like a slow link.
 */
import { OUTSTANDING_MAX_OCTETS, OUTSTANDING_MIN_OCTETS, OUTSTANDING_SPAN_S } from '../limits.ts';

const WINDOW_MS = 5_000;
const ROUND_TRIP_WEIGHT = 1 / 8;

/** The measured pace of one path. */
export class Pace {
  #octets = 0;
  #busyMs = 0;
  #lastAckAtMs = 0;
  #roundTripMs = 0;

  /** Smoothed time from PUBLISH to our own ack, 0 while nothing was measured. */
  get roundTripMs(): number {
    return this.#roundTripMs;
  }

  /** Octets that may be outstanding, all lanes together. */
  limitOctets(): number {
    if (this.#busyMs === 0) return OUTSTANDING_MIN_OCTETS;
    const span = (this.#octets / this.#busyMs) * 1000 * OUTSTANDING_SPAN_S;
    return Math.min(OUTSTANDING_MAX_OCTETS, Math.max(OUTSTANDING_MIN_OCTETS, Math.floor(span)));
  }

  /** `octets` were acknowledged; the oldest of them was sent at `oldestSentAtMs`, the newest at `newestSentAtMs`. */
  acknowledged(octets: number, oldestSentAtMs: number, newestSentAtMs: number, nowMs: number): void {
    this.#octets += octets;
    this.#busyMs += Math.max(1, nowMs - Math.max(this.#lastAckAtMs, oldestSentAtMs));
    this.#lastAckAtMs = nowMs;
    while (this.#busyMs > WINDOW_MS) {
      this.#busyMs /= 2;
      this.#octets /= 2;
    }
    this.roundTrip(nowMs - newestSentAtMs);
  }

  /** One more round trip was seen: of a block or of hello. */
  roundTrip(tripMs: number): void {
    this.#roundTripMs =
      this.#roundTripMs === 0 ? tripMs : this.#roundTripMs + (tripMs - this.#roundTripMs) * ROUND_TRIP_WEIGHT;
  }

  /** A new path knows nothing of the old one. */
  reset(): void {
    this.#octets = 0;
    this.#busyMs = 0;
    this.#roundTripMs = 0;
  }
}
