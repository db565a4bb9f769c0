/**
 * What a periodic job asks and what it makes of the answers. Each takes an association on demand, so that a job with
 * nothing to ask costs no octet, and hands what it read to the stage together with the new watermark.
 */
import { sameOctets } from '../../base/bytes.ts';
import { DeltawattError } from '../../base/errors.ts';
import type { Data } from '../../dlms/axdr/data.ts';
import type { MeterEvent } from '../../model/event.ts';
import { compactRequests, readCompact } from '../../profile/compact.ts';
import { readEvents } from '../../profile/event-readout.ts';
import {
  attributeRequests,
  bufferRequests,
  clockRequest,
  type DeltaRange,
  eventRequests,
  type ReadJob,
  type ReadRequest,
  registerRequests,
  sliceRowsOf,
} from '../../profile/plan.ts';
import { type ReadContext, type ReadoutProblem, readBuffer } from '../../profile/readout.ts';
import { readAttributes, readRegisters, registerTime } from '../../profile/register-readout.ts';
import type { BufferRule } from '../../profile/schema/profile.ts';
import { captureTimeRequests } from '../../profile/sub-meter.ts';
import { edgeError } from '../errors.ts';
import type { Entry, Health, Meter, ReadingStage } from '../ports.ts';
import { accessOf, dataOf, wantedData } from './answers.ts';
import type { AttributeFilter } from './attribute-filter.ts';
import { askRows, type ColumnsMemory } from './columns.ts';
import { gapsOf } from './gaps.ts';
import { learnScalers, type Scalers, unknownScalers } from './known-units.ts';
import type { OpenAssociation } from './sessions.ts';

/** What jobs need around them. */
export interface JobSurroundings {
  readonly line: string;
  readonly stage: ReadingStage;
  readonly attributes: AttributeFilter;
  readonly health: Health;
  /** The edge's time, UTC ms, null while its clock is not set. */
  readonly nowMs: () => number | null;
  /** Wall clock as it is, for the read-at of entries. */
  readonly wallMs: () => number;
  /** Whether somebody confirmed that time: until then a meter's clock goes before it where that matters. */
  readonly isConfirmed: () => boolean;
  /** Rows of a buffer that the line bears in one request; absent = as the profile says. */
  readonly sliceRowsMax?: (rule: BufferRule) => number;
  /** How far back is read while nothing is held, ms; null = as far as the meter's buffer reaches. */
  readonly historyMs: number | null;
  readonly problem: (meter: Meter, problem: ReadoutProblem) => void;
  /** What the meter told of itself counts no longer. */
  readonly firmwareChanged: (meter: Meter) => void;
  /** Somebody waits for the line: end after this request. */
  readonly shouldYield: () => boolean;
}

/** What a meter told once and is not asked again. */
export interface MeterMemory {
  /** Since the start, or since the last change of firmware. */
  scalers: Scalers | null;
  /** Before it: see known-units.ts. */
  keptScalers: Scalers | null;
  /** Up to where a buffer was found empty in a round that made way for somebody, by key. */
  readonly empty: Map<string, number>;
  /** Whether the clock was beyond its tolerance when it was read last. */
  clockIsOff: boolean;
  /** Whether the clock said its deviation when it was read last; null = it was not read yet. */
  clockSaysDeviation: boolean | null;
  /** How far the interval that is read again has come: the next request, and for which entry it counts. */
  rereadAt: { readonly name: string; readonly request: number } | null;
  readonly columns: ColumnsMemory;
  /** How the meter's compact data was set up when it was read last, by OBIS. */
  readonly compactForms: Map<string, Uint8Array>;
}

/** A profile's word for the version of a meter's program. */
const FIRMWARE = 'firmware';

/** A job at work: the meter, its memory and a way to its association. */
export interface JobScene {
  readonly meter: Meter;
  readonly memory: MeterMemory;
  readonly around: JobSurroundings;
  readonly associate: () => Promise<OpenAssociation>;
  /** Rows up to this moment are another meter's, UTC ms; null = none are. */
  readonly notBeforeMs: number | null;
}

/** Runs one slice of a job; true when more is waiting. Rejects with whatever kept it from its end. */
export function runJob(scene: JobScene, job: ReadJob): Promise<boolean> {
  switch (job.kind) {
    case 'buffer':
      return runBuffer(scene, job);
    case 'events':
      return runEvents(scene, job);
    case 'registers':
      return runRegisters(scene, job);
    case 'compact':
      return runCompact(scene, job);
    case 'attributes':
      return runAttributes(scene);
    case 'clock':
      return runClock(scene);
  }
}

