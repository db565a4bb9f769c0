/**
 * A seeded mutator that knows structure: it moves, doubles, drops and exchanges whole parts of good octets, lies in lengths
 * and counts, nests, splices parts of other seeds, and afterwards puts right, mostly, what would stop a parser at its first
 * check. The same seed gives the same mutants.
 */
import { concat } from '../../base/bytes.ts';
import type { SeededRandom } from '../../base/seeded-random.ts';
import { repaired } from './repair.ts';
import type { FuzzSeed, SeedKind, Span } from './seed.ts';

/** Mutants are cut to this: what is longer costs time and shows nothing new; the bounds have tests of their own. */
export const MUTANT_MAX_OCTETS = 4_096;

const REPAIR_CHANCE = 0.75;
const MEASURE_CHANCE = 0.7;
const PART_CHANCE = 0.6;
const EXTREMES = [0x00, 0x01, 0x02, 0x09, 0x13, 0x7e, 0x7f, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0xfe, 0xff];
/** Lengths that lie: too long, longer than they need be, indefinite, more octets than a length may have. */
const LENGTHS = [
  '00',
  '7f',
  '80',
  '8100',
  '81ff',
  '820000',
  '82ffff',
  '83ffffff',
  '84ffffffff',
  '8400000001',
  '85ffffffffff',
];
/** Octets that open something inside something. */
const NESTS = ['0101', '0201', '1301ffff', '0182ffff', '130002', 'e60000', 'db08', 'dd00', '0f00000000', 'e0c0'];
/** Every data tag and every APDU tag is worth a try in the place of another. */
const TAGS = [
  ...Array.from({ length: 0x26 }, (_, tag) => tag),
  ...Array.from({ length: 0x40 }, (_, tag) => 0xc0 + tag),
  0x60,
  0x61,
  0x62,
  0x63,
  0xff,
];

/** Makes mutants of seeds. */
export class Mutator {
  readonly #seeds: ReadonlyMap<SeedKind, readonly FuzzSeed[]>;
  readonly #all: readonly FuzzSeed[];

  /** At least one seed. */
  constructor(seeds: readonly FuzzSeed[]) {
    const byKind = new Map<SeedKind, FuzzSeed[]>();
    for (const seed of seeds) byKind.set(seed.kind, [...(byKind.get(seed.kind) ?? []), seed]);
    this.#seeds = byKind;
    this.#all = seeds;
  }

  /** One to four changes of a seed of one of `kinds`. */
  mutant(random: SeededRandom, kinds: readonly SeedKind[]): Uint8Array {
    const seed = this.#seedOf(random, kinds);
    const changed = this.#changed(random, seed);
    const octets = changed.length > MUTANT_MAX_OCTETS ? changed.slice(0, MUTANT_MAX_OCTETS) : changed;
    return random.chance(REPAIR_CHANCE) ? repaired(seed.kind, octets) : octets;
  }

  #seedOf(random: SeededRandom, kinds: readonly SeedKind[]): FuzzSeed {
    const kind = random.pick(kinds);
    return random.pick(this.#seeds.get(kind) ?? this.#all);
  }

