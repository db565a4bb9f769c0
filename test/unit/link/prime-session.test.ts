/** The concentrator's side of a connection to a PRIME base node, message by message. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../../../src/base/bytes.ts';
import type { ByteDuplex, DuplexListener } from '../../../src/base/env.ts';
import { encodePrime, type PrimeMessage } from '../../../src/dlms/frame/prime-message.ts';
import { encodeWrapper } from '../../../src/dlms/frame/wrapper-frame.ts';
import { isNamed, PrimeSession } from '../../../src/link/prime-session.ts';

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

function session() {
  const wire = new Wire();
  const told: string[] = [];
  const prime = new PrimeSession(wire, 1_000, {
    joined: ({ serial }) => told.push(`joined ${serial}`),
    left: ({ serial }) => told.push(`left ${serial}`),
    ended: (reason) => told.push(`ended ${reason}`),
  });
  return { wire, told, prime };
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
  const meter = node(1, '42');
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
  assert.deepEqual(told, ['joined 42', 'left 42', 'joined 43']);
});

test('a join ends the line of whoever had the id, and that of the same modem under its old id', () => {
  const { wire, prime, told } = session();
  wire.say(node(7, '42'));
  wire.say(node(8, '43'));
  const [first, second] = [heardOn(prime.lineTo('42', STATION)), heardOn(prime.lineTo('43', STATION))];
  wire.say(node(8, '42'));
  assert.deepEqual([first.closed, second.closed], [1, 1]);
  assert.deepEqual(
    prime.nodes.map(({ deviceId, serial }) => `${deviceId} ${serial}`),
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
