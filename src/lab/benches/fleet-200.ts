/** The published fleet of 200 meters, `test/data/fleet-200.csv`: two days of quarter hours, three energies and a voltage. */
import type { MeterId } from '../../model/ids.ts';
import type { DictionaryGroup, Row } from '../../wire/rows.ts';

/** Where it lies in the repository. */
export const FLEET_PATH = 'test/data/fleet-200.csv';
/** Meters in it. */
export const FLEET_METERS = 200;
/** Length of an interval. */
export const FLEET_STEP_MS = 900_000;
/** Start of its first interval: 2026-03-01T00:00Z. */
export const FLEET_START_MS = 1_772_323_200_000;

/** Rows of one meter, columns as in the file: import and export (Wh), reactive import (varh), voltage (0.1 V). */
export type FleetValues = readonly (readonly (number | null)[])[];

const NO_STATUS = new Uint8Array(0);

/** Rows by meter. */
export function readFleet(text: string): FleetValues[] {
  const meters: number[][][] = [];
  for (const line of text.trim().split('\n').slice(1)) {
    const [meter = 0, , ...values] = line.split(',').map(Number);
    const rows = meters[meter - 1] ?? [];
    meters[meter - 1] = rows;
    rows.push(values);
  }
  return meters;
}

/** The groups of all meters with so many columns each; `first` is the place of the first column in its OBIS codes. */
export function fleetGroups(columns: number, intervalS: number, first = 1, meters = FLEET_METERS): DictionaryGroup[] {
  return Array.from({ length: meters }, (_, meter) => ({
    meterId: `m${meter}` as MeterId,
    intervalS,
    source: 0,
    timeZone: 'UTC',
    columns: Array.from({ length: columns }, (_, column) => ({
      obis: `1-0:${column + first}.8.0*255`,
      exponent: 0,
      unit: 'Wh',
    })),
  }));
}

/** A row without status. */
export function fleetRow(group: number, atMs: number, values: readonly (number | null)[]): Row {
  return { group, atMs, status: NO_STATUS, quality: 'good', deviationMin: null, values };
}
