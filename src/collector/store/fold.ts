/**
 * The fold: journal blocks into day blocks, one edge at a time, all its lanes in one transaction, so a meter's day is
 * written once however many lanes it came through.
 *
 * Safe to interrupt and to repeat: the lane's coder state and fold cursor change with the day blocks or not at all, and
 * merging is a set union. Two collectors may fold at once: a lane belongs to who locked its fold cursor, a meter to who
 * locked its row, taken in one order. Reads do not wait for any of it.
 */
import { reasonOf } from '../../base/errors.ts';
import type { EdgeId, MeterId } from '../../model/ids.ts';
import { decodeDictionary } from '../../wire/dictionary.ts';
import { emptyLaneState, type LaneState, parseLaneState, serializeLaneState } from '../../wire/lane-state.ts';
import { LANES } from '../../wire/lanes.ts';
import type { DictionaryGroup } from '../../wire/rows.ts';
import type { Folder, StoreChange } from '../ports.ts';
import { astrayEvent, quarantineEvent } from './alarms.ts';
import type { StoreContext } from './context.ts';
import type { Sql } from './database.ts';
import { groupByDay, noteChannels, storeDays, storeQuarantine } from './day-rows.ts';
import { type ChannelVersion, type DecodedLane, decodeLane, type JournalBlock } from './lane-decoder.ts';
import { FOLD_MAX_BLOCKS, TAIL_MAX_BLOCKS } from './limits.ts';
import { Partitions } from './partitions.ts';
import { isPlaced, readPlacements } from './placements.ts';
import { storeEdgeEvent } from './records.ts';
import { placesOfUnreadable } from './reread-places.ts';
import { insertRereads } from './rereads.ts';

/** Lanes whose blocks hold rows. */
export const INTERVAL_LANES: readonly number[] = [LANES.fresh, LANES.backfill, LANES.lowValue];

interface FoldLane {
  readonly epoch: string;
  readonly lane: number;
  readonly up_to: number;
  readonly folded_to: number;
  readonly lane_state: Uint8Array | null;
}

interface Progress {
  readonly blocks: number;
  readonly rows: number;
  readonly changes: readonly StoreChange[];
}

/** Folds, and forgets what was folded. */
export class Fold implements Folder {
  readonly #partitions: Partitions;

  constructor(private readonly context: StoreContext) {
    const { database, identity, clock } = context;
    this.#partitions = new Partitions(database, identity.partitionWidth, clock);
  }

  async fold(options: Parameters<Folder['fold']>[0]): Promise<{ readonly blocks: number; readonly rows: number }> {
    const edges = await this.context.database.rows<{ edge_id: EdgeId }>(
      `SELECT c.edge_id FROM lane_cursors c
       LEFT JOIN fold_cursors f ON f.edge_id = c.edge_id AND f.epoch = c.epoch AND f.lane = c.lane
       CROSS JOIN LATERAL (
         SELECT j.known_at_ms FROM journal j WHERE j.edge_id = c.edge_id AND j.epoch = c.epoch AND j.lane = c.lane
           AND j.sequence > coalesce(f.folded_to, 0) ORDER BY j.sequence LIMIT 1) AS oldest
       WHERE c.lane = ANY($1) AND c.up_to > coalesce(f.folded_to, 0)
       GROUP BY c.edge_id
       HAVING $2::bigint IS NULL OR min(oldest.known_at_ms) < $2 OR max(c.up_to - coalesce(f.folded_to, 0)) >= $3
       ORDER BY min(oldest.known_at_ms), c.edge_id`,
      [INTERVAL_LANES, options.olderThanMs, TAIL_MAX_BLOCKS / 2],
    );
    const failures: unknown[] = [];
    const done = { blocks: 0, rows: 0 };
    for (const { edge_id } of edges) {
      if (done.blocks >= options.maxBlocks) break;
      try {
        const progress = await this.foldEdge(edge_id, options.maxBlocks - done.blocks);
        done.blocks += progress.blocks;
        done.rows += progress.rows;
      } catch (error) {
        // One edge whose blocks cannot be folded must not keep the others waiting; the caller hears of it at the end.
        failures.push(error);
        this.context.log.error('store.fold-failed', { edgeId: edge_id, reason: reasonOf(error) });
      }
    }
    if (failures.length > 0 && done.blocks === 0) throw failures[0];
    return done;
  }

