/** Services with short names: read, write, unconfirmed-write, information-report (tags 05, 06, 0C, 0D, 16, 18). */

import type { ByteReader, ByteWriter } from '../../base/bytes.ts';
import type { Data } from '../axdr/data.ts';
import { readTagged, writeTagged } from '../axdr/decode.ts';
import { readOctets, writeLength, writeOctets } from '../axdr/length.ts';
import { readVisible } from '../axdr/text.ts';
import type { DataWalk } from '../axdr/walk.ts';
import { dlmsError } from '../errors.ts';
import type { ApduForm } from './form.ts';
import { badChoice, form, readDataList, readItems, readPresent, within, writeItems } from './form.ts';
import { writeResult } from './service.ts';

/** What is read or written. */
export type VariableAccess =
  | { readonly kind: 'variable'; readonly name: number }
  | { readonly kind: 'parameterized'; readonly name: number; readonly selector: number; readonly parameter: Data }
  | { readonly kind: 'block-number'; readonly blockNumber: number }
  | {
      readonly kind: 'read-data-block';
      readonly lastBlock: boolean;
      readonly blockNumber: number;
      readonly rawData: Uint8Array;
    }
  | { readonly kind: 'write-data-block'; readonly lastBlock: boolean; readonly blockNumber: number };

/** Reads variables. */
export interface ReadRequest {
  readonly apdu: 'read-request';
  readonly items: readonly VariableAccess[];
}
/** One answer of a read. */
export type ReadResult =
  | { readonly kind: 'data'; readonly data: Data }
  | { readonly kind: 'error'; readonly dataAccessError: number }
  | {
      readonly kind: 'data-block';
      readonly lastBlock: boolean;
      readonly blockNumber: number;
      readonly rawData: Uint8Array;
    }
  | { readonly kind: 'block-number'; readonly blockNumber: number };
/** Answers a read. */
export interface ReadResponse {
  readonly apdu: 'read-response';
  readonly items: readonly ReadResult[];
}
/** Writes variables, with or without an answer. */
export interface WriteRequest {
  readonly apdu: 'write-request' | 'unconfirmed-write-request';
  readonly items: readonly VariableAccess[];
  readonly values: readonly Data[];
}
/** One answer of a write. */
export type WriteResult =
  | { readonly kind: 'success' }
  | { readonly kind: 'error'; readonly dataAccessError: number }
  | { readonly kind: 'block-number'; readonly blockNumber: number };
/** Answers a write. */
export interface WriteResponse {
  readonly apdu: 'write-response';
  readonly items: readonly WriteResult[];
}
/** Unsolicited values with short names. */
export interface InformationReport {
  readonly apdu: 'information-report-request';
  /** GeneralizedTime text, or null. */
  readonly time: string | null;
  readonly items: readonly VariableAccess[];
  readonly values: readonly Data[];
}
/** Every service with short names. */
export type ShortNameApdu = ReadRequest | ReadResponse | WriteRequest | WriteResponse | InformationReport;

/** The forms of the services with short names. */
export const SHORT_NAME_FORMS: readonly ApduForm[] = [
  form<ReadRequest>(
    0x05,
    null,
    'read-request',
    (reader, walk) => ({ items: readItems(reader, () => readVariable(reader, walk)) }),
    (writer, apdu) => writeItems(writer, apdu.items, writeVariable),
  ),
  form<ReadResponse>(
    0x0c,
    null,
    'read-response',
    (reader, walk) => ({ items: readItems(reader, () => readReadResult(reader, walk)) }),
    (writer, apdu) => writeItems(writer, apdu.items, writeReadResult),
  ),
  form<WriteRequest>(0x06, null, 'write-request', readWrite, writeWrite),
  form<WriteRequest>(0x16, null, 'unconfirmed-write-request', readWrite, writeWrite),
  form<WriteResponse>(
    0x0d,
    null,
    'write-response',
    (reader) => ({ items: readItems(reader, readWriteResult) }),
    (writer, apdu) => writeItems(writer, apdu.items, writeWriteResult),
  ),
  form<InformationReport>(
    0x18,
    null,
    'information-report-request',
    (reader, walk) => ({
      time: readPresent(reader, 'report time') ? readVisible(readOctets(reader)) : null,
      ...readWrite(reader, walk),
    }),
    (writer, apdu) => {
      writer.u8(apdu.time === null ? 0 : 1);
      if (apdu.time !== null) writeTime(writer, apdu.time);
      writeItems(writer, apdu.items, writeVariable);
      writeItems(writer, apdu.values, writeTagged);
    },
  ),
];

