/**
 * From a profile to what is asked of a meter: jobs with their periods, and the requests of a job above its watermark.
 *
 * Only deltas are asked for. A catch-up comes in slices of the profile's size, oldest first, so that no answer blocks a
 * slow line for long and what was read is safe before the next slice.
 */
import type { Data } from '../dlms/axdr/data.ts';
import { type ObisCode, parseObis } from '../dlms/cosem/obis.ts';
import { dateTimeData, entryAccess, rangeAccess } from '../dlms/cosem/selective-access.ts';
import type { SelectiveAccess } from '../dlms/xdlms/service.ts';
import { EVENT_SETTLE_MS } from './limits.ts';
import type { BufferRule, CompactRule, EventLogRule, Profile, RegisterRule } from './schema/profile.ts';
import { rangeTimeOf } from './time.ts';

/** Something to read again and again. `key` names its watermark. */
export type ReadJob =
  | { readonly kind: 'buffer'; readonly key: string; readonly periodS: number; readonly rule: BufferRule }
  | { readonly kind: 'events'; readonly key: string; readonly periodS: number; readonly rule: EventLogRule }
  | {
      readonly kind: 'registers';
      readonly key: string;
      readonly periodS: number;
      readonly registers: readonly RegisterRule[];
    }
  | { readonly kind: 'compact'; readonly key: string; readonly periodS: number; readonly rule: CompactRule }
  | { readonly kind: 'attributes'; readonly key: string; readonly periodS: number }
  | { readonly kind: 'clock'; readonly key: string; readonly periodS: number };

/** An attribute to GET, whole or in part. */
export interface ReadRequest {
  readonly classId: number;
  readonly obis: ObisCode;
  readonly attribute: number;
  readonly access: SelectiveAccess | null;
  /** The moments between which rows are asked for, UTC ms, both included; absent = whatever there is. */
  readonly asked?: AskedRange;
}

/** A range of moments as rows are stamped, UTC ms, both included. */
export interface AskedRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Where a delta read begins and ends. */
export interface DeltaRange {
  /** Interval end of the newest row held, UTC ms; null = nothing is held yet. */
  readonly watermarkMs: number | null;
  /** Where to begin while nothing is held; null = as far back as the meter's buffer reaches. */
  readonly backToMs: number | null;
  readonly nowMs: number;
  /** Rows that the line bears in one request; absent = as the profile says. */
  readonly sliceRowsMax?: number;
  /** IANA zone of the site. */
  readonly timeZone: string;
  /** Whether the meter's clock, read last, said its deviation; absent or null = not known. */
  readonly clockSaysDeviation?: boolean | null;
}

const DAY_S = 86_400;
const PROFILE_GENERIC = 7;
const BUFFER_ATTRIBUTE = 2;
const CLOCK_CLASS = 8;
const CLOCK_OBIS = '0-0:1.0.0*255';
const TIME_ATTRIBUTE = 2;

/** Everything that is read regularly from a meter of this profile. */
export function planJobs(profile: Profile): ReadJob[] {
  const jobs: ReadJob[] = [];
  const isRead = profile.clients.length > 0 || profile.through === 'mbus-client';
  if (profile.attributes.length > 0 && isRead) jobs.push({ kind: 'attributes', key: 'attributes', periodS: DAY_S });
  // The clock of a meter that is read through another one is that one's.
  if (profile.clock.obis !== null && profile.through === null)
    jobs.push({ kind: 'clock', key: 'clock', periodS: DAY_S });
  for (const rule of profile.buffers) jobs.push({ kind: 'buffer', key: rule.obis, periodS: rule.periodS, rule });
  for (const rule of profile.compact) jobs.push({ kind: 'compact', key: rule.obis, periodS: rule.periodS, rule });
  for (const rule of profile.eventLogs) jobs.push({ kind: 'events', key: rule.obis, periodS: rule.periodS, rule });
  for (const [periodS, registers] of registersByPeriod(profile)) {
    jobs.push({ kind: 'registers', key: `registers:${periodS}`, periodS, registers });
  }
  return jobs;
}

function registersByPeriod(profile: Profile): Map<number, RegisterRule[]> {
  const periods = new Map<number, RegisterRule[]>();
  for (const register of profile.registers) {
    if (register.periodS === 0 || (profile.clients.length === 0 && profile.through === null)) continue;
    periods.set(register.periodS, [...(periods.get(register.periodS) ?? []), register]);
  }
  return periods;
}

/** The whole of an attribute. */
export function plainRequest(classId: number, obis: string, attribute: number): ReadRequest {
  return { classId, obis: parseObis(obis), attribute, access: null };
}

/**
 * The requests that bring the rows above the watermark, oldest slice first; none when no row can be there yet. The last
 * slice ends now, so a row that is captured while reading is not lost, only later.
 */
