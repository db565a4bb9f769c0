/**
 * The `swarm` proofs: the virtual system under faults drawn from seeds; each seed is a run of its own, with its own site,
 * its own faults at its own times, and the oracle at its end. A failing seed replays alone: {@link replayOf}.
 *
 * Seeds are spread over two processes where the program is built; what one of them does is a part of its own
 * (`nightly swarm-part`), and the figures of both are added.
 */
import { assert } from '../../base/errors.ts';
import { SeededRandom } from '../../base/seeded-random.ts';
import { parseYaml } from '../../base/yaml.ts';
import { HOST_CRYPTO } from '../../host/crypto.ts';
import { atLeast, atMost, type BenchEnv, type BenchResult } from '../benches/bench.ts';
import { runElsewhere } from '../elsewhere.ts';
import type { Verdict } from '../oracle.ts';
import { type PlannedFault, planFaults } from '../virtual-faults.ts';
import { VirtualSystem } from '../virtual-system.ts';

/** Three commodities, as on the demo's site. */
export const SWARM_PROFILES = ['generic/idis', 'generic/idis', 'generic/gas', 'generic/idis', 'generic/water'] as const;

/** Runs of one size. */
interface SwarmSize extends Omit<SwarmRun, 'seed' | 'readEveryS'> {
  /** Of the proof; its part in one process has `-part` behind it. */
  readonly name: string;
  readonly seedsDefault: number;
  /** One seed may take so long, on a crowded machine and in a cold process. */
  readonly seedMaxMs: number;
  /** How often meters are read, s; each seed draws one. */
  readonly rhythmsS: readonly number[];
}

const SMALL: SwarmSize = {
  name: 'swarm',
  days: 3,
  meters: 10,
  faultsPerDay: 6,
  seedsDefault: 200,
  seedMaxMs: 60_000,
  rhythmsS: [900, 3_600, 14_400, 14_400],
};
const FULL: SwarmSize = {
  name: 'swarm-full',
  days: 30,
  meters: 100,
  faultsPerDay: 6,
  offlineDays: 7,
  seedsDefault: 2,
  seedMaxMs: 1_800_000,
  rhythmsS: [14_400],
};

const PROFILE_CHARACTERS_MAX = 100_000;
/** One for each core of the machines that we promise figures for. */
const PROCESSES = 2;
const DAY_MS = 86_400_000;

/** A run of one seed. */
export interface SwarmRun {
  readonly seed: number;
  readonly days: number;
  readonly meters: number;
  readonly faultsPerDay: number;
  /** Days in a row without a broker, beside the other faults; absent = none. */
  readonly offlineDays?: number;
  /** Nothing of a meter is read more often, s; absent = as the profiles say, event logs every quarter of an hour. */
  readonly readEveryS?: number;
}

/** What came out of it. */
export interface SwarmOutcome extends Verdict {
  readonly clean: boolean;
  /** Whether everything arrived within two days after the last fault. */
  readonly settled: boolean;
  readonly faults: readonly PlannedFault[];
  readonly traceHash: string;
}

/** The command that runs a seed again. */
export function replayOf(seed: number, name = SMALL.name): string {
  return `deltawatt prove ${name} --seeds 1 --seed ${seed}`;
}

/** Reads the profiles that a run needs, once for many runs. */
export function swarmProfiles(
  readText: BenchEnv['readText'],
): Promise<readonly { readonly key: string; readonly text: string }[]> {
  return Promise.all(SWARM_PROFILES.map(async (key) => ({ key, text: await readText(`config/profiles/${key}.yaml`) })));
}

/** One run from the first octet to the verdict. */
export async function runSwarm(
  run: SwarmRun,
  profiles: readonly { readonly key: string; readonly text: string }[],
): Promise<SwarmOutcome> {
  const { seed, meters, readEveryS } = run;
  const read =
    readEveryS === undefined
      ? profiles
      : profiles.map(({ key, text }) => ({ key, text: readAtMost(text, readEveryS) }));
  const system = await VirtualSystem.start({ seed, meters, profiles: read, crypto: HOST_CRYPTO });
  const durationMs = run.days * DAY_MS;
  const faults = faultsOf(run, system.site.places.length);
  let atMs = 0;
  for (const planned of faults) {
    await system.run(planned.atMs - atMs);
    atMs = planned.atMs;
    system.fault(planned.fault);
  }
  await system.run(durationMs - atMs);
  const verdict = await system.settledVerdict();
  await system.stop();
  return { ...verdict, faults, traceHash: system.world.trace.hash() };
}

/** What of a profile says how often something is read. */
interface Rhythms {
  readonly profiles?: readonly { readonly intervalS: number; readonly periodS?: number }[];
  readonly eventLogs?: readonly { readonly periodS?: number }[];
}

/** A profile whose buffers and logs are read every `everyS` seconds at the oftenest. */
function readAtMost(text: string, everyS: number): string {
  const parsed = parseYaml(text, PROFILE_CHARACTERS_MAX);
  assert(parsed.ok, 'a profile of this repository is YAML');
  const { profiles = [], eventLogs = [], ...rest } = parsed.value as Rhythms;
  const slower = <Row extends object>(row: Row, periodS: number) => ({ ...row, periodS: Math.max(periodS, everyS) });
  // JSON is YAML.
  return JSON.stringify({
    ...rest,
    profiles: profiles.map((row) => slower(row, row.periodS ?? row.intervalS)),
    eventLogs: eventLogs.map((row) => slower(row, row.periodS ?? 3_600)),
  });
}

