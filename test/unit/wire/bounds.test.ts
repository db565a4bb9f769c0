/** Every bound of the wire from both sides: what meets it travels, one more is refused by its code. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { BitReader, BitWriter } from '../../../src/base/bits.ts';
import { ByteWriter, concat } from '../../../src/base/bytes.ts';
import { DeltawattError, hasCode } from '../../../src/base/errors.ts';
import type { Command, CommandBody } from '../../../src/model/command.ts';
import type { CommandId, EdgeId, MeterId } from '../../../src/model/ids.ts';
import {
  decodeCollectorMessage,
  decodeCommand,
  encodeCollectorMessage,
  encodeCommand,
} from '../../../src/wire/codec.ts';
import { decodeDictionary, encodeDictionary, extendDictionary } from '../../../src/wire/dictionary.ts';
import { openEnvelope, sealEnvelope } from '../../../src/wire/envelope.ts';
import {
  countFromWire,
  indexOf,
  laneFromWire,
  memberAt,
  objectReference,
  octetsOfLength,
  timeFromWire,
} from '../../../src/wire/fields.ts';
import { DictionarySchema, ObjectReferenceSchema } from '../../../src/wire/gen/deltawatt_pb.ts';
import {
  type GroupState,
  type LaneState,
  laneStateCheck,
  PLAIN_MARKS,
  parseLaneState,
  serializeLaneState,
} from '../../../src/wire/lane-state.ts';
import { LANE_ORDER } from '../../../src/wire/lanes.ts';
import {
  BATCH_MAX_OCTETS,
  BLOCK_MAX_OCTETS,
  COMMAND_MAX_OBJECTS,
  DICTIONARY_MAX_GROUPS,
  DICTIONARY_MAX_OCTETS,
  ENVELOPE_BODY_MAX_OCTETS,
  GROUP_MAX_COLUMNS,
  IMAGE_IDENTIFIER_MAX_OCTETS,
  IMAGE_MAX_OCTETS,
  IMAGE_PART_MAX_OCTETS,
  STATUS_MAX_OCTETS,
  TEXT_MAX_CHARACTERS,
} from '../../../src/wire/limits.ts';
import type { CollectorBody } from '../../../src/wire/messages.ts';
import { estimateOctets } from '../../../src/wire/pack.ts';
import type { DictionaryGroup, Row } from '../../../src/wire/rows.ts';
import { expectationOf, fitsOneBlock, groupAfter, unitOf } from '../../../src/wire/run.ts';
import { collectorFilters, joinBatch, parseTopic, splitBatch, topicOf } from '../../../src/wire/topics.ts';
import {
  learnStill,
  mayBeStill,
  readCount,
  readWide,
  unzigzag,
  writeCount,
  writeWide,
  zigzag,
} from '../../../src/wire/value-code.ts';
import { envelopeCrypto, sha256 } from '../../support/wire-crypto.ts';

const is = (code: string) => (error: unknown) => hasCode(error, code);
const MALFORMED = is('WIRE_MALFORMED');

/** The detail of what is thrown with this code. */
function detailOf(run: () => unknown, code: string): string {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof DeltawattError && error.code === code, String(error));
    return error.detail;
  }
  return assert.fail('nothing was thrown');
}

const edgeId = 'e17' as EdgeId;

const column = { obis: '1-0:1.8.0*255', exponent: 0, unit: 'Wh' };
const group: DictionaryGroup = {
  meterId: 'm1' as MeterId,
  intervalS: 900,
  source: 0,
  timeZone: 'Europe/Vienna',
  columns: [column],
};

const command: Command = {
  id: '0f0e0d0c-0b0a-4908-8706-050403020100' as CommandId,
  edgeId,
  epoch: '0011223344556677',
  meterId: 'm1' as MeterId,
  body: { kind: 'ping' },
  author: 'ann',
  createdAtMs: 1,
  expiresAtMs: 2,
};

const roundTrip = (changes: Partial<Command>) => decodeCommand(encodeCommand({ ...command, ...changes }));
const bodyTrip = (body: CommandBody) => roundTrip({ body }).body;

