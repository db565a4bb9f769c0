import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { concat, toHex } from '../../../src/base/bytes.ts';
import { DeltawattError, hasCode } from '../../../src/base/errors.ts';
import type { Command, CommandReport } from '../../../src/model/command.ts';
import type { CommandId, EdgeId, MeterId } from '../../../src/model/ids.ts';
import { decodeBlock } from '../../../src/wire/block.ts';
import {
  commandSigningOctets,
  decodeCollectorMessage,
  decodeCommand,
  decodeEdgeMessage,
  encodeCollectorMessage,
  encodeCommand,
  encodeEdgeMessage,
} from '../../../src/wire/codec.ts';
import { decodeDictionary, dictionaryHash, encodeDictionary, extendDictionary } from '../../../src/wire/dictionary.ts';
import { openEnvelope, sealEnvelope } from '../../../src/wire/envelope.ts';
import { WIRE_ERRORS } from '../../../src/wire/errors.ts';
import { emptyLaneState } from '../../../src/wire/lane-state.ts';
import { ADOPTION_TEXT_MAX_CHARACTERS, DICTIONARY_MAX_OCTETS } from '../../../src/wire/limits.ts';
import type { CollectorBody, CollectorMessage, EdgeMessage } from '../../../src/wire/messages.ts';
import { type PackHead, packRecords } from '../../../src/wire/pack.ts';
import { decodeRecordBody, encodeRecordBody, recordOctets, shortenRecord } from '../../../src/wire/record-body.ts';
import type { JournalRecord } from '../../../src/wire/records.ts';
import type { DictionaryGroup } from '../../../src/wire/rows.ts';
import {
  collectorFilters,
  edgeFilters,
  edgeMay,
  joinBatch,
  parseTopic,
  splitBatch,
  topicOf,
} from '../../../src/wire/topics.ts';
import { dictionaryOf } from '../../support/wire-arbitraries.ts';
import { envelopeCrypto, sha256 } from '../../support/wire-crypto.ts';

const edgeId = 'e17' as EdgeId;
const party = { edgeId, key: Uint8Array.from({ length: 32 }, (_, at) => at) };
const nowMs = Date.UTC(2026, 2, 1);
const is = (code: string) => (error: unknown) => hasCode(error, code);

test('W-40 topics carry a shard made of the edge id, and only their own edge may use them', () => {
  const up = topicOf(edgeId, 'b', sha256);
  assert.match(up, /^dw\/[0-9a-f]{2}\/e17\/b$/);
  assert.deepEqual(parseTopic(up, sha256), { shard: Number.parseInt(up.slice(3, 5), 16), edgeId, leaf: 'b' });
  const foreignShard = up.replace(/^dw\/../, up.startsWith('dw/00') ? 'dw/01' : 'dw/00');
  for (const wrong of [foreignShard, `${up}/x`, 'dw/zz/e17/b', 'dw/00/e 17/b', '', 'dw/+/+/b', up.toUpperCase()])
    assert.equal(parseTopic(wrong, sha256), null, wrong);
  const other = 'e18' as EdgeId;
  const allowed = [
    ['publish', 'b'],
    ['publish', 'c'],
    ['subscribe', 'd'],
  ];
  for (const action of ['publish', 'subscribe'] as const)
    for (const leaf of ['b', 'c', 'd'] as const) {
      const may = allowed.some(([a, l]) => a === action && l === leaf);
      assert.equal(edgeMay(action, edgeId, topicOf(edgeId, leaf, sha256), sha256), may, `${action} ${leaf}`);
      assert.equal(edgeMay(action, other, topicOf(edgeId, leaf, sha256), sha256), false);
    }
  assert.equal(edgeMay('subscribe', edgeId, 'dw/+/+/d', sha256), false);
  assert.equal(edgeMay('subscribe', edgeId, '#', sha256), false);
  assert.deepEqual(edgeFilters(edgeId, sha256), [topicOf(edgeId, 'd', sha256)]);
  assert.deepEqual(collectorFilters([0, 255]), ['dw/00/+/b', 'dw/00/+/c', 'dw/ff/+/b', 'dw/ff/+/c']);
  assert.deepEqual(collectorFilters(Array.from({ length: 256 }, (_, at) => at)), ['dw/+/+/b', 'dw/+/+/c']);
});

