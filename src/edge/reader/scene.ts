/** What a job has around it: the meter, what is remembered of it, and a way to its association, its time and the stage. */

import type { Data } from '../../dlms/axdr/data.ts';
import type { MeterStateName } from '../../model/event.ts';
import { clockRequest, type ReadRequest } from '../../profile/plan.ts';
import type { ReadContext, ReadoutProblem } from '../../profile/readout.ts';
import { registerTime } from '../../profile/register-readout.ts';
import type { BufferRule } from '../../profile/schema/profile.ts';
import { entryWith } from '../entry.ts';
import { edgeError } from '../errors.ts';
import type { Entry, Health, Meter, ReadingStage } from '../ports.ts';
import { accessOf, wantedData } from './answers.ts';
import type { AttributeFilter } from './attribute-filter.ts';
import type { ColumnsMemory } from './columns.ts';
import type { Scalers } from './known-units.ts';
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
  /** Limits of the site instead of the profile's; absent = the profile's. */
  readonly clock?: ClockLimits;
  /** How far back is read while nothing is held, ms; null = as far as the meter's buffer reaches. */
  readonly historyMs: number | null;
  readonly problem: (meter: Meter, problem: ReadoutProblem) => void;
  /** What the meter told of itself counts no longer. */
  readonly firmwareChanged: (meter: Meter) => void;
  /** Somebody waits for the line: end after this request. */
  readonly shouldYield: () => boolean;
}

/** How far a meter's clock may be off, s; absent = as its profile says. */
export interface ClockLimits {
  /** Left alone up to here. */
  readonly toleranceS?: number;
  /** Beyond this it was set by somebody, or never. */
  readonly maxStepS?: number;
}

/** A state that a meter is in although it answers. */
export interface Trouble {
  readonly state: MeterStateName;
  readonly sentence: string;
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
  /** What needs a person although the meter answers, by cause; the first one is its state. */
  readonly troubles: Map<string, Trouble>;
  /** Whether the clock said its deviation when it was read last; null = it was not read yet. */
  clockSaysDeviation: boolean | null;
  /** How far the interval that is read again has come: the next request, the interval ends that came, and for which entry. */
  rereadAt: { readonly name: string; readonly request: number; readonly atMs: readonly number[] } | null;
  readonly columns: ColumnsMemory;
  /** How the meter's compact data was set up when it was read last, by OBIS. */
  readonly compactForms: Map<string, Uint8Array>;
}

/** A job at work: the meter, its memory and a way to its association. */
export interface JobScene {
  readonly meter: Meter;
  readonly memory: MeterMemory;
  readonly around: JobSurroundings;
  readonly associate: () => Promise<OpenAssociation>;
  /** Rows up to this moment are another meter's, UTC ms; null = none are. */
  readonly notBeforeMs: number | null;
}

/** Who the meter is, and the time of the edge where it has one. */
export function context(scene: JobScene) {
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

/** The meter's time, UTC ms, or null when it has none that can be used. */
export async function meterNowMs(scene: JobScene): Promise<number | null> {
  const { profile } = scene.meter;
  if (profile.clock.obis === null) return null;
  const clock = await ask(scene, clockRequest(profile.clock.obis));
  const time = timeOfClock(scene, clock, { ...context(scene), nowMs: 0 });
  return time.quality === 'no-meter-time' ? null : time.atMs;
}

/** What the meter's clock says, and whether it says its deviation: ranges are then asked for in the same way. */
export function timeOfClock({ meter, memory }: JobScene, clock: Data, ctx: ReadContext & { readonly nowMs: number }) {
  const time = registerTime(meter.profile, clock, ctx);
  if (time.quality !== 'no-meter-time') memory.clockSaysDeviation = time.deviationMin !== null;
  return time;
}

/** The context with what the meter told of its units meanwhile. */
export function withScalers<Context extends ReadContext>({ memory: { scalers } }: JobScene, ctx: Context): Context {
  return scalers === null ? ctx : { ...ctx, scalers };
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
  await stage.add(entryWith(wallMs(), { line, ...part }));
}
