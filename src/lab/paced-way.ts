/** One direction of a line in memory: octets leave one after the other, at a pace when there is one, and need a while. */

/** How a line behaves. */
export interface LineShape {
  /** One way, ms. */
  readonly latencyMs: number;
  /** Octets a second, one way; absent = as fast as it comes. */
  readonly octetsPerS?: number;
}

/** A direction; what was handed in waits as it would in a socket. */
export class PacedWay {
  #freeAtMs = 0;

  constructor(
    private readonly clock: { readonly nowMs: number },
    private readonly shape: LineShape,
  ) {}

  /** Takes a piece; ms until its last octet is at the other end. */
  take(octets: number): number {
    const { octetsPerS, latencyMs } = this.shape;
    const startMs = Math.max(this.clock.nowMs, this.#freeAtMs);
    this.#freeAtMs = startMs + (octetsPerS === undefined ? 0 : (octets * 1000) / octetsPerS);
    return this.#freeAtMs + latencyMs - this.clock.nowMs;
  }

  /** Ms until all that was handed in has arrived. */
  emptyMs(): number {
    return Math.max(0, this.#freeAtMs - this.clock.nowMs) + this.shape.latencyMs;
  }

  /** Octets that were handed in and have not left. */
  waitingOctets(): number {
    const { octetsPerS } = this.shape;
    if (octetsPerS === undefined) return 0;
    return Math.ceil((Math.max(0, this.#freeAtMs - this.clock.nowMs) * octetsPerS) / 1000);
  }
}