function context(scene: JobScene) {
  const { meterId, timeZone } = scene.meter;
  const scalers = scene.memory.scalers;
  return { meterId, timeZone, nowMs: scene.around.nowMs(), ...(scalers === null ? {} : { scalers }) };
}

/**
 * The context with a time: the edge's, or while its clock is not set the meter's own, so that reading goes on. Throws
 * READER_CLOCK_UNSET when there is neither.
 */
export async function timedContext(scene: JobScene) {
  const { nowMs, ...rest } = context(scene);
  if (nowMs !== null) return { ...rest, nowMs };
  const meterMs = await meterNowMs(scene);
  if (meterMs === null) throw edgeError('READER_CLOCK_UNSET', scene.meter.meterId);
  return { ...rest, nowMs: meterMs };
}

/**
 * The context for reading on from a watermark. A clock that nobody confirmed is believed only when it says that the watermark
 * is at most `spanMs` old; otherwise the rows end where the meter's own clock stands. Throws as {@link timedContext} does.
 */
async function contextSince(scene: JobScene, watermarkMs: number | null, spanMs: number) {
  const ctx = context(scene);
  if (ctx.nowMs === null || scene.around.isConfirmed()) return timedContext(scene);
  const isLikely = watermarkMs !== null && watermarkMs <= ctx.nowMs && ctx.nowMs - watermarkMs <= spanMs;
  return { ...ctx, nowMs: (isLikely ? null : await meterNowMs(scene)) ?? ctx.nowMs };
}

/** The meter's time, UTC ms, or null when it has none that can be used. */
async function meterNowMs(scene: JobScene): Promise<number | null> {
  const { profile } = scene.meter;
  if (profile.clock.obis === null) return null;
  const clock = await ask(scene, clockRequest(profile.clock.obis));
  const time = timeOfClock(scene, clock, { ...context(scene), nowMs: 0 });
  return time.quality === 'no-meter-time' ? null : time.atMs;
}

/** What the meter's clock says, and whether it says its deviation: ranges are then asked for in the same way. */
function timeOfClock({ meter, memory }: JobScene, clock: Data, ctx: ReadContext & { readonly nowMs: number }) {
  const time = registerTime(meter.profile, clock, ctx);
  if (time.quality !== 'no-meter-time') memory.clockSaysDeviation = time.deviationMin !== null;
  return time;
}

/** The context with what the meter told of its units meanwhile. */
export function withScalers<Context extends ReadContext>({ memory: { scalers } }: JobScene, ctx: Context): Context {
  return scalers === null ? ctx : { ...ctx, scalers };
}

function rangeOf(scene: JobScene, watermarkMs: number | null, nowMs: number): DeltaRange {
  const { clockSaysDeviation } = scene.memory;
  const { timeZone } = scene.meter;
  return { watermarkMs, backToMs: backToMs(scene, nowMs), nowMs, timeZone, clockSaysDeviation };
}

/** Length of a slice, ms, and the rows that the line bears in it. */
function sliceOf({ around }: JobScene, rule: BufferRule) {
  const sliceRowsMax = around.sliceRowsMax?.(rule) ?? rule.sliceRows;
  return { sliceMs: sliceRowsOf(rule, { sliceRowsMax }) * rule.intervalS * 1000, sliceRowsMax };
}

function backToMs({ around: { historyMs }, notBeforeMs }: JobScene, nowMs: number): number | null {
  return laterOf(historyMs === null ? null : nowMs - historyMs, notBeforeMs);
}

/** The later of two moments, null = no bound. */
function laterOf(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}

