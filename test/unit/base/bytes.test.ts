/** What a reader takes, what it refuses and what it says then; hex, joins and comparisons of octets. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteReader, ByteWriter, concat, fromHex, sameOctets, TruncatedError, toHex } from '../../../src/base/bytes.ts';

const OCTETS = fromHex('81 92 a3 b4 c5 d6 e7 f8');

test('a reader gives every octet of a number its place', () => {
  const first = <Value>(read: (reader: ByteReader) => Value): Value => read(new ByteReader(OCTETS));
  assert.equal(
    first((reader) => reader.u8()),
    0x81,
  );
  assert.equal(
    first((reader) => reader.i8()),
    0x81 - 0x100,
  );
  assert.equal(
    first((reader) => reader.u16()),
    0x8192,
  );
  assert.equal(
    first((reader) => reader.u16LE()),
    0x9281,
  );
  assert.equal(
    first((reader) => reader.i16()),
    0x8192 - 0x1_0000,
  );
  assert.equal(
    first((reader) => reader.u24()),
    0x8192a3,
  );
  assert.equal(
    first((reader) => reader.u32()),
    0x8192a3b4,
  );
  assert.equal(
    first((reader) => reader.u32LE()),
    0xb4a39281,
  );
  assert.equal(
    first((reader) => reader.i32()),
    0x8192a3b4 - 0x1_0000_0000,
  );
  assert.equal(
    first((reader) => reader.u64()),
    0x8192a3b4c5d6e7f8n,
  );
});

test('a reader takes what is there to the last octet, and one more throws and moves nothing', () => {
  const reader = new ByteReader(OCTETS.subarray(1, 4));
  assert.equal(reader.peek(), 0x92);
  assert.equal(toHex(reader.slice(2)), '92a3');
  assert.deepEqual([reader.offset, reader.remaining, reader.peek()], [2, 1, 0xb4]);
  assert.throws(
    () => reader.u16(),
    (error) => {
      assert.ok(error instanceof TruncatedError);
      assert.deepEqual([error.offset, error.needed, error.left], [2, 2, 1]);
      assert.equal(error.message, 'octets end at offset 3: 2 wanted from offset 2, 1 left');
      return true;
    },
  );
  assert.throws(() => reader.skip(-1), TruncatedError);
  assert.equal(reader.offset, 2);
  reader.skip(0);
  reader.skip(1);
  assert.deepEqual([reader.remaining, reader.peek(), reader.rest().length], [0, -1, 0]);
});

test('LEB128 numbers at the edges of their lengths come back, and one beyond 2^53 - 1 is refused', () => {
  const numbers: ReadonlyArray<[number, string]> = [
    [0, '00'],
    [127, '7f'],
    [128, '8001'],
    [300, 'ac02'],
    [16_383, 'ff7f'],
    [16_384, '808001'],
    [2 ** 35, '808080808001'],
    [Number.MAX_SAFE_INTEGER, 'ffffffffffffff0f'],
  ];
  for (const [value, hex] of numbers) {
    assert.equal(toHex(new ByteWriter(1).varint(value).finish()), hex);
    const reader = new ByteReader(fromHex(hex));
    assert.equal(reader.varint(), value);
    assert.equal(reader.remaining, 0);
  }
  for (const hex of ['8080808080808010', '808080808080808001'])
    assert.throws(() => new ByteReader(fromHex(hex)).varint(), RangeError, hex);
  assert.throws(() => new ByteReader(fromHex('80')).varint(), TruncatedError);
});

test('what was written is overwritten in place, and a view is no longer than it', () => {
  const writer = new ByteWriter(16).bytes(new Uint8Array(9));
  writer.patchU8(0, 0x11);
  writer.patchU16(1, 0x2233);
  writer.patchU32(4, 0x44556677);
  assert.equal(toHex(writer.written()), '112233004455667700');
  assert.equal(writer.length, 9);
});

test('a writer takes as many octets as its limit, in any steps', () => {
  const writer = new ByteWriter(2, 11);
  for (let at = 0; at < 11; at++) writer.u8(at);
  assert.equal(toHex(writer.finish()), '000102030405060708090a');
  assert.throws(() => writer.u8(11), RangeError);
  assert.equal(writer.length, 11);
});

test('numbers of eight octets land behind what was written before and after growing', () => {
  const writer = new ByteWriter(8).u64(1n);
  writer.u64(0x0203n).f32(1.5);
  assert.equal(toHex(writer.finish()), '000000000000000100000000000002033fc00000');
  assert.equal(new ByteReader(fromHex('3fc00000')).f32(), 1.5);
});

test('hex: both cases and white space are read, small letters are written, odd and foreign digits are named', () => {
  const all = Uint8Array.from({ length: 256 }, (_, at) => at);
  assert.deepEqual(fromHex(toHex(all)), all);
  assert.equal(toHex(fromHex(' 0A fF\n7e')), '0aff7e');
  assert.equal(toHex(new Uint8Array()), '');
  assert.throws(() => fromHex('g0'), /'g' at digit 0 is not hex/);
  assert.throws(() => fromHex('00 1x'), /'x' at digit 3 is not hex/);
  assert.throws(() => fromHex('123'), /3 hex digits: an even number is wanted/);
});

test('octets are joined in their order, and are the same only in every place', () => {
  assert.equal(toHex(concat([fromHex('01'), new Uint8Array(), fromHex('0203')])), '010203');
  assert.equal(concat([]).length, 0);
  assert.ok(sameOctets(OCTETS, OCTETS.slice()));
  assert.ok(sameOctets(new Uint8Array(), new Uint8Array()));
  for (let at = 0; at < OCTETS.length; at++) {
    const other = OCTETS.slice();
    other[at] = 0;
    assert.ok(!sameOctets(OCTETS, other));
  }
  assert.ok(!sameOctets(OCTETS, OCTETS.subarray(0, 7)));
  assert.ok(!sameOctets(OCTETS.subarray(0, 7), OCTETS));
});
