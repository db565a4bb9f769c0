/**
 * Queries about readings: day blocks and the unfolded tail, merged, on one view of the database.
 *
 * The view is taken first and both are read from it, so a fold that commits meanwhile neither hides a row nor shows it in
 * no place. When an edge has much unfolded, it is folded first: decoding it for each reader would cost more.
 */
import type { EdgeId, MeterId } from '../../model/ids.ts';
import type { Channel } from '../../model/reading.ts';
import type { ChannelRecord, Gap, QueryStore, ReadingQuery, StoredReading } from '../ports.ts';
import { dayOf, mergeVersions, settle, type Version } from './blocks/versions.ts';
import type { StoreContext } from './context.ts';
import type { Sql } from './database.ts';
import { channelKey, meterDayOf } from './day-rows.ts';
import { storeError } from './errors.ts';
import { type Fold, INTERVAL_LANES } from './fold.ts';
import { type EdgeKnowledge, findGaps, rereadsOfChannel } from './gaps.ts';
import type { ChannelVersion } from './lane-decoder.ts';
import { QUERY_CHUNK_DAYS } from './limits.ts';
import { isPlaced, type Placement, readMeterState, readPlacements } from './placements.ts';
import { answerOf, storedReading } from './reading-pages.ts';
import { readRereads } from './rereads.ts';
import { Tail, TailTooLong } from './tail.ts';

/** A channel as the tables know it. */
interface KnownChannel extends ChannelRecord {
  readonly lastReadAtMs: number;
}

/** A meter as one view shows it. */
interface MeterView {
  readonly sql: Sql;
  readonly meterId: MeterId;
  readonly placements: readonly Placement[];
  /** Unfolded versions, placed ones only. */
  readonly tail: readonly ChannelVersion[];
}

/** What is asked about readings. */
export type ReadingQueries = Pick<QueryStore, 'readings' | 'channels' | 'latest' | 'gaps' | 'quarantined'>;

/** Answers questions about readings. */
export class ReadingStore implements ReadingQueries {
  readonly #tail = new Tail();

  constructor(
    private readonly context: StoreContext,
    private readonly fold: Fold,
  ) {}

  /** Runs a question on a view, folding first what is too long to read over. */
  async #view<Result>(work: (sql: Sql) => Promise<Result>): Promise<Result> {
    for (;;) {
      try {
        return await this.context.database.snapshot(work);
      } catch (error) {
        if (!(error instanceof TailTooLong)) throw error;
        await this.fold.foldEdge(error.edgeId, Number.MAX_SAFE_INTEGER, true);
      }
    }
  }

  /** Placed, unfolded versions of meters. */
  async tails(sql: Sql, meterIds: readonly MeterId[]): Promise<Map<MeterId, MeterView>> {
    const placements = await readPlacements(sql, meterIds);
    const edgeIds = [...new Set([...placements.values()].flat().map((placement) => placement.edgeId))];
    const versions = await this.#tail.versions(sql, edgeIds, new Set(meterIds));
    const views = new Map<MeterId, MeterView & { tail: ChannelVersion[] }>();
    for (const meterId of meterIds)
      views.set(meterId, { sql, meterId, placements: placements.get(meterId) ?? [], tail: [] });
    for (const version of versions) {
      const view = views.get(version.meterId);
      if (view !== undefined && isPlaced(view.placements, version.intervalS, version.version)) view.tail.push(version);
    }
    return views;
  }

  #meterView<Result>(meterId: MeterId, work: (view: MeterView) => Promise<Result>): Promise<Result> {
    return this.#view(async (sql) => {
      const view = (await this.tails(sql, [meterId])).get(meterId);
      return work(view ?? { sql, meterId, placements: [], tail: [] });
    });
  }

  /** Meters as the console lists them need their newest times; this adds what is not folded yet. */
  viewOfMany<Result>(work: (sql: Sql) => Promise<Result>): Promise<Result> {
    return this.#view(work);
  }

  async readings(query: ReadingQuery): Promise<readonly StoredReading[]> {
    if (query.asOfMs !== undefined && query.asOfMs >= (await this.#settledMs())) {
      throw storeError('STORE_AS_OF_TOO_LATE');
    }
    return this.#meterView(query.channel.meterId, (view) => rangeOf(view, query));
  }

  /** Start of the oldest open append, or now: nothing that is stored later can get an earlier known-at. */
  async #settledMs(): Promise<number> {
    const [row] = await this.context.database.rows<{ settled_ms: number }>(
      `SELECT floor(extract(epoch FROM least(clock_timestamp(), min(xact_start))) * 1000)::bigint AS settled_ms
       FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1`,
      [APPEND_APPLICATION],
    );
    return row?.settled_ms ?? 0;
  }

  channels(meterId: MeterId): Promise<readonly ChannelRecord[]> {
    return this.#meterView(meterId, async (view) => {
      const known = await knownChannels(view);
      return known.map(({ lastReadAtMs: _lastReadAtMs, ...channel }) => channel);
    });
  }

  latest(meterId: MeterId): Promise<readonly StoredReading[]> {
    return this.#meterView(meterId, async (view) => {
      const known = await knownChannels(view);
      const days = await versionsOfDays(
        view,
        known.map((channel) => dayOf(channel.lastAtMs)),
      );
      return known.flatMap((channel) => {
        const settled = settle(days.get(channelKey(channel)) ?? []).at(-1);
        return settled === undefined ? [] : [storedReading(channel, settled)];
      });
    });
  }

  gaps(query: Parameters<QueryStore['gaps']>[0]): Promise<readonly Gap[]> {
    return this.#meterView(query.meterId, (view) => gapsOf(view, query));
  }

  async quarantined(): Promise<Awaited<ReturnType<QueryStore['quarantined']>>> {
    // What is not folded is not sorted yet: edges that speak of a meter that is not placed there are folded first.
    const strange = await this.context.database.rows<{ edge_id: EdgeId }>(
      `SELECT DISTINCT d.edge_id FROM dictionary_meters d
       WHERE NOT EXISTS (SELECT 1 FROM placements p WHERE p.meter_id = d.meter_id AND p.edge_id = d.edge_id AND p.to_ms IS NULL)`,
    );
    for (const { edge_id } of strange) await this.fold.foldEdge(edge_id, Number.MAX_SAFE_INTEGER, true);
    const rows = await this.context.database.rows<{
      edge_id: EdgeId;
      meter_id: MeterId;
      rows: number;
      since_ms: number;
    }>(
      `SELECT edge_id, meter_id, sum(rows)::bigint AS rows, min(since_ms) AS since_ms FROM quarantine_blocks
       GROUP BY edge_id, meter_id ORDER BY edge_id, meter_id`,
    );
    return rows.map((row) => ({ edgeId: row.edge_id, meterId: row.meter_id, rows: row.rows, sinceMs: row.since_ms }));
  }
}

