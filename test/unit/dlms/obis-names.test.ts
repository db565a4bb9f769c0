import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../../../src/base/errors.ts';
import { isObis, obisFromOctets, obisOf, obisToOctets, parseObis } from '../../../src/dlms/cosem/obis.ts';
import { mediumOf, obisName } from '../../../src/dlms/cosem/obis-names.ts';
import { profileKeys, profileOf } from '../sim/world.ts';

const isNoCode = (error: unknown) => hasCode(error, 'DLMS_OBIS');

/** Registers that a shipped profile calls otherwise, because its market does. */
const OWN_WORDS = /^(submeter-|block-voltage$)/;

/** Italian gas meters count volumes at base conditions, under codes of which the usual names say nothing. */
const OWN_CODES = /^generic\/gas-italy$/;

/** Group D from 128 on is the maker's (IEC 62056-61): such a code says nothing by itself. */
const MAKERS_OWN = /:\d+\.(12[89]|1[3-9]\d|2\d\d)\./;

test('every register of every shipped profile has the name that its OBIS code says', () => {
  let named = 0;
  for (const key of profileKeys()) {
    for (const { name, obis, storedAs } of profileOf(key).registers) {
      if (OWN_WORDS.test(name) || MAKERS_OWN.test(obis) || OWN_CODES.test(key)) continue;
      // The value of an M-Bus channel says nothing by its code; it is called as the code under which it is stored.
      assert.equal(obisName(parseObis(storedAs)), name, `${key} ${obis}`);
      named++;
    }
  }
  assert.ok(named > 50);
});

for (const [obis, name] of [
  ['1-0:21.8.0', 'active-energy-import-l1'],
  ['1-0:62.7.0', 'active-power-export-l3'],
  ['1-0:1.6.2', 'active-power-import-maximum-rate-2'],
  ['1-0:1.29.0', 'active-energy-import-interval'],
  ['0-1:24.2.1', 'channel-1-value-1'],
  ['0-1:96.1.0', 'channel-1-serial-number'],
  ['0-0:1.0.0', 'clock'],
  ['1-0:94.91.3', null],
  ['0-0:96.50.7', null],
] as const) {
  test(`${obis} is ${name ?? 'not named'}`, () => {
    assert.equal(obisName(parseObis(obis)), name);
  });
}

test('group A tells the medium', () => {
  assert.deepEqual(
    ['1-0:1.8.0', '7-0:3.0.0', '8-0:1.0.0', '6-0:1.0.0', '0-0:1.0.0'].map((obis) => mediumOf(parseObis(obis))),
    ['electricity', 'gas', 'water', 'heat', null],
  );
});

test('a code has six groups of 0 to 255, in each of its spellings and as six octets', () => {
  assert.equal(obisOf(0, 255, 0, 9, 10), '0-255:0.9.10*255');
  for (const at of [0, 1, 2, 3, 4, 5])
    for (const bad of [-1, 256, 1.5]) {
      const groups: [number, number, number, number, number, number] = [1, 0, 1, 8, 0, 255];
      groups[at] = bad;
      assert.throws(() => obisOf(...groups), isNoCode, `${groups}`);
    }
  for (const text of ['1-0:1.8.0*255', '1-0:1.8.0.255', '1-0:1.8.0&255', '1.0.1.8.0.255', '1.0.1.8.0', ' 1-0:1.8.0 ']) {
    assert.equal(parseObis(text), '1-0:1.8.0*255', text);
    assert.ok(isObis(text), text);
  }
  for (const text of ['', '1.8.0', '1-0:1.8', '1-0:1.8.0*', 'x1-0:1.8.0', '1-0:1.8.0*1234']) {
    assert.throws(() => parseObis(text), isNoCode, text);
    assert.ok(!isObis(text), text);
  }
  for (const text of ['256-0:1.8.0', '1-0:1.8.256', '1-0:1.8.0*256']) {
    assert.throws(() => parseObis(text), isNoCode, text);
    assert.ok(!isObis(text), text);
  }
  assert.ok(isObis('255-255:255.255.255*255'));
  const octets = Uint8Array.of(1, 0, 99, 255, 10, 9);
  assert.equal(obisFromOctets(octets), '1-0:99.255.10*9');
  assert.deepEqual(obisToOctets(obisFromOctets(octets)), octets);
  for (const length of [0, 5, 7]) assert.throws(() => obisFromOctets(new Uint8Array(length)), isNoCode);
});

for (const [obis, name] of [
  ['1-0:20.8.0', null],
  ['1-0:35.7.0', 'active-power-sum-l1'],
  ['1-0:32.7.0', 'voltage-l1'],
  ['1-0:41.8.0', 'active-energy-import-l2'],
  ['1-0:72.7.0', 'voltage-l3'],
  ['1-0:81.7.0', null],
  ['1-0:12.7.1', 'voltage-rate-1'],
  ['1-0:12.8.0', null],
  ['1-0:1.3.0', null],
  ['1-0:17.8.0', null],
  ['0-0:24.2.1', null],
  ['0-1:24.3.1', null],
  ['0-1:25.2.1', null],
  ['2-1:24.2.1', null],
  ['7-1:3.0.0', 'volume'],
] as const)
  test(`at the bounds of the groups, ${obis} is ${name ?? 'not named'}`, () => {
    assert.equal(obisName(parseObis(obis)), name);
  });
