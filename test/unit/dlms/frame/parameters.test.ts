/** What SNRM and UA say, and the head of the wrapper, octet by octet and at their bounds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex, toHex } from '../../../../src/base/bytes.ts';
import {
  decodeHdlcParameters,
  encodeHdlcParameters,
  HDLC_DEFAULTS,
  mirrored,
  negotiate,
} from '../../../../src/dlms/frame/hdlc-parameters.ts';
import { encodeWrapper, wrapperRule } from '../../../../src/dlms/frame/wrapper-frame.ts';

const SOME = { informationTransmitBytes: 248, informationReceiveBytes: 1_024, windowTransmit: 1, windowReceive: 7 };

test('HDLC parameters: sizes in two octets, or one where it is enough and wanted; windows in four', () => {
  const windows = '070400000001080400000007';
  assert.equal(toHex(encodeHdlcParameters(SOME)), `818014050200f806020400${windows}`);
  assert.equal(toHex(encodeHdlcParameters(SOME, true)), `8180130501f806020400${windows}`);
  const edge = { ...SOME, informationTransmitBytes: 255, informationReceiveBytes: 256 };
  assert.equal(toHex(encodeHdlcParameters(edge, true)), `8180130501ff06020100${windows}`);
  for (const short of [false, true]) assert.deepEqual(decodeHdlcParameters(encodeHdlcParameters(SOME, short)), SOME);
});

test('HDLC parameters: what is absent, empty, too wide or unknown is passed over, what is out of range is moved into it', () => {
  const read = (hex: string) => decodeHdlcParameters(fromHex(hex));
  assert.deepEqual(read(''), HDLC_DEFAULTS);
  assert.deepEqual(read('818000'), HDLC_DEFAULTS);
  assert.deepEqual(read('8180 03 050180'), HDLC_DEFAULTS);
  assert.deepEqual(read('8180 05 0500 0601c8'), { ...HDLC_DEFAULTS, informationReceiveBytes: 200 });
  assert.deepEqual(read('8180 0a 05050000000100 0801 03'), { ...HDLC_DEFAULTS, windowReceive: 3 });
  assert.deepEqual(read('8180 06 0901ff 070102'), { ...HDLC_DEFAULTS, windowTransmit: 2 });
  assert.deepEqual(read('8180 0d 050103 0602ffff 070100 0801ff'), {
    informationTransmitBytes: 32,
    informationReceiveBytes: 2_030,
    windowTransmit: 1,
    windowReceive: 7,
  });
});

test('HDLC parameters: other identifiers and cut octets are none', () => {
  for (const hex of ['8080 00', '8181 00', '81', '8180', '8180 05 0501', '8180 02 0502'])
    assert.equal(decodeHdlcParameters(fromHex(hex)), null, hex);
});

test('the smaller of both holds, the transmit of one side against the receive of the other', () => {
  const peer = { informationTransmitBytes: 500, informationReceiveBytes: 128, windowTransmit: 3, windowReceive: 2 };
  assert.deepEqual(negotiate({ ...SOME, windowTransmit: 5 }, peer), {
    informationTransmitBytes: 128,
    informationReceiveBytes: 500,
    windowTransmit: 2,
    windowReceive: 3,
  });
  assert.deepEqual(mirrored(SOME), {
    informationTransmitBytes: 1_024,
    informationReceiveBytes: 248,
    windowTransmit: 7,
    windowReceive: 1,
  });
});

test('a wrapper: version, both ports, length; it is taken when all is there, and asks for exactly what is missing', () => {
  const octets = encodeWrapper({ source: 16, destination: 1, apdu: Uint8Array.of(0xc0, 1, 0xc1) });
  assert.equal(toHex(octets), '00010010000100' + '03c001c1');
  const { examine } = wrapperRule();
  assert.deepEqual(examine(octets.subarray(0, 1)), { kind: 'more', total: 2 });
  for (const held of [2, 7]) assert.deepEqual(examine(octets.subarray(0, held)), { kind: 'more', total: 8 });
  for (const held of [8, 10]) assert.deepEqual(examine(octets.subarray(0, held)), { kind: 'more', total: 11 });
  const verdict = examine(Uint8Array.of(...octets, 0xff));
  assert.ok(verdict.kind === 'accept');
  assert.deepEqual([verdict.used, verdict.shared, verdict.frame.source, verdict.frame.destination], [11, 0, 16, 1]);
  assert.equal(toHex(verdict.frame.apdu), 'c001c1');
});

test('a wrapper of another version, of no octets, or of more than are taken is refused by name', () => {
  const { examine } = wrapperRule(100);
  const code = (hex: string) => {
    const verdict = examine(fromHex(hex));
    return verdict.kind === 'reject' ? verdict.code : verdict.kind;
  };
  assert.equal(code('0002 0010 0001 0001 00'), 'WRAPPER_VERSION');
  assert.equal(code('0001 0010 0001 0000'), 'WRAPPER_LENGTH');
  assert.equal(code('0001 0010 0001 0065'), 'WRAPPER_LENGTH');
  assert.equal(code('0001 0010 0001 0064'), 'more');
  assert.throws(() => encodeWrapper({ source: 1, destination: 1, apdu: new Uint8Array() }));
});
