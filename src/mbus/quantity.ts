/**
 * What a VIF says (EN 13757-3, tables of value information): quantity, unit and power of ten, all in base units, so that a
 * value stays an integer times a power of ten whatever the meter's display shows.
 */

/** Meaning of a VIF. */
export interface Quantity {
  /** Word for the quantity; `unknown` where no table has the code. */
  readonly name: string;
  /** Symbol of the COSEM unit table; empty for none. */
  readonly unit: string;
  /** The value is the integer x 10^exponent. */
  readonly exponent: number;
}

/** A run of codes: the low bits of the code are added to the exponent. */
interface Run {
  readonly from: number;
  readonly to: number;
  readonly name: string;
  readonly unit: string;
  /** Exponent of the first code; null = the code has no exponent of its own. */
  readonly exponent: number | null;
}

const run = (from: number, to: number, name: string, unit: string, exponent: number | null = 0): Run => ({
  from,
  to,
  name,
  unit,
  exponent,
});

/** Times: seconds, minutes, hours, days in this order. */
const times = (from: number, name: string): Run[] =>
  ['s', 'min', 'h', 'd'].map((unit, at) => run(from + at, from + at, name, unit, null));

const PRIMARY: readonly Run[] = [
  run(0x00, 0x07, 'energy', 'Wh', -3),
  run(0x08, 0x0f, 'energy', 'J', 0),
  run(0x10, 0x17, 'volume', 'm3', -6),
  run(0x18, 0x1f, 'mass', 'kg', -3),
  ...times(0x20, 'on-time'),
  ...times(0x24, 'operating-time'),
  run(0x28, 0x2f, 'power', 'W', -3),
  run(0x30, 0x37, 'power', 'J/h', 0),
  run(0x38, 0x3f, 'volume-flow', 'm3/h', -6),
  run(0x40, 0x47, 'volume-flow', 'm3/min', -7),
  run(0x48, 0x4f, 'volume-flow', 'm3/s', -9),
  run(0x50, 0x57, 'mass-flow', 'kg/h', -3),
  run(0x58, 0x5b, 'flow-temperature', '°C', -3),
  run(0x5c, 0x5f, 'return-temperature', '°C', -3),
  run(0x60, 0x63, 'temperature-difference', 'K', -3),
  run(0x64, 0x67, 'external-temperature', '°C', -3),
  run(0x68, 0x6b, 'pressure', 'bar', -3),
  run(0x6c, 0x6c, 'date', '', null),
  run(0x6d, 0x6d, 'date-time', '', null),
  run(0x6e, 0x6e, 'heat-cost-units', '', null),
  ...times(0x70, 'averaging-duration'),
  ...times(0x74, 'actuality-duration'),
  run(0x78, 0x78, 'fabrication-number', '', null),
  run(0x79, 0x79, 'enhanced-identification', '', null),
  run(0x7a, 0x7a, 'bus-address', '', null),
];

/** Behind FB. */
const SECOND: readonly Run[] = [
  run(0x00, 0x01, 'energy', 'Wh', 5),
  run(0x08, 0x09, 'energy', 'J', 8),
  run(0x10, 0x11, 'volume', 'm3', 2),
  run(0x18, 0x19, 'mass', 'kg', 5),
  run(0x28, 0x29, 'power', 'W', 5),
  run(0x30, 0x31, 'power', 'J/h', 8),
];

/** Behind FD. */
const THIRD: readonly Run[] = [
  run(0x08, 0x08, 'access-number', '', null),
  run(0x09, 0x09, 'medium', '', null),
  run(0x0a, 0x0a, 'manufacturer', '', null),
  run(0x0c, 0x0c, 'model', '', null),
  run(0x0d, 0x0d, 'hardware-version', '', null),
  run(0x0e, 0x0e, 'firmware-version', '', null),
  run(0x0f, 0x0f, 'software-version', '', null),
  run(0x10, 0x10, 'customer-location', '', null),
  run(0x11, 0x11, 'customer', '', null),
  run(0x17, 0x17, 'error-flags', '', null),
  run(0x1a, 0x1a, 'digital-output', '', null),
  run(0x1b, 0x1b, 'digital-input', '', null),
  run(0x40, 0x4f, 'voltage', 'V', -9),
  run(0x50, 0x5f, 'current', 'A', -12),
];

/** Tables of VIF codes: the first, and those behind FB and FD. */
export const VIF_TABLES = { primary: PRIMARY, FB: SECOND, FD: THIRD } as const;

/** Meaning of a code of 7 bits in a table. */
export function quantityOf(table: keyof typeof VIF_TABLES, code: number): Quantity {
  const found = VIF_TABLES[table].find(({ from, to }) => code >= from && code <= to);
  if (found === undefined) return { name: 'unknown', unit: '', exponent: 0 };
  const { name, unit, exponent, from } = found;
  return { name, unit, exponent: exponent === null ? 0 : exponent + code - from };
}

/** VIF octets of a quantity at a power of ten; null = no table has it. */
export function vifFor({ name, unit, exponent }: Quantity): readonly number[] | null {
  for (const table of ['primary', 'FB', 'FD'] as const) {
    for (const each of VIF_TABLES[table]) {
      const code = each.exponent === null ? each.from : each.from + exponent - each.exponent;
      if (each.name !== name || each.unit !== unit || code < each.from || code > each.to) continue;
      if (each.exponent === null && exponent !== 0) continue;
      return table === 'primary' ? [code] : [table === 'FB' ? 0xfb : 0xfd, code];
    }
  }
  return null;
}

/** Power of ten by which a VIFE multiplies (E111 0nnn and E111 1101), or null when it says something else. */
export function correctionOf(code: number): number | null {
  if (code >= 0x70 && code <= 0x77) return code - 0x76;
  return code === 0x7d ? 3 : null;
}
