/**
 * What goes wrong at a meter, one row of the table in docs/operations.md each: the state and its sentence, the event, and that
 * no reading is wrong, missing or double beyond what the row says. Meters, lines, concentrator and collector in virtual time.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { HOST_CRYPTO } from '../../src/host/crypto.ts';
import { type VirtualOptions, VirtualSystem } from '../../src/lab/virtual-system.ts';
import type { MeterStateName } from '../../src/model/event.ts';
import { DEFAULT_TENANT, type MeterId } from '../../src/model/ids.ts';
import { simKeyFile } from '../../src/sim/meter/keys.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const M1 = 'm0001' as MeterId;
const text = (key: string) => readFileSync(new URL(`../../config/profiles/${key}.yaml`, import.meta.url), 'utf8');
const IDIS = { key: 'generic/idis', text: text('generic/idis') };
const BUS = { meters: 3, profiles: [IDIS], layout: 'one-bus', turnaroundMs: 20, busCollides: true } as const;

async function site(options: Omit<VirtualOptions, 'seed' | 'crypto'>) {
  const system = await VirtualSystem.start({ seed: 17, crypto: HOST_CRYPTO, ...options });
  const page = { meterId: M1, limit: 1_000, fromMs: 0 };
  return {
    system,
    run: (ms: number) => system.run(ms),
    state: async () => {
      const { items } = await system.store.meters({ limit: 10 });
      return items.find(({ meterId }) => meterId === M1)?.state ?? null;
    },
    /** Names of the events of m0001 that tell of its states. */
    told: async () => {
      const { items } = await system.store.events({ ...page, toMs: system.world.nowMs + 1 });
      return items.filter(({ log, name }) => log === 'edge' && name.startsWith('meter-')).map(({ name }) => name);
    },
    readings: async () => {
      let count = 0;
      for (const channel of await system.store.channels(M1)) {
        const query = { channel, fromMs: 0, toMs: system.world.nowMs + 1, limit: 100_000, allVersions: true };
        count += (await system.store.readings(query)).length;
      }
      return count;
    },
  };
}

type Site = Awaited<ReturnType<typeof site>>;

async function assertState(s: Site, state: MeterStateName, words: RegExp): Promise<void> {
  const seen = await s.state();
  assert.equal(seen?.state, state, seen?.sentence);
  assert.match(seen?.sentence ?? '', words);
  const told = await s.told();
  assert.ok(told.includes(`meter-${state}`), `${told}`);
}

/** Nothing wrong is stored, whatever is missing. */
async function assertNothingWrong(s: Site): Promise<void> {
  const { altered, invented, duplicated, samples } = await s.system.verdict();
  assert.deepEqual({ altered, invented, duplicated }, { altered: 0, invented: 0, duplicated: 0 }, samples.join('\n'));
}

async function assertWhole(s: Site): Promise<void> {
  const verdict = await s.system.settledVerdict();
  assert.ok(verdict.clean, verdict.samples.join('\n'));
}

/** One meter behind a socket whose edge believes something else of it. */
const oneMeter = (profile: { readonly key: string; readonly text: string }, meter: object) => ({
  meters: 1,
  profiles: [profile, IDIS],
  edgeSettings: {
    lines: [{ id: 'l1', url: 'tcp://meters:4059', meters: [{ id: M1, serial: '10000001', ...meter }] }],
  },
});

const WATER = { key: 'generic/water', text: text('generic/water') };
const withPassword = { passwordFile: 'meters.password' };

test('bad input: wrong profile for a meter', async () => {
  const s = await site(oneMeter(WATER, { profile: 'generic/idis', ...withPassword }));
  await s.run(3 * HOUR_MS);
  await assertState(s, 'wrong-profile', /does not have an object.*1-0:/);
  assert.equal(await s.readings(), 0);
  await s.system.stop();
});

