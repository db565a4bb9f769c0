/** Properties of the ASCII codec: what is written is read again, and any split of a stream gives the same end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { asciiProfileText, parseAsciiProfile } from '../../src/dlms/ascii/load-profile.ts';
import { type AsciiMessage, decodeAsciiMessage, encodeAsciiMessage } from '../../src/dlms/ascii/message.ts';
import { asciiMoment, asciiMomentText } from '../../src/dlms/ascii/moment.ts';
import { AsciiPair } from '../unit/dlms/ascii/pair.ts';

const PLAIN = { noNullPrototype: true } as const;
const printable = (maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789().*;:-ABCP\r\n'), maxLength });
const field = (maxLength: number) => fc.string({ unit: fc.constantFrom(...'0123456789.-WkvarhT'), maxLength });
const messages: fc.Arbitrary<AsciiMessage> = fc.oneof(
  fc.constant<AsciiMessage>({ kind: 'acknowledge' }),
  fc.constant<AsciiMessage>({ kind: 'repeat' }),
  fc.record({ kind: fc.constant('data' as const), text: printable(200), isPart: fc.boolean() }, PLAIN),
  fc.record(
    { kind: fc.constant('command' as const), name: fc.constantFrom('P0', 'R5', 'B0'), text: fc.option(printable(40)) },
    PLAIN,
  ),
);

test('a message is read as it was written, behind noise and in front of anything, and is not whole before its last octet', () => {
  fc.assert(
    fc.property(messages, printable(8), printable(8), (message, before, after) => {
      const sent = encodeAsciiMessage(message);
      const octets = Uint8Array.of(...Buffer.from(before), ...sent, ...Buffer.from(after));
      assert.deepEqual(decodeAsciiMessage(octets), { message, used: before.length + sent.length });
      assert.equal(decodeAsciiMessage(sent.subarray(0, -1)), null);
    }),
  );
});

test('an octet of a message that is altered in one bit is never taken for the message', () => {
  fc.assert(
    fc.property(printable(60), fc.nat(), fc.integer({ min: 0, max: 6 }), (text, place, bit) => {
      const sent = encodeAsciiMessage({ kind: 'data', text, isPart: false });
      const at = place % sent.length;
      const altered = sent.map((octet, each) => (each === at ? octet ^ (1 << bit) : octet));
      let read: unknown = null;
      try {
        read = decodeAsciiMessage(altered)?.message ?? null;
      } catch {
        return;
      }
      assert.notDeepEqual(read, { kind: 'data', text, isPart: false });
      assert.ok(
        read === null || (read as AsciiMessage).kind !== 'data' || (read as { text: string }).text.length < text.length,
      );
    }),
  );
});

test('moments of this century stand for themselves, with and without season and seconds', () => {
  const within = (min: number, max: number) => fc.integer({ min, max });
  fc.assert(
    fc.property(
      fc.record({
        year: within(2000, 2099),
        month: within(1, 12),
        day: within(1, 28),
        hour: within(0, 23),
        minute: within(0, 59),
      }),
      fc.constantFrom(0, 0x80),
      (parts, status) => {
        const time = { ...parts, weekday: null, second: 0, hundredths: 0, deviation: null, status };
        for (const digits of [11, 13] as const) assert.deepEqual(asciiMoment(asciiMomentText(time, digits)), time);
        for (const digits of [10, 12] as const)
          assert.deepEqual(asciiMoment(asciiMomentText(time, digits)), { ...time, status: 0xff });
      },
    ),
  );
});

test('a load profile is read as it was written', () => {
  const part = fc.integer({ min: 1, max: 4 }).chain((count) =>
    fc.record(
      {
        name: fc.constantFrom('P.01', 'P.02'),
        time: field(13),
        status: fc.uint8Array({ maxLength: 8 }),
        intervalMin: fc.integer({ min: 1, max: 1_440 }),
        channels: fc.array(fc.record({ id: field(10), unit: field(5) }, PLAIN), { minLength: count, maxLength: count }),
        rows: fc.array(
          fc.array(
            field(8).map((text) => `1${text}`),
            { minLength: 1, maxLength: 5 },
          ),
          { maxLength: 6 },
        ),
      },
      PLAIN,
    ),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 4 }), (parts) => {
      assert.deepEqual(parseAsciiProfile(asciiProfileText(parts)), parts);
    }),
  );
});

test('any split of what the meter says gives the same end', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 80 }),
      fc.constantFrom('A' as const, 'B' as const, 'C' as const),
      (octets, mode) => {
        const pair = new AsciiPair({ mode, readOut: () => '0.0.0(1)\r\n1.8.0(12.5*kWh)\r\n!' });
        pair.pieceOctets = octets;
        const event = pair.run({ kind: 'read-out', address: '' });
        assert.ok(event.kind === 'read');
        assert.deepEqual(event.texts, ['0.0.0(1)\r\n1.8.0(12.5*kWh)\r\n!\r\n']);
      },
    ),
    { numRuns: 60 },
  );
});
