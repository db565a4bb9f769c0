/**
 * The `bus` bench: 32 meters on one bus of 9,600 Bd, the whole system in virtual time, on-demand work beside periodic reading.
 *
 * - *Round*: how long two hours of periodic reading hold the line, signing on included, against what the octets and the meters' own
 *   pauses need. The rest is the program's hesitation. A goodbye after a rest of the line counts as needed and not as held: one of
 *   thirty comes so.
 * - *List*: a list of registers asked for at once, against one by one, on the same line.
 * - *On demand*: an operator reads a value, asks for an object that the meter has not, and for 16 objects at once, again and
 *   again at random moments; from the order at the collector to its end there. The virtual broker takes no time, so this is the
 *   edge's share (SG-MR-4 to SG-MR-6: less than 5 s for 98 % of them).
 */
import { SeededRandom } from '../../base/seeded-random.ts';
import { HOST_CRYPTO } from '../../host/crypto.ts';
import { END_STATES, type ObjectReference } from '../../model/command.ts';
import { DEFAULT_TENANT, type MeterId } from '../../model/ids.ts';
import { VirtualSystem } from '../virtual-system.ts';
import { atLeast, atMost, type BenchEnv, type BenchResult } from './bench.ts';
import { OCTETS_PER_S, timeOfRegisters } from './line.ts';

const METERS = 32;
const PROFILE = 'generic/idis';
/** Pause of a meter before its answer. */
const TURNAROUND_MS = 20;
const HOUR_MS = 3_600_000;
const ROUND_HOURS = 2;
/** The edge's own count of what its periodic jobs took, ms. */
const HELD_MS = 'scheduler_periodic_ms';
const ORDERS = 300;
/** Longest pause between two orders. */
const PAUSE_MAX_MS = 40_000;
const STEP_MS = 50;
const ORDER_MAX_MS = 60_000;
const ROUND_BAR = 1.1;
const LIST_BAR = 2.5;
const ON_DEMAND_BAR_S = 5;
const QUANTILE = 0.98;

/** Registers that every meter of the profile has, asked for as value (attribute 2). */
const REGISTERS = ['1-0:1.8.0*255', '1-0:2.8.0*255', '1-0:3.8.0*255', '1-0:4.8.0*255'];
const OBJECTS_AT_ONCE = 16;

const register = (obis: string): ObjectReference => ({ classId: 3, obis, attribute: 2 });

/** What is asked for in turn. */
const ORDERED: Readonly<Record<'value' | 'unknown' | 'many', readonly ObjectReference[]>> = {
  value: [register('1-0:1.8.0*255')],
  unknown: [register('1-0:99.99.99*255')],
  many: Array.from({ length: OBJECTS_AT_ONCE }, (_, at) => register(REGISTERS[at % REGISTERS.length] ?? '')),
};

/** Runs the bench with `count` orders, default 300; about half a minute. */
export async function benchBus(env: BenchEnv): Promise<BenchResult> {
  const system = await VirtualSystem.start({
    seed: env.seed,
    meters: METERS,
    profiles: [{ key: PROFILE, text: await env.readText(`config/profiles/${PROFILE}.yaml`) }],
    crypto: HOST_CRYPTO,
    layout: 'one-bus',
    turnaroundMs: TURNAROUND_MS,
  });
  await system.run(HOUR_MS);
  env.progress(`bus: ${ROUND_HOURS} hours of periodic reading`);
  const round = await roundOf(system);
  const wanted = env.count ?? ORDERS;
  env.progress(`bus: ${wanted} orders beside it`);
  const orders = await ordersOf(system, env.seed, wanted);
  await system.stop();
  const list = await listOf(env.seed);
  const figures = {
    meters: METERS,
    octetsPerS: OCTETS_PER_S,
    turnaroundMs: TURNAROUND_MS,
    ...round,
    ...orders,
    ...list,
  };
  return {
    figures,
    bars: [
      atMost('line held, times what octets and pauses need', round.roundRatio, ROUND_BAR),
      atLeast('a list of registers, times faster than one by one', list.listRatio, LIST_BAR),
      atLeast('orders that ended', orders.ended, wanted),
      atMost('value on demand, 98 %, s', orders.valueP98S, ON_DEMAND_BAR_S),
      atMost('error on demand, 98 %, s', orders.unknownP98S, ON_DEMAND_BAR_S),
      atMost('16 objects on demand, 98 %, s', orders.manyP98S, ON_DEMAND_BAR_S),
    ],
  };
}