  /**
   * Folds up to `maxBlocks` of one edge, in transactions of bounded size. Lanes that somebody else is folding are left out,
   * or, with `wait`, folded after them.
   */
  async foldEdge(
    edgeId: EdgeId,
    maxBlocks: number,
    wait = false,
  ): Promise<{ readonly blocks: number; readonly rows: number }> {
    const done = { blocks: 0, rows: 0 };
    while (done.blocks < maxBlocks) {
      const limit = Math.min(FOLD_MAX_BLOCKS, maxBlocks - done.blocks);
      const progress = await this.context.database.transaction((sql) => this.#step(sql, edgeId, limit, wait));
      if (progress.blocks === 0) break;
      done.blocks += progress.blocks;
      done.rows += progress.rows;
      for (const change of progress.changes) this.context.changed(change);
    }
    return done;
  }

  async #step(sql: Sql, edgeId: EdgeId, maxBlocks: number, wait: boolean): Promise<Progress> {
    const lanes = await lockLanes(sql, edgeId, wait);
    const dictionaryOf = await dictionaries(sql, edgeId);
    const versions: ChannelVersion[] = [];
    const changes: StoreChange[] = [];
    let blocks = 0;
    let rows = 0;
    for (const lane of lanes) {
      const taken = await readBlocks(sql, edgeId, lane, lane.folded_to, Math.max(1, maxBlocks - blocks));
      const state = lane.lane_state === null ? emptyLaneState() : parseLaneState(lane.lane_state);
      const decoded = decodeLane(edgeId, taken, state, dictionaryOf);
      for (const version of decoded.versions) versions.push(version);
      const full = taken.length === Math.max(1, maxBlocks - blocks);
      const foldedTo = full ? (taken.at(-1)?.sequence ?? lane.up_to) : lane.up_to;
      await saveProgress(sql, edgeId, lane, foldedTo, decoded.state);
      changes.push(...(await reportTrouble(sql, edgeId, lane, decoded)));
      const { epoch, lane: number } = lane;
      await insertRereads(
        sql,
        placesOfUnreadable({ edgeId, epoch, lane: number }, taken, decoded.quarantined, dictionaryOf),
      );
      blocks += taken.length;
      rows += decoded.rows;
      if (blocks >= maxBlocks) break;
    }
    const meterIds = await this.#store(sql, edgeId, versions);
    if (meterIds.length > 0) changes.push({ kind: 'readings', meterIds });
    return { blocks, rows, changes };
  }

  /** Stores the versions where they belong; returns the placed meters. */
  async #store(sql: Sql, edgeId: EdgeId, versions: readonly ChannelVersion[]): Promise<MeterId[]> {
    const meterIds = [...new Set(versions.map((version) => version.meterId))].sort();
    const days = groupByDay(versions);
    // On another session, and before this one has touched the day blocks: attaching a partition needs them for itself.
    await this.#partitions.ensure(days.map(({ day }) => day));
    await lockMeters(sql, meterIds);
    const placements = await readPlacements(sql, meterIds);
    const placed: ChannelVersion[] = [];
    const strange: ChannelVersion[] = [];
    for (const version of versions) {
      const known = placements.get(version.meterId);
      (isPlaced(known, version.intervalS, version.version) ? placed : strange).push(version);
    }
    const fresh = groupByDay(placed);
    await storeDays(sql, fresh);
    if (fresh.length > 0) await noteChannels(sql, fresh);
    await storeQuarantine(sql, edgeId, groupByDay(strange));
    return [...new Set(placed.map((version) => version.meterId))].sort();
  }

  async prune(olderThanMs: number): Promise<number> {
    // A lane keeps the keyframe group that its fold cursor stands in, and everything from its first quarantined group on.
    const intervals = await this.context.database.change(
      `DELETE FROM journal j USING fold_cursors f,
         LATERAL (SELECT coalesce((SELECT g.keyframe FROM journal g WHERE g.edge_id = f.edge_id AND g.epoch = f.epoch AND g.lane = f.lane
                                   AND g.sequence = f.folded_to), 0) AS keyframe,
                         (SELECT min(q.keyframe) FROM journal q WHERE q.edge_id = f.edge_id AND q.epoch = f.epoch AND q.lane = f.lane
                          AND q.quarantine IS NOT NULL) AS poison) AS k
       WHERE j.edge_id = f.edge_id AND j.epoch = f.epoch AND j.lane = f.lane AND j.lane = ANY($1) AND j.known_at_ms < $2
         AND j.sequence <= f.folded_to AND j.sequence < k.keyframe AND (k.poison IS NULL OR j.sequence < k.poison)`,
      [INTERVAL_LANES, olderThanMs],
    );
    const records = await this.context.database.change(
      `DELETE FROM journal j USING lane_cursors c
       WHERE j.edge_id = c.edge_id AND j.epoch = c.epoch AND j.lane = c.lane AND NOT j.lane = ANY($1) AND j.known_at_ms < $2
         AND j.sequence < c.up_to AND j.quarantine IS NULL`,
      [INTERVAL_LANES, olderThanMs],
    );
    return intervals + records;
  }

  /** Lets every quarantined keyframe group be decoded again, after an upgrade; what it gave before changes nothing. */
  async retryQuarantined(): Promise<number> {
    return this.context.database.transaction(async (sql) => {
      await sql.change(
        `UPDATE fold_cursors f SET folded_to = q.first - 1, lane_state = NULL
         FROM (SELECT edge_id, epoch, lane, min(keyframe) AS first FROM journal WHERE quarantine IS NOT NULL AND lane = ANY($1)
               GROUP BY edge_id, epoch, lane) AS q
         WHERE f.edge_id = q.edge_id AND f.epoch = q.epoch AND f.lane = q.lane AND f.folded_to >= q.first`,
        [INTERVAL_LANES],
      );
      return sql.change('UPDATE journal SET quarantine = NULL WHERE quarantine IS NOT NULL AND lane = ANY($1)', [
        INTERVAL_LANES,
      ]);
    });
  }
}

