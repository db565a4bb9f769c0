/** Modbus meters through edge and collector in virtual time. Their readings have the edge's time, so the meter is asked what it held then. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { HOST_CRYPTO } from '../../src/host/crypto.ts';
import { VirtualSystem } from '../../src/lab/virtual-system.ts';
import type { CommandBody } from '../../src/model/command.ts';
import { DEFAULT_TENANT, type MeterId } from '../../src/model/ids.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** From the moment at which a device answers to the stamp of the edge. */
const ON_WAY_MS = 1_000;
const key = 'generic/modbus';
const text = await readFile(new URL(`../../config/profiles/${key}.yaml`, import.meta.url), 'utf8');

const started = (meters: number, edgeSettings: Readonly<Record<string, unknown>> = {}) =>
  VirtualSystem.start({
    seed: 71,
    meters,
    profiles: [{ key, text }],
    crypto: HOST_CRYPTO,
    layout: 'modbus',
    edgeSettings,
  });

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

test('IT-17 a device is read and pinged by command, with what its map has; an order to a relay is refused in words', async () => {
  const system = await started(2, { reading: { permanentAfterS: 3_600 } });
  await system.run(HOUR_MS);
  const desk = system.collector?.desk ?? assert.fail();
  const order = async (meterId: string, body: CommandBody) => {
    const issued = desk.issue({
      meterId: meterId as MeterId,
      body,
      author: 'anna',
      tenantId: DEFAULT_TENANT,
      validForMs: HOUR_MS,
    });
    await system.run(30_000);
    return (await desk.command((await issued).record.id)) ?? assert.fail();
  };
  const object = (obis: string, attribute = 2) => ({ classId: 3, obis, attribute });
  const read = await order('m0001', { kind: 'read', objects: [object('1-0:1.8.0*255'), object('1-0:9.8.0*255')] });
  assert.deepEqual(
    [read.state, read.sentence.split('(')[0]],
    ['done', 'Read 1 of 2 objects; the meter refused the rest '],
  );
  const [value, none] = read.reports.flatMap(({ values }) => values);
  const device = system.site.modbusDevices.get('m0001') ?? assert.fail();
  const meter = system.site.meters.find((each) => each.device.meterId === 'm0001') ?? assert.fail();
  const register = meter.device.profile.registers.find(({ obis }) => obis === '1-0:1.8.0*255') ?? assert.fail();
  const nowMs = system.world.nowMs;
  assert.ok(Number(value?.value) <= device.valueAt(register, nowMs) && value?.unit === 'Wh', `${value?.value}`);
  assert.ok(Number(value?.value) >= device.valueAt(register, nowMs - 60_000));
  assert.deepEqual([none?.result, none?.value], [4, undefined]);
  const ping = await order('m0002', { kind: 'ping' });
  assert.deepEqual(
    [ping.state, ping.sentence],
    ['done', 'Concentrator, line and meter: all answer, with 3 registers.'],
  );
  const relay = await order('m0001', { kind: 'relay', action: 'disconnect' });
  assert.equal(relay.state, 'refused');
  device.isDead = true;
  const silent = await order('m0001', { kind: 'ping' });
  assert.equal(silent.state, 'failed');
  assert.match(silent.sentence, /^Concentrator and line answer\. .* 1 of 1 others on its line answer\.$/);
  await system.run(2 * HOUR_MS);
  const { state, sentence = '' } = (await system.store.meter('m0001' as MeterId))?.state ?? {};
  assert.equal(state, 'permanent-failure', 'after the time that the settings say');
  assert.match(sentence, /^Nothing that can be read came for 1 hours/);
  await system.stop();
});