  #changed(random: SeededRandom, seed: FuzzSeed): Uint8Array {
    const wanted = 1 + random.below(4);
    let { octets } = seed;
    let parts = 0;
    // Parts first, from the back, so that the places of the parts before stay true.
    if (seed.spans.length > 0 && random.chance(PART_CHANCE)) {
      parts = 1 + random.below(wanted);
      const spans = Array.from({ length: parts }, () => random.pick(seed.spans)).sort((a, b) => b.start - a.start);
      let before = Number.POSITIVE_INFINITY;
      for (const span of spans) {
        if (span.end > before) continue;
        before = span.start;
        octets = this.#withPart(random, seed, octets, span);
      }
    }
    for (let changes = parts; changes < wanted; changes++) octets = this.#withOctets(random, octets);
    return octets;
  }

  /** The part replaced, dropped, doubled, wrapped, or its head changed; lengths around it mostly follow. */
  #withPart(random: SeededRandom, seed: FuzzSeed, octets: Uint8Array, { start, end }: Span): Uint8Array {
    const part = octets.slice(start, end);
    let items = 0;
    let next: Uint8Array;
    switch (random.below(8)) {
      case 0:
        next = new Uint8Array(0);
        items = -1;
        break;
      case 1: {
        const times = 1 + random.below(random.chance(0.1) ? 40 : 3);
        next = concat(Array.from({ length: 1 + times }, () => part));
        items = times;
        break;
      }
      case 2:
      case 3:
        next = this.#foreignPart(random);
        break;
      case 4:
        next = concat([fromHexText(random.pick(NESTS)), part]);
        break;
      case 5:
        next = concat([part.subarray(0, 1), fromHexText(random.pick(LENGTHS)), part.subarray(2)]);
        break;
      case 6:
        next = part.length === 0 ? part : concat([Uint8Array.of(random.pick(TAGS)), part.subarray(1)]);
        break;
      default:
        next = fromHexText(random.pick(NESTS).repeat(1 + random.below(24)));
    }
    const changed = concat([octets.subarray(0, start), next, octets.subarray(end)]);
    const grown = next.length - part.length;
    if (random.chance(MEASURE_CHANCE)) this.#adjust(changed, seed, { start, end }, grown, items);
    return changed;
  }

  /** Lengths around a part that changed, and the count of the nearest list; those before it have not moved. */
  #adjust(octets: Uint8Array, seed: FuzzSeed, { start, end }: Span, grown: number, items: number): void {
    let nearest: { readonly at: number; readonly start: number } | null = null;
    for (const measure of seed.measures) {
      if (measure.start > start || measure.end < end || (measure.start === start && measure.at >= start)) continue;
      if (measure.counts === 'octets') octets.set([((octets.at(measure.at) ?? 0) + grown) & 0xff], measure.at);
      else if (nearest === null || measure.start > nearest.start) nearest = measure;
    }
    if (nearest !== null && items !== 0) octets.set([((octets.at(nearest.at) ?? 0) + items) & 0xff], nearest.at);
  }

  #foreignPart(random: SeededRandom): Uint8Array {
    const other = random.pick(this.#all);
    const span = other.spans.length === 0 ? { start: 0, end: other.octets.length } : random.pick(other.spans);
    return other.octets.slice(span.start, span.end);
  }

  /** Changes that know nothing: a bit, an octet, a number, a cut, pieces. */
  #withOctets(random: SeededRandom, octets: Uint8Array): Uint8Array {
    const at = random.below(octets.length + 1);
    const end = at + random.below(Math.min(64, octets.length - at) + 1);
    switch (random.below(9)) {
      case 0:
      case 1:
        return withOctet(octets, at, (octet) => octet ^ (1 << random.below(8)));
      case 2:
        return withOctet(octets, at, () => random.pick(EXTREMES));
      case 3:
        return withOctet(octets, at, (octet) => octet + (random.chance(0.5) ? 1 : -1) * (1 + random.below(4)));
      case 4:
        return octets.slice(0, at);
      case 5:
        return concat([octets.subarray(0, at), octets.subarray(end)]);
      case 6:
        return concat([octets.subarray(0, end), octets.subarray(at, end), octets.subarray(end)]);
      case 7:
        return concat([octets.subarray(0, at), random.bytes(random.below(16)), octets.subarray(end)]);
      default: {
        const other = random.pick(this.#all).octets;
        const from = random.below(other.length);
        return concat([octets.subarray(0, at), other.subarray(from, from + random.below(64)), octets.subarray(end)]);
      }
    }
  }
}

function withOctet(octets: Uint8Array, at: number, change: (octet: number) => number): Uint8Array {
  const octet = octets.at(at);
  if (octet === undefined || at >= octets.length) return octets;
  const changed = octets.slice();
  changed.set([change(octet) & 0xff], at);
  return changed;
}

const HEX = new Map<string, Uint8Array>();

/** Octets of a constant in hex, made once. */
function fromHexText(hex: string): Uint8Array {
  let octets = HEX.get(hex);
  if (octets === undefined) {
    octets = Uint8Array.from({ length: hex.length / 2 }, (_, at) => Number.parseInt(hex.slice(2 * at, 2 * at + 2), 16));
    if (HEX.size < 512) HEX.set(hex, octets);
  }
  return octets;
}
