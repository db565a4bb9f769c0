/**
 * Everything that one edge says, one thing after the other: hello, dictionaries, status, blocks.
 *
 * Blocks that wait are taken together, so a busy edge costs few transactions. What is said to the edge counts only in the
 * session of its last hello, under the store's term and an authenticator; without a session blocks are stored all the same,
 * when their epoch is the one of the last hello, and the edge is called for hello to learn of it.
 */
import type { MqttDelivery } from '../../base/env.ts';
import { DeltawattError, reasonOf } from '../../base/errors.ts';
import type { EdgeId } from '../../model/ids.ts';
import type { RereadOrder, RereadResult } from '../../model/reread.ts';
import { decodeHeader } from '../../wire/block.ts';
import { decodeEdgeMessage } from '../../wire/codec.ts';
import { decodeDictionary, dictionaryHash } from '../../wire/dictionary.ts';
import { openEnvelope } from '../../wire/envelope.ts';
import { LANE_ORDER, type Lane } from '../../wire/lanes.ts';
import { REREADS_MAX } from '../../wire/limits.ts';
import type { CollectorBody, EdgeMessage, Hello, ImageRequest, LaneSpanNotice, LaneUpTo } from '../../wire/messages.ts';
import { splitBatch } from '../../wire/topics.ts';
import type {
  CommandRecord,
  CommandStore,
  EdgeRecord,
  ImageStore,
  JournalStore,
  Lease,
  RereadStore,
} from '../ports.ts';
import { orderOf } from '../reread-order.ts';
import { EdgeQueue, rankOf } from './edge-queue.ts';
import { EpochWatch } from './epoch-watch.ts';
import { INGEST_ERRORS, type IngestErrorCode } from './errors.ts';
import { HeldAcks } from './held-acks.ts';
import { UNKNOWN_HEAD } from './judge.ts';
import { type ArrivedBlock, type LaneReply, LaneWriter } from './lane-writer.ts';
import { DICTIONARIES_REMEMBERED, EDGE_QUEUED_MAX_MESSAGES } from './limits.ts';
import { type SayParts, say } from './say.ts';
import type { Asked, Turns } from './turns.ts';

/** What a worker needs of the outside. */
export interface WorkerParts extends SayParts {
  readonly store: JournalStore &
    Pick<CommandStore, 'open' | 'report'> &
    Pick<ImageStore, 'imagePart'> &
    Pick<RereadStore, 'orderedRereads' | 'changeReread'>;
  readonly count: (name: string, by?: number) => void;
  /** Octets that this edge may have on the way, given what waits for it. */
  readonly credit: (queuedOctets: number) => number;
  /** A batch was stored in this time. */
  readonly stored: (tookMs: number) => void;
  /** Who is next at the database. */
  readonly turns: Pick<Turns, 'ask' | 'batchMaxOctets'>;
  /** Octets that wait for this edge; more is dropped unacknowledged. */
  readonly queuedMaxOctets: number;
  /** Whether the database may acknowledge. */
  readonly isSafe: () => Promise<boolean>;
  /** The lease of the edge's shard; undefined when there is only one collector. */
  readonly lease: () => Lease | undefined;
  /** An unknown edge found no place in the inbox. */
  readonly inboxFull: () => void;
  /** Asks an edge without a session for hello; never rejects. */
  readonly callForHello: (edge: EdgeRecord) => Promise<void>;
  /** Queued octets changed by this much. */
  readonly queued: (octets: number) => void;
}

interface Session {
  readonly session: Uint8Array;
  readonly epoch: string;
  /** The key under which the hello was good. */
  readonly key: Uint8Array;
  /** Monotonic ms. */
  readonly sinceMs: number;
}

/** The serial worker of one edge. */
export class EdgeWorker {
  readonly #queue = new EdgeQueue();
  /** The turn that is waited for. */
  #asked: Asked | undefined;
  #queuedOctets = 0;
  #running = false;
  #idle: (() => void)[] = [];
  #edge: EdgeRecord | undefined;
  #session: Session | undefined;
  #writers = new Map<Lane, LaneWriter>();
  readonly #dictionaries = new Set<string>();
  readonly #acks = new HeldAcks();
  readonly #epochs: EpochWatch;

  constructor(
    readonly edgeId: EdgeId,
    private readonly parts: WorkerParts,
  ) {
    this.#epochs = new EpochWatch(parts);
  }

