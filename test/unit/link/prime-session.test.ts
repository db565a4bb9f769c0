/** The concentrator's side of a connection to a PRIME base node, message by message. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../../../src/base/bytes.ts';
import type { ByteDuplex, DuplexListener } from '../../../src/base/env.ts';
import { encodePrime, type PrimeMessage } from '../../../src/dlms/frame/prime-message.ts';
import { encodeWrapper } from '../../../src/dlms/frame/wrapper-frame.ts';
import { isNamed } from '../../../src/link/link.ts';
import { PrimeSession } from '../../../src/link/prime-session.ts';
import { World } from './virtual.ts';

/** A connection whose other end is the test. */
class Wire implements ByteDuplex {
  readonly peer = 'base node';
  readonly written: string[] = [];
  closed = 0;
  #listener: DuplexListener | null = null;

  write(octets: Uint8Array): Promise<void> {
    this.written.push(toHex(octets));
    return Promise.resolve();
  }
  listen(listener: DuplexListener): void {
    this.#listener = listener;
  }
  close(): void {
    this.closed++;
  }
  say(message: PrimeMessage): void {
    this.#listener?.data(encodePrime(message, 'base-node'));
  }
  octets(octets: Uint8Array): void {
    this.#listener?.data(octets);
  }
  end(): void {
    this.#listener?.closed();
  }
}

const STATION = 1;
const CLIENT = 16;
const APDU = Uint8Array.of(0xc4, 1);

const node = (deviceId: number, serial: string) =>
  ({ kind: 'new-device', deviceId, capabilities: 1, serial, eui48: `02${serial.padStart(10, '0')}` }) as const;

const RULES = { most: 2, heldMs: 45_000, guardMs: 120_000 };

function session() {
  const wire = new Wire();
  const told: string[] = [];
  const world = new World();
  const prime = new PrimeSession({
    duplex: wire,
    env: world,
    gapMs: 1_000,
    rules: RULES,
    watcher: {
      joined: ({ name }) => told.push(`joined ${name}`),
      left: ({ name }) => told.push(`left ${name}`),
      settled: () => told.push('settled'),
      late: ({ name }) => told.push(`late ${name}`),
      ended: (reason) => told.push(`ended ${reason}`),
    },
  });
  const request = encodeWrapper({ source: CLIENT, destination: STATION, apdu: Uint8Array.of(0xc0) });
  /** Joins meters `1` and on under these ids, and opens a line to each. */
  const lines = (...ids: number[]) =>
    ids.map((deviceId, at) => {
      wire.say(node(deviceId, `${at + 1}`));
      const line = prime.lineTo(`${at + 1}`, STATION);
      assert.ok(line !== null);
      return { line, heard: heardOn(line), ask: () => line.write(request) };
    });
  const answer = (deviceId: number, apdu = APDU) => wire.say({ kind: 'data', deviceId, client: CLIENT, apdu });
  /** Device ids to which requests went. */
  const asked = () => wire.written.slice(1).map((hex) => Number.parseInt(hex.slice(8, 12), 16));
  return { wire, told, prime, world, lines, answer, asked };
}

/** What a line hears, and whether it has ended. */
function heardOn(line: ByteDuplex | null) {
  assert.ok(line !== null);
  const heard = { octets: [] as string[], closed: 0 };
  line.listen({ data: (octets) => heard.octets.push(toHex(octets)), closed: () => heard.closed++ });
  return heard;
}

test('it asks for reports first; a request goes to the device id, the answer comes under the wPort of the meter', async () => {
  const { wire, prime } = session();
  assert.deepEqual(wire.written, ['0001000100000001' + '03']);
  wire.say(node(7, '42'));
  const line = prime.lineTo('42', STATION);
  const heard = heardOn(line);
  await line?.write(encodeWrapper({ source: CLIENT, destination: STATION, apdu: Uint8Array.of(0xc0) }));
  assert.equal(wire.written[1], '00010010000700' + '01c0');
  wire.say({ kind: 'data', deviceId: 7, client: CLIENT, apdu: APDU });
  assert.deepEqual(heard.octets, [toHex(encodeWrapper({ source: STATION, destination: CLIENT, apdu: APDU }))]);
});

test('a meter is found by its DLMS id or by its EUI-48, with or without separators', () => {
  const meter = { name: '42', eui: '020000000042' };
  for (const name of ['42', '020000000042', '02:00:00:00:00:42', '02-00-00-00-00-42']) assert.ok(isNamed(meter, name));
  assert.ok(!isNamed(meter, '4'));
  assert.equal(session().prime.lineTo('42', STATION), null, 'nobody has joined');
});

test('what comes from another device id, or after the meter left, is heard on no line', async () => {
  const { wire, told, prime } = session();
  wire.say(node(7, '42'));
  const line = prime.lineTo('42', STATION);
  const heard = heardOn(line);
  wire.say({ kind: 'data', deviceId: 8, client: CLIENT, apdu: APDU });
  wire.say({ kind: 'device-removed', deviceId: 7 });
  wire.say(node(7, '43'));
  wire.say({ kind: 'data', deviceId: 7, client: CLIENT, apdu: APDU });
  assert.deepEqual(heard, { octets: [], closed: 1 });
  await assert.rejects(async () => line?.write(encodeWrapper({ source: 1, destination: 1, apdu: APDU })), {
    code: 'LINK_CLOSED',
  });
  assert.deepEqual(told, ['joined 42', 'left 42', 'joined 43', 'late 43']);
});

