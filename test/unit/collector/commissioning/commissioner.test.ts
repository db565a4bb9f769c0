import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCommissioner } from '../../../../src/collector/commissioning/commissioner.ts';
import type { Finding, FoundAddress } from '../../../../src/collector/commissioning-ports.ts';
import { createImporter } from '../../../../src/collector/import/importer.ts';
import type { CommandRequest } from '../../../../src/collector/ports.ts';
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
async function* textOf(text: string): AsyncIterable<Uint8Array> {
  yield new TextEncoder().encode(text);
}
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

const ENROLLED = ['m1', '10000001'] as const;

/** Two networks of two concentrators, and the orders that were given. */
async function networks() {
  const { env } = fakeEnv();
  const { store } = await site();
  const orders: CommandRequest[] = [];
  const desk = {
    issue: async (request: CommandRequest) => {
      orders.push(request);
      return { record: {} as never, created: true };
    },
  };
  const commissioner = createCommissioner({ env, store, desk });
  const join = async (edgeId: EdgeId, name: string, more: Partial<FoundAddress> = {}) => {
    const node = { name, eui48: `0200${name}` };
    const address: FoundAddress = { node, state: 'found', serial: name, sentence: 'Answers.', ...more };
    return (await commissioner.report(edgeId, 'plc1', [address], ANNA))[0] as Finding;
  };
  const ordered = () => orders.map(({ meterId, body }) => `${meterId} ${JSON.stringify(body)}`);
  return { env, store, commissioner, join, ordered, orders };
}

test('PROV-4 a meter that joins and that the list names with its model is placed, and its concentrator is told to read it', async () => {
  const { store, join, ordered } = await networks();
  const [meterId, serial] = ENROLLED;
  assert.match((await join(E1, serial)).sentence, /names it as m1, and no model/);
  await store.saveMeter({
    meterId: meterId as MeterId,
    tenantId: DEFAULT_TENANT,
    serial,
    profile: 'a/b',
    timeZone: 'Europe/Madrid',
  });
  const finding = await join(E1, serial);
  assert.deepEqual([finding.state, finding.meterId], ['commissioned', meterId]);
  assert.equal((await store.meter(meterId as MeterId))?.edgeId, E1);
  const order = `m1 {"kind":"adopt","line":"plc1","profile":"a/b","node":"${serial}","timeZone":"Europe/Madrid"}`;
  assert.deepEqual(ordered(), [order]);
  // Told again a day later: the order was lost, or the concentrator has a new store.
  assert.equal((await join(E1, serial)).state, 'commissioned');
  assert.equal(ordered().length, 2);
});

test('PROV-4 a list that is imported after a meter joined takes it out of the inbox at once, and nobody else', async () => {
  const { env, store, commissioner, join, ordered } = await networks();
  const importer = createImporter({ env, store, commissioner });
  const found = await join(E1, '40000001');
  const stranger = await join(E1, '40000002');
  assert.deepEqual([found.state, stranger.state], ['waiting', 'waiting']);
  const list = (lines: string) =>
    importer.importMeters(textOf(`meter_id,serial,profile\n${lines}\n`), {
      ...{ tenantId: DEFAULT_TENANT, actor: 'anna', isDryRun: false, onlyValid: false },
    });
  await list('m7,70000007,a/b');
  assert.equal((await store.finding(found.findingId))?.state, 'waiting', 'another meter');
  await list('m4,40000001,a/b');
  const taken = await store.finding(found.findingId);
  assert.deepEqual([taken?.state, taken?.meterId, taken?.foundAtMs], ['commissioned', 'm4', found.foundAtMs]);
  assert.equal((await store.meter('m4' as MeterId))?.edgeId, E1);
  assert.deepEqual(ordered(), ['m4 {"kind":"adopt","line":"plc1","profile":"a/b","node":"40000001"}']);
  assert.deepEqual(await store.finding(stranger.findingId), stranger);
});

test('PROV-4 a meter that tells nothing is known by its DLMS id; one that tells a number is that, whatever its network calls it', async () => {
  const { store, join } = await networks();
  await store.saveMeter({ meterId: 'm1' as MeterId, tenantId: DEFAULT_TENANT, serial: '10000001', profile: 'a/b' });
  const untold = { serial: undefined, state: 'silent' } as never;
  assert.equal((await join(E1, 'ZIV10000001', untold)).meterId, 'm1');
  const stranger = await join(E1, 'ZIV20000001', { ...(untold as object), sentence: 'It does not answer.' });
  assert.match(stranger.sentence, /^It does not answer\. No list names ZIV20000001/);
  assert.equal((await join(E1, '10000001', { serial: '10000099' })).state, 'waiting');
});

test('PROV-4 a meter that two networks hear is named in both, and stays where it is', async () => {
  const { store, join, commissioner } = await networks();
  await join(E1, '30000001');
  const there = await join(E2, '30000001');
  assert.match(there.sentence, /^It has joined line plc1 of e1 as well, where it waits too: two networks hear it/);
  await store.saveMeter({ meterId: 'm1' as MeterId, tenantId: DEFAULT_TENANT, serial: '10000001', profile: 'a/b' });
  assert.equal((await join(E1, '10000001')).state, 'commissioned');
  const other = await join(E2, '10000001');
  assert.deepEqual([other.state, other.meterId], ['waiting', 'm1']);
  assert.match(other.sentence, /line plc1 of e1 as well, where it is m1/);
  assert.equal((await join(E1, '10000001')).state, 'commissioned', 'the second network takes nothing away');
  await commissioner.refuse(other.findingId, ANNA);
  assert.equal((await join(E2, '10000001')).state, 'refused');
  assert.equal((await join(E2, '10000001', { state: 'silent' })).state, 'refused', 'whether it answers or not');
});

test('PROV-4 a meter of a network is accepted with a model; when its concentrator does not take it, it waits again and says why', async () => {
  const { join, commissioner, store, ordered } = await networks();
  const { findingId } = await join(E1, '30000001');
  await assert.rejects(commissioner.accept(findingId, {}, ANNA), /FINDING_NO_MODEL/);
  const accepted = await commissioner.accept(findingId, { profile: 'no/such' }, ANNA);
  assert.deepEqual([accepted.state, accepted.meterId], ['commissioned', '30000001']);
  await commissioner.notTaken({ edgeId: E1, meterId: '30000001' as MeterId }, 'There is no such profile.');
  const again = await store.finding(findingId);
  assert.equal(again?.state, 'waiting');
  assert.equal(again.sentence, 'Concentrator e1 did not take 30000001 in: There is no such profile.');
  await commissioner.accept(findingId, { profile: 'a/b' }, ANNA);
  assert.match(ordered().at(-1) ?? '', /"profile":"a\/b"/);
});
