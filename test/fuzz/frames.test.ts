/** Random and mutated octets into every framing layer: it may say error, it may not throw, hang, lose octets or grow. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { concat, fromHex } from '../../src/base/bytes.ts';
import { serverAddress } from '../../src/dlms/frame/hdlc-address.ts';
import { HdlcClient } from '../../src/dlms/frame/hdlc-client.machine.ts';
import { encodeHdlcFrame, HDLC_RULE } from '../../src/dlms/frame/hdlc-frame.ts';
import { decodeHdlcParameters } from '../../src/dlms/frame/hdlc-parameters.ts';
import { HdlcServer } from '../../src/dlms/frame/hdlc-server.machine.ts';
import {
  HDLC_INFORMATION_MAX_BYTES,
  HDLC_INFORMATION_MIN_BYTES,
  NOISE_RUN_MAX_BYTES,
} from '../../src/dlms/frame/limits.ts';
import { encodeMbusFrame, MBUS_RULE } from '../../src/dlms/frame/mbus-frame.ts';
import { PushMachine } from '../../src/dlms/frame/push.machine.ts';
import { type FrameRule, FrameScanner } from '../../src/dlms/frame/scanner.ts';
import { encodeWrapper, wrapperRule } from '../../src/dlms/frame/wrapper-frame.ts';
import { vectors } from '../vectors/vector.ts';

const FRAMES = vectors('hdlc', 'hdlc').map(({ hex }) => fromHex(hex));
const PUSHES = vectors('push-captures')
  .filter(({ layer }) => layer === 'hdlc' || layer === 'mbus')
  .map(({ hex }) => fromHex(hex));

/** Noise that looks like frames: flags, heads and lengths are common in it. */
const looksLikeFrames = fc
  .array(
    fc.oneof(fc.constantFrom(0x7e, 0xa0, 0xa8, 0x68, 0x16, 0x00, 0x01, 0x10, 0x03), fc.integer({ min: 0, max: 255 })),
    { maxLength: 300 },
  )
  .map((octets) => Uint8Array.from(octets));

/** A good frame with some octets altered, cut off or doubled. */
const mutated = fc
  .tuple(
    fc.constantFrom(...FRAMES, ...PUSHES),
    fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
    fc.nat(),
    fc.boolean(),
  )
  .map(([frame, changes, cut, double]) => {
    const octets = frame.slice();
    for (const [at, octet] of changes) octets[at % octets.length] = octet;
    const kept = octets.subarray(0, cut % (octets.length + 1));
    return double ? concat([kept, octets]) : kept;
  });

const anything = fc.array(fc.oneof(looksLikeFrames, mutated), { maxLength: 6 }).map((parts) => concat(parts));

/** Events of a scanner for a stream in pieces, and the silence after it. */
function scan<Frame>(rules: FrameRule<Frame>[], stream: Uint8Array, pieceBytes: number) {
  const scanner = new FrameScanner(rules, 100);
  const events = [];
  for (let at = 0; at < stream.length; at += pieceBytes)
    events.push(...scanner.receive(stream.subarray(at, at + pieceBytes), 0));
  events.push(...scanner.tick(100));
  assert.equal(scanner.deadlineMs(), null, 'nothing is left hanging');
  return events;
}

test('any octets, in any pieces: the same events, and no octet unaccounted for', () => {
  fc.assert(
    fc.property(anything, fc.integer({ min: 1, max: 50 }), (stream, pieceBytes) => {
      for (const rules of [
        [HDLC_RULE],
        [MBUS_RULE],
        [wrapperRule(1_000)],
        [HDLC_RULE, MBUS_RULE],
      ] as FrameRule<unknown>[][]) {
        const whole = scan(rules, stream, stream.length + 1);
        assert.deepEqual(scan(rules, stream, pieceBytes), whole);
        const noise = whole.flatMap((event) => (event.kind === 'discarded' ? [event.octets.length] : []));
        assert.ok(noise.every((length) => length > 0 && length <= NOISE_RUN_MAX_BYTES));
        assert.ok(noise.reduce((sum, length) => sum + length, 0) <= stream.length);
      }
    }),
    { numRuns: 300 },
  );
});

