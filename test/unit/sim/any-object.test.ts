/** Objects of every class beside a profile: served over a session, read, scanned, written, invoked. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Data, DataType } from '../../../src/dlms/axdr/data.ts';
import { INTERFACE_CLASSES } from '../../../src/dlms/cosem/classes/index.ts';
import { defaultOfType } from '../../../src/dlms/cosem/default-value.ts';
import type { ClassAttribute, InterfaceClass } from '../../../src/dlms/cosem/interface-class.ts';
import { parseObis } from '../../../src/dlms/cosem/obis.ts';
import { fitsType } from '../../../src/dlms/cosem/type-fit.ts';
import { attributeTypeOf, type TypeText } from '../../../src/dlms/cosem/type-text.ts';
import { RESULT } from '../../../src/dlms/session/object-model.ts';
import { readObjects } from '../../../src/lab/read-once.ts';
import { scanObjects } from '../../../src/lab/scan-meter.ts';
import type { ListedObjectRule } from '../../../src/sim/meter/objects/listed.ts';
import { type ParsedObjectFile, parseObjectFile } from '../../../src/sim/object-file.ts';
import { Desk } from './world.ts';

const ALL = { unsureClasses: true };
const VERSIONS = 116;

const obisOfTable = ({ id, version }: InterfaceClass) => `0-1:${id}.${version}.7*255`;

/** Values such as a person would write: every array has one element, every structure its fields by name. */
function written(type: TypeText): unknown {
  switch (type.kind) {
    case 'any':
      return { 'long-unsigned': 7 };
    case 'array':
      return [written(type.of)];
    case 'structure':
      return Object.fromEntries(type.fields.map((field) => [field.name, written(field.type)]));
    case 'plain':
      return writtenPlain(type.type, type.size);
  }
}

const MOMENTS: Readonly<Record<number, string>> = {
  12: '2026-03-15 10:07:30 UTC+01:00',
  6: '1-0:1.8.0*255',
  5: '****-12-24',
  4: '22:00:00',
};

function writtenPlain(type: DataType, size: number | null): unknown {
  if (type === 'octet-string') return size === null ? 'text' : (MOMENTS[size] ?? `0x${'a5'.repeat(size)}`);
  if (type === 'visible-string' || type === 'utf8-string') return 'words';
  if (type === 'bit-string') return '10'.repeat(12).slice(0, size ?? 24);
  if (type === 'boolean') return true;
  if (type === 'date-time') return MOMENTS[12];
  return type.startsWith('long64') ? '9007199254740993' : 1;
}

/** Structures whose fields no table has get one element. */
function writtenAttribute(table: InterfaceClass, attribute: ClassAttribute): unknown {
  const type = attributeTypeOf(table, attribute);
  const isOpen = type.kind === 'any' && attribute.type === 'structure';
  return isOpen ? { structure: [written(type)] } : written(type);
}

/** A file with one object of each version: with values for everything, or with none. */
function fileOf(tables: readonly InterfaceClass[], isFilled: boolean): string {
  const objects = tables.map((table) => {
    const named = table.attributes
      .filter(({ index }) => index > 1)
      .map((attribute) => [attribute.name, writtenAttribute(table, attribute)]);
    const values = isFilled ? { values: Object.fromEntries(named) } : {};
    return { class: table.id, version: table.version, obis: obisOfTable(table), ...values };
  });
  return JSON.stringify({ objects });
}

function objectsOf(parsed: ParsedObjectFile): readonly ListedObjectRule[] {
  return parsed.ok ? parsed.objects : assert.fail(JSON.stringify(parsed.problems));
}

