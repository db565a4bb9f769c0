/** Day blocks: what goes in comes out, merging is a set union, and the size of real load data. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BitReader, BitWriter } from '../../src/base/bits.ts';
import { type DayChannel, decodeDayBlock, encodeDayBlock } from '../../src/collector/store/blocks/day-block.ts';
import { readIntegers, writeIntegers } from '../../src/collector/store/blocks/integers.ts';
import { mergeVersions, settle, type Version, type Visit } from '../../src/collector/store/blocks/versions.ts';
import type { EdgeId } from '../../src/model/ids.ts';
import { exact } from '../../src/model/number.ts';
import { QUALITIES, SOURCES } from '../../src/model/reading.ts';

const integer = fc.oneof(
  fc.integer({ min: -1000, max: 1000 }),
  fc.maxSafeInteger(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }).map(exact),
);

test('any list of integers comes back as it was', () => {
  fc.assert(
    fc.property(fc.array(integer), fc.boolean(), (values, repeat) => {
      const writer = new BitWriter();
      writeIntegers(writer, values);
      if (repeat) writeIntegers(writer, values, values);
      const reader = new BitReader(writer.finish());
      const first = readIntegers(reader, values.length);
      assert.deepEqual(first, values);
      if (repeat) assert.deepEqual(readIntegers(reader, values.length, first), values);
    }),
  );
});

/** Records with the ordinary prototype: what a decoder makes. */
function plain<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record<T>(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
}

const visit: fc.Arbitrary<Visit> = plain({
  edgeId: fc.constantFrom('e1' as EdgeId, 'edge-two' as EdgeId),
  epoch: fc.constantFrom('00000000000000aa', 'ffffffffffffffff'),
  lane: fc.constantFrom(2, 3, 4),
  sequence: fc.integer({ min: 1, max: 50 }),
  readAtMs: fc.oneof(
    fc.integer({ min: 1_700_000_000_000, max: 1_700_000_000_020 }),
    // A clock that is far out, as far as the wire allows.
    fc.constantFrom(-(2 ** 51), 2 ** 51),
  ),
  knownAtMs: fc.integer({ min: 1_700_000_000_000, max: 1_700_000_001_000 }),
});

const version: fc.Arbitrary<Version> = plain({
  atMs: fc.integer({ min: 1, max: 8 }).map((slot) => slot * 900_000),
  value: fc.oneof(fc.integer({ min: 0, max: 3 }), integer),
  scale: fc.constantFrom({ exponent: 0, unit: 'Wh' }, { exponent: 3, unit: 'Wh' }, { exponent: -1, unit: '' }),
  status: fc.uint8Array({ maxLength: 8 }),
  quality: fc.constantFrom(...QUALITIES),
  deviationMin: fc.option(fc.integer({ min: -720, max: 720 })),
  source: fc.constantFrom(...SOURCES),
  visit,
  index: fc.integer({ min: 0, max: 5 }),
});

const channel = (obis: string): fc.Arbitrary<DayChannel> =>
  plain({
    obis: fc.constant(obis),
    intervalS: fc.constantFrom(0, 900, 86_400),
    versions: fc.array(version, { minLength: 1, maxLength: 30 }).map((versions) => mergeVersions(versions, [])),
  });

test('any day comes back as it was', () => {
  fc.assert(
    fc.property(fc.tuple(channel('1-0:1.8.0*255'), channel('1-0:2.8.0*255'), channel('not an obis')), (day) => {
      assert.deepEqual(decodeDayBlock(encodeDayBlock(day)), day);
      // Equal visits may be separate objects: after a merge of stored and fresh versions they are.
      const copies = day.map((one) => ({
        ...one,
        versions: one.versions.map((version) => ({ ...version, visit: { ...version.visit } })),
      }));
      assert.deepEqual(encodeDayBlock(copies), encodeDayBlock(day));
    }),
  );
});

test('a cut or changed day block is refused, never read wrong', () => {
  fc.assert(
    fc.property(channel('1-0:1.8.0*255'), fc.nat(), fc.nat(7), (day, place, bit) => {
      const octets = encodeDayBlock([day]);
      const at = place % octets.length;
      const changed = octets.map((octet, offset) => (offset === at ? octet ^ (1 << bit) : octet));
      assert.throws(() => decodeDayBlock(changed), { code: 'STORE_BLOCK_FORMAT' });
      assert.throws(() => decodeDayBlock(octets.subarray(0, at)), { code: 'STORE_BLOCK_FORMAT' });
    }),
  );
});

test('merging is a set union: order, grouping and repetition of what arrives change nothing', () => {
  // A version's identity is its source: one place in one journal has one value.
  const versions = fc.array(
    version.map((one) => ({
      ...one,
      value: (one.visit.sequence + one.index) % 3,
      scale: { exponent: 0, unit: 'Wh' },
      visit: { ...one.visit, readAtMs: 1_700_000_000_000 + (one.visit.sequence % 4) },
    })),
    { maxLength: 20 },
  );
  const seen = (list: readonly Version[]) =>
    settle(list).map((one) => [one.version.atMs, one.version.value, one.versions]);
  fc.assert(
    fc.property(versions, versions, versions, (a, b, c) => {
      const once = mergeVersions(mergeVersions(a, b), c);
      assert.deepEqual(seen(mergeVersions(c, mergeVersions(b, a))), seen(once));
      assert.deepEqual(mergeVersions(once, a), once);
      assert.deepEqual(seen(mergeVersions(mergeVersions(c, a), mergeVersions(b, c))), seen(once));
    }),
  );
});
