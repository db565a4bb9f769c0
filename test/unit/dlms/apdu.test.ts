/** What the vectors do not have: tolerances, optional fields, refusals of the encoder, words for codes, limits of explain. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { fromHex, toHex } from '../../../src/base/bytes.ts';
import { hasCode } from '../../../src/base/errors.ts';
import { integerOf } from '../../../src/dlms/acse/fields.ts';
import { interfaceClassOf } from '../../../src/dlms/cosem/classes/index.ts';
import {
  type Aarq,
  type Apdu,
  CONFORMANCE,
  confirmedServiceErrorText,
  conformanceNames,
  conformanceOf,
  dataFromOctets,
  decodeApdu,
  encodeApdu,
  exceptionText,
  explain,
  explanationText,
  isApduTag,
  layerOf,
} from '../../../src/dlms/index.ts';

const AARQ =
  '6036a1090607608574050801018a0207808b0760857405080201ac0a80083132333435363738be10040e01000000065f1f0400007e1f04b0';

test('HE-7 an initiate without 1F in the conformance block is taken and sent with it', () => {
  const apdu = decodeApdu(fromHex('01000000065f0400007e1f04b0'));
  assert.equal(toHex(encodeApdu(apdu)), '01000000065f1f0400007e1f04b0');
  assert.throws(
    () => decodeApdu(fromHex('01000000065f1f0300007e1f04b0')),
    (error) => hasCode(error, 'DLMS_BER'),
  );
});

test('HE-7 a strange application context is told as 0, so that it can be refused, and comes back as it was', () => {
  const strange = AARQ.replace('60857405080101', '60857405090101');
  const apdu = decodeApdu(fromHex(strange));
  assert.ok(apdu.apdu === 'aarq');
  assert.equal(apdu.applicationContext, 0);
  assert.equal(toHex(encodeApdu(apdu)), strange);
});

test('HE-7 an AARQ that says a field twice, or has no context, or one in another form, is refused', () => {
  const context = 'a109060760857405080101';
  assert.equal(decodeApdu(fromHex(`600b${context}`)).apdu, 'aarq', 'the context alone is enough');
  for (const hex of [`6016${context}${context}`, '600480020780', '600da10b040760857405080101050101']) {
    assert.throws(
      () => decodeApdu(fromHex(hex)),
      (error) => hasCode(error, 'DLMS_BER') || hasCode(error, 'DLMS_TRAILING'),
      hex,
    );
  }
});

test('HE-7 an AARE names who refused: the user or the provider of the service', () => {
  const apdu = decodeApdu(fromHex('6117a109060760857405080101a203020101a305a203020102'));
  assert.ok(apdu.apdu === 'aare');
  assert.deepEqual(apdu.diagnostic, { source: 'acse-service-provider', code: 2 });
  assert.equal(apdu.userInformation, null);
});

test('HE-7 an exception may leave the expected counter out', () => {
  const apdu = decodeApdu(fromHex('d80206'));
  assert.ok(apdu.apdu === 'exception-response');
  assert.equal(apdu.invocationCounter, null);
  assert.equal(toHex(encodeApdu(apdu)), 'd80206');
  assert.throws(
    () => decodeApdu(fromHex('d8020600')),
    (error) => hasCode(error, 'DLMS_TRUNCATED'),
  );
});

test('HE-7 codes in words, and unknown ones with their number', () => {
  assert.equal(exceptionText(2, 2), 'service-unknown, service-not-supported');
  assert.equal(exceptionText(1, 99), 'service-not-allowed, code 99');
  assert.equal(confirmedServiceErrorText(1, 6, 1), 'initiate: initiate/dlms-version-too-low');
  assert.equal(confirmedServiceErrorText(9, 8, 7), 'code 9: class 8/code 7');
  assert.deepEqual(conformanceNames(conformanceOf(['get', 'action'])), ['get', 'action']);
  assert.equal(conformanceOf(['get', 'set', 'action']), 0x19);
  assert.equal(
    Object.values(CONFORMANCE).reduce((bits, bit) => bits | bit, 0),
    0x7e_ff_ff,
  );
});

const invocation = { invokeId: 1, confirmed: true, highPriority: false } as const;
const UNFIT: readonly Apdu[] = [
  { apdu: 'get-request-next', ...invocation, blockNumber: -1 },
  { apdu: 'get-request-next', ...invocation, blockNumber: 2 ** 32 },
  { apdu: 'get-request-next', ...invocation, invokeId: 16, blockNumber: 1 },
  { apdu: 'set-response-normal', ...invocation, result: 256 },
  { apdu: 'get-response-normal', ...invocation, result: { data: { type: 'unsigned', value: 256 } } },
  { apdu: 'get-response-normal', ...invocation, result: { data: { type: 'long64', value: 2n ** 63n } } },
  { apdu: 'get-response-normal', ...invocation, result: { data: { type: 'visible-string', value: '€' } } },
  { apdu: 'get-response-normal', ...invocation, result: { data: { type: 'bit-string', value: '012' } } },
  {
    apdu: 'get-response-normal',
    ...invocation,
    result: {
      data: { type: 'compact-array', of: { type: 'unsigned' }, value: [{ type: 'integer', value: 1 }] },
    },
  },
  { ...(decodeApdu(fromHex(AARQ)) as Aarq), applicationContext: 0 },
  {
    apdu: 'data-notification',
    longInvokeId: 1,
    selfDescriptive: false,
    breakOnError: false,
    confirmed: false,
    highPriority: false,
    dateTime: new Uint8Array(0),
    taggedDateTime: true,
    body: { type: 'null-data' },
  },
];

for (const [at, apdu] of UNFIT.entries()) {
  test(`HE-7 the encoder refuses what does not fit: ${apdu.apdu} ${at}`, () => {
    assert.throws(
      () => encodeApdu(apdu),
      (error) => hasCode(error, 'DLMS_VALUE'),
    );
  });
}

test('HE-7 octets that are not UTF-8 survive in a utf8-string', () => {
  const data = dataFromOctets(fromHex('0c02c328'));
  assert.ok(data.type === 'utf8-string' && data.octets !== undefined);
  assert.equal(toHex(encodeApdu({ apdu: 'get-response-normal', ...invocation, result: { data } })), 'c40141000c02c328');
});

test('HE-7 tags: an APDU can begin with them or not', () => {
  for (const tag of [0x60, 0xc0, 0x0f, 0xdb]) assert.ok(isApduTag(tag));
  for (const tag of [0x00, 0x7e, 0x68, 0xee]) assert.ok(!isApduTag(tag));
});

test('HE-7 explain tells a class, a method and the octets of a command', () => {
  const text = explanationText(explain(fromHex('c301c20046000060030aff01010f00')));
  assert.match(
    text,
    /method {2}= class 70 Disconnect control, 0-0:96\.3\.10\.255, method 1 remote_disconnect {2}@3 0046/,
  );
  assert.match(text, /parameters: integer {2}= 0 {2}@13 0f00/);
  assert.equal(interfaceClassOf(70, 0)?.table.methods[0]?.argument, 'integer');
});

test('HE-7 explain opens what is inside an AARQ and points at its octets', () => {
  const text = explanationText(explain(fromHex(AARQ)));
  assert.match(text, /callingAuthenticationValue {2}= 3132333435363738 {2}@30/);
  assert.match(text, /initiate-request {2}\[Green Book, xDLMS initiate\] {2}@42/);
});

test('HE-7 explain finds the layer of a broken frame, and says what is wrong with it', () => {
  const broken = fromHex('7ea01f21022373e6c781801205019a06019a070400000001080400000001cca37e');
  assert.equal(layerOf(broken), 'hdlc');
  assert.match(explanationText(explain(broken)), /discarded {2}= HDLC_FCS/);
  assert.throws(
    () => explain(fromHex('ee01')),
    (error) => hasCode(error, 'DLMS_APDU_TAG'),
  );
  assert.throws(
    () => explain(fromHex('1101ff'), { layer: 'data' }),
    (error) => hasCode(error, 'DLMS_TRAILING'),
  );
  assert.throws(
    () => explain(fromHex('c001'), { layer: 'llc' }),
    (error) => hasCode(error, 'DLMS_APDU_TAG'),
  );
});

test('HE-7 explain shows a bare value, and a message inside a frame that is no APDU', () => {
  const value = explain(fromHex('020209001105'));
  assert.equal(value.layer, 'data');
  assert.deepEqual(value.messages, [
    {
      data: {
        type: 'structure',
        value: [
          { type: 'octet-string', hex: '' },
          { type: 'unsigned', value: 5 },
        ],
      },
    },
  ]);
  const wrapped = explain(fromHex('0001000100100002ee01'));
  assert.equal(wrapped.layer, 'wrapper');
  assert.match(String(wrapped.messages[0]?.['error']), /DLMS_APDU_TAG/);
});

test('HE-7 a ciphered message that opens to nonsense says so', () => {
  const ciphered = fromHex('c8122001234567411312ff935a47566827c467bc');
  const { messages } = explain(ciphered, { open: () => ({ plaintext: fromHex('ee'), verified: false }) });
  assert.equal(messages[0]?.['plaintextHex'], 'ee');
  assert.match(String(messages[0]?.['error']), /DLMS_APDU_TAG/);
});

test('HE-7 explain lists the readings of a push below the tree', () => {
  const text = explanationText(explain(fromHex('0f40000000090c07e3020401173416ff800000020106000016dc')));
  assert.match(text, /readings \(kaifa-positional\)\n {2}1-0:1\.7\.0\.255 {2}5852\n$/);
  const scaled = explanationText(explain(fromHex('0f0000000100020309060100200700ff12090402020fff1623')));
  assert.match(scaled, /readings \(flat-obis-value\)\n {2}1-0:32\.7\.0\.255 {2}2308 x 10\^-1 V\n$/);
});

test('HE-7 the gateway prefix: network and address come back, a network that has no octet is not written', () => {
  const request = (networkId: number): Apdu => ({
    ...{ apdu: 'gateway-request', networkId, physicalDeviceAddress: Uint8Array.of(7), content: Uint8Array.of(1, 2) },
  });
  for (const networkId of [0, 255]) {
    const octets = encodeApdu(request(networkId));
    assert.deepEqual([...octets], [0xe6, networkId, 1, 7, 1, 2]);
    assert.deepEqual(decodeApdu(octets), request(networkId));
  }
  for (const networkId of [-1, 256]) assert.throws(() => encodeApdu(request(networkId)), { code: 'DLMS_VALUE' });
});

test('HE-7 numbers of association messages have one to four octets, and are at most 127', () => {
  for (const [hex, value] of [
    ['00', 0],
    ['7f', 127],
    ['0000007f', 127],
  ] as const)
    assert.equal(integerOf(fromHex(hex), 0xa2), value);
  for (const hex of ['', '80', '0000000001', '00000080'])
    assert.throws(() => integerOf(fromHex(hex), 0xa2), /DLMS_BER.*field a2 hex: integer/, hex);
});
