/** What settings of meters behind a meter are refused, with a way out for each. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseConfig } from '../../../src/base/config.ts';
import { EDGE_CONFIG, edgeContradictions } from '../../../src/edge/config.ts';
import { resolveSettings } from '../../../src/edge/settings.ts';
import { MemoryLines } from '../../../src/link/memory.ts';
import { testWorld } from './world.ts';

const HOST = '{ id: m1, profile: generic/smr5, serial: "10000001", passwordFile: p }';
const PLAIN = '{ id: m1, profile: generic/idis, serial: "10000001", passwordFile: p }';
const GAS = 'id: g1, profile: generic/mbus-gas, equipmentId: "20000001"';

const configOf = (meters: string, gateway = '') => {
  const text = `enrolmentFile: e.json\n${gateway}lines: [{ id: b, url: "memory:b", meters: [${meters}] }]`;
  const parsed = parseConfig(EDGE_CONFIG, text);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.config;
};

const problemsOf = (meters: string, gateway?: string) =>
  edgeContradictions(configOf(meters, gateway), () => []).map(({ path, sentence }) => `${path} ${sentence}`);

async function metersOf(meters: string, framing: 'hdlc' | 'mbus' | 'ascii' = 'hdlc') {
  const { env } = testWorld().program('edge');
  const linkEnv = { ...env, lines: new MemoryLines({ timers: env.timers, clock: env.clock, random: env.random }) };
  linkEnv.lines.create('b', { framing, purpose: 'ask' });
  const write = (path: string, text: string) => env.disk.writeFile(path, new TextEncoder().encode(text), 0o600);
  const keys = { key: '00'.repeat(32), commandPublicKey: '00'.repeat(32), limitsPublicKey: '00'.repeat(32) };
  await write('e.json', JSON.stringify({ edgeId: 'e1', password: 'p', url: 'mqtt://localhost', ...keys }));
  await write('p', '00000000');
  for (const key of [
    'generic/smr5',
    'generic/idis',
    'generic/gas',
    'generic/mbus-gas',
    'generic/wired-water',
    'generic/ascii',
  ])
    await write(
      `profiles/${key}.yaml`,
      readFileSync(new URL(`../../../config/profiles/${key}.yaml`, import.meta.url), 'utf8'),
    );
  const around = { env, linkEnv, profilesFolder: 'profiles', software: 'test' };
  return (await resolveSettings(configOf(meters), around)).lines[0]?.meters ?? [];
}

test('a meter behind a meter has the line and the addresses of its host, and no secrets of it', async () => {
  const [host, gas] = await metersOf(`${HOST}, { ${GAS}, behind: m1, installedAt: "2026-03-01T10:00:00Z" }`);
  assert.equal(gas?.behind?.host, host);
  assert.equal(gas?.behind?.identity, '20000001');
  assert.equal(gas?.behind?.installedAtMs, Date.UTC(2026, 2, 1, 10));
  assert.equal(gas?.physicalDevice, host?.physicalDevice);
  assert.deepEqual([gas?.password, gas?.security], [null, null]);
});

test('what contradicts itself is told with its key', () => {
  assert.deepEqual(problemsOf(`${HOST}, { ${GAS}, behind: m1 }`), []);
  assert.deepEqual(problemsOf(`${HOST}, { id: g1, profile: generic/mbus-gas, behind: m1, serial: "1" }`), [
    'lines[0].meters[1].serial is that of m1, through which it is read: take it away',
    'lines[0].meters[1].equipmentId must be its M-Bus number, as 12345678, or its identity, as KAM.12345678.1B.16',
  ]);
  assert.deepEqual(problemsOf(`{ id: m1, profile: generic/smr5, installedAt: "2026-03-01" }`), [
    'lines[0].meters[0].installedAt is for meters behind a meter: give behind, or take it away',
  ]);
  assert.deepEqual(problemsOf(`${HOST}, { ${GAS}, behind: m1, installedAt: soon }`), [
    'lines[0].meters[1].installedAt is no moment: write one like 2026-03-01T10:00:00Z',
  ]);
  assert.deepEqual(problemsOf(`${HOST}, { ${GAS}, behind: m1 }`, 'gateway: { meters: [m1, g1] }\n'), [
    'gateway.meters[1] g1 is read through m1: tools talk to that one',
  ]);
});

test('hosts that are none and profiles that do not fit are refused', async () => {
  await assert.rejects(metersOf(`{ ${GAS}, behind: m1 }, ${HOST}`), /g1: line b names no meter m1 above it/);
  await assert.rejects(metersOf(`${PLAIN}, { ${GAS}, behind: m1 }`), /g1: m1 has no M-Bus: its profile generic\/idis/);
  const other = `${HOST}, { id: g1, profile: generic/gas, equipmentId: "20000001", behind: m1 }`;
  await assert.rejects(metersOf(other), /g1: profile generic\/gas is not one of a meter behind a meter/);
  await assert.rejects(metersOf(`${HOST}, { ${GAS} }`), /g1: behind is missing/);
  const twice = `${HOST}, { ${GAS}, behind: m1 }, { id: g2, profile: generic/mbus-gas, equipmentId: DWS.20000001, behind: m1 }`;
  await assert.rejects(metersOf(twice), /g2: it has the equipmentId of meter g1/);
});

test('a meter on a wired M-Bus is selected by its number, or asked at its primary address, and nothing else hangs there', async () => {
  const water = 'id: w1, profile: generic/wired-water';
  const [byNumber] = await metersOf(`{ ${water}, equipmentId: DWS.20000001 }`, 'mbus');
  const any = { manufacturer: 0xffff, version: 0xff, deviceType: 0xff };
  const target = { secondary: { ...any, number: '20000001' } };
  assert.deepEqual(byNumber?.mbus, { target, identity: 'DWS.20000001' });
  const [byAddress] = await metersOf(`{ ${water}, equipmentId: "20000001", physical: 5 }`, 'mbus');
  assert.deepEqual(byAddress?.mbus, { target: { primary: 5 }, identity: '20000001' });
  await assert.rejects(metersOf(`{ ${water} }`, 'mbus'), /w1: equipmentId must be its M-Bus number/);
  await assert.rejects(
    metersOf(`{ ${water}, equipmentId: "20000001", physical: 251 }`, 'mbus'),
    /w1: physical must be/,
  );
  await assert.rejects(metersOf(PLAIN, 'mbus'), /m1: line b is a wired M-Bus, profile generic\/idis is not one/);
  await assert.rejects(
    metersOf(`{ ${water}, equipmentId: "20000001" }`),
    /w1: profile generic\/wired-water is one of a meter on/,
  );
});

test('a meter that speaks ASCII is called by its serial, and each of several needs one', async () => {
  const plain = 'profile: generic/ascii';
  const [alone] = await metersOf(`{ id: a1, ${plain} }`, 'ascii');
  assert.deepEqual(alone?.ascii, { address: '', identity: null });
  const [named] = await metersOf(`{ id: a1, ${plain}, serial: "12", equipmentId: "77" }`, 'ascii');
  assert.deepEqual(named?.ascii, { address: '12', identity: '77' });
  await assert.rejects(
    metersOf(`{ id: a1, ${plain}, serial: "12" }, { id: a2, ${plain}, serial: "012" }`, 'ascii'),
    /line b: several meters hang here, so each needs a serial of its own/,
  );
  await assert.rejects(
    metersOf(`{ id: a1, ${plain}, serial: "1!" }`, 'ascii'),
    /a1: serial must be its device address/,
  );
  await assert.rejects(metersOf(PLAIN, 'ascii'), /m1: line b speaks ASCII, profile generic\/idis is not one/);
  await assert.rejects(
    metersOf(`{ id: a1, ${plain} }`),
    /a1: profile generic\/ascii is one of a meter on another kind/,
  );
});
