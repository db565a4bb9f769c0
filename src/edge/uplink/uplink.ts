/**
 * The only owner of the MQTT connection: a thin hand around {@link UplinkMachine}.
 *
 * One loop connects, waits for the end and waits out the backoff. One pump performs what the machine wants, then
 * publishes what it allows; the pump is never entered twice, so the order on the wire is the order of decisions. Blocks
 * come from the journal and leave as they are; a PUBACK means nothing here, only the collector's own ack does.
 */

import type { Env, MqttConnection, MqttDelivery, MqttOptions, Timer } from '../../base/env.ts';
import { DeltawattError, reasonOf } from '../../base/errors.ts';
import type { RereadOrder, RereadResult } from '../../model/reread.ts';
import type { Lane } from '../../wire/lanes.ts';
import { REREADS_MAX } from '../../wire/limits.ts';
import type { CollectorMessage, ImagePart, ImageRequest } from '../../wire/messages.ts';
import { entryWith } from '../entry.ts';
import { BACKOFF_CAP_MS, CONNECT_TIMEOUT_MS, GATHERED_MAX_OCTETS, TOLD_DICTIONARIES_MAX } from '../limits.ts';
import type { CollectorTime, Health, Journal, LaneSpan, StoredBlock, UplinkState } from '../ports.ts';
import { Backoff } from './backoff.ts';
import type { StatusFact, UplinkCodec } from './codec.ts';
import { CollectorClock } from './collector-clock.ts';
import { KEEP_ALIVE_KEY, KeepAliveKeeper } from './keep-alive-keeper.ts';
import type { SendStep, UplinkAction } from './messages.ts';
import { UplinkMachine } from './uplink.machine.ts';

/** What an uplink is made of. */
export interface UplinkOptions {
  readonly env: Env;
  readonly journal: Journal;
  readonly health: Health;
  readonly codec: UplinkCodec;
  /** Broker and identity; the keep-alive is learnt. */
  readonly broker: Omit<MqttOptions, 'keepAliveS' | 'connectTimeoutMs'>;
  /** First connection after a new boot of the machine waits a random part of this, ms. */
  readonly spreadMs: number;
  /** Text that changes with each boot of the machine, or undefined when the machine has none. */
  readonly bootId: string | undefined;
  /** Health in words for the console. */
  readonly facts: () => readonly StatusFact[];
  /** Called when the collector holds other blocks than the journal: nothing it says of them permits anything here. */
  readonly diverged?: () => void;
}

/** What the rest of the edge hears of the uplink. */
export interface UplinkListener {
  /** Resolves when the command is on disk or refused; the broker's acknowledgement waits for it. */
  command(command: Uint8Array, signature: Uint8Array): Promise<void>;
  /** Octets of an image that was asked for. */
  image(part: ImagePart): void;
  /** Resolves when the orders are on disk. */
  rereads(orders: readonly RereadOrder[]): Promise<void>;
  /** Hello was answered: the collector's time is known. */
  opened(): void;
}

const BOOT_KEY = 'uplink/boot';
/** What shows that the journal lost its end, or is an old copy. */
const DIVERGED: ReadonlySet<string> = new Set(['UPLINK_COLLECTOR_AHEAD', 'INGEST_CLONE']);
/** The reason of an end that we chose. */
const HUNG_UP = 'hung up';
/** A journal that could not be read is asked again after this. */
const READ_RETRY_MS = 5_000;

