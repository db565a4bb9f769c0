import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex } from '../../../src/base/bytes.ts';
import { DeltawattError } from '../../../src/base/errors.ts';
import { encodeWrapper } from '../../../src/dlms/frame/wrapper-frame.ts';
import { sealGeneral } from '../../../src/dlms/security/ciphering.ts';
import { parseMeterKeys } from '../../../src/dlms/security/key-file.ts';
import type { MeterSecurity } from '../../../src/dlms/security/meter-security.ts';
import { encodeApdu } from '../../../src/dlms/xdlms/codec.ts';
import type { Meter } from '../../../src/edge/ports.ts';
import { MeterCounters } from '../../../src/edge/reader/counters.ts';
import { PushListener } from '../../../src/edge/reader/listener.ts';
import { linkOf } from '../../../src/link/registry.ts';
import type { MeterId } from '../../../src/model/ids.ts';
import { makeFleet } from '../../../src/sim/fleet.ts';
import { OPERATION } from '../../../src/sim/meter/push-setup.ts';
import { SimSecurity } from '../../../src/sim/meter/security.ts';
import { PushCaller } from '../../../src/sim/serve/push-caller.ts';
import { DirectStage, profileOf } from './bus.ts';
import { FakeJournal } from './fake-journal.ts';
import { FakeHealth, testWorld } from './world.ts';

const PROFILE = 'kaifa/ma309';
const ZONE = 'Europe/Vienna';
const PLACE = { host: 'edge', port: 4059 };

/** Keys of a meter; the edge has a title of its own where it is `titled`. */
function keysOf(number: number, isTitled = false): MeterSecurity {
  const digit = number.toString(16);
  const lines = [
    `encryptionKey: "${digit.repeat(32)}"`,
    `authenticationKey: "d${digit.repeat(31)}"`,
    `meterTitle: "4b464d000000000${digit}"`,
    ...(isTitled ? ['clientTitle: "4d4d4d0000000001"'] : []),
  ];
  const read = parseMeterKeys(`${lines.join('\n')}\n`);
  assert.ok(read.ok);
  return read.security;
}

/** Meters that call an edge; `known` = keys that the edge has, by meter. */
async function site(options: {
  readonly count?: number;
  readonly confirmed?: boolean;
  readonly sampleMs?: number;
  readonly meterKeys?: ReadonlyMap<number, MeterSecurity>;
  readonly known?: readonly MeterSecurity[];
}) {
  const { count = 1, confirmed = false, sampleMs = 0, meterKeys, known } = options;
  const world = testWorld();
  const { env } = world.program('edge');
  const meters = world.program('meters').env;
  const fleet = makeFleet(
    {
      seed: 'calls',
      count,
      profiles: [profileOf(PROFILE)],
      timeZone: ZONE,
      nowMs: () => meters.clock.nowMs(),
      days: 1,
      households: [],
      ...(meterKeys === undefined ? {} : { securities: meterKeys }),
    },
    null,
  );
  const callers = fleet.flatMap((meter) =>
    meter.device.pushSetups.map((setup) => {
      setup.pushTo(`${PLACE.host}:${PLACE.port}`);
      if (confirmed) setup.operation = OPERATION.confirmed;
      return new PushCaller(meters, meter, setup);
    }),
  );
  const journal = new FakeJournal();
  const health = new FakeHealth();
  const medium = { fails: false, flushes: 0 };
  const stage = new DirectStage(journal);
  stage.flush = () => {
    medium.flushes++;
    return medium.fails ? Promise.reject(new Error('the disk is full')) : Promise.resolve();
  };
  const securities: readonly (MeterSecurity | null)[] = known ?? [null];
  const listener = new PushListener({
    env,
    line: 'calls',
    meters: securities.map(
      (security, at): Meter => ({
        meterId: `p${at + 1}` as MeterId,
        line: 'calls',
        profile: profileOf(PROFILE),
        timeZone: ZONE,
        logicalDevice: 1,
        physicalDevice: null,
        password: null,
        security,
      }),
    ),
    link: linkOf(`push+tcp://${PLACE.host}:${PLACE.port}`, env),
    stage,
    journal,
    counters: new MeterCounters(journal, env.clock),
    health,
    sampleMs,
  });
  await listener.start();
  return {
    world,
    env,
    fleet,
    callers,
    journal,
    health,
    medium,
    listener,
    rowsOf: (meterId: string) =>
      journal.entries
        .flatMap((entry) => entry.groups)
        .filter(({ group }) => group.meterId === meterId)
        .flatMap(({ rows }) => rows),
    stop: async () => {
      for (const caller of callers) caller.stop();
      await listener.stop();
    },
  };
}

