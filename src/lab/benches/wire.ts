/**
 * Bench `wire`: octets per value of the block format on two published loads, and how fast it packs and unpacks.
 *
 * `fleet-200.csv`: 200 meters flushed hourly (and every 15 minutes); lane 2 carries three energy columns, lane 4 voltage;
 * a keyframe every 24 h or 64 blocks. `households.csv`: each run of 200 lines in file order is one day of a fleet of 200
 * meters, flushed daily and hourly. Every octet of every block counts: header, hashes, CRC, keyframe.
 * Each measured block is decoded again and compared value by value, so a figure cannot come from lost data.
 *
 * Beside the payload stands what the way adds, as a formula (see {@link WAY}); the measured way is the bench of the whole
 * system.
 */
import { HOST_CRYPTO } from '../../host/crypto.ts';
import { type ClockQuality, decodeBlock, NO_BLOCK_HASH } from '../../wire/block.ts';
import { emptyLaneState } from '../../wire/lane-state.ts';
import { LANES, type Lane } from '../../wire/lanes.ts';
import { type PackHead, packRows } from '../../wire/pack.ts';
import type { DictionaryGroup, Row } from '../../wire/rows.ts';
import { inBodyOrder } from '../../wire/run.ts';
import { batchOverhead } from '../../wire/topics.ts';
import { atLeast, atMost, type BenchEnv, type BenchResult } from './bench.ts';

/** The surroundings, and how long to measure. */
export type WireBenchEnv = BenchEnv & {
  /** Rounds of which the fastest counts; 5 when absent. */
  readonly rounds?: number;
};

const FLEET_PATH = 'test/data/fleet-200.csv';
const HOUSEHOLDS_PATH = 'test/data/households.csv';
const METERS = 200;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const FLEET_STEP_MS = 900_000;
const HOUSEHOLD_STEP_MS = 1_800_000;
/** 2026-03-01T00:00Z. */
const START_MS = 1_772_323_200_000;
const KEYFRAME_BLOCKS = 64;
const FLEET_BAR = 0.78;
const HOUSEHOLDS_DAILY_BAR = 1.17;
const HOUSEHOLDS_HOURLY_BAR = 1.25;
const DECODE_BAR_VALUES_PER_S = 1_000_000;

/**
 * What the way adds to an hour of blocks, in octets: MQTT 3.1.1 over TLS 1.3 over TCP/IPv4 without options.
 * PUBLISH: fixed header 3, topic length 2, topic 15 (`dw/xx/` + 8 characters + `/b`), packet id 2, batch frame; PUBACK 4;
 * the collector's ack in its envelope 84 and a PUBLISH around it; PINGREQ and PINGRESP 2 each. Every packet is a TLS
 * record (22) in a TCP segment (40), and each way answers with a bare TCP acknowledgement (40) at most once a packet.
 */
const WAY = { publish: 22, puback: 4, ackBody: 84, ping: 2, record: 22, segment: 40, mssOctets: 1400, keepAliveS: 900 };

type Values = readonly (readonly (number | null)[])[];

interface Load {
  readonly name: string;
  readonly lane: Lane;
  readonly groups: readonly DictionaryGroup[];
  /** Rows of each flush. */
  readonly flushes: readonly (readonly Row[])[];
}

interface Measured {
  readonly octets: number;
  readonly values: number;
  readonly flushOctets: readonly number[];
  readonly encodeMs: number;
  readonly decodeMs: number;
}