test('received times, counts, lanes and indexes: the ends of each range pass, what is beyond is refused', () => {
  for (const time of [2n ** 51n, -(2n ** 51n)]) assert.equal(timeFromWire(time), Number(time));
  for (const time of [2n ** 51n + 1n, -(2n ** 51n) - 1n]) assert.throws(() => timeFromWire(time), MALFORMED);
  assert.equal(countFromWire(2n ** 53n - 1n), Number.MAX_SAFE_INTEGER);
  assert.throws(() => countFromWire(2n ** 53n), MALFORMED);
  for (const lane of LANE_ORDER) assert.equal(laneFromWire(lane), lane);
  for (const lane of [-1, LANE_ORDER.length, 15]) assert.throws(() => laneFromWire(lane), MALFORMED);
  assert.deepEqual([indexOf(['a', 'b'], 'b'), memberAt(['a', 'b'], 1, 'letter')], [1, 'b']);
  assert.throws(() => indexOf(['a', 'b'], 'c'), is('WIRE_VALUE'));
  assert.throws(() => memberAt(['a', 'b'], 2, 'letter'), MALFORMED);
  assert.equal(octetsOfLength(new Uint8Array(8), 8, 'epoch').length, 8);
  for (const length of [7, 9]) assert.throws(() => octetsOfLength(new Uint8Array(length), 8, 'epoch'), MALFORMED);
});

test('a reference to an object is taken up to class 65535 and attribute 255 of either sign, each beyond by itself refused', () => {
  const good = { classId: 0xffff, obis: '1-0:1.8.0*255', attribute: 255 };
  const wire = (changes: Partial<typeof good>) => create(ObjectReferenceSchema, { ...good, ...changes });
  assert.deepEqual(objectReference(wire({})), good);
  assert.equal(objectReference(wire({ attribute: -255 })).attribute, -255);
  for (const wrong of [{ classId: 0x1_0000 }, { obis: '1.8.0' }, { attribute: 256 }, { attribute: -256 }])
    assert.throws(() => objectReference(wire(wrong)), MALFORMED, JSON.stringify(wrong));
  assert.throws(() => objectReference(undefined), MALFORMED);
});

test('a dictionary group at every bound of its fields is read back, and one beyond any of them refused', () => {
  const columns = Array.from({ length: GROUP_MAX_COLUMNS }, (_, at) => ({ ...column, exponent: at }));
  const widest = { obis: '1'.repeat(32), unit: 'u'.repeat(32), exponent: -127 };
  const good: readonly DictionaryGroup[] = [
    { ...group, columns },
    { ...group, intervalS: 315_360_000 },
    { ...group, timeZone: 'z'.repeat(64) },
    { ...group, columns: [widest, { ...widest, exponent: 127 }] },
  ];
  assert.deepEqual(decodeDictionary(encodeDictionary(good)), good);
  const bad: readonly Partial<Record<keyof DictionaryGroup, unknown>>[] = [
    { columns: [] },
    { columns: [...columns, column] },
    { intervalS: 315_360_001 },
    { timeZone: 'z'.repeat(65) },
    { source: 99 },
    { meterId: '' },
    ...[{ obis: '1'.repeat(33) }, { unit: 'u'.repeat(33) }, { exponent: 128 }, { exponent: -128 }].map((wrong) => ({
      columns: [column, { ...column, ...wrong }],
    })),
  ];
  for (const wrong of bad) {
    const octets = encodeDictionary([{ ...group, ...wrong } as DictionaryGroup]);
    assert.throws(() => decodeDictionary(octets), MALFORMED, JSON.stringify(wrong));
  }
});

