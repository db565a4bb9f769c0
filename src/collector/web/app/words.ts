/** Plain words and exact numbers. */
import { decimalText, type ExactInteger } from '../../../model/number.ts';

/** What an electricity code means, by its groups C.D (IEC 62056-61). */
const OBIS_WORDS: Readonly<Record<string, string>> = {
  '1.8': 'Energy from the grid',
  '2.8': 'Energy to the grid',
  '3.8': 'Reactive energy taken',
  '4.8': 'Reactive energy fed in',
  '1.7': 'Power taken now',
  '2.7': 'Power fed in now',
  '32.7': 'Voltage, phase 1',
  '52.7': 'Voltage, phase 2',
  '72.7': 'Voltage, phase 3',
  '31.7': 'Current, phase 1',
  '51.7': 'Current, phase 2',
  '71.7': 'Current, phase 3',
  '13.7': 'Power factor',
  '14.7': 'Frequency',
};

/** What the code of another commodity means, by its groups A:C.D. */
const OTHER_WORDS: Readonly<Record<string, string>> = {
  '6:1.0': 'Heat used',
  '7:3.0': 'Gas used',
  '7:3.1': 'Gas used, converted volume',
  '7:43.2': 'Gas flow now',
  '8:1.0': 'Water used',
  '8:2.0': 'Water flow now',
  '9:1.0': 'Hot water used',
};

/** Registers of other commodities that only grow, by their groups A:C.D. */
const OTHER_TOTALS: ReadonlySet<string> = new Set(['6:1.0', '7:3.0', '7:3.1', '8:1.0', '9:1.0']);

/** Commodities as the API names them. */
export const COMMODITY_WORDS: Readonly<Record<string, string>> = {
  electricity: 'Electricity',
  gas: 'Gas',
  water: 'Water',
  heat: 'Heat',
  cooling: 'Cooling',
  'hot-water': 'Hot water',
  other: 'Other',
};

interface ObisParts {
  readonly medium: string;
  readonly quantity: string;
  readonly tariff: string;
}

function partsOf(obis: string): ObisParts {
  const [, medium = '', quantity = '', tariff = ''] = /^(\d+)-\d+:(\d+\.\d+)\.(\d+)/.exec(obis) ?? [];
  return { medium, quantity, tariff };
}

/** A channel in words; with a tariff when it has one. */
export function obisWords(obis: string): string {
  const { medium, quantity, tariff } = partsOf(obis);
  const words = medium === '1' ? OBIS_WORDS[quantity] : OTHER_WORDS[`${medium}:${quantity}`];
  if (words === undefined) return obis;
  return tariff === '0' ? words : `${words}, tariff ${tariff}`;
}

/** Whether the register only grows: its differences are use. */
export function isCumulative(obis: string): boolean {
  const { medium, quantity } = partsOf(obis);
  return medium === '1' ? /\.8$/.test(quantity) : OTHER_TOTALS.has(`${medium}:${quantity}`);
}

/** Whether the register is one of electricity. */
export function isElectricity(obis: string): boolean {
  return partsOf(obis).medium === '1';
}

/** A unit as people write it. */
export function unitWords(unit: string): string {
  return UNITS[unit] ?? unit;
}

/** A share in percent, never rounded up to 100. */
export function shareText(part: number, whole: number): string {
  if (whole === 0 || part === whole) return '100 %';
  return `${(Math.floor((part / whole) * 1_000) / 10).toFixed(1)} %`;
}

/** An interval length in words. */
export function intervalWords(intervalS: number): string {
  if (intervalS === 0) return 'as read';
  if (intervalS % 86_400 === 0) return intervalS === 86_400 ? 'daily' : `every ${intervalS / 86_400} days`;
  if (intervalS % 3_600 === 0) return intervalS === 3_600 ? 'hourly' : `every ${intervalS / 3_600} h`;
  return `every ${Math.round(intervalS / 60)} min`;
}

const UNITS: Readonly<Record<string, string>> = { varh: 'varh', m3: 'm³', m3_h: 'm³/h' };

/** A value as the API gave it. */
export function exactOf(value: number | string): ExactInteger {
  return typeof value === 'number' ? value : BigInt(value);
}

/** `12,345.678 kWh`: exact digits in groups, in the thousand that reads best. */
export function valueText(value: number | string, exponent: number, unit: string): string {
  const isEnergy = unit === 'Wh' || unit === 'varh' || unit === 'W' || unit === 'VAh';
  const shift = isEnergy && Math.abs(Number(value)) * 10 ** exponent >= 1_000 ? 3 : 0;
  const digits = grouped(decimalText(exactOf(value), exponent - shift));
  return `${digits} ${shift === 3 ? 'k' : ''}${UNITS[unit] ?? unit}`.trim();
}

function grouped(decimal: string): string {
  const [whole = '', fraction] = decimal.split('.');
  const text = whole.replace(/\B(?=(\d{3})+$)/g, ' ');
  return fraction === undefined ? text : `${text}.${fraction}`;
}

