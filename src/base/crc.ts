/** Checksums of the lines and formats: tables are made once, at load. */

function reflectedTable(polynomial: number): Uint32Array {
  const table = new Uint32Array(256);
  for (let octet = 0; octet < 256; octet++) {
    let rest = octet;
    for (let bit = 0; bit < 8; bit++) rest = (rest & 1) === 1 ? (rest >>> 1) ^ polynomial : rest >>> 1;
    table[octet] = rest >>> 0;
  }
  return table;
}

const X25 = reflectedTable(0x8408);
const ARC = reflectedTable(0xa001);
const CASTAGNOLI = reflectedTable(0x82f63b78);
const USI = straightTable(0x1021);

/** Of 16 bits, highest bit first. */
function straightTable(polynomial: number): Uint16Array {
  const table = new Uint16Array(256);
  for (let octet = 0; octet < 256; octet++) {
    let rest = octet << 8;
    for (let bit = 0; bit < 8; bit++) rest = (rest & 0x8000) === 0 ? rest << 1 : (rest << 1) ^ polynomial;
    table[octet] = rest & 0xffff;
  }
  return table;
}

/** CRC-16/X.25, the HCS and FCS of HDLC (ISO/IEC 13239): start FFFF, reflected 1021, final xor FFFF. Sent low octet first. */
export function crc16X25(octets: Uint8Array): number {
  let crc = 0xffff;
  for (const octet of octets) crc = (crc >>> 8) ^ (X25[(crc ^ octet) & 0xff] as number);
  return (crc ^ 0xffff) & 0xffff;
}

/** CRC-16/KERMIT, which meters of one maker use for the former: start 0, reflected 1021, no final xor; "123456789" gives 2189. */
export function crc16Kermit(octets: Uint8Array): number {
  let crc = 0;
  for (const octet of octets) crc = (crc >>> 8) ^ (X25[(crc ^ octet) & 0xff] as number);
  return crc;
}

/** CRC-16/ARC, the check of P1 telegrams: start 0, reflected 8005, no final xor; "123456789" gives BB3D. */
export function crc16Arc(octets: Uint8Array): number {
  let crc = 0;
  for (const octet of octets) crc = (crc >>> 8) ^ (ARC[(crc ^ octet) & 0xff] as number);
  return crc;
}

/** CRC-16/MODBUS: start FFFF, reflected 8005, no final xor; "123456789" gives 4B37. Sent low octet first. */
export function crc16Modbus(octets: Uint8Array): number {
  let crc = 0xffff;
  for (const octet of octets) crc = (crc >>> 8) ^ (ARC[(crc ^ octet) & 0xff] as number);
  return crc;
}

/** CRC-32C (Castagnoli, RFC 3720 appendix B.4): "123456789" gives E3069283. `start` continues an earlier sum. */
export function crc32C(octets: Uint8Array, start = 0): number {
  let crc = ~start >>> 0;
  for (const octet of octets) crc = (crc >>> 8) ^ (CASTAGNOLI[(crc ^ octet) & 0xff] as number);
  return ~crc >>> 0;
}

/** Check of USI frames of G3 modems: 1021, start 0, highest bit first, the octet enters at the low end; 00E50A0001 gives 4E0C. */
export function crc16Usi(octets: Uint8Array): number {
  let crc = 0;
  for (const octet of octets) crc = (USI[crc >>> 8] as number) ^ ((crc << 8) & 0xffff) ^ octet;
  return crc;
}

/** Exclusive or of all octets: the block check of IEC 62056-21, and that of USI frames of PRIME modems. */
export function xor8(octets: Iterable<number>): number {
  let sum = 0;
  for (const octet of octets) sum ^= octet;
  return sum;
}
