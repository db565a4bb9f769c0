import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { concat } from '../../../src/base/bytes.ts';
import { crc32C } from '../../../src/base/crc.ts';
import { DeltawattError, hasCode } from '../../../src/base/errors.ts';
import {
  type BlockInput,
  blockHash,
  decodeBlock,
  decodeHeader,
  encodeBlock,
  NO_BLOCK_HASH,
} from '../../../src/wire/block.ts';
import { emptyLaneState, parseLaneState, serializeLaneState } from '../../../src/wire/lane-state.ts';
import { BLOCK_MAX_OCTETS } from '../../../src/wire/limits.ts';
import { type PackHead, packRecords, packRows } from '../../../src/wire/pack.ts';
import type { DictionaryGroup, Row } from '../../../src/wire/rows.ts';
import { inBodyOrder } from '../../../src/wire/run.ts';
import { anyRow, dictionaryOf, steadyRows } from '../../support/wire-arbitraries.ts';
import { sha256 } from '../../support/wire-crypto.ts';

const EPOCH = '00112233445566ff';
const START_MS = Date.UTC(2026, 2, 1);
const dictionary = dictionaryOf(7);
const named = { hash: '8899aabbccddeeff', groups: dictionary };

function head(sequence: number, keyframe: number, lane: 2 | 3 | 4 = 2): PackHead {
  return { lane, epoch: EPOCH, sequence, keyframe, prevHash: NO_BLOCK_HASH, readAtMs: START_MS, clockQuality: 'ntp' };
}

function input(rows: readonly Row[], sequence = 1, keyframe = 1): BlockInput {
  const content = { kind: 'rows' as const, dictionaryHash: named.hash, dictionary, rows };
  return { ...head(sequence, keyframe), content };
}

/** A block with its CRC put right again, so that only the layers behind it can object. */
function withGoodCrc(octets: Uint8Array): Uint8Array {
  const body = octets.subarray(0, octets.length - 4);
  const crc = crc32C(body);
  return concat([body, Uint8Array.of(crc >>> 24, (crc >>> 16) & 0xff, (crc >>> 8) & 0xff, crc & 0xff)]);
}

test('W-1 a block gives back its header and rows exactly', () => {
  const rows = steadyRows(dictionary, START_MS, 4, 17);
  const { octets } = encodeBlock(input(rows), emptyLaneState());
  const block = decodeBlock(octets, emptyLaneState(), dictionary);
  assert.deepEqual(block.rows, rows);
  assert.deepEqual(block.header, {
    lane: 2,
    epoch: EPOCH,
    sequence: 1,
    keyframe: 1,
    prevHash: NO_BLOCK_HASH,
    dictionaryHash: named.hash,
    fromMs: START_MS,
    toMs: START_MS + 3 * 900_000,
    readAtMs: START_MS,
    clockQuality: 'ntp',
    stateCheck: null,
  });
  assert.deepEqual(decodeHeader(octets), block.header);
});

test('W-2 any rows survive any chain of blocks, with 64-bit values, nulls, resets, odd times and marks', () => {
  const flushes = fc.array(fc.array(anyRow(dictionary), { minLength: 1, maxLength: 24 }), {
    minLength: 1,
    maxLength: 5,
  });
  fc.assert(
    fc.property(flushes, fc.boolean(), fc.integer({ min: 400, max: 4096 }), (parts, secondKeyframe, maxOctets) => {
      let [sent, got] = [emptyLaneState(), emptyLaneState()];
      let keyframe = 1;
      for (const [at, rows] of parts.entries()) {
        if (secondKeyframe && at === 2) keyframe = sent.sequence + 1;
        const packed = packRows(head(sent.sequence + 1, keyframe), named, rows, sent, sha256, maxOctets);
        const back: Row[] = [];
        for (const { octets } of packed.blocks) {
          assert.ok(octets.length <= maxOctets);
          const block = decodeBlock(octets, got, dictionary);
          assert.equal(block.stateDiffers, false);
          got = parseLaneState(serializeLaneState(block.state));
          back.push(...block.rows);
        }
        sent = packed.state;
        assert.deepEqual(back, inBodyOrder(rows));
        assert.deepEqual(got, sent);
      }
    }),
    { numRuns: 300 },
  );
});

