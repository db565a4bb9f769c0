/**
 * Whose batch is stored next when more edges wait than the database serves at once: start-time fair queueing (Goyal, Vin
 * and Cheng 1996). Each edge's octets move its own clock; the one that is furthest behind is next. An edge with weeks of
 * backlog and one with an hour of readings get the same octets, and neither waits for the other's whole backlog.
 *
 * Deficit round robin was tried first: an edge asks for its next turn only when its last one is over, and the rounds that
 * other places begin meanwhile pass it by. Here what it was given is remembered, whenever it asks.
 *
 * What is urgent (control messages, lanes 0 and 1) goes ahead of all that is not, in order of arrival. Weak point: many
 * urgent ones starve the rest; their senders are bounded by the edges' own rates.
 */
import type { EdgeId } from '../../model/ids.ts';
import { CONTENDED_TRANSACTION_MAX_OCTETS, TRANSACTION_MAX_OCTETS } from './limits.ts';

interface Waiting {
  /** The edge's clock before this batch, octets. */
  readonly start: number;
  readonly begin: () => void;
}

/** Gives turns; pure but for the promises it keeps. */
export class Turns {
  readonly #urgent: Waiting[] = [];
  readonly #waiting = new Set<Waiting>();
  /** Clocks of edges, octets; forgotten when nobody waits. */
  readonly #clocks = new Map<EdgeId, number>();
  /** Where the batch that began last had its start: an edge that comes anew begins here, not in the past. */
  #now = 0;
  #running = 0;

  constructor(private readonly atOnce: number) {}

  /** Edges that wait. */
  get waiting(): number {
    return this.#urgent.length + this.#waiting.size;
  }

  /** Octets of one batch: few while others wait, so that shares are even soon. */
  get batchMaxOctets(): number {
    return this.waiting > 0 ? CONTENDED_TRANSACTION_MAX_OCTETS : TRANSACTION_MAX_OCTETS;
  }

  /** Resolves when it is this edge's turn; the result must be called when its batch is stored or has failed. */
  async take(edgeId: EdgeId, octets: number, isUrgent: boolean): Promise<() => void> {
    const start = Math.max(this.#now, this.#clocks.get(edgeId) ?? 0);
    this.#clocks.set(edgeId, start + octets);
    if (this.#running < this.atOnce) this.#running += 1;
    else
      await new Promise<void>((begin) => {
        if (isUrgent) this.#urgent.push({ start, begin });
        else this.#waiting.add({ start, begin });
      });
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      // An edge with more to store asks again at once, and counts among those that wait.
      queueMicrotask(() => this.#pass());
    };
  }

  /** The place that became free goes to the next one. */
  #pass(): void {
    const next = this.#urgent.shift() ?? this.#furthestBehind();
    if (next !== undefined) {
      next.begin();
      return;
    }
    this.#running -= 1;
    if (this.#running === 0) {
      this.#clocks.clear();
      this.#now = 0;
    }
  }

  /** Looks at all that wait: in a steady fleet these are few, after a long outage some thousands for a minute. */
  #furthestBehind(): Waiting | undefined {
    let first: Waiting | undefined;
    for (const each of this.#waiting) if (first === undefined || each.start < first.start) first = each;
    if (first === undefined) return undefined;
    this.#waiting.delete(first);
    this.#now = Math.max(this.#now, first.start);
    return first;
  }
}
