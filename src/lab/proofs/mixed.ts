/**
 * The `mixed` proof: electricity, gas and water of three profiles on TCP, on RS-485 buses and behind a PRIME base node, all read by one
 * edge, for a day in virtual time with a fault of every kind that a site meets: the broker is away, programs end in order and
 * at once, the power goes, a bus is noisy and another is cut, a meter is silent. The network over the power line is as it is met.
 *
 * Then everybody comes back, and what the meters produced is joined with what the store holds, as a whole and by medium and line.
 */
import { HOST_CRYPTO } from '../../host/crypto.ts';
import type { Medium } from '../../profile/schema/profile.ts';
import { FIELD } from '../../sim/plc/habits.ts';
import { atLeast, atMost, type Bar, type BenchEnv, type BenchResult } from '../benches/bench.ts';
import type { PlannedFault } from '../virtual-faults.ts';
import type { Place } from '../virtual-places.ts';
import { VirtualSystem } from '../virtual-system.ts';

/** Electricity meters with gas and water behind every second one. */
const PROFILES = ['generic/idis', 'generic/smr5', 'generic/mbus-gas', 'generic/mbus-water'] as const;
const METERS_DEFAULT = 48;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Everybody joins the network over the power line in the first minutes. */
const JOIN_MS = [MINUTE_MS / 12, 5 * MINUTE_MS] as const;

/** What came of a day. */
export interface MixedOutcome {
  readonly meters: number;
  readonly profiles: number;
  readonly produced: number;
  readonly stored: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly altered: number;
  readonly invented: number;
  readonly settled: boolean;
  /** Values that the meters of each medium produced. */
  readonly byMedium: Readonly<Partial<Record<Medium, number>>>;
  /** Values that the meters of each kind of line produced, those behind them included. */
  readonly byLine: Readonly<Partial<Record<Place['kind'], number>>>;
  readonly faults: number;
}

/** Faults of the day, spread so that each has an hour to heal before the next but one. */
function faultsFor(lines: number, buses: readonly number[]): PlannedFault[] {
  const [noisy = 0, cut = noisy] = buses;
  const at = (hour: number, fault: PlannedFault['fault']): PlannedFault => ({ atMs: hour * HOUR_MS, fault });
  return [
    at(2, { kind: 'edge-restart' }),
    at(4, { kind: 'line-noise', line: noisy, faults: { lose: 0.05, flip: 0.05, pieceBytes: 64 }, forMs: HOUR_MS }),
    at(6, { kind: 'broker-down', forMs: 4 * HOUR_MS }),
    at(7, { kind: 'edge-kill', offMs: 10 * MINUTE_MS }),
    at(11, { kind: 'collector-kill', offMs: 20 * MINUTE_MS }),
    at(13, { kind: 'line-cut', line: cut, forMs: 2 * HOUR_MS }),
    at(16, { kind: 'edge-power-loss', offMs: HOUR_MS }),
    at(18, { kind: 'meter', meter: 0, how: 'silent', forMs: 3 * HOUR_MS }),
    at(19, { kind: 'duplicates', copies: 3, forMs: HOUR_MS }),
    at(21, { kind: 'line-cut', line: lines - 1, forMs: HOUR_MS }),
  ];
}

/** A day of so many meters. */
export async function runMixed(run: {
  readonly seed: number;
  readonly meters: number;
  readonly readText: BenchEnv['readText'];
}): Promise<MixedOutcome> {
  const { seed, meters, readText } = run;
  const profiles = await Promise.all(
    PROFILES.map(async (key) => ({ key, text: await readText(`config/profiles/${key}.yaml`) })),
  );
  const plc = { ...FIELD, joinMs: JOIN_MS };
  const system = await VirtualSystem.start({ seed, meters, profiles, plc, layout: 'street', crypto: HOST_CRYPTO });
  const { site, world } = system;
  const buses = site.places.flatMap(({ kind }, line) => (kind === 'bus' ? [line] : []));
  const planned = faultsFor(site.places.length, buses);
  const startMs = world.nowMs;
  for (const { atMs, fault } of planned) {
    await system.run(startMs + atMs - world.nowMs);
    system.fault(fault);
  }
  await system.run(startMs + DAY_MS - world.nowMs);
  const untilMs = world.nowMs;
  const settled = await system.settle();
  const verdict = await system.verdict(untilMs);
  const numbers = new Map(site.meters.map(({ device }, at) => [device.meterId, at] as const));
  const producedBy = async (ids: readonly string[]): Promise<number> => {
    const wanted = new Set(ids.flatMap((id) => numbers.get(id) ?? []));
    return (await system.verdict(untilMs, wanted)).produced;
  };
  const byMedium: Partial<Record<Medium, number>> = {};
  for (const [medium, ids] of idsBy(site.meters, ({ device }) => device.profile.medium))
    byMedium[medium] = await producedBy(ids);
  const byLine: Partial<Record<Place['kind'], number>> = {};
  const hung = site.places.flatMap(({ kind, meters: own }) =>
    own.flatMap((meter) => [meter, ...meter.behind].map(({ device }) => ({ kind, device }))),
  );
  for (const [kind, ids] of idsBy(hung, (each) => each.kind)) byLine[kind] = await producedBy(ids);
  const { produced, stored, lost, duplicated, altered, invented } = verdict;
  await system.stop();
  return {
    ...{ meters, profiles: PROFILES.length, produced, stored, lost, duplicated, altered, invented, settled },
    ...{ byMedium, byLine, faults: planned.length },
  };
}

/** Ids of meters in groups. */
function idsBy<Each extends { readonly device: { readonly meterId: string } }, Key>(
  meters: readonly Each[],
  keyOf: (meter: Each) => Key,
): Map<Key, string[]> {
  const groups = new Map<Key, string[]>();
  for (const meter of meters) groups.set(keyOf(meter), [...(groups.get(keyOf(meter)) ?? []), meter.device.meterId]);
  return groups;
}

/** The day of `count` meters, default 48. */
export async function proveMixed(env: BenchEnv): Promise<BenchResult> {
  const outcome = await runMixed({ seed: env.seed, meters: env.count ?? METERS_DEFAULT, readText: env.readText });
  env.progress(`mixed: ${JSON.stringify(outcome)}`);
  const { byMedium, byLine, settled, ...figures } = outcome;
  const named = [...Object.entries(byMedium), ...Object.entries(byLine)];
  return {
    figures: {
      ...figures,
      settled: settled ? 1 : 0,
      ...Object.fromEntries(named.map(([of, n]) => [`produced ${of}`, n])),
    },
    bars: mixedBars(outcome),
  };
}

/** What must hold: 0 0 0 0, and that every commodity and every kind of line had a part in it. */
export function mixedBars(outcome: MixedOutcome): Bar[] {
  const { byMedium, byLine } = outcome;
  return [
    atMost('lost', outcome.lost, 0),
    atMost('duplicated', outcome.duplicated, 0),
    atMost('altered', outcome.altered, 0),
    atMost('invented', outcome.invented, 0),
    atLeast('everything stored and acknowledged in the end', outcome.settled ? 1 : 0, 1),
    ...(['electricity', 'gas', 'water'] as const).map((medium) =>
      atLeast(`values of ${medium}`, byMedium[medium] ?? 0, 1),
    ),
    ...(['socket', 'bus', 'base-node'] as const).map((kind) => atLeast(`values of line ${kind}`, byLine[kind] ?? 0, 1)),
  ];
}
