/** The power line behind a simulated base node: the modem, who has joined, and the day that is played. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { VirtualClock } from '../../../src/lab/virtual-clock.ts';
import { drawDay, playDay, RECORDED_HOURS, RECORDED_METERS } from '../../../src/sim/plc/day.ts';
import { FIELD, type PlcHabits } from '../../../src/sim/plc/habits.ts';
import { PlcModem } from '../../../src/sim/plc/modem.ts';
import { PlcNetwork } from '../../../src/sim/plc/network.ts';
import { parseListen } from '../../../src/sim/serve/listen.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

function world(startMs = 0) {
  const timers = new VirtualClock();
  return { timers, clock: { nowMs: () => startMs + timers.nowMs, monotonicMs: () => timers.nowMs } };
}

function modemOf(habits: PlcHabits, startMs = 0) {
  const env = world(startMs);
  return { ...env, modem: new PlcModem(env, new SeededRandom(3), habits) };
}

function networkOf(count: number, habits: PlcHabits = {}) {
  const env = world();
  const meters = Array.from({ length: count }, (_, at) => ({ serial: `${at + 1}`, address: at + 1 }));
  const network = new PlcNetwork(meters, habits, env, new SeededRandom(4));
  const told: string[] = [];
  network.watch({
    joined: ({ meter, deviceId }) => told.push(`+${meter.serial} as ${deviceId}`),
    left: ({ meter }) => told.push(`-${meter.serial}`),
  });
  return { ...env, network, meters, told };
}

test('a modem without traits carries at once, and everything', () => {
  const { modem } = modemOf({});
  let heard = 0;
  for (let at = 0; at < 10; at++) modem.ask(1, () => heard++);
  modem.answer(1, () => heard++);
  assert.equal(heard, 11);
});

test('one request is on its way, five are held, the sixth is dropped in silence', async () => {
  const { modem, timers } = modemOf({ hopMs: [200, 200], queue: 5 });
  const heardAtMs: number[] = [];
  for (let at = 0; at < 6; at++) modem.ask(3, () => heardAtMs.push(timers.nowMs));
  await timers.advance(10_000);
  assert.deepEqual(heardAtMs, [300, 600, 900, 1_200, 1_500], 'half of what three hops add, one after the other');
  assert.deepEqual([modem.counts.dropped, modem.counts.heldMost], [1, 5]);
});

test('a missing confirmation stops the modem for 40 s; whether the meter heard it is open', async () => {
  const { modem, timers } = modemOf({ hopMs: [200, 200], stall: { share: 1, forMs: 40_000 } });
  const heard: string[] = [];
  for (let at = 0; at < 20; at++) modem.ask(1, () => heard.push(`${at} at ${timers.nowMs}`));
  await timers.advance(20 * 40_000);
  assert.equal(modem.counts.stalled, 20);
  assert.ok(heard.length > 4 && heard.length < 16, `${heard.length} of 20 were heard`);
  for (const each of heard) {
    const [at, atMs] = each.split(' at ').map(Number);
    assert.equal(atMs, (at ?? 0) * 40_000 + 100);
  }
});

test('answers are lost as often as requests, more with every hop, and five times as much in the evening', () => {
  const lostIn = (startMs: number, hops: number) => {
    const { evening } = FIELD;
    const { modem } = modemOf({ loss: 0.02, evening }, startMs);
    for (let at = 0; at < 20_000; at++) {
      modem.ask(hops, () => undefined);
      modem.answer(hops, () => undefined);
    }
    const { lostRequests, lostAnswers } = modem.counts;
    assert.ok(Math.abs(lostRequests / lostAnswers - 1) < 0.15, `${lostRequests} and ${lostAnswers}`);
    return lostRequests / 20_000;
  };
  const near = (share: number, wanted: number) => assert.ok(Math.abs(share / wanted - 1) < 0.15, `${share}, ${wanted}`);
  near(lostIn(9 * HOUR_MS, 1), 0.02);
  near(lostIn(9 * HOUR_MS, 4), 1 - 0.98 ** 4);
  near(lostIn(19 * HOUR_MS, 1), 0.1);
});

test('an answer comes late or twice as often as was asked for; what was on its way when the modem restarted never comes', async () => {
  const { modem, timers } = modemOf({
    twice: { share: 0.5, afterMs: [1_000, 1_000] },
    late: { share: 0.25, byMs: [30_000, 30_000] },
  });
  let heard = 0;
  for (let at = 0; at < 1_000; at++) modem.answer(1, () => heard++);
  await timers.advance(2_000);
  const soon = heard;
  await timers.advance(60_000);
  const { late, twice } = modem.counts;
  assert.equal(heard, 1_000 + twice);
  assert.ok(twice > 420 && twice < 580 && late > 180 && late < 320, `${twice} and ${late}`);
  assert.ok(heard - soon >= late);
  for (let at = 0; at < 100; at++) modem.answer(1, () => heard++);
  const before = heard;
  modem.restart();
  await timers.advance(60_000);
  assert.equal(heard, before);
});

test('a repeater that leaves takes those behind it along; they come back by themselves under new ids, it does when it is let', async () => {
  const { network, told, timers, meters } = networkOf(30, { levels: 4, rejoinMs: [1_000, 5_000] });
  const nodes = [...network.nodes.values()];
  assert.ok(Math.max(...nodes.map(({ hops }) => hops)) > 1, 'somebody repeats');
  assert.ok(nodes.every(({ hops, behind }) => hops <= 4 && hops === (behind?.hops ?? 0) + 1));
  const repeater = nodes.find((node) => nodes.some(({ behind }) => behind === node));
  assert.ok(repeater !== undefined);
  network.leave(repeater.meter);
  const gone = told.filter((each) => each.startsWith('-'));
  assert.ok(gone.length > 1 && gone[0] === `-${repeater.meter.serial}`);
  await timers.advance(10_000);
  assert.equal(network.nodes.size, meters.length - 1);
  network.join(repeater.meter);
  assert.equal(network.nodes.size, meters.length);
  const ids = told.filter((each) => each.startsWith('+')).map((each) => Number(each.split(' as ')[1]));
  assert.deepEqual(
    ids,
    ids.map((_, at) => meters.length + 1 + at),
    'each under the next id',
  );
});

test('ids come again after a while, and then belong to another meter', () => {
  const { network, meters, told } = networkOf(2, { ids: 4 });
  const [first, second] = meters;
  assert.ok(first !== undefined && second !== undefined);
  for (let round = 0; round < 3; round++) network.join(second);
  network.join(first);
  assert.deepEqual(
    told.filter((each) => each.startsWith('+')),
    ['+2 as 3', '+2 as 4', '+2 as 2', '+1 as 3'],
  );
});

test('after a restart meters join over minutes, those that are away do not', async () => {
  const { network, meters, timers } = networkOf(20, { joinMs: [0, 600_000] });
  await timers.advance(600_000);
  assert.equal(network.nodes.size, 20);
  const [away] = meters;
  assert.ok(away !== undefined);
  network.leave(away);
  network.restart();
  assert.equal(network.nodes.size, 0);
  await timers.advance(300_000);
  assert.ok(network.nodes.size > 3 && network.nodes.size < 17, `${network.nodes.size} after half of the time`);
  await timers.advance(300_000);
  assert.equal(network.nodes.size, 19);
  assert.equal(network.nodeOf(away), undefined);
});

test('the day that is drawn has what is known of the day that was recorded', () => {
  const mean = RECORDED_HOURS.reduce((sum, percent) => sum + percent, 0) / 24;
  assert.deepEqual([Math.min(...RECORDED_HOURS), Math.max(...RECORDED_HOURS), mean.toFixed(1)], [66.7, 97.4, '89.8']);
  for (const seed of [1, 2, 3]) {
    const day = drawDay(RECORDED_METERS, new SeededRandom(seed));
    const awayMs = (at: number, fromMs: number, toMs: number) =>
      (day[at] ?? []).reduce(
        (sum, outage) => sum + Math.max(0, Math.min(outage.toMs, toMs) - Math.max(outage.fromMs, fromMs)),
        0,
      );
    for (const [hour, percent] of RECORDED_HOURS.entries()) {
      let away = 0;
      for (let at = 0; at < day.length; at++) away += awayMs(at, hour * HOUR_MS, (hour + 1) * HOUR_MS);
      const there = 100 * (1 - away / (day.length * HOUR_MS));
      assert.ok(Math.abs(there - percent) < 0.5, `seed ${seed}, hour ${hour}: ${there}, wanted ${percent}`);
    }
    const shares = day.map((_, at) => 1 - awayMs(at, 0, DAY_MS) / DAY_MS);
    assert.equal(shares.filter((share) => share === 0).length, 2);
    assert.equal(shares.filter((share) => share === 1).length, 59);
    assert.equal(Math.max(...day.map((outages) => outages.length)), 28);
  }
});

test('a day is played: who is away by it is away, and nobody else', async () => {
  const { network, meters, timers } = networkOf(40);
  const day = drawDay(40, new SeededRandom(9));
  playDay(network, day, { timers });
  for (let atMs = 0; atMs < DAY_MS; atMs += HOUR_MS / 3 + 1) {
    await timers.advance(atMs - timers.nowMs);
    for (const [at, meter] of meters.entries()) {
      const isAway = (day[at] ?? []).some(({ fromMs, toMs }) => fromMs <= atMs && (atMs < toMs || toMs === DAY_MS));
      assert.equal(network.nodeOf(meter) === undefined, isAway, `meter ${at} at ${atMs}`);
    }
  }
});

test('a G3 modem is played on a device or in a socket, with the same traits', async () => {
  const planOf = (place: string) => {
    const { at } = parseListen(`g3-serial://${place}?network=field&loss=2`);
    assert.ok(at.kind === 'g3-modem');
    return at;
  };
  const socket = planOf('127.0.0.1:4001');
  assert.deepEqual(socket.port, { host: '127.0.0.1', port: 4_001 });
  assert.equal(socket.plan.habits.loss, 0.02);
  const device = planOf('/dev/pts/3');
  assert.ok('path' in device.port);
  assert.deepEqual([device.port.path, device.port.settings.baud], ['/dev/pts/3', 115_200]);
  for (const place of ['', '127.0.0.1'])
    assert.throws(() => parseListen(`g3-serial://${place}`), /a device or host and port are wanted/);
});

test('every trait has a name in the address; what is not named is as the network has it', () => {
  const planOf = (query: string) => {
    const { at } = parseListen(`prime-tcp://127.0.0.1:4059?${query}`);
    assert.ok(at.kind === 'base-node');
    return at.plan;
  };
  assert.deepEqual(planOf('').habits, {});
  assert.deepEqual(planOf('network=field').habits, FIELD);
  assert.deepEqual(planOf('network=field&loss=0&stall=0').habits, {
    ...FIELD,
    loss: 0,
    stall: { ...FIELD.stall, share: 0 },
  });
  assert.deepEqual(planOf('levels=3&queue=5&twice=10&late=20&join=60').habits, {
    levels: 3,
    queue: 5,
    twice: { ...FIELD.twice, share: 0.01 },
    late: { ...FIELD.late, share: 0.02 },
    joinMs: [0, 60_000],
  });
  assert.deepEqual(planOf('hop=200&answer=1000').habits, { hopMs: [110, 290], answerMs: [550, 1_450] });
  assert.deepEqual(planOf('churn=yes&reboot=6&seed=4'), { habits: {}, seed: 4, churn: true, rebootMs: 6 * HOUR_MS });
});
