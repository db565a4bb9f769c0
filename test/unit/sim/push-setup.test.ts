/** Push setup of a simulated meter: windows, randomisation, repetitions and what is pushed, in virtual time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Data } from '../../../src/dlms/axdr/data.ts';
import type { CosemDateTime } from '../../../src/dlms/cosem/datetime.ts';
import { notifiedReadings } from '../../../src/dlms/cosem/notified.ts';
import { obisToOctets, parseObis } from '../../../src/dlms/cosem/obis.ts';
import { dateTimeData } from '../../../src/dlms/cosem/selective-access.ts';
import { PushMachine } from '../../../src/dlms/frame/push.machine.ts';
import { WrapperServer } from '../../../src/dlms/frame/wrapper.machine.ts';
import { decodeApdu } from '../../../src/dlms/xdlms/codec.ts';
import { LineDriver } from '../../../src/link/drive.ts';
import { meterTimeOf } from '../../../src/profile/time.ts';
import { makeFleet } from '../../../src/sim/fleet.ts';
import { PushSetup } from '../../../src/sim/meter/push-setup.ts';
import { dailyWindow, localMsOf, type PushWindow, waitForWindowMs } from '../../../src/sim/meter/push-window.ts';
import { PushCaller } from '../../../src/sim/serve/push-caller.ts';
import { testWorld } from '../edge/world.ts';
import { profileOf } from './world.ts';

const PROFILE = 'kaifa/ma309';
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const PLACE = { host: 'headend', port: 4059 };
const OPEN = { year: null, month: null, day: null, weekday: null, hour: null, minute: null, second: null } as const;
const at = (fields: Partial<CosemDateTime>): CosemDateTime => ({
  ...OPEN,
  hundredths: null,
  deviation: null,
  status: 0xff,
  ...fields,
});
const local = (text: string) => Date.parse(`${text}Z`);
const night = dailyWindow('22:00-06:00') ?? assert.fail();

test('a communication window by the hour, day, week, month, year and once: open, or how long until it is', () => {
  const hourly = { start: at({ minute: 10 }), end: at({ minute: 20 }) };
  const weekly = { start: at({ weekday: 1, hour: 8 }), end: at({ weekday: 1, hour: 9 }) };
  const monthEnd = { start: at({ day: 254, hour: 0 }), end: at({ day: 1, hour: 0 }) };
  const yearly = { start: at({ month: 2, day: 29, hour: 0 }), end: at({ month: 3, day: 1, hour: 0 }) };
  const once = {
    start: at({ year: 2026, month: 3, day: 1, hour: 12 }),
    end: at({ year: 2026, month: 3, day: 1, hour: 13 }),
  };
  const table: readonly (readonly [PushWindow, string, number | null])[] = [
    [night, '2026-03-01T23:00:00', 0],
    [night, '2026-03-02T05:59:59', 0],
    [night, '2026-03-02T06:00:00', 16 * HOUR_MS],
    [night, '2026-03-02T22:00:00', 0],
    [hourly, '2026-03-01T23:10:00', 0],
    [hourly, '2026-03-01T23:20:00', 50 * 60_000],
    [hourly, '2026-03-01T00:00:00', 10 * 60_000],
    [weekly, '2026-03-02T08:30:00', 0],
    [weekly, '2026-03-02T09:00:00', 7 * DAY_MS - HOUR_MS],
    [monthEnd, '2026-02-28T10:00:00', 0],
    [monthEnd, '2026-03-01T00:00:00', 30 * DAY_MS],
    [yearly, '2028-02-29T23:00:00', 0],
    [yearly, '2026-02-28T00:00:00', 731 * DAY_MS],
    [once, '2026-03-01T11:00:00', HOUR_MS],
    [once, '2026-03-01T12:30:00', 0],
    [once, '2026-03-01T13:00:00', null],
  ];
  for (const [window, moment, waitMs] of table) assert.equal(waitForWindowMs([window], local(moment)), waitMs, moment);
  assert.equal(waitForWindowMs([], local('2026-03-01T00:00:00')), 0, 'none: always');
  assert.equal(waitForWindowMs([once, night], local('2026-03-01T13:00:00')), 9 * HOUR_MS, 'the first of several');
  assert.equal(
    waitForWindowMs([{ start: at({ hour: 3 }), end: at({ hour: 3 }) }], local('2026-03-01T03:30:00')),
    23.5 * HOUR_MS,
  );
  assert.equal(localMsOf(at({ hour: 3 })), null);
  for (const wrong of ['', '22-06', '24:00-06:00', '22:00-06:60', '22:00']) assert.equal(dailyWindow(wrong), null);
});

/** A meter that calls, with a place that takes or refuses its calls. */
function calling(change: (setup: PushSetup) => void = () => undefined) {
  const world = testWorld();
  const { env } = world.program('meters');
  const [meter] = makeFleet(
    {
      seed: 'push',
      count: 1,
      profiles: [profileOf(PROFILE)],
      timeZone: 'Europe/Vienna',
      nowMs: () => env.clock.nowMs(),
      days: 1,
      households: [],
    },
    null,
  );
  const [setup] = meter?.device.pushSetups ?? [];
  assert.ok(meter !== undefined && setup !== undefined);
  setup.pushTo(`${PLACE.host}:${PLACE.port}`);
  change(setup);
  const heard: { readonly atMs: number; readonly body: Data }[] = [];
  const listen = () =>
    world.program('headend').env.net.listenTcp(PLACE.host, PLACE.port, (duplex) => {
      new LineDriver(duplex, env).run(
        new WrapperServer(),
        (events) => {
          for (const event of events) {
            const apdu = event.kind === 'apdu' ? decodeApdu(event.apdu) : null;
            if (apdu?.apdu === 'data-notification') heard.push({ atMs: env.clock.nowMs(), body: apdu.body });
          }
        },
        () => undefined,
      );
    });
  const caller = new PushCaller(env, meter, setup);
  /** Local time of day of the meter, ms. */
  const ofDayMs = (utcMs: number) =>
    (localMsOf(meterTimeOf(utcMs, meter.device.profile.clock, meter.device.timeZone)) ?? assert.fail()) % DAY_MS;
  return { world, env, meter, setup, caller, heard, listen, ofDayMs };
}

