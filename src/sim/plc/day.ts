/**
 * A day of a network over the power line as one of 117 meters was recorded: who is away when, drawn from a seed.
 *
 * What is known of that network (facts 5.4) and kept here: the share of meter-time that was there hour by hour lies between 66.7 and 97.4 %, mean
 * 89.8 %; half of the meters were there all day, two in a hundred never; a meter came back up to 28 times. The 24 hourly
 * values themselves are not public: these are ours, with that least, most and mean, worst in the evening. What is drawn is who is
 * away: the hour's missing minutes are dealt out among the unstable half, to some of them ten times as often as to others.
 */
import type { Env } from '../../base/env.ts';
import type { SeededRandom } from '../../base/seeded-random.ts';
import type { PlcMeter, PlcNetwork } from './network.ts';

/** Meters of the network that was recorded. */
export const RECORDED_METERS = 117;

/** Percent of meter-time that is there, hour by hour from the begin of the day. */
export const RECORDED_HOURS: readonly number[] = [
  95.6, 96.4, 97.0, 97.4, 97.2, 96.5, 94.1, 92.6, 91.0, 91.4, 92.4, 93.1, 92.8, 91.7, 92.0, 91.2, 90.0, 87.3, 80.4,
  72.6, 66.7, 78.1, 86.5, 91.2,
];

/** Of all meters. */
const STABLE_SHARE = 0.5;
/** Of all meters: never there. */
const DEAD_SHARE = 0.02;
/** The one that comes and goes most: so many times a day, for so long. */
const FLAPS = 28;
const FLAP_MIN_MINUTES = 3;
const FLAP_MAX_MINUTES = 9;
/** The most unstable meter is drawn so many times as often as the least. */
const WEIGHT_MOST = 10;
const OUTAGE_MIN_MINUTES = 10;

const MINUTE_MS = 60_000;
const HOUR_MINUTES = 60;
const DAY_MINUTES = 1_440;

/** When a meter is away, ms since the begin of the day; in order, none touches the next. */
export interface Outage {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Outages of each meter by its place; a dead one has a single outage, the whole day. */
export type PlcDay = readonly (readonly Outage[])[];

/** A day of so many meters; the same generator gives the same day. */
export function drawDay(meters: number, random: SeededRandom): PlcDay {
  const places = shuffled(meters, random);
  const dead = places.splice(0, Math.round(meters * DEAD_SHARE));
  const unstable = places.splice(0, places.length - Math.round(meters * STABLE_SHARE));
  const away = Array.from({ length: meters }, () => new Uint8Array(DAY_MINUTES));
  for (const place of dead) away[place]?.fill(1);
  const [flapper, ...others] = unstable;
  if (flapper !== undefined) flap(away[flapper], random);
  const weighted = others.map((place) => ({ place, weight: 1 + random.unit() ** 3 * (WEIGHT_MOST - 1) }));
  for (const [hour, percent] of RECORDED_HOURS.entries()) {
    const wanted = Math.round((1 - percent / 100) * meters * HOUR_MINUTES);
    dealHour(hour, wanted, away, weighted, random);
  }
  return away.map(outagesOf);
}

/** Plays a day from now on; once for each meter of the network, in the order of its list. Returns what calls it off. */
export function playDay(network: PlcNetwork, day: PlcDay, { timers }: Pick<Env, 'timers'>): () => void {
  const pending = network.meters.flatMap((meter, at) => (day[at] ?? []).flatMap((outage) => play(meter, outage)));
  return () => {
    for (const timer of pending) timer.cancel();
  };

  function play(meter: PlcMeter, { fromMs, toMs }: Outage) {
    const isDead = toMs - fromMs >= DAY_MINUTES * MINUTE_MS;
    if (fromMs === 0) network.leave(meter);
    const leave = fromMs === 0 ? [] : [timers.after(fromMs, () => network.leave(meter))];
    return isDead ? leave : [...leave, timers.after(toMs, () => network.join(meter))];
  }
}

function flap(minutes: Uint8Array | undefined, random: SeededRandom): void {
  const slot = Math.floor(DAY_MINUTES / FLAPS);
  for (let at = 0; at < FLAPS; at++) {
    const length = FLAP_MIN_MINUTES + random.below(FLAP_MAX_MINUTES - FLAP_MIN_MINUTES + 1);
    const from = at * slot + 1 + random.below(slot - length - 1);
    minutes?.fill(1, from, from + length);
  }
}

/** Deals the missing minutes of an hour out: who was away when it began stays away first. */
function dealHour(
  hour: number,
  wanted: number,
  away: readonly Uint8Array[],
  weighted: readonly { readonly place: number; readonly weight: number }[],
  random: SeededRandom,
): void {
  const from = hour * HOUR_MINUTES;
  const to = from + HOUR_MINUTES;
  const present = (place: number) => away[place]?.subarray(from, to).filter((minute) => minute === 0).length ?? 0;
  let left = wanted - away.reduce((sum, minutes) => sum + minutes.subarray(from, to).reduce((a, b) => a + b, 0), 0);
  const wasAway = (place: number) => from > 0 && away[place]?.[from - 1] === 1;
  // A draw to the power of 1/weight: the heavier, the earlier in the order.
  const order = weighted
    .map(({ place, weight }) => ({ place, rank: random.unit() ** (1 / weight) + (wasAway(place) ? 0.3 : 0) }))
    .sort((a, b) => b.rank - a.rank);
  // What a first round leaves over, whoever is left is away for the whole hour.
  for (const isWhole of [false, true])
    for (const { place } of order) {
      if (left <= 0) return;
      const drawn = OUTAGE_MIN_MINUTES + random.below(HOUR_MINUTES - OUTAGE_MIN_MINUTES + 1);
      const length = isWhole ? HOUR_MINUTES : Math.min(left, drawn);
      const start = isWhole || wasAway(place) ? from : from + random.below(HOUR_MINUTES - length + 1);
      const before = present(place);
      away[place]?.fill(1, start, start + length);
      left -= before - present(place);
    }
}

function outagesOf(minutes: Uint8Array): Outage[] {
  const outages: Outage[] = [];
  for (let from = minutes.indexOf(1); from >= 0; ) {
    const end = minutes.indexOf(0, from);
    const to = end < 0 ? minutes.length : end;
    outages.push({ fromMs: from * MINUTE_MS, toMs: to * MINUTE_MS });
    from = minutes.indexOf(1, to);
  }
  return outages;
}

function shuffled(count: number, random: SeededRandom): number[] {
  const places = Array.from({ length: count }, (_, at) => at);
  for (let at = count - 1; at > 0; at--) {
    const other = random.below(at + 1);
    [places[at], places[other]] = [places[other] ?? 0, places[at] ?? 0];
  }
  return places;
}
