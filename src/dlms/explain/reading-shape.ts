/** Readings of a push in the JSON form of the vectors. */

import { toHex } from '../../base/bytes.ts';
import type { NotifiedReading, NotifiedValue } from '../cosem/notified.ts';
import { UNIT_NONE, unitSymbol } from '../cosem/units.ts';
import { shapeOfData, shapeOfDateTime, shapeOfInteger, shapeOfObis } from './data-shape.ts';
import type { JsonObject } from './json.ts';

/** `{obis | position, value | text | dateTime | hex | null, scaler, unit, unitName}`. */
export function shapeOfReading(reading: NotifiedReading): JsonObject {
  return { ...nameOfReading(reading), ...shapeOfValue(reading.value), ...shapeOfUnit(reading) };
}

function nameOfReading({ obis, position, object }: NotifiedReading): JsonObject {
  if (obis === null) return { position };
  if (object === null) return { obis: shapeOfObis(obis) };
  const { classId, attributeId, dataIndex } = object;
  return {
    obis: shapeOfObis(obis),
    classId,
    attribute: attributeId,
    ...(dataIndex === 0 ? {} : { dataIndex }),
  };
}

function shapeOfValue(value: NotifiedValue): JsonObject {
  switch (value.kind) {
    case 'number':
      return { value: typeof value.value === 'bigint' ? shapeOfInteger(value.value) : value.value };
    case 'text':
      return value.type === 'octet-string' ? { text: value.text } : { value: value.text };
    case 'date-time':
      return {
        dateTime: shapeOfDateTime(value.dateTime),
        ...(value.octets === null ? {} : { hex: toHex(value.octets) }),
      };
    case 'octets':
      return { hex: toHex(value.octets) };
    case 'null':
      return { null: true };
    case 'object-list':
      return { pushObjectList: true };
    case 'data':
      return { data: shapeOfData(value.data) };
  }
}

function shapeOfUnit({ scaler, unit, unitFrom }: NotifiedReading): JsonObject {
  if (unitFrom === null || unit === null) return {};
  const unitName = unit === UNIT_NONE ? 'unitless' : unitSymbol(unit);
  return unitFrom === 'list' ? { scaler, unitName } : { scaler, unit, unitName };
}
