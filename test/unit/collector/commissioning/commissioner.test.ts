import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCommissioner } from '../../../../src/collector/commissioning/commissioner.ts';
import type { Finding, FoundAddress } from '../../../../src/collector/commissioning-ports.ts';
import { createMemoryCollectorStore } from '../../../../src/lab/memory-collector-store.ts';
import { DEFAULT_TENANT, type EdgeId, type MeterId } from '../../../../src/model/ids.ts';
import { fakeEnv, START_MS } from '../fake-env.ts';

const E1 = 'e1' as EdgeId;
const E2 = 'e2' as EdgeId;
const ANNA = { name: 'anna', tenantId: DEFAULT_TENANT };

/** Two concentrators, and meters that a list named: m1 without a place, m2 on the other concentrator. */
async function site() {
  const { env } = fakeEnv();
  const store = createMemoryCollectorStore({ clock: env.clock, term: new Uint8Array(12) });
  for (const edgeId of [E1, E2])
    await store.saveEdge({ edgeId, tenantId: DEFAULT_TENANT, state: 'active', key: new Uint8Array(32) });
  await store.saveMeter({ meterId: 'm1' as MeterId, tenantId: DEFAULT_TENANT, serial: '10000001' });
  await store.saveMeter({ meterId: 'm2' as MeterId, tenantId: DEFAULT_TENANT, serial: '10000002' });
  await store.placeMeter('m2' as MeterId, E2, START_MS - 1);
  const commissioner = createCommissioner({ env, store });
  const report = (...addresses: FoundAddress[]) => commissioner.report(E1, 'bus1', addresses, ANNA);
  return { store, commissioner, report };
}

const found = (address: number, serial?: string, deviceName?: string): FoundAddress => ({
  address,
  state: 'found',
  ...(serial === undefined ? {} : { serial }),
  ...(deviceName === undefined ? {} : { deviceName }),
  sentence: 'Answers.',
});
const empty = (address: number, state: 'silent' | 'garbled'): FoundAddress => ({
  address,
  state,
  sentence: `It is ${state}.`,
});
const shown = ({ found: { address }, state, meterId }: Finding) => `${address} ${state} ${meterId ?? '-'}`;

test('PROV-4 a found meter that a list names is commissioned by itself, others wait in the inbox', async () => {
  const { store, report } = await site();
  const findings = await report(
    found(17, '10000001'),
    found(18, '10000002'),
    found(19, '10000003'),
    found(20),
    empty(21, 'silent'),
    empty(22, 'garbled'),
  );
  assert.deepEqual(findings.map(shown), [
    '17 commissioned m1',
    '18 waiting m2',
    '19 waiting -',
    '20 waiting -',
    '21 empty -',
    '22 empty -',
  ]);
  assert.match(findings[1]?.sentence ?? '', /^m2 is placed on e2: end that placement/);
  assert.equal(findings[2]?.sentence, 'No list names 10000003: take it in, or refuse it.');
  const meter = await store.meter('m1' as MeterId);
  assert.deepEqual([meter?.edgeId, meter?.line, meter?.address, meter?.placedFromMs], [E1, 'bus1', 17, START_MS]);
  assert.equal((await store.meter('m2' as MeterId))?.edgeId, E2);
  const waiting = await store.findings({ state: 'waiting', limit: 10 });
  assert.deepEqual(waiting.map(shown), ['18 waiting m2', '19 waiting -', '20 waiting -']);
});

test('PROV-4 a meter is known by a device name that ends in its serial number, and stays where it was found', async () => {
  const { report } = await site();
  assert.deepEqual((await report(found(17, undefined, 'DWE10000001'))).map(shown), ['17 commissioned m1']);
  assert.deepEqual((await report(found(17, '10000001'))).map(shown), ['17 commissioned m1']);
  const [moved] = await report(found(30, '10000001'));
  assert.equal(shown(moved ?? assert.fail()), '30 waiting m1');
  assert.match(moved?.sentence ?? '', /has address 17 in its list and answers at 30/);
});

