/** Fuzz targets that are machines below the session: framing layers, listeners, the sign-on, the gate of the broker. */
import type { Machine } from '../../base/machine.ts';
import { PacketGate } from '../../collector/broker/packet-gate.ts';
import { serverAddress } from '../../dlms/frame/hdlc-address.ts';
import { HdlcClient } from '../../dlms/frame/hdlc-client.machine.ts';
import { HDLC_RULE } from '../../dlms/frame/hdlc-frame.ts';
import { HdlcServer } from '../../dlms/frame/hdlc-server.machine.ts';
import { SIGN_ON_DEFAULTS, SignOnClient } from '../../dlms/frame/iec62056-21.machine.ts';
import { SIGN_ON_METER_DEFAULTS, SignOnMeter } from '../../dlms/frame/iec62056-21-meter.machine.ts';
import { MBUS_RULE } from '../../dlms/frame/mbus-frame.ts';
import { PushMachine } from '../../dlms/frame/push.machine.ts';
import { type FrameRule, FrameScanner } from '../../dlms/frame/scanner.ts';
import { wrapperRule } from '../../dlms/frame/wrapper-frame.ts';
import { type Feed, type FuzzTarget, must, parser } from './target.ts';

const OTHER_SPLIT = 'another split of the stream gives other events';
const SILENCE_MS = 100;
/** Deadlines after which a machine that was fed must rest. */
const STEPS_MAX = 200;
const APDU_MAX_BYTES = 1_024;
const LINE_FEED = 0x0a;
/** Steps of a sign-on between two lines: one phase each, so that a line can meet each of them. */
const LINE_STEPS_MAX = 4;

/** Feeds a machine in pieces and lets it come to rest. Gives all that it told; throws WrongError when it never rests. */
export function drain<Event>(machine: Machine<Event>, octets: Uint8Array, pieceBytes: number, nowMs = 0): Event[] {
  const events: Event[] = [];
  for (let at = 0; at < octets.length; at += pieceBytes)
    events.push(...machine.receive(octets.subarray(at, at + pieceBytes), nowMs));
  machine.takeOutput();
  let steps = 0;
  for (let due = machine.deadlineMs(); due !== null; due = machine.deadlineMs()) {
    must(steps++ < STEPS_MAX, 'the machine never rests');
    events.push(...machine.tick(Math.max(due, nowMs)));
    machine.takeOutput();
  }
  return events;
}

/** The sum of what two ways of feeding told, for comparison: kinds and sizes. */
function told(events: readonly { readonly kind: string }[]): string {
  return events
    .map(
      (event) => `${event.kind}${'octets' in event && event.octets instanceof Uint8Array ? event.octets.length : ''}`,
    )
    .join();
}

/** The length of pieces for an input: from one octet to a few dozen, the same for the same input. */
export function pieceOf(octets: Uint8Array): number {
  return 1 + ((octets.length * 7 + (octets.at(-1) ?? 0)) % 40);
}

function scannerOf(rules: () => readonly FrameRule<unknown>[]): Feed {
  return (octets) => {
    const whole = scan(rules(), octets, Math.max(1, octets.length));
    return () => must(told(scan(rules(), octets, pieceOf(octets))) === told(whole), OTHER_SPLIT);
  };
}

function scan(rules: readonly FrameRule<unknown>[], octets: Uint8Array, pieceBytes: number) {
  const scanner = new FrameScanner(rules, SILENCE_MS);
  const events = [];
  for (let at = 0; at < octets.length; at += pieceBytes)
    events.push(...scanner.receive(octets.subarray(at, at + pieceBytes), 0));
  events.push(...scanner.tick(SILENCE_MS));
  must(scanner.deadlineMs() === null, 'after the silence something is left');
  return events;
}

function machineOf<Event extends { readonly kind: string }>(make: () => Machine<Event>): Feed {
  return (octets) => {
    const whole = drain(make(), octets, Math.max(1, octets.length));
    return () => must(told(drain(make(), octets, pieceOf(octets))) === told(whole), OTHER_SPLIT);
  };
}

