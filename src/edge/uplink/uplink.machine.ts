/**
 * Who may send what when: the rules of the uplink without any connection.
 *
 * A session begins with hello and a random session id. Until its answer comes there is no credit, so only alarms and
 * command results (lanes 0 and 1) leave; after it, blocks leave in strict order of lanes while two limits allow: the
 * collector's credit (octets beyond what it holds, lanes 0 and 1 exempt) and the outstanding limit of `Pace` (all
 * lanes). A message of the collector counts only with the current session, the current term and, checked before it gets
 * here, a valid authenticator. When the oldest unacknowledged block is older than 30 s and four round trips, hello is
 * said again, and sooner when the collector calls for it: the answer tells where to go on, so nothing is ever guessed to
 * be lost.
 *
 * Given up: a block that was lost alone is not resent alone; everything after the collector's `upTo` goes again. Known
 * weak point: after a restart of the collector up to one outstanding window travels twice.
 */
import { sameOctets } from '../../base/bytes.ts';
import { LANE_ORDER, type Lane } from '../../wire/lanes.ts';
import { type CollectorBody, type CollectorMessage, NO_SESSION } from '../../wire/messages.ts';
import { EDGE_ERRORS } from '../errors.ts';
import {
  HELLO_RECALL_MIN_MS,
  HELLO_RETRY_MAX_MS,
  HELLO_RETRY_MIN_MS,
  NEED_GUARD_MIN_MS,
  PUBLISH_MAX_OCTETS,
  STATUS_INTERVAL_MS,
  STUCK_MIN_MS,
  STUCK_ROUND_TRIPS,
} from '../limits.ts';
import type { LaneSpan, StoredBlock } from '../ports.ts';
import { LaneSender } from './lane-sender.ts';
import type { SendStep, UplinkAction } from './messages.ts';
import { Pace } from './pace.ts';

/** What the machine needs from outside. */
export interface UplinkMachineOptions {
  /** 16 hex digits. */
  readonly epoch: string;
  /** 16 random octets, new ones at each call. */
  readonly newSession: () => Uint8Array;
}

const NOTHING = new Uint8Array(0);

/** The rules of one uplink; lives as long as the process, over many connections. */
export class UplinkMachine {
  readonly pace = new Pace();
  readonly #options: UplinkMachineOptions;
  readonly #senders: readonly LaneSender[] = LANE_ORDER.map(() => new LaneSender());
  #connected = false;
  #open = false;
  /** The hello of this session was answered, whether the session is still open or not. */
  #answered = false;
  #session: Uint8Array = NOTHING;
  #term: Uint8Array = NOTHING;
  #credit = 0;
  #helloAtMs = 0;
  /** Hellos since the collector last took something or answered with nothing to take. */
  #hellos = 0;
  #refused = false;
  /** The collector said that it knows no session of ours. */
  #called = false;
  #gapSeen = false;
  #statusDueMs: number | null = null;
  #generation = 0;

  constructor(options: UplinkMachineOptions) {
    this.#options = options;
  }

  /** Hello was answered. */
  get isOpen(): boolean {
    return this.#open;
  }

  /** The last thing the collector said is that it will not take our blocks. */
  get isRefused(): boolean {
    return this.#refused;
  }

  /** Octets that left and are not acknowledged, all lanes. */
  get outstandingOctets(): number {
    return this.#senders.reduce((sum, sender) => sum + sender.outstandingOctets, 0);
  }

