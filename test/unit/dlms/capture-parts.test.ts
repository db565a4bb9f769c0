/** Captures part by part: packets of every link, recorded connections, what is shown of an event, and frames field by field. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteWriter, concat, fromHex, toHex } from '../../../src/base/bytes.ts';
import { parseObis } from '../../../src/dlms/cosem/obis.ts';
import { CaptureReader } from '../../../src/dlms/explain/capture/capture.ts';
import { type ConnectionEvent, RecordedConnection } from '../../../src/dlms/explain/capture/connection.ts';
import { AssociationFollower } from '../../../src/dlms/explain/capture/follow.ts';
import { ASSOCIATIONS_MAX, CONNECTIONS_MAX } from '../../../src/dlms/explain/capture/limits.ts';
import { segmentOf } from '../../../src/dlms/explain/capture/packet.ts';
import { captureEventJson, captureEventText } from '../../../src/dlms/explain/capture/show.ts';
import { type AnyFrame, nodeOfFrame, shapeOfFrame } from '../../../src/dlms/explain/frame-node.ts';
import { clientAddress, serverAddress } from '../../../src/dlms/frame/hdlc-address.ts';
import { encodeHdlcFrame, type HdlcControl, type HdlcFrame } from '../../../src/dlms/frame/hdlc-frame.ts';
import { encodeHdlcParameters, HDLC_DEFAULTS } from '../../../src/dlms/frame/hdlc-parameters.ts';
import { LLC, withLlc } from '../../../src/dlms/frame/llc.ts';
import { encodeWrapper } from '../../../src/dlms/frame/wrapper-frame.ts';
import type { Apdu } from '../../../src/dlms/xdlms/apdu.ts';
import { encodeApdu } from '../../../src/dlms/xdlms/codec.ts';

const u16 = (...values: readonly number[]) => concat(values.map((value) => new ByteWriter(2).u16(value).finish()));
const zeros = (count: number) => new Uint8Array(count);
const PAYLOAD = Uint8Array.of(1, 2, 3);

/** A TCP header of 20 octets and `options` more, and the payload. */
function tcp({ flags = 0, options = 0 } = {}): Uint8Array {
  const head = Uint8Array.of(((20 + options) / 4) << 4, flags);
  return concat([u16(50_000, 4059, 0, 7, 0, 0), head, zeros(6 + options), PAYLOAD]);
}
const udp = (length = 8 + PAYLOAD.length) => concat([u16(50_000, 4059, length, 0), PAYLOAD]);

interface Ip4 {
  readonly protocol?: number;
  readonly options?: number;
  /** What the header says of its length; absent = the truth. */
  readonly total?: number;
  readonly fragment?: number;
}
function ip4(body: Uint8Array, { protocol = 6, options = 0, total, fragment = 0 }: Ip4 = {}): Uint8Array {
  const head = concat([Uint8Array.of(0x45 + options / 4, 0), u16(total ?? 20 + options + body.length, 0, fragment)]);
  const ends = fromHex('0a0000010a000002');
  return concat([head, Uint8Array.of(64, protocol), u16(0), ends, zeros(options), body]);
}
function ip6(body: Uint8Array, protocol = 6, length = body.length): Uint8Array {
  const addresses = concat([u16(0xfd00, 0, 0, 0, 0, 0, 0, 1), u16(0xfd00, 0, 0, 0, 0, 0, 0, 0x2ab)]);
  return concat([Uint8Array.of(0x60, 0, 0, 0), u16(length), Uint8Array.of(protocol, 64), addresses, body]);
}
const RAW = 101;
const segment = (octets: Uint8Array, linkType = RAW) => segmentOf({ offset: 9, atMs: 5, linkType, octets });
const said = (octets: Uint8Array, linkType = RAW) => {
  const found = segment(octets, linkType);
  return found && `${found.protocol} ${found.from} ${found.to} ${toHex(found.payload)}`;
};
const TCP4 = 'tcp 10.0.0.1:50000 10.0.0.2:4059 010203';
const UDP4 = 'udp 10.0.0.1:50000 10.0.0.2:4059 010203';

