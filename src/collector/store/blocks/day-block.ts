/**
 * The day block: all readings of one meter of one UTC day as octets. docs/formats/store.md has the layout and an example.
 *
 * A meter's channels share almost everything but their values: times, marks and the journal blocks they came with. So one
 * row of the database holds the meter's day, a section per channel holds its columns, and a column that equals the one of
 * the section before costs two bits. What was given up: reading one channel decodes the others' columns too.
 */
import { BitReader, BitWriter } from '../../../base/bits.ts';
import { ByteReader, ByteWriter, TruncatedError, toHex } from '../../../base/bytes.ts';
import { crc32C } from '../../../base/crc.ts';
import type { EdgeId } from '../../../model/ids.ts';
import type { ExactInteger } from '../../../model/number.ts';
import { QUALITIES, SOURCES } from '../../../model/reading.ts';
import { storeError } from '../errors.ts';
import { DAY_VERSIONS_MAX } from '../limits.ts';
import { readIntegers, readNumber, readNumbers, writeIntegers, writeNumber } from './integers.ts';
import type { Scale, Version, Visit } from './versions.ts';

/** A channel of a day: its name in the meter, and its versions in order of time and version. */
export interface DayChannel {
  /** `A-B:C.D.E*F`. */
  readonly obis: string;
  readonly intervalS: number;
  readonly versions: readonly Version[];
}

const FORMAT = 1;
const CRC_OCTETS = 4;
const EPOCH_BITS = 64;
const OBIS = /^(\d{1,3})-(\d{1,3}):(\d{1,3})\.(\d{1,3})\.(\d{1,3})\*(\d{1,3})$/;
const OBIS_GROUP_BITS = 8;

/** Columns of a section besides the values, in order. */
const COLUMNS = ['atMs', 'visit', 'base', 'status', 'quality', 'deviation', 'source', 'scale'] as const;
type Columns = Record<(typeof COLUMNS)[number], readonly number[]>;

/** Packs a day. Channels without versions are left out. */
export function encodeDayBlock(channels: readonly DayChannel[]): Uint8Array {
  const filled = channels.filter((channel) => channel.versions.length > 0);
  const visits = new Table<Visit>(visitKey);
  const statuses = new Table<Uint8Array>(toHex);
  for (const channel of filled) {
    for (const version of channel.versions) {
      visits.add(version.visit);
      statuses.add(version.status);
    }
  }
  visits.sort(compareVisits);
  const writer = new BitWriter(512);
  writer.bits(FORMAT, 8);
  writeVisits(writer, visits.items);
  writeNumber(writer, statuses.items.length);
  for (const status of statuses.items) writeOctets(writer, status);
  writeNumber(writer, filled.length);
  let before: Columns | undefined;
  for (const channel of filled) before = writeSection(writer, channel, visits, statuses, before);
  const body = writer.finish();
  return new ByteWriter(body.length + CRC_OCTETS).bytes(body).u32(crc32C(body)).finish();
}

/** Unpacks a day; with `wanted` only the channels for which it holds. Throws STORE_BLOCK_FORMAT. */
export function decodeDayBlock(
  octets: Uint8Array,
  wanted: (channel: Pick<DayChannel, 'obis' | 'intervalS'>) => boolean = () => true,
): DayChannel[] {
  try {
    const bytes = new ByteReader(octets);
    const body = bytes.slice(Math.max(0, octets.length - CRC_OCTETS));
    if (bytes.u32() !== crc32C(body)) throw storeError('STORE_BLOCK_FORMAT', 'its checksum is wrong');
    const reader = new BitReader(body);
    const format = reader.bits(8);
    if (format !== FORMAT) throw storeError('STORE_BLOCK_FORMAT', `format ${format}`);
    const visits = readVisits(reader);
    const statuses = Array.from({ length: bounded(readNumber(reader)) }, () => readOctets(reader));
    const channels: DayChannel[] = [];
    let before: Columns | undefined;
    for (let left = bounded(readNumber(reader)); left > 0; left--) {
      const section = readSection(reader, before);
      if (wanted(section)) {
        const { obis, intervalS } = section;
        channels.push({ obis, intervalS, versions: versionsOf(section, visits, statuses) });
      }
      before = section.columns;
    }
    return channels;
  } catch (error) {
    if (error instanceof TruncatedError) throw storeError('STORE_BLOCK_FORMAT', error.message, error);
    throw error;
  }
}

/** Items numbered in order of their first use; equal items may be separate objects. */
class Table<Item> {
  items: Item[] = [];
  readonly #numbers = new Map<string, number>();
  /** The same by object, so that a text is made once per object and not once per use. */
  readonly #byItem = new Map<Item, number>();

