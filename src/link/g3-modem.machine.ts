/**
 * The concentrator's side of a G3-PLC modem that is the coordinator of a network: starts it, lets meters in, carries packets.
 *
 * Plan: the modem is asked which PAN it runs. The wanted one runs on as it is, so that a restart of the concentrator costs no meter its registration;
 * otherwise the modem is made ready and the network started, and nobody has joined. A silent modem is asked again from time to time; one that says
 * that nothing was started was reset, and is started anew. Packets wait here while it has no buffer free, and go
 * out again when it was too busy for one. Every one ends in a `sent` event. Given up: a network that somebody else changes meanwhile.
 */
import type { Machine } from '../base/machine.ts';
import type { FrameErrorCode } from '../dlms/frame/errors.ts';
import {
  decodeG3,
  encodeG3,
  G3_PAN_ID_ATTRIBUTE,
  G3_RESULT,
  G3_STATUS,
  type G3Message,
  g3CommandOf,
} from '../dlms/frame/g3-message.ts';
import { FrameScanner } from '../dlms/frame/scanner.ts';
import { encodeUsi, USI_PROTOCOL, type UsiFrame, usiRule } from '../dlms/frame/usi-frame.ts';

/** How the modem is treated; times in ms. */
export interface G3ModemRules {
  /** 0-65,534. */
  readonly panId: number;
  /** See `G3_BANDS`. */
  readonly band: number;
  /** Wait for the answer to a question; after three of them the modem counts as absent. */
  readonly answerMs: number;
  /** Wait for the start of the network. */
  readonly startMs: number;
  /** Wait for the confirm of a packet, after which it counts as lost: longer than the longest stall. */
  readonly confirmMs: number;
  /** Silence after which the modem is asked whether it is still there. */
  readonly aliveMs: number;
  /** Pause after the modem had no room for a packet; doubled each time. */
  readonly retryMs: number;
  /** Silence inside a frame after which it is given up. */
  readonly gapMs: number;
  /** Routes are looked for where there is none. */
  readonly discoversRoutes: boolean;
}

/** What the machine tells. */
export type G3ModemEvent =
  /** The network runs; `isFresh`: it was started now, and nobody has joined. */
  | { readonly kind: 'running'; readonly isFresh: boolean }
  /** The modem was reset: nobody is in the network any more, and packets are lost. A `running` follows. */
  | { readonly kind: 'stopped' }
  /** It does not answer, or refuses; nothing more comes. */
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'join-request'; readonly eui64: string }
  | { readonly kind: 'joined'; readonly eui64: string; readonly shortAddress: number }
  | { readonly kind: 'left'; readonly shortAddress: number }
  | { readonly kind: 'packet'; readonly packet: Uint8Array }
  /** What became of a packet: a `G3_RESULT`; null = nobody knows. */
  | { readonly kind: 'sent'; readonly tag: number; readonly result: number | null }
  | { readonly kind: 'discarded'; readonly code: FrameErrorCode | 'G3_MESSAGE'; readonly octets: number };

/** Questions before the modem counts as absent. */
const TRIES = 3;
/** Times that a packet is handed over before it counts as refused. */
const PACKET_TRIES = 6;
const HANDLES = 256;
const NO_ROOM: ReadonlySet<number> = new Set([G3_RESULT.busy, G3_RESULT.noBuffers]);
const QUESTION = { kind: 'get', attribute: G3_PAN_ID_ATTRIBUTE, index: 0 } as const;
const COMMANDS = {
  initialize: g3CommandOf('initialize'),
  start: g3CommandOf('network-start'),
  get: g3CommandOf('get'),
  data: g3CommandOf('data-request'),
};

interface Packet {
  readonly tag: number;
  readonly octets: Uint8Array;
  tries: number;
  /** Until then it is not handed over (waiting), or its confirm is waited for (held); monotonic ms. */
  untilMs: number;
}

/** What the modem owes an answer to. */
interface Asked {
  readonly what: 'question' | 'initialize' | 'start';
  readonly untilMs: number;
  readonly tries: number;
}

/** See the head of the file. */
export class G3Modem implements Machine<G3ModemEvent> {
  readonly #scanner: FrameScanner<UsiFrame>;
  readonly #rules: G3ModemRules;
  #output: Uint8Array[] = [];
  #phase: 'starting' | 'running' | 'failed' = 'starting';
  #asked: Asked | null = null;
  /** Whether a network that runs already may run on. */
  #mayRunOn = false;
  #heardAtMs = 0;
  #waiting: Packet[] = [];
  readonly #held = new Map<number, Packet>();
  #lastHandle = 0;
  /** The modem has no buffer free; until when that is believed, monotonic ms. */
  #fullUntilMs = 0;

