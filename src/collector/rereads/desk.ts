/**
 * Lets concentrators read again what is missing here and may still be in their meters.
 *
 * Plan: the store lists each loss with the transaction that learns of it: a gap that a hello declares, a tombstone, blocks
 * that cannot be decoded. When an entry is due, what is really missing is asked of the store, so nothing is ordered that has
 * arrived meanwhile: the edge reads its own losses again by itself, an upgrade may decode a block. The rest is ordered, and
 * said again every few hours and after each hello, until the edge has answered; ingest takes the answers in.
 * A gap without a tombstone names no channels: it is taken apart, meter by meter, by what the store misses of its time.
 * What is above the edge's watermark too may be among it: the edge leaves that to its normal reading.
 * Given up: the order goes to the edge that lost the blocks, also when the meter hangs on another one now; that one refuses.
 * Weak point: a meter of which nothing was ever stored has no channels, so a gap without a tombstone does not find it.
 */
import type { Env, Timer } from '../../base/env.ts';
import { reasonOf } from '../../base/errors.ts';
import type { EdgeId, MeterId } from '../../model/ids.ts';
import type { RereadState } from '../../model/reread.ts';
import { REREADS_MAX } from '../../wire/limits.ts';
import { REREAD_REPEAT_MS } from '../limits.ts';
import type {
  EdgePublisher,
  Gap,
  JournalStore,
  Page,
  QueryStore,
  RereadChange,
  RereadPlace,
  RereadRecord,
  RereadStore,
} from '../ports.ts';
import { orderOf } from '../reread-order.ts';
import {
  BACK_MAX_MS,
  BACKLOG_PATIENCE_MS,
  GIVEN_UP_MS,
  LOOK_AFTER_MS,
  LOOK_AGAIN_MS,
  METERS_PAGE,
  OPEN_OF_METER_MAX,
  SWEEP_MAX,
  SWEEP_PERIOD_MS,
  TOMBSTONE_LOOK_AFTER_MS,
} from './limits.ts';

/** What the desk needs. */
export interface RereadDeskParts {
  readonly env: Pick<Env, 'clock' | 'timers' | 'log'>;
  readonly store: RereadStore & Pick<JournalStore, 'edge'> & Pick<QueryStore, 'gaps' | 'channels' | 'meters'>;
  readonly publisher: Pick<EdgePublisher, 'sendRereads'>;
}

/** The desk with its end. */
export interface RereadDesk {
  /** Looks once at what is due; also done every {@link SWEEP_PERIOD_MS}. Returns how many orders were sent. */
  sweep(): Promise<number>;
  /** Resolves when nothing is under way any more. */
  close(): Promise<void>;
}

/** Starts the desk and its sweeps. */
export function createRereadDesk(parts: RereadDeskParts): RereadDesk {
  const desk = new Desk(parts);
  desk.plan();
  return desk;
}

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

