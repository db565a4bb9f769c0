/** The concentrator's side of a G3 modem, message by message. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, fromHex, toHex } from '../../../src/base/bytes.ts';
import {
  decodeG3,
  encodeG3,
  G3_PAN_ID_ATTRIBUTE,
  G3_RESULT,
  type G3Message,
  g3CommandOf,
} from '../../../src/dlms/frame/g3-message.ts';
import { FrameScanner } from '../../../src/dlms/frame/scanner.ts';
import { encodeUsi, USI_PROTOCOL, type UsiFrame, usiRule } from '../../../src/dlms/frame/usi-frame.ts';
import { G3Addresses } from '../../../src/link/g3-addresses.ts';
import { G3Modem, type G3ModemEvent } from '../../../src/link/g3-modem.machine.ts';
import { PLC_NODES_MAX } from '../../../src/link/limits.ts';

const PAN = 0x781d;
const RULES = {
  panId: PAN,
  band: 0,
  answerMs: 1_000,
  startMs: 10_000,
  confirmMs: 45_000,
  aliveMs: 60_000,
  retryMs: 500,
  gapMs: 250,
  discoversRoutes: true,
};
const EUI = '0011223344556677';
const PACKET = fromHex('60');

const octetsOf = (message: G3Message) => encodeUsi({ protocol: USI_PROTOCOL.g3Adaptation, payload: encodeG3(message) });
const panIs = (value: string, result = 0) =>
  ({ kind: 'get-confirm', result, attribute: G3_PAN_ID_ATTRIBUTE, index: 0, value: fromHex(value) }) as const;
const status = (code: number, of: Parameters<typeof g3CommandOf>[0]) =>
  ({ kind: 'status', status: code, command: g3CommandOf(of) }) as const;

/** A modem that was asked; `nowMs` moves only as the test says. */
class Stand {
  readonly modem = new G3Modem(RULES);
  nowMs = 0;
  readonly events: G3ModemEvent[] = [];

  constructor(knowsMeters = false) {
    this.modem.start(0, knowsMeters);
  }

  /** Messages that went out since. */
  said(): G3Message[] {
    const scanner = new FrameScanner<UsiFrame>([usiRule(USI_PROTOCOL.g3Adaptation)], 100);
    return scanner
      .receive(concat(this.modem.takeOutput()), 0)
      .flatMap((event) => (event.kind === 'frame' ? [decodeG3(event.frame.payload, 'host')] : []));
  }

  kinds(): string[] {
    return this.said().map(({ kind }) => kind);
  }

  hear(message: G3Message): G3ModemEvent[] {
    return this.modem.receive(octetsOf(message), this.nowMs);
  }

  /** Lets time pass, from deadline to deadline. */
  pass(ms: number): G3ModemEvent[] {
    const events: G3ModemEvent[] = [];
    const endMs = this.nowMs + ms;
    for (let due = this.modem.deadlineMs(); due !== null && due <= endMs; due = this.modem.deadlineMs()) {
      this.nowMs = Math.max(this.nowMs, due);
      events.push(...this.modem.tick(this.nowMs));
    }
    this.nowMs = endMs;
    return events;
  }
}

/** One whose network runs. */
function running(): Stand {
  const stand = new Stand(true);
  assert.deepEqual(stand.hear(panIs('781d')), [{ kind: 'running', isFresh: false }]);
  stand.said();
  return stand;
}

const send = (stand: Stand, ...tags: number[]) => {
  for (const tag of tags) stand.modem.send(tag, PACKET, stand.nowMs);
};
const handleOf = (message: G3Message | undefined) => {
  assert(message?.kind === 'data-request');
  return message.handle;
};

test('a network that runs is used on where its meters are known, and started anew where not', () => {
  const known = new Stand(true);
  assert.deepEqual(known.kinds(), ['get']);
  assert.deepEqual(known.hear(panIs('781d')), [{ kind: 'running', isFresh: false }]);
  assert.deepEqual(known.kinds(), []);
  const unknown = new Stand(false);
  unknown.said();
  assert.deepEqual(unknown.hear(panIs('781d')), []);
  assert.deepEqual(unknown.kinds(), ['initialize']);
});

