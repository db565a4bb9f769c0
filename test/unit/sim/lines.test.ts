import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../../../src/base/bytes.ts';
import type { ByteDuplex, DuplexListener } from '../../../src/base/env.ts';
import { hasCode } from '../../../src/base/errors.ts';
import { VirtualClock } from '../../../src/lab/virtual-clock.ts';
import { plainRequest } from '../../../src/profile/plan.ts';
import type { BufferRule } from '../../../src/profile/schema/profile.ts';
import { makeFleet, type SimMeter, serveLine } from '../../../src/sim/fleet.ts';
import { readLedger } from '../../../src/sim/ledger.ts';
import { parseListen } from '../../../src/sim/serve/listen.ts';
import { MISBEHAVIOURS, type Misbehaviour } from '../../../src/sim/serve/misbehave.machine.ts';
import { PacedDuplex } from '../../../src/sim/serve/paced-duplex.ts';
import { Desk, profileOf, START_MS } from './world.ts';

const ENERGY = plainRequest(3, '1-0:1.8.0*255', 2);

async function energyOf(desk: Desk, meter: SimMeter): Promise<unknown> {
  const session = await desk.open('read', meter);
  const value = await desk.read(session, ENERGY);
  await desk.settle(session.release());
  return value;
}

for (const framing of ['hdlc', 'wrapper'] as const) {
  test(`several meters on one ${framing} line answer for themselves`, async () => {
    const desk = new Desk(framing, { count: 12, days: 1, profiles: [profileOf('generic/idis')] });
    const values = new Set<string>();
    for (const meter of desk.meters) {
      const value = await energyOf(desk, meter);
      const own = meter.device.profile.registers[0] ?? assert.fail();
      assert.ok(Math.abs(Number(meter.device.registerAt(own, desk.nowMs)) - (value as { value: number }).value) < 5);
      values.add(JSON.stringify(value));
    }
    assert.equal(values.size, 12);
    const meters = new Set([...readLedger(desk.file.octets)].map((entry) => entry.meterId));
    assert.equal(meters.size, 12, 'each meter that answered is in the ledger');
  });
}

test('a bad meter on the line: the others are read, whatever it does', async () => {
  for (const how of MISBEHAVIOURS.filter((name) => name !== 'drop')) {
    const misbehaviours = new Map<number, Misbehaviour>([[1, how]]);
    const desk = new Desk('hdlc', { count: 3, days: 1, misbehaviours }, { octetsPerS: 960 });
    const [first, bad, last] = desk.meters as [SimMeter, SimMeter, SimMeter];
    assert.ok(await energyOf(desk, first), how);
    if (how === 'slow')
      await assert.doesNotReject(
        desk
          .open('read', bad)
          .then((session) => desk.settle(session.release()))
          .catch(() => {}),
      );
    else if (how !== 'babble') await assert.rejects(desk.open('read', bad), how);
    assert.ok(await energyOf(desk, last), how);
  }
});

test('a silent meter says nothing, a refusing one says why, a babbling one never stops', async () => {
  const octetsOf = async (how: Misbehaviour) => {
    const desk = new Desk('hdlc', { days: 0, misbehaviours: new Map([[0, how]]) }, { octetsPerS: 960 });
    const error = await desk.open('read').then(
      () => null,
      (reason: unknown) => reason,
    );
    return { error, octets: desk.world.lines.find('bus')?.octets ?? 0 };
  };
  const silent = await octetsOf('silent');
  assert.ok(hasCode(silent.error, 'HDLC_TIMEOUT') || silent.error instanceof Error);
  const refusing = await octetsOf('refuse');
  assert.ok(hasCode(refusing.error, 'SESSION_ASSOCIATION_REFUSED'));
  const babbling = await octetsOf('babble');
  assert.ok(babbling.octets > 5 * silent.octets, `${babbling.octets} and ${silent.octets} octets`);
});

test('a meter that drops ends its connection when it should answer', async () => {
  const [meter] = makeFleet(
    {
      seed: 'd',
      count: 1,
      profiles: [profileOf('generic/idis')],
      timeZone: 'UTC',
      nowMs: () => START_MS,
      days: 0,
      households: [],
      misbehaviours: new Map([[0, 'drop']]),
    },
    null,
  );
  assert.ok(meter !== undefined);
  const timers = new VirtualClock();
  let heard: DuplexListener | null = null;
  let closed = false;
  const duplex: ByteDuplex = {
    peer: 'test',
    write: () => Promise.reject(new Error('it should not write')),
    listen: (listener) => {
      heard = listener;
    },
    close: () => {
      closed = true;
    },
  };
  const clock = { nowMs: () => timers.nowMs, monotonicMs: () => timers.nowMs };
  serveLine(duplex, [meter], 'wrapper', { timers, clock }, null);
  const aarq = '0001001000010' + '01f601da109060760857405080101be10040e01000000065f1f040000101dffff';
  (heard as DuplexListener | null)?.data(Uint8Array.from(aarq.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)));
  assert.equal(closed, true);
});

