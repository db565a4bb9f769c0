/**
 * A concentrator of another maker, written from docs/formats/wire.md, with faults to choose from: what the conformance exam is
 * examined with. Its journal is full from the start.
 */
import { ByteWriter, concat } from '../../src/base/bytes.ts';
import { crc32C } from '../../src/base/crc.ts';
import type { Env, MqttConnection } from '../../src/base/env.ts';
import type { CommandReport } from '../../src/model/command.ts';
import type { MeterId } from '../../src/model/ids.ts';
import type { RereadOrder, RereadResult } from '../../src/model/reread.ts';
import { decodeHeader } from '../../src/wire/block.ts';
import {
  commandSigningOctets,
  decodeCollectorMessage,
  decodeCommand,
  encodeEdgeMessage,
} from '../../src/wire/codec.ts';
import { openEnvelope, sealEnvelope } from '../../src/wire/envelope.ts';
import { LANE_ORDER, type Lane } from '../../src/wire/lanes.ts';
import type { CollectorMessage, EdgeMessage } from '../../src/wire/messages.ts';
import { joinBatch, type Leaf, topicOf } from '../../src/wire/topics.ts';
import { DAY_MS, JournalEdge, profileGroup, QUARTER_MS, row } from './journal-edge.ts';

/** What the device may do wrong. */
export type DeviceFault =
  | 'qos-1-blocks'
  | 'foreign-topic'
  | 'foreign-key'
  | 'no-hello'
  | 'one-session'
  | 'hasty-hello'
  | 'early-blocks'
  | 'no-credit'
  | 'no-window'
  | 'believes-any-key'
  | 'believes-any-session'
  | 'believes-any-term'
  | 'believes-any-epoch'
  | 'believes-second-answer'
  | 'believes-ack-beyond'
  | 'lost-by-unknown'
  | 'deaf-to-credit'
  | 'never-stuck'
  | 'forgets-what-left'
  | 'no-dictionary'
  | 'no-keyframe'
  | 'repeats-after-ack'
  | 'ignores-also'
  | 'stays-away'
  | 'deaf-to-recall'
  | 'hasty-recall'
  | 'never-rewinds'
  | 'sends-when-refused'
  | 'obeys-anyone'
  | 'other-octets'
  | 'leaves-holes'
  | 'mixed-batch'
  | 'other-epoch'
  | 'broken-block'
  | 'loose-dictionary'
  | 'reads-again-twice'
  | 'refuses-to-read-again'
  | 'forgets-results'
  | 'reads-strangers'
  | 'reads-inside-a-group'
  | 'unreadable-rows'
  | 'unreadable-records';

const WINDOW_OCTETS = 8_192;
const BLOCKS = 9;
const ROWS = 480;

interface Sending {
  upTo: number;
  sentUpTo: number;
  oldestMs: number | null;
}

export class ConformDevice {
  readonly journal: JournalEdge;
  readonly #lanes = new Map<Lane, Sending>();
  #connection: MqttConnection | null = null;
  #session: Uint8Array = new Uint8Array(16);
  #term: Uint8Array | null = null;
  #credit = 0;
  #helloMs = 0;
  #hellos = 0;
  #dueMs: number | null = null;
  #hasAcks = false;
  #refused = false;

  constructor(
    private readonly env: Env,
    private readonly commandKey: Uint8Array,
    private readonly fault: DeviceFault | null = null,
  ) {
    this.journal = new JournalEdge('dut-1', undefined, [profileGroup('m1')]);
    for (let block = 0; block < BLOCKS; block++) {
      const rows = Array.from({ length: ROWS }, (_, at) => {
        const atMs = DAY_MS + (block * ROWS + at) * QUARTER_MS;
        // Steps that no code makes small: 480 rows take about two kilobytes a block.
        return row(atMs, [
          ((block * ROWS + at) * 7_919_317) % 1_000_003,
          ((block * ROWS + at) * 104_729_881) % 999_983,
        ]);
      });
      this.journal.rows(2, rows, { readAtMs: DAY_MS + (block + 1) * ROWS * QUARTER_MS, keyframe: block % 3 === 0 });
    }
    this.journal.records(0, [state('silent')]);
    this.journal.records(5, [{ kind: 'log', level: 'info', event: 'start', atMs: DAY_MS, fieldsJson: '{}' }]);
    for (const lane of LANE_ORDER) this.#lanes.set(lane, { upTo: 0, sentUpTo: 0, oldestMs: null });
  }

  async start(): Promise<void> {
    await this.#connect();
    void this.#tick();
  }

