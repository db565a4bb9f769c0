/**
 * How fast a load profile is read and written: 96 rows of clock, status and four energies, 3,654 octets as a GET-response,
 * plain and ciphered (suite 0, authenticated and encrypted, tag checked, by the channel of an association).
 *
 * Garbage is measured as what the heap grows by while nothing is collected: per message, and per value from the difference
 * between messages of 96 and 192 rows, in which all that a message costs once cancels out. The columns themselves lie in
 * array buffers and are counted apart.
 */

import { ByteWriter } from '../../base/bytes.ts';
import { assert } from '../../base/errors.ts';
import { SeededRandom } from '../../base/seeded-random.ts';
import {
  CounterReceiver,
  CounterSender,
  decodeApdu,
  encodeProfileRows,
  isCipheredApdu,
  PROTECTED,
  type RowSource,
  rawDataOfGetResponse,
  readProfileRows,
  SecretKey,
  SecureChannel,
} from '../../dlms/index.ts';
import { GLOBAL_SERVICE } from '../../dlms/security/message-form.ts';
import { atLeast, atMost, type BenchBasics, type BenchResult } from './bench.ts';

const ROWS = 96;
const COLUMNS = 6;
const PERIOD_MS = 900_000;
/** 2026-11-20T00:00Z, any day will do. */
const START_MS = 1_795_132_800_000;
const ROUNDS = 7;
const ROUND_MS = 150;
const BATCH = 64;
const DECODE_ROWS_PER_S_MIN = 2_000_000;
const CIPHERED_ROWS_PER_S_MIN = 1_200_000;
const ENCODE_ROWS_PER_S_MIN = 1_500_000;
/** One small object for each value would be 16 octets or more. */
const HEAP_PER_VALUE_MAX = 1;
const HEAP_BATCHES = 40;
const METER_TITLE = Uint8Array.of(0x44, 0x57, 0x45, 0, 0, 0, 0, 1);
const CLIENT_TITLE = Uint8Array.of(0x44, 0x57, 0x45, 0, 0, 0, 0, 2);

/** Runs the bench on one core for about seven seconds; bars are rows a second of the best round. */
export async function benchCodec(env: BenchBasics): Promise<BenchResult> {
  const columns = profile(env.seed, ROWS);
  const response = getResponse(columns, ROWS);
  const open = cipheredDecoder(response);
  const json = JSON.stringify(rowObjects(columns));
  env.progress(`codec: ${ROWS} rows x ${COLUMNS} columns, ${response.length} octets, JSON ${json.length} octets`);
  const decode = rowsPerSecond(env, 'decode to columns', () => decodeColumns(response));
  const ciphered = rowsPerSecond(env, 'decipher and decode to columns', open);
  const encode = rowsPerSecond(env, 'encode from columns', () => encodeProfileRows(columns, ROWS));
  const general = rowsPerSecond(env, 'decode to values', () => decodeApdu(response));
  const reference = rowsPerSecond(env, 'JSON.parse of the same rows', () => JSON.parse(json));
  const garbage = garbageOf(env, response, getResponse(profile(env.seed, 2 * ROWS), 2 * ROWS), open);
  return {
    figures: {
      octets: response.length,
      decodeRowsPerS: decode,
      cipheredRowsPerS: ciphered,
      encodeRowsPerS: encode,
      decodeToValuesRowsPerS: general,
      jsonParseRowsPerS: reference,
      decodeTimesJsonParse: Math.round((decode / reference) * 100) / 100,
      ...garbage,
    },
    bars: [
      atLeast('decode, rows/s', decode, DECODE_ROWS_PER_S_MIN),
      atLeast('decode ciphered in suite 0, rows/s', ciphered, CIPHERED_ROWS_PER_S_MIN),
      atLeast('encode, rows/s', encode, ENCODE_ROWS_PER_S_MIN),
      ...('heapPerValueBytes' in garbage
        ? [atMost('heap growth for a value, octets', garbage.heapPerValueBytes, HEAP_PER_VALUE_MAX)]
        : []),
    ],
  };
}

function decodeColumns(response: Uint8Array): number {
  const raw = rawDataOfGetResponse(response);
  if (raw === null) throw new Error('the bench made a GET-response that is none');
  return readProfileRows(raw).count;
}