test('groups of a dictionary: as many as one may hold, by one call or two, and not one more', () => {
  const lean: DictionaryGroup = { ...group, timeZone: '', columns: [{ obis: '', exponent: 0, unit: '' }] };
  const many = Array.from({ length: DICTIONARY_MAX_GROUPS }, () => lean);
  const octets = encodeDictionary(many);
  assert.equal(decodeDictionary(octets).length, DICTIONARY_MAX_GROUPS);
  assert.throws(() => encodeDictionary([...many, lean]), is('WIRE_VALUE'));
  const allButOne = encodeDictionary(many.slice(1));
  assert.deepEqual(extendDictionary(allButOne, DICTIONARY_MAX_GROUPS - 1, [lean]), octets);
  assert.throws(() => extendDictionary(octets, DICTIONARY_MAX_GROUPS, [lean]), is('WIRE_VALUE'));
  const more = create(DictionarySchema, {
    groups: [...many, lean].map(({ columns, ...rest }) => ({ ...rest, columns: [...columns] })),
  });
  assert.throws(() => decodeDictionary(toBinary(DictionarySchema, more)), is('WIRE_TOO_LONG'));
});

test('octets of a dictionary: exactly as many as one may have, written, extended and read, and not one more', () => {
  const sized = (characters: number): DictionaryGroup => ({ ...group, timeZone: 'z'.repeat(characters) });
  const frame = encodeDictionary([sized(DICTIONARY_MAX_OCTETS / 2)]).length - DICTIONARY_MAX_OCTETS / 2;
  const full = sized(DICTIONARY_MAX_OCTETS - frame);
  const over = sized(DICTIONARY_MAX_OCTETS - frame + 1);
  assert.equal(encodeDictionary([full]).length, DICTIONARY_MAX_OCTETS);
  assert.throws(() => encodeDictionary([over]), is('WIRE_VALUE'));
  assert.equal(extendDictionary(new Uint8Array(), 0, [full]).length, DICTIONARY_MAX_OCTETS);
  assert.throws(() => extendDictionary(Uint8Array.of(0), 0, [full]), is('WIRE_VALUE'));
  // Read, it fails for its time zone and no more for its length.
  assert.throws(() => decodeDictionary(encodeDictionary([full])), MALFORMED);
  assert.throws(() => decodeDictionary(new Uint8Array(DICTIONARY_MAX_OCTETS + 1)), is('WIRE_TOO_LONG'));
});

test('an envelope takes a body of the greatest length and opens again; one octet more is refused on both sides', () => {
  const party = { edgeId, key: new Uint8Array(32) };
  const body = new Uint8Array(ENVELOPE_BODY_MAX_OCTETS).fill(7);
  assert.deepEqual(openEnvelope(sealEnvelope(body, 'up', party, envelopeCrypto), 'up', party, envelopeCrypto), body);
  const more = concat([body, Uint8Array.of(0)]);
  assert.throws(() => sealEnvelope(more, 'up', party, envelopeCrypto), is('WIRE_TOO_LONG'));
  const longest = new Uint8Array(ENVELOPE_BODY_MAX_OCTETS + 32);
  assert.throws(() => openEnvelope(longest, 'up', party, envelopeCrypto), MALFORMED);
  assert.throws(() => openEnvelope(concat([longest, more]), 'up', party, envelopeCrypto), is('WIRE_TOO_LONG'));
  assert.throws(() => decodeCommand(body), MALFORMED);
  assert.throws(() => decodeCommand(more), is('WIRE_TOO_LONG'));
});

test('a command reads from one to 64 objects', () => {
  const objects = Array.from({ length: COMMAND_MAX_OBJECTS }, (_, at) => {
    return { classId: 3, obis: '1-0:1.8.0*255', attribute: at + 1 };
  });
  assert.deepEqual(bodyTrip({ kind: 'read', objects }), { kind: 'read', objects });
  assert.throws(() => bodyTrip({ kind: 'read', objects: [] }), MALFORMED);
  const more = [...objects, ...objects.slice(0, 1)];
  assert.throws(() => encodeCommand({ ...command, body: { kind: 'read', objects: more } }), is('WIRE_VALUE'));
});

test('a command with a bad id of its own, of its edge or of its meter is refused, and with an author beyond 512 characters', () => {
  assert.deepEqual(roundTrip({ author: 'a'.repeat(TEXT_MAX_CHARACTERS) }).author.length, TEXT_MAX_CHARACTERS);
  assert.throws(() => roundTrip({ author: 'a'.repeat(TEXT_MAX_CHARACTERS + 1) }), MALFORMED);
  const wrong = [{ id: 'x' as CommandId }, { edgeId: 'No Edge' as EdgeId }, { meterId: '' as MeterId }];
  for (const one of wrong) assert.throws(() => roundTrip(one), MALFORMED, JSON.stringify(one));
});

