import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteReader, concat, fromHex, toHex } from '../../src/base/bytes.ts';
import type { FrameErrorCode } from '../../src/dlms/frame/errors.ts';
import { type HdlcAddress, encodeHdlcAddress, readHdlcAddress } from '../../src/dlms/frame/hdlc-address.ts';
import { HDLC_RULE, type HdlcFrame, encodeHdlcControl, encodeHdlcFrame } from '../../src/dlms/frame/hdlc-frame.ts';
import { decodeHdlcParameters, encodeHdlcParameters } from '../../src/dlms/frame/hdlc-parameters.ts';
import { MBUS_RULE, encodeMbusFrame, isLastMbusSegment, mbusSequence } from '../../src/dlms/frame/mbus-frame.ts';
import { PushMachine } from '../../src/dlms/frame/push.machine.ts';
import { type FrameRule, FrameScanner } from '../../src/dlms/frame/scanner.ts';
import { encodeWrapper, wrapperRule } from '../../src/dlms/frame/wrapper-frame.ts';
import { vectors } from './vector.ts';

interface AddressOf {
  readonly hex: string;
  readonly upper: number;
  readonly lower?: number;
  readonly length: number;
}

interface FrameOf {
  readonly segmented: boolean;
  readonly frameLength: number;
  readonly destination: AddressOf;
  readonly source: AddressOf;
  readonly control: { readonly byte: string; readonly type: string; readonly ns?: number; readonly nr?: number; readonly pollFinal: boolean };
  readonly informationHex: string;
  readonly parameters?: Readonly<Record<'maxInfoTransmit' | 'maxInfoReceive' | 'windowTransmit' | 'windowReceive', number>>;
}

const GAP_MS = 100;

/** Frames and discards of a stream, given whole or octet by octet, with the silence after it. */
function scan<Frame>(rule: FrameRule<Frame>, octets: Uint8Array, pieceBytes: number) {
  const scanner = new FrameScanner([rule], GAP_MS);
  const events = [];
  for (let at = 0; at < octets.length; at += pieceBytes) events.push(...scanner.receive(octets.subarray(at, at + pieceBytes), 0));
  return [...events, ...scanner.tick(GAP_MS)];
}

function framesOf<Frame>(rule: FrameRule<Frame>, octets: Uint8Array): Frame[] {
  const whole = scan(rule, octets, octets.length + 1);
  assert.deepEqual(scan(rule, octets, 1), whole, 'octet by octet gives the same events');
  return whole.map((event) => {
    assert.equal(event.kind, 'frame', JSON.stringify(event));
    return (event as { frame: Frame }).frame;
  });
}

function checkHdlc(frame: HdlcFrame, expected: FrameOf): void {
  assert.equal(frame.segmented, expected.segmented);
  for (const end of ['destination', 'source'] as const) {
    assert.equal(toHex(encodeHdlcAddress(frame[end])), expected[end].hex);
    assert.deepEqual(frame[end], { upper: expected[end].upper, lower: expected[end].lower ?? null, length: expected[end].length });
  }
  const { byte, ...control } = expected.control;
  assert.deepEqual({ ...frame.control }, control);
  assert.equal(encodeHdlcControl(frame.control), Number.parseInt(byte, 16));
  if (expected.informationHex !== undefined) assert.equal(toHex(frame.information), expected.informationHex);
}

test('HE-7 every hdlc vector: decoded whole and octet by octet, encoded to the same octets', () => {
  const rows = vectors<{ frame?: FrameOf; frames?: FrameOf[] }>('hdlc', 'hdlc');
  assert.ok(rows.length >= 59);
  for (const row of rows) {
    const frames = framesOf(HDLC_RULE, fromHex(row.hex));
    const expected = row.expect.frames ?? [row.expect.frame as FrameOf];
    assert.equal(frames.length, expected.length, row.id);
    frames.forEach((frame, at) => checkHdlc(frame, expected[at] as FrameOf));
    assert.equal(toHex(concat(frames.map(encodeHdlcFrame))), row.hex, row.id);
  }
});

test('HE-7 link parameters of SNRM and UA vectors are read and written', () => {
  let read = 0;
  for (const row of vectors<{ frame: FrameOf }>('hdlc', 'hdlc')) {
    const { parameters, informationHex } = row.expect.frame;
    if (parameters === undefined) continue;
    const octets = fromHex(informationHex);
    const found = decodeHdlcParameters(octets);
    assert.ok(found !== null, row.id);
    assert.deepEqual(found, {
      informationTransmitBytes: parameters.maxInfoTransmit,
      informationReceiveBytes: parameters.maxInfoReceive,
      windowTransmit: parameters.windowTransmit,
      windowReceive: parameters.windowReceive,
    });
    const again = [encodeHdlcParameters(found), encodeHdlcParameters(found, true)].map(toHex);
    assert.ok(again.includes(informationHex), `${row.id}: ${again.join(' or ')} for ${informationHex}`);
    read++;
  }
  assert.ok(read >= 5);
});

