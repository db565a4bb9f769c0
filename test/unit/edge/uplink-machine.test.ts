import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OUTSTANDING_MIN_OCTETS } from '../../../src/edge/limits.ts';
import type { UplinkAction } from '../../../src/edge/uplink/messages.ts';
import { UplinkMachine } from '../../../src/edge/uplink/uplink.machine.ts';
import type { Lane } from '../../../src/wire/lanes.ts';
import { type CollectorBody, type CollectorMessage, NO_SESSION } from '../../../src/wire/messages.ts';
import { FakeJournal } from './fake-journal.ts';

const EPOCH = '0102030405060708';
const TERM = new Uint8Array(12).fill(9);

/** A machine with a journal, driven by hand. */
function bench() {
  const journal = new FakeJournal();
  let sessions = 0;
  const machine = new UplinkMachine({ epoch: EPOCH, newSession: () => new Uint8Array(16).fill(++sessions) });
  let session: Uint8Array = new Uint8Array(16);
  const follow = (actions: readonly UplinkAction[]) => {
    for (const action of actions) {
      if (action.kind === 'hello') session = action.session;
      if (action.kind === 'rewind') journal.rewind(action.lane, action.upTo);
      if (action.kind === 'acknowledge') void journal.acknowledge(action.lane, action.upTo);
    }
    return actions;
  };
  const hear = (body: CollectorBody, nowMs: number, frame: Partial<CollectorMessage> = {}) =>
    follow(
      machine.notice({ session, term: TERM, serverTimeMs: 5_000_000 + nowMs, body, ...frame }, journal.lanes(), nowMs),
    );
  return {
    journal,
    machine,
    hear,
    connect: (nowMs = 0) => follow(machine.connected(journal.lanes(), nowMs)),
    tick: (nowMs: number) => follow(machine.tick(nowMs)),
    answer: (nowMs: number, credit: number, upTo: Partial<Record<Lane, number>> = {}) =>
      hear(
        {
          kind: 'answer',
          credit,
          lanes: Object.entries(upTo).map(([lane, n]) => ({ lane: Number(lane) as Lane, upTo: n })),
        },
        nowMs,
      ),
    ack: (lane: Lane, upTo: number, credit: number, nowMs: number, frame: Partial<CollectorMessage> = {}) =>
      hear({ kind: 'ack', epoch: EPOCH, lanes: [{ lane, upTo }], credit }, nowMs, frame),
    /** Sends until nothing may leave; `lane:sequence` of each block. */
    drain: async (nowMs: number) => {
      const sent: string[] = [];
      for (let guard = 0; guard < 1000; guard++) {
        const step = machine.next(journal.lanes());
        if (step === null) return sent;
        const blocks = await journal.read(step.lane, step.from, step.maxOctets);
        for (const block of machine.admit(step, blocks, nowMs)) sent.push(`${block.lane}:${block.sequence}`);
      }
      throw new Error('the machine never stops sending');
    },
  };
}

test('W-73 W-81 before the answer only lanes 0 and 1 leave; credit opens the others in order of lanes', async () => {
  const b = bench();
  for (const lane of [4, 2, 1, 0] as const) b.journal.grow(lane, 1);
  assert.deepEqual(
    b.connect().map((action) => action.kind),
    ['hello'],
  );
  assert.deepEqual(await b.drain(1), ['0:1', '1:1']);
  assert.equal(b.answer(10, 100_000)[0]?.kind, 'opened');
  assert.deepEqual(await b.drain(11), ['2:1', '4:1']);
});

test('alarms sent after hello are not sent again at the answer, those from before are', async () => {
  const b = bench();
  b.journal.grow(0, 2);
  b.connect();
  assert.deepEqual(await b.drain(1), ['0:1', '0:2']);
  b.tick(30_000);
  b.answer(30_010, 100_000);
  assert.deepEqual(await b.drain(30_011), ['0:1', '0:2'], 'the hello of 30 s began a new session');
  const c = bench();
  c.journal.grow(0, 2);
  c.connect();
  await c.drain(1);
  c.answer(10, 100_000);
  assert.deepEqual(await c.drain(11), []);
});

