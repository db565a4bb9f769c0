/** The example of docs/formats/store.md is what the code writes. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { toHex } from '../../../src/base/bytes.ts';
import { decodeDayBlock, encodeDayBlock } from '../../../src/collector/store/blocks/day-block.ts';
import type { EdgeId } from '../../../src/model/ids.ts';

test('the worked example of docs/formats/store.md', () => {
  const text = readFileSync(new URL('../../../docs/formats/store.md', import.meta.url), 'utf8');
  const written = (/```\n([0-9a-f\n]+)```/.exec(text)?.[1] ?? '').replaceAll('\n', '');
  const midnightMs = Date.UTC(2026, 2, 1);
  const visit = {
    edgeId: 'e1' as EdgeId,
    epoch: '00000000000000e1',
    lane: 2,
    sequence: 7,
    readAtMs: midnightMs + 3_600_000,
    knownAtMs: midnightMs + 3_600_250,
  };
  const versions = [1000, 1005, 1011].map((value, index) => ({
    atMs: midnightMs + (index + 1) * 900_000,
    value,
    scale: { exponent: 0, unit: 'Wh' },
    status: new Uint8Array(0),
    quality: 'good' as const,
    deviationMin: null,
    source: 'profile' as const,
    visit,
    index,
  }));
  const day = [{ obis: '1-0:1.8.0*255', intervalS: 900, versions }];
  const octets = encodeDayBlock(day);
  assert.equal(toHex(octets), written);
  assert.deepEqual(decodeDayBlock(octets), day);
});
