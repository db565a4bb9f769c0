/**
 * Load shapes: how much has been used up to a moment, as a function of time alone.
 *
 * Each shape is a total that never falls and that can be asked at any moment at the cost of one day's weights: the total at
 * the start of a day has a closed form (a line, the season's wave and bounded noise whose steps cannot outweigh the line),
 * and a day's energy is shared out over its quarter-hours by weights. So 1,000 meters with two weeks of history need no
 * arrays, and asking for a row of last month costs what asking for the newest one costs.
 */
import { hash32, noise } from './noise.ts';

const DAY_MS = 86_400_000;
const SLOTS = 96;
const SLOT_MS = DAY_MS / SLOTS;
const YEAR_DAYS = 365.25;
/** 2025-01-01: totals are counted from here, so that registers stay of the size of a meter some years old. */
const ANCHOR_DAY = 20_089;

/** A total that never falls. */
export interface LoadShape {
  /** What has been used up to `localMs` (wall clock without daylight saving) since the shape's own start, in base units. */
  total(localMs: number): number;
}

/** A day's pattern: how likely use is in each hour. */
export interface DailyPattern {
  /** 24 weights, the hour from 0 on first. */
  readonly hours: readonly number[];
  /** 0 = every quarter-hour alike, 1 = as wild as a single flat. */
  readonly roughness: number;
}

/** A shape made from a seed. */
export interface GeneratedOptions {
  readonly seed: number;
  /** Base units on an average day. */
  readonly perDay: number;
  readonly pattern: DailyPattern;
  /** Share by which the season moves the day, 0 to 0.45. */
  readonly season: number;
  /** Day of the year on which use peaks. */
  readonly peakDay: number;
}

/** Share by which one day may differ from the next by chance; with the season it stays below 1, so no day is negative. */
const DAY_NOISE = 0.5;

/** A shape from a seed. */
export class GeneratedShape implements LoadShape {
  readonly #options: GeneratedOptions;
  readonly #shares = new Float64Array(SLOTS + 1);
  #sharesDay = Number.NaN;

  constructor(options: GeneratedOptions) {
    this.#options = options;
  }

  total(localMs: number): number {
    const day = Math.floor(localMs / DAY_MS);
    const start = this.#dayStart(day);
    const position = (localMs - day * DAY_MS) / SLOT_MS;
    const shares = this.#sharesOf(day);
    const slot = Math.floor(position);
    const from = shares[slot] ?? 1;
    const share = from + ((shares[slot + 1] ?? 1) - from) * (position - slot);
    return start + (this.#dayStart(day + 1) - start) * share;
  }

  #dayStart(day: number): number {
    const { seed, perDay, season, peakDay } = this.#options;
    const angle = (2 * Math.PI * (day - ANCHOR_DAY - peakDay)) / YEAR_DAYS;
    // The derivative of the sine is the season's wave, at its height on the peak day.
    const wave = ((season * YEAR_DAYS) / (2 * Math.PI)) * Math.sin(angle);
    return perDay * (day - ANCHOR_DAY + wave + DAY_NOISE * noise(seed, day));
  }

  /** Shares of the day used up at the start of each quarter-hour, from 0 to 1. */
  #sharesOf(day: number): Float64Array {
    if (day === this.#sharesDay) return this.#shares;
    const { seed, pattern } = this.#options;
    const daySeed = hash32(seed, day);
    let sum = 0;
    for (let slot = 0; slot < SLOTS; slot++) {
      const weight = pattern.hours[slot >> 2] ?? 0;
      sum += weight * (1 - pattern.roughness + 2 * pattern.roughness * noise(daySeed, slot) ** 2);
      this.#shares[slot + 1] = sum;
    }
    for (let slot = 1; slot <= SLOTS; slot++) this.#shares[slot] = (this.#shares[slot] ?? 0) / sum;
    this.#sharesDay = day;
    return this.#shares;
  }
}

/** A shape in other units. */
export function scaled(shape: LoadShape, factor: number): LoadShape {
  return { total: (localMs) => shape.total(localMs) * factor };
}

/** Several shapes on one meter. */
export function sumOf(...shapes: readonly LoadShape[]): LoadShape {
  return { total: (localMs) => shapes.reduce((sum, shape) => sum + shape.total(localMs), 0) };
}

/** The shape of something that is not there. */
export const NOTHING: LoadShape = { total: () => 0 };

/** A flat: mornings, evenings, and a refrigerator at night. */
export const FLAT_PATTERN: DailyPattern = {
  hours: [4, 3, 3, 3, 3, 4, 8, 12, 10, 8, 7, 8, 10, 9, 7, 7, 9, 14, 18, 19, 17, 14, 9, 6],
  roughness: 0.85,
};
/** A roof with solar panels. */
export const SOLAR_PATTERN: DailyPattern = {
  hours: [0, 0, 0, 0, 0, 0, 1, 4, 9, 14, 18, 20, 21, 20, 17, 12, 7, 3, 1, 0, 0, 0, 0, 0],
  roughness: 0.6,
};
/** Motors and power supplies: all day. */
export const REACTIVE_PATTERN: DailyPattern = {
  hours: [6, 6, 6, 6, 6, 6, 7, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 9, 9, 9, 9, 8, 7, 6],
  roughness: 0.5,
};
/** A gas boiler: before getting up and in the evening. */
export const HEATING_PATTERN: DailyPattern = {
  hours: [1, 1, 1, 1, 4, 14, 16, 12, 6, 4, 3, 3, 4, 4, 4, 6, 9, 13, 14, 13, 10, 6, 3, 1],
  roughness: 0.7,
};
/** Taps and showers: nothing at night. */
export const WATER_PATTERN: DailyPattern = {
  hours: [0, 0, 0, 0, 0, 2, 10, 16, 12, 7, 5, 5, 7, 6, 4, 4, 6, 10, 12, 10, 8, 6, 3, 1],
  roughness: 0.95,
};
