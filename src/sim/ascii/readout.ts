/** What a simulated meter that speaks ASCII tells: the registers of its profile at the present minute, and rows of its load profile. */
import { type AsciiProfilePart, asciiProfileText } from '../../dlms/ascii/load-profile.ts';
import { asciiMoment, asciiMomentText } from '../../dlms/ascii/moment.ts';
import { UNIT_NONE, unitCode } from '../../dlms/cosem/units.ts';
import { type DataLine, dataLineText } from '../../dlms/telegram/data-lines.ts';
import { decimalText } from '../../dlms/telegram/decimal.ts';
import type { ExactInteger } from '../../model/number.ts';
import { asciiProfileName } from '../../profile/ascii-readout.ts';
import type { BufferRule, RegisterRule } from '../../profile/schema/profile.ts';
import { meterTimeOf, placeTime } from '../../profile/time.ts';
import type { Device } from '../meter/device.ts';
import type { ToldRow } from '../meter/telegram.ts';

const MINUTE_MS = 60_000;
const NUMBER = '0.0.0';
/** Digits of a value. */
const WIDTH = 9;

/** Its data message up to and including the `!`, and which values that tells. */
export function asciiReadOutOf(device: Device): { readonly text: string; readonly told: Omit<ToldRow, 'device'> } {
  const atMs = Math.floor(device.nowMs / MINUTE_MS) * MINUTE_MS;
  const registers = device.profile.registers.filter(({ periodS }) => periodS > 0);
  const values = registers.map((register) => device.registerAt(register, atMs));
  const moment = asciiMomentText(meterTimeOf(atMs, device.profile.clock, device.timeZone), 13);
  const plain = (address: string, value: string): DataLine => ({ address, fields: [{ value, unit: null }] });
  const lines = [
    plain(NUMBER, device.serial),
    plain('0.9.1', `${moment.slice(0, 1)}${moment.slice(7)}`),
    plain('0.9.2', moment.slice(0, 7)),
    ...registers.map((register, at) => ({ address: codeOf(register), fields: [fieldOf(register, values[at] ?? 0)] })),
  ];
  return { text: `${lines.map((line) => `${dataLineText(line)}\r\n`).join('')}!`, told: { atMs, registers, values } };
}

/** Its answer to the data of a formatted read; null = it does not have that. */
export function asciiAnswerOf(device: Device, asked: string): string | null {
  if (asked === `${NUMBER}()`) return `${NUMBER}(${device.serial})\r\n`;
  const [, name = '', from = '', to = ''] = /^(P\.\d\d)\((\d*);(\d*)\)$/.exec(asked) ?? [];
  const rule = device.profile.buffers.find((buffer) => asciiProfileName(buffer) === name);
  if (rule === undefined) return null;
  const bound = (text: string, otherwise: number) => (text === '' ? otherwise : (momentIn(device, text) ?? otherwise));
  const fromMs = Math.max(bound(from, 0), device.heldSinceMs(rule) + 1);
  const ends = [...device.ends(rule, fromMs - 1)].filter((atMs) => atMs <= bound(to, Number.POSITIVE_INFINITY));
  const text = asciiProfileText(partsOf(device, rule, ends));
  return text === '' ? `${name}()\r\n` : text;
}

function momentIn(device: Device, text: string): number | null {
  const time = asciiMoment(text);
  const { clock } = device.profile;
  return time === null
    ? null
    : (placeTime(time, clock, { siteZone: device.timeZone, previousAtMs: null, daylight: null })?.atMs ?? null);
}

/** A header where the first row is, where one is missing, and where the clocks are set. */
function partsOf(device: Device, rule: BufferRule, ends: readonly number[]): AsciiProfilePart[] {
  const registers = rule.columns.flatMap((column) => (column.kind === 'register' ? [column.register] : []));
  const channels = registers.map((register) => ({ id: codeOf(register), unit: fieldOf(register, 0).unit ?? '' }));
  const parts: (AsciiProfilePart & { readonly rows: string[][] })[] = [];
  let beforeMs = Number.NEGATIVE_INFINITY;
  let season = '';
  for (const atMs of ends) {
    const time = asciiMomentText(meterTimeOf(atMs, device.profile.clock, device.timeZone), 13);
    if (atMs - beforeMs !== rule.intervalS * 1000 || time.slice(0, 1) !== season)
      parts.push({
        name: asciiProfileName(rule),
        time,
        status: Uint8Array.of(0),
        intervalMin: rule.intervalS / 60,
        channels,
        rows: [],
      });
    const { values } = device.rowAt(rule, atMs);
    parts.at(-1)?.rows.push(registers.map((register, at) => fieldOf(register, values[at] ?? 0).value));
    beforeMs = atMs;
    season = time.slice(0, 1);
  }
  return parts;
}

function codeOf({ line, obis }: RegisterRule): string {
  return line ?? obis.replace(/^\d+-\d+:/, '').replace(/\*255$/, '');
}

function fieldOf(
  { unit: symbol, exponent }: RegisterRule,
  value: ExactInteger,
): { readonly value: string; readonly unit: string | null } {
  const unit = symbol === '' ? UNIT_NONE : (unitCode(symbol) ?? UNIT_NONE);
  const isKilo = /^(W|var|VA)h?$/.test(symbol);
  const places = Math.max(0, (isKilo ? 3 : 0) - exponent);
  return decimalText(value, { scaler: exponent, unit }, { width: WIDTH, places, isKilo });
}
