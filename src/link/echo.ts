/**
 * Drops the echo that two-wire adapters and optical heads give: the octets just written come back first, once.
 *
 * Only an exact echo is dropped. As soon as one octet differs, everything held back is handed on, so an adapter without
 * echo costs nothing but the look.
 */
import { concat, sameOctets } from '../base/bytes.ts';
import type { ByteDuplex, DuplexListener } from '../base/env.ts';
import { ECHO_MAX_BYTES } from './limits.ts';

/** The same line without its echo. */
export function withoutEcho(duplex: ByteDuplex): ByteDuplex {
  const filter = new EchoFilter();
  return {
    peer: duplex.peer,
    write(octets) {
      filter.wrote(octets);
      return duplex.write(octets);
    },
    listen(listener: DuplexListener) {
      duplex.listen({
        data(chunk) {
          const rest = filter.heard(chunk);
          if (rest.length > 0) listener.data(rest);
        },
        closed: (reason) => listener.closed(reason),
      });
    },
    close: () => duplex.close(),
  };
}

/** Compares what comes with what was sent. */
export class EchoFilter {
  /** What should come back, from the first octet on. */
  #expected: Uint8Array = new Uint8Array(0);
  /** How much of it has come. */
  #matched = 0;

  /** Notes octets that were written. */
  wrote(octets: Uint8Array): void {
    const expected = concat([this.#expected, octets]);
    if (expected.length <= ECHO_MAX_BYTES) this.#expected = expected;
  }

  /** What is left of a received chunk when the echo is taken out. */
  heard(chunk: Uint8Array): Uint8Array {
    if (this.#expected.length === 0) return chunk;
    const wanted = this.#expected.subarray(this.#matched, this.#matched + chunk.length);
    if (sameOctets(wanted, chunk.subarray(0, wanted.length))) {
      this.#matched += wanted.length;
      if (this.#matched === this.#expected.length) this.#forget();
      return chunk.subarray(wanted.length);
    }
    const held = this.#expected.subarray(0, this.#matched);
    this.#forget();
    return concat([held, chunk]);
  }

  #forget(): void {
    this.#expected = new Uint8Array(0);
    this.#matched = 0;
  }
}
