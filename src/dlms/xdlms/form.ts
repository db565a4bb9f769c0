/** One form of an APDU as a table row; every service file gives its rows and `codec.ts` joins them. */

import type { ByteReader, ByteWriter } from '../../base/bytes.ts';
import type { Data } from '../axdr/data.ts';
import { readTagged } from '../axdr/decode.ts';
import { readLength, writeLength } from '../axdr/length.ts';
import type { DataWalk } from '../axdr/walk.ts';
import { dlmsError } from '../errors.ts';
import { LIST_ITEMS_MAX } from '../limits.ts';

/** One form: its tag, its choice octet if the service has one, its name, and how the rest is read and written. */
export interface ApduForm {
  readonly tag: number;
  /** The octet after the tag that tells forms apart, or null. */
  readonly choice: number | null;
  readonly name: string;
  /** Reads what follows tag and choice. */
  readonly read: (reader: ByteReader, walk: DataWalk) => { readonly apdu: string };
  /** Writes what follows tag and choice; the APDU is of this row's form. */
  readonly write: (writer: ByteWriter, apdu: never) => void;
}

/** Makes a row, checking that reader and writer agree on the APDU's type. */
export function form<Form extends { readonly apdu: string }>(
  tag: number,
  choice: number | null,
  name: Form['apdu'],
  read: (reader: ByteReader, walk: DataWalk) => Omit<Form, 'apdu'>,
  write: (writer: ByteWriter, apdu: Form) => void,
): ApduForm {
  return { tag, choice, name, read: (reader, walk) => ({ apdu: name, ...read(reader, walk) }), write };
}

/** An integer that must lie in a range before it is written; throws `DLMS_VALUE`. */
export function within(value: number, low: number, high: number, name: string): number {
  if (!Number.isInteger(value) || value < low || value > high) throw dlmsError('DLMS_VALUE', `${name} ${value}`);
  return value;
}

/** The error of a choice octet just read. */
export function badChoice(reader: ByteReader, what: string, choice: number): Error {
  return dlmsError('DLMS_CHOICE', `offset ${reader.offset - 1}: ${what} ${choice}`);
}

/** Reads 00 (false) or 01 (true) where the standard has OPTIONAL; anything else is refused. */
export function readPresent(reader: ByteReader, what: string): boolean {
  const present = reader.u8();
  if (present > 1) throw badChoice(reader, what, present);
  return present === 1;
}

/** Reads a count and that many items of at least one octet each. */
export function readItems<Item>(reader: ByteReader, item: (reader: ByteReader) => Item): Item[] {
  const count = readLength(reader);
  if (count > reader.remaining || count > LIST_ITEMS_MAX) {
    throw dlmsError('DLMS_ELEMENTS', `offset ${reader.offset}: ${count} items, ${reader.remaining} octets left`);
  }
  const items: Item[] = [];
  for (let at = 0; at < count; at++) items.push(item(reader));
  return items;
}

/** Writes a count and the items. */
export function writeItems<Item>(
  writer: ByteWriter,
  items: readonly Item[],
  item: (writer: ByteWriter, value: Item) => void,
): void {
  writeLength(writer, within(items.length, 0, LIST_ITEMS_MAX, 'items'));
  for (const value of items) item(writer, value);
}

/** Reads a count and that many values. */
export function readDataList(reader: ByteReader, walk: DataWalk): Data[] {
  return readItems(reader, () => readTagged(reader, walk));
}
