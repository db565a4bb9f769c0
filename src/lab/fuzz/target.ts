/** What the fuzzer feeds: a parser or a machine in a known state, and what must hold whatever it is fed. */
import { DeltawattError } from '../../base/errors.ts';
import type { SeedKind } from './seed.ts';

/** A parser or a machine. */
export interface FuzzTarget {
  readonly name: string;
  /** What its inputs are made of. */
  readonly kinds: readonly SeedKind[];
  /** How often it gets an input, against the others. */
  readonly weight: number;
  /** Heap that an execution may take beside 64 octets for each of the input; absent = 64 kB. Say why where it is set. */
  readonly heapBaseBytes?: number;
  /** Gets ready, unmeasured: an association, say. */
  open(): Feed;
}

/**
 * Takes the octets, measured; throws the house's own error to refuse them. What it gives is run afterwards, unmeasured: it
 * throws {@link WrongError} when something that must hold does not, or refuses too.
 */
export type Feed = (octets: Uint8Array) => (() => void) | null;

/** A promise of the fed one that does not hold. */
export class WrongError extends Error {
  override readonly name = 'WrongError';
}

/** Throws {@link WrongError}. */
export function must(holds: boolean, what: string): void {
  if (!holds) throw new WrongError(what);
}

/** A target without a state. */
export function parser(name: string, kinds: readonly SeedKind[], weight: number, feed: Feed): FuzzTarget {
  return { name, kinds, weight, open: () => feed };
}

/** Whether an error is one that a parser may say. */
export function isRefusal(error: unknown): boolean {
  return error instanceof DeltawattError;
}
