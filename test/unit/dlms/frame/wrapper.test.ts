/** The server's end of the wrapper: what it sends goes from a logical device to a client, whoever asked for it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WrapperServer } from '../../../../src/dlms/frame/wrapper.machine.ts';
import { encodeWrapper } from '../../../../src/dlms/frame/wrapper-frame.ts';

const APDU = Uint8Array.of(0x0f, 1, 2, 3);
const STATIONS = { client: 16, server: 1 };

test('answers, pushes and notifications leave once each, from the device to the client', () => {
  for (const way of ['send', 'push', 'notify'] as const) {
    const server = new WrapperServer();
    server[way](APDU, STATIONS, 0);
    assert.deepEqual(server.takeOutput(), [encodeWrapper({ source: 1, destination: 16, apdu: APDU })], way);
    assert.deepEqual(server.takeOutput(), []);
  }
});

test('a message to all stations wants no answer, one to a device does', () => {
  const server = new WrapperServer();
  const heard = (destination: number) => server.receive(encodeWrapper({ source: 16, destination, apdu: APDU }), 0);
  assert.deepEqual(heard(1), [{ kind: 'apdu', apdu: APDU, stations: STATIONS }]);
  assert.deepEqual(heard(0x7f), [{ kind: 'unsolicited', apdu: APDU, stations: { client: 16, server: 0x7f } }]);
});
