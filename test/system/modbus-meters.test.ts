/** Modbus meters through edge and collector in virtual time. Their readings have the edge's time, so the meter is asked what it held then. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { HOST_CRYPTO } from '../../src/host/crypto.ts';
import { VirtualSystem } from '../../src/lab/virtual-system.ts';
import type { MeterId } from '../../src/model/ids.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** From the moment at which a device answers to the stamp of the edge. */
const ON_WAY_MS = 1_000;
const key = 'generic/modbus';
const text = await readFile(new URL(`../../config/profiles/${key}.yaml`, import.meta.url), 'utf8');

const started = (meters: number) =>
  VirtualSystem.start({ seed: 71, meters, profiles: [{ key, text }], crypto: HOST_CRYPTO, layout: 'modbus' });

async function readingsOf(system: VirtualSystem, meterId: string) {
  const channels = await system.store.channels(meterId as MeterId);
  return await Promise.all(
    channels.map(async (channel) => {
      const query = { channel, fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, limit: 100_000, allVersions: true };
      return { channel, entries: await system.store.readings(query) };
    }),
  );
}

test('two days of register maps with a restart: every round is stored once, with what the meter held then', async () => {
  const system = await started(4);
  await system.run(DAY_MS);
  system.fault({ kind: 'edge-restart' });
  (system.site.modbusSegment ?? assert.fail()).alterAnswers = 2;
  await system.run(DAY_MS + 9 * 60_000);
  for (const [id, device] of system.site.modbusDevices) {
    const channels = await readingsOf(system, id);
    assert.deepEqual(channels.map(({ channel }) => `${channel.obis} ${channel.unit}`).toSorted(), [
      '1-0:1.7.0*255 W',
      '1-0:1.8.0*255 Wh',
      '1-0:2.8.0*255 Wh',
    ]);
    const meter = system.site.meters.find((each) => each.device.meterId === id) ?? assert.fail();
    for (const { channel, entries } of channels) {
      assert.equal(new Set(entries.map(({ atMs }) => atMs)).size, entries.length, 'nothing twice');
      assert.ok(
        entries.length >= 2 * 96 - 3 && entries.length <= 2 * 96 + 4,
        `${entries.length} rounds of ${channel.obis}`,
      );
      if (channel.unit !== 'Wh') continue;
      const register = meter.device.profile.registers.find(({ obis }) => obis === channel.obis) ?? assert.fail();
      for (const { atMs, value, quality } of entries) {
        const from = device.valueAt(register, atMs - ON_WAY_MS);
        const to = device.valueAt(register, atMs);
        assert.ok(from <= value && value <= to, `${id} ${channel.obis} at ${atMs}: ${value}, held ${from} to ${to}`);
        assert.equal(quality, 'no-meter-time');
      }
    }
  }
  await system.stop();
});

test('a device that falls silent is told as silent, its neighbour is read on, and it comes back', async () => {
  const system = await started(2);
  await system.run(HOUR_MS);
  const device = system.site.modbusDevices.get('m0001') ?? assert.fail();
  const stateOf = async (id: string) => (await system.store.meter(id as MeterId))?.state?.state;
  device.isDead = true;
  await system.run(3 * HOUR_MS);
  assert.deepEqual([await stateOf('m0001'), await stateOf('m0002')], ['silent', 'reachable']);
  device.isDead = false;
  await system.run(2 * HOUR_MS);
  assert.equal(await stateOf('m0001'), 'reachable');
  await system.stop();
});
