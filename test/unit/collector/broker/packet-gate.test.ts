import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteWriter } from '../../../../src/base/bytes.ts';
import { AddressRate, addressOf } from '../../../../src/collector/broker/address-rate.ts';
import { ADDRESSES, PACKET_MAX_BYTES } from '../../../../src/collector/broker/limits.ts';
import { PacketGate } from '../../../../src/collector/broker/packet-gate.ts';

/** A packet whose body looks like anything but headers. */
const publish = (length: number): Uint8Array =>
  new ByteWriter().u8(0x32).varint(length).bytes(new Uint8Array(length).fill(0xff)).finish();

function faultOf(gate: PacketGate, octets: Uint8Array, cuts: readonly number[]): string | null {
  let from = 0;
  for (const to of [...cuts.map((cut) => cut % (octets.length + 1)).sort((a, b) => a - b), octets.length]) {
    const fault = gate.check(octets.subarray(from, to));
    if (fault !== null) return fault;
    from = to;
  }
  return null;
}

test('lawful packets pass however the stream is split', () => {
  const lengths = fc.array(fc.nat({ max: 3_000 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(lengths, fc.array(fc.nat(), { maxLength: 20 }), (sizes, cuts) => {
      const gate = new PacketGate();
      gate.open();
      assert.equal(faultOf(gate, Buffer.concat(sizes.map(publish)), cuts), null);
      assert.equal(
        gate.check(Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0x7f)),
        'packet too large',
        'and the gate is at a packet border',
      );
    }),
  );
});

test('a packet one octet above the bound is cut at its header, the largest passes', () => {
  const header = (length: number): Uint8Array =>
    Uint8Array.of(0x30, (length % 128) | 0x80, (Math.floor(length / 128) % 128) | 0x80, Math.floor(length / 16_384));
  const [fits, tooLarge] = [new PacketGate(), new PacketGate()];
  fits.open();
  tooLarge.open();
  assert.equal(fits.check(header(PACKET_MAX_BYTES)), null);
  assert.equal(tooLarge.check(header(PACKET_MAX_BYTES + 1)), 'packet too large');
});

test('a length of five octets is malformed', () => {
  const gate = new PacketGate();
  assert.equal(faultOf(gate, Uint8Array.of(0x10, 0xff, 0xff, 0xff, 0xff, 0x01), [2, 4]), 'malformed length');
});

test('a stranger has 8 KiB, in whatever packets', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 8_193, maxLength: 9_000 }),
      fc.array(fc.nat(), { maxLength: 5 }),
      (octets, cuts) => {
        assert.notEqual(faultOf(new PacketGate(), octets, cuts), null);
      },
    ),
    { numRuns: 20 },
  );
});

test('the rate of an address forgets the oldest address, not the newest', () => {
  const rate = new AddressRate(2);
  assert.deepEqual([rate.take('a', 0), rate.take('a', 1), rate.take('a', 2)], [true, true, false]);
  for (let other = 0; other < ADDRESSES - 1; other++) rate.take(`x${other}`, 3);
  assert.equal(rate.take('a', 4), false);
  for (let other = 0; other < ADDRESSES; other++) rate.take(`y${other}`, 5);
  assert.equal(rate.take('a', 6), true);
});

test('addresses are read from what the host says of a peer', () => {
  assert.deepEqual(['10.0.0.5:40112', '::1:40112', '::ffff:127.0.0.1:9', 'memory'].map(addressOf), [
    '10.0.0.5',
    '::1',
    '::ffff:127.0.0.1',
    'memory',
  ]);
});
