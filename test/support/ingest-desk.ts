/** Ingest with a broker of one client: what it publishes is kept, what edges say is handed to it. */
import assert from 'node:assert/strict';
import type { MqttConnection, MqttListener } from '../../src/base/env.ts';
import { SILENT_LOG } from '../../src/base/log.ts';
import { type Ingest, startIngest } from '../../src/collector/ingest/ingest.ts';
import type { CollectorStore } from '../../src/collector/ports.ts';
import { decodeCollectorMessage, encodeEdgeMessage } from '../../src/wire/codec.ts';
import { openEnvelope, sealEnvelope } from '../../src/wire/envelope.ts';
import type { CollectorBody, EdgeMessage, LaneSpanNotice } from '../../src/wire/messages.ts';
import type { PackedBlock } from '../../src/wire/pack.ts';
import { joinBatch, topicOf } from '../../src/wire/topics.ts';
import { crypto, DAY_MS, type JournalEdge } from './journal-edge.ts';

/** A collector's ingest, its broker and its clock. */
export class Desk<Store extends CollectorStore> {
  readonly sent: { topic: string; payload: Uint8Array }[] = [];
  listener: MqttListener | undefined;
  filters: readonly string[] = [];
  readonly time: { nowMs: number };
  ingest: Ingest;

  /** `time` is the clock of ingest, and of the store where that takes one. */
  constructor(
    readonly store: Store,
    time: { nowMs: number } = { nowMs: DAY_MS },
    private readonly settings: { readonly creditOctets?: number } = {},
  ) {
    this.time = time;
    this.ingest = this.#start();
  }

  /** A new process on the same store: sessions are gone. */
  async restart(): Promise<void> {
    await this.ingest.stop();
    this.ingest = this.#start();
  }

  #start(): Ingest {
    const clock = { nowMs: () => this.time.nowMs, monotonicMs: () => this.time.nowMs };
    const connection: MqttConnection = {
      publish: async (topic, payload) => {
        this.sent.push({ topic, payload });
      },
      subscribe: async (filters) => {
        this.filters = filters;
      },
      bufferedOctets: () => 0,
      trafficOctets: () => ({ sent: 0, received: 0 }),
      close: async () => undefined,
    };
    const mqtt = {
      connect: async (_options: unknown, listener: MqttListener) => {
        this.listener = listener;
        return connection;
      },
    };
    const timers = { after: () => ({ cancel: () => undefined }), sleep: async () => undefined };
    const random = { bytes: (count: number) => new Uint8Array(count), below: () => 0 };
    const env = { clock, timers, random, crypto, mqtt, log: SILENT_LOG };
    return startIngest({
      env,
      store: this.store,
      broker: { url: 'mqtt://test', clientId: 'collector' },
      ...this.settings,
    });
  }

  /** Hands a message over, as the broker would; resolves when its PUBACK may go. */
  async say(edge: JournalEdge, leaf: 'b' | 'c', payload: Uint8Array): Promise<void> {
    await this.ingest.connected();
    await this.listener?.message(topicOf(edge.edgeId, leaf, crypto.sha256), payload);
  }

  control(edge: JournalEdge, message: EdgeMessage, key = edge.key): Promise<void> {
    return this.say(edge, 'c', sealEnvelope(encodeEdgeMessage(message), 'up', { edgeId: edge.edgeId, key }, crypto));
  }

  hello(edge: JournalEdge, lanes: readonly LaneSpanNotice[] = [], session = 1, epoch = edge.epoch): Promise<void> {
    return this.control(edge, {
      kind: 'hello',
      hello: {
        epoch,
        bootId: '00000000000000b0',
        session: new Uint8Array(16).fill(session),
        lanes,
        software: 'test 1',
        wallTimeMs: this.time.nowMs,
        clockQuality: 'ntp',
        protocol: 1,
      },
    });
  }

  blocks(edge: JournalEdge, blocks: readonly PackedBlock[]): Promise<void> {
    return this.say(edge, 'b', joinBatch(blocks.map((block) => block.octets)));
  }

  /** What the edge was told since it was last asked; every message is authentic. */
  told(edge: JournalEdge): CollectorBody[] {
    const topic = topicOf(edge.edgeId, 'd', crypto.sha256);
    const mine = this.sent.filter((message) => message.topic === topic);
    this.sent.splice(0);
    return mine.map(({ payload }) => {
      const message = decodeCollectorMessage(
        openEnvelope(payload, 'down', { edgeId: edge.edgeId, key: edge.key }, crypto),
      );
      assert.deepEqual(message.term, this.store.term);
      assert.equal(message.serverTimeMs, this.time.nowMs);
      return message.body;
    });
  }
}
