import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fromHex, toHex } from '../../../../src/base/bytes.ts';
import { clientAddress, serverAddress } from '../../../../src/dlms/frame/hdlc-address.ts';
import { HdlcClient, type HdlcClientOptions } from '../../../../src/dlms/frame/hdlc-client.machine.ts';
import {
  decodeHdlcControl,
  encodeHdlcControl,
  encodeHdlcFrame,
  HDLC_RULE,
  type HdlcControl,
} from '../../../../src/dlms/frame/hdlc-frame.ts';
import type { HdlcParameters } from '../../../../src/dlms/frame/hdlc-parameters.ts';
import { HdlcServer, type HdlcServerOptions } from '../../../../src/dlms/frame/hdlc-server.machine.ts';
import type { TransportEvent } from '../../../../src/dlms/frame/transport.ts';
import { type LineFaults, VirtualLine } from './line.ts';

const WIDE: HdlcParameters = {
  informationTransmitBytes: 512,
  informationReceiveBytes: 512,
  windowTransmit: 7,
  windowReceive: 7,
};

/** A message whose octets tell its number. */
function messageOf(number: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => (at === 0 ? number : (number * 31 + at * 7) & 0xff));
}

interface Outcome {
  readonly asked: string[];
  readonly answered: string[];
  readonly reason: string | null | undefined;
  readonly discarded: string[];
  readonly endedMs: number;
  readonly octets: number;
}

/** The client asks `lengths.length` questions one after the other; the server answers each with its echo and more. */
function converse(
  lengths: readonly number[],
  faults: LineFaults,
  seed: number,
  client: Partial<HdlcClientOptions> = {},
  server: HdlcServerOptions = {},
): Outcome {
  const ends = [
    new HdlcClient({ client: 16, server: serverAddress(1, 17), responseTimeoutMs: 200, retries: 6, ...client }),
    new HdlcServer({ physicalDevice: 17, ...server }),
  ] as const;
  const asked: string[] = [];
  const answered: string[] = [];
  const discarded: string[] = [];
  let reason: string | null | undefined;
  let next = 0;
  const ask = (nowMs: number) => {
    const length = lengths[next];
    if (length === undefined) ends[0].disconnect(nowMs);
    else ends[0].send(messageOf(next++, length), nowMs);
  };
  const line = new VirtualLine<TransportEvent, TransportEvent>(ends, faults, seed, (end, events) => {
    for (const event of events) {
      if (event.kind === 'discarded') discarded.push(event.code);
      else if (end === 1 && event.kind === 'apdu') {
        asked.push(toHex(event.apdu));
        ends[1].send(messageOf(event.apdu.at(0) ?? 0, event.apdu.length * 3), event.stations, line.nowMs);
      } else if (end === 0 && event.kind === 'apdu') {
        answered.push(toHex(event.apdu));
        ask(line.nowMs);
      } else if (end === 0 && event.kind === 'link-up') ask(line.nowMs);
      else if (end === 0 && event.kind === 'link-down') reason = event.reason?.code ?? null;
    }
  });
  ends[0].connect(0);
  line.run(() => reason !== undefined, 600_000);
  return { asked, answered, reason, discarded, endedMs: line.nowMs, octets: line.octets };
}

test('HE-7 HDLC: connect, segment both ways and disconnect, at window 1 and 7', () => {
  const lengths = [10, 500, 3_000, 1];
  for (const [client, server] of [
    [undefined, undefined],
    [WIDE, WIDE],
    [WIDE, undefined],
  ] as const) {
    const outcome = converse(
      lengths,
      {},
      1,
      client === undefined ? {} : { parameters: client },
      server === undefined ? {} : { parameters: server },
    );
    assert.equal(outcome.reason, null);
    assert.deepEqual(
      outcome.asked,
      lengths.map((length, at) => toHex(messageOf(at, length))),
    );
    assert.deepEqual(
      outcome.answered,
      lengths.map((length, at) => toHex(messageOf(at, length * 3))),
    );
    assert.deepEqual(outcome.discarded, []);
  }
});

test('HE-7 HDLC: any split of the stream gives the same conversation', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 4 }),
      fc.integer(),
      fc.integer({ min: 1, max: 40 }),
      (lengths, seed, pieceBytes) => {
        const whole = converse(lengths, {}, seed, { parameters: WIDE }, { parameters: WIDE });
        const split = converse(lengths, { pieceBytes }, seed, { parameters: WIDE }, { parameters: WIDE });
        assert.deepEqual({ ...split, endedMs: 0 }, { ...whole, endedMs: 0 });
      },
    ),
    { numRuns: 40 },
  );
});

