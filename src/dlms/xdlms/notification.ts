/** Unsolicited services: data-notification (0F), its confirmation (10) and event-notification (C2). */

import type { Data } from '../axdr/data.ts';
import type { AttributeDescriptor, LongInvocation } from './service.ts';

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