/** The uplink actor. */
export class Uplink {
  readonly #options: UplinkOptions;
  readonly #env: Env;
  readonly #machine: UplinkMachine;
  readonly #clock: CollectorClock;
  readonly #backoff = new Backoff();
  readonly #stopping = new AbortController();
  readonly #keepAlive: KeepAliveKeeper;
  #listener: UplinkListener = {
    command: () => Promise.resolve(),
    image: () => undefined,
    rereads: () => Promise.resolve(),
    opened: () => undefined,
  };
  #loop: Promise<void> = Promise.resolve();
  #connection: MqttConnection | null = null;
  #hangUp: (reason: string) => void = () => undefined;
  #actions: { readonly action: UplinkAction; readonly done: () => void }[] = [];
  #pumping = false;
  #pumpAgain = false;
  /** Messages with blocks that leave together. */
  readonly #gathered: Uint8Array[] = [];
  #gatheredOctets = 0;
  #retryAtMs = Number.POSITIVE_INFINITY;
  #timer: Timer | null = null;
  #startedAtMs = 0;
  #sentence = 'Not started.';
  #lastAckAtMs: number | null = null;
  #payloadOctets = 0;
  #closedTraffic = 0;
  #lastFacts = '[]';
  /** The last status said that blocks wait; once none does, that is told too. */
  #backlogTold = false;
  /** Hashes of dictionaries that were sent since the start. */
  readonly #toldDictionaries = new Set<string>();

  constructor(options: UplinkOptions) {
    this.#options = options;
    this.#env = options.env;
    this.#clock = new CollectorClock(options.env.clock);
    this.#keepAlive = new KeepAliveKeeper(options.env.log, (key, value) => this.#keep(key, value));
    this.#machine = new UplinkMachine({ epoch: options.journal.epoch, newSession: () => options.env.random.bytes(16) });
  }

  /** The collector's time, for expiry. */
  get collectorTime(): CollectorTime {
    return this.#clock;
  }

  /** Reads what was learnt before, then connects and stays connected until {@link stop}. */
  async start(listener: UplinkListener): Promise<void> {
    this.#listener = listener;
    this.#startedAtMs = this.#nowMs();
    this.#keepAlive.load(parseKept(await this.#options.journal.kept(KEEP_ALIVE_KEY)));
    const spreadMs = await this.#spreadMs();
    this.#options.journal.onAppend(() => this.#pump());
    this.#loop = this.#run(spreadMs);
  }

  /** Closes the connection; what is not acknowledged stays in the journal. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the uplink was stopped'));
    this.#hangUp(HUNG_UP);
    await this.#loop;
    this.#say('degraded', 'Stopped.');
  }

  /** Where the uplink stands. */
  state(): UplinkState {
    const traffic = this.#connection?.trafficOctets() ?? { sent: 0, received: 0 };
    return {
      connected: this.#connection !== null,
      sessionOpen: this.#machine.isOpen,
      sentence: this.#sentence,
      lastAckAtMs: this.#lastAckAtMs,
      payloadOctets: this.#payloadOctets,
      mqttOctets: this.#closedTraffic + traffic.sent + traffic.received,
      outstandingOctets: this.#machine.outstandingOctets,
    };
  }

  /** Asks for the next octets of an image; false while there is no session. */
  askImage(request: ImageRequest): boolean {
    if (!this.#machine.isOpen) return false;
    this.#control(this.#options.codec.image(request));
    return true;
  }

  /** Says what became of orders to read again; nothing while there is no session, for they come again in the next one. */
  tellRereads(results: readonly RereadResult[]): void {
    if (!this.#machine.isOpen) return;
    for (let at = 0; at < results.length; at += REREADS_MAX)
      this.#control(this.#options.codec.rereads(results.slice(at, at + REREADS_MAX)));
  }

  #nowMs(): number {
    return this.#env.clock.monotonicMs();
  }

  async #run(spreadMs: number): Promise<void> {
    try {
      await this.#sleep(spreadMs);
      while (!this.#stopping.signal.aborted) {
        await this.#sleep(this.#backoff.nextMs((n) => this.#env.random.below(n)));
        await this.#connectOnce();
      }
    } catch (error) {
      if (!this.#stopping.signal.aborted) throw error;
    }
  }

  async #sleep(delayMs: number): Promise<void> {
    if (delayMs > 0) await this.#env.timers.sleep(delayMs, this.#stopping.signal);
  }

  async #connectOnce(): Promise<void> {
    let end: (reason: string) => void = () => undefined;
    const ended = new Promise<string>((resolve) => {
      end = resolve;
    });
    this.#hangUp = end;
    const options = {
      ...this.#options.broker,
      keepAliveS: this.#keepAlive.currentS,
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
    };
    const connectedAtMs = this.#nowMs();
    try {
      const connection = await this.#env.mqtt.connect(options, {
        message: (_topic, payload) => this.#message(payload),
        closed: end,
      });
      this.#connection = connection;
      await connection.subscribe([this.#options.codec.topics.controlDown]);
    } catch (error) {
      await this.#disconnected(`cannot connect: ${reasonOf(error)}`);
      return;
    }
    this.#options.health.count('uplink_connections');
    this.#keepAlive.traffic(this.#nowMs());
    this.#say('degraded', 'Connected to the broker, waiting for the collector to answer hello.');
    void this.#do(this.#machine.connected(this.#options.journal.lanes(), this.#nowMs()));
    const reason = await ended;
    this.#backoff.ended(this.#nowMs() - connectedAtMs);
    if (reason !== HUNG_UP) this.#keepAlive.lost(this.#nowMs());
    await this.#disconnected(`connection lost: ${reason}`);
  }

  async #disconnected(reason: string): Promise<void> {
    const connection = this.#connection;
    this.#connection = null;
    this.#timer?.cancel();
    this.#machine.disconnected();
    this.#gathered.length = 0;
    this.#gatheredOctets = 0;
    for (const { done } of this.#actions.splice(0)) done();
    if (connection !== null) {
      const traffic = connection.trafficOctets();
      this.#closedTraffic += traffic.sent + traffic.received;
      await connection.close().catch(() => undefined);
    }
    if (this.#stopping.signal.aborted) return;
    this.#env.log.warn('uplink.disconnected', { reason });
    this.#say(
      'degraded',
      `No connection to the broker (${reason}). Readings are kept in the journal; the next attempt comes within ${BACKOFF_CAP_MS / 60_000} minutes.`,
    );
  }

  /** A message from the broker; resolves when PUBACK may go back. */
  async #message(payload: Uint8Array): Promise<void> {
    this.#keepAlive.traffic(this.#nowMs());
    let notice: CollectorMessage;
    try {
      notice = this.#options.codec.notice(payload);
    } catch (error) {
      this.#ignore(error instanceof DeltawattError ? error.code.toLowerCase() : 'malformed');
      return;
    }
    await this.#do(this.#machine.notice(notice, this.#options.journal.lanes(), this.#nowMs()));
  }

  /** Queues what the machine wants and wakes the pump; resolves when all of it was done. */
  #do(actions: readonly UplinkAction[]): Promise<void> {
    const all = actions.map((action) => new Promise<void>((resolve) => this.#actions.push({ action, done: resolve })));
    this.#pump();
    return Promise.all(all).then(() => undefined);
  }

  #pump(): void {
    this.#pumpAgain = true;
    if (!this.#pumping) void this.#pumpUntilIdle();
  }

  async #pumpUntilIdle(): Promise<void> {
    this.#pumping = true;
    // Callers may hold half-made state: never perform anything in their stack.
    await Promise.resolve();
    while (this.#pumpAgain) {
      this.#pumpAgain = false;
      await this.#pumpOnce();
    }
    this.#pumping = false;
    this.#schedule();
  }

  /** Performs all actions, then sends while something may leave; actions that come up meanwhile go first. */
  async #pumpOnce(): Promise<void> {
    for (;;) {
      const queued = this.#actions.shift();
      if (queued !== undefined) {
        this.#release();
        await this.#perform(queued.action).catch((error: unknown) => this.#failed(error));
        queued.done();
      } else if (!(await this.#sendNext())) return this.#release();
    }
  }

  /** Hands the gathered blocks to the connection in one go: they share TLS records and TCP segments. */
  #release(): void {
    this.#gatheredOctets = 0;
    for (const payload of this.#gathered.splice(0))
      this.#publish(this.#options.codec.topics.blocks, payload, 'at-most-once');
  }

  #failed(error: unknown): void {
    this.#options.health.count('uplink_failures');
    // When it stops, the journal closes under what was being sent.
    if (!this.#stopping.signal.aborted) this.#env.log.warn('uplink.action-failed', { reason: reasonOf(error) });
  }

  /** Publishes the next blocks; false when there is nothing to send or no room. */
  async #sendNext(): Promise<boolean> {
    const step = this.#machine.next(this.#options.journal.lanes());
    if (step === null) return false;
    const read = await this.#read(step);
    if (read === null) return false;
    const blocks = this.#machine.admit(step, read, this.#nowMs());
    if (blocks.length === 0) return true;
    for (const block of blocks) await this.#tellDictionary(block);
    const payload = this.#options.codec.batch(blocks.map((block) => block.octets));
    this.#payloadOctets += payload.length;
    this.#options.health.count('uplink_blocks', blocks.length);
    this.#options.health.count('uplink_payload_octets', payload.length);
    this.#gathered.push(payload);
    this.#gatheredOctets += payload.length;
    if (this.#gatheredOctets >= GATHERED_MAX_OCTETS) this.#release();
    return true;
  }

  /**
   * Sends a dictionary ahead of the first block that names it, when the block was made in this process: the collector
   * cannot know it yet, and asking for it would make everything behind the block travel twice. Older ones are asked for.
   */
  async #tellDictionary(block: StoredBlock): Promise<void> {
    if (block.appendedAtMs === null) return;
    const hash = this.#options.codec.dictionaryOf(block.octets);
    if (hash === null || this.#toldDictionaries.has(hash)) return;
    if (this.#toldDictionaries.size >= TOLD_DICTIONARIES_MAX) this.#toldDictionaries.clear();
    this.#toldDictionaries.add(hash);
    await this.#sendDictionary(hash);
  }

  async #read(step: SendStep): Promise<readonly StoredBlock[] | null> {
    try {
      this.#retryAtMs = Number.POSITIVE_INFINITY;
      return await this.#options.journal.read(step.lane, step.from, step.maxOctets);
    } catch (error) {
      this.#failed(error);
      this.#retryAtMs = this.#nowMs() + READ_RETRY_MS;
      return null;
    }
  }

  /** Not awaited: the collector's ack, the hello ladder and the end of the connection tell all there is to know. */
  #publish(topic: string, payload: Uint8Array, delivery: MqttDelivery): void {
    this.#keepAlive.traffic(this.#nowMs());
    this.#connection
      ?.publish(topic, payload, delivery)
      .catch(() => this.#options.health.count('uplink_publishes_cut_off'));
  }

  #control(payload: Uint8Array): void {
    this.#options.health.count('uplink_control_octets', payload.length);
    this.#publish(this.#options.codec.topics.controlUp, payload, 'at-least-once');
  }

  async #perform(action: UplinkAction): Promise<void> {
    const { journal, codec } = this.#options;
    switch (action.kind) {
      case 'hello': {
        const fields = { session: action.session, lanes: journal.lanes(), wallTimeMs: this.#env.clock.nowMs() };
        this.#options.health.count('uplink_hellos');
        return this.#control(codec.hello(fields));
      }
      case 'opened':
        return this.#opened(action.serverTimeMs);
      case 'time':
        return this.#clock.heard(action.serverTimeMs);
      case 'acknowledge':
        this.#lastAckAtMs = this.#env.clock.nowMs();
        this.#options.health.count('uplink_acknowledgements');
        await journal.acknowledge(action.lane, action.upTo);
        if (this.#backlogTold && nothingWaits(journal.lanes())) this.#sendStatus();
        return;
      case 'rewind':
        this.#options.health.count('uplink_rewinds');
        return journal.rewind(action.lane, action.upTo);
      case 'dictionary':
        return await this.#sendDictionary(action.hash);
      case 'find-keyframe':
        return await this.#findKeyframe(action.lane, action.sequence);
      case 'command':
        return await this.#listener.command(action.command, action.signature);
      case 'image':
        return this.#listener.image(action);
      case 'rereads':
        return await this.#listener.rereads(action.orders);
      case 'status':
        return this.#sendStatus();
      case 'ignored':
        return this.#ignore(action.counter);
      case 'trouble':
        this.#env.log.error('uplink.trouble', { code: action.code, sentence: action.sentence });
        if (DIVERGED.has(action.code)) this.#options.diverged?.();
        return this.#say('failed', action.sentence);
    }
  }

  #opened(serverTimeMs: number): void {
    this.#clock.opened(serverTimeMs);
    this.#env.log.info('uplink.session-open', {});
    this.#say('ok', 'Connected; the collector takes readings.');
    this.#listener.opened();
  }

  #ignore(counter: string): void {
    this.#options.health.count(`uplink_ignored_${counter}`);
  }

  async #sendDictionary(hash: string): Promise<void> {
    const octets = await this.#options.journal.dictionary(hash);
    if (octets === undefined) return this.#ignore('unknown_dictionary');
    this.#control(this.#options.codec.dictionary(octets));
  }

  async #findKeyframe(lane: Lane, sequence: number): Promise<void> {
    const span = this.#options.journal.lanes().find((each) => each.lane === lane);
    if (span === undefined || span.last < span.first) return;
    const at = Math.min(Math.max(sequence, span.first), span.last);
    const [block] = await this.#options.journal.read(lane, at, 1);
    if (block === undefined) return;
    this.#options.health.count('uplink_keyframe_resends');
    let keyframe = this.#options.codec.keyframeOf(block.octets);
    if (keyframe === sequence && sequence > span.first) {
      // It had its keyframe and asks all the same: its chain is another one. The group before lets it see which block differs.
      const [before] = await this.#options.journal.read(lane, sequence - 1, 1);
      if (before !== undefined) keyframe = Math.min(keyframe, this.#options.codec.keyframeOf(before.octets));
    }
    this.#machine.keyframeAt(lane, Math.max(span.first, keyframe));
  }

  /** A status costs octets: it goes out when blocks wait, or when the facts or an end of waiting are news. */
  #sendStatus(): void {
    const lanes = this.#options.journal.lanes();
    const facts = this.#options.facts();
    const text = JSON.stringify(facts);
    const waits = !nothingWaits(lanes);
    if (text === this.#lastFacts && !waits && !this.#backlogTold) return;
    this.#lastFacts = text;
    this.#backlogTold = waits;
    const uptimeS = Math.floor((this.#nowMs() - this.#startedAtMs) / 1000);
    const { autonomyHours } = this.#options.journal.room();
    this.#control(this.#options.codec.status({ lanes, uptimeS, autonomyHours, facts }));
  }

  #schedule(): void {
    this.#timer?.cancel();
    if (this.#connection === null || this.#stopping.signal.aborted) return;
    const dueMs = Math.min(this.#machine.deadlineMs() ?? this.#retryAtMs, this.#retryAtMs, this.#keepAlive.dueMs);
    this.#timer = this.#env.timers.after(Math.max(0, dueMs - this.#nowMs()), () => this.#due());
  }

  #due(): void {
    const nowMs = this.#nowMs();
    if (this.#keepAlive.due(nowMs, this.#machine.outstandingOctets > 0)) this.#hangUp(HUNG_UP);
    else void this.#do(this.#machine.tick(nowMs));
  }

  /** Connection times are spread only when the machine was booted since we last looked: a power cut hits a whole town. */
  async #spreadMs(): Promise<number> {
    const { bootId, journal, spreadMs } = this.#options;
    if (bootId === undefined) return 0;
    const before = parseKept(await journal.kept(BOOT_KEY));
    if (before === bootId) return 0;
    this.#keep(BOOT_KEY, bootId);
    return before === undefined || spreadMs === 0 ? 0 : this.#env.random.below(spreadMs);
  }

  #keep(key: string, what: unknown): void {
    const value = new TextEncoder().encode(JSON.stringify(what));
    this.#options.journal
      .append(entryWith(this.#env.clock.nowMs(), { keep: [{ key, value }] }))
      .catch((error: unknown) => this.#failed(error));
  }

  #say(state: 'ok' | 'degraded' | 'failed', sentence: string): void {
    this.#sentence = sentence;
    this.#options.health.state('uplink', state, sentence);
  }
}

function nothingWaits(lanes: readonly LaneSpan[]): boolean {
  return lanes.every((span) => span.pendingBlocks === 0);
}

/** The value behind kept octets; undefined when there is none or it is not ours. */
function parseKept(octets: Uint8Array | undefined): unknown {
  if (octets === undefined) return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(octets));
  } catch {
    return undefined;
  }
}
