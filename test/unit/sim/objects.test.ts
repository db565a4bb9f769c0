import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Data } from '../../../src/dlms/axdr/data.ts';
import { dateTimeOfUtcMs } from '../../../src/dlms/cosem/datetime.ts';
import { parseObis } from '../../../src/dlms/cosem/obis.ts';
import { dateTimeData, entryAccess, rangeAccess } from '../../../src/dlms/cosem/selective-access.ts';
import { RESULT } from '../../../src/dlms/session/object-model.ts';
import type { SelectiveAccess } from '../../../src/dlms/xdlms/service.ts';
import { parseProfileOrThrow } from '../../../src/profile/schema/parse.ts';
import type { Profile } from '../../../src/profile/schema/profile.ts';
import { Device } from '../../../src/sim/meter/device.ts';
import { MeterModel } from '../../../src/sim/meter/model.ts';
import { profileOf, START_MS } from './world.ts';

const CLIENT = 1;
const LOAD = '1-0:99.1.0*255';

function meter(profile: Profile = profileOf('generic/idis')) {
  const now = { ms: START_MS };
  const device = new Device({
    meterId: 'm1',
    serial: '10000001',
    profile,
    seed: 'objects',
    timeZone: 'Europe/Berlin',
    nowMs: () => now.ms,
    installedAtMs: START_MS - 2 * 86_400_000,
  });
  const model = new MeterModel(device);
  const read = (classId: number, obis: string, attributeId: number, access: SelectiveAccess | null = null) =>
    model.read({ classId, instanceId: parseObis(obis), attributeId }, access);
  const write = (classId: number, obis: string, attributeId: number, value: Data) =>
    model.write({ classId, instanceId: parseObis(obis), attributeId }, null, value);
  const invoke = (classId: number, obis: string, methodId: number, parameters: Data | null) =>
    model.invoke({ classId, instanceId: parseObis(obis), methodId }, parameters).actionResult;
  return { now, device, model, read, write, invoke };
}
const dataOf = (result: ReturnType<ReturnType<typeof meter>['read']>): Data =>
  'data' in result ? result.data : assert.fail(`result ${result.dataAccessResult}`);
const rowsOf = (data: Data): readonly (readonly Data[])[] =>
  data.type === 'array' ? data.value.map((row) => (row.type === 'structure' ? row.value : [])) : assert.fail(data.type);

test('the clock is set, adjusted to the minute and shifted, and says no to what is none', () => {
  const { device, read, write, invoke } = meter();
  const noon = dateTimeOfUtcMs(START_MS + 45_000, { deviation: -60 });
  assert.equal(write(8, '0-0:1.0.0', 2, dateTimeData(noon)), RESULT.success);
  assert.equal(device.nowMs, START_MS + 45_000);
  assert.deepEqual(dataOf(read(8, '0-0:1.0.0', 2)), dateTimeData(noon));
  assert.equal(invoke(8, '0-0:1.0.0', 6, { type: 'long', value: -30 }), RESULT.success);
  assert.equal(device.nowMs, START_MS + 15_000);
  assert.equal(invoke(8, '0-0:1.0.0', 3, { type: 'integer', value: 0 }), RESULT.success);
  assert.equal(device.nowMs % 60_000, 0);
  assert.equal(write(8, '0-0:1.0.0', 2, { type: 'unsigned', value: 1 }), RESULT.typeUnmatched);
  assert.equal(write(8, '0-0:1.0.0', 2, dateTimeData({ ...noon, year: null })), RESULT.typeUnmatched);
  assert.equal(invoke(8, '0-0:1.0.0', 6, { type: 'long', value: 901 }), RESULT.typeUnmatched);
  assert.equal(invoke(8, '0-0:1.0.0', 6, null), RESULT.typeUnmatched);
  for (const attribute of [3, 4, 7, 8, 9]) assert.ok(dataOf(read(8, '0-0:1.0.0', attribute)));
});

test('the control mode decides what an order does; an order that the mode forbids is refused', () => {
  const { read, write, invoke } = meter();
  const zero: Data = { type: 'integer', value: 0 };
  const state = () =>
    [2, 3].map((attribute) => (dataOf(read(70, '0-0:96.3.10', attribute)) as { value: unknown }).value);
  assert.equal(write(70, '0-0:96.3.10', 4, { type: 'enum', value: 3 }), RESULT.success);
  assert.equal(invoke(70, '0-0:96.3.10', 1, zero), RESULT.success);
  assert.deepEqual(state(), [false, 0]);
  assert.equal(invoke(70, '0-0:96.3.10', 2, zero), RESULT.success);
  assert.deepEqual(state(), [false, 2], 'armed is not connected');
  assert.equal(write(70, '0-0:96.3.10', 4, { type: 'enum', value: 8 }), RESULT.typeUnmatched);
  assert.equal(write(70, '0-0:96.3.10', 4, { type: 'enum', value: 0 }), RESULT.success);
  assert.equal(invoke(70, '0-0:96.3.10', 1, zero), RESULT.readWriteDenied);
});