test('HE-7 every hdlc-address vector, both ways', () => {
  const rows = vectors<{ address: HdlcAddress }>('hdlc', 'hdlc-address');
  assert.equal(rows.length, 10);
  for (const row of rows) {
    const { upper, lower, length } = row.expect.address;
    assert.deepEqual(readHdlcAddress(new ByteReader(fromHex(row.hex))), { upper, lower, length });
    assert.equal(toHex(encodeHdlcAddress({ upper, lower, length })), row.hex);
  }
});

test('HE-7 every wrapper vector: decoded whole and octet by octet, encoded to the same octets', () => {
  const rows = vectors<{ wrapper: { sourceWPort: number; destinationWPort: number; apduHex: string } }>('wrapper', 'wrapper');
  assert.equal(rows.length, 14);
  for (const row of rows) {
    const [message, ...more] = framesOf(wrapperRule(), fromHex(row.hex));
    assert.ok(message !== undefined && more.length === 0, row.id);
    assert.equal(message.source, row.expect.wrapper.sourceWPort);
    assert.equal(message.destination, row.expect.wrapper.destinationWPort);
    if (row.expect.wrapper.apduHex !== undefined) assert.equal(toHex(message.apdu), row.expect.wrapper.apduHex);
    assert.equal(toHex(encodeWrapper(message)), row.hex);
  }
});

interface MbusOf {
  readonly length: number;
  readonly c: string;
  readonly a: string;
  readonly ci: string;
  readonly stsap: number;
  readonly dtsap: number;
  readonly last: boolean;
  readonly sequence: number;
}

test('HE-7 every mbus vector: frames decoded whole and octet by octet, encoded to the same octets', () => {
  const rows = vectors<{ link: MbusOf[] }>('push-captures', 'mbus');
  assert.equal(rows.length, 5);
  for (const row of rows) {
    const frames = framesOf(MBUS_RULE, fromHex(row.hex));
    const read = frames.map((frame) => ({
      length: frame.data.length + 5,
      c: frame.control.toString(16),
      a: frame.address.toString(16),
      ci: frame.controlInformation.toString(16).padStart(2, '0'),
      stsap: frame.source,
      dtsap: frame.destination,
      checksumValid: true,
      last: isLastMbusSegment(frame),
      sequence: mbusSequence(frame),
    }));
    assert.deepEqual(read, row.expect.link, row.id);
    assert.equal(toHex(concat(frames.map(encodeMbusFrame))), row.hex);
  }
});

/** Messages and discard codes that a listener makes of a stream in pieces. */
function listen(octets: Uint8Array, pieceBytes: number) {
  const machine = new PushMachine({ framing: 'auto' });
  const events = [];
  for (let at = 0; at < octets.length; at += pieceBytes) events.push(...machine.receive(octets.subarray(at, at + pieceBytes), 0));
  for (let due = machine.deadlineMs(); due !== null; due = machine.deadlineMs()) events.push(...machine.tick(due));
  return events;
}

test('HE-7 pushed captures over HDLC and M-Bus: the same APDUs, whole, in pieces and octet by octet', () => {
  let messages = 0;
  for (const row of vectors<{ link: unknown[]; messages: { apduHex: string }[] }>('push-captures')) {
    if (row.layer !== 'hdlc' && row.layer !== 'mbus') continue;
    const octets = fromHex(row.hex);
    const events = listen(octets, octets.length);
    for (const piece of [1, 7, 100]) assert.deepEqual(listen(octets, piece), events, `${row.id} in pieces of ${piece}`);
    const apdus = events.flatMap((event) => (event.kind === 'unsolicited' ? [toHex(event.apdu)] : []));
    assert.deepEqual(apdus, row.expect.messages.map((message) => message.apduHex), row.id);
    messages += apdus.length;
    if (row.layer === 'hdlc') {
      const frames = framesOf(HDLC_RULE, octets);
      assert.equal(frames.length, row.expect.link.length);
      assert.equal(toHex(concat(frames.map((frame) => encodeHdlcFrame(frame)))), row.hex);
    }
  }
  assert.ok(messages >= 27, `${messages} messages`);
});

const MALFORMED: Readonly<Record<string, FrameErrorCode>> = {
  'hdlc-bad-fcs': 'HDLC_FCS_MISMATCH',
  'hdlc-bad-hcs': 'HDLC_HCS_MISMATCH',
  'hdlc-length-short': 'HDLC_HCS_MISMATCH',
  'hdlc-wrong-format-type': 'HDLC_FORMAT',
  'hdlc-addr-no-end-bit': 'HDLC_ADDRESS',
  'bad-crc-jdlms-frame-117': 'FRAME_GAP',
  'bad-crc-epri-aare-frame': 'HDLC_ADDRESS',
  'wrapper-bad-version-1001': 'WRAPPER_VERSION',
  'wrapper-bad-version-0002': 'WRAPPER_VERSION',
};

