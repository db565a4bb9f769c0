/** Recorded conversations as a pcap file: TCP over IPv4 on Ethernet, as tcpdump would have written it. Checksums are 0. */
import { ByteWriter, concat } from '../base/bytes.ts';

/** Something that one side said. */
export interface Said {
  readonly speaker: 'client' | 'server';
  readonly octets: Uint8Array;
}

/** How the file is made. */
export interface PcapOptions {
  readonly serverPort: number;
  /** The first connection's client port; each further one counts on. */
  readonly clientPort: number;
  /** Octets of one segment at most. */
  readonly segmentBytes: number;
}

const MAGIC_US = 0xa1b2c3d4;
const ETHERNET = 1;
const FILE_MAX_BYTES = 64 * 1024 * 1024;
const START_S = 1_795_132_800;
const PACKET_STEP_US = 1_000;
const FLAGS = { fin: 0x01, syn: 0x02, ack: 0x10 } as const;
const PORTS = 0x1_00_00;
const CLIENT_ADDRESS = 0x0a_00_00_01;
const SERVER_ADDRESS = 0x0a_00_00_02;
const IP_AND_TCP_BYTES = 40;

/** A packet of one connection; `sequence` counts in its own direction. */
export interface PlannedPacket extends Said {
  readonly connection: number;
  readonly sequence: number;
  readonly begins: boolean;
  readonly ends: boolean;
}

const NOTHING = { begins: false, ends: false, octets: new Uint8Array(0) } as const;

/** The packets of conversations, one after the other: each side's opening, what was said cut into segments, each side's end. */
export function planPackets(
  conversations: readonly (readonly Said[])[],
  { segmentBytes }: PcapOptions,
): PlannedPacket[] {
  return conversations.flatMap((said, connection) => {
    const next = { client: 1_000, server: 0xff_ff_ff_00 };
    const packets: PlannedPacket[] = (['client', 'server'] as const).map((speaker) => {
      const sequence = next[speaker]++;
      return { ...NOTHING, connection, speaker, sequence, begins: true };
    });
    for (const { speaker, octets } of said) {
      for (let at = 0; at < octets.length; at += segmentBytes) {
        const part = octets.subarray(at, at + segmentBytes);
        packets.push({ ...NOTHING, connection, speaker, sequence: next[speaker], octets: part });
        next[speaker] = (next[speaker] + part.length) >>> 0;
      }
    }
    for (const speaker of ['client', 'server'] as const)
      packets.push({ ...NOTHING, connection, speaker, sequence: next[speaker], ends: true });
    return packets;
  });
}

/** The file of these packets. */
export function pcapOf(packets: readonly PlannedPacket[], options: PcapOptions): Uint8Array {
  const head = new ByteWriter(24).u32(MAGIC_US).u16(2).u16(4).u32(0).u32(0).u32(PORTS).u32(ETHERNET).finish();
  return concat([head, ...packets.map((packet, at) => record(frameOf(packet, options), at))]);
}

function record(frame: Uint8Array, at: number): Uint8Array {
  const us = at * PACKET_STEP_US;
  const writer = new ByteWriter(16 + frame.length, FILE_MAX_BYTES);
  writer.u32(START_S + Math.floor(us / 1e6)).u32(us % 1e6);
  return writer.u32(frame.length).u32(frame.length).bytes(frame).finish();
}

/** One packet from its Ethernet header on. */
export function frameOf(packet: PlannedPacket, { serverPort, clientPort }: PcapOptions): Uint8Array {
  const { speaker, sequence, begins, ends, octets, connection } = packet;
  const isClient = speaker === 'client';
  const own = clientPort + connection;
  const writer = new ByteWriter(14 + IP_AND_TCP_BYTES + octets.length);
  writer
    .u16(0x02_00)
    .u32(isClient ? 2 : 1)
    .u16(0x02_00)
    .u32(isClient ? 1 : 2)
    .u16(0x08_00);
  writer
    .u16(0x45_00)
    .u16(IP_AND_TCP_BYTES + octets.length)
    .u32(0)
    .u16(0x40_06)
    .u16(0);
  writer.u32(isClient ? CLIENT_ADDRESS : SERVER_ADDRESS).u32(isClient ? SERVER_ADDRESS : CLIENT_ADDRESS);
  writer
    .u16(isClient ? own : serverPort)
    .u16(isClient ? serverPort : own)
    .u32(sequence)
    .u32(0);
  writer
    .u8(0x50)
    .u8(FLAGS.ack | (begins ? FLAGS.syn : 0) | (ends ? FLAGS.fin : 0))
    .u16(0xff_ff)
    .u32(0);
  return writer.bytes(octets).finish();
}
