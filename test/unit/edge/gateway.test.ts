/** A tool of the head-end talks to a meter through the edge, over TCP, while the edge goes on reading its line. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../../../src/base/errors.ts';
import { NO_KEY_PARTS } from '../../../src/bin/key-parts.ts';
import { meterTarget } from '../../../src/bin/meter-options.ts';
import { GatewayClient } from '../../../src/dlms/frame/gateway-client.ts';
import type { TransportEvent } from '../../../src/dlms/frame/transport.ts';
import {
  type AttributeAccess,
  encodeApdu,
  type MeterSession,
  openSession,
  parseObis,
  WrapperClient,
} from '../../../src/dlms/index.ts';
import { Gateway } from '../../../src/edge/gateway/gateway.ts';
import type { GatewaySettings } from '../../../src/edge/settings.ts';
import { readOnce } from '../../../src/lab/read-once.ts';
import { LineDriver } from '../../../src/link/drive.ts';
import type { MeterId } from '../../../src/model/ids.ts';
import { SIM_PASSWORD } from '../../../src/sim/fleet.ts';
import { type BusOptions, bus } from './bus.ts';

const CLOCK: AttributeAccess = { classId: 8, instanceId: parseObis('0-0:1.0.0*255'), attributeId: 2, access: null };
const PROFILE: AttributeAccess = { classId: 7, instanceId: parseObis('1-0:99.1.0*255'), attributeId: 2, access: null };
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** A bus of two meters with a gateway in front. */
async function behind(settings: Partial<GatewaySettings> = {}, shape?: BusOptions['shape']) {
  const log: { event: string; fields: Record<string, unknown> }[] = [];
  const b = await bus({
    count: 2,
    ...(shape === undefined ? {} : { shape }),
    showLog: (_program, _level, event, fields) => log.push({ event, fields: { ...fields } }),
  });
  const given = { host: '127.0.0.1', port: 4059, networkId: 3, meters: ['m0001'] as MeterId[] };
  const gateway = new Gateway({
    env: b.env,
    health: b.health,
    dispatcher: b.scheduler,
    settings: { ...given, idleMs: 30_000, holdMs: 300_000, ...settings },
  });
  b.scheduler.start();
  await gateway.start();
  const tool = b.world.program('tool').env;
  const line = async () => {
    const connecting = tool.net.connectTcp('127.0.0.1', 4059, { timeoutMs: 1_000 });
    await b.world.clock.advance(10);
    return new LineDriver(await connecting, tool);
  };
  /** Waits for something while time passes. */
  async function settled<Value>(promise: Promise<Value>, withinMs = 60_000): Promise<Value> {
    let state: { value: Value } | { error: unknown } | null = null;
    promise.then(
      (value) => {
        state = { value };
      },
      (error: unknown) => {
        state = { error };
      },
    );
    for (let spentMs = 0; state === null && spentMs < withinMs; spentMs += 50) await b.world.clock.advance(50);
    const ended = state as { value: Value } | { error: unknown } | null;
    if (ended === null) throw new Error('it never settled');
    if ('error' in ended) throw ended.error;
    return ended.value;
  }
  const open = async (meter: string, networkId = 3, client = 1): Promise<MeterSession> => {
    const transport = new GatewayClient(new WrapperClient({ client, server: 1 }), {
      networkId,
      physicalDeviceAddress: text(meter),
    });
    const authentication = { mechanism: 'lls', password: text(SIM_PASSWORD) } as const;
    return await settled(openSession(await line(), transport, { authentication, requestTimeoutMs: 20_000 }));
  };
  const sentences = (event: string) => log.flatMap((each) => (each.event === event ? [each.fields.sentence] : []));
  return { ...b, gateway, log, line, open, settled, sentences };
}

for (const framing of ['hdlc', 'wrapper'] as const) {
  test(`HE-7 gateway: clock and a whole profile buffer of a meter on ${framing}, released, the line given back`, async () => {
    const g = await behind({}, { octetsPerS: 960, framing });
    await g.world.clock.advance(600_000);
    const session = await g.open('m0001');
    const [clock] = await g.settled(session.get([CLOCK]));
    assert.ok(clock !== undefined && 'data' in clock && clock.data.type === 'octet-string');
    const [rows] = await g.settled(session.get([PROFILE]));
    assert.ok(rows !== undefined && 'data' in rows && rows.data.type === 'array' && rows.data.value.length >= 96);
    await g.settled(session.release());
    await g.world.clock.advance(1_000);
    assert.deepEqual(g.sentences('gateway.closed'), ['The association was released.']);
    const [closed] = g.log.filter(({ event }) => event === 'gateway.closed');
    assert.ok(Number(closed?.fields.octets) > 1_000 && closed?.fields.meterId === 'm0001');
    const before = g.rowsOf('m0002', 900).length;
    await g.world.clock.advance(3_600_000);
    assert.ok(g.rowsOf('m0002', 900).length > before, 'the line is read on');
    await g.settled(g.gateway.stop());
    await g.stop();
  });
}

