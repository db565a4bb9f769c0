/** Answers to on-demand reads: as numbers with exponent and unit where the object has them, otherwise as text. */

import { isoText } from '../../base/time.ts';
import type { Data } from '../../dlms/axdr/data.ts';
import { dataToOctets } from '../../dlms/axdr/decode.ts';
import { utcMsOf } from '../../dlms/cosem/datetime.ts';
import { parseObis } from '../../dlms/cosem/obis.ts';
import { scalerUnitOf, UNIT_NONE, unitSymbol } from '../../dlms/cosem/units.ts';
import type { AttributeAccess, GetDataResult } from '../../dlms/xdlms/service.ts';
import type { ObjectReference, ObjectValue } from '../../model/command.ts';
import type { Scaler } from '../../profile/readout.ts';
import { dateTimeOf, integerOf, textOf } from '../../profile/value.ts';

/** Where a class keeps its scaler and unit: attribute of the values -> attribute of scaler_unit (Blue Book 4.3). */
const SCALER_ATTRIBUTES: Readonly<Record<number, { readonly values: readonly number[]; readonly scaler: number }>> = {
  3: { values: [2], scaler: 3 },
  4: { values: [2], scaler: 3 },
  5: { values: [2, 3], scaler: 4 },
};
const TEXT_MAX_CHARACTERS = 200;
const EMPTY = new Uint8Array(0);

/** The attribute that tells scaler and unit of this one, or null when its class has none. */
export function scalerOf(object: ObjectReference): AttributeAccess | null {
  const rule = SCALER_ATTRIBUTES[object.classId];
  if (rule === undefined || !rule.values.includes(object.attribute)) return null;
  return { classId: object.classId, instanceId: parseObis(object.obis), attributeId: rule.scaler, access: null };
}

/** Scaler and unit from an answer; null when the meter gave none. */
export function scalerFrom(result: GetDataResult | undefined): Scaler | null {
  if (result === undefined || !('data' in result)) return null;
  try {
    const found = scalerUnitOf(result.data);
    if (found === null) return null;
    return { exponent: found.scaler, unit: found.unit === UNIT_NONE ? '' : unitSymbol(found.unit) };
  } catch {
    return null;
  }
}

/** An answer as it is reported. */
export function objectValue(object: ObjectReference, result: GetDataResult, scaler: Scaler | null): ObjectValue {
  const { classId, obis, attribute } = object;
  const reference = { classId, obis, attribute };
  if (!('data' in result)) return { ...reference, result: result.dataAccessResult, raw: EMPTY };
  const raw = dataToOctets(result.data);
  const value = scaler === null ? null : integerOf(result.data, scaler.exponent);
  if (scaler !== null && value !== null) return { ...reference, result: 0, value, ...scaler, raw };
  return { ...reference, result: 0, text: describe(result.data), raw };
}

/** Any value as text, cut to a length that a person reads. */
export function describe(data: Data): string {
  const whole = words(data);
  return whole.length > TEXT_MAX_CHARACTERS ? `${whole.slice(0, TEXT_MAX_CHARACTERS - 1)}…` : whole;
}

function words(data: Data): string {
  switch (data.type) {
    case 'array':
    case 'structure':
    case 'compact-array': {
      const few = data.value.slice(0, 32).map(words).join(', ');
      const more = data.value.length > 32 ? `, and ${data.value.length - 32} more` : '';
      return data.type === 'structure' ? `{${few}${more}}` : `[${few}${more}]`;
    }
    case 'null-data':
      return 'null';
    case 'boolean':
      return data.value ? 'true' : 'false';
    default: {
      const time = dateTimeOf(data);
      const utcMs = time === null ? null : utcMsOf(time);
      return utcMs === null ? (textOf(data) ?? data.type) : isoText(utcMs);
    }
  }
}