for (const isFilled of [false, true]) {
  const how = isFilled ? 'values of its own' : 'defaults';
  test(`HE-7 every version of every class is served, scanned and read in words: ${how}`, async () => {
    assert.equal(INTERFACE_CLASSES.length, VERSIONS);
    const objects = objectsOf(parseObjectFile(fileOf(INTERFACE_CLASSES, isFilled), ALL));
    const desk = new Desk('wrapper', { objects, days: 0 });
    const session = await desk.open('control');
    const list = await desk.settle(scanObjects(session));
    const wanted = INTERFACE_CLASSES.map((table) => ({
      classId: table.id,
      obis: parseObis(obisOfTable(table)),
      attribute: 'all' as const,
    }));
    const all = await desk.settle(readObjects(session, { objects: wanted, rules: ALL }));
    for (const [at, table] of INTERFACE_CLASSES.entries()) {
      const obis = parseObis(obisOfTable(table));
      const label = `${table.id} v${table.version}`;
      const entry = list.find((object) => object.obis === obis);
      assert.deepEqual([entry?.classId, entry?.version], [table.id, table.version], label);
      const readable = table.attributes.filter(({ access }) => access !== 'write');
      const answers = all.filter(({ answer }) => answer.obis === obis);
      assert.deepEqual(
        answers.map(({ answer }) => [answer.attribute, answer.attributeName, answer.result]),
        readable.map(({ index, name }) => [index, name, 'success']),
        label,
      );
      for (const { answer } of answers) {
        assert.ok(answer.words !== undefined && answer.words !== '', `${label} ${answer.attributeName}`);
        assert.doesNotMatch(answer.words, /usual is/, `${label} ${answer.attributeName}`);
      }
      for (const attribute of table.attributes) {
        const value = objects[at]?.values.get(attribute.index);
        assert.ok(attribute.index === 1 || value !== undefined, label);
        if (value !== undefined) assert.ok(fitsType(value, attributeTypeOf(table, attribute)), label);
      }
    }
  });
}

test('a secret can be written and not read, and each meter has values of its own', async () => {
  const file = fileOf(INTERFACE_CLASSES, false);
  const desk = new Desk('wrapper', { objects: objectsOf(parseObjectFile(file, ALL)), days: 0, count: 2 });
  const session = await desk.open('control');
  const secret = { classId: 44, instanceId: parseObis('0-1:44.0.7'), attributeId: 5, access: null };
  const port = { classId: 41, instanceId: parseObis('0-1:41.0.7'), attributeId: 2, access: null };
  const hidden = INTERFACE_CLASSES.flatMap((table) =>
    table.attributes.filter(({ access }) => access === 'write').map(({ index }) => ({ table, index })),
  );
  assert.ok(hidden.length > 0);
  for (const { table, index } of hidden) {
    const item = { ...secret, classId: table.id, instanceId: parseObis(obisOfTable(table)), attributeId: index };
    const [result] = await desk.settle(session.get([item]));
    assert.deepEqual(result, { dataAccessResult: RESULT.readWriteDenied });
  }
  const write = async (data: Data) => (await desk.settle(session.set([{ attribute: port, value: data }])))[0];
  assert.equal(await write({ type: 'visible-string', value: 'x' }), RESULT.typeUnmatched);
  assert.equal(await write({ type: 'long-unsigned', value: 4059 }), RESULT.success);
  const values = desk.meters.map((meter) => meter.model.read(port, null));
  assert.deepEqual(values, [
    { data: { type: 'long-unsigned', value: 4059 } },
    { data: { type: 'long-unsigned', value: 0 } },
  ]);
});

test('a method has no behaviour: other-reason for the right argument, type-unmatched for another one', () => {
  const { meter } = new Desk('wrapper', {
    objects: objectsOf(parseObjectFile(fileOf(INTERFACE_CLASSES, false), ALL)),
    days: 0,
  });
  let invoked = 0;
  for (const table of INTERFACE_CLASSES) {
    for (const { index, argument } of table.methods) {
      const method = { classId: table.id, instanceId: parseObis(obisOfTable(table)), methodId: index };
      const results = (parameters: Data | null) => meter.model.invoke(method, parameters).actionResult;
      const type = argument === null || argument === 'choice' ? 'unsigned' : argument;
      const right = defaultOfType({ kind: 'plain', type, size: null });
      assert.equal(results(right), RESULT.otherReason, `${table.id}.${index}`);
      if (argument === null || argument === 'choice') continue;
      assert.equal(results({ type: 'float64', value: 1 }), RESULT.typeUnmatched, `${table.id}.${index}`);
      assert.equal(results(null), RESULT.typeUnmatched, `${table.id}.${index}`);
      invoked++;
    }
  }
  assert.ok(invoked > 100);
});

