/** The meter's side of the optical sign-on: what it says, at which speed, and exactly when. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex, toHex } from '../../../../src/base/bytes.ts';
import {
  SignOnMeter,
  type SignOnMeterEvent,
  type SignOnMeterOptions,
} from '../../../../src/dlms/frame/iec62056-21-meter.machine.ts';

const ascii = (text: string) => new TextEncoder().encode(text);
const REQUEST = ascii('/?!\r\n');
/** Protocol 2 (HDLC), speed 5 (9,600 baud), mode 2 (binary). */
const TAKEN = ascii('\x06252\r\n');
const IDENTIFICATION = '/DWT5\\2SIM\r\n';
/** A DISC frame of client 16 to the station with address 1. */
const DISC = fromHex('7e a0 07 03 21 53 03 c7 7e');

/** A meter, what it said, and the changes of the line that it asked for. */
class Bench {
  readonly machine: SignOnMeter;
  readonly lines: string[] = [];
  readonly data: string[] = [];

  constructor(options: Partial<SignOnMeterOptions> = {}) {
    this.machine = new SignOnMeter(options);
  }

  #take(events: readonly SignOnMeterEvent[], nowMs: number): void {
    for (const event of events) {
      if (event.kind === 'data') this.data.push(toHex(event.octets));
      else {
        this.lines.push(`${event.settings.baud} ${event.settings.dataBits}${event.settings.parity.charAt(0)}`);
        this.#take(this.machine.changed(nowMs), nowMs);
      }
    }
  }

  hear(octets: Uint8Array, nowMs: number): void {
    this.#take(this.machine.receive(octets, nowMs), nowMs);
  }

  tick(nowMs: number): void {
    this.#take(this.machine.tick(nowMs), nowMs);
  }

  /** What it says at a moment. */
  said(): string {
    return this.machine
      .takeOutput()
      .map((octets) => new TextDecoder().decode(octets))
      .join('');
  }

  /** A meter that does not repeat speaks HDLC at 1,300. */
  signOn(): void {
    this.hear(REQUEST, 0);
    this.tick(this.dueMs());
    this.hear(TAKEN, 1_000);
    this.tick(this.dueMs());
    this.said();
    assert.ok(this.machine.isBinary);
  }

  dueMs(): number {
    return this.machine.deadlineMs() ?? assert.fail('it waits for nothing');
  }
}

test('the identification goes out when the reaction time is over and not before', () => {
  const bench = new Bench({ reactionMs: 200 });
  bench.hear(REQUEST, 50);
  assert.equal(bench.machine.deadlineMs(), 250);
  bench.tick(249);
  assert.equal(bench.said(), '');
  bench.tick(250);
  assert.equal(bench.said(), IDENTIFICATION);
});

test('it waits for an acknowledgement while its own twelve characters take and 1.5 s more, then hears requests again', () => {
  const bench = new Bench({ startBaud: 300 });
  bench.hear(REQUEST, 0);
  bench.tick(200);
  // Ten bits a character at 300 baud.
  assert.equal(bench.machine.deadlineMs(), 200 + (12 * 10 * 1_000) / 300 + 1_500);
  bench.tick(2_100);
  bench.hear(TAKEN, 2_200);
  bench.tick(10_000);
  assert.deepEqual(bench.lines, [], 'too late an acknowledgement');
  bench.said();
  bench.hear(REQUEST, 10_000);
  bench.tick(10_200);
  assert.equal(bench.said(), IDENTIFICATION);
});

test('an acknowledgement without an offer changes nothing', () => {
  const bench = new Bench();
  bench.hear(TAKEN, 0);
  assert.equal(bench.machine.deadlineMs(), null);
  assert.deepEqual([bench.lines, bench.said()], [[], '']);
});

