/** What a client may do with the objects of a meter, from the object list of its association. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../../../src/base/errors.ts';
import type { Data } from '../../../src/dlms/axdr/data.ts';
import { objectListOf } from '../../../src/dlms/cosem/object-list.ts';

const number = (value: number): Data => ({ type: 'long-unsigned', value });
const small = (value: number): Data => ({ type: 'integer', value });
const mode = (value: number): Data => ({ type: 'enum', value });
const structure = (...value: Data[]): Data => ({ type: 'structure', value });
const array = (...value: Data[]): Data => ({ type: 'array', value });
const name = (...octets: number[]): Data => ({ type: 'octet-string', value: Uint8Array.from(octets) });
const nothing: Data = { type: 'null-data' };

const attribute = (id: number, access: Data, selectors: Data = nothing) => structure(small(id), access, selectors);
const register = (attributes: Data, methods: Data = array()): Data =>
  structure(number(3), { type: 'unsigned', value: 0 }, name(1, 0, 1, 8, 0, 255), structure(attributes, methods));
/** The association itself, whose version says how access is written. */
const association = (version: number, obis: Data = name(0, 0, 40, 0, 0, 255), classId = 15): Data =>
  structure(number(classId), { type: 'unsigned', value: version }, obis, structure(array(), array()));

/** Read and write of attribute 2 under each mode from 0 to 7. */
function accessUnder(...others: readonly Data[]): string[] {
  return Array.from({ length: 8 }, (_, each) => {
    const list = objectListOf(array(register(array(attribute(2, mode(each)))), ...others));
    const right = list[0]?.attributes[0] ?? assert.fail('there is an attribute');
    return `${right.canRead ? 'r' : '-'}${right.canWrite ? 'w' : '-'}`;
  });
}

test('an object: class, version, logical name, rights on attributes with their selectors, rights on methods', () => {
  const list = objectListOf(
    array(
      register(
        array(attribute(1, mode(1)), attribute(2, mode(3), array(small(1), small(2)))),
        array(structure(small(1), mode(1)), structure(small(2), { type: 'boolean', value: false })),
      ),
    ),
  );
  assert.deepEqual(list, [
    {
      classId: 3,
      version: 0,
      obis: '1-0:1.8.0*255',
      attributes: [
        { id: 1, canRead: true, canWrite: false, selectors: [] },
        { id: 2, canRead: true, canWrite: true, selectors: [1, 2] },
      ],
      methods: [
        { id: 1, canInvoke: true },
        { id: 2, canInvoke: false },
      ],
    },
  ]);
});

test('access is a number of a list up to version 2 of the association, authenticated kinds included', () => {
  const listed = ['--', 'r-', '-w', 'rw', 'r-', '-w', 'rw', '--'];
  assert.deepEqual(accessUnder(), listed);
  assert.deepEqual(accessUnder(association(2)), listed);
});

test('access is a set of bits from version 3 of the current association on, and of no other object', () => {
  assert.deepEqual(accessUnder(association(3)), ['--', 'r-', '-w', 'rw', '--', 'r-', '-w', 'rw']);
  const listed = accessUnder();
  assert.deepEqual(accessUnder(association(3, name(0, 0, 40, 0, 1, 255))), listed);
  assert.deepEqual(accessUnder(association(3, name(0, 0, 40, 0, 0, 255), 12)), listed);
});

test('access as a bit string is read first bit first', () => {
  const list = objectListOf(
    array(register(array(attribute(2, { type: 'bit-string', value: '01000000' }))), association(3)),
  );
  assert.deepEqual(list[0]?.attributes, [{ id: 2, canRead: false, canWrite: true, selectors: [] }]);
});

test('a right without number or mode is left out, a method without mode may not be invoked', () => {
  const list = objectListOf(
    array(
      register(
        array(structure(nothing, mode(1)), structure(small(3)), attribute(2, mode(1))),
        array(structure(nothing, mode(1)), structure(small(4)), structure(small(5), mode(0))),
      ),
    ),
  );
  assert.deepEqual(
    list[0]?.attributes.map(({ id }) => id),
    [2],
  );
  assert.deepEqual(list[0]?.methods, [
    { id: 4, canInvoke: false },
    { id: 5, canInvoke: false },
  ]);
});

test('what is no list of objects is refused by its code', () => {
  const wrong: readonly Data[] = [
    nothing,
    structure(),
    array(nothing),
    array(structure(nothing, number(0), name(1, 0, 1, 8, 0, 255))),
    array(structure(number(3), nothing, name(1, 0, 1, 8, 0, 255))),
    array(structure(number(3), number(0), nothing)),
  ];
  for (const data of wrong)
    assert.throws(
      () => objectListOf(data),
      (error) => hasCode(error, 'DLMS_SHAPE'),
    );
  assert.deepEqual(objectListOf(array()), []);
});
