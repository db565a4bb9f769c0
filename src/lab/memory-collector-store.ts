/**
 * The collector's store as a model in memory: what PostgreSQL must do, written so that one sees that it is right.
 *
 * Blocks and placements are all it knows; readings follow from them each time. Nothing is ever deleted or rewritten, and
 * nothing waits, so a virtual month passes quickly. Both stores pass `test/suite/collector-store.ts`.
 */
import { sameOctets } from '../base/bytes.ts';
import type { Clock } from '../base/env.ts';
import { INBOX_MAX } from '../collector/limits.ts';
import type {
  BlockAppend,
  CollectorStore,
  EdgeRecord,
  Folder,
  ImportView,
  JournalStore,
  LaneCursor,
  LaneGap,
  Lease,
  QueryStore,
  ReadingQuery,
  RegistryStore,
  StoreChange,
} from '../collector/ports.ts';
import { astrayEvent, quarantineEvent } from '../collector/store/alarms.ts';
import { storeError } from '../collector/store/errors.ts';
import { decodeLane, type JournalBlock } from '../collector/store/lane-decoder.ts';
import { pageOf, parseCursor } from '../collector/store/pages.ts';
import { placesOfGap, placesOfUnreadable } from '../collector/store/reread-places.ts';
import type { MeterAttribute, MeterEvent } from '../model/event.ts';
import { DEFAULT_TENANT, type EdgeId, type MeterId } from '../model/ids.ts';
import { decodeHeader } from '../wire/block.ts';
import { decodeDictionary } from '../wire/dictionary.ts';
import { emptyLaneState, type LaneState } from '../wire/lane-state.ts';
import { LANES } from '../wire/lanes.ts';
import type { EdgeStatus } from '../wire/messages.ts';
import type { JournalRecord } from '../wire/records.ts';
import type { DictionaryGroup } from '../wire/rows.ts';
import { MemoryDesk } from './memory-desk.ts';
import { MemoryEvents } from './memory-events.ts';
import { MemoryReadings } from './memory-readings.ts';

const NO_HASH = new Uint8Array(8);
const INTERVAL_LANES: readonly number[] = [LANES.fresh, LANES.backfill, LANES.lowValue];

interface KeptLane {
  cursor: LaneCursor;
  readonly blocks: JournalBlock[];
  readonly hashes: Map<number, Uint8Array>;
  /** Highest sequence that the edge said it has. */
  reportedLast: number;
  /** Blocks decoded so far, and the state after them. */
  decoded: number;
  state: LaneState;
  /** What decoding found and fold has not told yet. */
  alarms: MeterEvent[];
  meters: Set<MeterId>;
  /** Blocks and rows decoded since the last fold. */
  unfolded: { blocks: number; rows: number };
}

/** Makes a store that forgets everything when it is dropped. `term` is the store id and restore counter, 12 octets. */
export function createMemoryCollectorStore(options: {
  readonly clock: Clock;
  readonly term: Uint8Array;
}): MemoryCollectorStore {
  return new MemoryCollectorStore(options.clock, options.term);
}

/** The model; see {@link createMemoryCollectorStore}. */
export class MemoryCollectorStore extends MemoryDesk implements CollectorStore {
  readonly #listeners: ((change: StoreChange) => void)[];
  readonly #edges = new Map<EdgeId, EdgeRecord>();
  readonly #lanes = new Map<string, KeptLane>();
  readonly #dictionaries = new Map<string, { octets: Uint8Array; groups: readonly DictionaryGroup[] }>();
  readonly #readings = new MemoryReadings();
  readonly #events = new MemoryEvents((meterId, edgeId) => this.#readings.isPlaced(meterId, edgeId));
  readonly #unsafe: string[] = [];
  readonly notSafe = async (): Promise<readonly string[]> => this.#unsafe;
  readonly damage = async (): Promise<readonly string[]> => [];
  /** Blocks with readings that are still to be stored as unreadable ones. */
  #unreadable = 0;
  /** Gaps that were declared, oldest first. */
  readonly laneGaps: LaneGap[] = [];

  constructor(
    private readonly clock: Clock,
    readonly term: Uint8Array,
  ) {
    const listeners: ((change: StoreChange) => void)[] = [];
    super((change) => {
      for (const listener of listeners) listener(change);
    }, clock);
    this.#listeners = listeners;
  }