async function runBuffer(scene: JobScene, job: ReadJob & { readonly kind: 'buffer' }): Promise<boolean> {
  const { meter, memory, around } = scene;
  // Good for one resumption only: under a clock that is ahead, rows still come where none were found.
  const emptyMs = memory.empty.get(job.key) ?? null;
  memory.empty.delete(job.key);
  const watermarkMs = around.stage.watermark(meter.meterId, job.key);
  const { sliceMs, sliceRowsMax } = sliceOf(scene, job.rule);
  const ctx = await contextSince(scene, watermarkMs, sliceMs);
  const fromMs = emptyMs === null || (watermarkMs !== null && watermarkMs >= emptyMs) ? watermarkMs : emptyMs;
  const range = { ...rangeOf(scene, fromMs, ctx.nowMs), sliceRowsMax };
  const requests = bufferRequests(meter.profile, job.rule, range);
  for (const [at, request] of requests.entries()) {
    const data = await askRows(scene, job.rule, request);
    const aboveMs = laterOf(watermarkMs, scene.notBeforeMs);
    const readout = readBuffer(meter.profile, job.rule, data, withScalers(scene, ctx), aboveMs, request.asked);
    tell(scene, readout.problems);
    const left = requests.length - at - 1;
    if (readout.newestAtMs !== null) {
      const gaps = gapsOf(meter.meterId, job.rule, readout.groups, { watermarkMs, nowMs: ctx.nowMs });
      const mark = { meterId: meter.meterId, key: job.key, atMs: readout.newestAtMs, sinceMs: watermarkMs };
      const records = gaps.map((gap) => ({ kind: 'gap', gap }) as const);
      await put(scene, { groups: readout.groups, records, watermarks: [mark] });
      return left > 0;
    }
    // Nothing in this slice: whoever waits goes first, and this round goes on behind it.
    if (left > 0 && around.shouldYield()) {
      memory.empty.set(job.key, sliceEndMs(fromMs, ctx.nowMs, job, (at + 1) * sliceMs, range.backToMs));
      return true;
    }
  }
  return false;
}

function sliceEndMs(
  fromMs: number | null,
  nowMs: number,
  job: ReadJob & { readonly kind: 'buffer' },
  readMs: number,
  backToMs: number | null,
): number {
  const intervalMs = job.rule.intervalS * 1000;
  const reachMs = nowMs - job.rule.rows * intervalMs;
  const startMs = fromMs ?? Math.max(backToMs ?? reachMs, reachMs);
  return startMs + readMs;
}

async function runEvents(scene: JobScene, job: ReadJob & { readonly kind: 'events' }): Promise<boolean> {
  const { meter, around } = scene;
  const watermarkMs = around.stage.watermark(meter.meterId, job.key);
  const ctx = await contextSince(scene, watermarkMs, Number.POSITIVE_INFINITY);
  for (const request of eventRequests(meter.profile, job.rule, rangeOf(scene, watermarkMs, ctx.nowMs))) {
    const readout = readEvents(meter.profile, job.rule, await ask(scene, request), ctx, watermarkMs);
    tell(scene, readout.problems);
    if (readout.newestAtMs === null) continue;
    const mark = { meterId: meter.meterId, key: job.key, atMs: readout.newestAtMs, sinceMs: watermarkMs };
    const records = readout.events.map((event) => ({ kind: 'event', event }) as const);
    around.health.count('reader_events', records.length);
    await put(scene, { records, watermarks: [mark] });
  }
  return false;
}

async function runRegisters(scene: JobScene, job: ReadJob & { readonly kind: 'registers' }): Promise<boolean> {
  const { meter } = scene;
  const requests = registerRequests(meter.profile, job.registers);
  const scalers = unknownScalers(scene);
  const association = await scene.associate();
  const captured = captureTimeRequests(meter.profile, job.registers);
  const results = await association.get([...requests, ...captured, ...scalers].map(accessOf));
  await learnScalers(scene, scalers, results.slice(requests.length + captured.length));
  const times = new Map(captured.map(({ obis }, at) => [obis as string, dataOf(results[requests.length + at])]));
  const ctx = await timedContext(scene);
  const withClock = requests.length > job.registers.length;
  const clock = withClock ? dataOf(results[0]) : null;
  const answers = job.registers.flatMap((register, at) => {
    const value = dataOf(results[at + (withClock ? 1 : 0)]);
    if (value === null) tell(scene, [{ index: at, sentence: `The meter did not give ${register.name}.` }]);
    if (value === null) return [];
    const captureTime = times.get(register.obis) ?? null;
    return [{ register, value, ...(captureTime === null ? {} : { captureTime }) }];
  });
  const readout = readRegisters(meter.profile, answers, clock, ctx);
  tell(scene, readout.problems);
  const mark = { meterId: meter.meterId, key: job.key, atMs: ctx.nowMs };
  await put(scene, { groups: readout.groups, watermarks: [mark] });
  return false;
}