test('W-41 W-67 a message on b splits into the blocks that were joined', () => {
  const blocks = [Uint8Array.of(1, 2, 3), new Uint8Array(200).fill(7), new Uint8Array(4096)];
  assert.deepEqual(splitBatch(joinBatch(blocks)), blocks);
  for (const bad of [
    [],
    [1],
    [2, 1, 0],
    [1, 0],
    [1, 5, 0],
    [1, 0x81, 0x20],
    [1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  ])
    assert.throws(() => splitBatch(Uint8Array.from(bad)), is('WIRE_MALFORMED'));
  assert.throws(() => splitBatch(new Uint8Array(70_000)), is('WIRE_TOO_LONG'));
  const many = (count: number) => joinBatch(Array.from({ length: count }, () => Uint8Array.of(7)));
  assert.equal(splitBatch(many(2048)).length, 2048);
  assert.throws(() => splitBatch(many(2049)), is('WIRE_TOO_LONG'));
});

test('W-42 an envelope opens only with its key, edge and direction, unchanged', () => {
  const body = Uint8Array.of(1, 2, 3, 4);
  const sealed = sealEnvelope(body, 'up', party, envelopeCrypto);
  assert.deepEqual(openEnvelope(sealed, 'up', party, envelopeCrypto), body);
  const wrong = is('WIRE_AUTHENTICATOR');
  assert.throws(() => openEnvelope(sealed, 'down', party, envelopeCrypto), wrong);
  assert.throws(() => openEnvelope(sealed, 'up', { ...party, edgeId: 'e1' as EdgeId }, envelopeCrypto), wrong);
  assert.throws(() => openEnvelope(sealed, 'up', { ...party, key: new Uint8Array(32) }, envelopeCrypto), wrong);
  for (let at = 0; at < sealed.length; at++) {
    const changed = Uint8Array.from(sealed, (octet, index) => (index === at ? octet ^ 1 : octet));
    // A changed tag of the frame may still be read as the same fields; what comes out is then what was sealed.
    let opened: Uint8Array | null = null;
    try {
      opened = openEnvelope(changed, 'up', party, envelopeCrypto);
    } catch (error) {
      assert.ok(error instanceof DeltawattError);
    }
    if (opened !== null) assert.deepEqual(opened, body);
    assert.throws(() => openEnvelope(sealed.subarray(0, at), 'up', party, envelopeCrypto), DeltawattError);
  }
  const shortTag = Uint8Array.of(0x0a, 1, 0, 0x12, 2, 0, 0);
  assert.throws(() => openEnvelope(shortTag, 'up', party, envelopeCrypto), wrong);
  assert.throws(() => openEnvelope(new Uint8Array(600_000), 'up', party, envelopeCrypto), is('WIRE_TOO_LONG'));
});

test('W-43 messages of an edge survive the way', () => {
  const messages: EdgeMessage[] = [
    {
      kind: 'hello',
      hello: {
        epoch: '0011223344556677',
        bootId: '8899aabbccddeeff',
        session: new Uint8Array(16).fill(5),
        lanes: [{ lane: 2, first: 1, last: 2 ** 52, lastKeyframe: 7 }],
        software: 'deltawatt 0.1.0',
        wallTimeMs: nowMs,
        clockQuality: 'collector',
        protocol: 1,
      },
    },
    { kind: 'dictionary', octets: encodeDictionary(dictionaryOf(4)) },
    {
      kind: 'status',
      status: {
        lanes: [{ lane: 0, octets: 5, blocks: 1, oldestMs: nowMs }],
        uptimeS: 77,
        autonomyHours: 1200.5,
        facts: [{ name: 'uplink', state: 'ok', sentence: 'Connected.' }],
      },
    },
  ];
  messages.push({ kind: 'image', sha256: 'ab'.repeat(32), offset: 8_192, length: 8_192 });
  for (const message of messages) assert.deepEqual(decodeEdgeMessage(encodeEdgeMessage(message)), message);
  for (const [offset, length] of [
    [0, 0],
    [0, 8_193],
    [5_000_000, 1],
  ] as const) {
    const bad = encodeEdgeMessage({ kind: 'image', sha256: 'ab'.repeat(32), offset, length });
    assert.throws(() => decodeEdgeMessage(bad), is('WIRE_MALFORMED'));
  }
  assert.throws(() => decodeEdgeMessage(new Uint8Array(0)), is('WIRE_UNKNOWN_MESSAGE'));
  assert.throws(() => decodeEdgeMessage(Uint8Array.of(0x0a, 0)), is('WIRE_MALFORMED'), 'a hello without an epoch');
});

test('W-91 a dictionary of 1,000 meters takes 10 kB on the way; one that inflates without end is refused', () => {
  const columns = ['1-0:1.8.0*255', '1-0:2.8.0*255'].map((obis) => ({ obis, exponent: 0, unit: 'Wh' }));
  const groups = Array.from({ length: 1_000 }, (_, at) => {
    const meterId = `LGZ${10_000_001 + ((at * 7_919) % 90_000_000)}` as MeterId;
    return { meterId, intervalS: 900, source: 2, timeZone: 'Europe/Berlin', columns };
  });
  const octets = encodeDictionary(groups);
  const message = encodeEdgeMessage({ kind: 'dictionary', octets });
  assert.ok(message.length <= 10_000, `${message.length} octets`);
  assert.deepEqual(decodeEdgeMessage(message), { kind: 'dictionary', octets });
  const bomb = encodeEdgeMessage({ kind: 'dictionary', octets: new Uint8Array(DICTIONARY_MAX_OCTETS + 1) });
  assert.ok(bomb.length < 1_000);
  assert.throws(() => decodeEdgeMessage(bomb), is('WIRE_MALFORMED'));
});

test('W-62 ALA-3 a rotation names a key and carries none; a key that is not rotated is refused', () => {
  const command: Command = {
    id: '0f0e0d0c-0b0a-4908-8706-050403020100' as CommandId,
    edgeId,
    epoch: '0011223344556677',
    meterId: 'm1' as MeterId,
    body: { kind: 'key-rotation', key: 'authentication' },
    author: 'ann',
    createdAtMs: nowMs,
    expiresAtMs: nowMs + 1,
  };
  const octets = encodeCommand(command);
  assert.deepEqual(decodeCommand(octets), command);
  assert.equal(toHex(octets.subarray(-4)), '6a020801');
  const broadcast: Command = { ...command, body: { kind: 'key-rotation', key: 'broadcast' } };
  assert.equal(toHex(encodeCommand(broadcast).subarray(-4)), '6a020803');
  assert.throws(() => decodeCommand(Uint8Array.of(...octets.subarray(0, -1), 4)), is('WIRE_MALFORMED'));
  const agreed: Command = { ...command, body: { kind: 'key-rotation', key: 'master', by: 'agreement' } };
  const more = encodeCommand(agreed);
  assert.deepEqual(decodeCommand(more), agreed);
  assert.equal(toHex(more.subarray(-6)), '6a0408021001');
  assert.throws(() => decodeCommand(Uint8Array.of(...more.subarray(0, -1), 2)), is('WIRE_MALFORMED'));
});

test('W-100 PROV-4 an adoption names line, model and node; one that names too little or too much is refused', () => {
  const body = { kind: 'adopt', line: 'plc1', profile: 'a/b', node: '10000001', timeZone: 'Europe/Madrid' } as const;
  const command: Command = {
    id: '0f0e0d0c-0b0a-4908-8706-050403020100' as CommandId,
    edgeId,
    epoch: '0011223344556677',
    meterId: 'm1' as MeterId,
    body,
    author: 'ann',
    createdAtMs: nowMs,
    expiresAtMs: nowMs + 1,
  };
  assert.deepEqual(decodeCommand(encodeCommand(command)), command);
  const { timeZone: _zone, ...short } = body;
  assert.deepEqual(decodeCommand(encodeCommand({ ...command, body: short })).body, short);
  const longest = 'x'.repeat(ADOPTION_TEXT_MAX_CHARACTERS);
  for (const name of ['line', 'profile', 'node', 'timeZone'] as const) {
    decodeCommand(encodeCommand({ ...command, body: { ...body, [name]: longest } }));
    const bad = [`${longest}x`, ...(name === 'timeZone' ? [] : [''])];
    for (const value of bad)
      assert.throws(
        () => decodeCommand(encodeCommand({ ...command, body: { ...body, [name]: value } })),
        is('WIRE_MALFORMED'),
      );
  }
});

test('W-60 a firmware and the parts of its image survive the way, and bad ones are refused', () => {
  const body = { kind: 'firmware', sha256: 'cd'.repeat(32), sizeOctets: 300_000, identifier: '465732' } as const;
  const command: Command = {
    id: '0f0e0d0c-0b0a-4908-8706-050403020100' as CommandId,
    edgeId,
    epoch: '0011223344556677',
    meterId: 'm1' as MeterId,
    body: { ...body, activateAtMs: nowMs },
    author: 'ann',
    createdAtMs: nowMs,
    expiresAtMs: nowMs + 1,
  };
  assert.deepEqual(decodeCommand(encodeCommand(command)), command);
  const atOnce = { ...command, body: { ...body, activateAtMs: null } };
  assert.deepEqual(decodeCommand(encodeCommand(atOnce)), atOnce);
  for (const wrong of [{ sizeOctets: 0 }, { sizeOctets: 5_000_000 }, { identifier: '' }, { sha256: 'cd' }])
    assert.throws(
      () => decodeCommand(encodeCommand({ ...atOnce, body: { ...atOnce.body, ...wrong } })),
      is('WIRE_MALFORMED'),
    );
  const head = { session: new Uint8Array(16), term: new Uint8Array(12), serverTimeMs: nowMs };
  const part = { kind: 'image', sha256: body.sha256, offset: 16_384, octets: Uint8Array.of(1, 2) } as const;
  assert.deepEqual(decodeCollectorMessage(encodeCollectorMessage({ ...head, body: part })).body, part);
  const long = encodeCollectorMessage({ ...head, body: { ...part, octets: new Uint8Array(8_193) } });
  assert.throws(() => decodeCollectorMessage(long), is('WIRE_MALFORMED'));
});

test('W-44 messages of a collector survive the way', () => {
  const bodies: CollectorBody[] = [
    {
      kind: 'answer',
      lanes: [
        { lane: 0, upTo: 0 },
        { lane: 3, upTo: 9 },
      ],
      credit: 65_536,
    },
    { kind: 'ack', epoch: '0011223344556677', lanes: [{ lane: 4, upTo: 12 }], credit: 1 },
    {
      kind: 'ack',
      epoch: '0011223344556677',
      lanes: [
        { lane: 2, upTo: 300 },
        { lane: 0, upTo: 0 },
      ],
      credit: 0,
    },
    { kind: 'need-dictionary', hash: '0102030405060708', lane: 2 },
    { kind: 'need-keyframe', lane: 2, upTo: 12 },
    { kind: 'command', command: Uint8Array.of(1, 2), signature: new Uint8Array(64) },
    { kind: 'refusal', code: 'EDGE_UNKNOWN', sentence: 'Approve the edge first.' },
  ];
  for (const body of bodies) {
    const message = {
      session: new Uint8Array(16).fill(1),
      term: new Uint8Array(12).fill(2),
      serverTimeMs: nowMs,
      body,
    };
    assert.deepEqual(decodeCollectorMessage(encodeCollectorMessage(message)), message);
  }
  const noTerm = {
    session: new Uint8Array(16),
    term: new Uint8Array(0),
    serverTimeMs: 0,
    body: bodies[0] as CollectorBody,
  };
  assert.throws(() => decodeCollectorMessage(encodeCollectorMessage(noTerm)), is('WIRE_MALFORMED'));
});

test('W-51 W-69 a field that nobody knows is passed over, a message of an unknown kind is refused by that name', () => {
  const head = { session: new Uint8Array(16).fill(1), term: new Uint8Array(12).fill(2), serverTimeMs: nowMs };
  const message: CollectorMessage = { ...head, body: { kind: 'need-keyframe', lane: 2, upTo: 12 } };
  // Field 99 behind the known ones, a varint: what a later version may add.
  const later = concat([encodeCollectorMessage(message), Uint8Array.of(0x98, 0x06, 0x01)]);
  assert.deepEqual(decodeCollectorMessage(later), message);
  const status = { lanes: [], uptimeS: 1, autonomyHours: -1, facts: [] };
  const known = encodeEdgeMessage({ kind: 'status', status });
  assert.deepEqual(decodeEdgeMessage(concat([known, Uint8Array.of(0x98, 0x06, 0x01)])), { kind: 'status', status });
  // The same frame with no body that is known: field 99 with a message in it.
  const onlyHead = concat([encodeCollectorMessage(message).subarray(0, 18 + 14 + 7), Uint8Array.of(0x9a, 0x06, 0x00)]);
  assert.throws(() => decodeCollectorMessage(onlyHead), is('WIRE_UNKNOWN_MESSAGE'));
  assert.throws(() => decodeEdgeMessage(Uint8Array.of(0x9a, 0x06, 0x00)), is('WIRE_UNKNOWN_MESSAGE'));
});

const commandId = '0f0e0d0c-0b0a-0908-0706-050403020100' as CommandId;
const meterId = 'm1' as MeterId;

test('W-45 a command survives the way, and its signature covers a named domain', () => {
  const base = {
    id: commandId,
    edgeId,
    epoch: '0011223344556677',
    meterId,
    author: 'anna',
    createdAtMs: nowMs,
    expiresAtMs: nowMs + 1,
  };
  const commands: Command[] = [
    { ...base, body: { kind: 'read', objects: [{ classId: 3, obis: '1-0:1.8.0*255', attribute: 2 }] } },
    { ...base, body: { kind: 'relay', action: 'disconnect' } },
    { ...base, body: { kind: 'relay', action: 'reconnect' } },
  ];
  for (const command of commands) assert.deepEqual(decodeCommand(encodeCommand(command)), command);
  const noObject = { ...base, body: { kind: 'read' as const, objects: [] } };
  assert.throws(() => decodeCommand(encodeCommand(noObject)), is('WIRE_MALFORMED'));
  assert.throws(() => decodeCommand(Uint8Array.of(1)), is('WIRE_MALFORMED'));
  const signed = commandSigningOctets(Uint8Array.of(0xaa));
  assert.equal(new TextDecoder().decode(signed.subarray(0, 21)), 'deltawatt command v1\0');
  assert.deepEqual(signed.subarray(21), Uint8Array.of(0xaa));
});

const report: CommandReport = {
  id: commandId,
  meterId,
  state: 'done',
  code: '',
  sentence: 'Done.',
  atMs: nowMs,
  values: [
    {
      classId: 3,
      obis: '1-0:1.8.0*255',
      attribute: 2,
      result: 0,
      value: 2n ** 63n,
      exponent: -1,
      unit: 'Wh',
      raw: Uint8Array.of(6),
    },
    { classId: 1, obis: '0-0:96.1.0*255', attribute: 2, result: 0, text: 'é', raw: Uint8Array.of(9) },
    { classId: 1, obis: '0-0:96.1.0*255', attribute: 3, result: 3, raw: new Uint8Array(0) },
  ],
  relay: { outputOn: true, controlState: 1 },
};
const records: JournalRecord[] = [
  {
    kind: 'event',
    event: {
      meterId: null,
      log: 'edge',
      code: -3,
      name: 'restart',
      sentence: 'Restarted.',
      atMs: nowMs,
      severity: 'alarm',
    },
  },
  {
    kind: 'event',
    event: { meterId, log: '0-0:99.98.0*255', code: 1, name: 'power-down', sentence: 'x', atMs: -1, severity: 'info' },
  },
  {
    kind: 'attribute',
    attribute: { meterId, obis: '0-0:96.1.0*255', name: 'serial-number', text: '42', readAtMs: nowMs },
  },
  { kind: 'meter-state', state: { meterId, state: 'silent', sentence: 'Does not answer.', sinceMs: nowMs } },
  { kind: 'command', report },
  {
    kind: 'gap',
    gap: { meterId, obis: ['1-0:1.8.0*255'], intervalS: 900, fromMs: 1, toMs: 2, cause: 'overwritten-in-meter' },
  },
  {
    kind: 'found',
    found: {
      line: 'plc1',
      node: { name: 'ZIV0040318130', eui48: '4040226734B2' },
      state: 'refused',
      deviceName: 'ZIV0040318130',
      sentence: 'It lets nobody in.',
      atMs: nowMs,
    },
  },
  { kind: 'log', level: 'warn', event: 'reader.session-failed', atMs: nowMs, fieldsJson: '{"a":1}' },
];

function recordHead(lane: 0 | 1 | 5): PackHead {
  return {
    lane,
    epoch: '0011223344556677',
    sequence: 4,
    keyframe: 4,
    prevHash: new Uint8Array(8),
    readAtMs: nowMs,
    clockQuality: 'rtc',
  };
}

test('W-46 records of every kind survive, in blocks that need no other block', () => {
  assert.deepEqual(decodeRecordBody(encodeRecordBody(records)), records);
  const many = Array.from({ length: 20 }, () => records).flat();
  const packed = packRecords(recordHead(0), many, emptyLaneState(), sha256);
  assert.ok(packed.blocks.length > 1);
  const back = packed.blocks.flatMap(({ octets, sequence }) => {
    assert.ok(octets.length <= 1024);
    const block = decodeBlock(octets, emptyLaneState(), []);
    assert.equal(block.header.keyframe, sequence);
    return block.records;
  });
  assert.deepEqual(back, many);
});

test('W-46 a node that was found is told by all six octets of its address', () => {
  const node = { name: 'ZIV0040318130', eui48: '4040226734B2' };
  const found = {
    line: 'plc1',
    node,
    state: 'refused',
    deviceName: '',
    sentence: 'Lets nobody in.',
    atMs: nowMs,
  } as const;
  for (const eui48 of ['4040226734', '4040226734B201', ''])
    assert.throws(
      () => encodeRecordBody([{ kind: 'found', found: { ...found, node: { ...node, eui48 } } }]),
      (error) => hasCode(error, 'WIRE_VALUE'),
    );
});

test('W-47 a record that is too long is shortened, not dropped', () => {
  const value = {
    classId: 7,
    obis: '1-0:99.1.0*255',
    attribute: 2,
    result: 0,
    raw: new Uint8Array(400_000),
    text: 'é'.repeat(900),
  };
  const long: JournalRecord[] = [
    { kind: 'command', report: { ...report, sentence: 'y'.repeat(3000), values: [value, ...report.values] } },
    { kind: 'log', level: 'warn', event: 'a.b', atMs: nowMs, fieldsJson: JSON.stringify({ text: 'z'.repeat(2000) }) },
    { kind: 'meter-state', state: { meterId, state: 'silent', sentence: '𝄞'.repeat(900), sinceMs: nowMs } },
  ];
  const packed = packRecords(recordHead(1), long, emptyLaneState(), sha256);
  const back = packed.blocks.flatMap(({ octets }) => decodeBlock(octets, emptyLaneState(), []).records);
  assert.equal(back.length, 3);
  const [command, log, state] = back;
  assert.ok(command?.kind === 'command' && command.report.state === 'done' && command.report.values.length === 4);
  assert.equal(command.report.values[1]?.value, 2n ** 63n, 'short answers stay');
  assert.ok(log?.kind === 'log' && typeof JSON.parse(log.fieldsJson) === 'object');
  assert.ok(state?.kind === 'meter-state' && state.state.sentence.endsWith('…'));
});

test('W-46 records that nobody could have written are refused, the last that one may write are read back', () => {
  const back = (record: JournalRecord) => decodeRecordBody(encodeRecordBody([record]))[0];
  const command = (changes: Partial<CommandReport>): JournalRecord => ({
    kind: 'command',
    report: { ...report, ...changes },
  });
  const holding = (value: number | bigint) => {
    const [first] = report.values;
    return command({ values: first === undefined ? [] : [{ ...first, value }] });
  };
  const asPart = (number: number, of: number) => command({ part: { number, of } });
  for (const good of [asPart(0, 1), asPart(255, 256), holding(-(2n ** 63n)), holding(2n ** 64n - 1n), holding(0)])
    assert.deepEqual(back(good), good);
  for (const [name, bad] of [
    ['part 1 of none', asPart(1, 0)],
    ['part 1 of 1', asPart(1, 1)],
    ['part 256 of 256', asPart(256, 256)],
    ['part 0 of 257', asPart(0, 257)],
    ['below every integer', holding(-(2n ** 63n) - 1n)],
    ['above every integer', holding(2n ** 64n)],
    ['a value of 21 digits', holding(10n ** 20n)],
    ['no number', holding(0.5)],
    ['no command id', command({ id: 'x' as CommandId })],
    ['no meter id', command({ meterId: 'a b' as MeterId })],
  ] as const)
    assert.throws(() => back(bad), is('BLOCK_MALFORMED'), name);
  const log: JournalRecord = { kind: 'log', level: '', event: '', atMs: 0, fieldsJson: '' };
  assert.equal(decodeRecordBody(encodeRecordBody(new Array(1024).fill(log))).length, 1024);
  assert.throws(() => decodeRecordBody(encodeRecordBody(new Array(1025).fill(log))), is('BLOCK_MALFORMED'));
  assert.throws(() => decodeRecordBody(encodeRecordBody([])), is('BLOCK_MALFORMED'));
});

test('W-47 only what does not fit is shortened: first raw answers, then texts to 512 characters, half, and so on', () => {
  const sentence = 'y'.repeat(600);
  const raw = (octets: number) => ({ ...report, sentence, values: [{ ...value, raw: new Uint8Array(octets) }] });
  const value = { classId: 7, obis: '1-0:99.1.0*255', attribute: 2, result: 0, raw: new Uint8Array(0) };
  const shortened = (record: JournalRecord, maxOctets: number) => shortenRecord(record, maxOctets);
  const asIs: JournalRecord = { kind: 'command', report: raw(5_000) };
  assert.equal(shortened(asIs, recordOctets(asIs)), asIs, 'what fits is not touched');
  const without = shortened(asIs, recordOctets(asIs) - 1);
  assert.ok(without.kind === 'command');
  assert.equal(without.report.sentence, sentence, 'the sentence fits once the answer has gone');
  assert.deepEqual(shortened(asIs, recordOctets(without)), without, 'to the last octet');
  assert.deepEqual(
    without.report.values.map(({ raw: octets, text }) => [octets.length, text]),
    [[0, 'an answer of 5000 octets, too long for a result']],
  );
  const kept = (octets: number) => {
    const record = shortened(
      { kind: 'command', report: raw(octets) },
      recordOctets({ kind: 'command', report: raw(512) }) - 1,
    );
    return record.kind === 'command' ? [record.report.values[0]?.raw.length, record.report.sentence.length] : [];
  };
  assert.deepEqual(
    [kept(512), kept(513)],
    [
      [512, 512],
      [0, 600],
    ],
    'an answer of 512 octets is not too long at first',
  );
  const told = (length: number, maxOctets: number) => {
    const record = shortened(
      { kind: 'meter-state', state: { meterId, state: 'silent', sentence: 'y'.repeat(length), sinceMs: 0 } },
      maxOctets,
    );
    return record.kind === 'meter-state' ? record.state.sentence : '';
  };
  assert.equal(told(600, 599), `${'y'.repeat(511)}…`);
  assert.equal(told(600, 400), `${'y'.repeat(255)}…`);
  const named = (characters: number) => {
    const event = {
      meterId,
      log: 'l'.repeat(32),
      code: 1,
      name: 'n'.repeat(characters),
      atMs: 0,
      severity: 'info',
    } as const;
    const record = shortened({ kind: 'event', event: { ...event, sentence } }, 660);
    return record.kind === 'event' ? [record.event.log, record.event.name] : [];
  };
  assert.deepEqual(named(64), ['l'.repeat(32), 'n'.repeat(64)]);
  assert.deepEqual(named(65), ['l'.repeat(32), `${'n'.repeat(63)}…`]);
  assert.throws(() => told(600, 4), is('BLOCK_INPUT'));
  const logged = (fields: number) => {
    const record = shortened(
      { kind: 'log', level: 'warn', event: 'a.b', atMs: 0, fieldsJson: `"${'z'.repeat(fields - 2)}"` },
      fields,
    );
    return record.kind === 'log' ? record.fieldsJson.length : 0;
  };
  assert.deepEqual([logged(513), logged(512), logged(257)], [37, 37, 37]);
});

test('W-46 records fill a block to its last octet, keep their order, and tell the span of their times', () => {
  const log = (atMs: number): JournalRecord => ({ kind: 'log', level: 'warn', event: 'a.b', atMs, fieldsJson: '{}' });
  const at = [nowMs + 2, nowMs + 1, nowMs + 3];
  const bare = recordOctets(log(nowMs));
  const packed = (maxOctets: number) => packRecords(recordHead(0), at.map(log), emptyLaneState(), sha256, maxOctets);
  // What a header takes at most is left free.
  assert.deepEqual(
    [72 + 3 * bare, 72 + 3 * bare - 1, 72 + 2 * bare - 1].map((maxOctets) => packed(maxOctets).blocks.length),
    [1, 2, 3],
  );
  const [first, second] = packed(72 + 2 * bare).blocks;
  assert.ok(first !== undefined && second !== undefined);
  assert.deepEqual([first.fromMs, first.toMs, second.fromMs, second.toMs], [at[1], at[0], at[2], at[2]]);
  assert.deepEqual([first.sequence, first.keyframe, second.sequence, second.keyframe], [4, 4, 5, 5]);
  assert.deepEqual(decodeBlock(second.octets, emptyLaneState(), []).header.prevHash, first.hash);
});

test('W-48 a dictionary has one encoding and one hash', () => {
  const groups = dictionaryOf(5);
  const octets = encodeDictionary(groups);
  assert.deepEqual(decodeDictionary(octets), groups);
  assert.deepEqual(encodeDictionary(decodeDictionary(octets)), octets);
  assert.deepEqual(extendDictionary(encodeDictionary(groups.slice(0, 1)), 1, groups.slice(1)), octets, 'extended');
  assert.match(dictionaryHash(octets, sha256), /^[0-9a-f]{16}$/);
  const [first] = groups;
  assert.ok(first);
  const wrong = [
    { ...first, meterId: 'a b' },
    { ...first, columns: [] },
    { ...first, source: 99 },
    { ...first, intervalS: 2 ** 31 },
  ];
  for (const group of wrong)
    assert.throws(() => decodeDictionary(encodeDictionary([group])), is('WIRE_MALFORMED'), JSON.stringify(group));
});

test('W-48 groups of a dictionary keep what they have in common once, and texts with separators stay apart', () => {
  const column = { obis: '1-0:1.8.0*255', exponent: 0, unit: 'Wh' };
  const group = (meterId: string, columns: DictionaryGroup['columns']) => ({
    meterId: meterId as MeterId,
    intervalS: 900,
    source: 0,
    timeZone: 'UTC',
    columns,
  });
  const many = Array.from({ length: 3 }, (_, at) => group(`m${at}`, [{ ...column }]));
  const apart = [
    group('n0', [{ obis: 'a', exponent: 0, unit: 'b|c 0 d' }]),
    group('n1', [
      { obis: 'a', exponent: 0, unit: 'b' },
      { obis: 'c', exponent: 0, unit: 'd' },
    ]),
  ];
  const decoded = decodeDictionary(encodeDictionary([...many, ...apart]));
  assert.deepEqual(decoded, [...many, ...apart]);
  assert.equal(decoded[2]?.columns, decoded[0]?.columns);
});

test('W-49 any octets give a message or one named error', () => {
  const good = [
    sealEnvelope(Uint8Array.of(1), 'up', party, envelopeCrypto),
    encodeDictionary(dictionaryOf(3)),
    encodeRecordBody(records),
    encodeCollectorMessage({
      session: new Uint8Array(16),
      term: new Uint8Array(12),
      serverTimeMs: 1,
      body: { kind: 'ack', epoch: '0011223344556677', lanes: [{ lane: 4, upTo: 12 }], credit: 1 },
    }),
  ];
  const parsers: ((octets: Uint8Array) => unknown)[] = [
    (octets) => openEnvelope(octets, 'up', party, envelopeCrypto),
    decodeEdgeMessage,
    decodeCollectorMessage,
    decodeCommand,
    decodeDictionary,
    decodeRecordBody,
    splitBatch,
  ];
  const mutated = fc
    .record({ octets: fc.constantFrom(...good), at: fc.nat(), octet: fc.nat(255), keep: fc.nat() })
    .map(({ octets, at, octet, keep }) => {
      const wrong = octets.slice(0, 1 + (keep % octets.length));
      return wrong.fill(octet, at % wrong.length, (at % wrong.length) + 1);
    });
  fc.assert(
    fc.property(fc.constantFrom(...parsers), fc.oneof(fc.uint8Array({ maxLength: 200 }), mutated), (parse, octets) => {
      try {
        parse(octets);
      } catch (error) {
        assert.ok(error instanceof DeltawattError, String(error));
      }
    }),
    { numRuns: 3000 },
  );
});

test('W-50 every error of the room has a sentence that says what to do', () => {
  for (const [code, row] of Object.entries(WIRE_ERRORS)) {
    assert.match(code, /^(WIRE|BLOCK)_[A-Z_]+$/);
    assert.match(row.sentence, /^[A-Z].{30,}\.$/);
  }
});