test('a meter pushes in its windows alone, each time after a share of the randomisation interval', async () => {
  const c = calling((setup) => {
    setup.windows = [night];
    setup.randomisationS = 600;
  });
  await c.listen();
  c.caller.start();
  await c.world.clock.advance(2 * DAY_MS);
  c.caller.stop();
  const times = c.heard.map(({ atMs }) => c.ofDayMs(atMs));
  assert.ok(times.length > 50, `${times.length} pushes in two nights`);
  for (const time of times) assert.ok(time >= 22 * HOUR_MS || time < 6 * HOUR_MS, `${time / HOUR_MS} h`);
  const evenings = times.filter((time) => time >= 22 * HOUR_MS);
  assert.ok(Math.min(...evenings) < 22 * HOUR_MS + 1_300_000, 'soon after the window opens');
  assert.ok(new Set(times.map((time) => time % 10_000)).size > 5, 'not all at the same second');
});

test('a repetition that is due outside the windows goes on in the next one', async () => {
  const c = calling((setup) => {
    setup.windows = [night];
    setup.retries = 100;
    setup.repetition = { minS: 600, exponent: 100, maxS: 600 };
  });
  c.caller.start();
  // Nobody answers for a night; then somebody does.
  while (c.ofDayMs(c.env.clock.nowMs()) < 6 * HOUR_MS || c.ofDayMs(c.env.clock.nowMs()) > 7 * HOUR_MS)
    await c.world.clock.advance(HOUR_MS / 2);
  await c.listen();
  assert.deepEqual([c.caller.pushed, c.caller.failed], [0, 0], 'it is still being tried');
  await c.world.clock.advance(12 * HOUR_MS);
  assert.equal(c.heard.length, 0, 'by day');
  while (c.ofDayMs(c.env.clock.nowMs()) < 22 * HOUR_MS) await c.world.clock.advance(HOUR_MS / 2);
  await c.world.clock.advance(HOUR_MS / 2);
  assert.ok(c.heard.length > 0);
  assert.equal(c.caller.failed, 0);
  c.caller.stop();
});

