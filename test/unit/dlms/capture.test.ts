/** Captures: files, packets, streams and whole sessions, good and damaged. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { ByteWriter, concat, fromHex, toHex } from '../../../src/base/bytes.ts';
import { DeltawattError } from '../../../src/base/errors.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { TcpStream } from '../../../src/dlms/explain/capture/stream.ts';
import {
  type CaptureEvent,
  CaptureReader,
  captureEventJson,
  captureEventText,
  isCaptureFile,
  packetsOf,
  readHexDump,
  SecretKey,
} from '../../../src/dlms/index.ts';
import { SessionDesk, type Way } from '../../../src/lab/benches/session.ts';
import { frameOf, type PlannedPacket, pcapOf, planPackets, type Said } from '../../../src/lab/pcap-writer.ts';
import { parseProfileOrThrow } from '../../../src/profile/schema/parse.ts';

const PROFILE = parseProfileOrThrow(
  readFileSync(new URL('../../../config/profiles/generic/idis.yaml', import.meta.url), 'utf8'),
  'generic/idis',
);
const OPTIONS = { serverPort: 4059, clientPort: 50_000, segmentBytes: 400 };
const WRAPPER: Way = { name: 'wrapper', hdlc: null };

async function recorded(way: Way = WRAPPER) {
  const desk = new SessionDesk(way, PROFILE, 1);
  const said: Said[] = [];
  await desk.job((speaker, octets) => said.push({ speaker, octets }));
  const keys = {
    encryption: SecretKey.fromHex(desk.keyHex.encryption),
    authentication: SecretKey.fromHex(desk.keyHex.authentication),
    title: null,
  };
  return { said, keys };
}

function explained(file: Uint8Array, options: ConstructorParameters<typeof CaptureReader>[0] = {}) {
  const reader = new CaptureReader(options);
  const events: CaptureEvent[] = [];
  for (const packet of packetsOf(file)) events.push(...reader.take(packet));
  events.push(...reader.finish());
  return { events, summary: reader.summary };
}

const namesOf = (events: readonly CaptureEvent[]) =>
  events.flatMap((event) => (event.kind === 'apdu' ? [`${event.followed.association} ${event.followed.name}`] : []));

const SESSION = [
  'associating aarq',
  'authenticating aare',
  'authenticating action-request-normal',
  'associated action-response-normal',
  'associated get-request-with-list',
  'associated get-response-with-list',
  'associated get-request-normal',
  'associated get-response-normal',
  'releasing rlrq',
  'linked rlre',
];

test('HE-7 a recorded session is followed: states, titles learned, everything deciphered, values in JSON', async () => {
  const { said, keys } = await recorded();
  const { events, summary } = explained(pcapOf(planPackets([said], OPTIONS), OPTIONS), { keys });
  assert.deepEqual(namesOf(events), SESSION);
  assert.deepEqual([summary.connections, summary.apdus, summary.skipped], [1, 10, 0]);
  const list = events.map(captureEventJson).find(({ name }) => name === 'get-response-with-list');
  assert.equal(list?.['section'], 'Green Book, GET service');
  assert.match(JSON.stringify(list), /double-long-unsigned/);
  assert.match(String(list?.['time']), /^2026-11-20T/);
  const text = events.map((event) => captureEventText(event, true)).join('');
  assert.match(text, /message deciphered, tag checked: get-request-with-list/);
  assert.match(
    captureEventText(events[0] as CaptureEvent, false),
    /-> 1\/1 associating: aarq, \d+ octets \[Green Book, ACSE/,
  );
});

test('HE-7 without keys the outer messages are told and nothing is guessed', async () => {
  const { said } = await recorded();
  const { events } = explained(pcapOf(planPackets([said], OPTIONS), OPTIONS));
  assert.equal(namesOf(events)[4], 'authenticating glo-get-request');
});

test('HE-7 HDLC in TCP with segments and a window, on another port: the same messages', async () => {
  const { said, keys } = await recorded({ name: 'hdlc', hdlc: { informationBytes: 128, window: 7 } });
  const options = { ...OPTIONS, serverPort: 7_000 };
  const file = pcapOf(planPackets([said], options), options);
  const other = explained(file, { keys });
  assert.deepEqual([other.summary.apdus, [...other.summary.otherPorts].includes(7_000)], [0, true]);
  const { events } = explained(file, { keys, ports: [7_000] });
  assert.deepEqual(namesOf(events), SESSION);
  assert.deepEqual(
    events.flatMap((event) => (event.kind === 'link' ? [event.frame] : [])),
    ['SNRM', 'UA', 'DISC', 'UA'],
  );
});

test('HE-7 a PDU of 1,024: blocks are joined to the rows that they are', async () => {
  const { said, keys } = await recorded({ name: 'blocks', hdlc: null, clientPduMaxBytes: 1_024, listItemsMax: 1 });
  const { events } = explained(pcapOf(planPackets([said], OPTIONS), OPTIONS), { keys });
  const joined = events.map(captureEventJson).flatMap(({ joined: value }) => (value === undefined ? [] : [value]));
  assert.equal(joined.length, 2, 'the rows and the view');
  const rows = JSON.parse(JSON.stringify(joined[0]));
  assert.equal(rows.value.value.length, 96);
  assert.ok(rows.blocks >= 4);
});

test('HE-7 segments repeated, out of order and overlapping give the same; a lost one is told and the rest goes on', async () => {
  const { said, keys } = await recorded();
  const plan = planPackets([said], OPTIONS);
  const random = new SeededRandom(7);
  // An answer is not captured before its question, but segments of one side come in any order, and again.
  const shuffled: PlannedPacket[] = [];
  for (let at = 0; at < plan.length; ) {
    const run = plan
      .slice(at)
      .findIndex(({ speaker, begins }) => speaker !== plan[at]?.speaker || begins !== plan[at]?.begins);
    const some = plan.slice(at, run === -1 ? plan.length : at + run);
    shuffled.push(...[...some].reverse(), ...(random.chance(0.5) ? some : []));
    at += some.length;
  }
  const { events } = explained(pcapOf(shuffled, OPTIONS), { keys });
  for (const speaker of ['client', 'server'])
    assert.deepEqual(
      namesOf(events.filter((event) => event.speaker === speaker)).map((each) => each.split(' ')[1]),
      SESSION.filter((_, at) => at % 2 === (speaker === 'client' ? 0 : 1)).map((each) => each.split(' ')[1]),
    );
  const long = plan.findIndex(({ speaker, octets }) => speaker === 'server' && octets.length === 400);
  const holed = explained(pcapOf([...plan.slice(0, long), ...plan.slice(long + 1)], OPTIONS), { keys });
  const problems = holed.events.flatMap((event) => (event.kind === 'problem' ? [[event.code, event.octets]] : []));
  assert.deepEqual(problems[0], ['lost-in-capture', 400]);
});

test('HE-7 pcapng, cooked, raw and tagged packets: the same segments', async () => {
  const { said, keys } = await recorded();
  const plan = planPackets([said], OPTIONS);
  const ip = plan.map((packet) => frameOf(packet, OPTIONS).subarray(14));
  const classic = (linkType: number, head: Uint8Array) =>
    concat([
      fromHex('d4c3b2a1020004000000000000000000ffff0000'),
      new ByteWriter(4).u32LE(linkType).finish(),
      ...ip.map((octets) => {
        const length = new ByteWriter(4).u32LE(head.length + octets.length).finish();
        return concat([new Uint8Array(8), length, length, head, octets]);
      }),
    ]);
  for (const [linkType, head] of [
    [101, ''],
    [113, '00000001000600000000000000000800'],
    [276, '0800000000000001000100060000000000000000'],
    [1, '0200000000010200000000028100000a0800'],
    [0, '02000000'],
  ] as const)
    assert.deepEqual(
      namesOf(explained(classic(linkType, fromHex(head)), { keys }).events),
      SESSION,
      `link ${linkType}`,
    );
  const block = (type: number, body: Uint8Array) => {
    const padded = concat([body, new Uint8Array((4 - (body.length % 4)) % 4)]);
    const head = new ByteWriter(8)
      .u32(type)
      .u32(padded.length + 12)
      .finish();
    return concat([head, padded, head.subarray(4)]);
  };
  const ng = concat([
    block(0x0a0d0d0a, fromHex('1a2b3c4d00010000ffffffffffffffff')),
    block(1, fromHex('0065000000000000000900010900000000000000')),
    block(5, fromHex('00000000')),
    ...ip.map((octets) =>
      block(
        6,
        concat([new ByteWriter(20).u32(0).u32(0x18e9).u32(5).u32(octets.length).u32(octets.length).finish(), octets]),
      ),
    ),
  ]);
  const { events } = explained(ng, { keys });
  assert.deepEqual(namesOf(events), SESSION);
});

test('HE-7 a damaged file ends in DLMS_CAPTURE with the offset, behind everything before it', async () => {
  const { said } = await recorded();
  const file = pcapOf(planPackets([said], OPTIONS), OPTIONS);
  for (let cut = 24; cut < file.length; cut += 97) {
    let packets = 0;
    try {
      for (const _ of packetsOf(file.subarray(0, cut))) packets++;
    } catch (error) {
      assert.ok(error instanceof DeltawattError && error.code === 'DLMS_CAPTURE', String(error));
      assert.match(error.message, /offset \d+/);
      continue;
    }
    assert.ok(packets > 0 || cut === 24);
  }
  for (const hex of ['00', 'a1b2c3d4', '0a0d0d0a0000000d1a2b3c4d', `d4c3b2a1${'00'.repeat(28)}ffffffff00000000`])
    assert.throws(() => [...packetsOf(fromHex(hex))], { code: 'DLMS_CAPTURE' }, hex);
  assert.equal(isCaptureFile(fromHex('7ea0')), false);
});

test('HE-7 any octets as a file, packet or stream: events or DLMS_CAPTURE, nothing else', async () => {
  const { said, keys } = await recorded();
  const file = pcapOf(planPackets([said], OPTIONS), OPTIONS);
  const random = new SeededRandom(3);
  for (let run = 0; run < 200; run++) {
    const mutated = file.slice();
    for (let flips = 0; flips < 8; flips++) mutated[random.below(mutated.length)] = random.below(256);
    try {
      for (const event of explained(mutated, { keys }).events) captureEventText(event, true);
    } catch (error) {
      assert.ok(error instanceof DeltawattError && error.code === 'DLMS_CAPTURE', `run ${run}: ${String(error)}`);
    }
  }
});

test('HE-7 a stream whose hole never closes is bounded', () => {
  const stream = new TcpStream();
  stream.take(0, true, new Uint8Array(0));
  let lost = 0;
  for (let at = 0; at < 1_000; at++)
    for (const part of stream.take(10 + 2 * at, false, Uint8Array.of(at & 0xff)))
      if (part.kind === 'lost') lost += part.count;
  assert.ok(lost > 0);
});

test('HE-7 hex dumps: xxd, hexdump -C, terminals with times and arrows, tcpdump packets', async () => {
  const octets = fromHex('7ea00802232193bd647e');
  const as = (text: string) => readHexDump(text);
  assert.deepEqual(as('00000000: 7ea0 0802 2321 93bd 647e                 ~...#!..d~')?.parts.map(toHex), [
    toHex(octets),
  ]);
  assert.deepEqual(
    as('00000000  7e a0 08 02 23 21 93 bd  64 7e              |~...#!..d~|\n0000000a')?.parts.map(toHex),
    [toHex(octets)],
  );
  assert.deepEqual(
    as('[12:00:01.250] TX: 7E A0 08 02\n[12:00:01.300] TX: 23 21 93 BD 64 7E\nnothing here')?.parts.length,
    2,
  );
  assert.deepEqual(
    as('00000000: 7ea0 0802\n\n2321 93bd')?.parts.map(toHex),
    ['7ea00802', '232193bd'],
    'in their order',
  );
  assert.equal(as('no octets at all'), null);
  const { said, keys } = await recorded();
  const dump = planPackets([said], OPTIONS)
    .map((packet) => {
      const ip = toHex(frameOf(packet, OPTIONS).subarray(14));
      const lines = ip.match(/.{1,32}/g) ?? [];
      const rows = lines.map(
        (line, at) => `\t0x${(at * 16).toString(16).padStart(4, '0')}:  ${line.replaceAll(/(.{4})/g, '$1 ')} ......`,
      );
      return ['12:00:01.250000 IP 10.0.0.1.50000 > 10.0.0.2.4059: tcp', ...rows].join('\n');
    })
    .join('\n');
  const read = as(dump);
  assert.equal(read?.kind, 'packets');
  const reader = new CaptureReader({ keys });
  const events = (read?.parts ?? []).flatMap((each, offset) =>
    reader.take({ offset, atMs: null, linkType: 101, octets: each }),
  );
  assert.deepEqual(namesOf([...events, ...reader.finish()]), SESSION);
});
