/**
 * The `noise` proof: a virtual day of 32 meters on one bus of 9,600 Bd whose line is bad, from the meters to the store.
 *
 * Five runs of one seed: a quiet line to compare with; every bit altered with a probability of 1e-4, then of 1e-3; a meter that
 * talks without being asked, and one that is dead. What counts is what is stored when the day ends, and that nothing that is stored is
 * wrong; a bad neighbour is judged by how much later the readings of the others come than on the quiet line.
 */
import { HOST_CRYPTO } from '../../host/crypto.ts';
import type { MeterId } from '../../model/ids.ts';
import { atLeast, atMost, type Bar, type BenchEnv, type BenchResult } from '../benches/bench.ts';
import type { Fault } from '../virtual-faults.ts';
import { VirtualSystem } from '../virtual-system.ts';

const METERS = 32;
const HOURS = 24;
const HOUR_MS = 3_600_000;
/** How often it is looked which rows have come. */
const LOOK_MS = 5_000;
/** Pause of a meter before its answer. */
const TURNAROUND_MS = 20;
const PROFILE = 'generic/idis';
/** The rows that are watched: of the load profile, every quarter of an hour. */
const INTERVAL_S = 900;
/** A row that ended a moment ago may still be on its way when the day ends. */
const GRACE_MS = HOUR_MS;

/** A way in which the line is bad. */
export interface NoiseCase {
  readonly name: 'quiet' | 'errors1e4' | 'errors1e3' | 'babbler' | 'dead';
  readonly fault: Fault | null;
  /** Meters that answer. */
  readonly well: readonly number[];
}

const ALL = Array.from({ length: METERS }, (_, at) => at);

/** A day and a little: noise lasts as long as the run. */
const FOR_MS = (HOURS + 1) * HOUR_MS;

const noise = (bitErrors: number): Fault => ({ kind: 'line-noise', line: 0, faults: { bitErrors }, forMs: FOR_MS });

const badMeter = (how: 'babble' | 'silent'): Fault => ({ kind: 'meter', meter: 0, how, forMs: FOR_MS });

/** The cases, the one to compare with first. */
export const NOISE_CASES: readonly NoiseCase[] = [
  { name: 'quiet', fault: null, well: ALL },
  { name: 'errors1e4', fault: noise(1e-4), well: ALL },
  { name: 'errors1e3', fault: noise(1e-3), well: ALL },
  { name: 'babbler', fault: badMeter('babble'), well: ALL.slice(1) },
  { name: 'dead', fault: badMeter('silent'), well: ALL.slice(1) },
];

/** What came out of a case. */
export interface NoiseOutcome {
  /** Values that the meters which answer produced up to an hour before the end. */
  readonly produced: number;
  /** Of these, in the store when the day ended, percent. */
  readonly readPercent: number;
  /** Values stored that no meter produced, or twice, or otherwise. */
  readonly wrong: number;
  /** From the end of an interval until the edge had its row, mean of the meters that answer, seconds. */
  readonly delayS: number;
  /** Time in which something was on the line, percent. */
  readonly lineBusyPercent: number;
}

