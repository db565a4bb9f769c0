/**
 * USI, the serial framing between a host and a modem for the power line (PRIME and G3 alike): `7E | header | payload | check | 7E`.
 *
 * Header: `length >> 2 | (length & 3) << 6 | protocol`, length = octets of the payload. Between the flags 7E is sent as 7D 5E and 7D
 * as 7D 5D, header and check included. Protocols whose commands have seven bits put bit 10 of the length into bit 7 of the first octet of
 * the payload, which is taken out again here. The check depends on the protocol, see {@link USI_PROTOCOL}. Not known here: the
 * management protocols 00-07 with their CRC-32.
 */
import { ByteReader, ByteWriter } from '../../base/bytes.ts';
import { crc16Usi, xor8 } from '../../base/crc.ts';
import { dlmsError } from '../errors.ts';
import { USI_PAYLOAD_MAX_BYTES } from './limits.ts';
import type { FrameRule, Verdict } from './scanner.ts';

/** Protocols by the six bits of the header. */
export const USI_PROTOCOL = {
  /** Adaptation layer of G3: CRC-16, 11 bits of length. */
  g3Adaptation: 0x25,
  /** Serial interface of a PRIME modem: one octet of XOR, 11 bits of length. */
  primeApi: 0x30,
} as const;

/** One of {@link USI_PROTOCOL}. */
export type UsiProtocol = (typeof USI_PROTOCOL)[keyof typeof USI_PROTOCOL];

/** One frame. */
export interface UsiFrame {
  readonly protocol: UsiProtocol;
  /** 1-2,047 octets; the first one is a command, 0-127. */
  readonly payload: Uint8Array;
}

interface Check {
  readonly octets: number;
  of(octets: Uint8Array): number;
}

const CHECKS: ReadonlyMap<number, Check> = new Map([
  [USI_PROTOCOL.g3Adaptation, { octets: 2, of: crc16Usi }],
  [USI_PROTOCOL.primeApi, { octets: 1, of: xor8 }],
]);

const FLAG = 0x7e;
const ESCAPE = 0x7d;
/** What stands behind {@link ESCAPE} is the octet with this bit turned. */
const ESCAPE_BIT = 0x20;
const HEADER_OCTETS = 2;
/** Bit 7 of the first octet of the payload is this bit of the length. */
const LENGTH_BIT_10 = 0x400;
const COMMAND_MAX = 0x7f;
const TOP_BIT = 0x80;
/** Both flags, and every octet between them escaped. */
const RAW_MAX_OCTETS = 2 + 2 * (HEADER_OCTETS + USI_PAYLOAD_MAX_BYTES + 2);

/** Octets of a frame. Throws `DLMS_VALUE` for a payload that is empty or too long, and for a command above 127. */
export function encodeUsi({ protocol, payload }: UsiFrame): Uint8Array {
  const { length } = payload;
  if (length === 0 || length > USI_PAYLOAD_MAX_BYTES)
    throw dlmsError('DLMS_VALUE', `offset 0: a payload of ${length} octets`);
  const command = new ByteReader(payload).u8();
  if (command > COMMAND_MAX) throw dlmsError('DLMS_VALUE', `offset ${HEADER_OCTETS}: command ${command}`);
  const inner = new ByteWriter(length + HEADER_OCTETS + 2);
  inner.u8((length >>> 2) & 0xff).u8(((length & 3) << 6) | protocol);
  inner.u8(length >= LENGTH_BIT_10 ? command | TOP_BIT : command).bytes(payload.subarray(1));
  const check = checkOf(protocol).of(inner.written());
  if (checkOf(protocol).octets === 2) inner.u16(check);
  else inner.u8(check);
  return escaped(inner.written());
}

/** Recognises frames of these protocols in a stream; one of another protocol is discarded as `USI_PROTOCOL`. */
export function usiRule(...protocols: readonly UsiProtocol[]): FrameRule<UsiFrame> {
  return { start: FLAG, examine: (view) => examine(view, protocols) };
}

function checkOf(protocol: number): Check {
  return CHECKS.get(protocol) as Check;
}

function escaped(octets: Uint8Array): Uint8Array {
  const writer = new ByteWriter(2 * octets.length + 2).u8(FLAG);
  for (const octet of octets) {
    if (octet === FLAG || octet === ESCAPE) writer.u8(ESCAPE).u8(octet ^ ESCAPE_BIT);
    else writer.u8(octet);
  }
  return writer.u8(FLAG).finish();
}

function examine(view: Uint8Array, protocols: readonly number[]): Verdict<UsiFrame> {
  if (view.length === 1) return { kind: 'more', total: 2, settled: true };
  const end = view.indexOf(FLAG, 1);
  if (end === 1) return { kind: 'idle', used: 1 };
  if (end < 0 || end >= RAW_MAX_OCTETS) {
    if (view.length < RAW_MAX_OCTETS) return { kind: 'more', total: view.length + 1 };
    return { kind: 'reject', code: 'USI_LENGTH', extent: 1 };
  }
  const total = end + 1;
  const inner = unescaped(view.subarray(1, end));
  if (inner === null) return { kind: 'reject', code: 'USI_ESCAPE', extent: total };
  return judge(inner, protocols, total);
}

/** Null when an escape is followed by what needs none. */
function unescaped(octets: Uint8Array): Uint8Array | null {
  if (!octets.includes(ESCAPE)) return octets;
  const reader = new ByteReader(octets);
  const writer = new ByteWriter(octets.length);
  while (reader.remaining > 0) {
    const octet = reader.u8();
    if (octet !== ESCAPE) writer.u8(octet);
    else {
      const meant = reader.remaining === 0 ? 0 : reader.u8() ^ ESCAPE_BIT;
      if (meant !== FLAG && meant !== ESCAPE) return null;
      writer.u8(meant);
    }
  }
  return writer.finish();
}

function judge(inner: Uint8Array, protocols: readonly number[], total: number): Verdict<UsiFrame> {
  const reject = (code: 'USI_LENGTH' | 'USI_PROTOCOL' | 'USI_CHECK_MISMATCH') =>
    ({ kind: 'reject', code, extent: total }) as const;
  if (inner.length < HEADER_OCTETS + 2) return reject('USI_LENGTH');
  const reader = new ByteReader(inner);
  const high = reader.u8();
  const low = reader.u8();
  const protocol = low & 0x3f;
  if (!protocols.includes(protocol)) return reject('USI_PROTOCOL');
  const first = reader.u8();
  const check = checkOf(protocol);
  const length = (high << 2) | (low >>> 6) | ((first & TOP_BIT) === 0 ? 0 : LENGTH_BIT_10);
  const checkAt = inner.length - check.octets;
  if (length === 0 || checkAt !== HEADER_OCTETS + length) return reject('USI_LENGTH');
  const trailer = new ByteReader(inner.subarray(checkAt));
  const told = check.octets === 2 ? trailer.u16() : trailer.u8();
  if (told !== check.of(inner.subarray(0, checkAt))) return reject('USI_CHECK_MISMATCH');
  const payload = new ByteWriter(length)
    .u8(first & COMMAND_MAX)
    .bytes(reader.slice(length - 1))
    .finish();
  // The flag that ends this one may begin the next.
  return { kind: 'accept', frame: { protocol: protocol as UsiProtocol, payload }, used: total, shared: 1 };
}
