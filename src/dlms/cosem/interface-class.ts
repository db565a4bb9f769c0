/** The shape of a class table. */

import type { DataType } from '../axdr/data.ts';

/** One version of one interface class. */
export interface InterfaceClass {
  readonly id: number;
  readonly version: number;
  readonly name: string;
  /** Clause of the Blue Book, edition 12; absent where the table rests on public code bases alone. */
  readonly clause?: string;
  readonly certainty: ClassCertainty;
  readonly attributes: readonly ClassAttribute[];
  readonly methods: readonly ClassMethod[];
  /** Value meanings, ranges and differences that meters show. */
  readonly note?: string;
}

/** How many independent public code bases agree, 0 to 4; 0 = from memory alone. */
export interface ClassCertainty {
  /** On names and order. */
  readonly names: number;
  /** On types. */
  readonly types: number;
}

/** What the values of an enum mean. */
export type ValueNames = Readonly<Record<number, string>>;

/** One attribute. */
export interface ClassAttribute {
  readonly index: number;
  readonly name: string;
  /** `choice` = any type. */
  readonly type: DataType | 'choice';
  /**
   * What a client with full rights usually may do: the standard leaves it to the meter, whose association says what this
   * client really may. `write` = a secret that no meter gives away.
   */
  readonly access: 'read' | 'write' | 'read-write';
  /** Fields of a structure or array, in the short notation `{name type, ...}` (u8, i16, os6, en, ...), or a fixed size. */
  readonly detail?: string;
  /** What the values mean. */
  readonly values?: ValueNames;
  /** What the values of fields within the attribute mean, by name of the field. */
  readonly fieldValues?: Readonly<Record<string, ValueNames>>;
}

/** One method. */
export interface ClassMethod {
  readonly index: number;
  readonly name: string;
  /** `null` = none. */
  readonly argument: DataType | 'choice' | null;
  readonly detail?: string;
}
