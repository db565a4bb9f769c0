/** The data tags as one table: number, name, and how the content (without the tag) is read and written. */

import type { ByteReader, ByteWriter } from '../../base/bytes.ts';
import { readDate, readDateTime, readTime, writeDate, writeDateTime, writeTime } from '../cosem/datetime.ts';
import { dlmsError } from '../errors.ts';
import type { Data, DataType, IntegerType } from './data.ts';
import { readLength, readOctets, writeLength, writeOctets } from './length.ts';
import { readBits, readUtf8, readVisible, writeBits, writeUtf8, writeVisible } from './text.ts';

/** A tag whose content holds other values: `decode.ts` walks into it. */
export interface ContainerTag {
  readonly tag: number;
  readonly type: ContainerType;
}

/** A tag whose content stands alone. */
export interface ScalarTag {
  readonly tag: number;
  readonly type: ScalarType;
  /** Reads the content that follows the tag. */
  readonly read: (reader: ByteReader) => Data;
  /** Writes the content that follows the tag; `data` is of this row's type. */
  readonly write: (writer: ByteWriter, data: Data) => void;
}

/** One row of the table. */
export type DataTag = ContainerTag | ScalarTag;

/** Types that hold other values. */
export type ContainerType = 'array' | 'structure' | 'compact-array';

/** Types that hold one value. */
export type ScalarType = Exclude<DataType, ContainerType>;

/** A value of one type. */
export type DataOf<Type extends DataType> = Data & { readonly type: Type };

function row<Type extends ScalarType>(
  tag: number,
  type: Type,
  read: (reader: ByteReader) => DataOf<Type>,
  write: (writer: ByteWriter, data: DataOf<Type>) => void,
): ScalarTag {
  return { tag, type, read, write: write as ScalarTag['write'] };
}

function integer(
  tag: number,
  type: IntegerType,
  range: readonly [minimum: number, maximum: number],
  read: (reader: ByteReader) => number,
  write: (writer: ByteWriter, value: number) => void,
): ScalarTag {
  const [minimum, maximum] = range;
  const put = (writer: ByteWriter, data: DataOf<IntegerType>): void => {
    const { value } = data;
    if (!Number.isInteger(value) || value < minimum || value > maximum)
      throw dlmsError('DLMS_VALUE', `${type} ${value}`);
    write(writer, value);
  };
  return { tag, type, read: (reader) => ({ type, value: read(reader) }), write: put as ScalarTag['write'] };
}

function long64(
  tag: number,
  type: 'long64' | 'long64-unsigned',
  fits: (value: bigint) => bigint,
  read: (reader: ByteReader) => bigint,
  write: (writer: ByteWriter, value: bigint) => void,
): ScalarTag {
  const put = (writer: ByteWriter, data: DataOf<'long64' | 'long64-unsigned'>): void => {
    if (fits(data.value) !== data.value) throw dlmsError('DLMS_VALUE', `${type} ${data.value}`);
    write(writer, data.value);
  };
  return { tag, type, read: (reader) => ({ type, value: read(reader) }), write: put as ScalarTag['write'] };
}

const I8 = [-0x80, 0x7f] as const;
const I16 = [-0x80_00, 0x7f_ff] as const;
const I32 = [-0x80_00_00_00, 0x7f_ff_ff_ff] as const;
const U8 = [0, 0xff] as const;
const U16 = [0, 0xff_ff] as const;
const U32 = [0, 0xff_ff_ff_ff] as const;

const readI8 = (reader: ByteReader) => reader.i8();
const readI16 = (reader: ByteReader) => reader.i16();
const readI32 = (reader: ByteReader) => reader.i32();
const readU8 = (reader: ByteReader) => reader.u8();
const readU16 = (reader: ByteReader) => reader.u16();
const readU32 = (reader: ByteReader) => reader.u32();
const writeI8 = (writer: ByteWriter, value: number) => void writer.i8(value);
const writeI16 = (writer: ByteWriter, value: number) => void writer.i16(value);
const writeI32 = (writer: ByteWriter, value: number) => void writer.i32(value);
const writeU8 = (writer: ByteWriter, value: number) => void writer.u8(value);
const writeU16 = (writer: ByteWriter, value: number) => void writer.u16(value);
const writeU32 = (writer: ByteWriter, value: number) => void writer.u32(value);
const nothing = (): void => undefined;

const NULL_DATA = { type: 'null-data' } as const;
const DONT_CARE = { type: 'dont-care' } as const;

