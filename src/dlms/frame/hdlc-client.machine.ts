/**
 * The primary station of the HDLC data link (IEC 62056-46 clause 6.4, normal response mode): the client of one meter.
 *
 * The client has the token; a frame with P=1 hands it over, one with F=1 brings it back. Silence is answered in turns by a
 * poll (RR, P=1) and by the frame itself, until `retries` are used up; an answer that comes altered is polled for at once. A late answer after a poll comes twice: the second
 * one is recognised by its numbers and dropped without an answer, so that doubles die out instead of breeding.
 *
 * Given up: sending with a window above 1 is a wish in `parameters` (few meters bear it); REJ and SREJ are not used.
 */
import { concat, toHex } from '../../base/bytes.ts';
import { type FrameErrorCode, frameError } from './errors.ts';
import { clientAddress, formatHdlcAddress, type HdlcAddress, isAllStations, sameStation } from './hdlc-address.ts';
import { encodeHdlcFrame, HDLC_RULE, type HdlcControl, type HdlcFrame } from './hdlc-frame.ts';
import {
  decodeHdlcParameters,
  encodeHdlcParameters,
  HDLC_DEFAULTS,
  type HdlcParameters,
  mirrored,
} from './hdlc-parameters.ts';
import { HdlcTransfer } from './hdlc-transfer.ts';
import { APDU_MAX_BYTES, FRAME_GAP_DEFAULT_MS, RNR_POLL_MS } from './limits.ts';
import { LLC, startsWithLlc, withLlc, withoutLlc } from './llc.ts';
import { FrameScanner } from './scanner.ts';
import type { ClientTransport, Stations, TransportEvent } from './transport.ts';

/** Settings of the client's data link. */
export interface HdlcClientOptions {
  /** Client address (SAP), 0-127. */
  readonly client: number;
  readonly server: HdlcAddress;
  /** What this side can do; default 128 octets and window 1 both ways. */
  readonly parameters?: HdlcParameters;
  /** Silence after which a frame is repeated, ms: 2,500 for RS-485, up to 120,000 for PLC and mobile. */
  readonly responseTimeoutMs?: number;
  /** Repetitions of one frame before the link counts as down. */
  readonly retries?: number;
  /** Silence inside a frame after which it is given up, ms. */
  readonly gapMs?: number;
  /** Idle time after which the link is kept alive by a poll, ms; 0 = never. */
  readonly keepAliveMs?: number;
  /** Time of one octet on this line, ms; 0 = as good as none. Lengthens the response timeout by what is being sent. */
  readonly octetMs?: number;
  /**
   * How the meter numbers its I frames: as the standard says, or all with 0. Doubles of the second kind cannot be told from
   * what follows, so nothing is asked for twice in such a connection: the first missing answer ends it.
   */
  readonly serverNumbers?: 'counted' | 'zero';
  /** Whether the meter answers DISC; false = it is sent once and not waited for. */
  readonly answersDisconnect?: boolean;
}

const RESPONSE_TIMEOUT_MS = 2_500;
const RETRIES = 3;
/** Answers in a row that may come altered, or to polls only: with one bit in a thousand wrong, half of long frames are lost. */
const FRUITLESS_MAX = 10;
const ALTERED: ReadonlySet<FrameErrorCode> = new Set(['HDLC_HCS_MISMATCH', 'HDLC_FCS_MISMATCH']);

type State = 'down' | 'connecting' | 'up' | 'disconnecting';

