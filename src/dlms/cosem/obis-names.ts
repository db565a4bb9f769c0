/**
 * What an OBIS code measures, as a word for programs: `1-0:1.8.0*255` is `active-energy-import`. Groups A, C, D and E of
 * IEC 62056-61 (electricity: C quantity and phase, D processing, E rate; gas, water and heat: the usual volumes and energies).
 * Only codes whose meaning is the same in every market are here; anything else has no name, and nobody guesses one.
 */

import { type ObisCode, obisGroups } from './obis.ts';

/** What is measured, by group A. */
export type ObisMedium = 'electricity' | 'heat' | 'gas' | 'water';

const MEDIA: Readonly<Record<number, ObisMedium>> = {
  1: 'electricity',
  5: 'heat',
  6: 'heat',
  7: 'gas',
  8: 'water',
  9: 'water',
};

/** The medium of group A, or null (0 = abstract objects, M-Bus channels among them). */
export function mediumOf(obis: ObisCode): ObisMedium | null {
  return MEDIA[obisGroups(obis).a] ?? null;
}

/** Objects that mean one thing, by `A:C.D.E`; of abstract ones, B above 0 is a channel. */
const FIXED: Readonly<Record<string, string>> = {
  '0:1.0.0': 'clock',
  '0:42.0.0': 'logical-device-name',
  '0:96.1.0': 'serial-number',
  '0:96.1.1': 'meter-number',
  '0:96.1.7': 'meter-type',
  '0:96.3.10': 'relay',
  '0:99.98.0': 'event-log',
  '0:40.0.0': 'association',
  '0:41.0.0': 'sap-assignment',
  '0:22.0.0': 'hdlc-setup',
  '0:10.0.0': 'reset-scripts',
  '0:13.0.0': 'activity-calendar',
  '0:11.0.0': 'special-days',
  '0:43.0.0': 'security-setup',
  '0:44.0.0': 'image-transfer',
  '0:25.9.0': 'push-setup',
  '1:0.2.0': 'firmware',
  '1:99.1.0': 'load-profile',
  '1:99.2.0': 'daily-profile',
  '1:98.1.0': 'monthly-billing',
  '7:0.0.0': 'serial-number',
  '7:3.0.0': 'volume',
  '8:0.0.0': 'serial-number',
  '8:1.0.0': 'volume',
  '9:0.0.0': 'serial-number',
  '9:1.0.0': 'volume',
  '6:0.0.0': 'serial-number',
  '6:1.0.0': 'energy',
  '6:2.0.0': 'volume',
};

/** Energy and power of group C; phases L1 to L3 add 20, 40, 60. */
const QUANTITIES: Readonly<Record<number, readonly [kind: string, direction: string]>> = {
  1: ['active', 'import'],
  2: ['active', 'export'],
  3: ['reactive', 'import'],
  4: ['reactive', 'export'],
  5: ['reactive', 'q1'],
  6: ['reactive', 'q2'],
  7: ['reactive', 'q3'],
  8: ['reactive', 'q4'],
  9: ['apparent', 'import'],
  10: ['apparent', 'export'],
  15: ['active', 'sum'],
  16: ['active', 'net'],
};

/** Values that have no direction. */
const PLAIN_QUANTITIES: Readonly<Record<number, string>> = {
  11: 'current',
  12: 'voltage',
  13: 'power-factor',
  14: 'frequency',
};

/** Group D: what is done with the quantity. */
const PROCESSINGS: Readonly<Record<number, string>> = {
  2: 'power-cumulative-maximum',
  4: 'power-average',
  5: 'power-last-average',
  6: 'power-maximum',
  7: 'power',
  8: 'energy',
  9: 'energy-since-reset',
  29: 'energy-interval',
};

const INSTANTANEOUS = 7;
const PHASE_STEP = 20;
/** M-Bus channel values (Blue Book, M-Bus master: 0-b:24.2.e). */
const MBUS_VALUES = 24;

/** The word of a code, or null when its meaning is not certain. */
export function obisName(obis: ObisCode): string | null {
  const { a, b, c, d, e } = obisGroups(obis);
  const fixed = FIXED[`${a}:${c}.${d}.${e}`];
  if (fixed !== undefined) return a === 0 && b > 0 ? `channel-${b}-${fixed}` : fixed;
  if (a === 0) return c === MBUS_VALUES && d === 2 && b > 0 ? `channel-${b}-value-${e}` : null;
  return a === 1 ? electricityName(c, d, e) : null;
}

function electricityName(c: number, d: number, e: number): string | null {
  const phase = c > PHASE_STEP && c <= 80 ? Math.floor((c - 1) / PHASE_STEP) : 0;
  const quantity = c - phase * PHASE_STEP;
  const suffix = `${phase === 0 ? '' : `-l${phase}`}${e === 0 ? '' : `-rate-${e}`}`;
  const plain = PLAIN_QUANTITIES[quantity];
  if (plain !== undefined) return d === INSTANTANEOUS ? `${plain}${suffix}` : null;
  const [kind, direction] = QUANTITIES[quantity] ?? [];
  const processing = PROCESSINGS[d];
  if (kind === undefined || processing === undefined) return null;
  const [base = '', ...rest] = processing.split('-');
  return [kind, base, direction, ...rest].join('-') + suffix;
}
