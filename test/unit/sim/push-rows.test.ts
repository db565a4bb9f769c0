/** Rows, columns and protection of a Push setup: what is pushed, and what a receiver with the keys makes of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex, toHex } from '../../../src/base/bytes.ts';
import { hasCode } from '../../../src/base/errors.ts';
import type { Data } from '../../../src/dlms/axdr/data.ts';
import { type CaptureObject, captureObjectData, captureObjectsOf } from '../../../src/dlms/cosem/capture-object.ts';
import { parseObis } from '../../../src/dlms/cosem/obis.ts';
import {
  type PROTECTION_KINDS,
  protectionLayersData,
  protectionLayersOf,
} from '../../../src/dlms/cosem/protection-parameters.ts';
import { pushObjectData, pushObjectOf, wholePushObject } from '../../../src/dlms/cosem/push-object.ts';
import { dateTimeData, dateTimeOfData } from '../../../src/dlms/cosem/selective-access.ts';
import { openCiphered } from '../../../src/dlms/security/ciphering.ts';
import type { KeyPair } from '../../../src/dlms/security/elliptic.ts';
import { parseMeterKeys } from '../../../src/dlms/security/key-file.ts';
import { octetsOfKey } from '../../../src/dlms/security/secret-key.ts';
import { checkedContent } from '../../../src/dlms/security/signing.ts';
import type { KeyInfo } from '../../../src/dlms/xdlms/ciphered.ts';
import { decodeApdu, encodeApdu } from '../../../src/dlms/xdlms/codec.ts';
import { PushCipher } from '../../../src/edge/reader/push-cipher.ts';
import type { MeterId } from '../../../src/model/ids.ts';
import { makeFleet } from '../../../src/sim/fleet.ts';
import { pushedBody } from '../../../src/sim/meter/push-body.ts';
import { PUSH_CLIENT } from '../../../src/sim/meter/push-protection.ts';
import { notificationOf } from '../../../src/sim/serve/pushing.machine.ts';
import { freshPair } from '../../support/fresh-pair.ts';
import { profileOf } from './world.ts';

const NOW_MS = Date.UTC(2026, 5, 2, 12);
const u16 = (value: number): Data => ({ type: 'long-unsigned', value });
const u32 = (value: number): Data => ({ type: 'double-long-unsigned', value });
const enumOf = (value: number): Data => ({ type: 'enum', value });
const octets = (value: Uint8Array = new Uint8Array(0)): Data => ({ type: 'octet-string', value });
const list = (...value: Data[]): Data => ({ type: 'structure', value });
const array = (...value: Data[]): Data => ({ type: 'array', value });
const [GOOD, UNMATCHED, OTHER] = [0, 12, 250];

/** A meter with a load profile. */
function meterWithBuffer() {
  const fleet = { seed: 'rows', count: 1, profiles: [profileOf('generic/idis')], timeZone: 'Europe/Berlin', days: 2 };
  const [meter] = makeFleet({ ...fleet, households: [], nowMs: () => NOW_MS }, null);
  const buffer = meter?.device.profile.buffers[0];
  assert.ok(meter !== undefined && buffer !== undefined);
  const instanceId = parseObis(buffer.obis);
  const read = (attributeId: number) => {
    const result = meter.model.read({ classId: 7, instanceId, attributeId }, null);
    return 'data' in result ? result.data : assert.fail();
  };
  const columns = captureObjectsOf(read(3));
  const all = read(2);
  assert.ok(all.type === 'array');
  const rows = all.value.map((row) => (row.type === 'structure' ? row.value : assert.fail()));
  const object: CaptureObject = { classId: 7, instanceId, attributeId: 2, dataIndex: 0 };
  const pushed = (...more: Data[]) => {
    const data = captureObjectData(object);
    assert.ok(data.type === 'structure');
    const body = pushedBody(meter.model, [pushObjectOf(list(...data.value, ...more))]);
    return body.type === 'structure' ? (body.value[0] ?? assert.fail()) : assert.fail();
  };
  return { meter, columns, rows, object, pushed };
}

