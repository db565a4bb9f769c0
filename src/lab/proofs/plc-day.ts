/**
 * The `plc-day` proof: a day of a network over the power line like the recorded one of 117 meters, in virtual time, from the meters to
 * the store.
 *
 * Half of the meters come and go as `sim/plc/day.ts` draws it, two of them are never there, and the power line is as it is met
 * (`FIELD`): repeaters, five buffers, losses both ways, an evening of noise, answers late and twice. Before the day all that will ever be
 * there have half an hour to join; after it six hours of another day pass, then everybody comes back and all must arrive. A meter
 * counts as reachable for an hour when it was in the network for 60 minutes on end, whatever the line lost meanwhile.
 */
import { SeededRandom } from '../../base/seeded-random.ts';
import { HOST_CRYPTO } from '../../host/crypto.ts';
import type { MeterId } from '../../model/ids.ts';
import { drawDay, type PlcDay, playDay, RECORDED_METERS } from '../../sim/plc/day.ts';
import { FIELD } from '../../sim/plc/habits.ts';
import type { PlcMeter, PlcNetwork } from '../../sim/plc/network.ts';
import { atLeast, atMost, type Bar, type BenchEnv, type BenchResult } from '../benches/bench.ts';
import { VirtualSystem } from '../virtual-system.ts';

const PROFILE = 'generic/idis';
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const HOUR_MINUTES = 60;
const HOURS = 24;
/** Half an hour before a midnight in the zone of the site. */
const START_MS = Date.UTC(2026, 0, 14, 23, 30);
const TIME_ZONE = 'Etc/UTC';
const JOIN_MS = HOUR_MS / 2;
/** The day begins. */
const MIDNIGHT_MS = START_MS + JOIN_MS;
/** What of the next day passes before the hourly curves are looked at: far less than the day that they have. */
const AFTER_HOURS = 6;
/** On end in the network: by then a meter must have delivered. */
const REACHABLE_MINUTES = 60;
const DAY_S = 86_400;
const HOUR_S = 3_600;

/** What came of a day. */
export interface PlcDayOutcome {
  readonly meters: number;
  readonly produced: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly altered: number;
  readonly invented: number;
  /** Meters that were reachable for an hour of the day. */
  readonly reachable: number;
  /** Of these, without the snapshot of the day at the end of their first such hour. */
  readonly withoutSnapshot: number;
  /** Hourly rows of the day, of all meters, that were stored six hours after its end, percent. */
  readonly hourlyPercent: number;
  /** Share of meter-time in the network, hour by hour, percent. */
  readonly leastHourPercent: number;
  readonly mostHourPercent: number;
  readonly meanPercent: number;
  readonly rejoinsMost: number;
  readonly rejoins: number;
  /** Requests that meters heard, and what the power line did to the others and to answers. */
  readonly heard: number;
  readonly lostRequests: number;
  readonly lostAnswers: number;
  readonly stalls: number;
  readonly answersLate: number;
  readonly answersTwice: number;
  /** Most requests in the modem at once. */
  readonly heldMost: number;
  /** Requests that found no buffer free. */
  readonly dropped: number;
  /** Answers that came when nobody waited for them any more. */
  readonly unheard: number;
  readonly refused: number;
}

/** A day of so many meters. */
export async function runPlcDay(run: {
  readonly seed: number;
  readonly meters: number;
  readonly profileText: string;
}): Promise<PlcDayOutcome> {
  const system = await VirtualSystem.start({
    seed: run.seed,
    meters: run.meters,
    startMs: START_MS,
    timeZone: TIME_ZONE,
    profiles: [{ key: PROFILE, text: hourly(run.profileText) }],
    crypto: HOST_CRYPTO,
    layout: 'base-node',
    plc: { ...FIELD, joinMs: [MINUTE_MS / 12, JOIN_MS / 2] },
  });
  const { baseNode } = system.site;
  if (baseNode === null) throw new Error('the site has no base node');
  const { network } = baseNode;
  const random = new SeededRandom(`plc-day/${run.seed}`);
  const day = drawDay(run.meters, random);
  for (const meter of deadOf(network, day)) network.leave(meter);
  await system.run(MIDNIGHT_MS - system.world.nowMs);
  const watch = new DayWatch(system, network);
  let end = playDay(network, day, { timers: system.world.clock });
  for (let minute = 0; minute < HOURS * HOUR_MINUTES; minute++) {
    await system.run(MINUTE_MS);
    watch.look(minute);
  }
  end();
  end = playDay(network, drawDay(run.meters, random), { timers: system.world.clock });
  for (const meter of deadOf(network, day)) network.leave(meter);
  await system.run(AFTER_HOURS * HOUR_MS);
  const hourlyPercent = watch.hourlyPercent();
  end();
  for (const meter of network.meters) if (network.nodeOf(meter) === undefined) network.join(meter);
  const { produced, lost, duplicated, altered, invented, settled } = await system.settledVerdict();
  const count = (name: string) => system.concentrator?.health.counter(name) ?? 0;
  const { stalled, late, twice, ...counts } = baseNode.modem.counts;
  const outcome = {
    meters: run.meters,
    produced,
    lost: settled ? lost : Math.max(1, lost),
    duplicated,
    altered,
    invented,
    hourlyPercent,
    ...watch.figures(),
    ...counts,
    stalls: stalled,
    answersLate: late,
    answersTwice: twice,
    unheard: count('nodes_late'),
    refused: count('reader_failed_session_rejected'),
  };
  await system.stop();
  return outcome;
}

