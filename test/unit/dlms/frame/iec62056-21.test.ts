import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { concat, toHex } from '../../../../src/base/bytes.ts';
import { SignOnClient, type SignOnEvent, type SignOnOptions } from '../../../../src/dlms/frame/iec62056-21.machine.ts';
import { SignOnMeter, type SignOnMeterEvent } from '../../../../src/dlms/frame/iec62056-21-meter.machine.ts';

const someOctets = fc.uint8Array({ maxLength: 60 });
const ascii = (text: string) => new TextEncoder().encode(text);

/** A client with a script for a line: what was asked of it, and what went out. */
class Rig {
  readonly machine: SignOnClient;
  readonly events: SignOnEvent[] = [];
  readonly sent: string[] = [];
  nowMs = 0;

  constructor(options: Partial<SignOnOptions> = {}) {
    this.machine = new SignOnClient(options);
    this.machine.start(0);
    this.settle();
  }

  /** Does what is due now. */
  settle(): void {
    for (let due = this.machine.deadlineMs(); due !== null && due <= this.nowMs; due = this.machine.deadlineMs())
      this.take(this.machine.tick(this.nowMs));
    for (const octets of this.machine.takeOutput()) this.sent.push(toHex(octets));
  }

  take(events: SignOnEvent[]): void {
    this.events.push(...events);
    if (events.some(({ kind }) => kind === 'line')) this.take(this.machine.changed(this.nowMs));
  }

  hear(octets: Uint8Array, pieceBytes = 1_000): void {
    for (let at = 0; at < octets.length; at += pieceBytes)
      this.take(this.machine.receive(octets.subarray(at, at + pieceBytes), this.nowMs));
    this.settle();
  }

  /** Waits for the next deadline. */
  wait(): void {
    this.nowMs = this.machine.deadlineMs() ?? assert.fail('it waits for nothing');
    this.settle();
  }

  run(): this {
    while (this.machine.deadlineMs() !== null) this.wait();
    return this;
  }

  get words(): string[] {
    return this.events.map((event) => {
      if (event.kind === 'line')
        return `${event.settings.baud} ${event.settings.dataBits}${event.settings.parity.charAt(0)}`;
      if (event.kind === 'signed-on') return `signed on ${event.baud}${event.echo ? ' echo' : ''}`;
      return event.kind === 'failed' ? event.error.code : `noise ${event.octets.length}`;
    });
  }
}

const REQUEST = '2f3f210d0a';

test('mode E: request, identification, acknowledgement 06 32 Z 32, new speed with seven bits, then eight', () => {
  const rig = new Rig();
  assert.deepEqual(rig.sent, [REQUEST]);
  rig.hear(ascii('/DWT5\\2METER 1.0\r\n'));
  assert.equal(rig.sent.length, 1, 'nothing goes out within the reaction time');
  rig.wait();
  assert.equal(rig.nowMs, 200);
  assert.deepEqual(rig.sent.slice(1), ['063235320d0a']);
  rig.run();
  assert.deepEqual(rig.words, ['9600 7e', '9600 8n', 'signed on 9600']);
  const last = rig.events.at(-1);
  assert.ok(last?.kind === 'signed-on');
  assert.deepEqual(last.identification, { maker: 'DWT', baudCharacter: '5', text: '\\2METER 1.0' });
  // Six octets at 300 Bd, 250 ms, 300 ms of silence, 100 ms.
  assert.equal(rig.nowMs, 200 + 200 + 250 + 300 + 100);
});

test('mode E: a repeated acknowledgement ends the listening at once; garbled octets do as well as good ones', () => {
  const rig = new Rig();
  rig.hear(ascii('/DWt5METER\r\n'));
  rig.wait();
  assert.equal(rig.nowMs, 20, 'a small third letter announces a quick meter');
  rig.wait();
  const atMs = rig.nowMs;
  rig.hear(Uint8Array.of(0xff, 0x80, 0x01, 0x33, 0x00, 0x7f));
  rig.run();
  assert.equal(rig.nowMs, atMs + 100);
  assert.equal(rig.words.at(-1), 'signed on 9600');
});

test('mode E: the head sends everything back: dropped once, and told', () => {
  const rig = new Rig({ address: '00012345' });
  assert.deepEqual(rig.sent, [toHex(ascii('/?00012345!\r\n'))]);
  rig.hear(concat([ascii('/?00012345!\r\n'), ascii('/DWT6METER\r\n')]));
  rig.run();
  assert.deepEqual(rig.words, ['9600 7e', '9600 8n', 'signed on 9600 echo'], 'and no faster than the head can');
});

test('mode E: speeds of the meter and of the head; a letter is no speed of this mode', () => {
  for (const [offered, maxBaud, agreed, z] of [
    ['0', 9_600, 300, '30'],
    ['6', 19_200, 19_200, '36'],
    ['6', 4_800, 4_800, '34'],
    ['2', 9_600, 1_200, '32'],
  ] as const) {
    const rig = new Rig({ maxBaud });
    rig.hear(ascii(`/DWT${offered}METER\r\n`));
    rig.run();
    assert.equal(rig.words.at(-1), `signed on ${agreed}`);
    assert.equal(rig.sent[1], `0632${z}320d0a`);
  }
  const modeB = new Rig();
  modeB.hear(ascii('/DWTEMETER\r\n'));
  assert.deepEqual(modeB.words, ['IEC_NO_MODE_E']);
  assert.equal(modeB.machine.deadlineMs(), null);
});