test('SG-EV-1 a meter connects to the edge and pushes the list of its profile by its Push setup', async () => {
  const s = await site({});
  s.callers[0]?.start();
  await s.world.clock.advance(60_000);
  const rows = s.rowsOf('p1');
  assert.ok(rows.length >= 6, `${rows.length} rows in a minute`);
  assert.ok(rows.every(({ quality }) => quality === 'good'));
  assert.equal(s.medium.flushes, 0, 'nobody asked for a confirmation');
  await s.stop();
});

test('SG-EV-1 the method of Push setup pushes at once, an empty destination to nobody', async () => {
  const s = await site({});
  const [setup] = s.fleet[0]?.device.pushSetups ?? [];
  const [caller] = s.callers;
  assert.ok(setup !== undefined && caller !== undefined);
  const object = setup.object();
  assert.equal(object.invoke(1, null).actionResult, 2, 'temporary-failure while nothing calls');
  setup.pushTo('');
  caller.start();
  await s.world.clock.advance(60_000);
  assert.equal(s.rowsOf('p1').length, 0);
  const destination = new TextEncoder().encode('edge:4059');
  const enumOf = (value: number) => ({ type: 'enum' as const, value });
  const written = (transport: number, value: Uint8Array) =>
    object.write(3, {
      type: 'structure',
      value: [enumOf(transport), { type: 'octet-string', value }, enumOf(0)],
    });
  assert.equal(written(1, destination), 250, 'UDP is not there: other-reason');
  assert.equal(written(0, new TextEncoder().encode('edge')), 250, 'no port');
  assert.equal(written(0, destination), 0);
  assert.equal(object.invoke(1, null).actionResult, 0);
  await s.world.clock.advance(1_000);
  assert.equal(caller.pushed, 1);
  assert.ok(s.rowsOf('p1').length > 0);
  await s.stop();
});

test('HE-7 a push that asks for it is confirmed when it is on the medium, and sent again until then', async () => {
  const s = await site({ confirmed: true });
  const [caller] = s.callers;
  assert.ok(caller !== undefined);
  s.medium.fails = true;
  caller.start();
  await s.world.clock.advance(35_000);
  assert.equal(caller.pushed, 0);
  assert.ok(s.medium.flushes >= 2, `${s.medium.flushes} tries`);
  assert.equal(s.health.counters.get('reader_pushes_confirmed'), undefined);
  s.medium.fails = false;
  await s.world.clock.advance(60_000);
  assert.ok(caller.pushed >= 3, `${caller.pushed} got through`);
  assert.equal(caller.failed, 0);
  assert.equal(s.health.counters.get('reader_pushes_confirmed'), caller.pushed);
  await s.stop();
});

test('HE-7 a push that gave way within the period is not confirmed, and costs no write', async () => {
  const s = await site({ confirmed: true, sampleMs: 900_000 });
  s.callers[0]?.start();
  await s.world.clock.advance(600_000);
  assert.equal(s.medium.flushes, 1);
  assert.equal(s.health.counters.get('reader_pushes_confirmed'), 1);
  await s.stop();
});

test('HE-7 a caller gives up after its retries when nobody answers, and calls again a period later', async () => {
  const s = await site({});
  await s.listener.stop();
  const [caller] = s.callers;
  const [setup] = s.fleet[0]?.device.pushSetups ?? [];
  assert.ok(caller !== undefined && setup !== undefined);
  const periodMs = (setup.rule.periodS ?? 0) * 1000;
  assert.ok(periodMs > 3_000);
  setup.retries = 2;
  setup.repetition = { minS: 1, exponent: 100, maxS: 1 };
  caller.start();
  await s.world.clock.advance(periodMs - 1);
  assert.deepEqual([caller.pushed, caller.failed], [0, 1]);
  await s.world.clock.advance(periodMs);
  assert.deepEqual([caller.pushed, caller.failed], [0, 2]);
  caller.stop();
});

test('HE-7 meters that push to one place are told apart by their titles; strangers, wrong keys and replays are not heard', async () => {
  const keys = [keysOf(1), keysOf(2), keysOf(3), { ...keysOf(4), keys: keysOf(5).keys }];
  const s = await site({
    count: 4,
    meterKeys: new Map(keys.entries()),
    // The third is a stranger; the fourth says that it is one that is known, with keys of its own.
    known: [keysOf(1), keysOf(2), keysOf(4)],
  });
  for (const caller of s.callers) caller.start();
  await s.world.clock.advance(30_000);
  for (const [meterId, at] of [
    ['p1', 0],
    ['p2', 1],
  ] as const) {
    const rows = s.rowsOf(meterId);
    assert.ok(rows.length >= 3, `${rows.length} rows of ${meterId}`);
    assert.ok(rows.every(({ quality }) => quality === 'good'));
    assert.equal(s.callers[at]?.pushed, new Set(rows.map(({ atMs }) => atMs)).size);
  }
  assert.notDeepEqual(s.rowsOf('p1')[0]?.values, s.rowsOf('p2')[0]?.values);
  assert.equal(s.rowsOf('p3').length, 0);
  assert.ok((s.health.counters.get('reader_discarded_reader_push_unknown_sender') ?? 0) >= 3);
  assert.ok((s.health.counters.get('reader_discarded_security_tag') ?? 0) >= 3, [...s.health.counters].join(' '));
  await s.stop();
});

