/** Messages of a G3 modem: golden frames both ways, refusals with their offsets, any split of a stream. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { concat, fromHex, toHex } from '../../../../src/base/bytes.ts';
import { decodeG3, encodeG3, type G3Message, type G3Sender } from '../../../../src/dlms/frame/g3-message.ts';
import { FrameScanner } from '../../../../src/dlms/frame/scanner.ts';
import {
  decodeUdpPacket,
  encodeUdpPacket,
  linkLocalOf,
  shortAddressIn,
  UDP_HEADERS_OCTETS,
} from '../../../../src/dlms/frame/udp-packet.ts';
import { encodeUsi, USI_PROTOCOL, type UsiFrame, usiRule } from '../../../../src/dlms/frame/usi-frame.ts';
import { refusal, shownMessage } from '../../../support/refusal.ts';

interface Vector {
  readonly id: string;
  readonly hex: string;
  readonly expect: { readonly sender: G3Sender; readonly g3: Readonly<Record<string, unknown>> };
}

const VECTORS = JSON.parse(readFileSync('test/vectors/g3.json', 'utf8')) as readonly Vector[];
const G3 = USI_PROTOCOL.g3Adaptation;
const PRIME = USI_PROTOCOL.primeApi;
const PAN = 0x781d;

const scannerOf = () => new FrameScanner<UsiFrame>([usiRule(G3, PRIME)], Number.POSITIVE_INFINITY);

/** Frames of a good stream. */
function framesOf(chunks: readonly Uint8Array[]): UsiFrame[] {
  const scanner = scannerOf();
  return chunks.flatMap((chunk) =>
    scanner.receive(chunk, 0).map((event) => {
      assert(event.kind === 'frame', `${event.kind} in a good stream`);
      return event.frame;
    }),
  );
}

const said = (hex: string, sender: G3Sender = 'modem') => refusal(() => decodeG3(fromHex(hex), sender));

test('every vector is decoded whole and octet by octet, and encoded to the same octets', () => {
  assert.equal(VECTORS.length, 20);
  for (const { id, hex, expect } of VECTORS) {
    const octets = fromHex(hex);
    const singly = Array.from(octets, (octet) => Uint8Array.of(octet));
    for (const chunks of [[octets], singly]) {
      const messages = framesOf(chunks).map(({ payload }) => decodeG3(payload, expect.sender));
      assert.deepEqual(messages.map(shownMessage), [expect.g3], id);
      const again = messages.map((message) => toHex(encodeUsi({ protocol: G3, payload: encodeG3(message) })));
      assert.deepEqual(again, [hex], id);
    }
  }
});

test('the golden request is UDP in IPv6 from the coordinator to meter 1, and its checksum is the known one', () => {
  const row = VECTORS.find(({ id }) => id === 'g3-aarq');
  const octets = fromHex(String(row?.expect.g3.packetHex));
  const packet = decodeUdpPacket(octets);
  assert.deepEqual([packet.source, packet.destination], [linkLocalOf(PAN, 0), linkLocalOf(PAN, 1)]);
  assert.deepEqual([packet.sourcePort, packet.destinationPort, packet.payload.length], [4059, 4059, 39]);
  assert.equal(toHex(octets.subarray(46, 48)), '70c8');
  assert.match(row?.hex ?? '', /aa377e$/);
  assert.equal(toHex(encodeUdpPacket(packet)), toHex(octets));
});

test('golden frames of a PRIME modem have the same framing with another check', () => {
  for (const [payload, hex] of [
    ['3b0007', '7e00f03b0007cc7e'],
    ['390101000700', '7e01b03901010007008f7e'],
  ] as const) {
    assert.equal(toHex(encodeUsi({ protocol: PRIME, payload: fromHex(payload) })), hex);
    assert.deepEqual(framesOf([fromHex(hex)]), [{ protocol: PRIME, payload: fromHex(payload) }]);
  }
});

test('a frame cut at any octet is not taken, and the whole one behind it is', () => {
  for (const { id, hex } of VECTORS) {
    const octets = fromHex(hex);
    // Without its last flag only, a frame is closed by the first one of the next.
    for (let end = 1; end < octets.length - 1; end++) {
      const scanner = scannerOf();
      const events = scanner.receive(concat([octets.subarray(0, end), octets]), 0);
      const frames = events.filter(({ kind }) => kind === 'frame');
      assert.equal(frames.length, 1, `${id} cut at ${end}`);
    }
  }
});

