/** The collector's half of an exam: what it tells the device, true or forged, and how it waits for what comes. */
import type { Env, MqttDelivery } from '../../base/env.ts';
import type { EdgeId } from '../../model/ids.ts';
import { encodeCollectorMessage } from '../../wire/codec.ts';
import { sealEnvelope } from '../../wire/envelope.ts';
import { LANE_ORDER, type Lane } from '../../wire/lanes.ts';
import { type CollectorBody, type LaneUpTo, NO_SESSION } from '../../wire/messages.ts';
import { LEAVES, topicOf } from '../../wire/topics.ts';
import type { Stand } from './stand.ts';
import type { Verdicts } from './verdicts.ts';
import { type SeenBlock, Watch } from './watch.ts';

/** The device under test and what the exam knows of it. */
export interface ExamDevice {
  readonly edgeId: EdgeId;
  /** Of the authenticators, 32 octets. */
  readonly key: Uint8Array;
}

/** The world of an exam. */
export type ExamEnv = Pick<Env, 'clock' | 'timers' | 'random' | 'crypto'>;

/** What may be wrong with a message on purpose. */
export interface Twist {
  readonly session?: Uint8Array;
  readonly term?: Uint8Array;
  readonly key?: Uint8Array;
}

/** Lanes that need credit. */
export const CREDIT_LANES: readonly Lane[] = [2, 3, 4, 5];

/** Plays the collector before one device. */
export class Examiner {
  readonly watch: Watch;
  /** Store id and restore counter: 12 octets. */
  term: Uint8Array;
  #isTaking = false;
  readonly #topic: string;
  #wake: () => void = () => undefined;

  constructor(
    readonly env: ExamEnv,
    readonly stand: Stand,
    readonly device: ExamDevice,
    readonly verdicts: Verdicts,
  ) {
    this.watch = new Watch(device, env.crypto, verdicts);
    this.term = env.random.bytes(12);
    this.#topic = topicOf(device.edgeId, LEAVES.controlDown, env.crypto.sha256);
    stand.listen((event) => {
      this.watch.take(event, this.nowMs);
      if (this.#isTaking && event.kind === 'message') this.#takeAll();
      this.#wake();
    });
  }

  /** From now on acknowledges what came and whatever comes, as a collector that stores at once; or no longer. */
  take(isTaking: boolean): void {
    this.#isTaking = isTaking;
    if (isTaking) this.#takeAll();
  }

  /** Monotonic ms. */
  get nowMs(): number {
    return this.env.clock.monotonicMs();
  }

  /** Whether it came true within the time; looked at after each thing that the device does. */
  async until(isTrue: () => boolean, withinMs: number): Promise<boolean> {
    const dueMs = this.nowMs + withinMs;
    while (!isTrue()) {
      const leftMs = dueMs - this.nowMs;
      if (leftMs <= 0) return false;
      const over = new AbortController();
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await Promise.race([woken, this.env.timers.sleep(leftMs, over.signal).catch(() => undefined)]);
      over.abort(new Error('woken'));
    }
    return true;
  }

  /** Lets time pass. */
  rest(forMs: number): Promise<boolean> {
    return this.until(() => false, forMs);
  }

  /** The next hello after this moment; false when none came in time. */
  nextHello(withinMs: number): Promise<boolean> {
    const before = this.watch.helloTimesMs.length;
    return this.until(() => this.watch.helloTimesMs.length > before, withinMs);
  }

  /** Blocks of lanes 2-5 that arrived since `from` arrivals. */
  arrivedSince(from: number): readonly SeenBlock[] {
    return this.watch.arrivals.slice(from).filter(({ header }) => header.lane >= 2);
  }

  /** Publishes a message, in the last hello's session unless twisted. */
  say(body: CollectorBody, twist: Twist = {}, delivery: MqttDelivery = 'at-least-once'): void {
    const session = twist.session ?? this.watch.hello?.session ?? NO_SESSION;
    const serverTimeMs = this.env.clock.nowMs();
    this.sayBody(
      encodeCollectorMessage({ session, term: twist.term ?? this.term, serverTimeMs, body }),
      twist,
      delivery,
    );
  }

  /** Publishes octets in an envelope. */
  sayBody(body: Uint8Array, twist: Twist = {}, delivery: MqttDelivery = 'at-least-once'): void {
    const party = { edgeId: this.device.edgeId, key: twist.key ?? this.device.key };
    this.stand.say(this.#topic, sealEnvelope(body, 'down', party, this.env.crypto), delivery);
  }

  /** Publishes octets as they are. */
  sayRaw(octets: Uint8Array): void {
    this.stand.say(this.#topic, octets, 'at-least-once');
  }

  /** Answers the hello: each lane is held up to what is given, else up to before the device's first block. */
  answer(credit: number, upTo: ReadonlyMap<Lane, number> = new Map()): void {
    const lanes: LaneUpTo[] = LANE_ORDER.map((lane) => ({ lane, upTo: upTo.get(lane) ?? this.beforeFirst(lane) }));
    for (const { lane, upTo: held } of lanes) {
      const seen = this.watch.lane(lane);
      seen.upTo = held;
      seen.sentUpTo = Math.max(held, ...[...seen.onTheWay.keys()]);
    }
    this.watch.credit = credit;
    this.watch.answeredAtMs = this.nowMs;
    this.say({ kind: 'answer', lanes, credit });
  }

  /** Acknowledges lanes up to these blocks, in one message. */
  ack(lanes: readonly LaneUpTo[], credit = this.watch.credit): void {
    const { epoch } = this.watch.hello ?? { epoch: '' };
    for (const { lane, upTo } of lanes) this.watch.told(lane, upTo);
    this.watch.credit = credit;
    this.watch.paceIsKnown = true;
    this.say({ kind: 'ack', epoch, lanes, credit }, {}, 'at-most-once');
  }

  /** An ack that must not count, or restates what was told. */
  ackAsIs(epoch: string, lanes: readonly LaneUpTo[], credit: number, twist: Twist = {}): void {
    this.say({ kind: 'ack', epoch, lanes, credit }, twist, 'at-most-once');
  }

  /** What a collector without this lane would answer: everything that the device still has is wanted. */
  beforeFirst(lane: Lane): number {
    const span = this.watch.hello?.lanes.find((each) => each.lane === lane);
    return span === undefined ? 0 : Math.min(span.first, span.last + 1) - 1;
  }

  /** Lanes with what came and is not acknowledged. */
  received(): LaneUpTo[] {
    return [...this.watch.lanes].flatMap(([lane, { upTo, sentUpTo }]) =>
      sentUpTo > upTo ? [{ lane, upTo: sentUpTo }] : [],
    );
  }

  /** Blocks of lanes 2-5 that the last hello named and that are not held. */
  waiting(): number {
    return CREDIT_LANES.reduce<number>((sum, lane) => {
      const last = this.watch.hello?.lanes.find((each) => each.lane === lane)?.last ?? 0;
      return sum + Math.max(0, last - this.watch.lane(lane).upTo);
    }, 0);
  }

  #takeAll(): void {
    if (this.watch.answeredAtMs === null) return;
    const lanes = this.received();
    if (lanes.length > 0) this.ack(lanes);
  }
}
