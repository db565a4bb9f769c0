/** A customer port segment by segment: what is joined, what is given up, when, and under which code. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, fromHex, toHex } from '../../../../src/base/bytes.ts';
import { clientAddress, serverAddress } from '../../../../src/dlms/frame/hdlc-address.ts';
import { encodeHdlcFrame, type HdlcControl } from '../../../../src/dlms/frame/hdlc-frame.ts';
import { PUSH_MESSAGE_MAX_BYTES, PUSH_SENDERS_MAX } from '../../../../src/dlms/frame/limits.ts';
import { LLC, withLlc } from '../../../../src/dlms/frame/llc.ts';
import { encodeMbusFrame } from '../../../../src/dlms/frame/mbus-frame.ts';
import { type PushFraming, PushMachine } from '../../../../src/dlms/frame/push.machine.ts';

const A = fromHex('0f01020304');
const B = fromHex('0506070809');
const head = (apdu: Uint8Array) => withLlc(LLC.response, apdu);
interface Sent {
  readonly control?: HdlcControl;
  readonly segmented?: boolean;
  readonly meter?: number;
}
const UI: HdlcControl = { type: 'UI', pollFinal: false };
const numbered = (ns: number): HdlcControl => ({ type: 'I', ns, nr: 0, pollFinal: false });
function hdlc(information: Uint8Array, { control = UI, segmented = false, meter = 1 }: Sent = {}): Uint8Array {
  const ends = { destination: clientAddress(16), source: serverAddress(meter, 17) };
  return encodeHdlcFrame({ control, segmented, information, ...ends });
}
function mbus(data: Uint8Array, sequence: number, isLast = false, address = 0xff): Uint8Array {
  const controlInformation = sequence | (isLast ? 0x10 : 0);
  return encodeMbusFrame({ control: 0x53, address, controlInformation, source: 1, destination: 0x67, data });
}

/** What a port tells of frames that come one after the other, 1,000 ms apart, and of 60 s of silence behind them. */
function told(framing: PushFraming, ...frames: readonly Uint8Array[]): string[] {
  const machine = new PushMachine({ framing });
  const text = (events: ReturnType<PushMachine['receive']>) =>
    events.map((event) => {
      if (event.kind === 'unsolicited')
        return `${event.stations?.client}<${event.stations?.server} ${toHex(event.apdu)}`;
      return event.kind === 'discarded' ? `${event.code} ${toHex(event.octets)}` : event.kind;
    });
  const heard = frames.flatMap((frame, at) => text(machine.receive(frame, at * 1_000)));
  const atMs = frames.length * 1_000;
  const silent = text(machine.tick(atMs + 60_000));
  assert.deepEqual([machine.tick(atMs + 120_000), machine.deadlineMs()], [[], null], 'it is told once');
  return [...heard, ...silent];
}

test('UI frames: whole ones with or without LLC, segments of several meters in any mixture', () => {
  const segment = (information: Uint8Array, meter = 1) => hdlc(information, { segmented: true, meter });
  const whole = `16<1 ${toHex(A)}${toHex(B)}`;
  assert.deepEqual(told('hdlc', hdlc(head(A)), hdlc(A)), [`16<1 ${toHex(A)}`, `16<1 ${toHex(A)}`]);
  assert.deepEqual(told('hdlc', segment(head(A)), hdlc(B)), [whole]);
  assert.deepEqual(told('hdlc', segment(head(A)), segment(head(B), 2), hdlc(B), hdlc(A, { meter: 2 })), [
    ...[whole, `16<2 ${toHex(B)}${toHex(A)}`],
  ]);
  // A new head: what was begun before it stays without an end.
  assert.deepEqual(told('hdlc', segment(head(A)), segment(head(A)), hdlc(B)), [`HDLC_SEGMENT_LOST ${toHex(A)}`, whole]);
  assert.deepEqual(told('hdlc', segment(head(A))), [`HDLC_SEGMENT_LOST ${toHex(A)}`]);
});

test('frames that push nothing: of another kind, or without information', () => {
  const snrm = hdlc(A, { control: { type: 'SNRM', pollFinal: true } });
  assert.deepEqual(told('hdlc', snrm, hdlc(new Uint8Array(0))), [`HDLC_UNEXPECTED ${toHex(A)}`, 'HDLC_UNEXPECTED ']);
});

test('I frames: segments follow each other by their numbers, which begin again behind 7', () => {
  const i = (ns: number, information: Uint8Array, segmented = true) =>
    hdlc(information, { control: numbered(ns), segmented });
  assert.deepEqual(told('hdlc', i(6, head(A)), i(7, B), i(0, A, false)), [`16<1 ${toHex(A)}${toHex(B)}${toHex(A)}`]);
  // The frame behind a hole is dropped with what stands before the hole.
  assert.deepEqual(told('hdlc', i(1, head(A)), i(3, B, false), i(4, head(B), false)), [
    ...[`HDLC_SEGMENT_LOST ${toHex(A)}`, `16<1 ${toHex(B)}`],
  ]);
  assert.deepEqual(told('hdlc', i(1, head(A)), i(5, head(B), false)), [
    `HDLC_SEGMENT_LOST ${toHex(A)}`,
    `16<1 ${toHex(B)}`,
  ]);
});

