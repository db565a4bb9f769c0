/** Scenes of an open session: blocks, acks that do not come, come twice or late, and requests to send again. */
import type { Lane } from '../../wire/lanes.ts';
import type { LaneUpTo } from '../../wire/messages.ts';
import { CREDIT_LANES, type Examiner } from './examiner.ts';
import { firstOf, type SeenBlock } from './watch.ts';

const LARGE_CREDIT = 1_000_000;
/** W-70: 30 s, or four round trips. */
const STUCK_MIN_MS = 29_000;
const STUCK_MAX_MS = 90_000;
const COME_MS = 20_000;
/** Time for a hello that would come because blocks are thought to be unacknowledged. */
const QUIET_MS = 45_000;
/** A second request of the same is not heard within five seconds. */
const REQUEST_PAUSE_MS = 6_000;

/** Nothing is acknowledged: hello comes, and still names what was delivered to the broker. */
export async function withheldScene(exam: Examiner): Promise<void> {
  const { watch, verdicts } = exam;
  const firstAtMs = oldestAtMs(exam);
  if (firstAtMs === null) return verdicts.missed('W-70', 'No block was on its way.');
  if (exam.waiting() > exam.received().length && watch.onTheWay(2) > 0)
    verdicts.passed('W-75', 'The outstanding limit held without acks.');
  const came = await exam.nextHello(STUCK_MAX_MS);
  const tookMs = exam.nowMs - firstAtMs;
  const sentence = `Hello came ${Math.round(tookMs / 1_000)} s after a block that was not acknowledged.`;
  verdicts.judge('W-70', came && tookMs >= STUCK_MIN_MS, sentence, came ? sentence : 'No hello came in 90 s.');
  if (!came) return;
  const kept = CREDIT_LANES.every((lane) => exam.beforeFirst(lane) <= watch.lane(lane).upTo);
  verdicts.judge(
    'W-66',
    kept,
    'What the broker took and the collector did not acknowledge is still held.',
    'The hello no longer names blocks that were never acknowledged.',
  );
  const from = watch.arrivals.length;
  exam.answer(LARGE_CREDIT, heldNow(exam));
  await exam.until(() => exam.arrivedSince(from).length > 0, COME_MS);
  judgeStart(exam, from);
}

/** The dictionary of the first block behind upTo is asked for; it comes, and the blocks again. */
export async function dictionaryScene(exam: Examiner): Promise<void> {
  const { watch, verdicts, env } = exam;
  const block = firstBlock(exam, ({ header }) => header.dictionaryHash !== null);
  const hash = block?.header.dictionaryHash;
  if (block === undefined || hash === null || hash === undefined) {
    for (const id of ['W-57', 'W-48', 'W-91'] as const) verdicts.missed(id, 'No block of rows was on its way.');
    return;
  }
  await exam.rest(REQUEST_PAUSE_MS);
  const from = watch.arrivals.length;
  const askedAtMs = env.clock.monotonicMs();
  exam.say({ kind: 'need-dictionary', hash, lane: block.header.lane });
  const isThere = () => (watch.dictionaries.get(hash)?.atMs ?? -1) >= askedAtMs;
  const came = await exam.until(isThere, COME_MS);
  const again = await exam.until(() => cameAgain(exam, from, block), COME_MS);
  verdicts.judge(
    'W-57',
    came && again,
    'The dictionary came, and the blocks behind upTo again.',
    came ? 'The dictionary came, but its blocks did not come again.' : `Dictionary ${hash} did not come within 20 s.`,
  );
}

/** A keyframe start is asked for: the first block that comes in the lane is the start of the group of upTo + 1. */
export async function keyframeScene(exam: Examiner): Promise<void> {
  const { watch, verdicts } = exam;
  const block = firstBlock(exam, ({ header }) => header.dictionaryHash !== null);
  if (block === undefined) return verdicts.missed('W-86', 'No block of rows was on its way.');
  const { lane } = block.header;
  await exam.rest(REQUEST_PAUSE_MS);
  const { upTo } = watch.lane(lane);
  const from = watch.arrivals.length;
  exam.say({ kind: 'need-keyframe', lane, upTo });
  const inLane = () => exam.arrivedSince(from).filter(({ header }) => header.lane === lane);
  const came = await exam.until(() => inLane().length > 0, COME_MS);
  const first = inLane()[0]?.header;
  const wanted = Math.max(block.header.keyframe, exam.beforeFirst(lane) + 1);
  verdicts.judge(
    'W-86',
    came && first !== undefined && firstOf(first) <= wanted && first.keyframe === first.sequence,
    `It sent again from the start of the keyframe group, block ${wanted}.`,
    came ? `It sent block ${first?.sequence} instead of ${wanted}.` : 'Nothing came again.',
  );
}

