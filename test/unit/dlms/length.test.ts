/** Lengths as A-XDR and BER write them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteReader, ByteWriter, fromHex, toHex } from '../../../src/base/bytes.ts';
import { hasCode } from '../../../src/base/errors.ts';
import { readLength, writeLength } from '../../../src/dlms/axdr/length.ts';

test('each length is written in its shortest form and read back, at both ends of each form', () => {
  for (const [length, hex] of [
    [0, '00'],
    [0x7f, '7f'],
    [0x80, '8180'],
    [0xff, '81ff'],
    [0x100, '820100'],
    [0xffff, '82ffff'],
    [0x1_0000, '83010000'],
    [0xff_ffff, '83ffffff'],
    [0x100_0000, '8401000000'],
    [0xffff_ffff, '84ffffffff'],
  ] as const) {
    const writer = new ByteWriter(8);
    writeLength(writer, length);
    assert.equal(toHex(writer.finish()), hex);
    assert.equal(readLength(new ByteReader(fromHex(hex))), length);
  }
});

test('indefinite lengths and those of five octets and more are refused', () => {
  for (const hex of ['80', '850000000001', 'ff']) {
    assert.throws(
      () => readLength(new ByteReader(fromHex(hex))),
      (error) => hasCode(error, 'DLMS_LENGTH'),
    );
  }
});