/** A count in groups of digits. */
export function countText(count: number): string {
  return grouped(String(count));
}

/** `2 meters`, `1 meter`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${countText(count)} ${count === 1 ? one : many}`;
}

/** `3 min ago`. */
export function agoText(atMs: number | undefined, nowMs: number): string {
  if (atMs === undefined) return 'never';
  const ageS = Math.round((nowMs - atMs) / 1_000);
  if (ageS < -60) return 'in the future';
  if (ageS < 60) return 'just now';
  if (ageS < 3_600) return `${Math.floor(ageS / 60)} min ago`;
  if (ageS < 86_400) return `${Math.floor(ageS / 3_600)} h ago`;
  return `${Math.floor(ageS / 86_400)} d ago`;
}

/** `1 Mar 2026, 12:45`; in the meter's zone when it has one. */
export function timeText(atMs: number, timeZone?: string, withSeconds = false): string {
  return new Intl.DateTimeFormat('en-GB', {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    ...(withSeconds ? { second: '2-digit' } : {}),
    ...(timeZone === undefined ? {} : { timeZone }),
  }).format(atMs);
}

/** `12:45` on the day of `nowMs`, with its date on any other. */
export function shortTimeText(atMs: number, nowMs: number, timeZone?: string): string {
  const day = new Intl.DateTimeFormat('en-GB', { dateStyle: 'short', ...(timeZone === undefined ? {} : { timeZone }) });
  return day.format(atMs) === day.format(nowMs) ? `today, ${clockText(atMs, timeZone)}` : timeText(atMs, timeZone);
}

/** `12:45`. */
export function clockText(atMs: number, timeZone?: string): string {
  return new Intl.DateTimeFormat('en-GB', {
    hour: '2-digit',
    minute: '2-digit',
    ...(timeZone === undefined ? {} : { timeZone }),
  }).format(atMs);
}

/** How a state looks and reads. */
export interface StateWords {
  readonly words: string;
  readonly tone: 'good' | 'warn' | 'bad' | 'calm';
}

/** States of meters. */
export const METER_STATE_WORDS: Readonly<Record<string, StateWords>> = {
  reachable: { words: 'Answering', tone: 'good' },
  listening: { words: 'Sending by itself', tone: 'good' },
  silent: { words: 'Not answering', tone: 'bad' },
  garbled: { words: 'Answers are unreadable', tone: 'bad' },
  refused: { words: 'Refuses the reading', tone: 'bad' },
  babbling: { words: 'Talks out of turn', tone: 'warn' },
  reconfigured: { words: 'Records other columns', tone: 'bad' },
  'permanent-failure': { words: 'Given up, called hourly', tone: 'bad' },
  'other-meter': { words: 'Another meter answers', tone: 'bad' },
  'address-conflict': { words: 'Two meters, one address', tone: 'bad' },
  'wrong-profile': { words: 'Not of this model', tone: 'bad' },
  'no-key': { words: 'Its keys are missing', tone: 'bad' },
  'clock-wrong': { words: 'Its clock is wrong', tone: 'warn' },
  'buffer-cleared': { words: 'Its buffer was cleared', tone: 'warn' },
  unknown: { words: 'Not tried yet', tone: 'calm' },
};

/** States of commands. */
export const COMMAND_STATE_WORDS: Readonly<Record<string, StateWords>> = {
  stored: { words: 'Waiting', tone: 'calm' },
  sent: { words: 'On its way', tone: 'calm' },
  accepted: { words: 'At the concentrator', tone: 'calm' },
  started: { words: 'Talking to the meter', tone: 'calm' },
  done: { words: 'Done', tone: 'good' },
  refused: { words: 'Refused', tone: 'bad' },
  failed: { words: 'Failed', tone: 'bad' },
  expired: { words: 'Too late', tone: 'warn' },
  uncertain: { words: 'Uncertain', tone: 'warn' },
  cancelled: { words: 'Cancelled', tone: 'calm' },
};

/** Where the re-reading of lost intervals stands. */
export const REREAD_WORDS: Readonly<Record<string, string>> = {
  waiting: 'To be looked up',
  ordered: 'Ordered',
  arrived: 'Arrived without an order',
  done: 'Read again',
  partly: 'Partly read again',
  gone: 'Lost: overwritten in the meter',
  refused: 'Not read by the concentrator',
  'given-up': 'No answer',
};

/** Causes of gaps. */
export const GAP_WORDS: Readonly<Record<string, string>> = {
  'not-due': 'Not due yet',
  'buffered-at-edge': 'Waiting at the concentrator',
  'missing-in-meter': 'Missing in the meter',
  'readable-from-meter': 'Still in the meter',
  'overwritten-in-meter': 'Lost: overwritten in the meter',
  'evicted-at-edge': 'Lost: dropped by the concentrator',
  'damaged-at-edge': 'Lost: store of the concentrator damaged',
  'meter-off': 'Meter had no supply',
  'not-installed': 'Meter not installed',
  'read-refused': 'Meter refused the reading',
};
