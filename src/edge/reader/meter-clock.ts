/**
 * The clock of a meter beside the edge's: within its tolerance it is left alone, beyond it the edge says so once, and beyond
 * the largest step nobody may correct it unseen: somebody set it, or it was never set. Rows that such a clock stamped are
 * marked; it is not set from here.
 */

import { isoText } from '../../base/time.ts';
import type { MeterEvent } from '../../model/event.ts';
import { QUALITIES } from '../../model/reading.ts';
import { clockRequest } from '../../profile/plan.ts';
import { edgeError } from '../errors.ts';
import type { GroupRows, Meter } from '../ports.ts';
import { ask, context, type JobScene, put, timeOfClock } from './scene.ts';

/** Cause of the trouble of a clock. */
const CLOCK = 'clock';

/**
 * Reads the clock and says when it is off, or right again. The meter's time, UTC ms, or null when it has no clock or the edge
 * has no time to compare it with. Rejects with READER_BAD_ANSWER and READER_OBJECT_REFUSED.
 */
export async function measureClock(scene: JobScene): Promise<number | null> {
  const { meter, memory } = scene;
  const { clock } = meter.profile;
  const nowMs = scene.around.nowMs();
  // An edge without time cannot tell whose clock is off.
  if (clock.obis === null || nowMs === null) return null;
  const ctx = { ...context(scene), nowMs };
  const time = timeOfClock(scene, await ask(scene, clockRequest(clock.obis)), ctx);
  if (time.quality === 'no-meter-time') throw edgeError('READER_BAD_ANSWER', 'the clock says no usable time');
  const offsetS = Math.round((time.atMs - ctx.nowMs) / 1000);
  const { toleranceS, maxStepS } = clockLimits(scene);
  const isOff = Math.abs(offsetS) > toleranceS;
  const isBack = isOff && isBehindItsRows(scene, time.atMs);
  if (Math.abs(offsetS) > maxStepS || isBack)
    memory.troubles.set(CLOCK, { state: 'clock-wrong', sentence: wrongWords(offsetS, time.atMs, isBack) });
  else if (!isOff) memory.troubles.delete(CLOCK);
  if (isOff !== memory.clockIsOff) {
    memory.clockIsOff = isOff;
    const event = clockEvent(meter, offsetS, isOff, ctx.nowMs);
    await put(scene, { records: [{ kind: 'event', event }] });
  }
  return time.atMs;
}

/** Whether the clock was further off than the largest step when it was read last. */
export function isClockWrong({ memory }: JobScene): boolean {
  return memory.troubles.has(CLOCK);
}

/** Rows that a clock stamped which is wrong: they are no better than `clock-invalid`. */
export function doubted(groups: readonly GroupRows[]): readonly GroupRows[] {
  const least = QUALITIES.indexOf('clock-invalid');
  return groups.map((group) => ({
    ...group,
    rows: group.rows.map((row) =>
      QUALITIES.indexOf(row.quality) < least ? { ...row, quality: 'clock-invalid' } : row,
    ),
  }));
}

function clockLimits({ meter, around }: JobScene) {
  const { toleranceS, setMaxS } = meter.profile.clock;
  const { toleranceS: tolerance = toleranceS, maxStepS = setMaxS } = around.clock ?? {};
  return { toleranceS: tolerance, maxStepS };
}

function isBehindItsRows({ meter, around }: JobScene, atMs: number): boolean {
  return meter.profile.buffers.some(({ obis }) => (around.stage.watermark(meter.meterId, obis) ?? 0) > atMs);
}

function wrongWords(offsetS: number, atMs: number, isBack: boolean): string {
  const how = isBack ? 'It was set back behind rows that it had recorded.' : 'It was set, or never was.';
  return `The clock of the meter says ${isoText(atMs)}, ${offsetWords(offsetS)}. ${how} What it records is marked as doubtful until its clock is set.`;
}

function offsetWords(offsetS: number): string {
  return `${Math.abs(offsetS)} s ${offsetS >= 0 ? 'ahead of' : 'behind'} the concentrator's`;
}

function clockEvent(meter: Meter, offsetS: number, isOff: boolean, atMs: number): MeterEvent {
  return {
    meterId: meter.meterId,
    log: 'edge',
    code: isOff ? 1 : 2,
    name: isOff ? 'clock-off' : 'clock-right',
    sentence: `The clock of the meter is ${offsetWords(offsetS)}.`,
    atMs,
    severity: isOff ? 'warning' : 'info',
  };
}
