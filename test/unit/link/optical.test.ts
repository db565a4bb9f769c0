import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../../../src/base/bytes.ts';
import { hasCode } from '../../../src/base/errors.ts';
import { clientTransport } from '../../../src/dlms/frame/client-transport.ts';
import type { SignOnMeterOptions } from '../../../src/dlms/frame/iec62056-21-meter.machine.ts';
import { type MeterSession, openSession } from '../../../src/dlms/session/meter-session.ts';
import { LineDriver } from '../../../src/link/drive.ts';
import type { LineLink } from '../../../src/link/link.ts';
import { linkOf } from '../../../src/link/registry.ts';
import { openOpticalFront } from '../../../src/sim/serve/optical-front.ts';
import { virtualUarts } from '../../support/virtual-uart.ts';
import { register } from '../dlms/session/bench-meter.ts';
import { PASSWORD } from '../dlms/session/pair.ts';
import { serveMeter, World } from './virtual.ts';

const refused = () => Promise.reject(new Error('not in this test'));

/** A head on a wire of real speeds, and a meter at its other end. */
async function desk(query = '', meter: Partial<SignOnMeterOptions> | null = {}) {
  const world = new World();
  const uarts = virtualUarts(world.timers);
  const net = { connectTcp: refused, listenTcp: refused, listenTls: refused, serveHttp: refused };
  const link = linkOf(`optical:///dev/ttyUSB0${query}`, {
    timers: world.timers,
    clock: world.clock,
    net,
    serial: uarts.near,
  });
  assert.ok(link.kind === 'line');
  if (meter !== null) {
    const front = await openOpticalFront('far', (settings) => uarts.far.open('far', settings), world, meter);
    serveMeter(front, world, 'hdlc');
  }
  return { world, uarts, link };
}

/** Opens a session and reads one register. */
async function readOne(world: World, link: LineLink): Promise<{ session: MeterSession; driver: LineDriver }> {
  const driver = new LineDriver(await world.settle(link.open()), world);
  const { gapMs, octetMs } = link;
  const transport = clientTransport('hdlc', { client: 1, logical: 1, physical: 17 }, { octetMs, gapMs });
  const options = { authentication: { mechanism: 'lls', password: PASSWORD } } as const;
  const session = await world.settle(openSession(driver, transport, options));
  const [value] = await world.settle(session.get([register(9)]));
  assert.deepEqual(value, { data: { type: 'double-long-unsigned', value: 900 } });
  return { session, driver };
}

test('HE-1 optical: sign-on at 300 Bd, session at 9,600, and again after the release', async () => {
  const { world, uarts, link } = await desk();
  const first = await readOne(world, link);
  assert.deepEqual(uarts.near.openings, ['300 7E1', '9600 7E1', '9600 8N1']);
  assert.equal(toHex(uarts.near.sent[1]?.octets ?? new Uint8Array(0)), '063235320d0a');
  const signOnMs = world.timers.nowMs;
  assert.ok(signOnMs > 1_500 && signOnMs < 4_000, `${signOnMs} ms to the first value`);
  await world.settle(first.session.release());
  first.driver.close();
  await world.timers.advance(500);
  await readOne(world, link);
  assert.deepEqual(uarts.far.openings.slice(0, 4), ['300 7E1', '9600 7E1', '9600 8N1', '300 7E1']);
});

test('optical: a head that echoes, and one that is slower than the meter', async () => {
  const { world, uarts, link } = await desk('?baud=2400', { offeredBaud: 19_200, repeats: false });
  uarts.near.echo = true;
  await readOne(world, link);
  assert.deepEqual(uarts.near.openings.slice(1), ['2400 7E1', '2400 8N1']);
  assert.ok(Math.abs(link.octetMs - 10_000 / 2_400) < 1e-9, 'the session counts with the speed agreed on');
});

test('optical: a meter left in the middle of a session is brought back and read', async () => {
  const { world, uarts, link } = await desk('', { inactivityMs: 600_000 });
  const first = await readOne(world, link);
  first.driver.close();
  const beginMs = world.timers.nowMs;
  await readOne(world, link);
  assert.ok(uarts.near.openings.includes('9600 8N1'));
  assert.ok(world.timers.nowMs - beginMs < 20_000, `${world.timers.nowMs - beginMs} ms`);
  assert.ok(uarts.near.sent.some(({ settings, octets }) => settings === '9600 7E1' && toHex(octets) === '0142300371'));
});

test('optical: nobody there: the port is given back, the reason is in words', async () => {
  const { world, uarts, link } = await desk('?attempts=2', null);
  await assert.rejects(
    world.settle(link.open()),
    (error) => hasCode(error, 'LINK_OPEN') && /optical head sits straight/.test(String(error)),
  );
  await world.timers.advance(10);
  assert.equal(uarts.near.open_, null);
});

test('optical: after a session in which nothing came, the next opening waits for the break', async () => {
  const { world, link } = await desk();
  const line = await world.settle(link.open());
  line.close();
  await world.timers.advance(31_000);
  const beginMs = world.timers.nowMs;
  await world.settle(link.open());
  assert.ok(world.timers.nowMs - beginMs > 3_000 + 1_500, `${world.timers.nowMs - beginMs} ms`);
});

test('optical: direct speaks HDLC at once, at the speed of the head', async () => {
  const { world, uarts, link } = await desk('?direct=yes&baud=4800', null);
  const far = await uarts.far.open('far', { baud: 4_800, dataBits: 8, parity: 'none', stopBits: 1 });
  serveMeter(far, world, 'hdlc');
  await readOne(world, link);
  assert.deepEqual(uarts.near.openings, ['4800 8N1']);
});
