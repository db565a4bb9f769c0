/**
 * One HDLC frame of format type 3 (IEC 62056-46 clause 6.4, ISO/IEC 13239):
 * `7E | 1010 S LLLLLLLLLLL | destination | source | control | HCS | information | FCS | 7E`.
 *
 * There is no octet stuffing: a frame is cut by its length field and then must be followed by a flag, which may open the
 * next frame. HCS is absent without information.
 */
import { ByteReader, ByteWriter, TruncatedError } from '../../base/bytes.ts';
import { crc16X25 } from '../../base/crc.ts';
import { assert } from '../../base/errors.ts';
import { type HdlcAddress, readHdlcAddress, writeHdlcAddress } from './hdlc-address.ts';
import { HDLC_FRAME_MAX_BYTES, HDLC_FRAME_MIN_BYTES } from './limits.ts';
import type { FrameRule, Verdict } from './scanner.ts';

/** Frames without sequence number, by their control octet with the poll/final bit clear. */
export const UNNUMBERED = { SNRM: 0x83, DISC: 0x43, UA: 0x63, DM: 0x0f, FRMR: 0x87, UI: 0x03 } as const;
/** Supervisory frames, by bits 2-3 of the control octet. */
export const SUPERVISORY = { RR: 0, RNR: 1, REJ: 2, SREJ: 3 } as const;

/** Name of an unnumbered frame. */
export type UnnumberedType = keyof typeof UNNUMBERED;
/** Name of a supervisory frame. */
export type SupervisoryType = keyof typeof SUPERVISORY;

/** What a frame does; sequence numbers are 0-7. */
export type HdlcControl =
  | { readonly type: 'I'; readonly ns: number; readonly nr: number; readonly pollFinal: boolean }
  | { readonly type: SupervisoryType; readonly nr: number; readonly pollFinal: boolean }
  | { readonly type: UnnumberedType; readonly pollFinal: boolean };

/** A frame; `information` has at most 2,030 octets. */
export interface HdlcFrame {
  /** More segments of the same message follow. */
  readonly segmented: boolean;
  readonly destination: HdlcAddress;
  readonly source: HdlcAddress;
  readonly control: HdlcControl;
  readonly information: Uint8Array;
}

const FLAG = 0x7e;
const POLL_FINAL = 0x10;
const FORMAT_TYPE_3 = 0xa000;
const SEGMENTED = 0x0800;
/** Flag, format, two addresses of four octets, control, HCS: enough octets to judge any header. */
const HEADER_MAX_BYTES = 14;

const UNNUMBERED_BY_OCTET = new Map(
  Object.entries(UNNUMBERED).map(([type, octet]) => [octet as number, type as UnnumberedType]),
);
const SUPERVISORY_BY_BITS = new Map(
  Object.entries(SUPERVISORY).map(([type, bits]) => [bits as number, type as SupervisoryType]),
);

/** The control octet. */
export function encodeHdlcControl(control: HdlcControl): number {
  const pollFinal = control.pollFinal ? POLL_FINAL : 0;
  if (control.type === 'I') return (control.nr << 5) | pollFinal | (control.ns << 1);
  if ('nr' in control) return (control.nr << 5) | pollFinal | (SUPERVISORY[control.type] << 2) | 1;
  return UNNUMBERED[control.type] | pollFinal;
}

/** What a control octet says, or null when it is not defined. */
export function decodeHdlcControl(octet: number): HdlcControl | null {
  const pollFinal = (octet & POLL_FINAL) !== 0;
  if ((octet & 1) === 0) return { type: 'I', ns: (octet >>> 1) & 7, nr: octet >>> 5, pollFinal };
  const supervisory = SUPERVISORY_BY_BITS.get((octet >>> 2) & 3);
  if ((octet & 3) === 1 && supervisory !== undefined) return { type: supervisory, nr: octet >>> 5, pollFinal };
  const type = UNNUMBERED_BY_OCTET.get(octet & ~POLL_FINAL);
  return type === undefined ? null : { type, pollFinal };
}

