/** One flipped bit in a file of a LevelDB folder whose program is stopped. */
import type { SeededRandom } from '../../base/seeded-random.ts';
import type { Yard } from './yard.ts';

/** Kinds of files of a store; `diary` is what LevelDB tells people (LOG). */
export type StoreFile = 'CURRENT' | 'MANIFEST' | 'log' | 'table' | 'diary';

const KINDS: readonly (readonly [RegExp, StoreFile])[] = [
  [/^CURRENT$/, 'CURRENT'],
  [/^MANIFEST-\d+$/, 'MANIFEST'],
  [/^\d+\.log$/, 'log'],
  [/^\d+\.(ldb|sst)$/, 'table'],
  [/^LOG(\.old)?$/, 'diary'],
];

const END_OCTETS = 64;

function kindOf(name: string): StoreFile | undefined {
  return KINDS.find(([pattern]) => pattern.test(name))?.[1];
}

/** Flips one in a file of the kind that was flipped least so far; says what it did. */
export async function flipABit(
  { env }: Pick<Yard, 'env'>,
  folder: string,
  random: SeededRandom,
  flipped: Readonly<Record<StoreFile, number>>,
): Promise<{ readonly kind: StoreFile; readonly words: string }> {
  const candidates: { readonly name: string; readonly kind: StoreFile; readonly octets: Uint8Array }[] = [];
  for (const name of (await env.disk.list(folder)).sort()) {
    const kind = kindOf(name);
    const octets = kind === undefined ? undefined : await env.disk.readFile(`${folder}/${name}`);
    if (kind !== undefined && octets !== undefined && octets.length > 0) candidates.push({ name, kind, octets });
  }
  const least = Math.min(...candidates.map(({ kind }) => flipped[kind]));
  const { name, kind, octets } = random.pick(candidates.filter((each) => flipped[each.kind] === least));
  // The end of the log is what was acknowledged last: without it the collector is ahead of the edge.
  const atEnd = kind === 'log' && random.below(2) === 0;
  const at = atEnd
    ? octets.length - 1 - random.below(Math.min(END_OCTETS, octets.length))
    : random.below(octets.length);
  const bit = random.below(8);
  const damaged = octets.slice();
  damaged[at] = (damaged[at] ?? 0) ^ (1 << bit);
  await env.disk.writeFile(`${folder}/${name}`, damaged);
  return { kind, words: `bit ${bit} of octet ${at} of ${octets.length} in ${name}` };
}
