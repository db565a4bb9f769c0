/** The trace of a virtual run: a hash over everything that happened, so that two runs of one seed can be compared. */

import { concat, toHex } from '../base/bytes.ts';
import type { Crypto } from '../base/env.ts';

const CHUNK_OCTETS = 65_536;

/** Collects lines and folds them into one SHA-256 chain. */
export class Trace {
  readonly #crypto: Pick<Crypto, 'sha256'>;
  readonly #encoder = new TextEncoder();
  #chain: Uint8Array = new Uint8Array(32);
  #lines: string[] = [];
  #held = 0;
  #count = 0;

  constructor(crypto: Pick<Crypto, 'sha256'>) {
    this.#crypto = crypto;
  }

  /** Events noted so far. */
  get count(): number {
    return this.#count;
  }

  /** Notes one event of the run. */
  note(line: string): void {
    this.#count++;
    this.#lines.push(line);
    this.#held += line.length;
    if (this.#held >= CHUNK_OCTETS) this.#fold();
  }

  /** Hash of all events so far, 64 hex digits. */
  hash(): string {
    this.#fold();
    return toHex(this.#chain);
  }

  #fold(): void {
    if (this.#lines.length === 0) return;
    const text = this.#encoder.encode(this.#lines.join('\n'));
    this.#chain = this.#crypto.sha256(concat([this.#chain, text]));
    this.#lines = [];
    this.#held = 0;
  }
}
