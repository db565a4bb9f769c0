/**
 * Capture files: pcap (both orders of octets, microseconds and nanoseconds) and pcapng (sections, interfaces, enhanced and
 * simple packets; other blocks are passed over). No copy is made of a packet.
 *
 * Source: draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng. A file that is cut or damaged ends in DLMS_CAPTURE with the
 * offset; everything before it has been given.
 */
import { ByteReader, TruncatedError } from '../../../base/bytes.ts';
import { dlmsError } from '../../errors.ts';
import { PACKET_MAX_BYTES } from './limits.ts';

/** One packet of a file. */
export interface CapturedPacket {
  /** Where its octets begin in the file. */
  readonly offset: number;
  /** UTC ms, null when the file has none. */
  readonly atMs: number | null;
  /** Link type as the registry of tcpdump numbers them. */
  readonly linkType: number;
  readonly octets: Uint8Array;
}

const MAGIC_US = 0xa1b2c3d4;
const MAGIC_NS = 0xa1b23c4d;
const SECTION = 0x0a0d0d0a;
const ORDER = 0x1a2b3c4d;
const BLOCK = { interface: 1, simple: 3, enhanced: 6 } as const;
const TIME_RESOLUTION = 9;
const BLOCK_FIXED_BYTES = 12;

/** Numbers in the order of octets that the file has. */
class FileReader {
  littleEndian = false;
  readonly #reader: ByteReader;

  constructor(
    octets: Uint8Array,
    private readonly base = 0,
  ) {
    this.#reader = new ByteReader(octets);
  }

  get offset(): number {
    return this.base + this.#reader.offset;
  }

  get remaining(): number {
    return this.#reader.remaining;
  }

  u16(): number {
    return this.littleEndian ? this.#reader.u16LE() : this.#reader.u16();
  }

  u32(): number {
    return this.littleEndian ? this.#reader.u32LE() : this.#reader.u32();
  }

  slice(count: number): Uint8Array {
    return this.#reader.slice(count);
  }

  /** A part of the file with the same order. */
  part(count: number): FileReader {
    const part = new FileReader(this.#reader.slice(count), this.offset - count);
    part.littleEndian = this.littleEndian;
    return part;
  }
}

/** Whether octets begin as a capture file does. */
export function isCaptureFile(octets: Uint8Array): boolean {
  if (octets.length < 4) return false;
  const magic = new ByteReader(octets).u32();
  const swapped = new ByteReader(octets).u32LE();
  return [magic, swapped].some((each) => each === MAGIC_US || each === MAGIC_NS || each === SECTION);
}

/** The packets of a file, in its order. Throws DLMS_CAPTURE with the offset where the file cannot be read on. */
export function* packetsOf(octets: Uint8Array): Generator<CapturedPacket> {
  const reader = new FileReader(octets);
  let offset = 0;
  try {
    const magic = reader.u32();
    if (magic === SECTION) yield* sections(octets);
    else yield* records(reader, magic);
  } catch (error) {
    if (!(error instanceof TruncatedError)) throw error;
    offset = error.offset;
    throw dlmsError('DLMS_CAPTURE', `offset ${offset}: the file ends inside a packet`, error);
  }
}

function* records(reader: FileReader, magic: number): Generator<CapturedPacket> {
  const swapped = swap(magic);
  reader.littleEndian = swapped === MAGIC_US || swapped === MAGIC_NS;
  const order = reader.littleEndian ? swapped : magic;
  if (order !== MAGIC_US && order !== MAGIC_NS) throw dlmsError('DLMS_CAPTURE', 'offset 0: no capture file');
  const perMs = order === MAGIC_NS ? 1e6 : 1e3;
  reader.slice(16);
  const linkType = reader.u32() & 0xff_ff;
  while (reader.remaining > 0) {
    const atMs = reader.u32() * 1_000 + Math.floor(reader.u32() / perMs);
    const length = checked(reader.u32(), reader.offset - 4);
    reader.u32();
    yield { offset: reader.offset, atMs, linkType, octets: reader.slice(length) };
  }
}

function swap(value: number): number {
  return (((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0;
}

function checked(length: number, offset: number): number {
  if (length > PACKET_MAX_BYTES) throw dlmsError('DLMS_CAPTURE', `offset ${offset}: a packet of ${length} octets`);
  return length;
}

interface Interface {
  readonly linkType: number;
  /** Units of a timestamp in a second. */
  readonly perSecond: number;
}

function* sections(octets: Uint8Array): Generator<CapturedPacket> {
  const reader = new FileReader(octets);
  let interfaces: Interface[] = [];
  while (reader.remaining > 0) {
    const start = reader.offset;
    const type = reader.u32();
    if (type === SECTION) {
      reader.littleEndian = orderAt(octets, start);
      interfaces = [];
    }
    const length = reader.u32();
    if (length < BLOCK_FIXED_BYTES || length % 4 !== 0)
      throw dlmsError('DLMS_CAPTURE', `offset ${start}: a block of ${length} octets`);
    const body = reader.part(length - BLOCK_FIXED_BYTES);
    if (reader.u32() !== length) throw dlmsError('DLMS_CAPTURE', `offset ${start}: the block says two lengths`);
    if (type === BLOCK.interface) interfaces.push(interfaceOf(body));
    else if (type === BLOCK.enhanced) yield enhanced(body, interfaces, start);
    else if (type === BLOCK.simple) yield simple(body, interfaces, start);
  }
}

/** Whether the section that begins here has its octets in the little order. */
function orderAt(octets: Uint8Array, start: number): boolean {
  const reader = new ByteReader(octets.subarray(start + 8));
  const order = reader.u32();
  if (order !== ORDER && swap(order) !== ORDER)
    throw dlmsError('DLMS_CAPTURE', `offset ${start + 8}: the section has no order of octets`);
  return order !== ORDER;
}

function interfaceOf(body: FileReader): Interface {
  const linkType = body.u16();
  body.u16();
  body.u32();
  let perSecond = 1e6;
  while (body.remaining >= 4) {
    const code = body.u16();
    const length = body.u16();
    const value = body.slice(Math.min(body.remaining, length + ((4 - (length % 4)) % 4)));
    const resolution = value.at(0) ?? 0;
    if (code === TIME_RESOLUTION) perSecond = (resolution & 0x80) === 0 ? 10 ** resolution : 2 ** (resolution & 0x7f);
  }
  return { linkType, perSecond };
}

function known(interfaces: readonly Interface[], at: number, start: number): Interface {
  const found = interfaces[at];
  if (found === undefined) throw dlmsError('DLMS_CAPTURE', `offset ${start}: interface ${at} was not described`);
  return found;
}

function enhanced(body: FileReader, interfaces: readonly Interface[], start: number): CapturedPacket {
  const { linkType, perSecond } = known(interfaces, body.u32(), start);
  const ticks = body.u32() * 2 ** 32 + body.u32();
  const length = checked(body.u32(), start);
  body.u32();
  return { offset: body.offset, atMs: Math.floor((ticks / perSecond) * 1_000), linkType, octets: body.slice(length) };
}

function simple(body: FileReader, interfaces: readonly Interface[], start: number): CapturedPacket {
  const { linkType } = known(interfaces, 0, start);
  const length = checked(Math.min(body.u32(), body.remaining), start);
  return { offset: body.offset, atMs: null, linkType, octets: body.slice(length) };
}
