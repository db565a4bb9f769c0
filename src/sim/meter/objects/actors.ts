/** Objects that act: the clock (class 8) and the disconnect control (class 70). */
import type { Data } from '../../../dlms/axdr/data.ts';
import { parseObis } from '../../../dlms/cosem/obis.ts';
import { dateTimeOfData } from '../../../dlms/cosem/selective-access.ts';
import { RESULT } from '../../../dlms/session/object-model.ts';
import type { RelayRule } from '../../../profile/schema/profile.ts';
import { meterTimeOf, placeTime } from '../../../profile/time.ts';
import type { Device } from '../device.ts';
import { momentData } from './measurements.ts';
import { type SimObject, simObject } from './object.ts';

const MINUTE_MS = 60_000;
const HALF_MINUTE_MS = 30_000;
/** shift_time takes so many seconds at most (Blue Book 4.5.1). */
const SHIFT_MAX_S = 900;
const DAYLIGHT_MIN = 60;
const CRYSTAL = 1;
const CONTROL_MODE_MAX = 7;

/** The clock: time can be set, adjusted to the minute and shifted. */
export function clockObject(device: Device, obis: string): SimObject {
  const time = () => meterTimeOf(device.nowMs, device.profile.clock, device.timeZone);
  const standardMin = () => time().deviation ?? 0;
  return simObject({
    classId: 8,
    version: 0,
    obis: parseObis(obis),
    isPublic: true,
    writable: [2],
    methods: [3, 6],
    values: {
      2: () => momentData(device, device.nowMs),
      3: () => ({ type: 'long', value: standardMin() }),
      4: () => ({ type: 'unsigned', value: time().status }),
      7: () => ({ type: 'integer', value: DAYLIGHT_MIN }),
      8: () => ({ type: 'boolean', value: true }),
      9: () => ({ type: 'enum', value: CRYSTAL }),
    },
    write: (_attribute, value) => setTime(device, value),
    invoke: (method, parameters) => (method === 3 ? toMinute(device) : shift(device, parameters)),
  });
}

function setTime(device: Device, value: Data): number {
  const time = dateTimeOfData(value);
  if (time === null) return RESULT.typeUnmatched;
  const hints = { siteZone: device.timeZone, previousAtMs: null, daylight: null };
  const placed = placeTime(time, device.profile.clock, hints);
  if (placed === null) return RESULT.typeUnmatched;
  device.setClock(placed.atMs);
  return RESULT.success;
}

function toMinute(device: Device): number {
  device.setClock(Math.floor((device.nowMs + HALF_MINUTE_MS) / MINUTE_MS) * MINUTE_MS);
  return RESULT.success;
}

function shift(device: Device, parameters: Data | null): number {
  if (parameters?.type !== 'long' || Math.abs(parameters.value) > SHIFT_MAX_S) return RESULT.typeUnmatched;
  device.setClock(device.nowMs + parameters.value * 1000);
  return RESULT.success;
}

/** The relay: methods 1 remote_disconnect and 2 remote_reconnect, mode writable. */
export function disconnectObject(device: Device, rule: RelayRule): SimObject {
  const { relay } = device;
  return simObject({
    classId: 70,
    version: 0,
    obis: parseObis(rule.obis),
    writable: [4],
    methods: [1, 2],
    values: {
      2: () => ({ type: 'boolean', value: relay.isOn }),
      3: () => ({ type: 'enum', value: relay.state }),
      4: () => ({ type: 'enum', value: relay.mode }),
    },
    write(_attribute, value) {
      if (value.type !== 'enum' || value.value > CONTROL_MODE_MAX) return RESULT.typeUnmatched;
      relay.mode = value.value;
      return RESULT.success;
    },
    invoke(method) {
      const outcome = device.orderRelay(method === 1 ? 'remote-disconnect' : 'remote-reconnect');
      return outcome === 'not-allowed' ? RESULT.readWriteDenied : RESULT.success;
    },
  });
}