function connectedClient(): HdlcClient {
  const client = new HdlcClient({ client: 16, server: serverAddress(1, 17), responseTimeoutMs: 50, retries: 2 });
  client.connect(0);
  client.takeOutput();
  return client;
}

interface Changeable<Event> extends Machine<Event> {
  changed(nowMs: number): Event[];
}

/** The sign-on, line by line, the port following each change that it asks for. */
function feedLines<Event extends { readonly kind: string }>(machine: Changeable<Event>, octets: Uint8Array): void {
  let nowMs = settle(machine, 0);
  for (let at = 0; at < octets.length; ) {
    const feed = octets.indexOf(LINE_FEED, at);
    const end = feed < 0 ? octets.length : feed + 1;
    machine.receive(octets.subarray(at, end), nowMs);
    nowMs = settle(machine, nowMs);
    at = end;
  }
}

/** Runs the machine until it waits for octets only; gives the time then. */
function settle<Event extends { readonly kind: string }>(machine: Changeable<Event>, fromMs: number): number {
  let nowMs = fromMs;
  for (let steps = 0; steps < LINE_STEPS_MAX; steps++) {
    const due = machine.deadlineMs();
    if (due === null) return nowMs;
    nowMs = Math.max(nowMs, due);
    let events = machine.tick(nowMs);
    for (let changes = 0; events.some(({ kind }) => kind === 'line'); changes++) {
      must(changes < STEPS_MAX, 'the line is changed for ever');
      events = machine.changed(nowMs);
    }
    machine.takeOutput();
  }
  return nowMs;
}

function signOnClient(octets: Uint8Array): null {
  const client = new SignOnClient({ ...SIGN_ON_DEFAULTS, attempts: 1 });
  client.start(0);
  feedLines(client, octets);
  return null;
}

function signOnMeter(octets: Uint8Array): null {
  feedLines(new SignOnMeter(SIGN_ON_METER_DEFAULTS), octets);
  return null;
}

/** Whatever the split, the gate says the same: before and after CONNACK. */
function checkGate(octets: Uint8Array): null {
  for (const open of [false, true]) {
    const whole = new PacketGate();
    const pieces = new PacketGate();
    if (open) for (const gate of [whole, pieces]) gate.open();
    const verdict = whole.check(octets);
    let found: string | null = null;
    const pieceBytes = pieceOf(octets);
    for (let at = 0; at < octets.length && found === null; at += pieceBytes)
      found = pieces.check(octets.subarray(at, at + pieceBytes));
    must(verdict === found, `whole: ${verdict}, in pieces: ${found}`);
  }
  return null;
}

/** The machines. */
export const MACHINES: readonly FuzzTarget[] = [
  parser(
    'scan-hdlc',
    ['hdlc'],
    8,
    scannerOf(() => [HDLC_RULE]),
  ),
  parser(
    'scan-mbus',
    ['mbus'],
    4,
    scannerOf(() => [MBUS_RULE]),
  ),
  parser(
    'scan-wrapper',
    ['wrapper'],
    3,
    scannerOf(() => [wrapperRule(APDU_MAX_BYTES)]),
  ),
  parser(
    'push',
    ['hdlc', 'mbus'],
    8,
    machineOf(() => new PushMachine({ framing: 'auto' })),
  ),
  parser(
    'push-p1',
    ['telegram'],
    4,
    machineOf(() => new PushMachine({ framing: 'p1' })),
  ),
  parser(
    'push-sml',
    ['sml'],
    4,
    machineOf(() => new PushMachine({ framing: 'sml' })),
  ),
  parser('hdlc-client', ['hdlc'], 4, machineOf(connectedClient)),
  parser(
    'hdlc-server',
    ['hdlc'],
    6,
    machineOf(() => new HdlcServer({ physicalDevice: 17 })),
  ),
  parser('sign-on-client', ['sign-on'], 2, signOnClient),
  parser('sign-on-meter', ['sign-on'], 2, signOnMeter),
  parser('broker-gate', ['mqtt'], 6, checkGate),
];
