/**
 * Seeds of the fuzzer: known good octets with the places that a structure-aware mutator wants: parts that can be moved,
 * and the lengths and counts that speak of them.
 */
import { ByteReader, toHex } from '../../base/bytes.ts';
import { DeltawattError } from '../../base/errors.ts';
import { type ExplainLayer, explain } from '../../dlms/explain/explain.ts';
import type { ExplainNode } from '../../dlms/explain/node.ts';

/** What the octets are; decides how they are taken apart, and how a mutant's lengths and checksums are put right. */
export const SEED_KINDS = [
  'hdlc',
  'usi',
  'wrapper',
  'mbus',
  'apdu',
  'data',
  'sign-on',
  'telegram',
  'ascii',
  'modbus',
  'sml',
  'link-parameters',
  'block',
  'batch',
  'protobuf',
  'mqtt',
] as const;

/** One of {@link SEED_KINDS}. */
export type SeedKind = (typeof SEED_KINDS)[number];

/** A part: a field, a value, a frame. */
export interface Span {
  readonly start: number;
  /** Behind its last octet. */
  readonly end: number;
}

/** An octet that says how long a part is, or how many parts follow. */
export interface Measure extends Span {
  readonly at: number;
  readonly counts: 'octets' | 'items';
}

/** Good octets, taken apart. */
export interface FuzzSeed {
  readonly kind: SeedKind;
  readonly octets: Uint8Array;
  readonly spans: readonly Span[];
  readonly measures: readonly Measure[];
}

/** Longer seeds make a fuzzer slow and find nothing that shorter ones do not. */
const SEED_MAX_OCTETS = 1_500;
/** Parts kept of one seed: a profile of 96 rows has thousands that are all alike. */
const SPANS_MAX = 200;
const EXPLAINED: Readonly<Partial<Record<SeedKind, ExplainLayer>>> = {
  hdlc: 'hdlc',
  wrapper: 'wrapper',
  mbus: 'mbus',
  apdu: 'apdu',
  data: 'data',
};
/** Tags of array and structure, whose count is the next octet. */
const LISTS: ReadonlySet<number> = new Set([1, 2]);
/** Tags of AARQ, AARE, RLRQ, RLRE. */
const ACSE: ReadonlySet<number> = new Set([0x60, 0x61, 0x62, 0x63]);
const BER_DEPTH_MAX = 5;

/** Takes a seed apart; null when it is too long to be one. */
export function seedOf(kind: SeedKind, octets: Uint8Array): FuzzSeed | null {
  if (octets.length === 0 || octets.length > SEED_MAX_OCTETS) return null;
  const spans = [...explainedSpans(kind, octets), ...tlvSpans(kind, octets)].slice(0, SPANS_MAX);
  return { kind, octets, spans, measures: measuresOf(octets, spans) };
}

/** Seeds by what they are, each text once. */
export function seedsOf(rows: readonly { readonly kind: SeedKind; readonly octets: Uint8Array }[]): FuzzSeed[] {
  const seen = new Set<string>();
  const seeds: FuzzSeed[] = [];
  for (const { kind, octets } of rows) {
    const key = `${kind}/${toHex(octets)}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const seed = seedOf(kind, octets);
    if (seed !== null) seeds.push(seed);
  }
  return seeds;
}

function explainedSpans(kind: SeedKind, octets: Uint8Array): Span[] {
  const layer = EXPLAINED[kind];
  if (layer === undefined) return [];
  try {
    const spans: Span[] = [];
    for (const node of explain(octets, { layer }).tree) {
      // The joined message counts from its own first octet.
      if (node.name.startsWith('message')) continue;
      gather(node, spans, octets.length);
    }
    return spans;
  } catch (error) {
    // Malformed vectors are seeds too: without parts.
    if (error instanceof DeltawattError) return [];
    throw error;
  }
}

function gather(node: ExplainNode, spans: Span[], length: number): void {
  if (node.offset !== null && node.hex !== '') {
    const end = node.offset + node.hex.length / 2;
    if (end <= length) spans.push({ start: node.offset, end });
  }
  for (const child of node.children) gather(child, spans, length);
}

function tlvSpans(kind: SeedKind, octets: Uint8Array): Span[] {
  if (kind === 'protobuf') return protobufSpans(octets, 0, 0);
  if (kind === 'apdu' && ACSE.has(octets.at(0) ?? 0)) return berSpans(octets, 0, octets.length, 0);
  return [];
}

/** Fields of BER in short form; a constructed one is looked into. */
function berSpans(octets: Uint8Array, from: number, to: number, depth: number): Span[] {
  const spans: Span[] = [];
  for (let at = from; at + 2 <= to; ) {
    const tag = octets.at(at) ?? 0;
    const end = at + 2 + (octets.at(at + 1) ?? 0);
    if (end > to) break;
    spans.push({ start: at, end }, { start: at + 2, end });
    if ((tag & 0x20) !== 0 && depth < BER_DEPTH_MAX) spans.push(...berSpans(octets, at + 2, end, depth + 1));
    at = end;
  }
  return spans;
}

/** Fields of protobuf; what may be a message inside is looked into. */
function protobufSpans(octets: Uint8Array, base: number, depth: number): Span[] {
  const spans: Span[] = [];
  const reader = new ByteReader(octets);
  try {
    while (reader.remaining > 0) {
      const start = reader.offset;
      const wireType = reader.varint() & 7;
      if (wireType === 0) reader.varint();
      else if (wireType === 1) reader.skip(8);
      else if (wireType === 5) reader.skip(4);
      else if (wireType === 2) {
        const length = reader.varint();
        const inside = reader.offset;
        reader.skip(length);
        spans.push({ start: base + inside, end: base + inside + length });
        if (depth < BER_DEPTH_MAX && length > 1)
          spans.push(...protobufSpans(octets.subarray(inside, inside + length), base + inside, depth + 1));
      } else return [];
      spans.push({ start: base + start, end: base + reader.offset });
    }
  } catch {
    // It was text or octets, no message: it has no parts.
    return [];
  }
  return spans;
}

/** Lengths are octets just before a part that equal its length; counts stand behind the tags of lists. */
function measuresOf(octets: Uint8Array, spans: readonly Span[]): Measure[] {
  const measures: Measure[] = [];
  const taken = new Set<number>();
  const add = (at: number, start: number, end: number, counts: Measure['counts']): void => {
    if (taken.has(at)) return;
    taken.add(at);
    measures.push({ at, start, end, counts });
  };
  for (const { start, end } of spans) {
    const length = end - start;
    if (length < 0x80 && start > 0 && octets.at(start - 1) === length) add(start - 1, start, end, 'octets');
    if (length > 2 && octets.at(start + 1) === length - 2) add(start + 1, start + 2, end, 'octets');
    if (length > 2 && LISTS.has(octets.at(start) ?? 0)) add(start + 1, start + 2, end, 'items');
  }
  return measures;
}
