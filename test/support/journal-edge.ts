/** A concentrator without meters and radio: numbers, chains and packs blocks as the real one does, and remembers them all. */
import type { Crypto } from '../../src/base/env.ts';
import type { BlockAppend, CollectorStore, EdgeRecord, LaneCursor } from '../../src/collector/ports.ts';
import { HOST_CRYPTO } from '../../src/host/crypto.ts';
import { DEFAULT_TENANT, type EdgeId, type MeterId } from '../../src/model/ids.ts';
import type { ExactInteger } from '../../src/model/number.ts';
import { SOURCES } from '../../src/model/reading.ts';
import { decodeHeader, NO_BLOCK_HASH } from '../../src/wire/block.ts';
import { dictionaryHash, encodeDictionary } from '../../src/wire/dictionary.ts';
import { emptyLaneState, type LaneState } from '../../src/wire/lane-state.ts';
import { isSelfContained, type Lane } from '../../src/wire/lanes.ts';
import { type PackedBlock, packRecords, packRows } from '../../src/wire/pack.ts';
import type { JournalRecord } from '../../src/wire/records.ts';
import type { DictionaryGroup, Row } from '../../src/wire/rows.ts';

export const crypto: Crypto = HOST_CRYPTO;
/** 2026-03-01T00:00:00Z. */
export const DAY_MS = Date.UTC(2026, 2, 1);
export const QUARTER_MS = 900_000;
export const IMPORT = '1-0:1.8.0*255';
export const EXPORT = '1-0:2.8.0*255';

/** A group of two registers of 15 minutes. */
export function profileGroup(meterId: string, exponent = 0): DictionaryGroup {
  return {
    meterId,
    intervalS: 900,
    source: SOURCES.indexOf('profile'),
    timeZone: 'UTC',
    columns: [
      { obis: IMPORT, exponent, unit: 'Wh' },
      { obis: EXPORT, exponent, unit: 'Wh' },
    ],
  };
}

/** A plain row. */
export function row(atMs: number, values: readonly (ExactInteger | null)[], group = 0): Row {
  return { group, atMs, status: new Uint8Array(0), quality: 'good', deviationMin: null, values };
}

interface JournalLane {
  state: LaneState;
  readonly blocks: PackedBlock[];
}

/** Writes a journal in memory. */
export class JournalEdge {
  readonly edgeId: EdgeId;
  readonly key: Uint8Array;
  readonly #lanes = new Map<Lane, JournalLane>();
  groups: readonly DictionaryGroup[] = [];

  constructor(
    edgeId: string,
    readonly epoch = '00000000000000e1',
    groups: readonly DictionaryGroup[] = [],
  ) {
    this.edgeId = edgeId as EdgeId;
    this.key = crypto.sha256(new TextEncoder().encode(edgeId));
    this.groups = groups;
  }

  get dictionary(): {
    readonly hash: string;
    readonly groups: readonly DictionaryGroup[];
    readonly octets: Uint8Array;
  } {
    const octets = encodeDictionary(this.groups);
    return { hash: dictionaryHash(octets, crypto.sha256), groups: this.groups, octets };
  }

  get record(): EdgeRecord {
    return { edgeId: this.edgeId, tenantId: DEFAULT_TENANT, state: 'active', key: this.key, epoch: this.epoch };
  }

  #lane(lane: Lane): JournalLane {
    const kept = this.#lanes.get(lane) ?? { state: emptyLaneState(), blocks: [] };
    this.#lanes.set(lane, kept);
    return kept;
  }

  blocks(lane: Lane): readonly PackedBlock[] {
    return this.#lane(lane).blocks;
  }

  #head(lane: Lane, readAtMs: number, keyframe: boolean) {
    const { blocks } = this.#lane(lane);
    const last = blocks.at(-1);
    const sequence = (last?.sequence ?? 0) + 1;
    return {
      lane,
      epoch: this.epoch,
      sequence,
      keyframe: keyframe || last === undefined ? sequence : last.keyframe,
      prevHash: last?.hash ?? NO_BLOCK_HASH,
      readAtMs,
      clockQuality: 'ntp' as const,
    };
  }

  /** Appends rows to an interval lane; returns the new blocks. */
  rows(
    lane: Lane,
    rows: readonly Row[],
    options: { readonly readAtMs: number; readonly keyframe?: boolean },
  ): readonly PackedBlock[] {
    const kept = this.#lane(lane);
    const head = this.#head(lane, options.readAtMs, options.keyframe ?? false);
    const packed = packRows(head, this.dictionary, rows, kept.state, crypto.sha256);
    kept.state = packed.state;
    kept.blocks.push(...packed.blocks);
    return packed.blocks;
  }

  /** Appends records to a self-contained lane; returns the new blocks. */
  records(lane: Lane, records: readonly JournalRecord[], readAtMs = DAY_MS): readonly PackedBlock[] {
    const kept = this.#lane(lane);
    const packed = packRecords(this.#head(lane, readAtMs, true), records, kept.state, crypto.sha256);
    kept.blocks.push(...packed.blocks);
    return packed.blocks;
  }
}

/** Blocks as ingest hands them to a store. */
export function asAppends(blocks: readonly PackedBlock[], records: readonly JournalRecord[] = []): BlockAppend[] {
  return blocks.map((block) => {
    const { lane } = decodeHeader(block.octets);
    return isSelfContained(lane) ? { ...block, records } : block;
  });
}

/** Registers edge and dictionary. */
export async function register(store: CollectorStore, edge: JournalEdge): Promise<void> {
  await store.saveEdge(edge.record);
  if (edge.groups.length > 0) await store.saveDictionary(edge.edgeId, edge.dictionary.hash, edge.dictionary.octets);
}

/** Registers a meter and places it. */
export async function place(store: CollectorStore, meterId: string, edge: JournalEdge, fromMs = 0): Promise<MeterId> {
  await store.saveMeter({ meterId: meterId as MeterId, tenantId: DEFAULT_TENANT });
  await store.placeMeter(meterId as MeterId, edge.edgeId, fromMs);
  return meterId as MeterId;
}

/** The cursor of a lane, as a new one when there is none. */
export async function cursorOf(store: CollectorStore, edge: JournalEdge, lane: Lane): Promise<LaneCursor> {
  const cursor = await store.cursor(edge.edgeId, edge.epoch, lane);
  return cursor ?? { edgeId: edge.edgeId, epoch: edge.epoch, lane, upTo: 0, headHash: NO_BLOCK_HASH, keyframe: 0 };
}

/** Appends what the store does not hold of a lane. */
export async function upload(
  store: CollectorStore,
  edge: JournalEdge,
  lane: Lane,
  records: readonly JournalRecord[] = [],
): Promise<void> {
  const cursor = await cursorOf(store, edge, lane);
  const blocks = edge.blocks(lane).filter((block) => block.sequence > cursor.upTo);
  if (!(await store.append(cursor, asAppends(blocks, records)))) throw new Error('the cursor had moved');
}