test('HE-7 HDLC: over a line that loses and alters, every message arrives once and in order, or the link ends by name', () => {
  let survived = 0;
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 8 }),
      fc.integer(),
      fc.double({ min: 0, max: 0.2, noNaN: true }),
      fc.double({ min: 0, max: 0.2, noNaN: true }),
      fc.boolean(),
      fc.constantFrom(1, 90, 210, 450),
      (lengths, seed, lose, flip, wide, latencyMs) => {
        const parameters = wide ? { parameters: WIDE } : {};
        const outcome = converse(lengths, { lose, flip, latencyMs }, seed, parameters, parameters);
        const asked = lengths.map((length, at) => toHex(messageOf(at, length)));
        const answered = lengths.map((length, at) => toHex(messageOf(at, length * 3)));
        assert.notEqual(outcome.reason, undefined, 'the conversation ends');
        assert.deepEqual(outcome.asked, asked.slice(0, outcome.asked.length));
        assert.deepEqual(outcome.answered, answered.slice(0, outcome.answered.length));
        if (outcome.reason === null) assert.equal(outcome.answered.length, lengths.length);
        else assert.match(String(outcome.reason), /^HDLC_(NO_ANSWER|SEQUENCE_LOST|NOT_CONNECTED|REJECTED)$/);
        if (outcome.reason === null) survived++;
      },
    ),
    { numRuns: 150 },
  );
  assert.ok(survived > 75, `${survived} of 150 conversations came through`);
});

test('HE-7 HDLC: a meter that is not there ends in HDLC_NO_ANSWER after the retries', () => {
  const outcome = converse([1], { lose: 1 }, 1);
  assert.equal(outcome.reason, 'HDLC_NO_ANSWER');
  assert.equal(outcome.endedMs, 7 * 200);
});

/** Octets of a frame from server 1/17 to client 16. */
function fromServer(control: number, information = ''): Uint8Array {
  const decoded = decodeHdlcControl(control);
  assert.ok(decoded !== null);
  return encodeHdlcFrame({
    segmented: false,
    destination: clientAddress(16),
    source: serverAddress(1, 17),
    control: decoded,
    information: fromHex(information),
  });
}

/** Control octets of what a machine sends. */
function sent(machine: HdlcClient | HdlcServer): string[] {
  return machine.takeOutput().map((octets) => {
    const verdict = HDLC_RULE.examine(octets);
    assert.ok(verdict.kind === 'accept');
    return encodeHdlcControl(verdict.frame.control).toString(16).padStart(2, '0');
  });
}

/** A client that is connected, without a server. */
function connected(): HdlcClient {
  const client = new HdlcClient({ client: 16, server: serverAddress(1, 17), responseTimeoutMs: 200 });
  client.connect(0);
  assert.deepEqual(sent(client), ['93']);
  const [event] = client.receive(fromServer(0x73), 0);
  assert.equal(event?.kind, 'link-up');
  return client;
}

test('HE-7 HDLC: receive-not-ready keeps the frame, polls every 500 ms and goes on after RR', () => {
  const client = connected();
  client.send(Uint8Array.of(0xc0), 0);
  assert.deepEqual(sent(client), ['10']);
  client.receive(fromServer(0x15), 10);
  assert.deepEqual(sent(client), []);
  assert.equal(client.deadlineMs(), 510);
  client.tick(510);
  assert.deepEqual(sent(client), ['11']);
  client.receive(fromServer(0x11), 520);
  assert.deepEqual(sent(client), ['10'], 'the frame goes out again');
  const events = client.receive(fromServer(0x30, 'e6e700c4'), 530);
  assert.deepEqual(
    events.map((event) => event.kind),
    ['apdu'],
  );
});

test('HE-7 HDLC: silence is answered by a poll, then by the frame itself, then the link is down', () => {
  const client = connected();
  client.send(Uint8Array.of(0xc0), 0);
  const said = [sent(client)];
  const events = [];
  for (let due = client.deadlineMs(); due !== null; due = client.deadlineMs()) {
    events.push(...client.tick(due));
    said.push(sent(client));
  }
  assert.deepEqual(said, [['10'], ['11'], ['10'], ['11'], []]);
  assert.deepEqual(
    events.map((event) => event.kind === 'link-down' && event.reason?.code),
    ['HDLC_NO_ANSWER'],
  );
});