  /** Takes a message; resolves when it is dealt with, so that its PUBACK waits for the commit. Never rejects. */
  take(leaf: 'b' | 'c', payload: Uint8Array): Promise<void> {
    const { queued, count } = this.parts;
    const full =
      this.#queuedOctets + payload.length > this.parts.queuedMaxOctets ||
      this.#queue.length >= EDGE_QUEUED_MAX_MESSAGES;
    if (full) {
      count('ingest_messages_dropped');
      return Promise.resolve();
    }
    this.#queuedOctets += payload.length;
    queued(payload.length);
    return new Promise((done) => {
      const rank = rankOf(leaf, payload);
      this.#queue.add({ leaf, payload, rank, done });
      this.#asked?.raise(rank);
      if (!this.#running) void this.#run();
    });
  }

  /** Resolves when nothing waits. */
  settled(): Promise<void> {
    return this.#running ? new Promise((resolve) => this.#idle.push(resolve)) : Promise.resolve();
  }

  /** Nothing waits, and nobody registered the edge: there is nothing to remember of it. */
  get isIdleStranger(): boolean {
    return !this.#running && (this.#edge === undefined || this.#edge.state === 'inbox') && this.#session === undefined;
  }

  /** Whether the edge said hello since this monotonic time. */
  saidHelloSince(sinceMs: number): boolean {
    return (this.#session?.sinceMs ?? Number.NEGATIVE_INFINITY) >= sinceMs;
  }

  /** The registry changed: what is known of the edge is read again. */
  forgetEdge(): void {
    this.#edge = undefined;
  }

  /** Sends a command in the open session; false when there is none or the broker is away. */
  async sendCommand(command: Uint8Array, signature: Uint8Array): Promise<boolean> {
    if (this.#session === undefined) return false;
    return this.#tell({ kind: 'command', command, signature });
  }

  /** Sends orders to read again; as {@link sendCommand}. */
  async sendRereads(orders: readonly RereadOrder[]): Promise<boolean> {
    return orders.length > 0 && (await this.#tell({ kind: 'rereads', orders }));
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#queue.length > 0) {
      const { turns } = this.parts;
      const batch = this.#queue.take(turns.batchMaxOctets);
      // What is being stored no longer waits: it does not lessen the credit of its own ack.
      const octets = batch.reduce((sum, task) => sum + task.payload.length, 0);
      this.#queuedOctets -= octets;
      // What stands behind an urgent message's way is urgent too.
      const rank = batch[0]?.rank === 0 ? 0 : this.#queue.rank;
      this.#asked = turns.ask(this.edgeId, octets, rank);
      const endTurn = await this.#asked.turn;
      this.#asked = undefined;
      try {
        if (batch[0]?.leaf === 'c') await this.#control(batch[0].payload);
        else await this.#timed(() => this.#blocks(batch.map((task) => task.payload)));
      } catch (error) {
        // Nothing was acknowledged: the edge sends it again. What was remembered may be wrong now.
        this.parts.log.warn('ingest.batch-failed', { edgeId: this.edgeId, reason: reasonOf(error) });
        this.parts.count('ingest_batches_failed');
        this.#forgetAll();
      } finally {
        endTurn();
      }
      this.#tellAcks(this.#acks.settle(this.#queue.first?.leaf === 'b'));
      for (const task of batch) {
        this.parts.queued(-task.payload.length);
        task.done();
      }
    }
    this.#running = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #timed(store: () => Promise<void>): Promise<void> {
    const fromMs = this.parts.clock.monotonicMs();
    await store();
    this.parts.stored(this.parts.clock.monotonicMs() - fromMs);
  }

  #forgetAll(): void {
    this.#edge = undefined;
    this.#dictionaries.clear();
    for (const writer of this.#writers.values()) writer.forget();
  }

  /** The edge when it may speak; undefined (and into the inbox) when nobody registered it. */
  async #registered(): Promise<(EdgeRecord & { readonly key: Uint8Array }) | undefined> {
    const { store, clock, count } = this.parts;
    this.#edge ??= await store.edge(this.edgeId);
    const edge = this.#edge;
    if (edge === undefined && !(await store.noteUnknown(this.edgeId, clock.nowMs()))) this.parts.inboxFull();
    if (edge?.key === undefined || edge.state === 'inbox') {
      count('ingest_messages_of_unknown_edges');
      return undefined;
    }
    return { ...edge, key: edge.key };
  }

  // --- control -------------------------------------------------------------------------------------------------------

  async #control(payload: Uint8Array): Promise<void> {
    const edge = await this.#registered();
    if (edge === undefined) return;
    const message = this.#open(payload, edge.key);
    if (message === undefined) return;
    if (message.kind === 'hello') await this.#hello(edge, message.hello);
    else if (edge.state !== 'active') return;
    else if (message.kind === 'status')
      await this.parts.store.noteStatus(this.edgeId, message.status, this.parts.clock.nowMs());
    else if (message.kind === 'image') await this.#image(message);
    else if (message.kind === 'rereads') await this.#reread(message.results);
    else await this.#dictionary(message.octets);
  }

  #open(payload: Uint8Array, key: Uint8Array): EdgeMessage | undefined {
    try {
      const body = openEnvelope(payload, 'up', { edgeId: this.edgeId, key }, this.parts.crypto);
      return decodeEdgeMessage(body);
    } catch (error) {
      if (!(error instanceof DeltawattError)) throw error;
      this.parts.log.warn('ingest.message-refused', { edgeId: this.edgeId, code: error.code, detail: error.detail });
      this.parts.count('ingest_messages_refused');
      return undefined;
    }
  }

