import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex } from '../../../../src/base/bytes.ts';
import type { Data } from '../../../../src/dlms/axdr/data.ts';
import { identityIn, WHO } from '../../../../src/dlms/session/who.ts';

const octets = (hex: string): { data: Data } => ({ data: { type: 'octet-string', value: fromHex(hex) } });

test('PROV-4 a meter is asked for device name, serial number and firmware, and what it tells as text is taken', () => {
  assert.deepEqual(
    WHO.map(({ classId, attributeId }) => [classId, attributeId]),
    [1, 1, 1].map((classId) => [classId, 2]),
  );
  const told = identityIn([
    octets('4d4d4d3132'),
    { data: { type: 'visible-string', value: '12' } },
    { data: { type: 'utf8-string', value: 'é1' } },
  ]);
  assert.deepEqual(told, { deviceName: 'MMM12', serial: '12', firmware: 'é1' });
});

test('PROV-4 what is no printable text, is refused or missing counts as not told', () => {
  const serialOf = (hex: string) => identityIn([octets('41'), octets(hex)]).serial;
  assert.equal(serialOf('207e'), ' ~', 'the first and the last that is printable');
  for (const hex of ['', '1f41', '417f', '4180', '00']) assert.equal(serialOf(hex), null, hex);
  const nothing = { deviceName: null, serial: null, firmware: null };
  assert.deepEqual(identityIn([]), nothing);
  assert.deepEqual(identityIn([{ dataAccessResult: 4 }, { data: { type: 'unsigned', value: 65 } }]), nothing);
});