test('a pushed buffer: rows by entry and by date, columns in the order of the choice, both together', () => {
  const { columns, rows, pushed } = meterWithBuffer();
  const [clock, second] = columns;
  assert.ok(clock !== undefined && second !== undefined && rows.length > 20);
  const none = list(enumOf(0), { type: 'null-data' });
  const whole = (from: number, to: number) => array(...rows.slice(from, to).map((row) => list(...row)));
  assert.deepEqual(pushed(), whole(0, rows.length));
  for (const number of [u16, u32]) assert.deepEqual(pushed(list(enumOf(2), list(number(3), number(5)))), whole(2, 5));
  assert.deepEqual(pushed(list(enumOf(2), list(u16(rows.length - 1), u16(0)))), whole(rows.length - 2, rows.length));
  const momentOf = (at: number) => {
    const cell = rows[at]?.[0] ?? assert.fail();
    return octets(cell.type === 'octet-string' ? cell.value : assert.fail());
  };
  const byDate = list(enumOf(1), list(momentOf(4), momentOf(9)));
  assert.deepEqual(pushed(byDate), whole(4, 10));
  const chosen = array(captureObjectData(second), captureObjectData(clock));
  const turned = (row: readonly Data[]) => list(row[1] ?? assert.fail(), row[0] ?? assert.fail());
  assert.deepEqual(pushed(none, chosen), array(...rows.map(turned)));
  assert.deepEqual(pushed(byDate, chosen), array(...rows.slice(4, 10).map(turned)));
  const strange = captureObjectData({
    classId: 3,
    instanceId: parseObis('1-0:99.9.9*255'),
    attributeId: 2,
    dataIndex: 0,
  });
  const [first] = rows;
  assert.deepEqual(
    pushed(list(enumOf(2), list(u16(1), u16(1))), array(strange, captureObjectData(clock))),
    array(list({ type: 'null-data' }, first?.[0] ?? assert.fail())),
  );
  // An entry 0, and moments that are none, name no rows.
  assert.deepEqual(pushed(list(enumOf(2), list(u16(0), u16(1)))), { type: 'null-data' });
});

test('an element of a push list is written and read in every version, and another shape is refused', () => {
  const { object, columns } = meterWithBuffer();
  const moment = dateTimeOfData(octets(fromHex('07ea0602ff0c0000ffffc400'))) ?? assert.fail();
  for (const element of [
    wholePushObject(object),
    { ...object, restriction: { by: 'date', from: moment, to: moment }, columns } as const,
    { ...object, restriction: { by: 'entry', from: 1, to: 96 }, columns: [] } as const,
    { ...object, restriction: { by: 'entry', from: 1, to: 70_000 }, columns: [] } as const,
  ])
    assert.deepEqual(pushObjectOf(pushObjectData(element)), element);
  const plain = captureObjectData(object);
  assert.ok(plain.type === 'structure');
  assert.deepEqual(pushObjectOf(list(...plain.value.slice(0, 3))), wholePushObject(object));
  for (const bad of [
    enumOf(0),
    list(enumOf(3), list(u16(1), u16(2))),
    list(enumOf(1), list(u16(1), u16(2))),
    list(enumOf(1), list(dateTimeData(moment))),
    list(enumOf(2), list(enumOf(1), u16(2))),
    list(enumOf(2)),
  ])
    assert.throws(
      () => pushObjectOf(list(...plain.value, bad)),
      (error) => hasCode(error, 'DLMS_SHAPE'),
    );
});

test('rows and columns are taken of buffers alone', () => {
  const [meter] = makeFleet(
    {
      seed: 'push',
      count: 1,
      profiles: [profileOf('kaifa/ma309')],
      timeZone: 'Europe/Vienna',
      days: 1,
      households: [],
      nowMs: () => NOW_MS,
    },
    null,
  );
  const setup = meter?.device.pushSetups[0] ?? assert.fail();
  const { object } = meterWithBuffer();
  const restriction = { by: 'entry', from: 1, to: 2 } as const;
  const write = (data: Data) => setup.object().write(2, data);
  assert.equal(write(array(pushObjectData({ ...object, restriction, columns: [object] }))), GOOD);
  assert.deepEqual(setup.object().read(2, null), {
    data: array(pushObjectData({ ...object, restriction, columns: [object] })),
  });
  const register = { ...object, classId: 3 };
  assert.equal(write(array(pushObjectData({ ...register, restriction, columns: [] }))), OTHER);
  assert.equal(write(array(pushObjectData({ ...register, restriction: null, columns: [object] }))), OTHER);
  const many = Array.from({ length: 129 }, () => object);
  assert.equal(write(array(pushObjectData({ ...object, restriction: null, columns: many }))), OTHER);
  assert.equal(setup.objects?.length, 1, 'what was refused changes nothing');
  // Without keys nothing can be protected, and no protection is always possible.
  assert.equal(setup.object().write(10, protectionLayersData([layer('both', IDENTIFIED)])), OTHER);
  assert.equal(setup.object().write(10, array()), GOOD);
});

