/** Two transports joined by a line in virtual time: octets may be lost, altered and cut at random, from a seed. */
import type { Machine } from '../../../../src/base/machine.ts';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';

export interface LineFaults {
  /** Probability that a written piece is lost, 0-1. */
  readonly lose?: number;
  /** Probability that one octet of a piece is altered, 0-1. */
  readonly flip?: number;
  /** Largest piece that is delivered at once, octets. */
  readonly pieceBytes?: number;
  /** One way, ms. */
  readonly latencyMs?: number;
  /** Probability that a piece comes twice, the second time up to {@link lateMs} later, 0-1. */
  readonly double?: number;
  /** Every piece comes up to this much later, ms: pieces overtake each other, as datagrams do. */
  readonly lateMs?: number;
}

interface Delivery {
  readonly atMs: number;
  readonly order: number;
  readonly to: 0 | 1;
  readonly octets: Uint8Array;
}

/** Joins two machines; `onEvents` hears each one's events and may act on the machines. */
export class VirtualLine<A, B> {
  nowMs = 0;
  octets = 0;
  readonly #random: SeededRandom;
  readonly #deliveries: Delivery[] = [];
  #order = 0;

  constructor(
    readonly ends: readonly [Machine<A>, Machine<B>],
    readonly faults: LineFaults,
    seed: number,
    readonly onEvents: (end: 0 | 1, events: (A | B)[]) => void,
  ) {
    this.#random = new SeededRandom(seed);
  }

  /** Runs until nothing is left to do, `done` says so, or `untilMs` is over; true when `done` said so. */
  run(done: () => boolean, untilMs: number): boolean {
    for (let steps = 0; steps < 200_000; steps++) {
      this.#flush(0);
      this.#flush(1);
      if (done()) return true;
      const next = this.#deliveries[0];
      const deadlines = this.ends.map((end) => end.deadlineMs() ?? Number.POSITIVE_INFINITY);
      const atMs = Math.max(this.nowMs, Math.min(next?.atMs ?? Number.POSITIVE_INFINITY, ...deadlines));
      if (atMs > untilMs) return false;
      this.nowMs = atMs;
      if (next !== undefined && next.atMs <= atMs) {
        this.#deliveries.shift();
        this.onEvents(next.to, this.ends[next.to].receive(next.octets, this.nowMs));
      } else {
        for (const end of [0, 1] as const) this.onEvents(end, this.ends[end].tick(this.nowMs));
      }
    }
    throw new Error('the line never rests');
  }

  #flush(from: 0 | 1): void {
    for (const output of this.ends[from].takeOutput()) {
      this.octets += output.length;
      for (const octets of this.#pieces(output)) {
        if (this.#random.chance(this.faults.lose ?? 0)) continue;
        const copies = this.#random.chance(this.faults.double ?? 0) ? 2 : 1;
        for (let copy = 0; copy < copies; copy++) {
          const lateMs = this.faults.lateMs === undefined ? 0 : this.#random.below(this.faults.lateMs);
          const atMs = this.nowMs + (this.faults.latencyMs ?? 1) + lateMs;
          this.#deliveries.push({ atMs, order: this.#order++, to: from === 0 ? 1 : 0, octets: this.#altered(octets) });
        }
      }
    }
    this.#deliveries.sort((a, b) => a.atMs - b.atMs || a.order - b.order);
  }

  #pieces(output: Uint8Array): Uint8Array[] {
    const most = this.faults.pieceBytes;
    if (most === undefined) return [output.slice()];
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < output.length; ) {
      const length = 1 + this.#random.below(most);
      pieces.push(output.slice(at, at + length));
      at += length;
    }
    return pieces;
  }

  #altered(octets: Uint8Array): Uint8Array {
    if (!this.#random.chance(this.faults.flip ?? 0)) return octets;
    const altered = octets.slice();
    const at = this.#random.below(altered.length);
    altered[at] = (altered[at] ?? 0) ^ (1 << this.#random.below(8));
    return altered;
  }
}