async function roundOf(system: VirtualSystem) {
  const line = system.site.lines.find(system.site.places[0]?.address ?? '');
  if (line === undefined) throw new Error('the site has no bus');
  const heldMs = () => system.concentrator?.health.counter(HELD_MS) ?? 0;
  let answers = 0;
  line.onCarry = (_writtenAtMs, _passedAtMs, from) => {
    if (from === 'device') answers++;
  };
  const [octetsBefore, heldBefore] = [line.octets, heldMs()];
  await system.run(ROUND_HOURS * HOUR_MS);
  line.onCarry = null;
  const roundOctets = line.octets - octetsBefore;
  const roundHeldS = (heldMs() - heldBefore) / 1_000;
  const roundNeededS = roundOctets / OCTETS_PER_S + (answers * TURNAROUND_MS) / 1_000;
  return { roundOctets, roundHeldS, roundNeededS, roundRatio: roundHeldS / roundNeededS };
}

async function ordersOf(system: VirtualSystem, seed: number, wanted: number) {
  const random = new SeededRandom(`bus/${seed}`);
  const tookMs = { value: [] as number[], unknown: [] as number[], many: [] as number[] };
  const kinds = ['value', 'unknown', 'many'] as const;
  let ended = 0;
  for (let at = 0; at < wanted; at++) {
    await system.run(random.below(PAUSE_MAX_MS));
    const kind = kinds[at % kinds.length] ?? 'value';
    const ms = await orderMs(system, random.pick(system.site.meters).device.meterId as MeterId, ORDERED[kind]);
    if (ms === null) continue;
    ended++;
    tookMs[kind].push(ms);
  }
  return {
    orders: wanted,
    ended,
    valueP98S: quantileS(tookMs.value),
    unknownP98S: quantileS(tookMs.unknown),
    manyP98S: quantileS(tookMs.many),
  };
}

/** From the order to its end, both at the collector, ms of virtual time; null when it did not end. */
async function orderMs(
  system: VirtualSystem,
  meterId: MeterId,
  objects: readonly ObjectReference[],
): Promise<number | null> {
  const desk = system.collector?.desk;
  if (desk === undefined) throw new Error('the collector is away');
  const fromMs = system.world.nowMs;
  let endedAtMs: number | null = null;
  const body = { kind: 'read', objects } as const;
  const request = { meterId, body, author: 'bench', tenantId: DEFAULT_TENANT, validForMs: ORDER_MAX_MS };
  // Time passes only while the system runs, for the desk too.
  const watching = (async () => {
    const { record } = await desk.issue(request);
    while (endedAtMs === null && system.world.nowMs - fromMs < ORDER_MAX_MS) {
      await system.world.clock.sleep(STEP_MS);
      const now = await desk.command(record.id);
      if (now !== undefined && END_STATES.has(now.state)) endedAtMs = system.world.nowMs;
    }
  })();
  while (endedAtMs === null && system.world.nowMs - fromMs <= ORDER_MAX_MS) await system.run(STEP_MS);
  await watching;
  return endedAtMs === null ? null : endedAtMs - fromMs;
}

async function listOf(seed: number) {
  const atOnceMs = await timeOfRegisters(seed, TURNAROUND_MS, null);
  const oneByOneMs = await timeOfRegisters(seed, TURNAROUND_MS, 1);
  return { listMs: atOnceMs, oneByOneMs, listRatio: oneByOneMs / atOnceMs };
}

function quantileS(valuesMs: readonly number[]): number {
  const sorted = [...valuesMs].sort((a, b) => a - b);
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * QUANTILE))] ?? Number.NaN) / 1_000;
}
