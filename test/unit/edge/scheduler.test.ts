import assert from 'node:assert/strict';
import { test } from 'node:test';
import { edgeError } from '../../../src/edge/errors.ts';
import type { JobOutcome, LineReader, MeterAccess, MeterWire } from '../../../src/edge/ports.ts';
import { Scheduler } from '../../../src/edge/scheduler/scheduler.ts';
import type { MeterId } from '../../../src/model/ids.ts';
import type { ReadJob } from '../../../src/profile/plan.ts';
import { FakeHealth, testWorld } from './world.ts';

const JOB: ReadJob = { kind: 'registers', key: 'registers:900', periodS: 900, registers: [] };
const ACCESS = {} as MeterAccess;
const WIRE = {} as MeterWire;
const id = (name: string) => name as MeterId;

/** One line whose jobs take a second each. */
function bench(slots = 1, tellsRest = false) {
  const world = testWorld();
  const program = world.program('edge');
  const health = new FakeHealth();
  const log: string[] = [];
  const state = { outcome: { ok: true, more: false } as JobOutcome, signOnMs: 500, crash: false };
  const note = (what: string) => log.push(`${world.clock.nowMs / 1000} ${what}`);
  const reader: LineReader = {
    slots,
    urgentWaits: () => undefined,
    run: async (meterId) => {
      note(`read ${meterId}`);
      if (state.crash) throw new Error('bug');
      await world.clock.sleep(1_000);
      return state.outcome;
    },
    work: async (meterId, jobClass, started, work) => {
      note(`${jobClass} ${meterId}`);
      try {
        await started();
        await world.clock.sleep(state.signOnMs);
        return { ok: true, result: await work(ACCESS) };
      } catch (error) {
        return { ok: false, failure: { code: (error as { code: string }).code, sentence: '', reached: 'no' } };
      }
    },
    lend: async (meterId, client, started, use) => {
      note(`lend ${meterId} to ${client}`);
      await started();
      await world.clock.sleep(state.signOnMs);
      return { ok: true, result: await use(WIRE) };
    },
    stationsOf: () => Promise.resolve('one key'),
    lendAll: async (meterId, started, use) => {
      note(`all stations of ${meterId}`);
      await started();
      const sendBlock = async () => {
        note('block');
        await world.clock.sleep(100);
      };
      return { ok: true, result: await use({ sendBlock, isWanted: () => false }) };
    },
  };
  const rested = () => note('rested');
  const scheduler = new Scheduler({
    env: program.env,
    health,
    watermark: () => null,
    ...(tellsRest ? { rested } : {}),
  });
  scheduler.addLine('bus', reader);
  return { world, health, log, state, scheduler, note, jumpWallMs: program.jumpWallMs };
}

const options = (started: () => Promise<void> = () => Promise.resolve()) => ({ timeoutMs: 15_000, started });

test('HE-2 jobs run one at a time on a line, and again a period later', async () => {
  const b = bench();
  for (const name of ['a', 'b', 'c']) b.scheduler.addMeter('bus', id(name), [JOB]);
  b.scheduler.start();
  await b.world.clock.advance(10_000);
  assert.deepEqual(b.log, ['0 read a', '1 read b', '2 read c']);
  await b.world.clock.advance(880_000);
  assert.equal(b.log.length, 6, 'the slot of the first quarter of an hour');
  await b.world.clock.advance(900_000);
  assert.equal(b.log.length, 9);
  await b.scheduler.stop();
});

test('J-34 a scheduler says when nothing is being read any more, not between two meters', async () => {
  const b = bench(1, true);
  for (const name of ['a', 'b']) b.scheduler.addMeter('bus', id(name), [JOB]);
  b.scheduler.start();
  await b.world.clock.advance(10_000);
  assert.deepEqual(b.log, ['0 read a', '1 read b', '2 rested']);
  await b.scheduler.stop();
});

