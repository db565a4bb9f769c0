/** What one simulated meter measures: its household or factory, made from its seed, asked by OBIS code. */
import type { Medium, RegisterRule } from '../../profile/schema/profile.ts';
import type { Household } from './households.ts';
import { HouseholdShape } from './households.ts';
import { noise, seedOf, smoothNoise } from './noise.ts';
import {
  type DailyPattern,
  FLAT_PATTERN,
  GeneratedShape,
  HEATING_PATTERN,
  type LoadShape,
  NOTHING,
  REACTIVE_PATTERN,
  SOLAR_PATTERN,
  scaled,
  sumOf,
  WATER_PATTERN,
} from './shapes.ts';

/** What a load is made from. */
export interface LoadOptions {
  /** Any text: the same seed gives the same load. */
  readonly seed: string;
  readonly medium: Medium;
  /** Real loads to bend; empty = everything from the seed. */
  readonly households: readonly Household[];
  /** Minutes by which the site's standard time is ahead of UTC. */
  readonly aheadMin: number;
}

/** A quantity behind a register. */
type Quantity =
  | { readonly kind: 'total'; readonly shape: LoadShape; readonly share: number; readonly start: number }
  | { readonly kind: 'instant'; readonly at: (utcMs: number) => number };

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const WINTER_DAY = 15;
const SUMMER_DAY = 172;
/** Share of meters with solar panels, as in the published fleet. */
const SOLAR_SHARE = 0.12;
/** Wh or varh, and m3, that a meter may have counted before 2025. */
const ENERGY_BEFORE_MAX = 30_000_000;
const VOLUME_BEFORE_MAX = 5_000;
/** Share of import on the second rate. */
const SECOND_RATE_SHARE = 0.38;

/** The load of one meter. */
export class MeterLoad {
  readonly #options: LoadOptions;
  readonly #import: LoadShape;
  readonly #export: LoadShape;
  readonly #reactiveImport: LoadShape;
  readonly #reactiveExport: LoadShape;
  readonly #volume: LoadShape;
  readonly #voltageSeed: number;
  readonly #quantities = new Map<string, Quantity>();

  constructor(options: LoadOptions) {
    this.#options = options;
    const draw = (label: string) => noise(seedOf(options.seed, label), 0);
    const solar = draw('has-solar') < SOLAR_SHARE;
    this.#import = importShape(options, draw);
    this.#export = solar
      ? generated(options, 'export', SOLAR_PATTERN, 4000 + 9000 * draw('solar'), 0.42, SUMMER_DAY)
      : NOTHING;
    const motors = generated(options, 'reactive', REACTIVE_PATTERN, 300 + 1500 * draw('motors'), 0.1, SUMMER_DAY);
    this.#reactiveImport = sumOf(motors, scaled(this.#import, 0.05 + 0.2 * draw('phase-angle')));
    this.#reactiveExport =
      draw('capacitive') < 0.3 ? generated(options, 'capacitive', REACTIVE_PATTERN, 150, 0.1, 0) : NOTHING;
    this.#volume = volumeShape(options, draw);
    this.#voltageSeed = seedOf(options.seed, 'voltage');
  }

  /** Whether the register counts up (and stops when the relay opens), or shows a momentary value. */
  isTotal(register: RegisterRule): boolean {
    return this.#quantityOf(register).kind === 'total';
  }

  /** The value in the register's unit without its exponent: total in Wh, varh or m3, or the momentary value. */
  valueAt(register: RegisterRule, utcMs: number): number {
    const quantity = this.#quantityOf(register);
    if (quantity.kind === 'instant') return quantity.at(utcMs);
    return quantity.start + quantity.shape.total(this.#localMs(utcMs)) * quantity.share;
  }

  #localMs(utcMs: number): number {
    return utcMs + this.#options.aheadMin * MINUTE_MS;
  }

