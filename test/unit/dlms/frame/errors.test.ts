/** Every code of the framing layers is documented, and something real leads to it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, fromHex } from '../../../../src/base/bytes.ts';
import type { Machine } from '../../../../src/base/machine.ts';
import { AsciiClient } from '../../../../src/dlms/ascii/client.machine.ts';
import { encodeAsciiMessage } from '../../../../src/dlms/ascii/message.ts';
import type { AsciiTask } from '../../../../src/dlms/ascii/task.ts';
import { FRAME_ERRORS, type FrameErrorCode } from '../../../../src/dlms/frame/errors.ts';
import { GatewayClient } from '../../../../src/dlms/frame/gateway-client.ts';
import { serverAddress } from '../../../../src/dlms/frame/hdlc-address.ts';
import { HdlcClient } from '../../../../src/dlms/frame/hdlc-client.machine.ts';
import { HdlcServer } from '../../../../src/dlms/frame/hdlc-server.machine.ts';
import { SignOnClient, type SignOnEvent } from '../../../../src/dlms/frame/iec62056-21.machine.ts';
import { encodeMbusFrame, type MbusFrame } from '../../../../src/dlms/frame/mbus-frame.ts';
import { type PushEvent, PushMachine } from '../../../../src/dlms/frame/push.machine.ts';
import { FrameScanner } from '../../../../src/dlms/frame/scanner.ts';
import type { TransportEvent } from '../../../../src/dlms/frame/transport.ts';
import { USI_PROTOCOL, usiRule } from '../../../../src/dlms/frame/usi-frame.ts';
import { WrapperClient } from '../../../../src/dlms/frame/wrapper.machine.ts';
import { connectedClient, fromClient, fromServer, waitOut } from './stations.ts';

const codesOf = (events: readonly PushEvent[]): string[] =>
  events.flatMap((event) =>
    event.kind === 'discarded'
      ? [event.code]
      : event.kind === 'link-down' && event.reason !== null
        ? [event.reason.code]
        : [],
  );

/** Codes that come of octets and the silence after them. */
function heard(machine: Machine<PushEvent>, ...chunks: (Uint8Array | string)[]): string[] {
  const events = chunks.flatMap((chunk) => machine.receive(typeof chunk === 'string' ? fromHex(chunk) : chunk, 1));
  const silence = waitOut(machine, 20);
  return codesOf([...events, ...(silence.events as PushEvent[])]);
}

const telegram = (text: string) => heard(new PushMachine({ framing: 'p1' }), new TextEncoder().encode(text));
const wire = () => new PushMachine({ framing: 'auto' });
const mbus = (controlInformation: number, data = '0f'): Uint8Array => {
  const frame: MbusFrame = {
    control: 0x53,
    address: 0xff,
    controlInformation,
    source: 1,
    destination: 0x67,
    data: fromHex(data),
  };
  return encodeMbusFrame(frame);
};
const altered = (octets: Uint8Array, at: number): Uint8Array =>
  octets.map((octet, index) => (index === (at + octets.length) % octets.length ? octet ^ 0x55 : octet));
const block = (number: string, data = '00'): Uint8Array => fromServer(0x13, `e6e700e040${number}000001${data}`);

function asking(): HdlcClient {
  const client = connectedClient();
  client.send(Uint8Array.of(0xc0), 0);
  return client;
}

/** An APDU of more segments than a message may have. */
function tooLong(): string[] {
  const client = connectedClient({ responseTimeoutMs: 1_000_000 });
  client.send(Uint8Array.of(0xc0), 0);
  const part = '00'.repeat(2_000);
  const events: TransportEvent[] = [];
  for (let ns = 0; ns < 34; ns++) events.push(...client.receive(fromServer(0x30 | ((ns & 7) << 1), part, true), ns));
  return codesOf(events);
}

function busy(): string[] {
  const client = asking();
  const events: TransportEvent[] = [];
  for (let nowMs = 0; nowMs < 5_000; nowMs += 500)
    events.push(...client.receive(fromServer(0x15), nowMs), ...client.tick(nowMs + 499));
  return codesOf(events);
}

