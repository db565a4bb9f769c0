/** A small town for the console's test: two dozen meters on four concentrators, two weeks of use, and some trouble. */
import { SeededRandom } from '../../src/base/seeded-random.ts';
import type { ChannelRecord, CollectorStore, CommandRecord, StoredReading } from '../../src/collector/ports.ts';
import type { MeterStateName } from '../../src/model/event.ts';
import { type CommandId, DEFAULT_TENANT, type EdgeId, type MeterId } from '../../src/model/ids.ts';
import { START_MS } from '../unit/collector/fake-env.ts';
import { FakeStore } from '../unit/collector/fake-store.ts';

const STEP_MS = 900_000;
const DAYS = 14;
const HOUR_MS = 3_600_000;
const STREETS = ['Harbour Street', 'Mill Lane', 'Olive Court', 'Station Road', 'Baker Row', 'Quarry Hill'];
const TROUBLE: Readonly<Record<number, readonly [MeterStateName, string, number]>> = {
  3: [
    'silent',
    'No answer since 08:15. The other meters on this line answer, so look at this meter or its wiring.',
    5.8,
  ],
  9: ['garbled', 'Answers come with broken checksums since 10:30. Something disturbs the line near this meter.', 3.5],
  14: ['silent', 'No answer since yesterday, 23:42. The meter reported a power failure just before.', 14.4],
};

/** The meter whose page is shown. */
export const SHOWN = '48215007' as MeterId;

/** Fills a store; the same each time. */
export function town(): FakeStore {
  const store = new TownStore();
  const random = new SeededRandom('console');
  store.edgeMap.clear();
  store.meterMap.clear();
  addEdges(store);
  for (let at = 0; at < 24; at++) addMeter(store, at);
  addReadings(store, random);
  addEvents(store);
  addCommands(store);
  return store;
}

/** Queries by meter, where the small fake has one meter only. */
class TownStore extends FakeStore {
  override latest = async (meterId: MeterId): Promise<StoredReading[]> =>
    this.channelList
      .filter((channel) => channel.meterId === meterId)
      .map((channel) => this.rows.findLast((row) => row.meterId === meterId && row.obis === channel.obis))
      .filter((row) => row !== undefined);
  override events = async (query: Parameters<CollectorStore['events']>[0]) => ({
    items: this.eventList
      .filter((event) => event.atMs >= query.fromMs && (query.meterId === undefined || event.meterId === query.meterId))
      .slice(0, query.limit),
  });
  override attributes = async (meterId: MeterId) =>
    this.attributeList.filter((attribute) => attribute.meterId === meterId);
  override gaps = async (query: Parameters<CollectorStore['gaps']>[0]) =>
    this.gapList.filter((gap) => gap.meterId === query.meterId && gap.toMs > query.fromMs && gap.fromMs <= query.toMs);
  override quarantined = async () => [
    { edgeId: 'harbour-2' as EdgeId, meterId: '48219911' as MeterId, rows: 312, sinceMs: START_MS - 26 * HOUR_MS },
  ];
}

function addEdges(store: FakeStore): void {
  const heard: readonly (readonly [string, number])[] = [
    ['harbour-1', 0.02],
    ['harbour-2', 0.03],
    ['mill-1', 0.05],
    ['quarry-1', 2.6],
  ];
  for (const [edgeId, hours] of heard) {
    const atMs = START_MS - hours * HOUR_MS;
    store.edgeMap.set(edgeId, {
      edgeId: edgeId as EdgeId,
      tenantId: DEFAULT_TENANT,
      state: 'active',
      epoch: '00112233445566ff',
      software: 'deltawatt 0.1.0',
      lastHelloMs: atMs - 6 * HOUR_MS,
      lastBlockMs: atMs,
      lastHeardMs: atMs,
      status: {
        lanes: [{ lane: 2, octets: 0, blocks: 0, oldestMs: 0 }],
        uptimeS: 86_400,
        autonomyHours: 24 * 61,
        facts: [{ name: 'line bus1', state: 'ok', sentence: 'Six meters answer.' }],
      },
    });
  }
  store.edgeMap.set('station-1', {
    edgeId: 'station-1' as EdgeId,
    tenantId: DEFAULT_TENANT,
    state: 'inbox',
    lastHelloMs: START_MS - 9 * 60_000,
    note: 'First called from 127.0.0.1.',
  });
}