test('W-3 values do not wrap at 64 bits', () => {
  const ends = [-(2n ** 63n), 2n ** 64n - 1n, 0, -(2n ** 63n), Number.MAX_SAFE_INTEGER, 2n ** 53n, 2n ** 64n - 1n];
  const rows = ends.map(
    (value, at) => ({ ...steadyRows(dictionaryOf(1), START_MS + at * 900_000, 1, 0)[0], values: [value] }) as Row,
  );
  const { octets } = encodeBlock(input(rows), emptyLaneState());
  const back = decodeBlock(octets, emptyLaneState(), dictionary).rows.map((row) => row.values[0]);
  assert.deepEqual(back, ends);
});

test('W-4 a row beyond the format is refused before anything is written', () => {
  const [row] = steadyRows(dictionaryOf(1), START_MS, 1, 0);
  assert.ok(row);
  const bad: Row[] = [
    { ...row, values: [2n ** 64n] },
    { ...row, values: [-(2n ** 63n) - 1n] },
    { ...row, values: [1.5] },
    { ...row, values: [1, 2] },
    { ...row, status: new Uint8Array(9) },
    { ...row, atMs: 2 ** 52 },
  ];
  for (const wrong of bad)
    assert.throws(
      () => encodeBlock(input([wrong]), emptyLaneState()),
      (error) => hasCode(error, 'BLOCK_INPUT'),
    );
  assert.throws(
    () => encodeBlock(input([{ ...row, group: 99 }]), emptyLaneState()),
    (error) => hasCode(error, 'BLOCK_DICTIONARY'),
  );
  assert.throws(
    () => encodeBlock(input([]), emptyLaneState()),
    (error) => hasCode(error, 'BLOCK_INPUT'),
  );
});

test('W-5 a chained block needs the state of the block before', () => {
  const rows = steadyRows(dictionary, START_MS, 4, 1);
  const first = encodeBlock(input(rows), emptyLaneState());
  const second = encodeBlock(input(steadyRows(dictionary, START_MS + 3_600_000, 4, 1), 2, 1), first.state);
  const wrongState = (error: unknown) => hasCode(error, 'BLOCK_STATE');
  assert.throws(() => decodeBlock(second.octets, emptyLaneState(), dictionary), wrongState);
  assert.throws(() => encodeBlock(input(rows, 3, 1), first.state), wrongState);
  assert.equal(decodeBlock(second.octets, first.state, dictionary).rows.length, 28);
});

test('W-6 a keyframe notices a chain that went astray', () => {
  const first = encodeBlock(input(steadyRows(dictionary, START_MS, 4, 3)), emptyLaneState());
  const keyframe = encodeBlock(input(steadyRows(dictionary, START_MS + 3_600_000, 4, 3), 2, 2), first.state);
  assert.equal(decodeBlock(keyframe.octets, first.state, dictionary).stateDiffers, false);
  const astray = encodeBlock(input(steadyRows(dictionary, START_MS, 4, 4)), emptyLaneState()).state;
  assert.equal(decodeBlock(keyframe.octets, astray, dictionary).stateDiffers, true);
  assert.equal(decodeBlock(keyframe.octets, emptyLaneState(), dictionary).stateDiffers, false, 'nothing to compare');
});

test('W-7 plain runs cost next to nothing beside their values', () => {
  const meters = dictionaryOf(150).map((group): DictionaryGroup => ({ ...group, intervalS: 900 }));
  const still = { hash: named.hash, groups: meters };
  const first = packRows(head(1, 1), still, steadyRows(meters, START_MS, 4, 0), emptyLaneState(), sha256);
  const next = first.blocks.length + 1;
  const second = packRows(head(next, 1), still, steadyRows(meters, START_MS + 3_600_000, 4, 0), first.state, sha256);
  const settled = packRows(
    head(next + 1, 1),
    still,
    steadyRows(meters, START_MS + 7_200_000, 4, 0),
    second.state,
    sha256,
  );
  const stillBits = 300;
  assert.equal(settled.blocks.length, 1);
  const octets = settled.blocks[0]?.octets.length ?? 0;
  assert.ok(octets <= 50 + stillBits / 8, `${octets} octets for 600 rows that stand still`);
});

