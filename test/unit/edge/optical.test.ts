import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseObis } from '../../../src/dlms/cosem/obis.ts';
import type { Meter } from '../../../src/edge/ports.ts';
import { clientFor } from '../../../src/edge/reader/client-for.ts';
import { DEAF, LinkSessions } from '../../../src/edge/reader/sessions.ts';
import { linkOf } from '../../../src/link/registry.ts';
import type { MeterId } from '../../../src/model/ids.ts';
import { makeFleet, SIM_PASSWORD, serveLine } from '../../../src/sim/fleet.ts';
import { openOpticalFront } from '../../../src/sim/serve/optical-front.ts';
import { virtualUarts } from '../../support/virtual-uart.ts';
import { profileOf } from './bus.ts';
import { testWorld } from './world.ts';

const ENERGY = { classId: 3, instanceId: parseObis('1-0:1.8.0*255'), attributeId: 2, access: null };

test('HE-1 a reader at an optical head signs on for each association, and not while one is open', async () => {
  const world = testWorld();
  const settle = async <Value>(promise: Promise<Value>): Promise<Value> => {
    let pending = true;
    const done = () => {
      pending = false;
    };
    promise.then(done, done);
    await world.clock.runWhile(() => pending, 600_000);
    assert.equal(pending, false, 'it comes to an end');
    return promise;
  };
  const { env } = world.program('edge');
  const uarts = virtualUarts(world.clock);
  const profile = profileOf('generic/idis');
  const nowMs = () => env.clock.nowMs();
  const [simulated] = makeFleet(
    { seed: 'optical', count: 1, profiles: [profile], timeZone: 'UTC', nowMs, days: 0, households: [] },
    null,
  );
  assert.ok(simulated !== undefined);
  const front = await openOpticalFront('far', (settings) => uarts.far.open('far', settings), env, {});
  serveLine(front, [simulated], 'hdlc', env, null);
  const link = linkOf('optical:///dev/ttyUSB0', { ...env, serial: uarts.near });
  assert.ok(link.kind === 'line');
  const meter: Meter = {
    meterId: simulated.device.meterId as MeterId,
    line: 'head',
    profile,
    timeZone: 'UTC',
    logicalDevice: simulated.logicalDevice,
    physicalDevice: simulated.hdlcAddress,
    password: new TextEncoder().encode(SIM_PASSWORD),
  };
  const sessions = new LinkSessions(link, env);
  for (const signOns of [1, 2, 3]) {
    const association = await settle(sessions.open(meter, clientFor(meter, 'read'), DEAF));
    for (let time = 0; time < 2; time++) {
      const [value] = await settle(association.get([ENERGY]));
      assert.ok(value !== undefined && 'data' in value);
    }
    await settle(association.release());
    assert.equal(uarts.near.openings.filter((words) => words === '300 7E1').length, signOns);
  }
  sessions.closeLine();
});
