/**
 * Gas, water and heat meters on the M-Bus of electricity meters, through meters, edge and collector in virtual time: each is
 * a meter of its own, and after an exchange no reading of one goes to the other.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { HOST_CRYPTO } from '../../src/host/crypto.ts';
import { VIRTUAL_EDGE, type VirtualOptions, VirtualSystem } from '../../src/lab/virtual-system.ts';
import { DEFAULT_TENANT, type MeterId } from '../../src/model/ids.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const KEYS = ['generic/smr5', 'generic/mbus-gas', 'generic/mbus-water', 'generic/mbus-heat'];
const profiles = await Promise.all(
  KEYS.map(async (key) => ({
    key,
    text: await readFile(new URL(`../../config/profiles/${key}.yaml`, import.meta.url), 'utf8'),
  })),
);
const CLEAN = { lost: 0, duplicated: 0, altered: 0, invented: 0, settled: true };

async function started(options: Partial<VirtualOptions>): Promise<VirtualSystem> {
  return VirtualSystem.start({ seed: 41, meters: 4, profiles, crypto: HOST_CRYPTO, ...options });
}

function assertClean(verdict: Awaited<ReturnType<VirtualSystem['settledVerdict']>>): void {
  const { lost, duplicated, altered, invented, settled } = verdict;
  assert.deepEqual({ lost, duplicated, altered, invented, settled }, CLEAN, verdict.samples.join('\n'));
}

async function eventsOf(system: VirtualSystem, meterId: string): Promise<readonly string[]> {
  const toMs = system.world.nowMs + 1;
  const page = await system.store.events({ meterId: meterId as MeterId, fromMs: 0, toMs, limit: 100 });
  const names = page.items.map(({ name }) => name);
  return names.filter((name) => name.startsWith('sub-meter')).toSorted();
}

async function hoursOf(system: VirtualSystem, meterId: string, obis = '7-0:3.0.0*255'): Promise<readonly number[]> {
  const channel = { meterId: meterId as MeterId, obis, intervalS: 3600 };
  const query = { channel, fromMs: 0, toMs: system.world.nowMs + HOUR_MS, limit: 1_000 };
  return (await system.store.readings(query)).map(({ atMs }) => atMs);
}

/** Settings of one electricity meter on a bus with these behind it. */
function busOf(behind: readonly object[]): Partial<VirtualOptions> {
  const host = { id: 'm0001', profile: 'generic/smr5', serial: '10000001', passwordFile: 'meters.password' };
  const meters = [host, ...behind.map((each) => ({ behind: 'm0001', ...each }))];
  return { layout: 'one-bus', edgeSettings: { lines: [{ id: 'line1', url: 'memory:bus1', meters }] } };
}

const GAS = { id: 'm0002', profile: 'generic/mbus-gas', equipmentId: '10000002' };

test('two days of gas, water and heat behind electricity meters on every kind of line: 0 0 0 0', async () => {
  const system = await started({ meters: 12 });
  await system.run(2 * DAY_MS);
  const verdict = await system.settledVerdict();
  assertClean(verdict);
  // Three electricity meters with two columns a quarter of an hour, nine with one an hour.
  assert.ok(verdict.produced > 2 * (3 * 96 * 2 + 9 * 24) - 50, `${verdict.produced} values`);
  const obisOf = async (id: string) => (await system.store.channels(id as MeterId)).map(({ obis }) => obis);
  assert.deepEqual(await obisOf('m0002'), ['7-0:3.0.0*255']);
  assert.deepEqual(await obisOf('m0003'), ['8-0:1.0.0*255']);
  assert.deepEqual(await obisOf('m0004'), ['6-0:1.0.0*255']);
  assert.deepEqual(await eventsOf(system, 'm0002'), ['sub-meter-found']);
  await system.stop();
});

