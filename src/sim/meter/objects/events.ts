/** The event object of a log (class 1): the code of what happened last, which the log captures and the meter may tell. */
import type { Data } from '../../../dlms/axdr/data.ts';
import { dateTimeToOctets } from '../../../dlms/cosem/datetime.ts';
import { parseObis } from '../../../dlms/cosem/obis.ts';
import type { AttributeDescriptor } from '../../../dlms/xdlms/service.ts';
import type { EventLogRule } from '../../../profile/schema/profile.ts';
import { meterTimeOf } from '../../../profile/time.ts';
import type { Device } from '../device.ts';
import { codeIn } from '../events.ts';
import { type SimObject, simObject } from './object.ts';

const DATA_CLASS = 1;
const VALUE = 2;
const UNSIGNED_MAX = 255;
const LOOK_BACK_MS = 31 * 86_400_000;

/** The attribute that holds the codes of a log. */
export function eventCodeOf(rule: EventLogRule): AttributeDescriptor {
  return { classId: DATA_CLASS, instanceId: parseObis(rule.codeObis), attributeId: VALUE };
}

/** A code as the meter writes it. */
export function eventCodeData(code: number): Data {
  return { type: code > UNSIGNED_MAX ? 'long-unsigned' : 'unsigned', value: code };
}

/** A moment by the meter's clock, 12 octets. */
export function momentOctets(device: Device, utcMs: number): Uint8Array {
  return dateTimeToOctets(meterTimeOf(utcMs, device.profile.clock, device.timeZone));
}

/** The event objects of a meter's logs, one for each name; its value is 0 when nothing happened for a month. */
export function eventObjects(device: Device): SimObject[] {
  const rules = new Map(device.profile.eventLogs.map((rule) => [rule.codeObis, rule]));
  return [...rules.values()].map((rule) =>
    simObject({
      classId: DATA_CLASS,
      version: 0,
      obis: parseObis(rule.codeObis),
      values: { [VALUE]: () => eventCodeData(newestCode(device, rule)) },
    }),
  );
}

function newestCode(device: Device, rule: EventLogRule): number {
  const sinceMs = Math.max(device.nowMs - LOOK_BACK_MS, device.installedAtMs);
  const events = device.events.between(sinceMs, device.nowMs);
  const newest = events.findLast(({ code }) => codeIn(rule, code) !== null);
  return newest === undefined ? 0 : (codeIn(rule, newest.code) ?? 0);
}