  /** A connection stands: hello is due. */
  connected(spans: readonly LaneSpan[], nowMs: number): UplinkAction[] {
    this.#connected = true;
    this.#hellos = 0;
    this.pace.reset();
    for (const span of spans) this.#sender(span.lane).restartAfter(span.ackedUpTo);
    return [this.#hello(nowMs)];
  }

  /** The connection is gone. */
  disconnected(): void {
    this.#connected = false;
    this.#close();
    for (const sender of this.#senders) sender.restartAfter(sender.upTo);
  }

  /** A message of the collector. */
  notice(notice: CollectorMessage, spans: readonly LaneSpan[], nowMs: number): UplinkAction[] {
    if (!this.#connected) return ignored('other_session');
    if (sameOctets(notice.session, NO_SESSION)) return this.#callForHello(nowMs);
    if (!sameOctets(notice.session, this.#session)) return ignored('other_session');
    if (notice.body.kind === 'refusal') return this.#refusal(notice.body);
    if (notice.body.kind === 'answer') return this.#answer(notice, notice.body, spans, nowMs);
    if (!this.#open) return ignored('before_answer');
    if (!sameOctets(notice.term, this.#term)) return ignored('other_term');
    const time: UplinkAction = { kind: 'time', serverTimeMs: notice.serverTimeMs };
    return [time, ...this.#openNotice(notice.body, spans, nowMs)];
  }

  /** May be an old message that somebody repeats: it costs a hello now and then, and nothing else. */
  #callForHello(nowMs: number): UplinkAction[] {
    this.#called = true;
    return this.tick(nowMs);
  }

  #openNotice(body: CollectorBody, spans: readonly LaneSpan[], nowMs: number): UplinkAction[] {
    switch (body.kind) {
      case 'ack':
        return this.#ack(body, spans, nowMs);
      case 'need-dictionary':
        return this.#needDictionary(body, nowMs);
      case 'need-keyframe':
        return this.#needKeyframe(body, nowMs);
      case 'command':
        return [{ kind: 'command', command: body.command, signature: body.signature }];
      case 'image':
      case 'rereads':
        return [body];
      case 'answer':
      case 'refusal':
        return [];
    }
  }

  /** Hello again, and the moments at which something is due. */
  tick(nowMs: number): UplinkAction[] {
    if (!this.#connected) return [];
    const actions: UplinkAction[] = [];
    if (nowMs >= (this.#helloDueMs() ?? Number.POSITIVE_INFINITY)) actions.push(this.#hello(nowMs));
    if (this.#statusDueMs !== null && nowMs >= this.#statusDueMs) {
      this.#statusDueMs = nowMs + STATUS_INTERVAL_MS;
      actions.push({ kind: 'status' });
    }
    return actions;
  }

  /** Monotonic ms at which {@link tick} must be called, or null. */
  deadlineMs(): number | null {
    if (!this.#connected) return null;
    const due = [this.#helloDueMs(), this.#statusDueMs].filter((time) => time !== null);
    return due.length === 0 ? null : Math.min(...due);
  }

  /** What to publish next, or null while there is nothing or no room for it. */
  next(spans: readonly LaneSpan[]): SendStep | null {
    if (!this.#connected) return null;
    for (const lane of LANE_ORDER) {
      const span = spans.find((each) => each.lane === lane);
      const sender = this.#sender(lane);
      if (span === undefined || sender.barred || span.last <= sender.sentUpTo) continue;
      const room = this.#room(lane);
      if (room < Math.max(1, sender.needOctets)) return null;
      const from = sender.sentUpTo + 1;
      if (from < span.first && !this.#skipTo(sender, span.first)) return null;
      return {
        lane,
        from: Math.max(from, span.first),
        // Half of what may be out: the next one is on the line while the collector stores this one.
        maxOctets: Math.min(room, PUBLISH_MAX_OCTETS, Math.floor(this.pace.limitOctets() / 2)),
        generation: this.#generation,
      };
    }
    return null;
  }

  /** The blocks of the step that may leave now, oldest first; they count as sent from here on. */
  admit(step: SendStep, blocks: readonly StoredBlock[], nowMs: number): readonly StoredBlock[] {
    if (!this.#connected || step.generation !== this.#generation) return [];
    const sender = this.#sender(step.lane);
    const room = this.#room(step.lane);
    const admitted: StoredBlock[] = [];
    let octets = 0;
    let due = step.from;
    for (const block of blocks) {
      if (!standsFor(block, due)) break;
      due = block.sequence + 1;
      octets += block.octets.length;
      const limit = admitted.length === 0 ? room : Math.min(room, step.maxOctets);
      if (octets > limit) break;
      admitted.push(block);
    }
    const next = blocks[0];
    if (next === undefined || !standsFor(next, step.from)) {
      // The journal cannot give what its span promises: only hello can declare what is missing.
      this.#gapSeen = true;
      sender.needOctets = Number.POSITIVE_INFINITY;
    } else if (admitted.length === 0) sender.needOctets = next.octets.length;
    for (const block of admitted) sender.sent(block, nowMs);
    return admitted;
  }

  /** The answer to `find-keyframe`: sending of the lane starts again at `sequence`. */
  keyframeAt(lane: Lane, sequence: number): void {
    this.#generation++;
    this.#sender(lane).restartAfter(sequence - 1);
  }

  #sender(lane: Lane): LaneSender {
    return this.#senders[lane] as LaneSender;
  }

  #room(lane: Lane): number {
    const limit = this.pace.limitOctets() - this.outstandingOctets;
    if (isExempt(lane)) return limit;
    if (!this.#open) return 0;
    const counted = this.#senders.reduce(
      (sum, sender, at) => sum + (isExempt(at as Lane) ? 0 : sender.outstandingOctets),
      0,
    );
    return Math.min(limit, this.#credit - counted);
  }

  /** Blocks between what the collector holds and the first one held are gone: only hello can declare that. */
  #skipTo(sender: LaneSender, first: number): boolean {
    if (first <= sender.upTo + 1) return true;
    this.#gapSeen = true;
    return false;
  }

  #hello(nowMs: number): UplinkAction {
    this.#close();
    this.#session = this.#options.newSession();
    this.#answered = false;
    this.#called = false;
    this.#helloAtMs = nowMs;
    this.#hellos++;
    return { kind: 'hello', session: this.#session };
  }

  #close(): void {
    this.#open = false;
    this.#credit = 0;
    this.#term = NOTHING;
    this.#gapSeen = false;
    this.#statusDueMs = null;
    this.#generation++;
  }

  #helloDueMs(): number | null {
    if (this.#called) return this.#helloAtMs + HELLO_RECALL_MIN_MS;
    const retryMs = Math.min(HELLO_RETRY_MAX_MS, HELLO_RETRY_MIN_MS * 2 ** Math.min(10, this.#hellos - 1));
    if (!this.#open) return this.#helloAtMs + (this.#refused ? HELLO_RETRY_MAX_MS : retryMs);
    if (this.#gapSeen) return this.#hellos <= 1 ? this.#helloAtMs : this.#helloAtMs + retryMs;
    const oldest = this.#senders.map((sender) => sender.oldestSentAtMs).filter((time) => time !== null);
    if (oldest.length === 0) return null;
    return Math.min(...oldest) + Math.max(STUCK_MIN_MS, STUCK_ROUND_TRIPS * this.pace.roundTripMs);
  }

  #refusal(body: CollectorBody & { kind: 'refusal' }): UplinkAction[] {
    this.#close();
    this.#refused = true;
    return [{ kind: 'trouble', code: body.code, sentence: body.sentence }];
  }

  #answer(
    notice: CollectorMessage,
    body: CollectorBody & { kind: 'answer' },
    spans: readonly LaneSpan[],
    nowMs: number,
  ): UplinkAction[] {
    // One answer a session: a replayed one would set the collector's time back.
    if (this.#answered) return ignored('repeated_answer');
    this.#answered = true;
    this.#called = false;
    this.#open = true;
    this.#refused = false;
    this.#term = notice.term;
    this.#credit = body.credit;
    this.#statusDueMs = nowMs;
    this.#generation++;
    this.pace.roundTrip(nowMs - this.#helloAtMs);
    const actions: UplinkAction[] = [{ kind: 'opened', serverTimeMs: notice.serverTimeMs }];
    for (const span of spans) {
      const upTo = body.lanes.find((each) => each.lane === span.lane)?.upTo ?? 0;
      actions.push(...this.#answeredLane(span, upTo));
    }
    return actions;
  }

  #answeredLane(span: LaneSpan, upTo: number): UplinkAction[] {
    const sender = this.#sender(span.lane);
    sender.barred = upTo > span.last;
    if (sender.barred) {
      return [
        {
          kind: 'trouble',
          code: 'UPLINK_COLLECTOR_AHEAD',
          sentence: `${EDGE_ERRORS.UPLINK_COLLECTOR_AHEAD.sentence} (lane ${span.lane}: ${upTo} there, ${span.last} here)`,
        },
      ];
    }
    const leftAfterHello = (sender.oldestSentAtMs ?? -1) >= this.#helloAtMs;
    if (leftAfterHello && upTo >= sender.upTo) sender.acknowledged(upTo);
    else sender.restartAfter(upTo);
    sender.upTo = upTo;
    if (upTo < span.ackedUpTo) return [{ kind: 'rewind', lane: span.lane, upTo }];
    return upTo > span.ackedUpTo ? [{ kind: 'acknowledge', lane: span.lane, upTo }] : [];
  }

  #ack(body: CollectorBody & { kind: 'ack' }, spans: readonly LaneSpan[], nowMs: number): UplinkAction[] {
    if (body.epoch !== this.#options.epoch) return ignored('other_epoch');
    return body.lanes.flatMap(({ lane, upTo }) => this.#ackOfLane(lane, upTo, body.credit, spans, nowMs));
  }

  #ackOfLane(
    lane: Lane,
    upTo: number,
    credit: number,
    spans: readonly LaneSpan[],
    nowMs: number,
  ): readonly UplinkAction[] {
    const span = spans.find((each) => each.lane === lane);
    if (span === undefined || upTo > span.last) return ignored('ack_beyond_journal');
    const sender = this.#sender(lane);
    if (upTo < sender.upTo) return ignored('old_ack');
    this.#credit = credit;
    for (const each of this.#senders) each.needOctets = 0;
    const advanced = upTo > sender.upTo;
    const taken = sender.acknowledged(upTo);
    if (taken !== null) this.pace.acknowledged(taken.octets, taken.oldestSentAtMs, taken.newestSentAtMs, nowMs);
    if (!advanced) return [];
    this.#hellos = 1;
    sender.needGuardUntilMs = 0;
    return [{ kind: 'acknowledge', lane, upTo }];
  }

  #needDictionary(body: CollectorBody & { kind: 'need-dictionary' }, nowMs: number): UplinkAction[] {
    if (!this.#isNeeded(body.lane, `dictionary ${body.hash}`, nowMs)) return ignored('repeated_need');
    this.#generation++;
    const sender = this.#sender(body.lane);
    sender.restartAfter(sender.upTo);
    return [{ kind: 'dictionary', hash: body.hash }];
  }

  #needKeyframe(body: CollectorBody & { kind: 'need-keyframe' }, nowMs: number): UplinkAction[] {
    if (!this.#isNeeded(body.lane, `keyframe ${body.upTo}`, nowMs)) return ignored('repeated_need');
    return [{ kind: 'find-keyframe', lane: body.lane, sequence: body.upTo + 1 }];
  }

  /** Whether a request to send again counts: not while an earlier one of the lane is being served. */
  #isNeeded(lane: Lane, needed: string, nowMs: number): boolean {
    const sender = this.#sender(lane);
    if (nowMs < sender.needGuardUntilMs && sender.needed === needed) return false;
    sender.needed = needed;
    sender.needGuardUntilMs = nowMs + Math.max(NEED_GUARD_MIN_MS, 2 * this.pace.roundTripMs);
    return true;
  }
}

/** Whether this is the block of that sequence, or a tombstone for it. */
function standsFor(block: StoredBlock, sequence: number): boolean {
  return (block.from ?? block.sequence) <= sequence && sequence <= block.sequence;
}

/** Alarms and command results need no credit. */
function isExempt(lane: Lane): boolean {
  return lane <= 1;
}

function ignored(counter: string): UplinkAction[] {
  return [{ kind: 'ignored', counter }];
}
