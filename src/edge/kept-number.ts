/** Numbers that the journal keeps as decimal text and that must never go back: invocation counters. One place knows the form. */

/** In front of a number that was found in a damaged store, where an older one may have been all that was left. */
const SALVAGED_MARK = '~';

/** A kept number. */
export interface KeptNumber {
  /** NaN when the octets are no number. */
  readonly value: number;
  /** Whether it came out of a damaged store and may be an old one. */
  readonly isSalvaged: boolean;
}

/** Reads one. */
export function keptNumberOf(octets: Uint8Array): KeptNumber {
  const text = new TextDecoder().decode(octets);
  const isSalvaged = text.startsWith(SALVAGED_MARK);
  return { value: Number(isSalvaged ? text.slice(SALVAGED_MARK.length) : text), isSalvaged };
}

/** Its octets. */
export function keptNumberOctets({ value, isSalvaged }: KeptNumber): Uint8Array {
  return new TextEncoder().encode(`${isSalvaged ? SALVAGED_MARK : ''}${value}`);
}