test('repetitions: as many as the setup says, their delay grows up to its most; reset gives up', async () => {
  const tries: number[] = [];
  const c = calling((setup) => {
    setup.retries = 4;
    setup.repetition = { minS: 10, exponent: 200, maxS: 30 };
  });
  const connect = c.env.net.connectTcp.bind(c.env.net);
  const env = {
    ...c.env,
    net: {
      ...c.env.net,
      connectTcp: (...given: Parameters<typeof connect>) => {
        tries.push(c.env.clock.nowMs());
        return connect(...given);
      },
    },
  };
  const { rule } = c.setup;
  const setup = new PushSetup({ ...rule, periodS: 3_600 }, 0, c.meter.device.profile);
  setup.pushTo(`${PLACE.host}:${PLACE.port}`);
  setup.retries = 4;
  setup.repetition = { minS: 10, exponent: 200, maxS: 30 };
  const caller = new PushCaller(env, c.meter, setup);
  caller.start();
  await c.world.clock.advance(HOUR_MS / 2);
  const gaps = tries.slice(1).map((time, n) => Math.round((time - (tries[n] ?? 0)) / 1000));
  assert.deepEqual(gaps, [10, 20, 30, 30]);
  assert.equal(caller.failed, 1);
  const object = setup.object();
  assert.equal(object.invoke(1, null).actionResult, 0);
  await c.world.clock.advance(15_000);
  assert.equal(tries.length, 5 + 2);
  assert.equal(object.invoke(2, null).actionResult, 0);
  await c.world.clock.advance(HOUR_MS / 2);
  assert.equal(tries.length, 5 + 2, 'given up');
  assert.equal(caller.failed, 2);
  caller.stop();
});

const u16 = (value: number): Data => ({ type: 'long-unsigned', value });
const enumOf = (value: number): Data => ({ type: 'enum', value });
const list = (...value: Data[]): Data => ({ type: 'structure', value });
const array = (...value: Data[]): Data => ({ type: 'array', value });
const element = (classId: number, obis: string, attribute: number, index = 0, ...more: Data[]): Data =>
  list(
    u16(classId),
    { type: 'octet-string', value: obisToOctets(parseObis(obis)) },
    { type: 'integer', value: attribute },
    u16(index),
    ...more,
  );

test('a written object list is what is pushed, with elements by data index; the list itself makes it readable anywhere', async () => {
  const c = calling();
  await c.listen();
  const object = c.meter.model;
  const setup = { classId: 40, instanceId: c.setup.obis };
  const energy = c.meter.device.profile.registers[0] ?? assert.fail();
  const objects = array(
    element(40, c.setup.obis, 2),
    element(energy.classId, energy.obis, 2),
    element(energy.classId, energy.obis, 3, 2, list(enumOf(0), { type: 'null-data' }), array()),
    element(3, '1-0:99.99.99*255', 2),
    element(energy.classId, energy.obis, 3, 9),
  );
  assert.equal(object.write({ ...setup, attributeId: 2 }, null, objects), 0);
  c.caller.start();
  await c.world.clock.advance(1_000);
  c.caller.stop();
  const { body } = c.heard[0] ?? assert.fail('no push');
  assert.ok(body.type === 'structure' && body.value.length === 5);
  const value = object.read({ classId: energy.classId, instanceId: parseObis(energy.obis), attributeId: 3 }, null);
  assert.ok('data' in value && value.data.type === 'structure');
  assert.deepEqual(body.value.slice(2), [value.data.value[1], { type: 'null-data' }, { type: 'null-data' }]);
  const { layout, readings } = notifiedReadings(body);
  assert.equal(layout, 'push-object-list');
  assert.equal(readings[1]?.obis, energy.obis);
  assert.equal(readings[1]?.value.kind, 'number');
});