test('W-74 credit counts octets beyond upTo over lanes 2-5 and is restated by each ack; alarms pass a spent credit', async () => {
  const b = bench();
  b.journal.grow(2, 5, 1000);
  b.connect();
  b.answer(1, 2_500);
  assert.deepEqual(await b.drain(2), ['2:1', '2:2']);
  b.journal.grow(0, 1, 500);
  assert.deepEqual(await b.drain(3), ['0:1']);
  assert.deepEqual(
    b.ack(2, 1, 2_500, 4).map((action) => action.kind),
    ['time', 'acknowledge'],
  );
  assert.deepEqual(await b.drain(5), ['2:3']);
  b.ack(2, 1, 10_000, 6);
  assert.deepEqual(await b.drain(7), ['2:4', '2:5']);
});

test('W-75 outstanding octets stay within two blocks until a rate is known, then within three seconds of it', async () => {
  const b = bench();
  b.journal.grow(3, 200, 4096);
  b.connect();
  b.answer(0, 10_000_000);
  assert.deepEqual(await b.drain(0), ['3:1', '3:2']);
  assert.equal(b.machine.outstandingOctets, OUTSTANDING_MIN_OCTETS);
  b.ack(3, 2, 10_000_000, 1_000);
  const sent = await b.drain(1_000);
  assert.equal(sent.length, 6, '8192 octets a second, three seconds: 24,576 octets');
  b.ack(3, 8, 10_000_000, 61_000);
  assert.equal((await b.drain(61_000)).length, 2, 'a path that became slow gets two blocks');
});

test('SG-EV-2 an alarm overtakes a backlog: it is the next block to leave', async () => {
  const b = bench();
  b.journal.grow(3, 100, 4096);
  b.connect();
  b.answer(0, 10_000_000);
  await b.drain(0);
  b.journal.grow(0, 1, 100);
  assert.deepEqual(await b.drain(1), [], 'nothing passes the outstanding limit');
  b.ack(3, 1, 10_000_000, 100);
  assert.equal((await b.drain(101))[0], '0:1');
});

test('W-55 W-80 one ack may name several lanes; what is wrong of one lane does not spoil the others', async () => {
  const b = bench();
  b.journal.grow(2, 2);
  b.journal.grow(4, 1);
  b.connect();
  b.answer(1, 100_000);
  await b.drain(2);
  const lanes = [
    { lane: 2 as Lane, upTo: 2 },
    { lane: 3 as Lane, upTo: 9 },
    { lane: 4 as Lane, upTo: 1 },
  ];
  assert.deepEqual(b.hear({ kind: 'ack', epoch: EPOCH, lanes, credit: 100_000 }, 3).slice(1), [
    { kind: 'acknowledge', lane: 2, upTo: 2 },
    { kind: 'ignored', counter: 'ack_beyond_journal' },
    { kind: 'acknowledge', lane: 4, upTo: 1 },
  ]);
  assert.equal(b.machine.outstandingOctets, 0);
});

test('UD-8 nothing new, nothing to send', async () => {
  const b = bench();
  b.journal.grow(2, 1);
  b.connect();
  b.answer(1, 100_000);
  await b.drain(2);
  b.ack(2, 1, 100_000, 3);
  assert.deepEqual(await b.drain(4), []);
  assert.equal(b.journal.lanes()[2]?.pendingBlocks, 0);
});

test('W-54 W-76 W-77 W-78 an ack or answer counts only with the current session, the current term and our epoch', async () => {
  const b = bench();
  b.journal.grow(2, 2);
  b.connect();
  const why = (actions: readonly UplinkAction[]) =>
    actions.map((action) => (action.kind === 'ignored' ? action.counter : action.kind));
  assert.deepEqual(why(b.ack(2, 1, 9, 1)), ['before_answer']);
  b.answer(2, 100_000);
  await b.drain(3);
  assert.deepEqual(why(b.ack(2, 1, 9, 4, { session: new Uint8Array(16).fill(77) })), ['other_session']);
  assert.deepEqual(why(b.ack(2, 1, 9, 4, { term: new Uint8Array(12).fill(1) })), ['other_term']);
  assert.deepEqual(why(b.hear({ kind: 'ack', epoch: '00'.repeat(8), lanes: [{ lane: 2, upTo: 1 }], credit: 9 }, 4)), [
    'time',
    'other_epoch',
  ]);
  assert.deepEqual(why(b.ack(2, 3, 9, 4)), ['time', 'ack_beyond_journal']);
  assert.deepEqual(why(b.answer(5, 1)), ['repeated_answer']);
  assert.deepEqual(b.journal.acknowledged, []);
  b.ack(2, 2, 100_000, 6);
  assert.deepEqual(why(b.ack(2, 1, 9, 7)), ['time', 'old_ack']);
  assert.deepEqual(b.journal.acknowledged, ['2:2']);
});

