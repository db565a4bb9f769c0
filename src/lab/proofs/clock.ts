/**
 * The `clock` proof: whatever the clock of an edge's machine says, every reading arrives once, under the meter's own time,
 * and reading goes on meanwhile.
 *
 * Each case of {@link CLOCK_CASES} is a virtual system of its own with a longest waiting time of 30 days, so that a clock that is
 * believed too early throws readings away. Case and seed are one number: seed 1 is the first case, the seed behind the last
 * case is the first one again in another world. A run of all cases ends with real programs ({@link runFakedClock}) where libfaketime is
 * installed. Meters have the right time: a meter that is wrong is another affair.
 */
import { HOST_CRYPTO } from '../../host/crypto.ts';
import { createProcessHost } from '../../host/process.ts';
import type { MeterId } from '../../model/ids.ts';
import { atLeast, atMost, type BenchEnv, type BenchResult } from '../benches/bench.ts';
import type { Verdict } from '../oracle.ts';
import { VirtualSystem } from '../virtual-system.ts';
import { CLOCK_CASES, type ClockCase } from './clock-cases.ts';
import { type FakedClockOutcome, findFaketime, runFakedClock } from './faked-clock.ts';

const METERS = 3;
/** History in the meters at the start. */
const DAYS = 2;
const KEEP_DAYS = 30;
const LATENCY_MS = 300;
const HOUR_MS = 3_600_000;
const LOOK_HOURS = 0.5;
/** Longest interval of a profile that is watched for pauses. */
const INTERVAL_MAX_S = 3_600;
/** Hours behind: a row may be an hour old when it becomes due, and its line may just be busy. */
export const LAG_BAR_HOURS = 2.5;

/** What came out of a case. */
export interface ClockOutcome extends Verdict {
  readonly clockCase: ClockCase;
  readonly clean: boolean;
  readonly settled: boolean;
  /** How far reading was behind the meters at most, hours; the time without power does not count. */
  readonly lagHours: number;
}

/** Profiles of the meters: one with the deviation in its times, one with local times that say nothing of it. */
export async function clockProfiles(readText: BenchEnv['readText']) {
  const text = await readText('config/profiles/generic/idis.yaml');
  const local = text.replace('deviation: utc-minus-local', 'deviation: ignore');
  return [
    { key: 'generic/idis', text },
    { key: 'generic/idis-local', text: local },
    { key: 'generic/gas', text: await readText('config/profiles/generic/gas.yaml') },
  ];
}

/** The case of a seed. */
export function clockCaseOf(seed: number): ClockCase {
  const clockCase = CLOCK_CASES[(seed - 1 + CLOCK_CASES.length) % CLOCK_CASES.length];
  if (clockCase === undefined) throw new Error('there are no cases');
  return clockCase;
}

/** The command that runs a case again. */
export function replayOf(seed: number): string {
  return `deltawatt prove clock --cycles 1 --seed ${seed}`;
}

/** One case from the first octet to the verdict. */
export async function runClock(
  seed: number,
  profiles: readonly { readonly key: string; readonly text: string }[],
): Promise<ClockOutcome> {
  const clockCase = clockCaseOf(seed);
  const { name: _, hours, faults, octetsPerS, ...world } = clockCase;
  const edgeSettings = { journal: { keepDays: KEEP_DAYS } };
  const common = { seed, meters: METERS, days: DAYS, profiles, crypto: HOST_CRYPTO, edgeSettings };
  const system = await VirtualSystem.start({ ...common, ...world });
  if (octetsPerS !== undefined)
    system.world.broker.lineOf = (client) => (client === 'collector' ? null : { latencyMs: LATENCY_MS, octetsPerS });
  const waiting = [...faults];
  let [atHours, lagHours] = [0, 0];
  while (atHours < hours) {
    const [nextHours, fault] = waiting[0] ?? [Number.POSITIVE_INFINITY, null];
    const untilHours = Math.min(nextHours, atHours + LOOK_HOURS, hours);
    await system.run((untilHours - atHours) * HOUR_MS);
    atHours = untilHours;
    if (fault !== null && nextHours <= atHours) {
      waiting.shift();
      system.fault(fault);
    } else if (atHours >= 1) lagHours = Math.max(lagHours, lagOf(system));
  }
  const verdict = await system.settledVerdict();
  await system.stop();
  return { ...verdict, clockCase, lagHours: Math.round(lagHours * 100) / 100 };
}

