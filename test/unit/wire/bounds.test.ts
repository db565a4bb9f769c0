/** Every bound of the wire from both sides: what meets it travels, one more is refused by its code. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { concat } from '../../../src/base/bytes.ts';
import { hasCode } from '../../../src/base/errors.ts';
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
import { LANE_ORDER } from '../../../src/wire/lanes.ts';
import {
  COMMAND_MAX_OBJECTS,
  DICTIONARY_MAX_GROUPS,
  DICTIONARY_MAX_OCTETS,
  ENVELOPE_BODY_MAX_OCTETS,
  GROUP_MAX_COLUMNS,
  IMAGE_IDENTIFIER_MAX_OCTETS,
  IMAGE_MAX_OCTETS,
  IMAGE_PART_MAX_OCTETS,
  TEXT_MAX_CHARACTERS,
} from '../../../src/wire/limits.ts';
import type { CollectorBody } from '../../../src/wire/messages.ts';
import type { DictionaryGroup } from '../../../src/wire/rows.ts';
import { envelopeCrypto } from '../../support/wire-crypto.ts';

const is = (code: string) => (error: unknown) => hasCode(error, code);
const MALFORMED = is('WIRE_MALFORMED');
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
