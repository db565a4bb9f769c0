/** What a server lets one client read, write and invoke, before the device is asked. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Data } from '../../../../src/dlms/axdr/data.ts';
import { obisOf } from '../../../../src/dlms/cosem/obis.ts';
import { CURRENT_ASSOCIATION } from '../../../../src/dlms/session/association-object.ts';
import { type ListedObject, type ObjectModel, RESULT } from '../../../../src/dlms/session/object-model.ts';
import { ServedObjects } from '../../../../src/dlms/session/served-objects.ts';

const CLIENT = 16;
const REGISTER = obisOf(1, 0, 1, 8, 0, 255);
const CLOCK = obisOf(0, 0, 1, 0, 0, 255);
const NULL: Data = { type: 'null-data' };
const number = (value: number): Data => ({ type: 'double-long-unsigned', value });
const structure = (...value: Data[]): Data => ({ type: 'structure', value });

/** Attributes stand out of order, as devices list them. */
const LISTED: readonly ListedObject[] = [
  {
    classId: 3,
    version: 0,
    instanceId: REGISTER,
    attributes: [
      { id: 3, access: 3 },
      { id: 1, access: 1 },
      { id: 2, access: 2 },
      { id: 4, access: 0 },
    ],
    methods: [
      { id: 1, access: true },
      { id: 2, access: false },
    ],
  },
];

/** A device that notes what reaches it; `refuses` = attributes that it does not take. */
function served(refuses: readonly number[] = [], listed: readonly ListedObject[] = LISTED) {
  const heard: string[] = [];
  const model: ObjectModel = {
    objectList: () => listed,
    read: ({ attributeId }, _, client) => {
      heard.push(`${client} reads ${attributeId}`);
      return { data: number(attributeId * 10) };
    },
    write: ({ attributeId }, _, value, client) => {
      heard.push(`${client} writes ${attributeId} ${'value' in value ? String(value.value) : value.type}`);
      return refuses.includes(attributeId) ? RESULT.temporaryFailure : RESULT.success;
    },
    invoke: ({ methodId }, parameters, client) => {
      heard.push(`${client} invokes ${methodId} ${parameters === null ? 'bare' : parameters.type}`);
      return { actionResult: RESULT.success, returnParameters: null };
    },
  };
  const facts = { client: CLIENT, server: 1, conformance: 0, serverPduMaxBytes: 0, clientPduMaxBytes: 0 };
  const objects = new ServedObjects(model, { ...facts, answerMaxBytes: () => 0, mechanism: 0, context: 1 });
  const at = (attributeId: number, classId = 3, instanceId = REGISTER) => {
    return { classId, instanceId, attributeId, access: null };
  };
  const call = (methodId: number, parameters: Data | null = null, classId = 3, instanceId = REGISTER) =>
    objects.invoke({ classId, instanceId, methodId }, parameters).actionResult;
  return { objects, heard, at, call };
}

test('reading asks the device only for what the client may read', () => {
  const { objects, heard, at } = served();
  assert.deepEqual(objects.read(at(1), true), { data: number(10) });
  assert.deepEqual(objects.read(at(3), true), { data: number(30) });
  assert.deepEqual(objects.read(at(2), true), { dataAccessResult: RESULT.readWriteDenied });
  assert.deepEqual(objects.read(at(4), true), { dataAccessResult: RESULT.readWriteDenied });
  assert.deepEqual(objects.read(at(9), true), { dataAccessResult: RESULT.objectUndefined });
  assert.deepEqual(objects.read(at(2, 8), true), { dataAccessResult: RESULT.objectClassInconsistent });
  assert.deepEqual(objects.read(at(2, 8, CLOCK), true), { dataAccessResult: RESULT.objectUndefined });
  assert.deepEqual(heard, ['16 reads 1', '16 reads 3']);
});

