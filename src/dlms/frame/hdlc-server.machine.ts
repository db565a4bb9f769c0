/**
 * The secondary station of the HDLC data link (IEC 62056-46 clause 6.4, normal response mode): one physical device with its
 * logical devices, for several clients at once. It speaks only when a frame with P=1 has given it the token, pushes apart.
 *
 * Frames for other stations of the line are passed over in silence, as are frames whose checks fail: only the client repeats.
 */
import { concat } from '../../base/bytes.ts';
import { frameError } from './errors.ts';
import { ALL_STATIONS, clientAddress, type HdlcAddress, serverAddress } from './hdlc-address.ts';
import { encodeHdlcControl, encodeHdlcFrame, HDLC_RULE, type HdlcControl, type HdlcFrame } from './hdlc-frame.ts';
import {
  decodeHdlcParameters,
  encodeHdlcParameters,
  HDLC_DEFAULTS,
  type HdlcParameters,
  negotiate,
} from './hdlc-parameters.ts';
import { HdlcTransfer } from './hdlc-transfer.ts';
import { APDU_MAX_BYTES, FRAME_GAP_DEFAULT_MS, HDLC_CLIENTS_MAX, HDLC_UNASKED_MAX } from './limits.ts';
import { LLC, startsWithLlc, withLlc, withoutLlc } from './llc.ts';
import { FrameScanner } from './scanner.ts';
import type { ServerTransport, Stations, TransportEvent } from './transport.ts';

/** Settings of the server's data link. */
export interface HdlcServerOptions {
  /** Upper addresses that exist; 1 is the management logical device. */
  readonly logicalDevices?: readonly number[];
  /** Lower address; null when the device is addressed in one octet. */
  readonly physicalDevice?: number | null;
  /** What this side can do; default 128 octets and window 1 both ways. */
  readonly parameters?: HdlcParameters;
  /** Silence after which a client's link is dropped, ms; 0 = never (class 23 default 120 s). */
  readonly inactivityMs?: number;
  /** Silence inside a frame after which it is given up, ms. */
  readonly gapMs?: number;
}

/** One client's connection. */
interface Connection {
  readonly stations: Stations;
  /** Our address as this client writes it. */
  readonly own: HdlcAddress;
  readonly transfer: HdlcTransfer;
  /** Octets of information in one frame to this client. */
  readonly informationBytes: number;
  /** APDUs that nobody asked for, oldest first: they go out with the token. */
  unasked: Uint8Array[];
  /** The client has handed the token over and waits. */
  hasToken: boolean;
  lastHeardMs: number;
}

const NOTHING = new Uint8Array(0);
const INACTIVITY_MS = 120_000;
/** Third octet of FRMR information: N(R) is not valid. */
const FRMR_BAD_NR = 0x08;

/** The server's data link. */
export class HdlcServer implements ServerTransport {
  readonly maxInFlight = 1;
  readonly #options: Required<HdlcServerOptions>;
  readonly #scanner: FrameScanner<HdlcFrame>;
  readonly #connections = new Map<string, Connection>();
  #output: Uint8Array[] = [];
  #events: TransportEvent[] = [];
  /** Segments of a message in UI frames, and the client that it comes from. */
  #unnumberedParts: Uint8Array[] = [];
  #unnumberedFrom: number | null = null;