test('W-70 IT-16 the oldest block unacknowledged for 30 s: hello again, and sending goes on where the answer says', async () => {
  const b = bench();
  b.journal.grow(2, 3, 100);
  b.connect();
  b.answer(1, 100_000);
  assert.deepEqual(await b.drain(10), ['2:1', '2:2', '2:3']);
  b.ack(2, 1, 100_000, 20);
  assert.equal(b.machine.deadlineMs(), 1, 'the status that follows an answer');
  assert.deepEqual(
    b.tick(21).map((action) => action.kind),
    ['status'],
  );
  assert.equal(b.machine.deadlineMs(), 30_010);
  assert.deepEqual(b.tick(30_009), []);
  assert.deepEqual(
    b.tick(30_010).map((action) => action.kind),
    ['hello'],
  );
  assert.deepEqual(await b.drain(30_011), [], 'no credit until the answer');
  b.answer(30_020, 100_000, { 2: 2 });
  assert.deepEqual(b.journal.acknowledged, ['2:1', '2:2']);
  assert.deepEqual(await b.drain(30_021), ['2:3']);
});

test('W-61 a collector without a session of ours calls for hello: at once, but not again within five seconds', async () => {
  const b = bench();
  b.journal.grow(2, 1, 100);
  b.connect(0);
  b.answer(10, 1_000);
  b.tick(10);
  assert.deepEqual(await b.drain(20), ['2:1']);
  const call: CollectorBody = { kind: 'refusal', code: 'INGEST_NO_SESSION', sentence: 'Say hello.' };
  assert.deepEqual(b.hear(call, 1_000, { session: NO_SESSION }), [], 'the hello of just now is still to be answered');
  assert.equal(b.machine.deadlineMs(), 5_000);
  const [hello] = b.tick(5_000);
  assert.equal(hello?.kind, 'hello');
  assert.deepEqual(b.hear(call, 5_010, { session: NO_SESSION }), []);
  b.answer(5_020, 1_000);
  assert.ok(b.machine.isOpen);
  assert.equal(b.machine.deadlineMs(), 5_020, 'the answer shows that there is a session now: only the status is due');
  b.tick(5_020);
  assert.deepEqual(await b.drain(5_030), ['2:1']);
  const [later] = b.hear(call, 60_000, { session: NO_SESSION, term: new Uint8Array(12).fill(8) });
  assert.equal(later?.kind, 'hello', 'another collector has another term');
  assert.ok(!b.machine.isRefused);
});

test('W-71 each hello has a session of its own, and what was said in the one before no longer counts', () => {
  const b = bench();
  const sessions = [b.connect(0), b.tick(30_000)].flatMap((actions) =>
    actions.flatMap((action) => (action.kind === 'hello' ? [action.session] : [])),
  );
  assert.equal(sessions.length, 2);
  assert.notDeepEqual(sessions[0], sessions[1]);
  const old: CollectorBody = { kind: 'answer', lanes: [], credit: 100_000 };
  const ignored = b.hear(old, 30_001, { session: sessions[0] as Uint8Array });
  assert.deepEqual(ignored, [{ kind: 'ignored', counter: 'other_session' }]);
  assert.equal(b.machine.isOpen, false);
  b.answer(30_002, 100_000);
  assert.equal(b.machine.isOpen, true);
});

test('W-72 an unanswered hello is repeated after 30 s, 60 s, ... up to 5 minutes', () => {
  const b = bench();
  b.connect(0);
  const times: number[] = [];
  for (let nowMs = 0; nowMs < 1_500_000; nowMs += 1_000) {
    if (b.tick(nowMs).some((action) => action.kind === 'hello')) times.push(nowMs / 1000);
  }
  assert.deepEqual(times, [30, 90, 210, 450, 750, 1050, 1350]);
});

test('W-89 an answer below what was acknowledged rewinds: a restored collector gets the blocks again', async () => {
  const b = bench();
  b.journal.grow(2, 4, 100);
  await b.journal.acknowledge(2, 4);
  b.connect();
  const actions = b.answer(1, 100_000, { 2: 1 });
  assert.ok(actions.some((action) => action.kind === 'rewind' && action.lane === 2 && action.upTo === 1));
  assert.deepEqual(await b.drain(2), ['2:2', '2:3', '2:4']);
});

