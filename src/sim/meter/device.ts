/**
 * One simulated meter without its protocol: clock, load, relay, events, and the rows of its buffers.
 *
 * Every value is a function of the seed, the time and what was done to the relay. Rows are computed when they are asked for;
 * the only thing that is remembered of the past is when the relay was open.
 */
import { type ExactInteger, exact } from '../../model/number.ts';
import type { BufferRule, Profile, RegisterRule, ValueType } from '../../profile/schema/profile.ts';
import { zoneNameOf } from '../../profile/time.ts';
import { timeZoneOf } from '../../profile/zone.ts';
import { LIVE_EVENTS_MAX, RELAY_GAPS_MAX } from '../limits.ts';
import type { Household } from '../load/households.ts';
import { MeterLoad } from '../load/meter-load.ts';
import { noise, seedOf } from '../load/noise.ts';
import { EVENT, EventHistory } from './events.ts';
import { Firmware } from './firmware.ts';
import { intervalEnds, lastIntervalEnd } from './intervals.ts';
import { Power } from './power.ts';
import { PushSetup, pushListsOf } from './push-setup.ts';
import { Relay, type RelayGap, type RelayOrder, type RelayOutcome } from './relay.ts';

/** What a meter is made of. */
export interface DeviceOptions {
  readonly meterId: string;
  /** As on the nameplate: letters and digits. */
  readonly serial: string;
  readonly profile: Profile;
  /** Any text: the same seed gives the same meter. */
  readonly seed: string;
  /** IANA zone of the site. */
  readonly timeZone: string;
  /** True time, UTC ms. */
  readonly nowMs: () => number;
  /** When it was installed: its buffers reach back to here, or as far as they hold. */
  readonly installedAtMs: number;
  /** By how much its clock is ahead of true time, ms. */
  readonly clockAheadMs?: number;
  /** What is wrong behind the relay, absent = nothing. */
  readonly loadFault?: LoadFault;
  /** Whether it says the time in SML; absent = no, as most. */
  readonly tellsTime?: boolean;
  /** Real loads; empty = loads from the seed. */
  readonly households?: readonly Household[];
}

/** What can be wrong behind a relay: contacts that stay closed, or a source of the customer's own that feeds back. */
export const LOAD_FAULTS = ['welded', 'backfed'] as const;

/** One of {@link LOAD_FAULTS}. */
export type LoadFault = (typeof LOAD_FAULTS)[number];

/** A row of a buffer. */
export interface DeviceRow {
  /** Interval end by the meter's clock, UTC ms. */
  readonly atMs: number;
  readonly status: number;
  /** Values of the register columns. */
  readonly values: readonly ExactInteger[];
}

/** Orders as events of the log. */
const RELAY_EVENTS: Readonly<Record<RelayOrder, number>> = {
  'remote-disconnect': EVENT.relayRemoteOff,
  'remote-reconnect': EVENT.relayRemoteOn,
  'manual-disconnect': EVENT.relayManualOff,
  'manual-reconnect': EVENT.relayManualOn,
  'local-disconnect': EVENT.relayLocalOff,
  'local-reconnect': EVENT.relayLocalOn,
};

/** Interval of an increment that stands in no buffer. */
const INTERVAL_DEFAULT_S = 900;
const HALF_YEAR_MS = 183 * 86_400_000;
const ARMED = 2;
/** What every simulated meter says of its firmware until another one is activated. */
const FIRMWARE_AS_BUILT = 'SIM 1.0';

