import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { toHex } from '../../../src/base/bytes.ts';
import { crc32C } from '../../../src/base/crc.ts';
import { DeltawattError, hasCode } from '../../../src/base/errors.ts';
import { blockHash, decodeBlock, decodeHeader } from '../../../src/wire/block.ts';
import { emptyLaneState } from '../../../src/wire/lane-state.ts';
import { isSelfContained, LANE_ORDER } from '../../../src/wire/lanes.ts';
import { BLOCK_MAX_OCTETS, TIME_MAX_MS } from '../../../src/wire/limits.ts';
import { encodeTombstone, TOMBSTONE_CAUSES, type Tombstone } from '../../../src/wire/tombstone.ts';
import { sha256 } from '../../support/wire-crypto.ts';

const hash = fc.uint8Array({ minLength: 8, maxLength: 8 });
const time = fc.integer({ min: -TIME_MAX_MS / 4, max: TIME_MAX_MS / 4 });
const tombstones: fc.Arbitrary<Tombstone> = fc
  .record({
    lane: fc.constantFrom(...LANE_ORDER),
    epoch: hash.map(toHex),
    from: fc.integer({ min: 1, max: 2 ** 40 }),
    count: fc.integer({ min: 1, max: 2 ** 32 }),
    prevHash: hash,
    headHash: hash,
    cause: fc.constantFrom(...TOMBSTONE_CAUSES),
    writtenAtMs: time,
    fromMs: time,
    spanMs: fc.integer({ min: 0, max: 2 ** 40 }),
    dictionary: hash.map(toHex),
    groups: fc.uniqueArray(fc.integer({ min: 0, max: 8191 }), { maxLength: 300 }),
  })
  .map(({ count, spanMs, dictionary, groups, ...rest }) => ({
    ...rest,
    to: rest.from + count - 1,
    toMs: rest.fromMs + spanMs,
    dictionaryHash: isSelfContained(rest.lane) ? null : dictionary,
    groups: isSelfContained(rest.lane) ? [] : groups.sort((a, b) => a - b),
  }));

test('W-32 a tombstone gives back what was written, fits a block, and is its own keyframe', () => {
  fc.assert(
    fc.property(tombstones, (tombstone) => {
      const octets = encodeTombstone(tombstone);
      assert.ok(octets.length <= BLOCK_MAX_OCTETS);
      const header = decodeHeader(octets);
      assert.deepEqual(header.tombstone, tombstone);
      assert.equal(header.sequence, tombstone.to);
      assert.equal(header.keyframe, tombstone.to);
      const block = decodeBlock(octets, emptyLaneState(), []);
      assert.deepEqual([block.rows, block.records, block.stateDiffers], [[], [], false]);
    }),
  );
});

test('W-33 the hash of a tombstone in the chain is the one of the last lost block', () => {
  fc.assert(
    fc.property(tombstones, (tombstone) => {
      assert.deepEqual(blockHash(encodeTombstone(tombstone), sha256), tombstone.headHash);
    }),
  );
});

test('W-10 whatever octets stand behind a right CRC, a tombstone is read or refused by name', () => {
  const [sample] = fc.sample(tombstones, { numRuns: 1, seed: 7 });
  assert.ok(sample);
  const good = encodeTombstone(sample);
  const changes = fc.array(fc.tuple(fc.nat(good.length - 5), fc.integer({ min: 0, max: 255 })), { minLength: 1 });
  fc.assert(
    fc.property(changes, fc.nat(good.length - 5), (edits, cut) => {
      const octets = good.slice(0, good.length - (cut % 40));
      for (const [at, octet] of edits) octets.fill(octet, Math.max(1, at), Math.max(1, at) + 1);
      const crc = crc32C(octets.subarray(0, octets.length - 4));
      new DataView(octets.buffer).setUint32(octets.length - 4, crc);
      try {
        decodeHeader(octets);
      } catch (error) {
        assert.ok(error instanceof DeltawattError && /^BLOCK_/.test(error.code), String(error));
      }
    }),
  );
});

test('W-4 a writer refuses what no tombstone can say', () => {
  const [sample] = fc.sample(tombstones, { numRuns: 1, seed: 7 });
  assert.ok(sample);
  const bad: Partial<Tombstone>[] = [
    { from: 0 },
    { to: sample.from - 1 },
    { toMs: sample.fromMs - 1 },
    { prevHash: new Uint8Array(7) },
    { lane: 2, dictionaryHash: null, groups: [] },
    { lane: 2, dictionaryHash: '00'.repeat(8), groups: [3, 3] },
    { lane: 5, dictionaryHash: null, groups: [1] },
  ];
  for (const change of bad)
    assert.throws(
      () => encodeTombstone({ ...sample, ...change }),
      (error) => hasCode(error, 'BLOCK_INPUT'),
    );
});

test('W-32 times up to the bounds are written, those beyond them refused', () => {
  const [tombstone] = fc.sample(tombstones, { numRuns: 1, seed: 1 });
  assert.ok(tombstone !== undefined);
  const at = (atMs: number) => encodeTombstone({ ...tombstone, writtenAtMs: atMs, fromMs: atMs, toMs: atMs });
  for (const atMs of [TIME_MAX_MS, -TIME_MAX_MS]) {
    assert.equal(decodeHeader(at(atMs)).tombstone?.fromMs, atMs);
    assert.throws(() => at(atMs + Math.sign(atMs)), /BLOCK_INPUT/);
  }
});