/** The client's data link. */
export class HdlcClient implements ClientTransport {
  readonly maxInFlight = 1;
  readonly reliable = true;
  readonly #options: Required<HdlcClientOptions>;
  readonly #scanner: FrameScanner<HdlcFrame>;
  readonly #client: HdlcAddress;
  #server: HdlcAddress;
  #state: State = 'down';
  #parameters: HdlcParameters = HDLC_DEFAULTS;
  #transfer = new HdlcTransfer(HDLC_DEFAULTS);
  #output: Uint8Array[] = [];
  #events: TransportEvent[] = [];
  /** What was sent last with P=1 and waits for F=1; null while the token is here. */
  #awaiting: 'command' | 'information' | 'poll' | null = null;
  #answerByMs: number | null = null;
  /** Answers missed, or given without progress, in a row. */
  #tries = 0;
  /** Answers in a row that came altered, or to polls only: the meter is there, so more of them are borne than of silence. */
  #fruitless = 0;
  /** Since the token was given away, a frame came whose checksum is wrong. */
  #heardAltered = false;
  /** The meter acknowledged what was never sent: the reason to give when nothing helps. */
  #sequenceLost = false;
  /** SNRM without parameters is tried when one with them was refused. */
  #bare = false;
  #peerBusy = false;
  /** Until when an answer to what was sent is polled for; null when none is due. */
  #patientUntilMs: number | null = null;
  /** When the token, which is here, goes out again by itself: a poll for an answer, or to keep the link alive. */
  #askAtMs: number | null = null;
  /** Whether a missed answer ends the link, see {@link ClientTransport}. */
  #makesWay = false;
  /** Segments of a pushed message. */
  #pushed: Uint8Array[] = [];