test('PROV-4 a stranger is accepted under its serial number or another id, once', async () => {
  const { store, commissioner, report } = await site();
  const [first, second, third] = await report(found(19, '10000003'), found(20), found(21, '10000009'));
  const id = (finding: Finding | undefined) => finding?.findingId ?? assert.fail();
  const accepted = await commissioner.accept(id(first), { profile: 'generic/idis', name: 'Mill Lane 4' }, ANNA);
  assert.deepEqual([accepted.state, accepted.meterId], ['commissioned', '10000003']);
  const meter = await store.meter('10000003' as MeterId);
  assert.deepEqual(
    [meter?.edgeId, meter?.serial, meter?.profile, meter?.name, meter?.address],
    [E1, '10000003', 'generic/idis', 'Mill Lane 4', 19],
  );
  await assert.rejects(commissioner.accept(id(first), {}, ANNA), /FINDING_DECIDED/);
  await assert.rejects(commissioner.accept(id(second), {}, ANNA), /METER_ELSEWHERE.*give it an id/);
  await assert.rejects(commissioner.accept(id(third), { meterId: 'm2' as MeterId }, ANNA), /METER_ELSEWHERE/);
  await commissioner.accept(id(third), { meterId: 'm9' as MeterId }, ANNA);
  assert.equal((await store.meter('m9' as MeterId))?.serial, '10000009');
  await assert.rejects(commissioner.accept('0'.repeat(16), {}, ANNA), /FINDING_UNKNOWN/);
});

test('PROV-4 a refused stranger does not wait again, another meter at its address does', async () => {
  const { commissioner, report } = await site();
  const [stranger] = await report(found(19, '10000003'));
  const refused = await commissioner.refuse(stranger?.findingId ?? '', ANNA);
  assert.deepEqual([refused.state, refused.sentence], ['refused', 'Refused by anna.']);
  assert.deepEqual((await report(found(19, '10000003'))).map(shown), ['19 refused -']);
  assert.deepEqual((await report(found(19, '10000004'))).map(shown), ['19 waiting -']);
});

test('PROV-4 a concentrator that is not active reports nothing', async () => {
  const { commissioner, store } = await site();
  await store.noteUnknown('e9' as EdgeId, START_MS);
  for (const edgeId of ['e8', 'e9'] as EdgeId[])
    await assert.rejects(commissioner.report(edgeId, 'bus1', [], ANNA), /EDGE_UNKNOWN/);
});

test('PROV-4 the acceptance report counts expected, found and read, and says what is left to do', async () => {
  const { commissioner, report, store } = await site();
  await store.saveMeter({ meterId: 'm3' as MeterId, tenantId: DEFAULT_TENANT, serial: '10000003' });
  await store.withImport((view) =>
    view.write([{ meterId: 'm3' as MeterId, edgeId: E1, line: 'bus1', address: 19 }], {
      tenantId: DEFAULT_TENANT,
      atMs: START_MS,
    }),
  );
  const before = await commissioner.acceptance(E1);
  assert.deepEqual([before.expected, before.meters[0]?.isFound], [1, null]);
  await report(found(17, '10000001'), empty(19, 'silent'), found(23, '7'), empty(22, 'garbled'));
  const { expected, found: counted, read, isAccepted, meters, faults } = await commissioner.acceptance(E1);
  assert.deepEqual([expected, counted, read, isAccepted], [2, 1, 0, false]);
  assert.deepEqual(
    meters.map(({ meterId, isFound, faults: own }) => [meterId, isFound, own]),
    [
      ['m1', true, ['No reading of it has come yet.']],
      ['m3', false, ['It was looked for on its line and not found.', 'No reading of it has come yet.']],
    ],
  );
  assert.deepEqual(faults, [
    'Line bus1, address 22: It is garbled.',
    'Line bus1, address 23: No list names 7: take it in, or refuse it.',
  ]);
  await assert.rejects(commissioner.acceptance('e8' as EdgeId), /EDGE_UNKNOWN/);
});
