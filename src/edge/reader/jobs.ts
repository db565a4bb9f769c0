/**
 * What a periodic job asks and what it makes of the answers. Each takes an association on demand, so that a job with
 * nothing to ask costs no octet, and hands what it read to the stage together with the new watermark.
 */
import { sameOctets } from '../../base/bytes.ts';
import { DeltawattError } from '../../base/errors.ts';
import { compactRequests, readCompact } from '../../profile/compact.ts';
import { readEvents } from '../../profile/event-readout.ts';
import {
  attributeRequests,
  bufferRequests,
  type DeltaRange,
  eventRequests,
  type ReadJob,
  registerRequests,
  sliceRowsOf,
} from '../../profile/plan.ts';
import { readBuffer } from '../../profile/readout.ts';
import { readAttributes, readRegisters } from '../../profile/register-readout.ts';
import type { BufferRule } from '../../profile/schema/profile.ts';
import { captureTimeRequests } from '../../profile/sub-meter.ts';
import { edgeError } from '../errors.ts';
import { accessOf, dataOf } from './answers.ts';
import { askRows } from './columns.ts';
import { diagnoseHole, diagnoseSilence } from './diagnose.ts';
import { gapsOf } from './gaps.ts';
import { learnScalers, unknownScalers } from './known-units.ts';
import { doubted, isClockWrong, measureClock } from './meter-clock.ts';
import { ask, context, type JobScene, meterNowMs, put, tell, timedContext, withScalers } from './scene.ts';

/** A profile's word for the version of a meter's program. */
const FIRMWARE = 'firmware';

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
      return measureClock(scene).then(() => false);
  }
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
      const groups = isClockWrong(scene) ? doubted(readout.groups) : readout.groups;
      await put(scene, { groups, records, watermarks: [mark] });
      const held = new Set(groups.flatMap(({ rows }) => rows.map(({ atMs }) => atMs))).size;
      const hasHole = watermarkMs !== null && gaps[0]?.fromMs === watermarkMs + job.rule.intervalS * 1000;
      await diagnoseHole(scene, job, held, hasHole);
      // A clock that is wrong may have been set since.
      if (isClockWrong(scene)) await measureClock(scene);
      return left > 0;
    }
    // Nothing in this slice: whoever waits goes first, and this round goes on behind it.
    if (left > 0 && around.shouldYield()) {
      memory.empty.set(job.key, sliceEndMs(fromMs, ctx.nowMs, job, (at + 1) * sliceMs, range.backToMs));
      return true;
    }
  }
  if (requests.length > 0) await diagnoseSilence(scene, job, watermarkMs, ctx.nowMs);
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
  const groups = isClockWrong(scene) ? doubted(readout.groups) : readout.groups;
  await put(scene, { groups, watermarks: [mark] });
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

/** Whether rows were refused because earlier ones fell out of the stage: the job is simply run again. */
export function isStale(error: unknown): boolean {
  return error instanceof DeltawattError && error.code === 'JOURNAL_STALE';
}