test('a modem that runs nothing, another network, or is not ready, is made ready and started', () => {
  for (const answer of [panIs('ffff'), panIs('0001'), panIs('', G3_RESULT.invalidRequest), status(1, 'get')]) {
    const stand = new Stand(true);
    stand.said();
    assert.deepEqual(stand.hear(answer), []);
    assert.deepEqual(stand.said(), [{ kind: 'initialize', band: 0, isCoordinator: true }]);
    assert.deepEqual(stand.hear(status(0, 'initialize')), []);
    assert.deepEqual(stand.said(), [{ kind: 'network-start', panId: PAN }]);
    // Some firmware takes note first.
    assert.deepEqual(stand.hear(status(0, 'network-start')), []);
    assert.deepEqual(stand.hear({ kind: 'network-started', result: 0 }), [{ kind: 'running', isFresh: true }]);
  }
});

test('a modem that is silent or refuses is given up with the reason, and says nothing more', () => {
  const silent = new Stand();
  assert.deepEqual(silent.pass(10_000), [{ kind: 'failed', reason: 'it does not answer' }]);
  assert.deepEqual(silent.kinds(), ['get', 'get', 'get']);
  assert.equal(silent.modem.deadlineMs(), null);
  assert.deepEqual(silent.hear(panIs('781d')), []);
  const starting = () => {
    const stand = new Stand();
    stand.hear(status(1, 'get'));
    return stand;
  };
  assert.deepEqual(starting().hear(status(3, 'initialize')), [
    { kind: 'failed', reason: 'it refuses to be made ready (status 3)' },
  ]);
  const refusing = starting();
  refusing.hear(status(0, 'initialize'));
  assert.deepEqual(refusing.hear({ kind: 'network-started', result: G3_RESULT.failed }), [
    { kind: 'failed', reason: 'the network does not start (result A2)' },
  ]);
});

test('meters ask to join, join and leave; before the network runs nobody is listened to', () => {
  const stand = new Stand();
  assert.deepEqual(stand.hear({ kind: 'join-request', eui64: EUI }), []);
  const ready = running();
  assert.deepEqual(ready.hear({ kind: 'join-request', eui64: EUI }), [{ kind: 'join-request', eui64: EUI }]);
  ready.modem.assign(EUI, 1);
  assert.equal(toHex(concat(ready.modem.takeOutput())), '7e02e54200112233445566770001399e7e');
  const joined = { kind: 'joined', eui64: EUI, shortAddress: 1 } as const;
  assert.deepEqual(ready.hear(joined), [joined]);
  assert.deepEqual(ready.hear({ kind: 'left', shortAddress: 1 }), [{ kind: 'left', shortAddress: 1 }]);
});

test('each packet has a handle of its own and one end: its confirm, or the wait for it', () => {
  const stand = running();
  send(stand, 1, 2);
  const [first, second] = stand.said();
  assert.notEqual(handleOf(first), handleOf(second));
  const done = (handle: number, result: number) => stand.hear({ kind: 'data-confirm', result, handle });
  assert.deepEqual(done(handleOf(second), 0), [{ kind: 'sent', tag: 2, result: 0 }]);
  assert.deepEqual(done(handleOf(second), 0), [], 'told twice');
  assert.deepEqual(stand.pass(44_999), []);
  assert.deepEqual(
    stand.pass(1).filter(({ kind }) => kind === 'sent'),
    [{ kind: 'sent', tag: 1, result: null }],
  );
});

test('packets wait while no buffer is free, and for an indication that never comes no longer than for a confirm', () => {
  const stand = running();
  stand.hear({ kind: 'buffers', free: 0 });
  send(stand, 1);
  assert.deepEqual(stand.kinds(), []);
  stand.hear({ kind: 'buffers', free: 1 });
  assert.deepEqual(stand.kinds(), ['data-request']);
  stand.hear({ kind: 'buffers', free: 0 });
  send(stand, 2);
  stand.pass(45_000);
  assert.deepEqual(stand.kinds(), ['data-request']);
});

test('a packet for which there was no room goes out again, later each time, six times in all', () => {
  const stand = running();
  send(stand, 1);
  const times: number[] = [];
  let ends: G3ModemEvent[] = [];
  for (let round = 0; round < 6; round++) {
    const [message] = stand.said();
    times.push(stand.nowMs);
    ends = stand.hear({ kind: 'data-confirm', result: G3_RESULT.noBuffers, handle: handleOf(message) });
    if (ends.length > 0) break;
    const due = stand.modem.deadlineMs() ?? 0;
    stand.pass(due - stand.nowMs);
  }
  assert.deepEqual(times, [0, 500, 1_500, 3_500, 7_500, 15_500]);
  assert.deepEqual(ends, [{ kind: 'sent', tag: 1, result: G3_RESULT.noBuffers }]);
});

