/** Captures in the file format of libpcap (magic A1B2C3D4, microseconds), as Wireshark reads them. */
import { ByteWriter, concat } from '../../src/base/bytes.ts';

/** Link types: USER0, whose payload the reader is told, and raw IP. */
export const LINK_TYPE = { user0: 147, rawIp: 101 } as const;

/** A file of packets. */
export function pcapOf(linkType: number, packets: readonly Uint8Array[]): Uint8Array {
  const head = new ByteWriter(24).u32(0xa1b2c3d4).u16(2).u16(4).u32(0).u32(0).u32(65_535).u32(linkType).finish();
  return concat([
    head,
    ...packets.flatMap((octets, at) => [
      new ByteWriter(16).u32(0).u32(at).u32(octets.length).u32(octets.length).finish(),
      octets,
    ]),
  ]);
}

/** What each side of a TCP connection says, one piece a packet; the connection is open from the first. */
export function tcpPackets(
  pieces: readonly { readonly from: 'client' | 'server'; readonly octets: Uint8Array }[],
  port: number,
): Uint8Array[] {
  const sent = { client: 1, server: 1 };
  return pieces.map(({ from, octets }) => {
    const to = from === 'client' ? 'server' : 'client';
    const tcp = new ByteWriter(20)
      .u16(from === 'client' ? 50_000 : port)
      .u16(from === 'client' ? port : 50_000)
      .u32(sent[from])
      .u32(sent[to])
      .u16(0x5018)
      .u16(65_535)
      .u32(0)
      .finish();
    sent[from] += octets.length;
    const ip = new ByteWriter(20)
      .u8(0x45)
      .u8(0)
      .u16(40 + octets.length)
      .u32(0)
      .u8(64)
      .u8(6)
      .u16(0);
    ip.u32(from === 'client' ? 0x0a000001 : 0x0a000002).u32(from === 'client' ? 0x0a000002 : 0x0a000001);
    return concat([ip.finish(), tcp, octets]);
  });
}
