/** Unsolicited services: data-notification (0F), its confirmation (10) and event-notification (C2). */

import type { ByteReader, ByteWriter } from '../../base/bytes.ts';
import type { Data } from '../axdr/data.ts';
import { readTagged, writeTagged } from '../axdr/decode.ts';
import { readLength, readOctets, writeOctets } from '../axdr/length.ts';
import type { DataWalk } from '../axdr/walk.ts';
import type { ApduForm } from './form.ts';
import { form, readPresent, within } from './form.ts';
import type { AttributeDescriptor, LongInvocation } from './service.ts';
import { readAttribute, readLongInvocation, writeAttribute, writeLongInvocation } from './service.ts';

/** A push. */
export interface DataNotification extends LongInvocation {
  readonly apdu: 'data-notification';
  /** Octets of the date-time field: none, or 12; anything else is kept as it came. */
  readonly dateTime: Uint8Array;
  /** The sender put the octet-string tag 09 before the length (Kaifa, Norway). */
  readonly taggedDateTime: boolean;
  readonly body: Data;
}
/** Confirms a push (Green Book 9; for class 40 operation method 2). */
export interface DataNotificationConfirm extends LongInvocation {
  readonly apdu: 'data-notification-confirm';
  readonly dateTime: Uint8Array;
}
/** An event. */
export interface EventNotification {
  readonly apdu: 'event-notification-request';
  /** Octets of the time, usually 12, or null. */
  readonly time: Uint8Array | null;
  readonly attribute: AttributeDescriptor;
  readonly value: Data;
}
/** Every unsolicited service with logical names. */
export type NotificationApdu = DataNotification | DataNotificationConfirm | EventNotification;

/** The forms of the unsolicited services. */
export const NOTIFICATION_FORMS: readonly ApduForm[] = [
  form<DataNotification>(0x0f, null, 'data-notification', readDataNotification, writeDataNotification),
  form<DataNotificationConfirm>(
    0x10,
    null,
    'data-notification-confirm',
    (reader) => ({ ...readLongInvocation(reader), dateTime: readOctets(reader) }),
    (writer, apdu) => {
      writeLongInvocation(writer, apdu);
      writeOctets(writer, apdu.dateTime);
    },
  ),
  form<EventNotification>(
    0xc2,
    null,
    'event-notification-request',
    (reader, walk) => ({
      time: readPresent(reader, 'event time') ? readOctets(reader) : null,
      attribute: readAttribute(reader),
      value: readTagged(reader, walk),
    }),
    (writer, apdu) => {
      writer.u8(apdu.time === null ? 0 : 1);
      if (apdu.time !== null) writeOctets(writer, apdu.time);
      writeAttribute(writer, apdu.attribute);
      writeTagged(writer, apdu.value);
    },
  ),
];

const OCTET_STRING_TAG = 0x09;
const DATE_TIME_OCTETS = 0x0c;

function readDataNotification(reader: ByteReader, walk: DataWalk): Omit<DataNotification, 'apdu'> {
  const invocation = readLongInvocation(reader);
  const length = readLength(reader);
  // 09 0C here is a tag and a length, as no date-time has 9 octets: Kaifa meters in Norway send it so.
  const taggedDateTime = length === OCTET_STRING_TAG && reader.peek() === DATE_TIME_OCTETS;
  const dateTime = taggedDateTime ? readOctets(reader) : reader.slice(length);
  return { ...invocation, dateTime, taggedDateTime, body: readTagged(reader, walk) };
}

function writeDataNotification(writer: ByteWriter, apdu: DataNotification): void {
  writeLongInvocation(writer, apdu);
  if (apdu.taggedDateTime) {
    // Only before 12 octets can the tag be told from a length again.
    within(apdu.dateTime.length, DATE_TIME_OCTETS, DATE_TIME_OCTETS, 'octets of a tagged date-time');
    writer.u8(OCTET_STRING_TAG);
  }
  writeOctets(writer, apdu.dateTime);
  writeTagged(writer, apdu.body);
}
