/** Data values from octets and back. */

import { ByteReader, ByteWriter } from '../../base/bytes.ts';
import { dlmsError, guarded } from '../errors.ts';
import { APDU_ENCODED_MAX } from '../limits.ts';
import type { CompactArrayData, Data, TypeDescription } from './data.ts';
import { readLength, readOctets, writeLength, writeOctets } from './length.ts';
import type { ContainerType, ScalarTag } from './tags.ts';
import { dataTagOf, dataTagOfType } from './tags.ts';
import { DataWalk } from './walk.ts';

/** Reads one value and leaves the reader behind it; throws only errors of `DLMS_ERRORS`, with the offset in the detail. */
export function decodeData(reader: ByteReader, walk = new DataWalk()): Data {
  return guarded(() => readTagged(reader, walk));
}

/** Writes one value; throws `DLMS_VALUE` when it does not fit its type. */
export function encodeData(writer: ByteWriter, data: Data): void {
  guarded(() => writeTagged(writer, data));
}

/** The one value that the octets are; `DLMS_TRAILING` when something follows it. */
export function dataFromOctets(octets: Uint8Array): Data {
  const reader = new ByteReader(octets);
  const data = decodeData(reader);
  if (reader.remaining > 0) throw dlmsError('DLMS_TRAILING', `offset ${reader.offset}: ${reader.remaining} octets`);
  return data;
}

/** The octets of one value. */
export function dataToOctets(data: Data): Uint8Array {
  const writer = new ByteWriter(64, APDU_ENCODED_MAX);
  encodeData(writer, data);
  return writer.finish();
}

/** Reads a tag and its content within a run that is already guarded; the codecs of services use this one. */
export function readTagged(reader: ByteReader, walk: DataWalk): Data {
  const start = reader.offset;
  const tag = reader.u8();
  const entry = dataTagOf(tag);
  if (entry === undefined) throw dlmsError('DLMS_DATA_TAG', `offset ${start}: tag ${tag.toString(16)} hex`);
  const data = 'read' in entry ? entry.read(reader) : readContainer(reader, walk, entry.type);
  walk.seen(data, start, reader.offset);
  return data;
}

function readContainer(reader: ByteReader, walk: DataWalk, type: ContainerType): Data {
  return type === 'compact-array' ? readCompactArray(reader, walk) : { type, value: readList(reader, walk) };
}

/** Writes a tag and its content within a run that is already guarded. */
export function writeTagged(writer: ByteWriter, data: Data): void {
  const entry = dataTagOfType(data.type);
  writer.u8(entry.tag);
  if ('write' in entry) entry.write(writer, data);
  else if (data.type === 'compact-array') writeCompactArray(writer, data);
  else if (data.type === 'array' || data.type === 'structure') {
    writeLength(writer, data.value.length);
    for (const element of data.value) writeTagged(writer, element);
  }
}

/** Reads a count and that many tagged elements. An element takes at least its tag, so a count above what is left is refused. */
function readList(reader: ByteReader, walk: DataWalk): readonly Data[] {
  const count = readLength(reader);
  if (count > reader.remaining) {
    throw dlmsError('DLMS_ELEMENTS', `offset ${reader.offset}: ${count} elements, ${reader.remaining} octets left`);
  }
  walk.enter(count, reader.offset);
  const value: Data[] = [];
  for (let at = 0; at < count; at++) value.push(readTagged(reader, walk));
  walk.leave();
  return value;
}

/**
 * Reads the element type, a byte length, and the values without tags until the octets end. Known from one code base and the
 * ASN.1 module; nested arrays were never checked against a meter.
 */
function readCompactArray(reader: ByteReader, walk: DataWalk): CompactArrayData {
  const at = reader.offset;
  walk.enter(0, at);
  const of = readTypeDescription(reader, walk);
  const contents = new ByteReader(readOctets(reader));
  const value: Data[] = [];
  while (contents.remaining > 0) {
    const before = contents.offset;
    walk.charge(1, at);
    value.push(readDescribed(contents, of, walk));
    // An element without octets would repeat for ever.
    if (contents.offset === before) throw dlmsError('DLMS_LENGTH', `offset ${at}: compact-array element of no octets`);
  }
  walk.leave();
  return { type: 'compact-array', of, value };
}

