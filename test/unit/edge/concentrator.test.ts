import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { concat } from '../../../src/base/bytes.ts';
import { parseConfig, printExample } from '../../../src/base/config.ts';
import type { AppendFile, Env } from '../../../src/base/env.ts';
import { type Collector, startCollector } from '../../../src/collector/collector.ts';
import type { StoredReading } from '../../../src/collector/ports.ts';
import { Concentrator } from '../../../src/edge/concentrator.ts';
import { EDGE_CONFIG, edgeContradictions } from '../../../src/edge/config.ts';
import { resolveSettings } from '../../../src/edge/settings.ts';
import { HOST_CRYPTO } from '../../../src/host/crypto.ts';
import { createMemoryCollectorStore } from '../../../src/lab/memory-collector-store.ts';
import { judge } from '../../../src/lab/oracle.ts';
import { VirtualWorld } from '../../../src/lab/virtual-env.ts';
import { MemoryLines } from '../../../src/link/memory.ts';
import { problemsOfLink } from '../../../src/link/registry.ts';
import { DEFAULT_TENANT, type EdgeId, type MeterId } from '../../../src/model/ids.ts';
import { makeFleet, SIM_PASSWORD, type SimMeter, serveLine } from '../../../src/sim/fleet.ts';
import { Ledger, readLedger } from '../../../src/sim/ledger.ts';
import { profileOf } from './bus.ts';

const EDGE = 'e1' as EdgeId;
const HOUR_MS = 3_600_000;
const text = (value: string) => new TextEncoder().encode(value);

/** A site: simulated meters on a 9,600 Bd bus, the concentrator, and a collector with its store in memory. */
class Site {
  readonly world = new VirtualWorld({ seed: 7, crypto: HOST_CRYPTO });
  readonly edge = this.world.program('edge');
  readonly lines: MemoryLines;
  readonly store;
  readonly chunks: Uint8Array[] = [];
  readonly ledger: Ledger;
  readonly fleet: SimMeter[];
  collector!: Collector;
  concentrator!: Concentrator;

  constructor(count: number) {
    const { env } = this.edge;
    this.lines = new MemoryLines({ timers: env.timers, clock: env.clock, random: env.random });
    const file: AppendFile = {
      append: (octets) => {
        this.chunks.push(octets.slice());
        return Promise.resolve();
      },
      close: () => Promise.resolve(),
    };
    this.ledger = new Ledger(file);
    const options = { seed: 'site', count, profiles: [profileOf('generic/idis')], timeZone: 'Europe/Berlin', days: 1 };
    this.fleet = makeFleet({ ...options, nowMs: () => this.world.nowMs, households: [] }, this.ledger);
    const line = this.lines.create('bus1', { octetsPerS: 960, framing: 'hdlc' });
    serveLine(line.attach(), this.fleet, 'hdlc', env, this.ledger);
    const clock = { nowMs: () => this.world.nowMs, monotonicMs: () => this.world.clock.nowMs };
    this.store = createMemoryCollectorStore({ clock, term: new Uint8Array(12).fill(1) });
  }

  async start(): Promise<void> {
    const broker = {
      kind: 'external',
      connection: { url: 'mqtt://broker', clientId: 'collector' },
      edgesUrl: 'mqtt://localhost',
    } as const;
    const { env } = this.world.program('collector');
    this.collector = await startCollector(env, this.store, { keysFolder: 'keys', broker, foldPeriodMs: 600_000 });
    const enrolment = await this.collector.enroller.adopt(EDGE, DEFAULT_TENANT, 'test');
    for (const { device } of this.fleet) {
      const meterId = device.meterId as MeterId;
      await this.store.saveMeter({ meterId, tenantId: DEFAULT_TENANT });
      await this.store.placeMeter(meterId, EDGE, 0);
    }
    await this.edge.disk.writeFile('enrolment.json', text(JSON.stringify(enrolment)));
    await this.edge.disk.writeFile('password', text(`${SIM_PASSWORD}\n`));
    const yaml = readFileSync(new URL('../../../config/profiles/generic/idis.yaml', import.meta.url));
    await this.edge.disk.writeFile('profiles/generic/idis.yaml', new Uint8Array(yaml));
    await this.startEdge();
  }