test('HE-7 IPv4: options are passed over, padding cut off, fragments and other protocols left', () => {
  for (const [name, octets, says] of [
    ['plain', ip4(tcp()), TCP4],
    ['options of IP and of TCP', ip4(tcp({ options: 8 }), { options: 12 }), TCP4],
    ['padding behind it', concat([ip4(tcp()), zeros(6)]), TCP4],
    ['a length that the card leaves open', ip4(tcp(), { total: 0 }), TCP4],
    ['cut by the capture', ip4(tcp(), { total: 1_000 }), TCP4],
    ['may not be cut', ip4(tcp(), { fragment: 0x4000 }), TCP4],
    ['the first of fragments', ip4(tcp(), { fragment: 0x2000 }), null],
    ['a later fragment', ip4(tcp(), { fragment: 1 }), null],
    ['UDP', ip4(udp(), { protocol: 17 }), UDP4],
    ['UDP with octets behind it', ip4(concat([udp(), zeros(3)]), { protocol: 17 }), UDP4],
    ['UDP that says more than there is', ip4(udp(99), { protocol: 17 }), UDP4],
    ['UDP that says nothing', ip4(udp(0), { protocol: 17 }), UDP4.slice(0, -6)],
    ['ICMP', ip4(tcp(), { protocol: 1 }), null],
    ['a header that is cut', ip4(tcp()).subarray(0, 19), null],
    ['no IP', Uint8Array.of(0x50, ...ip4(tcp()).subarray(1)), null],
    ['nothing', zeros(0), null],
  ] as const)
    assert.equal(said(octets), says, name);
});

test('HE-7 IPv6: the usual extension headers are passed over, each by its length', () => {
  const ends = '[fd00:0:0:0:0:0:0:1]:50000 [fd00:0:0:0:0:0:0:2ab]:4059 010203';
  const extension = (next: number, more: number, body: Uint8Array) =>
    concat([Uint8Array.of(next, more), zeros(6 + 8 * more), body]);
  for (const [name, octets, says] of [
    ['plain', ip6(tcp()), `tcp ${ends}`],
    ['UDP', ip6(udp(), 17), `udp ${ends}`],
    ['padding', concat([ip6(tcp()), zeros(4)]), `tcp ${ends}`],
    ['a length that the card leaves open', ip6(tcp(), 6, 0), `tcp ${ends}`],
    ['one extension', ip6(extension(6, 0, tcp()), 0), `tcp ${ends}`],
    ['two extensions', ip6(extension(60, 2, extension(6, 1, tcp())), 43), `tcp ${ends}`],
    ['a fragment', ip6(extension(6, 0, tcp()), 44), null],
    ['ICMP', ip6(tcp(), 58), null],
  ] as const)
    assert.equal(said(octets), says, name);
});

test('HE-7 links: each has its head, and those that carry no IP give nothing', () => {
  const ip = ip4(tcp());
  for (const [linkType, head, says] of [
    [0, '02000000', TCP4],
    [1, `${'00'.repeat(12)}0800`, TCP4],
    [1, `${'00'.repeat(12)}810000010800`, TCP4],
    [1, `${'00'.repeat(12)}88a80001810000010800`, TCP4],
    [1, `${'00'.repeat(12)}0806`, null],
    [1, `${'00'.repeat(12)}81000001`, null],
    [12, '', TCP4],
    [14, '', TCP4],
    [228, '', TCP4],
    [229, '', TCP4],
    [113, `${'00'.repeat(14)}0800`, TCP4],
    [113, `${'00'.repeat(14)}0806`, null],
    [276, `0800${'00'.repeat(18)}`, TCP4],
    [276, `0806${'00'.repeat(18)}`, null],
    [147, '', null],
  ] as const)
    assert.equal(said(concat([fromHex(head), ip]), linkType), says, `link ${linkType} ${head}`);
  assert.equal(said(concat([fromHex(`${'00'.repeat(12)}86dd`), ip6(tcp())]), 1)?.slice(0, 4), 'tcp ');
});

test('HE-7 a segment begins with SYN, ends with FIN or RST, and has its number, place and time', () => {
  const flagged = (flags: number) => {
    const { begins, ends } = segment(ip4(tcp({ flags }))) ?? assert.fail();
    return [begins, ends];
  };
  assert.deepEqual([0x10, 0x02, 0x01, 0x04, 0x12].map(flagged), [
    ...[
      [false, false],
      [true, false],
      [false, true],
      [false, true],
      [true, false],
    ],
  ]);
  const { sequence, offset, atMs, fromPort, toPort } = segment(ip4(tcp())) ?? assert.fail();
  assert.deepEqual([sequence, offset, atMs, fromPort, toPort], [7, 9, 5, 50_000, 4059]);
});

