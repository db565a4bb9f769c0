/**
 * A log without meters: real stage, journal, uplink, ingest and collector over a memory broker and a memory store, on one
 * clock. Rows are put in by hand and come out of the store, whatever the wires do.
 */
import assert from 'node:assert/strict';
import { fromHex } from '../../src/base/bytes.ts';
import type { KeyValueStore } from '../../src/base/env.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { type Collector, startCollector } from '../../src/collector/collector.ts';
import type { CollectorStore } from '../../src/collector/ports.ts';
import { openJournal } from '../../src/edge/journal/journal.ts';
import { Stage } from '../../src/edge/journal/stage.ts';
import type { Health, Journal } from '../../src/edge/ports.ts';
import { Uplink } from '../../src/edge/uplink/uplink.ts';
import { wireCodec } from '../../src/edge/uplink/wire-codec.ts';
import { HOST_CRYPTO } from '../../src/host/crypto.ts';
import { createMemoryCollectorStore } from '../../src/lab/memory-collector-store.ts';
import { judge, type OracleEntry } from '../../src/lab/oracle.ts';
import { type VirtualProgram, VirtualWorld } from '../../src/lab/virtual-env.ts';
import { DEFAULT_TENANT, type EdgeId, type MeterId } from '../../src/model/ids.ts';

const EDGE = 'e1' as EdgeId;
const OBIS = '1-0:1.8.0*255';
/** Interval of the rows. */
export const QUARTER_MS = 900_000;
const QUIET: Health = { count: () => undefined, gauge: () => undefined, state: () => undefined };

/** A whole log on one clock; meters are numbers drawn here. */
export class LogRig {
  readonly world: VirtualWorld;
  readonly random: SeededRandom;
  readonly ledger: OracleEntry[] = [];
  readonly store: CollectorStore;
  collector!: Collector;
  edge!: VirtualProgram;
  journal!: Journal;
  stage!: Stage;
  uplink!: Uplink;
  key: Uint8Array = new Uint8Array(0);
  readonly meters: MeterId[];
  readonly totals = new Map<MeterId, number>();

  constructor(seed: number, meterCount = 5, wrapStore: (store: CollectorStore) => CollectorStore = (store) => store) {
    this.world = new VirtualWorld({ seed, crypto: HOST_CRYPTO });
    this.random = new SeededRandom(seed);
    this.meters = Array.from({ length: meterCount }, (_, at) => `m${at}` as MeterId);
    const term = new Uint8Array(12).fill(1);
    const clock = { nowMs: () => this.world.nowMs, monotonicMs: () => this.world.clock.nowMs };
    this.store = wrapStore(createMemoryCollectorStore({ clock, term }));
  }

  async start(): Promise<void> {
    await this.startCollector();
    const enrolment = await this.collector.enroller.adopt(EDGE, DEFAULT_TENANT, 'test');
    this.key = fromHex(enrolment.key);
    for (const meterId of this.meters) {
      await this.store.saveMeter({ meterId, tenantId: DEFAULT_TENANT });
      await this.store.placeMeter(meterId, EDGE, 0);
    }
    this.edge = this.world.program('edge');
    await this.startEdge();
  }

  async startCollector(): Promise<void> {
    const { env } = this.world.program('collector');
    this.collector = await startCollector(env, this.store, {
      keysFolder: 'keys',
      broker: {
        kind: 'external',
        connection: { url: 'mqtt://broker', clientId: 'collector' },
        edgesUrl: 'mqtt://broker',
      },
      foldPeriodMs: 600_000,
    });
  }

  async startEdge(wrap: (store: KeyValueStore) => KeyValueStore = (store) => store): Promise<void> {
    const { env } = this.edge;
    this.journal = await openJournal({
      store: wrap(await env.disk.openStore('journal')),
      clock: env.clock,
      random: env.random,
      sha256: env.crypto.sha256,
      clockQuality: () => 'ntp',
    });
    this.stage = new Stage({
      journal: this.journal,
      timers: env.timers,
      clock: env.clock,
      flushAfterMs: 60_000,
      failed: () => undefined,
    });
    const identity = { edgeId: EDGE, key: this.key, epoch: this.journal.epoch, bootId: '0011223344556677' };
    this.uplink = new Uplink({
      env,
      journal: this.journal,
      health: QUIET,
      codec: wireCodec({ ...identity, software: 'test', clockQuality: () => 'ntp' }, env.crypto),
      broker: { url: 'mqtt://broker', clientId: EDGE },
      spreadMs: 0,
      bootId: 'boot',
      facts: () => [],
    });
    await this.uplink.start({
      command: () => Promise.resolve(),
      image: () => undefined,
      rereads: () => Promise.resolve(),
      opened: () => undefined,
    });
  }

  /** One round: a row of every meter whose watermark allows it, at the quarter hour before now. */
  round(): void {
    const atMs = Math.floor(this.world.nowMs / QUARTER_MS) * QUARTER_MS;
    for (const meterId of this.meters) {
      const sinceMs = this.stage.watermark(meterId, 'lp');
      if (sinceMs !== null && sinceMs >= atMs) continue;
      const total = (this.totals.get(meterId) ?? 1_000_000) + this.random.below(300);
      this.totals.set(meterId, total);
      const rows = [
        { atMs, status: Uint8Array.of(0), quality: 'good' as const, deviationMin: -60, values: [total, total * 7] },
      ];
      const columns = [
        { obis: OBIS, exponent: 0, unit: 'Wh' },
        { obis: '1-0:3.8.0*255', exponent: -1, unit: 'varh' },
      ];
      this.ledger.push({ meterId, obis: OBIS, intervalS: 900, atMs, value: total, exponent: 0, unit: 'Wh' });
      this.ledger.push({ ...this.last(), obis: '1-0:3.8.0*255', value: total * 7, exponent: -1, unit: 'varh' });
      this.stage
        .add({
          line: 'bus1',
          groups: [
            { group: { meterId, intervalS: 900, source: 0, timeZone: 'UTC', columns }, valueClass: 'billing', rows },
          ],
          records: [],
          watermarks: [{ meterId, key: 'lp', atMs, sinceMs }],
          keep: [],
          readAtMs: this.world.nowMs,
        })
        .catch(() => undefined);
    }
  }

  private last(): OracleEntry {
    const entry = this.ledger.at(-1);
    assert.ok(entry);
    return entry;
  }

  async stored(): Promise<OracleEntry[]> {
    const all: OracleEntry[] = [];
    for (const meterId of this.meters) {
      for (const channel of await this.store.channels(meterId)) {
        const query = { channel, fromMs: 0, toMs: this.world.nowMs + 1, limit: 100_000, allVersions: true };
        all.push(...(await this.store.readings(query)));
      }
    }
    return all;
  }

  /** Octets of all blocks that the journal holds. */
  async journalOctets(): Promise<number> {
    let octets = 0;
    for (const { lane, first } of this.journal.lanes()) {
      for (const block of await this.journal.read(lane, first, Number.MAX_SAFE_INTEGER)) octets += block.octets.length;
    }
    return octets;
  }

  async verdict() {
    await this.stage.flush();
    const drained = () => this.journal.lanes().some((lane) => lane.pendingBlocks > 0);
    await this.world.clock.runWhile(drained, 3_600_000);
    return judge(this.ledger, await this.stored());
  }

  async stop(): Promise<void> {
    await Promise.all([this.uplink.stop(), this.world.clock.advance(60_000)]);
    await this.journal.close();
    await Promise.all([this.collector.stop(), this.world.clock.advance(60_000)]);
  }
}