  async #hello(edge: EdgeRecord & { readonly key: Uint8Array }, hello: Hello): Promise<void> {
    const { store, clock, log } = this.parts;
    const { session, epoch, software } = hello;
    this.#session = { session, epoch, key: edge.key, sinceMs: clock.monotonicMs() };
    // Those of another epoch must not take a block of this one, whatever fails below.
    this.#writers = new Map();
    this.#acks.take();
    if (edge.state !== 'active') return this.#refuse('INGEST_DEACTIVATED');
    if (!(await this.parts.isSafe())) return this.#refuse('INGEST_NOT_SAFE');
    await this.#epochs.note(edge, epoch);
    await store.noteHello(this.edgeId, { epoch, software, lanes: hello.lanes, atMs: clock.nowMs() });
    this.#edge = { ...edge, epoch };
    for (const lane of LANE_ORDER) this.#writers.set(lane, this.#newWriter(epoch, lane));
    for (const span of hello.lanes) await this.#declareGap(epoch, span);
    const lanes: { lane: Lane; upTo: number }[] = [];
    for (const [lane, writer] of this.#writers) lanes.push({ lane, upTo: (await writer.cursor()).upTo });
    log.info('ingest.hello', { edgeId: this.edgeId, epoch, software });
    await this.#tell({ kind: 'answer', lanes, credit: this.parts.credit(this.#queuedOctets) });
    await this.#resendCommands(epoch);
    await this.#resendRereads();
  }

