/** What an attribute holds that nobody has set: the value of its type that says least. */

import type { Data, DataType } from '../axdr/data.ts';
import { CLOCK_STATUS, type CosemDate, type CosemTime, dateTimeToOctets } from './datetime.ts';
import type { ClassAttribute, InterfaceClass, ValueNames } from './interface-class.ts';
import { attributeTypeOf, type TypeText } from './type-text.ts';
import { scalerUnitData, UNIT_NONE } from './units.ts';
import { dateToOctets, timeToOctets } from './written-moment.ts';

/** Meanings of enum values, by the name of the field that holds them. */
type FieldValues = Readonly<Record<string, ValueNames>>;

const NO_DATE: CosemDate = { year: null, month: null, day: null, weekday: null };
const NO_TIME: CosemTime = { hour: null, minute: null, second: null, hundredths: null };
const NO_DATE_TIME = { ...NO_DATE, ...NO_TIME, deviation: null, status: CLOCK_STATUS.notSpecified };

/** Octets of the kinds of moments that travel as octet-strings of a fixed size. */
const OPEN_MOMENTS: Readonly<Record<number, () => Uint8Array>> = {
  12: () => dateTimeToOctets(NO_DATE_TIME),
  5: () => dateToOctets(NO_DATE),
  4: () => timeToOctets(NO_TIME),
};

/**
 * The default of an attribute: zero, no, empty, a moment that is not specified, the lowest value that an enum has a name
 * for, an empty array, a structure of defaults; null-data where any type may stand.
 */
export function defaultDataOf(table: InterfaceClass, attribute: ClassAttribute): Data {
  if (attribute.name === 'scaler_unit') return scalerUnitData({ scaler: 0, unit: UNIT_NONE });
  const type = attributeTypeOf(table, attribute);
  if (type.kind === 'any' && attribute.type === 'structure') return { type: 'structure', value: [] };
  return defaultOfType(type, attribute.values, attribute.fieldValues);
}

/** The default of a type within an attribute. */
export function defaultOfType(type: TypeText, values: ValueNames = {}, fieldValues: FieldValues = {}): Data {
  switch (type.kind) {
    case 'any':
      return { type: 'null-data' };
    case 'array':
      return { type: 'array', value: [] };
    case 'structure':
      return {
        type: 'structure',
        value: type.fields.map(({ name, type: of }) => defaultOfType(of, fieldValues[name], fieldValues)),
      };
    case 'plain':
      return plainDefault(type.type, type.size ?? 0, values);
  }
}

function plainDefault(type: DataType, size: number, values: ValueNames): Data {
  switch (type) {
    case 'boolean':
      return { type, value: false };
    case 'bit-string':
      return { type, value: '0'.repeat(size) };
    case 'octet-string':
      return { type, value: OPEN_MOMENTS[size]?.() ?? new Uint8Array(size) };
    case 'visible-string':
    case 'utf8-string':
      return { type, value: '' };
    case 'long64':
    case 'long64-unsigned':
      return { type, value: 0n };
    case 'date-time':
      return { type, value: NO_DATE_TIME };
    case 'date':
      return { type, value: NO_DATE };
    case 'time':
      return { type, value: NO_TIME };
    case 'array':
    case 'structure':
      return { type, value: [] };
    case 'null-data':
    case 'dont-care':
    case 'compact-array':
      return { type: 'null-data' };
    case 'enum': {
      const known = Object.keys(values).map(Number);
      return { type, value: known.length === 0 ? 0 : Math.min(...known) };
    }
    default:
      return { type, value: 0 };
  }
}
