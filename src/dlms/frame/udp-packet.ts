/**
 * UDP in IPv6 as one packet (RFC 8200, RFC 768): `60000000 | length | 11 | hops | source 16 | destination 16 | ports | length | checksum | payload`.
 *
 * Here for networks whose modem takes whole packets and has the addresses made of a PAN id and a short address (RFC 4944, clause 6). What
 * was given up: extension headers, fragments and other protocols above IPv6, which such networks do not use between meter and concentrator.
 */
import { ByteReader, ByteWriter, fromHex, TruncatedError, toHex } from '../../base/bytes.ts';
import { dlmsError } from '../errors.ts';
import { IPV6_PACKET_MAX_BYTES } from './limits.ts';

/** A UDP datagram and whose it is. */
export interface UdpPacket {
  /** IPv6 address, 32 lower-case hex digits. */
  readonly source: string;
  readonly destination: string;
  /** 0-65,535. */
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** 0-1,232 octets. */
  readonly payload: Uint8Array;
}

const IPV6_HEADER_OCTETS = 40;
const UDP_HEADER_OCTETS = 8;
const ADDRESS_OCTETS = 16;
const VERSION_6 = 0x6000_0000;
const UDP = 0x11;
const HOP_LIMIT = 0x40;
const NEXT_HEADER_OFFSET = 6;
const CHECKSUM_OFFSET = IPV6_HEADER_OCTETS + 6;

/** Octets of headers before a payload. */
export const UDP_HEADERS_OCTETS: number = IPV6_HEADER_OCTETS + UDP_HEADER_OCTETS;

/** FE80::PAN:00FF:FE00:short in 32 hex digits; both numbers 0-65,535. */
export function linkLocalOf(panId: number, shortAddress: number): string {
  return `fe80000000000000${hex16(panId)}00fffe00${hex16(shortAddress)}`;
}

/** The short address in a link-local address of this PAN; null when it is another address. */
export function shortAddressIn(address: string, panId: number): number | null {
  const shortAddress = Number.parseInt(address.slice(-4), 16);
  return address === linkLocalOf(panId, shortAddress) ? shortAddress : null;
}

/** Octets of a packet with its checksum. Throws `DLMS_VALUE` for one above the MTU of 1,280 octets. */
export function encodeUdpPacket(packet: UdpPacket): Uint8Array {
  const { source, destination, sourcePort, destinationPort, payload } = packet;
  const length = UDP_HEADER_OCTETS + payload.length;
  if (IPV6_HEADER_OCTETS + length > IPV6_PACKET_MAX_BYTES)
    throw dlmsError('DLMS_VALUE', `offset 4: a packet of ${IPV6_HEADER_OCTETS + length} octets`);
  const writer = new ByteWriter(IPV6_HEADER_OCTETS + length).u32(VERSION_6).u16(length).u8(UDP).u8(HOP_LIMIT);
  writer.bytes(fromHex(source)).bytes(fromHex(destination));
  writer.u16(sourcePort).u16(destinationPort).u16(length).u16(0).bytes(payload);
  const sum = checksumOf(writer.written());
  // 0 says that there is none, which IPv6 does not allow (RFC 8200, clause 8.1).
  writer.patchU16(CHECKSUM_OFFSET, sum === 0 ? 0xffff : sum);
  return writer.finish();
}

/**
 * Takes a packet apart. Throws `DLMS_TRUNCATED` for one that is cut, `DLMS_LENGTH` for lengths that contradict each other or the octets,
 * `DLMS_CHOICE` for another version or protocol, `DLMS_SHAPE` for a checksum that is wrong or missing; the offset counts from its first octet.
 */
export function decodeUdpPacket(octets: Uint8Array): UdpPacket {
  try {
    return packetIn(new ByteReader(octets), octets);
  } catch (error) {
    if (!(error instanceof TruncatedError)) throw error;
    throw dlmsError('DLMS_TRUNCATED', `offset ${error.offset}: ${error.needed} octets wanted`, error);
  }
}

function packetIn(reader: ByteReader, octets: Uint8Array): UdpPacket {
  const version = reader.u32() >>> 28;
  if (version !== 6) throw dlmsError('DLMS_CHOICE', `offset 0: version ${version} of IP`);
  const length = reader.u16();
  const protocol = reader.u8();
  if (protocol !== UDP) throw dlmsError('DLMS_CHOICE', `offset ${NEXT_HEADER_OFFSET}: protocol ${protocol}, not UDP`);
  reader.skip(1);
  const source = toHex(reader.slice(ADDRESS_OCTETS));
  const destination = toHex(reader.slice(ADDRESS_OCTETS));
  if (length !== reader.remaining) throw dlmsError('DLMS_LENGTH', `offset 4: ${length}, ${reader.remaining} came`);
  const sourcePort = reader.u16();
  const destinationPort = reader.u16();
  const inner = reader.u16();
  if (inner !== length) throw dlmsError('DLMS_LENGTH', `offset ${CHECKSUM_OFFSET - 2}: ${inner} in ${length}`);
  const told = reader.u16();
  // The sum over octets that hold their own sum is 0.
  if (told === 0 || checksumOf(octets) !== 0)
    throw dlmsError('DLMS_SHAPE', `offset ${CHECKSUM_OFFSET}: checksum ${hex16(told)} is wrong`);
  return { source, destination, sourcePort, destinationPort, payload: reader.rest().slice() };
}

/** Ones' complement of the ones' complement sum of pseudo header, UDP header and payload (RFC 1071). */
function checksumOf(packet: Uint8Array): number {
  const reader = new ByteReader(packet);
  reader.skip(NEXT_HEADER_OFFSET + 2);
  let sum = UDP + (packet.length - IPV6_HEADER_OCTETS);
  while (reader.remaining > 1) sum += reader.u16();
  if (reader.remaining > 0) sum += reader.u8() << 8;
  while (sum > 0xffff) sum = (sum >>> 16) + (sum & 0xffff);
  return ~sum & 0xffff;
}

function hex16(value: number): string {
  return value.toString(16).padStart(4, '0');
}