/** One virtual day. */
export async function runNoise(
  { fault, well }: NoiseCase,
  run: { readonly seed: number; readonly hours?: number },
  profileText: string,
): Promise<NoiseOutcome> {
  const { hours = HOURS } = run;
  const system = await VirtualSystem.start({
    seed: run.seed,
    meters: METERS,
    profiles: [{ key: PROFILE, text: profileText }],
    crypto: HOST_CRYPTO,
    layout: 'one-bus',
    turnaroundMs: TURNAROUND_MS,
  });
  const line = system.site.lines.find(system.site.places[0]?.address ?? '');
  if (line === undefined) throw new Error('the site has no bus');
  let [busyMs, busyUntilMs] = [0, 0];
  line.onCarry = (writtenAtMs, passedAtMs) => {
    busyMs += Math.max(0, passedAtMs - Math.max(writtenAtMs, busyUntilMs));
    busyUntilMs = passedAtMs;
  };
  if (fault !== null) system.fault(fault);
  const delays = new Delays(system, well);
  const fromMs = system.world.nowMs;
  const untilMs = fromMs + hours * HOUR_MS;
  while (system.world.nowMs < untilMs) {
    await system.run(LOOK_MS);
    delays.look();
  }
  // What was staged a minute ago has arrived; the rest has its hour.
  const verdict = await system.verdict(untilMs - GRACE_MS, new Set(well));
  const outcome = {
    produced: verdict.produced,
    readPercent: (100 * (verdict.produced - verdict.lost)) / Math.max(1, verdict.produced),
    wrong: verdict.duplicated + verdict.altered + verdict.invented,
    delayS: delays.meanMs() / 1_000,
    lineBusyPercent: (100 * busyMs) / (hours * HOUR_MS),
  };
  await system.stop();
  return outcome;
}

/** How long after the end of an interval the edge has its row, of some meters. */
class Delays {
  readonly #seen = new Map<MeterId, number>();
  #sumMs = 0;
  #rows = 0;

  constructor(
    private readonly system: VirtualSystem,
    private readonly meters: readonly number[],
  ) {}

  look(): void {
    const { site, concentrator, world } = this.system;
    for (const at of this.meters) {
      const device = site.meters[at]?.device;
      const rule = device?.profile.buffers.find(({ intervalS }) => intervalS === INTERVAL_S);
      if (device === undefined || rule === undefined) continue;
      const meterId = device.meterId as MeterId;
      const markMs = concentrator?.journal.watermark(meterId, rule.obis) ?? null;
      if (markMs === null) continue;
      const beforeMs = this.#seen.get(meterId);
      this.#seen.set(meterId, markMs);
      if (beforeMs === undefined) continue;
      for (let endMs = beforeMs + INTERVAL_S * 1_000; endMs <= markMs; endMs += INTERVAL_S * 1_000) {
        this.#sumMs += world.nowMs - endMs;
        this.#rows++;
      }
    }
  }

  meanMs(): number {
    return this.#sumMs / Math.max(1, this.#rows);
  }
}

/** All cases of the seed. */
export async function proveNoise(env: BenchEnv): Promise<BenchResult> {
  const text = await env.readText(`config/profiles/${PROFILE}.yaml`);
  const figures: Record<string, number> = { meters: METERS, hours: HOURS };
  const outcomes = new Map<NoiseCase['name'], NoiseOutcome>();
  for (const noiseCase of NOISE_CASES) {
    const outcome = await runNoise(noiseCase, { seed: env.seed }, text);
    outcomes.set(noiseCase.name, outcome);
    for (const [name, value] of Object.entries(outcome))
      figures[`${noiseCase.name}${name.charAt(0).toUpperCase()}${name.slice(1)}`] = value;
    env.progress(`noise: ${noiseCase.name}: ${JSON.stringify(outcome)}`);
  }
  return { figures, bars: noiseBars(outcomes) };
}

/** The bars over cases that were run; a case that was not has none. */
export function noiseBars(outcomes: ReadonlyMap<NoiseCase['name'], NoiseOutcome>): Bar[] {
  const bars: Bar[] = [];
  const quiet = outcomes.get('quiet');
  for (const [name, { readPercent, wrong, produced, delayS }] of outcomes) {
    bars.push(atMost(`${name}: wrong values`, wrong, 0), atLeast(`${name}: values produced`, produced, 1));
    if (name === 'errors1e3') bars.push(atLeast(`${name}: intervals read, percent`, readPercent, 95));
    else bars.push(atLeast(`${name}: intervals read, percent`, readPercent, 99.9));
    if ((name === 'babbler' || name === 'dead') && quiet !== undefined)
      bars.push(atMost(`${name}: delay of the others, times that of a quiet line`, delayS / quiet.delayS, 1.1));
  }
  return bars;
}