test('W-8 a keyframe may span several blocks, and the chain of hashes holds', () => {
  const many = dictionaryOf(900);
  const rows = steadyRows(many, START_MS, 3, 123_457);
  const packed = packRows(head(1, 1), { hash: named.hash, groups: many }, rows, emptyLaneState(), sha256);
  assert.ok(packed.blocks.length > 1);
  let state = emptyLaneState();
  let before: Uint8Array = NO_BLOCK_HASH;
  const back: Row[] = [];
  for (const [at, block] of packed.blocks.entries()) {
    assert.ok(block.octets.length <= BLOCK_MAX_OCTETS);
    const decoded = decodeBlock(block.octets, state, many);
    assert.equal(decoded.header.keyframe, 1);
    assert.equal(decoded.header.sequence, at + 1);
    assert.deepEqual(decoded.header.prevHash, before);
    before = blockHash(block.octets, sha256);
    assert.deepEqual(before, block.hash);
    state = decoded.state;
    back.push(...decoded.rows);
  }
  assert.deepEqual(back, rows);
});

test('W-8 many rows at once become few blocks that are nearly full, whatever they compress to', () => {
  const many = dictionaryOf(300);
  for (const change of [0, 123_457]) {
    const rows = steadyRows(many, START_MS, 96, change);
    const { blocks } = packRows(head(1, 1), { hash: named.hash, groups: many }, rows, emptyLaneState(), sha256);
    const octets = blocks.map((block) => block.octets.length);
    assert.ok(
      octets.slice(0, -1).every((each) => each >= 0.8 * BLOCK_MAX_OCTETS),
      octets.join(' '),
    );
    let state = emptyLaneState();
    const back: Row[] = [];
    for (const block of blocks) {
      const decoded = decodeBlock(block.octets, state, many);
      state = decoded.state;
      back.push(...decoded.rows);
    }
    assert.deepEqual(back, rows);
  }
});

test('W-4 a row that does not fit into a block by itself is refused by its code', () => {
  const [row] = steadyRows(dictionary, START_MS, 1, 17);
  assert.ok(row !== undefined);
  const packed = (maxOctets: number) => packRows(head(1, 1), named, [row], emptyLaneState(), sha256, maxOctets).blocks;
  const [block] = packed(BLOCK_MAX_OCTETS);
  assert.ok(block !== undefined);
  assert.equal(packed(block.octets.length).length, 1, 'it fits to its last octet');
  assert.throws(
    () => packed(block.octets.length - 1),
    (error) => hasCode(error, 'BLOCK_INPUT'),
  );
});

test('W-9 octets changed on the way fail the checksum', () => {
  const { octets } = encodeBlock(input(steadyRows(dictionary, START_MS, 2, 5)), emptyLaneState());
  for (let at = 1; at < octets.length; at++) {
    const wrong = Uint8Array.from(octets, (octet, index) => (index === at ? octet ^ 0x10 : octet));
    assert.throws(
      () => decodeHeader(wrong),
      (error) => hasCode(error, 'BLOCK_CRC'),
    );
  }
  const otherFormat = withGoodCrc(Uint8Array.from(octets, (octet, index) => (index === 0 ? 9 : octet)));
  assert.throws(
    () => decodeHeader(otherFormat),
    (error) => hasCode(error, 'BLOCK_FORMAT'),
  );
  assert.throws(
    () => decodeHeader(new Uint8Array(BLOCK_MAX_OCTETS + 1)),
    (error) => hasCode(error, 'WIRE_TOO_LONG'),
  );
  assert.throws(
    () => decodeHeader(new Uint8Array(0)),
    (error) => hasCode(error, 'BLOCK_CRC'),
  );
});

