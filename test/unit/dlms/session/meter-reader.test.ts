/** What is asked of a meter again, what is remembered, and when it is forgotten. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  type AttributeAccess,
  type CaptureObject,
  captureObjectsData,
  type Data,
  type GetDataResult,
  KnownMeters,
  MeterReader,
  obisOf,
  scalerUnitData,
} from '../../../../src/dlms/index.ts';
import { KNOWN_METERS_MAX, KNOWN_VIEWS_MAX } from '../../../../src/dlms/session/limits.ts';

const ENERGY = obisOf(1, 0, 1, 8, 0, 255);
const EXPORT = obisOf(1, 0, 2, 8, 0, 255);
const LOAD = obisOf(1, 0, 99, 1, 0, 255);
const CLOCK = obisOf(0, 0, 1, 0, 0, 255);
const value = (instanceId: typeof ENERGY) => ({ classId: 3, instanceId, attributeId: 2 });
const column = (instanceId: typeof ENERGY): CaptureObject => ({ classId: 3, instanceId, attributeId: 2, dataIndex: 0 });
const LOAD_WISH = { values: [value(ENERGY)], buffers: [{ instanceId: LOAD, access: null }] };

/** A meter that counts questions; what it tells can be changed from outside. */
class Meter {
  firmware = '1.0';
  scaler = 0;
  columns: CaptureObject[] = [column(CLOCK), column(ENERGY)];
  readonly refused = new Set<string>();
  readonly asked: string[][] = [];

  get = (items: readonly AttributeAccess[]): Promise<readonly GetDataResult[]> => {
    this.asked.push(items.map(({ classId, instanceId, attributeId }) => `${classId}/${instanceId}/${attributeId}`));
    return Promise.resolve(items.map((item) => this.#answer(item)));
  };

  #answer({ classId, instanceId, attributeId }: AttributeAccess): GetDataResult {
    const data = this.#data(classId, attributeId);
    return data === null || this.refused.has(`${instanceId}/${attributeId}`) ? { dataAccessResult: 2 } : { data };
  }

  #data(classId: number, attributeId: number): Data | null {
    if (classId === 1) return { type: 'octet-string', value: new TextEncoder().encode(this.firmware) };
    if (classId === 15) return { type: 'array', value: [] };
    if (classId === 3 && attributeId === 3) return scalerUnitData({ scaler: this.scaler, unit: 30 });
    if (classId === 3) return { type: 'double-long-unsigned', value: 4_711 };
    return attributeId === 3 ? captureObjectsData(this.columns) : { type: 'array', value: [] };
  }
}

function desk(known = new KnownMeters(), meter = new Meter(), client = 1) {
  return { meter, known, reader: new MeterReader(meter, { id: 'm1', model: 'acme/one', client }, known) };
}

test('HE-7 everything goes in one list; the second time scalers are known and not asked', async () => {
  const { meter, reader } = desk();
  const first = await reader.read(LOAD_WISH);
  assert.deepEqual(meter.asked, [
    ['1/1-0:0.2.0*255/2', '3/1-0:1.8.0*255/2', '3/1-0:1.8.0*255/3', '7/1-0:99.1.0*255/3', '7/1-0:99.1.0*255/2'],
  ]);
  assert.deepEqual(first.values[0]?.scalerUnit, { scaler: 0, unit: 30 });
  assert.deepEqual([first.firmware, first.firmwareChanged, first.buffers[0]?.columnsState], ['1.0', false, 'first']);
  const second = await reader.read(LOAD_WISH);
  assert.equal(meter.asked[1]?.includes('3/1-0:1.8.0*255/3'), false);
  assert.deepEqual(second.values[0]?.scalerUnit, { scaler: 0, unit: 30 });
  assert.equal(second.buffers[0]?.columnsState, 'same');
});

test('HE-7 another firmware: what was known is forgotten, and a scaler that changed with it is the new one at once', async () => {
  const { meter, reader } = desk();
  await reader.read(LOAD_WISH);
  meter.firmware = '2.0';
  meter.scaler = 3;
  const answer = await reader.read(LOAD_WISH);
  assert.equal(answer.firmwareChanged, true);
  assert.deepEqual(answer.values[0]?.scalerUnit, { scaler: 3, unit: 30 });
  assert.deepEqual(meter.asked[2], ['3/1-0:1.8.0*255/3'], 'in a second list');
  assert.equal((await reader.read(LOAD_WISH)).firmwareChanged, false);
});

test('HE-7 a buffer set up anew in the field is told as changed, and its rows come with the new columns', async () => {
  const { meter, reader } = desk();
  await reader.read(LOAD_WISH);
  meter.columns = [column(CLOCK), column(EXPORT)];
  const changed = (await reader.read(LOAD_WISH)).buffers[0];
  assert.deepEqual([changed?.columnsState, changed?.columns?.[1]?.instanceId], ['changed', EXPORT]);
  meter.refused.add(`${LOAD}/3`);
  const untold = (await reader.read(LOAD_WISH)).buffers[0];
  assert.deepEqual([untold?.columnsState, untold?.columns], [null, null], 'columns that are not told are not guessed');
});

test('HE-7 a scaler that was refused once is asked again, and none is made up', async () => {
  const { meter, reader } = desk();
  meter.refused.add(`${ENERGY}/3`);
  assert.equal((await reader.read(LOAD_WISH)).values[0]?.scalerUnit, null);
  meter.refused.clear();
  assert.deepEqual((await reader.read(LOAD_WISH)).values[0]?.scalerUnit, { scaler: 0, unit: 30 });
});

