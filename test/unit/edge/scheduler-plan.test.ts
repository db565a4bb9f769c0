import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JobOutcome } from '../../../src/edge/ports.ts';
import { DeadBudget } from '../../../src/edge/scheduler/dead-budget.ts';
import { hashOf, LinePlan, type Now } from '../../../src/edge/scheduler/plan.ts';
import type { MeterId } from '../../../src/model/ids.ts';
import type { ReadJob } from '../../../src/profile/plan.ts';

const QUARTER_MS = 900_000;
const DAY = 1_772_323_200_000;
const DONE: JobOutcome = { ok: true, more: false };
const SILENT: JobOutcome = { ok: false, scope: 'meter', failure: { code: 'X', sentence: '', reached: 'maybe' } };
const REFUSED: JobOutcome = { ok: false, scope: 'sign-on', failure: { code: 'X', sentence: '', reached: 'yes' } };

function buffer(intervalS = 900): ReadJob {
  return { kind: 'buffer', key: `buffer${intervalS}`, periodS: 900, rule: { intervalS } } as ReadJob;
}
const EVENTS = { kind: 'events', key: 'events', periodS: 900 } as ReadJob;
const REGISTERS: ReadJob = { kind: 'registers', key: 'registers:900', periodS: 900, registers: [] };

function bench(marks: Record<string, number> = {}) {
  const plan = new LinePlan((meterId, key) => marks[`${meterId} ${key}`] ?? DAY);
  const now = { wallMs: DAY, monotonicMs: 0 };
  const pass = (ms: number) => {
    now.wallMs += ms;
    now.monotonicMs += ms;
  };
  /** Runs everything that is due now; `meter:key` in order. */
  const drain = (verdict: (name: string) => JobOutcome = () => DONE, tookMs = 100) => {
    const ran: string[] = [];
    let open: MeterId | null = null;
    for (let guard = 0; guard < 1_000; guard++) {
      const picked = plan.pick(now as Now, open);
      if (picked === null) return ran;
      const name = `${picked.meterId}:${picked.job.kind}`;
      ran.push(name);
      open = picked.meterId;
      pass(tookMs);
      plan.ended(picked, verdict(name), tookMs, now as Now);
    }
    throw new Error('the plan never comes to an end');
  };
  return { plan, now: now as Now, pass, drain };
}

const id = (name: string) => name as MeterId;

test('IT-15 classes decide, then the oldest watermark; an open session does its other jobs first', () => {
  const b = bench({ 'b buffer900': DAY - QUARTER_MS, 'c buffer900': DAY - 2 * QUARTER_MS });
  b.plan.add(id('a'), [EVENTS, buffer()]);
  b.plan.add(id('b'), [buffer()]);
  b.plan.add(id('c'), [EVENTS, buffer(), REGISTERS]);
  assert.deepEqual(b.drain(), ['c:registers', 'c:buffer', 'c:events', 'b:buffer', 'a:buffer', 'a:events']);
});

test('each job comes once a period, after the interval has ended, spread by the id of the meter', () => {
  const b = bench();
  b.plan.add(id('m1'), [buffer()]);
  b.drain();
  const times: number[] = [];
  for (let second = 0; second < 4 * 900; second++) {
    b.pass(1000);
    if (b.drain(undefined, 0).length > 0) times.push((b.now.wallMs - DAY) % QUARTER_MS);
  }
  const offsetMs = 5_000 + (hashOf('m1') % 60_000);
  assert.equal(times.length, 4);
  assert.ok(
    times.every((time) => time >= offsetMs && time < offsetMs + 1_200),
    `${times} for ${offsetMs}`,
  );
  assert.ok(new Set(['m1', 'm2', 'm3', 'm4', 'm5'].map((name) => hashOf(name) % 60_000)).size === 5);
});

test('a backlog is a class of its own: catching up comes last and slice by slice in turn', () => {
  const marks: Record<string, number> = {
    'old1 buffer900': DAY - 100 * QUARTER_MS,
    'old2 buffer900': DAY - 101 * QUARTER_MS,
  };
  const b = bench(marks);
  b.plan.add(id('old1'), [buffer(), EVENTS]);
  b.plan.add(id('old2'), [buffer()]);
  b.plan.add(id('new'), [buffer()]);
  let slices = 0;
  const ran = b.drain((name) => {
    if (!name.startsWith('old') || name.endsWith('events')) return DONE;
    const key = `${name.split(':')[0]} buffer900`;
    marks[key] = (marks[key] ?? 0) + 10 * QUARTER_MS;
    return { ok: true, more: ++slices < 4 };
  });
  const slicesInTurn = ['old2:buffer', 'old1:buffer', 'old2:buffer', 'old1:buffer', 'old2:buffer'];
  assert.deepEqual(ran, ['new:buffer', 'old1:events', ...slicesInTurn]);
});

