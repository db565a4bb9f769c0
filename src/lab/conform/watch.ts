/**
 * What a device says, judged as it comes: shapes, chains, credit. The exam plays the collector; the watch knows what the
 * collector told and compares each message with it.
 */
import { sameOctets, toHex } from '../../base/bytes.ts';
import { assert, DeltawattError } from '../../base/errors.ts';
import type { CommandReport } from '../../model/command.ts';
import type { EdgeId, MeterId } from '../../model/ids.ts';
import type { RereadResult } from '../../model/reread.ts';
import { type BlockHeader, blockHash, blockMaxOctets, decodeBlock, decodeHeader } from '../../wire/block.ts';
import { decodeEdgeMessage } from '../../wire/codec.ts';
import { decodeDictionary, dictionaryHash, encodeDictionary } from '../../wire/dictionary.ts';
import { type EnvelopeCrypto, openEnvelope } from '../../wire/envelope.ts';
import { emptyLaneState, type LaneState } from '../../wire/lane-state.ts';
import { isSelfContained, type Lane } from '../../wire/lanes.ts';
import { type Hello, NO_SESSION, PROTOCOL_VERSION } from '../../wire/messages.ts';
import type { DictionaryGroup } from '../../wire/rows.ts';
import { edgeMay, LEAVES, parseTopic, type Sha256, splitBatch } from '../../wire/topics.ts';
import type { DeviceEvent } from './stand.ts';
import type { RuleId, Verdicts } from './verdicts.ts';

/** Octets unacknowledged until a rate is known (W-75), and ever. */
const FIRST_WINDOW_OCTETS = 8_192;
const WINDOW_MAX_OCTETS = 2 * 1024 * 1024;

/** A block as it came. */
export interface SeenBlock {
  readonly header: BlockHeader;
  readonly octets: Uint8Array;
  readonly atMs: number;
}

/** One row of a meter's interval, from a block whose dictionary is known. */
export interface SeenRow {
  readonly lane: Lane;
  readonly sequence: number;
  /** The block begins a keyframe group. */
  readonly startsGroup: boolean;
  /** The block had not come before. */
  readonly isFirstTime: boolean;
  readonly meterId: MeterId;
  /** 0 = momentary registers. */
  readonly intervalS: number;
  readonly obis: readonly string[];
  /** UTC ms. */
  readonly atMs: number;
}

/** One lane as the collector holds it and the device sends it. */
export interface SeenLane {
  /** As told last. */
  upTo: number;
  /** Highest sequence that came in this session, not below upTo. */
  sentUpTo: number;
  /** All blocks of the epoch, by sequence. */
  readonly blocks: Map<number, SeenBlock>;
  /** Octets of distinct blocks beyond upTo that came in this session, by sequence. */
  readonly onTheWay: Map<number, number>;
  state: LaneState;
}

/** Who is watched. */
export interface WatchedDevice {
  readonly edgeId: EdgeId;
  /** Of the authenticators, 32 octets. */
  readonly key: Uint8Array;
}

/** What is known of the device. */
export class Watch {
  isConnected = false;
  subscribedAtMs = Number.NEGATIVE_INFINITY;
  connectedAtMs = Number.NEGATIVE_INFINITY;
  hello: Hello | null = null;
  readonly helloTimesMs: number[] = [];
  /** Monotonic ms at which the answer was told in this session; null before. */
  answeredAtMs: number | null = null;
  /** Monotonic ms at which a refusal was told in this session; null without one. */
  refusedAtMs: number | null = null;
  credit = 0;
  /** An ack moved something in this connection. */
  paceIsKnown = false;
  readonly lanes = new Map<Lane, SeenLane>();
  /** Every block in order of arrival. */
  readonly arrivals: SeenBlock[] = [];
  readonly dictionaries = new Map<string, { readonly groups: readonly DictionaryGroup[]; readonly atMs: number }>();
  readonly reports: CommandReport[] = [];
  /** Results of orders to read again, in order of arrival. */
  readonly rereads: RereadResult[] = [];
  /** Rows of lanes 2-4 in order of arrival; a block that came twice counts twice. */
  readonly rows: SeenRow[] = [];
  readonly #sessions = new Set<string>();

  constructor(
    private readonly device: WatchedDevice,
    private readonly crypto: EnvelopeCrypto & { readonly sha256: Sha256 },
    private readonly verdicts: Verdicts,
  ) {}