test('HE-7 interop 18: the object list is kept by model, firmware and client', async () => {
  const { meter, known, reader } = desk();
  await reader.view();
  await reader.view();
  const views = () => meter.asked.filter(([only]) => only === '15/0-0:40.0.0*255/2').length;
  assert.equal(views(), 1);
  const other = new MeterReader(meter, { id: 'm2', model: 'acme/one', client: 1 }, known);
  await other.view();
  assert.equal(views(), 1, 'another meter of the same kind');
  await desk(known, meter, 16).reader.view();
  assert.equal(views(), 2, 'another client');
  await reader.read({ values: [] });
  await reader.view();
  assert.equal(views(), 3, 'its firmware is known now');
});

test('HE-7 what is known is bounded: the oldest used goes first', () => {
  const known = new KnownMeters();
  const key = (number: number) => ({ model: `m${number}`, firmware: '', client: 1 });
  for (let at = 0; at < KNOWN_VIEWS_MAX; at++) known.sawView(key(at), []);
  assert.deepEqual(known.view(key(0)), []);
  known.sawView(key(KNOWN_VIEWS_MAX), []);
  assert.deepEqual(known.view(key(0)), [], 'used last');
  assert.equal(known.view(key(1)), null, 'the oldest');
  known.meter('0').sawFirmware('x');
  for (let at = 1; at <= KNOWN_METERS_MAX; at++) known.meter(String(at));
  assert.equal(known.meter('0').firmware, null);
});

test('HE-7 a meter that has no firmware object is not asked for one; a version is taken as text or octets', async () => {
  const meter = new Meter();
  const known = new KnownMeters();
  const bare = new MeterReader(meter, { id: 'm1', model: 'acme/one', client: 1, firmware: null }, known);
  const { firmware, firmwareChanged } = await bare.read(LOAD_WISH);
  assert.deepEqual([firmware, firmwareChanged, meter.asked[0]?.[0]], [null, false, '3/1-0:1.8.0*255/2']);
  const told = async (data: GetDataResult) => {
    const reader = new MeterReader(
      { get: async () => [data] },
      { id: 'm1', model: 'acme/one', client: 1 },
      new KnownMeters(),
    );
    return (await reader.read({ values: [] })).firmware;
  };
  for (const [data, says] of [
    [{ type: 'visible-string', value: '1.2' }, '1.2'],
    [{ type: 'utf8-string', value: '1.3' }, '1.3'],
    [{ type: 'octet-string', value: Uint8Array.of(0x31, 0xff) }, '1\xff'],
    [{ type: 'unsigned', value: 3 }, null],
  ] as const)
    assert.equal(await told({ data }), says);
  assert.equal(await told({ dataAccessResult: 3 }), null);
});

test('HE-7 each answer goes to what was asked: one scaler for an object, columns and rows of each buffer', async () => {
  const { meter, reader } = desk();
  const DAYS = obisOf(1, 0, 99, 2, 0, 255);
  meter.refused.add(`${DAYS}/2`);
  meter.refused.add(`${EXPORT}/2`);
  const wish = {
    values: [value(ENERGY), value(EXPORT), value(ENERGY), { classId: 1, instanceId: CLOCK, attributeId: 2 }],
    buffers: [
      { instanceId: LOAD, access: null },
      { instanceId: DAYS, access: null },
    ],
  };
  const { values, buffers } = await reader.read(wish);
  assert.equal(meter.asked[0]?.filter((item) => item.endsWith('/3') && item.startsWith('3/')).length, 2);
  assert.deepEqual(
    values.map(({ result, scalerUnit }) => ['data' in result, scalerUnit !== null]),
    [
      [true, true],
      [false, true],
      [true, true],
      [true, false],
    ],
  );
  assert.deepEqual(
    buffers.map(({ instanceId, result, columns }) => [instanceId, 'data' in result, columns?.length]),
    [
      [LOAD, true, 2],
      [DAYS, false, 2],
    ],
  );
});

test('HE-7 what a session left out has a result of its own, and what is no scaler is none', async () => {
  const short = new MeterReader({ get: async () => [] }, { id: 'm1', model: 'acme/one', client: 1 }, new KnownMeters());
  const { values, buffers } = await short.read(LOAD_WISH);
  assert.deepEqual([values[0]?.result, values[0]?.scalerUnit], [{ dataAccessResult: 250 }, null]);
  assert.deepEqual([buffers[0]?.result, buffers[0]?.columns], [{ dataAccessResult: 250 }, null]);
  const text: GetDataResult = { data: { type: 'visible-string', value: 'x' } };
  const odd = new MeterReader(
    { get: async (items) => items.map(() => text) },
    { id: 'm1', model: 'acme/one', client: 1 },
    new KnownMeters(),
  );
  const answer = await odd.read(LOAD_WISH);
  assert.deepEqual([answer.values[0]?.scalerUnit, answer.buffers[0]?.columns], [null, null]);
});

test('HE-7 an object list that was refused is asked for again', async () => {
  const { meter, reader } = desk();
  meter.refused.add('0-0:40.0.0*255/2');
  assert.deepEqual([await reader.view(), await reader.view()], [[], []]);
  assert.equal(meter.asked.length, 2);
});
