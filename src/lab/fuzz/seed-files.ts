/** Where seeds come from: the vectors of the repository, the corpus of earlier finds, and a few made here. */
import { fromHex } from '../../base/bytes.ts';
import { encodeAsciiMessage } from '../../dlms/ascii/message.ts';
import { parseObis } from '../../dlms/cosem/obis.ts';
import { smlFile } from '../../dlms/telegram/sml-file.ts';
import type { Command } from '../../model/command.ts';
import type { CommandId, EdgeId, MeterId } from '../../model/ids.ts';
import { encodeCollectorMessage, encodeCommand, encodeEdgeMessage } from '../../wire/codec.ts';
import { AUTHENTICATOR_OCTETS } from '../../wire/limits.ts';
import { encodeRecordBody } from '../../wire/record-body.ts';
import { ASCII_TARGETS } from './ascii-targets.ts';
import { G3_TARGETS } from './g3-targets.ts';
import { MACHINES } from './machines.ts';
import { MBUS_TARGETS } from './mbus-targets.ts';
import { MODBUS_SEEDS, MODBUS_TARGETS } from './modbus-targets.ts';
import { DLMS_PARSERS } from './parsers.ts';
import { type FuzzSeed, type SeedKind, seedsOf } from './seed.ts';
import { SESSIONS } from './sessions.ts';
import type { FuzzTarget } from './target.ts';
import { type FuzzChain, wireTargets } from './wire-targets.ts';

/** Reads a text file of the repository. */
export type ReadText = (path: string) => Promise<string>;

/** A find that was fixed, replayed for ever. */
export interface CorpusRow {
  readonly target: string;
  readonly hex: string;
  /** What it did before. */
  readonly found: string;
}

/** Everything that a run of the fuzzer needs. */
export interface FuzzSetting {
  readonly targets: readonly FuzzTarget[];
  readonly seeds: readonly FuzzSeed[];
  readonly corpus: readonly CorpusRow[];
}

const VECTOR_FILES = [
  'apdu',
  'axdr',
  'g3',
  'hdlc',
  'malformed',
  'prime',
  'prime-api',
  'profiles',
  'push-captures',
  'security',
  'wrapper',
] as const;
/** Layers of the vectors to what they are for the mutator. */
const KIND_OF_LAYER: Readonly<Record<string, SeedKind>> = {
  hdlc: 'hdlc',
  usi: 'usi',
  wrapper: 'wrapper',
  mbus: 'mbus',
  apdu: 'apdu',
  llc: 'apdu',
  'axdr-data': 'data',
};
const CORPUS_FILE = 'test/fuzz/corpus.json';
const LLC = /^e6e[67]00/;
/** In front of the value of a get-response-normal. */
const GET_RESPONSE = /^(e6e700)?c401..00/;

interface VectorRow {
  readonly layer: string;
  readonly hex: string;
}

interface BlockFile {
  readonly chains: readonly { readonly dictionary: string; readonly blocks: readonly { readonly hex: string }[] }[];
}