test('mode E: a stuck meter is told in both languages at both speeds to end, then asked again', () => {
  const rig = new Rig({ attempts: 2 }).run();
  const disconnect = '7ea007ff2153';
  assert.deepEqual(
    rig.sent.map((hex) => (hex.startsWith('7ea0') ? hex.slice(0, disconnect.length) : hex)),
    [REQUEST, disconnect, '0142300371', disconnect, '0142300371', REQUEST],
  );
  assert.deepEqual(rig.words, ['300 8n', '300 7e', '9600 8n', '9600 7e', '300 7e', 'IEC_NO_ANSWER']);
});

test('mode E: an answer to the second request is as good as one to the first', () => {
  const rig = new Rig();
  rig.hear(ascii('~~~~'));
  while (rig.sent.filter((hex) => hex === REQUEST).length < 2) rig.wait();
  rig.hear(ascii('/DWT5METER\r\n'));
  rig.run();
  assert.equal(rig.words.at(-1), 'signed on 9600');
});

test('mode E: a line that never stops does not hold the sign-on for ever', () => {
  const rig = new Rig({ attempts: 2 });
  let octets = 0;
  while (rig.machine.deadlineMs() !== null) {
    rig.nowMs += 1;
    rig.hear(Uint8Array.of(0x55));
    octets++;
    assert.ok(octets < 60_000, 'it ends');
  }
  assert.equal(rig.words.at(-1), 'IEC_GARBLED');
});

/** What a meter tells and sends for octets in pieces, with every wait waited out. */
function meterSays(octets: Uint8Array, pieceBytes: number): string[] {
  const machine = new SignOnMeter({ address: '42' });
  const said: string[] = [];
  let nowMs = 0;
  const take = (events: readonly SignOnMeterEvent[]) => {
    for (const event of events) {
      if (event.kind === 'data') said.push(...toHex(event.octets).replace(/../g, '$& ').trim().split(' '));
      else {
        said.push(`${event.settings.baud} ${event.settings.dataBits}`);
        take(machine.changed(nowMs));
      }
    }
    said.push(...machine.takeOutput().map(toHex));
  };
  for (let at = 0; at < octets.length; at += pieceBytes) take(machine.receive(octets.subarray(at, at + pieceBytes), 0));
  for (let due = machine.deadlineMs(); due !== null; due = machine.deadlineMs()) {
    nowMs = due;
    take(machine.tick(nowMs));
  }
  return said;
}

test('mode E, meter: any octets in any pieces give the same answers, and it always comes back to waiting', () => {
  const asked = fc.constantFrom('/?!\r\n', '/?0042!\r\n', '/?43!\r\n', '\x06252\r\n', '/?').map(ascii);
  fc.assert(
    fc.property(
      fc.array(fc.oneof(asked, someOctets), { maxLength: 4 }).map((parts) => concat(parts)),
      fc.integer({ min: 1, max: 9 }),
      (octets, pieceBytes) => {
        assert.deepEqual(meterSays(octets, pieceBytes), meterSays(octets, octets.length + 1));
      },
    ),
    { numRuns: 300 },
  );
});

test('mode E, meter: its own address with or without zeros, or none; not that of another', () => {
  const answer = toHex(ascii('/DWT5\\2SIM\r\n'));
  for (const [address, answers] of [
    ['', true],
    ['42', true],
    ['000042', true],
    ['43', false],
  ] as const)
    assert.equal(meterSays(ascii(`/?${address}!\r\n`), 3).includes(answer), answers, address);
});

const answer = fc.oneof(
  fc.constantFrom('/?!\r\n', '/DWT5\\2METER\r\n', '/DWt4x\r\n', '/', '\r\n', '/AB').map(ascii),
  someOctets,
  fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })).map(([at, octet]) => {
    const octets = ascii('/DWT5\\2METER 1.0\r\n');
    octets[at % octets.length] = octet;
    return octets;
  }),
);

test('mode E: any octets in any pieces give the same events and an end, and throw nothing', () => {
  fc.assert(
    fc.property(
      fc.array(answer, { maxLength: 5 }).map((parts) => concat(parts)),
      fc.integer({ min: 1, max: 20 }),
      (octets, pieceBytes) => {
        const [whole, pieces] = [new Rig({ attempts: 2 }), new Rig({ attempts: 2 })];
        whole.hear(octets);
        pieces.hear(octets, pieceBytes);
        whole.run();
        pieces.run();
        assert.deepEqual(pieces.words, whole.words);
        assert.deepEqual(pieces.sent, whole.sent);
        assert.match(whole.words.at(-1) ?? '', /^signed on|^IEC_/);
      },
    ),
    { numRuns: 300 },
  );
});