test('bad input: profile reconfigured in the field', async () => {
  const swapped = IDIS.text.replace(/( {6}- active-energy-import\n)( {6}- active-energy-export\n)/, '$2$1');
  assert.notEqual(swapped, IDIS.text);
  const s = await site(oneMeter({ key: 'generic/field', text: swapped }, { profile: 'generic/idis', ...withPassword }));
  await s.run(3 * HOUR_MS);
  await assertState(s, 'reconfigured', /Column 3 of 1-0:99\.1\.0\*255 is 1-0:2\.8\.0\*255 in the meter/);
  await assertNothingWrong(s);
  await s.system.stop();
});

test('bad input: meter exchanged under the same address; put back, nothing is missing', async () => {
  const s = await site(BUS);
  await s.run(2 * HOUR_MS);
  const stranger = s.system.site.standIn(0);
  await s.run(3 * HOUR_MS);
  await assertState(s, 'other-meter', /calls itself DWE20000001, and DWE10000001 is meant/);
  await assertNothingWrong(s);
  const order = { kind: 'relay', action: 'disconnect' } as const;
  const issued = s.system.collector?.desk.issue({
    meterId: M1,
    body: order,
    author: 'test',
    tenantId: DEFAULT_TENANT,
    validForMs: 10 * MINUTE_MS,
  });
  await s.run(12 * MINUTE_MS);
  await issued;
  assert.equal(stranger.device.relay.isClosed, true, 'nobody else is switched off');
  s.system.site.putBack(0);
  await s.run(3 * HOUR_MS);
  assert.equal((await s.state())?.state, 'reachable');
  await assertWhole(s);
  await s.system.stop();
});

test('bad input: meter exchanged, and the settings say that the new one goes on under the id', async () => {
  const lines = (deviceName: string) => [
    {
      id: 'bus1',
      url: 'memory:bus1',
      meters: [{ id: M1, profile: IDIS.key, serial: '10000001', deviceName, ...withPassword }],
    },
  ];
  const s = await site({ ...BUS, meters: 1, edgeSettings: { lines: lines('DWE20000001') } });
  await s.run(HOUR_MS);
  await assertState(s, 'other-meter', /calls itself DWE10000001, and DWE20000001 is meant/);
  s.system.site.standIn(0);
  await s.run(3 * HOUR_MS);
  assert.equal((await s.state())?.state, 'reachable');
  assert.ok((await s.readings()) > 0);
  await s.system.stop();
});

test('bad input: two meters with one address, both of which answer', async () => {
  const s = await site(BUS);
  await s.run(2 * HOUR_MS);
  s.system.site.twin(0);
  await s.run(3 * HOUR_MS);
  await assertState(s, 'address-conflict', /Only this address is answered with noise/);
  await assertNothingWrong(s);
  s.system.site.putBack(0);
  await s.run(3 * HOUR_MS);
  assert.equal((await s.state())?.state, 'reachable');
  await assertWhole(s);
  await s.system.stop();
});

test('bad input: two meters with one address, of which now one answers and now the other', async () => {
  const s = await site(BUS);
  await s.run(2 * HOUR_MS);
  const states = new Set<string>();
  for (let round = 0; round < 6; round++) {
    if (round % 2 === 0) s.system.site.standIn(0);
    else s.system.site.putBack(0);
    await s.run(45 * MINUTE_MS);
    for (const name of await s.told()) states.add(name);
  }
  assert.ok(states.has('meter-address-conflict'), `${[...states]}`);
  await assertNothingWrong(s);
  await assertWhole(s);
  await s.system.stop();
});

const SECURED = { key: 'generic/secured', text: IDIS.text.replace('security: lls', 'security: hls-gmac') };

test('bad input: key missing', async () => {
  const s = await site(oneMeter(SECURED, { profile: SECURED.key }));
  await s.run(2 * HOUR_MS);
  await assertState(s, 'no-key', /keys this meter has not.*without keysFile/);
  assert.equal(await s.readings(), 0);
  await s.system.stop();
});

test('bad input: key wrong; the meter is not asked a third time', async () => {
  const keys = JSON.stringify(simKeyFile('somebody else', '10000001'));
  const s = await site({
    ...oneMeter(SECURED, { profile: SECURED.key, keysFile: 'm1.keys' }),
    edgeFiles: { 'm1.keys': keys },
  });
  await s.run(2 * HOUR_MS);
  await assertState(s, 'refused', /./);
  const failed = s.system.concentrator?.health.counter('scheduler_jobs_failed') ?? 0;
  assert.equal(failed, 2);
  await s.run(24 * HOUR_MS);
  assert.equal(s.system.concentrator?.health.counter('scheduler_jobs_failed'), failed);
  assert.equal(await s.readings(), 0);
  await s.system.stop();
});

