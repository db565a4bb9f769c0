import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isoOfUtcMs, utcMsOfIso } from '../../../src/profile/check.ts';
import type { BufferRule } from '../../../src/profile/schema/profile.ts';
import { Device, type DeviceOptions } from '../../../src/sim/meter/device.ts';
import { EVENT, EventHistory } from '../../../src/sim/meter/events.ts';
import { intervalEnds, lastIntervalEnd } from '../../../src/sim/meter/intervals.ts';
import { type ControlState, Relay, type RelayOrder, transitionOf } from '../../../src/sim/meter/relay.ts';
import { profileOf, START_MS } from './world.ts';

const DAY_MS = 86_400_000;
const IDIS = profileOf('generic/idis');
const [LOAD, DAILY] = IDIS.buffers as [BufferRule, BufferRule];

function deviceAt(now: { ms: number }, options: Partial<DeviceOptions> = {}): Device {
  return new Device({
    meterId: 'm1',
    serial: '10000001',
    profile: IDIS,
    seed: 'device',
    timeZone: 'Europe/Berlin',
    nowMs: () => now.ms,
    installedAtMs: now.ms - 14 * DAY_MS,
    ...options,
  });
}

test('IT-4 behind an open relay there is no voltage and no load, unless its contacts are welded or somebody feeds back', () => {
  const now = { ms: START_MS };
  const volts = IDIS.relay?.loadVoltage?.register ?? assert.fail('the profile has a register for it');
  const energy = IDIS.registers.find(({ obis }) => obis === '1-0:1.8.0*255') ?? assert.fail();
  const seen = (fault: 'welded' | 'backfed' | null) => {
    const device = deviceAt(now, fault === null ? {} : { loadFault: fault });
    const closed = Number(device.registerAt(volts, now.ms));
    assert.ok(closed > 2_200 && closed < 2_400, `${closed} dV`);
    assert.equal(device.orderRelay('remote-disconnect'), 'moved');
    assert.equal(device.relay.isOn, false, 'the meter says that it is open');
    const at = (ms: number) => [Number(device.registerAt(volts, ms)) > 2_000, Number(device.registerAt(energy, ms))];
    const [[isLive, before], [, after]] = [at(now.ms), at(now.ms + DAY_MS)] as [[boolean, number], [boolean, number]];
    return { isLive, isCounting: after > before };
  };
  assert.deepEqual(seen(null), { isLive: false, isCounting: false });
  assert.deepEqual(seen('welded'), { isLive: true, isCounting: true });
  assert.deepEqual(seen('backfed'), { isLive: true, isCounting: false });
});

test('the eight transitions of class 70 in the modes that allow them (Blue Book 4.5.8)', () => {
  const orders: readonly RelayOrder[] = [
    'remote-disconnect',
    'remote-reconnect',
    'manual-disconnect',
    'manual-reconnect',
    'local-disconnect',
    'local-reconnect',
  ];
  const table = (mode: number) =>
    ([0, 1, 2] as ControlState[])
      .flatMap((state) => orders.map((order) => [state, order, transitionOf(mode, state, order)] as const))
      .filter(([, , to]) => to !== null)
      .map(([state, order, to]) => `${state}${to} ${order}`)
      .sort();
  assert.deepEqual(table(0), []);
  assert.deepEqual(table(1), [
    '02 remote-reconnect',
    '10 remote-disconnect',
    '12 local-disconnect',
    '12 manual-disconnect',
    '20 remote-disconnect',
    '21 manual-reconnect',
  ]);
  assert.deepEqual(table(4), [
    '01 remote-reconnect',
    '10 remote-disconnect',
    '12 local-disconnect',
    '20 remote-disconnect',
    '21 manual-reconnect',
  ]);
  assert.ok(table(5).includes('21 local-reconnect') && table(5).includes('02 remote-reconnect'));
  assert.ok(table(7).includes('01 remote-reconnect') && table(7).includes('21 local-reconnect'));
});