  async startEdge(): Promise<void> {
    const { env } = this.edge;
    const meters = this.fleet.map(
      ({ device }) =>
        `{ id: ${device.meterId}, profile: generic/idis, serial: "${device.serial}", passwordFile: password }`,
    );
    const yaml = [
      'stateFolder: state',
      'enrolmentFile: enrolment.json',
      'profilesFolder: profiles',
      'timeZone: Europe/Berlin',
      'lines:',
      '  - id: bus1',
      '    url: memory:bus1',
      '    meters:',
      ...meters.map((meter) => `      - ${meter}`),
    ].join('\n');
    const linkEnv = { ...env, lines: this.lines };
    const parsed = parseConfig(EDGE_CONFIG, yaml, (config) =>
      edgeContradictions(config, (url) => problemsOfLink(url, linkEnv)),
    );
    assert.ok(parsed.ok, JSON.stringify(parsed));
    const around = { env, linkEnv, profilesFolder: 'unused', software: 'test' };
    this.concentrator = await Concentrator.start(env, await resolveSettings(parsed.config, around));
  }

  /** The process dies: nothing is flushed, the disk stays. */
  async killEdge(): Promise<void> {
    const stopped = this.concentrator.stop();
    await this.world.clock.advance(30_000);
    await stopped;
  }

  async stored(): Promise<readonly StoredReading[]> {
    const all: StoredReading[] = [];
    for (const { device } of this.fleet) {
      for (const channel of await this.store.channels(device.meterId as MeterId)) {
        const query = { channel, fromMs: 0, toMs: this.world.nowMs + 1, limit: 100_000, allVersions: true };
        all.push(...(await this.store.readings(query)));
      }
    }
    return all;
  }

  /** Joins what the meters answered with what the store holds, up to the last flush. */
  async verdict() {
    await this.concentrator.flush();
    const waiting = () => this.concentrator.journal.lanes().some((lane) => lane.pendingBlocks > 0);
    assert.ok(await this.world.clock.runWhile(waiting, HOUR_MS), 'everything is acknowledged');
    await this.ledger.flush();
    const stored = (await this.stored()).filter((reading) => reading.intervalS > 0);
    const newest = new Map<string, number>();
    for (const { meterId, intervalS, atMs } of stored) {
      const key = `${meterId} ${intervalS}`;
      newest.set(key, Math.max(newest.get(key) ?? 0, atMs));
    }
    // The ledger runs ahead of the reading: a row that was produced since the last round is not lost.
    const due = [...readLedger(concat(this.chunks))].filter(
      ({ meterId, intervalS, atMs }) => atMs <= (newest.get(`${meterId} ${intervalS}`) ?? 0),
    );
    return judge(due, stored);
  }

  async stop(): Promise<void> {
    const stopped = this.concentrator.stop().then(() => this.collector.stop());
    await this.world.clock.advance(60_000);
    await stopped;
  }
}

async function site(count: number): Promise<Site> {
  const made = new Site(count);
  const started = made.start();
  await made.world.clock.advance(1_000);
  await started;
  return made;
}

test('a reading goes up: every row of the meters arrives once, unaltered', async () => {
  const s = await site(3);
  await s.world.clock.advance(6 * HOUR_MS);
  const { lost, duplicated, altered, invented, samples, produced } = await s.verdict();
  assert.deepEqual(
    { lost, duplicated, altered, invented },
    { lost: 0, duplicated: 0, altered: 0, invented: 0 },
    samples.join('\n'),
  );
  assert.ok(produced > 3 * 96 * 5, `${produced} values`);
  assert.equal((await s.store.attributes('m0001' as MeterId)).length, 3);
  await s.stop();
});

test('UD-8 a day without new intervals uploads no reading octets: each block leaves once', async () => {
  const s = await site(1);
  await s.world.clock.advance(2 * HOUR_MS);
  await s.verdict();
  const before = s.concentrator.uplinkState().payloadOctets;
  s.lines.find('bus1')?.setFaults({ lose: 1 });
  await s.world.clock.advance(3 * HOUR_MS);
  const lanes = s.concentrator.journal.lanes().filter((lane) => lane.lane >= 2);
  assert.ok(lanes.every((lane) => lane.pendingBlocks === 0));
  const sent = s.concentrator.uplinkState().payloadOctets - before;
  assert.ok(sent < 400, `${sent} octets: the state of the meter, no reading`);
  await s.stop();
});

