/**
 * Requests on their way into a network over the power line: how many its modem may hold, and which meters still owe an answer.
 *
 * A modem carries one request after the other, and mostly nothing says that one failed: a PRIME base node drops in silence what finds no
 * buffer. So an answer is taken as a receipt for every request that was sent before its own, and one of
 * which nothing is heard counts as held until the longest stall is over. A meter that owes an answer when its association
 * ends is left in peace until it has come, or can come no more: under the wrapper a late answer would be taken for that to the next
 * request. Known weak point: a modem that takes longer than both waits.
 */

/** Bounds of the traffic. */
export interface TrafficRules {
  /** Requests that the modem may hold at once. */
  readonly most: number;
  /** Silence after which a request cannot be in the modem any more, ms. */
  readonly heldMs: number;
  /** Age at which an answer can come no more, ms. */
  readonly guardMs: number;
}

/** Answers that one meter owes before the oldest is forgotten: a session asks a few times again, not more. */
const OWED_MAX = 16;

interface Held {
  readonly address: number;
  readonly atMs: number;
}

/** See the head of the file. Times are monotonic ms. */
export class PlcTraffic {
  #held: Held[] = [];
  /** When the requests were sent that a meter has not answered, oldest first. */
  readonly #owed = new Map<number, number[]>();
  /** When a receipt came last. */
  #movedAtMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly rules: TrafficRules) {}

  /** Ms until one more request may be sent; 0 = now. */
  waitMs(nowMs: number): number {
    const [oldest] = this.#held;
    if (oldest === undefined || this.#held.length < this.rules.most) return 0;
    const freeAtMs = Math.max(oldest.atMs, this.#movedAtMs) + this.rules.heldMs;
    if (freeAtMs > nowMs) return freeAtMs - nowMs;
    this.#held.shift();
    // One stall may follow another: the next is given up no sooner than after a wait of its own.
    this.#movedAtMs = nowMs;
    return 0;
  }

  /** A request was sent. */
  asked(address: number, nowMs: number): void {
    this.#held.push({ address, atMs: nowMs });
    const owed = this.#owed.get(address) ?? [];
    this.#owed.set(address, [...owed, nowMs].slice(-OWED_MAX));
  }

  /** An answer came; true when with it the meter owes nothing any more. */
  heard(address: number, nowMs: number): boolean {
    if (!this.#owed.has(address)) return false;
    const at = this.#held.findIndex((held) => held.address === address);
    if (at >= 0) this.#held.splice(0, at + 1);
    this.#movedAtMs = nowMs;
    const owed = this.#owed.get(address) ?? [];
    owed.shift();
    if (owed.length === 0) this.#owed.delete(address);
    return owed.length === 0;
  }

  /** The request that was sent last to a meter did not leave, after all: it is not held, and nobody will answer it. */
  undelivered(address: number): void {
    const at = this.#held.findLastIndex((held) => held.address === address);
    if (at >= 0) this.#held.splice(at, 1);
    const owed = this.#owed.get(address) ?? [];
    owed.pop();
    if (owed.length === 0) this.#owed.delete(address);
  }

  /** The modem was started anew, or is another one: it holds nothing. Meters may answer all the same. */
  restarted(): void {
    this.#held = [];
  }

  /** The registration is over: what was asked under this address will never be answered under another. */
  left(address: number): void {
    this.#owed.delete(address);
  }

  /** Ms for which a meter should be left in peace before a new association; 0 = it owes nothing. */
  restMs(address: number, nowMs: number): number {
    const last = this.#owed.get(address)?.at(-1);
    return last === undefined ? 0 : Math.max(0, last + this.rules.guardMs - nowMs);
  }
}
