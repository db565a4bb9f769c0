/**
 * Ingest: subscribes what edges publish, gives each edge's messages to its worker, and speaks to edges.
 *
 * The broker is only a way: nothing depends on what it keeps. A message's PUBACK waits until it is dealt with, an ack goes
 * out after the commit and never before, and when the connection is lost everything starts again with the edges' hellos.
 */
import type { Env, MqttConnection, MqttDelivery, MqttOptions, Timer } from '../../base/env.ts';
import { reasonOf } from '../../base/errors.ts';
import type { EdgeId } from '../../model/ids.ts';
import type { RereadOrder } from '../../model/reread.ts';
import { collectorFilters, parseTopic, SHARD_COUNT, shardOf } from '../../wire/topics.ts';
import type { CollectorStore, EdgePublisher, Lease } from '../ports.ts';
import { CreditRule } from './credit.ts';
import { EdgeWorker, type WorkerParts } from './edge-worker.ts';
import { ingestError } from './errors.ts';
import { HelloCalls } from './hello-calls.ts';
import {
  BATCHES_AT_ONCE,
  CONNECT_TIMEOUT_MS,
  EDGE_CREDIT_MIN_OCTETS,
  EDGE_CREDIT_OCTETS,
  EDGE_QUEUED_CREDITS,
  INBOX_FULL_TOLD_MS,
  KEEP_ALIVE_S,
  RECONNECT_MAX_MS,
  RECONNECT_MIN_MS,
  SAFETY_CHECK_MS,
} from './limits.ts';

import { Turns } from './turns.ts';

/** What ingest needs. */
export interface IngestParts {
  readonly env: Pick<Env, 'clock' | 'timers' | 'random' | 'crypto' | 'mqtt' | 'log'>;
  readonly store: CollectorStore;
  /** The broker; keep-alive and time-out are ours. */
  readonly broker: Omit<MqttOptions, 'keepAliveS' | 'connectTimeoutMs'>;
  /** Shards to take; default all. */
  readonly shards?: readonly number[];
  /** The lease of a shard, where several collectors share the fleet. */
  readonly leaseOf?: (shard: number) => Lease | undefined;
  /** Octets that one edge may have under way, EDGE_CREDIT_MIN_OCTETS or more; default EDGE_CREDIT_OCTETS. */
  readonly creditOctets?: number;
  /** Counters for metrics. */
  readonly count?: (name: string, by?: number) => void;
}

/** How ingest is doing. */
export interface IngestState {
  readonly connected: boolean;
  /** One sentence for health. */
  readonly sentence: string;
  /** Octets that wait to be stored. */
  readonly queuedOctets: number;
  /** Smoothed time that a batch takes to be stored, ms; 0 = none was. */
  readonly commitMs: number;
  /** Why nothing is acknowledged; empty when all is well. */
  readonly notSafe: readonly string[];
  /** Unknown concentrators were turned away lately: the inbox is full. */
  readonly inboxFull: boolean;
}

/** The running ingest. */
export interface Ingest extends EdgePublisher {
  state(): IngestState;
  /** Resolves when the subscription stands, also after a lost connection. */
  connected(): Promise<void>;
  /** Takes nothing more, finishes what waits, and closes the connection. */
  stop(): Promise<void>;
}

/** Starts ingest; it connects in the background and keeps trying. */
export function startIngest(parts: IngestParts): Ingest {
  const running = new RunningIngest(parts);
  running.start();
  return running;
}