/** Opens the same message again and again: each time with the counter as it was before it came. */
function cipheredDecoder(response: Uint8Array): () => number {
  const keys = { encryption: keyOf(0x10), authentication: keyOf(0xd0) };
  const common = { suite: 0, keys, send: PROTECTED, demand: PROTECTED } as const;
  const side = (ownTitle: Uint8Array, peerTitle: Uint8Array) =>
    new SecureChannel({
      ...common,
      ownTitle,
      peerTitle,
      counter: new CounterSender(1, 2),
      peerCounter: new CounterReceiver(),
    });
  const octets = side(METER_TITLE, CLIENT_TITLE).seal(response, GLOBAL_SERVICE);
  return () => {
    const apdu = decodeApdu(octets);
    assert(isCipheredApdu(apdu), 'the bench ciphered it');
    return decodeColumns(side(CLIENT_TITLE, METER_TITLE).open(apdu).plaintext);
  };
}

function keyOf(first: number): SecretKey {
  return new SecretKey(Uint8Array.from({ length: 16 }, (_, at) => first + at));
}

/** Growth of heap and buffers for each message; nothing where memory cannot be told. */
function garbageOf(env: BenchBasics, day: Uint8Array, twoDays: Uint8Array, openDay: () => number) {
  const { memory } = env;
  if (memory === undefined) return {};
  const growth = (run: () => unknown) => growthOf(memory, run);
  const one = growth(() => decodeColumns(day));
  const two = growth(() => decodeColumns(twoDays));
  const opened = growth(openDay);
  const perValue = Math.max(0, two.heapBytes - one.heapBytes) / (ROWS * COLUMNS);
  env.progress(`codec: a message makes ${one.heapBytes} octets of heap, a value ${perValue.toFixed(2)}`);
  return {
    heapPerApduBytes: one.heapBytes,
    buffersPerApduBytes: one.bufferBytes,
    heapPerCipheredApduBytes: opened.heapBytes,
    heapPerValueBytes: Math.round(perValue * 100) / 100,
  };
}

/** The middle of many batches; one in which the collector ran tells nothing and is left out. */
function growthOf(memory: NonNullable<BenchBasics['memory']>, run: () => unknown) {
  const heaps: number[] = [];
  const buffers: number[] = [];
  for (let batch = 0; batch < HEAP_BATCHES; batch++) {
    const before = memory();
    for (let at = 0; at < BATCH; at++) run();
    const after = memory();
    if (after.heapBytes >= before.heapBytes) heaps.push(after.heapBytes - before.heapBytes);
    if (after.bufferBytes >= before.bufferBytes) buffers.push(after.bufferBytes - before.bufferBytes);
  }
  return { heapBytes: Math.round(median(heaps) / BATCH), bufferBytes: Math.round(median(buffers) / BATCH) };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** The best of the rounds, after one to warm up: other programs on the machine only ever take away. */
function rowsPerSecond(env: BenchBasics, name: string, run: () => unknown): number {
  const rates: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const startMs = env.nowMs();
    let runs = 0;
    let tookMs = 0;
    while (tookMs < ROUND_MS) {
      for (let at = 0; at < BATCH; at++) run();
      runs += BATCH;
      tookMs = env.nowMs() - startMs;
    }
    if (round > 0) rates.push((runs * ROWS * 1_000) / tookMs);
  }
  const best = Math.round(Math.max(...rates));
  const worst = Math.round(Math.min(...rates));
  env.progress(`codec: ${name}: ${best.toLocaleString('en')} rows/s (worst round ${worst.toLocaleString('en')})`);
  return best;
}

function profile(seed: number, rows: number): RowSource[] {
  const random = new SeededRandom(seed);
  const energies = Array.from({ length: 4 }, () => {
    let total = random.below(50_000_000);
    return Float64Array.from({ length: rows }, () => {
      total += random.below(900);
      return total;
    });
  });
  const utcMs = Float64Array.from({ length: rows }, (_, row) => START_MS + (row + 1) * PERIOD_MS);
  return [
    { kind: 'date-time', utcMs, clock: { deviation: -60 } },
    { kind: 'number', type: 'unsigned', values: new Uint8Array(rows) },
    ...energies.map((values): RowSource => ({ kind: 'number', type: 'double-long-unsigned', values })),
  ];
}

function getResponse(columns: readonly RowSource[], rows: number): Uint8Array {
  return new ByteWriter().u32(0xc4_01_c1_00).bytes(encodeProfileRows(columns, rows)).finish();
}

function rowObjects(columns: readonly RowSource[]): object[] {
  return Array.from({ length: ROWS }, (_, row) =>
    Object.fromEntries(
      columns.map((column, at) => [`c${at}`, (column.kind === 'number' ? column.values : column.utcMs)[row]]),
    ),
  );
}
