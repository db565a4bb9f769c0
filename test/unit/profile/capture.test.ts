import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Data } from '../../../src/dlms/axdr/data.ts';
import { captureObjectsData } from '../../../src/dlms/cosem/capture-object.ts';
import { parseObis } from '../../../src/dlms/cosem/obis.ts';
import { captureMismatch, captureRequests } from '../../../src/profile/capture.ts';
import { parseProfileOrThrow } from '../../../src/profile/schema/parse.ts';
import type { BufferRule } from '../../../src/profile/schema/profile.ts';

const IDIS = parseProfileOrThrow(
  readFileSync(new URL('../../../config/profiles/generic/idis.yaml', import.meta.url), 'utf8'),
  'idis',
);
const LOAD = IDIS.buffers[0] as BufferRule;
const OBIS = ['0-0:1.0.0', '0-0:96.10.1', '1-0:1.8.0', '1-0:2.8.0', '1-0:3.8.0', '1-0:4.8.0', '1-0:32.7.0'];
const objects = (list: readonly string[]): Data =>
  captureObjectsData(list.map((obis) => ({ classId: 3, instanceId: parseObis(obis), attributeId: 2, dataIndex: 0 })));
const period = (value: number): Data => ({ type: 'double-long-unsigned', value });

test('a meter that captures what its profile says is believed', () => {
  assert.equal(captureMismatch(IDIS, LOAD, objects(OBIS), period(900)), null);
  assert.equal(captureMismatch(IDIS, LOAD, objects(OBIS), period(0)), null, 'captured by a schedule');
  assert.deepEqual(
    captureRequests(LOAD).map((request) => request.attribute),
    [3, 4],
  );
});

test('swapped, missing and slower columns are told before a row is believed', () => {
  const swapped = OBIS.toSpliced(2, 2, '1-0:2.8.0', '1-0:1.8.0');
  assert.match(captureMismatch(IDIS, LOAD, objects(swapped), period(900)) ?? '', /Column 3 .* 1-0:2\.8\.0/);
  assert.match(captureMismatch(IDIS, LOAD, objects(OBIS.slice(0, 6)), period(900)) ?? '', /6 columns/);
  assert.match(captureMismatch(IDIS, LOAD, objects(OBIS), period(3600)) ?? '', /every 3600 s/);
  assert.match(captureMismatch(IDIS, LOAD, period(1), period(900)) ?? '', /does not tell/);
});
