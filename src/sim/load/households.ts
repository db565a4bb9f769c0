/**
 * Loads of real households as shapes. Each household's half-hours are summed up once; a meter's total is then a look-up, so
 * thousands of meters share the arrays of ten households, each shifted by whole weeks and scaled, so that no two are alike
 * and weekends stay weekends.
 */
import { simError } from '../errors.ts';
import { HOUSEHOLD_DAYS_MAX, HOUSEHOLDS_MAX } from '../limits.ts';
import { noise } from './noise.ts';
import type { LoadShape } from './shapes.ts';

const HALF_HOURS = 48;
const HALF_HOUR_MS = 1_800_000;
const DAYS_OF_WEEK = 7;
const WEEK_MS = 604_800_000;
/** 1970-01-01 was a Thursday, 1970-01-05 a Monday: weeks of the data begin on one. */
const FIRST_MONDAY_MS = 4 * 86_400_000;

/** One household: the energy used up to each half-hour, over whole weeks. */
export interface Household {
  readonly name: string;
  /** Wh used up to the start of each half-hour of the recorded weeks; one more entry than half-hours. */
  readonly totalWh: Float64Array;
}

/**
 * Reads `households.csv`: a header, then `household,date,` and 48 values in Wh by line, empty = no reading (counted as no
 * use). Keeps whole weeks from the first Monday on. Throws `SIM_LOADS`.
 */
export function parseHouseholds(octets: Uint8Array): Household[] {
  const text = new TextDecoder().decode(octets);
  const [header = '', ...lines] = text.split('\n');
  if (!header.startsWith('household,date,0000,')) throw simError('SIM_LOADS', `the header is ${header.slice(0, 40)}`);
  const days = new Map<string, Map<string, number[]>>();
  lines.forEach((line, at) => {
    if (line.trim() === '') return;
    const [name = '', date = '', ...values] = line.trim().split(',');
    if (values.length !== HALF_HOURS) throw simError('SIM_LOADS', `line ${at + 2} has ${values.length} values`);
    const household = days.get(name) ?? new Map<string, number[]>();
    household.set(date, values.map(Number));
    days.set(name, household);
    if (days.size > HOUSEHOLDS_MAX || household.size > HOUSEHOLD_DAYS_MAX)
      throw simError('SIM_LOADS', `line ${at + 2}`);
  });
  if (days.size === 0) throw simError('SIM_LOADS', 'there is no household');
  return [...days].map(([name, household]) => ({ name, totalWh: totalsOf(name, household) }));
}

function totalsOf(name: string, days: ReadonlyMap<string, readonly number[]>): Float64Array {
  const inOrder = [...days].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, values]) => values);
  const mondays = FIRST_MONDAY_IN_DATA;
  const weeks = Math.floor((inOrder.length - mondays) / DAYS_OF_WEEK);
  if (weeks < 1) throw simError('SIM_LOADS', `${name} has less than a week`);
  const kept = inOrder.slice(mondays, mondays + weeks * DAYS_OF_WEEK);
  let sum = 0;
  const totals = [0];
  for (const value of kept.flat()) {
    if (!Number.isFinite(value) || value < 0) throw simError('SIM_LOADS', `${name} has the value ${value}`);
    sum += value;
    totals.push(sum);
  }
  if (sum === 0) throw simError('SIM_LOADS', `${name} uses nothing`);
  return Float64Array.from(totals);
}

/** The data begin on Friday 10 February 2012. */
const FIRST_MONDAY_IN_DATA = 3;

/** A household bent into another: shifted by `weeks`, multiplied by `factor`, its half-hours split by chance. */
export class HouseholdShape implements LoadShape {
  readonly #totals: Float64Array;
  readonly #count: number;
  readonly #shiftMs: number;

  constructor(
    household: Household,
    private readonly factor: number,
    weeks: number,
    private readonly seed: number,
  ) {
    this.#totals = household.totalWh;
    this.#count = household.totalWh.length - 1;
    this.#shiftMs = weeks * WEEK_MS - FIRST_MONDAY_MS;
  }

  total(localMs: number): number {
    const position = (localMs + this.#shiftMs) / HALF_HOUR_MS;
    const index = Math.floor(position);
    const cycle = Math.floor(index / this.#count);
    const at = index - cycle * this.#count;
    const from = this.#totals[at] ?? 0;
    const used = (this.#totals[at + 1] ?? from) - from;
    const whole = (cycle - this.#cycleOfAnchor()) * (this.#totals[this.#count] ?? 0);
    return this.factor * (whole + from + used * this.#split(index, position - index));
  }

  /** Share of the half-hour's energy used in its first part: the two quarters are not alike. */
  #split(index: number, share: number): number {
    const half = 0.25 + 0.5 * noise(this.seed, index);
    return share < 0.5 ? share * 2 * half : half + (share - 0.5) * 2 * (1 - half);
  }

  /** Totals count from the cycle in which 2025 began. */
  #cycleOfAnchor(): number {
    return Math.floor((ANCHOR_MS + this.#shiftMs) / HALF_HOUR_MS / this.#count);
  }
}

/** 2025-01-01T00:00:00Z. */
const ANCHOR_MS = 1_735_689_600_000;