test('W-78 an answer beyond the journal bars the lane and says so', async () => {
  const b = bench();
  b.journal.grow(2, 2, 100);
  b.journal.grow(3, 1, 100);
  b.connect();
  const trouble = b.answer(1, 100_000, { 2: 7 }).find((action) => action.kind === 'trouble');
  assert.equal(trouble?.kind === 'trouble' && trouble.code, 'UPLINK_COLLECTOR_AHEAD');
  assert.deepEqual(await b.drain(2), ['3:1']);
});

test('W-57 NEED_DICT: the dictionary, then everything after upTo again, once for all outstanding blocks', async () => {
  const b = bench();
  b.journal.grow(2, 3, 100);
  b.connect();
  b.answer(1, 100_000);
  await b.drain(2);
  const need: CollectorBody = { kind: 'need-dictionary', hash: 'ab01020304050607', lane: 2 };
  assert.deepEqual(b.hear(need, 10)[1], { kind: 'dictionary', hash: 'ab01020304050607' });
  assert.deepEqual(b.hear(need, 11)[1], { kind: 'ignored', counter: 'repeated_need' });
  const other: CollectorBody = { ...need, hash: 'ff01020304050607' };
  assert.deepEqual(b.hear(other, 12)[1], { kind: 'dictionary', hash: 'ff01020304050607' }, 'another one is no repeat');
  assert.deepEqual(await b.drain(12), ['2:1', '2:2', '2:3']);
  assert.equal(b.hear(need, 6_000)[1]?.kind, 'dictionary', 'asked again much later, it is sent again');
});

test('W-86 NEED_KEYFRAME: resends from the keyframe, unchanged, and a repeated ack does not cut that short', async () => {
  const b = bench();
  b.journal.grow(2, 6, 100);
  await b.journal.acknowledge(2, 4);
  b.connect();
  b.answer(1, 100_000, { 2: 4 });
  assert.deepEqual(await b.drain(2), ['2:5', '2:6']);
  const asked = b.hear({ kind: 'need-keyframe', lane: 2, upTo: 4 }, 10);
  assert.deepEqual(asked[1], { kind: 'find-keyframe', lane: 2, sequence: 5 });
  b.machine.keyframeAt(2, 3);
  const step = b.machine.next(b.journal.lanes());
  assert.equal(step?.from, 3);
  b.ack(2, 4, 100_000, 11);
  assert.deepEqual(await b.drain(12), ['2:3', '2:4', '2:5', '2:6']);
  b.ack(2, 6, 100_000, 13);
  assert.equal(b.machine.outstandingOctets, 0);
});

test('W-87 blocks that are gone below the answer: hello declares the gap, without hurry when that does not help', async () => {
  const b = bench();
  b.journal.grow(2, 5, 100);
  b.journal.forgetBelow(2, 4);
  b.connect(0);
  b.answer(1, 100_000, { 2: 1 });
  assert.deepEqual(await b.drain(2), []);
  assert.ok(b.tick(2).some((action) => action.kind === 'hello'));
  b.answer(3, 100_000, { 2: 1 });
  assert.deepEqual(await b.drain(4), []);
  assert.ok(!b.tick(5).some((action) => action.kind === 'hello'));
  assert.ok(b.tick(60_003).some((action) => action.kind === 'hello'));
  b.answer(60_004, 100_000, { 2: 3 });
  assert.deepEqual(await b.drain(60_005), ['2:4', '2:5']);
});

test('a block read for a session that is over does not leave', async () => {
  const b = bench();
  b.journal.grow(2, 1, 100);
  b.connect();
  b.answer(1, 100_000);
  const step = b.machine.next(b.journal.lanes());
  assert.ok(step !== null);
  b.machine.disconnected();
  b.connect(5);
  assert.deepEqual(b.machine.admit(step, await b.journal.read(2, 1, 5000), 6), []);
});

test('W-79 a refusal closes the session, says the sentence, and hello comes every five minutes', () => {
  const b = bench();
  b.connect(0);
  const said = b.hear({ kind: 'refusal', code: 'EDGE_DEACTIVATED', sentence: 'This edge is deactivated.' }, 1);
  assert.deepEqual(said, [{ kind: 'trouble', code: 'EDGE_DEACTIVATED', sentence: 'This edge is deactivated.' }]);
  assert.equal(b.machine.deadlineMs(), 300_000);
  assert.ok(b.machine.isRefused);
});
