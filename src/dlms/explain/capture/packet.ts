/**
 * From a captured packet to what TCP or UDP carries: Ethernet with VLAN tags, Linux cooked (both), raw IP, loopback; IPv4
 * and IPv6 with the usual extension headers. Anything else, and fragments, give null: they are counted, not guessed at.
 */
import { ByteReader, TruncatedError } from '../../../base/bytes.ts';
import type { CapturedPacket } from './pcap.ts';

/** What one packet carries from one endpoint to another. */
export interface Segment {
  readonly protocol: 'tcp' | 'udp';
  /** `address:port`, IPv6 in hex groups. */
  readonly from: string;
  readonly to: string;
  readonly fromPort: number;
  readonly toPort: number;
  /** Sequence number of the first octet; 0 for UDP. */
  readonly sequence: number;
  readonly begins: boolean;
  readonly ends: boolean;
  readonly payload: Uint8Array;
  readonly offset: number;
  readonly atMs: number | null;
}

const LINK = { null: 0, ethernet: 1, raw: [12, 14, 101, 228, 229], cooked: 113, cooked2: 276 } as const;
const ETHER_IPV4 = 0x0800;
const ETHER_IPV6 = 0x86dd;
const VLAN_TAGS: readonly number[] = [0x8100, 0x88a8, 0x9100];
const TCP = 6;
const UDP = 17;
/** Hop-by-hop, routing and destination options: length in 8 octets, not counting the first. */
const IPV6_EXTENSIONS: readonly number[] = [0, 43, 60];
const FLAGS = { fin: 1, syn: 2, rst: 4 } as const;

/** The segment in a packet; null when it is no TCP or UDP over IP, a fragment, or cut too short. */
export function segmentOf(packet: CapturedPacket): Segment | null {
  try {
    const reader = new ByteReader(packet.octets);
    return passLink(reader, packet.linkType) ? ipSegment(reader, packet) : null;
  } catch (error) {
    if (error instanceof TruncatedError) return null;
    throw error;
  }
}

/** Moves to the IP header; false when there is none. */
function passLink(reader: ByteReader, linkType: number): boolean {
  if (LINK.raw.some((each) => each === linkType)) return true;
  if (linkType === LINK.null) {
    reader.skip(4);
    return true;
  }
  if (linkType === LINK.cooked) {
    reader.skip(14);
    return isIp(reader.u16());
  }
  if (linkType === LINK.cooked2) {
    const protocol = reader.u16();
    reader.skip(18);
    return isIp(protocol);
  }
  if (linkType !== LINK.ethernet) return false;
  reader.skip(12);
  let type = reader.u16();
  while (VLAN_TAGS.includes(type)) {
    reader.skip(2);
    type = reader.u16();
  }
  return isIp(type);
}

function isIp(type: number): boolean {
  return type === ETHER_IPV4 || type === ETHER_IPV6;
}

interface Inside {
  readonly protocol: number;
  readonly from: string;
  readonly to: string;
  /** The octets of TCP or UDP, padding of the link cut off. */
  readonly body: Uint8Array;
}

function ipSegment(reader: ByteReader, packet: CapturedPacket): Segment | null {
  const version = reader.peek() >> 4;
  const inside = version === 4 ? ipv4(reader) : version === 6 ? ipv6(reader) : null;
  if (inside === null) return null;
  const { protocol, from, to, body } = inside;
  const inner = new ByteReader(body);
  const fromPort = inner.u16();
  const toPort = inner.u16();
  const ends = { from: `${from}:${fromPort}`, to: `${to}:${toPort}`, fromPort, toPort };
  const common = { ...ends, offset: packet.offset, atMs: packet.atMs };
  if (protocol === UDP) {
    const length = inner.u16() - 8;
    inner.skip(2);
    const payload = inner.slice(Math.min(Math.max(0, length), inner.remaining));
    return { ...common, protocol: 'udp', sequence: 0, begins: false, ends: false, payload };
  }
  const sequence = inner.u32();
  inner.skip(4);
  const headBytes = (inner.u8() >> 4) * 4;
  const flags = inner.u8();
  inner.skip(Math.max(0, headBytes - 14));
  const begins = (flags & FLAGS.syn) !== 0;
  const closes = (flags & (FLAGS.fin | FLAGS.rst)) !== 0;
  return { ...common, protocol: 'tcp', sequence, begins, ends: closes, payload: inner.rest() };
}

function ipv4(reader: ByteReader): Inside | null {
  const headBytes = (reader.u8() & 0x0f) * 4;
  reader.skip(1);
  const total = reader.u16();
  reader.skip(2);
  const isFragment = (reader.u16() & 0x3f_ff) !== 0;
  reader.skip(1);
  const protocol = reader.u8();
  reader.skip(2);
  const from = address4(reader);
  const to = address4(reader);
  reader.skip(Math.max(0, headBytes - 20));
  if (isFragment || (protocol !== TCP && protocol !== UDP)) return null;
  // 0 = the network card cut the message into packets itself.
  const bytes = total === 0 ? reader.remaining : Math.min(total - headBytes, reader.remaining);
  return { protocol, from, to, body: reader.slice(Math.max(0, bytes)) };
}

function ipv6(reader: ByteReader): Inside | null {
  reader.skip(4);
  const length = reader.u16();
  let protocol = reader.u8();
  reader.skip(1);
  const from = address6(reader);
  const to = address6(reader);
  const body = new ByteReader(reader.slice(Math.min(length === 0 ? reader.remaining : length, reader.remaining)));
  while (IPV6_EXTENSIONS.includes(protocol)) {
    protocol = body.u8();
    const more = body.u8();
    body.skip(6 + 8 * more);
  }
  return protocol === TCP || protocol === UDP ? { protocol, from, to, body: body.rest() } : null;
}

function address4(reader: ByteReader): string {
  return [reader.u8(), reader.u8(), reader.u8(), reader.u8()].join('.');
}

function address6(reader: ByteReader): string {
  return `[${Array.from({ length: 8 }, () => reader.u16().toString(16)).join(':')}]`;
}
