/**
 * An exam of a device: scenes in which a collector behaves well, badly and not at all, one after the other.
 *
 * Plan: most of what must not happen is looked for while credit is one octet. Nothing of lanes 2-5 may leave then, so a
 * message that the device should ignore shows by the first block that follows it; and the ack that then names a real credit
 * shows that the session outlived all of it. The collector of the exam holds nothing at the start: it answers that it wants all
 * that the device still has, so a device that was examined before can be examined again.
 *
 * Given up: what makes a device throw its journal away (an answer beyond it, the alarm for two devices of one name).
 * Known weak point: a device with fewer than three blocks waiting shows little; the exam waits for more before it begins.
 */

import type { Examiner } from './examiner.ts';
import { acknowledgedScene, dictionaryScene, keyframeScene, withheldScene } from './flow-scenes.ts';
import { forgeryScene } from './forgery-scene.ts';
import { orderScene } from './orders.ts';
import { rereadScene } from './reread-scene.ts';
import { cutScene, refusalScene, restartScene } from './session-scenes.ts';
import type { RuleId } from './verdicts.ts';

/** Settings of an exam. */
export interface ExamOptions {
  /** How long to wait for the device, and for blocks that wait in it, ms each. */
  readonly patienceMs: number;
  /** Leaves out what takes minutes. */
  readonly quick: boolean;
  /** Says what is being done, for people. */
  readonly tell: (line: string) => void;
}

/** Blocks of lanes 2-5 with which an exam is worth beginning. */
const WORTH_BLOCKS = 3;
const HELLO_WITHIN_MS = 30_000;

/** What is told of a scene, and the scene. */
type Scene = readonly [string, (exam: Examiner) => Promise<void>];

/** Scenes that wait for many minutes, and what only they show. */
const LONG_SCENES: readonly Scene[] = [
  ['orders to read again', rereadScene],
  ['the collector refuses', refusalScene],
];
const LONG_RULES: readonly RuleId[] = ['W-79', 'W-96', 'W-97', 'W-98'];

/** Runs all scenes; false when the device never said hello, so that nothing else could be seen. */
export async function runExam(exam: Examiner, options: ExamOptions): Promise<boolean> {
  const { tell, quick } = options;
  if (!(await arrivalScene(exam, options))) return false;
  const scenes: readonly Scene[] = [
    ['forged, old and unknown messages while nothing may leave', forgeryScene],
    ['acks are withheld', withheldScene],
    ['a dictionary is asked for', dictionaryScene],
    ['a keyframe is asked for', keyframeScene],
    ['acks: of several lanes, repeated, old', acknowledgedScene],
    ['the connection is cut', cutScene],
    ['the collector is restored and begins anew', restartScene],
    ['orders that are not good', orderScene],
    ...(quick ? [] : LONG_SCENES),
  ];
  for (const [name, scene] of scenes) {
    tell(`${name}...`);
    await scene(exam);
  }
  if (quick) for (const id of LONG_RULES) exam.verdicts.missed(id, 'Left out by --quick.');
  return true;
}

/** Connect, subscribe, hello; then silence until enough waits in the device. */
async function arrivalScene(exam: Examiner, { patienceMs, tell }: ExamOptions): Promise<boolean> {
  const { watch, verdicts } = exam;
  tell('waiting for the device to connect...');
  if (!(await exam.until(() => watch.isConnected, patienceMs))) {
    verdicts.missed('W-63', 'The device did not connect.');
    return false;
  }
  const came = await exam.until(() => watch.helloTimesMs.length > 0, HELLO_WITHIN_MS);
  verdicts.judge('W-52', came, 'Hello came after each connect.', 'No good hello came within 30 s of the connect.');
  if (watch.subscribedAtMs < watch.connectedAtMs) verdicts.failed('W-40', 'It did not subscribe its topic d.');
  if (!came) return false;
  tell('no answer, until three blocks wait in lanes 2-5...');
  const again = await exam.nextHello(patienceMs);
  const [first = 0, second = 0] = watch.helloTimesMs;
  verdicts.judge(
    'W-72',
    again && second - first >= 25_000 && second - first <= 60_000,
    `An unanswered hello was said again after ${seconds(second - first)} s.`,
    again ? `An unanswered hello was said again after ${seconds(second - first)} s.` : 'It was not said again.',
  );
  await exam.until(() => exam.waiting() >= WORTH_BLOCKS, patienceMs);
  const waiting = exam.waiting();
  tell(`${waiting} blocks wait`);
  if (waiting > 0) verdicts.passed('W-73', 'Blocks of lanes 2-5 waited for the answer.');
  for (const id of ['W-74', 'W-73', 'W-75', 'W-81'] as const)
    if (waiting < WORTH_BLOCKS) verdicts.missed(id, `Only ${waiting} blocks waited in lanes 2-5.`);
  return true;
}

/** Whole seconds, for sentences. */
function seconds(timeMs: number): number {
  return Math.round(timeMs / 1_000);
}
