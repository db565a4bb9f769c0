/**
 * The telegram of a simulated meter on its P1 port, from the registers and texts of its profile, and of the gas and water meters that
 * hang on it: each has a channel (0-n:...), in the order in which they were hung, and is captured every five minutes.
 */
import { toHex } from '../../base/bytes.ts';
import { CLOCK_STATUS, type CosemDateTime } from '../../dlms/cosem/datetime.ts';
import { UNIT_NONE, unitCode } from '../../dlms/cosem/units.ts';
import { p1Telegram } from '../../dlms/frame/p1-frame.ts';
import { type DataLine, dataLineText } from '../../dlms/telegram/data-lines.ts';
import { decimalText } from '../../dlms/telegram/decimal.ts';
import type { ExactInteger } from '../../model/number.ts';
import type { AttributeRule, Profile, PushRule, RegisterRule } from '../../profile/schema/profile.ts';
import { meterTimeOf } from '../../profile/time.ts';
import type { Device } from './device.ts';

/** A port: the meter that has it, and what hangs on it, channel 1 first. */
export interface P1Port {
  readonly device: Device;
  readonly behind: readonly Device[];
}

/** What a telegram tells of one meter at one moment. */
export interface ToldRow {
  readonly device: Device;
  /** By that meter's clock, whole seconds, UTC ms. */
  readonly atMs: number;
  readonly registers: readonly RegisterRule[];
  /** One for each register. */
  readonly values: readonly ExactInteger[];
}

const IDENTIFICATION = '/DWT5SIM';
const SUB_METER = /^0-[1-9]\d*:/;
const OWN_CHANNEL = /^0-1:/;
const TEXT = /:96\.1\./;
const SECOND_MS = 1_000;
const SUB_METER_PERIOD_MS = 300_000;
/** Digits of energies and volumes in front of the point and behind it. */
const TOTAL = { width: 9, places: 3 };
const INSTANT = { width: 3, places: 0 };
/** Device types of M-Bus (EN 13757-3), as 0-n:24.1.0 tells them. */
const DEVICE_TYPES = { electricity: '002', gas: '003', heat: '004', water: '007' } as const;
const EQUIPMENT_ID_DIGITS = 16;

/** Whether meters of this model only speak through the port of another one. */
export function isSubMeter({ push, registers }: Profile): boolean {
  return (
    push.some(({ encoding }) => encoding === 'p1') &&
    registers.length > 0 &&
    registers.every(({ obis }) => isOfSub(obis))
  );
}

/** How a meter that hangs on a port is known there: a letter of what it measures and its serial number. */
export function equipmentIdOf({ profile, serial }: Device): string {
  return `${profile.medium.slice(0, 1).toUpperCase()}${serial.padStart(EQUIPMENT_ID_DIGITS, '0')}`;
}

/** What the meter sends now, and which values that tells. */
export function p1TelegramOf(
  { device, behind }: P1Port,
  rule: PushRule,
): { readonly octets: Uint8Array; readonly told: readonly ToldRow[] } {
  const { registers, attributes } = device.profile;
  const isOwn = ({ obis }: { readonly obis: string }) => behind.length === 0 || !isOfSub(obis);
  const own = rowsOf(device, registers.filter(isOwn));
  const parts = behind.map((sub, at) => ({ sub, channel: at + 1, rows: rowsOf(sub, sub.profile.registers) }));
  const lines: DataLine[] = [
    { address: '0-0:1.0.0', fields: [{ value: timeText(device, secondOf(device)), unit: null }] },
    ...attributes.filter(isOwn).map((attribute) => textLine(device, rule, attribute)),
    ...own.flatMap(registerLines),
    ...parts.flatMap(({ sub, channel, rows }) =>
      [
        { address: '0-1:24.1.0', fields: [{ value: DEVICE_TYPES[sub.profile.medium], unit: null }] },
        ...sub.profile.attributes.slice(0, 1).map((attribute) => textLine(sub, rule, attribute)),
        ...rows.flatMap(registerLines),
      ].map((line) => ({ ...line, address: line.address.replace(OWN_CHANNEL, `0-${channel}:`) })),
    ),
  ];
  const text = `${IDENTIFICATION}\r\n\r\n${lines.map((line) => `${dataLineText(line)}\r\n`).join('')}!`;
  return { octets: p1Telegram(text, true), told: [...own, ...parts.flatMap(({ rows }) => rows)] };
}

/** Registers of the moment, and those that are captured from time to time. */
function rowsOf(device: Device, registers: readonly RegisterRule[]): ToldRow[] {
  const now = secondOf(device);
  const captured = Math.floor(now / SUB_METER_PERIOD_MS) * SUB_METER_PERIOD_MS;
  const times = [
    { atMs: now, of: registers.filter(({ obis }) => !isOfSub(obis)) },
    { atMs: captured, of: registers.filter(({ obis }) => isOfSub(obis)) },
  ];
  return times
    .filter(({ of }) => of.length > 0)
    .map(({ atMs, of }) => ({
      device,
      atMs,
      registers: of,
      values: of.map((register) => device.registerAt(register, atMs)),
    }));
}

function registerLines({ device, atMs, registers, values }: ToldRow): DataLine[] {
  return registers.map((register, at) => {
    const unit = register.unit === '' ? UNIT_NONE : (unitCode(register.unit) ?? UNIT_NONE);
    const isKilo = /^(W|var|VA)h?$/.test(register.unit);
    const form = isKilo || register.unit === 'm3' ? TOTAL : { ...INSTANT, places: Math.max(0, -register.exponent) };
    const value = decimalText(values[at] ?? 0, { scaler: register.exponent, unit }, { ...form, isKilo });
    const time = isOfSub(register.obis) ? [{ value: timeText(device, atMs), unit: null }] : [];
    return { address: withoutF(register.obis), fields: [...time, value] };
  });
}

/** What the list is recognised by stands in it; identifiers are written in hexadecimal. */
function textLine(device: Device, rule: PushRule, { obis }: AttributeRule): DataLine {
  const address = withoutF(obis);
  const literal = rule.obisText?.obis === obis ? /[A-Za-z0-9]+/.exec(rule.obisText.pattern.source)?.[0] : undefined;
  const text = isOfSub(obis) ? equipmentIdOf(device) : device.serial;
  const hex = toHex(new TextEncoder().encode(text)).toUpperCase();
  return { address, fields: [{ value: literal ?? (TEXT.test(address) ? hex : text), unit: null }] };
}

function isOfSub(obis: string): boolean {
  return SUB_METER.test(obis);
}

function withoutF(obis: string): string {
  return obis.replace(/\*255$/, '');
}

/** The last whole second by the meter's clock: finer a telegram tells no time. */
function secondOf({ nowMs }: Device): number {
  return Math.floor(nowMs / SECOND_MS) * SECOND_MS;
}

/** `YYMMDDhhmmss` and S in summer or W in winter. */
function timeText(device: Device, utcMs: number): string {
  const time = meterTimeOf(utcMs, device.profile.clock, device.timeZone);
  const parts = [(time.year ?? 0) % 100, time.month, time.day, time.hour, time.minute, time.second];
  const digits = parts.map((part) => String(part ?? 0).padStart(2, '0')).join('');
  return `${digits}${isSummer(time) ? 'S' : 'W'}`;
}

function isSummer({ status }: CosemDateTime): boolean {
  return status !== CLOCK_STATUS.notSpecified && (status & CLOCK_STATUS.daylightSavingActive) !== 0;
}