/** Name of the sessions that append, in `pg_stat_activity`. */
export const APPEND_APPLICATION = 'deltawatt-append';

/** Folded and unfolded versions of the days, by channel; with `only` those of that channel. */
async function versionsOfDays(
  view: MeterView,
  days: readonly number[],
  only?: string,
): Promise<Map<string, readonly Version[]>> {
  const lists = new Map<string, (readonly Version[])[]>();
  const add = (key: string, versions: readonly Version[]) => {
    const list = lists.get(key) ?? [];
    lists.set(key, list);
    list.push(versions);
  };
  const wanted = new Set(days);
  const rows = await view.sql.rows<{ day: number; body: Uint8Array }>(
    'SELECT day, body FROM day_blocks WHERE meter_id = $1 AND day = ANY($2::int[]) ORDER BY day',
    [view.meterId, [...wanted]],
  );
  for (const row of rows) {
    for (const [key, channel] of meterDayOf(view.meterId, row.day, row.body, only).channels) add(key, channel.versions);
  }
  for (const { obis, intervalS, version } of view.tail) {
    const key = channelKey({ obis, intervalS });
    if (wanted.has(dayOf(version.atMs)) && (only === undefined || only === key)) add(key, [version]);
  }
  return new Map([...lists].map(([key, parts]) => [key, mergeVersions(parts.flat(), [])]));
}

/** Days of a range that can hold what the query asks, in pieces that fit the page. */
async function rangeOf(view: MeterView, query: ReadingQuery): Promise<StoredReading[]> {
  const key = channelKey(query.channel);
  const [known] = (await knownChannels(view)).filter((channel) => channelKey(channel) === key);
  if (known === undefined) return [];
  const fromMs = Math.max(query.fromMs, query.afterMs ?? query.fromMs, known.firstAtMs);
  const lastDay = dayOf(Math.min(query.toMs, known.lastAtMs));
  const found: StoredReading[] = [];
  for (let day = dayOf(fromMs); day <= lastDay && found.length < query.limit; day += QUERY_CHUNK_DAYS) {
    const days = Array.from({ length: Math.min(QUERY_CHUNK_DAYS, lastDay - day + 1) }, (_, at) => day + at);
    const versions = (await versionsOfDays(view, days, key)).get(key) ?? [];
    found.push(...answerOf({ ...query, limit: query.limit - found.length }, versions));
  }
  return found;
}

interface ChannelRow {
  readonly meter_id: MeterId;
  readonly obis: string;
  readonly interval_s: number;
  readonly unit: string;
  readonly exponent: number;
  readonly first_at_ms: number;
  readonly last_at_ms: number;
  readonly last_read_at_ms: number;
}