  /** Takes what the device did. */
  take(event: DeviceEvent, nowMs: number): void {
    switch (event.kind) {
      case 'connected':
        this.#connected(event, nowMs);
        break;
      case 'subscribed':
        this.#subscribed(event.filter, nowMs);
        break;
      case 'message':
        this.#message(event, nowMs);
        break;
      case 'closed':
        this.isConnected = false;
    }
  }

  /** The lane, made when it is new. */
  lane(lane: Lane): SeenLane {
    const kept = this.lanes.get(lane);
    if (kept !== undefined) return kept;
    const made: SeenLane = {
      upTo: 0,
      sentUpTo: 0,
      blocks: new Map(),
      onTheWay: new Map(),
      state: emptyLaneState(),
    };
    this.lanes.set(lane, made);
    return made;
  }

  /** The collector says that it holds a lane up to here. */
  told(lane: Lane, upTo: number): void {
    const seen = this.lane(lane);
    seen.upTo = upTo;
    for (const sequence of seen.onTheWay.keys()) if (sequence <= upTo) seen.onTheWay.delete(sequence);
  }

  /** Octets beyond upTo that came in this session, of the lanes from `from` on. */
  onTheWay(from: Lane): number {
    let octets = 0;
    for (const [lane, { onTheWay }] of this.lanes)
      if (lane >= from) for (const each of onTheWay.values()) octets += each;
    return octets;
  }

