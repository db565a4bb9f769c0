/**
 * Meters behind a meter: an electricity meter that is the master of an M-Bus shows each channel as an M-Bus client (class 72),
 * whose attributes say which meter hangs there, and as objects `0-x:24...` with what it counted. Channels are given out as
 * meters are installed, so a profile writes its objects as of channel 1, wherever its meter hangs.
 *
 * Companion profiles: DSMR 4.2.2 and SMR 5 (values 0-x:24.2.1, hourly rows 0-x:24.3.0); Blue Book, class 72.
 */
import type { Data } from '../dlms/axdr/data.ts';
import { type ObisCode, obisFromOctets, obisGroups, obisOf, obisToOctets } from '../dlms/cosem/obis.ts';
import { scalerUnitOf, UNIT_NONE, unitSymbol } from '../dlms/cosem/units.ts';
import { IDENTIFICATION_DIGITS, type MbusIdentity } from '../mbus/identity.ts';
import { plainRequest, type ReadRequest } from './plan.ts';
import type { MbusRule, Profile, RegisterRule } from './schema/profile.ts';

const MBUS_CLIENT_CLASS = 72;
/** Identification number, manufacturer, version, device type; status. */
const IDENTITY_ATTRIBUTES = [6, 7, 8, 9, 11] as const;
const EXTENDED_REGISTER_CLASS = 4;
const SCALER_ATTRIBUTE = 3;
const CAPTURE_TIME_ATTRIBUTE = 5;
const OWN_CHANNEL = 1;

/** What hangs in a channel. */
export interface ChannelSight {
  readonly identity: MbusIdentity;
  /** Status octet of its last telegram (EN 13757-3), null = the master does not tell. */
  readonly status: number | null;
}

/** What is asked of a channel before anything that it holds is believed: who hangs there, and in which units it counts. */
export function channelRequests(profile: Profile, channel: number): readonly ReadRequest[] {
  const client = obisOf(0, channel, 24, 1, 0);
  return [
    ...IDENTITY_ATTRIBUTES.map((attribute) => plainRequest(MBUS_CLIENT_CLASS, client, attribute)),
    ...countedRegisters(profile).map(({ classId, obis }) =>
      plainRequest(classId, inChannel(obis as ObisCode, channel), SCALER_ATTRIBUTE),
    ),
  ];
}

/** Who hangs in the channel, from the answers to {@link channelRequests}, null where refused; null = nobody, or it is not told. */
export function channelSight(rule: MbusRule, answers: readonly (Data | null)[]): ChannelSight | null {
  const [number, manufacturer, version, deviceType, status] = answers.map(wholeOf);
  if (number === undefined || manufacturer === undefined || version === undefined || deviceType === undefined)
    return null;
  if (number === null || manufacturer === null || version === null || deviceType === null) return null;
  if (number === 0 && manufacturer === 0) return null;
  const digits = rule.identification === 'bcd' ? number.toString(16).toUpperCase() : number.toString();
  const identity = { number: digits.padStart(IDENTIFICATION_DIGITS, '0'), manufacturer, version, deviceType };
  return { identity, status: status ?? null };
}

/** Registers that count in another unit than their profile says, in words, from the answers to {@link channelRequests}. */
export function wrongUnits(profile: Profile, answers: readonly (Data | null)[]): readonly string[] {
  return countedRegisters(profile).flatMap((register, at) => {
    const unit = unitOf(answers[IDENTITY_ATTRIBUTES.length + at] ?? null);
    if (unit === null || unit === register.unit) return [];
    return [`${register.name} counts in ${unit || 'no unit'}, its profile says ${register.unit || 'none'}`];
  });
}

/** When the values of extended registers were captured from the M-Bus: they are older than the clock of the meter that tells them. */
export function captureTimeRequests(profile: Profile, registers: readonly RegisterRule[]): readonly ReadRequest[] {
  if (profile.through !== 'mbus-client') return [];
  return registers
    .filter(({ classId }) => classId === EXTENDED_REGISTER_CLASS)
    .map(({ classId, obis }) => plainRequest(classId, obis, CAPTURE_TIME_ATTRIBUTE));
}

/** The object of channel 1 in another channel, and the way back: 1 and `channel` change places, all else stays. */
export function inChannel(obis: ObisCode, channel: number): ObisCode {
  const { a, b, c, d, e, f } = obisGroups(obis);
  if (a !== 0 || (b !== OWN_CHANNEL && b !== channel)) return obis;
  return obisOf(a, b === channel ? OWN_CHANNEL : channel, c, d, e, f);
}

/** Capture objects of a buffer in a channel, as of channel 1, and the way back. */
export function columnsInChannel(data: Data, channel: number): Data {
  if (data.type === 'array' || data.type === 'structure')
    return { type: data.type, value: data.value.map((element) => columnsInChannel(element, channel)) };
  if (data.type !== 'octet-string' || data.value.length !== 6) return data;
  return { type: 'octet-string', value: obisToOctets(inChannel(obisFromOctets(data.value), channel)) };
}

function countedRegisters(profile: Profile): readonly RegisterRule[] {
  return profile.registers.filter(({ classId }) => classId === 3 || classId === EXTENDED_REGISTER_CLASS);
}

function wholeOf(data: Data | null): number | null {
  if (data === null) return null;
  return data.type === 'unsigned' || data.type === 'long-unsigned' || data.type === 'double-long-unsigned'
    ? data.value
    : null;
}

function unitOf(data: Data | null): string | null {
  if (data === null) return null;
  try {
    const told = scalerUnitOf(data);
    return told === null ? null : told.unit === UNIT_NONE ? '' : unitSymbol(told.unit);
  } catch {
    return null;
  }
}