test('bad input: address reused after a meter joined its network again', async () => {
  const s = await site({ meters: 3, profiles: [IDIS], layout: 'base-node' });
  await s.run(2 * HOUR_MS);
  const plc = s.system.site.baseNode?.network;
  const nodeOf = (serial: string) => [...(plc?.nodes.values() ?? [])].find(({ meter }) => meter.serial === serial);
  const [own, other] = [nodeOf('10000001'), nodeOf('10000002')];
  assert.ok(plc !== undefined && own !== undefined && other !== undefined);
  plc.handOver(own.deviceId, other.meter);
  await s.run(2 * HOUR_MS);
  await assertState(s, 'other-meter', /calls itself DWE10000002, and DWE10000001 is meant/);
  await assertNothingWrong(s);
  // A new connection learns the network anew.
  plc.join(own.meter, other.deviceId);
  s.system.fault({ kind: 'line-cut', line: 0, forMs: MINUTE_MS });
  await s.run(3 * HOUR_MS);
  assert.equal((await s.state())?.state, 'reachable');
  await assertWhole(s);
  await s.system.stop();
});

test('bad input: clock set back; set right, all that it recorded is there', async () => {
  const s = await site({ meters: 3, profiles: [IDIS] });
  await s.run(3 * HOUR_MS);
  const device = s.system.site.meters[0]?.device;
  device?.setClock(device.nowMs - 5 * HOUR_MS);
  await s.run(2 * HOUR_MS);
  await assertState(s, 'clock-wrong', /behind the concentrator's\. It was set back behind rows/);
  await assertNothingWrong(s);
  device?.setClock(s.system.world.nowMs);
  await s.run(2 * HOUR_MS);
  assert.equal((await s.state())?.state, 'reachable');
  await assertNothingWrong(s);
  await s.system.stop();
});

test('bad input: buffer cleared while nobody read it: what is lost is told, the rest is whole', async () => {
  const s = await site({ meters: 3, profiles: [IDIS] });
  await s.run(3 * HOUR_MS + 5 * MINUTE_MS);
  s.system.fault({ kind: 'line-cut', line: 0, forMs: 3 * HOUR_MS });
  await s.run(2 * HOUR_MS + 50 * MINUTE_MS);
  s.system.site.meters[0]?.device.clearBuffers();
  await s.run(90 * MINUTE_MS);
  assert.ok((await s.told()).includes('meter-buffer-cleared'), `${await s.told()}`);
  assert.equal((await s.state())?.state, 'reachable', 'its new rows are read');
  await assertNothingWrong(s);
  const { lost } = await s.system.verdict(s.system.world.nowMs - 20 * MINUTE_MS);
  // Eleven or twelve quarters of five columns.
  assert.ok(lost >= 50 && lost <= 60, `${lost} values lost`);
  await s.system.stop();
});

test('bad input: silence of a day is a permanent failure, and the meter is called hourly', async () => {
  const s = await site(BUS);
  await s.run(HOUR_MS);
  s.system.fault({ kind: 'meter', meter: 0, how: 'silent', forMs: 40 * HOUR_MS });
  await s.run(23 * HOUR_MS);
  assert.equal((await s.state())?.state, 'silent');
  await s.run(3 * HOUR_MS);
  await assertState(s, 'permanent-failure', /for 24 hours; the meter is only called once an hour/);
  const failed = () => s.system.concentrator?.health.counter('scheduler_jobs_failed') ?? 0;
  const before = failed();
  await s.run(6 * HOUR_MS);
  assert.ok(failed() - before >= 5 && failed() - before <= 6, `${failed() - before} calls in six hours`);
  await assertWhole(s);
  assert.equal((await s.state())?.state, 'reachable');
  await s.system.stop();
});