function inactive(): string[] {
  const server = new HdlcServer({ physicalDevice: 17, inactivityMs: 1_000 });
  return heard(server, fromClient(0x93));
}

/** Codes of a sign-on with one attempt that hears `answer`. */
function signOn(answer: string): string[] {
  const machine = new SignOnClient({ attempts: 1 });
  machine.start(0);
  machine.tick(0);
  const events: SignOnEvent[] = [...machine.receive(new TextEncoder().encode(answer), 1), ...machine.tick(60_000)];
  return events.flatMap((event) => (event.kind === 'failed' ? [event.error.code] : []));
}

/** Code of a task of one attempt that hears an identification of mode C, and then this. */
function ascii(task: AsciiTask, ...answers: readonly Uint8Array[]): string[] {
  const client = new AsciiClient({ attempts: 1, repeats: 0, startBaud: 9_600 });
  client.start(task, 0);
  client.tick(0);
  client.changed(0);
  client.tick(0);
  const events = client.receive(new TextEncoder().encode('/DWt5X\r\n'), 1);
  events.push(...client.tick(1_000), ...client.tick(2_000), ...client.changed(2_000));
  for (const answer of answers) {
    events.push(...client.receive(answer, 2_100));
    // The pause before the next command.
    if (task.kind === 'commands') events.push(...client.tick(2_200));
  }
  events.push(...client.tick(60_000));
  return events.flatMap((event) => (event.kind === 'failed' ? [event.error.code] : []));
}

/** Codes of a stream of a G3 modem. */
function modem(hex: string): string[] {
  const scanner = new FrameScanner([usiRule(USI_PROTOCOL.g3Adaptation)], 100);
  const events = [...scanner.receive(fromHex(hex), 0), ...scanner.tick(100)];
  return events.flatMap((event) => (event.kind === 'discarded' ? [event.code] : []));
}

const READ_OUT = { kind: 'read-out', address: '' } as const;
const COMMANDS = { kind: 'commands', address: '', password: '1', commands: [{ name: 'R5', text: '1.8.0()' }] } as const;
const ASKED = encodeAsciiMessage({ kind: 'command', name: 'P0', text: '(1)' });
const SAID_NO = encodeAsciiMessage({ kind: 'data', text: '(ER01)', isPart: false });

