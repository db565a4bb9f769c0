/**
 * Noise without state: the same (seed, index) always gives the same number, in any order of asking. A meter's past can so be
 * computed at any point without walking there.
 */

/** 32 well-mixed bits of a seed and an index (the finaliser of MurmurHash3, public domain). */
export function hash32(seed: number, index: number): number {
  let bits = Math.imul(seed ^ Math.imul(index | 0, 0x9e37_79b1), 0x85eb_ca6b) ^ Math.floor(index / 0x1_0000_0000);
  bits = Math.imul(bits ^ (bits >>> 16), 0x85eb_ca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2_ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

/** A number from 0 up to but without 1. */
export function noise(seed: number, index: number): number {
  return hash32(seed, index) / 0x1_0000_0000;
}

/** Noise that moves smoothly from index to index: linear between the whole ones, from 0 to 1. */
export function smoothNoise(seed: number, position: number): number {
  const index = Math.floor(position);
  const from = noise(seed, index);
  return from + (noise(seed, index + 1) - from) * (position - index);
}

/** A seed for one purpose of one meter. */
export function seedOf(seed: number | string, label: string): number {
  const text = `${seed}/${label}`;
  let hash = 0x811c_9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x0100_0193);
  return hash32(hash, 1);
}