const IDENTIFIED: KeyInfo = { kind: 'identified', keyId: 0 };
const WRAPPED: KeyInfo = { kind: 'wrapped', kekId: 0, wrappedKey: new Uint8Array(0) };
const agreed = (way: number): KeyInfo => ({
  kind: 'agreed',
  keyParameters: Uint8Array.of(way),
  keyCipheredData: new Uint8Array(0),
});

function layer(kind: (typeof PROTECTION_KINDS)[number], keyInfo: KeyInfo) {
  const none = new Uint8Array(0);
  return {
    kind,
    transactionId: none,
    originatorSystemTitle: none,
    recipientSystemTitle: none,
    otherInformation: none,
    keyInfo,
  };
}

/** A meter with all keys of suite 1, and the key file of who hears it; `reads` = how the meter reads the standard. */
function keyed(reads: object = {}) {
  const [ours, theirs, agrees, meterAgrees] = Array.from({ length: 4 }, () => freshPair('P-256'));
  assert.ok(ours && theirs && agrees && meterAgrees);
  const privateOf = (pair: KeyPair) => toHex(octetsOfKey(pair.privateKey));
  const side = (sign: KeyPair, peerSign: KeyPair, agree: KeyPair, peerAgree: KeyPair, more = {}) => {
    const read = parseMeterKeys(
      JSON.stringify({
        suite: 1,
        clientTitle: '4457450000000001',
        meterTitle: '4457450000000002',
        encryptionKey: '11'.repeat(16),
        authenticationKey: '22'.repeat(16),
        masterKey: '33'.repeat(16),
        broadcastKey: '44'.repeat(16),
        signingKey: privateOf(sign),
        peerSigningKey: toHex(peerSign.publicKey),
        agreementKey: privateOf(agree),
        peerAgreementKey: toHex(peerAgree.publicKey),
        ...more,
      }),
    );
    return read.ok ? read.security : assert.fail(read.problem);
  };
  const [meter] = makeFleet(
    {
      seed: 'push',
      count: 1,
      profiles: [profileOf('kaifa/ma309')],
      timeZone: 'Europe/Vienna',
      days: 1,
      households: [],
      nowMs: () => NOW_MS,
      securities: new Map([[0, side(theirs, ours, meterAgrees, agrees, reads)]]),
    },
    null,
  );
  const setup = meter?.device.pushSetups[0];
  assert.ok(meter !== undefined && setup !== undefined);
  const security = side(ours, theirs, agrees, meterAgrees);
  const cipher = new PushCipher({ meterId: 'm1' as MeterId, security });
  return { meter, setup, cipher, security };
}

test('HE-7 push protection: every way to tell the key, signatures around, and the receiver believes what has a tag', () => {
  const { meter, setup, cipher } = keyed();
  const plain = encodeApdu(notificationOf(meter, setup, 1));
  const sent = () => decodeApdu(meter.security?.sealPush(plain, PUSH_CLIENT, setup.protection) ?? assert.fail());
  const signature = layer('signature', IDENTIFIED);
  for (const keyInfo of [IDENTIFIED, WRAPPED, agreed(1), agreed(2)])
    for (const kind of ['both', 'authentication'] as const)
      for (const layers of [[layer(kind, keyInfo)], [layer(kind, keyInfo), signature]]) {
        assert.equal(setup.object().write(10, protectionLayersData(layers)), GOOD);
        assert.deepEqual(setup.object().read(10, null), { data: protectionLayersData(layers) });
        const push = sent();
        assert.equal(push.apdu, layers.length === 2 ? 'general-signing' : 'general-ciphering');
        const opened = cipher.open(push);
        assert.equal(opened.verified, true);
        assert.deepEqual(encodeApdu(opened.apdu), plain);
        assert.throws(
          () => cipher.open(push),
          (error) => hasCode(error, 'SECURITY_REPLAY'),
        );
      }
  setup.object().write(10, protectionLayersData([layer('encryption', IDENTIFIED)]));
  assert.throws(
    () => cipher.open(sent()),
    (error) => hasCode(error, 'SECURITY_POLICY'),
    'nothing without a tag',
  );
  setup.object().write(10, protectionLayersData([signature]));
  assert.throws(
    () => cipher.open(sent()),
    (error) => hasCode(error, 'SECURITY_POLICY'),
    'a signature has no counter',
  );
  const forged = sent();
  assert.ok(forged.apdu === 'general-signing');
  const signed = Uint8Array.from(forged.signature);
  signed.set([(signed[0] ?? 0) ^ 1]);
  assert.throws(
    () => cipher.open({ ...forged, signature: signed }),
    (error) => hasCode(error, 'SECURITY_SIGNATURE'),
  );
});