test('what a client may write into a Push setup, and what is refused with its code', () => {
  const { setup } = calling();
  const object = setup.object();
  const octets = (text: string): Data => ({ type: 'octet-string', value: new TextEncoder().encode(text) });
  const clientOctet: Data = { type: 'octet-string', value: Uint8Array.of(16) };
  const window = list(dateTimeData(night.start), dateTimeData(night.end));
  const [good, unmatched, other] = [0, 12, 250];
  const table: readonly (readonly [number, Data, number])[] = [
    [2, array(element(3, '1-0:1.8.0*255', 2)), good],
    [2, array(element(3, '1-0:1.8.0*255', 2, 0, list(enumOf(1), { type: 'null-data' }))), unmatched],
    [2, array(element(3, '1-0:1.8.0*255', 2, 0, list(enumOf(0), { type: 'null-data' }), array(u16(1)))), unmatched],
    [2, array(u16(1)), unmatched],
    [2, u16(1), unmatched],
    [2, array(...Array.from({ length: 129 }, () => element(3, '1-0:1.8.0*255', 2))), other],
    [3, list(enumOf(5), clientOctet, enumOf(0)), good],
    [3, list(enumOf(5), octets('ab'), enumOf(0)), other],
    [3, list(enumOf(0), octets('h:1'), enumOf(1)), other],
    [3, list(enumOf(0), octets('h:1'), enumOf(0)), good],
    [4, array(window, window), good],
    [4, array(list(dateTimeData(night.start))), unmatched],
    [4, u16(1), unmatched],
    [4, array(...Array.from({ length: 33 }, () => window)), other],
    [5, u16(60), good],
    [6, u16(3), unmatched],
    [6, { type: 'unsigned', value: 2 }, good],
    [7, list(u16(1), u16(200), u16(60)), good],
    [7, list(u16(61), u16(200), u16(60)), other],
    [7, list(u16(1), u16(2)), unmatched],
    [7, u16(20), good],
    [11, enumOf(2), good],
    [11, enumOf(3), other],
    [11, u16(2), unmatched],
  ];
  for (const [attribute, data, result] of table)
    assert.equal(object.write(attribute, data), result, `${attribute} ${JSON.stringify(data).slice(0, 80)}`);
  assert.deepEqual([setup.randomisationS, setup.retries, setup.repetition.maxS, setup.isConfirmed], [60, 2, 20, true]);
  assert.deepEqual(object.read(4, null), { data: array(window, window) });
  assert.equal(object.write(2, array()), good, 'the list of the profile again');
  assert.equal(setup.objects, null);
});

test('on the HDLC line: windows hold there too, the method pushes at once, a destination over TCP pushes nothing', () => {
  const profile = profileOf(PROFILE);
  const now = { ms: 0 };
  // 05:59:00 in Vienna.
  const startMs = Date.UTC(2026, 2, 2, 4, 59);
  const fleet = { seed: 'line', count: 1, profiles: [profile], timeZone: 'Europe/Vienna', days: 1, households: [] };
  const [meter] = makeFleet({ ...fleet, nowMs: () => startMs + now.ms }, null);
  const [setup] = meter?.device.pushSetups ?? [];
  assert.ok(meter !== undefined && setup !== undefined);
  setup.windows = [night];
  const machine = meter.session('hdlc');
  const listener = new PushMachine({ framing: 'auto' });
  const run = (untilMs: number): number[] => {
    const heard: number[] = [];
    while (now.ms < untilMs) {
      now.ms = Math.min(untilMs, Math.max(now.ms + 1, machine.deadlineMs() ?? untilMs));
      machine.tick(now.ms);
      for (const octets of machine.takeOutput())
        for (const event of listener.receive(octets, now.ms)) if (event.kind === 'unsolicited') heard.push(now.ms);
    }
    return heard;
  };
  const morning = run(16 * HOUR_MS);
  assert.ok(morning.length >= 5 && Math.max(...morning) < 60_000, `${morning.at(-1)} ms`);
  const evening = run(17 * HOUR_MS);
  assert.ok((evening[0] ?? 0) >= 16 * HOUR_MS && evening.length > 100, `${evening.length} from ${evening[0]} ms on`);
  setup.windows = [];
  run(now.ms + 60_000);
  assert.equal(meter.model.invoke({ classId: 40, instanceId: setup.obis, methodId: 1 }, null).actionResult, 0);
  assert.equal(machine.deadlineMs(), 0);
  const askedMs = now.ms;
  assert.equal(run(now.ms + 60_000)[0], askedMs + 1, 'at once, not at its time');
  setup.pushTo('headend:4059');
  assert.deepEqual(run(now.ms + HOUR_MS), []);
});