test('HE-7 interop 4: HDLC: DM and FRMR in a connection end it by name; DM to SNRM is asked once more without parameters', () => {
  for (const [control, code] of [
    [0x1f, 'HDLC_NOT_CONNECTED'],
    [0x97, 'HDLC_REJECTED'],
  ] as const) {
    const client = connected();
    client.send(Uint8Array.of(0xc0), 0);
    const [event] = client.receive(fromServer(control), 1);
    assert.ok(event?.kind === 'link-down' && event.reason?.code === code);
  }
  const client = new HdlcClient({ client: 16, server: serverAddress(1, 17) });
  client.connect(0);
  const [first] = client.takeOutput();
  client.receive(fromServer(0x1f), 1);
  const [second] = client.takeOutput();
  assert.equal(toHex(second ?? new Uint8Array(0)), '7ea00802232193bd647e');
  assert.ok((first?.length ?? 0) > 30);
  const [event] = client.receive(fromServer(0x1f), 2);
  assert.ok(event?.kind === 'link-down' && event.reason?.code === 'HDLC_NOT_CONNECTED');
});

test('HE-7 HDLC: a frame of another station is named and changes nothing', () => {
  const client = connected();
  client.send(Uint8Array.of(0xc0), 0);
  const foreign = encodeHdlcFrame({
    segmented: false,
    destination: clientAddress(16),
    source: serverAddress(1, 18),
    control: { type: 'I', ns: 0, nr: 1, pollFinal: true },
    information: fromHex('e6e700c4'),
  });
  const events = client.receive(foreign, 1);
  assert.deepEqual(
    events.map((event) => (event.kind === 'discarded' ? event.code : event.kind)),
    ['HDLC_FOREIGN'],
  );
});

test('HE-7 HDLC: the server drops a silent client after the inactivity time and says DM to a stranger', () => {
  const server = new HdlcServer({ inactivityMs: 1_000 });
  const request = (control: HdlcControl) =>
    encodeHdlcFrame({
      segmented: false,
      destination: serverAddress(1),
      source: clientAddress(16),
      control,
      information: new Uint8Array(0),
    });
  server.receive(request({ type: 'RR', nr: 0, pollFinal: true }), 0);
  assert.deepEqual(sent(server), ['1f']);
  server.receive(request({ type: 'SNRM', pollFinal: true }), 0);
  assert.deepEqual(sent(server), ['73']);
  const [event] = server.tick(1_000);
  assert.ok(event?.kind === 'link-down' && event.reason?.code === 'HDLC_INACTIVE');
});

test('HE-7 HDLC: a push in UI frames reaches a client whether or not it is connected', () => {
  const server = new HdlcServer();
  const client = new HdlcClient({ client: 16, server: serverAddress(1) });
  server.push(messageOf(9, 300), { client: 16, server: 1 }, 0);
  const events = server.takeOutput().flatMap((octets) => client.receive(octets, 0));
  assert.deepEqual(
    events.map((event) => (event.kind === 'unsolicited' ? toHex(event.apdu) : event.kind)),
    [toHex(messageOf(9, 300))],
  );
});

test('HE-7 HDLC: a client connects once, and each connection that nobody answers fails for its own reason', () => {
  const client = new HdlcClient({ client: 16, server: serverAddress(1), responseTimeoutMs: 200, retries: 1 });
  let nowMs = 0;
  for (let connection = 0; connection < 2; connection++) {
    client.connect(nowMs);
    assert.deepEqual(sent(client), ['93'], 'SNRM');
    client.connect(nowMs);
    assert.deepEqual(sent(client), [], 'asked for already');
    const events: TransportEvent[] = [];
    for (let dueMs = client.deadlineMs(); dueMs !== null; dueMs = client.deadlineMs()) {
      nowMs = dueMs;
      events.push(...client.tick(nowMs));
    }
    const [event] = events;
    assert.ok(events.length === 1 && event?.kind === 'link-down' && event.reason?.code === 'HDLC_NO_ANSWER');
    assert.deepEqual(sent(client), ['93'], 'SNRM again');
  }
});