function writeTime(writer: ByteWriter, time: string): void {
  writeLength(writer, time.length);
  for (let at = 0; at < time.length; at++) writer.u8(within(time.charCodeAt(at), 0, 0xff, 'report time'));
}

function readWrite(reader: ByteReader, walk: DataWalk): Omit<WriteRequest, 'apdu'> {
  return { items: readItems(reader, () => readVariable(reader, walk)), values: readDataList(reader, walk) };
}

function writeWrite(writer: ByteWriter, apdu: WriteRequest): void {
  writeItems(writer, apdu.items, writeVariable);
  writeItems(writer, apdu.values, writeTagged);
}

function readVariable(reader: ByteReader, walk: DataWalk): VariableAccess {
  const choice = reader.u8();
  switch (choice) {
    case 2:
      return { kind: 'variable', name: reader.u16() };
    case 4:
      return { kind: 'parameterized', name: reader.u16(), selector: reader.u8(), parameter: readTagged(reader, walk) };
    case 5:
      return { kind: 'block-number', blockNumber: reader.u16() };
    case 6:
      return { kind: 'read-data-block', ...readBlockHead(reader), rawData: readOctets(reader) };
    case 7:
      return { kind: 'write-data-block', ...readBlockHead(reader) };
    default:
      throw badChoice(reader, 'variable access', choice);
  }
}

function writeVariable(writer: ByteWriter, value: VariableAccess): void {
  switch (value.kind) {
    case 'variable':
      writer.u8(2).u16(within(value.name, 0, 0xff_ff, 'name'));
      return;
    case 'parameterized':
      writer
        .u8(4)
        .u16(within(value.name, 0, 0xff_ff, 'name'))
        .u8(within(value.selector, 0, 0xff, 'selector'));
      writeTagged(writer, value.parameter);
      return;
    case 'block-number':
      writer.u8(5).u16(within(value.blockNumber, 0, 0xff_ff, 'blockNumber'));
      return;
    case 'read-data-block':
      writeBlockHead(writer.u8(6), value);
      writeOctets(writer, value.rawData);
      return;
    case 'write-data-block':
      writeBlockHead(writer.u8(7), value);
      return;
    default:
      throw dlmsError('DLMS_VALUE', 'variable access');
  }
}

interface BlockHead {
  readonly lastBlock: boolean;
  readonly blockNumber: number;
}

function readBlockHead(reader: ByteReader): BlockHead {
  return { lastBlock: reader.u8() !== 0, blockNumber: reader.u16() };
}

function writeBlockHead(writer: ByteWriter, value: BlockHead): void {
  writer.u8(value.lastBlock ? 1 : 0).u16(within(value.blockNumber, 0, 0xff_ff, 'blockNumber'));
}

/** Reads one answer of a read. */
export function readReadResult(reader: ByteReader, walk: DataWalk): ReadResult {
  const choice = reader.u8();
  if (choice === 0) return { kind: 'data', data: readTagged(reader, walk) };
  if (choice === 1) return { kind: 'error', dataAccessError: reader.u8() };
  if (choice === 2) return { kind: 'data-block', ...readBlockHead(reader), rawData: readOctets(reader) };
  if (choice === 3) return { kind: 'block-number', blockNumber: reader.u16() };
  throw badChoice(reader, 'read result', choice);
}

/** Writes one answer of a read. */
export function writeReadResult(writer: ByteWriter, value: ReadResult): void {
  if (value.kind === 'data') writeTagged(writer.u8(0), value.data);
  else if (value.kind === 'error') writeResult(writer.u8(1), value.dataAccessError);
  else if (value.kind === 'data-block') {
    writeBlockHead(writer.u8(2), value);
    writeOctets(writer, value.rawData);
  } else writer.u8(3).u16(within(value.blockNumber, 0, 0xff_ff, 'blockNumber'));
}

function readWriteResult(reader: ByteReader): WriteResult {
  const choice = reader.u8();
  if (choice === 0) return { kind: 'success' };
  if (choice === 1) return { kind: 'error', dataAccessError: reader.u8() };
  if (choice === 2) return { kind: 'block-number', blockNumber: reader.u16() };
  throw badChoice(reader, 'write result', choice);
}

function writeWriteResult(writer: ByteWriter, value: WriteResult): void {
  if (value.kind === 'success') writer.u8(0);
  else if (value.kind === 'error') writeResult(writer.u8(1), value.dataAccessError);
  else writer.u8(2).u16(within(value.blockNumber, 0, 0xff_ff, 'blockNumber'));
}
