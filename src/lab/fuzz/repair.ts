/** Puts right what would stop a parser at its first check: outer lengths and checksums, layer by layer. */
import { concat } from '../../base/bytes.ts';
import { crc16Arc, crc16Modbus, crc16X25, crc32C, xor8 } from '../../base/crc.ts';
import { ASCII_CONTROL } from '../../dlms/ascii/message.ts';
import { USI_PAYLOAD_MAX_BYTES } from '../../dlms/frame/limits.ts';
import { smlContent, smlFrame } from '../../dlms/frame/sml-frame.ts';
import { encodeUsi, USI_PROTOCOL } from '../../dlms/frame/usi-frame.ts';
import type { SeedKind } from './seed.ts';

type Repair = (octets: Uint8Array) => Uint8Array;

const FLAG = 0x7e;
const TELEGRAM_END = 0x21;
const HDLC_LENGTH_MAX = 0x7ff;
const CRC32_OCTETS = 4;
const SML_ESCAPE = 0x1b;
const SML_FRAME_OCTETS = 16;
const MODBUS_TCP_HEAD_OCTETS = 7;
/** Flag and header of USI; check and flag. */
const USI_HEAD_OCTETS = 3;
const USI_TAIL_OCTETS = 3;
/** Of the second octet of the header. */
const USI_PROTOCOL_BITS = 0x3f;

/** Layers without a line here have neither an outer length nor a checksum. */
const REPAIRS: Readonly<Partial<Record<SeedKind, Repair>>> = {
  hdlc: repairHdlc,
  usi: repairUsi,
  wrapper: repairWrapper,
  mbus: repairMbus,
  apdu: repairAcse,
  telegram: repairTelegram,
  ascii: repairAscii,
  modbus: repairModbus,
  sml: repairSml,
  block: repairBlock,
  batch: repairBatch,
  mqtt: repairMqtt,
};

/** The octets with right outer lengths and checksums, where their layer has any. */
export function repaired(kind: SeedKind, octets: Uint8Array): Uint8Array {
  return REPAIRS[kind]?.(octets) ?? octets;
}

/** The first message gets its block check, where it has an end. */
function repairAscii(octets: Uint8Array): Uint8Array {
  const from = octets.findIndex((octet) => octet === ASCII_CONTROL.soh || octet === ASCII_CONTROL.stx);
  const end = octets.findIndex(
    (octet, at) => at > from && (octet === ASCII_CONTROL.etx || octet === ASCII_CONTROL.eot) && at + 1 < octets.length,
  );
  if (from < 0 || end < 0) return octets;
  const check = xor8(octets.subarray(from + 1, end + 1));
  return octets.map((octet, at) => (at === end + 1 ? check : octet));
}

/** The length of a frame over TCP where it looks like one, else the CRC of RTU. */
function repairModbus(octets: Uint8Array): Uint8Array {
  const frame = octets.slice();
  if (frame.length > MODBUS_TCP_HEAD_OCTETS && frame.at(2) === 0 && frame.at(3) === 0) {
    const length = frame.length - MODBUS_TCP_HEAD_OCTETS + 1;
    frame.set([length >>> 8, length & 0xff], MODBUS_TCP_HEAD_OCTETS - 3);
  } else if (frame.length > 2) {
    const crc = crc16Modbus(frame.subarray(0, -2));
    frame.set([crc & 0xff, crc >>> 8], frame.length - 2);
  }
  return frame;
}

/** Every frame between two flags of the octets as they stand gets its length, HCS and FCS. */
function repairHdlc(octets: Uint8Array): Uint8Array {
  const frame = octets.slice();
  const last = frame.length - 1;
  if (last < 9 || frame.at(0) !== FLAG) return frame;
  const length = last - 1;
  if (length > HDLC_LENGTH_MAX) return frame;
  frame.set([0xa0 | ((frame.at(1) ?? 0) & 0x08) | (length >>> 8), length & 0xff], 1);
  frame.set([FLAG], last);
  const headEnd = controlEnd(frame);
  if (headEnd + 2 < last - 2) putCrc16(frame, headEnd);
  putCrc16(frame, last - 2);
  return frame;
}

