/** What meters log and tell of themselves: rows of event logs, and what they tell inside an association. Pure. */
import type { Data } from '../dlms/axdr/data.ts';
import type { Happening } from '../dlms/session/happening.ts';
import type { MeterEvent } from '../model/event.ts';
import { EVENT_SETTLE_MS } from './limits.ts';
import type { ReadContext, ReadoutProblem } from './readout.ts';
import type { EventLogRule, Profile } from './schema/profile.ts';
import { placeTime } from './time.ts';
import { dateTimeOf, integerOf } from './value.ts';

const VALUE_ATTRIBUTE = 2;

/** An event log, read out. */
export interface EventReadout {
  readonly events: readonly MeterEvent[];
  readonly newestAtMs: number | null;
  readonly known: number;
  /** Events whose codes the profile keeps back. */
  readonly suppressed: number;
  readonly problems: readonly ReadoutProblem[];
}

/**
 * Events of a log above the watermark, oldest first. Events of the last two seconds are left for the next time: more may
 * come with the same time, and a watermark could not tell them from those already held.
 */
export function readEvents(
  profile: Profile,
  rule: EventLogRule,
  buffer: Data,
  context: ReadContext & { readonly nowMs: number },
  watermarkMs: number | null,
): EventReadout {
  const events: MeterEvent[] = [];
  const problems: ReadoutProblem[] = [];
  let known = 0;
  let suppressed = 0;
  let newestAtMs: number | null = null;
  let previousAtMs = watermarkMs;
  const rows = buffer.type === 'array' || buffer.type === 'compact-array' ? buffer.value : [];
  if (buffer.type !== 'array' && buffer.type !== 'compact-array')
    problems.push({ index: 0, sentence: `The log is a ${buffer.type}.` });
  rows.forEach((row, index) => {
    const entry = eventOf(profile, rule, row, context, previousAtMs);
    if (typeof entry === 'string') {
      problems.push({ index, sentence: entry });
      return;
    }
    previousAtMs = entry.atMs;
    if (entry.atMs > context.nowMs - EVENT_SETTLE_MS) return;
    if (watermarkMs !== null && entry.atMs <= watermarkMs) {
      known++;
      return;
    }
    newestAtMs = Math.max(newestAtMs ?? entry.atMs, entry.atMs);
    if (rule.suppressed.has(entry.code)) suppressed++;
    else events.push(entry);
  });
  events.sort((a, b) => a.atMs - b.atMs);
  return { events, newestAtMs, known, suppressed, problems };
}

function eventOf(
  profile: Profile,
  rule: EventLogRule,
  row: Data,
  context: ReadContext,
  previousAtMs: number | null,
): MeterEvent | string {
  if (row.type !== 'structure') return `A row is a ${row.type}, a structure was expected.`;
  const code = integerOf(row.value[rule.columns.indexOf('code')] ?? NULL_DATA, 0);
  if (code === null) return 'The row has no code.';
  const time = dateTimeOf(row.value[rule.columns.indexOf('clock')] ?? NULL_DATA);
  const hints = { siteZone: context.timeZone, previousAtMs, daylight: null };
  const placed = time === null ? null : placeTime(time, profile.clock, hints);
  if (placed === null) return `Event ${code} has no usable time.`;
  const known = rule.codes.get(Number(code));
  return {
    meterId: context.meterId,
    log: rule.obis,
    code: Number(code),
    name: known?.name ?? `code-${code}`,
    sentence: known?.sentence ?? `The meter logged code ${code}, which its profile does not name.`,
    atMs: placed.atMs,
    severity: known?.severity ?? 'info',
  };
}

/**
 * The event that a meter tells by itself: the value of an object whose codes a log of the profile has. It is the event of that
 * log, so that it is known as the same one when the log is read. Null when the profile does not know the object, keeps the
 * code back, or the notification has no usable time.
 */
export function readHappening(
  profile: Profile,
  { attribute, time, value }: Happening,
  context: ReadContext,
): MeterEvent | null {
  if (attribute.attributeId !== VALUE_ATTRIBUTE || time === null) return null;
  const rule = profile.eventLogs.find(({ codeObis }) => codeObis === attribute.instanceId);
  if (rule === undefined) return null;
  const cells = { clock: { type: 'octet-string', value: time }, code: value, ignore: NULL_DATA } as const;
  const row: Data = { type: 'structure', value: rule.columns.map((column) => cells[column]) };
  const event = eventOf(profile, rule, row, context, null);
  return typeof event === 'string' || rule.suppressed.has(event.code) ? null : event;
}

const NULL_DATA: Data = { type: 'null-data' };
