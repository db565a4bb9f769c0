/**
 * Fleets that are unlike the published one, made from it or from a seed: what a format costs where it was not tuned.
 * Each is a list of flushes for one lane; an hour is four rows a meter unless the fleet says otherwise.
 */
import { SeededRandom } from '../../base/seeded-random.ts';
import { FLEET_METERS, type FleetValues } from './fleet-200.ts';

/** One fleet: rows by meter, and how many rows of each leave together. */
export interface OddFleet {
  readonly name: string;
  readonly meters: readonly FleetValues[];
  readonly rowsPerFlush: number;
  /** Milliseconds between two rows. */
  readonly stepMs: number;
}

const QUARTER_MS = 900_000;
const MINUTE_MS = 60_000;
const SMALL_METERS = 20;
const LARGE_COPIES = 5;
const MINUTE_METERS = 50;
const RESET_ONE_IN = 40;
const BUSY_ONE_IN = 20;

/** All of them. */
export function oddFleets(fleet: readonly FleetValues[], seed: number): OddFleet[] {
  const random = new SeededRandom(seed);
  const energies = fleet.map((rows) => rows.map((row) => row.slice(0, 3)));
  const quarterly = { rowsPerFlush: 4, stepMs: QUARTER_MS };
  const copies = Array.from({ length: LARGE_COPIES }, (_, copy) =>
    energies.map((rows) => rows.map((row) => row.map((value) => (value ?? 0) + copy * 1_000_003))),
  );
  return [
    { name: '20 meters', meters: energies.slice(0, SMALL_METERS), ...quarterly },
    { name: '1,000 meters', meters: copies.flat(), ...quarterly },
    { name: 'one-minute voltage', meters: minuteVoltages(random), rowsPerFlush: 60, stepMs: MINUTE_MS },
    { name: 'mostly zero', meters: idle(random), ...quarterly },
    { name: 'counter resets', meters: withResets(energies, random), ...quarterly },
    { name: 'two days offline', meters: energies, rowsPerFlush: 192, stepMs: QUARTER_MS },
  ];
}

/** A day of voltages, 0.1 V, that walk by a few tenths a minute. */
function minuteVoltages(random: SeededRandom): FleetValues[] {
  return Array.from({ length: MINUTE_METERS }, () => {
    let voltage = 2_250 + random.below(150);
    return Array.from({ length: 1_440 }, () => {
      voltage += random.below(9) - 4;
      return [voltage];
    });
  });
}

/** Flats that stand empty: a register moves in one interval of twenty. */
function idle(random: SeededRandom): FleetValues[] {
  return Array.from({ length: FLEET_METERS }, () => {
    let energyWh = random.below(50_000_000);
    return Array.from({ length: 192 }, () => {
      if (random.below(BUSY_ONE_IN) === 0) energyWh += 1 + random.below(200);
      return [energyWh];
    });
  });
}

/** Registers of which one begins again at zero in every tenth hour of the fleet or so. */
function withResets(fleet: readonly FleetValues[], random: SeededRandom): FleetValues[] {
  return fleet.map((rows) => {
    let base = 0;
    return rows.map((row) => {
      if (random.below(RESET_ONE_IN) === 0) base = row[0] ?? 0;
      return row.map((value, column) => (column === 0 ? (value ?? 0) - base : value));
    });
  });
}