/** As such networks are read: curves and events by the hour. */
function hourly(text: string): string {
  return text.replace('intervalS: 900', 'intervalS: 3600').replaceAll('periodS: 900', 'periodS: 3600');
}

/** Who is away the whole day. */
function deadOf({ meters }: PlcNetwork, day: PlcDay): PlcMeter[] {
  return meters.filter((_, at) => day[at]?.[0]?.fromMs === 0 && day[at]?.[0]?.toMs === DAY_MS);
}

/** Looks at the network and at what has been read, minute by minute, from the begin of the day on. */
class DayWatch {
  readonly #hours = new Array<number>(HOURS).fill(0);
  readonly #rejoins = new Map<PlcMeter, number>();
  /** Minutes on end in the network. */
  readonly #present = new Map<PlcMeter, number>();
  readonly #reachable = new Set<PlcMeter>();
  #withoutSnapshot = 0;

  constructor(
    private readonly system: VirtualSystem,
    private readonly network: PlcNetwork,
  ) {
    network.watch({
      joined: ({ meter }) => void this.#rejoins.set(meter, (this.#rejoins.get(meter) ?? 0) + 1),
      left: ({ meter }) => void this.#present.set(meter, 0),
    });
  }

  look(minute: number): void {
    const hour = Math.floor(minute / HOUR_MINUTES);
    for (const { meter } of this.network.nodes.values()) {
      this.#hours[hour] = (this.#hours[hour] ?? 0) + 1;
      const minutes = (this.#present.get(meter) ?? 0) + 1;
      this.#present.set(meter, minutes);
      if (minutes < REACHABLE_MINUTES || this.#reachable.has(meter)) continue;
      this.#reachable.add(meter);
      if (this.#markMs(meter, DAY_S) < MIDNIGHT_MS) this.#withoutSnapshot++;
    }
  }

  /** Of the hourly rows of the day, how many are in the journal or beyond it. */
  hourlyPercent(): number {
    let rows = 0;
    for (const meter of this.network.meters) {
      const readMs = Math.min(this.#markMs(meter, HOUR_S), MIDNIGHT_MS + DAY_MS) - MIDNIGHT_MS;
      rows += Math.max(0, Math.floor(readMs / HOUR_MS));
    }
    return round((100 * rows) / (this.network.meters.length * HOURS));
  }

  figures() {
    const whole = this.network.meters.length * HOUR_MINUTES;
    const percents = this.#hours.map((minutes) => round((100 * minutes) / whole));
    const rejoins = [...this.#rejoins.values()];
    return {
      reachable: this.#reachable.size,
      withoutSnapshot: this.#withoutSnapshot,
      leastHourPercent: Math.min(...percents),
      mostHourPercent: Math.max(...percents),
      meanPercent: round(percents.reduce((sum, percent) => sum + percent, 0) / HOURS),
      rejoinsMost: Math.max(0, ...rejoins),
      rejoins: rejoins.reduce((sum, each) => sum + each, 0),
    };
  }

  /** How far a buffer of the meter has been read and stored, UTC ms. */
  #markMs({ serial }: PlcMeter, intervalS: number): number {
    const device = this.system.site.meters.find((meter) => meter.device.serial === serial)?.device;
    const rule = device?.profile.buffers.find((buffer) => buffer.intervalS === intervalS);
    if (device === undefined || rule === undefined) return Number.NEGATIVE_INFINITY;
    const journal = this.system.concentrator?.journal;
    return journal?.watermark(device.meterId as MeterId, rule.obis) ?? Number.NEGATIVE_INFINITY;
  }
}

function round(percent: number): number {
  return Math.round(percent * 10) / 10;
}

/** The day of `count` meters, default 117. */
export async function provePlcDay(env: BenchEnv): Promise<BenchResult> {
  const profileText = await env.readText(`config/profiles/${PROFILE}.yaml`);
  const outcome = await runPlcDay({ seed: env.seed, meters: env.count ?? RECORDED_METERS, profileText });
  env.progress(`plc-day: ${JSON.stringify(outcome)}`);
  return { figures: { ...outcome }, bars: plcDayBars(outcome) };
}

/** What must hold; the first bars say that the day was as bad as the recorded one. */
export function plcDayBars(outcome: PlcDayOutcome): Bar[] {
  return [
    atMost('worst hour of the network, percent of meter-time there', outcome.leastHourPercent, 70),
    atMost('mean of the hours, percent of meter-time there', outcome.meanPercent, 91),
    atLeast('joins of the meter that came back most', outcome.rejoinsMost, 28),
    atLeast('values produced', outcome.produced, 1),
    atMost('lost', outcome.lost, 0),
    atMost('duplicated', outcome.duplicated, 0),
    atMost('altered', outcome.altered, 0),
    atMost('invented', outcome.invented, 0),
    atLeast('meters that were reachable for an hour', outcome.reachable, 1),
    atMost('of these, without the snapshot of the day', outcome.withoutSnapshot, 0),
    atLeast('hourly rows stored within a day, percent', outcome.hourlyPercent, 98),
    atMost('requests that the base node dropped', outcome.dropped, 0),
    atMost('sign-ons that a meter refused', outcome.refused, 0),
  ];
}