test('HE-7 malformed frames are named, counted in octets, and a good frame behind them is never lost', () => {
  const rows = vectors('malformed').filter((row) => row.id in MALFORMED);
  assert.equal(rows.length, Object.keys(MALFORMED).length);
  for (const row of rows) {
    const octets = fromHex(row.hex);
    const rule: FrameRule<unknown> = row.layer === 'wrapper' ? wrapperRule() : HDLC_RULE;
    const good = fromHex(row.layer === 'wrapper' ? '0001000100100002c0ff' : '7ea00802232193bd647e');
    const events = scan(rule, octets, octets.length);
    assert.deepEqual(scan(rule, octets, 1), events, row.id);
    const [first] = events;
    assert.ok(first?.kind === 'discarded', row.id);
    if (row.layer === 'hdlc') assert.equal(first.code, MALFORMED[row.id], row.id);
    const lost = events.reduce((sum, event) => sum + (event.kind === 'discarded' ? event.octets.length : 0), 0);
    assert.ok(lost >= octets.length - 1 && lost <= octets.length, `${row.id}: ${lost} of ${octets.length} octets accounted for`);
    const followed = scan(rule, concat([octets, good]), 5);
    assert.equal(followed.filter((event) => event.kind === 'frame').length, 1, `${row.id}: the next frame is found`);
  }
});

test('HE-7 interop 20: blocks of a push that arrive twice or out of order give no message', () => {
  const row = vectors('malformed').find((each) => each.id === 'gbt-duplicate-block');
  assert.ok(row !== undefined);
  const events = listen(fromHex(row.hex), 64);
  assert.deepEqual(new Set(events.map((event) => (event.kind === 'discarded' ? event.code : event.kind))), new Set(['GBT_ORDER']));
});

test('interop 13: 7E inside the data, the header checksum or the frame checksum does not end a frame', () => {
  const frameOf = (number: number): HdlcFrame => ({
    segmented: false,
    destination: { upper: 16, lower: null, length: 1 },
    source: { upper: 1, lower: 17, length: 2 },
    control: { type: 'I', ns: number & 7, nr: 0, pollFinal: true },
    information: Uint8Array.of(0xe6, 0xe7, 0x00, number >> 8, number & 0xff, 0x7e, 0xa0, 0x07),
  });
  const HEADER_OCTETS = 7;
  const places = { header: 0, frame: 0 };
  const all: HdlcFrame[] = [];
  for (let number = 0; number < 2_000; number++) {
    const octets = encodeHdlcFrame(frameOf(number));
    if (octets.subarray(HEADER_OCTETS, HEADER_OCTETS + 2).includes(0x7e)) places.header++;
    if (octets.subarray(-3, -1).includes(0x7e)) places.frame++;
    else if (number > 50) continue;
    all.push(frameOf(number));
  }
  assert.ok(places.frame > 5, `${places.frame} frames have 7E in their checksum`);
  const found = framesOf(HDLC_RULE, concat(all.map(encodeHdlcFrame)));
  const numbersOf = (frames: readonly HdlcFrame[]) => frames.map(({ information }) => toHex(information)).join(' ');
  assert.equal(numbersOf(found), numbersOf(all));
  const inHeader = vectors<{ readonly id: string; readonly hex: string }>('hdlc').filter(({ id }) => id === 'jdlms-fcs-69');
  assert.equal(inHeader.length, 1, 'a captured frame with 7E in its header checksum');
});

test('interop 14: 3 s between the segments of a push are waited out; the longest wait is a setting', () => {
  const segments = vectors<{ readonly id: string; readonly hex: string }>('hdlc')
    .filter(({ id }) => id.startsWith('constructed-segment-'))
    .map(({ hex }) => fromHex(hex));
  assert.equal(segments.length, 3);
  const heard = (pauseMs: number, reassemblyMs?: number): string[] => {
    const machine = new PushMachine({ framing: 'hdlc', ...(reassemblyMs === undefined ? {} : { reassemblyMs }) });
    return segments.flatMap((octets, at) => {
      const nowMs = at * pauseMs;
      const events = [...machine.tick(nowMs), ...machine.receive(octets, nowMs)];
      return events.map((event) => (event.kind === 'discarded' ? event.code : event.kind));
    });
  };
  assert.deepEqual(heard(3_000), ['unsolicited']);
  assert.ok(heard(5_000).includes('HDLC_SEGMENT_LOST'), 'beyond the wait what was there is given up by name');
  assert.deepEqual(heard(5_000, 8_000), ['unsolicited']);
});
