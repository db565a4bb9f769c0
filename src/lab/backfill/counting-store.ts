/**
 * The collector's store as a backfill sees it: commits take time, and what is stored is counted instead of kept, so that
 * memory tells of ingest and not of the store.
 *
 * The cursor, its chain of hashes and all rules are those of the store in memory; only the octets of interval blocks are
 * let go once it has accepted them.
 */
import type { Clock, Timers } from '../../base/env.ts';
import type { BlockAppend, LaneCursor, Lease } from '../../collector/ports.ts';
import type { EdgeId } from '../../model/ids.ts';
import { MemoryCollectorStore } from '../memory-collector-store.ts';
import type { Appended } from './backlog-edge.ts';

/** How long a commit takes: a round trip with a sync, and its octets at the disk's pace. */
export interface CommitCost {
  readonly baseMs: number;
  readonly octetsPerS: number;
}

const NOTHING = new Uint8Array(0);
const TERM = new Uint8Array(12);

/** The store; see the file's head. */
export class CountingStore extends MemoryCollectorStore {
  /** Octets of blocks that were committed, by edge. */
  readonly storedOctets = new Map<EdgeId, number>();
  /** Commits under way, and the most there were. */
  commitsAtOnce = { now: 0, most: 0 };
  readonly #timers: Timers;
  readonly #cost: CommitCost;
  readonly #monotonic: Clock;
  /** When a lane came to a sequence, for those who wait for it. */
  readonly #arrivals = new Map<string, { readonly upTo: number; readonly atMs: number }[]>();

  constructor(clock: Clock, timers: Timers, cost: CommitCost) {
    super(clock, TERM);
    this.#monotonic = clock;
    this.#timers = timers;
    this.#cost = cost;
  }

  override async append(expected: LaneCursor, blocks: readonly BlockAppend[], lease?: Lease): Promise<boolean> {
    const octets = blocks.reduce((sum, block) => sum + block.octets.length, 0);
    this.commitsAtOnce.now++;
    this.commitsAtOnce.most = Math.max(this.commitsAtOnce.most, this.commitsAtOnce.now);
    await this.#timers.sleep(this.#cost.baseMs + (octets * 1000) / this.#cost.octetsPerS);
    this.commitsAtOnce.now--;
    const isStored = await super.append(
      expected,
      blocks.map((block) => ({ ...block, octets: NOTHING })),
      lease,
    );
    if (!isStored) return false;
    const { edgeId, lane } = expected;
    this.storedOctets.set(edgeId, (this.storedOctets.get(edgeId) ?? 0) + octets);
    const key = `${edgeId} ${lane}`;
    const arrivals = this.#arrivals.get(key) ?? [];
    this.#arrivals.set(key, arrivals);
    arrivals.push({ upTo: blocks.at(-1)?.sequence ?? 0, atMs: this.#monotonic.monotonicMs() });
    return true;
  }

  /** Ms from the raising of what was appended to its commit; null when some of it is not here. */
  delayMs({ edgeId, raisedAtMs, blocks }: Appended): number | null {
    let lastMs = raisedAtMs;
    for (const { lane, sequence } of blocks) {
      const arrival = this.#arrivals.get(`${edgeId} ${lane}`)?.find(({ upTo }) => upTo >= sequence);
      if (arrival === undefined) return null;
      lastMs = Math.max(lastMs, arrival.atMs);
    }
    return lastMs - raisedAtMs;
  }
}
