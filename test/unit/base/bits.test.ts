import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BitReader, BitWriter } from '../../../src/base/bits.ts';
import { TruncatedError } from '../../../src/base/bytes.ts';

const field = fc
  .integer({ min: 0, max: 70 })
  .chain((count) =>
    fc.record({ count: fc.constant(count), value: fc.bigInt({ min: 0n, max: (1n << BigInt(count)) - 1n }) }),
  );

test('fields of any width come back in order', () => {
  fc.assert(
    fc.property(fc.array(field, { maxLength: 40 }), (fields) => {
      const writer = new BitWriter(1);
      for (const { count, value } of fields) {
        if (count <= 24) writer.bits(Number(value), count);
        else if (count <= 53) writer.wideBits(Number(value), count);
        else writer.bigBits(value, count);
      }
      const octets = writer.finish();
      assert.equal(octets.length, writer.octets);
      const reader = new BitReader(octets);
      for (const { count, value } of fields) {
        if (count <= 24) assert.equal(reader.bits(count), Number(value));
        else if (count <= 53) assert.equal(reader.wideBits(count), Number(value));
        else assert.equal(reader.bigBits(count), value);
      }
      assert.ok(reader.remaining < 8);
      assert.equal(reader.bits(reader.remaining), 0);
      assert.throws(() => reader.bits(1), TruncatedError);
    }),
  );
});

test('runs of ones end at a zero or at the most that is asked for', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 40 }),
      fc.integer({ min: 1, max: 20 }),
      (runs, most) => {
        const writer = new BitWriter();
        for (const run of runs) {
          for (let at = 0; at < Math.min(run, most); at++) writer.bits(1, 1);
          if (run < most) writer.bits(0, 1);
        }
        const reader = new BitReader(writer.finish());
        for (const run of runs) assert.equal(reader.ones(most), Math.min(run, most));
      },
    ),
  );
  assert.throws(() => new BitReader(Uint8Array.of(0xff)).ones(9), TruncatedError);
});