test('IT-1 on-demand work goes ahead of periodic jobs, commands ahead of on-demand, a running job is not broken off', async () => {
  const b = bench();
  for (const name of ['a', 'b', 'c']) b.scheduler.addMeter('bus', id(name), [JOB]);
  b.scheduler.start();
  await b.world.clock.advance(100);
  const read = b.scheduler.withMeter(id('c'), 'on-demand', options(), () => Promise.resolve('value'));
  const order = b.scheduler.withMeter(id('b'), 'command', options(), () => Promise.resolve('switched'));
  await b.world.clock.advance(10_000);
  assert.deepEqual(await read, { ok: true, result: 'value' });
  assert.deepEqual(await order, { ok: true, result: 'switched' });
  assert.deepEqual(b.log, ['0 read a', '1 command b', '1.5 on-demand c', '2 read c', '3 read b']);
  await b.scheduler.stop();
});

test('SG-MR-6 work that did not begin within its time is taken back, and is not done later', async () => {
  const b = bench();
  b.scheduler.addMeter('bus', id('a'), [JOB]);
  b.scheduler.addMeter('bus', id('b'), [JOB]);
  b.scheduler.start();
  b.state.signOnMs = 40_000;
  let acted = 0;
  const act = () => {
    acted++;
    return Promise.resolve();
  };
  const slow = b.scheduler.withMeter(id('a'), 'command', options(), act);
  const waiting = b.scheduler.withMeter(id('b'), 'command', options(), act);
  await b.world.clock.advance(120_000);
  const failures = [await slow, await waiting].map((result) =>
    result.ok ? null : `${result.failure.code} ${result.failure.reached}`,
  );
  assert.deepEqual(failures, ['SCHEDULER_NOT_REACHED maybe', 'SCHEDULER_NOT_REACHED no']);
  assert.equal(acted, 0);
  await b.scheduler.stop();
});

test('a refusal of `started` reaches the caller by its code', async () => {
  const b = bench();
  b.scheduler.addMeter('bus', id('a'), []);
  b.scheduler.start();
  const refused = b.scheduler.withMeter(
    id('a'),
    'command',
    options(() => Promise.reject(edgeError('COMMAND_CAP'))),
    () => Promise.resolve(),
  );
  await b.world.clock.advance(10);
  const result = await refused;
  assert.equal(!result.ok && result.failure.code, 'COMMAND_CAP');
  await b.scheduler.stop();
});

test('an unknown meter, a full queue, a stopped scheduler: said at once', async () => {
  const b = bench();
  b.scheduler.addMeter('bus', id('a'), []);
  assert.equal(b.scheduler.has(id('a')), true);
  assert.equal(b.scheduler.has(id('z')), false);
  const codeOf = async (name: string) => {
    const result = await b.scheduler.withMeter(id(name), 'command', options(), () => Promise.resolve());
    return result.ok ? 'ok' : result.failure.code;
  };
  assert.equal(await codeOf('z'), 'SCHEDULER_UNKNOWN_METER');
  for (let n = 0; n < 64; n++) void b.scheduler.withMeter(id('a'), 'command', options(), () => Promise.resolve());
  assert.equal(await codeOf('a'), 'SCHEDULER_QUEUE_FULL');
  await b.scheduler.stop();
  assert.equal(await codeOf('a'), 'SCHEDULER_UNKNOWN_METER');
});

test('a line with slots talks to several meters at once, never twice to one', async () => {
  const b = bench(2);
  for (const name of ['a', 'b', 'c'])
    b.scheduler.addMeter('bus', id(name), [JOB, { ...JOB, key: 'registers:1', periodS: 900 }]);
  b.scheduler.start();
  await b.world.clock.advance(10_000);
  assert.deepEqual(
    b.log.map((line) => line.split(' ')[0]),
    ['0', '0', '1', '1', '2', '3'],
  );
  for (const second of ['0', '1']) {
    const meters = b.log.filter((line) => line.startsWith(`${second} `));
    assert.equal(new Set(meters).size, 2, `two meters at ${second} s: ${meters}`);
  }
  await b.scheduler.stop();
});

test('a crash in a reader is counted and the line goes on', async () => {
  const b = bench();
  b.scheduler.addMeter('bus', id('a'), [JOB]);
  b.state.crash = true;
  b.scheduler.start();
  await b.world.clock.advance(3);
  assert.equal(b.health.counters.get('scheduler_crashes'), 1);
  b.state.crash = false;
  await b.world.clock.advance(32_000);
  assert.equal(b.health.counters.get('scheduler_jobs_done'), 1);
  await b.scheduler.stop();
});