/** A meter. */
export class Device {
  readonly meterId: string;
  readonly serial: string;
  readonly profile: Profile;
  /** IANA zone that its clock follows. */
  readonly timeZone: string;
  readonly installedAtMs: number;
  /** Whether it says the time where most meters do not. */
  readonly tellsTime: boolean;
  readonly relay: Relay;
  readonly events: EventHistory;
  readonly power: Power;
  readonly firmware: Firmware;
  /** One for each list that it pushes. */
  readonly pushSetups: readonly PushSetup[];
  readonly #options: DeviceOptions;
  readonly #load: MeterLoad;
  readonly #losses = new Map<RelayGap, Map<string, number>>();
  #aheadMs: number;
  #isBackfed = false;
  #newestMs = Number.NEGATIVE_INFINITY;
  #removedAtMs = Number.POSITIVE_INFINITY;
  #clearedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: DeviceOptions) {
    this.#options = options;
    this.meterId = options.meterId;
    this.serial = options.serial;
    this.profile = options.profile;
    this.timeZone = zoneNameOf(options.profile.clock, options.timeZone);
    this.installedAtMs = options.installedAtMs;
    this.tellsTime = options.tellsTime ?? false;
    this.#aheadMs = options.clockAheadMs ?? 0;
    this.relay = new Relay(options.profile.relay?.controlMode ?? 0, RELAY_GAPS_MAX);
    this.failLoad(options.loadFault ?? null);
    this.events = new EventHistory(options.seed, LIVE_EVENTS_MAX);
    this.power = new Power(options.nowMs);
    this.firmware = new Firmware(FIRMWARE_AS_BUILT, {
      powerCut: (forMs) => this.power.cut(forMs),
      restart: (forMs) => this.power.cutAfterAnswer(forMs),
      loseAnswer: () => this.power.loseAnswer(),
    });
    const { profile } = options;
    this.pushSetups = pushListsOf(profile.push).map((rule, at) => new PushSetup(rule, at, profile));
    const zone = timeZoneOf(this.timeZone);
    const now = options.installedAtMs;
    this.#load = new MeterLoad({
      seed: options.seed,
      medium: options.profile.medium,
      households: options.households ?? [],
      aheadMin: Math.min(zone.aheadMin(now), zone.aheadMin(now + HALF_YEAR_MS)),
    });
  }

  /** The meter's own clock, UTC ms. */
  get nowMs(): number {
    return this.#options.nowMs() + this.#aheadMs;
  }

  /** Sets the clock. Rows that are captured stay; the log tells both times. */
  setClock(utcMs: number): void {
    const before = this.nowMs;
    this.#newestMs = Math.max(this.#newestMs, before);
    this.events.add(EVENT.clockAdjustedFrom, before);
    this.#aheadMs += utcMs - before;
    this.events.add(EVENT.clockAdjustedTo, this.nowMs);
  }

  /** Empties every buffer; rows of intervals that end later come as before. */
  clearBuffers(): void {
    this.#clearedAtMs = this.capturedUpToMs;
  }

  /** From now on this is wrong behind the relay; null = nothing. */
  failLoad(fault: LoadFault | null): void {
    this.relay.isWelded = fault === 'welded';
    this.#isBackfed = fault === 'backfed';
  }

  /** Carries an order to the relay out, and logs it. */
  orderRelay(order: RelayOrder): RelayOutcome {
    const outcome = this.relay.order(order, this.nowMs);
    if (outcome === 'moved') {
      const isArmed = order === 'remote-reconnect' && this.relay.state === ARMED;
      this.events.add(isArmed ? EVENT.relayArmed : RELAY_EVENTS[order], this.nowMs);
    }
    return outcome;
  }

  /** A register at a moment, as the integer that the meter sends: it wraps where its type ends. */
  registerAt(register: RegisterRule, utcMs: number): ExactInteger {
    const factor = 10 ** -register.exponent;
    const total = totalOf(register);
    if (total !== null) {
      const counted = (atMs: number) => Math.floor(this.#totalAt(total, atMs) * factor);
      return fitted(counted(utcMs) - counted(utcMs - this.#intervalOf(register) * 1000), register.type);
    }
    if (!this.#load.isTotal(register)) {
      if (this.#isLoadVoltage(register) && !this.#isLoadLive) return 0;
      const isDead = !this.relay.isClosed && isFlow(register) && utcMs >= (this.relay.gaps.at(-1)?.fromMs ?? utcMs);
      return isDead ? 0 : fitted(Math.round(this.#load.valueAt(register, utcMs) * factor), register.type);
    }
    return fitted(Math.floor(this.#totalAt(register, utcMs) * factor), register.type);
  }

  /** The interval of the buffer that has the register as a column, s. */
  #intervalOf({ obis }: RegisterRule): number {
    const has = ({ columns }: BufferRule) =>
      columns.some((column) => column.kind === 'register' && column.register.obis === obis);
    return this.profile.buffers.find(has)?.intervalS ?? INTERVAL_DEFAULT_S;
  }

  #isLoadVoltage({ obis }: RegisterRule): boolean {
    return this.profile.relay?.loadVoltage?.register.obis === obis;
  }

  get #isLoadLive(): boolean {
    return this.relay.isClosed || this.#isBackfed;
  }

  /** What was counted: the load's total without what the open relay held back. */
  #totalAt(register: RegisterRule, utcMs: number): number {
    let atMs = utcMs;
    let lost = 0;
    for (const gap of this.relay.gaps) {
      if (gap.fromMs >= utcMs) break;
      if (gap.toMs === null || gap.toMs > utcMs) atMs = gap.fromMs;
      else lost += this.#lossOf(register, gap, gap.toMs);
    }
    return this.#load.valueAt(register, atMs) - lost;
  }

  #lossOf(register: RegisterRule, gap: RelayGap, toMs: number): number {
    const losses = this.#losses.get(gap) ?? new Map<string, number>();
    this.#losses.set(gap, losses);
    const known = losses.get(register.obis);
    if (known !== undefined) return known;
    const lost = this.#load.valueAt(register, toMs) - this.#load.valueAt(register, gap.fromMs);
    losses.set(register.obis, lost);
    return lost;
  }

  /** Newest moment up to which rows have been captured: setting the clock back unmakes none. */
  get capturedUpToMs(): number {
    this.#newestMs = Math.max(this.#newestMs, Math.min(this.nowMs, this.#removedAtMs));
    return this.#newestMs;
  }

  /** It is taken down: nothing is captured of it any more. */
  remove(): void {
    this.#removedAtMs = this.nowMs;
  }

  /** First moment after which the buffer still holds rows. */
  heldSinceMs(rule: BufferRule): number {
    const newestMs = lastIntervalEnd(rule.intervalS, this.timeZone, this.capturedUpToMs);
    return Math.max(this.installedAtMs, this.#clearedAtMs, newestMs - rule.rows * rule.intervalS * 1000);
  }

  /** Rows of a buffer after `afterMs` up to `untilMs` that the meter still holds, oldest first. */
  *rows(rule: BufferRule, afterMs: number, untilMs: number): Generator<DeviceRow> {
    const fromMs = Math.max(afterMs, this.heldSinceMs(rule));
    const toMs = Math.min(untilMs, this.capturedUpToMs);
    for (const atMs of intervalEnds(rule.intervalS, this.timeZone, fromMs, toMs)) yield this.rowAt(rule, atMs);
  }

  /** Interval ends of a buffer after `afterMs` up to now: what the meter has produced, read or not. */
  ends(rule: BufferRule, afterMs: number): Generator<number> {
    return intervalEnds(rule.intervalS, this.timeZone, Math.max(afterMs, this.installedAtMs), this.capturedUpToMs);
  }

  /** The row of one interval. */
  rowAt(rule: BufferRule, atMs: number): DeviceRow {
    const values: ExactInteger[] = [];
    for (const column of rule.columns) {
      if (column.kind === 'register') values.push(this.registerAt(column.register, atMs));
    }
    return { atMs, status: this.#statusAt(rule, atMs), values };
  }

  #statusAt(rule: BufferRule, atMs: number): number {
    if (rule.status === null) return 0;
    const events = this.events.between(atMs - rule.intervalS * 1000, atMs);
    let status = 0;
    for (const bit of rule.status.bits) {
      const isSet =
        (bit.daylight && this.#isDaylight(atMs)) ||
        (bit.quality === 'power-down' && events.some((event) => event.code === EVENT.powerDown)) ||
        (bit.quality === 'clock-adjusted' && events.some((event) => event.code === EVENT.clockAdjustedTo));
      if (isSet) status |= 1 << bit.bit;
    }
    return status;
  }

  #isDaylight(utcMs: number): boolean {
    const zone = timeZoneOf(this.timeZone);
    const ahead = zone.aheadMin(utcMs);
    return ahead > Math.min(zone.aheadMin(utcMs - HALF_YEAR_MS), zone.aheadMin(utcMs + HALF_YEAR_MS));
  }

  /** A number of this meter's own, from 0 to 1, for what is neither load nor event. */
  drawn(label: string): number {
    return noise(seedOf(this.#options.seed, label), 0);
  }
}

/** The total behind a register that counts anew in each interval (group D is 29); null = it is none. */
function totalOf(register: RegisterRule): RegisterRule | null {
  const obis = register.obis.replace(/^(1-\d+:\d+)\.29\./, '$1.8.');
  return obis === register.obis ? null : { ...register, obis };
}

/** Powers and currents: 0 while the relay is open. Voltage and frequency are measured before it. */
function isFlow(register: RegisterRule): boolean {
  return ['W', 'VA', 'var', 'A', 'm3/h', 'l/h'].includes(register.unit);
}

/** First value that a type cannot hold, and its width in bits. */
const TYPES: Readonly<Record<ValueType, { readonly bits: number; readonly limit: number }>> = {
  integer: { bits: 8, limit: 0x80 },
  long: { bits: 16, limit: 0x8000 },
  'double-long': { bits: 32, limit: 0x8000_0000 },
  long64: { bits: 64, limit: Number.MAX_SAFE_INTEGER },
  unsigned: { bits: 8, limit: 0x100 },
  'long-unsigned': { bits: 16, limit: 0x1_0000 },
  'double-long-unsigned': { bits: 32, limit: 0x1_0000_0000 },
  'long64-unsigned': { bits: 64, limit: Number.MAX_SAFE_INTEGER },
};

/** A whole number within a type: totals roll over as the register of a meter does. */
function fitted(value: number, type: ValueType): ExactInteger {
  const { bits, limit } = TYPES[type];
  if (value >= 0 && value < limit) return value;
  const wide = BigInt(Math.trunc(value));
  return exact(type.includes('unsigned') ? BigInt.asUintN(bits, wide) : BigInt.asIntN(bits, wide));
}