  constructor(options: HdlcServerOptions = {}) {
    this.#options = {
      logicalDevices: [1],
      physicalDevice: null,
      parameters: HDLC_DEFAULTS,
      inactivityMs: INACTIVITY_MS,
      gapMs: FRAME_GAP_DEFAULT_MS,
      ...options,
    };
    this.#scanner = new FrameScanner([HDLC_RULE], this.#options.gapMs);
  }

  send(apdu: Uint8Array, stations: Stations, _nowMs: number): void {
    const connection = this.#connections.get(keyOf(stations));
    if (connection === undefined) return;
    connection.transfer.enqueue(withLlc(LLC.response, apdu));
    if (connection.hasToken) this.#sendWindow(connection);
  }

  noAnswer(stations: Stations, _nowMs: number): void {
    const connection = this.#connections.get(keyOf(stations));
    if (connection?.hasToken === true) this.#answer(connection);
  }

  push(apdu: Uint8Array, stations: Stations, _nowMs: number): void {
    const size = this.#options.parameters.informationTransmitBytes;
    this.#unnumberedTo(stations, serverAddress(stations.server, this.#options.physicalDevice), apdu, size, true);
  }

  notify(apdu: Uint8Array, stations: Stations, _nowMs: number): void {
    const connection = this.#connections.get(keyOf(stations));
    if (connection === undefined) return;
    connection.unasked.push(apdu);
    if (connection.unasked.length > HDLC_UNASKED_MAX) connection.unasked.shift();
  }

  /** An APDU in UI frames; `final` = the last of them ends what is said. */
  #unnumberedTo({ client }: Stations, own: HdlcAddress, apdu: Uint8Array, size: number, final: boolean): void {
    const octets = withLlc(LLC.response, apdu);
    for (let at = 0; at < octets.length; at += size) {
      const segmented = at + size < octets.length;
      const control: HdlcControl = { type: 'UI', pollFinal: final && !segmented };
      this.#write(clientAddress(client), own, control, octets.subarray(at, at + size), segmented);
    }
  }

  /** What nobody asked for goes in front of the frame that gives the token back: the line is ours until then. */
  #sendUnasked({ stations, own, unasked, informationBytes }: Connection): void {
    for (const apdu of unasked.splice(0)) this.#unnumberedTo(stations, own, apdu, informationBytes, false);
  }

  receive(chunk: Uint8Array, nowMs: number): TransportEvent[] {
    return this.#consume(this.#scanner.receive(chunk, nowMs), nowMs);
  }

  takeOutput(): Uint8Array[] {
    const output = this.#output;
    this.#output = [];
    return output;
  }

  deadlineMs(): number | null {
    let next = this.#scanner.deadlineMs() ?? Number.POSITIVE_INFINITY;
    if (this.#options.inactivityMs > 0) {
      for (const { lastHeardMs } of this.#connections.values())
        next = Math.min(next, lastHeardMs + this.#options.inactivityMs);
    }
    return Number.isFinite(next) ? next : null;
  }

  tick(nowMs: number): TransportEvent[] {
    const { inactivityMs } = this.#options;
    for (const connection of [...this.#connections.values()]) {
      if (inactivityMs > 0 && nowMs >= connection.lastHeardMs + inactivityMs) this.#drop(connection, true);
    }
    return this.#consume(this.#scanner.tick(nowMs), nowMs);
  }

  #consume(scanned: ReturnType<FrameScanner<HdlcFrame>['receive']>, nowMs: number): TransportEvent[] {
    for (const event of scanned) {
      if (event.kind === 'discarded') this.#events.push(event);
      else if (this.#isForUs(event.frame.destination)) this.#frame(event.frame, nowMs);
    }
    const events = this.#events;
    this.#events = [];
    return events;
  }

  #isForUs({ upper, lower, length }: HdlcAddress): boolean {
    const all = length === 4 ? ALL_STATIONS.long : ALL_STATIONS.short;
    const { logicalDevices, physicalDevice } = this.#options;
    const physical = lower === null || lower === all || lower === (physicalDevice ?? 0);
    return physical && (upper === all || logicalDevices.includes(upper));
  }

  #frame(frame: HdlcFrame, nowMs: number): void {
    const { control, source, destination, information } = frame;
    if (source.length !== 1) {
      // Clients have one octet; whoever writes more could not be answered.
      this.#events.push({ kind: 'discarded', code: 'HDLC_ADDRESS', octets: information });
      return;
    }
    const own = this.#ownAddress(destination);
    const stations: Stations = { client: source.upper, server: own.upper };
    const connection = this.#connections.get(keyOf(stations));
    if (connection !== undefined) connection.lastHeardMs = nowMs;
    if (control.type === 'SNRM') this.#open(stations, own, information, nowMs);
    else if (control.type === 'UI') this.#unnumbered(frame, stations);
    else if (connection === undefined) this.#notConnected(control, source, own);
    else if (control.type === 'DISC') this.#disconnected(connection, source);
    else if (control.type === 'I') this.#information(connection, control, frame);
    else if (control.type === 'RR' || control.type === 'RNR') this.#polled(connection, control);
    else this.#events.push({ kind: 'discarded', code: 'HDLC_UNEXPECTED', octets: information });
  }

  /** The address to answer from: what the client wrote, with "all stations" replaced by who we are. */
  #ownAddress({ upper, lower, length }: HdlcAddress): HdlcAddress {
    const all = length === 4 ? ALL_STATIONS.long : ALL_STATIONS.short;
    const logical = upper === all ? (this.#options.logicalDevices.at(0) ?? upper) : upper;
    const physical = lower === all ? (this.#options.physicalDevice ?? lower) : lower;
    return { upper: logical, lower: physical, length };
  }

  #open(stations: Stations, own: HdlcAddress, information: Uint8Array, nowMs: number): void {
    const wishes = decodeHdlcParameters(information);
    if (wishes === null) {
      this.#write(clientAddress(stations.client), own, { type: 'DM', pollFinal: true }, NOTHING, false);
      return;
    }
    const parameters = negotiate(this.#options.parameters, wishes);
    this.#connections.delete(keyOf(stations));
    const oldest = this.#connections.values().next().value;
    if (this.#connections.size >= HDLC_CLIENTS_MAX && oldest !== undefined) this.#drop(oldest, true);
    const connection = {
      stations,
      own,
      transfer: new HdlcTransfer(parameters),
      informationBytes: parameters.informationTransmitBytes,
      unasked: [],
      hasToken: false,
      lastHeardMs: nowMs,
    };
    this.#connections.set(keyOf(stations), connection);
    this.#write(
      clientAddress(stations.client),
      own,
      { type: 'UA', pollFinal: true },
      encodeHdlcParameters(parameters),
      false,
    );
    this.#events.push({ kind: 'link-up', stations });
  }

  /** A message in UI frames; one of which a segment is missing is nothing, or not what its tag says. */
  #unnumbered({ information, segmented }: HdlcFrame, stations: Stations): void {
    const isFirst = startsWithLlc(information);
    if (isFirst || this.#unnumberedFrom !== stations.client) this.#unnumberedParts = [];
    this.#unnumberedFrom = stations.client;
    this.#unnumberedParts.push(information);
    const octets = concat(this.#unnumberedParts);
    if (segmented && octets.length <= APDU_MAX_BYTES) return;
    this.#unnumberedParts = [];
    const apdu = segmented ? null : withoutLlc(octets);
    if (apdu === null) this.#events.push({ kind: 'discarded', code: 'HDLC_LLC', octets });
    else this.#events.push({ kind: 'unsolicited', apdu, stations });
  }

  #notConnected(control: HdlcControl, source: HdlcAddress, own: HdlcAddress): void {
    if (control.pollFinal) this.#write(source, own, { type: 'DM', pollFinal: true }, NOTHING, false);
  }

  #disconnected(connection: Connection, source: HdlcAddress): void {
    this.#write(source, connection.own, { type: 'UA', pollFinal: true }, NOTHING, false);
    this.#drop(connection, false);
  }

  #drop(connection: Connection, inactive: boolean): void {
    const { stations } = connection;
    this.#connections.delete(keyOf(stations));
    const reason = inactive ? frameError('HDLC_INACTIVE', `client ${stations.client}`) : null;
    this.#events.push({ kind: 'link-down', reason, stations });
  }

  #information(connection: Connection, control: Extract<HdlcControl, { type: 'I' }>, frame: HdlcFrame): void {
    const { transfer, stations } = connection;
    if (!transfer.acknowledge(control.nr)) {
      this.#reject(connection, control);
      return;
    }
    const received = transfer.receive(control.ns, frame.information, frame.segmented);
    connection.hasToken = control.pollFinal;
    if (received.kind === 'message') {
      const apdu = withoutLlc(received.octets);
      if (apdu !== null) {
        this.#events.push({ kind: 'apdu', apdu, stations });
        return;
      }
      this.#events.push({ kind: 'discarded', code: 'HDLC_LLC', octets: received.octets });
    } else if (received.kind === 'out-of-order') {
      this.#events.push({ kind: 'discarded', code: 'HDLC_SEQUENCE', octets: frame.information });
    } else if (received.kind === 'too-long') {
      this.#drop(connection, false);
      return;
    }
    if (control.pollFinal) this.#answer(connection);
  }

  #polled(
    connection: Connection,
    control: Extract<HdlcControl, { nr: number; type: 'RR' | 'RNR' | 'REJ' | 'SREJ' }>,
  ): void {
    if (!connection.transfer.acknowledge(control.nr)) {
      this.#reject(connection, control);
      return;
    }
    if (!control.pollFinal) return;
    connection.hasToken = true;
    if (control.type === 'RR') this.#answer(connection);
    else this.#sendReady(connection);
  }

  #reject(connection: Connection, control: HdlcControl): void {
    const information = Uint8Array.of(encodeHdlcControl(control), connection.transfer.nr << 5, FRMR_BAD_NR);
    this.#write(
      clientAddress(connection.stations.client),
      connection.own,
      { type: 'FRMR', pollFinal: true },
      information,
      false,
    );
    this.#connections.delete(keyOf(connection.stations));
    this.#events.push({
      kind: 'link-down',
      reason: frameError('HDLC_SEQUENCE_LOST', `client ${connection.stations.client}`),
      stations: connection.stations,
    });
  }

  /** Gives the token back with whatever there is to say. */
  #answer(connection: Connection): void {
    connection.transfer.rewind();
    if (connection.transfer.hasUnsent) this.#sendWindow(connection);
    else this.#sendReady(connection);
  }

  #sendReady(connection: Connection): void {
    connection.hasToken = false;
    this.#sendUnasked(connection);
    const control: HdlcControl = { type: 'RR', nr: connection.transfer.nr, pollFinal: true };
    this.#write(clientAddress(connection.stations.client), connection.own, control, NOTHING, false);
  }

  #sendWindow(connection: Connection): void {
    connection.hasToken = false;
    this.#sendUnasked(connection);
    const window = connection.transfer.takeWindow();
    window.forEach(({ ns, information, segmented }, at) => {
      const control: HdlcControl = { type: 'I', ns, nr: connection.transfer.nr, pollFinal: at === window.length - 1 };
      this.#write(clientAddress(connection.stations.client), connection.own, control, information, segmented);
    });
  }

  #write(
    destination: HdlcAddress,
    source: HdlcAddress,
    control: HdlcControl,
    information: Uint8Array,
    segmented: boolean,
  ): void {
    this.#output.push(encodeHdlcFrame({ segmented, destination, source, control, information }));
  }
}

function keyOf({ client, server }: Stations): string {
  return `${client}>${server}`;
}