const INVOCATION = { invokeId: 1, confirmed: true, highPriority: true } as const;
const GET: Apdu = {
  ...{ apdu: 'get-request-normal', access: null, ...INVOCATION },
  attribute: { classId: 3, instanceId: parseObis('1-0:1.8.0'), attributeId: 2 },
};
const AARQ: Apdu = {
  ...{ apdu: 'aarq', protocolVersion: null, applicationContext: 1, callingApTitle: null, callingAeQualifier: null },
  ...{ senderAcseRequirements: null, mechanism: null, callingAuthenticationValue: null, userInformation: null },
  otherFields: [],
};
const aare = (
  result: number,
  code: number,
  source: 'acse-service-user' | 'acse-service-provider' = 'acse-service-user',
): Apdu => ({
  ...{ apdu: 'aare', protocolVersion: null, applicationContext: 1, result, diagnostic: { source, code } },
  ...{ respondingApTitle: null, respondingAeQualifier: null, responderAcseRequirements: null, mechanism: null },
  ...{ respondingAuthenticationValue: null, userInformation: null, otherFields: [] },
});
const RLRQ: Apdu = { apdu: 'rlrq', reason: 0, userInformation: null };
const RLRE: Apdu = { apdu: 'rlre', reason: 0, userInformation: null };
const acted = (actionResult: number): Apdu => ({
  ...{ apdu: 'action-response-normal', actionResult, returnParameters: null, ...INVOCATION },
});

test('HE-7 an association is followed from what was said, whatever was said before', () => {
  const states = (...apdus: readonly Apdu[]) => {
    const follower = new AssociationFollower(null);
    return apdus.map((apdu) => follower.take(encodeApdu(apdu), apdu.apdu === 'aare' ? 'server' : 'client').association);
  };
  assert.deepEqual(states(AARQ, aare(0, 0), GET, RLRQ, RLRE), [
    ...['associating', 'associated', 'associated', 'releasing', 'linked'],
  ]);
  assert.deepEqual(states(AARQ, aare(1, 13)), ['associating', 'linked']);
  assert.deepEqual(states(AARQ, aare(1, 14)), ['associating', 'linked']);
  assert.deepEqual(states(AARQ, aare(0, 14), acted(0)), ['associating', 'authenticating', 'associated']);
  assert.deepEqual(states(AARQ, aare(0, 14), acted(3)), ['associating', 'authenticating', 'linked']);
  assert.deepEqual(states(AARQ, aare(0, 14, 'acse-service-provider')), ['associating', 'associated']);
  assert.deepEqual(states(AARQ, aare(0, 0), acted(3)), ['associating', 'associated', 'associated']);
});

const carried = (octets: Uint8Array, blockNumber: number, lastBlock: boolean): Apdu => ({
  ...{ apdu: 'general-block-transfer', lastBlock, streaming: false, window: 1, blockNumber, blockNumberAck: 0 },
  blockData: octets,
});

test('HE-7 general block transfer: blocks in order give what they carry; again, out of order and empty ones change nothing', () => {
  const octets = encodeApdu(GET);
  const follower = new AssociationFollower(null);
  const take = (apdu: Apdu, speaker: 'client' | 'server' = 'client') => follower.take(encodeApdu(apdu), speaker).joined;
  assert.equal(take(carried(octets.subarray(0, 4), 1, false)), null);
  assert.equal(take(carried(octets.subarray(0, 4), 1, false), 'server'), null, 'the other side counts by itself');
  assert.equal(take(carried(octets.subarray(4), 3, true)), null);
  assert.equal(take(carried(zeros(0), 2, true)), null);
  const whole = take(carried(octets.subarray(4), 2, true));
  assert.deepEqual([whole?.['blocks'], whole?.['apduHex']], [2, toHex(octets)]);
  assert.equal(take(carried(octets, 2, true)), null, 'it begins with 1 again');
  assert.equal(take(carried(octets, 1, true))?.['blocks'], 1);
});

const HDLC = { client: clientAddress(16), server: serverAddress(1, 17) };
const frame = (changes: Partial<HdlcFrame> & { readonly from?: 'client' | 'server' }): HdlcFrame => {
  const { from = 'client', ...rest } = changes;
  const ends =
    from === 'client'
      ? { source: HDLC.client, destination: HDLC.server }
      : { source: HDLC.server, destination: HDLC.client };
  return { segmented: false, control: { type: 'UI', pollFinal: false }, information: zeros(0), ...ends, ...rest };
};
const numbered = (ns: number): HdlcControl => ({ type: 'I', ns, nr: 0, pollFinal: true });
const unnumbered = (type: 'SNRM' | 'UA' | 'DISC' | 'UI'): HdlcControl => ({ type, pollFinal: true });
const RR: HdlcControl = { type: 'RR', nr: 1, pollFinal: true };
const command = (apdu: Uint8Array) => withLlc(LLC.command, apdu);

