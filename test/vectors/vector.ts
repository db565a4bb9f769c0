/** Reads the rows of the vector files. */
import { readFileSync } from 'node:fs';

/** A row: octets in hex and what they mean. `Expect` is what the test takes from it. */
export interface Vector<Expect> {
  readonly id: string;
  readonly description: string;
  readonly layer: string;
  readonly hex: string;
  readonly context?: Readonly<Record<string, string>>;
  readonly expect: Expect;
}

/** Rows of `<name>.json`, those of `layer` only when it is given. */
export function vectors<Expect>(name: string, layer?: string): Vector<Expect>[] {
  const rows = JSON.parse(readFileSync(new URL(`./${name}.json`, import.meta.url), 'utf8')) as Vector<Expect>[];
  return layer === undefined ? rows : rows.filter((row) => row.layer === layer);
}
