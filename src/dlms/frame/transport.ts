/**
 * What every framing layer gives to the session above it, so that the session knows neither HDLC nor the wrapper: APDUs
 * in, APDUs out, whole and in order.
 */
import type { DeltawattError } from '../../base/errors.ts';
import type { Machine } from '../../base/machine.ts';
import type { Discarded } from './scanner.ts';

/** A pair of stations as the APDUs see them: the client's service access point and the server's logical device. */
export interface Stations {
  /** Client SAP: HDLC client address or client wPort. */
  readonly client: number;
  /** Logical device: upper HDLC address or server wPort. */
  readonly server: number;
}

/** What a framing layer tells the session. */
export type TransportEvent =
  /** The data link is up; `sendMaxBytes` is the longest APDU that goes without cutting, for those who care. */
  | { readonly kind: 'link-up'; readonly stations: Stations }
  /** A whole APDU that answers or asks. */
  | { readonly kind: 'apdu'; readonly apdu: Uint8Array; readonly stations: Stations }
  /** A whole APDU that wants no answer: a push, a broadcast. */
  | { readonly kind: 'unsolicited'; readonly apdu: Uint8Array; readonly stations: Stations }
  /** The data link is down; `reason` is null when it was asked for. */
  | { readonly kind: 'link-down'; readonly reason: DeltawattError | null; readonly stations: Stations }
  | Discarded;

/** The client's end of a framing layer. */
export interface ClientTransport extends Machine<TransportEvent> {
  /** Begins to bring the link up; `link-up` or `link-down` follows. */
  connect(nowMs: number): void;
  /** Sends one APDU; only while the link is up. */
  send(apdu: Uint8Array, nowMs: number): void;
  /** Ends the link politely; `link-down` follows. */
  disconnect(nowMs: number): void;
  /** What came last was no answer to what was sent: the answer is still to come. Layers on which nothing is asked for have none. */
  stillWaiting?(nowMs: number): void;
  /** Requests that may be on their way at once: 1 where one side at a time may speak. */
  readonly maxInFlight: number;
  /**
   * While `wanted`, a wait for the server that ends without an answer ends the link (`link-down` without a reason) instead of
   * asking again. Nothing is cut short: a late answer is waited for as long as ever. Layers that never repeat have none.
   */
  makeWay?(wanted: boolean): void;
  /** Whether APDUs reach the server exactly once (the layer below numbers and repeats them). */
  readonly reliable: boolean;
}

/** The server's end of a framing layer, for several clients. */
export interface ServerTransport extends Machine<TransportEvent> {
  /** Messages that may follow each other without an answer in between. */
  readonly maxInFlight: number;
  /** Answers a client. */
  send(apdu: Uint8Array, stations: Stations, nowMs: number): void;
  /** Says that the last APDU of this client gets no answer, so that a link with a token gives it back. */
  noAnswer(stations: Stations, nowMs: number): void;
  /** Sends an APDU that nobody asked for, at once. */
  push(apdu: Uint8Array, stations: Stations, nowMs: number): void;
  /**
   * Sends an APDU that nobody asked for on a link that is up: at once where both sides may speak, with the next frame that gives
   * the token back where they take turns. Dropped when the link is down, or as the oldest of too many that wait.
   */
  notify(apdu: Uint8Array, stations: Stations, nowMs: number): void;
}
