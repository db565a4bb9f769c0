/**
 * Listens to a customer port: HDLC UI or I frames and wired M-Bus long frames, in one stream, in any mixture, and joins
 * their segments and general-block-transfer blocks to whole messages; or P1 telegrams or files of SML, which are whole. It never sends.
 *
 * Known weak point: segments of UI frames carry no number, so a lost middle segment shows only when the message is decoded.
 */
import { concat, toHex } from '../../base/bytes.ts';
import type { Machine } from '../../base/machine.ts';
import { BlockJoin, GENERAL_BLOCK_TRANSFER } from './block-join.ts';
import type { FrameErrorCode } from './errors.ts';
import { encodeHdlcAddress } from './hdlc-address.ts';
import { HDLC_RULE, type HdlcFrame } from './hdlc-frame.ts';
import {
  FRAME_GAP_DEFAULT_MS,
  PUSH_MESSAGE_MAX_BYTES,
  PUSH_REASSEMBLY_DEFAULT_MS,
  PUSH_SENDERS_MAX,
} from './limits.ts';
import { startsWithLlc, withoutLlc } from './llc.ts';
import { isLastMbusSegment, MBUS_RULE, type MbusFrame, mbusSequence } from './mbus-frame.ts';
import { p1Rule } from './p1-frame.ts';
import { type FrameRule, FrameScanner } from './scanner.ts';
import { SML_RULE } from './sml-frame.ts';
import type { Stations, TransportEvent } from './transport.ts';

/** Frames of a customer port: `auto` = HDLC and M-Bus, `p1-unchecked` = telegrams before DSMR 4, which have no CRC; `sml` = files of SML. */
export type PushFraming = 'hdlc' | 'mbus' | 'auto' | 'p1' | 'p1-unchecked' | 'sml';

/** What a listener tells: APDUs of pushes, or telegrams. */
export type PushEvent =
  | TransportEvent
  /** A telegram from its `/` to the line end behind its `!`, or a file of SML from its first escape to its check. */
  | { readonly kind: 'telegram'; readonly octets: Uint8Array };

/** Settings of a listener. */
export interface PushOptions {
  /** Which frames to look for; telegrams are never mixed with others. */
  readonly framing: PushFraming;
  /** Silence inside a frame after which it is given up, ms (20-5,000). */
  readonly gapMs?: number;
  /** Silence between segments or blocks of one message after which it is given up, ms. */
  readonly reassemblyMs?: number;
}

type Frame =
  | { readonly link: 'hdlc'; readonly frame: HdlcFrame }
  | { readonly link: 'mbus'; readonly frame: MbusFrame }
  | { readonly link: 'telegram'; readonly frame: Uint8Array };

/** What is known of one sender's unfinished message. */
interface Sender {
  parts: Uint8Array[];
  bytes: number;
  /** Number that the next segment must have, where segments are numbered. */
  next: number;
  lastAtMs: number;
  readonly stations: Stations;
  readonly blocks: BlockJoin;
}

/** The listener: only `unsolicited`, `telegram` and `discarded` events come out. */
export class PushMachine implements Machine<PushEvent> {
  readonly #scanner: FrameScanner<Frame>;
  readonly #senders = new Map<string, Sender>();
  readonly #reassemblyMs: number;

  constructor(options: PushOptions) {
    this.#scanner = new FrameScanner(rulesOf(options.framing), options.gapMs ?? FRAME_GAP_DEFAULT_MS);
    this.#reassemblyMs = options.reassemblyMs ?? PUSH_REASSEMBLY_DEFAULT_MS;
  }

  receive(chunk: Uint8Array, nowMs: number): PushEvent[] {
    return this.#consume(this.#scanner.receive(chunk, nowMs), nowMs);
  }

  takeOutput(): Uint8Array[] {
    return [];
  }

