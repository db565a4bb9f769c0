/** What can go wrong in a virtual system, by name, and plans of it drawn from a seed. */
import type { SeededRandom } from '../base/seeded-random.ts';
import type { MemoryFaults } from '../link/memory.ts';
import type { Misbehaviour } from '../sim/serve/misbehave.machine.ts';

/** One thing that goes wrong; meters and lines are counted from 0, durations end by themselves. */
export type Fault =
  /** All connections and all messages under way are lost. */
  | { readonly kind: 'broker-restart' }
  | { readonly kind: 'broker-down'; readonly forMs: number }
  /** Every message is delivered so many times, as QoS 1 permits. */
  | { readonly kind: 'duplicates'; readonly copies: number; readonly forMs: number }
  /** In order: what is staged is stored. */
  | { readonly kind: 'edge-restart' }
  /** The process ends at once; the machine stays up. */
  | { readonly kind: 'edge-kill'; readonly offMs: number }
  /** What was not synced is gone as well. */
  | { readonly kind: 'edge-power-loss'; readonly offMs: number }
  | { readonly kind: 'edge-clock-jump'; readonly byMs: number }
  /** Somebody sets the clock of the edge's machine: to so much before or after the world's. */
  | { readonly kind: 'edge-clock-set'; readonly aheadMs: number }
  | { readonly kind: 'collector-restart' }
  | { readonly kind: 'collector-kill'; readonly offMs: number }
  /** The database comes back from a backup that lacks the last `lostMs`; the operator brings in the meters again. */
  | { readonly kind: 'collector-restored'; readonly lostMs: number }
  /** The collector can decode none of the next so many blocks with readings, as by a fault of its program. */
  | { readonly kind: 'blocks-unreadable'; readonly count: number }
  /** The board of the edge is replaced: the same settings and identity, an empty state folder. */
  | { readonly kind: 'edge-replaced'; readonly offMs: number }
  | { readonly kind: 'meter'; readonly meter: number; readonly how: Misbehaviour; readonly forMs: number }
  | { readonly kind: 'line-cut'; readonly line: number; readonly forMs: number }
  /** Pieces lost, bits altered, babble: on buses. */
  | { readonly kind: 'line-noise'; readonly line: number; readonly faults: MemoryFaults; readonly forMs: number };

/** A fault and when it comes. */
export interface PlannedFault {
  /** Since the start of the run. */
  readonly atMs: number;
  readonly fault: Fault;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const WAYS: readonly Misbehaviour[] = ['silent', 'garbage', 'babble', 'slow', 'drop'];

/** Draws one fault for a site with so many meters and lines. */
type Draw = (random: SeededRandom, meters: number, lines: number) => Fault;

const DRAWS: readonly Draw[] = [
  () => ({ kind: 'broker-restart' }),
  (random) => ({ kind: 'broker-down', forMs: random.below(8 * HOUR_MS) }),
  (random) => ({ kind: 'duplicates', copies: 2 + random.below(2), forMs: random.below(6 * HOUR_MS) }),
  () => ({ kind: 'edge-restart' }),
  (random) => ({ kind: 'edge-kill', offMs: random.below(MINUTE_MS) }),
  (random) => ({ kind: 'edge-power-loss', offMs: random.below(6 * HOUR_MS) }),
  (random) => ({ kind: 'edge-clock-jump', byMs: Math.round((random.unit() * 2 - 1) * 2 * DAY_MS) }),
  () => ({ kind: 'collector-restart' }),
  (random) => ({ kind: 'collector-kill', offMs: random.below(30 * MINUTE_MS) }),
  (random, meters) => {
    const meter = random.below(meters);
    const how = random.pick(WAYS);
    // A babbler says five frames a second, each of them an event: an hour of it is as hard on its neighbours as half a day.
    return { kind: 'meter', meter, how, forMs: random.below(12 * HOUR_MS) / (how === 'babble' ? 12 : 1) };
  },
  (random, _meters, lines) => ({ kind: 'line-cut', line: random.below(lines), forMs: random.below(10 * HOUR_MS) }),
  (random, _meters, lines) => ({
    kind: 'line-noise',
    line: random.below(lines),
    faults: { lose: 0.05, flip: 0.05, babble: 0.05, pieceBytes: 64 },
    forMs: random.below(3 * HOUR_MS),
  }),
];

/** Faults over a run, earliest first: `perDay` on average, kinds and times from the seed. */
export function planFaults(
  random: SeededRandom,
  run: { readonly durationMs: number; readonly perDay: number; readonly meters: number; readonly lines: number },
): PlannedFault[] {
  const count = Math.round((run.durationMs / DAY_MS) * run.perDay);
  const planned = Array.from({ length: count }, () => ({
    atMs: random.below(run.durationMs),
    fault: random.pick(DRAWS)(random, run.meters, run.lines),
  }));
  return planned.sort((a, b) => a.atMs - b.atMs);
}
