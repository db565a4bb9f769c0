/** What is encoded and decoded again is the same, for every data type and every form of APDU. */

import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { dataFromOctets, dataToOctets } from '../../src/dlms/axdr/decode.ts';
import { dateTimeFromOctets, dateTimeOfUtcMs, dateTimeToOctets, utcMsOf } from '../../src/dlms/cosem/datetime.ts';
import { explain } from '../../src/dlms/explain/explain.ts';
import { explanationJson, explanationText } from '../../src/dlms/explain/text.ts';
import { apduNames, decodeApdu, encodeApdu } from '../../src/dlms/xdlms/codec.ts';
import { APDUS, data, dateTime } from './dlms-arbitrary.ts';

test('HE-7 data: decode(encode(x)) = x', () => {
  fc.assert(
    fc.property(data, (value) => {
      assert.deepEqual(dataFromOctets(dataToOctets(value)), value);
    }),
    { numRuns: 2_000 },
  );
});

test('HE-7 the arbitrary forms are all the forms there are', () => {
  assert.deepEqual([...APDUS.keys()].sort(), [...apduNames()].sort());
});

for (const [name, arbitrary] of APDUS) {
  test(`HE-7 ${name}: decode(encode(x)) = x, and explain has every octet of it`, () => {
    fc.assert(
      fc.property(arbitrary, (apdu) => {
        const octets = encodeApdu(apdu);
        assert.deepEqual(decodeApdu(octets), apdu);
        const explained = explain(octets, { layer: 'apdu' });
        assert.equal((explained.tree[0]?.hex.length ?? 0) / 2, octets.length);
        assert.ok(explanationText(explained).includes(name));
        assert.ok(JSON.stringify(explanationJson(explained)).includes(name));
      }),
      { numRuns: 40 },
    );
  });
}

test('HE-7 date-time: 12 octets and back, any values', () => {
  fc.assert(
    fc.property(dateTime, (value) => {
      assert.deepEqual(dateTimeFromOctets(dateTimeToOctets(value)), value);
    }),
  );
});

test('HE-7 date-time: any moment of 1970 to 2199 in any zone comes back as the same UTC, and as Date has it', () => {
  const moment = fc.integer({ min: 0, max: 7_258_118_399_99 }).map((hundredths) => hundredths * 10);
  fc.assert(
    fc.property(moment, fc.integer({ min: -840, max: 840 }), (utcMs, deviation) => {
      const value = dateTimeOfUtcMs(utcMs, { deviation });
      assert.equal(utcMsOf(value), utcMs);
      const local = new Date(utcMs - deviation * 60_000);
      assert.equal(value.weekday, ((local.getUTCDay() + 6) % 7) + 1);
      assert.deepEqual(
        [value.year, value.month, value.day, value.hour, value.minute, value.second],
        [
          local.getUTCFullYear(),
          local.getUTCMonth() + 1,
          local.getUTCDate(),
          local.getUTCHours(),
          local.getUTCMinutes(),
          local.getUTCSeconds(),
        ],
      );
    }),
    { numRuns: 1_000 },
  );
});
