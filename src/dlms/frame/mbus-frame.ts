/**
 * Wired M-Bus long frames as customer ports send them (EN 13757-2, and EN 13757-1 for the segments):
 * `68 L L 68 | C A CI STSAP DTSAP data | checksum 16`; L counts C to data, the checksum is their sum modulo 256.
 * CI 00-0F is a segment with more to come, 10-1F the last one; the low four bits number the segments.
 */
import { ByteReader, ByteWriter } from '../../base/bytes.ts';
import { assert } from '../../base/errors.ts';
import type { FrameRule, Verdict } from './scanner.ts';

/** One long frame that carries a segment of a DLMS message. */
export interface MbusFrame {
  /** Control field, 53 or 73 in pushes. */
  readonly control: number;
  /** Primary address; FF is broadcast. */
  readonly address: number;
  /** Control information field. */
  readonly controlInformation: number;
  /** Source (client or server) selector. */
  readonly source: number;
  /** Destination selector. */
  readonly destination: number;
  /** Octets of the message, at most 250. */
  readonly data: Uint8Array;
}

const START = 0x68;
const STOP = 0x16;
const HEAD_BYTES = 4;
/** C, A, CI, STSAP, DTSAP. */
const FIXED_BYTES = 5;
const LAST_SEGMENT = 0x10;

/** Number of the segment, 0-15. */
export function mbusSequence(frame: MbusFrame): number {
  return frame.controlInformation & 0x0f;
}

/** Whether no segment follows. */
export function isLastMbusSegment(frame: MbusFrame): boolean {
  return (frame.controlInformation & LAST_SEGMENT) !== 0;
}

/** Octets of a frame. */
export function encodeMbusFrame(frame: MbusFrame): Uint8Array {
  const length = FIXED_BYTES + frame.data.length;
  assert(length <= 0xff, `an M-Bus frame carries no ${frame.data.length} octets`);
  const writer = new ByteWriter(length + 6);
  writer.u8(START).u8(length).u8(length).u8(START);
  writer.u8(frame.control).u8(frame.address).u8(frame.controlInformation).u8(frame.source).u8(frame.destination);
  writer.bytes(frame.data);
  return writer
    .u8(sum(writer.written().subarray(HEAD_BYTES)))
    .u8(STOP)
    .finish();
}

/** Recognises long frames that carry DLMS segments; a CI above 1F is another application and is refused. */
export const MBUS_RULE: FrameRule<MbusFrame> = { start: START, examine };

function examine(view: Uint8Array): Verdict<MbusFrame> {
  if (view.length < HEAD_BYTES) return headOf(view);
  const reader = new ByteReader(view);
  reader.skip(1);
  const length = reader.u8();
  if (reader.u8() !== length || reader.u8() !== START || length <= FIXED_BYTES)
    return { kind: 'reject', code: 'MBUS_START', extent: 1 };
  const total = length + 6;
  if (view.length < total) return { kind: 'more', total };
  const [control, address, controlInformation, source, destination] = [
    reader.u8(),
    reader.u8(),
    reader.u8(),
    reader.u8(),
    reader.u8(),
  ];
  const data = reader.slice(length - FIXED_BYTES);
  if (reader.u8() !== sum(view.subarray(HEAD_BYTES, HEAD_BYTES + length)))
    return { kind: 'reject', code: 'MBUS_CHECKSUM', extent: total };
  if (reader.u8() !== STOP) return { kind: 'reject', code: 'MBUS_STOP', extent: total };
  if (controlInformation > 0x1f) return { kind: 'reject', code: 'MBUS_START', extent: 1 };
  return {
    kind: 'accept',
    frame: { control, address, controlInformation, source, destination, data: data.slice() },
    used: total,
    shared: 0,
  };
}

/** Refuses an impossible head as early as its octets allow, so that text with a letter h does not hold the line up. */
function headOf(view: Uint8Array): Verdict<MbusFrame> {
  const reader = new ByteReader(view);
  reader.skip(1);
  if (reader.remaining < 2) return { kind: 'more', total: 3 };
  const length = reader.u8();
  return length === reader.u8()
    ? { kind: 'more', total: HEAD_BYTES }
    : { kind: 'reject', code: 'MBUS_START', extent: 1 };
}

function sum(octets: Uint8Array): number {
  let total = 0;
  for (const octet of octets) total += octet;
  return total & 0xff;
}