/** Octets of a frame, with both flags. */
export function encodeHdlcFrame(frame: HdlcFrame): Uint8Array {
  const { destination, source, information } = frame;
  const header = 3 + destination.length + source.length;
  const length = header + 2 + (information.length > 0 ? information.length + 2 : 0);
  assert(length <= HDLC_FRAME_MAX_BYTES, `an HDLC frame of ${length} octets does not exist`);
  const writer = new ByteWriter(length + 2);
  writer.u8(FLAG).u16(FORMAT_TYPE_3 | (frame.segmented ? SEGMENTED : 0) | length);
  writeHdlcAddress(writer, destination);
  writeHdlcAddress(writer, source);
  writer.u8(encodeHdlcControl(frame.control));
  if (information.length > 0) writer.u16LE(crc16X25(writer.written().subarray(1))).bytes(information);
  writer.u16LE(crc16X25(writer.written().subarray(1)));
  return writer.u8(FLAG).finish();
}

/** Recognises HDLC frames in a stream. */
export const HDLC_RULE: FrameRule<HdlcFrame> = { start: FLAG, examine };

function examine(view: Uint8Array): Verdict<HdlcFrame> {
  const reader = new ByteReader(view);
  reader.skip(1);
  if (reader.remaining === 0) return { kind: 'more', total: 2, settled: true };
  if (reader.peek() === FLAG) return { kind: 'idle', used: 1 };
  if ((reader.peek() & 0xf0) !== 0xa0) return { kind: 'reject', code: 'HDLC_FORMAT', extent: 1 };
  if (reader.remaining === 1) return { kind: 'more', total: 3 };
  const format = reader.u16();
  const length = format & HDLC_FRAME_MAX_BYTES;
  if (length < HDLC_FRAME_MIN_BYTES) return { kind: 'reject', code: 'HDLC_LENGTH', extent: 1 };
  const total = length + 2;
  const judged = Math.min(total, HEADER_MAX_BYTES);
  return view.length < judged
    ? { kind: 'more', total: judged }
    : examineHeader(view, total, (format & SEGMENTED) !== 0);
}

function examineHeader(view: Uint8Array, total: number, segmented: boolean): Verdict<HdlcFrame> {
  const end = total - 1;
  const reader = new ByteReader(view.subarray(0, end));
  reader.skip(3);
  const destination = readAddress(reader);
  const source = destination === null ? null : readAddress(reader);
  if (destination === null || source === null) return { kind: 'reject', code: 'HDLC_ADDRESS', extent: total };
  // Of what the frame says it is, not of what has come so far.
  const left = end - reader.offset;
  if (left < 3 || left === 4) return { kind: 'reject', code: 'HDLC_LENGTH', extent: total };
  const control = decodeHdlcControl(reader.u8());
  const check = crc16X25(view.subarray(1, reader.offset));
  const hasInformation = end - reader.offset > 2;
  if (hasInformation && reader.u16LE() !== check) return { kind: 'reject', code: 'HDLC_HCS_MISMATCH', extent: total };
  if (control === null) return { kind: 'reject', code: 'HDLC_CONTROL', extent: total };
  if (view.length < total) return { kind: 'more', total };
  const information = reader.slice(reader.remaining - 2).slice();
  const expected = hasInformation ? crc16X25(view.subarray(1, reader.offset)) : check;
  if (reader.u16LE() !== expected) return { kind: 'reject', code: 'HDLC_FCS_MISMATCH', extent: total };
  if (new ByteReader(view.subarray(end)).u8() !== FLAG)
    return { kind: 'reject', code: 'HDLC_NO_CLOSING_FLAG', extent: total };
  return { kind: 'accept', frame: { segmented, destination, source, control, information }, used: total, shared: 1 };
}

/** An address, or null when it is not one or runs beyond the frame. */
function readAddress(reader: ByteReader): HdlcAddress | null {
  try {
    return readHdlcAddress(reader);
  } catch (error) {
    if (error instanceof TruncatedError) return null;
    throw error;
  }
}
