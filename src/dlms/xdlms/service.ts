/** Parts that many services share: invocation, descriptors, selective access, results. */

import type { ByteReader, ByteWriter } from '../../base/bytes.ts';
import type { Data } from '../axdr/data.ts';
import { readTagged, writeTagged } from '../axdr/decode.ts';
import { readOctets, writeOctets } from '../axdr/length.ts';
import type { DataWalk } from '../axdr/walk.ts';
import type { ObisCode } from '../cosem/obis.ts';
import { readObis, writeObis } from '../cosem/obis.ts';
import { badChoice, readPresent, within } from './form.ts';

/** Invoke-Id-And-Priority, one octet. */
export interface Invocation {
  /** 0 to 15, chosen by the client and echoed by the server. */
  readonly invokeId: number;
  readonly confirmed: boolean;
  readonly highPriority: boolean;
}

/** Long-Invoke-Id-And-Priority, four octets. */
export interface LongInvocation {
  /** 0 to 2^24 - 1. */
  readonly longInvokeId: number;
  readonly selfDescriptive: boolean;
  /** Stop at the first item that fails, instead of going on. */
  readonly breakOnError: boolean;
  readonly confirmed: boolean;
  readonly highPriority: boolean;
}

/** One attribute of one object. */
export interface AttributeDescriptor {
  /** Interface class, 0 to 65535. */
  readonly classId: number;
  readonly instanceId: ObisCode;
  /** -128 to 127; 0 means all attributes. */
  readonly attributeId: number;
}

/** One method of one object. */
export interface MethodDescriptor {
  readonly classId: number;
  readonly instanceId: ObisCode;
  readonly methodId: number;
}

/** Selector and its parameters: part of an attribute instead of all of it. */
export interface SelectiveAccess {
  /** 1 = range, 2 = entry for a profile buffer. */
  readonly selector: number;
  readonly parameters: Data;
}

/** An attribute with its selection, one item of a list. */
export interface AttributeAccess extends AttributeDescriptor {
  readonly access: SelectiveAccess | null;
}

/** What a GET gives for one attribute: `'data' in result` tells which. Codes are in `DATA_ACCESS_RESULTS`. */
export type GetDataResult = { readonly data: Data } | { readonly dataAccessResult: number };

/** What an ACTION gives for one method. Codes are in `ACTION_RESULTS`. */
export interface ActionResult {
  readonly actionResult: number;
  readonly returnParameters: GetDataResult | null;
}

/** Part of a long value. */
export interface DataBlock {
  readonly lastBlock: boolean;
  /** From 1. */
  readonly blockNumber: number;
  readonly rawData: Uint8Array;
}

/** Reads the invocation octet; its two reserved bits are ignored. */
export function readInvocation(reader: ByteReader): Invocation {
  const octet = reader.u8();
  return { invokeId: octet & 0x0f, confirmed: (octet & 0x40) !== 0, highPriority: (octet & 0x80) !== 0 };
}

/** Writes the invocation octet. */
export function writeInvocation(writer: ByteWriter, value: Invocation): void {
  writer.u8(within(value.invokeId, 0, 15, 'invokeId') | (value.confirmed ? 0x40 : 0) | (value.highPriority ? 0x80 : 0));
}

/** Reads the four octets of a long invocation; bits 24 to 27 are reserved and ignored. */
export function readLongInvocation(reader: ByteReader): LongInvocation {
  const flags = reader.u8();
  return {
    longInvokeId: reader.u24(),
    selfDescriptive: (flags & 0x10) !== 0,
    breakOnError: (flags & 0x20) !== 0,
    confirmed: (flags & 0x40) !== 0,
    highPriority: (flags & 0x80) !== 0,
  };
}

/** Writes the four octets of a long invocation. */
export function writeLongInvocation(writer: ByteWriter, value: LongInvocation): void {
  writer.u8(
    (value.selfDescriptive ? 0x10 : 0) |
      (value.breakOnError ? 0x20 : 0) |
      (value.confirmed ? 0x40 : 0) |
      (value.highPriority ? 0x80 : 0),
  );
  writer.u24(within(value.longInvokeId, 0, 0xff_ff_ff, 'longInvokeId'));
}

/** Reads class, logical name and attribute. */
export function readAttribute(reader: ByteReader): AttributeDescriptor {
  return { classId: reader.u16(), instanceId: readObis(reader), attributeId: reader.i8() };
}

