/** Meters that push SML on their data port, in virtual time, from files to the REST API. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { HOST_CRYPTO } from '../../src/host/crypto.ts';
import { isClean } from '../../src/lab/oracle.ts';
import { VirtualSystem } from '../../src/lab/virtual-system.ts';
import { restDesk } from '../support/rest-desk.ts';

const KEY = 'generic/sml';
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** A list comes every two seconds. */
const PERIOD_MS = 2_000;

function meters(options: { readonly tellsTime: boolean; readonly sampleS?: number; readonly offlineMs?: number }) {
  const text = readFileSync(new URL(`../../config/profiles/${KEY}.yaml`, import.meta.url), 'utf8');
  return VirtualSystem.start({
    seed: 11,
    meters: 1,
    profiles: [{ key: KEY, text }],
    crypto: HOST_CRYPTO,
    layout: 'ports',
    ...options,
    edgeSettings: { journal: { flushS: 10 } },
  });
}

test('HE-1 meters that tell the time: every list of half an hour without a collector arrives, 0 0 0 0', async () => {
  const system = await meters({ tellsTime: true, offlineMs: 20 * MINUTE_MS });
  await system.run(30 * MINUTE_MS);
  const untilMs = system.world.nowMs;
  await system.run(3 * MINUTE_MS);
  const verdict = await system.verdict(untilMs);
  assert.ok(isClean(verdict), JSON.stringify(verdict));
  assert.ok(verdict.produced > 900 * 17, `${verdict.produced} values`);
  const desk = await restDesk(system);
  const energy = (await desk.registers('m0001')).get('1-0:1.8.0*255') ?? assert.fail();
  assert.ok(energy.every(({ unit, exponent, quality }) => unit === 'Wh' && exponent === -1 && quality === 'good'));
  assert.ok(
    energy.every(({ status }) => status === '001c04'),
    energy[0]?.status ?? 'no status',
  );
  const { items } = await desk.get<{ items: { name: string; text: string }[] }>('meters/m0001/attributes');
  assert.deepEqual(
    items.map(({ name, text }) => `${name} ${text}`),
    ['server-id 0a014457540000989681'],
  );
  await desk.close();
  await system.stop();
});

test('HE-1 meters that tell no time: each value has the time of its receipt and says so', async () => {
  const system = await meters({ tellsTime: false });
  await system.run(10 * MINUTE_MS);
  const desk = await restDesk(system);
  for (const { device } of system.site.meters) {
    const register = device.profile.registers[0] ?? assert.fail();
    const rows = (await desk.registers(device.meterId)).get(register.obis) ?? assert.fail();
    assert.ok(rows.length > 280, `${rows.length} lists`);
    for (const { atMs, value, quality } of rows) {
      assert.equal(quality, 'no-meter-time');
      // The file takes less than a second on the line, and was made at the second before.
      const made = [0, 1, 2].map((back) => device.registerAt(register, (Math.floor(atMs / 1_000) - back) * 1_000));
      assert.ok(
        made.some((each) => each === value),
        `${value} at ${atMs}`,
      );
    }
  }
  await desk.close();
  await system.stop();
});

test('HE-1 a list every two seconds is stored once in the two minutes that the line is set to', async () => {
  const system = await meters({ tellsTime: true, sampleS: 120 });
  await system.run(10 * MINUTE_MS + MINUTE_MS / 2);
  const desk = await restDesk(system);
  const rows = (await desk.registers('m0001')).get('1-0:1.8.0*255') ?? assert.fail();
  assert.ok(rows.length >= 5 && rows.length <= 6, `${rows.length} rows`);
  for (const [at, { atMs }] of rows.slice(1).entries())
    assert.ok(Math.abs(atMs - (rows[at]?.atMs ?? 0) - 120_000) <= 2 * PERIOD_MS, `${atMs}`);
  await desk.close();
  await system.stop();
});

test('HE-1 a head that lets light in costs lists, and no value is altered or invented', async () => {
  const system = await meters({ tellsTime: true });
  await system.run(MINUTE_MS);
  system.fault({
    kind: 'line-noise',
    line: 0,
    faults: { bitErrors: 1e-4, babble: 0.02, pieceBytes: 30 },
    forMs: HOUR_MS,
  });
  await system.run(10 * MINUTE_MS);
  const untilMs = system.world.nowMs;
  await system.run(3 * MINUTE_MS);
  const { lost, duplicated, altered, invented } = await system.verdict(untilMs);
  assert.deepEqual({ duplicated, altered, invented }, { duplicated: 0, altered: 0, invented: 0 });
  const health = system.concentrator?.health ?? assert.fail();
  const spoilt = health.counter('reader_discarded_sml_crc_mismatch');
  assert.ok(lost > 0 && spoilt > 20 && spoilt < 290, `${lost} lost, ${spoilt} spoilt`);
  await system.stop();
});
