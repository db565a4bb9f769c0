/**
 * What happens at a meter: power failures and opened covers from its seed, at any time in its past, and what is done to it
 * while it runs. Kept as a meter keeps it: code and time.
 */
import type { EventCode } from '../../profile/schema/profile.ts';
import { hash32, noise, seedOf } from '../load/noise.ts';

const DAY_MS = 86_400_000;
/** A power failure about every twelve days, an opened cover about once a year. */
const POWER_CHANCE = 0.08;
const COVER_CHANCE = 0.003;
const DAYS_KEPT = 8;

/** Codes of the standard event log (IDIS and DSMR family). */
export const EVENT = {
  powerDown: 1,
  powerUp: 2,
  clockAdjustedFrom: 4,
  clockAdjustedTo: 5,
  terminalCoverOpened: 40,
  terminalCoverClosed: 41,
  meterCoverOpened: 44,
  meterCoverClosed: 45,
  loginsFailed: 46,
  relayArmed: 59,
  relayManualOff: 60,
  relayManualOn: 61,
  relayRemoteOff: 62,
  relayRemoteOn: 63,
  relayLocalOff: 64,
  relayLocalOn: 69,
} as const;

/** What profiles call these events, whatever their meters' codes are. */
const NAMES: ReadonlyMap<number, string> = new Map([
  [EVENT.powerDown, 'power-down'],
  [EVENT.powerUp, 'power-up'],
  [EVENT.clockAdjustedFrom, 'clock-adjusted-from'],
  [EVENT.clockAdjustedTo, 'clock-adjusted-to'],
  [EVENT.terminalCoverOpened, 'terminal-cover-opened'],
  [EVENT.terminalCoverClosed, 'terminal-cover-closed'],
  [EVENT.meterCoverOpened, 'meter-cover-opened'],
  [EVENT.meterCoverClosed, 'meter-cover-closed'],
  [EVENT.loginsFailed, 'logins-failed'],
  [EVENT.relayArmed, 'relay-armed'],
  [EVENT.relayManualOff, 'relay-manual-off'],
  [EVENT.relayManualOn, 'relay-manual-on'],
  [EVENT.relayRemoteOff, 'relay-remote-off'],
  [EVENT.relayRemoteOn, 'relay-remote-on'],
  [EVENT.relayLocalOff, 'relay-local-off'],
  [EVENT.relayLocalOn, 'relay-local-on'],
]);

/** Codes of a table by name, made once. */
const BY_NAME = new WeakMap<ReadonlyMap<number, EventCode>, ReadonlyMap<string, number>>();

/** The code under which a log has an event, by the name that its table gives it; null = it is not one of this log. */
export function codeIn({ codes }: { readonly codes: ReadonlyMap<number, EventCode> }, code: number): number | null {
  const name = NAMES.get(code);
  if (name === undefined) return codes.has(code) ? code : null;
  const byName = BY_NAME.get(codes) ?? new Map([...codes.values()].map((each) => [each.name, each.code]));
  BY_NAME.set(codes, byName);
  return byName.get(name) ?? null;
}

/** One entry of a log. */
export interface LoggedEvent {
  readonly atMs: number;
  readonly code: number;
}

/** The life of one meter in events. */
export class EventHistory {
  readonly #seed: number;
  #live: LoggedEvent[] = [];
  /** Days that were looked at last: rows are asked for day by day. */
  readonly #days = new Map<number, readonly LoggedEvent[]>();

  constructor(
    seed: string,
    private readonly liveMax: number,
  ) {
    this.#seed = seedOf(seed, 'events');
  }

  /** Something that happens now. */
  add(code: number, atMs: number): void {
    // A log has seconds.
    this.#live.push({ code, atMs: Math.floor(atMs / 1000) * 1000 });
    if (this.#live.length > this.liveMax) this.#live.shift();
  }

  /** Everything after `afterMs` up to `untilMs`, in time order. */
  between(afterMs: number, untilMs: number): LoggedEvent[] {
    const events: LoggedEvent[] = [];
    for (let day = Math.floor(afterMs / DAY_MS) - 1; day * DAY_MS <= untilMs; day++) events.push(...this.#ofDay(day));
    if (events.length === 0 && this.#live.length === 0) return events;
    return [...events, ...this.#live]
      .filter((event) => event.atMs > afterMs && event.atMs <= untilMs)
      .sort((a, b) => a.atMs - b.atMs);
  }

  #ofDay(day: number): readonly LoggedEvent[] {
    const known = this.#days.get(day);
    if (known !== undefined) return known;
    const events = this.#makeDay(day);
    if (this.#days.size >= DAYS_KEPT) this.#days.clear();
    this.#days.set(day, events);
    return events;
  }

  #makeDay(day: number): LoggedEvent[] {
    const daySeed = hash32(this.#seed, day);
    const pair = (down: number, up: number, chanceAt: number, chance: number, lengthMaxS: number): LoggedEvent[] => {
      if (noise(daySeed, chanceAt) >= chance) return [];
      const atMs = day * DAY_MS + Math.floor(noise(daySeed, chanceAt + 1) * 86_000) * 1000;
      const lengthS = 1 + Math.floor(noise(daySeed, chanceAt + 2) * lengthMaxS);
      return [
        { atMs, code: down },
        { atMs: atMs + lengthS * 1000, code: up },
      ];
    };
    return [
      ...pair(EVENT.powerDown, EVENT.powerUp, 0, POWER_CHANCE, 40),
      ...pair(EVENT.terminalCoverOpened, EVENT.terminalCoverClosed, 10, COVER_CHANCE, 900),
    ];
  }
}
