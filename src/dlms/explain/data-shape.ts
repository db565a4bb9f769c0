/** Data values in the JSON form of the test vectors, which is also what `explain --json` prints. */

import { ByteWriter, toHex } from '../../base/bytes.ts';
import type { Data, TypeDescription } from '../axdr/data.ts';
import { compactContents } from '../axdr/decode.ts';
import { dataTagOfType } from '../axdr/tags.ts';
import type { CosemDateTime } from '../cosem/datetime.ts';
import { dateTimeFromOctets, isPlausibleDateTime } from '../cosem/datetime.ts';
import type { ObisCode } from '../cosem/obis.ts';
import type { Json, JsonObject } from './json.ts';

/** A value: `{type, value | hex | bits}`; lists hold lists; integers beyond 2^53 - 1 are texts. */
export function shapeOfData(data: Data): JsonObject {
  const { type } = data;
  switch (type) {
    case 'null-data':
    case 'dont-care':
      return { type };
    case 'array':
    case 'structure':
      return { type, value: data.value.map(shapeOfData) };
    case 'compact-array':
      return {
        type,
        typeDescription: shapeOfDescription(data.of),
        contentsHex: toHex(compactContents(data)),
        value: data.value.map(shapeOfData),
      };
    case 'bit-string':
      return { type, bits: data.value };
    case 'octet-string':
      return { type, hex: toHex(data.value) };
    case 'long64':
    case 'long64-unsigned':
      return { type, value: shapeOfInteger(data.value) };
    case 'float32':
    case 'float64':
      return { type, value: Number.isFinite(data.value) ? data.value : floatName(data.value), hex: contentHex(data) };
    case 'date-time':
      return { type, hex: contentHex(data), dateTime: shapeOfDateTime(data.value) };
    case 'date':
    case 'time':
      return { type, hex: contentHex(data) };
    default:
      return { type, value: data.value };
  }
}

function shapeOfDescription(of: TypeDescription): JsonObject {
  if (of.type === 'array') return { type: of.type, count: of.count, of: shapeOfDescription(of.of) };
  if (of.type === 'structure') return { type: of.type, of: of.of.map(shapeOfDescription) };
  return { type: of.type };
}

/** A number while it is exact as one, else its decimal text. */
export function shapeOfInteger(value: bigint | number): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

function floatName(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  return value > 0 ? 'inf' : '-inf';
}

function contentHex(data: Data): string {
  const entry = dataTagOfType(data.type);
  const writer = new ByteWriter(12);
  if ('write' in entry) entry.write(writer, data);
  return toHex(writer.finish());
}

/** A date and time, field by field. */
export function shapeOfDateTime(value: CosemDateTime): JsonObject {
  const { year, month, day, weekday, hour, minute, second, hundredths, deviation, status } = value;
  return { year, month, day, weekday, hour, minute, second, hundredths, deviation, status };
}

/** `1-0:1.8.0.255`: the spelling of the vectors. */
export function shapeOfObis(code: ObisCode): string {
  return code.replace('*', '.');
}

/** Octets that may be a date and time: `dateTimeHex` and, when they are one, `dateTime`. */
export function shapeOfTimeField(octets: Uint8Array): { readonly [key: string]: Json } {
  const value = octets.length === 12 ? dateTimeFromOctets(octets) : null;
  const shown = value !== null && isPlausibleDateTime(value) ? { dateTime: shapeOfDateTime(value) } : {};
  return { dateTimeHex: toHex(octets), ...shown };
}
