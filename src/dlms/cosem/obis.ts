/** OBIS codes: six groups A-B:C.D.E*F that name a COSEM object (IEC 62056-61; Blue Book part 1). */

import { ByteReader, type ByteWriter } from '../../base/bytes.ts';
import { dlmsError } from '../errors.ts';

/**
 * An OBIS code in its one canonical spelling, `1-0:1.8.0*255`, so that `===` and map keys compare objects. Make one with
 * {@link parseObis} or {@link obisOf}.
 */
export type ObisCode = string & { readonly __obis: true };

/** The six groups, each 0 to 255. */
export interface ObisGroups {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  readonly e: number;
  readonly f: number;
}

/** The code of six groups, each 0 to 255. */
export function obisOf(a: number, b: number, c: number, d: number, e: number, f = 255): ObisCode {
  for (const group of [a, b, c, d, e, f]) {
    if (!Number.isInteger(group) || group < 0 || group > 255) throw dlmsError('DLMS_OBIS', `group ${group}`);
  }
  return `${a}-${b}:${c}.${d}.${e}*${f}` as ObisCode;
}

const DIGIT_ZERO = 0x30;

const SPELLING = /^(\d{1,3})[-.](\d{1,3})[:.](\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:[*.&](\d{1,3}))?$/;

/**
 * Reads `1-0:1.8.0*255`, `1-0:1.8.0.255`, `1.0.1.8.0.255` or `1-0:1.8.0` (F is then 255); throws `DLMS_OBIS` otherwise.
 */
export function parseObis(text: string): ObisCode {
  const match = SPELLING.exec(text.trim());
  if (match === null) throw dlmsError('DLMS_OBIS', `'${text}'`);
  const [a, b, c, d, e, f] = match.slice(1).map((group) => (group === undefined ? 255 : Number(group)));
  return obisOf(a ?? 0, b ?? 0, c ?? 0, d ?? 0, e ?? 0, f ?? 255);
}

/** Whether the text is an OBIS code in any spelling that {@link parseObis} takes. */
export function isObis(text: string): boolean {
  const match = SPELLING.exec(text.trim());
  return match?.slice(1).every((group) => group === undefined || Number(group) <= 255) ?? false;
}

/** The six groups of a code. */
export function obisGroups(code: ObisCode): ObisGroups {
  const [a, b, c, d, e, f] = octetsOf(code);
  return { a, b, c, d, e, f };
}

/** The groups in their order. Every request writes some, and tearing a text apart by a pattern costs ten times as much. */
function octetsOf(code: ObisCode): [number, number, number, number, number, number] {
  const groups: [number, number, number, number, number, number] = [0, 0, 0, 0, 0, 0];
  let group = 0;
  for (let at = 0; at < code.length; at++) {
    const digit = code.charCodeAt(at) - DIGIT_ZERO;
    if (digit >= 0 && digit <= 9) groups[group] = (groups[group] ?? 0) * 10 + digit;
    else group++;
  }
  return groups;
}

/** Reads the six octets of a logical name. */
export function readObis(reader: ByteReader): ObisCode {
  return `${reader.u8()}-${reader.u8()}:${reader.u8()}.${reader.u8()}.${reader.u8()}*${reader.u8()}` as ObisCode;
}

/** Writes the six octets of a logical name. */
export function writeObis(writer: ByteWriter, code: ObisCode): void {
  const { a, b, c, d, e, f } = obisGroups(code);
  writer.u8(a).u8(b).u8(c).u8(d).u8(e).u8(f);
}

/** The code of six octets; throws `DLMS_OBIS` for any other number of octets. */
export function obisFromOctets(octets: Uint8Array): ObisCode {
  if (octets.length !== 6) throw dlmsError('DLMS_OBIS', `${octets.length} octets, 6 wanted`);
  return readObis(new ByteReader(octets));
}

/** The six octets of a code. */
export function obisToOctets(code: ObisCode): Uint8Array {
  const { a, b, c, d, e, f } = obisGroups(code);
  return Uint8Array.of(a, b, c, d, e, f);
}