test('M-Bus: segments count from 0; another one ends the message, a new 0 begins one', () => {
  const whole = `103<1 ${toHex(A)}${toHex(B)}`;
  const order = (octets: Uint8Array) => `MBUS_SEGMENT_ORDER ${toHex(octets)}`;
  assert.deepEqual(told('mbus', mbus(A, 0, true)), [`103<1 ${toHex(A)}`]);
  assert.deepEqual(told('mbus', mbus(A, 0), mbus(B, 1, true)), [whole]);
  assert.deepEqual(told('mbus', mbus(A, 0), mbus(B, 2, true), mbus(A, 0), mbus(B, 1, true)), [
    order(A),
    order(B),
    whole,
  ]);
  assert.deepEqual(told('mbus', mbus(A, 0), mbus(A, 0), mbus(B, 1, true)), [order(A), whole]);
  assert.deepEqual(told('mbus', mbus(B, 1, true), mbus(A, 0, true)), [order(B), `103<1 ${toHex(A)}`]);
  assert.deepEqual(told('mbus', mbus(A, 0), mbus(B, 0, false, 3), mbus(B, 1, true), mbus(A, 1, true, 3)), [
    ...[whole, `103<1 ${toHex(B)}${toHex(A)}`],
  ]);
  assert.deepEqual(told('mbus', mbus(A, 0)), [`HDLC_SEGMENT_LOST ${toHex(A)}`]);
});

test('a port hears the frames that it is set to', () => {
  const both = [hdlc(head(A)), mbus(B, 0, true)];
  const kinds = (framing: PushFraming) => told(framing, ...both).map((line) => line.split(' ')[0]);
  assert.deepEqual(kinds('auto'), ['16<1', '103<1']);
  assert.equal(kinds('hdlc')[0], '16<1');
  assert.ok(!kinds('hdlc').includes('103<1'));
  assert.equal(kinds('mbus').at(-1), '103<1');
  assert.ok(!kinds('mbus').includes('16<1'));
});

test('a message that waits for its rest is given up after the silence that is set, not a millisecond sooner', () => {
  const blocks = (number: number) => fromHex(`e000000${number}00000101`);
  for (const [first, code, octets] of [
    [hdlc(head(A), { segmented: true }), 'HDLC_SEGMENT_LOST', A],
    [hdlc(head(blocks(1))), 'GBT_ORDER', Uint8Array.of(1)],
  ] as const) {
    const machine = new PushMachine({ framing: 'hdlc', reassemblyMs: 3_000 });
    assert.equal(machine.deadlineMs(), null);
    assert.deepEqual(machine.receive(first, 500), []);
    assert.equal(machine.deadlineMs(), 3_500);
    assert.deepEqual(machine.tick(3_499), []);
    assert.deepEqual(machine.tick(3_500), [{ kind: 'discarded', code, octets }]);
    assert.deepEqual([machine.tick(9_000), machine.deadlineMs()], [[], null]);
  }
  const two = new PushMachine({ framing: 'hdlc', reassemblyMs: 3_000 });
  two.receive(hdlc(head(A), { segmented: true }), 0);
  two.receive(hdlc(head(A), { segmented: true, meter: 2 }), 1_000);
  assert.equal(two.deadlineMs(), 3_000, 'the earlier one');
  two.receive(hdlc(A, { segmented: true }), 2_000);
  assert.equal(two.deadlineMs(), 4_000, 'each segment begins the wait anew');
});

test('a message is joined up to 1 MiB, and no further', () => {
  const ui = (information: Uint8Array, segmented: boolean) => hdlc(information, { segmented });
  const port = new PushMachine({ framing: 'hdlc' });
  const heard = (octets: number) => {
    const events = [...port.receive(ui(head(new Uint8Array(1024)), true), 0)];
    for (let at = 1024; at < octets; at += 1024)
      events.push(...port.receive(ui(new Uint8Array(Math.min(1024, octets - at)), at + 1024 < octets), 0));
    return events.map((event) => (event.kind === 'discarded' ? event.code : event.kind));
  };
  assert.deepEqual(heard(PUSH_MESSAGE_MAX_BYTES), ['unsolicited']);
  assert.deepEqual(heard(PUSH_MESSAGE_MAX_BYTES + 1), ['HDLC_SEGMENT_LOST']);
});

test('of more meters than are listened to the one that was silent longest goes, and its message is told', () => {
  const machine = new PushMachine({ framing: 'hdlc' });
  const begin = (meter: number) => machine.receive(hdlc(head(Uint8Array.of(meter)), { segmented: true, meter }), meter);
  for (let meter = 1; meter <= PUSH_SENDERS_MAX; meter++) assert.deepEqual(begin(meter), []);
  assert.deepEqual(machine.receive(hdlc(A, { segmented: true, meter: 1 }), 100), [], 'heard again');
  const events = begin(PUSH_SENDERS_MAX + 1);
  assert.deepEqual(events, [{ kind: 'discarded', code: 'HDLC_SEGMENT_LOST', octets: Uint8Array.of(2) }]);
  const rest = machine.receive(hdlc(B, { meter: 1 }), 101);
  assert.deepEqual(
    rest.map((event) => event.kind === 'unsolicited' && toHex(event.apdu)),
    [toHex(concat([Uint8Array.of(1), A, B]))],
  );
});
