/** Lengths and counts of A-XDR: below 80 hex one octet, else 81 to 84 hex and that many octets. */

import type { ByteReader, ByteWriter } from '../../base/bytes.ts';
import { dlmsError } from '../errors.ts';
import { LENGTH_OCTETS_MAX } from '../limits.ts';

/** Reads a length or count. Longer forms than needed occur and are taken; 80 (indefinite) and more than four octets are not. */
export function readLength(reader: ByteReader): number {
  const first = reader.u8();
  if (first < 0x80) return first;
  const octets = first & 0x7f;
  switch (octets) {
    case 1:
      return reader.u8();
    case 2:
      return reader.u16();
    case 3:
      return reader.u24();
    case LENGTH_OCTETS_MAX:
      return reader.u32();
    default:
      throw dlmsError(
        'DLMS_LENGTH',
        `offset ${reader.offset - 1}: ${octets === 0 ? 'length 80 is indefinite' : `length of ${octets} octets`}`,
      );
  }
}

/** Writes a length or count in its shortest form. */
export function writeLength(writer: ByteWriter, length: number): void {
  if (length < 0x80) writer.u8(length);
  else if (length < 0x1_00) writer.u8(0x81).u8(length);
  else if (length < 0x1_00_00) writer.u8(0x82).u16(length);
  else if (length < 0x1_00_00_00) writer.u8(0x83).u24(length);
  else writer.u8(0x84).u32(length);
}

/** Reads a length and that many octets, as a view on the message. */
export function readOctets(reader: ByteReader): Uint8Array {
  return reader.slice(readLength(reader));
}

/** Writes a length and the octets. */
export function writeOctets(writer: ByteWriter, octets: Uint8Array): void {
  writeLength(writer, octets.length);
  writer.bytes(octets);
}
