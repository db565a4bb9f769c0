/**
 * The wrapper over a byte stream (TCP), as client and as server.
 *
 * The stream is cut by the header's length. After octets that are no header the next one that reads as a header is taken;
 * messages for other ports than this client's are discarded by name.
 */
import { WRAPPER_ALL_STATIONS } from './broadcast.ts';
import { APDU_MAX_BYTES, FRAME_GAP_DEFAULT_MS, INVOKE_IDS } from './limits.ts';
import { type Discarded, FrameScanner, type ScannedFrame } from './scanner.ts';
import type { ClientTransport, ServerTransport, Stations, TransportEvent } from './transport.ts';
import { encodeWrapper, type WrapperMessage, wrapperRule } from './wrapper-frame.ts';

/** Settings of either side. */
export interface WrapperOptions {
  /** Longest APDU that is taken, octets (1-65,535). */
  readonly apduMaxBytes?: number;
  /** Silence inside a message after which it is given up, ms; TCP delays longer than a wire does, so 0 = never. */
  readonly gapMs?: number;
}

const NEVER_MS = Number.POSITIVE_INFINITY;

function scannerOf(options: WrapperOptions): FrameScanner<WrapperMessage> {
  const gapMs = options.gapMs ?? FRAME_GAP_DEFAULT_MS * 120;
  return new FrameScanner([wrapperRule(options.apduMaxBytes ?? APDU_MAX_BYTES)], gapMs === 0 ? NEVER_MS : gapMs);
}

/** A deadline that never comes is none. */
function finite(deadlineMs: number | null): number | null {
  return deadlineMs === NEVER_MS ? null : deadlineMs;
}

/** The client's end: one client SAP talking to one server wPort. */
export class WrapperClient implements ClientTransport {
  readonly reliable = false;
  readonly maxInFlight = INVOKE_IDS;
  readonly #scanner: FrameScanner<WrapperMessage>;
  readonly #stations: Stations;
  #output: Uint8Array[] = [];
  #events: TransportEvent[] = [];
  #up = false;

  constructor(stations: Stations, options: WrapperOptions = {}) {
    this.#stations = stations;
    this.#scanner = scannerOf(options);
  }

  connect(_nowMs: number): void {
    this.#up = true;
    this.#events.push({ kind: 'link-up', stations: this.#stations });
  }

  send(apdu: Uint8Array, _nowMs: number): void {
    this.#output.push(encodeWrapper({ source: this.#stations.client, destination: this.#stations.server, apdu }));
  }

  disconnect(_nowMs: number): void {
    if (!this.#up) return;
    this.#up = false;
    this.#events.push({ kind: 'link-down', reason: null, stations: this.#stations });
  }

  receive(chunk: Uint8Array, nowMs: number): TransportEvent[] {
    return this.#collect(this.#scanner.receive(chunk, nowMs));
  }

  takeOutput(): Uint8Array[] {
    const output = this.#output;
    this.#output = [];
    return output;
  }

  deadlineMs(): number | null {
    return this.#events.length > 0 ? 0 : finite(this.#scanner.deadlineMs());
  }

  tick(nowMs: number): TransportEvent[] {
    return this.#collect(this.#scanner.tick(nowMs));
  }

  #collect(scanned: (ScannedFrame<WrapperMessage> | Discarded)[]): TransportEvent[] {
    const events = this.#events;
    this.#events = [];
    for (const event of scanned) events.push(event.kind === 'discarded' ? event : this.#message(event.frame));
    return events;
  }

  #message({ source, destination, apdu }: WrapperMessage): TransportEvent {
    const { client, server } = this.#stations;
    if (source !== server || destination !== client) return { kind: 'discarded', code: 'WRAPPER_PORT', octets: apdu };
    return { kind: 'apdu', apdu, stations: this.#stations };
  }
}

/** The server's end: every client port and every logical device on one connection. */
export class WrapperServer implements ServerTransport {
  readonly maxInFlight = INVOKE_IDS;
  readonly #scanner: FrameScanner<WrapperMessage>;
  #output: Uint8Array[] = [];

  constructor(options: WrapperOptions = {}) {
    this.#scanner = scannerOf(options);
  }

  send(apdu: Uint8Array, { client, server }: Stations, _nowMs: number): void {
    this.#output.push(encodeWrapper({ source: server, destination: client, apdu }));
  }

  noAnswer(): void {}

  push(apdu: Uint8Array, stations: Stations, nowMs: number): void {
    this.send(apdu, stations, nowMs);
  }

  notify(apdu: Uint8Array, stations: Stations, nowMs: number): void {
    this.send(apdu, stations, nowMs);
  }

  receive(chunk: Uint8Array, nowMs: number): TransportEvent[] {
    return this.#collect(this.#scanner.receive(chunk, nowMs));
  }

  takeOutput(): Uint8Array[] {
    const output = this.#output;
    this.#output = [];
    return output;
  }

  deadlineMs(): number | null {
    return finite(this.#scanner.deadlineMs());
  }

  tick(nowMs: number): TransportEvent[] {
    return this.#collect(this.#scanner.tick(nowMs));
  }

  #collect(scanned: (ScannedFrame<WrapperMessage> | Discarded)[]): TransportEvent[] {
    return scanned.map((event) => {
      if (event.kind === 'discarded') return event;
      const { source, destination, apdu } = event.frame;
      const kind = destination === WRAPPER_ALL_STATIONS ? 'unsolicited' : 'apdu';
      return { kind, apdu, stations: { client: source, server: destination } };
    });
  }
}
