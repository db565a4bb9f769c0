/** What a client session is told at its start, and what it tells its owner. */
import type { DeltawattError } from '../../base/errors.ts';
import type { DialectSwitches } from '../security/dialect.ts';
import type { Apdu } from '../xdlms/apdu.ts';
import type { DataNotification, EventNotification } from '../xdlms/notification.ts';
import type { InformationReport } from '../xdlms/short-name.ts';
import type { Association, Authentication } from './association.ts';
import type { ClientSecurity } from './client-guard.ts';
import {
  ANSWER_WINDOW_MS,
  CLIENT_PDU_DEFAULT_BYTES,
  GENERAL_WINDOW_DEFAULT,
  LIST_ITEMS_DEFAULT,
  READ_RETRIES_DEFAULT,
  REQUEST_TIMEOUT_DEFAULT_MS,
} from './limits.ts';
import type { Outcome } from './request.ts';
import type { ShortNames } from './short-names.ts';

/** What a meter says without being asked. */
export type Notification = DataNotification | EventNotification | InformationReport;

/** Settings of a client session. */
export interface ClientSessionOptions {
  readonly authentication?: Authentication;
  /** Keys, titles, counters and policy; null (the default) for an association without. */
  readonly security?: ClientSecurity | null;
  /** Services to propose; masks in `CONFORMANCE`. */
  readonly conformance?: number;
  /** Longest APDU that this side takes, octets; 0 = no limit. */
  readonly clientPduMaxBytes?: number;
  /** Silence while an answer is waited for, ms. */
  readonly requestTimeoutMs?: number;
  /** Silence after a request over a layer without its own timing, after which a session that should makes way, ms. */
  readonly answerWindowMs?: number;
  /** Times a read is asked again, where the transport does not repeat by itself. */
  readonly readRetries?: number;
  /** Requests on their way at once, 1 to 16; the link binds too, few meters take more, and with general blocks it is one. */
  readonly maxInFlight?: number;
  /** Blocks of a general block transfer that this side takes before it answers, 1 to 63; 1 on a link that takes turns. */
  readonly blockWindow?: number;
  /** Items in one with-list request. */
  readonly listItemsMax?: number;
  /** What is known of the meter's short names: given, the session uses them; null (the default) = logical names. */
  readonly shortNames?: ShortNames | null;
  /** Whether to say goodbye with RLRQ before the link is closed; some meters never answer it. */
  readonly release?: boolean;
}

/** What a client session tells its owner. */
export type ClientSessionEvent =
  | { readonly kind: 'associated'; readonly association: Association }
  /** A request is over; `id` is what `ClientSession.request` gave. */
  | { readonly kind: 'done'; readonly id: number; readonly outcome: Outcome }
  /** Something that nobody asked for. */
  | { readonly kind: 'notification'; readonly apdu: Notification }
  /** The session is over; `error` is null after a release. */
  | { readonly kind: 'closed'; readonly error: DeltawattError | null }
  /** Few counters are left: store `reservation`, then tell the counter to extend to it. Comes again until that is done. */
  | { readonly kind: 'counter-low'; readonly reservation: number }
  /** The meter refused our invocation counter; `expected` is what it says, unauthenticated, or null. */
  | { readonly kind: 'counter-refused'; readonly expected: number | null }
  /** A message showed how the meter reads the standard where implementations disagree: `ClientSecurity.dialect` has it. */
  | { readonly kind: 'dialect'; readonly learned: keyof DialectSwitches }
  /** Octets or an APDU that had no place here. */
  | { readonly kind: 'discarded'; readonly code: string; readonly octets: Uint8Array };

/** The settings with the defaults of this room. */
export function settingsOf(options: ClientSessionOptions, conformance: number): Required<ClientSessionOptions> {
  return {
    authentication: { mechanism: 'none' },
    security: null,
    shortNames: null,
    conformance,
    clientPduMaxBytes: CLIENT_PDU_DEFAULT_BYTES,
    requestTimeoutMs: REQUEST_TIMEOUT_DEFAULT_MS,
    answerWindowMs: ANSWER_WINDOW_MS,
    readRetries: READ_RETRIES_DEFAULT,
    maxInFlight: 1,
    blockWindow: GENERAL_WINDOW_DEFAULT,
    listItemsMax: LIST_ITEMS_DEFAULT,
    release: true,
    ...options,
  };
}

const NOTIFICATIONS: ReadonlySet<string> = new Set([
  'data-notification',
  'event-notification-request',
  'information-report-request',
] satisfies Notification['apdu'][]);

/** Whether nobody asked for it. */
export function isNotification(apdu: Apdu): apdu is Notification {
  return NOTIFICATIONS.has(apdu.apdu);
}

/** First octets of messages that nobody asks for: data-notification, event-notification, information-report, plain, glo-, ded-. */
const UNASKED_TAGS: ReadonlySet<number | undefined> = new Set([0x0f, 0xc2, 0x18, 0xca, 0xd2, 0x38, 0x58]);

/** Whether octets say by their tag that nobody asked for them, readable or not. */
export function tellsUnasked(octets: Uint8Array): boolean {
  return UNASKED_TAGS.has(octets.at(0));
}
