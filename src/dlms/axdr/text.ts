/** Bit strings and texts. */

import type { ByteReader, ByteWriter } from '../../base/bytes.ts';
import { dlmsError } from '../errors.ts';
import type { Utf8StringData, VisibleStringData } from './data.ts';
import { writeLength, writeOctets } from './length.ts';

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const LENIENT_UTF8 = new TextDecoder('utf-8', { ignoreBOM: true });
const TO_UTF8 = new TextEncoder();

/** Reads `bits` bits from whole octets, first bit = most significant; unused bits at the end are ignored. */
export function readBits(reader: ByteReader, bits: number): string {
  const octets = reader.slice(Math.ceil(bits / 8));
  let text = '';
  for (const octet of octets) text += octet.toString(2).padStart(8, '0');
  return text.slice(0, bits);
}

/** Writes bits into whole octets; unused bits are 0. */
export function writeBits(writer: ByteWriter, bits: string): void {
  if (!/^[01]*$/.test(bits)) throw dlmsError('DLMS_VALUE', 'bit-string: only 0 and 1');
  for (let at = 0; at < bits.length; at += 8) writer.u8(Number.parseInt(bits.slice(at, at + 8).padEnd(8, '0'), 2));
}

/** One character an octet. */
export function readVisible(octets: Uint8Array): string {
  let text = '';
  for (const octet of octets) text += String.fromCharCode(octet);
  return text;
}

/** One octet a character; characters above U+00FF do not fit. */
export function writeVisible(writer: ByteWriter, data: VisibleStringData): void {
  writeLength(writer, data.value.length);
  for (let at = 0; at < data.value.length; at++) {
    const code = data.value.charCodeAt(at);
    if (code > 0xff) throw dlmsError('DLMS_VALUE', `visible-string: character ${at} is beyond one octet`);
    writer.u8(code);
  }
}

/** UTF-8 text; octets that are not UTF-8 are shown with replacement characters and kept. */
export function readUtf8(octets: Uint8Array): Utf8StringData {
  try {
    return { type: 'utf8-string', value: UTF8.decode(octets) };
  } catch {
    return { type: 'utf8-string', value: LENIENT_UTF8.decode(octets), octets };
  }
}

/** Octets of a text: those kept, or the UTF-8 of the value. */
export function writeUtf8(writer: ByteWriter, data: Utf8StringData): void {
  writeOctets(writer, data.octets ?? TO_UTF8.encode(data.value));
}