test('an image, its identifier and its parts: the longest pass, one octet more does not', () => {
  const sha256 = 'cd'.repeat(32);
  const firmware = (sizeOctets: number, identifierOctets: number): CommandBody => {
    return { kind: 'firmware', sha256, sizeOctets, identifier: '46'.repeat(identifierOctets), activateAtMs: null };
  };
  const longest = firmware(IMAGE_MAX_OCTETS, IMAGE_IDENTIFIER_MAX_OCTETS);
  assert.deepEqual(bodyTrip(longest), longest);
  assert.throws(() => bodyTrip(firmware(IMAGE_MAX_OCTETS + 1, 1)), MALFORMED);
  assert.throws(() => bodyTrip(firmware(1, IMAGE_IDENTIFIER_MAX_OCTETS + 1)), MALFORMED);
  const partTrip = (octets: number): CollectorBody => {
    const head = { session: new Uint8Array(16), term: new Uint8Array(12), serverTimeMs: 0 };
    const body = { kind: 'image', sha256, offset: 0, octets: new Uint8Array(octets) } as const;
    return decodeCollectorMessage(encodeCollectorMessage({ ...head, body })).body;
  };
  const part = partTrip(IMAGE_PART_MAX_OCTETS);
  assert.equal(part.kind === 'image' && part.octets.length, IMAGE_PART_MAX_OCTETS);
  assert.throws(() => partTrip(IMAGE_PART_MAX_OCTETS + 1), MALFORMED);
});

test('topics take an edge id of up to 32 characters; a message on b is taken up to its last octet', () => {
  const longest = 'e'.repeat(32) as EdgeId;
  assert.equal(parseTopic(topicOf(longest, 'c', sha256), sha256)?.edgeId, longest);
  const longer = `${longest}e` as EdgeId;
  assert.equal(parseTopic(topicOf(longer, 'c', sha256), sha256), null);
  assert.deepEqual(collectorFilters(Array.from({ length: 255 }, (_, at) => at)).length, 2 * 255);
  assert.deepEqual(collectorFilters(Array.from({ length: 256 }, () => 3)).length, 2 * 256, 'one shard is not all');
  const full = new Uint8Array(BATCH_MAX_OCTETS);
  full.set(joinBatch(Array.from({ length: 15 }, () => new Uint8Array(BLOCK_MAX_OCTETS))));
  assert.throws(() => splitBatch(full), is('WIRE_MALFORMED'), 'read, and found to hold a block of no octets');
  assert.throws(() => splitBatch(new Uint8Array(BATCH_MAX_OCTETS + 1)), is('WIRE_TOO_LONG'));
});

/** Where a stored state of one group with one column of one value has its fields. */
const STATE_FIELDS = { count: 3, statusLength: 7, quality: 8, columns: 12, column: 13, value: 14 } as const;

