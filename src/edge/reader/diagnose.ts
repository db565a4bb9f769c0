/**
 * Why a buffer does not give the rows that it should have: its meter's clock was set back, or it was cleared. Asked only then,
 * so that a meter that is well costs nothing.
 */
import { plainRequest, type ReadJob } from '../../profile/plan.ts';
import { accessOf, dataOf } from './answers.ts';
import { isClockWrong, measureClock } from './meter-clock.ts';
import type { JobScene } from './scene.ts';

type BufferJob = ReadJob & { readonly kind: 'buffer' };

const PROFILE_GENERIC = 7;
const ENTRIES_IN_USE = 7;
/** A meter may need so long to store a row after its interval. */
const SLACK_MS = 120_000;

/** No row came above the watermark: says why when two intervals or more have passed. */
export async function diagnoseSilence(
  scene: JobScene,
  job: BufferJob,
  watermarkMs: number | null,
  nowMs: number,
): Promise<void> {
  if (watermarkMs === null || nowMs - watermarkMs < 2 * job.rule.intervalS * 1000 + SLACK_MS) return;
  await measureClock(scene);
  if (isClockWrong(scene)) return;
  if ((await entriesOf(scene, job)) === 0) cleared(scene, job);
}

/** Rows came, `held` of them; `hasHole` = the first ones after the watermark were missing. */
export async function diagnoseHole(scene: JobScene, job: BufferJob, held: number, hasHole: boolean): Promise<void> {
  if (!hasHole) {
    scene.memory.troubles.delete(causeOf(job));
    return;
  }
  const entries = await entriesOf(scene, job);
  if (entries !== null && entries <= held) cleared(scene, job);
}

function cleared({ memory }: JobScene, job: BufferJob): void {
  const sentence = `The buffer ${job.rule.obis} was cleared: what it held and was not read yet is lost. Reading goes on with its new rows.`;
  memory.troubles.set(causeOf(job), { state: 'buffer-cleared', sentence });
}

function causeOf({ key }: BufferJob): string {
  return `cleared ${key}`;
}

/** `entries_in_use`, or null when the meter does not tell. */
async function entriesOf(scene: JobScene, { rule }: BufferJob): Promise<number | null> {
  const association = await scene.associate();
  const [result] = await association.get([accessOf(plainRequest(PROFILE_GENERIC, rule.obis, ENTRIES_IN_USE))]);
  const data = dataOf(result);
  return data !== null && 'value' in data && typeof data.value === 'number' ? data.value : null;
}
