/** BER fields of the association messages: tag, length, content; nothing nested deeper than it must be. */

import { ByteReader, ByteWriter } from '../../base/bytes.ts';
import { readLength, readOctets, writeLength, writeOctets } from '../axdr/length.ts';
import { dlmsError } from '../errors.ts';
import type { BerField } from './acse.ts';

/** The fields of one message, each taken once by its decoder; what is left over is kept for the log. */
export class BerFields {
  readonly #fields = new Map<number, Uint8Array>();

  /** Reads the length of the message and its fields; a field twice, or octets beyond the length, are refused. */
  constructor(reader: ByteReader) {
    const fields = new ByteReader(readOctets(reader));
    while (fields.remaining > 0) {
      const tag = fields.u8();
      if (this.#fields.has(tag)) throw dlmsError('DLMS_BER', `field ${tag.toString(16)} hex twice`);
      this.#fields.set(tag, fields.slice(readLength(fields)));
    }
  }

  /** The content of a field, once; null when the message has none. */
  take(tag: number): Uint8Array | null {
    const content = this.#fields.get(tag) ?? null;
    this.#fields.delete(tag);
    return content;
  }

  /** The content of the one element inside a field, which must have the tag `inner` and fill the field. */
  takeInner(tag: number, inner: number): Uint8Array | null {
    const content = this.take(tag);
    return content === null ? null : innerOf(content, inner, tag);
  }

  /** Puts a field back among those not interpreted. */
  keep(tag: number, content: Uint8Array): void {
    this.#fields.set(tag, content);
  }

  /** The fields that nobody took, in the order in which they are sent. */
  rest(): BerField[] {
    return [...this.#fields].map(([tag, content]) => ({ tag, content })).sort(byContextNumber);
  }
}

/** The content of the one element of `octets`; `DLMS_BER` names the field when it is something else. */
export function innerOf(octets: Uint8Array, inner: number, field: number): Uint8Array {
  const reader = new ByteReader(octets);
  const tag = reader.u8();
  const content = readOctets(reader);
  if (tag !== inner || reader.remaining > 0) {
    throw dlmsError('DLMS_BER', `field ${field.toString(16)} hex: element ${inner.toString(16)} hex wanted`);
  }
  return content;
}

/** An INTEGER from 0 to 127, all that association messages number with, written in up to four octets. */
export function integerOf(content: Uint8Array, field: number): number {
  let value = 0;
  for (const octet of content) value = value * 256 + octet;
  if (content.length === 0 || content.length > 4 || value > 0x7f)
    throw dlmsError('DLMS_BER', `field ${field.toString(16)} hex: integer`);
  return value;
}

/** An element: tag, length, content. */
export function element(tag: number, content: Uint8Array): Uint8Array {
  const writer = new ByteWriter(content.length + 6);
  writer.u8(tag);
  writeOctets(writer, content);
  return writer.finish();
}

/** Writes the length of the message and its fields in the order of their context numbers. Absent ones are null. */
export function writeFields(writer: ByteWriter, fields: readonly (BerField | null)[]): void {
  const present = fields.filter((field) => field !== null);
  present.sort(byContextNumber);
  const body = present.map((field) => element(field.tag, field.content));
  writeLength(
    writer,
    body.reduce((sum, octets) => sum + octets.length, 0),
  );
  for (const octets of body) writer.bytes(octets);
}

function byContextNumber(a: BerField, b: BerField): number {
  return (a.tag & 0x1f) - (b.tag & 0x1f) || a.tag - b.tag;
}

/** A field whose content is one element, or null when there is no value. */
export function innerField(tag: number, inner: number, content: Uint8Array | null): BerField | null {
  return content === null ? null : { tag, content: element(inner, content) };
}

/** A field with bare content, or null when there is no value. */
export function plainField(tag: number, content: Uint8Array | null): BerField | null {
  return content === null ? null : { tag, content };
}