test('a stored lane state: each field at its bound is read back, one beyond is told by what is wrong', () => {
  const column = { value: 5, delta: null, mean1: 0, mean2: 0 };
  const group: GroupState = { atMs: 0, stepMs: 0, marks: PLAIN_MARKS, columns: [column] };
  const stateOf = (...groups: readonly GroupState[]): LaneState => ({
    ...{ sequence: 1, keyframe: 1, groups: new Map(groups.map((each, at) => [at, each])) },
  });
  const same = (state: LaneState) => assert.deepEqual(parseLaneState(serializeLaneState(state)), state);
  const learnt = { value: 2n ** 64n - 1n, delta: -(2n ** 64n), mean1: 33, mean2: 0 };
  const marks = { status: new Uint8Array(STATUS_MAX_OCTETS).fill(7), quality: 'good', deviationMin: -60 } as const;
  same(stateOf(group, { ...group, atMs: 2 ** 51, stepMs: -900_000, marks, columns: [null, column, learnt] }));
  same(stateOf({ ...group, columns: Array.from({ length: GROUP_MAX_COLUMNS }, () => null) }));
  same(stateOf(...Array.from({ length: DICTIONARY_MAX_GROUPS }, () => ({ ...group, columns: [] }))));
  const wrong = (octets: Uint8Array) => detailOf(() => parseLaneState(octets), 'BLOCK_STATE');
  const stored = serializeLaneState(stateOf(group));
  assert.match(wrong(stored.with(0, 2)), /format 2/);
  assert.match(wrong(stored.with(STATE_FIELDS.statusLength, STATUS_MAX_OCTETS + 1)), /status .* too long/);
  assert.match(wrong(stored.with(STATE_FIELDS.quality, 99)), /quality .* unknown/);
  assert.match(wrong(stored.with(STATE_FIELDS.columns, GROUP_MAX_COLUMNS + 1)), /too many columns/);
  assert.match(wrong(stored.with(STATE_FIELDS.column, 3)), /column .* malformed/);
  const behind = stored.subarray(STATE_FIELDS.count + 1);
  const groups = new ByteWriter(4).varint(DICTIONARY_MAX_GROUPS + 1).finish();
  assert.match(wrong(concat([stored.subarray(0, STATE_FIELDS.count), groups, behind])), /too many groups/);
  const long = new Uint8Array(11).fill(0x80);
  assert.match(wrong(concat([stored.subarray(0, STATE_FIELDS.value), long])), /number .* too long/);
  assert.match(wrong(concat([stored, Uint8Array.of(0)])), /1 octets behind/);
  assert.match(wrong(stored.subarray(0, -1)), /cut or malformed/);
});

test('the stored state has one text, whatever the order in which its groups came', () => {
  const group: GroupState = { atMs: 0, stepMs: 0, marks: PLAIN_MARKS, columns: [] };
  const stateOf = (...order: readonly number[]): LaneState => ({
    ...{ sequence: 1, keyframe: 1, groups: new Map(order.map((at) => [at, { ...group, atMs: at }])) },
  });
  assert.deepEqual(serializeLaneState(stateOf(10, 2, 1)), serializeLaneState(stateOf(1, 2, 10)));
  assert.equal(laneStateCheck(stateOf(10, 2)), laneStateCheck(stateOf(2, 10)));
});

const rowAt = (atMs: number, values: readonly number[] = [1], group = 0): Row => ({
  ...{ group, atMs, status: new Uint8Array(0), quality: 'good', deviationMin: null, values },
});

test('a block counts in seconds only when rows, the last times of their groups and their steps are whole ones', () => {
  const groups = (atMs: number, stepMs: number) =>
    new Map([[0, { atMs, stepMs, marks: PLAIN_MARKS, columns: [] } satisfies GroupState]]);
  for (const [rows, state, unitMs] of [
    [[rowAt(2_000)], new Map(), 1_000],
    [[rowAt(2_000), rowAt(2_001)], new Map(), 1],
    [[rowAt(2_000)], groups(1_000, 1_000), 1_000],
    [[rowAt(2_000)], groups(1_001, 1_000), 1],
    [[rowAt(2_000)], groups(1_000, 1_001), 1],
    [[rowAt(2_000, [1], 1)], groups(1_001, 1_001), 1_000],
  ] as const)
    assert.equal(unitOf(rows, state), unitMs, JSON.stringify([rows, [...state]]));
});

