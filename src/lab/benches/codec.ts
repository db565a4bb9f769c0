/** How fast a load profile is read and written: 96 rows of clock, status and four energies, 3,654 octets as a GET-response. */

import { ByteWriter } from '../../base/bytes.ts';
import { SeededRandom } from '../../base/seeded-random.ts';
import {
  decodeApdu,
  encodeProfileRows,
  type RowSource,
  rawDataOfGetResponse,
  readProfileRows,
} from '../../dlms/index.ts';
import { atLeast, type BenchBasics, type BenchResult } from './bench.ts';

const ROWS = 96;
const COLUMNS = 6;
const PERIOD_MS = 900_000;
/** 2026-11-20T00:00Z, any day will do. */
const START_MS = 1_795_132_800_000;
const ROUNDS = 7;
const ROUND_MS = 150;
const BATCH = 64;
const DECODE_ROWS_PER_S_MIN = 2_000_000;
const ENCODE_ROWS_PER_S_MIN = 1_500_000;

/** Runs the bench on one core for about five seconds; bars are rows a second of the best round. */
export async function benchCodec(env: BenchBasics): Promise<BenchResult> {
  const columns = profile(env.seed);
  const response = getResponse(columns);
  const json = JSON.stringify(rowObjects(columns));
  env.progress(`codec: ${ROWS} rows x ${COLUMNS} columns, ${response.length} octets, JSON ${json.length} octets`);
  const decode = rowsPerSecond(env, 'decode to columns', () => decodeColumns(response));
  const encode = rowsPerSecond(env, 'encode from columns', () => encodeProfileRows(columns, ROWS));
  const general = rowsPerSecond(env, 'decode to values', () => decodeApdu(response));
  const reference = rowsPerSecond(env, 'JSON.parse of the same rows', () => JSON.parse(json));
  return {
    figures: {
      octets: response.length,
      decodeRowsPerS: decode,
      encodeRowsPerS: encode,
      decodeToValuesRowsPerS: general,
      jsonParseRowsPerS: reference,
      decodeTimesJsonParse: Math.round((decode / reference) * 100) / 100,
    },
    bars: [
      atLeast('decode, rows/s', decode, DECODE_ROWS_PER_S_MIN),
      atLeast('encode, rows/s', encode, ENCODE_ROWS_PER_S_MIN),
    ],
  };
}

function decodeColumns(response: Uint8Array): number {
  const raw = rawDataOfGetResponse(response);
  if (raw === null) throw new Error('the bench made a GET-response that is none');
  return readProfileRows(raw).count;
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

function profile(seed: number): RowSource[] {
  const random = new SeededRandom(seed);
  const energies = Array.from({ length: 4 }, () => {
    let total = random.below(50_000_000);
    return Float64Array.from({ length: ROWS }, () => {
      total += random.below(900);
      return total;
    });
  });
  const utcMs = Float64Array.from({ length: ROWS }, (_, row) => START_MS + (row + 1) * PERIOD_MS);
  return [
    { kind: 'date-time', utcMs, clock: { deviation: -60 } },
    { kind: 'number', type: 'unsigned', values: new Uint8Array(ROWS) },
    ...energies.map((values): RowSource => ({ kind: 'number', type: 'double-long-unsigned', values })),
  ];
}

function getResponse(columns: readonly RowSource[]): Uint8Array {
  return new ByteWriter().u32(0xc4_01_c1_00).bytes(encodeProfileRows(columns, ROWS)).finish();
}

function rowObjects(columns: readonly RowSource[]): object[] {
  return Array.from({ length: ROWS }, (_, row) =>
    Object.fromEntries(
      columns.map((column, at) => [`c${at}`, (column.kind === 'number' ? column.values : column.utcMs)[row]]),
    ),
  );
}