async function lockLanes(sql: Sql, edgeId: EdgeId, wait: boolean): Promise<FoldLane[]> {
  await sql.change(
    `INSERT INTO fold_cursors (tenant_id, edge_id, epoch, lane, folded_to)
     SELECT tenant_id, edge_id, epoch, lane, 0 FROM lane_cursors WHERE edge_id = $1 AND lane = ANY($2) ON CONFLICT DO NOTHING`,
    [edgeId, INTERVAL_LANES],
  );
  return sql.rows<FoldLane>(
    `SELECT f.epoch, f.lane, c.up_to, f.folded_to, f.lane_state FROM fold_cursors f
     JOIN lane_cursors c ON c.edge_id = f.edge_id AND c.epoch = f.epoch AND c.lane = f.lane
     WHERE f.edge_id = $1 AND f.lane = ANY($2) AND f.folded_to < c.up_to
     ORDER BY f.epoch, f.lane FOR UPDATE OF f ${wait ? '' : 'SKIP LOCKED'}`,
    [edgeId, INTERVAL_LANES],
  );
}

/** Blocks of a lane behind `after`, up to its cursor. */
export async function readBlocks(
  sql: Sql,
  edgeId: EdgeId,
  lane: { readonly epoch: string; readonly lane: number; readonly up_to: number },
  after: number,
  limit: number,
): Promise<JournalBlock[]> {
  const rows = await sql.rows<{
    sequence: number;
    octets: Uint8Array;
    known_at_ms: number;
    to_ms: number;
    quarantine: string | null;
  }>(
    `SELECT sequence, octets, known_at_ms, to_ms, quarantine FROM journal
     WHERE edge_id = $1 AND epoch = $2 AND lane = $3 AND sequence > $4 AND sequence <= $5 ORDER BY sequence LIMIT $6`,
    [edgeId, lane.epoch, lane.lane, after, lane.up_to, limit],
  );
  return rows.map((row) => ({
    sequence: row.sequence,
    octets: row.octets,
    knownAtMs: row.known_at_ms,
    toMs: row.to_ms,
    quarantine: row.quarantine,
  }));
}

/** The dictionaries of an edge, by hash; an unknown one is empty, and its blocks go into quarantine. */
export async function dictionaries(sql: Sql, edgeId: EdgeId): Promise<(hash: string) => readonly DictionaryGroup[]> {
  const rows = await sql.rows<{ hash: string; octets: Uint8Array }>(
    'SELECT hash, octets FROM dictionaries WHERE edge_id = $1',
    [edgeId],
  );
  const octets = new Map(rows.map((row) => [row.hash, row.octets]));
  const decoded = new Map<string, readonly DictionaryGroup[]>();
  return (hash) => {
    const known = decoded.get(hash);
    if (known !== undefined) return known;
    const stored = octets.get(hash);
    const groups = stored === undefined ? [] : decodeDictionary(stored);
    decoded.set(hash, groups);
    return groups;
  };
}

async function saveProgress(
  sql: Sql,
  edgeId: EdgeId,
  lane: FoldLane,
  foldedTo: number,
  state: LaneState,
): Promise<void> {
  await sql.change(
    'UPDATE fold_cursors SET folded_to = $4, lane_state = $5 WHERE edge_id = $1 AND epoch = $2 AND lane = $3',
    [edgeId, lane.epoch, lane.lane, foldedTo, serializeLaneState(state)],
  );
}

/** Marks blocks that could not be decoded and raises the alarms. */
async function reportTrouble(
  sql: Sql,
  edgeId: EdgeId,
  { epoch, lane }: FoldLane,
  decoded: DecodedLane,
): Promise<StoreChange[]> {
  const { quarantined, astray } = decoded;
  await sql.change(
    `UPDATE journal j SET quarantine = q.code FROM unnest($4::bigint[], $5::text[]) AS q(sequence, code)
     WHERE j.edge_id = $1 AND j.epoch = $2 AND j.lane = $3 AND j.sequence = q.sequence AND j.quarantine IS NULL`,
    [edgeId, epoch, lane, quarantined.map((block) => block.sequence), quarantined.map((block) => block.code)],
  );
  const events = [
    ...quarantined.map(({ sequence, code, atMs }) => quarantineEvent(lane, sequence, code, atMs)),
    ...astray.map(({ sequence, atMs }) => astrayEvent(lane, sequence, atMs)),
  ];
  const changes: StoreChange[] = [];
  for (const event of events)
    if (await storeEdgeEvent(sql, edgeId, event)) changes.push({ kind: 'event', event, edgeId });
  return changes;
}

/** Locks registered meters, in one order. */
export async function lockMeters(sql: Sql, meterIds: readonly MeterId[]): Promise<void> {
  await sql.rows('SELECT meter_id FROM meters WHERE meter_id = ANY($1) ORDER BY meter_id FOR UPDATE', [meterIds]);
}