const meterIdOf = (at: number): MeterId => String(48_215_001 + at) as MeterId;

function addMeter(store: FakeStore, at: number): void {
  const meterId = meterIdOf(at);
  const edges = ['harbour-1', 'harbour-2', 'mill-1', 'quarry-1'];
  const [state, sentence, hours] = TROUBLE[at] ?? ['reachable', 'Read at 13:45, all channels.', 0.25];
  const sinceMs = START_MS - hours * HOUR_MS;
  store.meterMap.set(meterId, {
    meterId,
    tenantId: DEFAULT_TENANT,
    profile: 'idis/package-1',
    name: `${STREETS[at % STREETS.length]} ${1 + at * 2}`,
    timeZone: 'Europe/Athens',
    edgeId: edges[at % edges.length] as EdgeId,
    placedFromMs: START_MS - 200 * 24 * HOUR_MS,
    state: { meterId, state, sentence, sinceMs },
    lastReadingAtMs: sinceMs,
    lastHeardAtMs: sinceMs,
  });
}

/** Energy of a quarter hour in Wh: a house that sleeps, wakes, is empty, and cooks; with panels on the roof. */
function shape(hour: number, random: SeededRandom): { readonly taken: number; readonly fed: number } {
  const peak = (at: number, width: number, height: number): number => height * Math.exp(-(((hour - at) / width) ** 2));
  const use =
    38 +
    peak(7.4, 1.1, 150) +
    peak(13, 1.4, 70) +
    peak(19.6, 2, 290) +
    random.below(45) +
    (random.chance(0.06) ? 180 : 0);
  const sun = hour > 7 && hour < 18 ? peak(12.6, 2.6, 330) * (0.65 + random.unit() * 0.35) : 0;
  return { taken: Math.max(4, Math.round(use - sun)), fed: Math.max(0, Math.round(sun - use)) };
}

function addReadings(store: FakeStore, random: SeededRandom): void {
  const channel = (obis: string, unit: string, exponent: number): ChannelRecord => ({
    meterId: SHOWN,
    obis,
    intervalS: 900,
    unit,
    exponent,
    firstAtMs: START_MS - DAYS * 24 * HOUR_MS,
    lastAtMs: START_MS,
  });
  store.channelList = [
    channel('1-0:1.8.0*255', 'Wh', 0),
    channel('1-0:2.8.0*255', 'Wh', 0),
    channel('1-0:32.7.0*255', 'V', -1),
  ];
  const missing = { fromMs: START_MS - 9.5 * HOUR_MS, toMs: START_MS - 7.75 * HOUR_MS };
  let [takenWh, fedWh] = [18_734_210, 6_120_455];
  for (let atMs = START_MS - (DAYS * 24 + 1) * HOUR_MS; atMs <= START_MS; atMs += STEP_MS) {
    const { taken, fed } = shape((((atMs / HOUR_MS + 2) % 24) + 24) % 24, random);
    takenWh += taken;
    fedWh += fed;
    if (atMs >= missing.fromMs && atMs <= missing.toMs) continue;
    const values = [takenWh, fedWh, 2_312 + random.below(40) + (fed > 0 ? 25 : 0)];
    store.channelList.forEach(({ obis, unit, exponent }, index) => {
      store.rows.push({
        meterId: SHOWN,
        obis,
        intervalS: 900,
        atMs,
        value: values[index] ?? 0,
        exponent,
        unit,
        status: new Uint8Array(),
        quality: 'good',
        deviationMin: -120,
        source: 'profile',
        origin: { edgeId: 'mill-1' as EdgeId, epoch: '00112233445566ff', lane: 2, sequence: 1, index: 0 },
        readAtMs: atMs + 20_000,
        knownAtMs: atMs + 21_000,
        versions: 1,
      });
    });
  }
  const gap = {
    intervalS: 900,
    count: 8,
    ...missing,
    cause: 'missing-in-meter' as const,
    sentence: 'The meter was asked for these rows and has none: its log shows a power failure from 04:24 to 06:12.',
  };
  store.gapList = [
    ...store.channelList.map(({ obis }) => ({ ...gap, meterId: SHOWN, obis })),
    {
      meterId: meterIdOf(14),
      obis: '1-0:1.8.0*255',
      intervalS: 900,
      fromMs: START_MS - 14 * HOUR_MS,
      toMs: START_MS,
      count: 57,
      cause: 'missing-in-meter',
      sentence: 'The meter does not answer, so nobody knows yet whether it has these rows.',
    },
  ];
  store.attributeList = [
    ['serial-number', '0-0:96.1.0*255', 'KFM1200148215007'],
    ['firmware', '1-0:0.2.0*255', '3.14.2'],
    ['model', '0-0:96.1.1*255', 'three-phase, 5-100 A'],
  ].map(([name = '', obis = '', text = '']) => ({
    meterId: SHOWN,
    obis,
    name,
    text,
    readAtMs: START_MS - 90 * HOUR_MS,
  }));
}

