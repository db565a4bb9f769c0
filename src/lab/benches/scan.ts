/**
 * The `scan` bench: the meters of a long RS-485 bus of 9,600 Bd are found by a list, in virtual time.
 *
 * - *List*: 200 meters, each asked who it is.
 * - *Range*: the addresses around them, so that the price of an empty address is told too.
 *
 * A meter pauses before its answer, as real ones do. What counts is the time of the line from the first octet to the last.
 */
import { assert } from '../../base/errors.ts';
import { SeededRandom } from '../../base/seeded-random.ts';
import { LineDriver } from '../../link/drive.ts';
import { MemoryLines } from '../../link/memory.ts';
import { parseProfileOrThrow } from '../../profile/schema/parse.ts';
import { makeFleet, serveLine } from '../../sim/fleet.ts';
import { targetsOfRange } from '../bus-targets.ts';
import { type BusFinding, type BusTarget, scanBus } from '../scan-bus.ts';
import { VirtualClock } from '../virtual-clock.ts';
import { atLeast, atMost, type BenchEnv, type BenchResult } from './bench.ts';
import { OCTETS_PER_S } from './line.ts';

const METERS = 200;
const PROFILE = 'generic/idis';
/** Pause of a meter before its answer. */
const TURNAROUND_MS = 20;
const WAIT_MS = 1_000;
const HOUR_MS = 3_600_000;
const EMPTY = 20;
/** Of the issue: 200 meters in two minutes. */
const BAR_S = 120;
/** A day in 2026: the meters' buffers are made of it. */
const NOW_MS = Date.UTC(2026, 2, 1);
const PUBLIC_CLIENT = 16;

/** Runs the bench with `count` meters, default 200. */
export async function benchScan(env: BenchEnv): Promise<BenchResult> {
  const meters = env.count ?? METERS;
  const profile = parseProfileOrThrow(await env.readText(`config/profiles/${PROFILE}.yaml`), PROFILE);
  const fleet = makeFleet(
    {
      seed: `scan/${env.seed}`,
      count: meters,
      profiles: [profile],
      timeZone: 'UTC',
      nowMs: () => NOW_MS,
      days: 0,
      households: undefined,
    },
    null,
  );
  const hdlc = profile.hdlc;
  assert(hdlc !== null, 'the profile is for a bus');
  const { logicalDevice, addressOctets } = hdlc;
  const listed = fleet.map(({ device, hdlcAddress }): BusTarget => {
    const { meterId, serial } = device;
    return { address: hdlcAddress, logicalDevice, addressOctets, meterId, serial };
  });
  env.progress(`scan: ${meters} meters of a list at ${OCTETS_PER_S * 10} Bd`);
  const whole = await scanned(env.seed, fleet, listed);
  const last = Math.max(...listed.map(({ address }) => address));
  env.progress(`scan: ${EMPTY} addresses without a meter`);
  const empty = await scanned(env.seed, fleet, targetsOfRange(last + 1, last + EMPTY, profile));
  const found = whole.findings.filter(({ state }) => state === 'found').length;
  const figures = {
    meters,
    octetsPerS: OCTETS_PER_S,
    turnaroundMs: TURNAROUND_MS,
    found,
    listS: whole.passedMs / 1_000,
    octetsPerMeter: whole.octets / meters,
    meterMs: whole.passedMs / meters,
    emptyAddressMs: empty.passedMs / EMPTY,
  };
  return {
    figures,
    bars: [
      atMost(`line time of ${meters} meters, s`, figures.listS, BAR_S),
      atLeast('meters found', found, meters),
      atMost('meters found where there is none', empty.findings.filter(({ state }) => state === 'found').length, 0),
    ],
  };
}

async function scanned(
  seed: number,
  fleet: ReturnType<typeof makeFleet>,
  targets: readonly BusTarget[],
): Promise<{ readonly findings: readonly BusFinding[]; readonly passedMs: number; readonly octets: number }> {
  const timers = new VirtualClock();
  const random = new SeededRandom(seed);
  const env = { timers, clock: { nowMs: () => timers.nowMs, monotonicMs: () => timers.nowMs }, random };
  const line = new MemoryLines(env).create('bench', { octetsPerS: OCTETS_PER_S, turnaroundMs: TURNAROUND_MS });
  const served = serveLine(line.attach(), fleet, 'hdlc', env, null);
  const driver = new LineDriver(line.open(), env);
  const manners = {
    client: PUBLIC_CLIENT,
    authentication: { mechanism: 'none' },
    timeoutMs: WAIT_MS,
    retries: 0,
    octetMs: 1_000 / OCTETS_PER_S,
  } as const;
  let findings: readonly BusFinding[] | null = null;
  let passedMs = 0;
  const scanning = scanBus(driver, targets, manners).then((done) => {
    findings = done;
    passedMs = timers.nowMs;
  });
  await timers.runWhile(() => findings === null, HOUR_MS);
  await scanning;
  served.close();
  assert(findings !== null, 'the scan ended');
  return { findings, passedMs, octets: line.octets };
}
