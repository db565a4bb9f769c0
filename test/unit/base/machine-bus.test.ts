import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MachineBus } from '../../../src/base/machine-bus.ts';
import { clientTransport } from '../../../src/dlms/frame/client-transport.ts';
import { HdlcServer } from '../../../src/dlms/frame/hdlc-server.machine.ts';
import { openSession } from '../../../src/dlms/session/meter-session.ts';
import { ServerSession } from '../../../src/dlms/session/server.machine.ts';
import { LineDriver } from '../../../src/link/drive.ts';
import { BenchMeter, register } from '../dlms/session/bench-meter.ts';
import { World } from '../link/virtual.ts';

test('meters on one bus behind one port answer for themselves and for nobody else', async () => {
  const world = new World();
  const line = world.lines.create('bus', { octetsPerS: 960 });
  const clients = [{ sap: 1, authentication: { mechanism: 'none' } as const }];
  const addresses = [17, 18, 19];
  const meters = addresses.map(
    (physicalDevice) =>
      new ServerSession(new HdlcServer({ physicalDevice, inactivityMs: 60_000 }), { model: new BenchMeter(), clients }),
  );
  const bus = new MachineBus(meters);
  const stations = new Set<number>();
  const serve = (events: ReturnType<typeof bus.receive>) => {
    for (const { station, event } of events) if (event.kind === 'served') stations.add(station);
  };
  new LineDriver(line.attach(), world).run(bus, serve, () => {}).kick();
  const driver = new LineDriver(line.open(), world);
  for (const physical of [19, 17]) {
    const meter = await world.settle(openSession(driver, clientTransport('hdlc', { client: 1, logical: 1, physical })));
    assert.equal((await world.settle(meter.get([register(2)]))).length, 1);
    if (physical === 19) await world.settle(meter.release());
  }
  assert.deepEqual([...stations], [2, 0]);
  assert.notEqual(bus.deadlineMs(), null, 'the inactivity of the open link');
  assert.equal(new MachineBus([]).deadlineMs(), null);
});