/** Every tag (Blue Book 4.1.5; delta types and compact-array from the ASN.1 module of the APDUs). */
export const DATA_TAGS: readonly DataTag[] = [
  row(0x00, 'null-data', () => NULL_DATA, nothing),
  { tag: 0x01, type: 'array' },
  { tag: 0x02, type: 'structure' },
  row(
    0x03,
    'boolean',
    (reader) => ({ type: 'boolean', value: reader.u8() !== 0 }),
    (writer, data) => void writer.u8(data.value ? 1 : 0),
  ),
  row(
    0x04,
    'bit-string',
    (reader) => ({ type: 'bit-string', value: readBits(reader, readLength(reader)) }),
    (writer, data) => {
      writeLength(writer, data.value.length);
      writeBits(writer, data.value);
    },
  ),
  integer(0x05, 'double-long', I32, readI32, writeI32),
  integer(0x06, 'double-long-unsigned', U32, readU32, writeU32),
  row(
    0x09,
    'octet-string',
    (reader) => ({ type: 'octet-string', value: readOctets(reader) }),
    (writer, data) => writeOctets(writer, data.value),
  ),
  row(
    0x0a,
    'visible-string',
    (reader) => ({ type: 'visible-string', value: readVisible(readOctets(reader)) }),
    writeVisible,
  ),
  row(0x0c, 'utf8-string', (reader) => readUtf8(readOctets(reader)), writeUtf8),
  integer(0x0d, 'bcd', U8, readU8, writeU8),
  integer(0x0f, 'integer', I8, readI8, writeI8),
  integer(0x10, 'long', I16, readI16, writeI16),
  integer(0x11, 'unsigned', U8, readU8, writeU8),
  integer(0x12, 'long-unsigned', U16, readU16, writeU16),
  { tag: 0x13, type: 'compact-array' },
  long64(
    0x14,
    'long64',
    (value) => BigInt.asIntN(64, value),
    (reader) => reader.i64(),
    (writer, value) => void writer.i64(value),
  ),
  long64(
    0x15,
    'long64-unsigned',
    (value) => BigInt.asUintN(64, value),
    (reader) => reader.u64(),
    (writer, value) => void writer.u64(value),
  ),
  integer(0x16, 'enum', U8, readU8, writeU8),
  row(
    0x17,
    'float32',
    (reader) => ({ type: 'float32', value: reader.f32() }),
    (writer, data) => void writer.f32(data.value),
  ),
  row(
    0x18,
    'float64',
    (reader) => ({ type: 'float64', value: reader.f64() }),
    (writer, data) => void writer.f64(data.value),
  ),
  row(
    0x19,
    'date-time',
    (reader) => ({ type: 'date-time', value: readDateTime(reader) }),
    (writer, data) => writeDateTime(writer, data.value),
  ),
  row(
    0x1a,
    'date',
    (reader) => ({ type: 'date', value: readDate(reader) }),
    (writer, data) => writeDate(writer, data.value),
  ),
  row(
    0x1b,
    'time',
    (reader) => ({ type: 'time', value: readTime(reader) }),
    (writer, data) => writeTime(writer, data.value),
  ),
  integer(0x1c, 'delta-integer', I8, readI8, writeI8),
  integer(0x1d, 'delta-long', I16, readI16, writeI16),
  integer(0x1e, 'delta-double-long', I32, readI32, writeI32),
  integer(0x1f, 'delta-unsigned', U8, readU8, writeU8),
  integer(0x20, 'delta-long-unsigned', U16, readU16, writeU16),
  integer(0x21, 'delta-double-long-unsigned', U32, readU32, writeU32),
  row(0xff, 'dont-care', () => DONT_CARE, nothing),
];

const BY_TAG: readonly (DataTag | undefined)[] = Array.from({ length: 256 }, (_, tag) =>
  DATA_TAGS.find((entry) => entry.tag === tag),
);
const BY_TYPE: ReadonlyMap<DataType, DataTag> = new Map(DATA_TAGS.map((entry) => [entry.type, entry]));

/** The row of a tag, or undefined when no type has it. */
export function dataTagOf(tag: number): DataTag | undefined {
  return BY_TAG[tag];
}

/** The row of a type. */
export function dataTagOfType(type: DataType): DataTag {
  const found = BY_TYPE.get(type);
  if (found === undefined) throw dlmsError('DLMS_VALUE', `no data type '${String(type)}'`);
  return found;
}