test('a broker that is away for a day and an edge that restarts meanwhile lose nothing', async () => {
  const s = await site(2);
  await s.world.clock.advance(HOUR_MS);
  s.world.broker.setUp(false);
  await s.world.clock.advance(12 * HOUR_MS);
  await s.killEdge();
  const restarted = s.startEdge();
  await s.world.clock.advance(1_000);
  await restarted;
  await s.world.clock.advance(12 * HOUR_MS);
  s.world.broker.setUp(true);
  await s.world.clock.advance(2 * HOUR_MS);
  const { lost, duplicated, altered, invented, samples } = await s.verdict();
  assert.deepEqual(
    { lost, duplicated, altered, invented },
    { lost: 0, duplicated: 0, altered: 0, invented: 0 },
    samples.join('\n'),
  );
  await s.stop();
});

test('IT-3 a command comes down: signed, opened, read back, reported, within 30 s', async () => {
  const s = await site(2);
  await s.world.clock.advance(10 * 60_000);
  const issue = async (body: Parameters<Collector['desk']['issue']>[0]['body']) => {
    const request = { meterId: 'm0002' as MeterId, body, author: 'anna', tenantId: DEFAULT_TENANT, validForMs: 60_000 };
    const issued = s.collector.desk.issue(request);
    await s.world.clock.advance(30_000);
    return await s.store.command((await issued).record.id);
  };
  const opened = await issue({ kind: 'relay', action: 'disconnect' });
  assert.equal(opened?.state, 'done');
  assert.equal(opened?.sentence, 'The load has no supply: disconnected.');
  assert.deepEqual(
    opened?.reports.map((report) => report.state).filter((state) => state !== 'sent'),
    ['accepted', 'started', 'done'],
  );
  assert.equal(s.fleet[1]?.device.relay.state, 0);
  const read = await issue({ kind: 'read', objects: [{ classId: 3, obis: '1-0:1.8.0*255', attribute: 2 }] });
  assert.equal(read?.state, 'done');
  assert.equal(read?.reports.at(-1)?.values[0]?.unit, 'Wh');
  await s.stop();
});

test('a stop stores what is staged', async () => {
  const s = await site(1);
  await s.world.clock.advance(20_000);
  await s.killEdge();
  const restarted = s.startEdge();
  await s.world.clock.advance(1_000);
  await restarted;
  assert.ok(s.concentrator.journal.lanes().some((lane) => lane.last > 0));
  await s.stop();
});

test('settings: every problem at once, with the path of its key', () => {
  const yaml = [
    'timeZone: Europe/Nowhere',
    'typo: 1',
    'lines:',
    '  - { id: a, url: "nonsense://x", meters: [{ id: m1, profile: generic/idis }, { id: m1, profile: generic/idis }] }',
    '  - { id: a, url: "tcp://h:1" }',
  ];
  const env = {} as Env;
  const parse = (lines: readonly string[]) =>
    parseConfig(EDGE_CONFIG, lines.join('\n'), (config) =>
      edgeContradictions(config, (url) => problemsOfLink(url, env)),
    );
  const unknown = parse(yaml);
  assert.ok(!unknown.ok);
  assert.deepEqual(
    unknown.problems.map(({ path }) => path),
    ['typo'],
  );
  const parsed = parse(yaml.filter((line) => !line.startsWith('typo')));
  assert.ok(!parsed.ok);
  assert.deepEqual(
    parsed.problems.map(({ path }) => path),
    ['timeZone', 'lines[0].url', 'lines[0].meters[1].id', 'lines[1].id', 'lines[1].meters'],
  );
});

test('the printed example of the settings parses and contradicts nothing', () => {
  const example = printExample(EDGE_CONFIG, 'deltawatt edge');
  const parsed = parseConfig(EDGE_CONFIG, example, (config) => edgeContradictions(config, () => []));
  assert.ok(parsed.ok, JSON.stringify(parsed));
  assert.deepEqual(parsed.config.lines, []);
});