/** What stands behind the header becomes a whole frame of a PRIME modem again where it was one, otherwise of a G3 modem; escapes are taken as they stand. */
function repairUsi(octets: Uint8Array): Uint8Array {
  const isPrime = ((octets.at(2) ?? 0) & USI_PROTOCOL_BITS) === USI_PROTOCOL.primeApi;
  const tail = isPrime ? USI_TAIL_OCTETS - 1 : USI_TAIL_OCTETS;
  const payload = octets.slice(USI_HEAD_OCTETS, Math.max(USI_HEAD_OCTETS, octets.length - tail));
  if (payload.length === 0 || payload.length > USI_PAYLOAD_MAX_BYTES) return octets;
  payload.set([(payload.at(0) ?? 0) & 0x7f], 0);
  return encodeUsi({ protocol: isPrime ? USI_PROTOCOL.primeApi : USI_PROTOCOL.g3Adaptation, payload });
}

/** The offset behind the control octet, addresses as they say they are. */
function controlEnd(frame: Uint8Array): number {
  let at = 3;
  for (let address = 0; address < 2; address++) {
    while (at < frame.length && ((frame.at(at) ?? 1) & 1) === 0) at++;
    at++;
  }
  return at + 1;
}

function putCrc16(frame: Uint8Array, at: number): void {
  const crc = crc16X25(frame.subarray(1, at));
  frame.set([crc & 0xff, crc >>> 8], at);
}

/** The CRC behind the first `!`. */
function repairTelegram(octets: Uint8Array): Uint8Array {
  const end = octets.indexOf(TELEGRAM_END) + 1;
  const crc = crc16Arc(octets.subarray(0, end)).toString(16).toUpperCase().padStart(4, '0');
  return end === 0 ? octets : concat([octets.subarray(0, end), new TextEncoder().encode(`${crc}\r\n`)]);
}

/** Messages between two escapes become a whole file again, whatever was done to them. */
function repairSml(octets: Uint8Array): Uint8Array {
  return octets.length < SML_FRAME_OCTETS || octets.at(0) !== SML_ESCAPE ? octets : smlFrame(smlContent(octets));
}

function repairWrapper(octets: Uint8Array): Uint8Array {
  if (octets.length < 9) return octets;
  const message = octets.slice();
  const length = message.length - 8;
  message.set([0, 1], 0);
  message.set([length >>> 8, length & 0xff], 6);
  return message;
}

function repairMbus(octets: Uint8Array): Uint8Array {
  const length = octets.length - 6;
  if (length < 6 || length > 0xff) return octets;
  const frame = octets.slice();
  frame.set([0x68, length, length, 0x68], 0);
  let sum = 0;
  for (const octet of frame.subarray(4, 4 + length)) sum = (sum + octet) & 0xff;
  frame.set([sum, 0x16], 4 + length);
  return frame;
}

/** The outer length of AARQ, AARE, RLRQ and RLRE. */
function repairAcse(octets: Uint8Array): Uint8Array {
  const tag = octets.at(0) ?? 0;
  const length = octets.length - 2;
  if (tag < 0x60 || tag > 0x63 || length < 0 || length > 0x7f) return octets;
  const apdu = octets.slice();
  apdu.set([length], 1);
  return apdu;
}

function repairBlock(octets: Uint8Array): Uint8Array {
  if (octets.length <= CRC32_OCTETS) return octets;
  const block = octets.slice();
  const end = block.length - CRC32_OCTETS;
  const crc = crc32C(block.subarray(0, end));
  block.set([crc >>> 24, (crc >>> 16) & 0xff, (crc >>> 8) & 0xff, crc & 0xff], end);
  return block;
}

/** One block in a batch, its length and checksum right. */
function repairBatch(octets: Uint8Array): Uint8Array {
  if (octets.length < 8) return octets;
  const block = repairBlock(octets.slice(3));
  return concat([Uint8Array.of(1, (block.length & 0x7f) | 0x80, (block.length >>> 7) & 0x7f), block]);
}

function repairMqtt(octets: Uint8Array): Uint8Array {
  const length = octets.length - 2;
  if (length < 0 || length > 0x7f) return octets;
  const packet = octets.slice();
  packet.set([length], 1);
  return packet;
}
