/**
 * Push lists that carry values without names: what stands where. A list is recognised by its length and texts; the rows come
 * from the manufacturers' customer-port documents, as public decoders use them.
 */

import type { Data } from '../axdr/data.ts';
import type { ObisCode } from './obis.ts';
import { parseObis } from './obis.ts';

/** One place of a list. Scaler and unit are null where the document's value is plain. */
export interface ListPlace {
  readonly obis: ObisCode;
  readonly scaler: number | null;
  /** Code of the unit table. */
  readonly unit: number | null;
}

const AMPERE = 33;
const VOLT = 35;

const place = (obis: string, scaler: number | null = null, unit: number | null = null): ListPlace => ({
  obis: parseObis(obis),
  scaler,
  unit,
});

const IDENTITY = [place('1-1:0.2.129*255'), place('0-0:96.1.0*255'), place('0-0:96.1.7*255')];
const POWER = [place('1-0:1.7.0*255'), place('1-0:2.7.0*255'), place('1-0:3.7.0*255'), place('1-0:4.7.0*255')];
const CURRENTS = [31, 51, 71].map((c) => place(`1-0:${c}.7.0*255`, -3, AMPERE));
const VOLTAGES = [32, 52, 72].map((c) => place(`1-0:${c}.7.0*255`, -1, VOLT));
const HOURLY = [
  place('0-0:1.0.0*255'),
  place('1-0:1.8.0*255'),
  place('1-0:2.8.0*255'),
  place('1-0:3.8.0*255'),
  place('1-0:4.8.0*255'),
];
const ONE_PHASE = [...IDENTITY, ...POWER, ...CURRENTS.slice(0, 1), ...VOLTAGES.slice(0, 1)];
const THREE_PHASES = [...IDENTITY, ...POWER, ...CURRENTS, ...VOLTAGES];

/** Kaifa MA105, MA304 (Norway): lists 1, 2 and 3 by their number of elements. */
export const KAIFA_LISTS: ReadonlyMap<number, readonly ListPlace[]> = new Map([
  [1, POWER.slice(0, 1)],
  [9, ONE_PHASE],
  [13, THREE_PHASES],
  [14, [...ONE_PHASE, ...HOURLY]],
  [18, [...THREE_PHASES, ...HOURLY]],
]);

/**
 * The Kaifa list that these elements are, or null. The long lists name their maker; the list of one number does not, so the
 * push must have the date-time field that only this maker tags.
 */
export function kaifaListOf(elements: readonly Data[], taggedDateTime: boolean): readonly ListPlace[] | null {
  const list = KAIFA_LISTS.get(elements.length) ?? null;
  const [first] = elements;
  if (list === null || first === undefined) return null;
  if (elements.length === 1) return taggedDateTime && first.type === 'double-long-unsigned' ? list : null;
  const [k, f, m] = first.type === 'octet-string' ? first.value : [];
  return k === 0x4b && f === 0x46 && m === 0x4d ? list : null;
}