test('HE-7 a plain push to a place of meters with keys, and octets that are no message, store nothing', async () => {
  const s = await site({ known: [keysOf(1), keysOf(2)] });
  s.callers[0]?.start();
  await s.world.clock.advance(10_000);
  const connecting = s.env.net.connectTcp(PLACE.host, PLACE.port, { timeoutMs: 1_000 });
  await s.world.clock.advance(1_000);
  const duplex = await connecting;
  await duplex.write(encodeWrapper({ source: 1, destination: 1, apdu: fromHex('0f00000001') }));
  await duplex.write(fromHex('ffffffffffff'));
  await s.world.clock.advance(60_000);
  assert.equal(s.journal.entries.flatMap(({ groups }) => groups).length, 0);
  assert.ok((s.health.counters.get('reader_discarded_reader_push_unknown_sender') ?? 0) >= 1);
  assert.equal(
    [...s.health.states.values()].some((state) => state.includes('babbling')),
    false,
  );
  await s.stop();
});

test('HE-7 ciphered pushes are confirmed under keys, title and a counter of ours, once they are on the medium', async () => {
  const keys = [keysOf(1, true), keysOf(2, true)];
  const s = await site({ count: 2, confirmed: true, meterKeys: new Map(keys.entries()), known: keys });
  s.medium.fails = true;
  for (const caller of s.callers) caller.start();
  await s.world.clock.advance(20_000);
  assert.deepEqual(
    s.callers.map(({ pushed }) => pushed),
    [0, 0],
  );
  s.medium.fails = false;
  await s.world.clock.advance(60_000);
  for (const { pushed, failed } of s.callers)
    assert.ok(pushed >= 3 && failed === 0, `${pushed} got through, ${failed} not`);
  const [first, second] = s.callers;
  assert.equal(s.health.counters.get('reader_pushes_confirmed'), (first?.pushed ?? 0) + (second?.pushed ?? 0));
  const reserved = s.journal.entries.flatMap(({ keep }) => keep).filter(({ key }) => key.startsWith('counter:'));
  assert.ok(reserved.length >= 2, 'counters are stored as used before they are');
  await s.stop();
});

test('HE-7 a ciphered push is not confirmed in clear: without a title of ours the meter hears nothing, what it sent is stored', async () => {
  const s = await site({ confirmed: true, meterKeys: new Map([[0, keysOf(1)]]), known: [keysOf(1)] });
  s.callers[0]?.start();
  await s.world.clock.advance(60_000);
  assert.equal(s.callers[0]?.pushed, 0);
  assert.ok(s.rowsOf('p1').length > 0);
  assert.ok((s.health.counters.get('reader_pushes_not_confirmable') ?? 0) > 0);
  assert.equal(s.health.counters.get('reader_pushes_confirmed'), undefined);
  await s.stop();
});

test('HE-7 a meter believes no confirmation of a stranger: wrong key, wrong title, in clear, or the same one again', async () => {
  const strangers = [
    { ...keysOf(1, true), keys: keysOf(5).keys },
    { ...keysOf(1, true), clientTitle: fromHex('4d4d4d0000000002') },
  ];
  const security = new SimSecurity({ serial: '1', nowMs: 0 }, keysOf(1, true), true, (count) => new Uint8Array(count));
  const confirmation = encodeApdu({
    apdu: 'data-notification-confirm',
    longInvokeId: 1,
    selfDescriptive: false,
    breakOnError: false,
    confirmed: true,
    highPriority: false,
    dateTime: new Uint8Array(0),
  });
  const sealed = ({ keys, clientTitle }: MeterSecurity, invocationCounter: number) =>
    encodeApdu(
      sealGeneral(confirmation, {
        suite: 0,
        keys,
        title: clientTitle ?? assert.fail('no title'),
        invocationCounter,
        keySet: 'unicast',
        authenticated: true,
        encrypted: true,
      }),
    );
  for (const stranger of strangers) assert.throws(() => security.openAnswer(sealed(stranger, 7), 1), DeltawattError);
  assert.throws(() => security.openAnswer(confirmation, 1), { code: 'SECURITY_POLICY' });
  assert.equal(security.openAnswer(sealed(keysOf(1, true), 7), 1).apdu, 'data-notification-confirm');
  assert.throws(() => security.openAnswer(sealed(keysOf(1, true), 7), 1), { code: 'SECURITY_REPLAY' });
});