  #is(fault: DeviceFault): boolean {
    return this.fault === fault;
  }

  get #nowMs(): number {
    return this.env.clock.monotonicMs();
  }

  #lane(lane: Lane): Sending {
    return this.#lanes.get(lane) as Sending;
  }

  async #connect(): Promise<void> {
    const { edgeId } = this.journal;
    const options = { url: 'mqtt://stand', clientId: edgeId, username: edgeId, password: 'p' };
    this.#connection = await this.env.mqtt.connect(
      { ...options, keepAliveS: 60, connectTimeoutMs: 5_000 },
      {
        message: async (_topic, payload) => this.#heard(payload),
        closed: () => {
          this.#connection = null;
          this.#term = null;
          if (!this.#is('stays-away')) this.env.timers.after(1_000, () => void this.#connect());
        },
      },
    );
    await this.#connection.subscribe([topicOf(edgeId, 'd', this.env.crypto.sha256)]);
    this.#hellos = 0;
    this.#hasAcks = false;
    if (!this.#is('no-hello')) this.#hello();
  }

  /** Looks four times a second at what is due. */
  async #tick(): Promise<void> {
    for (;;) {
      await this.env.timers.sleep(250);
      if (this.#connection === null || this.#is('no-hello')) continue;
      if (this.#dueMs !== null && this.#nowMs >= this.#dueMs) this.#hello();
      else if (this.#isStuck()) this.#hello();
      this.#pump();
    }
  }

  #isStuck(): boolean {
    if (this.#term === null || this.#is('never-stuck')) return false;
    return [...this.#lanes.values()].some(({ oldestMs }) => oldestMs !== null && this.#nowMs - oldestMs >= 30_000);
  }

  // --- up --------------------------------------------------------------------------------------------------------------

  #hello(): void {
    if (!this.#is('one-session')) this.#session = this.env.random.bytes(16);
    this.#term = null;
    this.#credit = 0;
    this.#helloMs = this.#nowMs;
    const waitMs = this.#is('hasty-hello') ? 5_000 : Math.min(300_000, 30_000 * 2 ** this.#hellos++);
    this.#dueMs = this.#nowMs + (this.#refused ? 300_000 : waitMs);
    for (const sending of this.#lanes.values()) sending.oldestMs = null;
    const lanes = LANE_ORDER.map((lane) => {
      const blocks = this.journal.blocks(lane);
      const gone = this.#is('forgets-what-left') ? this.#lane(lane).sentUpTo : 0;
      return { lane, first: gone + 1, last: blocks.length, lastKeyframe: blocks.at(-1)?.keyframe ?? 0 };
    });
    const epoch = this.#is('other-epoch') ? 'ee'.repeat(8) : this.journal.epoch;
    const hello = { epoch, bootId: '0102030405060708', session: this.#session, lanes };
    const facts = {
      software: 'other 1',
      wallTimeMs: this.env.clock.nowMs(),
      clockQuality: 'ntp',
      protocol: 1,
    } as const;
    this.#control({ kind: 'hello', hello: { ...hello, ...facts } });
  }

  #control(message: EdgeMessage): void {
    const key = this.#is('foreign-key') ? new Uint8Array(32) : this.journal.key;
    const { edgeId } = this.journal;
    this.#publish('c', sealEnvelope(encodeEdgeMessage(message), 'up', { edgeId, key }, this.env.crypto));
  }

  #publish(leaf: Leaf, payload: Uint8Array): void {
    const topic = topicOf(this.journal.edgeId, leaf, this.env.crypto.sha256);
    const isFast = leaf === 'b' && !this.#is('qos-1-blocks');
    const named = this.#is('foreign-topic') ? topic.replace('dut-1', 'dut-2') : topic;
    this.#connection?.publish(named, payload, isFast ? 'at-most-once' : 'at-least-once').catch(() => undefined);
  }

  /** Sends what may leave, lane by lane, one block a message. */
  #pump(): void {
    for (const lane of LANE_ORDER) {
      const sending = this.#lane(lane);
      for (let next = sending.sentUpTo + 1; next <= this.journal.blocks(lane).length; next = sending.sentUpTo + 1) {
        const block = this.journal.blocks(lane)[next - 1];
        if (block === undefined || !this.#mayLeave(lane, block.octets.length)) return;
        const isAgain = next <= this.#highest(lane);
        sending.sentUpTo = next + (this.#is('leaves-holes') && lane === 2 && next === 2 ? 1 : 0);
        sending.oldestMs ??= this.#nowMs;
        this.#highest(lane, next);
        const octets = isAgain && this.#is('other-octets') && lane === 2 ? this.#otherBlock(next) : block.octets;
        const bad = this.#spoilt(lane, octets);
        const mixed = this.#is('mixed-batch') ? [octets, this.journal.blocks(0)[0]?.octets ?? octets] : [bad];
        this.#publish('b', joinBatch(mixed));
      }
    }
  }

  readonly #left = new Map<Lane, number>();

  #highest(lane: Lane, sequence = 0): number {
    const highest = Math.max(sequence, this.#left.get(lane) ?? 0);
    this.#left.set(lane, highest);
    return highest;
  }

  /** The block with a fault in it, behind a right CRC where the fault is not the CRC. */
  #spoilt(lane: Lane, octets: Uint8Array): Uint8Array {
    const spoilt = octets.slice();
    if (this.#is('broken-block')) spoilt[spoilt.length - 1] = (spoilt.at(-1) ?? 0) ^ 1;
    if ((this.#is('unreadable-rows') && lane === 2) || (this.#is('unreadable-records') && lane === 0)) {
      const content = spoilt.subarray(0, -4).fill(0xff, -24);
      return new ByteWriter(spoilt.length).bytes(content).u32(crc32C(content)).finish();
    }
    return spoilt;
  }

  #otherBlock(sequence: number): Uint8Array {
    const twin = new JournalEdge('dut-1', this.journal.epoch, this.journal.groups);
    let octets: Uint8Array = new Uint8Array(0);
    for (let at = 1; at <= sequence; at++)
      octets = twin.rows(2, [row(at * QUARTER_MS, [at, at])], { readAtMs: DAY_MS })[0]?.octets ?? octets;
    return octets;
  }

  #mayLeave(lane: Lane, octets: number): boolean {
    const onTheWay = (from: Lane) => this.#octetsOnTheWay(from);
    const window = this.#hasAcks ? 1_000_000 : WINDOW_OCTETS;
    if (!this.#is('no-window') && onTheWay(0) + octets > window) return false;
    if (lane <= 1) return true;
    if (this.#term === null) return this.#is('early-blocks') || (this.#refused && this.#is('sends-when-refused'));
    return this.#is('no-credit') || onTheWay(2) + octets <= this.#credit;
  }

  #octetsOnTheWay(from: Lane): number {
    let sum = 0;
    for (const [lane, { upTo, sentUpTo }] of this.#lanes)
      if (lane >= from) for (const block of this.journal.blocks(lane).slice(upTo, sentUpTo)) sum += block.octets.length;
    return sum;
  }

  // --- down --------------------------------------------------------------------------------------------------------------

  #heard(payload: Uint8Array): void {
    let message: CollectorMessage;
    try {
      message = decodeCollectorMessage(this.#opened(payload));
    } catch {
      if (this.#is('lost-by-unknown')) this.#hello();
      return;
    }
    const { body } = message;
    const isHere = hex(message.session) === hex(this.#session) || this.#is('believes-any-session');
    if (body.kind === 'refusal' && hex(message.session) === '00'.repeat(16)) {
      if (this.#is('deaf-to-recall')) return;
      this.#dueMs = this.#is('hasty-recall') ? this.#nowMs : Math.max(this.#nowMs, this.#helloMs + 5_000);
      return;
    }
    if (!isHere) return;
    if (body.kind === 'refusal') {
      this.#refused = true;
      this.#term = null;
      this.#dueMs = this.#nowMs + 300_000;
      for (const sending of this.#lanes.values()) sending.oldestMs = null;
      return;
    }
    if (body.kind === 'answer') {
      this.#answered(message, body.lanes, body.credit);
      return;
    }
    if (this.#term === null || (hex(message.term) !== hex(this.#term) && !this.#is('believes-any-term'))) return;
    this.#said(message);
    this.#pump();
  }

  #opened(payload: Uint8Array): Uint8Array {
    const { edgeId, key } = this.journal;
    try {
      return openEnvelope(payload, 'down', { edgeId, key }, this.env.crypto);
    } catch (error) {
      // Field 1 of the envelope, with a length of one octet or two: the body without a look at the authenticator.
      if (!this.#is('believes-any-key') || payload[0] !== 0x0a) throw error;
      const isLong = (payload[1] ?? 0) >= 0x80;
      const length = isLong ? ((payload[1] ?? 0) & 0x7f) + 128 * (payload[2] ?? 0) : (payload[1] ?? 0);
      return payload.subarray(isLong ? 3 : 2, (isLong ? 3 : 2) + length);
    }
  }

  #answered(message: CollectorMessage, lanes: readonly { lane: Lane; upTo: number }[], credit: number): void {
    if (this.#term !== null) {
      if (this.#is('believes-second-answer')) this.#credit = credit;
      return;
    }
    this.#term = message.term;
    this.#credit = credit;
    this.#refused = false;
    this.#dueMs = null;
    for (const lane of LANE_ORDER) {
      const sending = this.#lane(lane);
      const upTo = lanes.find((each) => each.lane === lane)?.upTo ?? 0;
      sending.upTo = this.#is('never-rewinds') ? Math.max(upTo, sending.upTo) : upTo;
      sending.sentUpTo = sending.upTo;
      sending.oldestMs = null;
    }
    this.#pump();
  }

  #said({ body }: CollectorMessage): void {
    switch (body.kind) {
      case 'ack': {
        if (body.epoch !== this.journal.epoch && !this.#is('believes-any-epoch')) return;
        const lanes = this.#is('ignores-also') ? body.lanes.slice(0, 1) : body.lanes;
        for (const { lane, upTo } of lanes) this.#acked(lane, upTo, body.credit);
        break;
      }
      case 'need-dictionary': {
        // A field that nobody knows behind those that count: another encoding of the same.
        const loose = this.#is('loose-dictionary') ? [0x98, 0x06, 0x01] : [];
        const octets = concat([this.journal.dictionary.octets, Uint8Array.from(loose)]);
        if (!this.#is('no-dictionary')) this.#control({ kind: 'dictionary', octets });
        const sending = this.#lane(body.lane);
        sending.sentUpTo = sending.upTo;
        break;
      }
      case 'need-keyframe': {
        const next = this.journal.blocks(body.lane)[body.upTo];
        if (next === undefined) return;
        const keyframe = decodeHeader(next.octets).keyframe;
        this.#lane(body.lane).sentUpTo = this.#is('no-keyframe') ? this.#lane(body.lane).upTo + 1 : keyframe - 1;
        break;
      }
      case 'command':
        this.#ordered(body.command, body.signature);
        break;
      case 'rereads':
        for (const order of body.orders) this.#readAgain(order);
        break;
      default:
    }
  }

  #acked(lane: Lane, upTo: number, credit: number): void {
    const sending = this.#lane(lane);
    if (upTo > this.journal.blocks(lane).length) {
      if (this.#is('believes-ack-beyond')) this.#credit = credit;
      return;
    }
    if (upTo < sending.upTo) {
      if (this.#is('repeats-after-ack')) sending.sentUpTo = upTo;
      return;
    }
    if (!this.#is('deaf-to-credit')) this.#credit = credit;
    this.#hasAcks ||= upTo > sending.upTo;
    sending.upTo = upTo;
    sending.sentUpTo = Math.max(sending.sentUpTo, upTo);
    sending.oldestMs = sending.sentUpTo > upTo ? this.#nowMs : null;
  }

  readonly #results = new Map<string, RereadResult>();

  /** The row is read and written once; its result is told each time. */
  #readAgain(order: RereadOrder): void {
    const isMine = order.meterId === 'm1' || this.#is('reads-strangers');
    const known = this.#results.get(order.id);
    if (known !== undefined && this.#is('forgets-results')) return;
    if (isMine && !this.#is('refuses-to-read-again') && (known === undefined || this.#is('reads-again-twice'))) {
      const keyframe = !this.#is('reads-inside-a-group');
      this.journal.rows(2, [row(order.fromMs, [1, 1])], { readAtMs: order.toMs, keyframe });
    }
    const refused = !isMine || this.#is('refuses-to-read-again');
    const result = known ?? { id: order.id, outcome: refused ? 'refused' : 'done', rows: refused ? 0 : 1 };
    this.#results.set(order.id, result);
    this.#control({ kind: 'rereads', results: [result] });
  }

  #ordered(octets: Uint8Array, signature: Uint8Array): void {
    const command = decodeCommand(octets);
    const isGood = this.env.crypto.verify(this.commandKey, commandSigningOctets(octets), signature);
    const report: CommandReport = {
      id: command.id,
      meterId: command.meterId,
      state: isGood || this.#is('obeys-anyone') ? 'done' : 'refused',
      code: '',
      sentence: 'Looked at.',
      atMs: DAY_MS,
      values: [],
    };
    this.journal.records(1, [{ kind: 'command', report }]);
  }
}

function state(name: 'silent') {
  const meter = { meterId: 'm1' as MeterId, state: name, sentence: 'No answer.', sinceMs: DAY_MS } as const;
  return { kind: 'meter-state', state: meter } as const;
}

const hex = (octets: Uint8Array): string => Buffer.from(octets).toString('hex');
