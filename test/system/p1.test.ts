/** P1 ports with gas and water meters behind them, in virtual time, from telegrams to the REST API. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { HOST_CRYPTO } from '../../src/host/crypto.ts';
import { isClean } from '../../src/lab/oracle.ts';
import { VirtualSystem } from '../../src/lab/virtual-system.ts';
import { type RestRow, restDesk } from '../support/rest-desk.ts';

const text = (key: string) => readFileSync(new URL(`../../config/profiles/${key}.yaml`, import.meta.url), 'utf8');
const KEYS = ['generic/p1', 'generic/p1-gas', 'generic/p1-water'] as const;
const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** Houses with a port each; electricity m0001, gas m0002, water m0003, and so on. */
function houses(startMs: number, count = 1, offlineMs?: number) {
  return VirtualSystem.start({
    seed: 7,
    meters: count * KEYS.length,
    profiles: KEYS.map((key) => ({ key, text: text(key) })),
    crypto: HOST_CRYPTO,
    layout: 'ports',
    timeZone: 'Europe/Amsterdam',
    startMs,
    edgeSettings: { journal: { flushS: 10 } },
    ...(offlineMs === undefined ? {} : { offlineMs }),
  });
}

/** What everything told until now became, once it has had time to arrive. */
async function verdictOfNow(system: VirtualSystem) {
  const untilMs = system.world.nowMs;
  await system.run(3 * MINUTE_MS);
  return system.verdict(untilMs);
}

const distances = (rows: readonly RestRow[]) =>
  new Set(rows.slice(1).map(({ atMs }, at) => atMs - (rows[at]?.atMs ?? 0)));
const registersOf = async (desk: Awaited<ReturnType<typeof restDesk>>, meterId: string) =>
  [...(await desk.registers(meterId))].map(([obis, [row]]) => `${obis} ${row?.unit}`).sort();

for (const [season, startMs] of [
  ['autumn, with an hour that comes twice', Date.UTC(2026, 9, 24, 23)],
  ['spring, with an hour that never comes', Date.UTC(2027, 2, 27, 23)],
] as const)
  test(`HE-1 a house with electricity, gas and water on one port, in the night of ${season}: 0 0 0 0 and REST shows three meters`, async () => {
    const system = await houses(startMs);
    await system.run(5 * HOUR_MS);
    const verdict = await verdictOfNow(system);
    assert.ok(isClean(verdict), JSON.stringify(verdict));
    assert.ok(verdict.produced > 5 * 360 * 16, `${verdict.produced} values`);
    const desk = await restDesk(system);
    const electricity = await desk.registers('m0001');
    const kWh = electricity.get('1-0:1.8.0*255') ?? assert.fail();
    assert.ok(kWh.length > 5 * 360, `${kWh.length} telegrams`);
    assert.deepEqual([...distances(kWh)], [10 * SECOND_MS], 'no gap and nothing twice where the clocks are set');
    assert.ok(kWh.every(({ unit, exponent, quality }) => unit === 'Wh' && exponent === 0 && quality === 'good'));
    assert.ok(!electricity.has('0-1:24.2.1*255'), 'what hangs on the port is no register of its meter');
    for (const meterId of ['m0002', 'm0003']) {
      assert.deepEqual(await registersOf(desk, meterId), registersOfSub(meterId));
      const volume = (await desk.registers(meterId)).get('0-1:24.2.1*255') ?? assert.fail();
      assert.deepEqual([...distances(volume)], [5 * MINUTE_MS], meterId);
      assert.ok(volume.every(({ atMs, exponent }) => atMs % (5 * MINUTE_MS) === 0 && exponent === -3));
      assert.ok(volume.every(({ quality }) => quality === 'good'));
      const { items } = await desk.get<{ items: { name: string; text: string }[] }>(`meters/${meterId}/attributes`);
      const serial = items.find(({ name }) => name === 'serial-number')?.text;
      assert.equal(serial, meterId === 'm0002' ? 'G0000000010000002' : 'W0000000010000003');
    }
    await desk.close();
    await system.stop();
  });

function registersOfSub(meterId: string): string[] {
  const corrected = '0-1:24.2.1*255 m3';
  return meterId === 'm0002' ? [corrected, '0-1:24.2.3*255 m3'] : [corrected];
}

test('HE-1 two houses while the collector is away for an hour, then on a bad line: nothing twice, altered or invented', async () => {
  const system = await houses(Date.UTC(2026, 5, 1, 10), 2, HOUR_MS);
  await system.run(90 * MINUTE_MS);
  const verdict = await verdictOfNow(system);
  assert.ok(isClean(verdict), JSON.stringify(verdict));
  system.fault({
    kind: 'line-noise',
    line: 0,
    faults: { bitErrors: 1e-4, babble: 0.01, pieceBytes: 40 },
    forMs: HOUR_MS,
  });
  await system.run(HOUR_MS);
  const { lost, duplicated, altered, invented } = await verdictOfNow(system);
  assert.deepEqual({ duplicated, altered, invented }, { duplicated: 0, altered: 0, invented: 0 });
  // Nobody sends an altered telegram again; about 360 came on that line.
  const health = system.concentrator?.health ?? assert.fail();
  const spoilt = ['p1_crc_mismatch', 'p1_format'].map((code) => health.counter(`reader_discarded_${code}`));
  assert.ok(lost > 0 && spoilt.every((count) => count > 20 && count < 300), `${lost} lost, ${spoilt} spoilt`);
  await system.stop();
});

test('HE-1 an edge that is killed while telegrams come has nothing twice, altered or invented, and goes on', async () => {
  const system = await houses(Date.UTC(2026, 5, 1, 10));
  await system.run(20 * MINUTE_MS);
  system.fault({ kind: 'edge-power-loss', offMs: MINUTE_MS });
  await system.run(20 * MINUTE_MS);
  const { lost, produced, duplicated, altered, invented } = await verdictOfNow(system);
  assert.deepEqual({ duplicated, altered, invented }, { duplicated: 0, altered: 0, invented: 0 });
  // What was told to nobody for a minute, and what waited in memory: 10 s of flush at most.
  assert.ok(lost > 0 && lost < produced / 20, `${lost} of ${produced}`);
  await system.stop();
});
