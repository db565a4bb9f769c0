/** HDLC addresses of IEC 62056-46 clause 6.4.2: seven bits an octet, bit 0 set on the last one. */

import { type ByteReader, ByteWriter } from '../../base/bytes.ts';
import { assert } from '../../base/errors.ts';

/** An address: a client has `upper` only; of a server, `upper` is the logical device and `lower` the physical one. */
export interface HdlcAddress {
  /** 0-127 in 1 and 2 octets, 0-16,383 in 4. */
  readonly upper: number;
  /** Same range; null in the one-octet form. */
  readonly lower: number | null;
  /** Octets on the line. */
  readonly length: 1 | 2 | 4;
}

/** The reserved physical and logical address "all stations" in its one- and two-octet parts. */
export const ALL_STATIONS = { short: 0x7f, long: 0x3fff } as const;

/** Address of a client: always one octet; `id` 0-127. */
export function clientAddress(id: number): HdlcAddress {
  assert(id >= 0 && id <= 0x7f, `HDLC client ${id} is from 0 to 127`);
  return { upper: id, lower: null, length: 1 };
}

/**
 * Address of a server in the shortest form that holds it, or in `length` octets. `logical` and `physical` are 0-16,383;
 * without `physical` the one-octet form is used when `logical` is below 128.
 */
export function serverAddress(logical: number, physical: number | null = null, length?: 1 | 2 | 4): HdlcAddress {
  const small = logical <= 0x7f && (physical ?? 0) <= 0x7f;
  const shortest = physical === null && logical <= 0x7f ? 1 : small ? 2 : 4;
  const chosen = length ?? shortest;
  assert(
    chosen >= shortest && logical <= 0x3fff && (physical ?? 0) <= 0x3fff,
    `HDLC server ${logical}/${physical} does not fit`,
  );
  return { upper: logical, lower: chosen === 1 ? null : (physical ?? 0), length: chosen };
}

/** Writes the octets of an address, upper part first. */
export function writeHdlcAddress(writer: ByteWriter, address: HdlcAddress): void {
  const { upper, lower, length } = address;
  if (length === 1) writer.u8((upper << 1) | 1);
  else if (length === 2) writer.u8(upper << 1).u8(((lower ?? 0) << 1) | 1);
  else {
    writer.u8((upper >>> 7) << 1).u8((upper & 0x7f) << 1);
    writer.u8(((lower ?? 0) >>> 7) << 1).u8((((lower ?? 0) & 0x7f) << 1) | 1);
  }
}

/** Octets of an address. */
export function encodeHdlcAddress(address: HdlcAddress): Uint8Array {
  const writer = new ByteWriter(4);
  writeHdlcAddress(writer, address);
  return writer.finish();
}

/** Reads an address; null when it is of 3 octets or of more than 4; throws TruncatedError. */
export function readHdlcAddress(reader: ByteReader): HdlcAddress | null {
  const parts: number[] = [];
  for (let octets = 1; octets <= 4; octets++) {
    const octet = reader.u8();
    parts.push(octet >>> 1);
    if ((octet & 1) === 1) return fromParts(parts);
  }
  return null;
}

function fromParts(parts: readonly number[]): HdlcAddress | null {
  const [a = 0, b = 0, c = 0, d = 0] = parts;
  if (parts.length === 1) return { upper: a, lower: null, length: 1 };
  if (parts.length === 2) return { upper: a, lower: b, length: 2 };
  return parts.length === 4 ? { upper: (a << 7) | b, lower: (c << 7) | d, length: 4 } : null;
}

/** Whether both name the same station, whatever their length on the line. */
export function sameStation(a: HdlcAddress, b: HdlcAddress): boolean {
  return a.upper === b.upper && (a.lower ?? 0) === (b.lower ?? 0);
}

/** Whether the upper or the lower part of a server address means "all stations". */
export function isAllStations(address: HdlcAddress): boolean {
  const all = address.length === 4 ? ALL_STATIONS.long : ALL_STATIONS.short;
  return address.upper === all || address.lower === all;
}

/** `16` or `1/17`, as the command line writes it. */
export function formatHdlcAddress(address: HdlcAddress): string {
  return address.lower === null ? `${address.upper}` : `${address.upper}/${address.lower}`;
}
