/** The shape of a class table. */

import type { DataType } from '../axdr/data.ts';

/** One version of one interface class. */
export interface InterfaceClass {
  readonly id: number;
  readonly version: number;
  readonly name: string;
  /** Clause of the Blue Book, edition 12. */
  readonly clause: string;
  readonly attributes: readonly ClassAttribute[];
  readonly methods: readonly ClassMethod[];
  /** Value meanings, ranges and differences that meters show. */
  readonly note?: string;
}

/** One attribute. */
export interface ClassAttribute {
  readonly index: number;
  readonly name: string;
  /** `choice` = any type. */
  readonly type: DataType | 'choice';
  /** What a client with full rights may do; a meter's association says what this client really may. */
  readonly access: 'read' | 'write' | 'read-write';
  /** Fields of a structure or array, in the short notation `{name type, ...}` (u8, i16, os6, en, ...), or a fixed size. */
  readonly detail?: string;
}

/** One method. */
export interface ClassMethod {
  readonly index: number;
  readonly name: string;
  readonly argument: DataType | 'choice';
  readonly detail?: string;
}