/** Runs the bench: a few seconds on one core. */
export async function benchWire(env: WireBenchEnv): Promise<BenchResult> {
  const fleet = readFleet(await env.readText(FLEET_PATH));
  const households = readHouseholds(await env.readText(HOUSEHOLDS_PATH));
  const measure = (load: Load): Measured => {
    const found = measureLoad(env, load);
    env.progress(`wire: ${load.name}: ${found.octets} octets, ${(found.octets / found.values).toFixed(4)} B/value`);
    return found;
  };
  const hourly = [fleetLoad(fleet, 4, LANES.fresh, [0, 3]), fleetLoad(fleet, 4, LANES.lowValue, [3, 4])].map(measure);
  const quarter = [fleetLoad(fleet, 1, LANES.fresh, [0, 3]), fleetLoad(fleet, 1, LANES.lowValue, [3, 4])].map(measure);
  const daily = measure(householdLoad(households, 48));
  const halfHours = measure(householdLoad(households, 2));
  const decodeValuesPerS = Math.round(valuesOf(hourly) / (sum(hourly, (found) => found.decodeMs) / 1000));
  const encodeValuesPerS = Math.round(valuesOf(hourly) / (sum(hourly, (found) => found.encodeMs) / 1000));
  const fleetHourly = perValue(hourly);
  return {
    figures: {
      fleetHourlyOctetsPerValue: fleetHourly,
      fleetQuarterHourlyOctetsPerValue: perValue(quarter),
      fleetHourlyWithWayEstimate: round(wayOctets(hourly, HOUR_MS) / valuesOf(hourly)),
      fleetQuarterHourlyWithWayEstimate: round(wayOctets(quarter, FLEET_STEP_MS) / valuesOf(quarter)),
      householdsDailyOctetsPerValue: perValue([daily]),
      householdsHourlyOctetsPerValue: perValue([halfHours]),
      encodeValuesPerS,
      decodeValuesPerS,
    },
    bars: [
      atMost('fleet-200 hourly, payload B/value', fleetHourly, FLEET_BAR),
      atMost('households daily, B/value', perValue([daily]), HOUSEHOLDS_DAILY_BAR),
      atMost('households hourly, B/value', perValue([halfHours]), HOUSEHOLDS_HOURLY_BAR),
      atLeast('decode, values/s', decodeValuesPerS, DECODE_BAR_VALUES_PER_S),
    ],
  };
}

function round(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}

function sum(found: readonly Measured[], pick: (found: Measured) => number): number {
  return found.reduce((total, each) => total + pick(each), 0);
}

function valuesOf(found: readonly Measured[]): number {
  return sum(found, ({ values }) => values);
}

function perValue(found: readonly Measured[]): number {
  return round(sum(found, ({ octets }) => octets) / valuesOf(found));
}

/** Payload and way of all flushes, and the keep-alives between them. */
function wayOctets(found: readonly Measured[], periodMs: number): number {
  const packet = (octets: number) => octets + WAY.record + WAY.segment * (Math.ceil(octets / WAY.mssOctets) + 1);
  let octets = 0;
  for (const { flushOctets } of found)
    for (const flush of flushOctets) {
      octets += packet(WAY.publish + batchOverhead([flush]) + flush) + packet(WAY.puback);
      octets += packet(WAY.publish + WAY.ackBody) + packet(WAY.puback);
    }
  const flushes = found[0]?.flushOctets.length ?? 0;
  const pings = flushes * Math.max(0, Math.ceil(periodMs / 1000 / WAY.keepAliveS) - 1);
  return octets + pings * 2 * packet(WAY.ping);
}

function readFleet(text: string): Values[] {
  const meters: number[][][] = [];
  for (const line of text.trim().split('\n').slice(1)) {
    const [meter = 0, , ...values] = line.split(',').map(Number);
    const rows = meters[meter - 1] ?? [];
    meters[meter - 1] = rows;
    rows.push(values);
  }
  return meters;
}

function readHouseholds(text: string): (number | null)[][] {
  const lines = text.trim().split('\n').slice(1);
  return lines.map((line) =>
    line
      .split(',')
      .slice(2)
      .map((field) => (field === '' ? null : Number(field))),
  );
}

function groupsOf(columns: number, intervalS: number): DictionaryGroup[] {
  return Array.from({ length: METERS }, (_, meter) => ({
    meterId: `m${meter}`,
    intervalS,
    source: 0,
    timeZone: 'UTC',
    columns: Array.from({ length: columns }, (_, column) => ({
      obis: `1-0:${column + 1}.8.0*255`,
      exponent: 0,
      unit: 'Wh',
    })),
  }));
}

const NO_STATUS = new Uint8Array(0);

function row(group: number, atMs: number, values: readonly (number | null)[]): Row {
  return { group, atMs, status: NO_STATUS, quality: 'good', deviationMin: null, values };
}

function fleetLoad(fleet: readonly Values[], rowsPerFlush: number, lane: Lane, [from, to]: [number, number]): Load {
  const count = fleet[0]?.length ?? 0;
  const flushes: Row[][] = [];
  for (let start = 0; start < count; start += rowsPerFlush)
    flushes.push(
      fleet.flatMap((rows, meter) =>
        rows
          .slice(start, start + rowsPerFlush)
          .map((values, at) => row(meter, START_MS + (start + at + 1) * FLEET_STEP_MS, values.slice(from, to))),
      ),
    );
  const groups = groupsOf(to - from, FLEET_STEP_MS / 1000);
  return { name: `fleet-200, lane ${lane}, ${rowsPerFlush} rows a flush`, lane, groups, flushes };
}

