/**
 * Cursors over octets: the only place that indexes a buffer.
 *
 * A `ByteReader` never reads past the view it was made on, whatever a length field in the data claims, and throws exactly
 * one kind of error, `TruncatedError`, with the offset. A `ByteWriter` grows by doubling up to a bound. All multi-octet
 * numbers are big-endian unless the name ends in `LE`.
 */

/** The octets ended before the value did. `offset` is where the value began, `needed` how many octets it wanted. */
export class TruncatedError extends Error {
  override readonly name = 'TruncatedError';

  constructor(
    /** Offset in octets, from the start of the reader's view, at which the value began. */
    readonly offset: number,
    /** Octets that the value wanted. */
    readonly needed: number,
    /** Octets that were left. */
    readonly left: number,
  ) {
    super(`octets end at offset ${offset + left}: ${needed} wanted from offset ${offset}, ${left} left`);
  }
}

/** Reads numbers and slices from a view without copying; the view must not change while the reader is in use. */
export class ByteReader {
  readonly #octets: Uint8Array;
  /** Made when a number of eight octets or a float is first asked for: making one costs more than most reads. */
  #wide: DataView | null = null;
  #offset = 0;

  constructor(octets: Uint8Array) {
    this.#octets = octets;
  }

  get #view(): DataView {
    this.#wide ??= new DataView(this.#octets.buffer, this.#octets.byteOffset, this.#octets.byteLength);
    return this.#wide;
  }

  /** An octet that was taken. */
  #at(offset: number): number {
    return this.#octets[offset] as number;
  }

  /** Octets read so far. */
  get offset(): number {
    return this.#offset;
  }

  /** Octets left. */
  get remaining(): number {
    return this.#octets.length - this.#offset;
  }

  /** Moves past `count` octets and returns the offset at which they began; throws {@link TruncatedError}. */
  #take(count: number): number {
    const at = this.#offset;
    if (count < 0 || count > this.#octets.length - at) throw new TruncatedError(at, count, this.#octets.length - at);
    this.#offset = at + count;
    return at;
  }

  /** The next octet without moving, or -1 at the end. */
  peek(): number {
    return this.#offset < this.#octets.length ? (this.#octets[this.#offset] as number) : -1;
  }

  u8(): number {
    return this.#at(this.#take(1));
  }

  i8(): number {
    return (this.#at(this.#take(1)) << 24) >> 24;
  }

  u16(): number {
    const at = this.#take(2);
    return (this.#at(at) << 8) | this.#at(at + 1);
  }

  u16LE(): number {
    const at = this.#take(2);
    return this.#at(at) | (this.#at(at + 1) << 8);
  }

  i16(): number {
    return (this.u16() << 16) >> 16;
  }

  u24(): number {
    const at = this.#take(3);
    return (this.#at(at) << 16) | (this.#at(at + 1) << 8) | this.#at(at + 2);
  }

  u32(): number {
    return this.i32() >>> 0;
  }

  u32LE(): number {
    const at = this.#take(4);
    return (this.#at(at) | (this.#at(at + 1) << 8) | (this.#at(at + 2) << 16) | (this.#at(at + 3) << 24)) >>> 0;
  }

  i32(): number {
    const at = this.#take(4);
    return (this.#at(at) << 24) | (this.#at(at + 1) << 16) | (this.#at(at + 2) << 8) | this.#at(at + 3);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8));
  }

  i64(): bigint {
    return this.#view.getBigInt64(this.#take(8));
  }

  f32(): number {
    return this.#view.getFloat32(this.#take(4));
  }

  f64(): number {
    return this.#view.getFloat64(this.#take(8));
  }

  /** The next `count` octets as a view on the same memory (not a copy). */
  slice(count: number): Uint8Array {
    const at = this.#take(count);
    return this.#octets.subarray(at, at + count);
  }

  /** All octets that are left, as a view. */
  rest(): Uint8Array {
    return this.slice(this.remaining);
  }

  /** Moves `count` octets on. */
  skip(count: number): void {
    this.#take(count);
  }

  /** Unsigned LEB128, at most 2^53 - 1; throws {@link TruncatedError}, or RangeError when the number is longer. */
  varint(): number {
    let value = 0;
    let scale = 1;
    for (let octets = 0; octets < 8; octets++) {
      const octet = this.u8();
      value += (octet & 0x7f) * scale;
      if (octet < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) break;
        return value;
      }
      scale *= 128;
    }
    throw new RangeError(`varint at offset ${this.#offset} is beyond 2^53 - 1`);
  }
}

/** Memory from which small writers begin; every octet is handed out once. */
const SLAB_OCTETS = 8_192;
let slab = new Uint8Array(SLAB_OCTETS);
let slabUsed = 0;

/** Zeroes of their own. An array of each writer's own costs more than what most of them write. */
function freshOctets(count: number): Uint8Array {
  if (count > SLAB_OCTETS / 8) return new Uint8Array(count);
  if (slabUsed + count > SLAB_OCTETS) {
    slab = new Uint8Array(SLAB_OCTETS);
    slabUsed = 0;
  }
  const from = slabUsed;
  slabUsed += count;
  return slab.subarray(from, slabUsed);
}

/** Appends numbers and octets to one growing buffer. */
export class ByteWriter {
  #octets: Uint8Array;
  /** Made when a number of eight octets or a float is first written. */
  #wide: DataView | null = null;
  #length = 0;
  readonly #limit: number;

  /** `limit` in octets bounds growth (default 16 MiB); writing beyond it throws RangeError. */
  constructor(initial = 256, limit = 16_777_216) {
    this.#octets = freshOctets(initial);
    this.#limit = limit;
  }

  get #view(): DataView {
    this.#wide ??= new DataView(this.#octets.buffer, this.#octets.byteOffset, this.#octets.byteLength);
    return this.#wide;
  }

  /** Octets written so far. */
  get length(): number {
    return this.#length;
  }

  /** Makes room and returns where it begins. Call it before touching `#view` or `#octets`: growing replaces both. */
  #room(count: number): number {
    const at = this.#length;
    const wanted = at + count;
    if (wanted > this.#octets.length) this.#grow(wanted);
    this.#length = wanted;
    return at;
  }

  #grow(wanted: number): void {
    if (wanted > this.#limit) throw new RangeError(`writer is limited to ${this.#limit} octets, ${wanted} wanted`);
    const bigger = new Uint8Array(Math.min(this.#limit, Math.max(wanted, this.#octets.length * 2)));
    bigger.set(this.#octets.subarray(0, this.#length));
    this.#octets = bigger;
    this.#wide = null;
  }

  u8(value: number): this {
    const at = this.#room(1);
    this.#octets[at] = value;
    return this;
  }

  i8(value: number): this {
    return this.u8(value);
  }

  u16(value: number): this {
    this.patchU16(this.#room(2), value);
    return this;
  }

  u16LE(value: number): this {
    const at = this.#room(2);
    this.#octets[at] = value;
    this.#octets[at + 1] = value >>> 8;
    return this;
  }

  i16(value: number): this {
    return this.u16(value);
  }

  u24(value: number): this {
    const at = this.#room(3);
    this.#octets[at] = value >>> 16;
    this.patchU16(at + 1, value);
    return this;
  }

  u32(value: number): this {
    this.patchU32(this.#room(4), value);
    return this;
  }

  u32LE(value: number): this {
    const at = this.#room(4);
    this.#octets[at] = value;
    this.#octets[at + 1] = value >>> 8;
    this.#octets[at + 2] = value >>> 16;
    this.#octets[at + 3] = value >>> 24;
    return this;
  }

  i32(value: number): this {
    return this.u32(value);
  }

  u64(value: bigint): this {
    const at = this.#room(8);
    this.#view.setBigUint64(at, value);
    return this;
  }

  i64(value: bigint): this {
    const at = this.#room(8);
    this.#view.setBigInt64(at, value);
    return this;
  }

  f32(value: number): this {
    const at = this.#room(4);
    this.#view.setFloat32(at, value);
    return this;
  }

  f64(value: number): this {
    const at = this.#room(8);
    this.#view.setFloat64(at, value);
    return this;
  }

  bytes(octets: Uint8Array): this {
    const at = this.#room(octets.length);
    this.#octets.set(octets, at);
    return this;
  }

  /** Unsigned LEB128 of an integer from 0 to 2^53 - 1. */
  varint(value: number): this {
    let rest = value;
    while (rest >= 0x80) {
      this.u8((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    return this.u8(rest);
  }

  /** Overwrites the octet at `offset`, which must have been written. */
  patchU8(offset: number, value: number): void {
    this.#octets[offset] = value;
  }

  /** Overwrites two octets at `offset`, which must have been written. */
  patchU16(offset: number, value: number): void {
    this.#octets[offset] = value >>> 8;
    this.#octets[offset + 1] = value;
  }

  /** Overwrites four octets at `offset`, which must have been written. */
  patchU32(offset: number, value: number): void {
    this.#octets[offset] = value >>> 24;
    this.#octets[offset + 1] = value >>> 16;
    this.#octets[offset + 2] = value >>> 8;
    this.#octets[offset + 3] = value;
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#octets.slice(0, this.#length);
  }

  /** A view on what was written; valid until the next write. */
  written(): Uint8Array {
    return this.#octets.subarray(0, this.#length);
  }
}

/** Codes of the digits, two for each octet. */
const HEX_CODES = new TextEncoder().encode(
  Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, '0')).join(''),
);
const ASCII = new TextDecoder('latin1');

/** Lower-case hex, two digits an octet. Made in one piece: a text put together octet by octet holds an object for each. */
export function toHex(octets: Uint8Array): string {
  const codes = new Uint8Array(octets.length * 2);
  let at = 0;
  for (const octet of octets) {
    codes[at++] = HEX_CODES[octet * 2] as number;
    codes[at++] = HEX_CODES[octet * 2 + 1] as number;
  }
  return ASCII.decode(codes);
}

/** Octets of a hex text; white space is ignored; throws RangeError naming the place of an odd or foreign digit. */
export function fromHex(text: string): Uint8Array {
  const digits = text.replace(/\s+/g, '');
  const foreign = digits.search(/[^0-9a-fA-F]/);
  if (foreign >= 0) throw new RangeError(`'${digits.charAt(foreign)}' at digit ${foreign} is not hex`);
  if (digits.length % 2 === 1) throw new RangeError(`${digits.length} hex digits: an even number is wanted`);
  const octets = new Uint8Array(digits.length / 2);
  for (let at = 0; at < octets.length; at++) octets[at] = Number.parseInt(digits.slice(at * 2, at * 2 + 2), 16);
  return octets;
}

/** One array out of many. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Whether two arrays hold the same octets. Not constant in time: secrets are compared in host/crypto. */
export function sameOctets(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}
