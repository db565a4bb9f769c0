/**
 * Bench `api`: a page of 1,000 readings as columns against the same page as an object a row, through the whole server
 * (routing, access, query checks, serialization) without a socket, alternating in short rounds of the same run.
 */

import { SILENT_LOG } from '../../base/log.ts';
import { SeededRandom } from '../../base/seeded-random.ts';
import type { ApiParts } from '../../collector/api/route.ts';
import { createApi } from '../../collector/api/server.ts';
import type { StoredReading } from '../../collector/ports.ts';
import { DEFAULT_TENANT, type EdgeId, type MeterId } from '../../model/ids.ts';
import { atLeast, type BenchBasics, type BenchResult } from './bench.ts';

const ROWS = 1_000;
const ROUNDS = 12;
const REQUESTS_PER_ROUND = 60;
const METER = 'm1' as MeterId;
const OBIS = '1-0:1.8.0*255';

/** Measures both forms; the bar is columns at twice the rate of rows. */
export async function benchApi(env: BenchBasics): Promise<BenchResult> {
  const api = await createApi(partsOf(readingsOf(env.seed)), { host: '127.0.0.1', port: 0, processMetrics: false });
  const ask = async (format: 'json' | 'rows'): Promise<number> => {
    const url = `/api/v1/meters/${METER}/readings?obis=${OBIS}&intervalS=900&from=0&to=${ROWS * 900_000}&format=${format}`;
    const answer = await api.inject({ method: 'GET', url, headers: { authorization: 'Bearer bench' } });
    if (answer.statusCode !== 200)
      throw new Error(`the API answered ${answer.statusCode}: ${answer.body.slice(0, 200)}`);
    return Buffer.byteLength(answer.rawPayload);
  };
  const octets = { json: await ask('json'), rows: await ask('rows') };
  const tookMs = { json: [] as number[], rows: [] as number[] };
  for (let round = 0; round <= ROUNDS; round++) {
    for (const format of ['json', 'rows'] as const) {
      const beganMs = env.nowMs();
      for (let request = 0; request < REQUESTS_PER_ROUND; request++) await ask(format);
      // The first round warms the machine up.
      if (round > 0) tookMs[format].push(env.nowMs() - beganMs);
    }
    env.progress(`api: round ${round} of ${ROUNDS}`);
  }
  await api.close();
  const perSecond = { json: rateOf(tookMs.json), rows: rateOf(tookMs.rows) };
  const ratio = perSecond.json / perSecond.rows;
  return {
    figures: {
      columnPagesPerS: perSecond.json,
      rowPagesPerS: perSecond.rows,
      columnPageBytes: octets.json,
      rowPageBytes: octets.rows,
      ratio,
    },
    bars: [atLeast('columnar page of 1,000 rows, rate over row objects', ratio, 2)],
  };
}

/** Pages a second in the median round, so that one pause of the machine does not decide. */
function rateOf(roundsMs: readonly number[]): number {
  const median = [...roundsMs].sort((a, b) => a - b)[Math.floor(roundsMs.length / 2)] ?? Number.NaN;
  return (REQUESTS_PER_ROUND * 1_000) / median;
}

/** Quarter hours as meters send them: a growing register, read seconds after the interval, in blocks of four. */
function readingsOf(seed: number): StoredReading[] {
  const random = new SeededRandom(seed);
  let energyWh = 4_711_000;
  return Array.from({ length: ROWS }, (_, at) => {
    energyWh += random.below(400);
    const atMs = (at + 1) * 900_000;
    const readAtMs = atMs + 20_000 + random.below(5_000);
    return {
      meterId: METER,
      obis: OBIS,
      intervalS: 900,
      atMs,
      value: energyWh,
      exponent: 0,
      unit: 'Wh',
      status: new Uint8Array(),
      quality: random.below(100) === 0 ? 'clock-adjusted' : 'good',
      deviationMin: -60,
      source: 'profile',
      origin: {
        edgeId: 'e1' as EdgeId,
        epoch: '00112233445566ff',
        lane: 2,
        sequence: 1 + Math.floor(at / 4),
        index: at % 4,
      },
      readAtMs,
      knownAtMs: readAtMs + random.below(1_000),
      versions: 1,
    };
  });
}

/** The parts that the route touches; the rest is never called. */
function partsOf(readings: readonly StoredReading[]): ApiParts {
  const never = (): never => {
    throw new Error('the bench does not come here');
  };
  const meter = { meterId: METER, tenantId: DEFAULT_TENANT };
  const principal = { tokenId: 'bench', tenantId: DEFAULT_TENANT, name: 'bench', role: 'viewer' as const };
  const store = { meter: async () => meter, readings: async () => readings, onChange: () => {} };
  return {
    env: {
      clock: { nowMs: () => 0, monotonicMs: () => 0 },
      timers: { after: () => ({ cancel() {} }), sleep: never },
      random: { bytes: (count: number) => new Uint8Array(count), below: () => 0 },
      disk: { list: async () => [], readFile: async () => undefined },
      log: SILENT_LOG,
    },
    store,
    auth: { authenticate: async () => principal },
    commands: { onWords: () => {} },
    enroller: { adopt: never, deactivate: never },
  } as unknown as ApiParts;
}
