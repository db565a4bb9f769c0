/** COSEM data as values: one discriminated union, names as in the standard (Blue Book 4.1.5, Green Book A-XDR tags). */

import type { CosemDate, CosemDateTime, CosemTime } from '../cosem/datetime.ts';

/** Types whose value is a JavaScript number that holds an integer exactly. */
export type IntegerType =
  | 'double-long'
  | 'double-long-unsigned'
  | 'bcd'
  | 'integer'
  | 'long'
  | 'unsigned'
  | 'long-unsigned'
  | 'enum'
  | 'delta-integer'
  | 'delta-long'
  | 'delta-double-long'
  | 'delta-unsigned'
  | 'delta-long-unsigned'
  | 'delta-double-long-unsigned';

/** No value; in a profile column: follows from the row above. */
export interface NullData {
  readonly type: 'null-data';
}
/** A value the receiver may ignore. */
export interface DontCareData {
  readonly type: 'dont-care';
}
/** Elements of one type (array) or of any types (structure). */
export interface ListData {
  readonly type: 'array' | 'structure';
  readonly value: readonly Data[];
}
/** Any octet but 00 is true; we send 01. */
export interface BooleanData {
  readonly type: 'boolean';
  readonly value: boolean;
}
/** Bits as a text of `0` and `1`, first bit = most significant bit of the first octet. */
export interface BitStringData {
  readonly type: 'bit-string';
  readonly value: string;
}
/** Integers of at most 32 bits; `bcd` holds its octet as a number (12 hex = 18). */
export interface IntegerData {
  readonly type: IntegerType;
  readonly value: number;
}
/** Integers of 64 bits, always a bigint. */
export interface Long64Data {
  readonly type: 'long64' | 'long64-unsigned';
  readonly value: bigint;
}
/** IEEE 754 single or double precision; a NaN keeps being NaN, not its payload bits. */
export interface FloatData {
  readonly type: 'float32' | 'float64';
  readonly value: number;
}
/** Octets; a view on the decoded message unless copied. Logical names and most dates travel in this type. */
export interface OctetStringData {
  readonly type: 'octet-string';
  readonly value: Uint8Array;
}
/** Text of one octet a character (code points 0 to 255, so that every octet survives). */
export interface VisibleStringData {
  readonly type: 'visible-string';
  readonly value: string;
}
/** UTF-8 text; `octets` is there only when the octets were not UTF-8, and is then what is sent again. */
export interface Utf8StringData {
  readonly type: 'utf8-string';
  readonly value: string;
  readonly octets?: Uint8Array;
}
/** Date and time with tag 19; see {@link CosemDateTime}. */
export interface DateTimeData {
  readonly type: 'date-time';
  readonly value: CosemDateTime;
}
/** Date with tag 1A. */
export interface DateData {
  readonly type: 'date';
  readonly value: CosemDate;
}
/** Time with tag 1B. */
export interface TimeData {
  readonly type: 'time';
  readonly value: CosemTime;
}
/** An array whose element type is written once. `value` holds the elements as if they had come with tags. */
export interface CompactArrayData {
  readonly type: 'compact-array';
  readonly of: TypeDescription;
  readonly value: readonly Data[];
}

/** Element type of a compact-array. */
export type TypeDescription =
  | { readonly type: 'array'; readonly count: number; readonly of: TypeDescription }
  | { readonly type: 'structure'; readonly of: readonly TypeDescription[] }
  | { readonly type: Exclude<DataType, 'array' | 'structure' | 'compact-array'> };

/** One COSEM value. Narrow it by `type`. */
export type Data =
  | NullData
  | DontCareData
  | ListData
  | BooleanData
  | BitStringData
  | IntegerData
  | Long64Data
  | FloatData
  | OctetStringData
  | VisibleStringData
  | Utf8StringData
  | DateTimeData
  | DateData
  | TimeData
  | CompactArrayData;

/** Name of a data type, as in the standard. */
export type DataType = Data['type'];
