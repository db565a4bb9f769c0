/**
 * Whether a value has the type that a class table gives, with the tolerances that meters in the field need: a wider or
 * narrower integer of the same sign, a date-time by tag where octets are usual and the reverse, a boolean or a plain
 * integer for an enum (and bits for modes), null-data for anything that is not set.
 */

import type { Data, DataType } from '../axdr/data.ts';
import type { TypeText } from './type-text.ts';

const SIGNED: readonly DataType[] = ['integer', 'long', 'double-long', 'long64'];
const UNSIGNED: readonly DataType[] = ['unsigned', 'long-unsigned', 'double-long-unsigned', 'long64-unsigned'];
const TEXTS: readonly DataType[] = ['octet-string', 'visible-string', 'utf8-string'];
const MOMENTS: readonly DataType[] = ['octet-string', 'date-time', 'date', 'time'];
const ENUMS: readonly DataType[] = ['enum', 'unsigned', 'bit-string'];

/** Types that are taken for one another. */
const FAMILIES: Readonly<Partial<Record<DataType, readonly DataType[]>>> = {
  integer: SIGNED,
  long: SIGNED,
  'double-long': SIGNED,
  long64: SIGNED,
  unsigned: UNSIGNED,
  'long-unsigned': UNSIGNED,
  'double-long-unsigned': UNSIGNED,
  'long64-unsigned': UNSIGNED,
  enum: ENUMS,
  'visible-string': TEXTS,
  'utf8-string': TEXTS,
  'date-time': MOMENTS,
};

/** Octets of a date-time, a date and a time: octet-strings of these sizes may come with their own tags. */
const MOMENT_OCTETS: readonly (number | null)[] = [12, 5, 4];

/** Whether the value is of the type or of one that is taken for it; fields after those of the table are taken too. */
export function fitsType(data: Data, type: TypeText): boolean {
  if (type.kind === 'any' || data.type === 'null-data' || data.type === 'dont-care') return true;
  if (type.kind === 'array') {
    return (
      (data.type === 'array' || data.type === 'compact-array') && data.value.every((each) => fitsType(each, type.of))
    );
  }
  if (type.kind === 'structure') {
    if (data.type !== 'structure') return false;
    return data.value.every((each, at) => fitsType(each, type.fields[at]?.type ?? { kind: 'any' }));
  }
  if (type.type === 'octet-string') {
    return TEXTS.includes(data.type) || (MOMENT_OCTETS.includes(type.size) && MOMENTS.includes(data.type));
  }
  return data.type === type.type || FAMILIES[type.type]?.includes(data.type) === true;
}
