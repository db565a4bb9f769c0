/** Where sending stands in one lane: what the collector holds, what has left us, what is due next. Pure. */
import type { StoredBlock } from '../ports.ts';

interface Outstanding {
  readonly sequence: number;
  readonly octets: number;
  readonly sentAtMs: number;
}

/** What an acknowledgement took off the way. */
export interface Acknowledged {
  readonly octets: number;
  readonly oldestSentAtMs: number;
  readonly newestSentAtMs: number;
}

/** One lane of the uplink. */
export class LaneSender {
  /** The collector holds everything up to and including this, as far as it told us. */
  upTo = 0;
  /** Highest sequence that left us; the next block to send is the one after it. */
  sentUpTo = 0;
  /** Octets of the next block once it was found not to fit: no use trying before that much room is there. */
  needOctets = 0;
  /** The same request to send again is ignored until then: each outstanding block may have triggered one. */
  needGuardUntilMs = 0;
  /** What was asked for last: another dictionary or another place is a request of its own. */
  needed = '';
  /** The collector holds blocks that we do not know: nothing of this lane may be sent. */
  barred = false;
  #outstanding: Outstanding[] = [];
  #octets = 0;

  /** Octets beyond `upTo` that have left us. */
  get outstandingOctets(): number {
    return this.#octets;
  }

  /** When the oldest unacknowledged block left, or null. */
  get oldestSentAtMs(): number | null {
    return this.#outstanding[0]?.sentAtMs ?? null;
  }

  /** Sending goes on after `sequence`; what was outstanding is no longer counted on. */
  restartAfter(sequence: number): void {
    this.sentUpTo = sequence;
    this.needOctets = 0;
    this.#outstanding = [];
    this.#octets = 0;
  }

  /** The block leaves now. */
  sent(block: StoredBlock, nowMs: number): void {
    this.sentUpTo = block.sequence;
    this.needOctets = 0;
    this.#outstanding.push({ sequence: block.sequence, octets: block.octets.length, sentAtMs: nowMs });
    this.#octets += block.octets.length;
  }

  /** The collector holds everything up to `upTo`, which is not below what it said before. Null when nothing was outstanding. */
  acknowledged(upTo: number): Acknowledged | null {
    // Only progress moves sending on: a repeated ack while a keyframe group is resent must not cut the resend short.
    if (upTo > this.upTo) this.sentUpTo = Math.max(this.sentUpTo, upTo);
    this.upTo = upTo;
    this.needOctets = 0;
    const kept = this.#outstanding.findIndex((block) => block.sequence > upTo);
    const taken = this.#outstanding.splice(0, kept < 0 ? this.#outstanding.length : kept);
    const oldest = taken[0];
    const newest = taken.at(-1);
    if (oldest === undefined || newest === undefined) return null;
    const octets = taken.reduce((sum, block) => sum + block.octets, 0);
    this.#octets -= octets;
    return { octets, oldestSentAtMs: oldest.sentAtMs, newestSentAtMs: newest.sentAtMs };
  }
}