/** Hours between the newest stored row of a load profile and now, at the meter that is most behind. */
function lagOf({ world, site, concentrator }: VirtualSystem): number {
  if (concentrator === null) return 0;
  let lagHours = 0;
  for (const { device } of site.meters)
    for (const rule of device.profile.buffers) {
      if (rule.intervalS > INTERVAL_MAX_S) continue;
      const mark = concentrator.journal.watermark(device.meterId as MeterId, rule.obis) ?? device.installedAtMs;
      lagHours = Math.max(lagHours, (world.nowMs - mark) / HOUR_MS);
    }
  return lagHours;
}

/** Runs the cases `seed`, `seed` + 1, ...; by default each once. A case that fails says how to run it again. */
export async function proveClock(env: BenchEnv): Promise<BenchResult> {
  const profiles = await clockProfiles(env.readText);
  const cases = env.count ?? CLOCK_CASES.length;
  const sums = { produced: 0, stored: 0, lost: 0, duplicated: 0, altered: 0, invented: 0 };
  let [unsettled, lagHours, failed] = [0, 0, 0];
  const startedMs = env.nowMs();
  for (let seed = env.seed; seed < env.seed + cases; seed++) {
    const outcome = await runClock(seed, profiles);
    sums.produced += outcome.produced;
    sums.stored += outcome.stored;
    sums.lost += outcome.lost;
    sums.duplicated += outcome.duplicated;
    sums.altered += outcome.altered;
    sums.invented += outcome.invented;
    lagHours = Math.max(lagHours, outcome.lagHours);
    if (!outcome.settled) unsettled++;
    if (outcome.clean && outcome.lagHours <= LAG_BAR_HOURS) continue;
    failed++;
    const { lost, duplicated, altered, invented, settled, clockCase } = outcome;
    const found = JSON.stringify({ lost, duplicated, altered, invented, settled, lagHours: outcome.lagHours });
    env.progress(`clock: ${clockCase.name} fails, ${found}; run it again with: ${replayOf(seed)}`);
    for (const sample of outcome.samples.slice(0, 3)) env.progress(`clock: ${sample}`);
  }
  const faked = cases >= CLOCK_CASES.length ? await proveFaked(env) : null;
  if (faked !== null) {
    sums.produced += faked.produced;
    sums.stored += faked.stored;
    sums.lost += faked.lost;
    sums.duplicated += faked.duplicated;
    sums.altered += faked.altered;
    sums.invented += faked.invented;
    if (!faked.clean) failed++;
  }
  const [lives, countersTwice] = [faked?.lives ?? 0, faked?.countersTwice ?? 0];
  const seconds = Math.round((env.nowMs() - startedMs) / 1_000);
  return {
    figures: { cases, failed, fakedLives: lives, meters: METERS, ...sums, countersTwice, unsettled, lagHours, seconds },
    bars: [
      atMost('lost', sums.lost, 0),
      atMost('duplicated', sums.duplicated, 0),
      atMost('altered', sums.altered, 0),
      atMost('invented', sums.invented, 0),
      atMost('runs that did not settle', unsettled, 0),
      atMost('cases that failed', failed, 0),
      ...(faked === null
        ? []
        : [
            atLeast('lives of a real edge under a wrong clock', lives, 2),
            atMost('invocation counters used twice', countersTwice, 0),
          ]),
      atMost('hours between the newest stored row and now, worst', lagHours, LAG_BAR_HOURS),
    ],
  };
}

/** The part with real programs; null, and told, where it cannot be run. */
async function proveFaked(env: BenchEnv): Promise<FakedClockOutcome | null> {
  const library = await findFaketime(createProcessHost());
  if (library === undefined || env.program === undefined) {
    env.progress(
      `clock: no real programs, ${library === undefined ? 'libfaketime is not installed' : 'nothing is built'}`,
    );
    return null;
  }
  const profile = await env.readText('config/profiles/generic/idis.yaml');
  const run = { seed: env.seed, program: env.program, profile, library };
  const outcome = await runFakedClock(run, (line) => env.progress(`clock: ${line}`));
  for (const sample of outcome.samples) env.progress(`clock: ${sample}`);
  return outcome;
}