function readTypeDescription(reader: ByteReader, walk: DataWalk): TypeDescription {
  const tag = reader.u8();
  const type = dataTagOf(tag)?.type;
  if (type === 'array') {
    const count = reader.u16();
    walk.enter(1, reader.offset);
    const of = readTypeDescription(reader, walk);
    walk.leave();
    // A count that no octet has to back would allocate for nothing.
    if (takesNoOctets(of)) throw dlmsError('DLMS_LENGTH', `offset ${reader.offset}: array of elements of no octets`);
    return { type, count, of };
  }
  if (type === 'structure') {
    const count = readLength(reader);
    if (count > reader.remaining) throw dlmsError('DLMS_ELEMENTS', `offset ${reader.offset}: ${count} element types`);
    walk.enter(count, reader.offset);
    const of: TypeDescription[] = [];
    for (let at = 0; at < count; at++) of.push(readTypeDescription(reader, walk));
    walk.leave();
    return { type, of };
  }
  if (type === undefined || type === 'compact-array') {
    throw dlmsError('DLMS_DATA_TAG', `offset ${reader.offset - 1}: element type ${tag.toString(16)} hex`);
  }
  return { type };
}

function takesNoOctets(of: TypeDescription): boolean {
  if (of.type === 'array') return of.count === 0;
  if (of.type === 'structure') return of.of.every(takesNoOctets);
  return of.type === 'null-data' || of.type === 'dont-care';
}

function readDescribed(reader: ByteReader, of: TypeDescription, walk: DataWalk): Data {
  if (of.type === 'array') {
    walk.enter(of.count, reader.offset);
    const value: Data[] = [];
    for (let at = 0; at < of.count; at++) value.push(readDescribed(reader, of.of, walk));
    walk.leave();
    return { type: 'array', value };
  }
  if (of.type === 'structure') {
    walk.enter(of.of.length, reader.offset);
    const value = of.of.map((element) => readDescribed(reader, element, walk));
    walk.leave();
    return { type: 'structure', value };
  }
  return scalarOf(of.type).read(reader);
}

/** Writes type description, byte length and values. */
function writeCompactArray(writer: ByteWriter, data: CompactArrayData): void {
  writeTypeDescription(writer, data.of);
  writeOctets(writer, compactContents(data));
}

/** The values of a compact-array without tags, as they stand after its byte length. */
export function compactContents(data: CompactArrayData): Uint8Array {
  const contents = new ByteWriter(64, APDU_ENCODED_MAX);
  for (const element of data.value) writeDescribed(contents, data.of, element);
  return contents.finish();
}

function writeTypeDescription(writer: ByteWriter, of: TypeDescription): void {
  writer.u8(dataTagOfType(of.type).tag);
  if (of.type === 'array') {
    writer.u16(of.count);
    writeTypeDescription(writer, of.of);
  } else if (of.type === 'structure') {
    writeLength(writer, of.of.length);
    for (const element of of.of) writeTypeDescription(writer, element);
  }
}

function writeDescribed(writer: ByteWriter, of: TypeDescription, data: Data): void {
  if (data.type !== of.type) throw dlmsError('DLMS_VALUE', `compact-array of ${of.type} holds ${data.type}`);
  if (of.type === 'array' && data.type === 'array') {
    if (data.value.length !== of.count) throw dlmsError('DLMS_VALUE', `compact-array wants ${of.count} elements`);
    for (const element of data.value) writeDescribed(writer, of.of, element);
  } else if (of.type === 'structure' && data.type === 'structure') {
    if (data.value.length !== of.of.length) throw dlmsError('DLMS_VALUE', `compact-array wants ${of.of.length} fields`);
    of.of.forEach((element, at) => {
      writeDescribed(writer, element, data.value[at] ?? { type: 'null-data' });
    });
  } else scalarOf(of.type).write(writer, data);
}

function scalarOf(type: TypeDescription['type']): ScalarTag {
  const entry = dataTagOfType(type);
  if ('read' in entry) return entry;
  throw dlmsError('DLMS_VALUE', `${type} inside a compact-array`);
}
