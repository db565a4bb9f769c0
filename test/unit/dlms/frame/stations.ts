/** Frames between client 16 and server 1/17, and a client that is connected without a server. */
import assert from 'node:assert/strict';
import { fromHex, toHex } from '../../../../src/base/bytes.ts';
import { clientAddress, serverAddress } from '../../../../src/dlms/frame/hdlc-address.ts';
import { HdlcClient, type HdlcClientOptions } from '../../../../src/dlms/frame/hdlc-client.machine.ts';
import {
  decodeHdlcControl,
  encodeHdlcControl,
  encodeHdlcFrame,
  HDLC_RULE,
} from '../../../../src/dlms/frame/hdlc-frame.ts';
import { encodeHdlcParameters, type HdlcParameters } from '../../../../src/dlms/frame/hdlc-parameters.ts';

/** Octets of a frame from the server to the client. */
export function fromServer(octet: number, information = '', segmented = false): Uint8Array {
  return frame(octet, information, segmented, true);
}

/** Octets of a frame from the client to the server. */
export function fromClient(octet: number, information = '', segmented = false): Uint8Array {
  return frame(octet, information, segmented, false);
}

function frame(octet: number, information: string, segmented: boolean, answer: boolean): Uint8Array {
  const control = decodeHdlcControl(octet);
  assert.ok(control !== null);
  const [destination, source] = answer
    ? [clientAddress(16), serverAddress(1, 17)]
    : [serverAddress(1, 17), clientAddress(16)];
  return encodeHdlcFrame({ segmented, destination, source, control, information: fromHex(information) });
}

/** Control octets of what a machine sends. */
export function sent(machine: { takeOutput(): Uint8Array[] }): string[] {
  return machine.takeOutput().map((octets) => {
    const verdict = HDLC_RULE.examine(octets);
    assert.ok(verdict.kind === 'accept');
    return encodeHdlcControl(verdict.frame.control).toString(16).padStart(2, '0');
  });
}

/** A client that is connected; the server's UA said `parameters`, or nothing. */
export function connectedClient(options: Partial<HdlcClientOptions> = {}, parameters?: HdlcParameters): HdlcClient {
  const client = new HdlcClient({ client: 16, server: serverAddress(1, 17), responseTimeoutMs: 200, ...options });
  client.connect(0);
  assert.deepEqual(sent(client), ['93']);
  const [event] = client.receive(
    fromServer(0x73, parameters === undefined ? '' : toHex(encodeHdlcParameters(parameters))),
    0,
  );
  assert.equal(event?.kind, 'link-up');
  return client;
}

/** Lets every deadline pass, `times` at most; the events and what was sent. */
export function waitOut(
  machine: { deadlineMs(): number | null; tick(nowMs: number): unknown[]; takeOutput(): Uint8Array[] },
  times = 50,
) {
  const events: unknown[] = [];
  const said: string[] = [];
  for (let at = 0, due = machine.deadlineMs(); due !== null && at < times; due = machine.deadlineMs(), at++) {
    events.push(...machine.tick(due));
    said.push(...sent(machine));
  }
  return { events, said };
}
