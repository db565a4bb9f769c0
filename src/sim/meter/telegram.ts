/**
 * The telegram of a simulated meter on its P1 port, from the registers and texts of its profile. Registers of sub-meters
 * (0-n:24.2.n) are captured every five minutes, as gas and water meters send them.
 */
import { toHex } from '../../base/bytes.ts';
import { CLOCK_STATUS, type CosemDateTime } from '../../dlms/cosem/datetime.ts';
import { UNIT_NONE, unitCode } from '../../dlms/cosem/units.ts';
import { p1Telegram } from '../../dlms/frame/p1-frame.ts';
import { type DataLine, dataLineText } from '../../dlms/telegram/data-lines.ts';
import { decimalText } from '../../dlms/telegram/decimal.ts';
import type { AttributeRule, PushRule, RegisterRule } from '../../profile/schema/profile.ts';
import { meterTimeOf } from '../../profile/time.ts';
import type { Device } from './device.ts';

const IDENTIFICATION = '/DWT5SIM';
const SUB_METER = /^0-[1-9]\d*:/;
const TEXT = /:96\.1\./;
const SUB_METER_PERIOD_MS = 300_000;
/** Digits of energies and volumes in front of the point and behind it. */
const TOTAL = { width: 9, places: 3 };
const INSTANT = { width: 3, places: 0 };

/** What the meter sends now. */
export function p1TelegramOf(device: Device, rule: PushRule): Uint8Array {
  const { registers, attributes } = device.profile;
  const lines: DataLine[] = [
    { address: '0-0:1.0.0', fields: [{ value: timeText(device, device.nowMs), unit: null }] },
    ...attributes.map((attribute) => textLine(device, rule, attribute)),
    ...registers.map((register) => registerLine(device, register)),
  ];
  const text = `${IDENTIFICATION}\r\n\r\n${lines.map((line) => `${dataLineText(line)}\r\n`).join('')}!`;
  return p1Telegram(text, true);
}

function registerLine(device: Device, register: RegisterRule): DataLine {
  const address = withoutF(register.obis);
  const isSubMeter = SUB_METER.test(address);
  const atMs = isSubMeter ? Math.floor(device.nowMs / SUB_METER_PERIOD_MS) * SUB_METER_PERIOD_MS : device.nowMs;
  const unit = register.unit === '' ? UNIT_NONE : (unitCode(register.unit) ?? UNIT_NONE);
  const isKilo = /^(W|var|VA)h?$/.test(register.unit);
  const form = isKilo || register.unit === 'm3' ? TOTAL : { ...INSTANT, places: Math.max(0, -register.exponent) };
  const value = decimalText(
    device.registerAt(register, atMs),
    { scaler: register.exponent, unit },
    { ...form, isKilo },
  );
  return { address, fields: [...(isSubMeter ? [{ value: timeText(device, atMs), unit: null }] : []), value] };
}

/** What the list is recognised by stands in it; identifiers are written in hexadecimal. */
function textLine(device: Device, rule: PushRule, { obis }: AttributeRule): DataLine {
  const address = withoutF(obis);
  const literal = rule.obisText?.obis === obis ? /[A-Za-z0-9]+/.exec(rule.obisText.pattern.source)?.[0] : undefined;
  const text = `${SUB_METER.test(address) ? 'G' : ''}${device.serial}`;
  const hex = toHex(new TextEncoder().encode(text)).toUpperCase();
  return { address, fields: [{ value: literal ?? (TEXT.test(address) ? hex : text), unit: null }] };
}

function withoutF(obis: string): string {
  return obis.replace(/\*255$/, '');
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
