/** Lengths of information fields: shorter on a noisy line, back to the profile's when it is quiet. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FieldSizes } from '../../../src/edge/reader/field-sizes.ts';
import type { MeterId } from '../../../src/model/ids.ts';

const METER = 'm1' as MeterId;
const DAY_MS = 86_400_000;

function spoil(sizes: FieldSizes, octets: number, nowMs: number, times = 2): void {
  for (let at = 0; at < times; at++) sizes.discarded(METER, 'HDLC_FCS_MISMATCH', octets, nowMs);
}

test('two wrong checksums in one association halve the length of the next one, one does not', () => {
  const sizes = new FieldSizes();
  assert.equal(sizes.begin(METER, 256, 0), 256);
  spoil(sizes, 300, 1, 1);
  assert.equal(sizes.begin(METER, 256, 2), 256);
  spoil(sizes, 300, 3);
  assert.equal(sizes.begin(METER, 256, 4), 128);
  spoil(sizes, 200, 5);
  assert.equal(sizes.begin(METER, 256, 6), 64);
  assert.equal(sizes.begin('m2' as MeterId, 256, 6), 256, 'others keep theirs');
});

test('where short frames fail already the length falls below them at once, and never below 32', () => {
  const sizes = new FieldSizes();
  sizes.begin(METER, 1_024, 0);
  spoil(sizes, 90, 1);
  assert.equal(sizes.begin(METER, 1_024, 2), 45);
  for (let round = 0; round < 5; round++) {
    spoil(sizes, 40, 3);
    assert.equal(sizes.begin(METER, 1_024, 4), 32);
  }
});

test('a quiet day doubles the length, up to that of the profile', () => {
  const sizes = new FieldSizes();
  sizes.begin(METER, 128, 0);
  spoil(sizes, 140, 0);
  assert.equal(sizes.begin(METER, 128, 1), 64);
  spoil(sizes, 80, 1);
  assert.equal(sizes.begin(METER, 128, 2), 32);
  assert.equal(sizes.begin(METER, 128, DAY_MS), 32);
  assert.equal(sizes.begin(METER, 128, DAY_MS + 1), 64);
  assert.equal(sizes.begin(METER, 128, DAY_MS + 2), 64);
  assert.equal(sizes.begin(METER, 128, 2 * DAY_MS + 1), 128);
  assert.equal(sizes.begin(METER, 128, 9 * DAY_MS), 128);
});

test('noise that is no altered frame says nothing of the length', () => {
  const sizes = new FieldSizes();
  sizes.begin(METER, 128, 0);
  for (const code of ['FRAME_NOISE', 'FRAME_GAP', 'HDLC_FOREIGN', 'HDLC_SEQUENCE'])
    for (let at = 0; at < 9; at++) sizes.discarded(METER, code, 100, 1);
  assert.equal(sizes.begin(METER, 128, 2), 128);
});
