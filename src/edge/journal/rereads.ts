/**
 * The list of intervals that were lost and should be read from their meters again.
 *
 * An entry a group of a meter; times grow together, because reading an interval twice changes nothing. It is stored in the
 * batch that loses the blocks.
 */
import { ByteWriter } from '../../base/bytes.ts';
import type { StoreWrite } from '../../base/env.ts';
import type { MeterId } from '../../model/ids.ts';
import type { DictionaryGroup } from '../../wire/rows.ts';
import type { Reread } from '../ports.ts';
import { KEY, keyOf, putSealed, unpack, unseal } from './keys.ts';
import { REREAD_MAX } from './limits.ts';

const VALUE_FORMAT = 1;
const SEPARATOR = '\0';

function nameOf({ meterId, intervalS, obis }: Pick<Reread, 'meterId' | 'intervalS' | 'obis'>): string {
  return [meterId, intervalS, ...obis.slice(0, 1)].join(SEPARATOR);
}

function pack(reread: Reread): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify([reread.meterId, reread.intervalS, ...reread.obis]));
  return new ByteWriter(64).u8(VALUE_FORMAT).f64(reread.fromMs).f64(reread.toMs).bytes(text).finish();
}

function unpackReread(octets: Uint8Array): Reread {
  return unpack(octets, 'interval to be read again', (reader) => {
    const [fromMs, toMs] = [reader.f64(), reader.f64()];
    const [meterId, intervalS, ...obis] = JSON.parse(new TextDecoder().decode(reader.rest())) as [
      MeterId,
      number,
      ...string[],
    ];
    return { meterId, intervalS, obis, fromMs, toMs };
  });
}

/** What losing rows of these groups within these times makes to be read again. */
export function rereadsOf(groups: readonly DictionaryGroup[], fromMs: number, toMs: number): Reread[] {
  return groups.map(({ meterId, intervalS, columns }) => ({
    meterId: meterId as MeterId,
    intervalS,
    obis: columns.map((column) => column.obis),
    fromMs,
    toMs,
  }));
}

/** The list in memory. */
export class RereadList {
  readonly #entries = new Map<string, Reread>();

  /** All entries, oldest first. */
  list(): readonly Reread[] {
    return [...this.#entries.values()].sort((a, b) => a.fromMs - b.fromMs);
  }

  /** Takes in a stored entry; throws JOURNAL_CORRUPT. */
  load(key: Uint8Array, sealed: Uint8Array): void {
    const reread = unpackReread(unseal(key, sealed));
    this.#entries.set(nameOf(reread), reread);
  }

  /** The writes that add these, and the entries as they will be; beyond {@link REREAD_MAX} entries nothing is added. */
  plan(rereads: readonly Reread[]): { readonly writes: StoreWrite[]; readonly entries: readonly Reread[] } {
    const next = new Map<string, Reread>();
    for (const reread of rereads) {
      const name = nameOf(reread);
      const known = next.get(name) ?? this.#entries.get(name);
      if (known === undefined && this.#entries.size + next.size >= REREAD_MAX) continue;
      const fromMs = Math.min(reread.fromMs, known?.fromMs ?? reread.fromMs);
      const toMs = Math.max(reread.toMs, known?.toMs ?? reread.toMs);
      next.set(name, { ...reread, fromMs, toMs });
    }
    const writes = [...next].map(([name, reread]) => putSealed(keyOf(KEY.reread, name), pack(reread)));
    return { writes, entries: [...next.values()] };
  }

  /** Makes planned entries true. */
  commit(entries: readonly Reread[]): void {
    for (const reread of entries) this.#entries.set(nameOf(reread), reread);
  }

  /** The write that takes an entry off the list, or null when it is not there as it was. */
  planRemoval(reread: Reread): StoreWrite | null {
    const known = this.#entries.get(nameOf(reread));
    const same = known !== undefined && known.fromMs >= reread.fromMs && known.toMs <= reread.toMs;
    return same ? { kind: 'delete', key: keyOf(KEY.reread, nameOf(reread)) } : null;
  }

  /** Makes a removal true. */
  remove(reread: Reread): void {
    this.#entries.delete(nameOf(reread));
  }
}
