/** Meters that join a network over the power line and that nobody named: from the join to readings, or into the inbox. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Finding } from '../../src/collector/commissioning-ports.ts';
import { HOST_CRYPTO } from '../../src/host/crypto.ts';
import { VirtualSystem } from '../../src/lab/virtual-system.ts';
import { DEFAULT_TENANT, type MeterId } from '../../src/model/ids.ts';
import { SIM_PASSWORD } from '../../src/sim/fleet.ts';

const KEY = 'generic/idis';
const text = readFileSync(new URL(`../../config/profiles/${KEY}.yaml`, import.meta.url), 'utf8');
const MINUTE_MS = 60_000;
const ANNA = { name: 'anna', tenantId: DEFAULT_TENANT };
const METERS = ['m0001', 'm0002', 'm0003', 'm0004', 'm0005'];
const LISTED = 3;

test('PROV-4 meters that join a network are asked once who they are; those of the list are read, others accepted or refused', async () => {
  const system = await VirtualSystem.start({
    seed: 7,
    meters: METERS.length,
    profiles: [{ key: KEY, text }],
    crypto: HOST_CRYPTO,
    layout: 'base-node',
    edgeFiles: Object.fromEntries(METERS.map((meterId) => [`meters/${meterId}.password`, SIM_PASSWORD])),
    edgeSettings: { metersFolder: 'meters', lines: [{ id: 'plc1', url: 'prime-tcp://meters:4059', meters: [] }] },
  });
  const { site, store } = system;
  const found = () => system.concentrator?.health.counter('found_found') ?? 0;
  const joins = () => system.concentrator?.health.counter('nodes_joined') ?? 0;
  const findings = async () => (await store.findings({ limit: 10 })).map(shown);
  const waiting = async (name: string) =>
    (await store.findings({ limit: 10 })).find(({ found: { node } }) => node?.name === name)?.findingId ?? '';

  // The list, as it was imported before the meters were hung.
  for (const { device } of site.meters.slice(0, LISTED)) {
    const meterId = device.meterId as MeterId;
    await store.saveMeter({ meterId, tenantId: DEFAULT_TENANT, serial: device.serial, profile: KEY });
  }
  await system.run(5 * MINUTE_MS);
  const listed = ['10000001 commissioned m0001', '10000002 commissioned m0002', '10000003 commissioned m0003'];
  assert.deepEqual(await findings(), [...listed, '10000004 waiting -', '10000005 waiting -']);

  // Nobody was asked who he is again after the new start with which the three are read, though all have joined anew.
  assert.equal(joins(), METERS.length, 'the concentrator has started anew, and with it the network');
  assert.equal(found(), 0);
  await system.run(30 * MINUTE_MS);
  for (const meterId of METERS.slice(0, LISTED))
    assert.equal((await store.meter(meterId as MeterId))?.state?.state, 'reachable', meterId);

  // One of the inbox is accepted, the other one refused, and it stays refused when it leaves and joins again.
  const commissioner = system.collector?.commissioner;
  assert.ok(commissioner !== undefined);
  const fourth = await waiting('10000004');
  await assert.rejects(commissioner.accept(fourth, { meterId: 'm0004' as MeterId }, ANNA), {
    code: 'FINDING_NO_MODEL',
  });
  const accepted = commissioner.accept(fourth, { meterId: 'm0004' as MeterId, profile: KEY }, ANNA);
  await system.run(MINUTE_MS);
  assert.equal((await accepted).state, 'commissioned');
  await commissioner.refuse(await waiting('10000005'), ANNA);
  await system.run(5 * MINUTE_MS);
  const network = site.baseNode?.network;
  const fifth = network?.meters.find(({ serial }) => serial === '10000005');
  assert.ok(network !== undefined && fifth !== undefined);
  for (let round = 0; round < 3; round++) {
    network.leave(fifth);
    await system.run(MINUTE_MS);
    network.join(fifth);
    await system.run(MINUTE_MS);
  }
  await system.run(3 * 60 * MINUTE_MS);
  assert.deepEqual(await findings(), [...listed, '10000004 commissioned m0004', '10000005 refused -']);
  assert.equal(found(), 0);

  // Everything of the four is there, and nothing of the fifth.
  const verdict = await system.verdict(system.world.nowMs - 20 * MINUTE_MS, new Set([0, 1, 2, 3]));
  assert.deepEqual(
    [verdict.duplicated, verdict.altered, verdict.invented, verdict.lost],
    [0, 0, 0, 0],
    verdict.samples.join('\n'),
  );
  assert.ok(verdict.produced > 50, `${verdict.produced} values`);
  assert.equal((await store.channels('m0005' as MeterId)).length, 0);
  await system.stop();
});

function shown({ found: { node }, state, meterId }: Finding): string {
  return `${node?.name} ${state} ${meterId ?? '-'}`;
}
