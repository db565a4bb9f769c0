/** The worked examples of docs/formats, made by the code that they describe. */
import type { CommandId, EdgeId, MeterId } from '../../src/model/ids.ts';
import { encodeBlock, NO_BLOCK_HASH } from '../../src/wire/block.ts';
import {
  commandSigningOctets,
  encodeCollectorMessage,
  encodeCommand,
  encodeEdgeMessage,
} from '../../src/wire/codec.ts';
import { dictionaryHash, encodeDictionary } from '../../src/wire/dictionary.ts';
import { sealEnvelope } from '../../src/wire/envelope.ts';
import { emptyLaneState, serializeLaneState } from '../../src/wire/lane-state.ts';
import { packRecords } from '../../src/wire/pack.ts';
import type { DictionaryGroup, Row } from '../../src/wire/rows.ts';
import { encodeTombstone } from '../../src/wire/tombstone.ts';
import { joinBatch, topicOf } from '../../src/wire/topics.ts';
import { envelopeCrypto, sha256 } from './wire-crypto.ts';

const START_MS = Date.UTC(2026, 2, 1);
const EPOCH = 'd317a0a77b10c5e1';

/** One meter with import and export energy every 15 minutes. */
export const exampleGroup: DictionaryGroup = {
  meterId: 'm1',
  intervalS: 900,
  source: 0,
  timeZone: 'UTC',
  columns: [
    { obis: '1-0:1.8.0*255', exponent: 0, unit: 'Wh' },
    { obis: '1-0:2.8.0*255', exponent: 0, unit: 'Wh' },
  ],
};

function row(interval: number, values: readonly (number | null)[], status = new Uint8Array(0)): Row {
  const atMs = START_MS + interval * 900_000;
  return { group: 0, atMs, status, quality: status.length === 0 ? 'good' : 'power-down', deviationMin: null, values };
}

const edgeId = 'e17' as EdgeId;
const party = { edgeId, key: Uint8Array.from({ length: 32 }, (_, at) => at) };
const session = Uint8Array.from({ length: 16 }, (_, at) => 0xa0 + at);

/** Octets by the name that the documents use. */
export function makeExamples(): Map<string, Uint8Array> {
  const dictionary = encodeDictionary([exampleGroup]);
  const hash = dictionaryHash(dictionary, sha256);
  const content = (rows: readonly Row[]) => ({
    kind: 'rows' as const,
    dictionaryHash: hash,
    dictionary: [exampleGroup],
    rows,
  });
  const head = { lane: 2 as const, epoch: EPOCH, keyframe: 1, clockQuality: 'ntp' as const };
  const first = encodeBlock(
    {
      ...head,
      sequence: 1,
      prevHash: NO_BLOCK_HASH,
      readAtMs: START_MS + 1_860_250,
      content: content([row(1, [29_388_488, 0]), row(2, [29_388_559, 0])]),
    },
    emptyLaneState(),
  );
  const second = encodeBlock(
    {
      ...head,
      sequence: 2,
      prevHash: sha256(first.octets).slice(0, 8),
      readAtMs: START_MS + 3_660_250,
      content: content([row(3, [29_388_629, 0]), row(4, [29_388_702, null], Uint8Array.of(0x80))]),
    },
    first.state,
  );
  const tombstone = encodeTombstone({
    lane: 2,
    epoch: EPOCH,
    from: 3,
    to: 66,
    prevHash: sha256(second.octets).slice(0, 8),
    headHash: Uint8Array.of(0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88),
    cause: 'quota',
    writtenAtMs: START_MS + 90 * 86_400_000,
    fromMs: START_MS + 4_500_000,
    toMs: START_MS + 86_400_000,
    dictionaryHash: hash,
    groups: [0],
  });
  const record = packRecords(
    { ...head, lane: 0, sequence: 1, prevHash: NO_BLOCK_HASH, readAtMs: START_MS },
    [
      {
        kind: 'meter-state',
        state: { meterId: 'm1' as MeterId, state: 'silent', sentence: 'No answer.', sinceMs: START_MS },
      },
    ],
    emptyLaneState(),
    sha256,
  ).blocks[0];
  const hello = encodeEdgeMessage({
    kind: 'hello',
    hello: {
      epoch: EPOCH,
      bootId: '0102030405060708',
      session,
      lanes: [{ lane: 2, first: 1, last: 2, lastKeyframe: 1 }],
      software: 'deltawatt 0.1.0',
      wallTimeMs: START_MS,
      clockQuality: 'ntp',
      protocol: 1,
    },
  });
  const ack = encodeCollectorMessage({
    session,
    term: Uint8Array.from({ length: 12 }, (_, at) => 0xc0 + at),
    serverTimeMs: START_MS,
    body: {
      kind: 'ack',
      epoch: EPOCH,
      lanes: [
        { lane: 2, upTo: 2 },
        { lane: 4, upTo: 9 },
      ],
      credit: 65_536,
    },
  });
  const reread = {
    id: '2/403/7/m1',
    meterId: 'm1' as MeterId,
    intervalS: 900,
    obis: ['1-0:1.8.0*255'],
    fromMs: START_MS - 9_000_000,
    toMs: START_MS,
  };
  const order = encodeCollectorMessage({
    session,
    term: Uint8Array.from({ length: 12 }, (_, at) => 0xc0 + at),
    serverTimeMs: START_MS,
    body: { kind: 'rereads', orders: [reread] },
  });
  const result = encodeEdgeMessage({ kind: 'rereads', results: [{ id: reread.id, outcome: 'done', rows: 11 }] });
  const command = encodeCommand({
    id: '0f0e0d0c-0b0a-4908-8706-050403020100' as CommandId,
    edgeId,
    epoch: EPOCH,
    meterId: 'm1' as MeterId,
    body: { kind: 'relay', action: 'disconnect' },
    author: 'anna',
    createdAtMs: START_MS,
    expiresAtMs: START_MS + 600_000,
  });
  return new Map([
    ['dictionary', dictionary],
    ['block 1', first.octets],
    ['block 2', second.octets],
    ['state behind block 2', serializeLaneState(second.state)],
    ['tombstone', tombstone],
    ['record block', record?.octets ?? new Uint8Array(0)],
    ['topic', new TextEncoder().encode(topicOf(edgeId, 'b', sha256))],
    ['batch', joinBatch([first.octets, second.octets])],
    ['hello', hello],
    ['hello in its envelope', sealEnvelope(hello, 'up', party, envelopeCrypto)],
    ['ack', ack],
    ['ack in its envelope', sealEnvelope(ack, 'down', party, envelopeCrypto)],
    ['order', order],
    ['result', result],
    ['command', command],
    ['what the signature covers', commandSigningOctets(command)],
  ]);
}
