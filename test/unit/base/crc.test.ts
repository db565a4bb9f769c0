/** Checksums against the check values of their catalogue entries ("123456789") and of the standards that use them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex } from '../../../src/base/bytes.ts';
import { crc16Arc, crc16Kermit, crc16X25, crc32C } from '../../../src/base/crc.ts';

const CHECK = new TextEncoder().encode('123456789');

test('each checksum gives the check value of its catalogue', () => {
  assert.equal(crc16X25(CHECK), 0x906e);
  assert.equal(crc16Kermit(CHECK), 0x2189);
  assert.equal(crc16Arc(CHECK), 0xbb3d);
  assert.equal(crc32C(CHECK), 0xe3069283);
});

test('nothing sums up to the start of each', () => {
  const nothing = new Uint8Array();
  assert.deepEqual([crc16X25(nothing), crc16Kermit(nothing), crc16Arc(nothing), crc32C(nothing)], [0, 0, 0, 0]);
});

test('CRC-32C of the examples of RFC 3720 B.4', () => {
  assert.equal(crc32C(new Uint8Array(32)), 0x8a9136aa);
  assert.equal(crc32C(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
  assert.equal(crc32C(Uint8Array.from({ length: 32 }, (_, at) => at)), 0x46dd794e);
});

test('CRC-32C goes on where an earlier sum ended', () => {
  for (let at = 0; at <= CHECK.length; at++)
    assert.equal(crc32C(CHECK.subarray(at), crc32C(CHECK.subarray(0, at))), 0xe3069283);
});

test('octets followed by their X.25 checksum, low octet first, leave the residue of ISO/IEC 13239', () => {
  const frame = fromHex('a0 07 03 21 93');
  const sum = crc16X25(frame);
  assert.equal(crc16X25(Uint8Array.of(...frame, sum & 0xff, sum >>> 8)), 0x0f47);
});
