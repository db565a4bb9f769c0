/** Messages of a PRIME base node: vectors both ways, refusals with their offsets, any split of a stream. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { concat, fromHex, toHex } from '../../../../src/base/bytes.ts';
import {
  decodePrime,
  encodePrime,
  type PrimeMessage,
  type PrimeSender,
} from '../../../../src/dlms/frame/prime-message.ts';
import { FrameScanner } from '../../../../src/dlms/frame/scanner.ts';
import { type WrapperMessage, wrapperRule } from '../../../../src/dlms/frame/wrapper-frame.ts';
import { refusal } from '../../../support/refusal.ts';

interface Vector {
  readonly id: string;
  readonly hex: string;
  readonly expect: {
    readonly sender: PrimeSender;
    readonly prime: { readonly kind: string; readonly apduHex?: string };
  };
}

const VECTORS = JSON.parse(readFileSync('test/vectors/prime.json', 'utf8')) as readonly Vector[];

function framesOf(chunks: readonly Uint8Array[]): WrapperMessage[] {
  const scanner = new FrameScanner([wrapperRule()], Number.POSITIVE_INFINITY);
  return chunks.flatMap((chunk) =>
    scanner.receive(chunk, 0).map((event) => {
      assert(event.kind === 'frame', `${event.kind} in a good stream`);
      return event.frame;
    }),
  );
}

function shown(message: PrimeMessage): unknown {
  if (message.kind !== 'data') return message;
  const { apdu, ...rest } = message;
  return { ...rest, apduHex: toHex(apdu) };
}

const control = (hex: string, sender: PrimeSender = 'base-node'): string =>
  refusal(() => {
    const [source, destination] = sender === 'base-node' ? [0, 1] : [1, 0];
    return decodePrime({ source, destination, apdu: fromHex(hex) }, sender);
  });

test('every vector is decoded whole and octet by octet, and encoded to the same octets', () => {
  assert.equal(VECTORS.length, 8);
  for (const { id, hex, expect } of VECTORS) {
    const octets = fromHex(hex);
    const singly = Array.from(octets, (octet) => Uint8Array.of(octet));
    for (const chunks of [[octets], singly]) {
      const messages = framesOf(chunks).map((frame) => decodePrime(frame, expect.sender));
      assert.deepEqual(messages.map(shown), [expect.prime], id);
      assert.deepEqual(
        messages.map((message) => toHex(encodePrime(message, expect.sender))),
        [hex],
        id,
      );
    }
  }
});

test('control that is cut, too long, unknown or of the other side is refused with the offset in the frame', () => {
  assert.equal(control(''), 'DLMS_TRUNCATED offset 8: 1 octets wanted, 0 left');
  assert.equal(control('0200'), 'DLMS_TRUNCATED offset 9: 2 octets wanted, 1 left');
  assert.equal(control('020007ff'), 'DLMS_TRAILING offset 11: 1 octets after device-removed');
  assert.equal(control('07'), 'DLMS_CHOICE offset 8: a base-node sends no control message of type 7');
  assert.equal(control('03'), 'DLMS_CHOICE offset 8: a base-node sends no control message of type 3');
  assert.equal(
    control('020007', 'concentrator'),
    'DLMS_CHOICE offset 8: a concentrator sends no control message of type 2',
  );
  assert.equal(control('020000'), 'DLMS_SHAPE offset 9: device id 0 is no meter');
  assert.equal(control('010007000100'), 'DLMS_LENGTH offset 13: a DLMS id of 0 octets');
  assert.equal(control('010007000111'), 'DLMS_LENGTH offset 13: a DLMS id of 17 octets');
  assert.equal(control('0100070001020a414040226734b2'), 'DLMS_SHAPE offset 14: the DLMS id is not printable ASCII');
});

test('a message cut at any octet is refused, never read past its end', () => {
  for (const { id, hex, expect } of VECTORS.filter((row) => row.expect.prime.kind !== 'data')) {
    const [frame] = framesOf([fromHex(hex)]);
    assert(frame);
    for (let end = 0; end < frame.apdu.length; end += 1) {
      const cut = { ...frame, apdu: frame.apdu.subarray(0, end) };
      assert.match(
        refusal(() => decodePrime(cut, expect.sender)),
        /^DLMS_TRUNCATED offset \d+:/,
        `${id} cut at ${end}`,
      );
    }
  }
});

test('data from or to device 0 is refused', () => {
  const apdu = fromHex('c401');
  const said = (source: number, destination: number, sender: PrimeSender) =>
    refusal(() => decodePrime({ source, destination, apdu }, sender));
  assert.equal(said(0, 2, 'base-node'), 'DLMS_SHAPE offset 2: device id 0 is no meter');
  assert.equal(said(2, 0, 'concentrator'), 'DLMS_SHAPE offset 4: device id 0 is no meter');
});

test('what would not come back is not sent', () => {
  const joined = { kind: 'new-device', deviceId: 7, capabilities: 1, serial: 'A1', eui48: '4040226734B2' } as const;
  const said = (message: PrimeMessage, sender: PrimeSender = 'base-node') =>
    refusal(() => encodePrime(message, sender));
  assert.equal(said(joined), 'taken');
  assert.equal(said(joined, 'concentrator'), 'DLMS_VALUE offset 8: a concentrator sends no new-device');
  assert.equal(said({ ...joined, deviceId: 0 }), 'DLMS_VALUE offset 9: 0 is not 1 to 65,535');
  assert.equal(said({ ...joined, capabilities: 65_536 }), 'DLMS_VALUE offset 11: 65536 is not 0 to 65,535');
  assert.match(said({ ...joined, serial: '' }), /^DLMS_VALUE offset 13:/);
  assert.match(said({ ...joined, serial: 'A'.repeat(17) }), /^DLMS_VALUE offset 13:/);
  assert.match(said({ ...joined, eui48: '4040226734b2' }), /^DLMS_VALUE offset 16:/);
  const data = { kind: 'data', deviceId: 7, client: 1, apdu: new Uint8Array(0) } as const;
  assert.equal(said(data), 'DLMS_VALUE offset 8: an APDU of 0 octets');
  assert.equal(said({ ...data, apdu: new Uint8Array(65_536) }), 'DLMS_VALUE offset 8: an APDU of 65536 octets');
  assert.equal(said({ ...data, apdu: fromHex('c4'), client: 65_536 }), 'DLMS_VALUE offset 4: 65536 is not 0 to 65,535');
});

const word = fc.integer({ min: 0, max: 0xffff });
const deviceId = fc.integer({ min: 1, max: 0xffff });
const letters = fc.array(fc.integer({ min: 0x21, max: 0x7e }), { minLength: 1, maxLength: 16 });
const PLAIN = { noNullPrototype: true } as const;
const fromBaseNode: fc.Arbitrary<PrimeMessage> = fc.oneof(
  fc.record(
    {
      kind: fc.constant('new-device' as const),
      deviceId,
      capabilities: word,
      serial: letters.map((codes) => String.fromCharCode(...codes)),
      eui48: fc.uint8Array({ minLength: 6, maxLength: 6 }).map((octets) => toHex(octets).toUpperCase()),
    },
    PLAIN,
  ),
  fc.record({ kind: fc.constant('device-removed' as const), deviceId }, PLAIN),
  fc.record(
    {
      kind: fc.constant('data' as const),
      deviceId,
      client: word,
      apdu: fc.uint8Array({ minLength: 1, maxLength: 300 }),
    },
    PLAIN,
  ),
);

test('any messages in any split of the stream come out as they went in', () => {
  fc.assert(
    fc.property(
      fc.array(fromBaseNode, { minLength: 1, maxLength: 8 }),
      fc.array(fc.nat(2_500), { maxLength: 12 }),
      (sent, cuts) => {
        const stream = concat(sent.map((message) => encodePrime(message, 'base-node')));
        const ends = [...cuts.filter((cut) => cut < stream.length).sort((a, b) => a - b), stream.length];
        const chunks = ends.map((end, index) => stream.subarray(index === 0 ? 0 : ends[index - 1], end));
        assert.deepEqual(
          framesOf(chunks).map((frame) => decodePrime(frame, 'base-node')),
          sent,
        );
      },
    ),
    { numRuns: 500 },
  );
});