test('in a mode that arms, a remote reconnect leaves the output off until somebody is there', () => {
  const relay = new Relay(3, 10);
  assert.equal(relay.order('remote-disconnect', 1000), 'moved');
  assert.equal(relay.order('remote-reconnect', 2000), 'moved');
  assert.deepEqual([relay.state, relay.isOn], [2, false]);
  assert.equal(relay.order('remote-reconnect', 3000), 'already');
  assert.equal(relay.order('manual-reconnect', 4000), 'moved');
  assert.deepEqual(relay.gaps, [{ fromMs: 1000, toMs: 4000 }]);
  assert.equal(relay.order('manual-disconnect', 5000), 'not-allowed');
  assert.equal(new Relay(0, 10).order('remote-disconnect', 0), 'not-allowed');
  const small = new Relay(4, 1);
  small.order('remote-disconnect', 0);
  small.order('remote-reconnect', 1);
  assert.equal(small.order('remote-disconnect', 2), 'not-allowed', 'no more history than the bound');
});

test('registers only grow, whatever the relay does, and never while it is open', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 60_000, max: 40_000_000 }), { minLength: 1, maxLength: 12 }),
      fc.string(),
      (steps, seed) => {
        const now = { ms: START_MS };
        const device = deviceAt(now, { seed });
        let before = IDIS.registers
          .filter((rule) => rule.unit.endsWith('h'))
          .map((rule) => Number(device.registerAt(rule, now.ms)));
        steps.forEach((step, at) => {
          const wasOn = device.relay.isOn;
          now.ms += step;
          const after = IDIS.registers
            .filter((rule) => rule.unit.endsWith('h'))
            .map((rule) => Number(device.registerAt(rule, now.ms)));
          after.forEach((value, index) => {
            assert.ok(value >= (before[index] ?? 0));
            if (!wasOn) assert.equal(value, before[index]);
          });
          device.orderRelay(at % 2 === 0 ? 'remote-disconnect' : 'remote-reconnect');
          before = after;
        });
        // The past is not rewritten: history asked again is the same and grows.
        const rows = [...device.rows(LOAD, START_MS - DAY_MS, now.ms)].map((row) => Number(row.values[0]));
        for (let at = 1; at < rows.length; at++) assert.ok((rows[at] ?? 0) >= (rows[at - 1] ?? 0));
      },
    ),
    { numRuns: 40 },
  );
});

test('rows do not depend on when they are asked for', () => {
  const now = { ms: START_MS };
  const device = deviceAt(now);
  const early = [...device.rows(LOAD, START_MS - DAY_MS, START_MS)];
  now.ms += 10 * DAY_MS;
  assert.deepEqual([...device.rows(LOAD, START_MS - DAY_MS, START_MS)], early);
  assert.equal(early.length, 96);
});

test('the buffer holds as many rows as the profile says, back to the installation at most', () => {
  const now = { ms: START_MS };
  const old = deviceAt(now, { installedAtMs: START_MS - 400 * DAY_MS });
  assert.equal([...old.rows(LOAD, 0, START_MS)].length, LOAD.rows);
  assert.equal([...deviceAt(now).rows(LOAD, 0, START_MS)].length, 14 * 96);
  assert.equal([...deviceAt(now, { installedAtMs: START_MS }).rows(LOAD, 0, START_MS)].length, 0);
});

test('days of 23 and 25 hours: no quarter-hour too many or too few, daily rows at local midnight', () => {
  const count = (from: string, to: string) =>
    [...intervalEnds(900, 'Europe/Berlin', utcMsOfIso(from), utcMsOfIso(to))].length;
  assert.equal(count('2026-03-28T23:00:00Z', '2026-03-29T22:00:00Z'), 92);
  assert.equal(count('2026-10-24T22:00:00Z', '2026-10-25T23:00:00Z'), 100);
  const days = [
    ...intervalEnds(86_400, 'Europe/Berlin', utcMsOfIso('2026-03-28T00:00:00Z'), utcMsOfIso('2026-03-31T00:00:00Z')),
  ];
  assert.deepEqual(days.map(isoOfUtcMs), ['2026-03-28T23:00:00Z', '2026-03-29T22:00:00Z', '2026-03-30T22:00:00Z']);
  const half = [
    ...intervalEnds(3600, 'Asia/Kolkata', utcMsOfIso('2026-03-28T00:00:00Z'), utcMsOfIso('2026-03-28T02:00:00Z')),
  ];
  assert.deepEqual(half.map(isoOfUtcMs), ['2026-03-28T00:30:00Z', '2026-03-28T01:30:00Z']);
  assert.equal(isoOfUtcMs(lastIntervalEnd(900, 'UTC', utcMsOfIso('2026-03-28T00:14:59Z'))), '2026-03-28T00:00:00Z');
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 700 * 96 }), fc.integer({ min: 0, max: 300 }), (start, length) => {
      const from = utcMsOfIso('2025-06-01T00:00:00Z') + start * 900_000;
      const ends = [...intervalEnds(900, 'Europe/Berlin', from, from + length * 900_000)];
      assert.deepEqual(
        ends,
        Array.from({ length }, (_, at) => from + (at + 1) * 900_000),
      );
    }),
  );
});