test('IT-16 a meter that fails waits 30 s, 2 min, 10 min, then windows, then hours; one success forgets it', () => {
  const b = bench();
  b.plan.add(id('dead'), [buffer(), EVENTS]);
  const waits: number[] = [];
  let lastMs = 0;
  let alive = false;
  for (let second = 0; second < 6 * 3_600; second++) {
    const ran = b.drain(() => (alive ? DONE : SILENT), 0);
    if (ran.length > 0) {
      waits.push(Math.round((b.now.monotonicMs - lastMs) / 1000));
      lastMs = b.now.monotonicMs;
      alive = waits.length === 13;
      if (waits.length === 14) assert.equal(ran.length, 2, 'when it answers, all its jobs are done');
    }
    b.pass(1000);
  }
  const ladder = [0, 30, 120, 600, 900, 900, 900, 900, 900, 900, 3600, 3600, 3600, 3600];
  for (const [at, waitS] of waits.slice(0, 14).entries()) {
    const rung = ladder[at] ?? 0;
    assert.ok(waitS >= rung && waitS <= rung * 1.1 + 1, `attempt ${at} after ${waitS} s, not ${rung} and a tenth`);
  }
  assert.ok(waits.length >= 12);
});

test('IT-16 dead meters use at most a tenth of the line, the others are read all the same', () => {
  const b = bench();
  for (let n = 0; n < 50; n++) b.plan.add(id(`dead${n}`), [buffer()]);
  for (let n = 0; n < 10; n++) b.plan.add(id(`live${n}`), [buffer()]);
  let deadMs = 0;
  let live = 0;
  const endMs = 4 * 3_600_000;
  while (b.now.monotonicMs < endMs) {
    const picked = b.plan.pick(b.now, null);
    if (picked === null) {
      b.pass(1_000);
      continue;
    }
    const isDead = picked.meterId.startsWith('dead');
    const tookMs = isDead ? 10_000 : 1_000;
    b.pass(tookMs);
    if (isDead) deadMs += tookMs;
    else live++;
    b.plan.ended(picked, isDead ? SILENT : DONE, tookMs, b.now);
  }
  // The first attempt at each meter is made before anybody can know that it is dead.
  const knownDeadMs = deadMs - 50 * 10_000;
  assert.ok(knownDeadMs <= 0.1 * endMs + 60_000 + 10_000, `${knownDeadMs} ms`);
  assert.ok(live >= 10 * 16, `${live} reads of live meters`);
});

test('a meter that refused the sign-on twice is left alone until somebody reaches it', () => {
  const b = bench();
  b.plan.add(id('locked'), [buffer(), EVENTS]);
  let attempts = 0;
  for (let minute = 0; minute < 600; minute++) {
    attempts += b.drain(() => REFUSED, 0).length;
    b.pass(60_000);
  }
  assert.equal(attempts, 2);
  assert.equal(b.plan.waitMs(b.now, 60_000), 60_000);
  b.plan.answered(id('locked'));
  assert.equal(b.drain(() => DONE, 0).length, 2);
});

test('a job that the meter refuses does not count against the meter', () => {
  const b = bench();
  b.plan.add(id('m'), [buffer(), EVENTS]);
  const refusedJob: JobOutcome = { ok: false, scope: 'job', failure: { code: 'X', sentence: '', reached: 'yes' } };
  assert.deepEqual(
    b.drain((name) => (name.endsWith('buffer') ? refusedJob : DONE)),
    ['m:buffer', 'm:events'],
  );
});

test('a wall clock that jumps back a day does not stop the reading', () => {
  const b = bench();
  b.plan.add(id('m'), [buffer()]);
  b.drain();
  const back: Now = { wallMs: b.now.wallMs - 86_400_000, monotonicMs: b.now.monotonicMs };
  assert.notEqual(b.plan.pick(back, null), null);
});

test('the plan tells how long nothing is due', () => {
  const b = bench();
  b.plan.add(id('m'), [buffer()]);
  assert.equal(b.plan.waitMs(b.now, 60_000), 0);
  b.drain(undefined, 0);
  const waitMs = b.plan.waitMs(b.now, 10_000_000);
  b.pass(waitMs - 1);
  assert.equal(b.plan.pick(b.now, null), null);
  b.pass(1);
  assert.notEqual(b.plan.pick(b.now, null), null);
  b.plan.begun(id('m'));
  assert.equal(b.plan.pick(b.now, null), null, 'a meter is not talked to twice at once');
});

test('the budget of the dead fills with time up to a minute and may go into debt once', () => {
  const budget = new DeadBudget();
  assert.equal(budget.waitMs(0), 0);
  budget.spend(70_000, 0);
  assert.equal(budget.waitMs(0), 100_010);
  assert.equal(budget.waitMs(50_000), 50_010);
  assert.equal(budget.waitMs(100_020), 0);
});

test('a meter whose answer is still under way is not picked before its rest is over, and nothing is due earlier', () => {
  const rests = new Map<MeterId, number>([['a' as MeterId, 40_000]]);
  const plan = new LinePlan(
    () => DAY,
    (meterId) => rests.get(meterId) ?? 0,
  );
  const now = { wallMs: DAY, monotonicMs: 0 };
  plan.add('a' as MeterId, [REGISTERS]);
  assert.equal(plan.pick(now, null), null);
  assert.equal(plan.waitMs(now, 60_000), 40_000);
  plan.add('b' as MeterId, [REGISTERS]);
  assert.equal(plan.pick(now, null)?.meterId, 'b');
  rests.clear();
  assert.equal(plan.pick(now, null)?.meterId, 'a');
});
