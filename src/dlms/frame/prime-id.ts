/** DLMS id of a meter in a PRIME network: a length octet, then 1-16 printable ASCII characters (13 in Spain). */
import type { ByteReader, ByteWriter } from '../../base/bytes.ts';
import { dlmsError } from '../errors.ts';
import { PRIME_SERIAL_MAX_OCTETS } from './limits.ts';

/** Reads one; throws `DLMS_LENGTH` and `DLMS_SHAPE` with an offset that begins at `base`. */
export function readPrimeId(reader: ByteReader, base: number): string {
  const offset = base + reader.offset;
  const length = reader.u8();
  if (length === 0 || length > PRIME_SERIAL_MAX_OCTETS)
    throw dlmsError('DLMS_LENGTH', `offset ${offset}: a DLMS id of ${length} octets`);
  const id = String.fromCharCode(...reader.slice(length));
  if (!isPrintable(id)) throw dlmsError('DLMS_SHAPE', `offset ${offset + 1}: the DLMS id is not printable ASCII`);
  return id;
}

/** Writes one; throws `DLMS_VALUE` with an offset that begins at `base`. */
export function writePrimeId(id: string, writer: ByteWriter, base: number): void {
  if (id.length > PRIME_SERIAL_MAX_OCTETS || !isPrintable(id))
    throw dlmsError(
      'DLMS_VALUE',
      `offset ${base + writer.length}: '${id}' is no DLMS id of 1 to 16 printable characters`,
    );
  writer.u8(id.length).bytes(Uint8Array.from(id, (character) => character.charCodeAt(0)));
}

/** An id ends up in names, logs and addresses: no spaces, no control characters. */
function isPrintable(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text);
}