  #tell(change: StoreChange): void {
    for (const listener of this.#listeners) listener(change);
  }

  onChange(listener: (change: StoreChange) => void): void {
    this.#listeners.push(listener);
  }

  /** Lets a test say why the store may not acknowledge; empty = it may. */
  setNotSafe(reasons: readonly string[]): void {
    this.#unsafe.splice(0, this.#unsafe.length, ...reasons);
  }

  /** Lets the next so many blocks with readings be such as nobody can decode: they are stored and acknowledged all the same. */
  makeUnreadable(count: number): void {
    this.#unreadable = count;
  }

  async close(): Promise<void> {}

  /**
   * The store as a backup of `untilMs` brings it back, under a term of its own: concentrators and what they had sent by then.
   * Meters, their places and everything that was decided since are for the operator to bring in again.
   */
  restored({ term, untilMs }: { readonly term: Uint8Array; readonly untilMs: number }): MemoryCollectorStore {
    const restored = new MemoryCollectorStore(this.clock, term);
    restored.rereadList.takeFrom(this.rereadList, untilMs);
    for (const [edgeId, edge] of this.#edges) restored.#edges.set(edgeId, edge);
    for (const [key, dictionary] of this.#dictionaries) restored.#dictionaries.set(key, dictionary);
    for (const { cursor, blocks, hashes } of this.#lanes.values()) {
      const { edgeId, epoch, lane } = cursor;
      const kept = blocks.filter(({ knownAtMs }) => knownAtMs <= untilMs);
      const last = kept.at(-1);
      if (last === undefined) continue;
      const copy = restored.#lane(edgeId, epoch, lane);
      copy.blocks.push(...kept);
      for (const { sequence } of kept) copy.hashes.set(sequence, hashes.get(sequence) ?? NO_HASH);
      const headHash = hashes.get(last.sequence) ?? NO_HASH;
      copy.cursor = { ...cursor, upTo: last.sequence, headHash, keyframe: decodeHeader(last.octets).keyframe };
    }
    return restored;
  }

  // --- journal -------------------------------------------------------------------------------------------------------

  async edge(edgeId: EdgeId): Promise<EdgeRecord | undefined> {
    const edge = this.#edges.get(edgeId);
    return edge === undefined ? undefined : this.#withSigns(edge);
  }

  #withSigns(edge: EdgeRecord): EdgeRecord {
    const heard = Math.max(edge.lastHeardMs ?? 0, edge.lastBlockMs ?? 0, edge.lastHelloMs ?? 0);
    return heard === 0 ? edge : { ...edge, lastHeardMs: heard };
  }

  async saveEdge(edge: EdgeRecord): Promise<void> {
    const { key: _key, note: _note, ...kept } = this.#edges.get(edge.edgeId) ?? edge;
    const { tenantId, edgeId, state, key, note } = edge;
    const decided = {
      tenantId,
      edgeId,
      state,
      ...(key === undefined ? {} : { key }),
      ...(note === undefined ? {} : { note }),
    };
    this.#edges.set(edgeId, { ...kept, ...decided });
    this.#tell({ kind: 'edge', edgeId });
  }

  async noteUnknown(edgeId: EdgeId, atMs: number): Promise<boolean> {
    if (this.#edges.has(edgeId)) return true;
    if ([...this.#edges.values()].filter(({ state }) => state === 'inbox').length >= INBOX_MAX) return false;
    this.#edges.set(edgeId, { edgeId, tenantId: DEFAULT_TENANT, state: 'inbox', lastHelloMs: atMs });
    this.#tell({ kind: 'edge', edgeId });
    return true;
  }

  async noteHello(edgeId: EdgeId, hello: Parameters<JournalStore['noteHello']>[1]): Promise<void> {
    const edge = this.#edges.get(edgeId);
    if (edge === undefined) return;
    const { epoch, software, atMs } = hello;
    this.#edges.set(edgeId, { ...edge, epoch, software, lastHelloMs: atMs });
    for (const { lane, last } of hello.lanes) this.#lane(edgeId, epoch, lane).reportedLast = last;
    this.#tell({ kind: 'edge', edgeId });
  }

  async noteStatus(edgeId: EdgeId, status: EdgeStatus, atMs: number): Promise<void> {
    const edge = this.#edges.get(edgeId);
    if (edge?.epoch === undefined) return;
    this.#edges.set(edgeId, { ...edge, status, lastHeardMs: atMs });
    for (const { lane, blocks } of status.lanes) {
      const kept = this.#lane(edgeId, edge.epoch, lane);
      kept.reportedLast = kept.cursor.upTo + blocks;
    }
    this.#tell({ kind: 'edge', edgeId });
  }

  #lane(edgeId: EdgeId, epoch: string, lane: number): KeptLane {
    const key = `${edgeId} ${epoch} ${lane}`;
    let kept = this.#lanes.get(key);
    if (kept === undefined) {
      const cursor = { edgeId, epoch, lane, upTo: 0, headHash: NO_HASH, keyframe: 0 };
      kept = {
        cursor,
        blocks: [],
        hashes: new Map(),
        reportedLast: 0,
        decoded: 0,
        state: emptyLaneState(),
        alarms: [],
        meters: new Set(),
        unfolded: { blocks: 0, rows: 0 },
      };
      this.#lanes.set(key, kept);
    }
    return kept;
  }

  async cursor(edgeId: EdgeId, epoch: string, lane: number): Promise<LaneCursor | undefined> {
    return this.#lanes.get(`${edgeId} ${epoch} ${lane}`)?.cursor;
  }

  async cursors(edgeId: EdgeId, epoch: string): Promise<readonly LaneCursor[]> {
    return [...this.#lanes.values()]
      .map((lane) => lane.cursor)
      .filter((cursor) => cursor.edgeId === edgeId && cursor.epoch === epoch)
      .sort((a, b) => a.lane - b.lane);
  }

  /** The lane, when the cursor stands where it is expected and the edge is active. */
  #expected(expected: LaneCursor, lease: Lease | undefined): KeptLane | undefined {
    if (lease !== undefined && !this.isHeld(lease)) return undefined;
    if (this.#edges.get(expected.edgeId)?.state !== 'active') return undefined;
    const key = `${expected.edgeId} ${expected.epoch} ${expected.lane}`;
    if (expected.upTo > 0 && !this.#lanes.has(key)) return undefined;
    const lane = this.#lane(expected.edgeId, expected.epoch, expected.lane);
    const same = lane.cursor.upTo === expected.upTo && sameOctets(lane.cursor.headHash, expected.headHash);
    return same ? lane : undefined;
  }

  async append(expected: LaneCursor, blocks: readonly BlockAppend[], lease?: Lease): Promise<boolean> {
    return this.#append(expected, blocks, null, lease);
  }

  #append(
    expected: LaneCursor,
    blocks: readonly BlockAppend[],
    quarantine: string | null,
    lease: Lease | undefined,
  ): boolean {
    const last = blocks.at(-1);
    if (last === undefined) return true;
    const kept = this.#expected(expected, lease);
    if (kept === undefined) return false;
    const knownAtMs = this.clock.nowMs();
    const { edgeId, epoch, lane } = expected;
    for (const { sequence, octets, toMs, hash } of blocks) {
      kept.hashes.set(sequence, hash.slice());
      const isSpoilt = this.#unreadable > 0 && INTERVAL_LANES.includes(lane);
      if (isSpoilt) this.#unreadable--;
      const code = isSpoilt ? 'BLOCK_MALFORMED' : quarantine;
      kept.blocks.push({ sequence, octets: octets.slice(), knownAtMs, toMs, quarantine: code });
    }
    kept.cursor = { edgeId, epoch, lane, upTo: last.sequence, headHash: last.hash.slice(), keyframe: last.keyframe };
    const edge = this.#edges.get(edgeId);
    if (edge !== undefined) this.#edges.set(edgeId, { ...edge, lastBlockMs: knownAtMs });
    const changes = blocks.flatMap((block) =>
      (block.records ?? []).flatMap((record) => this.#storeRecord(edgeId, record)),
    );
    this.#tell({ kind: 'blocks', edgeId, lane, upTo: last.sequence });
    for (const change of changes) this.#tell(change);
    return true;
  }

  async declareGap(expected: LaneCursor, gap: LaneGap, headHash: Uint8Array, lease?: Lease): Promise<boolean> {
    const kept = this.#expected(expected, lease);
    if (kept === undefined) return false;
    kept.cursor = { ...expected, upTo: gap.to, headHash: headHash.slice(), keyframe: 0 };
    this.laneGaps.push(gap);
    for (const notice of gap.notices ?? []) this.#readings.saveNotice(gap.edgeId, notice);
    const sinceMs = kept.blocks.find(({ sequence }) => sequence === expected.upTo)?.toMs ?? 0;
    const nowMs = this.clock.nowMs();
    this.rereadList.list(placesOfGap(gap, sinceMs, nowMs), nowMs);
    this.#tell({ kind: 'blocks', edgeId: gap.edgeId, lane: gap.lane, upTo: gap.to });
    return true;
  }

  async storedHash(edgeId: EdgeId, epoch: string, lane: number, sequence: number): Promise<Uint8Array | undefined> {
    return this.#lanes.get(`${edgeId} ${epoch} ${lane}`)?.hashes.get(sequence);
  }

  async raise(edgeId: EdgeId, event: MeterEvent): Promise<void> {
    if (this.#events.save(edgeId, event, this.clock.nowMs())) this.#tell({ kind: 'event', edgeId, event });
  }

  async dictionary(edgeId: EdgeId, hash: string): Promise<Uint8Array | undefined> {
    return this.#dictionaries.get(`${edgeId} ${hash}`)?.octets;
  }

  async saveDictionary(edgeId: EdgeId, hash: string, octets: Uint8Array): Promise<void> {
    const groups = decodeDictionary(octets);
    if (this.#edges.has(edgeId)) this.#dictionaries.set(`${edgeId} ${hash}`, { octets: octets.slice(), groups });
  }

  async quarantine(expected: LaneCursor, block: BlockAppend, code: string, lease?: Lease): Promise<boolean> {
    const { records: _unread, ...raw } = block;
    if (!this.#append(expected, [raw], code, lease)) return false;
    const event = quarantineEvent(expected.lane, block.sequence, code, block.toMs);
    if (this.#events.save(expected.edgeId, event, this.clock.nowMs()))
      this.#tell({ kind: 'event', edgeId: expected.edgeId, event });
    return true;
  }

  // --- records -------------------------------------------------------------------------------------------------------

  #storeRecord(edgeId: EdgeId, record: JournalRecord): StoreChange[] {
    switch (record.kind) {
      case 'event':
        return this.#events.save(edgeId, record.event, this.clock.nowMs())
          ? [{ kind: 'event', event: record.event, edgeId }]
          : [];
      case 'attribute':
        this.#events.saveAttribute(edgeId, record.attribute);
        return [];
      case 'meter-state':
        return this.#readings.saveState(edgeId, record.state) ? [{ kind: 'meter-state', state: record.state }] : [];
      case 'command': {
        const command = this.take(record.report, edgeId);
        return command === undefined ? [] : [{ kind: 'command', command }];
      }
      case 'gap':
        this.#readings.saveNotice(edgeId, record.gap);
        return [];
      case 'found':
        this.tellFound({ tenantId: this.#edges.get(edgeId)?.tenantId ?? DEFAULT_TENANT, edgeId, found: record.found });
        return [{ kind: 'found', edgeId }];
      case 'log':
        return [];
    }
  }

  // --- readings ------------------------------------------------------------------------------------------------------

  /** Decodes what has not been decoded yet. */
  #decode(): void {
    for (const kept of this.#lanes.values()) {
      if (!INTERVAL_LANES.includes(kept.cursor.lane) || kept.decoded === kept.blocks.length) continue;
      const { edgeId, lane } = kept.cursor;
      const blocks = kept.blocks.slice(kept.decoded);
      const groupsOf = (hash: string) => this.#dictionaries.get(`${edgeId} ${hash}`)?.groups ?? [];
      const decoded = decodeLane(edgeId, blocks, kept.state, groupsOf);
      kept.decoded = kept.blocks.length;
      kept.state = decoded.state;
      kept.unfolded.blocks += blocks.length;
      kept.unfolded.rows += decoded.rows;
      for (const version of decoded.versions) {
        kept.meters.add(version.meterId);
        this.#readings.add(version);
      }
      const places = placesOfUnreadable(kept.cursor, blocks, decoded.quarantined, groupsOf);
      this.rereadList.list(places, this.clock.nowMs());
      for (const { sequence, code, atMs } of decoded.quarantined)
        kept.alarms.push(quarantineEvent(lane, sequence, code, atMs));
      for (const { sequence, atMs } of decoded.astray) kept.alarms.push(astrayEvent(lane, sequence, atMs));
    }
  }

  async fold(options: Parameters<Folder['fold']>[0]): Promise<{ readonly blocks: number; readonly rows: number }> {
    this.#decode();
    const done = { blocks: 0, rows: 0 };
    for (const kept of this.#lanes.values()) {
      if (done.blocks >= options.maxBlocks || kept.unfolded.blocks === 0) continue;
      const { edgeId } = kept.cursor;
      for (const event of kept.alarms)
        if (this.#events.save(edgeId, event, this.clock.nowMs())) this.#tell({ kind: 'event', edgeId, event });
      const meterIds = [...kept.meters].filter((meterId) => this.#readings.isPlaced(meterId, edgeId)).sort();
      if (meterIds.length > 0) this.#tell({ kind: 'readings', meterIds });
      done.blocks += kept.unfolded.blocks;
      done.rows += kept.unfolded.rows;
      kept.unfolded = { blocks: 0, rows: 0 };
      kept.alarms = [];
      kept.meters = new Set();
    }
    return done;
  }

  async prune(): Promise<number> {
    return 0;
  }

  async readings(query: ReadingQuery) {
    if (query.asOfMs !== undefined && query.asOfMs >= this.clock.nowMs()) throw storeError('STORE_AS_OF_TOO_LATE');
    this.#decode();
    return this.#readings.readings(query);
  }

  async channels(meterId: MeterId) {
    this.#decode();
    return this.#readings.channels(meterId);
  }

  async latest(meterId: MeterId) {
    this.#decode();
    return this.#readings.latest(meterId);
  }

  async quarantined() {
    this.#decode();
    return this.#readings.quarantined();
  }

  async gaps(query: Parameters<QueryStore['gaps']>[0]) {
    this.#decode();
    const rereads = this.rereadList.all();
    return this.#readings.gaps(query, rereads, (edgeId) => {
      const edge = this.#edges.get(edgeId);
      let backlogBlocks = 0;
      for (const { cursor, reportedLast } of this.#lanes.values()) {
        if (cursor.edgeId !== edgeId || cursor.epoch !== edge?.epoch || !INTERVAL_LANES.includes(cursor.lane)) continue;
        backlogBlocks += Math.max(0, reportedLast - cursor.upTo);
      }
      const lastHeardMs = edge === undefined ? undefined : this.#withSigns(edge).lastHeardMs;
      return { lastHeardMs, backlogBlocks };
    });
  }

  // --- registry ------------------------------------------------------------------------------------------------------

  async edges(): Promise<readonly EdgeRecord[]> {
    return [...this.#edges.values()]
      .map((edge) => this.#withSigns(edge))
      .sort((a, b) => (a.edgeId < b.edgeId ? -1 : 1));
  }

  async meters(query: Parameters<QueryStore['meters']>[0]) {
    this.#decode();
    const [after] = parseCursor(query.cursor, 1);
    const text = query.text?.toLowerCase() ?? '';
    const found = this.#readings
      .meters()
      .filter(({ meterId, name }) => `${meterId} ${name ?? ''}`.toLowerCase().includes(text))
      .filter((meter) => query.edgeId === undefined || meter.edgeId === query.edgeId)
      .filter((meter) => after === null || meter.meterId > String(after));
    return pageOf(found, query.limit, (meter) => [meter.meterId]);
  }

  async meter(meterId: MeterId) {
    this.#decode();
    return this.#readings.meters().find((meter) => meter.meterId === meterId);
  }

  async saveMeter(meter: Parameters<RegistryStore['saveMeter']>[0]): Promise<void> {
    this.#readings.saveMeter(meter);
  }

  /** A model has no transactions; whoever imports writes after everything was checked. */
  withImport<Result>(work: (view: ImportView) => Promise<Result>): Promise<Result> {
    return work(this.#readings.importView);
  }

  async placeMeter(meterId: MeterId, edgeId: EdgeId, fromMs: number): Promise<void> {
    if (!this.#edges.has(edgeId)) throw storeError('STORE_UNKNOWN_EDGE', edgeId);
    this.#readings.place(meterId, edgeId, fromMs);
  }

  async endPlacement(meterId: MeterId, toMs: number): Promise<void> {
    this.#readings.endPlacement(meterId, toMs);
  }

  async attributes(meterId: MeterId): Promise<readonly MeterAttribute[]> {
    return this.#events.attributes(meterId);
  }

  async events(query: Parameters<QueryStore['events']>[0]) {
    return this.#events.events(query);
  }
}
