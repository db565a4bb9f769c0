/** The writer's one hard moment: growing in the middle of a value. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { ByteWriter, toHex } from '../../../src/base/bytes.ts';

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
