/** Frame by frame: what each station of the data link does when the other is unusual. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, fromHex, toHex } from '../../../../src/base/bytes.ts';
import {
  ALL_STATIONS,
  clientAddress,
  encodeHdlcAddress,
  formatHdlcAddress,
  isAllStations,
  serverAddress,
} from '../../../../src/dlms/frame/hdlc-address.ts';
import { HdlcClient } from '../../../../src/dlms/frame/hdlc-client.machine.ts';
import { encodeHdlcFrame, HDLC_RULE } from '../../../../src/dlms/frame/hdlc-frame.ts';
import {
  decodeHdlcParameters,
  HDLC_DEFAULTS,
  type HdlcParameters,
} from '../../../../src/dlms/frame/hdlc-parameters.ts';
import { HdlcServer } from '../../../../src/dlms/frame/hdlc-server.machine.ts';
import { HDLC_CLIENTS_MAX } from '../../../../src/dlms/frame/limits.ts';
import type { TransportEvent } from '../../../../src/dlms/frame/transport.ts';
import { connectedClient, fromClient, fromServer, sent, waitOut } from './stations.ts';

const kinds = (events: readonly TransportEvent[]) =>
  events.map((event) => (event.kind === 'discarded' ? event.code : event.kind));
const WINDOW_7: HdlcParameters = { ...HDLC_DEFAULTS, windowTransmit: 7, windowReceive: 7 };

function connectedServer(): HdlcServer {
  const server = new HdlcServer({ physicalDevice: 17 });
  assert.deepEqual(kinds(server.receive(fromClient(0x93), 0)), ['link-up']);
  assert.deepEqual(sent(server), ['73']);
  return server;
}

test('HE-7 addresses: the shortest form, the longest, and the words for people', () => {
  assert.equal(toHex(encodeHdlcAddress(serverAddress(1))), '03');
  assert.equal(toHex(encodeHdlcAddress(serverAddress(1, 17))), '0223');
  assert.equal(toHex(encodeHdlcAddress(serverAddress(1, 17, 4))), '00020023');
  assert.equal(toHex(encodeHdlcAddress(serverAddress(300))), '04580001');
  assert.equal(toHex(encodeHdlcAddress(serverAddress(1, 5_000))), '00024e11');
  assert.equal(formatHdlcAddress(serverAddress(1, 17)), '1/17');
  assert.equal(formatHdlcAddress(clientAddress(16)), '16');
  assert.ok(
    isAllStations(serverAddress(1, ALL_STATIONS.long)) && isAllStations(serverAddress(1, ALL_STATIONS.short, 2)),
  );
  assert.ok(!isAllStations(serverAddress(1, ALL_STATIONS.short, 4)));
  assert.throws(() => serverAddress(1, 17, 1));
  assert.throws(() => clientAddress(128));
});

test('HE-7 parameters of any length are read, nonsense is passed over or refused', () => {
  assert.deepEqual(decodeHdlcParameters(fromHex('818011 050180 06020080 070400000001 08020003')), {
    ...HDLC_DEFAULTS,
    windowReceive: 3,
  });
  assert.deepEqual(decodeHdlcParameters(fromHex('818006 0500 0603ffff07')), null, 'a value runs beyond the group');
  assert.deepEqual(decodeHdlcParameters(fromHex('818003 0a0101')), HDLC_DEFAULTS);
  assert.deepEqual(decodeHdlcParameters(fromHex('818008 0504ffffffff 0800')), {
    ...HDLC_DEFAULTS,
    informationTransmitBytes: 2_030,
  });
  assert.equal(decodeHdlcParameters(fromHex('8280')), null);
});

test('HE-7 a hole in a received window is asked for at once; the double of an answer is not answered', () => {
  const client = connectedClient({ parameters: WINDOW_7 }, WINDOW_7);
  client.send(Uint8Array.of(0xc0), 0);
  sent(client);
  client.receive(fromServer(0x20, 'e6e700c4', true), 1);
  const events = client.receive(fromServer(0x34, '06'), 2);
  assert.deepEqual(kinds(events), ['HDLC_SEQUENCE']);
  assert.deepEqual(sent(client), ['31'], 'RR says which one is wanted');
  const whole = client.receive(concat([fromServer(0x22, '05', true), fromServer(0x34, '06')]), 3);
  assert.deepEqual(
    whole.map((event) => event.kind === 'apdu' && toHex(event.apdu)),
    ['c40506'],
  );
  client.send(Uint8Array.of(0xc0), 4);
  sent(client);
  assert.deepEqual(kinds(client.receive(fromServer(0x34, '06'), 5)), ['HDLC_SEQUENCE']);
  assert.deepEqual(sent(client), []);
});

test('HE-7 a window that is not wholly acknowledged goes out again from the missing frame on', () => {
  const client = connectedClient({ parameters: WINDOW_7 }, WINDOW_7);
  client.send(new Uint8Array(300), 0);
  assert.deepEqual(sent(client), ['00', '02', '14'], 'P=1 on the last of the window only');
  client.receive(fromServer(0x31), 1);
  assert.deepEqual(sent(client), ['02', '14']);
  client.receive(fromServer(0x71), 2);
  assert.deepEqual(sent(client), [], 'all is there: now the answer is waited for');
  assert.equal(client.deadlineMs(), 502);
  client.tick(502);
  assert.deepEqual(sent(client), ['11']);
});

test('HE-7 a meter that answers and never accepts a window ends the link after ten repetitions', () => {
  const client = connectedClient({ parameters: WINDOW_7, retries: 2 }, WINDOW_7);
  client.send(new Uint8Array(300), 0);
  for (let nowMs = 1; nowMs <= 10; nowMs++) assert.deepEqual(kinds(client.receive(fromServer(0x11), nowMs)), []);
  const [down] = client.receive(fromServer(0x11), 11);
  assert.ok(down?.kind === 'link-down' && down.reason?.code === 'HDLC_NO_ANSWER');
});

test('HE-7 an answer that came altered is polled for once the line is quiet, and does not count as silence', () => {
  const client = connectedClient({ gapMs: 20, retries: 1 });
  client.send(Uint8Array.of(0xc0), 0);
  sent(client);
  const altered = fromServer(0x30, 'e6e700c40102030405');
  altered[14] = (altered[14] ?? 0) ^ 0x10;
  for (let nowMs = 10; nowMs <= 100; nowMs += 30) {
    client.receive(altered, nowMs);
    assert.equal(client.deadlineMs(), nowMs + 20);
    assert.deepEqual(kinds(client.tick(nowMs + 20)), ['HDLC_FCS_MISMATCH']);
    client.tick(nowMs + 20);
    assert.deepEqual(sent(client), ['11'], 'a poll, for the meter has the request');
  }
  assert.deepEqual(kinds(client.receive(fromServer(0x30, 'e6e700c40102030405'), 200)), ['apdu']);
});

test('HE-7 a line that alters every answer ends the link by name', () => {
  const client = connectedClient({ gapMs: 20, retries: 1 });
  client.send(Uint8Array.of(0xc0), 0);
  const altered = fromServer(0x30, 'e6e700c40102030405');
  altered[14] = (altered[14] ?? 0) ^ 0x10;
  const ended: string[] = [];
  for (let nowMs = 100; ended.length === 0 && nowMs < 10_000; nowMs += 300) {
    client.receive(altered, nowMs);
    for (const event of client.tick(nowMs + 250)) if (event.kind === 'link-down') ended.push(event.reason?.code ?? '');
    client.takeOutput();
  }
  assert.deepEqual(ended, ['HDLC_NO_ANSWER']);
});

test('HE-7 an idle link is kept alive by polls; a slow line lengthens the wait by what is sent', () => {
  const client = connectedClient({ keepAliveMs: 10_000, octetMs: 10 });
  assert.equal(client.deadlineMs(), 10_000);
  client.tick(10_000);
  assert.deepEqual(sent(client), ['11']);
  assert.equal(client.deadlineMs(), 10_000 + 200 + 9 * 10 + 10);
  client.receive(fromServer(0x11), 10_050);
  assert.equal(client.deadlineMs(), 20_050);
});

test('HE-7 an answer that is still arriving is not given up', () => {
  const client = connectedClient({ gapMs: 100 });
  client.send(Uint8Array.of(0xc0), 0);
  sent(client);
  const answer = fromServer(0x30, 'e6e700c40102030405');
  client.receive(answer.subarray(0, 12), 190);
  assert.deepEqual(client.tick(200), []);
  assert.deepEqual(sent(client), []);
  assert.deepEqual(kinds(client.receive(answer.subarray(12), 260)), ['apdu']);
});

test('HE-7 connecting to all stations learns who answers', () => {
  const client = new HdlcClient({ client: 16, server: serverAddress(1, ALL_STATIONS.short, 2) });
  client.connect(0);
  const [snrm] = client.takeOutput();
  const server = new HdlcServer({ physicalDevice: 17 });
  assert.deepEqual(kinds(server.receive(snrm ?? new Uint8Array(0), 0)), ['link-up']);
  const [ua] = server.takeOutput();
  assert.deepEqual(kinds(client.receive(ua ?? new Uint8Array(0), 1)), ['link-up']);
  client.send(Uint8Array.of(0xc0), 1);
  const [request] = client.takeOutput();
  const verdict = HDLC_RULE.examine(request ?? new Uint8Array(0));
  assert.ok(verdict.kind === 'accept' && formatHdlcAddress(verdict.frame.destination) === '1/17');
});

test('HE-7 interop 9: disconnecting asks twice at most and is content with DM', () => {
  const client = connectedClient();
  client.disconnect(0);
  client.disconnect(0);
  const { said, events } = waitOut(client);
  assert.deepEqual(said, ['53', '53']);
  assert.deepEqual(kinds(events as TransportEvent[]), ['link-down']);
  const other = connectedClient();
  other.disconnect(0);
  assert.deepEqual(kinds(other.receive(fromServer(0x34, '00'), 1)), ['HDLC_UNEXPECTED']);
  assert.deepEqual(kinds(other.receive(fromServer(0x1f), 1)), ['link-down']);
  assert.deepEqual(kinds(other.receive(fromServer(0x30, '00'), 2)), ['HDLC_UNEXPECTED'], 'a down link takes nothing');
  other.send(Uint8Array.of(1), 3);
  assert.deepEqual(other.takeOutput().length, 1, 'and sends nothing but the DISC of before');
});

test('HE-7 the server answers RR to a poll, RR to RNR, and gives the token back without an answer', () => {
  const server = connectedServer();
  server.receive(fromClient(0x11), 0);
  assert.deepEqual(sent(server), ['11']);
  assert.deepEqual(kinds(server.receive(fromClient(0x10, 'e6e600c0'), 0)), ['apdu']);
  assert.deepEqual(sent(server), [], 'the token is kept for the answer');
  server.noAnswer({ client: 16, server: 1 }, 0);
  assert.deepEqual(sent(server), ['31']);
  server.receive(fromClient(0x15), 0);
  assert.deepEqual(sent(server), ['31']);
  server.receive(fromClient(0x01), 0);
  assert.deepEqual(sent(server), [], 'without P there is no answer');
  server.send(Uint8Array.of(0xc4), { client: 99, server: 1 }, 0);
  server.noAnswer({ client: 99, server: 1 }, 0);
  assert.deepEqual(sent(server), []);
});

test('HE-7 the server says its answer again to a repeated question, and joins segments before it passes them on', () => {
  const server = connectedServer();
  server.receive(fromClient(0x10, 'e6e600c0', true), 0);
  assert.deepEqual(sent(server), ['31']);
  assert.deepEqual(kinds(server.receive(fromClient(0x12, '01'), 0)), ['apdu']);
  server.send(Uint8Array.of(0xc4), { client: 16, server: 1 }, 0);
  assert.deepEqual(sent(server), ['50']);
  assert.deepEqual(kinds(server.receive(fromClient(0x12, '01'), 0)), ['HDLC_SEQUENCE']);
  assert.deepEqual(sent(server), ['50'], 'the same answer');
  server.receive(fromClient(0x31), 0);
  assert.deepEqual(sent(server), ['51']);
});

test('HE-7 the server rejects an acknowledgement of what it never sent, a broken SNRM, and tells REJ apart', () => {
  const server = connectedServer();
  assert.deepEqual(kinds(server.receive(fromClient(0x19), 0)), ['HDLC_UNEXPECTED']);
  assert.deepEqual(kinds(server.receive(fromClient(0xb1), 0)), ['link-down']);
  assert.deepEqual(sent(server), ['97']);
  server.receive(fromClient(0x93), 0);
  sent(server);
  assert.deepEqual(kinds(server.receive(fromClient(0xb0, 'e6e600c0'), 0)), ['link-down']);
  assert.deepEqual(sent(server), ['97']);
  server.receive(fromClient(0x93, '0102'), 0);
  assert.deepEqual(sent(server), ['1f']);
  assert.deepEqual(kinds(connectedServer().receive(fromClient(0x10, '010203'), 0)), ['HDLC_LLC']);
});

test('HE-7 a broadcast in a UI frame is heard and not answered; one without LLC is named', () => {
  const server = new HdlcServer({ physicalDevice: 17 });
  const broadcast = (information: string) =>
    encodeHdlcFrame({
      segmented: false,
      destination: serverAddress(ALL_STATIONS.short, ALL_STATIONS.short, 2),
      source: clientAddress(16),
      control: { type: 'UI', pollFinal: false },
      information: fromHex(information),
    });
  assert.deepEqual(kinds(server.receive(broadcast('e6e6000f'), 0)), ['unsolicited']);
  assert.deepEqual(kinds(server.receive(broadcast('0f'), 0)), ['HDLC_LLC']);
  assert.deepEqual(sent(server), []);
  assert.deepEqual(kinds(connectedClient().receive(fromServer(0x13, '0f'), 0)), ['HDLC_LLC']);
});

test('HE-7 what a server tells unasked ends with the frame that is full, and with no empty one', () => {
  const server = connectedServer();
  const stations = { client: 16, server: 1 };
  const oneFrame = HDLC_DEFAULTS.informationTransmitBytes - 3;
  for (const [octets, frames] of [
    [oneFrame, 1],
    [oneFrame + 1, 2],
  ] as const) {
    server.notify(new Uint8Array(octets).fill(0xc2), stations, 0);
    server.receive(fromClient(0x11), 0);
    const told = server
      .takeOutput()
      .slice(0, -1)
      .map((frame) => HDLC_RULE.examine(frame));
    const segmented = told.map((verdict) => verdict.kind === 'accept' && verdict.frame.segmented);
    assert.deepEqual(
      segmented,
      Array.from({ length: frames }, (_, at) => at < frames - 1),
    );
  }
});

test('HE-7 frames for another meter of the bus are passed over in silence, and old clients make room for new ones', () => {
  const server = new HdlcServer({ physicalDevice: 18, inactivityMs: 0 });
  assert.deepEqual(server.receive(fromClient(0x93), 0), []);
  assert.deepEqual(sent(server), []);
  assert.equal(server.deadlineMs(), null);
  const snrm = (client: number) =>
    encodeHdlcFrame({
      segmented: false,
      destination: serverAddress(1, 18),
      source: clientAddress(client),
      control: { type: 'SNRM', pollFinal: true },
      information: new Uint8Array(0),
    });
  const events = Array.from({ length: HDLC_CLIENTS_MAX + 1 }, (_, client) =>
    server.receive(snrm(client), client),
  ).flat();
  const [down, ...more] = events.filter((event) => event.kind === 'link-down');
  assert.deepEqual(more, [], 'one makes room, the others stay');
  assert.ok(down?.kind === 'link-down' && down.stations.client === 0);
});

test('interop 4: SNRM always says its parameters, and goes bare only to a meter that refused them', () => {
  const client = new HdlcClient({ client: 16, server: serverAddress(1, 17) });
  const informationOf = (octets: Uint8Array | undefined) => {
    const verdict = HDLC_RULE.examine(octets ?? new Uint8Array(0));
    assert.ok(verdict.kind === 'accept' && verdict.frame.control.type === 'SNRM');
    return toHex(verdict.frame.information);
  };
  client.connect(0);
  assert.match(informationOf(client.takeOutput()[0]), /^8180/);
  client.tick(client.deadlineMs() ?? 0);
  assert.match(informationOf(client.takeOutput()[0]), /^8180/, 'silence is no refusal');
  client.receive(fromServer(0x1f), 3_000);
  assert.equal(informationOf(client.takeOutput()[0]), '');
  assert.deepEqual(kinds(client.receive(fromServer(0x73), 3_001)), ['link-up']);
});

test('interop 9: a meter that numbers every frame 0 is read, segments too, and nothing is asked for twice', () => {
  const client = connectedClient({ serverNumbers: 'zero' });
  const asks = () => {
    client.send(Uint8Array.of(0xc0), 0);
    return sent(client);
  };
  const hears = (...frames: Uint8Array[]) =>
    frames.flatMap((octets) => client.receive(octets, 1)).map((event) => event.kind === 'apdu' && toHex(event.apdu));
  asks();
  assert.deepEqual(hears(fromServer(0x30, 'e6e70001')), ['01']);
  asks();
  assert.deepEqual(hears(fromServer(0x50, 'e6e70002', true)), []);
  assert.deepEqual(sent(client), ['51'], 'the next segment is asked for');
  assert.deepEqual(hears(fromServer(0x50, '03')), ['0203']);
  assert.deepEqual(kinds(client.receive(fromServer(0x50, '03'), 1)), ['HDLC_SEQUENCE'], 'nothing was asked for');
  asks();
  const { said, events } = waitOut(client);
  assert.deepEqual(said, [], 'its double could not be told from the answer to the next question');
  assert.deepEqual(kinds(events as TransportEvent[]), ['link-down']);
  const counted = connectedClient();
  counted.send(Uint8Array.of(0xc0), 0);
  counted.receive(fromServer(0x30, 'e6e70001'), 1);
  counted.send(Uint8Array.of(0xc0), 2);
  assert.deepEqual(kinds(counted.receive(fromServer(0x50, 'e6e70002'), 3)), ['HDLC_SEQUENCE'], 'only by the switch');
});

test('interop 9: a meter that never answers DISC is told once and not waited for', () => {
  const client = connectedClient({ answersDisconnect: false });
  client.disconnect(7);
  assert.deepEqual(sent(client), ['53']);
  assert.equal(client.deadlineMs(), 7);
  assert.deepEqual(kinds(client.tick(7)), ['link-down']);
  assert.deepEqual(sent(client), []);
});