test('HE-7 generalCipheringAad and signContentLength of a key file: sent so, and heard so without having to be learned', () => {
  const readings = [{ generalCipheringAad: 'short' }, { signContentLength: true }, {}] as const;
  for (const reads of readings) {
    const { meter, setup, cipher, security } = keyed(reads);
    const plain = encodeApdu(notificationOf(meter, setup, 1));
    const data = protectionLayersData([layer('both', WRAPPED), layer('signature', IDENTIFIED)]);
    assert.equal(setup.object().write(10, data), GOOD);
    const push = decodeApdu(meter.security?.sealPush(plain, PUSH_CLIENT, setup.protection) ?? assert.fail());
    assert.ok(push.apdu === 'general-signing');
    const { peerPublicKey } = security.keys.signing ?? assert.fail();
    const content = (signContentLength: boolean) => checkedContent(push, 'P-256', peerPublicKey, { signContentLength });
    const isLong = 'signContentLength' in reads;
    assert.throws(
      () => content(!isLong),
      (error) => hasCode(error, 'SECURITY_SIGNATURE'),
    );
    const inner = decodeApdu(content(isLong));
    assert.ok(inner.apdu === 'general-ciphering');
    const open = (generalCipheringAad: 'header' | 'short') =>
      openCiphered(inner, security.keys, { senderTitle: null, generalCipheringAad });
    const isShort = 'generalCipheringAad' in reads;
    assert.throws(
      () => open(isShort ? 'header' : 'short'),
      (error) => hasCode(error, 'SECURITY_TAG'),
    );
    assert.equal(open(isShort ? 'short' : 'header').verified, true);
    // A receiver that was told nothing finds out.
    assert.equal(cipher.open(push).verified, true);
  }
});

test('push protection that a meter cannot keep is refused, and another shape too', () => {
  const { setup } = keyed();
  const write = (data: Data) => setup.object().write(10, data);
  const both = layer('both', IDENTIFIED);
  const signature = layer('signature', IDENTIFIED);
  for (const layers of [
    [both, both],
    [signature, both],
    [signature, signature],
    [both, signature, signature],
    [layer('both', { kind: 'identified', keyId: 1 })],
    [layer('both', { ...WRAPPED, kind: 'wrapped', kekId: 1, wrappedKey: new Uint8Array(0) })],
    [layer('both', { kind: 'wrapped', kekId: 0, wrappedKey: new Uint8Array(24) })],
    [layer('both', agreed(3))],
    [layer('both', { kind: 'agreed', keyParameters: Uint8Array.of(1), keyCipheredData: new Uint8Array(1) })],
  ])
    assert.equal(write(protectionLayersData(layers)), OTHER);
  const key = list(enumOf(0), list(enumOf(0)));
  const options = (...last: Data[]) => list(octets(), octets(), octets(), octets(), ...last);
  for (const bad of [
    u16(1),
    array(u16(1)),
    array(list(enumOf(4), options(key))),
    array(list(enumOf(0), options())),
    array(list(enumOf(0), options(list(enumOf(3), list(enumOf(0)))))),
    array(list(enumOf(0), options(list(enumOf(1), list(enumOf(0)))))),
    array(list(enumOf(0), options(list(enumOf(2), list(enumOf(0), octets()))))),
    array(list(enumOf(0), list(u16(1), octets(), octets(), octets(), key))),
  ])
    assert.equal(write(bad), UNMATCHED);
  assert.equal(write(array(list(enumOf(0), options(key)))), GOOD);
  const told = protectionLayersOf(
    array(list(enumOf(2), options(list(enumOf(2), list(octets(Uint8Array.of(2)), octets()))))),
  );
  assert.deepEqual(told, [layer('both', agreed(2))]);
});