test('a frame with any one bit altered is not taken for another one', () => {
  const row = VECTORS.find(({ id }) => id === 'g3-joined');
  const octets = fromHex(row?.hex ?? '');
  for (let bit = 8; bit < 8 * (octets.length - 1); bit++) {
    const altered = octets.map((octet, at) => (at === bit >>> 3 ? octet ^ (1 << (bit & 7)) : octet));
    const frames = scannerOf()
      .receive(altered, 0)
      .filter(({ kind }) => kind === 'frame');
    assert.deepEqual(frames, [], `bit ${bit}`);
  }
});

test('lengths from 1 to 2,047 go through, with flags and escapes in them; 0, 2,048 and a command above 127 are not sent', () => {
  for (const length of [1, 2, 3, 4, 255, 1_023, 1_024, 1_025, 2_047]) {
    for (const filler of [0x00, 0x7d, 0x7e, 0x5e, 0xff]) {
      const payload = new Uint8Array(length).fill(filler);
      payload.set([0x1f], 0);
      const octets = encodeUsi({ protocol: G3, payload });
      assert.equal(octets.indexOf(0x7e, 1), octets.length - 1, 'no flag inside');
      assert.deepEqual(framesOf([octets]), [{ protocol: G3, payload }], `${length} of ${filler}`);
    }
  }
  const sending = (payload: Uint8Array) => refusal(() => encodeUsi({ protocol: G3, payload }));
  assert.equal(sending(new Uint8Array(0)), 'DLMS_VALUE offset 0: a payload of 0 octets');
  assert.equal(sending(new Uint8Array(2_048)), 'DLMS_VALUE offset 0: a payload of 2048 octets');
  assert.equal(sending(Uint8Array.of(128)), 'DLMS_VALUE offset 2: command 128');
});

test('a flag that nobody follows up is given up, however long the noise', () => {
  const scanner = scannerOf();
  const noise = new Uint8Array(10_000).fill(0x55);
  const [row] = VECTORS;
  const good = fromHex(row?.hex ?? '');
  const events = scanner.receive(concat([Uint8Array.of(0x7e), noise, good]), 0);
  assert.equal(events.filter(({ kind }) => kind === 'frame').length, 1);
  const lost = events.reduce((sum, event) => sum + (event.kind === 'discarded' ? event.octets.length : 0), 0);
  assert.equal(lost, 10_001);
});

test('a message that is cut, too long or no message is refused with its offset; an unknown command is told as such', () => {
  assert.equal(said(''), 'DLMS_TRUNCATED offset 0: 1 octets wanted');
  assert.equal(said('480011223344556677'), 'DLMS_TRUNCATED offset 9: 2 octets wanted');
  assert.equal(said('490001ff'), 'DLMS_TRAILING offset 3: 1 octets after left');
  assert.equal(said('0a0002', 'host'), 'DLMS_CHOICE offset 2: 2 is neither yes nor no');
  assert.deepEqual(decodeG3(fromHex('0a0001'), 'modem'), { kind: 'other', command: 10, octets: fromHex('0001') });
});

test('a message cut at any octet is refused, never read past its end', () => {
  for (const { id, hex, expect } of VECTORS.filter((row) => row.expect.g3.kind !== 'other')) {
    const [frame] = framesOf([fromHex(hex)]);
    assert(frame);
    for (let end = 1; end < frame.payload.length; end++)
      assert.match(
        refusal(() => decodeG3(frame.payload.subarray(0, end), expect.sender)),
        /^DLMS_TRUNCATED offset \d+:/,
        `${id} cut at ${end}`,
      );
  }
});

test('what would not come back is not sent', () => {
  const sending = (message: G3Message) => refusal(() => encodeG3(message));
  assert.equal(sending({ kind: 'left', shortAddress: 1 }), 'taken');
  assert.equal(sending({ kind: 'left', shortAddress: 0x1_0000 }), 'DLMS_VALUE offset 1: shortAddress does not fit');
  assert.equal(sending({ kind: 'left', shortAddress: 1.5 }), 'DLMS_VALUE offset 1: shortAddress does not fit');
  assert.equal(sending({ kind: 'join-request', eui64: '0011' }), 'DLMS_VALUE offset 1: eui64 does not fit');
  assert.equal(sending({ kind: 'left', shortAddress: 0xffff }), 'taken');
  assert.equal(sending({ kind: 'set', attribute: 1, index: 0, value: new Uint8Array(255) }), 'taken');
  const value = new Uint8Array(256);
  assert.equal(sending({ kind: 'set', attribute: 1, index: 0, value }), 'DLMS_VALUE offset 7: value does not fit');
});

