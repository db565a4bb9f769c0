/**
 * Who a meter on an M-Bus is (EN 13757-3, fixed part of the data header): identification number, maker, version and device
 * type. Its text, `KAM.12345678.1B.16`, is what settings and events call it by.
 */

/** Identity of a meter on an M-Bus. */
export interface MbusIdentity {
  /** Identification number: 8 digits, or hexadecimal where a maker does not keep to BCD. */
  readonly number: string;
  /** Code of the maker, 0 to 65,535: three letters of 5 bits each. */
  readonly manufacturer: number;
  /** Version (generation) of the model, 0 to 255. */
  readonly version: number;
  /** Device type (medium), 0 to 255: see {@link deviceTypeName}. */
  readonly deviceType: number;
}

/** Device types (EN 13757-3, table of device types) that are met in the field. */
const DEVICE_TYPES: Readonly<Record<number, string>> = {
  0: 'other',
  1: 'oil',
  2: 'electricity',
  3: 'gas',
  4: 'heat',
  5: 'steam',
  6: 'warm water',
  7: 'water',
  8: 'heat cost allocator',
  9: 'compressed air',
  10: 'cooling',
  11: 'cooling',
  12: 'heat',
  13: 'heat and cooling',
  14: 'bus',
  21: 'hot water',
  22: 'cold water',
  23: 'dual water',
  24: 'pressure',
  25: 'converter',
  33: 'valve',
  40: 'waste water',
  49: 'communication controller',
};

/** Digits of an identification number. */
export const IDENTIFICATION_DIGITS = 8;

/** Word for a device type, `device type 5A` for one without a word. */
export function deviceTypeName(deviceType: number): string {
  return DEVICE_TYPES[deviceType] ?? `device type ${hexOctet(deviceType)}`;
}

/** Three letters of a maker's code, `KAM`; four hexadecimal digits where it holds no letters. */
export function manufacturerText(code: number): string {
  const letters = [code >> 10, code >> 5, code].map((part) => part & 0x1f);
  if (code > 0x7fff || letters.some((letter) => letter < 1 || letter > 26))
    return code.toString(16).toUpperCase().padStart(4, '0');
  return String.fromCharCode(...letters.map((letter) => letter + 64));
}

/** Code of a maker's three letters; null for any other text. */
export function manufacturerCode(letters: string): number | null {
  if (!/^[A-Z]{3}$/.test(letters)) return null;
  return [...letters].reduce((code, letter) => (code << 5) | (letter.charCodeAt(0) - 64), 0);
}

/** `KAM.12345678.1B.16`: maker, number, version and device type, the last two in hexadecimal. */
export function identityText({ manufacturer, number, version, deviceType }: MbusIdentity): string {
  return [manufacturerText(manufacturer), number, hexOctet(version), hexOctet(deviceType)].join('.');
}

/** Form of what {@link isIdentity} takes: the number alone, or with the maker before it and version and type behind. */
export const IDENTITY_PATTERN = /^(?:[0-9A-F]{8}|(?:[A-Z]{3}|[0-9A-F]{4})\.[0-9A-F]{8}(?:\.[0-9A-F]{2}){0,2})$/;

/** Whether a meter is the wanted one, which is named by its number or by as much of its text as tells it. */
export function isIdentity(identity: MbusIdentity, wanted: string): boolean {
  if (!wanted.includes('.')) return identity.number === wanted;
  return `${identityText(identity)}.`.startsWith(`${wanted}.`);
}

/** The number in what names a meter: `12345678` in `KAM.12345678.1B.16`. */
export function numberIn(wanted: string): string {
  return wanted.split('.')[1] ?? wanted;
}

function hexOctet(value: number): string {
  return value.toString(16).toUpperCase().padStart(2, '0');
}
