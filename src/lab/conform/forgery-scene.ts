/** Messages that a device must not take, while one octet of credit keeps everything of lanes 2-5 at home. */
import { concat } from '../../base/bytes.ts';
import { encodeCollectorMessage } from '../../wire/codec.ts';
import type { Lane } from '../../wire/lanes.ts';
import { CREDIT_LANES, type Examiner } from './examiner.ts';
import type { RuleId } from './verdicts.ts';

/** Time for a block to come that should not. */
const LOOK_MS = 3_000;
/** Time for a block to come that should. */
const COME_MS = 15_000;
/** What a forged message offers. */
const LARGE_CREDIT = 1_000_000;

/** Leaves the device in an open session with a large credit. */
export async function forgeryScene(exam: Examiner): Promise<void> {
  const { watch, env } = exam;
  const waiting = exam.waiting();
  // Before the answer: one under a foreign key.
  const body = { kind: 'answer', lanes: [], credit: LARGE_CREDIT } as const;
  await mustNotMove(exam, 'W-68', 'an answer under a foreign key', () => exam.say(body, { key: env.random.bytes(32) }));
  exam.answer(1);
  await mustNotMove(exam, 'W-74', 'an answer with one octet of credit', () => undefined);
  const { epoch = '' } = watch.hello ?? {};
  const lane = laneInHand(exam);
  const { upTo } = watch.lane(lane);
  const last = watch.hello?.lanes.find((span) => span.lane === lane)?.last ?? 0;
  const same = [{ lane, upTo }];
  const forged = (twist: Parameters<Examiner['ackAsIs']>[3]) => () => exam.ackAsIs(epoch, same, LARGE_CREDIT, twist);
  await mustNotMove(exam, 'W-68', 'an ack under a foreign key', forged({ key: env.random.bytes(32) }));
  await mustNotMove(exam, 'W-54', 'an ack of another session', forged({ session: env.random.bytes(16) }));
  await mustNotMove(exam, 'W-54', 'an ack of another term', forged({ term: env.random.bytes(12) }));
  await mustNotMove(exam, 'W-76', 'an ack of another epoch', () => exam.ackAsIs(flipped(epoch), same, LARGE_CREDIT));
  await mustNotMove(exam, 'W-76', 'a second answer', () => exam.say(body));
  await mustNotMove(exam, 'W-78', 'an ack beyond the last block', () =>
    exam.ackAsIs(epoch, [{ lane, upTo: last + 1_000_000 }], LARGE_CREDIT),
  );
  if (upTo > 0)
    await mustNotMove(exam, 'W-77', 'an old ack', () => exam.ackAsIs(epoch, [{ lane, upTo: upTo - 1 }], LARGE_CREDIT));
  exam.sayRaw(env.random.bytes(40));
  exam.sayBody(ofLaterVersion(exam));
  await exam.rest(LOOK_MS);
  await mustGoOn(exam, lane, waiting);
}

/** The same ack with a real credit opens the lanes: credit is what was named last, and the session outlived all of it. */
async function mustGoOn(exam: Examiner, lane: Lane, waiting: number): Promise<void> {
  const { watch, verdicts } = exam;
  const from = watch.arrivals.length;
  const hellos = watch.helloTimesMs.length;
  watch.credit = LARGE_CREDIT;
  exam.ackAsIs(watch.hello?.epoch ?? '', [{ lane, upTo: watch.lane(lane).upTo }], LARGE_CREDIT);
  const moved = await exam.until(() => exam.arrivedSince(from).length > 0, waiting > 0 ? COME_MS : 0);
  const stayed = watch.helloTimesMs.length === hellos;
  if (waiting === 0) {
    for (const id of ['W-55', 'W-69'] as const) verdicts.missed(id, 'No block waited, so nothing could go on.');
    return;
  }
  verdicts.judge(
    'W-69',
    stayed && moved,
    'The session went on after unknown messages.',
    stayed ? 'Nothing came any more after unknown messages.' : 'It said hello after an unknown message.',
  );
  verdicts.judge(
    'W-55',
    moved,
    'An ack restated the credit, and blocks came.',
    'An ack that names a larger credit opened nothing.',
  );
}

/** Nothing of lanes 2-5 may follow. Where nothing waits, nothing is shown. */
export async function mustNotMove(exam: Examiner, id: RuleId, what: string, say: () => void): Promise<void> {
  const { watch, verdicts } = exam;
  const from = watch.arrivals.length;
  say();
  const moved = await exam.until(() => exam.arrivedSince(from).length > 0, LOOK_MS);
  if (moved) verdicts.failed(id, `A block left after ${what}.`);
  else if (exam.waiting() > 0) verdicts.passed(id, `Nothing left after ${what}.`);
  else verdicts.missed(id, 'No block waited that could have left.');
}

/** A lane of which something waits. */
function laneInHand(exam: Examiner): Lane {
  const { watch } = exam;
  const waits = (lane: Lane) =>
    (watch.hello?.lanes.find((span) => span.lane === lane)?.last ?? 0) > watch.lane(lane).upTo;
  return CREDIT_LANES.find(waits) ?? 2;
}

function flipped(epoch: string): string {
  return `${epoch.startsWith('0') ? '1' : '0'}${epoch.slice(1)}`;
}

/** A message of this session with nothing in it but field 99. */
function ofLaterVersion(exam: Examiner): Uint8Array {
  const { env, term, watch } = exam;
  const head = { session: watch.hello?.session ?? new Uint8Array(16), term, serverTimeMs: env.clock.nowMs() };
  const known = encodeCollectorMessage({ ...head, body: { kind: 'need-keyframe', lane: 0, upTo: 0 } });
  // Without its last field: a request of lane 0 up to 0 is two octets, tag and length 0.
  return concat([known.subarray(0, known.length - 2), Uint8Array.of(0x9a, 0x06, 0x00)]);
}