test('an acknowledgement moves the line to the new speed, is repeated there, and HDLC follows with eight bits', () => {
  const bench = new Bench({ switchMs: 300 });
  bench.hear(REQUEST, 0);
  bench.tick(200);
  bench.said();
  bench.hear(TAKEN, 1_000);
  assert.equal(bench.machine.deadlineMs(), 1_300);
  bench.tick(1_299);
  assert.deepEqual(bench.lines, []);
  bench.tick(1_300);
  assert.deepEqual(bench.lines, ['9600 7e']);
  assert.equal(bench.said(), '\x06252\r\n');
  assert.equal(bench.machine.isBinary, false);
  // Six characters of ten bits at the new speed.
  const repeatedMs = 1_300 + (6 * 10 * 1_000) / 9_600;
  assert.equal(bench.machine.deadlineMs(), repeatedMs);
  bench.tick(repeatedMs);
  assert.deepEqual(bench.lines, ['9600 7e', '9600 8n']);
  assert.ok(bench.machine.isBinary);
  assert.equal(bench.machine.deadlineMs(), repeatedMs + 30_000);
});

test('a meter that does not repeat speaks HDLC at once, at the speed that was taken and not the one offered', () => {
  const bench = new Bench({ repeats: false });
  bench.hear(REQUEST, 0);
  bench.tick(200);
  bench.said();
  bench.hear(ascii('\x06232\r\n'), 1_000);
  bench.tick(1_300);
  assert.deepEqual(bench.lines, ['2400 7e', '2400 8n']);
  assert.ok(bench.machine.isBinary);
  assert.equal(bench.said(), '');
});

test('octets of the station are lost before the sign-on and go through after it', () => {
  const bench = new Bench({ repeats: false });
  bench.machine.send(Uint8Array.of(1), 0);
  assert.equal(bench.said(), '');
  bench.signOn();
  bench.machine.send(ascii('x'), 2_000);
  assert.equal(bench.said(), 'x');
  bench.hear(Uint8Array.of(0x7e, 0xa0), 2_100);
  assert.deepEqual(bench.data, ['7ea0'], 'all eight bits');
});

test('silence counts from the last octet either side sent, and brings back the first speed and a new sign-on', () => {
  const bench = new Bench({ repeats: false, inactivityMs: 5_000 });
  bench.signOn();
  bench.hear(Uint8Array.of(0x7e), 2_000);
  assert.equal(bench.machine.deadlineMs(), 7_000);
  bench.machine.send(new Uint8Array(96), 3_000);
  // 96 octets of ten bits at 9,600 baud take 100 ms.
  assert.equal(bench.machine.deadlineMs(), 8_100);
  bench.tick(8_099);
  assert.ok(bench.machine.isBinary);
  bench.tick(8_100);
  assert.equal(bench.machine.isBinary, false);
  assert.equal(bench.lines.at(-1), '300 7e');
  bench.said();
  bench.hear(REQUEST, 9_000);
  bench.tick(9_200);
  assert.equal(bench.said(), IDENTIFICATION);
});

test('a disconnect lets the answer of the station out, then the line goes back to the first speed', () => {
  const bench = new Bench({ repeats: false });
  bench.signOn();
  bench.hear(DISC, 2_000);
  assert.equal(bench.machine.deadlineMs(), 2_100);
  assert.ok(bench.machine.isBinary);
  bench.machine.send(new Uint8Array(96), 2_010);
  assert.equal(bench.machine.deadlineMs(), 2_010 + 100 + 100);
  bench.tick(2_210);
  assert.equal(bench.lines.at(-1), '300 7e');
  assert.equal(bench.machine.isBinary, false);
});

test('a request behind noise of any length is heard, one with the parity bit set too', () => {
  const bench = new Bench();
  bench.hear(new Uint8Array(5_000).fill(0x41), 0);
  bench.hear(
    REQUEST.map((octet) => octet | 0x80),
    10,
  );
  assert.equal(bench.machine.deadlineMs(), 210);
});

test('what comes while the meter gets ready is not heard', () => {
  const bench = new Bench();
  bench.hear(ascii('/?!\r\n\x06252\r\n'), 0);
  bench.tick(200);
  assert.equal(bench.said(), IDENTIFICATION);
  assert.deepEqual(bench.lines, []);
  assert.equal(bench.machine.deadlineMs(), 200 + 400 + 1_500);
});