  constructor(private readonly keyOf: (item: Item) => string) {}

  add(item: Item): void {
    if (this.#byItem.has(item)) return;
    const key = this.keyOf(item);
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.items.length;
      this.#numbers.set(key, number);
      this.items.push(item);
    }
    this.#byItem.set(item, number);
  }

  sort(compare: (a: Item, b: Item) => number): void {
    this.items.sort(compare);
    this.#numbers.clear();
    for (const [at, item] of this.items.entries()) this.#numbers.set(this.keyOf(item), at);
    for (const item of this.#byItem.keys()) this.#byItem.set(item, this.#numbers.get(this.keyOf(item)) ?? 0);
  }

  number(item: Item): number {
    return this.#byItem.get(item) ?? 0;
  }
}

function visitKey(visit: Visit): string {
  return `${visit.edgeId} ${visit.epoch} ${visit.lane} ${visit.sequence} ${visit.readAtMs} ${visit.knownAtMs}`;
}

function originKey(visit: Pick<Visit, 'edgeId' | 'epoch'>): string {
  return `${visit.edgeId} ${visit.epoch}`;
}

/** Lane by lane, each in time: read-at and sequence then grow in even steps, and the next visit is the next number. */
function compareVisits(a: Visit, b: Visit): number {
  const [keyA, keyB] = [originKey(a), originKey(b)];
  const byOrigin = keyA < keyB ? -1 : keyA > keyB ? 1 : 0;
  return byOrigin || a.lane - b.lane || a.readAtMs - b.readAtMs || a.sequence - b.sequence;
}

function writeVisits(writer: BitWriter, visits: readonly Visit[]): void {
  const origins = new Table<Pick<Visit, 'edgeId' | 'epoch'>>(originKey);
  for (const visit of visits) origins.add(visit);
  writeNumber(writer, origins.items.length);
  for (const origin of origins.items) {
    writeText(writer, origin.edgeId);
    writer.bigBits(BigInt(`0x${origin.epoch}`), EPOCH_BITS);
  }
  writeNumber(writer, visits.length);
  const columns = [
    visits.map((visit) => origins.number(visit)),
    visits.map((visit) => visit.lane),
    visits.map((visit) => visit.sequence),
    visits.map((visit) => visit.readAtMs),
    visits.map((visit) => visit.knownAtMs - visit.readAtMs),
  ];
  for (const column of columns) writeIntegers(writer, column);
}

function readVisits(reader: BitReader): readonly Visit[] {
  const origins = Array.from({ length: bounded(readNumber(reader)) }, () => ({
    edgeId: readText(reader) as EdgeId,
    epoch: reader.bigBits(EPOCH_BITS).toString(16).padStart(16, '0'),
  }));
  const count = bounded(readNumber(reader));
  const column = () => readNumbers(reader, count);
  const [origin, lane, sequence, readAt, age] = [column(), column(), column(), column(), column()];
  return readAt.map((readAtMs, at) => ({
    ...known(origins[origin[at] ?? -1]),
    lane: lane[at] ?? 0,
    sequence: sequence[at] ?? 0,
    readAtMs,
    knownAtMs: readAtMs + (age[at] ?? 0),
  }));
}

function writeSection(
  writer: BitWriter,
  channel: DayChannel,
  visits: Table<Visit>,
  statuses: Table<Uint8Array>,
  before: Columns | undefined,
): Columns {
  const scales = new Table<Scale>((scale) => `${scale.exponent} ${scale.unit}`);
  for (const version of channel.versions) scales.add(version.scale);
  writeObis(writer, channel.obis);
  writeNumber(writer, channel.intervalS);
  writeNumber(writer, channel.versions.length);
  writeNumber(writer, scales.items.length);
  for (const scale of scales.items) {
    writeNumber(writer, scale.exponent < 0 ? -2 * scale.exponent - 1 : 2 * scale.exponent);
    writeText(writer, scale.unit);
  }
  const columns: Columns = {
    atMs: channel.versions.map((version) => version.atMs),
    visit: channel.versions.map((version) => visits.number(version.visit)),
    base: basesOf(channel.versions, visits),
    status: channel.versions.map((version) => statuses.number(version.status)),
    quality: channel.versions.map((version) => QUALITIES.indexOf(version.quality)),
    // 0 = none; the range of COSEM is -720 to 720.
    deviation: channel.versions.map(({ deviationMin }) =>
      deviationMin === null ? 0 : deviationMin + DEVIATION_OFFSET,
    ),
    source: channel.versions.map((version) => SOURCES.indexOf(version.source)),
    scale: channel.versions.map((version) => scales.number(version.scale)),
  };
  for (const name of COLUMNS) writeIntegers(writer, columns[name], before?.[name]);
  writeIntegers(
    writer,
    channel.versions.map((version) => version.value),
  );
  return columns;
}

/**
 * The row index of a version less the versions of its visit before it. Rows of a channel lie one behind the other in their
 * block, so this is one number for all of a visit, and mostly the same in each visit.
 */
function basesOf(versions: readonly Version[], visits: Table<Visit>): number[] {
  const counts = new Map<number, number>();
  return versions.map((version) => {
    const visit = visits.number(version.visit);
    const count = counts.get(visit) ?? 0;
    counts.set(visit, count + 1);
    return version.index - count;
  });
}

/** The row indexes again. */
function indexesOf(bases: readonly number[], visits: readonly number[]): number[] {
  const counts: number[] = [];
  const indexes: number[] = [];
  for (let at = 0; at < bases.length; at++) {
    const visit = visits[at] as number;
    const count = counts[visit] ?? 0;
    counts[visit] = count + 1;
    indexes.push((bases[at] as number) + count);
  }
  return indexes;
}

const DEVIATION_OFFSET = 40_000;

/** A section as columns. */
interface Section {
  readonly obis: string;
  readonly intervalS: number;
  readonly scales: readonly Scale[];
  readonly columns: Columns;
  readonly values: readonly ExactInteger[];
}

function readSection(reader: BitReader, before: Columns | undefined): Section {
  const obis = readObis(reader);
  const intervalS = readNumber(reader);
  const count = bounded(readNumber(reader));
  const scales = Array.from({ length: bounded(readNumber(reader)) }, () => readScale(reader));
  const columns: Partial<Record<(typeof COLUMNS)[number], readonly number[]>> = {};
  for (const name of COLUMNS) columns[name] = readNumbers(reader, count, before?.[name]);
  return { obis, intervalS, scales, columns: columns as Columns, values: readIntegers(reader, count) };
}

function versionsOf(section: Section, visits: readonly Visit[], statuses: readonly Uint8Array[]): Version[] {
  const { columns, scales, values } = section;
  const indexes = indexesOf(columns.base, columns.visit);
  const { atMs, visit, status, quality, deviation, source, scale } = columns;
  return values.map((value, at) => {
    const deviationCode = deviation[at] as number;
    return {
      atMs: atMs[at] as number,
      value,
      scale: known(scales[scale[at] as number]),
      status: known(statuses[status[at] as number]),
      quality: known(QUALITIES[quality[at] as number]),
      deviationMin: deviationCode === 0 ? null : deviationCode - DEVIATION_OFFSET,
      source: known(SOURCES[source[at] as number]),
      visit: known(visits[visit[at] as number]),
      index: indexes[at] as number,
    };
  });
}

function readScale(reader: BitReader): Scale {
  const coded = readNumber(reader);
  return { exponent: coded % 2 === 1 ? -(coded + 1) / 2 : coded / 2, unit: readText(reader) };
}

function known<Item>(item: Item | undefined): Item {
  if (item === undefined) throw storeError('STORE_BLOCK_FORMAT', 'a number points at nothing');
  return item;
}

function bounded(count: number): number {
  if (count > DAY_VERSIONS_MAX) throw storeError('STORE_BLOCK_FORMAT', `${count} items`);
  return count;
}

function writeOctets(writer: BitWriter, octets: Uint8Array): void {
  writeNumber(writer, octets.length);
  for (const octet of octets) writer.bits(octet, 8);
}

function readOctets(reader: BitReader): Uint8Array {
  return Uint8Array.from({ length: bounded(readNumber(reader)) }, () => reader.bits(8));
}

function writeText(writer: BitWriter, text: string): void {
  writeOctets(writer, new TextEncoder().encode(text));
}

function readText(reader: BitReader): string {
  return new TextDecoder().decode(readOctets(reader));
}

/** Six groups of eight bits behind a one; any other name as text behind a zero. */
function writeObis(writer: BitWriter, obis: string): void {
  const groups = (OBIS.exec(obis)?.slice(1) ?? []).map(Number);
  const packs = obisText(groups) === obis && groups.every((group) => group < 2 ** OBIS_GROUP_BITS);
  writer.bits(packs ? 1 : 0, 1);
  if (packs) for (const group of groups) writer.bits(group, OBIS_GROUP_BITS);
  else writeText(writer, obis);
}

function readObis(reader: BitReader): string {
  if (reader.bits(1) === 0) return readText(reader);
  return obisText(Array.from({ length: 6 }, () => reader.bits(OBIS_GROUP_BITS)));
}

function obisText(groups: readonly number[]): string {
  const [a, b, c, d, e, f] = groups;
  return `${a}-${b}:${c}.${d}.${e}*${f}`;
}
