/**
 * Whose batch is stored next when more edges wait than the database serves at once: start-time fair queueing (Goyal, Vin
 * and Cheng 1996). Each edge's octets move its own clock; the one that is furthest behind is next. An edge with weeks of
 * backlog and one with an hour of readings get the same octets, and neither waits for the other's whole backlog.
 *
 * Deficit round robin was tried first: an edge asks for its next turn only when its last one is over, and the rounds that
 * other places begin meanwhile pass it by. Here what it was given is remembered, whenever it asks.
 *
 * What is urgent (control messages, lanes 0 and 1) goes ahead of all that is not, in order of arrival; an edge that waits is
 * raised when something urgent of it comes. Weak point: many urgent ones starve the rest; their senders are bounded by the
 * edges' own rates.
 */
import type { EdgeId } from '../../model/ids.ts';
import { CONTENDED_TRANSACTION_MAX_OCTETS, TRANSACTION_MAX_OCTETS } from './limits.ts';

/** Classes of turns, the first goes first: 0 = urgent, in order of arrival; 1 = all else. */
export type Rank = 0 | 1;

/** Somebody who waits for a turn. */
export interface Asked {
  /** Resolves when the turn begins; the result must be called when the batch is stored or has failed. */
  readonly turn: Promise<() => void>;
  /** Something of this rank came meanwhile; one below that of the asking changes nothing. */
  raise(rank: Rank): void;
}

interface Waiting {
  rank: Rank;
  /** The edge's clock, octets. */
  readonly start: number;
  readonly begin: () => void;
}

/** Gives turns; pure but for the promises it keeps. An edge must ask for its next turn only when its last one is over. */
export class Turns {
  readonly #waiting: readonly [Set<Waiting>, Set<Waiting>] = [new Set(), new Set()];
  /** Clocks of edges, octets; forgotten when nobody waits. */
  readonly #clocks = new Map<EdgeId, number>();
  /** Where the batch that began last had its start: an edge that comes anew begins here, not in the past. */
  #now = 0;
  #running = 0;

  constructor(private readonly atOnce: number) {}

  /** Edges that wait. */
  get waiting(): number {
    return this.#waiting.reduce((sum, { size }) => sum + size, 0);
  }

  /** Octets of one batch: few while others wait, so that shares are even soon. */
  get batchMaxOctets(): number {
    return this.waiting > 0 ? CONTENDED_TRANSACTION_MAX_OCTETS : TRANSACTION_MAX_OCTETS;
  }

  /** Asks for a turn of this edge for a batch of so many octets. */
  ask(edgeId: EdgeId, octets: number, rank: Rank): Asked {
    const start = Math.max(this.#now, this.#clocks.get(edgeId) ?? 0);
    this.#clocks.set(edgeId, start + octets);
    if (this.#running < this.atOnce) {
      this.#running += 1;
      return { turn: Promise.resolve(this.#end()), raise: () => {} };
    }
    let begin = (): void => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const waiting: Waiting = { rank, start, begin };
    this.#waiting[rank].add(waiting);
    return {
      turn: begun.then(() => this.#end()),
      raise: (to) => {
        if (to >= waiting.rank || !this.#waiting[waiting.rank].delete(waiting)) return;
        waiting.rank = to;
        this.#waiting[to].add(waiting);
      },
    };
  }

  /** Ends a turn; a second call changes nothing. */
  #end(): () => void {
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
    const next = this.#next();
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
  #next(): Waiting | undefined {
    const [urgent, others] = this.#waiting;
    let [first] = urgent;
    if (first !== undefined) {
      urgent.delete(first);
      return first;
    }
    for (const each of others) if (first === undefined || each.start < first.start) first = each;
    if (first === undefined) return undefined;
    others.delete(first);
    this.#now = Math.max(this.#now, first.start);
    return first;
  }
}
