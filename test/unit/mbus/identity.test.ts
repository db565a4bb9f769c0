import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  deviceTypeName,
  IDENTITY_PATTERN,
  identityText,
  isIdentity,
  manufacturerCode,
  manufacturerText,
} from '../../../src/mbus/identity.ts';

const IDENTITY = { number: '12345678', manufacturer: 0x2c2d, version: 0x1b, deviceType: 0x16 };

test('makers have three letters of five bits, and whoever has none is written in hexadecimal', () => {
  assert.equal(manufacturerText(0x2c2d), 'KAM');
  assert.equal(manufacturerCode('KAM'), 0x2c2d);
  assert.equal(manufacturerCode('kam'), null);
  for (const code of [0, 0xffff, 0x8421])
    assert.equal(manufacturerText(code), code.toString(16).padStart(4, '0').toUpperCase());
});

test('an identity is known by its number, or by as much of its text as is given, and by nothing that only resembles it', () => {
  assert.equal(identityText(IDENTITY), 'KAM.12345678.1B.16');
  for (const wanted of ['12345678', 'KAM.12345678', 'KAM.12345678.1B', 'KAM.12345678.1B.16']) {
    assert.ok(IDENTITY_PATTERN.test(wanted), wanted);
    assert.ok(isIdentity(IDENTITY, wanted), wanted);
  }
  for (const wanted of [
    '12345679',
    '1234567',
    'KAM.1234567',
    'ABB.12345678',
    'KAM.12345678.1',
    'KAM.12345678.1B.17',
    '',
  ])
    assert.ok(!isIdentity(IDENTITY, wanted), wanted);
  for (const text of ['1234567', 'KAM.12345678.1B.16.00', 'KAM', 'kam.12345678'])
    assert.ok(!IDENTITY_PATTERN.test(text), text);
});

test('device types have words, and unknown ones their number', () => {
  assert.equal(deviceTypeName(0x07), 'water');
  assert.equal(deviceTypeName(0xfe), 'device type FE');
});