  #connected(event: DeviceEvent & { kind: 'connected' }, nowMs: number): void {
    this.isConnected = true;
    this.connectedAtMs = nowMs;
    this.paceIsKnown = false;
    const { edgeId } = this.device;
    const { clientId, username, clean, hasWill } = event;
    this.verdicts.judge(
      'W-63',
      clientId === edgeId && username === edgeId && clean && !hasWill,
      'Client id and user name are the edge id, the session is clean.',
      `Client id '${clientId}', user name '${username}', ${clean ? 'clean' : 'persistent'} session${hasWill ? ', a will' : ''}.`,
    );
  }

  #subscribed(filter: string, nowMs: number): void {
    const isOwn = edgeMay('subscribe', this.device.edgeId, filter, this.crypto.sha256);
    this.verdicts.judge('W-40', isOwn, 'It uses its own three topics.', `It subscribed ${filter}.`);
    if (isOwn) this.subscribedAtMs = nowMs;
  }

  #message({ topic, payload, qos, retain }: DeviceEvent & { kind: 'message' }, nowMs: number): void {
    const parts = parseTopic(topic, this.crypto.sha256);
    if (!edgeMay('publish', this.device.edgeId, topic, this.crypto.sha256) || parts === null) {
      this.verdicts.failed('W-40', `It published on ${topic}.`);
      return;
    }
    this.verdicts.judge('W-64', !retain, 'No message was retained.', `A message on ${topic} was to be retained.`);
    const wanted = parts.leaf === LEAVES.blocks ? 0 : 1;
    this.verdicts.judge(
      'W-65',
      qos === wanted,
      'Each message has its quality of service.',
      `A message on ${parts.leaf} has QoS ${qos}.`,
    );
    if (parts.leaf === LEAVES.blocks) this.#batch(payload, nowMs);
    else this.#control(payload, nowMs);
  }

  // --- control -------------------------------------------------------------------------------------------------------

  #control(payload: Uint8Array, nowMs: number): void {
    const body = this.#tried('W-42', 'An envelope', () => openEnvelope(payload, 'up', this.device, this.crypto));
    if (body === undefined) return;
    this.verdicts.passed('W-42', 'Every envelope opened under the key of the enrolment.');
    const message = this.#tried('W-43', 'A control message', () => decodeEdgeMessage(body));
    if (message === undefined) return;
    this.verdicts.passed('W-43', 'Every control message had its shape.');
    if (message.kind === 'hello') this.#hello(message.hello, nowMs);
    if (message.kind === 'dictionary') this.#dictionary(message.octets, nowMs);
    if (message.kind === 'rereads') this.rereads.push(...message.results);
  }

  #hello(hello: Hello, nowMs: number): void {
    const session = toHex(hello.session);
    const isNew = !this.#sessions.has(session) && !sameOctets(hello.session, NO_SESSION);
    this.verdicts.judge('W-71', isNew, 'Every hello had a session of its own.', `The session ${session} came again.`);
    this.#sessions.add(session);
    if (hello.protocol !== PROTOCOL_VERSION) this.verdicts.failed('W-52', `It speaks protocol ${hello.protocol}.`);
    for (const { lane, first, last } of hello.lanes)
      if (first > last + 1) this.verdicts.failed('W-52', `Lane ${lane} has first ${first} and last ${last}.`);
    if (this.hello !== null && this.hello.epoch !== hello.epoch) this.lanes.clear();
    this.hello = hello;
    this.helloTimesMs.push(nowMs);
    this.answeredAtMs = null;
    this.refusedAtMs = null;
    this.credit = 0;
    for (const seen of this.lanes.values()) {
      seen.sentUpTo = seen.upTo;
      seen.onTheWay.clear();
    }
  }

  #dictionary(octets: Uint8Array, nowMs: number): void {
    const groups = this.#tried('W-48', 'A dictionary', () => decodeDictionary(octets));
    if (groups === undefined) return;
    this.verdicts.passed('W-91', 'Dictionaries came in raw DEFLATE.');
    const isCanonical = sameOctets(encodeDictionary(groups), octets);
    this.verdicts.judge(
      'W-48',
      isCanonical,
      'Dictionaries have the one encoding.',
      'A dictionary has other octets than its one encoding.',
    );
    this.dictionaries.set(dictionaryHash(octets, this.crypto.sha256), { groups, atMs: nowMs });
  }

  // --- blocks --------------------------------------------------------------------------------------------------------

  #batch(payload: Uint8Array, nowMs: number): void {
    let octets: readonly Uint8Array[];
    try {
      octets = splitBatch(payload);
    } catch (error) {
      if (!(error instanceof DeltawattError)) throw error;
      this.verdicts.failed(
        error.code === 'WIRE_TOO_LONG' ? 'W-67' : 'W-41',
        `A message on b was refused: ${error.detail}.`,
      );
      return;
    }
    this.verdicts.passed('W-67', 'Messages kept to 65,536 octets and 2,048 blocks.');
    let before: BlockHeader | undefined;
    for (const block of octets) {
      const header = this.#tried('W-12', 'A block', () => decodeHeader(block));
      if (header === undefined) return;
      const isNext = before === undefined || (before.lane === header.lane && firstOf(header) === before.sequence + 1);
      this.verdicts.judge(
        'W-41',
        isNext,
        'Messages had consecutive blocks of one lane.',
        `Block ${header.sequence} of lane ${header.lane} follows ${before?.sequence} of lane ${before?.lane} in one message.`,
      );
      before = header;
      this.#block({ header, octets: block, atMs: nowMs });
    }
  }

  #block(block: SeenBlock): void {
    const { header, octets, atMs } = block;
    const { lane, sequence } = header;
    this.arrivals.push(block);
    this.verdicts.judge(
      'W-11',
      octets.length <= blockMaxOctets(lane),
      'Blocks kept to their octets.',
      `A block of lane ${lane} has ${octets.length} octets.`,
    );
    if (header.epoch !== this.hello?.epoch) {
      this.verdicts.failed('W-90', `Block ${sequence} of lane ${lane} has epoch ${header.epoch}.`);
      return;
    }
    this.verdicts.passed('W-90', 'Every block had the epoch of the hello.');
    if (lane >= 2) this.#mayLeave(block);
    const seen = this.lane(lane);
    this.#chain(seen, block);
    const isFirstTime = !seen.blocks.has(sequence);
    seen.blocks.set(sequence, block);
    this.#decode(seen, block, isFirstTime);
    if (sequence > seen.upTo) seen.onTheWay.set(sequence, octets.length);
    seen.sentUpTo = Math.max(seen.sentUpTo, sequence);
    this.#window(lane, atMs);
  }

  #mayLeave({ header: { lane, sequence }, atMs }: SeenBlock): void {
    const where = `Block ${sequence} of lane ${lane} came`;
    // The exam refuses while no credit is left, so nothing can have been on its way.
    if (this.refusedAtMs !== null) {
      if (atMs > this.refusedAtMs) this.verdicts.failed('W-79', `${where} after a refusal.`);
    } else if (this.answeredAtMs === null) this.verdicts.failed('W-73', `${where} before the answer.`);
  }

  #chain(seen: SeenLane, { header, octets }: SeenBlock): void {
    const { lane, sequence } = header;
    const first = firstOf(header);
    if (first > seen.sentUpTo + 1 && this.answeredAtMs !== null)
      this.verdicts.failed('W-81', `Block ${sequence} of lane ${lane} came behind ${seen.sentUpTo}.`);
    const same = seen.blocks.get(sequence);
    if (same !== undefined && header.tombstone === undefined)
      this.verdicts.judge(
        'W-81',
        sameOctets(same.octets, octets),
        'It goes on behind upTo; blocks that came again had the same octets.',
        `Block ${sequence} of lane ${lane} came again with other octets.`,
      );
    const before = seen.blocks.get(first - 1);
    if (before === undefined) return;
    const hash = blockHash(before.octets, this.crypto.sha256);
    this.verdicts.judge(
      'W-12',
      sameOctets(hash, header.prevHash),
      'Blocks had their layout, and each named the one before.',
      `Block ${sequence} of lane ${lane} names ${toHex(header.prevHash)}, block ${first - 1} has ${toHex(hash)}.`,
    );
  }

  #decode(seen: SeenLane, { header, octets }: SeenBlock, isFirstTime: boolean): void {
    const { lane, sequence, dictionaryHash: hash } = header;
    const rule = isSelfContained(lane) ? 'W-46' : 'W-1';
    const groups = hash === null ? [] : this.dictionaries.get(hash)?.groups;
    const isNext = header.keyframe === sequence || seen.state.sequence === sequence - 1;
    if (groups === undefined || (rule === 'W-1' && !isNext)) return;
    const what = `Block ${sequence} of lane ${lane}`;
    const decoded = this.#tried(rule, what, () => decodeBlock(octets, seen.state, groups));
    if (decoded === undefined) return;
    this.verdicts.passed(rule, 'Every block whose dictionary is known could be decoded.');
    if (header.stateCheck !== null && seen.state.sequence === sequence - 1)
      this.verdicts.judge('W-31', !decoded.stateDiffers, 'State checks agree.', `${what} checks another state.`);
    seen.state = decoded.state;
    for (const record of decoded.records) if (record.kind === 'command') this.reports.push(record.report);
    const block = { lane, sequence, startsGroup: header.keyframe === sequence, isFirstTime };
    for (const { group, atMs } of decoded.rows) this.rows.push({ ...block, ...channelsOf(groups[group]), atMs });
  }

  #window(lane: Lane, atMs: number): void {
    const counted = this.onTheWay(2);
    const isOpen = this.answeredAtMs !== null && atMs > this.answeredAtMs && this.refusedAtMs === null;
    if (lane >= 2 && isOpen && counted > this.credit)
      this.verdicts.failed('W-74', `${counted} octets of lanes 2-5 are on their way, the credit is ${this.credit}.`);
    const limit = this.paceIsKnown ? WINDOW_MAX_OCTETS : FIRST_WINDOW_OCTETS;
    const all = this.onTheWay(0);
    if (all > limit) this.verdicts.failed('W-75', `${all} octets are unacknowledged, the limit is ${limit}.`);
  }

  /** The result, or undefined and the rule failed when the octets are not what it asks for. */
  #tried<Result>(rule: RuleId, what: string, decode: () => Result): Result | undefined {
    try {
      return decode();
    } catch (error) {
      if (!(error instanceof DeltawattError)) throw error;
      this.verdicts.failed(
        rule,
        `${what} was refused: ${error.code}${error.detail === '' ? '' : ` (${error.detail})`}.`,
      );
      return undefined;
    }
  }
}

/** Whose rows they are; the decoder has looked that the group is there. */
function channelsOf(group: DictionaryGroup | undefined): Pick<SeenRow, 'meterId' | 'intervalS' | 'obis'> {
  assert(group !== undefined, 'a row has its group');
  const { meterId, intervalS, columns } = group;
  return { meterId: meterId as MeterId, intervalS, obis: columns.map(({ obis }) => obis) };
}

/** The first block that it stands for: a tombstone for several. */
export function firstOf(header: BlockHeader): number {
  return header.tombstone?.from ?? header.sequence;
}