test('a run: what it expects of its dictionary, what it leaves, and how much of it fits a block', () => {
  const context = { dictionary: [group], fromMs: 7_000, unitMs: 1_000 };
  const fresh = expectationOf(0, new Map(), context);
  assert.deepEqual([fresh.lastMs, fresh.atMs, fresh.stepMs, fresh.columns], [null, 7_000, 900_000, [null]]);
  assert.throws(() => expectationOf(1, new Map(), context), is('BLOCK_DICTIONARY'));
  const after = groupAfter(group, [rowAt(1_000), rowAt(4_000)], fresh);
  assert.deepEqual([after.atMs, after.stepMs], [4_000, 900_000]);
  const next = expectationOf(0, new Map([[0, after]]), context);
  assert.deepEqual([next.lastMs, next.atMs], [4_000, 904_000]);
  assert.throws(
    () => expectationOf(0, new Map([[0, { ...after, columns: [null, null] }]]), context),
    is('BLOCK_DICTIONARY'),
  );
  const free = { ...group, intervalS: 0 };
  assert.equal(groupAfter(free, [rowAt(1_000), rowAt(4_000)], fresh).stepMs, 3_000);
  assert.equal(groupAfter(free, [rowAt(4_000)], { ...fresh, lastMs: 1_500 }).stepMs, 2_500);
  assert.equal(groupAfter(free, [rowAt(4_000)], fresh).stepMs, 0);
  assert.throws(() => groupAfter(group, [], fresh), is('BLOCK_INPUT'));
  const rows = (count: number, columns: number) =>
    Array.from({ length: count }, () => rowAt(0, new Array(columns).fill(1)));
  assert.deepEqual([rows(4_096, 1), rows(4_097, 1), rows(256, 64), [...rows(256, 64), rowAt(0)]].map(fitsOneBlock), [
    true,
    false,
    true,
    false,
  ]);
});

test('numbers of the value code: their sign at the lowest bit, their width in front, up to the widest that can be meant', () => {
  for (const [value, coded] of [
    [0, 0],
    [-1, 1],
    [1, 2],
    [2 ** 52 - 1, 2 ** 53 - 2],
    [-(2 ** 52) + 1, 2 ** 53 - 3],
    [2 ** 52, 2n ** 53n],
    [-(2 ** 52), 2 ** 53 - 1],
    [2n ** 64n - 1n, 2n ** 65n - 2n],
    [-(2n ** 63n), 2n ** 64n - 1n],
  ] as const) {
    assert.equal(zigzag(value), coded, `${value}`);
    assert.equal(unzigzag(coded), value, `${coded}`);
  }
  for (const [value, bits] of [
    [0, 7],
    [1, 7],
    [2, 8],
    [2 ** 30 - 1, 36],
    [2 ** 30, 37],
    [2 ** 31, 38],
    [2 ** 53 - 1, 59],
    [2n ** 53n, 60],
    [2n ** 68n - 1n, 74],
  ] as const) {
    const writer = new BitWriter();
    writeWide(writer, value);
    writer.bits(1, 1);
    const octets = writer.finish();
    assert.equal(octets.length, Math.ceil((bits + 1) / 8), `${value}`);
    const reader = new BitReader(octets);
    assert.deepEqual([readWide(reader), reader.bits(1)], [value, 1]);
  }
  const widthOnly = new BitWriter();
  widthOnly.bits(69, 7);
  widthOnly.bigBits(0n, 68);
  assert.throws(() => readWide(new BitReader(widthOnly.finish())), is('BLOCK_MALFORMED'));
});

test('counts of the value code: one bit for none, up to 24 bits of value, and no more zeros than that', () => {
  for (const [value, bits] of [
    [0, 1],
    [1, 3],
    [2, 3],
    [3, 5],
    [2 ** 24 - 2, 47],
  ] as const) {
    const writer = new BitWriter();
    writeCount(writer, value);
    writer.bits(1, 1);
    const octets = writer.finish();
    assert.equal(octets.length, Math.ceil((bits + 1) / 8), `${value}`);
    const reader = new BitReader(octets);
    assert.deepEqual([readCount(reader), reader.bits(1)], [value, 1]);
  }
  const zeros = new BitWriter();
  zeros.bits(0, 24);
  zeros.bits(1, 25);
  assert.throws(() => readCount(new BitReader(zeros.finish())), is('BLOCK_MALFORMED'));
});

test('a column may stand still only once it did, and cost next to nothing', () => {
  const column = { value: 7, delta: 0, mean1: 15, mean2: 0 };
  assert.deepEqual(
    [null, column, { ...column, mean1: 16 }, { ...column, delta: 1 }, { ...column, delta: null }].map(mayBeStill),
    [false, true, false, false, false],
  );
  const stood = { ...column };
  learnStill(stood, 2);
  assert.deepEqual(stood, { value: 7, delta: 0, mean1: 8, mean2: 0 });
  assert.equal(estimateOctets(10, 2), 15);
});