class RunningIngest implements Ingest {
  readonly #workers = new Map<EdgeId, EdgeWorker>();
  readonly #shards: ReadonlySet<number>;
  readonly #workerParts: Omit<WorkerParts, 'lease'>;
  readonly #credit: CreditRule;
  readonly #helloCalls: HelloCalls;
  #connection: MqttConnection | undefined;
  #waiting: (() => void)[] = [];
  #retry: Timer | undefined;
  #pauseMs = RECONNECT_MIN_MS;
  #stopped = false;
  #queuedOctets = 0;
  #sentence = 'Connecting to the broker.';
  #notSafe: readonly string[] = [];
  #checkedAtMs = Number.NEGATIVE_INFINITY;
  #inboxFullAtMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly parts: IngestParts) {
    const { env, store } = parts;
    const creditOctets = Math.max(EDGE_CREDIT_MIN_OCTETS, parts.creditOctets ?? EDGE_CREDIT_OCTETS);
    this.#credit = new CreditRule(creditOctets);
    this.#shards = new Set(parts.shards ?? Array.from({ length: SHARD_COUNT }, (_, shard) => shard));
    const { clock, crypto, log, timers } = env;
    const publish: MqttConnection['publish'] = (...message) => this.#publish(...message);
    this.#helloCalls = new HelloCalls({ store, clock, crypto, log, publish, timers });
    this.#workerParts = {
      store,
      clock,
      crypto,
      log,
      publish,
      count: parts.count ?? (() => undefined),
      inboxFull: () => this.#noteInboxFull(),
      callForHello: (edge) => this.#helloCalls.one(edge),
      credit: (queuedOctets) => this.#credit.credit(queuedOctets, this.#queuedOctets),
      stored: (tookMs) => this.#credit.stored(tookMs),
      turns: new Turns(BATCHES_AT_ONCE),
      queuedMaxOctets: EDGE_QUEUED_CREDITS * creditOctets,
      isSafe: () => this.#isSafe(),
      queued: (octets) => {
        this.#queuedOctets += octets;
      },
    };
    store.onChange((change) => {
      if (change.kind === 'edge') this.#workers.get(change.edgeId)?.forgetEdge();
    });
  }

  start(): void {
    void this.#connect();
  }

  state(): IngestState {
    return {
      connected: this.#connection !== undefined,
      sentence: this.#sentence,
      queuedOctets: this.#queuedOctets,
      commitMs: this.#credit.commitMs,
      notSafe: this.#notSafe,
      inboxFull: this.parts.env.clock.monotonicMs() - this.#inboxFullAtMs < INBOX_FULL_TOLD_MS,
    };
  }

  connected(): Promise<void> {
    return this.#connection === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve();
  }

  sendCommand(edgeId: EdgeId, command: Uint8Array, signature: Uint8Array): Promise<boolean> {
    return this.#worker(edgeId).sendCommand(command, signature);
  }

  sendRereads(edgeId: EdgeId, orders: readonly RereadOrder[]): Promise<boolean> {
    return this.#worker(edgeId).sendRereads(orders);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#retry?.cancel();
    for (const worker of this.#workers.values()) await worker.settled();
    await this.#connection?.close();
    this.#connection = undefined;
    this.#sentence = 'Stopped.';
  }

  async #connect(): Promise<void> {
    const { env, broker } = this.parts;
    let lost = false;
    try {
      const connection = await env.mqtt.connect(
        { ...broker, keepAliveS: KEEP_ALIVE_S, connectTimeoutMs: CONNECT_TIMEOUT_MS },
        {
          message: (topic, payload) => this.#message(topic, payload),
          closed: (reason) => {
            lost = true;
            this.#lost(reason);
          },
        },
      );
      // The edges' messages may come as soon as the filters stand, so acknowledgements must find the connection.
      this.#connection = connection;
      await connection.subscribe(collectorFilters([...this.#shards]));
      if (this.#stopped) return await connection.close();
      this.#pauseMs = RECONNECT_MIN_MS;
      this.#sentence = 'Connected to the broker.';
      env.log.info('ingest.connected', { url: broker.url });
      for (const resolve of this.#waiting.splice(0)) resolve();
      void this.#callForHello(connection);
    } catch (error) {
      if (!lost) this.#lost(reasonOf(error));
    }
  }

  /** Edges that go on sending do not know that we were away; those of other collectors' shards are left alone. */
  async #callForHello(connection: MqttConnection): Promise<void> {
    const { clock, crypto } = this.parts.env;
    const sinceMs = clock.monotonicMs();
    await this.#helloCalls.all(
      (edgeId) =>
        this.#connection === connection &&
        this.#shards.has(shardOf(edgeId, crypto.sha256)) &&
        this.#workers.get(edgeId)?.saidHelloSince(sinceMs) !== true,
    );
  }

  #lost(reason: string): void {
    const { env } = this.parts;
    const connection = this.#connection;
    this.#connection = undefined;
    if (this.#stopped) return;
    connection?.close().catch(() => undefined);
    const pauseMs = this.#pauseMs / 2 + env.random.below(this.#pauseMs / 2 + 1);
    this.#sentence = `No connection to the broker (${reason}): edges keep their readings, trying again.`;
    env.log.warn('ingest.connection-lost', { reason, pauseMs });
    this.#pauseMs = Math.min(RECONNECT_MAX_MS, this.#pauseMs * 2);
    this.#retry?.cancel();
    this.#retry = env.timers.after(pauseMs, () => void this.#connect());
  }

  async #message(topic: string, payload: Uint8Array): Promise<void> {
    const parts = parseTopic(topic, this.parts.env.crypto.sha256);
    if (parts === null || parts.leaf === 'd' || !this.#shards.has(parts.shard) || this.#stopped) return;
    const worker = this.#worker(parts.edgeId);
    await worker.take(parts.leaf, payload.slice());
    // Ids of strangers are without end behind a broker that lets anybody in.
    if (worker.isIdleStranger && this.#workers.get(parts.edgeId) === worker) this.#workers.delete(parts.edgeId);
  }

  #worker(edgeId: EdgeId): EdgeWorker {
    const known = this.#workers.get(edgeId);
    if (known !== undefined) return known;
    const shard = shardOf(edgeId, this.parts.env.crypto.sha256);
    const worker = new EdgeWorker(edgeId, { ...this.#workerParts, lease: () => this.parts.leaseOf?.(shard) });
    this.#workers.set(edgeId, worker);
    return worker;
  }

  #noteInboxFull(): void {
    this.#inboxFullAtMs = this.parts.env.clock.monotonicMs();
    this.parts.count?.('ingest_inbox_full');
  }

  async #publish(topic: string, payload: Uint8Array, delivery?: MqttDelivery): Promise<void> {
    if (this.#connection === undefined) throw ingestError('INGEST_STOPPED', 'no connection to the broker');
    await this.#connection.publish(topic, payload, delivery);
  }

  async #isSafe(): Promise<boolean> {
    const nowMs = this.parts.env.clock.monotonicMs();
    if (nowMs - this.#checkedAtMs < SAFETY_CHECK_MS && this.#notSafe.length === 0) return true;
    this.#notSafe = await this.parts.store.notSafe();
    this.#checkedAtMs = nowMs;
    for (const reason of this.#notSafe) this.parts.env.log.error('ingest.not-safe', { reason });
    return this.#notSafe.length === 0;
  }
}
