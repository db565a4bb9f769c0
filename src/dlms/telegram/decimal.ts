/** Decimal values with units as meters write them, `000671.578*kWh`, as integers with scaler and unit of COSEM; and back. */
import type { Data } from '../axdr/data.ts';
import { type ScalerUnit, UNIT_NONE, unitCode, unitSymbol } from '../cosem/units.ts';

/** A value with its scaler and unit. */
export interface ScaledValue {
  readonly value: Data;
  readonly scalerUnit: ScalerUnit;
}

const DECIMAL = /^([+-]?)(\d{1,16})(?:[.,](\d{1,9}))?$/;
const PREFIXES: Readonly<Record<string, number>> = { k: 3, M: 6, G: 9, m: -3 };
/** Spellings that are not the symbol of the unit table. */
const SPELLINGS: Readonly<Record<string, string>> = { 'm³': 'm3', Var: 'var', varH: 'varh', VAr: 'var', VArh: 'varh' };

/** The value of a decimal; null when it is none, or its unit is not known: a guessed unit would bill the wrong thing. */
export function scaledValueOf(text: string, unit: string | null): ScaledValue | null {
  const match = DECIMAL.exec(text);
  const known = unit === null ? { code: UNIT_NONE, exponent: 0 } : unitIn(unit);
  if (match === null || known === null) return null;
  const [, sign = '', whole = '', fraction = ''] = match;
  const digits = BigInt(whole + fraction);
  const value = BigInt.asIntN(64, sign === '-' ? -digits : digits);
  if ((sign === '-' ? -value : value) !== digits) return null;
  return {
    value: { type: 'long64', value },
    scalerUnit: { scaler: known.exponent - fraction.length, unit: known.code },
  };
}

function unitIn(text: string): { readonly code: number; readonly exponent: number } | null {
  const plain = unitCode(SPELLINGS[text] ?? text);
  if (plain !== undefined) return { code: plain, exponent: 0 };
  const exponent = PREFIXES[text.slice(0, 1)];
  const rest = text.slice(1);
  const code = unitCode(SPELLINGS[rest] ?? rest);
  return exponent === undefined || code === undefined ? null : { code, exponent };
}

/** `integer` x 10^`scaler` with `places` decimals, in thousands of the unit when it `isKilo`: how a meter would write it. */
export function decimalText(
  integer: number | bigint,
  { scaler, unit }: ScalerUnit,
  form: { readonly width: number; readonly places: number; readonly isKilo: boolean },
): { readonly value: string; readonly unit: string | null } {
  const shift = scaler - (form.isKilo ? 3 : 0) + form.places;
  const whole = BigInt(integer);
  const scaled = shift >= 0 ? whole * 10n ** BigInt(shift) : whole / 10n ** BigInt(-shift);
  const digits = (scaled < 0n ? -scaled : scaled).toString().padStart(form.width, '0');
  const at = digits.length - form.places;
  const value = form.places === 0 ? digits : `${digits.slice(0, at)}.${digits.slice(at)}`;
  const symbol = unit === UNIT_NONE ? null : `${form.isKilo ? 'k' : ''}${unitSymbol(unit)}`;
  return { value: scaled < 0n ? `-${value}` : value, unit: symbol };
}
