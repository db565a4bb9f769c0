/** Looking units up, and scaler_unit as a value. */

import type { Data } from '../axdr/data.ts';
import { dlmsError } from '../errors.ts';
import type { UnitRow } from './unit-table.ts';
import { UNIT_TABLE } from './unit-table.ts';

/** Code for "no unit". */
export const UNIT_NONE = 255;

const BY_CODE: ReadonlyMap<number, UnitRow> = new Map(UNIT_TABLE.map((row) => [row.code, row]));

/** The row of a unit code, or undefined for a reserved one. */
export function unitOf(code: number): UnitRow | undefined {
  return BY_CODE.get(code);
}

/** The symbol of a unit code; a reserved code is shown as `unit 73`. */
export function unitSymbol(code: number): string {
  return BY_CODE.get(code)?.symbol ?? `unit ${code}`;
}

/** The code of a symbol (the first row that has it), or undefined. */
export function unitCode(symbol: string): number | undefined {
  return UNIT_TABLE.find((row) => row.symbol === symbol)?.code;
}

/** scaler_unit: the real value is raw x 10^scaler. */
export interface ScalerUnit {
  /** -128 to 127. */
  readonly scaler: number;
  /** Code of the unit table. */
  readonly unit: number;
}

/** Attributes that are metered values, and where their class keeps scaler and unit (Blue Book 4.3.2 to 4.3.4, 4.3.8). */
const SCALER_ATTRIBUTES: Readonly<Record<number, { readonly values: readonly number[]; readonly scaler: number }>> = {
  3: { values: [2], scaler: 3 },
  4: { values: [2], scaler: 3 },
  5: { values: [2, 3], scaler: 4 },
  61: { values: [2], scaler: 4 },
};

/** The attribute that holds scaler and unit of this one, or null when it is no metered value. */
export function scalerAttributeOf(classId: number, attributeId: number): number | null {
  const rule = SCALER_ATTRIBUTES[classId];
  return rule?.values.includes(attributeId) === true ? rule.scaler : null;
}

/** Reads attribute 3 of a register: structure { integer, enum }. `null` for null-data (not set); throws `DLMS_SHAPE` otherwise. */
export function scalerUnitOf(data: Data): ScalerUnit | null {
  if (data.type === 'null-data') return null;
  const fields = data.type === 'structure' ? data.value : [];
  const [scaler, unit] = fields;
  if (fields.length !== 2 || scaler?.type !== 'integer' || (unit?.type !== 'enum' && unit?.type !== 'unsigned')) {
    throw dlmsError('DLMS_SHAPE', 'scaler_unit is a structure of integer and enum');
  }
  return { scaler: scaler.value, unit: unit.value };
}

/** The value of attribute 3 of a register. */
export function scalerUnitData(value: ScalerUnit): Data {
  return {
    type: 'structure',
    value: [
      { type: 'integer', value: value.scaler },
      { type: 'enum', value: value.unit },
    ],
  };
}
