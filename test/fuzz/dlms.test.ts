/** Messages that claim much: they cost little. Mutated octets are in campaign.test.ts. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { fromHex, toHex } from '../../src/base/bytes.ts';
import { dataFromOctets } from '../../src/dlms/axdr/decode.ts';
import { isDlmsError } from '../../src/dlms/errors.ts';
import { explain } from '../../src/dlms/explain/explain.ts';
import { explanationText } from '../../src/dlms/explain/text.ts';

/** One input may take this long on a shared machine; the slowest honest one takes about 2 ms. */
const INPUT_MAX_MS = 250;

test('HE-7 nothing that claims much costs much: bombs of counts, nesting and nothing', () => {
  const nested = (times: number, hex: string) => fromHex(hex.repeat(times));
  const bombs = [
    nested(5_000, '0101'),
    nested(5_000, '0201'),
    fromHex('0184ffffffff'),
    fromHex('0182ffff'),
    // A compact-array of arrays of arrays of nothing: 65,535 x 65,535 elements in ten octets.
    fromHex(`1301ffff01ffff0002${'0000'}`),
    fromHex('130002aabb'),
    fromHex(`13${'02ff'.repeat(300)}`),
    nested(300, '1301ffff'),
    fromHex('0484ffffffff'),
    fromHex('0984ffffffff00'),
  ];
  for (const bomb of bombs) {
    const startMs = performance.now();
    assert.throws(() => dataFromOctets(bomb), isDlmsError, toHex(bomb.subarray(0, 16)));
    assert.ok(performance.now() - startMs < INPUT_MAX_MS);
  }
});

test('HE-7 APDUs wrapped in APDUs ten thousand deep are explained to a bounded depth', () => {
  const gateways = fromHex(`${'e60000'.repeat(10_000)}c002c100000001`);
  const explained = explain(gateways);
  assert.ok(explanationText(explained).length < 1_000_000);
});