class Desk implements RereadDesk {
  readonly #parts: RereadDeskParts;
  #timer: Timer | null = null;
  #sweeping: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(parts: RereadDeskParts) {
    this.#parts = parts;
  }

  plan(): void {
    if (this.#closed) return;
    this.#timer = this.#parts.env.timers.after(SWEEP_PERIOD_MS, () => {
      this.sweep()
        .catch((error: unknown) => this.#parts.env.log.warn('rereads.sweep-failed', { reason: reasonOf(error) }))
        .finally(() => this.plan());
    });
  }

  sweep(): Promise<number> {
    const sweep = this.#sweeping.catch(() => undefined).then(() => this.#sweepOnce());
    this.#sweeping = sweep;
    return sweep;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#sweeping.catch(() => undefined);
  }

  async #sweepOnce(): Promise<number> {
    const { store } = this.#parts;
    const wanted = new Map<EdgeId, RereadRecord[]>();
    for (const record of await store.dueRereads(this.#nowMs(), SWEEP_MAX)) {
      if (this.#closed) return 0;
      const order = record.meterId === null ? await this.#takeApart(record) : await this.#look(record, record.meterId);
      if (order !== null) wanted.set(record.edgeId, [...(wanted.get(record.edgeId) ?? []), order]);
    }
    let sent = 0;
    for (const [edgeId, records] of wanted)
      for (let at = 0; at < records.length; at += REREADS_MAX)
        sent += await this.#send(edgeId, records.slice(at, at + REREADS_MAX));
    return sent;
  }

  #nowMs(): number {
    return this.#parts.env.clock.nowMs();
  }

  /** What is to be ordered of an entry, or null when that is not known yet, or nothing is. */
  async #look(record: RereadRecord, meterId: MeterId): Promise<RereadRecord | null> {
    const nowMs = this.#nowMs();
    if (await this.#isEarly(record)) return null;
    const span = await this.#missing(record, meterId);
    if (span === null) return this.#end(record, 'arrived');
    if (record.createdAtMs + GIVEN_UP_MS <= nowMs) return this.#end(record, 'given-up');
    if (record.state === 'ordered') return record;
    const change: RereadChange = { state: 'ordered', atMs: nowMs, dueAtMs: nowMs, span };
    return (await this.#change(record, change)) ? { ...record, ...span, state: 'ordered' } : null;
  }

  async #end(record: RereadRecord, state: RereadState): Promise<null> {
    if (await this.#change(record, { state, atMs: this.#nowMs(), dueAtMs: null }))
      this.#parts.env.log.info('rereads.ended', { edgeId: record.edgeId, order: record.id, state });
    return null;
  }

  #change(record: RereadRecord, change: RereadChange): Promise<boolean> {
    return this.#parts.store.changeReread(record, change);
  }

  /** Whether what is missing may be on its way; then the entry is put off. */
  async #isEarly(record: RereadRecord): Promise<boolean> {
    if (record.state !== 'waiting') return false;
    const nowMs = this.#nowMs();
    const lookAtMs = record.createdAtMs + (record.reason === 'tombstone' ? TOMBSTONE_LOOK_AFTER_MS : LOOK_AFTER_MS);
    let dueAtMs = lookAtMs;
    if (lookAtMs <= nowMs) {
      if (nowMs - lookAtMs >= BACKLOG_PATIENCE_MS) return false;
      const edge = await this.#parts.store.edge(record.edgeId);
      const isBehind = edge?.status?.lanes.some(({ blocks }) => blocks > 0) ?? false;
      if (!isBehind) return false;
      dueAtMs = nowMs + LOOK_AGAIN_MS;
    }
    await this.#change(record, { state: 'waiting', atMs: nowMs, dueAtMs });
    return true;
  }

  /** The time within which an entry's intervals are missing; null = none is. A channel of which nothing is known misses all. */
  async #missing(record: RereadRecord, meterId: MeterId): Promise<Span | null> {
    const { obis, intervalS, fromMs, toMs } = record;
    const known = (await this.#parts.store.channels(meterId)).filter((channel) => channel.intervalS === intervalS);
    if (!obis.every((each) => known.some((channel) => channel.obis === each))) return { fromMs, toMs };
    const gaps = await this.#gaps(meterId, record);
    return spanOf(
      gaps.filter((gap) => gap.intervalS === intervalS && obis.includes(gap.obis)),
      record,
    );
  }

  async #gaps(meterId: MeterId, { fromMs, toMs }: Span): Promise<readonly Gap[]> {
    const nowMs = this.#nowMs();
    const backMs = nowMs - BACK_MAX_MS;
    const range = { fromMs: Math.max(fromMs - 1, backMs), toMs: Math.max(toMs, backMs), nowMs };
    const gaps = await this.#parts.store.gaps({ meterId, ...range });
    return gaps.filter(({ cause }) => cause !== 'not-due' && cause !== 'not-installed');
  }

  /** An entry for all meters becomes one for each channel that misses something of its time. */
  async #takeApart(record: RereadRecord): Promise<null> {
    if (await this.#isEarly(record)) return null;
    const { store } = this.#parts;
    let cursor: string | undefined;
    do {
      const page: Page<{ readonly meterId: MeterId }> = await store.meters({
        edgeId: record.edgeId,
        limit: METERS_PAGE,
        ...(cursor === undefined ? {} : { cursor }),
      });
      for (const { meterId } of page.items) await this.#listMissing(record, meterId);
      cursor = page.cursor;
    } while (cursor !== undefined && !this.#closed);
    return this.#end(record, 'done');
  }

  async #listMissing(record: RereadRecord, meterId: MeterId): Promise<void> {
    const { store } = this.#parts;
    const gaps = await this.#gaps(meterId, record);
    if (gaps.length === 0) return;
    const open = await store.rereads({ meterId, limit: OPEN_OF_METER_MAX });
    const places: RereadPlace[] = [];
    const channels = new Map(gaps.map((gap) => [`${gap.intervalS} ${gap.obis}`, gap]));
    for (const { obis, intervalS } of channels.values()) {
      const span = spanOf(
        gaps.filter((gap) => gap.obis === obis && gap.intervalS === intervalS),
        record,
      );
      if (span === null) continue;
      const isCovered = open.items.some(
        (other) =>
          other.endedAtMs === undefined &&
          other.intervalS === intervalS &&
          other.obis.includes(obis) &&
          other.fromMs <= span.fromMs &&
          span.toMs <= other.toMs,
      );
      const { edgeId, epoch, lane, sequence, reason } = record;
      if (!isCovered) places.push({ edgeId, epoch, lane, sequence, reason, meterId, intervalS, obis: [obis], ...span });
    }
    await store.listRereads(places, { state: 'ordered', atMs: this.#nowMs() });
  }

  /** Says orders; those of an edge that cannot be reached come after its next hello. */
  async #send(edgeId: EdgeId, records: readonly RereadRecord[]): Promise<number> {
    const isSent = await this.#parts.publisher.sendRereads(edgeId, records.flatMap(orderOf));
    const nowMs = this.#nowMs();
    const dueAtMs = nowMs + (isSent ? REREAD_REPEAT_MS : LOOK_AGAIN_MS);
    for (const record of records) await this.#change(record, { state: 'ordered', atMs: nowMs, dueAtMs });
    if (isSent) this.#parts.env.log.info('rereads.ordered', { edgeId, orders: records.length });
    return isSent ? records.length : 0;
  }
}

/** From the first to the last missing interval end, within what was lost. */
function spanOf(gaps: readonly Gap[], within: Span): Span | null {
  if (gaps.length === 0) return null;
  const fromMs = Math.max(within.fromMs, Math.min(...gaps.map((gap) => gap.fromMs)));
  const toMs = Math.min(within.toMs, Math.max(...gaps.map((gap) => gap.toMs)));
  return fromMs > toMs ? null : { fromMs, toMs };
}
