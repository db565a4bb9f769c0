/** A simulator as a program: profiles and loads from disk, a fleet, its ledger and its lines. The one place that joins them. */
import type { Env, Timer } from '../base/env.ts';
import { problemsText } from '../base/problems.ts';
import type { ClassRules } from '../dlms/cosem/classes/index.ts';
import { parseProfileOrThrow } from '../profile/schema/parse.ts';
import type { Profile } from '../profile/schema/profile.ts';
import { isTimeZone } from '../profile/zone.ts';
import { simError } from './errors.ts';
import { type FleetOptions, makeFleet, type SimMeter } from './fleet.ts';
import { Ledger } from './ledger.ts';
import { RECORD_PERIOD_MS } from './limits.ts';
import { type Household, parseHouseholds } from './load/households.ts';
import type { ListedObjectRule } from './meter/objects/listed.ts';
import { OPERATION } from './meter/push-setup.ts';
import type { PushWindow } from './meter/push-window.ts';
import { parseObjectFile } from './object-file.ts';
import {
  type GivenLine,
  type ListenPlace,
  parseListen,
  placeOn,
  type ReachedMeter,
  SimListeners,
} from './serve/listen.ts';
import { PushCaller } from './serve/push-caller.ts';

/** What to simulate. */
export interface SimulatorOptions {
  /** Folder with `profiles/` and `loads/`. */
  readonly configFolder: string;
  /** Profiles by key, `generic/idis`; meters take them in turn. */
  readonly profiles: readonly string[];
  readonly listen: readonly (string | GivenLine)[];
  readonly count: number;
  /** How many of them are at each place, those behind others counted; absent = equal parts of those that speak for themselves. */
  readonly counts?: readonly number[];
  readonly seed: string;
  /** Days of history in the buffers. */
  readonly days: number;
  /** IANA zone of the site. */
  readonly timeZone: string;
  /** File of the ledger, null = none. */
  readonly ledgerFile: string | null;
  readonly misbehaviours?: FleetOptions['misbehaviours'];
  readonly hostilities?: FleetOptions['hostilities'];
  readonly imageFaults?: FleetOptions['imageFaults'];
  readonly loadFaults?: FleetOptions['loadFaults'];
  /** How objects are called; absent = as each profile says. */
  readonly referencing?: FleetOptions['referencing'];
  /** File of objects that each meter has beside those of its profile; absent = none. */
  readonly objectsFile?: string;
  /** Which class tables the file may use. */
  readonly classRules?: ClassRules;
  readonly securities?: FleetOptions['securities'];
  readonly tellsEvents?: FleetOptions['tellsEvents'];
  readonly broadcastLoss?: FleetOptions['broadcastLoss'];
  readonly tellsTime?: FleetOptions['tellsTime'];
  /** Where meters push the lists of their profiles to from the start; absent = nowhere until a client sets it. */
  readonly push?: {
    /** `host:port`. */
    readonly destination: string;
    readonly confirmed: boolean;
    /** When they may push; absent = always. */
    readonly windows?: readonly PushWindow[];
    /** Longest wait after the time of a push or the opening of a window, s; absent = none. */
    readonly randomisationS?: number;
  };
}

/** A running simulator. */
export class Simulator {
  #timer: Timer | null = null;

  private constructor(
    private readonly env: Env,
    /** Every meter and how to reach it. */
    readonly reached: readonly ReachedMeter[],
    readonly meters: readonly SimMeter[],
    private readonly ledger: Ledger | null,
    private readonly listeners: SimListeners,
    private readonly callers: readonly PushCaller[],
  ) {
    for (const caller of callers) caller.start();
    if (ledger !== null) this.#recordLater();
  }

  /** Starts one. Rejects with errors of this room and of the profile room, or with the system's when a place is taken. */
  static async start(env: Env, options: SimulatorOptions): Promise<Simulator> {
    if (!isTimeZone(options.timeZone)) throw simError('SIM_LISTEN', `${options.timeZone} is no time zone`);
    const places = options.listen.map((place) => (typeof place === 'string' ? parseListen(place) : placeOn(place)));
    if (places.length === 0) throw simError('SIM_LISTEN', 'no place to listen at');
    const profiles = await Promise.all(options.profiles.map((key) => loadProfile(env, options.configFolder, key)));
    const households = await loadHouseholds(env, options.configFolder);
    const objects = await loadObjects(env, options);
    const file = options.ledgerFile === null ? null : await env.disk.openAppend(options.ledgerFile);
    const ledger = file === null ? null : new Ledger(file);
    const { count, seed, days, timeZone } = options;
    const meters = makeFleet(
      {
        count,
        seed,
        days,
        timeZone,
        profiles,
        households,
        objects,
        nowMs: () => env.clock.nowMs(),
        ...oddities(options),
      },
      ledger,
    );
    const listeners = new SimListeners(env, ledger);
    try {
      const shares =
        options.counts === undefined ? equalShares(meters, places.length) : sharesOf(meters, options.counts);
      const reached = withSubMeters(await openPlaces(listeners, places, shares));
      return new Simulator(env, reached, meters, ledger, listeners, callersOf(env, meters, options.push));
    } catch (error) {
      await listeners.close();
      await ledger?.close();
      throw error;
    }
  }

