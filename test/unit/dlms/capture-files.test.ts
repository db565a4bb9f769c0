/** Capture files octet by octet: both orders, both units of time, sections, interfaces, and what is damaged. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteWriter, concat, toHex } from '../../../src/base/bytes.ts';
import { hasCode } from '../../../src/base/errors.ts';
import { isCaptureFile, packetsOf } from '../../../src/dlms/explain/capture/pcap.ts';
import { TcpStream } from '../../../src/dlms/explain/capture/stream.ts';

type Order = 'big' | 'little';
const ORDERS: readonly Order[] = ['big', 'little'];
const OCTETS = Uint8Array.of(1, 2, 3, 4, 5);

const u16s = (order: Order, ...numbers: readonly number[]): Uint8Array =>
  concat(numbers.map((each) => (order === 'big' ? new ByteWriter().u16(each) : new ByteWriter().u16LE(each)).finish()));
const u32s = (order: Order, ...numbers: readonly number[]): Uint8Array =>
  concat(numbers.map((each) => (order === 'big' ? new ByteWriter().u32(each) : new ByteWriter().u32LE(each)).finish()));

function pcap(order: Order, magic: number, linkType: number, packets: readonly (readonly [number, number])[]) {
  const head = concat([u32s(order, magic), u16s(order, 2, 4), u32s(order, 0, 0, 65_535, linkType)]);
  const records = packets.map(([seconds, part]) => [u32s(order, seconds, part, OCTETS.length, 60), OCTETS]);
  return concat([head, ...records.flat()]);
}

/** A block of pcapng around a body, which is filled up to words. */
function block(order: Order, type: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const body = concat(parts);
  const filled = concat([body, new Uint8Array((4 - (body.length % 4)) % 4)]);
  return concat([u32s(order, type, filled.length + 12), filled, u32s(order, filled.length + 12)]);
}

const section = (order: Order) =>
  block(order, 0x0a0d0d0a, u32s(order, 0x1a2b3c4d), u16s(order, 1, 0), u32s(order, 0xffff_ffff, 0xffff_ffff));
const described = (order: Order, linkType: number, ...options: readonly Uint8Array[]) =>
  block(order, 1, u16s(order, linkType, 0), u32s(order, 0), ...options);
/** The option that says the unit of times, filled up to words. */
const resolution = (order: Order, octet: number) => concat([u16s(order, 9, 1), Uint8Array.of(octet, 0, 0, 0)]);
const enhanced = (order: Order, at: number, high: number, low: number) =>
  block(order, 6, u32s(order, at, high, low, OCTETS.length, 60), OCTETS);
const shown = (file: Uint8Array) =>
  [...packetsOf(file)].map(({ atMs, linkType, octets }) => [atMs, linkType, toHex(octets)]);
const isDamaged = (where: RegExp) => (error: unknown) =>
  hasCode(error, 'DLMS_CAPTURE') && where.test((error as Error).message);

test('HE-7 pcap: either order of octets, micro- and nanoseconds, the link type without its upper bits', () => {
  for (const order of ORDERS) {
    const micro = pcap(order, 0xa1b2c3d4, 0xf001_0065, [
      [1_700_000_000, 250_999],
      [1_700_000_001, 0],
    ]);
    assert.ok(isCaptureFile(micro));
    assert.deepEqual(shown(micro), [
      [1_700_000_000_250, 0x65, '0102030405'],
      [1_700_000_001_000, 0x65, '0102030405'],
    ]);
    const nano = pcap(order, 0xa1b23c4d, 1, [[1_700_000_000, 250_999_999]]);
    assert.ok(isCaptureFile(nano));
    assert.deepEqual(shown(nano), [[1_700_000_000_250, 1, '0102030405']]);
    assert.equal([...packetsOf(micro)][0]?.offset, 24 + 16);
  }
});

test('HE-7 what does not begin as a capture file is none', () => {
  assert.ok(!isCaptureFile(new Uint8Array(3)));
  assert.ok(!isCaptureFile(Uint8Array.of(0x7e, 0xa0, 0x08, 0x02)));
  assert.ok(isCaptureFile(Uint8Array.of(0x0a, 0x0d, 0x0d, 0x0a)));
  assert.throws(() => shown(new Uint8Array(24)), isDamaged(/no capture file/));
});

test('HE-7 pcapng: times in microseconds unless the interface says another power of ten or of two', () => {
  for (const order of ORDERS) {
    const file = concat([
      section(order),
      described(order, 101),
      described(order, 1, resolution(order, 3)),
      described(order, 1, concat([u16s(order, 2, 3), Uint8Array.of(0x65, 0x74, 0x68, 0)]), resolution(order, 0x8a)),
      enhanced(order, 0, 1, 5_000),
      enhanced(order, 1, 0, 7_250),
      enhanced(order, 2, 0, 2_560),
    ]);
    assert.ok(isCaptureFile(file));
    assert.deepEqual(shown(file), [
      [Math.floor((2 ** 32 + 5_000) / 1_000), 101, '0102030405'],
      [7_250, 1, '0102030405'],
      [2_500, 1, '0102030405'],
    ]);
  }
});

