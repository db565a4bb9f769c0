/** Any value under any attribute of any class is shown in words: a meter may send what its class does not have. */

import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { INTERFACE_CLASSES } from '../../src/dlms/cosem/classes/index.ts';
import { parseObis } from '../../src/dlms/cosem/obis.ts';
import { attributeViewOf, wordsOf, wordTableOf } from '../../src/dlms/cosem/words.ts';
import { shownAnswer } from '../../src/lab/read-answer.ts';
import { data } from './dlms-arbitrary.ts';

const ATTRIBUTES = INTERFACE_CLASSES.flatMap(({ id, version, attributes }) =>
  attributes.map(({ index }) => ({ id, version, index })),
);

test('HE-7 any value of any attribute has words, one line of them, and its tables are rectangles', () => {
  fc.assert(
    fc.property(data, fc.constantFrom(...ATTRIBUTES), (value, { id, version, index }) => {
      const view = attributeViewOf(id, version, index, { unsureClasses: true });
      const words = wordsOf(value, view);
      assert.ok(words.length > 0);
      assert.doesNotMatch(words, /[\r\n]/);
      const table = wordTableOf(value, view);
      assert.ok(table === null || table.rows.every((row) => row.length === table.columns.length));
      const item = { classId: id, instanceId: parseObis('0-0:1.0.0'), attributeId: index, access: null };
      const context = {
        version,
        rules: {},
        scalerUnit: { scaler: -3, unit: 30 },
        columns: [],
        template: Uint8Array.of(2, 1, 0x11),
      };
      const { answer } = shownAnswer(item, { data: value }, context);
      assert.equal(answer.result, 'success');
      assert.ok(JSON.stringify(answer).length > 0);
    }),
    { numRuns: 1_000 },
  );
});
