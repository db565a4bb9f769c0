/** From the telegrams of a P1 port to the journal: a simulated meter, and published telegrams with sub-meters. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Meter } from '../../../src/edge/ports.ts';
import { MeterCounters } from '../../../src/edge/reader/counters.ts';
import { PushListener } from '../../../src/edge/reader/listener.ts';
import { MemoryLines } from '../../../src/link/memory.ts';
import { linkOf } from '../../../src/link/registry.ts';
import type { MeterId } from '../../../src/model/ids.ts';
import { makeFleet } from '../../../src/sim/fleet.ts';
import { PushCaller } from '../../../src/sim/serve/push-caller.ts';
import { DirectStage, profileOf } from './bus.ts';
import { FakeJournal } from './fake-journal.ts';
import { FakeHealth, testWorld } from './world.ts';

const ROWS = JSON.parse(readFileSync(new URL('../../vectors/p1.json', import.meta.url), 'utf8')) as {
  readonly id: string;
  readonly lines: readonly string[];
}[];
const linesOf = (id: string) => ROWS.find((row) => row.id === id)?.lines ?? assert.fail(id);
const octetsOf = (lines: readonly string[]) => new TextEncoder().encode(`${lines.join('\r\n')}\r\n`);

function meterOf(meterId: string, profile: string, more: Partial<Meter> = {}): Meter {
  const site = { line: 'p1', timeZone: 'Europe/Brussels', logicalDevice: 1, physicalDevice: null, password: null };
  return { meterId: meterId as MeterId, profile: profileOf(profile), ...site, ...more };
}

/** A listener on a port, or at a place that telegrams are sent on to. */
async function port(meters: readonly Meter[], options: { readonly url?: string; readonly sampleMs?: number } = {}) {
  const { url = 'memory:p1', sampleMs = 0 } = options;
  const world = testWorld();
  const { env } = world.program('edge');
  const lines = new MemoryLines({ timers: env.timers, clock: env.clock, random: env.random });
  const line = lines.create('p1', { framing: 'p1', purpose: 'push' });
  const journal = new FakeJournal();
  const health = new FakeHealth();
  const link = linkOf(url, { ...env, lines });
  const counters = new MeterCounters(journal, env.clock);
  const stage = new DirectStage(journal);
  const listener = new PushListener({ env, line: 'p1', meters, link, stage, journal, counters, health, sampleMs });
  await listener.start();
  return {
    world,
    line,
    health,
    listener,
    readings: () =>
      journal.entries
        .flatMap((entry) => entry.groups)
        .flatMap(({ group, rows }) =>
          rows.flatMap(({ atMs, values }) =>
            values.map(
              (value, at) => `${group.meterId} ${group.columns[at]?.obis} ${value} ${new Date(atMs).toISOString()}`,
            ),
          ),
        ),
    states: () =>
      journal.entries
        .flatMap((entry) => entry.records)
        .flatMap((record) => (record.kind === 'meter-state' ? [`${record.state.meterId} ${record.state.state}`] : [])),
  };
}

test('a telegram becomes readings of the meter and of the sub-meters that are listed, each with its own time', async () => {
  const p = await port([
    meterOf('house', 'generic/p1'),
    meterOf('gas', 'generic/p1-gas', { equipmentId: '7FLO2120001' }),
    meterOf('water', 'generic/p1-water', { equipmentId: '8SAE1234567' }),
  ]);
  const octets = octetsOf(linesOf('emucs-1.7.1-form'));
  const duplex = p.line.attach();
  for (let at = 0; at < octets.length; at += 7) await duplex.write(octets.subarray(at, at + 7));
  await p.world.clock.advance(1_000);
  assert.deepEqual(p.readings(), [
    'house 1-0:1.8.1*255 34 2020-11-08T11:34:56.000Z',
    'gas 0-1:24.2.3*255 112384 2020-11-08T11:33:06.000Z',
    'water 0-1:24.2.1*255 872234 2020-11-08T11:32:12.000Z',
  ]);
  assert.deepEqual(p.states(), ['house listening', 'gas listening', 'water listening']);
  await p.listener.stop();
});

test('a value of a sub-meter that comes again is stored once; without a listing it stays with the meter', async () => {
  const p = await port([meterOf('house', 'generic/p1')]);
  const duplex = p.line.attach();
  const lines = linesOf('dsmr-5-iskra');
  for (let time = 0; time < 3; time++) {
    await duplex.write(octetsOf(lines));
    await p.world.clock.advance(1_000);
  }
  const gas = p.readings().filter((reading) => reading.includes('0-1:24.2.1'));
  assert.deepEqual(gas, ['house 0-1:24.2.1*255 107 2017-01-02T15:10:05.000Z']);
  assert.equal(p.readings().filter((reading) => reading.includes('1-0:1.8.1*255 4426')).length, 1);
  await p.listener.stop();
});

test('a telegram that is altered, or right with a line that is none, is counted by its code and stores nothing', async () => {
  const p = await port([meterOf('house', 'generic/p1')]);
  const duplex = p.line.attach();
  const octets = octetsOf(linesOf('dsmr-5-iskra'));
  await duplex.write(octets.map((octet, at) => (at === 200 ? octet ^ 2 : octet)));
  await p.world.clock.advance(1_000);
  assert.deepEqual(p.readings(), []);
  assert.equal(p.health.counters.get('reader_discarded_p1_crc_mismatch'), 1);
  await duplex.write(octets);
  await p.world.clock.advance(1_000);
  assert.ok(p.readings().length > 0);
  await p.listener.stop();
});

test('simulated meters send telegrams to a place that listens for them; every value is what the meter counted', async () => {
  const p = await port([meterOf('house', 'generic/p1')], { url: 'push+tcp://edge:4060?framing=p1' });
  const { env } = p.world.program('meters');
  const [meter] = makeFleet(
    {
      seed: 'p1',
      count: 1,
      profiles: [profileOf('generic/p1')],
      timeZone: 'Europe/Brussels',
      nowMs: () => env.clock.nowMs(),
      days: 1,
      households: [],
    },
    null,
  );
  assert.ok(meter !== undefined);
  const [setup] = meter.device.pushSetups;
  assert.ok(setup !== undefined);
  setup.pushTo('edge:4060');
  const caller = new PushCaller(env, meter, setup);
  caller.start();
  await p.world.clock.advance(1_000);
  caller.stop();
  assert.equal(caller.pushed, 1);
  const register = meter.device.profile.registers.find(({ name }) => name === 'active-energy-import');
  assert.ok(register !== undefined);
  const wh = p.readings().find((reading) => reading.startsWith('house 1-0:1.8.0*255'));
  assert.ok(wh !== undefined);
  const [, , value, time = ''] = wh.split(' ');
  assert.equal(value, String(meter.device.registerAt(register, Date.parse(time))));
  assert.equal(
    new Set(p.readings().map((reading) => reading.split(' ')[1])).size,
    meter.device.profile.registers.length,
  );
  const text = new TextDecoder().decode(meter.telegram(setup.rule));
  assert.match(text, /^\/DWT5SIM\r\n\r\n0-0:1\.0\.0\(\d{12}[SW]\)\r\n/);
  await p.listener.stop();
});
