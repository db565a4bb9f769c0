/**
 * Cursors over bits, most significant first: beside `base/bytes` the only place that indexes a buffer.
 *
 * Both keep spare bits in one 31-bit accumulator, so fields of up to 24 bits take one step; longer ones are split. A
 * reader throws `TruncatedError` at the end and never looks beyond its view.
 */
import { TruncatedError } from './bytes.ts';

const STEP_BITS = 24;
const STEP = 2 ** STEP_BITS;

/** Appends bit fields to a buffer that grows by doubling. */
export class BitWriter {
  #octets: Uint8Array;
  #length = 0;
  #spare = 0;
  #spareBits = 0;

  /** `initial` octets are set aside at first. */
  constructor(initial = 1024) {
    this.#octets = new Uint8Array(Math.max(8, initial));
  }

  /** Octets that {@link finish} would give now. */
  get octets(): number {
    return this.#length + (this.#spareBits > 0 ? 1 : 0);
  }

  /** The low `count` bits (0-24) of a non-negative `value` below 2^count. */
  bits(value: number, count: number): void {
    let spare = (this.#spare << count) | value;
    let spareBits = this.#spareBits + count;
    if (this.#length + 4 > this.#octets.length) this.#grow();
    while (spareBits >= 8) {
      spareBits -= 8;
      this.#octets[this.#length++] = spare >>> spareBits;
    }
    spare &= (1 << spareBits) - 1;
    this.#spare = spare;
    this.#spareBits = spareBits;
  }

  /** The low `count` bits (0-53) of a non-negative safe integer below 2^count. */
  wideBits(value: number, count: number): void {
    if (count <= STEP_BITS) {
      this.bits(value, count);
      return;
    }
    const high = Math.floor(value / STEP);
    this.wideBits(high, count - STEP_BITS);
    this.bits(value - high * STEP, STEP_BITS);
  }

  /** The low `count` bits of a non-negative bigint below 2^count. */
  bigBits(value: bigint, count: number): void {
    if (count <= STEP_BITS) {
      this.bits(Number(value), count);
      return;
    }
    this.bigBits(value >> BigInt(STEP_BITS), count - STEP_BITS);
    this.bits(Number(value & BigInt(STEP - 1)), STEP_BITS);
  }

  #grow(): void {
    const bigger = new Uint8Array(this.#octets.length * 2);
    bigger.set(this.#octets);
    this.#octets = bigger;
  }

  /** A copy of what was written, the last octet filled up with zeros. */
  finish(): Uint8Array {
    const octets = this.#octets.slice(0, this.octets);
    if (this.#spareBits > 0) octets[this.#length] = this.#spare << (8 - this.#spareBits);
    return octets;
  }
}

/** Reads bit fields from a view, which must not change meanwhile. */
export class BitReader {
  readonly #octets: Uint8Array;
  #offset = 0;
  #spare = 0;
  #spareBits = 0;

  constructor(octets: Uint8Array) {
    this.#octets = octets;
  }

  /** Bits left. */
  get remaining(): number {
    return (this.#octets.length - this.#offset) * 8 + this.#spareBits;
  }

  /** Takes octets until at least `count` bits (0-24) are spare; takes more when there are more, which saves calls. */
  #fill(count: number): void {
    let spare = this.#spare;
    let spareBits = this.#spareBits;
    let offset = this.#offset;
    while (spareBits < STEP_BITS && offset < this.#octets.length) {
      spare = (spare << 8) | (this.#octets[offset] as number);
      offset++;
      spareBits += 8;
    }
    this.#spare = spare;
    this.#spareBits = spareBits;
    this.#offset = offset;
    if (spareBits < count) throw new TruncatedError(offset, Math.ceil((count - spareBits) / 8), 0);
  }

  /** The next `count` bits (0-24) as a non-negative number. */
  bits(count: number): number {
    if (this.#spareBits < count) this.#fill(count);
    const left = this.#spareBits - count;
    const value = this.#spare >>> left;
    this.#spare &= (1 << left) - 1;
    this.#spareBits = left;
    return value;
  }

  /** The next `count` bits (0-53) as a non-negative safe integer. */
  wideBits(count: number): number {
    if (count <= STEP_BITS) return this.bits(count);
    const high = this.wideBits(count - STEP_BITS);
    return high * STEP + this.bits(STEP_BITS);
  }

  /** The next `count` bits as a non-negative bigint. */
  bigBits(count: number): bigint {
    if (count <= STEP_BITS) return BigInt(this.bits(count));
    const high = this.bigBits(count - STEP_BITS);
    return (high << BigInt(STEP_BITS)) | BigInt(this.bits(STEP_BITS));
  }

  /** Counts ones up to the zero that ends them, which is taken too; after `most` (1-20) ones no zero follows. */
  ones(most: number): number {
    let count = 0;
    for (;;) {
      if (this.#spareBits === 0) this.#fill(1);
      const spareBits = this.#spareBits;
      // Left-aligned, the spare bits are followed by zeros, so no more ones are seen than there are.
      const leading = Math.clz32(~(this.#spare << (32 - spareBits)));
      if (count + leading >= most) {
        this.bits(most - count);
        return most;
      }
      count += leading;
      if (leading < spareBits) {
        this.bits(leading + 1);
        return count;
      }
      this.bits(leading);
    }
  }
}