/** What is told of things that the two sides say, one after the other. */
function told(...says: readonly (readonly ['client' | 'server', Uint8Array | number])[]): string[] {
  const events: string[] = [];
  const connection = new RecordedConnection(null, (event: ConnectionEvent) => {
    const what =
      event.kind === 'apdu'
        ? `${event.client}/${event.server} ${event.followed.name} ${event.octets.length}`
        : event.kind === 'link'
          ? event.frame
          : `${event.code} ${event.octets}`;
    events.push(`${event.speaker} ${what} @${event.at.offset}`);
  });
  for (const [at, [speaker, what]] of says.entries())
    if (typeof what === 'number') connection.lost(speaker, what, { offset: at, atMs: null });
    else connection.octets(speaker, what, { offset: at, atMs: null });
  connection.finish();
  return events;
}

test('HE-7 HDLC on a connection: links told, segments joined, the same number taken once, other directions left alone', () => {
  const octets = encodeApdu(GET);
  const i = (ns: number, information: Uint8Array, segmented = false) =>
    encodeHdlcFrame(frame({ control: numbered(ns), information, segmented }));
  const link = (type: 'SNRM' | 'DISC') => encodeHdlcFrame(frame({ control: unnumbered(type) }));
  const whole = command(octets);
  const get = `client 16/1 get-request-normal ${octets.length}`;
  assert.deepEqual(
    told(
      ['client', link('SNRM')],
      ['server', encodeHdlcFrame(frame({ from: 'server', control: unnumbered('UA') }))],
      ['client', encodeHdlcFrame(frame({ control: RR }))],
      ['client', i(0, whole)],
      ['client', i(0, whole)],
      ['client', i(1, whole.subarray(0, 6), true)],
      ['client', i(2, whole.subarray(6))],
      [
        'server',
        encodeHdlcFrame(frame({ from: 'server', control: numbered(2), information: withLlc(LLC.response, octets) })),
      ],
      ['client', encodeHdlcFrame(frame({ information: whole }))],
      ['client', link('DISC')],
    ),
    [
      ...['client SNRM @0', 'server UA @1', `${get} @3`, `${get} @6`],
      `${get.replace('client', 'server')} @7`,
      ...[`${get} @8`, 'client DISC @9'],
    ],
  );
  const begun = ['client', i(3, whole.subarray(0, 6), true)] as const;
  assert.deepEqual(told(begun, ['client', link('SNRM')], ['client', i(3, whole)]), ['client SNRM @1', `${get} @2`]);
  assert.deepEqual(
    told(
      begun,
      ['server', encodeHdlcFrame(frame({ from: 'server', control: unnumbered('SNRM') }))],
      ['client', i(3, whole)],
    ),
    [...['server SNRM @1', `${get} @2`]],
  );
  assert.deepEqual(told(begun, ['client', 5], ['client', i(3, whole)]), ['client lost-in-capture 5 @1', `${get} @2`]);
  assert.deepEqual(told(['client', i(0, octets)]), [`client HDLC_LLC ${octets.length} @0`]);
  assert.deepEqual(told(['client', i(0, whole).subarray(0, 12)]), ['client FRAME_GAP 12 @0']);
});

test('HE-7 the wrapper on a connection: who is client is who spoke, not which number is lower', () => {
  const octets = encodeApdu(GET);
  const message = (source: number, destination: number) => encodeWrapper({ source, destination, apdu: octets });
  assert.deepEqual(
    told(['client', message(16, 1)], ['server', message(1, 16)], ['client', message(1, 16).subarray(0, 9)]),
    [
      `client 16/1 get-request-normal ${octets.length} @0`,
      `server 16/1 get-request-normal ${octets.length} @1`,
      'client FRAME_GAP 9 @2',
    ],
  );
});

