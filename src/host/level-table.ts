/**
 * Tables of LevelDB as octets, for what LevelDB itself leaves out: whether they are as they were written, and what of a
 * damaged one still stands. https://github.com/google/leveldb/blob/main/doc/table_format.md
 *
 * A table is blocks of entries, a block that names its metadata, an index of the blocks, and a footer. Each block carries a
 * CRC-32C. LevelDB compares it only with `paranoid_checks`, which classic-level does not offer: a flipped bit in a key goes
 * into a compaction, where an assertion that keys ascend ends the process; in the type of an entry it turns a value into a
 * deletion without a word.
 */
import { ByteReader, ByteWriter, concat, sameOctets, TruncatedError } from '../base/bytes.ts';
import { crc32C } from '../base/crc.ts';
import { LEVEL_TABLE_GROWTH_MAX } from './limits.ts';

const FOOTER_OCTETS = 48;
const MAGIC = Uint8Array.of(0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb);
const UNCOMPRESSED = 0;
/** Sequence and type behind each key. */
const TAG_OCTETS = 8;
/** Types are 0, a deletion, and 1, a value. */
const TYPE_MAX = 1;

/** Where a block lies, in octets from the start of the table, without its trailer. */
interface Place {
  readonly at: number;
  readonly length: number;
}

interface Block {
  readonly contents: Uint8Array;
  /** Whether it is as it was written. */
  readonly isSound: boolean;
  /** Only LevelDB's own repair compresses: such a block has its checksum, and its entries are not looked at. */
  readonly isCompressed: boolean;
}