function faultsOf(run: SwarmRun, lines: number): PlannedFault[] {
  const durationMs = run.days * DAY_MS;
  const random = new SeededRandom(`faults/${run.seed}`);
  const drawn = planFaults(random, { durationMs, perDay: run.faultsPerDay, meters: run.meters, lines });
  if (run.offlineDays === undefined) return drawn;
  const forMs = run.offlineDays * DAY_MS;
  const fromMs = random.below(durationMs - forMs);
  const offline: PlannedFault = { atMs: fromMs, fault: { kind: 'broker-down', forMs } };
  // The end of a shorter one would be the end of this one.
  const isApart = ({ atMs, fault }: PlannedFault) =>
    fault.kind !== 'broker-down' || atMs + fault.forMs < fromMs || atMs > fromMs + forMs;
  return [...drawn.filter(isApart), offline].sort((a, b) => a.atMs - b.atMs);
}

/** What runs add up to. */
interface Sums {
  seeds: number;
  produced: number;
  stored: number;
  lost: number;
  duplicated: number;
  altered: number;
  invented: number;
  faults: number;
  unsettled: number;
  slowestSeedS: number;
}

const SUMMED = [
  'seeds',
  'produced',
  'stored',
  'lost',
  'duplicated',
  'altered',
  'invented',
  'faults',
  'unsettled',
] as const;

function nothing(): Sums {
  const zero = { produced: 0, stored: 0, lost: 0, duplicated: 0, altered: 0, invented: 0 };
  return { seeds: 0, ...zero, faults: 0, unsettled: 0, slowestSeedS: 0 };
}

function add(sums: Sums, more: Sums): void {
  for (const name of SUMMED) sums[name] += more[name];
  sums.slowestSeedS = Math.max(sums.slowestSeedS, more.slowestSeedS);
}

function resultOf(size: SwarmSize, sums: Sums, wanted: number, seconds: number): BenchResult {
  return {
    figures: { days: size.days, meters: size.meters, ...sums, seconds },
    bars: [
      atLeast('seeds', sums.seeds, wanted),
      atMost('lost', sums.lost, 0),
      atMost('duplicated', sums.duplicated, 0),
      atMost('altered', sums.altered, 0),
      atMost('invented', sums.invented, 0),
      atMost('runs that did not settle', sums.unsettled, 0),
    ],
  };
}

/** Runs seeds `seed`, `seed` + 1, ... in this process; stops at the first that fails and says how to run it again. */
async function runPart(size: SwarmSize, env: BenchEnv): Promise<BenchResult> {
  const profiles = await swarmProfiles(env.readText);
  const { days, meters, faultsPerDay, offlineDays } = size;
  const wanted = env.count ?? size.seedsDefault;
  const sums = nothing();
  const startedMs = env.nowMs();
  for (let seed = env.seed; seed < env.seed + wanted; seed++) {
    const seedStartedMs = env.nowMs();
    const offline = offlineDays === undefined ? {} : { offlineDays };
    const readEveryS = new SeededRandom(`rhythm/${seed}`).pick(size.rhythmsS);
    const run: SwarmRun = { seed, days, meters, faultsPerDay, readEveryS, ...offline };
    const { faults, settled, ...outcome } = await runSwarm(run, profiles);
    const slowestSeedS = (env.nowMs() - seedStartedMs) / 1_000;
    add(sums, { ...outcome, seeds: 1, faults: faults.length, unsettled: settled ? 0 : 1, slowestSeedS });
    if (outcome.clean) continue;
    for (const sample of outcome.samples) env.progress(`${size.name}: ${sample}`);
    for (const { atMs, fault } of faults)
      env.progress(`${size.name}: after ${(atMs / 3_600_000).toFixed(2)} h ${JSON.stringify(fault)}`);
    env.progress(`${size.name}: seed ${seed} fails; run it again with: ${replayOf(seed, size.name)}`);
    break;
  }
  return resultOf(size, sums, wanted, (env.nowMs() - startedMs) / 1_000);
}

/** The seeds in equal parts, each in a process of its own. */
async function runSpread(size: SwarmSize, env: BenchEnv): Promise<BenchResult> {
  const wanted = env.count ?? size.seedsDefault;
  if (env.program === undefined || wanted < PROCESSES) return runPart(size, env);
  const startedMs = env.nowMs();
  const each = Math.ceil(wanted / PROCESSES);
  const parts = Array.from({ length: PROCESSES }, (_, at) => ({
    seed: env.seed + at * each,
    count: Math.min(each, wanted - at * each),
  }));
  const name = `${size.name}-part`;
  const results = parts.map((one) =>
    runElsewhere(env, { name, ...one, timeoutMs: one.count * size.seedMaxMs, prefix: `${size.name}: ` }),
  );
  const sums = nothing();
  for (const { figures } of await Promise.all(results)) add(sums, figures as unknown as Sums);
  return resultOf(size, sums, wanted, (env.nowMs() - startedMs) / 1_000);
}

/** Small systems, many seeds. */
export const proveSwarm = (env: BenchEnv): Promise<BenchResult> => runSpread(SMALL, env);

/** What one process of {@link proveSwarm} does. */
export const proveSwarmPart = (env: BenchEnv): Promise<BenchResult> => runPart(SMALL, env);

/** A month of a hundred meters, a week of it without a broker. */
export const proveSwarmFull = (env: BenchEnv): Promise<BenchResult> => runSpread(FULL, env);

/** What one process of {@link proveSwarmFull} does. */
export const proveSwarmFullPart = (env: BenchEnv): Promise<BenchResult> => runPart(FULL, env);