test('a modem that was reset says so when a packet comes: what was under way is lost, and the network is started', () => {
  const stand = running();
  send(stand, 1, 2);
  stand.said();
  assert.deepEqual(stand.hear(status(1, 'data-request')), [
    { kind: 'stopped' },
    { kind: 'sent', tag: 1, result: null },
    { kind: 'sent', tag: 2, result: null },
  ]);
  assert.deepEqual(stand.kinds(), ['initialize']);
  assert.deepEqual(stand.hear({ kind: 'left', shortAddress: 1 }), [], 'of a life that is over');
  send(stand, 3);
  stand.hear(status(0, 'initialize'));
  assert.deepEqual(stand.hear({ kind: 'network-started', result: 0 }), [{ kind: 'running', isFresh: true }]);
  assert.deepEqual(stand.kinds(), ['network-start', 'data-request']);
});

test('a packet that the modem cannot read ends the oldest one', () => {
  const stand = running();
  send(stand, 1, 2);
  assert.deepEqual(stand.hear(status(3, 'data-request')), [{ kind: 'sent', tag: 1, result: G3_RESULT.invalidRequest }]);
});

test('a silent modem is asked whether it is still there: it may go on, was reset, or is gone', () => {
  const stand = running();
  assert.deepEqual(stand.pass(60_000), []);
  assert.deepEqual(stand.kinds(), ['get']);
  assert.deepEqual(stand.hear(panIs('781d')), []);
  stand.pass(60_000);
  assert.deepEqual(stand.kinds(), ['get']);
  assert.deepEqual(stand.hear(status(1, 'get')), [{ kind: 'stopped' }]);
  const gone = running();
  send(gone, 1);
  assert.deepEqual(
    gone.pass(120_000).filter(({ kind }) => kind !== 'sent'),
    [{ kind: 'failed', reason: 'it does not answer' }],
  );
});

test('noise and octets that are no message are told, and nothing else comes of them', () => {
  const stand = running();
  const noMessage = encodeUsi({ protocol: USI_PROTOCOL.g3Adaptation, payload: fromHex('49') });
  assert.deepEqual(stand.modem.receive(concat([Uint8Array.of(1, 2), noMessage]), 0), [
    // The flag of the frame before may begin one.
    { kind: 'discarded', code: 'USI_LENGTH', octets: 2 },
    { kind: 'discarded', code: 'G3_MESSAGE', octets: 1 },
  ]);
  assert.deepEqual(stand.hear({ kind: 'other', command: 49, octets: fromHex('0102') }), []);
});

test('any split of what the modem says gives the same events', () => {
  const stream = concat(
    [
      panIs('781d'),
      { kind: 'join-request', eui64: EUI } as const,
      { kind: 'joined', eui64: EUI, shortAddress: 1 } as const,
      { kind: 'data', linkQuality: 1, packet: PACKET } as const,
    ].map(octetsOf),
  );
  const eventsIn = (pieceOctets: number) => {
    const { modem } = new Stand(true);
    const events: G3ModemEvent[] = [];
    for (let at = 0; at < stream.length; at += pieceOctets)
      events.push(...modem.receive(stream.subarray(at, at + pieceOctets), 0));
    return events;
  };
  const whole = eventsIn(stream.length);
  assert.equal(whole.length, 4);
  for (let pieceOctets = 1; pieceOctets < stream.length; pieceOctets++)
    assert.deepEqual(eventsIn(pieceOctets), whole, `${pieceOctets}`);
});

test('a meter keeps its short address, nobody has two, and the oldest one goes over when all are taken', () => {
  const addresses = new G3Addresses([['A', 2]]);
  assert.deepEqual([addresses.give('B'), addresses.give('A'), addresses.give('C')], [1, 2, 3]);
  addresses.tell('D', 1);
  assert.deepEqual([addresses.of('B'), addresses.of('D')], [null, 1]);
  assert.deepEqual(new G3Addresses(addresses.rows).rows, addresses.rows);
  const full = new G3Addresses(Array.from({ length: PLC_NODES_MAX }, (_, at) => [`M${at}`, at + 1] as const));
  full.tell('M0', 1);
  assert.equal(full.give('N'), 2);
  assert.deepEqual([full.of('M1'), full.rows.length], [null, PLC_NODES_MAX]);
});