interface TableEntry {
  /** Key as LevelDB orders it: the store's key, then sequence and type. */
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** LevelDB's checksum of octets: a CRC-32C, turned and moved so that a sum over sums is not a sum. */
export function maskedCrc(octets: Uint8Array): number {
  const crc = crc32C(octets);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** What is wrong with a table, in words for a log; null = every block is as it was written and keys ascend. */
export function faultOfTable(table: Uint8Array): string | null {
  try {
    const { index, meta } = readFooter(table);
    for (const { place } of placesIn(table, meta)) soundBlockAt(table, place);
    let last: Uint8Array | null = null;
    for (const { place } of placesIn(table, index)) {
      for (const { key } of entriesOf(soundBlockAt(table, place))) {
        if (last !== null && compareKeys(last, key) >= 0) return `keys do not ascend in the block at ${place.at}`;
        last = key;
      }
    }
    return null;
  } catch (error) {
    return wordsOf(error);
  }
}

/**
 * A sound table with the entries of a damaged one that still stand in order; null when its index or footer is damaged,
 * without which nobody knows where its blocks begin, or when nothing stands. Whoever reads the values must have a
 * checksum of his own: entries of damaged blocks are among them.
 */
export function mendTable(table: Uint8Array): Uint8Array | null {
  try {
    const { index } = readFooter(table);
    const writer = new ByteWriter(table.length, table.length * LEVEL_TABLE_GROWTH_MAX);
    const kept: TableEntry[] = [];
    let last: Uint8Array | null = null;
    for (const { place, bound } of placesIn(table, index)) {
      const standing = entriesThatStand(blockAt(table, place), last, bound);
      const end = standing.at(-1);
      if (end === undefined) continue;
      last = end.key;
      kept.push({ key: last, value: handleOf(writeBlock(writer, standing)) });
    }
    if (last === null) return null;
    const metaHandle = handleOf(writeBlock(writer, []));
    const indexHandle = handleOf(writeBlock(writer, kept));
    const padding = FOOTER_OCTETS - MAGIC.length - metaHandle.length - indexHandle.length;
    return writer.bytes(metaHandle).bytes(indexHandle).bytes(new Uint8Array(padding)).bytes(MAGIC).finish();
  } catch (error) {
    wordsOf(error);
    return null;
  }
}

/** Damage with words of its own; only {@link wordsOf} sees it. */
class TableFault extends Error {
  override readonly name = 'TableFault';
}

/** What reading damaged octets may throw; anything else is a fault of the program and goes on. */
function wordsOf(error: unknown): string {
  if (error instanceof TableFault) return error.message;
  if (error instanceof TruncatedError || error instanceof RangeError)
    return `its structure is broken: ${error.message}`;
  throw error;
}

function readFooter(table: Uint8Array): { readonly meta: Place; readonly index: Place } {
  const reader = new ByteReader(table);
  reader.skip(table.length - FOOTER_OCTETS);
  const meta = readPlace(reader);
  const index = readPlace(reader);
  reader.skip(reader.remaining - MAGIC.length);
  if (!sameOctets(reader.rest(), MAGIC)) throw new TableFault('its footer is damaged');
  return { meta, index };
}

function readPlace(reader: ByteReader): Place {
  return { at: reader.varint(), length: reader.varint() };
}

function blockAt(table: Uint8Array, { at, length }: Place): Block {
  const reader = new ByteReader(table);
  reader.skip(at);
  const covered = reader.slice(length + 1);
  const contents = covered.subarray(0, length);
  const isCompressed = new ByteReader(covered.subarray(length)).u8() !== UNCOMPRESSED;
  return { contents, isSound: reader.u32LE() === maskedCrc(covered), isCompressed };
}

function soundBlockAt(table: Uint8Array, place: Place): Block {
  const block = blockAt(table, place);
  if (!block.isSound) throw new TableFault(`the block at ${place.at} does not match its checksum`);
  return block;
}

/** The blocks that a block of handles names, each with the key that bounds it from above; throws when it is damaged. */
function placesIn(table: Uint8Array, at: Place): { readonly place: Place; readonly bound: Uint8Array }[] {
  const entries = [...entriesOf(soundBlockAt(table, at))];
  return entries.map(({ key, value }) => ({ place: readPlace(new ByteReader(value)), bound: key }));
}

/** Entries share the beginning of their key with the one before; behind them are the places where nothing is shared. */
function* entriesOf({ contents, isCompressed }: Block): Generator<TableEntry> {
  if (isCompressed) return;
  const end = new ByteReader(contents);
  end.skip(contents.length - 4);
  const reader = new ByteReader(new ByteReader(contents).slice(contents.length - 4 - 4 * end.u32LE()));
  let last: Uint8Array = new Uint8Array(0);
  while (reader.remaining > 0) {
    const [shared, own, length] = [reader.varint(), reader.varint(), reader.varint()];
    last = concat([new ByteReader(last).slice(shared), reader.slice(own)]);
    yield { key: last, value: reader.slice(length) };
  }
}

/** Those that ascend, above `last` and up to `bound`, as far as the block can be read. */
function entriesThatStand(block: Block, last: Uint8Array | null, bound: Uint8Array): TableEntry[] {
  const standing: TableEntry[] = [];
  let before = last;
  try {
    for (const entry of entriesOf(block)) {
      if (!isKey(entry.key) || compareKeys(entry.key, bound) > 0) continue;
      if (before !== null && compareKeys(before, entry.key) >= 0) continue;
      standing.push(entry);
      before = entry.key;
    }
  } catch (error) {
    wordsOf(error);
  }
  return standing;
}

function isKey(key: Uint8Array): boolean {
  return key.length >= TAG_OCTETS && (tagOf(key).low & 0xff) <= TYPE_MAX;
}

/** Ascending by the store's key; of one key the newest comes first. Throws {@link TruncatedError} for less than a tag. */
function compareKeys(a: Uint8Array, b: Uint8Array): number {
  const [tagOfA, tagOfB] = [tagOf(a), tagOf(b)];
  const order = Buffer.compare(a.subarray(0, -TAG_OCTETS), b.subarray(0, -TAG_OCTETS));
  return order || tagOfB.high - tagOfA.high || tagOfB.low - tagOfA.low;
}

/** Sequence (7 octets) and type (lowest octet), as two halves. */
function tagOf(key: Uint8Array): { readonly low: number; readonly high: number } {
  const reader = new ByteReader(key);
  reader.skip(key.length - TAG_OCTETS);
  return { low: reader.u32LE(), high: reader.u32LE() };
}

/** Appends a block in which no key shares anything, with its trailer. */
function writeBlock(writer: ByteWriter, entries: readonly TableEntry[]): Place {
  const block = new ByteWriter(256, LEVEL_TABLE_GROWTH_MAX * 16 * 1024 * 1024);
  const restarts: number[] = entries.length === 0 ? [0] : [];
  for (const { key, value } of entries) {
    restarts.push(block.length);
    block.varint(0).varint(key.length).varint(value.length).bytes(key).bytes(value);
  }
  for (const restart of restarts) block.u32LE(restart);
  block.u32LE(restarts.length);
  const place = { at: writer.length, length: block.length };
  block.u8(UNCOMPRESSED);
  writer.bytes(block.written()).u32LE(maskedCrc(block.written()));
  return place;
}

function handleOf({ at, length }: Place): Uint8Array {
  return new ByteWriter(16).varint(at).varint(length).finish();
}