test('HE-7 pcapng: simple packets have no time, unknown blocks are passed over, a new section forgets interfaces', () => {
  const other = block('little', 5, new Uint8Array(8));
  const simple = block('little', 3, u32s('little', 4), OCTETS.subarray(0, 4));
  const file = concat([section('little'), described('little', 101), other, simple, section('big')]);
  assert.deepEqual(shown(file), [[null, 101, '01020304']]);
  const forgotten = concat([file, enhanced('big', 0, 0, 1)]);
  assert.throws(() => shown(forgotten), isDamaged(/interface 0 was not described/));
});

test('HE-7 pcapng: where a packet begins in the file, behind a block with nothing in it', () => {
  const before = concat([section('big'), described('big', 101), block('big', 5)]);
  const [packet] = packetsOf(concat([before, enhanced('big', 0, 0, 1)]));
  assert.equal(packet?.offset, before.length + 8 + 20);
});

test('HE-7 damaged files say where: two lengths, a length that is none, an order that is none, a packet too long', () => {
  const good = concat([section('big'), described('big', 101)]);
  const twoLengths = good.slice();
  twoLengths[good.length - 1] = 99;
  assert.throws(() => shown(twoLengths), isDamaged(new RegExp(`offset ${section('big').length}: the block says two`)));
  for (const length of [8, 13])
    assert.throws(() => shown(concat([good, u32s('big', 5, length), new Uint8Array(16)])), isDamaged(/a block of/));
  const noOrder = good.slice();
  noOrder[8] = 0;
  assert.throws(() => shown(noOrder), isDamaged(/no order of octets/));
  const long = pcap('big', 0xa1b2c3d4, 1, []);
  const fits = concat([long, u32s('big', 0, 0, 262_144, 0), new Uint8Array(262_144)]);
  assert.equal([...packetsOf(fits)][0]?.octets.length, 262_144);
  assert.throws(() => shown(concat([long, u32s('big', 0, 0, 262_145, 0)])), isDamaged(/offset 32: a packet of 262145/));
  assert.throws(() => shown(concat([long, u32s('big', 0, 0, 9, 9)])), isDamaged(/ends inside a packet/));
});

/** What a stream gives for segments, as text. */
function streamSays(segments: readonly (readonly [number, string])[], start = 100): string[] {
  const stream = new TcpStream();
  const says = (parts: ReturnType<TcpStream['take']>) =>
    parts.map((part) => (part.kind === 'lost' ? `lost ${part.count}` : new TextDecoder().decode(part.octets)));
  const opened = says(stream.take(start - 1, true, new Uint8Array()));
  const taken = segments.flatMap(([at, text]) => says(stream.take(at >>> 0, false, new TextEncoder().encode(text))));
  return [...opened, ...taken, ...says(stream.flush())];
}

test('HE-7 segments of a stream: in order, repeated, overlapping, early, and the longer of two early ones', () => {
  assert.deepEqual(
    streamSays([
      [100, 'ab'],
      [102, 'cd'],
    ]),
    ['ab', 'cd'],
  );
  assert.deepEqual(
    streamSays([
      [100, 'abcd'],
      [100, 'abcd'],
      [102, 'cdef'],
    ]),
    ['abcd', 'ef'],
  );
  assert.deepEqual(
    streamSays([
      [102, 'c'],
      [102, 'cd'],
      [102, 'c'],
      [100, 'ab'],
    ]),
    ['ab', 'cd'],
  );
  assert.deepEqual(streamSays([[104, 'ef']]), ['lost 4', 'ef']);
  const holes = [
    [110, 'k'],
    [105, 'f'],
    [120, 'u'],
  ] as const;
  assert.deepEqual(streamSays(holes), ['lost 5', 'f', 'lost 4', 'k', 'lost 9', 'u'], 'nearest first');
});

test('HE-7 numbers of a stream go over their end, and a connection opened anew forgets what waited', () => {
  const start = 2 ** 32 - 2;
  assert.deepEqual(
    streamSays(
      [
        [start + 2, 'cd'],
        [start, 'ab'],
      ],
      start,
    ),
    ['ab', 'cd'],
  );
  const stream = new TcpStream();
  stream.take(0, true, new Uint8Array());
  stream.take(50, false, OCTETS);
  assert.deepEqual(stream.take(500, true, new Uint8Array()), []);
  assert.deepEqual(stream.flush(), []);
  assert.deepEqual(stream.take(600, true, OCTETS), [{ kind: 'octets', octets: OCTETS }]);
});

test('HE-7 a hole is skipped when 256 segments or 262,144 octets wait behind it, and no sooner', () => {
  const many = new TcpStream();
  many.take(0, true, new Uint8Array());
  for (let at = 0; at < 256; at++) assert.deepEqual(many.take(10 + 2 * at, false, Uint8Array.of(at)), []);
  assert.deepEqual(many.take(1_000, false, Uint8Array.of(0))[0], { kind: 'lost', count: 9 });
  const wide = new TcpStream();
  wide.take(0, true, new Uint8Array());
  assert.deepEqual(wide.take(2, false, new Uint8Array(262_144)), []);
  assert.deepEqual(wide.take(300_000, false, new Uint8Array(1))[0], { kind: 'lost', count: 1 });
});
