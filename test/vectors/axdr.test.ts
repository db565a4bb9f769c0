/** Every data value and date-time of the vectors: decoded, encoded again, and cut short at every octet. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { fromHex, toHex } from '../../src/base/bytes.ts';
import { DeltawattError } from '../../src/base/errors.ts';
import { dataFromOctets, dataToOctets } from '../../src/dlms/axdr/decode.ts';
import { dateTimeFromOctets, dateTimeToOctets, utcMsOf } from '../../src/dlms/cosem/datetime.ts';
import { captureObjectOf, obisFromOctets, parseObis } from '../../src/dlms/index.ts';
import { shapeOfData, shapeOfDateTime, shapeOfObis } from '../../src/dlms/explain/data-shape.ts';
import { vectors } from './vector.ts';

/** Octets that our encoder writes another way, and why. */
const NOT_CANONICAL: Readonly<Record<string, string>> = {
  'axdr-bool-true': 'true as FF; we send 01, which every stack takes',
  'kamstrup-object-list': 'the meter writes the count 7B in three octets, 82 00 7B',
  'axdr-len-81-form': 'a count below 80 hex in two octets',
};

interface DataExpect {
  readonly data?: unknown;
  readonly dateTime?: unknown;
  readonly count?: number;
  readonly objects?: readonly { readonly classId: number; readonly version: number; readonly obis: string }[];
}

for (const file of ['axdr', 'profiles']) {
  for (const vector of vectors<DataExpect>(file, 'axdr-data')) {
    test(`${file} ${vector.id}`, () => {
      const octets = fromHex(vector.hex);
      const data = dataFromOctets(octets);
      if (vector.expect.data !== undefined) assert.deepEqual(shapeOfData(data), vector.expect.data);
      const again = toHex(dataToOctets(data));
      if (vector.id in NOT_CANONICAL) {
        assert.notEqual(again, vector.hex, 'canonical after all: take it off the list');
        assert.deepEqual(dataFromOctets(fromHex(again)), data);
      } else assert.equal(again, vector.hex);
      for (let length = 0; length < octets.length; length++) {
        assert.throws(() => dataFromOctets(octets.subarray(0, length)), DeltawattError, `first ${length} octets`);
      }
    });
  }
}

test('the object list of a real meter: 123 objects, class, version and name', () => {
  const [vector] = vectors<DataExpect>('profiles', 'axdr-data').filter((row) => row.id === 'kamstrup-object-list');
  assert.ok(vector);
  const list = dataFromOctets(fromHex(vector.hex));
  assert.ok(list.type === 'array');
  const objects = list.value.map((entry) => {
    const [classId, version, name] = entry.type === 'structure' ? entry.value : [];
    assert.ok(classId?.type === 'long-unsigned' && version?.type === 'unsigned' && name?.type === 'octet-string');
    return { classId: classId.value, version: version.value, obis: shapeOfObis(obisFromOctets(name.value)) };
  });
  assert.equal(objects.length, vector.expect.count);
  assert.deepEqual(objects, vector.expect.objects);
});

for (const vector of vectors<DataExpect>('axdr', 'date-time')) {
  test(`date-time ${vector.id}`, () => {
    const value = dateTimeFromOctets(fromHex(vector.hex));
    assert.deepEqual(shapeOfDateTime(value), vector.expect.dateTime);
    assert.equal(toHex(dateTimeToOctets(value)), vector.hex);
  });
}

test('a date-time becomes UTC by adding the deviation, and is no moment without one', () => {
  const utc = (hex: string, rule = {}) => utcMsOf(dateTimeFromOctets(fromHex(hex)), rule);
  assert.equal(utc('07e40101ff00030000ff8800'), Date.parse('2020-01-01T00:03:00+02:00'));
  assert.equal(utc('07e7021c02173b3b63003c01'), Date.parse('2023-02-28T23:59:59.990-01:00'));
  assert.equal(utc('07e40101ff00030000ff8800', { oppositeSign: true }), Date.parse('2020-01-01T00:03:00-02:00'));
  assert.equal(utc('07e2020cff00000000800000'), null);
  assert.equal(utc('07e2020cff00000000800000', { defaultDeviation: -60 }), Date.parse('2018-02-12T00:00:00+01:00'));
  assert.equal(utc('ffff03fe0702000000800080', { defaultDeviation: 0 }), null);
  assert.equal(utc('07e7021d02173b3b63003c01'), null, '29 February 2023');
});

test('a capture object of a real meter', () => {
  const [vector] = vectors('axdr').filter((row) => row.id === 'u9n-data-test-capture-object-definition');
  assert.ok(vector);
  assert.deepEqual(captureObjectOf(dataFromOctets(fromHex(vector.hex))), {
    classId: 8,
    instanceId: parseObis('0-0:1.0.0*255'),
    attributeId: 2,
    dataIndex: 0,
  });
});
