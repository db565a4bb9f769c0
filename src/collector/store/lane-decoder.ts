/** From blocks of a lane to versions of readings: what fold and reads share. Pure: state in, state out. */
import { DeltawattError } from '../../base/errors.ts';
import type { EdgeId, MeterId } from '../../model/ids.ts';
import { SOURCES } from '../../model/reading.ts';
import { type DecodedBlock, decodeBlock, decodeHeader } from '../../wire/block.ts';
import type { LaneState } from '../../wire/lane-state.ts';
import type { DictionaryGroup } from '../../wire/rows.ts';
import type { Scale, Version, Visit } from './blocks/versions.ts';

/** A block as the journal holds it. */
export interface JournalBlock {
  readonly sequence: number;
  readonly octets: Uint8Array;
  readonly knownAtMs: number;
  /** Time of its last row, UTC ms. */
  readonly toMs: number;
  /** Why it is not decoded, when ingest knew already. */
  readonly quarantine: string | null;
}

/** A version with the channel it belongs to. */
export interface ChannelVersion {
  readonly meterId: MeterId;
  readonly obis: string;
  readonly intervalS: number;
  readonly version: Version;
}

/** What a run of blocks gave. */
export interface DecodedLane {
  readonly versions: readonly ChannelVersion[];
  /** Rows, each of one or more values. */
  readonly rows: number;
  readonly state: LaneState;
  /** Blocks that could not be decoded, with the code of the reason; the dependants of a bad block are among them. */
  readonly quarantined: readonly { readonly sequence: number; readonly code: string; readonly atMs: number }[];
  /** Keyframes whose own numbers disagree with the chain before them. */
  readonly astray: readonly { readonly sequence: number; readonly atMs: number }[];
}

/** Decodes consecutive blocks of one lane from the state before them. A block that cannot be decoded stops nothing. */
export function decodeLane(
  edgeId: EdgeId,
  blocks: readonly JournalBlock[],
  before: LaneState,
  dictionaryOf: (hash: string) => readonly DictionaryGroup[],
): DecodedLane {
  const versions: ChannelVersion[] = [];
  const quarantined: { sequence: number; code: string; atMs: number }[] = [];
  const astray: { sequence: number; atMs: number }[] = [];
  let state = before;
  let rows = 0;
  for (const block of blocks) {
    const { sequence, toMs: atMs } = block;
    if (block.quarantine !== null) {
      quarantined.push({ sequence, code: block.quarantine, atMs });
      continue;
    }
    try {
      const { dictionaryHash } = decodeHeader(block.octets);
      const dictionary = dictionaryHash === null ? [] : dictionaryOf(dictionaryHash);
      const decoded = decodeBlock(block.octets, state, dictionary);
      state = decoded.state;
      rows += decoded.rows.length;
      if (decoded.stateDiffers) astray.push({ sequence, atMs });
      for (const version of versionsOf(edgeId, decoded, dictionary, block.knownAtMs)) versions.push(version);
    } catch (error) {
      if (!(error instanceof DeltawattError)) throw error;
      quarantined.push({ sequence, code: error.code, atMs });
    }
  }
  return { versions, rows, state, quarantined, astray };
}

/** The values of a decoded block, each with its place in the journal. Nulls are no values. */
function* versionsOf(
  edgeId: EdgeId,
  decoded: DecodedBlock,
  dictionary: readonly DictionaryGroup[],
  knownAtMs: number,
): Generator<ChannelVersion> {
  const { epoch, lane, sequence, readAtMs } = decoded.header;
  const visit: Visit = { edgeId, epoch, lane, sequence, readAtMs, knownAtMs };
  for (const [index, row] of decoded.rows.entries()) {
    const group = dictionary[row.group];
    if (group === undefined) continue;
    const source = SOURCES[group.source] ?? 'profile';
    for (const [at, value] of row.values.entries()) {
      const column = group.columns[at];
      if (value === null || column === undefined) continue;
      const { atMs, status, quality, deviationMin } = row;
      const version: Version = {
        atMs,
        value,
        scale: scaleOf(column),
        status,
        quality,
        deviationMin,
        source,
        visit,
        index,
      };
      yield { meterId: group.meterId as MeterId, obis: column.obis, intervalS: group.intervalS, version };
    }
  }
}

/** A column carries more than its scale; the scale is kept once per column so that versions share it. */
const SCALES = new WeakMap<object, Scale>();

function scaleOf(column: DictionaryGroup['columns'][number]): Scale {
  let scale = SCALES.get(column);
  if (scale === undefined) {
    scale = { exponent: column.exponent, unit: column.unit };
    SCALES.set(column, scale);
  }
  return scale;
}
