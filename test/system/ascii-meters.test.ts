/** Meters that speak nothing but ASCII, through edge and collector in virtual time. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { HOST_CRYPTO } from '../../src/host/crypto.ts';
import { type VirtualOptions, VirtualSystem } from '../../src/lab/virtual-system.ts';
import type { MeterId } from '../../src/model/ids.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const profiles = await Promise.all(
  ['generic/ascii', 'generic/ascii-profile'].map(async (key) => ({
    key,
    text: await readFile(new URL(`../../config/profiles/${key}.yaml`, import.meta.url), 'utf8'),
  })),
);

const started = (options: Partial<VirtualOptions> = {}) =>
  VirtualSystem.start({ seed: 62, meters: 6, profiles, crypto: HOST_CRYPTO, layout: 'ascii', ...options });

async function stateOf(system: VirtualSystem, meterId: string) {
  return (await system.store.meter(meterId as MeterId))?.state;
}

test('two days of read-outs in modes A, B and C and of load profiles by R5, with a restart: 0 0 0 0', async () => {
  const system = await started();
  await system.run(DAY_MS);
  system.fault({ kind: 'edge-restart' });
  // To a moment at which nothing is on its way: values of a read-out have no rows to be asked for again.
  await system.run(DAY_MS + 9 * 60_000);
  const { lost, duplicated, altered, invented, settled, produced, samples } = await system.settledVerdict();
  assert.deepEqual(
    { lost, duplicated, altered, invented, settled },
    { lost: 0, duplicated: 0, altered: 0, invented: 0, settled: true },
    samples.join('\n'),
  );
  // Three meters with two registers a quarter of an hour, and three with two columns of a load profile.
  assert.ok(produced > 2 * 96 * 12 - 100, `${produced} values`);
  const codes = async (id: string) =>
    (await system.store.channels(id as MeterId))
      .map(({ obis, intervalS, unit }) => `${obis} ${intervalS} ${unit}`)
      .toSorted();
  assert.deepEqual(await codes('m0001'), ['1-0:1.8.0*255 0 Wh', '1-0:2.8.0*255 0 Wh']);
  assert.deepEqual(await codes('m0002'), ['1-0:1.5.0*255 900 W', '1-0:1.8.0*255 0 Wh', '1-0:2.5.0*255 900 W']);
  await system.stop();
});

test('altered messages are asked for again, a dead meter is silent and comes back', async () => {
  const system = await started({ meters: 4 });
  await system.run(HOUR_MS);
  const meterOf = (id: string) => system.site.asciiMeters.get(id) ?? assert.fail();
  meterOf('m0001').faults.alterMessages = 4;
  meterOf('m0002').faults.alterMessages = 4;
  meterOf('m0003').isDead = true;
  await system.run(3 * HOUR_MS);
  assert.equal((await stateOf(system, 'm0001'))?.state, 'reachable');
  assert.equal((await stateOf(system, 'm0002'))?.state, 'reachable');
  assert.equal((await stateOf(system, 'm0003'))?.state, 'silent');
  meterOf('m0003').isDead = false;
  await system.run(2 * HOUR_MS);
  assert.equal((await stateOf(system, 'm0003'))?.state, 'reachable');
  const { duplicated, altered, invented } = await system.settledVerdict();
  assert.deepEqual({ duplicated, altered, invented }, { duplicated: 0, altered: 0, invented: 0 });
  await system.stop();
});

test('a meter that was exchanged under its address stores nothing, and is told', async () => {
  const meters = [
    { id: 'm0001', profile: 'generic/ascii', serial: '10000001', equipmentId: '99999999' },
    { id: 'm0002', profile: 'generic/ascii-profile', serial: '10000002', equipmentId: '88888888' },
    { id: 'm0003', profile: 'generic/ascii', serial: '10000003' },
  ];
  const edgeSettings = { lines: [{ id: 'line1', url: 'memory:ascii1', meters }] };
  const system = await started({ meters: 3, edgeSettings });
  await system.run(2 * HOUR_MS);
  for (const [id, wanted] of [
    ['m0001', '99999999'],
    ['m0002', '88888888'],
  ] as const) {
    assert.deepEqual(await system.store.channels(id as MeterId), []);
    const state = await stateOf(system, id);
    assert.equal(state?.state, 'reconfigured');
    assert.match(state?.sentence ?? '', new RegExp(`${wanted} is entered, 1000000. answers`));
  }
  assert.ok((await system.store.channels('m0003' as MeterId)).length > 0);
  await system.stop();
});