  constructor(options: HdlcClientOptions) {
    this.#options = {
      parameters: HDLC_DEFAULTS,
      responseTimeoutMs: RESPONSE_TIMEOUT_MS,
      retries: RETRIES,
      gapMs: FRAME_GAP_DEFAULT_MS,
      keepAliveMs: 0,
      octetMs: 0,
      serverNumbers: 'counted',
      answersDisconnect: true,
      ...options,
    };
    this.#client = clientAddress(options.client);
    this.#server = options.server;
    this.#scanner = new FrameScanner([HDLC_RULE], this.#options.gapMs);
  }

  connect(nowMs: number): void {
    if (this.#state !== 'down') return;
    this.#server = this.#options.server;
    this.#bare = false;
    this.#state = 'connecting';
    this.#progress();
    this.#command('SNRM', nowMs);
  }

  send(apdu: Uint8Array, nowMs: number): void {
    if (this.#state !== 'up') return;
    this.#transfer.enqueue(withLlc(LLC.command, apdu));
    this.#patientUntilMs = nowMs + this.#patienceMs();
    if (this.#awaiting === null && !this.#peerBusy) this.#sendWindow(nowMs);
  }

  disconnect(nowMs: number): void {
    if (this.#state === 'down' || this.#state === 'disconnecting') return;
    this.#state = 'disconnecting';
    this.#progress();
    this.#command('DISC', nowMs);
    // Nothing to wait for: the driver ticks at once.
    if (!this.#options.answersDisconnect) this.#answerByMs = nowMs;
  }

  stillWaiting(nowMs: number): void {
    if (this.#state !== 'up') return;
    this.#patientUntilMs = nowMs + this.#patienceMs();
    // The token is here and nothing that was sent would bring the answer: it has to be fetched.
    if (this.#awaiting === null && !this.#peerBusy && !this.#transfer.isUnacknowledged) this.#poll(nowMs);
  }

  makeWay(wanted: boolean): void {
    this.#makesWay = wanted;
  }

  receive(chunk: Uint8Array, nowMs: number): TransportEvent[] {
    return this.#consume(this.#scanner.receive(chunk, nowMs), nowMs, this.#options.gapMs);
  }

  takeOutput(): Uint8Array[] {
    const output = this.#output;
    this.#output = [];
    return output;
  }

  deadlineMs(): number | null {
    const due = [this.#scanner.deadlineMs(), this.#answerByMs, this.#askAtMs];
    const next = Math.min(...due.map((at) => at ?? Number.POSITIVE_INFINITY));
    return Number.isFinite(next) ? next : null;
  }

  tick(nowMs: number): TransportEvent[] {
    if (this.#answerByMs !== null && nowMs >= this.#answerByMs) this.#noAnswer(nowMs);
    else if (this.#askAtMs !== null && nowMs >= this.#askAtMs) this.#poll(nowMs);
    return this.#consume(this.#scanner.tick(nowMs), nowMs, 0);
  }

  /** Takes what was heard; `quietAfterMs` is how long the line is still to be listened to before it counts as quiet. */
  #consume(
    scanned: ReturnType<FrameScanner<HdlcFrame>['receive']>,
    nowMs: number,
    quietAfterMs: number,
  ): TransportEvent[] {
    for (const event of scanned) {
      if (event.kind === 'discarded') {
        this.#events.push(event);
        if (ALTERED.has(event.code)) this.#altered(nowMs + quietAfterMs);
      } else if (this.#isForUs(event.frame)) this.#frame(event.frame, nowMs);
      else this.#discard('HDLC_FOREIGN', event.frame.information);
    }
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** Waiting for the rest of the time would be in vain, but what else the meter has to say comes first. */
  #altered(quietAtMs: number): void {
    if (this.#answerByMs === null) return;
    this.#heardAltered = true;
    this.#answerByMs = Math.min(this.#answerByMs, quietAtMs);
  }

  #isForUs({ destination, source }: HdlcFrame): boolean {
    const anyServer = this.#state === 'connecting' && isAllStations(this.#server);
    return (anyServer || sameStation(source, this.#server)) && sameStation(destination, this.#client);
  }

  #frame(frame: HdlcFrame, nowMs: number): void {
    if (frame.control.type === 'UI') this.#unnumbered(frame, nowMs);
    else if (this.#state === 'connecting') this.#whileConnecting(frame, nowMs);
    else if (this.#state === 'up') this.#whileUp(frame, nowMs);
    else if (this.#state === 'disconnecting' && (frame.control.type === 'UA' || frame.control.type === 'DM'))
      this.#down(null);
    else this.#discard('HDLC_UNEXPECTED', frame.information);
  }

  #whileConnecting({ control, information, source }: HdlcFrame, nowMs: number): void {
    if (control.type === 'UA') {
      const answer = decodeHdlcParameters(information);
      if (answer === null) {
        this.#down('HDLC_NEGOTIATION');
        return;
      }
      this.#server = source;
      this.#parameters = mirrored(answer);
      this.#transfer = new HdlcTransfer(this.#parameters);
      this.#state = 'up';
      this.#tokenIsHere();
      this.#useToken(nowMs);
      this.#events.push({ kind: 'link-up', stations: this.#stations() });
    } else if (control.type === 'DM' || control.type === 'FRMR') {
      if (this.#bare) {
        this.#down(control.type === 'DM' ? 'HDLC_NOT_CONNECTED' : 'HDLC_REJECTED');
        return;
      }
      this.#bare = true;
      this.#command('SNRM', nowMs);
    } else this.#discard('HDLC_UNEXPECTED', information);
  }

  #whileUp(frame: HdlcFrame, nowMs: number): void {
    const { control, information } = frame;
    switch (control.type) {
      case 'I':
        this.#information(control, frame, nowMs);
        return;
      case 'RR':
        this.#ready(control.nr, control.pollFinal, nowMs);
        return;
      case 'RNR':
        this.#notReady(control.nr, nowMs);
        return;
      case 'DM':
        this.#down('HDLC_NOT_CONNECTED');
        return;
      case 'FRMR':
        this.#down('HDLC_REJECTED', toHex(information));
        return;
      default:
        this.#discard('HDLC_UNEXPECTED', information);
        return;
    }
  }

  #information(control: Extract<HdlcControl, { type: 'I' }>, frame: HdlcFrame, nowMs: number): void {
    const hole = ((control.ns - this.#transfer.nr) & 7) < this.#parameters.windowReceive;
    const received = this.#transfer.receive(this.#numberOf(control.ns), frame.information, frame.segmented);
    if (received.kind === 'out-of-order') {
      this.#discard('HDLC_SEQUENCE', frame.information);
      // A double of an answer already taken is dropped without an answer; a hole in a window is asked for.
      if (hole && control.pollFinal && this.#awaiting !== null) this.#poll(nowMs);
      return;
    }
    if (!this.#transfer.acknowledge(control.nr)) this.#sequenceLost = true;
    this.#progress();
    this.#peerBusy = false;
    if (received.kind === 'too-long') {
      this.#down('APDU_TOO_LONG');
      return;
    }
    if (received.kind === 'message') this.#message(received.octets);
    if (!control.pollFinal) {
      this.#expectAnswer(0, nowMs);
      return;
    }
    this.#tokenIsHere();
    this.#useToken(nowMs);
  }

  /** The number that a frame should have had: of a meter that counts nothing, the one that is awaited, if any is. */
  #numberOf(ns: number): number {
    const isAwaited = this.#options.serverNumbers === 'zero' && ns === 0 && this.#awaiting !== null;
    return isAwaited ? this.#transfer.nr : ns;
  }

  #message(octets: Uint8Array): void {
    this.#patientUntilMs = null;
    const apdu = withoutLlc(octets);
    if (apdu === null) this.#discard('HDLC_LLC', octets);
    else this.#events.push({ kind: 'apdu', apdu, stations: this.#stations() });
  }

  #ready(nr: number, final: boolean, nowMs: number): void {
    const before = this.#transfer.inFlight;
    if (!this.#transfer.acknowledge(nr)) {
      this.#sequenceLost = true;
      this.#discard('HDLC_SEQUENCE', new Uint8Array(0));
      return;
    }
    const after = this.#transfer.inFlight;
    if (after < before) this.#progress();
    if (!final || this.#awaiting === null) return;
    // One frame on its way and not acknowledged: this answers an earlier poll, the answer to the frame still comes.
    if (after === 1 && before === 1 && this.#awaiting === 'information') return;
    if (after > 0 && after === before && this.#isInVain()) {
      this.#down(this.#reason());
      return;
    }
    this.#peerBusy = false;
    this.#tokenIsHere();
    this.#useToken(nowMs);
  }

  /** The meter answered and did not acknowledge: what was sent was lost, unless its numbers are wrong for good. */
  #isInVain(): boolean {
    if (this.#sequenceLost) return ++this.#tries > this.#options.retries;
    this.#tries = 0;
    return ++this.#fruitless > FRUITLESS_MAX;
  }

  #notReady(nr: number, nowMs: number): void {
    if (!this.#transfer.acknowledge(nr)) this.#sequenceLost = true;
    this.#peerBusy = true;
    this.#patientUntilMs ??= nowMs + this.#patienceMs();
    if (nowMs >= this.#patientUntilMs) {
      this.#down('HDLC_BUSY');
      return;
    }
    this.#tokenIsHere();
    this.#useToken(nowMs);
  }

  #progress(): void {
    this.#tries = 0;
    this.#fruitless = 0;
  }

  #tokenIsHere(): void {
    this.#awaiting = null;
    this.#answerByMs = null;
    this.#askAtMs = null;
  }

  /** What follows when the meter has given the token back. */
  #useToken(nowMs: number): void {
    if (this.#transfer.isUnacknowledged) this.#transfer.rewind();
    if (this.#peerBusy) this.#askAtMs = nowMs + RNR_POLL_MS;
    else if (this.#transfer.isReceiving) this.#poll(nowMs);
    else if (this.#transfer.hasUnsent) this.#sendWindow(nowMs);
    else if (this.#patientUntilMs !== null && nowMs < this.#patientUntilMs) this.#askAtMs = nowMs + RNR_POLL_MS;
    else if (this.#options.keepAliveMs > 0) this.#askAtMs = nowMs + this.#options.keepAliveMs;
  }

  #noAnswer(nowMs: number): void {
    if (this.#scanner.isInside(nowMs)) {
      this.#answerByMs = nowMs + this.#options.gapMs;
      return;
    }
    if (this.#makesWay) {
      this.#down(null);
      return;
    }
    const limit = this.#retries;
    const wasAltered = this.#heardAltered && limit > 0 && this.#fruitless < FRUITLESS_MAX;
    if (wasAltered) this.#fruitless++;
    else if (++this.#tries > limit) {
      this.#down(this.#state === 'disconnecting' ? null : this.#reason());
      return;
    }
    for (const event of this.#scanner.flush()) if (event.kind === 'discarded') this.#events.push(event);
    if (this.#state === 'connecting') this.#command('SNRM', nowMs);
    else if (this.#state === 'disconnecting') this.#command('DISC', nowMs);
    else if (!wasAltered && this.#tries % 2 === 0 && this.#transfer.isUnacknowledged) {
      this.#transfer.rewind();
      this.#sendWindow(nowMs);
    } else this.#poll(nowMs);
  }

  /** How often the present frame is repeated at most. */
  get #retries(): number {
    const { retries, serverNumbers, answersDisconnect } = this.#options;
    if (this.#state === 'disconnecting') return answersDisconnect ? 1 : 0;
    return this.#state === 'up' && serverNumbers === 'zero' ? 0 : retries;
  }

  #reason(): FrameErrorCode {
    return this.#sequenceLost ? 'HDLC_SEQUENCE_LOST' : 'HDLC_NO_ANSWER';
  }

  #down(code: FrameErrorCode | null, detail = ''): void {
    this.#state = 'down';
    this.#tokenIsHere();
    this.#patientUntilMs = null;
    this.#peerBusy = false;
    this.#sequenceLost = false;
    this.#parameters = HDLC_DEFAULTS;
    this.#transfer = new HdlcTransfer(HDLC_DEFAULTS);
    const where = `server ${formatHdlcAddress(this.#server)}${detail === '' ? '' : `, ${detail}`}`;
    this.#events.push({
      kind: 'link-down',
      reason: code === null ? null : frameError(code, where),
      stations: this.#stations(),
    });
  }

  #unnumbered(frame: HdlcFrame, nowMs: number): void {
    // The meter speaks: the answer comes behind it, and the time that this took was no silence.
    if (this.#answerByMs !== null && this.#awaiting !== 'command') this.#expectAnswer(0, nowMs);
    this.#pushedSegment(frame);
  }

  #pushedSegment({ information, segmented }: HdlcFrame): void {
    if (startsWithLlc(information)) this.#pushed = [];
    this.#pushed.push(information);
    const octets = concat(this.#pushed);
    if (segmented && octets.length <= APDU_MAX_BYTES) return;
    this.#pushed = [];
    const apdu = withoutLlc(octets);
    if (apdu === null || segmented) this.#discard('HDLC_LLC', octets);
    else this.#events.push({ kind: 'unsolicited', apdu, stations: this.#stations() });
  }

  #discard(code: FrameErrorCode, octets: Uint8Array): void {
    this.#events.push({ kind: 'discarded', code, octets });
  }

  #stations(): Stations {
    return { client: this.#options.client, server: this.#server.upper };
  }

  #patienceMs(): number {
    return this.#options.responseTimeoutMs * (this.#options.retries + 1);
  }

  #command(type: 'SNRM' | 'DISC', nowMs: number): void {
    const information =
      type === 'DISC' || this.#bare ? new Uint8Array(0) : encodeHdlcParameters(this.#options.parameters);
    this.#write({ type, pollFinal: true }, information, false, 'command', nowMs);
  }

  #poll(nowMs: number): void {
    this.#write({ type: 'RR', nr: this.#transfer.nr, pollFinal: true }, new Uint8Array(0), false, 'poll', nowMs);
  }

  #sendWindow(nowMs: number): void {
    const window = this.#transfer.takeWindow();
    window.forEach(({ ns, information, segmented }, at) => {
      const control: HdlcControl = { type: 'I', ns, nr: this.#transfer.nr, pollFinal: at === window.length - 1 };
      this.#write(control, information, segmented, 'information', nowMs);
    });
  }

  #write(
    control: HdlcControl,
    information: Uint8Array,
    segmented: boolean,
    awaiting: 'command' | 'information' | 'poll',
    nowMs: number,
  ): void {
    const octets = encodeHdlcFrame({
      segmented,
      destination: this.#server,
      source: this.#client,
      control,
      information,
    });
    this.#output.push(octets);
    this.#awaiting = awaiting;
    this.#heardAltered = false;
    this.#askAtMs = null;
    this.#expectAnswer(octets.length, nowMs);
  }

  #expectAnswer(sentBytes: number, nowMs: number): void {
    this.#answerByMs = nowMs + sentBytes * this.#options.octetMs + this.#options.responseTimeoutMs;
  }
}
