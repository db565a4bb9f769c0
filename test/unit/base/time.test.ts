import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isoText, parseIso } from '../../../src/base/time.ts';

const FIRST_MS = Date.UTC(1900, 0, 1);
const LAST_MS = Date.UTC(2199, 11, 31, 23, 59, 59, 999);

test('isoText writes what ECMA-262 writes', () => {
  fc.assert(
    fc.property(fc.integer({ min: FIRST_MS, max: LAST_MS }), (atMs) => {
      assert.equal(isoText(atMs), new Date(atMs).toISOString());
    }),
  );
});

test('parseIso reads back what isoText wrote', () => {
  fc.assert(
    fc.property(fc.integer({ min: FIRST_MS, max: LAST_MS }), (atMs) => {
      assert.equal(parseIso(isoText(atMs)), atMs);
    }),
  );
});

test('parseIso takes dates, offsets and fractions', () => {
  assert.equal(parseIso('2026-03-29'), Date.UTC(2026, 2, 29));
  assert.equal(parseIso('2026-03-29T02:30+01:00'), Date.UTC(2026, 2, 29, 1, 30));
  assert.equal(parseIso('2026-03-29T02:30:15.123456-0330'), Date.UTC(2026, 2, 29, 6, 0, 15, 123));
});

test('parseIso refuses what is no instant', () => {
  for (const text of [
    '',
    'yesterday',
    '2026-02-30',
    '2026-13-01',
    '2026-01-01T10:00',
    '2026-01-01T24:00Z',
    '2026-01-01T23:60Z',
    '2026-01-01T23:59:60Z',
    '1764000000000',
  ]) {
    assert.equal(parseIso(text), null, text);
  }
});