test('a join ends the line of whoever had the id, and that of the same modem under its old id', () => {
  const { wire, prime, told } = session();
  wire.say(node(7, '42'));
  wire.say(node(8, '43'));
  const [first, second] = [heardOn(prime.lineTo('42', STATION)), heardOn(prime.lineTo('43', STATION))];
  wire.say(node(8, '42'));
  assert.deepEqual([first.closed, second.closed], [1, 1]);
  assert.deepEqual(
    prime.nodes.map(({ address, name }) => `${address} ${name}`),
    ['8 42'],
  );
  assert.deepEqual(told.slice(2).sort(), ['joined 42', 'left 42', 'left 43']);
});

test('a second line to a meter ends the first; the end of the connection ends all', () => {
  const { wire, prime, told } = session();
  wire.say(node(7, '42'));
  const first = heardOn(prime.lineTo('42', STATION));
  const second = heardOn(prime.lineTo('42', STATION));
  assert.deepEqual([first.closed, second.closed], [1, 0]);
  wire.end();
  assert.deepEqual([second.closed, prime.isOpen, prime.nodes.length], [1, false, 0]);
  assert.equal(told.at(-1), 'ended the base node ended the connection');
  assert.equal(prime.lineTo('42', STATION), null);
});

test('octets that are no message, and messages that no base node sends, end the connection by name', () => {
  for (const octets of [
    Uint8Array.of(0xff, 1, 2, 3),
    encodePrime({ kind: 'start-reporting' }, 'concentrator').map((octet, at) =>
      at === 3 || at === 5 ? 1 - octet : octet,
    ),
  ]) {
    const { wire, prime, told } = session();
    wire.octets(octets);
    wire.say(node(7, '42'));
    assert.equal(prime.isOpen, false);
    assert.equal(wire.closed, 1);
    assert.match(told.join(), /^ended what came is no message of a base node/);
  }
});

test('no more requests go out than the base node holds; an answer is a receipt for all that was sent before', async () => {
  const { world, lines, answer, asked } = session();
  const [first, second, third, fourth] = lines(1, 2, 3, 4);
  assert.ok(first !== undefined && second !== undefined && third !== undefined && fourth !== undefined);
  await Promise.all([first.ask(), second.ask()]);
  const waiting = [third.ask(), fourth.ask()];
  assert.deepEqual(asked(), [1, 2]);
  answer(2);
  await world.settle(Promise.all(waiting));
  assert.deepEqual(asked(), [1, 2, 3, 4], 'the one before it has left the modem too');
  assert.equal(third.heard.octets.length, 0);
});

test('what a meter says by itself is heard, and is no receipt', async () => {
  const { lines, answer, asked } = session();
  const [first, second, third] = lines(1, 2, 3);
  await Promise.all([first?.ask(), second?.ask()]);
  void third?.ask();
  answer(1, Uint8Array.of(0x0f, 1));
  assert.deepEqual([asked().length, first?.heard.octets.length], [2, 1]);
});

test('when nothing is heard, the oldest request counts as held for the longest stall and no longer', async () => {
  const { world, lines, asked } = session();
  const [first, second, third] = lines(1, 2, 3);
  await Promise.all([first?.ask(), second?.ask()]);
  const waiting = third?.ask();
  await world.timers.advance(RULES.heldMs - 1);
  assert.deepEqual(asked(), [1, 2]);
  await world.timers.advance(1);
  await waiting;
  assert.deepEqual(asked(), [1, 2, 3]);
});

test('a request that waits is dropped when its line ends, and the others move up', async () => {
  const { lines, answer, asked } = session();
  const [first, second, third, fourth] = lines(1, 2, 3, 4);
  await Promise.all([first?.ask(), second?.ask()]);
  const gone = assert.rejects(async () => third?.ask(), { code: 'LINK_CLOSED' });
  const moved = fourth?.ask();
  third?.line.close();
  await gone;
  answer(1);
  await moved;
  assert.deepEqual(asked(), [1, 2, 4]);
});

test('a meter that owes an answer when its line ends is left in peace until it came; nobody hears it', async () => {
  const { prime, lines, answer, told, world } = session();
  const [first] = lines(1);
  await first?.ask();
  assert.equal(prime.restMs('1'), RULES.guardMs);
  first?.line.close();
  await world.timers.advance(30_000);
  assert.equal(prime.restMs('1'), RULES.guardMs - 30_000);
  answer(1);
  assert.equal(prime.restMs('1'), 0);
  assert.deepEqual([first?.heard.octets.length, told.slice(1)], [0, ['late 1', 'settled']]);
});

test('an answer that never comes is waited for as long as it could still come, and not under another registration', async () => {
  const { prime, lines, wire, world } = session();
  const [first] = lines(1);
  await first?.ask();
  await world.timers.advance(50_000);
  await first?.ask();
  assert.equal(prime.restMs('1'), RULES.guardMs, 'from the last time it was asked');
  await world.timers.advance(RULES.guardMs);
  assert.equal(prime.restMs('1'), 0);
  await first?.ask();
  wire.say(node(9, '1'));
  assert.equal(prime.restMs('1'), 0, 'it has joined anew');
});