  /** Notes what every meter has produced until now, read or not, and makes it durable. */
  async record(): Promise<void> {
    for (const meter of this.meters) meter.record();
    await this.ledger?.flush();
  }

  #recordLater(): void {
    this.#timer = this.env.timers.after(RECORD_PERIOD_MS, () => {
      this.record().then(
        () => {
          if (this.#timer !== null) this.#recordLater();
        },
        (error: unknown) => this.env.log.error('sim.ledger-failed', { reason: String(error) }),
      );
    });
  }

  /** Ends every line; the ledger then holds everything produced. */
  async stop(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    for (const caller of this.callers) caller.stop();
    await this.listeners.close();
    await this.record();
    await this.ledger?.close();
  }
}

/** What makes single meters other than their profile says; absent where nothing was asked for. */
function oddities(options: SimulatorOptions): Partial<FleetOptions> {
  const { misbehaviours, hostilities, imageFaults, loadFaults, referencing, securities, tellsEvents } = options;
  const { broadcastLoss, tellsTime } = options;
  return {
    ...(misbehaviours === undefined ? {} : { misbehaviours }),
    ...(hostilities === undefined ? {} : { hostilities }),
    ...(imageFaults === undefined ? {} : { imageFaults }),
    ...(loadFaults === undefined ? {} : { loadFaults }),
    ...(referencing === undefined ? {} : { referencing }),
    ...(securities === undefined ? {} : { securities }),
    ...(tellsEvents === undefined ? {} : { tellsEvents }),
    ...(broadcastLoss === undefined ? {} : { broadcastLoss }),
    ...(tellsTime === undefined ? {} : { tellsTime }),
  };
}

/** A caller for each list of each meter that speaks for itself. */
function callersOf(env: Env, meters: readonly SimMeter[], push: SimulatorOptions['push']): PushCaller[] {
  return meters
    .filter(({ port }) => port === null)
    .flatMap((meter) =>
      meter.device.pushSetups.map((setup) => {
        if (push !== undefined) {
          setup.pushTo(push.destination);
          setup.operation = push.confirmed ? OPERATION.confirmed : OPERATION.unconfirmed;
          setup.windows = push.windows ?? [];
          setup.randomisationS = push.randomisationS ?? 0;
        }
        return new PushCaller(env, meter, setup);
      }),
    );
}

/** Behind each meter those that are read through it. */
function withSubMeters(reached: readonly ReachedMeter[]): ReachedMeter[] {
  return reached.flatMap((each) => [each, ...each.meter.subMeters.map((meter) => ({ ...each, meter }))]);
}

/** Meters that speak for themselves on their line. */
const speaking = (meters: readonly SimMeter[]): readonly SimMeter[] =>
  meters.filter(({ host, port }) => host === null && port === null);

function equalShares(meters: readonly SimMeter[], places: number): (readonly SimMeter[])[] {
  let left = speaking(meters);
  return Array.from({ length: places }, (_, at) => {
    const own = left.slice(0, Math.ceil(left.length / (places - at)));
    left = left.slice(own.length);
    return own;
  });
}

function sharesOf(meters: readonly SimMeter[], counts: readonly number[]): (readonly SimMeter[])[] {
  let from = 0;
  return counts.map((count) => {
    const own = speaking(meters.slice(from, from + count));
    from += count;
    return own;
  });
}

/** Opens each place for its share; those behind a port are where it is. */
async function openPlaces(
  listeners: SimListeners,
  places: readonly ListenPlace[],
  shares: readonly (readonly SimMeter[])[],
): Promise<ReachedMeter[]> {
  const reached: ReachedMeter[] = [];
  for (const [at, place] of places.entries()) reached.push(...(await listeners.open(place, shares[at] ?? [])));
  return reached.flatMap((one) => [one, ...one.meter.behind.map((meter) => ({ ...one, meter }))]);
}

/** A profile from its file; rejects with `SIM_PROFILE` when there is none, `PROFILE_INVALID` when it is wrong. */
export async function loadProfile(env: Pick<Env, 'disk'>, configFolder: string, key: string): Promise<Profile> {
  const octets = /^[a-z0-9-]+\/[a-z0-9-]+$/.test(key)
    ? await env.disk.readFile(`${configFolder}/profiles/${key}.yaml`)
    : undefined;
  if (octets === undefined) throw simError('SIM_PROFILE', key);
  return parseProfileOrThrow(new TextDecoder().decode(octets), key);
}

async function loadObjects(
  env: Pick<Env, 'disk'>,
  { objectsFile, classRules = {} }: SimulatorOptions,
): Promise<readonly ListedObjectRule[]> {
  if (objectsFile === undefined) return [];
  const octets = await env.disk.readFile(objectsFile);
  if (octets === undefined) throw simError('SIM_OBJECTS', `there is no file ${objectsFile}`);
  const parsed = parseObjectFile(new TextDecoder().decode(octets), classRules);
  if (parsed.ok) return parsed.objects;
  throw simError('SIM_OBJECTS', problemsText(objectsFile, parsed.problems));
}

/** The real loads beside the profiles; none when the file is not there. */
export async function loadHouseholds(env: Pick<Env, 'disk'>, configFolder: string): Promise<Household[]> {
  const octets = await env.disk.readFile(`${configFolder}/loads/households.csv`);
  return octets === undefined ? [] : parseHouseholds(octets);
}
