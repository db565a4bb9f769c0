/**
 * Orders of the collector to read intervals again: blocks with them never arrived there, or cannot be read there.
 *
 * An order is on the medium, under `reread/<id>`, before it counts; the readers find it beside what the journal itself
 * lost. When it has ended its result is kept in its place, so that the same order, said again, is answered and read no
 * second time. The collector says an order again until it has heard the result, so nothing here is said twice by itself.
 * Given up: an order beyond {@link REREAD_ORDERS_MAX} is left unanswered; it comes again.
 */

import type { Clock } from '../../base/env.ts';
import type { Log } from '../../base/log.ts';
import { REREAD_OUTCOMES, type RereadEnd, type RereadOrder, type RereadResult } from '../../model/reread.ts';
import { entryWith } from '../entry.ts';
import { REREAD_ORDERS_MAX, REREAD_QUOTA_SHARE, REREAD_RESULTS_MAX } from '../limits.ts';
import type { Health, Journal, Reread, RereadSource } from '../ports.ts';

/** What the orders need. */
export interface RereadOrdersOptions {
  readonly journal: Journal;
  readonly health: Health;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly log: Log;
  /** Whether a buffer of a meter here holds such rows. */
  readonly isServed: (order: RereadOrder) => boolean;
  /** Says results in the open session, if there is one. */
  readonly tell: (results: readonly RereadResult[]) => void;
}

interface KeptOrder {
  readonly order: RereadOrder;
  /** Absent while it is to be read. */
  readonly end?: RereadEnd;
  /** When it ended, UTC ms. */
  readonly endedAtMs?: number;
}

const PREFIX = 'reread/';
const VERSION = 1;

/** The actor. */
export class RereadOrders implements RereadSource {
  readonly #options: RereadOrdersOptions;
  readonly #orders = new Map<string, KeptOrder>();

  constructor(options: RereadOrdersOptions) {
    this.#options = options;
  }

  /** Reads what was kept before the restart. */
  async start(): Promise<void> {
    for (const [key, octets] of await this.#options.journal.keptUnder(PREFIX)) {
      const kept = decodeOrder(octets);
      if (kept !== null) this.#orders.set(key.slice(PREFIX.length), kept);
    }
  }

  /** Takes orders; resolves when the new ones are on the medium. Rejects with JOURNAL_* errors, and then took none. */
  async receive(orders: readonly RereadOrder[]): Promise<void> {
    const { health, isServed, tell } = this.#options;
    const results: RereadResult[] = [];
    const taken: RereadOrder[] = [];
    let waiting = this.#waiting().length;
    for (const order of orders) {
      const known = this.#orders.get(order.id);
      if (known?.end !== undefined) results.push({ id: order.id, ...known.end });
      if (known !== undefined) continue;
      if (!isServed(order)) results.push({ id: order.id, outcome: 'refused', rows: 0 });
      else if (waiting >= REREAD_ORDERS_MAX) health.count('reread_orders_put_off');
      else {
        taken.push(order);
        waiting++;
      }
    }
    await this.#keep(taken.map((order) => [order.id, { order }]));
    health.count('reread_orders', taken.length);
    if (taken.length > 0) this.#options.log.info('rereads.ordered', { orders: taken.length });
    if (results.length > 0) tell(results);
  }

  rereads(): readonly Reread[] {
    const { journal } = this.#options;
    const lost = journal.rereads();
    const waiting = this.#waiting();
    if (waiting.length === 0) return lost;
    const { pendingOctets, quotaOctets } = journal.room();
    return pendingOctets > quotaOctets * REREAD_QUOTA_SHARE
      ? lost
      : [...lost, ...waiting].sort((a, b) => a.fromMs - b.fromMs || b.toMs - a.toMs);
  }

  async rereadDone(reread: Reread, end: RereadEnd): Promise<void> {
    const { orderId } = reread;
    const { journal, health, log, clock, tell } = this.#options;
    if (orderId === undefined) return journal.rereadDone(reread);
    const known = this.#orders.get(orderId);
    if (known === undefined || known.end !== undefined) return;
    await this.#keep([[orderId, { order: known.order, end, endedAtMs: clock.nowMs() }], ...this.#tooOld()]);
    health.count(`reread_orders_${end.outcome}`);
    log.info('rereads.ended', { order: orderId, ...end });
    tell([{ id: orderId, ...end }]);
  }

  #waiting(): Reread[] {
    return [...this.#orders.values()].flatMap(({ order: { id, ...span }, end }) =>
      end === undefined ? [{ ...span, orderId: id }] : [],
    );
  }

  /** Results that give way to one more. */
  #tooOld(): [string, null][] {
    const ended = [...this.#orders].filter(([, { end }]) => end !== undefined);
    if (ended.length < REREAD_RESULTS_MAX) return [];
    ended.sort(([, a], [, b]) => (a.endedAtMs ?? 0) - (b.endedAtMs ?? 0));
    return ended.slice(0, ended.length + 1 - REREAD_RESULTS_MAX).map(([id]) => [id, null]);
  }

  /** In one batch; null = forgotten. Memory changes after it. */
  async #keep(changes: readonly (readonly [string, KeptOrder | null])[]): Promise<void> {
    if (changes.length === 0) return;
    const keep = changes.map(([id, kept]) => ({
      key: PREFIX + id,
      value: kept === null ? undefined : new TextEncoder().encode(JSON.stringify([VERSION, kept])),
    }));
    await this.#options.journal.append(entryWith(this.#options.clock.nowMs(), { keep }));
    for (const [id, kept] of changes) {
      if (kept === null) this.#orders.delete(id);
      else this.#orders.set(id, kept);
    }
  }
}

/** A kept order, or null when the octets are not one of a version that we know: the collector says it again. */
function decodeOrder(octets: Uint8Array): KeptOrder | null {
  try {
    const [version, kept] = JSON.parse(new TextDecoder().decode(octets)) as [number, KeptOrder];
    const isKnown = kept.end === undefined || REREAD_OUTCOMES.includes(kept.end.outcome);
    return version === VERSION && isKnown ? kept : null;
  } catch {
    return null;
  }
}
