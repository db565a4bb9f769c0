/**
 * Bench `wire`: octets per value of the block format on two published loads, and how fast it packs and unpacks.
 *
 * `fleet-200.csv`: 200 meters flushed hourly (and every 15 minutes); lane 2 carries three energy columns, lane 4 voltage;
 * a keyframe every 24 h or 64 blocks. `households.csv`: each run of 200 lines in file order is one day of a fleet of 200
 * meters, flushed daily and hourly. Every octet of every block counts: header, hashes, CRC, keyframe.
 * Each measured block is decoded again and compared value by value, so a figure cannot come from lost data.
 *
 * Beside it stand other codings of the same values (other-codings.ts) and fleets unlike the published one (odd-fleets.ts).
 * What TLS, TCP and MQTT add is measured on a real link by bench `way`.
 */
import { HOST_CRYPTO } from '../../host/crypto.ts';
import { type ClockQuality, decodeBlock, NO_BLOCK_HASH } from '../../wire/block.ts';
import { emptyLaneState } from '../../wire/lane-state.ts';
import { LANES, type Lane } from '../../wire/lanes.ts';
import { type PackHead, packRows } from '../../wire/pack.ts';
import type { DictionaryGroup, Row } from '../../wire/rows.ts';
import { inBodyOrder } from '../../wire/run.ts';
import { atLeast, atMost, type BenchEnv, type BenchResult } from './bench.ts';
import {
  FLEET_METERS,
  FLEET_PATH,
  FLEET_START_MS,
  FLEET_STEP_MS,
  type FleetValues,
  fleetGroups,
  fleetRow,
  readFleet,
} from './fleet-200.ts';
import { type OddFleet, oddFleets } from './odd-fleets.ts';
import { measureOtherCodings } from './other-codings.ts';

/** The surroundings, and how long to measure. */
export type WireBenchEnv = BenchEnv & {
  /** Rounds of which the fastest counts; 5 when absent. */
  readonly rounds?: number;
};

const HOUSEHOLDS_PATH = 'test/data/households.csv';
const DAY_MS = 86_400_000;
const HOUSEHOLD_STEP_MS = 1_800_000;
const KEYFRAME_BLOCKS = 64;
const FLEET_BAR = 0.78;
const HOUSEHOLDS_DAILY_BAR = 1.17;
const HOUSEHOLDS_HOURLY_BAR = 1.25;
/** One and a half times the figure of the published fleet as it stands today. */
const ODD_BAR = 0.92;
const DECODE_BAR_VALUES_PER_S = 1_000_000;

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
  const measure = (load: Load, rounds = env.rounds): Measured => {
    const found = measureLoad(rounds === undefined ? env : { ...env, rounds }, load);
    env.progress(`wire: ${load.name}: ${found.octets} octets, ${(found.octets / found.values).toFixed(4)} B/value`);
    return found;
  };
  const hourly = [fleetLoad(fleet, 4, LANES.fresh, [0, 3]), fleetLoad(fleet, 4, LANES.lowValue, [3, 4])].map((load) =>
    measure(load),
  );
  const quarter = [fleetLoad(fleet, 1, LANES.fresh, [0, 3]), fleetLoad(fleet, 1, LANES.lowValue, [3, 4])].map((load) =>
    measure(load),
  );
  const daily = measure(householdLoad(households, 48));
  const halfHours = measure(householdLoad(households, 2));
  const odd = oddFleets(fleet, env.seed).map(
    (each) => [`${camel(each.name)}OctetsPerValue`, perValue([measure(oddLoad(each), 1)])] as const,
  );
  const decodeValuesPerS = Math.round(valuesOf(hourly) / (sum(hourly, (found) => found.decodeMs) / 1000));
  const encodeValuesPerS = Math.round(valuesOf(hourly) / (sum(hourly, (found) => found.encodeMs) / 1000));
  const fleetHourly = perValue(hourly);
  return {
    figures: {
      fleetHourlyOctetsPerValue: fleetHourly,
      fleetQuarterHourlyOctetsPerValue: perValue(quarter),
      householdsDailyOctetsPerValue: perValue([daily]),
      householdsHourlyOctetsPerValue: perValue([halfHours]),
      ...Object.fromEntries(odd),
      ...measureOtherCodings(fleet),
      encodeValuesPerS,
      decodeValuesPerS,
    },
    bars: [
      atMost('fleet-200 hourly, payload B/value', fleetHourly, FLEET_BAR),
      atMost('households daily, B/value', perValue([daily]), HOUSEHOLDS_DAILY_BAR),
      atMost('households hourly, B/value', perValue([halfHours]), HOUSEHOLDS_HOURLY_BAR),
      atMost('worst of the odd fleets, B/value', Math.max(...odd.map(([, value]) => value)), ODD_BAR),
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

function readHouseholds(text: string): (number | null)[][] {
  const lines = text.trim().split('\n').slice(1);
  return lines.map((line) =>
    line
      .split(',')
      .slice(2)
      .map((field) => (field === '' ? null : Number(field))),
  );
}

function fleetLoad(
  fleet: readonly FleetValues[],
  rowsPerFlush: number,
  lane: Lane,
  [from, to]: [number, number],
): Load {
  const count = fleet[0]?.length ?? 0;
  const flushes: Row[][] = [];
  for (let start = 0; start < count; start += rowsPerFlush)
    flushes.push(
      fleet.flatMap((rows, meter) =>
        rows
          .slice(start, start + rowsPerFlush)
          .map((values, at) =>
            fleetRow(meter, FLEET_START_MS + (start + at + 1) * FLEET_STEP_MS, values.slice(from, to)),
          ),
      ),
    );
  const groups = fleetGroups(to - from, FLEET_STEP_MS / 1000);
  return { name: `fleet-200, lane ${lane}, ${rowsPerFlush} rows a flush`, lane, groups, flushes };
}

function oddLoad({ name, meters, rowsPerFlush, stepMs }: OddFleet): Load {
  const flushes: Row[][] = [];
  for (let start = 0; start < (meters[0]?.length ?? 0); start += rowsPerFlush)
    flushes.push(
      meters.flatMap((rows, meter) =>
        rows
          .slice(start, start + rowsPerFlush)
          .map((values, at) => fleetRow(meter, FLEET_START_MS + (start + at + 1) * stepMs, values)),
      ),
    );
  const groups = fleetGroups(meters[0]?.[0]?.length ?? 0, stepMs / 1000, 1, meters.length);
  return { name, lane: LANES.fresh, groups, flushes };
}

/** `two days offline` to `twoDaysOffline`. */
function camel(name: string): string {
  return `odd ${name}`.replace(/[ ,-]+(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function householdLoad(lines: readonly (readonly (number | null)[])[], rowsPerFlush: number): Load {
  const flushes: Row[][] = [];
  for (let day = 0; day * FLEET_METERS < lines.length; day++) {
    const meters = lines.slice(day * FLEET_METERS, (day + 1) * FLEET_METERS);
    for (let start = 0; start < 48; start += rowsPerFlush)
      flushes.push(
        meters.flatMap((values, meter) =>
          values
            .slice(start, start + rowsPerFlush)
            .map((value, at) =>
              fleetRow(meter, FLEET_START_MS + day * DAY_MS + (start + at + 1) * HOUSEHOLD_STEP_MS, [value]),
            ),
        ),
      );
  }
  const groups = fleetGroups(1, HOUSEHOLD_STEP_MS / 1000);
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