test('the clock drifts, is set, and unmakes no row; the log keeps both times', () => {
  const now = { ms: START_MS };
  const device = deviceAt(now, { clockAheadMs: 3_600_000 });
  assert.equal(device.nowMs, START_MS + 3_600_000);
  const rows = [...device.rows(LOAD, START_MS, START_MS + DAY_MS)].length;
  assert.equal(rows, 4, 'rows of the hour that its clock is ahead');
  device.setClock(START_MS);
  assert.equal(device.nowMs, START_MS);
  assert.equal([...device.rows(LOAD, START_MS, START_MS + DAY_MS)].length, rows);
  const codes = device.events.between(START_MS - 1000, START_MS + 7_200_000).map((event) => event.code);
  assert.deepEqual(codes, [EVENT.clockAdjustedTo, EVENT.clockAdjustedFrom]);
  now.ms += 1_800_000;
  const [row] = [...device.rows(LOAD, START_MS, START_MS + 600_000)];
  assert.equal((row?.status ?? 0) & 0x20, 0x20, 'the interval says that the clock was adjusted');
});

test('a power failure in the seed is in the log and in the status of its interval', () => {
  const now = { ms: START_MS };
  const device = deviceAt(now, { installedAtMs: START_MS - 300 * DAY_MS, timeZone: 'UTC' });
  const downs = device.events
    .between(START_MS - 39 * DAY_MS, START_MS)
    .filter((event) => event.code === EVENT.powerDown);
  assert.ok(downs.length > 0, 'the seed has one in 39 days');
  const flagged = [...device.rows(LOAD, START_MS - 39 * DAY_MS, START_MS)].filter((row) => (row.status & 0x80) !== 0);
  assert.deepEqual(
    flagged.map((row) => row.atMs),
    [...new Set(downs.map((event) => Math.ceil(event.atMs / 900_000) * 900_000))],
  );
});

test('the log of a meter is bounded and in order', () => {
  const history = new EventHistory('x', 5);
  for (let at = 0; at < 20; at++) history.add(60, START_MS + at * 1000);
  const live = history.between(START_MS - 1, START_MS + DAY_MS).filter((event) => event.code === 60);
  assert.deepEqual(
    live.map((event) => event.atMs),
    [15, 16, 17, 18, 19].map((second) => START_MS + second * 1000),
  );
});

test('a register rolls over where its type ends', () => {
  const small = { ...(IDIS.registers[0] ?? assert.fail()), type: 'long-unsigned' as const };
  const device = deviceAt({ ms: START_MS });
  const value = Number(device.registerAt(small, START_MS));
  assert.ok(value >= 0 && value < 65_536);
  assert.equal(value, Number(device.registerAt({ ...small, type: 'double-long-unsigned' }, START_MS)) % 65_536);
});

test('daylight saving is in the status while it is in force', () => {
  const summer = { ms: utcMsOfIso('2026-07-02T12:00:00Z') };
  const bit = (rule: BufferRule, device: Device) =>
    [...device.rows(rule, summer.ms - 2 * DAY_MS, summer.ms)].every((row) => (row.status & 8) !== 0);
  assert.ok(bit(LOAD, deviceAt(summer)) && bit(DAILY, deviceAt(summer)));
});