test('a good frame behind any noise is found, whatever the noise looks like', () => {
  const good = encodeHdlcFrame({
    segmented: false,
    destination: { upper: 16, lower: null, length: 1 },
    source: serverAddress(1, 17),
    control: { type: 'I', ns: 0, nr: 1, pollFinal: true },
    information: Uint8Array.from({ length: 40 }, (_, at) => (at % 5 === 0 ? 0x7e : 0xa0)),
  });
  const goods: readonly [FrameRule<unknown>, Uint8Array][] = [
    [HDLC_RULE, good],
    [
      MBUS_RULE,
      encodeMbusFrame({
        control: 0x53,
        address: 0xff,
        controlInformation: 0x10,
        source: 1,
        destination: 0x67,
        data: Uint8Array.of(0x68, 0x68, 1),
      }),
    ],
  ];
  fc.assert(
    fc.property(looksLikeFrames, fc.integer({ min: 1, max: 50 }), (noise, pieceBytes) => {
      for (const [rule, frame] of goods) {
        const found = scan([rule], concat([noise, frame]), pieceBytes).filter((event) => event.kind === 'frame');
        assert.ok(found.length >= 1, 'the frame is found');
      }
    }),
    { numRuns: 300 },
  );
});

test('no machine throws, rests never, or keeps what it was fed', () => {
  fc.assert(
    fc.property(anything, (stream) => {
      const client = new HdlcClient({ client: 16, server: serverAddress(1, 17), responseTimeoutMs: 50, retries: 2 });
      client.connect(0);
      const machines = [client, new HdlcServer(), new PushMachine({ framing: 'auto' })];
      for (const machine of machines) {
        machine.receive(stream, 0);
        for (let steps = 0, due = machine.deadlineMs(); due !== null; due = machine.deadlineMs(), steps++) {
          assert.ok(steps < 1_000, 'the machine comes to rest');
          machine.tick(due);
          machine.takeOutput();
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('link parameters of any octets are null or inside their ranges', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 60 }),
        fc.uint8Array({ maxLength: 40 }).map((body) => concat([Uint8Array.of(0x81, 0x80, body.length), body])),
      ),
      (octets) => {
        const parameters = decodeHdlcParameters(octets);
        if (parameters === null) return;
        for (const size of [parameters.informationTransmitBytes, parameters.informationReceiveBytes]) {
          assert.ok(size >= HDLC_INFORMATION_MIN_BYTES && size <= HDLC_INFORMATION_MAX_BYTES);
        }
        for (const window of [parameters.windowTransmit, parameters.windowReceive])
          assert.ok(window >= 1 && window <= 7);
      },
    ),
  );
});

test('a stream without frames costs linear time', () => {
  const evil = Uint8Array.from(
    { length: 200_000 },
    (_, at) => [0x7e, 0xa7, 0xff, 0x03, 0x68, 0x05, 0x05, 0x68][at % 8] ?? 0,
  );
  // Of this process alone: a neighbour's work is not its own.
  const before = process.cpuUsage();
  for (const octets of [evil, new Uint8Array(200_000).fill(0x68), new Uint8Array(200_000).fill(0x7e)]) {
    scan<unknown>([HDLC_RULE, MBUS_RULE], octets, octets.length);
  }
  scan<unknown>([wrapperRule()], new Uint8Array(200_000), 1_000);
  scan<unknown>([wrapperRule()], encodeWrapper({ source: 1, destination: 1, apdu: new Uint8Array(60_000) }), 1_000);
  const { user, system } = process.cpuUsage(before);
  const perKilobyteMs = (user + system) / 1_000 / 860;
  assert.ok(perKilobyteMs <= 5, `${perKilobyteMs.toFixed(2)} ms for each kB`);
});
