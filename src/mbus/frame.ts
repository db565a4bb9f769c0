/**
 * Frames of the wired M-Bus (EN 13757-2, format class FT 1.2): one octet `E5`; short `10 C A checksum 16`; long
 * `68 L L 68 C A CI data checksum 16`, where L counts C to data and the checksum is their sum modulo 256. Multi-octet numbers
 * are little-endian.
 */
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { assert } from '../base/errors.ts';
import { mbusError } from './errors.ts';
import { USER_DATA_MAX_OCTETS } from './limits.ts';

/** A frame. */
export type MbusLinkFrame =
  | { readonly kind: 'acknowledge' }
  | { readonly kind: 'short'; readonly control: number; readonly address: number }
  | {
      readonly kind: 'long';
      readonly control: number;
      readonly address: number;
      /** CI field: what the data are. */
      readonly information: number;
      readonly data: Uint8Array;
    };

const ACKNOWLEDGE = 0xe5;
const SHORT = 0x10;
const LONG = 0x68;
const STOP = 0x16;
const LONG_HEAD = 4;
/** C, A, CI. */
const FIXED = 3;

/** C fields of a master (EN 13757-2); the frame count bit is added where it counts. */
export const CONTROL = { initialize: 0x40, sendData: 0x53, requestData: 0x5b, respond: 0x08 } as const;
/** Frame count bit in the C field of a master. */
export const FRAME_COUNT_BIT = 0x20;
/** Addresses with a meaning of their own. */
export const ADDRESS = { selected: 0xfd, anyone: 0xfe, everyone: 0xff } as const;
/** CI fields. */
export const INFORMATION = { select: 0x52, longHeader: 0x72, noHeader: 0x78, shortHeader: 0x7a } as const;

/** Octets of a frame. */
export function encodeLinkFrame(frame: MbusLinkFrame): Uint8Array {
  if (frame.kind === 'acknowledge') return Uint8Array.of(ACKNOWLEDGE);
  const { control, address } = frame;
  if (frame.kind === 'short') return Uint8Array.of(SHORT, control, address, sumOf([control, address]), STOP);
  assert(frame.data.length <= USER_DATA_MAX_OCTETS, `an M-Bus frame carries no ${frame.data.length} octets`);
  const length = FIXED + frame.data.length;
  const writer = new ByteWriter(length + 6).u8(LONG).u8(length).u8(length).u8(LONG);
  writer.u8(control).u8(address).u8(frame.information).bytes(frame.data);
  return writer
    .u8(sumOf(writer.written().subarray(LONG_HEAD)))
    .u8(STOP)
    .finish();
}

/**
 * The frame at the beginning of the octets with how many it took; null = it goes on behind them. Throws MBUS_FRAME with the
 * offset of the first octet that belongs to none.
 */
export function decodeLinkFrame(octets: Uint8Array): { readonly frame: MbusLinkFrame; readonly used: number } | null {
  const reader = new ByteReader(octets);
  switch (reader.peek()) {
    case -1:
      return null;
    case ACKNOWLEDGE:
      return { frame: { kind: 'acknowledge' }, used: 1 };
    case SHORT:
      return shortFrame(reader);
    case LONG:
      return longFrame(reader, octets);
    default:
      throw mbusError('MBUS_FRAME', `offset 0: ${reader.u8().toString(16)} begins no frame`);
  }
}

function shortFrame(reader: ByteReader) {
  if (reader.remaining < 5) return null;
  reader.skip(1);
  const [control, address, sum, stop] = [reader.u8(), reader.u8(), reader.u8(), reader.u8()];
  if (sum !== sumOf([control, address])) throw mbusError('MBUS_FRAME', 'offset 3: the checksum is wrong');
  if (stop !== STOP) throw mbusError('MBUS_FRAME', 'offset 4: 16 wanted');
  return { frame: { kind: 'short', control, address }, used: 5 } as const;
}

function longFrame(reader: ByteReader, octets: Uint8Array) {
  reader.skip(1);
  if (reader.remaining < 2) return null;
  const length = reader.u8();
  if (reader.u8() !== length) throw mbusError('MBUS_FRAME', 'offset 2: the two lengths differ');
  if (length < FIXED) throw mbusError('MBUS_FRAME', `offset 1: a length of ${length}`);
  if (reader.remaining === 0) return null;
  if (reader.u8() !== LONG) throw mbusError('MBUS_FRAME', 'offset 3: 68 wanted');
  if (reader.remaining < length + 2) return null;
  const [control, address, information] = [reader.u8(), reader.u8(), reader.u8()];
  const data = reader.slice(length - FIXED).slice();
  const body = octets.subarray(LONG_HEAD, LONG_HEAD + length);
  if (reader.u8() !== sumOf(body)) throw mbusError('MBUS_FRAME', `offset ${LONG_HEAD + length}: the checksum is wrong`);
  if (reader.u8() !== STOP) throw mbusError('MBUS_FRAME', `offset ${LONG_HEAD + length + 1}: 16 wanted`);
  return { frame: { kind: 'long', control, address, information, data }, used: length + 6 } as const;
}

function sumOf(octets: Iterable<number>): number {
  let sum = 0;
  for (const octet of octets) sum += octet;
  return sum & 0xff;
}
