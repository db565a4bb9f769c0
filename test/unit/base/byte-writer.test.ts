/** The writer's one hard moment: growing in the middle of a value. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { ByteReader, ByteWriter, toHex } from '../../../src/base/bytes.ts';

test('a writer that starts with one octet grows under every kind of write', () => {
  const writes: ReadonlyArray<[string, (writer: ByteWriter) => ByteWriter]> = [
    ['0102', (writer) => writer.u8(0x02)],
    ['01fe', (writer) => writer.i8(-2)],
    ['010203', (writer) => writer.u16(0x0203)],
    ['010302', (writer) => writer.u16LE(0x0203)],
    ['01fffe', (writer) => writer.i16(-2)],
    ['01020304', (writer) => writer.u24(0x02_03_04)],
    ['0102030405', (writer) => writer.u32(0x02_03_04_05)],
    ['0105040302', (writer) => writer.u32LE(0x02_03_04_05)],
    ['01fffffffe', (writer) => writer.i32(-2)],
    ['010000000000000002', (writer) => writer.u64(2n)],
    ['01fffffffffffffffe', (writer) => writer.i64(-2n)],
    ['013fc00000', (writer) => writer.f32(1.5)],
    ['013ff8000000000000', (writer) => writer.f64(1.5)],
    ['01020304', (writer) => writer.bytes(Uint8Array.of(2, 3, 4))],
  ];
  for (const [hex, write] of writes) assert.equal(toHex(write(new ByteWriter(1).u8(1)).finish()), hex);
});

test('a writer refuses to grow past its limit', () => {
  const writer = new ByteWriter(1, 4).u32(1);
  assert.throws(() => writer.u8(0), RangeError);
});

test('a reader gives back what a writer wrote, at both ends of each range', () => {
  const written = new ByteWriter(1)
    .i8(-128)
    .i16(-32_768)
    .u16(65_535)
    .u24(0xff_ff_ff)
    .i32(-2_147_483_648)
    .u32(4_294_967_295)
    .u16LE(0xff_00)
    .u32LE(0xff_00_00_01)
    .i64(-9_223_372_036_854_775_808n)
    .u64(18_446_744_073_709_551_615n)
    .f64(-0.5)
    .finish();
  const reader = new ByteReader(written);
  assert.deepEqual([reader.i8(), reader.i16(), reader.u16(), reader.u24()], [-128, -32_768, 65_535, 0xff_ff_ff]);
  assert.deepEqual([reader.i32(), reader.u32()], [-2_147_483_648, 4_294_967_295]);
  assert.deepEqual([reader.u16LE(), reader.u32LE()], [0xff_00, 0xff_00_00_01]);
  assert.deepEqual(
    [reader.i64(), reader.u64(), reader.f64()],
    [-9_223_372_036_854_775_808n, 18_446_744_073_709_551_615n, -0.5],
  );
  assert.equal(reader.remaining, 0);
});

test('writers that begin side by side keep to their own octets, however they grow', () => {
  const writers = Array.from({ length: 200 }, () => new ByteWriter(100));
  for (let round = 0; round < 40; round++) writers.forEach((writer, at) => void writer.u32(at));
  writers.forEach((writer, at) => {
    const octets = writer.finish();
    assert.equal(octets.length, 160);
    assert.ok(octets.every((octet, offset) => octet === (offset % 4 === 3 ? at : 0)));
  });
});
