/**
 * Randomness from a seed: the same seed gives the same numbers on every machine. For simulators, tests and the virtual
 * system; never for keys. Generator: sfc32 (Chris Doty-Humphrey, PractRand), 128 bits of state, public domain.
 */
import type { Random } from './env.ts';

/** A {@link Random} with the draws that simulators need beside it. */
export class SeededRandom implements Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** `seed` is any number or text; equal seeds give equal sequences. */
  constructor(seed: number | string) {
    const text = String(seed);
    let hash = 0x811c9dc5;
    for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
    this.#a = hash | 0;
    this.#b = Math.imul(hash, 0x9e3779b1) | 0;
    this.#c = 0x9e3779b9 | 0;
    for (let round = 0; round < 12; round++) this.u32();
  }

  /** An independent generator named by `label`: adding a draw in one place does not move the others. */
  fork(label: string): SeededRandom {
    return new SeededRandom(`${this.u32()}/${label}`);
  }

  /** An integer from 0 to 2^32 - 1. */
  u32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  below(below: number): number {
    return Math.floor(this.unit() * below);
  }

  bytes(count: number): Uint8Array {
    const octets = new Uint8Array(count);
    for (let at = 0; at < count; at++) octets[at] = this.u32() >>> 24;
    return octets;
  }

  /** A number from 0 up to but without 1. */
  unit(): number {
    return this.u32() / 0x1_0000_0000;
  }

  /** True with the given probability from 0 to 1. */
  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  /** One of the items; the list must not be empty. */
  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError('pick from an empty list');
    return item;
  }
}