function householdLoad(lines: readonly (readonly (number | null)[])[], rowsPerFlush: number): Load {
  const flushes: Row[][] = [];
  for (let day = 0; day * METERS < lines.length; day++) {
    const meters = lines.slice(day * METERS, (day + 1) * METERS);
    for (let start = 0; start < 48; start += rowsPerFlush)
      flushes.push(
        meters.flatMap((values, meter) =>
          values
            .slice(start, start + rowsPerFlush)
            .map((value, at) => row(meter, START_MS + day * DAY_MS + (start + at + 1) * HOUSEHOLD_STEP_MS, [value])),
        ),
      );
  }
  const groups = groupsOf(1, HOUSEHOLD_STEP_MS / 1000);
  return { name: `households, ${rowsPerFlush} rows a flush`, lane: LANES.fresh, groups, flushes };
}

/** The first rounds warm the machine up and neighbours disturb any of them: the fastest one says what the code can do. */
const ROUNDS_DEFAULT = 5;

function fastest<Result>(env: WireBenchEnv, run: () => Result): { result: Result; tookMs: number } {
  let startedMs = env.nowMs();
  let result = run();
  let tookMs = env.nowMs() - startedMs;
  for (let round = 1; round < (env.rounds ?? ROUNDS_DEFAULT); round++) {
    startedMs = env.nowMs();
    result = run();
    tookMs = Math.min(tookMs, env.nowMs() - startedMs);
  }
  return { result, tookMs };
}

function measureLoad(env: WireBenchEnv, load: Load): Measured {
  const packed = fastest(env, () => pack(load));
  const unpacked = fastest(env, () => unpack(packed.result.blocks, load.groups));
  const { flushOctets } = packed.result;
  const octets = flushOctets.reduce((sum, each) => sum + each, 0);
  const values = compare(load, unpacked.result);
  return { octets, values, flushOctets, encodeMs: packed.tookMs, decodeMs: unpacked.tookMs };
}

function pack(load: Load): { blocks: Uint8Array[]; flushOctets: number[] } {
  const clockQuality: ClockQuality = 'ntp';
  const named = { hash: '0000000000000000', groups: load.groups };
  const blocks: Uint8Array[] = [];
  const flushOctets: number[] = [];
  let state = emptyLaneState();
  let prevHash = NO_BLOCK_HASH;
  let keyframeAtMs = Number.NEGATIVE_INFINITY;
  let keyframe = 1;
  for (const rows of load.flushes) {
    const readAtMs = (rows.at(-1)?.atMs ?? 0) + 60_000;
    const sequence = state.sequence + 1;
    if (readAtMs - keyframeAtMs >= DAY_MS || sequence - keyframe >= KEYFRAME_BLOCKS) {
      keyframe = sequence;
      keyframeAtMs = readAtMs;
    }
    const { lane } = load;
    const head: PackHead = { lane, epoch: '0123456789abcdef', sequence, keyframe, prevHash, readAtMs, clockQuality };
    const packed = packRows(head, named, rows, state, HOST_CRYPTO.sha256);
    state = packed.state;
    prevHash = packed.blocks.at(-1)?.hash ?? prevHash;
    flushOctets.push(packed.blocks.reduce((sum, { octets }) => sum + octets.length, 0));
    for (const { octets } of packed.blocks) blocks.push(octets);
  }
  return { blocks, flushOctets };
}

function unpack(blocks: readonly Uint8Array[], groups: readonly DictionaryGroup[]): Row[] {
  const rows: Row[] = [];
  let state = emptyLaneState();
  for (const octets of blocks) {
    const block = decodeBlock(octets, state, groups);
    state = block.state;
    for (const each of block.rows) rows.push(each);
  }
  return rows;
}

/** Counts the values and throws at the first that did not come back. */
function compare(load: Load, back: readonly Row[]): number {
  let at = 0;
  let values = 0;
  for (const flush of load.flushes)
    for (const sent of inBodyOrder(flush)) {
      const got = back[at++];
      const same = got?.group === sent.group && got.atMs === sent.atMs;
      if (!same || sent.values.some((value, column) => value !== got.values[column]))
        throw new Error(`${load.name}: row ${at} of meter ${sent.group} came back changed`);
      values += sent.values.filter((value) => value !== null).length;
    }
  return values;
}