/** Reads vectors and corpus. */
export async function fuzzSetting(readText: ReadText): Promise<FuzzSetting> {
  const rows: { kind: SeedKind; octets: Uint8Array }[] = [];
  for (const file of VECTOR_FILES) {
    const vectors = JSON.parse(await readText(`test/vectors/${file}.json`)) as readonly VectorRow[];
    for (const { layer, hex } of vectors) {
      const kind = KIND_OF_LAYER[layer];
      if (kind !== undefined) rows.push({ kind, octets: fromHex(hex.replace(LLC, '')) });
      if (GET_RESPONSE.test(hex)) rows.push({ kind: 'data', octets: fromHex(hex.replace(GET_RESPONSE, '')) });
    }
  }
  const file = JSON.parse(await readText('test/vectors/blocks.json')) as BlockFile;
  const chains: FuzzChain[] = file.chains.map(({ dictionary, blocks }) => ({
    dictionary: fromHex(dictionary),
    blocks: blocks.map(({ hex }) => fromHex(hex)),
  }));
  for (const { dictionary, blocks } of chains) {
    if (dictionary.length > 0) rows.push({ kind: 'protobuf', octets: dictionary });
    for (const octets of blocks) rows.push({ kind: 'block', octets });
  }
  const targets = [
    ...DLMS_PARSERS,
    ...MBUS_TARGETS,
    ...ASCII_TARGETS,
    ...MODBUS_TARGETS,
    ...G3_TARGETS,
    ...MACHINES,
    ...SESSIONS,
    ...wireTargets(chains),
  ];
  const corpus = JSON.parse(await readText(CORPUS_FILE)) as readonly CorpusRow[];
  for (const { target, hex } of corpus) {
    const kind = targets.find(({ name }) => name === target)?.kinds[0];
    if (kind !== undefined) rows.push({ kind, octets: fromHex(hex) });
  }
  return { targets, seeds: seedsOf([...rows, ...madeSeeds(chains)]), corpus };
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function madeSeeds(chains: readonly FuzzChain[]): { kind: SeedKind; octets: Uint8Array }[] {
  const first = chains[0]?.blocks[0] ?? new Uint8Array(0);
  const of = (kind: SeedKind, ...list: readonly Uint8Array[]) => list.map((octets) => ({ kind, octets }));
  return [
    ...of('sign-on', text('/DWT5\\2SIM\r\n\x06252\r\n'), text('/?00123!\r\n\x06252\r\n\x7e\xa0\r\n')),
    ...of('sign-on', text('/?!\r\n'), text('\0\0/?!\r\n/LGZ6\\2ZMD\r\n'), fromHex('014230037 1'.replace(' ', ''))),
    ...of(
      'mbus',
      fromHex('681f1f680802727856341224400107550000000313153100da023b13018b60043718021816'),
      fromHex(
        '68353568080572214365872d2c34040904000004060500000004140a1b0000025b3200025f2800046d0f2a2131840106400000000fdeadbeefdf16',
      ),
      fromHex('e5107b017c16'),
    ),
    ...of(
      'telegram',
      text('/ISK5\\2M550T-1012\r\n\r\n0-0:1.0.0(210204163628W)\r\n1-0:1.8.1(000671.578*kWh)\r\n!0000\r\n'),
    ),
    ...of(
      'telegram',
      text('/KMP5 Z\r\n\r\n0-1:24.3.0(090212160000)(00)(60)(1)(0-1:24.2.1)(m3)\r\n(00000.000)\r\n!0000\r\n'),
      text('/FLU5\\253\r\n\r\n0-2:96.1.0(4730)\r\n0-2:24.2.3(200512134558S)(00112.384*m3)\r\n!0000\r\n'),
    ),
    ...of('ascii', ...asciiSeeds()),
    ...of('modbus', ...MODBUS_SEEDS),
    ...of('sml', ...smlSeeds()),
    ...of('link-parameters', fromHex('818014050202000602020007040000000108040000000 1'.replace(' ', ''))),
    ...of('link-parameters', fromHex('81800c0501800601800701010801 01'.replace(' ', '')), fromHex('818000')),
    ...of(
      'mqtt',
      fromHex('101000044d515454040200f000046564676531'.slice(0, 36)),
      fromHex('300a000464772f310102030405'),
    ),
    ...of('mqtt', fromHex('c000d000'), fromHex('30ffffff7f'), fromHex('820a00010005642f2b2f6401')),
    ...of('batch', Uint8Array.from([1, (first.length & 0x7f) | 0x80, first.length >>> 7, ...first])),
    ...of('protobuf', ...controlMessages(chains[0]?.dictionary ?? new Uint8Array(0))),
  ];
}

/** Messages of every kind, and the texts in them. */
function asciiSeeds(): Uint8Array[] {
  const readOut =
    '0.0.0(12345678)\r\n0.9.1(0101530)\r\n0.9.2(0260301)\r\n1.6.0(1.2*kW)(2603010915)\r\n1-0:1.8.0*255(000671.578*kWh)\r\n';
  const rows = 'P.01(0260301001500)(00)(15)(2)(1.5.0)(kW)(2.5.0)(kW)\r\n(0.1)(0)\r\n(0.2)(0)\r\nP.01()\r\n';
  return [
    text(readOut),
    text(rows),
    encodeAsciiMessage({ kind: 'data', text: `${readOut}!\r\n`, isPart: false }),
    encodeAsciiMessage({ kind: 'data', text: rows, isPart: true }),
    encodeAsciiMessage({ kind: 'data', text: '(ER01)', isPart: false }),
    encodeAsciiMessage({ kind: 'command', name: 'R5', text: 'P.01(;)' }),
    Uint8Array.of(6, ...encodeAsciiMessage({ kind: 'data', text: rows, isPart: false })),
  ];
}

/** Files with and without a time, with what must be escaped, and with every form of an element. */
function smlSeeds(): Uint8Array[] {
  const serverId = fromHex('0a01445754000098967f');
  const entry = { obis: parseObis('1-0:1.8.0'), scalerUnit: { scaler: -1, unit: 30 } };
  const value = { kind: 'integer', value: 123_456n, octets: 8 } as const;
  const escaped = { kind: 'octets', value: new Uint8Array(20).fill(0x1b) } as const;
  return [
    smlFile({ number: 1, serverId, time: { kind: 'timestamp', s: 1_772_323_200 }, entries: [{ ...entry, value }] }),
    smlFile({
      number: 2,
      serverId,
      time: { kind: 'seconds-index', s: 86_400 },
      entries: [
        {
          ...entry,
          value: { kind: 'unsigned', value: 5n, octets: 3 },
          status: { kind: 'unsigned', value: 4n, octets: 2 },
        },
        { obis: parseObis('1-0:96.50.1*1'), value: escaped },
        { obis: parseObis('1-0:16.7.0'), value: { kind: 'boolean', value: true } },
      ],
    }),
    smlFile({ number: 3, serverId, time: null, entries: [] }),
  ];
}

/** One control message of every kind, and records. */
function controlMessages(dictionary: Uint8Array): Uint8Array[] {
  const epoch = '0011223344556677';
  const from = {
    session: new Uint8Array(16).fill(5),
    term: new Uint8Array(12).fill(6),
    serverTimeMs: 1_772_323_200_000,
  };
  const bodies = [
    { kind: 'answer', lanes: [{ lane: 2, upTo: 12 }], credit: 8_192 },
    { kind: 'ack', epoch, lanes: [{ lane: 2, upTo: 12 }], credit: 8_192 },
    { kind: 'need-dictionary', hash: epoch, lane: 2 },
    { kind: 'need-keyframe', lane: 3, upTo: 4 },
    { kind: 'command', command: new Uint8Array(20).fill(1), signature: new Uint8Array(64) },
    { kind: 'refusal', code: 'EDGE_UNKNOWN', sentence: 'This edge is not known.' },
  ] as const;
  const hello = {
    epoch,
    bootId: epoch,
    session: new Uint8Array(16).fill(5),
    lanes: [{ lane: 2, first: 1, last: 900, lastKeyframe: 7 }],
    software: 'deltawatt 0.1.0',
    wallTimeMs: 1_772_323_200_000,
    clockQuality: 'ntp',
    protocol: 1,
  } as const;
  const meterId = 'm1' as MeterId;
  const gap = { meterId, obis: ['1-0:1.8.0*255'], intervalS: 900, fromMs: 0, toMs: 900_000, cause: 'unknown' };
  const command: Command = {
    id: 'c1' as CommandId,
    edgeId: 'edge-1' as EdgeId,
    epoch,
    meterId,
    body: { kind: 'relay', action: 'disconnect' },
    author: 'an operator',
    createdAtMs: from.serverTimeMs,
    expiresAtMs: from.serverTimeMs + 60_000,
  };
  const object = { classId: 3, obis: '1-0:1.8.0*255', attribute: 2 };
  const envelope = Uint8Array.from([
    0x0a,
    3,
    1,
    2,
    3,
    0x12,
    AUTHENTICATOR_OCTETS,
    ...new Uint8Array(AUTHENTICATOR_OCTETS),
  ]);
  return [
    encodeCommand(command),
    encodeCommand({ ...command, body: { kind: 'read', objects: [object, object] } }),
    envelope,
    ...bodies.map((body) => encodeCollectorMessage({ ...from, body })),
    encodeEdgeMessage({ kind: 'hello', hello }),
    encodeEdgeMessage({ kind: 'dictionary', octets: dictionary }),
    encodeRecordBody([{ kind: 'gap', gap }]),
    encodeRecordBody([{ kind: 'log', level: 'info', event: 'edge.started', atMs: 0, fieldsJson: '{}' }]),
  ];
}
