/** Fields that blocks and tombstones write alike. */
import type { ByteReader, ByteWriter } from '../base/bytes.ts';

/** Octets of a block's hash in the chain. */
export const BLOCK_HASH_OCTETS = 8;
/** Octets of the checksum at the end. */
export const CRC_OCTETS = 4;
/** 2020-01-01T00:00:00Z: read-at is counted from here. */
export const TIME_BASE_MS = 1_577_836_800_000;

/** Writes an integer of either sign as a zigzag varint. */
export function writeSigned(writer: ByteWriter, value: number): void {
  writer.varint(value >= 0 ? 2 * value : -2 * value - 1);
}

/** The inverse of {@link writeSigned}. */
export function readSigned(reader: ByteReader): number {
  const zigzag = reader.varint();
  return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
}
