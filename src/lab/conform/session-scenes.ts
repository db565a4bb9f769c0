/** Scenes of sessions that end: a cut connection, a collector that begins anew, a refusal. */
import { type CollectorBody, NO_SESSION } from '../../wire/messages.ts';
import { CREDIT_LANES, type Examiner } from './examiner.ts';
import { heldNow, judgeStart } from './flow-scenes.ts';
import { mustNotMove } from './forgery-scene.ts';

const LARGE_CREDIT = 1_000_000;
/** A device may wait before it connects again, up to five minutes and a bit. */
const RECONNECT_MS = 330_000;
const HELLO_MS = 30_000;
const COME_MS = 20_000;
/** An answer is heard by then: a message with QoS 0 may overtake it. */
const HEARD_MS = 2_000;
/** W-61: at the earliest 5 s after the last hello, with what clocks and ways may differ. */
const RECALL_MIN_MS = 4_500;
/** W-79: five minutes, and some. */
const REFUSED_MAX_MS = 330_000;

/** The connection is cut: the device comes back by itself, says hello, and goes on behind what is held. */
export async function cutScene(exam: Examiner): Promise<void> {
  const { watch, verdicts, stand } = exam;
  exam.take(false);
  const connects = watch.connectedAtMs;
  const hellos = watch.helloTimesMs.length;
  stand.cut();
  const back = await exam.until(() => watch.connectedAtMs > connects, RECONNECT_MS);
  const said = back && (await exam.until(() => watch.helloTimesMs.length > hellos, HELLO_MS));
  verdicts.judge(
    'W-52',
    said,
    'Hello came after each connect.',
    back ? 'No hello came after the second connect.' : 'The device did not come back after its connection was cut.',
  );
  if (!said) return;
  const from = watch.arrivals.length;
  exam.answer(LARGE_CREDIT, heldNow(exam));
  await exam.rest(COME_MS / 4);
  judgeStart(exam, from);
}

/** A restored collector under a new term: it knows no session, then wants everything again. */
export async function restartScene(exam: Examiner): Promise<void> {
  const { watch, verdicts, env } = exam;
  // Twice: the second one comes right behind a hello.
  if (!(await calledForHello(exam)) || !(await calledForHello(exam))) return;
  const oldTerm = exam.term;
  exam.term = env.random.bytes(12);
  exam.answer(1);
  await exam.rest(HEARD_MS);
  const { epoch = '' } = watch.hello ?? {};
  const lane = CREDIT_LANES.find((each) => exam.beforeFirst(each) < lastOf(exam, each));
  if (lane === undefined) {
    verdicts.missed('W-89', 'The device holds no block of lanes 2-5 any more.');
    return;
  }
  const held = [{ lane, upTo: watch.lane(lane).upTo }];
  await mustNotMove(exam, 'W-54', 'an ack of the term before', () =>
    exam.ackAsIs(epoch, held, LARGE_CREDIT, { term: oldTerm }),
  );
  const from = watch.arrivals.length;
  watch.credit = LARGE_CREDIT;
  exam.ackAsIs(epoch, held, LARGE_CREDIT);
  const came = await exam.until(() => exam.arrivedSince(from).length > 0, COME_MS);
  verdicts.judge(
    'W-89',
    came,
    'A collector that had lost everything got the blocks again.',
    'A collector that answers with less than it held before got nothing.',
  );
  judgeStart(exam, from);
}

/** Says that no session is known; a hello follows, but not at once behind the one before. */
async function calledForHello(exam: Examiner): Promise<boolean> {
  const { watch, verdicts } = exam;
  const lastMs = watch.helloTimesMs.at(-1) ?? 0;
  exam.say(noSession(), { session: NO_SESSION });
  const called = await exam.nextHello(COME_MS);
  const tookMs = (watch.helloTimesMs.at(-1) ?? 0) - lastMs;
  verdicts.judge(
    'W-61',
    called && tookMs >= RECALL_MIN_MS,
    'A collector that knew no session got a hello, no sooner than 5 s after the one before.',
    called ? `Hello came ${Math.round(tookMs)} ms after the one before.` : 'No hello came within 20 s.',
  );
  return called;
}

/** The collector will not take blocks for now: they stay, and hello comes again after minutes. */
export async function refusalScene(exam: Examiner): Promise<void> {
  const { watch, verdicts } = exam;
  exam.take(false);
  if (!(await calledForHello(exam))) return verdicts.missed('W-79', 'No session could be refused.');
  // It wants everything, but lets nothing leave: so there is something that the refusal keeps at home.
  exam.answer(1);
  await exam.rest(HEARD_MS);
  const sentence = 'This is an exam: the collector takes nothing for now.';
  watch.refusedAtMs = exam.nowMs;
  exam.say({ kind: 'refusal', code: 'INGEST_NOT_SAFE', sentence });
  const fromMs = exam.nowMs;
  const came = await exam.nextHello(REFUSED_MAX_MS);
  const tookS = Math.round((exam.nowMs - fromMs) / 1_000);
  verdicts.judge(
    'W-79',
    came && tookS >= 30,
    `After a refusal no block left, and hello came after ${tookS} s.`,
    came ? `After a refusal hello came at once, after ${tookS} s.` : 'After a refusal no hello came in 330 s.',
  );
}

function noSession(): CollectorBody {
  return { kind: 'refusal', code: 'INGEST_NO_SESSION', sentence: 'No session of this device is known: say hello.' };
}

function lastOf(exam: Examiner, lane: number): number {
  return exam.watch.hello?.lanes.find((span) => span.lane === lane)?.last ?? 0;
}