  deadlineMs(): number | null {
    let deadline = this.#scanner.deadlineMs();
    for (const sender of this.#senders.values()) {
      if (isOpen(sender))
        deadline = Math.min(deadline ?? Number.POSITIVE_INFINITY, sender.lastAtMs + this.#reassemblyMs);
    }
    return deadline;
  }

  tick(nowMs: number): PushEvent[] {
    const events = this.#consume(this.#scanner.tick(nowMs), nowMs);
    for (const [key, sender] of this.#senders) {
      if (!isOpen(sender) || nowMs < sender.lastAtMs + this.#reassemblyMs) continue;
      const code: FrameErrorCode = sender.blocks.isOpen ? 'GBT_ORDER' : 'HDLC_SEGMENT_LOST';
      events.push({ kind: 'discarded', code, octets: concat([sender.blocks.abandon(), ...sender.parts]) });
      this.#senders.delete(key);
    }
    return events;
  }

  #consume(scanned: ReturnType<FrameScanner<Frame>['receive']>, nowMs: number): PushEvent[] {
    const events: PushEvent[] = [];
    for (const event of scanned) {
      if (event.kind === 'discarded') events.push(event);
      else if (event.frame.link === 'hdlc') this.#hdlc(event.frame.frame, nowMs, events);
      else if (event.frame.link === 'mbus') this.#mbus(event.frame.frame, nowMs, events);
      else events.push({ kind: 'telegram', octets: event.frame.frame });
    }
    return events;
  }

  #hdlc(frame: HdlcFrame, nowMs: number, events: PushEvent[]): void {
    const { control, information, source, destination } = frame;
    if ((control.type !== 'UI' && control.type !== 'I') || information.length === 0) {
      events.push({ kind: 'discarded', code: 'HDLC_UNEXPECTED', octets: information });
      return;
    }
    const key = `h${toHex(encodeHdlcAddress(source))}>${toHex(encodeHdlcAddress(destination))}`;
    const sender = this.#sender(key, { client: destination.upper, server: source.upper }, nowMs, events);
    const begins = sender.parts.length === 0 || startsWithLlc(information);
    const inOrder = begins || (control.type === 'I' ? control.ns === sender.next : true);
    if (control.type === 'I') sender.next = (control.ns + 1) & 7;
    if (!inOrder || (begins && sender.parts.length > 0)) this.#abandonSegments(sender, 'HDLC_SEGMENT_LOST', events);
    if (!inOrder) return;
    this.#segment(
      sender,
      begins ? (withoutLlc(information) ?? information) : information,
      !frame.segmented,
      'HDLC_SEGMENT_LOST',
      events,
    );
  }

  #mbus(frame: MbusFrame, nowMs: number, events: PushEvent[]): void {
    const key = `m${frame.address}:${frame.source}>${frame.destination}`;
    const sender = this.#sender(key, { client: frame.destination, server: frame.source }, nowMs, events);
    const sequence = mbusSequence(frame);
    if (sequence === 0 && sender.parts.length > 0) this.#abandonSegments(sender, 'MBUS_SEGMENT_ORDER', events);
    const expected = sender.parts.length === 0 ? 0 : sender.next;
    if (sequence !== expected) {
      this.#abandonSegments(sender, 'MBUS_SEGMENT_ORDER', events);
      events.push({ kind: 'discarded', code: 'MBUS_SEGMENT_ORDER', octets: frame.data });
      return;
    }
    sender.next = (sequence + 1) & 0x0f;
    this.#segment(sender, frame.data, isLastMbusSegment(frame), 'MBUS_SEGMENT_ORDER', events);
  }

  #sender(key: string, stations: Stations, nowMs: number, events: PushEvent[]): Sender {
    const sender = this.#senders.get(key) ?? {
      parts: [],
      bytes: 0,
      next: 0,
      lastAtMs: nowMs,
      stations,
      blocks: new BlockJoin(),
    };
    sender.lastAtMs = nowMs;
    this.#senders.delete(key);
    this.#senders.set(key, sender);
    const oldest = this.#senders.entries().next().value;
    if (this.#senders.size > PUSH_SENDERS_MAX && oldest !== undefined) {
      this.#senders.delete(oldest[0]);
      if (isOpen(oldest[1])) this.#abandonSegments(oldest[1], 'HDLC_SEGMENT_LOST', events);
    }
    return sender;
  }

  #segment(sender: Sender, data: Uint8Array, last: boolean, code: FrameErrorCode, events: PushEvent[]): void {
    sender.parts.push(data);
    sender.bytes += data.length;
    if (sender.bytes > PUSH_MESSAGE_MAX_BYTES) this.#abandonSegments(sender, code, events);
    else if (last) {
      const apdu = concat(sender.parts);
      sender.parts = [];
      sender.bytes = 0;
      this.#message(sender, apdu, events);
    }
  }

  #message(sender: Sender, apdu: Uint8Array, events: PushEvent[]): void {
    if (apdu.indexOf(GENERAL_BLOCK_TRANSFER) !== 0) {
      events.push({ kind: 'unsolicited', apdu, stations: sender.stations });
      return;
    }
    const outcome = sender.blocks.accept(apdu);
    if (outcome.kind === 'message') events.push({ kind: 'unsolicited', apdu: outcome.apdu, stations: sender.stations });
    else if (outcome.kind === 'dropped') events.push({ kind: 'discarded', code: outcome.code, octets: outcome.octets });
  }

  #abandonSegments(sender: Sender, code: FrameErrorCode, events: PushEvent[]): void {
    if (sender.parts.length > 0) events.push({ kind: 'discarded', code, octets: concat(sender.parts) });
    sender.parts = [];
    sender.bytes = 0;
  }
}

function isOpen(sender: Sender): boolean {
  return sender.parts.length > 0 || sender.blocks.isOpen;
}

function rulesOf(framing: PushFraming): FrameRule<Frame>[] {
  if (framing === 'p1' || framing === 'p1-unchecked')
    return [tagged(p1Rule(framing === 'p1'), (frame) => ({ link: 'telegram', frame }))];
  if (framing === 'sml') return [tagged(SML_RULE, (frame) => ({ link: 'telegram', frame }))];
  const rules: FrameRule<Frame>[] = [];
  if (framing !== 'mbus') rules.push(tagged(HDLC_RULE, (frame) => ({ link: 'hdlc', frame })));
  if (framing !== 'hdlc') rules.push(tagged(MBUS_RULE, (frame) => ({ link: 'mbus', frame })));
  return rules;
}

/** The same rule, its frames marked with the kind of link. */
function tagged<A, B>(rule: FrameRule<A>, mark: (frame: A) => B): FrameRule<B> {
  return {
    start: rule.start,
    examine(view) {
      const verdict = rule.examine(view);
      return verdict.kind === 'accept' ? { ...verdict, frame: mark(verdict.frame) } : verdict;
    },
  };
}
