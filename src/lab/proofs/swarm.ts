/**
 * The `swarm` proof: the virtual system under faults drawn from seeds; each seed is a run of its own, with its own site,
 * its own faults at its own times, and the oracle at its end. A failing seed replays alone: {@link replayOf}.
 */
import { SeededRandom } from '../../base/seeded-random.ts';
import { HOST_CRYPTO } from '../../host/crypto.ts';
import { atMost, type BenchEnv, type BenchResult } from '../benches/bench.ts';
import type { Verdict } from '../oracle.ts';
import { type PlannedFault, planFaults } from '../virtual-faults.ts';
import { VirtualSystem } from '../virtual-system.ts';

/** Three commodities, as on the demo's site. */
export const SWARM_PROFILES = ['generic/idis', 'generic/idis', 'generic/gas', 'generic/idis', 'generic/water'] as const;

const SEEDS_DEFAULT = 20;
const DAYS = 3;
const METERS = 10;
const FAULTS_PER_DAY = 6;
const DAY_MS = 86_400_000;

/** A run of one seed. */
export interface SwarmRun {
  readonly seed: number;
  readonly days: number;
  readonly meters: number;
  readonly faultsPerDay: number;
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
export function replayOf(seed: number): string {
  return `deltawatt prove swarm --seeds 1 --seed ${seed}`;
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
  const system = await VirtualSystem.start({ seed: run.seed, meters: run.meters, profiles, crypto: HOST_CRYPTO });
  const durationMs = run.days * DAY_MS;
  const faults = planFaults(new SeededRandom(`faults/${run.seed}`), {
    durationMs,
    perDay: run.faultsPerDay,
    meters: run.meters,
    lines: system.site.places.length,
  });
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

/** Runs seeds `seed`, `seed` + 1, ...; stops at the first that fails and says how to run it again. */
export async function proveSwarm(env: BenchEnv): Promise<BenchResult> {
  const profiles = await swarmProfiles(env.readText);
  const seeds = env.count ?? SEEDS_DEFAULT;
  const sums = { produced: 0, stored: 0, lost: 0, duplicated: 0, altered: 0, invented: 0, faults: 0 };
  let [unsettled, slowestMs, ran] = [0, 0, 0];
  const startedMs = env.nowMs();
  for (let seed = env.seed; seed < env.seed + seeds; seed++) {
    const seedStartedMs = env.nowMs();
    const outcome = await runSwarm({ seed, days: DAYS, meters: METERS, faultsPerDay: FAULTS_PER_DAY }, profiles);
    slowestMs = Math.max(slowestMs, env.nowMs() - seedStartedMs);
    ran++;
    sums.produced += outcome.produced;
    sums.stored += outcome.stored;
    sums.lost += outcome.lost;
    sums.duplicated += outcome.duplicated;
    sums.altered += outcome.altered;
    sums.invented += outcome.invented;
    sums.faults += outcome.faults.length;
    if (!outcome.settled) unsettled++;
    if (outcome.clean) continue;
    for (const sample of outcome.samples) env.progress(`swarm: ${sample}`);
    for (const { atMs, fault } of outcome.faults)
      env.progress(`swarm: after ${(atMs / 3_600_000).toFixed(2)} h ${JSON.stringify(fault)}`);
    env.progress(`swarm: seed ${seed} fails; run it again with: ${replayOf(seed)}`);
    break;
  }
  const seconds = (env.nowMs() - startedMs) / 1_000;
  return {
    figures: { seeds: ran, days: DAYS, meters: METERS, ...sums, unsettled, seconds, slowestSeedS: slowestMs / 1_000 },
    bars: [
      atMost('lost', sums.lost, 0),
      atMost('duplicated', sums.duplicated, 0),
      atMost('altered', sums.altered, 0),
      atMost('invented', sums.invented, 0),
      atMost('runs that did not settle', unsettled, 0),
    ],
  };
}