  #newWriter(epoch: string, lane: Lane): LaneWriter {
    const { store, clock, crypto, log, lease } = this.parts;
    return new LaneWriter(this.edgeId, epoch, lane, {
      store,
      clock,
      crypto,
      log,
      lease,
      knowsDictionary: (hash) => this.#knows(hash),
    });
  }

  /** The edge no longer has what would be next: that is a gap from now on, and the head of the chain is not known. */
  async #declareGap(epoch: string, { lane, first, last }: LaneSpanNotice): Promise<void> {
    const writer = this.#writers.get(lane);
    if (writer === undefined) return;
    const cursor = await writer.cursor();
    const oldest = Math.min(first, last + 1);
    if (oldest <= cursor.upTo + 1) return;
    const gap = { edgeId: this.edgeId, epoch, lane, from: cursor.upTo + 1, to: oldest - 1, cause: 'evicted-at-edge' };
    this.parts.log.warn('ingest.lane-gap', gap);
    await this.parts.store.declareGap(cursor, gap, UNKNOWN_HEAD, this.parts.lease());
    writer.forget();
  }

  async #resendCommands(epoch: string): Promise<void> {
    const nowMs = this.parts.clock.nowMs();
    for (const { record, command, signature } of await this.parts.store.open(this.edgeId)) {
      if (record.epoch !== epoch || record.expiresAtMs <= nowMs) continue;
      if (!(await this.#tell({ kind: 'command', command, signature }))) return;
      if (record.state === 'stored') await this.#reportSent(record);
    }
  }

  async #reportSent({ id, meterId }: CommandRecord): Promise<void> {
    const sentence = 'Handed to the broker, the concentrator has not confirmed yet.';
    await this.parts.store.report({
      id,
      meterId,
      state: 'sent',
      code: '',
      sentence,
      atMs: this.parts.clock.nowMs(),
      values: [],
    });
  }

  async #dictionary(octets: Uint8Array): Promise<void> {
    decodeDictionary(octets);
    const hash = dictionaryHash(octets, this.parts.crypto.sha256);
    await this.parts.store.saveDictionary(this.edgeId, hash, octets);
    this.#remember(hash);
  }

  /** Octets of an image go only to an edge with an open command for it; none say that there is nothing to fetch. */
  async #image({ sha256, offset, length }: ImageRequest): Promise<void> {
    const octets = await this.parts.store.imagePart(this.edgeId, sha256, offset, length);
    await this.#tell({ kind: 'image', sha256, offset, octets: octets ?? new Uint8Array(0) });
  }

  /** How orders to read again ended; an answer that comes again changes nothing. */
  async #reread(results: readonly RereadResult[]): Promise<void> {
    const { store, clock, log } = this.parts;
    for (const { id, outcome, rows } of results) {
      const record = { edgeId: this.edgeId, id, state: 'ordered' } as const;
      const change = { state: outcome, atMs: clock.nowMs(), dueAtMs: null, rows };
      if (await store.changeReread(record, change))
        log.info('ingest.reread', { edgeId: this.edgeId, order: id, outcome, rows });
    }
  }

  /** What was ordered and not answered; more than one message of it is said later. */
  async #resendRereads(): Promise<void> {
    const records = await this.parts.store.orderedRereads(this.edgeId, REREADS_MAX);
    const orders = records.flatMap(orderOf);
    if (orders.length > 0) await this.#tell({ kind: 'rereads', orders });
  }

  #remember(hash: string): void {
    if (this.#dictionaries.size >= DICTIONARIES_REMEMBERED) this.#dictionaries.clear();
    this.#dictionaries.add(hash);
  }

  async #knows(hash: string): Promise<boolean> {
    if (this.#dictionaries.has(hash)) return true;
    const known = (await this.parts.store.dictionary(this.edgeId, hash)) !== undefined;
    if (known) this.#remember(hash);
    return known;
  }

  // --- blocks --------------------------------------------------------------------------------------------------------

  async #blocks(payloads: readonly Uint8Array[]): Promise<void> {
    const edge = await this.#registered();
    if (edge === undefined) return;
    const epoch = this.#session?.epoch ?? edge.epoch;
    if (this.#session === undefined) await this.parts.callForHello(edge);
    if (edge.state !== 'active' || epoch === undefined || !(await this.parts.isSafe())) {
      this.parts.count('ingest_messages_refused');
      return;
    }
    for (const [lane, blocks] of await this.#arrived(payloads, epoch)) {
      const writer = this.#writers.get(lane) ?? this.#newWriter(epoch, lane);
      this.#writers.set(lane, writer);
      const replies = await writer.take(blocks);
      if (replies === undefined) this.parts.log.warn('ingest.contended', { edgeId: this.edgeId, lane });
      for (const reply of replies ?? []) await this.#reply(reply);
    }
  }

  /** Blocks by lane, in order of arrival. Octets that are no blocks end their message: what follows cannot be next. */
  async #arrived(payloads: readonly Uint8Array[], epoch: string): Promise<Map<Lane, ArrivedBlock[]>> {
    const lanes = new Map<Lane, ArrivedBlock[]>();
    for (const payload of payloads) {
      try {
        for (const octets of splitBatch(payload)) {
          const header = decodeHeader(octets);
          this.parts.count('ingest_blocks');
          if (header.epoch !== epoch) {
            this.parts.count('ingest_blocks_of_other_epochs');
            continue;
          }
          const blocks = lanes.get(header.lane) ?? [];
          blocks.push({ header, octets });
          lanes.set(header.lane, blocks);
        }
      } catch (error) {
        if (!(error instanceof DeltawattError)) throw error;
        this.parts.count('ingest_blocks_refused');
        this.parts.log.warn('ingest.blocks-refused', { edgeId: this.edgeId, code: error.code, detail: error.detail });
        if (error.code === 'BLOCK_FORMAT' || error.code === 'BLOCK_MALFORMED') await this.#refuse('INGEST_FORMAT');
      }
    }
    return lanes;
  }

  async #reply(reply: LaneReply): Promise<void> {
    switch (reply.kind) {
      case 'ack':
        this.#acks.hold(reply.lane, reply.upTo);
        break;
      case 'clone':
        this.#tellAcks(this.#acks.take());
        await this.#refuse('INGEST_CLONE');
        break;
      default:
        this.#tellAcks(this.#acks.take());
        await this.#tell(reply);
    }
  }

  /** Not waited for: the next batch need not wait until the broker has the ack of this one. A lost one is repeated. */
  #tellAcks(lanes: readonly LaneUpTo[]): void {
    const epoch = this.#session?.epoch;
    if (epoch === undefined || lanes.length === 0) return;
    const credit = this.parts.credit(this.#queuedOctets);
    void this.#tell({ kind: 'ack', epoch, lanes, credit }, 'at-most-once');
  }

  async #refuse(code: IngestErrorCode): Promise<void> {
    await this.#tell({ kind: 'refusal', code, sentence: INGEST_ERRORS[code].sentence });
  }

  /** Says something in the open session; false when there is none, or nobody can hear it. */
  async #tell(body: CollectorBody, delivery: MqttDelivery = 'at-least-once'): Promise<boolean> {
    if (this.#session === undefined) return false;
    const { session, key } = this.#session;
    return await say(this.parts, { edgeId: this.edgeId, session, key }, body, delivery);
  }
}
