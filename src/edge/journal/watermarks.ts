/**
 * Watermarks in memory and packed: per line one value of times, and one of names that changes only when a meter is new.
 *
 * Times are written against the highest one of the line: rows of a round share it, so a watermark costs one octet.
 */
import { ByteWriter } from '../../base/bytes.ts';
import type { MeterId } from '../../model/ids.ts';
import type { Watermark } from '../ports.ts';
import { journalError } from './errors.ts';
import { unpack } from './keys.ts';
import { WATERMARKS_MAX_PER_LINE } from './limits.ts';

/** A line's watermarks. */
interface Line {
  /** Index by name; a name is never removed. */
  readonly names: Map<string, number>;
  /** Time by index, null = none. */
  readonly times: (number | null)[];
}

/** A line as an append would leave it. */
export interface LineChange {
  readonly line: string;
  /** Packed names, or null when no name is new. */
  readonly names: Uint8Array | null;
  readonly times: Uint8Array;
  /** For the table, when the batch is on the medium. */
  readonly next: Line;
}

const VALUE_FORMAT = 1;
const SEPARATOR = '\0';

function nameOf(meterId: MeterId, key: string): string {
  return `${meterId}${SEPARATOR}${key}`;
}

function packNames(names: ReadonlyMap<string, number>): Uint8Array {
  const writer = new ByteWriter(1024).u8(VALUE_FORMAT).varint(names.size);
  for (const name of names.keys()) {
    const octets = new TextEncoder().encode(name);
    writer.varint(octets.length).bytes(octets);
  }
  return writer.finish();
}

function packTimes(times: readonly (number | null)[]): Uint8Array {
  const base = times.reduce<number>((highest, time) => Math.max(highest, time ?? highest), Number.MIN_SAFE_INTEGER);
  const unitMs = times.every((time) => time === null || (base - time) % 1000 === 0) ? 1000 : 1;
  const writer = new ByteWriter(256)
    .u8(VALUE_FORMAT)
    .f64(base)
    .u8(unitMs === 1000 ? 1 : 0)
    .varint(times.length);
  for (const time of times) writer.varint(time === null ? 0 : 1 + (base - time) / unitMs);
  return writer.finish();
}

function unpackNames(octets: Uint8Array, line: string): Map<string, number> {
  return unpack(octets, `names of line ${line}`, (reader) => {
    const names = new Map<string, number>();
    const count = reader.varint();
    for (let at = 0; at < count; at++) names.set(new TextDecoder().decode(reader.slice(reader.varint())), at);
    return names;
  });
}

function unpackTimes(octets: Uint8Array, line: string): (number | null)[] {
  return unpack(octets, `watermarks of line ${line}`, (reader) => {
    const base = reader.f64();
    const unitMs = reader.u8() === 1 ? 1000 : 1;
    const times: (number | null)[] = [];
    const count = reader.varint();
    for (let at = 0; at < count; at++) {
      const back = reader.varint();
      times.push(back === 0 ? null : base - (back - 1) * unitMs);
    }
    return times;
  });
}

/** All watermarks of a journal. */
export class WatermarkTable {
  readonly #lines = new Map<string, Line>();
  /** Line on which a name stands now. */
  readonly #lineOf = new Map<string, string>();

  /** Takes in what was stored of a line. */
  load(line: string, names: Uint8Array, times: Uint8Array): void {
    this.commit([
      { line, names: null, times, next: { names: unpackNames(names, line), times: unpackTimes(times, line) } },
    ]);
  }

  /** Time of the last safe row, UTC ms, or null. */
  at(meterId: MeterId, key: string): number | null {
    const name = nameOf(meterId, key);
    const line = this.#lines.get(this.#lineOf.get(name) ?? '');
    return line?.times[line.names.get(name) ?? -1] ?? null;
  }

  /** What these watermarks change, the table itself untouched; a name that stood on another line leaves it. */
  plan(line: string, watermarks: readonly Watermark[]): LineChange[] {
    if (watermarks.length === 0) return [];
    const changed = new Map<string, Line>();
    const openLine = (name: string): Line => {
      const open = changed.get(name);
      if (open !== undefined) return open;
      const known = this.#lines.get(name);
      const copy = { names: new Map(known?.names ?? []), times: [...(known?.times ?? [])] };
      changed.set(name, copy);
      return copy;
    };
    for (const { meterId, key, atMs, line: ownLine } of watermarks) {
      const lineName = ownLine ?? line;
      const name = nameOf(meterId, key);
      const before = this.#lineOf.get(name);
      if (before !== undefined && before !== lineName) {
        const left = openLine(before);
        left.times[left.names.get(name) ?? 0] = null;
      }
      const target = openLine(lineName);
      const index = target.names.get(name) ?? target.names.size;
      if (index >= WATERMARKS_MAX_PER_LINE)
        throw journalError('JOURNAL_ENTRY', `too many watermarks on line ${lineName}`);
      target.names.set(name, index);
      target.times[index] = atMs;
    }
    return [...changed].map(([lineName, next]) => {
      const isNew = next.names.size !== (this.#lines.get(lineName)?.names.size ?? 0);
      return { line: lineName, names: isNew ? packNames(next.names) : null, times: packTimes(next.times), next };
    });
  }

  /** Makes planned changes true. */
  commit(changes: readonly LineChange[]): void {
    for (const { line, next } of changes) {
      this.#lines.set(line, next);
      for (const [name, index] of next.names) {
        if (next.times[index] !== null && next.times[index] !== undefined) this.#lineOf.set(name, line);
      }
    }
  }
}