const packetOf = (payload: Uint8Array) =>
  encodeUdpPacket({
    source: linkLocalOf(PAN, 1),
    destination: linkLocalOf(PAN, 0),
    sourcePort: 4059,
    destinationPort: 4060,
    payload,
  });

test('a packet with any one bit altered behind its addresses, or in them, is refused', () => {
  const octets = packetOf(fromHex('000100010001'));
  for (let bit = 0; bit < 8 * octets.length; bit++) {
    // Traffic class, flow label and hop limit are in no checksum.
    if (bit < 4 || (bit >= 8 && bit < 32) || (bit >= 56 && bit < 64)) continue;
    const altered = octets.map((octet, at) => (at === bit >>> 3 ? octet ^ (1 << (bit & 7)) : octet));
    assert.match(
      refusal(() => decodeUdpPacket(altered)),
      /^DLMS_(CHOICE|LENGTH|SHAPE) offset/,
      `bit ${bit}`,
    );
  }
});

test('a packet cut at any octet, with a checksum of 0, or above the MTU is refused', () => {
  const octets = packetOf(fromHex('0001'));
  for (let end = 0; end < octets.length; end++)
    assert.match(
      refusal(() => decodeUdpPacket(octets.subarray(0, end))),
      /^DLMS_(TRUNCATED|LENGTH) offset/,
    );
  const unsummed = octets.slice();
  unsummed.set([0, 0], 46);
  assert.equal(
    refusal(() => decodeUdpPacket(unsummed)),
    'DLMS_SHAPE offset 46: checksum 0000 is wrong',
  );
  assert.equal(packetOf(new Uint8Array(1_280 - UDP_HEADERS_OCTETS)).length, 1_280);
  assert.equal(
    refusal(() => packetOf(new Uint8Array(1_281 - UDP_HEADERS_OCTETS))),
    'DLMS_VALUE offset 4: a packet of 1281 octets',
  );
});

test('a sum that comes to 0 is sent as FFFF', () => {
  const base = packetOf(fromHex('0000'));
  const packet = packetOf(base.subarray(46, 48));
  assert.equal(toHex(packet.subarray(46, 48)), 'ffff');
  assert.equal(decodeUdpPacket(packet).payload.length, 2);
});

test('a short address is told only of the link-local addresses of its PAN', () => {
  assert.equal(linkLocalOf(PAN, 0x2a), 'fe80000000000000781d00fffe00002a');
  assert.equal(shortAddressIn(linkLocalOf(PAN, 0x2a), PAN), 0x2a);
  assert.equal(shortAddressIn(linkLocalOf(0x781c, 0x2a), PAN), null);
  assert.equal(shortAddressIn('ff02000000000000000000000000002a', PAN), null);
});

test('any packet comes out as it went in', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(0xffff), fc.nat(0xffff), (payload, from, port) => {
      const packet = {
        source: linkLocalOf(PAN, from),
        destination: linkLocalOf(PAN, 0),
        sourcePort: port,
        destinationPort: 4059,
        payload,
      };
      assert.deepEqual(decodeUdpPacket(encodeUdpPacket(packet)), packet);
    }),
    { numRuns: 300 },
  );
});

test('any frames in any split of the stream come out as they went in', () => {
  const frame = fc.record(
    {
      protocol: fc.constantFrom(G3, PRIME),
      payload: fc
        .tuple(fc.nat(127), fc.uint8Array({ maxLength: 1_200 }))
        .map(([command, octets]) => concat([Uint8Array.of(command), octets])),
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(
      fc.array(frame, { minLength: 1, maxLength: 6 }),
      fc.array(fc.nat(4_000), { maxLength: 12 }),
      (sent, cuts) => {
        const stream = concat(sent.map(encodeUsi));
        const ends = [...cuts.filter((cut) => cut < stream.length).sort((a, b) => a - b), stream.length];
        const chunks = ends.map((end, index) => stream.subarray(index === 0 ? 0 : ends[index - 1], end));
        assert.deepEqual(framesOf(chunks), sent);
      },
    ),
    { numRuns: 200 },
  );
});