test('W-10 any octets behind a good checksum give rows or one named error, within bounds', () => {
  const rows = steadyRows(dictionary, START_MS, 6, 31);
  const marked = rows.map((row, at) =>
    at % 5 === 0 ? { ...row, status: Uint8Array.of(at), values: row.values.map(() => null) } : row,
  );
  const events = packRecords(
    { ...head(1, 1), lane: 0 },
    [{ kind: 'log', level: 'info', event: 'a.b', atMs: START_MS, fieldsJson: '{}' }],
    emptyLaneState(),
    sha256,
  );
  const good = [
    encodeBlock(input(rows), emptyLaneState()).octets,
    encodeBlock(input(marked), emptyLaneState()).octets,
    ...events.blocks.map((block) => block.octets),
  ];
  const mutation = fc.record({ at: fc.nat(), octet: fc.nat(255), length: fc.nat(8) });
  fc.assert(
    fc.property(fc.constantFrom(...good), fc.array(mutation, { minLength: 1, maxLength: 6 }), (octets, mutations) => {
      const wrong = octets.slice();
      for (const { at, octet, length } of mutations) {
        const from = 1 + (at % (wrong.length - 5));
        wrong.fill(octet, from, Math.min(wrong.length - 4, from + 1 + length));
      }
      try {
        const block = decodeBlock(withGoodCrc(wrong), emptyLaneState(), dictionary);
        assert.ok(block.rows.length <= 4096);
      } catch (error) {
        assert.ok(error instanceof DeltawattError, String(error));
        assert.match(error.code, /^(BLOCK|WIRE)_/);
      }
    }),
    { numRuns: 3000 },
  );
});

test('W-11 a block that claims more rows than one may hold is refused before memory is taken', () => {
  const still = dictionaryOf(1);
  const { state } = encodeBlock(input(steadyRows(still, START_MS, 40, 0)), emptyLaneState());
  const rows = steadyRows(still, START_MS + 36_000_000, 4096, 0);
  const { octets } = encodeBlock(input(rows, 2, 1), state);
  assert.ok(octets.length < 60);
  assert.equal(decodeBlock(octets, state, dictionary).rows.length, 4096);
  const tooMany = encodeBlock(input(steadyRows(still, START_MS + 36_000_000, 4097, 0), 2, 1), state);
  assert.throws(
    () => decodeBlock(tooMany.octets, state, dictionary),
    (error) => hasCode(error, 'BLOCK_MALFORMED'),
  );
});

test('W-9 a lane, a flag or a clock quality that nobody knows: each by itself is refused behind a good checksum', () => {
  const { octets } = encodeBlock(input(steadyRows(dictionary, START_MS, 4, 17)), emptyLaneState());
  const [, laneAndFlags = 0] = octets;
  const flags = laneAndFlags & 0xf0;
  const changed = (at: number, octet: number) =>
    withGoodCrc(octets.map((each, place) => (place === at ? octet : each)));
  assert.equal(decodeBlock(changed(1, laneAndFlags), emptyLaneState(), dictionary).header.lane, 2);
  const unknownFlags = [0x10, 0x20, 0x40, 0x80].filter((flag) => {
    try {
      decodeBlock(changed(1, flags | flag | 2), emptyLaneState(), dictionary);
      return false;
    } catch (error) {
      return hasCode(error, 'BLOCK_MALFORMED');
    }
  });
  assert.ok(unknownFlags.length > 0, 'some flags are free');
  for (const [at, octet] of [
    [1, flags | 6],
    [1, flags | 15],
    ...unknownFlags.map((flag) => [1, flags | flag | 2] as const),
    [2, 99],
  ] as const) {
    assert.throws(
      () => decodeBlock(changed(at, octet), emptyLaneState(), dictionary),
      (error) => hasCode(error, 'BLOCK_MALFORMED'),
      `octet ${at} is ${octet}`,
    );
  }
});

test('a stored lane state that is cut anywhere, too long, or of another format is refused by its code', () => {
  const { octets: block } = encodeBlock(input(steadyRows(dictionary, START_MS, 4, 17)), emptyLaneState());
  const stored = serializeLaneState(decodeBlock(block, emptyLaneState(), dictionary).state);
  const refused = (octets: Uint8Array) =>
    assert.throws(
      () => parseLaneState(octets),
      (error) => hasCode(error, 'BLOCK_STATE'),
    );
  for (let length = 0; length < stored.length; length++) refused(stored.subarray(0, length));
  refused(concat([stored, Uint8Array.of(0)]));
  refused(stored.with(0, 0xff));
});
