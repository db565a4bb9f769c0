/**
 * Numbered information transfer of one HDLC connection, the part that client and server share: cutting messages into
 * segments, V(S) and V(R) modulo 8, what is sent and not yet acknowledged, joining received segments (ISO/IEC 13239;
 * IEC 62056-46 clause 6.4.4).
 *
 * It sends no frame and knows no time: the two data-link machines ask it what to send and tell it what came.
 */
import { concat } from '../../base/bytes.ts';
import { assert } from '../../base/errors.ts';
import type { HdlcParameters } from './hdlc-parameters.ts';
import { APDU_MAX_BYTES, LINK_SEGMENTS_MAX, LLC_BYTES } from './limits.ts';

/** A segment that waits or is on its way. */
export interface Segment {
  readonly ns: number;
  readonly information: Uint8Array;
  /** More segments of the same message follow. */
  readonly segmented: boolean;
}

/** What became of a received I frame. */
export type Received =
  | { readonly kind: 'segment' }
  | { readonly kind: 'message'; readonly octets: Uint8Array }
  /** Not the number that was expected: dropped. */
  | { readonly kind: 'out-of-order' }
  /** The joined message is beyond the bound: dropped. */
  | { readonly kind: 'too-long' };

/** Sequence numbers and queues of one connection. */
export class HdlcTransfer {
  readonly #parameters: HdlcParameters;
  /** Segments from the oldest unacknowledged one on. */
  #queue: Segment[] = [];
  /** How many of the queue are on their way. */
  #inFlight = 0;
  #nextNs = 0;
  #vr = 0;
  #parts: Uint8Array[] = [];
  #partBytes = 0;

  constructor(parameters: HdlcParameters) {
    this.#parameters = parameters;
  }

  /** N(R) to send: the number of the I frame that is expected next. */
  get nr(): number {
    return this.#vr;
  }

  /** Whether some segments were sent and not acknowledged. */
  get isUnacknowledged(): boolean {
    return this.#inFlight > 0;
  }

  /** Segments sent and not acknowledged. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Whether segments wait that were never sent. */
  get hasUnsent(): boolean {
    return this.#queue.length > this.#inFlight;
  }

  /** Whether a message is half received. */
  get isReceiving(): boolean {
    return this.#parts.length > 0;
  }

  /** Cuts a message into segments behind those that wait; more than LINK_SEGMENTS_MAX is a fault of the session above. */
  enqueue(octets: Uint8Array): void {
    const size = this.#parameters.informationTransmitBytes;
    for (let at = 0; at < octets.length; at += size) {
      const information = octets.subarray(at, at + size);
      this.#queue.push({ ns: this.#nextNs, information, segmented: at + size < octets.length });
      this.#nextNs = (this.#nextNs + 1) & 7;
    }
    assert(this.#queue.length <= LINK_SEGMENTS_MAX, 'a session waits for answers before it sends more');
  }

  /** The segments to send now, up to the window; they count as on their way from here. */
  takeWindow(): Segment[] {
    const window = this.#queue.slice(this.#inFlight, this.#parameters.windowTransmit);
    this.#inFlight += window.length;
    return window;
  }

  /** Forgets that segments are on their way: {@link takeWindow} gives them again. */
  rewind(): void {
    this.#inFlight = 0;
  }

  /** Takes the peer's N(R); false when it acknowledges what was never sent. */
  acknowledge(nr: number): boolean {
    const oldest = this.#queue.at(0)?.ns ?? this.#nextNs;
    const count = (nr - oldest) & 7;
    if (count > this.#inFlight) return false;
    this.#queue.splice(0, count);
    this.#inFlight -= count;
    return true;
  }

  /** Takes an I frame. */
  receive(ns: number, information: Uint8Array, segmented: boolean): Received {
    if (ns !== this.#vr) return { kind: 'out-of-order' };
    this.#vr = (this.#vr + 1) & 7;
    this.#parts.push(information);
    this.#partBytes += information.length;
    const tooLong = this.#partBytes > APDU_MAX_BYTES + LLC_BYTES;
    if (segmented && !tooLong) return { kind: 'segment' };
    const octets = concat(this.#parts);
    this.#parts = [];
    this.#partBytes = 0;
    return tooLong ? { kind: 'too-long' } : { kind: 'message', octets };
  }
}