async function runCompact(scene: JobScene, job: ReadJob & { readonly kind: 'compact' }): Promise<boolean> {
  const { meter, memory, around } = scene;
  const { rule, key } = job;
  const requests = compactRequests(meter.profile, rule);
  const scalers = unknownScalers(scene);
  const association = await scene.associate();
  const results = await association.get([...requests, ...scalers].map(accessOf));
  await learnScalers(scene, scalers, results.slice(requests.length));
  const answers = results.slice(0, requests.length).map(dataOf);
  const ctx = await timedContext(scene);
  const watermarkMs = around.stage.watermark(meter.meterId, key);
  const readout = readCompact(meter.profile, rule, answers, ctx, watermarkMs);
  memory.columns.checked(rule.obis, association, readout.kind === 'mismatch' ? readout.sentence : null);
  if (readout.kind === 'mismatch') throw edgeError('READER_RECONFIGURED', readout.sentence);
  const known = memory.compactForms.get(rule.obis);
  if (known !== undefined && !sameOctets(known, readout.form)) around.health.count('reader_compact_set_up_anew');
  memory.compactForms.set(rule.obis, readout.form);
  tell(scene, readout.problems);
  if (readout.newestAtMs === null) return false;
  const mark = { meterId: meter.meterId, key, atMs: readout.newestAtMs, sinceMs: watermarkMs };
  await put(scene, { groups: readout.groups, watermarks: [mark] });
  return false;
}

async function runAttributes(scene: JobScene): Promise<boolean> {
  const { meter, around } = scene;
  const association = await scene.associate();
  const results = await association.get(attributeRequests(meter.profile).map(accessOf));
  const answers = meter.profile.attributes.flatMap((attribute, at) => {
    const value = dataOf(results[at]);
    return value === null ? [] : [{ attribute, value }];
  });
  const ctx = { ...context(scene), nowMs: around.nowMs() ?? around.wallMs() };
  const changed = await around.attributes.changed(readAttributes(answers, ctx));
  // Another firmware may count in other units: what the old one told is asked again.
  if (changed.records.some((record) => record.kind === 'attribute' && record.attribute.name === FIRMWARE))
    forgetWhatItTold(scene);
  if (changed.records.length > 0) await put(scene, changed);
  return false;
}

function forgetWhatItTold({ memory, meter, around }: JobScene): void {
  memory.scalers = null;
  memory.keptScalers = null;
  around.firmwareChanged(meter);
}

/** Measures how far the meter's clock is off; it is not set. Being off is told once, and so is being right again. */
async function runClock(scene: JobScene): Promise<boolean> {
  const { meter, memory } = scene;
  const { clock } = meter.profile;
  const nowMs = scene.around.nowMs();
  // An edge without time cannot tell whose clock is off.
  if (clock.obis === null || nowMs === null) return false;
  const ctx = { ...context(scene), nowMs };
  const time = timeOfClock(scene, await ask(scene, clockRequest(clock.obis)), ctx);
  if (time.quality === 'no-meter-time') throw edgeError('READER_BAD_ANSWER', 'the clock says no usable time');
  const offsetS = Math.round((time.atMs - ctx.nowMs) / 1000);
  const isOff = Math.abs(offsetS) > clock.toleranceS;
  if (isOff !== memory.clockIsOff) {
    memory.clockIsOff = isOff;
    const event = clockEvent(meter, offsetS, isOff, ctx.nowMs);
    await put(scene, { records: [{ kind: 'event', event }] });
  }
  return false;
}

function clockEvent(meter: Meter, offsetS: number, isOff: boolean, atMs: number): MeterEvent {
  const direction = offsetS >= 0 ? 'ahead of' : 'behind';
  const sentence = `The clock of the meter is ${Math.abs(offsetS)} s ${direction} the concentrator's.`;
  const name = isOff ? 'clock-off' : 'clock-right';
  return {
    meterId: meter.meterId,
    log: 'edge',
    code: isOff ? 1 : 2,
    name,
    sentence,
    atMs,
    severity: isOff ? 'warning' : 'info',
  };
}

/** One attribute, which the meter must give; throws READER_OBJECT_REFUSED. */
export async function ask(scene: JobScene, request: ReadRequest): Promise<Data> {
  const association = await scene.associate();
  const [result] = await association.get([accessOf(request)]);
  return wantedData(request, result);
}

/** Counts and logs what could not be used. */
export function tell(scene: JobScene, problems: readonly ReadoutProblem[]): void {
  for (const problem of problems) scene.around.problem(scene.meter, problem);
}

/** Hands what was read to the stage. */
export async function put(scene: JobScene, part: Partial<Entry>): Promise<void> {
  const { line, stage, wallMs } = scene.around;
  await stage.add({ line, groups: [], records: [], watermarks: [], keep: [], readAtMs: wallMs(), ...part });
}

/** Whether rows were refused because earlier ones fell out of the stage: the job is simply run again. */
export function isStale(error: unknown): boolean {
  return error instanceof DeltawattError && error.code === 'JOURNAL_STALE';
}