/** Writes class, logical name and attribute. */
export function writeAttribute(writer: ByteWriter, value: AttributeDescriptor): void {
  writer.u16(within(value.classId, 0, 0xff_ff, 'classId'));
  writeObis(writer, value.instanceId);
  writer.i8(within(value.attributeId, -0x80, 0x7f, 'attributeId'));
}

/** Reads class, logical name and method. */
export function readMethod(reader: ByteReader): MethodDescriptor {
  return { classId: reader.u16(), instanceId: readObis(reader), methodId: reader.i8() };
}

/** Writes class, logical name and method. */
export function writeMethod(writer: ByteWriter, value: MethodDescriptor): void {
  writer.u16(within(value.classId, 0, 0xff_ff, 'classId'));
  writeObis(writer, value.instanceId);
  writer.i8(within(value.methodId, -0x80, 0x7f, 'methodId'));
}

/** Reads a selector and its parameters. */
export function readSelection(reader: ByteReader, walk: DataWalk): SelectiveAccess {
  return { selector: reader.u8(), parameters: readTagged(reader, walk) };
}

/** Writes a selector and its parameters. */
export function writeSelection(writer: ByteWriter, value: SelectiveAccess): void {
  writer.u8(within(value.selector, 0, 0xff, 'selector'));
  writeTagged(writer, value.parameters);
}

/** Reads 00, or 01 and a selection. */
export function readAccess(reader: ByteReader, walk: DataWalk): SelectiveAccess | null {
  return readPresent(reader, 'access selection') ? readSelection(reader, walk) : null;
}

/** Writes 00, or 01 and a selection. */
export function writeAccess(writer: ByteWriter, value: SelectiveAccess | null): void {
  writer.u8(value === null ? 0 : 1);
  if (value !== null) writeSelection(writer, value);
}

/** Reads an attribute with its selection. */
export function readAttributeAccess(reader: ByteReader, walk: DataWalk): AttributeAccess {
  return { ...readAttribute(reader), access: readAccess(reader, walk) };
}

/** Writes an attribute with its selection. */
export function writeAttributeAccess(writer: ByteWriter, value: AttributeAccess): void {
  writeAttribute(writer, value);
  writeAccess(writer, value.access);
}

/** Reads 00 and a value, or 01 and a result code. */
export function readGetDataResult(reader: ByteReader, walk: DataWalk): GetDataResult {
  const choice = reader.u8();
  if (choice === 0) return { data: readTagged(reader, walk) };
  if (choice === 1) return { dataAccessResult: reader.u8() };
  throw badChoice(reader, 'get-data-result', choice);
}

/** Writes 00 and a value, or 01 and a result code. */
export function writeGetDataResult(writer: ByteWriter, value: GetDataResult): void {
  if ('data' in value) {
    writer.u8(0);
    writeTagged(writer, value.data);
  } else writer.u8(1).u8(within(value.dataAccessResult, 0, 0xff, 'dataAccessResult'));
}

/** Reads an action's result and what it returned. */
export function readActionResult(reader: ByteReader, walk: DataWalk): ActionResult {
  return {
    actionResult: reader.u8(),
    returnParameters: readPresent(reader, 'return parameters') ? readGetDataResult(reader, walk) : null,
  };
}

/** Writes an action's result and what it returned. */
export function writeActionResult(writer: ByteWriter, value: ActionResult): void {
  writer.u8(within(value.actionResult, 0, 0xff, 'actionResult'));
  writer.u8(value.returnParameters === null ? 0 : 1);
  if (value.returnParameters !== null) writeGetDataResult(writer, value.returnParameters);
}

/** Reads last flag, block number and raw octets. */
export function readDataBlock(reader: ByteReader): DataBlock {
  return { lastBlock: reader.u8() !== 0, blockNumber: reader.u32(), rawData: readOctets(reader) };
}

/** Writes last flag, block number and raw octets. */
export function writeDataBlock(writer: ByteWriter, value: DataBlock): void {
  writer.u8(value.lastBlock ? 1 : 0);
  writeBlockNumber(writer, value);
  writeOctets(writer, value.rawData);
}

/** Writes a block number of four octets. */
export function writeBlockNumber(writer: ByteWriter, value: { readonly blockNumber: number }): void {
  writer.u32(within(value.blockNumber, 0, 0xff_ff_ff_ff, 'blockNumber'));
}

/** Writes a result code of one octet. */
export function writeResult(writer: ByteWriter, result: number): void {
  writer.u8(within(result, 0, 0xff, 'result'));
}
