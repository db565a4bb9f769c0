/**
 * Objects of the M-Bus of a simulated electricity meter: an M-Bus client (class 72) for each channel, and for a channel that
 * was ever taken the values, texts and hourly rows of what hangs there. The rows go on over an exchange, as in a real meter:
 * whoever reads them must know whose they are.
 */
import type { Data } from '../../../dlms/axdr/data.ts';
import { type ObisCode, obisOf, parseObis } from '../../../dlms/cosem/obis.ts';
import { scalerUnitData, UNIT_NONE, unitCode } from '../../../dlms/cosem/units.ts';
import { RESULT } from '../../../dlms/session/object-model.ts';
import type { MbusIdentity } from '../../../mbus/identity.ts';
import type { MbusRule, RegisterRule } from '../../../profile/schema/profile.ts';
import { columnsInChannel, inChannel } from '../../../profile/sub-meter.ts';
import type { Device } from '../device.ts';
import { lastIntervalEnd } from '../intervals.ts';
import { bufferOf } from './buffer.ts';
import { momentData, textObject, valueData } from './measurements.ts';
import { type SimObject, simObject } from './object.ts';

const CAPTURE_PERIOD_S = 3_600;
const NOBODY: MbusIdentity = { number: '00000000', manufacturer: 0, version: 0, deviceType: 0 };

/** A channel as its objects see it. */
export interface ServedChannel {
  /** From 1. */
  readonly channel: number;
  /** Everything that ever hung there, oldest first; the last one hangs there now, unless it was removed. */
  readonly devices: readonly Device[];
  readonly identity: MbusIdentity | null;
  readonly status: number;
}

/** The M-Bus client of a channel. */
export function mbusClientObject(rule: MbusRule, served: ServedChannel): SimObject {
  const u8 = (value: () => number) => (): Data => ({ type: 'unsigned', value: value() });
  const identity = () => served.identity ?? NOBODY;
  return simObject({
    classId: 72,
    version: rule.identification === 'bcd' ? 0 : 1,
    obis: obisOf(0, served.channel, 24, 1, 0),
    values: {
      4: () => ({ type: 'double-long-unsigned', value: CAPTURE_PERIOD_S }),
      5: u8(() => (served.identity === null ? 0 : served.channel)),
      6: () => ({
        type: 'double-long-unsigned',
        value: Number.parseInt(identity().number, rule.identification === 'bcd' ? 16 : 10),
      }),
      7: () => ({ type: 'long-unsigned', value: identity().manufacturer }),
      8: u8(() => identity().version),
      9: u8(() => identity().deviceType),
      11: u8(() => served.status),
    },
  });
}

/** What a channel has of the model of `first`, the meter that hung there first. */
export function channelObjects(host: Device, served: ServedChannel, first: Device): SimObject[] {
  const { profile } = first;
  const present = () => (served.identity === null ? null : (served.devices.at(-1) ?? null));
  const objects = [
    ...profile.registers.map((register) => valueObject(host, register, present)),
    ...profile.attributes.map((rule) => {
      const object = textObject(first, rule);
      return {
        ...object,
        read: (attribute: number) => {
          const device = present();
          return device === null
            ? { dataAccessResult: RESULT.objectUndefined }
            : textObject(device, rule).read(attribute, null);
        },
      };
    }),
    ...profile.buffers.map((rule) => bufferOf(host, rule, profile, () => served.devices)),
  ];
  return objects.map((object) => placed(object, served.channel));
}

/** The value as it was captured last: at the full hour. */
function valueObject(host: Device, register: RegisterRule, present: () => Device | null): SimObject {
  const capturedAtMs = (device: Device) =>
    Math.max(device.installedAtMs, lastIntervalEnd(CAPTURE_PERIOD_S, host.timeZone, host.nowMs));
  const unit = register.unit === '' ? UNIT_NONE : (unitCode(register.unit) ?? UNIT_NONE);
  const value = (made: (device: Device) => Data) => () => {
    const device = present();
    return device === null ? RESULT.objectUndefined : made(device);
  };
  return simObject({
    classId: register.classId,
    version: 0,
    obis: parseObis(register.obis),
    values: {
      2: value((device) => valueData(register.type, device.registerAt(register, capturedAtMs(device)))),
      3: () => scalerUnitData({ scaler: register.exponent, unit }),
      4: () => ({ type: 'unsigned', value: 0 }),
      5: value((device) => momentData(host, capturedAtMs(device))),
    },
  });
}

/** The object of channel 1 in its own channel. */
function placed(object: SimObject, channel: number): SimObject {
  return {
    ...object,
    obis: inChannel(object.obis as ObisCode, channel),
    read: (attribute, access) => {
      const result = object.read(attribute, access);
      const isColumns = object.classId === 7 && attribute === 3;
      return isColumns && 'data' in result ? { data: columnsInChannel(result.data, channel) } : result;
    },
  };
}