export function bufferRequests(profile: Profile, rule: BufferRule, range: DeltaRange): ReadRequest[] {
  const intervalMs = rule.intervalS * 1000;
  // A row captured in this interval can only have been stamped from here on.
  const stampMs = rule.stamp === 'start' ? intervalMs : 0;
  const reachMs = range.nowMs - rule.rows * intervalMs;
  const startMs = range.watermarkMs ?? Math.max(range.backToMs ?? reachMs, reachMs);
  if (range.watermarkMs !== null && range.watermarkMs + shortestIntervalMs(rule) > range.nowMs) return [];
  if (rule.access === 'all') return [plainRequest(PROFILE_GENERIC, rule.obis, BUFFER_ATTRIBUTE)];
  const requests: ReadRequest[] = [];
  const sliceMs = sliceRowsOf(rule, range) * intervalMs;
  // One second after the watermark: the row that is held is not asked for again.
  let fromMs = startMs - stampMs + (range.watermarkMs === null ? 0 : 1000);
  while (fromMs <= range.nowMs) {
    const toMs = Math.min(fromMs + sliceMs, range.nowMs);
    requests.push(rangeRequest(profile, rule.obis, { fromMs, toMs }, range));
    fromMs = toMs + 1000;
  }
  return requests;
}

/** Rows of one request. */
export function sliceRowsOf(
  rule: BufferRule,
  { sliceRowsMax = rule.sliceRows }: Pick<DeltaRange, 'sliceRowsMax'>,
): number {
  return Math.max(1, Math.min(rule.sliceRows, sliceRowsMax));
}

/** A local day in spring has 23 hours. */
function shortestIntervalMs(rule: BufferRule): number {
  return (rule.intervalS === DAY_S ? DAY_S - 3600 : rule.intervalS) * 1000;
}

/**
 * The requests that bring the events above the watermark. A second may hold several events, so it is only asked for when it
 * is over ({@link EVENT_SETTLE_MS}); `readEvents` leaves younger ones for the next time too.
 */
export function eventRequests(profile: Profile, rule: EventLogRule, range: DeltaRange): ReadRequest[] {
  const fromMs = range.watermarkMs === null ? range.backToMs : range.watermarkMs + 1000;
  if (fromMs === null) return [plainRequest(PROFILE_GENERIC, rule.obis, BUFFER_ATTRIBUTE)];
  const toMs = range.nowMs - EVENT_SETTLE_MS;
  return toMs < fromMs ? [] : [rangeRequest(profile, rule.obis, { fromMs, toMs }, range)];
}

/** Rows of a buffer from one moment to another, both included, by the clock that stamps them. */
export function rangeRequest(
  profile: Profile,
  obis: string,
  asked: AskedRange,
  { timeZone, clockSaysDeviation = null }: Pick<DeltaRange, 'timeZone' | 'clockSaysDeviation'>,
): ReadRequest {
  const { rangeDeviation } = profile.clock;
  // A clock that says a wrong deviation (`ignore`) is no reason to say one to it.
  const asClock = clockSaysDeviation === false ? false : null;
  const isSaid = rangeDeviation === 'as-clock' ? asClock : rangeDeviation === 'set';
  const momentOf = (utcMs: number): Data => dateTimeData(rangeTimeOf(utcMs, profile.clock, timeZone, isSaid));
  const access = rangeAccess({
    restricting: {
      classId: CLOCK_CLASS,
      instanceId: parseObis(profile.clock.obis ?? CLOCK_OBIS),
      attributeId: TIME_ATTRIBUTE,
      dataIndex: 0,
    },
    from: momentOf(asked.fromMs),
    to: momentOf(asked.toMs),
    columns: [],
  });
  return { classId: PROFILE_GENERIC, obis: parseObis(obis), attribute: BUFFER_ATTRIBUTE, access, asked };
}

/** Rows of a buffer by number, from 1; 0 as the last one means to the end. */
export function entryRequest(obis: string, fromEntry: number, toEntry: number): ReadRequest {
  const access = entryAccess({ fromEntry, toEntry, fromColumn: 1, toColumn: 0 });
  return { classId: PROFILE_GENERIC, obis: parseObis(obis), attribute: BUFFER_ATTRIBUTE, access };
}

/** Registers in the order asked for, the clock first so that their values have a meter time. */
export function registerRequests(profile: Profile, registers: readonly RegisterRule[]): ReadRequest[] {
  const values = registers.map((register) => plainRequest(register.classId, register.obis, register.attribute));
  return profile.clock.obis === null ? values : [clockRequest(profile.clock.obis), ...values];
}

/** The meter's time. */
export function clockRequest(obis: string): ReadRequest {
  return plainRequest(CLOCK_CLASS, obis, TIME_ATTRIBUTE);
}

/** scaler_unit of the registers whose profile trusts the meter: read once, kept as `ReadContext.scalers`. */
export function scalerRequests(profile: Profile): ReadRequest[] {
  return profile.registers
    .filter((register) => register.scalerUnit === 'meter')
    .map((register) => plainRequest(register.classId, register.obis, register.classId === 5 ? 4 : 3));
}

/** The texts and identifiers of a profile. */
export function attributeRequests(profile: Profile): ReadRequest[] {
  return profile.attributes.map((attribute) => plainRequest(attribute.classId, attribute.obis, attribute.attribute));
}
