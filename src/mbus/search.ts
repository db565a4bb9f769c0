/**
 * Search for meters by their secondary addresses: a selection with F for all digits, and where several answer at once, ten
 * selections with the next digit set, and so on. Pure: says whom to read next, and is told what came of it.
 *
 * Answers of several meters lie over one another on the wire and may, by chance, add up to one of nobody: the checksum is a
 * sum of 8 bits. So whoever was found with digits left open is selected once more by all that is known of it. Known weak point:
 * a meter whose answer is wholly covered by another one's, octet for octet.
 */
import { IDENTIFICATION_DIGITS, identityText, type MbusIdentity } from './identity.ts';

/** What a selection brought. */
export type SearchOutcome =
  | { readonly kind: 'one'; readonly identity: MbusIdentity | null }
  /** Octets that are no answer: several spoke at once. */
  | { readonly kind: 'several' }
  | { readonly kind: 'none' };

/** Any maker, version and device type. */
const ANY = { manufacturer: 0xffff, version: 0xff, deviceType: 0xff } as const;

/** See the head of the file. */
export class MbusSearch {
  readonly #open: string[] = [''];
  readonly #found = new Map<string, MbusIdentity>();
  readonly #doubled: string[] = [];
  /** Found with open digits, and not yet by its own name. */
  #unsure: MbusIdentity | null = null;

  /** Whom to select next; null = the search is over. */
  get next(): MbusIdentity | null {
    const prefix = this.#open[0];
    if (this.#unsure !== null) return this.#unsure;
    return prefix === undefined ? null : { ...ANY, number: prefix.padEnd(IDENTIFICATION_DIGITS, 'F') };
  }

  /** Meters found. */
  get found(): readonly MbusIdentity[] {
    return [...this.#found.values()];
  }

  /** Numbers that several meters share: tell them apart by their makers. */
  get doubled(): readonly string[] {
    return this.#doubled;
  }

  /** What came of the selection of {@link next}. */
  tell(outcome: SearchOutcome): void {
    const unsure = this.#unsure;
    this.#unsure = null;
    const identity = outcome.kind === 'one' ? outcome.identity : null;
    if (unsure === null && identity !== null) {
      this.#unsure = identity;
      return;
    }
    const prefix = this.#open.shift() ?? '';
    if (unsure !== null && identity !== null && identityText(identity) === identityText(unsure))
      this.#found.set(identityText(identity), identity);
    else if (unsure !== null || outcome.kind === 'several') this.#refine(prefix);
  }

  #refine(prefix: string): void {
    if (prefix.length === IDENTIFICATION_DIGITS) this.#doubled.push(prefix);
    else this.#open.unshift(...Array.from({ length: 10 }, (_, digit) => `${prefix}${digit}`));
  }
}