test('HE-7 pairs of stations are followed up to a bound, then all of them anew', () => {
  const states: string[] = [];
  const connection = new RecordedConnection(null, (event) => {
    if (event.kind === 'apdu') states.push(event.followed.association);
  });
  const say = (source: number, apdu: Apdu) =>
    connection.octets('client', encodeWrapper({ source, destination: 1, apdu: encodeApdu(apdu) }), {
      offset: 0,
      atMs: null,
    });
  say(1, AARQ);
  for (let other = 2; other <= ASSOCIATIONS_MAX; other++) say(other, GET);
  say(1, GET);
  assert.equal(states.at(-1), 'associating');
  say(ASSOCIATIONS_MAX + 1, GET);
  say(1, GET);
  assert.equal(states.at(-1), 'linked');
});

test('HE-7 of more connections than are followed the one that was silent longest is let go', () => {
  const reader = new CaptureReader();
  const say = (client: number, apdu: Apdu) => {
    const message = encodeWrapper({ source: 1, destination: 1, apdu: encodeApdu(apdu) });
    const datagram = concat([u16(client, 4059, 8 + message.length, 0), message]);
    const octets = ip4(datagram, { protocol: 17 });
    const [event] = reader.take({ offset: 0, atMs: null, linkType: RAW, octets });
    return event?.kind === 'apdu' ? event.followed.association : event?.kind;
  };
  const first = 10_000;
  for (let client = first; client < first + CONNECTIONS_MAX; client++) assert.equal(say(client, AARQ), 'associating');
  assert.equal(say(first, GET), 'associating', 'used again');
  assert.equal(say(first + CONNECTIONS_MAX, GET), 'linked');
  assert.equal(say(first, GET), 'associating');
  assert.equal(say(first + 1, GET), 'linked', 'it begins anew');
  assert.equal(reader.summary.connections, CONNECTIONS_MAX + 2);
});

test('HE-7 events as lines and as JSON: time where there is one, the side that spoke, what is missing or malformed', () => {
  const at = { offset: 40, atMs: null };
  const timed = { offset: 40, atMs: 0 };
  const connection = 'a:1 > b:2';
  const link = { kind: 'link', at, speaker: 'client', frame: 'SNRM', connection } as const;
  assert.equal(captureEventText(link, true), '@40 a:1 > b:2 -> SNRM\n');
  const { kind, speaker } = link;
  assert.deepEqual(captureEventJson(link), { kind, offset: 40, connection, speaker, frame: 'SNRM' });
  const problem = { kind: 'problem', at: timed, speaker: 'server', code: 'X', octets: 3, connection } as const;
  assert.equal(captureEventText(problem, true), '1970-01-01T00:00:00.000Z @40 a:1 > b:2 <- X: 3 octets\n');
  assert.deepEqual(captureEventJson(problem), {
    ...{ kind: 'problem', offset: 40, time: '1970-01-01T00:00:00.000Z', connection, speaker: 'server' },
    ...{ code: 'X', octets: 3 },
  });
  const apdu = (octets: Uint8Array, joined: { readonly [name: string]: string } | null = null) => ({
    ...({ kind: 'apdu', at, speaker: 'client', client: 16, server: 1, octets, connection } as const),
    followed: { ...new AssociationFollower(null).take(octets, 'client'), joined },
  });
  const get = encodeApdu(GET);
  const line = `@40 a:1 > b:2 -> 16/1 linked: get-request-normal, ${get.length} octets [Green Book, GET service]`;
  assert.equal(captureEventText(apdu(get), false), `${line}\n`);
  assert.ok(captureEventText(apdu(get), true).startsWith(`${line}\n  `));
  assert.equal(captureEventText(apdu(get, { a: 'b' }), false), `${line}\n  joined: {"a":"b"}\n`);
  // Braces, quotes and the name take 8 characters of 200.
  assert.equal(
    captureEventText(apdu(get, { a: 'x'.repeat(192) }), false),
    `${line}\n  joined: {"a":"${'x'.repeat(192)}"}\n`,
  );
  assert.equal(
    captureEventText(apdu(get, { a: 'x'.repeat(193) }), false),
    `${line}\n  joined: {"a":"${'x'.repeat(193)}"…\n`,
  );
  assert.deepEqual('joined' in captureEventJson(apdu(get)), false);
  assert.deepEqual(captureEventJson(apdu(get, { a: 'b' }))['joined'], { a: 'b' });
  const bad = captureEventText(apdu(Uint8Array.of(0xc0, 9)), true);
  assert.match(bad, /^@40 a:1 > b:2 -> 16\/1 linked: malformed, 2 octets \[.*\] \(.+\)\n$/);
  assert.equal(
    captureEventJson(apdu(concat([Uint8Array.of(0xc0, 9), zeros(300)])))['apduHex'],
    `c009${'00'.repeat(254)}`,
  );
});