const REACHED: Record<FrameErrorCode, () => string[]> = {
  FRAME_NOISE: () => heard(wire(), '414243'),
  FRAME_GAP: () => heard(wire(), fromServer(0x13, 'e6e7000f').subarray(0, 12)),
  HDLC_FORMAT: () => heard(wire(), '7e8001'),
  HDLC_LENGTH: () => heard(wire(), '7ea003000000'),
  HDLC_ADDRESS: () => heard(wire(), '7ea00c0002040608102193aaaa7e'),
  HDLC_CONTROL: () => heard(wire(), fromHex('7ea00703037f32c57e')),
  HDLC_HCS_MISMATCH: () => heard(wire(), altered(fromServer(0x13, 'e6e7000f'), 7)),
  HDLC_FCS_MISMATCH: () => heard(wire(), altered(fromServer(0x13, 'e6e7000f'), -2)),
  HDLC_NO_CLOSING_FLAG: () => heard(wire(), altered(fromServer(0x13, 'e6e7000f'), -1)),
  HDLC_FOREIGN: () => heard(asking(), fromClient(0x93)),
  HDLC_LLC: () => heard(asking(), fromServer(0x30, '00112233')),
  HDLC_SEQUENCE: () => heard(asking(), fromServer(0x36, 'e6e700c4')),
  HDLC_UNEXPECTED: () => heard(asking(), fromServer(0x79)),
  HDLC_NEGOTIATION: () => {
    const client = new HdlcClient({ client: 16, server: serverAddress(1, 17) });
    client.connect(0);
    return heard(client, fromServer(0x73, '0102'));
  },
  HDLC_SEGMENT_LOST: () => heard(wire(), fromServer(0x10, 'e6e7000f', true), fromServer(0x14, '00')),
  HDLC_NO_ANSWER: () => heard(asking()),
  HDLC_NOT_CONNECTED: () => heard(asking(), fromServer(0x1f)),
  HDLC_REJECTED: () => heard(asking(), fromServer(0x97, '100008')),
  HDLC_BUSY: busy,
  HDLC_SEQUENCE_LOST: () => heard(asking(), fromServer(0x91), fromServer(0x91)),
  HDLC_INACTIVE: inactive,
  APDU_TOO_LONG: tooLong,
  WRAPPER_VERSION: () => heard(new WrapperClient({ client: 16, server: 1 }, { gapMs: 50 }), '0002000100100001c0'),
  WRAPPER_LENGTH: () => heard(new WrapperClient({ client: 16, server: 1 }, { apduMaxBytes: 100 }), '0001000100100065'),
  GATEWAY_FOREIGN: () =>
    heard(
      new GatewayClient(new WrapperClient({ client: 16, server: 1 }), {
        networkId: 0,
        physicalDeviceAddress: Uint8Array.of(0x31),
      }),
      '0001000100100005e7000132c4',
    ),
  WRAPPER_PORT: () => heard(new WrapperClient({ client: 16, server: 1 }), '0001000200100001c4'),
  MBUS_START: () => heard(wire(), '68101168'),
  MBUS_CHECKSUM: () => heard(wire(), altered(mbus(0x10), -2)),
  MBUS_STOP: () => heard(wire(), altered(mbus(0x10), -1)),
  MBUS_SEGMENT_ORDER: () => heard(wire(), concat([mbus(0x00), mbus(0x12)])),
  P1_FORMAT: () => telegram('/ISK5\r\n/ISK'),
  P1_CRC_MISMATCH: () => telegram('/ISK5\r\n!0000\r\n'),
  SML_FORMAT: () => heard(new PushMachine({ framing: 'sml' }), '1b1b1b1b01010101760500001b1b1b1b1a040000'),
  SML_CRC_MISMATCH: () => heard(new PushMachine({ framing: 'sml' }), '1b1b1b1b01010101000000001b1b1b1b1a000000'),
  IEC_NO_ANSWER: () => signOn(''),
  IEC_GARBLED: () => signOn('~~~~'),
  IEC_NO_MODE_E: () => signOn('/ABCB meter\r\n'),
  IEC_CHECK: () => ascii(READ_OUT, fromHex('023103ff')),
  IEC_TOO_LONG: () => ascii(READ_OUT, new Uint8Array(70_000).fill(2)),
  IEC_REFUSED: () => ascii(COMMANDS, ASKED, encodeAsciiMessage({ kind: 'acknowledge' }), SAID_NO),
  IEC_PASSWORD: () => ascii(COMMANDS, ASKED, SAID_NO),
  USI_ESCAPE: () => modem('7e00e57d007e'),
  USI_LENGTH: () => modem('7e00e50a4e0c7e'),
  USI_PROTOCOL: () => modem('7e00f00a00014e0c7e'),
  USI_CHECK_MISMATCH: () => modem('7e00e50a00014e0d7e'),
  GBT_MALFORMED: () => heard(wire(), fromServer(0x13, 'e6e700e0400001000005aa')),
  GBT_ORDER: () => heard(wire(), concat([block('0001'), block('0003')])),
};

test('every code of the framing layers is documented and reachable', () => {
  for (const [code, reach] of Object.entries(REACHED)) {
    assert.ok(reach().includes(code), `${code} is not among ${reach().join(', ')}`);
    assert.match(FRAME_ERRORS[code as FrameErrorCode].sentence, /^[A-Z].{30,}[.?]$/);
  }
});

test('a broken frame keeps its name when it shares its opening flag with the good frame before it', () => {
  const good = fromServer(0x13, 'e6e7000f');
  const broken = altered(fromServer(0x13, 'e6e7000f'), -3);
  for (const flags of [good.subarray(0, -1), good, concat([good, fromHex('7e7e')])]) {
    assert.deepEqual(heard(wire(), flags, broken, good), ['HDLC_FCS_MISMATCH']);
  }
});