test('selections: columns of a range, columns and rows by number, and those that ask for nothing that is there', () => {
  const { read } = meter();
  const all = rowsOf(dataOf(read(7, LOAD, 2)));
  const clock = { classId: 8, instanceId: parseObis('0-0:1.0.0'), attributeId: 2, dataIndex: 0 };
  const energy = { classId: 3, instanceId: parseObis('1-0:1.8.0'), attributeId: 2, dataIndex: 0 };
  const [from, to] = [all[0]?.[0], all[3]?.[0]] as [Data, Data];
  const range = rowsOf(
    dataOf(read(7, LOAD, 2, rangeAccess({ restricting: clock, from, to, columns: [energy, clock] }))),
  );
  assert.deepEqual(
    range,
    all.slice(0, 4).map((row) => [row[2], row[0]]),
  );
  const entries = rowsOf(
    dataOf(read(7, LOAD, 2, entryAccess({ fromEntry: 2, toEntry: 3, fromColumn: 1, toColumn: 3 }))),
  );
  assert.deepEqual(
    entries,
    all.slice(1, 3).map((row) => row.slice(0, 3)),
  );
  const stranger = { ...energy, instanceId: parseObis('1-0:9.9.9') };
  const codeOf = (access: SelectiveAccess) => {
    const result = read(7, LOAD, 2, access);
    return 'dataAccessResult' in result ? result.dataAccessResult : 0;
  };
  assert.equal(codeOf(rangeAccess({ restricting: clock, from, to, columns: [stranger] })), RESULT.objectUndefined);
  assert.equal(
    codeOf(rangeAccess({ restricting: clock, from: { type: 'null-data' }, to, columns: [] })),
    RESULT.typeUnmatched,
  );
  assert.equal(codeOf({ selector: 1, parameters: { type: 'null-data' } }), RESULT.typeUnmatched);
  assert.equal(
    codeOf(entryAccess({ fromEntry: 0, toEntry: 0, fromColumn: 1, toColumn: 0 })),
    RESULT.scopeOfAccessViolated,
  );
  assert.equal(codeOf({ selector: 9, parameters: { type: 'null-data' } }), RESULT.scopeOfAccessViolated);
  assert.deepEqual(dataOf(read(7, LOAD, 7)), { type: 'double-long-unsigned', value: all.length });
  for (const attribute of [1, 3, 4, 5, 6, 8]) assert.ok(dataOf(read(7, LOAD, attribute)));
});

test('a meter that keeps its newest row first, stamps the start and ignores a column is served so', () => {
  const profile = parseProfileOrThrow(
    `
vendor: test
model: lifo
title: Newest first
medium: electricity
clients: [{ name: public, address: 1, security: none, uses: [read] }]
registers:
  - { name: energy, obis: 1-0:1.8.0, class: 4, exponent: 0, unit: Wh, valueClass: billing, type: long64-unsigned }
  - { name: demand, obis: 1-0:1.4.0, class: 5, exponent: 0, unit: W, valueClass: low-value }
  - { name: pulses, obis: 1-0:9.8.0, class: 1, exponent: 0, unit: '', valueClass: low-value }
profiles:
  - { name: load, obis: 1-0:99.1.0, intervalS: 3600, rows: 10, order: newest-first, stamp: start, columns: [clock, { ignore: 0-0:96.1.0, class: 1, attribute: 2 }, energy] }
`,
    'lifo',
  );
  const { device, read } = meter(profile);
  const rows = rowsOf(dataOf(read(7, LOAD, 2)));
  assert.equal(rows.length, 10);
  assert.deepEqual(rows[0]?.[1], { type: 'null-data' });
  const values = rows.map((row) => (row[2]?.type === 'long64-unsigned' ? row[2].value : assert.fail()));
  assert.deepEqual(
    values,
    [...values].sort((a, b) => Number(b - a)),
    'newest first',
  );
  const newest = [...device.rows(profile.buffers[0] ?? assert.fail(), 0, device.nowMs)].at(-1);
  assert.deepEqual(rows[0]?.[0], dateTimeData(dateTimeOfUtcMs((newest?.atMs ?? 0) - 3_600_000, { deviation: -60 })));
  for (const attribute of [2, 3, 4, 5]) assert.ok(dataOf(read(4, '1-0:1.8.0', attribute)));
  for (const attribute of [2, 3, 4, 5, 6, 7, 8, 9]) assert.ok(dataOf(read(5, '1-0:1.4.0', attribute)));
  assert.ok(dataOf(read(1, '1-0:9.8.0', 2)));
});

test('what is not there is said by its result code', () => {
  const { model, read, write, invoke } = meter();
  assert.deepEqual(read(3, '1-0:99.99.99', 2), { dataAccessResult: RESULT.objectUndefined });
  assert.deepEqual(read(3, '1-0:1.8.0', 9), { dataAccessResult: RESULT.objectUndefined });
  assert.equal(write(3, '1-0:1.8.0', 2, { type: 'null-data' }), RESULT.readWriteDenied);
  assert.equal(write(3, '1-0:99.99.99', 2, { type: 'null-data' }), RESULT.objectUndefined);
  assert.equal(invoke(3, '1-0:1.8.0', 1, null), RESULT.readWriteDenied);
  assert.equal(invoke(3, '1-0:99.99.99', 1, null), RESULT.objectUndefined);
  assert.deepEqual(
    model.objectList(99).filter((object) => object.classId === 3),
    [],
    'a stranger sees no register',
  );
  assert.ok(
    model.objectList(CLIENT).some((object) => object.classId === 70 && object.methods.every((method) => method.access)),
  );
  for (const attribute of [2, 3, 4, 5, 6, 7, 8, 9]) assert.ok(dataOf(read(23, '0-0:22.0.0', attribute)));
  assert.ok(dataOf(read(17, '0-0:41.0.0', 2)));
});