/** The parts of a frame: name, where it stands, octets, and what they say. */
const partsOf = (any: AnyFrame) =>
  nodeOfFrame(any, 100).children.map(({ name, offset, hex, value }) => [name, offset, hex, value] as const);

test('HE-7 frames field by field: HDLC with and without information, parameters only where there are some', () => {
  const parameters = encodeHdlcParameters(HDLC_DEFAULTS);
  const said = (changes: Partial<HdlcFrame>) => partsOf({ link: 'hdlc', frame: frame(changes) });
  assert.deepEqual(
    said({ control: RR }).map(([name, offset, , value]) => [name, offset, value]),
    [
      ['flag', 100, null],
      ['format', 101, 'type 3'],
      ['destination', 103, '1/17'],
      ['source', 105, '16'],
      ['control', 106, 'RR N(R)=1, poll/final'],
      ['FCS', 107, 'valid'],
      ['flag', 109, null],
    ],
  );
  const ofInformation = (control: HdlcControl, information: Uint8Array, segmented = false) => {
    const parts = said({ control, information, segmented });
    return [parts[1]?.[3], parts[4]?.[3], parts[5]?.[0], parts[6]?.[3]];
  };
  for (const type of ['SNRM', 'UA'] as const)
    assert.deepEqual(ofInformation(unnumbered(type), parameters), [
      ...['type 3', `${type}, poll/final`, 'HCS', { ...HDLC_DEFAULTS }],
    ]);
  assert.deepEqual(ofInformation(unnumbered('UA'), PAYLOAD)[3], '3 octets');
  assert.deepEqual(ofInformation(unnumbered('UI'), parameters)[3], `${parameters.length} octets`);
  assert.deepEqual(ofInformation({ ...numbered(2), pollFinal: false }, PAYLOAD, true), [
    ...['type 3, more segments follow', 'I N(S)=2 N(R)=0', 'HCS', '3 octets'],
  ]);
  const destination = { hex: '0223', length: 2, upper: 1, lower: 17 };
  const { control, source, ...rest } = shapeOfFrame({ link: 'hdlc', frame: frame({ control: RR }) });
  assert.deepEqual(rest, { segmented: false, destination, fcsValid: true, hcsValid: true });
  assert.deepEqual(
    [control, source],
    [
      { byte: '31', ...RR },
      { hex: '21', length: 1, upper: 16 },
    ],
  );
});

test('HE-7 frames field by field: M-Bus and the wrapper', () => {
  const mbus = (controlInformation: number) =>
    ({
      link: 'mbus',
      frame: { control: 0x53, address: 0xff, controlInformation, source: 1, destination: 0x67, data: PAYLOAD },
    }) as const;
  assert.deepEqual(partsOf(mbus(0x12)), [
    ['start, length twice, start', 100, '68080868', 8],
    ['C', 104, '53', 0x53],
    ['A', 105, 'ff', 0xff],
    ['CI', 106, '12', 'segment 2, the last segment'],
    ['STSAP', 107, '01', 1],
    ['DTSAP', 108, '67', 0x67],
    ['data', 109, '010203', '3 octets'],
    ['checksum', 112, 'd2', 'valid'],
    ['stop', 113, '16', null],
  ]);
  assert.equal(partsOf(mbus(0x02))[3]?.[3], 'segment 2, more segments follow');
  assert.deepEqual(shapeOfFrame(mbus(0x02)), {
    ...{ length: 8, c: '53', a: 'ff', ci: '02', stsap: 1, dtsap: 0x67, checksumValid: true, last: false, sequence: 2 },
  });
  const wrapped = { link: 'wrapper', frame: { source: 16, destination: 1, apdu: PAYLOAD } } as const;
  assert.deepEqual(partsOf(wrapped), [
    ['version', 100, '0001', 1],
    ['source wPort', 102, '0010', 16],
    ['destination wPort', 104, '0001', 1],
    ['length', 106, '0003', 3],
    ['APDU', 108, '010203', '3 octets'],
  ]);
  assert.deepEqual(shapeOfFrame(wrapped), {
    ...{ sourceWPort: 16, destinationWPort: 1, length: 3, apduHex: '010203' },
  });
});
