/**
 * Something that happened at a meter, as its server tells it (event-notification, or information-report with short names)
 * and as a client understands it again: an attribute, its value, and when. Pure.
 */
import type { Data } from '../axdr/data.ts';
import { dateTimeFromOctets, dateTimeToOctets } from '../cosem/datetime.ts';
import { generalizedTimeOf, parseGeneralizedTime } from '../cosem/generalized-time.ts';
import { attributeNameOf, type BaseNames } from '../cosem/short-names.ts';
import { isDlmsError } from '../errors.ts';
import type { EventNotification } from '../xdlms/notification.ts';
import type { AttributeDescriptor } from '../xdlms/service.ts';
import type { InformationReport } from '../xdlms/short-name.ts';

/** What happened. */
export interface Happening {
  readonly attribute: AttributeDescriptor;
  readonly value: Data;
  /** A COSEM date and time, 12 octets, or null. */
  readonly time: Uint8Array | null;
}

/** The APDU that tells it; null when the attribute has no short name. `names` null = logical names. */
export function notificationOf(
  { attribute, value, time }: Happening,
  names: BaseNames | null,
): EventNotification | InformationReport | null {
  if (names === null) return { apdu: 'event-notification-request', time, attribute, value };
  const object = names.find(attribute.classId, attribute.instanceId);
  const name = object === undefined ? null : attributeNameOf(object, attribute.attributeId);
  if (name === null) return null;
  return {
    apdu: 'information-report-request',
    time: time === null ? null : generalizedTimeOf(dateTimeFromOctets(time)),
    items: [{ kind: 'variable', name }],
    values: [value],
  };
}

/** What a notification tells: one thing, or of a report each value whose name is that of an attribute. */
export function happeningsOf(
  notification: EventNotification | InformationReport,
  names: BaseNames | null,
): readonly Happening[] {
  if (notification.apdu === 'event-notification-request') {
    const { attribute, value, time } = notification;
    return [{ attribute, value, time }];
  }
  const time = notification.time === null ? null : octetsOf(notification.time);
  return notification.items.flatMap((item, at) => {
    const value = notification.values[at];
    const found = item.kind === 'variable' ? (names?.locate(item.name) ?? null) : null;
    if (value === undefined || found === null || found.kind !== 'attribute') return [];
    const { classId, obis } = found.object;
    return [{ attribute: { classId, instanceId: obis, attributeId: found.id }, value, time }];
  });
}

/** A time that is none is as good as no time. */
function octetsOf(text: string): Uint8Array | null {
  try {
    return dateTimeToOctets(parseGeneralizedTime(text));
  } catch (error) {
    if (isDlmsError(error)) return null;
    throw error;
  }
}
