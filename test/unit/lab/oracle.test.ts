import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isClean, judge, type OracleEntry } from '../../../src/lab/oracle.ts';

const HOUR_MS = 3_600_000;

function entry(hour: number, change: Partial<OracleEntry> = {}): OracleEntry {
  const key = { meterId: 'm1', obis: '1-0:1.8.0*255', intervalS: 3600, atMs: hour * HOUR_MS };
  return { ...key, value: 100 + hour, exponent: 0, unit: 'Wh', ...change };
}

const LEDGER = [entry(1), entry(2), entry(3)];

test('a store that holds what the ledger names is clean, and 500 Wh equals 0.5 kWh only with the same unit', () => {
  const stored = [entry(1), entry(2, { value: 10_200, exponent: -2 }), entry(3)];
  const verdict = judge(LEDGER, stored);
  assert.equal(isClean(verdict), true);
  assert.deepEqual([verdict.produced, verdict.stored], [3, 3]);
});

test('each of the four faults is counted by itself and named', () => {
  const cases = [
    { stored: [entry(1), entry(2)], expect: [1, 0, 0, 0], word: 'lost' },
    { stored: [...LEDGER, entry(2)], expect: [0, 1, 0, 0], word: 'duplicated' },
    { stored: [entry(1), entry(2, { value: 103 }), entry(3)], expect: [0, 0, 1, 0], word: 'altered' },
    { stored: [entry(1), entry(2, { unit: 'varh' }), entry(3)], expect: [0, 0, 1, 0], word: 'altered' },
    { stored: [...LEDGER, entry(4)], expect: [0, 0, 0, 1], word: 'invented' },
    { stored: [...LEDGER, entry(1, { meterId: 'm2' })], expect: [0, 0, 0, 1], word: 'invented' },
  ];
  for (const { stored, expect, word } of cases) {
    const verdict = judge(LEDGER, stored);
    assert.deepEqual([verdict.lost, verdict.duplicated, verdict.altered, verdict.invented], expect);
    assert.equal(isClean(verdict), false);
    assert.ok(verdict.samples[0]?.startsWith(word));
  }
});

test('an empty run is not a clean run, and a ledger that contradicts itself is refused', () => {
  assert.equal(isClean(judge([], [])), false);
  assert.throws(() => judge([entry(1), entry(1, { value: 7 })], []), /contradicts itself/);
});