/** One ack for all lanes, and time for a hello that shows that one was left out; then the ack again, and an old one. */
export async function acknowledgedScene(exam: Examiner): Promise<void> {
  const { watch, verdicts } = exam;
  const lanes = exam.received();
  if (lanes.length === 0) {
    for (const id of ['W-77', 'W-80'] as const) verdicts.missed(id, 'Nothing was on its way.');
    return;
  }
  const hellos = watch.helloTimesMs.length;
  // One octet of credit: no later block of a lane brings an ack of its own.
  exam.ack(lanes, 1);
  await exam.rest(QUIET_MS);
  if (lanes.length === 1) verdicts.missed('W-80', 'Only one lane had blocks on their way.');
  else
    verdicts.judge(
      'W-80',
      watch.helloTimesMs.length === hellos,
      `One ack of ${lanes.length} lanes left nothing to wait for.`,
      'It said hello as if a lane under `also` had not been acknowledged.',
    );
  await repeatedAndOld(exam, lanes);
}

/** Neither an ack that comes twice nor one that is late brings anything back. */
async function repeatedAndOld(exam: Examiner, lanes: readonly LaneUpTo[]): Promise<void> {
  const { watch, verdicts } = exam;
  const epoch = watch.hello?.epoch ?? '';
  const from = watch.arrivals.length;
  watch.credit = LARGE_CREDIT;
  exam.take(true);
  exam.ackAsIs(epoch, lanes, LARGE_CREDIT);
  const old = lanes.map(({ lane, upTo }) => ({ lane, upTo: upTo - 1 }));
  exam.ackAsIs(epoch, old, LARGE_CREDIT);
  await exam.rest(COME_MS);
  const stale = watch.arrivals
    .slice(from)
    .find(({ header }) => lanes.some(({ lane, upTo }) => lane === header.lane && header.sequence <= upTo));
  verdicts.judge(
    'W-77',
    stale === undefined,
    'Nothing came again after repeated and old acks.',
    `Block ${stale?.header.sequence} of lane ${stale?.header.lane} came again after it was acknowledged.`,
  );
}

/** What the collector holds, as it was told. */
export function heldNow(exam: Examiner): ReadonlyMap<Lane, number> {
  return new Map([...exam.watch.lanes].map(([lane, { upTo }]) => [lane, upTo]));
}

/** The first block of each lane that came since `from` must be the one behind upTo. */
export function judgeStart(exam: Examiner, from: number): void {
  for (const lane of CREDIT_LANES) {
    const first = exam.arrivedSince(from).find(({ header }) => header.lane === lane)?.header;
    if (first === undefined) continue;
    const { upTo } = exam.watch.lane(lane);
    exam.verdicts.judge(
      'W-81',
      firstOf(first) <= upTo + 1 && first.sequence > upTo,
      'It goes on behind upTo; blocks that came again had the same octets.',
      `After the answer lane ${lane} begins with block ${first.sequence} instead of ${upTo + 1}.`,
    );
  }
}

/** The first block behind upTo that came, of any lane with credit. */
function firstBlock(exam: Examiner, isWanted: (block: SeenBlock) => boolean): SeenBlock | undefined {
  for (const lane of CREDIT_LANES) {
    const { upTo, blocks } = exam.watch.lane(lane);
    const block = blocks.get(upTo + 1);
    if (block !== undefined && isWanted(block)) return block;
  }
  return undefined;
}

function cameAgain(exam: Examiner, from: number, { header }: SeenBlock): boolean {
  return exam
    .arrivedSince(from)
    .some((each) => each.header.lane === header.lane && each.header.sequence === header.sequence);
}

function oldestAtMs(exam: Examiner): number | null {
  const times = [...exam.watch.lanes.values()].flatMap(({ onTheWay, blocks }) =>
    [...onTheWay.keys()].flatMap((sequence) => blocks.get(sequence)?.atMs ?? []),
  );
  return times.length === 0 ? null : Math.min(...times);
}