test('IT-6 background work runs only when nothing periodic is due, one slice at a time', async () => {
  const b = bench();
  for (const name of ['a', 'b']) b.scheduler.addMeter('bus', id(name), [JOB]);
  b.scheduler.start();
  const slice = b.scheduler.withMeter(id('a'), 'background', options(), () => Promise.resolve('sent'));
  await b.world.clock.advance(5_000);
  assert.deepEqual(await slice, { ok: true, result: 'sent' });
  assert.deepEqual(b.log, ['0 read a', '1 read b', '2 background a']);
  await b.scheduler.stop();
});

test('IT-6 a meter says how it takes a firmware, or nothing', async () => {
  const b = bench();
  const rule = {
    obis: '0-0:44.0.0*255',
    version: null,
    info: 'required',
    verifyMaxMs: 1,
    activateMaxMs: 1,
    broadcastPauseMs: null,
  } as const;
  b.scheduler.addMeter('bus', id('a'), [JOB], rule);
  b.scheduler.addMeter('bus', id('b'), [JOB]);
  assert.deepEqual([b.scheduler.firmwareOf(id('a')), b.scheduler.firmwareOf(id('b'))], [rule, null]);
});

test('HE-7 a wire is lent like an on-demand read: behind commands, ahead of periodic jobs, and the line is taken meanwhile', async () => {
  const b = bench();
  for (const name of ['a', 'b']) b.scheduler.addMeter('bus', id(name), [JOB]);
  b.scheduler.start();
  const lent = b.scheduler.withWire(id('b'), 16, options(), async (wire) => {
    assert.equal(wire, WIRE);
    await b.world.clock.sleep(5_000);
    return 'done';
  });
  const command = b.scheduler.withMeter(id('a'), 'command', options(), () => Promise.resolve('ordered'));
  await b.world.clock.advance(20_000);
  assert.deepEqual(await lent, { ok: true, result: 'done' });
  assert.deepEqual(await command, { ok: true, result: 'ordered' });
  assert.deepEqual(b.log, ['0 read a', '1 command a', '1.5 lend b to 16', '7 read b']);
  await b.scheduler.stop();
});

test('lines with nothing due are looked at by one timer, which sees a wall clock that jumped within a minute', async () => {
  const b = bench();
  const idle: LineReader = { ...({} as LineReader), slots: 1, urgentWaits: () => undefined };
  for (let at = 0; at < 20; at++) b.scheduler.addLine(`idle${at}`, idle);
  b.scheduler.addMeter('bus', id('a'), [JOB]);
  const before = b.world.clock.pending;
  b.scheduler.start();
  await b.world.clock.advance(100_000);
  assert.equal(b.world.clock.pending - before, 1, 'one timer for 21 lines');
  const { log } = b;
  const reads = log.length;
  b.jumpWallMs(-86_400_000);
  await b.world.clock.advance(60_000);
  assert.equal(log.length, reads + 1, 'a due time a day away is set anew');
  assert.ok(b.scheduler.stillMs() <= 60_000);
  await b.scheduler.stop();
});

test('HE-1 a meter that its network says is back is asked at once, whatever was held against it', async () => {
  const b = bench();
  b.scheduler.addMeter('bus', id('a'), [JOB]);
  b.state.outcome = {
    ok: false,
    scope: 'meter',
    failure: { code: 'LINK_NO_NODE', sentence: '', reached: 'no' },
  };
  b.scheduler.start();
  await b.world.clock.advance(400_000);
  const before = b.log.length;
  assert.ok(before >= 3, 'it has failed often enough to wait for ten minutes');
  b.state.outcome = { ok: true, more: false };
  b.scheduler.returned(id('a'));
  await b.world.clock.advance(2_000);
  assert.deepEqual(b.log.slice(before), ['400 read a']);
  b.scheduler.returned(id('nobody'));
  await b.scheduler.stop();
});