test('a gas meter is exchanged: each reading goes to the meter that counted it, and the exchange is an event', async () => {
  const startMs = Date.UTC(2026, 2, 1);
  // Whoever exchanges the meters knows when: no row is of nobody.
  const installedAt = new Date(startMs + 6 * HOUR_MS + 1_800_000).toISOString();
  const next = { id: 'm0099', profile: 'generic/mbus-gas', equipmentId: 'DWS.20000001', installedAt };
  const system = await started({ meters: 2, startMs, ...busOf([GAS, next]) });
  await system.store.saveMeter({ meterId: 'm0099' as MeterId, tenantId: DEFAULT_TENANT });
  await system.store.placeMeter('m0099' as MeterId, VIRTUAL_EDGE, 0);
  const [host, gas] = system.site.meters;
  assert.ok(host !== undefined && gas !== undefined);
  await system.run(startMs + 6 * HOUR_MS + 1_800_000 - system.world.nowMs);
  assert.deepEqual(await eventsOf(system, 'm0099'), ['sub-meter-missing']);
  const exchangedAtMs = system.world.nowMs;
  system.site.exchange(host, 1, { meterId: 'm0099', serial: '20000001', profile: gas.device.profile });
  await system.run(6 * HOUR_MS);
  assertClean(await system.settledVerdict());
  const [old, made] = [await hoursOf(system, 'm0002'), await hoursOf(system, 'm0099')];
  assert.ok(old.length >= 6 && old.every((atMs) => atMs < exchangedAtMs), `${old.length} rows of the old meter`);
  assert.ok(made.length >= 5 && made.every((atMs) => atMs > exchangedAtMs), `${made.length} rows of the new meter`);
  assert.deepEqual(await eventsOf(system, 'm0002'), ['sub-meter-exchanged', 'sub-meter-found']);
  assert.deepEqual(await eventsOf(system, 'm0099'), ['sub-meter-found', 'sub-meter-missing']);
  const state = (await system.store.meter('m0002' as MeterId))?.state;
  assert.equal(state?.state, 'reconfigured');
  assert.match(state?.sentence ?? '', /channel 1: DWS\.20000001\.01\.03/);
  await system.stop();
});

test('a meter that nobody entered yet leaves no row, and one that was exchanged leaves none to its successor after a restart', async () => {
  const system = await started({ meters: 2, ...busOf([GAS]) });
  const [host, gas] = system.site.meters;
  assert.ok(host !== undefined && gas !== undefined);
  await system.run(3 * HOUR_MS + 1_800_000);
  const before = await hoursOf(system, 'm0002');
  system.site.exchange(host, 1, { meterId: 'm0099', serial: '20000001', profile: gas.device.profile });
  system.fault({ kind: 'edge-kill', offMs: 60_000 });
  await system.run(5 * HOUR_MS);
  assert.deepEqual(await hoursOf(system, 'm0002'), before);
  assert.deepEqual(await eventsOf(system, 'm0002'), ['sub-meter-exchanged', 'sub-meter-found']);
  await system.stop();
});

test('rows from before a meter was first seen are of nobody who is known, unless the settings say since when it hangs there', async () => {
  const unknown = await started({ meters: 2, days: 5, ...busOf([GAS]) });
  const startMs = unknown.world.nowMs;
  await unknown.run(4 * HOUR_MS);
  assert.ok((await hoursOf(unknown, 'm0002')).every((atMs) => atMs > startMs - HOUR_MS));
  await unknown.stop();
  const installedAtMs = startMs - 3 * DAY_MS;
  const told = await started({
    meters: 2,
    days: 5,
    ...busOf([{ ...GAS, installedAt: new Date(installedAtMs).toISOString() }]),
  });
  await told.run(4 * HOUR_MS);
  const rows = await hoursOf(told, 'm0002');
  assert.ok(rows.length >= 3 * 24 && rows.every((atMs) => atMs > installedAtMs), `${rows.length} rows`);
  await told.stop();
});

test('a meter that counts in other units than its profile is refused, and what it says of itself is told', async () => {
  const wrong = { id: 'm0004', profile: 'generic/mbus-gas', equipmentId: '10000004' };
  const system = await started({ ...busOf([GAS, wrong]) });
  const [host] = system.site.meters;
  await system.run(2 * HOUR_MS);
  const state = (await system.store.meter('m0004' as MeterId))?.state;
  assert.equal(state?.state, 'reconfigured');
  assert.match(state?.sentence ?? '', /volume counts in J, its profile says m3/);
  assert.deepEqual(await system.store.channels('m0004' as MeterId), []);
  assert.ok((await hoursOf(system, 'm0002')).length > 0, 'its neighbour is read on');
  host?.tellStatus(1, 0x04);
  await system.run(2 * HOUR_MS);
  host?.tellStatus(1, 0);
  await system.run(2 * HOUR_MS);
  assert.deepEqual(await eventsOf(system, 'm0002'), [
    'sub-meter-found',
    'sub-meter-status',
    'sub-meter-status-cleared',
  ]);
  await system.stop();
});
