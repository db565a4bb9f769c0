/** What a client session is told at its start, and what it tells its owner. */
import type { DeltawattError } from '../../base/errors.ts';
import type { DataNotification, EventNotification } from '../xdlms/notification.ts';
import type { Association, Authentication } from './association.ts';
import type { ClientSecurity } from './client-guard.ts';
import type { Outcome } from './request.ts';

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
  /** Times a read is asked again, where the transport does not repeat by itself. */
  readonly readRetries?: number;
  /** Requests on their way at once, 1 to 16; the link binds too, few meters take more, and with general blocks it is one. */
  readonly maxInFlight?: number;
  /** Blocks of a general block transfer that this side takes before it answers, 1 to 63; 1 on a link that takes turns. */
  readonly blockWindow?: number;
  /** Items in one with-list request. */
  readonly listItemsMax?: number;
  /** Whether to say goodbye with RLRQ before the link is closed; some meters never answer it. */
  readonly release?: boolean;
}

/** What a client session tells its owner. */
export type ClientSessionEvent =
  | { readonly kind: 'associated'; readonly association: Association }
  /** A request is over; `id` is what `ClientSession.request` gave. */
  | { readonly kind: 'done'; readonly id: number; readonly outcome: Outcome }
  /** Something that nobody asked for. */
  | { readonly kind: 'notification'; readonly apdu: DataNotification | EventNotification }
  /** The session is over; `error` is null after a release. */
  | { readonly kind: 'closed'; readonly error: DeltawattError | null }
  /** Few counters are left: store `reservation`, then tell the counter to extend to it. Comes again until that is done. */
  | { readonly kind: 'counter-low'; readonly reservation: number }
  /** The meter refused our invocation counter; `expected` is what it says, unauthenticated, or null. */
  | { readonly kind: 'counter-refused'; readonly expected: number | null }
  /** Octets or an APDU that had no place here. */
  | { readonly kind: 'discarded'; readonly code: string; readonly octets: Uint8Array };
