/** The tree that `explain` draws. */

import type { Json } from './json.ts';

/** One field or group of fields. */
export interface ExplainNode {
  readonly name: string;
  /** Offset of the first octet in what was explained; null when the field has no octets of its own or they were not found. */
  readonly offset: number | null;
  /** The octets in hex; empty where `offset` is null. */
  readonly hex: string;
  /** What the octets mean, when it can be said in one value. */
  readonly value?: Json;
  /** Document and section that define it, for the nodes that begin one. */
  readonly section?: string;
  readonly children: readonly ExplainNode[];
}

/** Where octets stand inside larger ones, looked up from left to right so that equal fields are told apart. */
export class Place {
  readonly #hex: string;
  readonly #base: number;
  #from = 0;

  /** `hex` is the larger one; `base` is its offset in what was explained. */
  constructor(hex: string, base: number) {
    this.#hex = hex;
    this.#base = base;
  }

  /** The offset of the next occurrence, which is then behind us; null when there is none, or no octets to find. */
  find(hex: string): number | null {
    if (hex === '') return null;
    let at = this.#hex.indexOf(hex, this.#from);
    while (at % 2 === 1) at = this.#hex.indexOf(hex, at + 1);
    if (at < 0) return null;
    this.#from = at + hex.length;
    return this.#base + at / 2;
  }

  /** Moves to an offset (of what was explained) that is known otherwise. */
  moveTo(offset: number): void {
    this.#from = (offset - this.#base) * 2;
  }
}

const NO_NODES: readonly ExplainNode[] = [];

/** A node. Trees have hundreds of them for a kilobyte: those without children share one empty list. */
export function nodeOf(
  name: string,
  offset: number | null,
  hex: string,
  value: Json | undefined,
  children: readonly ExplainNode[] = NO_NODES,
): ExplainNode {
  return value === undefined ? { name, offset, hex, children } : { name, offset, hex, value, children };
}

/** A node without children. */
export function leaf(name: string, offset: number | null, hex: string, value?: Json): ExplainNode {
  return nodeOf(name, offset, offset === null ? '' : hex, value);
}
