/**
 * Golden blocks: chains made from a seed, with all that they must decode to. `tools/block-vectors.ts` writes them to
 * test/vectors/blocks.json; a test makes them again and compares, so a change of the format cannot go unnoticed.
 */
import { toHex } from '../../src/base/bytes.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import type { CommandId, MeterId } from '../../src/model/ids.ts';
import { type ExactInteger, exact } from '../../src/model/number.ts';
import { QUALITIES } from '../../src/model/reading.ts';
import { decodeBlock, NO_BLOCK_HASH } from '../../src/wire/block.ts';
import { dictionaryHash, encodeDictionary } from '../../src/wire/dictionary.ts';
import { emptyLaneState } from '../../src/wire/lane-state.ts';
import type { Lane } from '../../src/wire/lanes.ts';
import { type Packed, packRecords, packRows } from '../../src/wire/pack.ts';
import type { JournalRecord } from '../../src/wire/records.ts';
import type { DictionaryGroup, Row } from '../../src/wire/rows.ts';
import { dictionaryOf } from './wire-arbitraries.ts';
import { sha256 } from './wire-crypto.ts';

/** Seed of the published vectors. */
export const VECTOR_SEED = 'deltawatt blocks 1';

const EPOCH = 'd317a0a77b10c5e1';
const START_MS = Date.UTC(2026, 2, 1);
const STEP_MS = 900_000;

/** JSON of anything a block carries: integers beyond 2^53 - 1 as strings, octets as hex. */
export function toJson(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, each) => {
      if (typeof each === 'bigint') return each.toString();
      if (each instanceof Uint8Array) return toHex(each);
      return each;
    }),
  );
}

/** Values of rows as decimal texts. */
function rowJson(row: Row): unknown {
  return toJson({ ...row, values: row.values.map((value) => (value === null ? null : value.toString())) });
}

interface Flush {
  readonly keyframe: boolean;
  readonly rows: readonly Row[];
}

function chainOfRows(
  name: string,
  lane: Lane,
  groups: readonly DictionaryGroup[],
  flushes: readonly Flush[],
  maxOctets = 4096,
) {
  const dictionary = encodeDictionary(groups);
  const hash = dictionaryHash(dictionary, sha256);
  let state = emptyLaneState();
  let prevHash = NO_BLOCK_HASH;
  let keyframe = 1;
  const blocks: Uint8Array[] = [];
  for (const [at, flush] of flushes.entries()) {
    const sequence = state.sequence + 1;
    if (flush.keyframe) keyframe = sequence;
    const readAtMs = START_MS + 3_600_000 * (at + 1) + 12_345;
    const head = { lane, epoch: EPOCH, sequence, keyframe, prevHash, readAtMs, clockQuality: 'ntp' as const };
    const packed: Packed = packRows(head, { hash, groups }, flush.rows, state, sha256, maxOctets);
    state = packed.state;
    for (const block of packed.blocks) {
      blocks.push(block.octets);
      prevHash = block.hash;
    }
  }
  return { name, dictionary: toHex(dictionary), blocks: decoded(blocks, groups) };
}

function decoded(blocks: readonly Uint8Array[], groups: readonly DictionaryGroup[]) {
  let state = emptyLaneState();
  return blocks.map((octets) => {
    const block = decodeBlock(octets, state, groups);
    state = block.state;
    const rows = block.rows.map(rowJson);
    return { hex: toHex(octets), header: toJson(block.header), rows, records: toJson(block.records) };
  });
}

function plainFlushes(random: SeededRandom, groups: readonly DictionaryGroup[], count: number): Flush[] {
  const totals = groups.map((group) => group.columns.map(() => 1_000_000 + random.below(50_000_000)));
  return Array.from({ length: count }, (_, flush) => ({
    keyframe: flush % 3 === 0,
    rows: groups.flatMap((group, index) =>
      Array.from({ length: 4 }, (_, at): Row => {
        const values = group.columns.map((_, column) => {
          const grows = column === 1 ? 0 : 20 + random.below(300);
          const total = (totals[index]?.[column] ?? 0) + grows;
          (totals[index] ?? [])[column] = total;
          return total;
        });
        const atMs = START_MS + (flush * 4 + at + 1) * STEP_MS;
        return { group: index, atMs, status: new Uint8Array(0), quality: 'good', deviationMin: null, values };
      }),
    ),
  }));
}

function oddValue(random: SeededRandom): ExactInteger | null {
  switch (random.below(7)) {
    case 0:
      return null;
    case 1:
      return exact(BigInt(`0x${toHex(random.bytes(8))}`));
    case 2:
      return exact(-BigInt(`0x${toHex(random.bytes(7))}`));
    case 3:
      return -random.below(100_000);
    default:
      return random.below(2000);
  }
}