test('HE-7 deltawatt read --gateway: a value in words through the edge, with GET and with ACCESS', async () => {
  const g = await behind();
  const { env } = g.world.program('tool');
  for (const access of [false, true]) {
    const target = await meterTarget(
      'tcp://127.0.0.1:4059',
      1,
      {
        ...NO_KEY_PARTS,
        server: '1',
        auth: 'lls',
        'password-file': 'password',
        timeout: undefined,
        gateway: '3/m0001',
        security: undefined,
        names: undefined,
      },
      { ...env, disk: { ...env.disk, readFile: () => Promise.resolve(text(SIM_PASSWORD)) } },
    );
    const objects = [{ obis: parseObis('1-0:1.8.0*255'), attribute: 2 }];
    const [shown] = await g.settled(readOnce(env, { ...target, access, objects }));
    assert.match(shown?.answer.words ?? '', /^\d+ Wh$/);
  }
  await g.world.clock.advance(1_000);
  assert.deepEqual(g.sentences('gateway.closed'), ['The association was released.', 'The association was released.']);
  await g.settled(g.gateway.stop());
  await g.stop();
});

test('HE-7 gateway: refused in words: a meter that is not let in, another network, an unknown meter, no AARQ, no prefix', async () => {
  const g = await behind();
  for (const [meter, network] of [
    ['m0002', 3],
    ['m0001', 4],
    ['m9999', 3],
  ] as const) {
    await assert.rejects(g.open(meter, network), (error) => hasCode(error, 'SESSION_ASSOCIATION_REFUSED'));
  }
  const heard: TransportEvent[] = [];
  const driver = await g.line();
  const plain = new WrapperClient({ client: 1, server: 1 });
  const running = driver.run(
    plain,
    (events) => heard.push(...events),
    () => undefined,
  );
  const get = encodeApdu({
    apdu: 'get-request-normal',
    invokeId: 1,
    confirmed: true,
    highPriority: true,
    attribute: CLOCK,
    access: null,
  });
  plain.send(get, 0);
  plain.send(
    encodeApdu({ apdu: 'gateway-request', networkId: 3, physicalDeviceAddress: text('m0001'), content: get }),
    0,
  );
  plain.send(Uint8Array.of(0xe6), 0);
  running.kick();
  await g.world.clock.advance(100);
  assert.equal(heard.filter(({ kind }) => kind === 'apdu').length, 3);
  assert.deepEqual(g.sentences('gateway.refused'), [
    'The meter may not be reached through this gateway.',
    'There is no network 4 here.',
    'The meter may not be reached through this gateway.',
    'An APDU came without a gateway prefix.',
    'An association begins with an AARQ.',
    'An APDU came without a gateway prefix.',
  ]);
  assert.equal(g.health.counters.get('gateway_refused'), 6);
  await g.settled(g.gateway.stop());
  await g.stop();
});

test('HE-7 gateway: one association at a time for each meter; a silent one and a long one give the line back', async () => {
  const g = await behind({ idleMs: 10_000, holdMs: 25_000 });
  const first = await g.open('m0001');
  await assert.rejects(g.open('m0001', 3, 16), (error) => hasCode(error, 'SESSION_ASSOCIATION_REFUSED'));
  assert.deepEqual(g.sentences('gateway.refused'), ['Somebody else talks to this meter.']);
  await g.world.clock.advance(11_000);
  assert.deepEqual(g.sentences('gateway.closed'), ['Nothing was said for too long.']);
  await assert.rejects(g.settled(first.get([CLOCK])), (error) => hasCode(error, 'SESSION_REFUSED'));
  const second = await g.open('m0001');
  for (let round = 0; round < 6; round++) {
    await g.world.clock.advance(6_000);
    await g.settled(second.get([CLOCK])).catch((error: unknown) => assert.ok(hasCode(error, 'SESSION_REFUSED')));
  }
  assert.equal(g.sentences('gateway.closed').at(-1), 'The line was held for as long as it may be.');
  await g.settled(g.gateway.stop());
  await g.stop();
});

test('HE-7 gateway: a caller that goes away, and a stop', async () => {
  const g = await behind();
  const driver = await g.line();
  const transport = new GatewayClient(new WrapperClient({ client: 1, server: 1 }), {
    networkId: 3,
    physicalDeviceAddress: text('m0001'),
  });
  const authentication = { mechanism: 'lls', password: text(SIM_PASSWORD) } as const;
  await g.settled(openSession(driver, transport, { authentication, requestTimeoutMs: 20_000 }));
  driver.close();
  await g.world.clock.advance(5_000);
  assert.deepEqual(g.sentences('gateway.closed'), ['The caller has gone.']);
  await g.open('m0001');
  await g.settled(g.gateway.stop());
  assert.equal(g.sentences('gateway.closed').at(-1), 'The gateway is stopping.');
  await g.stop();
});
