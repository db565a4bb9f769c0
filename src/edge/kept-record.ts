/** The form of what readers keep in the journal to be wiser after a restart: version, checksum, JSON. Damage counts as nothing kept. */
import { concat } from '../base/bytes.ts';
import { crc32C } from '../base/crc.ts';

const HEAD_OCTETS = 5;

/** One octet of version, CRC-32C (big-endian) of the rest, the rest in JSON; null when all that is longer than `maxOctets`. */
export function recordOctets(version: number, value: unknown, maxOctets: number): Uint8Array | null {
  const body = new TextEncoder().encode(JSON.stringify(value));
  if (body.length + HEAD_OCTETS > maxOctets) return null;
  const head = new DataView(new ArrayBuffer(HEAD_OCTETS));
  head.setUint8(0, version);
  head.setUint32(1, crc32C(body));
  return concat([new Uint8Array(head.buffer), body]);
}

/** The way back; undefined for another version, damage, and what is too long. What comes out went in through {@link recordOctets}. */
export function recordIn(octets: Uint8Array, version: number, maxOctets: number): unknown {
  if (octets.length <= HEAD_OCTETS || octets.length > maxOctets) return undefined;
  const head = new DataView(octets.buffer, octets.byteOffset, HEAD_OCTETS);
  const body = octets.subarray(HEAD_OCTETS);
  if (head.getUint8(0) !== version || head.getUint32(1) !== crc32C(body)) return undefined;
  return JSON.parse(new TextDecoder().decode(body));
}
