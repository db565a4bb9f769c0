/** Registers, data objects and setup objects of a simulated meter. */
import { toHex } from '../../../base/bytes.ts';
import type { Data } from '../../../dlms/axdr/data.ts';
import { parseObis } from '../../../dlms/cosem/obis.ts';
import { dateTimeData } from '../../../dlms/cosem/selective-access.ts';
import { scalerUnitData, UNIT_NONE, unitCode } from '../../../dlms/cosem/units.ts';
import type { ExactInteger } from '../../../model/number.ts';
import type { AttributeRule, HdlcRule, Profile, RegisterRule, ValueType } from '../../../profile/schema/profile.ts';
import { meterTimeOf } from '../../../profile/time.ts';
import type { Device } from '../device.ts';
import { type SimObject, simObject } from './object.ts';

const DEMAND_PERIOD_S = 900;

/** A value in the type that its register has. */
export function valueData(type: ValueType, value: ExactInteger): Data {
  return type === 'long64' || type === 'long64-unsigned'
    ? { type, value: BigInt(value) }
    : { type, value: Number(value) };
}

/** A moment by the meter's clock, as the meter writes it. */
export function momentData(device: Device, utcMs: number): Data {
  return dateTimeData(meterTimeOf(utcMs, device.profile.clock, device.timeZone));
}

/** The object of a register: class 1, 3, 4 or 5, whichever the profile says. */
export function registerObject(device: Device, register: RegisterRule): SimObject {
  const value = () => valueData(register.type, device.registerAt(register, device.nowMs));
  const scalerUnit = () =>
    scalerUnitData({
      scaler: register.exponent,
      unit: register.unit === '' ? UNIT_NONE : (unitCode(register.unit) ?? UNIT_NONE),
    });
  const now = () => momentData(device, device.nowMs);
  const status = (): Data => ({ type: 'unsigned', value: 0 });
  const parts = { classId: register.classId, version: 0, obis: parseObis(register.obis) };
  switch (register.classId) {
    case 1:
      return simObject({ ...parts, values: { 2: value } });
    case 4:
      return simObject({ ...parts, values: { 2: value, 3: scalerUnit, 4: status, 5: now } });
    case 5: {
      const period = (): Data => ({ type: 'double-long-unsigned', value: DEMAND_PERIOD_S });
      const one = (): Data => ({ type: 'long-unsigned', value: 1 });
      return simObject({
        ...parts,
        values: { 2: value, 3: value, 4: scalerUnit, 5: status, 6: now, 7: now, 8: period, 9: one },
      });
    }
    default:
      return simObject({ ...parts, values: { 2: value, 3: scalerUnit } });
  }
}

/** A text of the meter: what the profile calls it decides what it says. */
export function textObject(device: Device, rule: AttributeRule): SimObject {
  const value = () => new TextEncoder().encode(textOf(device, rule.name));
  return simObject({
    classId: rule.classId,
    version: 0,
    obis: parseObis(rule.obis),
    isPublic: true,
    values: { [rule.attribute]: () => ({ type: 'octet-string', value: value() }) },
  });
}

function textOf(device: Device, name: string): string {
  if (name === 'firmware') return device.firmware.version;
  if (name === 'logical-device-name') return logicalDeviceName(device.profile, device.serial);
  if (name === 'meter-type') return device.profile.model.toUpperCase();
  if (name === 'serial-number' || name === 'meter-number') return device.serial;
  return `${name}-${toHex(Uint8Array.of(Math.floor(device.drawn(name) * 256)))}`;
}

/** Three letters of the maker, as the profile recognises them, and the serial number. */
export function logicalDeviceName(profile: Profile, serial: string): string {
  const maker = /^\^?([A-Za-z]{3})/.exec(profile.recognise.logicalDeviceName?.source ?? '')?.[1] ?? 'SIM';
  return `${maker}${serial}`;
}

/** SAP assignment (class 17): the one logical device. */
export function sapAssignmentObject(device: Device, logicalDevice: number): SimObject {
  const name = new TextEncoder().encode(logicalDeviceName(device.profile, device.serial));
  const entry: Data = {
    type: 'structure',
    value: [
      { type: 'long-unsigned', value: logicalDevice },
      { type: 'octet-string', value: name },
    ],
  };
  const values = { 2: (): Data => ({ type: 'array', value: [entry] }) };
  return simObject({ classId: 17, version: 0, obis: parseObis('0-0:41.0.0*255'), isPublic: true, values });
}

const INTER_OCTET_MS = 30;
const INACTIVITY_S = 120;
/** Code of 9,600 Bd in class 23. */
const BAUD_9600_CODE = 5;

/** HDLC setup (class 23) as the profile has it. */
export function hdlcSetupObject(device: Device, hdlc: HdlcRule): SimObject {
  const u8 = (value: number) => (): Data => ({ type: 'unsigned', value });
  const u16 = (value: number) => (): Data => ({ type: 'long-unsigned', value });
  return simObject({
    classId: 23,
    version: 1,
    obis: parseObis('0-0:22.0.0*255'),
    values: {
      2: () => ({ type: 'enum', value: BAUD_9600_CODE }),
      3: u8(hdlc.window),
      4: u8(hdlc.window),
      5: u16(hdlc.informationMaxOctets),
      6: u16(hdlc.informationMaxOctets),
      7: u16(INTER_OCTET_MS),
      8: u16(INACTIVITY_S),
      9: u16(hdlc.physicalDevice.addressOf(device.serial)),
    },
  });
}