test('the same seed gives the same octets on the line and in the ledger, another seed others', async () => {
  const run = async (seed: string): Promise<string> => {
    const desk = new Desk('hdlc', { seed, days: 2 });
    const session = await desk.open('read');
    const load = desk.meter.device.profile.buffers[0] as BufferRule;
    const buffer = await desk.read(session, plainRequest(7, load.obis, 2));
    await desk.settle(session.release());
    const line = desk.world.lines.find('bus')?.octets ?? 0;
    return `${line} ${JSON.stringify(buffer, (_key, value: unknown) => (value instanceof Uint8Array ? toHex(value) : value))} ${toHex(desk.file.octets)}`;
  };
  const first = await run('one');
  assert.equal(await run('one'), first);
  assert.notEqual(await run('two'), first);
});

test('a paced line takes the time of its octets, both ways, on one pair of wires', async () => {
  const timers = new VirtualClock();
  const clock = { nowMs: () => timers.nowMs, monotonicMs: () => timers.nowMs };
  const written: number[] = [];
  const arrived: number[] = [];
  let inner: DuplexListener | null = null;
  const duplex: ByteDuplex = {
    peer: 'wire',
    write: (octets) => {
      for (const _ of octets) written.push(timers.nowMs);
      return Promise.resolve();
    },
    listen: (listener) => {
      inner = listener;
    },
    close: () => {},
  };
  const octetMs = 10_000 / 9600;
  const paced = new PacedDuplex(duplex, octetMs, { timers, clock });
  paced.listen({ data: (chunk) => arrived.push(...Array.from(chunk, () => timers.nowMs)), closed: () => {} });
  (inner as DuplexListener | null)?.data(new Uint8Array(96));
  let writing = true;
  void paced.write(new Uint8Array(960)).then(() => {
    writing = false;
  });
  await timers.runWhile(() => writing, 10_000);
  assert.equal(arrived.length, 96);
  assert.equal(written.length, 960);
  assert.ok(Math.abs((arrived.at(-1) ?? 0) - 100) < 1, `${arrived.at(-1)} ms for 96 octets in`);
  assert.ok(Math.abs((written.at(-1) ?? 0) - 1100) < 1, `${written.at(-1)} ms for 960 octets out behind them`);
});

test('places to listen at: read with all their problems, refused with a way out', () => {
  const tcp = parseListen('tcp://127.0.0.1:4059');
  assert.deepEqual([tcp.framing, tcp.at], ['wrapper', { kind: 'tcp', host: '127.0.0.1', port: 4059, octetMs: 0 }]);
  const bus = parseListen('tcp+hdlc://127.0.0.1:0?meters=32');
  assert.deepEqual([bus.framing, bus.meters], ['hdlc', 32]);
  const pacedSocket = parseListen('tcp+hdlc://127.0.0.1:0?baud=9600');
  assert.ok(pacedSocket.at.kind === 'tcp' && Math.abs(pacedSocket.at.octetMs - 10_000 / 9600) < 1e-9);
  const serial = parseListen('serial:///dev/pts/3?baud=2400&parity=even');
  assert.ok(serial.at.kind === 'serial' && Math.abs(serial.at.octetMs - 11_000 / 2400) < 1e-9);
  const optical = parseListen('optical:///dev/pts/3?baud=19200');
  assert.deepEqual(optical.at, {
    kind: 'optical',
    path: '/dev/pts/3',
    startBaud: 300,
    offeredBaud: 19_200,
    paced: true,
  });
  const unpaced = parseListen('serial:///dev/ttyS1?pace=no');
  assert.ok(unpaced.at.kind === 'serial' && unpaced.at.octetMs === 0);
  for (const wrong of [
    'http://x',
    'tcp://127.0.0.1',
    'serial://ttyS1',
    'optical:///dev/pts/3?baud=14400',
    'tcp://127.0.0.1:1?meters=999',
    'tcp://127.0.0.1:1?speed=3',
    'nothing',
    '',
  ]) {
    assert.throws(
      () => parseListen(wrong),
      (error) => hasCode(error, 'SIM_LISTEN'),
      wrong,
    );
  }
});

test('two meters with one address on one line are refused', () => {
  const fleet = makeFleet(
    {
      seed: 'd',
      count: 1,
      profiles: [profileOf('generic/idis')],
      timeZone: 'UTC',
      nowMs: () => START_MS,
      days: 0,
      households: [],
    },
    null,
  );
  const timers = new VirtualClock();
  const duplex: ByteDuplex = { peer: 'x', write: () => Promise.resolve(), listen: () => {}, close: () => {} };
  const clock = { nowMs: () => timers.nowMs, monotonicMs: () => timers.nowMs };
  assert.throws(
    () => serveLine(duplex, [...fleet, ...fleet], 'hdlc', { timers, clock }, null),
    (error) => hasCode(error, 'SIM_ADDRESS'),
  );
});
