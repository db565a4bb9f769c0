import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../../../src/base/bytes.ts';
import {
  der,
  derBitString,
  derBoolean,
  derExplicit,
  derInteger,
  derObjectIdentifier,
  derSequence,
  derText,
  derTime,
} from '../../../src/base/der.ts';

// Expected octets: X.690 8.1.3 (lengths), 8.3 (integers), 8.19.5 (its example), RFC 5280 4.1.2.5 (times).
test('ALA-1 DER: lengths, integers, identifiers and times are in their one right form', () => {
  const rows: readonly (readonly [string, Uint8Array, string])[] = [
    ['short length', der(0x04, new Uint8Array(3)), '0403000000'],
    ['integer 0', derInteger(0), '020100'],
    ['integer 127', derInteger(127), '02017f'],
    ['integer 128 keeps its sign', derInteger(128), '02020080'],
    ['integer 256', derInteger(256), '02020100'],
    ['octets lose leading zeros', derInteger(Uint8Array.of(0, 0, 1)), '020101'],
    ['octets keep their sign', derInteger(Uint8Array.of(0xff)), '020200ff'],
    ['true', derBoolean(true), '0101ff'],
    ['bits', derBitString(Uint8Array.of(0x80), 7), '03020780'],
    ['identifier 2.999.3', derObjectIdentifier('2.999.3'), '0603883703'],
    ['identifier 1.2.840.10045.4.3.2', derObjectIdentifier('1.2.840.10045.4.3.2'), '06082a8648ce3d040302'],
    ['text', derText('é'), '0c02c3a9'],
    ['nested', derSequence(derExplicit(0, derInteger(2))), '3005a003020102'],
    [
      'the last time of two digits',
      derTime(Date.UTC(2049, 11, 31, 23, 59, 59, 999)),
      `170d${toHex(new TextEncoder().encode('491231235959Z'))}`,
    ],
    ['the first of four', derTime(Date.UTC(2050, 0, 1)), `180f${toHex(new TextEncoder().encode('20500101000000Z'))}`],
  ];
  for (const [name, octets, hex] of rows) assert.equal(toHex(octets), hex, name);
  assert.equal(toHex(der(0x04, new Uint8Array(128))).slice(0, 6), '048180');
  assert.equal(toHex(der(0x04, new Uint8Array(300))).slice(0, 8), '0482012c');
});