test('attribute 0 is all attributes by number, null-data where the client may not read, and none where it is not served', () => {
  const { objects, at } = served();
  assert.deepEqual(objects.read(at(0), true), { data: structure(number(10), NULL, number(30), NULL) });
  assert.deepEqual(objects.read(at(0), false), { dataAccessResult: RESULT.objectUndefined });
  assert.deepEqual(objects.read(at(0, 8), true), { dataAccessResult: RESULT.objectClassInconsistent });
});

test('writing asks the device only for what the client may write', () => {
  const { objects, heard, at } = served([3]);
  assert.equal(objects.write(at(2), number(5), true), RESULT.success);
  assert.equal(objects.write(at(3), number(6), true), RESULT.temporaryFailure);
  assert.equal(objects.write(at(1), number(7), true), RESULT.readWriteDenied);
  assert.equal(objects.write(at(4), number(7), true), RESULT.readWriteDenied);
  assert.deepEqual(heard, ['16 writes 2 5', '16 writes 3 6']);
});

test('attribute 0 is written as a structure of all: null-data stays, one that is forbidden keeps all from being written', () => {
  const { objects, heard, at } = served();
  assert.equal(objects.write(at(0), structure(NULL, number(1), number(2), NULL), true), RESULT.success);
  assert.deepEqual(heard.splice(0), ['16 writes 2 1', '16 writes 3 2']);
  assert.equal(objects.write(at(0), structure(number(9), number(1), NULL, NULL), true), RESULT.readWriteDenied);
  assert.equal(objects.write(at(0), structure(NULL, number(1)), true), RESULT.typeUnmatched);
  assert.equal(objects.write(at(0), number(1), true), RESULT.typeUnmatched);
  assert.equal(objects.write(at(0), structure(NULL, NULL, NULL, NULL), false), RESULT.objectUndefined);
  assert.equal(objects.write(at(0, 3, CLOCK), structure(), true), RESULT.objectUndefined);
  assert.deepEqual(heard, []);
});

test('the first refusal of the device ends a write of all', () => {
  const { objects, heard, at } = served([2]);
  assert.equal(objects.write(at(0), structure(NULL, number(1), number(2), NULL), true), RESULT.temporaryFailure);
  assert.deepEqual(heard, ['16 writes 2 1']);
});

test('methods: those that are listed and allowed, with null-data as no parameters', () => {
  const { heard, call } = served();
  assert.equal(call(1), RESULT.success);
  assert.equal(call(1, NULL), RESULT.success);
  assert.equal(call(1, number(1)), RESULT.success);
  assert.equal(call(2), RESULT.readWriteDenied);
  assert.equal(call(3), RESULT.objectUndefined);
  assert.equal(call(1, null, 8), RESULT.objectClassInconsistent);
  assert.equal(call(1, null, 3, CLOCK), RESULT.objectUndefined);
  assert.deepEqual(heard, ['16 invokes 1 bare', '16 invokes 1 bare', '16 invokes 1 double-long-unsigned']);
});

test('the association itself is listed when the device does not, and answers in the place of the device', () => {
  const { objects, heard, at } = served();
  const name = objects.read(at(1, 15, CURRENT_ASSOCIATION), true);
  assert.deepEqual(name, { data: { type: 'octet-string', value: Uint8Array.of(0, 0, 40, 0, 0, 255) } });
  const list = objects.read(at(2, 15, CURRENT_ASSOCIATION), true);
  assert.ok('data' in list && list.data.type === 'array');
  assert.equal(list.data.value.length, 2);
  const own: ListedObject = {
    classId: 15,
    version: 2,
    instanceId: CURRENT_ASSOCIATION,
    attributes: [{ id: 2, access: 1 }],
    methods: [],
  };
  const known = served([], [own]).objects;
  const alone = known.read(at(2, 15, CURRENT_ASSOCIATION), true);
  assert.ok('data' in alone && alone.data.type === 'array');
  assert.equal(alone.data.value.length, 1, 'not twice');
  assert.deepEqual(known.read(at(1, 15, CURRENT_ASSOCIATION), true), { dataAccessResult: RESULT.objectUndefined });
  assert.deepEqual(heard, []);
});