/** Channels of a meter, folded and unfolded, by name. */
async function knownChannels(view: MeterView): Promise<KnownChannel[]> {
  const rows = await view.sql.rows<ChannelRow>('SELECT * FROM channels WHERE meter_id = $1', [view.meterId]);
  const known = new Map<string, KnownChannel>();
  for (const row of rows) {
    const channel: KnownChannel = {
      meterId: row.meter_id,
      obis: row.obis,
      intervalS: row.interval_s,
      unit: row.unit,
      exponent: row.exponent,
      firstAtMs: row.first_at_ms,
      lastAtMs: row.last_at_ms,
      lastReadAtMs: row.last_read_at_ms,
    };
    known.set(channelKey(channel), channel);
  }
  for (const { meterId, obis, intervalS, version } of view.tail) {
    const key = channelKey({ obis, intervalS });
    known.set(key, widened(known.get(key), { meterId, obis, intervalS }, version));
  }
  return [...known.values()].sort((a, b) => (a.obis < b.obis ? -1 : a.obis > b.obis ? 1 : a.intervalS - b.intervalS));
}

function widened(before: KnownChannel | undefined, channel: Channel, version: Version): KnownChannel {
  const { atMs, scale, visit } = version;
  if (before === undefined) {
    return { ...channel, ...scale, firstAtMs: atMs, lastAtMs: atMs, lastReadAtMs: visit.readAtMs };
  }
  return {
    ...before,
    ...(atMs >= before.lastAtMs ? scale : {}),
    firstAtMs: Math.min(before.firstAtMs, atMs),
    lastAtMs: Math.max(before.lastAtMs, atMs),
    lastReadAtMs: Math.max(before.lastReadAtMs, visit.readAtMs),
  };
}

async function gapsOf(view: MeterView, query: Parameters<QueryStore['gaps']>[0]): Promise<Gap[]> {
  const { sql, meterId } = view;
  const edges = await edgeKnowledge(
    sql,
    view.placements.map((placement) => placement.edgeId),
  );
  const placements = view.placements.map(({ edgeId, fromMs, toMs }) => ({
    fromMs,
    toMs,
    edge: edges.get(edgeId) ?? { lastHeardMs: undefined, backlogBlocks: 0 },
  }));
  const notices = await sql.rows<{ obis: string; interval_s: number; from_ms: number; to_ms: number; cause: string }>(
    `SELECT obis, interval_s, from_ms, to_ms, cause FROM meter_gaps WHERE meter_id = $1 AND edge_id = ANY($2) AND to_ms > $3 AND from_ms <= $4`,
    [meterId, view.placements.map((placement) => placement.edgeId), query.fromMs, query.toMs],
  );
  const current = view.placements.at(-1);
  const state = current === undefined ? undefined : await readMeterState(sql, meterId, current.edgeId);
  const rereads = await readRereads(
    sql,
    'WHERE meter_id = $1 AND edge_id = ANY($2) AND to_ms > $3 AND from_ms <= $4 ORDER BY created_at_ms, reread_id',
    [meterId, view.placements.map((placement) => placement.edgeId), query.fromMs, query.toMs],
  );
  const gaps: Gap[] = [];
  for (const channel of await knownChannels(view)) {
    const stepMs = channel.intervalS * 1000;
    const [first, last] = [dayOf(query.fromMs - stepMs), dayOf(Math.min(query.toMs, query.nowMs) + stepMs)];
    const days = Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => first + at);
    const versions = (await versionsOfDays(view, days, channelKey(channel))).get(channelKey(channel)) ?? [];
    const mine = notices.filter((notice) => notice.obis === channel.obis && notice.interval_s === channel.intervalS);
    const facts = {
      channel: { meterId, obis: channel.obis, intervalS: channel.intervalS },
      presentMs: versions.map((version) => version.atMs),
      lastAtMs: channel.lastAtMs,
      placements,
      notices: mine.map((notice) => ({ fromMs: notice.from_ms, toMs: notice.to_ms, cause: notice.cause })),
      rereads: rereadsOfChannel(rereads, channel),
      state,
    };
    gaps.push(...findGaps(facts, query));
  }
  return gaps;
}

/** When edges were heard, and what they hold that has not arrived. */
async function edgeKnowledge(sql: Sql, edgeIds: readonly EdgeId[]): Promise<Map<EdgeId, EdgeKnowledge>> {
  const rows = await sql.rows<{ edge_id: EdgeId; heard_ms: number | null; backlog: number }>(
    `SELECT e.edge_id,
            greatest(e.last_hello_ms, e.last_status_ms,
                     (SELECT nullif(max(c.moved_at_ms), 0) FROM lane_cursors c WHERE c.edge_id = e.edge_id)) AS heard_ms,
            (SELECT coalesce(sum(greatest(c.reported_last - c.up_to, 0)), 0)::bigint FROM lane_cursors c
             WHERE c.edge_id = e.edge_id AND c.epoch = e.epoch AND c.lane = ANY($2)) AS backlog
     FROM edges e WHERE e.edge_id = ANY($1)`,
    [edgeIds, INTERVAL_LANES],
  );
  return new Map(
    rows.map((row) => [row.edge_id, { lastHeardMs: row.heard_ms ?? undefined, backlogBlocks: row.backlog }]),
  );
}