test('rights of the file take the place of the usual ones, by client', async () => {
  const text = `objects:
  - { class: 1, obis: 0-0:96.1.9, public: true, values: { value: { visible-string: seen } } }
  - { class: 3, obis: 1-0:99.8.0, access: { value: rw, 3: none }, values: { 2: { double-long: -5 } } }`;
  const desk = new Desk('wrapper', { objects: objectsOf(parseObjectFile(text, {})), days: 0 });
  const rights = (client: number) =>
    desk.meter.model
      .objectList(client)
      .filter(({ instanceId }) => ['0-0:96.1.9*255', '1-0:99.8.0*255'].includes(instanceId))
      .map(({ attributes }) => attributes.map(({ access }) => access));
  assert.deepEqual(rights(16), [[1, 1]], 'the public client sees what is public');
  assert.deepEqual(rights(1), [
    [1, 3],
    [1, 3, 0],
  ]);
});

for (const [name, text, path, sentence] of [
  ['no list', 'objects: 5', 'objects', /list/],
  ['no YAML', 'objects: [', '', /not YAML/],
  ['no class', 'objects: [{class: 31, obis: 0-0:1.1.1}]', 'objects[0].class', /no table of class 31/],
  [
    'no version',
    'objects: [{class: 3, version: 9, obis: 0-0:1.1.1}]',
    'objects[0].version',
    /no version 9: there are 0/,
  ],
  ['memory', 'objects: [{class: 101, obis: 0-0:1.1.1}]', 'objects[0].class', /--unsure-classes/],
  ['memory, by version', 'objects: [{class: 28, version: 2, obis: 0-0:1.1.1}]', 'objects[0].class', /--unsure-classes/],
  ['no OBIS', 'objects: [{class: 3, obis: here}]', 'objects[0].obis', /no OBIS code/],
  [
    'attribute',
    'objects: [{class: 3, obis: 0-0:1.1.1, values: {valeu: 1}}]',
    'objects[0].values.valeu',
    /mean value\?/,
  ],
  [
    'number',
    'objects: [{class: 3, obis: 0-0:1.1.1, access: {9: r}}]',
    'objects[0].access.9',
    /there are value, scaler/,
  ],
  ['right', 'objects: [{class: 3, obis: 0-0:1.1.1, access: {2: all}}]', 'objects[0].access.2', /./],
  [
    'twice',
    'objects: [{class: 8, obis: 0-0:1.1.1, values: {3: 1, time_zone: 2}}]',
    'objects[0].values.time_zone',
    /twice/,
  ],
  ['open type', 'objects: [{class: 3, obis: 0-0:1.1.1, values: {2: 1}}]', 'objects[0].values.2', /its type too/],
  ['range', 'objects: [{class: 8, obis: 0-0:1.1.1, values: {3: 99999}}]', 'objects[0].values.3', /-32768 to 32767/],
  [
    'one name',
    'objects: [{class: 3, obis: 1-0:1.8.9}, {class: 4, obis: 1-0:1.8.9}]',
    'objects[1].obis',
    /is there already/,
  ],
  ['association', 'objects: [{class: 15, obis: 0-0:40.0.0}]', 'objects[0].obis', /the association in use/],
] as const) {
  test(`a wrong file is told where and how: ${name}`, () => {
    const parsed = parseObjectFile(text, {});
    assert.ok(!parsed.ok);
    assert.equal(parsed.problems[0]?.path, path);
    assert.match(parsed.problems[0]?.sentence ?? '', sentence);
  });
}
