/**
 * Link parameters in the information field of SNRM and UA (IEC 62056-46 clause 6.4.4.4.3.2):
 * `81 80 length`, then `id length value` each; 05/06 longest information field sent/received, 07/08 window sent/received.
 */
import { ByteReader, ByteWriter, TruncatedError } from '../../base/bytes.ts';
import {
  HDLC_INFORMATION_DEFAULT_BYTES,
  HDLC_INFORMATION_MAX_BYTES,
  HDLC_INFORMATION_MIN_BYTES,
  HDLC_WINDOW_DEFAULT,
  HDLC_WINDOW_MAX,
} from './limits.ts';

/** What one side of a link can do, seen from that side. */
export interface HdlcParameters {
  /** Longest information field it sends, 32-2,030 octets. */
  readonly informationTransmitBytes: number;
  /** Longest information field it takes, 32-2,030 octets. */
  readonly informationReceiveBytes: number;
  /** Frames it sends before it waits, 1-7. */
  readonly windowTransmit: number;
  /** Frames it takes before it answers, 1-7. */
  readonly windowReceive: number;
}

/** What holds when nothing is said: 128 octets, window 1. */
export const HDLC_DEFAULTS: HdlcParameters = {
  informationTransmitBytes: HDLC_INFORMATION_DEFAULT_BYTES,
  informationReceiveBytes: HDLC_INFORMATION_DEFAULT_BYTES,
  windowTransmit: HDLC_WINDOW_DEFAULT,
  windowReceive: HDLC_WINDOW_DEFAULT,
};

const FORMAT_IDENTIFIER = 0x81;
const GROUP_IDENTIFIER = 0x80;
const IDS = {
  5: 'informationTransmitBytes',
  6: 'informationReceiveBytes',
  7: 'windowTransmit',
  8: 'windowReceive',
} as const;

/** Octets for SNRM or UA: sizes in 2 octets (1 below 256 when `short`), windows in 4. */
export function encodeHdlcParameters(parameters: HdlcParameters, short = false): Uint8Array {
  const body = new ByteWriter(32);
  for (const [id, name] of [
    [5, 'informationTransmitBytes'],
    [6, 'informationReceiveBytes'],
  ] as const) {
    const value = parameters[name];
    if (short && value < 0x100) body.u8(id).u8(1).u8(value);
    else body.u8(id).u8(2).u16(value);
  }
  body.u8(7).u8(4).u32(parameters.windowTransmit).u8(8).u8(4).u32(parameters.windowReceive);
  return new ByteWriter(32).u8(FORMAT_IDENTIFIER).u8(GROUP_IDENTIFIER).u8(body.length).bytes(body.written()).finish();
}

/**
 * Reads them; values of 1 to 4 octets are taken, unknown ids are passed over, values out of range are moved into it,
 * absent ones are the defaults. Null when the octets are not a parameter group; empty octets are all defaults.
 */
export function decodeHdlcParameters(octets: Uint8Array): HdlcParameters | null {
  if (octets.length === 0) return HDLC_DEFAULTS;
  try {
    return readGroup(new ByteReader(octets));
  } catch (error) {
    if (error instanceof TruncatedError) return null;
    throw error;
  }
}

function readGroup(reader: ByteReader): HdlcParameters | null {
  if (reader.u8() !== FORMAT_IDENTIFIER || reader.u8() !== GROUP_IDENTIFIER) return null;
  const group = new ByteReader(reader.slice(reader.u8()));
  const found: { -readonly [name in keyof HdlcParameters]: number } = { ...HDLC_DEFAULTS };
  while (group.remaining > 0) {
    const id = group.u8();
    const octets = group.slice(group.u8());
    if (octets.length === 0 || octets.length > 4 || !isKnown(id)) continue;
    const value = octets.reduce((sum, octet) => sum * 0x100 + octet, 0);
    found[IDS[id]] =
      id <= 6 ? clamp(value, HDLC_INFORMATION_MIN_BYTES, HDLC_INFORMATION_MAX_BYTES) : clamp(value, 1, HDLC_WINDOW_MAX);
  }
  return found;
}

function isKnown(id: number): id is keyof typeof IDS {
  return id in IDS;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}

/** What a server answers to a client's wishes: the smaller of both, each side's transmit against the other's receive. */
export function negotiate(own: HdlcParameters, peer: HdlcParameters): HdlcParameters {
  return {
    informationTransmitBytes: Math.min(own.informationTransmitBytes, peer.informationReceiveBytes),
    informationReceiveBytes: Math.min(own.informationReceiveBytes, peer.informationTransmitBytes),
    windowTransmit: Math.min(own.windowTransmit, peer.windowReceive),
    windowReceive: Math.min(own.windowReceive, peer.windowTransmit),
  };
}

/** The same link seen from the other side. */
export function mirrored(parameters: HdlcParameters): HdlcParameters {
  return {
    informationTransmitBytes: parameters.informationReceiveBytes,
    informationReceiveBytes: parameters.informationTransmitBytes,
    windowTransmit: parameters.windowReceive,
    windowReceive: parameters.windowTransmit,
  };
}