function oddFlushes(random: SeededRandom, groups: readonly DictionaryGroup[], count: number): Flush[] {
  return Array.from({ length: count }, (_, flush) => ({
    keyframe: flush === 0 || flush === 4,
    rows: Array.from({ length: 12 }, (): Row => {
      const group = random.below(groups.length);
      const step = random.below(50) * STEP_MS + (random.below(4) === 0 ? random.below(STEP_MS) : 0);
      return {
        group,
        atMs: random.below(20) === 0 ? -step : START_MS + step,
        status: random.below(3) === 0 ? random.bytes(random.below(9)) : new Uint8Array(0),
        quality: QUALITIES[random.below(3) === 0 ? random.below(QUALITIES.length) : 0] ?? 'good',
        deviationMin: random.below(3) === 0 ? random.below(1441) - 720 : null,
        values: (groups[group]?.columns ?? []).map(() => oddValue(random)),
      };
    }),
  }));
}

const meterId = 'm1' as MeterId;
const records: readonly JournalRecord[] = [
  {
    kind: 'event',
    event: {
      meterId: null,
      log: 'edge',
      code: -7,
      name: 'restart',
      sentence: 'Started after a power cut.',
      atMs: START_MS,
      severity: 'alarm',
    },
  },
  {
    kind: 'event',
    event: {
      meterId,
      log: '0-0:99.98.0*255',
      code: 1,
      name: 'power-down',
      sentence: 'Supply lost.',
      atMs: -5,
      severity: 'info',
    },
  },
  {
    kind: 'attribute',
    attribute: { meterId, obis: '0-0:96.1.0*255', name: 'serial-number', text: 'é 42', readAtMs: START_MS },
  },
  { kind: 'meter-state', state: { meterId, state: 'silent', sentence: 'Does not answer.', sinceMs: START_MS } },
  {
    kind: 'command',
    report: {
      id: '0f0e0d0c-0b0a-0908-0706-050403020100' as CommandId,
      meterId,
      state: 'uncertain',
      code: 'COMMAND_INTERRUPTED',
      sentence: 'Restarted meanwhile.',
      atMs: START_MS + 1,
      values: [
        {
          classId: 3,
          obis: '1-0:1.8.0*255',
          attribute: 2,
          result: 0,
          value: 2n ** 63n,
          exponent: -1,
          unit: 'Wh',
          raw: Uint8Array.of(6, 1),
        },
        { classId: 1, obis: '0-0:96.1.0*255', attribute: 2, result: 3, text: 'refused', raw: new Uint8Array(0) },
      ],
      relay: { outputOn: true, controlState: 2 },
    },
  },
  {
    kind: 'gap',
    gap: {
      meterId,
      obis: ['1-0:1.8.0*255', '1-0:2.8.0*255'],
      intervalS: 900,
      fromMs: 1,
      toMs: START_MS,
      cause: 'overwritten-in-meter',
    },
  },
  { kind: 'log', level: 'warn', event: 'reader.session-failed', atMs: START_MS, fieldsJson: '{"line":"bus1"}' },
];

function chainOfRecords(name: string, lane: Lane) {
  const head = {
    lane,
    epoch: EPOCH,
    sequence: 300,
    keyframe: 300,
    prevHash: sha256(Uint8Array.of(lane)).slice(0, 8),
    readAtMs: START_MS - 1,
    clockQuality: 'unset' as const,
  };
  const { blocks } = packRecords(head, [...records, ...records, ...records], emptyLaneState(), sha256);
  return {
    name,
    dictionary: '',
    blocks: decoded(
      blocks.map(({ octets }) => octets),
      [],
    ),
  };
}

/** All vectors, as they stand in test/vectors/blocks.json. */
export function makeBlockVectors() {
  const random = new SeededRandom(VECTOR_SEED);
  const small = dictionaryOf(5);
  const chains = [
    chainOfRows('plain rows, keyframes with state checks', 2, small, plainFlushes(random.fork('plain'), small, 7)),
    chainOfRows('any values, marks, nulls and times', 3, small, oddFlushes(random.fork('odd'), small, 9)),
    chainOfRows(
      'a keyframe over several blocks',
      4,
      dictionaryOf(40),
      plainFlushes(random.fork('wide'), dictionaryOf(40), 4),
      400,
    ),
    chainOfRecords('records of every kind', 0),
    chainOfRecords('records in the lane of logs', 5),
  ];
  return { source: `made by tools/block-vectors.ts, seed "${VECTOR_SEED}"`, licence: 'Apache-2.0', chains };
}
