/**
 * Requests on their way into a PRIME network: how many the base node may hold, and which meters still owe an answer.
 *
 * The modem carries one request after the other and drops in silence what finds no buffer, and nothing ever says that a
 * request failed. So an answer is taken as a receipt for every request that was sent before its own, and one of
 * which nothing is heard counts as held until the longest stall is over. A meter that owes an answer when its association
 * ends is left in peace until it has come, or can come no more: under the wrapper a late answer would be taken for that to the next
 * request. Known weak point: a base node that takes longer than both waits.
 */

/** Bounds of the traffic. */
export interface TrafficRules {
  /** Requests that the base node may hold at once. */
  readonly most: number;
  /** Silence after which a request cannot be in the modem any more, ms. */
  readonly heldMs: number;
  /** Age at which an answer can come no more, ms. */
  readonly guardMs: number;
}

/** Answers that one meter owes before the oldest is forgotten: a session asks a few times again, not more. */
const OWED_MAX = 16;

interface Held {
  readonly deviceId: number;
  readonly atMs: number;
}

/** See the head of the file. Times are monotonic ms. */
export class PrimeTraffic {
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
  asked(deviceId: number, nowMs: number): void {
    this.#held.push({ deviceId, atMs: nowMs });
    const owed = this.#owed.get(deviceId) ?? [];
    this.#owed.set(deviceId, [...owed, nowMs].slice(-OWED_MAX));
  }

  /** An answer came; true when with it the meter owes nothing any more. */
  heard(deviceId: number, nowMs: number): boolean {
    if (!this.#owed.has(deviceId)) return false;
    const at = this.#held.findIndex((held) => held.deviceId === deviceId);
    if (at >= 0) this.#held.splice(0, at + 1);
    this.#movedAtMs = nowMs;
    const owed = this.#owed.get(deviceId) ?? [];
    owed.shift();
    if (owed.length === 0) this.#owed.delete(deviceId);
    return owed.length === 0;
  }

  /** The registration is over: what was asked under this id will never be answered under another. */
  left(deviceId: number): void {
    this.#owed.delete(deviceId);
  }

  /** Ms for which a meter should be left in peace before a new association; 0 = it owes nothing. */
  restMs(deviceId: number, nowMs: number): number {
    const last = this.#owed.get(deviceId)?.at(-1);
    return last === undefined ? 0 : Math.max(0, last + this.rules.guardMs - nowMs);
  }
}