  #quantityOf(register: RegisterRule): Quantity {
    const known = this.#quantities.get(register.obis);
    if (known !== undefined) return known;
    const quantity = this.#makeQuantity(register);
    this.#quantities.set(register.obis, quantity);
    return quantity;
  }

  #makeQuantity(register: RegisterRule): Quantity {
    const groups = register.obis.split(/[-:.*]/).map(Number);
    const [a = 0, , c = 0, d = 0, e = 0] = groups;
    if (a !== 1) return this.#total(this.#volume, 1, 'volume', VOLUME_BEFORE_MAX);
    if (d === 8) return this.#energy(c, e);
    return { kind: 'instant', at: this.#momentary(c, register) };
  }

  /** Active and reactive energies by quantity C; rates share the total so that they add up to it. */
  #energy(c: number, e: number): Quantity {
    const share = e === 0 ? 1 : e === 1 ? 1 - SECOND_RATE_SHARE : e === 2 ? SECOND_RATE_SHARE : 0;
    const shapes: Readonly<Record<number, LoadShape>> = {
      1: this.#import,
      2: this.#export,
      3: this.#reactiveImport,
      4: this.#reactiveExport,
      5: scaled(this.#reactiveImport, 0.9),
      6: scaled(this.#reactiveImport, 0.1),
      7: this.#reactiveExport === NOTHING ? NOTHING : scaled(this.#reactiveExport, 0.2),
      8: this.#reactiveExport === NOTHING ? NOTHING : scaled(this.#reactiveExport, 0.8),
      9: scaled(this.#import, 1.04),
      10: this.#export === NOTHING ? NOTHING : scaled(this.#export, 1.02),
    };
    return this.#total(shapes[c] ?? NOTHING, share, `energy-${c}`, ENERGY_BEFORE_MAX);
  }

  /** A total with what the meter had counted before 2025; a meter that never measures a thing shows 0. */
  #total(shape: LoadShape, share: number, label: string, beforeMax: number): Quantity {
    const before = shape === NOTHING ? 0 : noise(seedOf(this.#options.seed, `before-${label}`), 0) * beforeMax;
    return { kind: 'total', shape, share, start: before * share };
  }

  #momentary(c: number, register: RegisterRule): (utcMs: number) => number {
    const phase = c % 20;
    if (c === 14) return (utcMs) => 50 + 0.04 * (smoothNoise(this.#voltageSeed + 1, utcMs / 10_000) - 0.5);
    if (c === 13) return (utcMs) => 0.9 + 0.09 * smoothNoise(this.#voltageSeed + 2, utcMs / 600_000);
    if (phase === 12) return (utcMs) => this.#volts(utcMs, c);
    if (phase === 11) return (utcMs) => this.#watts(this.#import, utcMs) / this.#volts(utcMs, c);
    const shapes = [NOTHING, this.#import, this.#export, this.#reactiveImport, this.#reactiveExport];
    const shape = shapes[phase];
    if (shape !== undefined) return (utcMs) => this.#watts(shape, utcMs);
    return () => noise(seedOf(this.#options.seed, register.obis), 0) * 100;
  }

  /** A street's voltage: low in the evening, moved by the neighbours, never far from 230 V. */
  #volts(utcMs: number, c: number): number {
    const seed = this.#voltageSeed + c;
    const evening = Math.cos(2 * Math.PI * (this.#localMs(utcMs) / DAY_MS - 0.15));
    return (
      231 +
      2 * evening +
      3 * (smoothNoise(seed, utcMs / 1_800_000) - 0.5) +
      2 * (noise(seed, Math.floor(utcMs / MINUTE_MS)) - 0.5)
    );
  }

  /** Mean power of the last minute. */
  #watts(shape: LoadShape, utcMs: number): number {
    const localMs = this.#localMs(utcMs);
    return (shape.total(localMs) - shape.total(localMs - MINUTE_MS)) * 60;
  }
}

function generated(
  options: LoadOptions,
  label: string,
  pattern: DailyPattern,
  perDay: number,
  season: number,
  peakDay: number,
): LoadShape {
  return new GeneratedShape({ seed: seedOf(options.seed, label), pattern, perDay, season, peakDay });
}

/** Half of the electricity meters play a real household, the rest flats from the seed. */
function importShape(options: LoadOptions, draw: (label: string) => number): LoadShape {
  const household = options.households.at(Math.floor(draw('household') * options.households.length));
  if (options.medium === 'electricity' && household !== undefined && draw('real') < 0.5) {
    const weeks = Math.floor(draw('weeks') * 104);
    return new HouseholdShape(household, 0.5 + 1.2 * draw('size'), weeks, seedOf(options.seed, 'split'));
  }
  return generated(options, 'import', FLAT_PATTERN, 3000 + 14_000 * draw('size') ** 2, 0.3, WINTER_DAY);
}

/** Gas, water and heat, in the register's unit (m3; heat is counted the same way). */
function volumeShape(options: LoadOptions, draw: (label: string) => number): LoadShape {
  if (options.medium === 'water')
    return generated(options, 'water', WATER_PATTERN, 0.08 + 0.4 * draw('size'), 0.1, SUMMER_DAY);
  return generated(options, 'gas', HEATING_PATTERN, 1 + 8 * draw('size'), 0.45, WINTER_DAY);
}
