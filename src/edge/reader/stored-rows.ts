/**
 * A port tells the hourly value of a gas meter with every telegram until there is a newer one: the row that was stored last is
 * not stored again. In memory only, so it is stored once more after a restart, which the collector counts once.
 */
import type { ReadoutGroup } from '../../profile/readout.ts';
import { STORED_ROWS_MAX } from '../limits.ts';

/** The last rows of one meter. */
export class StoredRows {
  readonly #last = new Map<string, string>();

  /** The groups that say something new; they count as stored from now on. */
  take(groups: readonly ReadoutGroup[]): ReadoutGroup[] {
    return groups.filter(({ group, rows }) => {
      const columns = group.columns.map(({ obis }) => obis).join();
      const said = rows.map(({ atMs, values, quality }) => `${atMs} ${quality} ${values.join()}`).join(';');
      if (this.#last.get(columns) === said) return false;
      if (this.#last.size < STORED_ROWS_MAX || this.#last.has(columns)) this.#last.set(columns, said);
      return true;
    });
  }
}