  constructor(rules: G3ModemRules) {
    this.#rules = rules;
    this.#scanner = new FrameScanner([usiRule(USI_PROTOCOL.g3Adaptation)], rules.gapMs);
  }

  /** Begins; `knowsMeters`: addresses of a network that runs already are known, so that it may run on. */
  start(nowMs: number, knowsMeters: boolean): void {
    this.#mayRunOn = knowsMeters;
    this.#ask('question', nowMs);
  }

  /** Hands over an IPv6 packet as soon as there is room; `tag` comes back in `sent`. */
  send(tag: number, octets: Uint8Array, nowMs: number): void {
    this.#waiting.push({ tag, octets, tries: 0, untilMs: nowMs });
    this.#handOver(nowMs);
  }

  /** Lets a meter join that asked for it. */
  assign(eui64: string, shortAddress: number): void {
    this.#say({ kind: 'assign', eui64, shortAddress });
  }

  receive(chunk: Uint8Array, nowMs: number): G3ModemEvent[] {
    return this.#scanned(this.#scanner.receive(chunk, nowMs), nowMs);
  }

  takeOutput(): Uint8Array[] {
    return this.#output.splice(0);
  }

  deadlineMs(): number | null {
    if (this.#phase === 'failed') return null;
    const times = [...this.#held.values()].map(({ untilMs }) => untilMs);
    const gapMs = this.#scanner.deadlineMs();
    if (gapMs !== null) times.push(gapMs);
    if (this.#asked !== null) times.push(this.#asked.untilMs);
    else if (this.#phase === 'running') times.push(this.#heardAtMs + this.#rules.aliveMs);
    const [next] = this.#waiting;
    if (this.#phase === 'running' && next !== undefined) times.push(Math.max(next.untilMs, this.#fullUntilMs));
    return times.length === 0 ? null : Math.min(...times);
  }

  tick(nowMs: number): G3ModemEvent[] {
    if (this.#phase === 'failed') return [];
    const events = this.#scanned(this.#scanner.tick(nowMs), nowMs);
    for (const [handle, packet] of [...this.#held]) {
      if (packet.untilMs > nowMs) continue;
      this.#held.delete(handle);
      events.push({ kind: 'sent', tag: packet.tag, result: null });
    }
    if (this.#asked !== null && this.#asked.untilMs <= nowMs) events.push(...this.#unanswered(this.#asked, nowMs));
    else if (this.#asked === null && this.#phase === 'running' && nowMs >= this.#heardAtMs + this.#rules.aliveMs)
      this.#ask('question', nowMs);
    this.#handOver(nowMs);
    return events;
  }

  #scanned(found: ReturnType<FrameScanner<UsiFrame>['receive']>, nowMs: number): G3ModemEvent[] {
    const events: G3ModemEvent[] = [];
    for (const event of found) {
      if (this.#phase === 'failed') break;
      if (event.kind === 'discarded') {
        events.push({ kind: 'discarded', code: event.code, octets: event.octets.length });
        continue;
      }
      const message = messageIn(event.frame);
      this.#heardAtMs = nowMs;
      if (message === null) events.push({ kind: 'discarded', code: 'G3_MESSAGE', octets: event.frame.payload.length });
      else events.push(...this.#message(message, nowMs));
    }
    return events;
  }

  #message(message: G3Message, nowMs: number): G3ModemEvent[] {
    switch (message.kind) {
      case 'status':
        return this.#status(message.status, message.command, nowMs);
      case 'get-confirm':
        return message.attribute === G3_PAN_ID_ATTRIBUTE ? this.#pan(message.result, message.value, nowMs) : [];
      case 'network-started':
        return this.#started(message.result, nowMs);
      case 'data-confirm':
        return this.#confirmed(message.handle, message.result, nowMs);
      case 'buffers':
        this.#fullUntilMs = message.free === 0 ? nowMs + this.#rules.confirmMs : 0;
        this.#handOver(nowMs);
        return [];
      case 'data':
        return this.#phase === 'running' ? [{ kind: 'packet', packet: message.packet }] : [];
      case 'join-request':
      case 'joined':
      case 'left':
        return this.#phase === 'running' ? [message] : [];
      default:
        return [];
    }
  }

  #status(status: number, command: number, nowMs: number): G3ModemEvent[] {
    if (command === COMMANDS.initialize && this.#asked?.what === 'initialize') {
      if (status !== G3_STATUS.success) return this.#fail(`it refuses to be made ready (status ${status})`);
      this.#ask('start', nowMs);
      return [];
    }
    // Some firmware says that a request was taken before it says what came of it.
    if (status === G3_STATUS.success) return [];
    if (command === COMMANDS.start) return this.#fail(`it refuses to start the network (status ${status})`);
    if (command === COMMANDS.get && this.#asked?.what === 'question') return this.#reset(nowMs);
    if (command === COMMANDS.data) return this.#refused(status, nowMs);
    return [];
  }

  /** A packet was refused without its handle: the oldest. A modem that allows none was reset. */
  #refused(status: number, nowMs: number): G3ModemEvent[] {
    if (status === G3_STATUS.notAllowed) return this.#reset(nowMs);
    const [oldest] = this.#held;
    return oldest === undefined ? [] : this.#confirmed(oldest[0], G3_RESULT.invalidRequest, nowMs);
  }

  #pan(result: number, value: Uint8Array, nowMs: number): G3ModemEvent[] {
    if (this.#asked?.what !== 'question') return [];
    const panId = value.reduce((sum, octet) => sum * 256 + octet, 0);
    const isOurs = result === G3_RESULT.success && panId === this.#rules.panId;
    if (!isOurs || (this.#phase === 'starting' && !this.#mayRunOn)) return this.#reset(nowMs);
    return this.#running(false, nowMs);
  }

  #started(result: number, nowMs: number): G3ModemEvent[] {
    if (this.#asked?.what !== 'start') return [];
    return result === G3_RESULT.success
      ? this.#running(true, nowMs)
      : this.#fail(`the network does not start (result ${result.toString(16).toUpperCase()})`);
  }

  #running(isFresh: boolean, nowMs: number): G3ModemEvent[] {
    this.#asked = null;
    if (this.#phase === 'running') return [];
    this.#phase = 'running';
    this.#handOver(nowMs);
    return [{ kind: 'running', isFresh }];
  }

  /** It runs no network, or another one: make it ready and start ours. */
  #reset(nowMs: number): G3ModemEvent[] {
    const events = this.#phase === 'running' ? [{ kind: 'stopped' } as const, ...this.#lost()] : [];
    this.#phase = 'starting';
    this.#fullUntilMs = 0;
    this.#ask('initialize', nowMs);
    return events;
  }

  #lost(): G3ModemEvent[] {
    const lost = [...this.#held.values(), ...this.#waiting.splice(0)];
    this.#held.clear();
    return lost.map(({ tag }) => ({ kind: 'sent', tag, result: null }));
  }

  #unanswered({ what, tries }: Asked, nowMs: number): G3ModemEvent[] {
    if (tries >= TRIES) return this.#fail('it does not answer');
    this.#ask(what, nowMs, tries + 1);
    return [];
  }

  #fail(reason: string): G3ModemEvent[] {
    this.#phase = 'failed';
    this.#asked = null;
    return [...this.#lost(), { kind: 'failed', reason }];
  }

  #confirmed(handle: number, result: number, nowMs: number): G3ModemEvent[] {
    const packet = this.#held.get(handle);
    if (packet === undefined) return [];
    this.#held.delete(handle);
    if (NO_ROOM.has(result) && packet.tries < PACKET_TRIES) {
      packet.untilMs = nowMs + this.#rules.retryMs * 2 ** (packet.tries - 1);
      this.#waiting.unshift(packet);
      return [];
    }
    this.#handOver(nowMs);
    return [{ kind: 'sent', tag: packet.tag, result }];
  }

  /** Hands packets over, oldest first, while there is room. */
  #handOver(nowMs: number): void {
    while (this.#phase === 'running' && nowMs >= this.#fullUntilMs && this.#held.size < HANDLES) {
      const [packet] = this.#waiting;
      if (packet === undefined || packet.untilMs > nowMs) return;
      this.#waiting.shift();
      packet.tries++;
      packet.untilMs = nowMs + this.#rules.confirmMs;
      const handle = this.#freeHandle();
      this.#held.set(handle, packet);
      const { discoversRoutes: discoversRoute } = this.#rules;
      this.#say({ kind: 'data-request', handle, discoversRoute, priority: 0, packet: packet.octets });
    }
  }

  #freeHandle(): number {
    do this.#lastHandle = (this.#lastHandle + 1) % HANDLES;
    while (this.#held.has(this.#lastHandle));
    return this.#lastHandle;
  }

  #ask(what: Asked['what'], nowMs: number, tries = 1): void {
    const { panId, band, answerMs, startMs } = this.#rules;
    this.#asked = { what, untilMs: nowMs + (what === 'question' ? answerMs : startMs), tries };
    if (what === 'question') this.#say(QUESTION);
    else if (what === 'initialize') this.#say({ kind: 'initialize', band, isCoordinator: true });
    else this.#say({ kind: 'network-start', panId });
  }

  #say(message: G3Message): void {
    this.#output.push(encodeUsi({ protocol: USI_PROTOCOL.g3Adaptation, payload: encodeG3(message) }));
  }
}

/** Null for octets that no modem of this kind sends. */
function messageIn({ payload }: UsiFrame): G3Message | null {
  try {
    return decodeG3(payload, 'modem');
  } catch {
    return null;
  }
}
