/**
 * The tail: rows of journal blocks that are not folded yet, decoded once and remembered per lane, so that a reading is
 * visible at its commit and not at the next fold.
 *
 * An entry may reach back behind the fold cursor: rows that are in the day blocks too are the same versions, and merging
 * is a union. It must never begin after the cursor of the view that asks, or rows would be in neither place.
 */
import type { EdgeId, MeterId } from '../../model/ids.ts';
import { emptyLaneState, type LaneState, parseLaneState } from '../../wire/lane-state.ts';
import type { Sql } from './database.ts';
import { dictionaries, INTERVAL_LANES, readBlocks } from './fold.ts';
import { type ChannelVersion, decodeLane } from './lane-decoder.ts';
import { TAIL_MAX_BLOCKS, TAIL_MAX_LANES } from './limits.ts';

interface TailLane {
  readonly edge_id: EdgeId;
  readonly epoch: string;
  readonly lane: number;
  readonly up_to: number;
  readonly folded_to: number;
}

interface Entry {
  /** Blocks behind this one are in the entry. */
  readonly from: number;
  decodedTo: number;
  state: LaneState;
  readonly byMeter: Map<MeterId, ChannelVersion[]>;
  /** Extending is done by one reader at a time. */
  busy: Promise<void>;
}

/** So many blocks wait that the edge should be folded before it is read. */
export class TailTooLong extends Error {
  override readonly name = 'TailTooLong';

  constructor(readonly edgeId: EdgeId) {
    super(`edge ${edgeId} has too many unfolded blocks to read over them`);
  }
}

/** Decoded tails of lanes, the least recently used forgotten first. */
export class Tail {
  readonly #entries = new Map<string, Entry>();

  /** Unfolded versions of these meters, whatever their placement, as the view `sql` sees them. Throws {@link TailTooLong}. */
  async versions(sql: Sql, edgeIds: readonly EdgeId[], meterIds: ReadonlySet<MeterId>): Promise<ChannelVersion[]> {
    const lanes = await sql.rows<TailLane>(
      `SELECT c.edge_id, c.epoch, c.lane, c.up_to, coalesce(f.folded_to, 0) AS folded_to FROM lane_cursors c
       LEFT JOIN fold_cursors f ON f.edge_id = c.edge_id AND f.epoch = c.epoch AND f.lane = c.lane
       WHERE c.edge_id = ANY($1) AND c.lane = ANY($2) AND c.up_to > coalesce(f.folded_to, 0) ORDER BY c.edge_id, c.epoch, c.lane`,
      [edgeIds, INTERVAL_LANES],
    );
    const found: ChannelVersion[] = [];
    for (const lane of lanes) {
      if (lane.up_to - lane.folded_to > TAIL_MAX_BLOCKS) throw new TailTooLong(lane.edge_id);
      const { byMeter } = await this.#entry(sql, lane);
      for (const meterId of meterIds) for (const version of byMeter.get(meterId) ?? []) found.push(version);
    }
    return found;
  }

  async #entry(sql: Sql, lane: TailLane): Promise<Entry> {
    const key = `${lane.edge_id} ${lane.epoch} ${lane.lane}`;
    const kept = this.#entries.get(key);
    const usable =
      kept !== undefined &&
      kept.from <= lane.folded_to &&
      kept.decodedTo >= lane.folded_to &&
      kept.decodedTo - kept.from <= 2 * TAIL_MAX_BLOCKS;
    const entry = usable ? kept : await newEntry(sql, lane);
    // Last in the map = last used.
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= TAIL_MAX_LANES) break;
      this.#entries.delete(oldest);
    }
    const before = entry.busy;
    const work = before.catch(() => undefined).then(() => extend(sql, lane, entry));
    entry.busy = work;
    await work;
    return entry;
  }
}

async function newEntry(sql: Sql, lane: TailLane): Promise<Entry> {
  const [row] = await sql.rows<{ lane_state: Uint8Array | null }>(
    'SELECT lane_state FROM fold_cursors WHERE edge_id = $1 AND epoch = $2 AND lane = $3',
    [lane.edge_id, lane.epoch, lane.lane],
  );
  const octets = row?.lane_state ?? null;
  const state = octets === null ? emptyLaneState() : parseLaneState(octets);
  return { from: lane.folded_to, decodedTo: lane.folded_to, state, byMeter: new Map(), busy: Promise.resolve() };
}

async function extend(sql: Sql, lane: TailLane, entry: Entry): Promise<void> {
  if (entry.decodedTo >= lane.up_to) return;
  const blocks = await readBlocks(sql, lane.edge_id, lane, entry.decodedTo, lane.up_to - entry.decodedTo);
  const decoded = decodeLane(lane.edge_id, blocks, entry.state, await dictionaries(sql, lane.edge_id));
  for (const version of decoded.versions) {
    const list = entry.byMeter.get(version.meterId) ?? [];
    entry.byMeter.set(version.meterId, list);
    list.push(version);
  }
  entry.state = decoded.state;
  entry.decodedTo = lane.up_to;
}