function addEvents(store: FakeStore): void {
  const events: readonly (readonly [number, number, string, string, 'info' | 'warning' | 'alarm'])[] = [
    [3, 5.75, 'meter-unreachable', 'The meter does not answer any more.', 'alarm'],
    [6, 7.8, 'power-up', 'Supply is back after 1 h 48 min.', 'info'],
    [6, 9.6, 'power-down', 'The meter lost its supply.', 'warning'],
    [9, 3.5, 'meter-garbled', 'Answers of the meter come with broken checksums.', 'warning'],
    [14, 14.3, 'meter-unreachable', 'The meter does not answer any more.', 'alarm'],
    [14, 14.5, 'power-down', 'The meter lost its supply.', 'warning'],
    [17, 16.1, 'clock-adjusted', 'The meter clock was moved by 4 s.', 'info'],
    [6, 22.4, 'cover-opened', 'The terminal cover was opened.', 'alarm'],
    [6, 22.1, 'cover-closed', 'The terminal cover was closed.', 'info'],
  ];
  store.eventList = events
    .map(([meter, hours, name, sentence, severity], code) => ({
      meterId: meterIdOf(meter),
      edgeId: 'mill-1' as EdgeId,
      log: '0-0:99.98.0*255',
      code,
      name,
      sentence,
      severity,
      atMs: START_MS - hours * HOUR_MS,
      knownAtMs: START_MS - hours * HOUR_MS + 30_000,
    }))
    .sort((a, b) => b.atMs - a.atMs);
}

function addCommands(store: FakeStore): void {
  const read = { kind: 'read' as const, objects: [{ classId: 3, obis: '1-0:1.8.0*255', attribute: 2 }] };
  const command = (
    id: string,
    meterId: MeterId,
    hours: number,
    rest: Pick<CommandRecord, 'body' | 'state' | 'sentence' | 'reports'>,
  ): void => {
    const createdAtMs = START_MS - hours * HOUR_MS;
    const record: CommandRecord = {
      id: `00000000-0000-4000-8000-0000000000${id}` as CommandId,
      tenantId: DEFAULT_TENANT,
      edgeId: 'mill-1' as EdgeId,
      epoch: '00112233445566ff',
      meterId,
      author: 'Maria K.',
      createdAtMs,
      expiresAtMs: createdAtMs + 300_000,
      ...rest,
    };
    store.commandMap.set(record.id, { record, command: new Uint8Array(), signature: new Uint8Array(), key: undefined });
  };
  const sentence = 'The meter answered in 1.2 s.';
  const value = {
    classId: 3,
    obis: '1-0:1.8.0*255',
    attribute: 2,
    result: 0,
    value: 18_846_902,
    exponent: 0,
    unit: 'Wh',
    raw: new Uint8Array(),
  };
  command('01', meterIdOf(3), 4.2, {
    body: read,
    state: 'failed',
    sentence: 'The meter did not answer in three attempts.',
    reports: [],
  });
  command('02', SHOWN, 3.1, {
    body: read,
    state: 'done',
    sentence,
    reports: [
      { id: '' as CommandId, meterId: SHOWN, state: 'done', code: '', sentence, atMs: START_MS, values: [value] },
    ],
  });
}
